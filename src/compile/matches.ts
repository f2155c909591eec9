// Matches of the rule model as words of the CODE section. Owns what each kind's words are; see layout.ts.
// What always holds is left out (a comment, nfacct). Kernel: net/netfilter/xt_*.c, net/ipv4/netfilter/, net/ipv6/netfilter/.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/proto.js'
import type { Backend, Family, Match, Range, Rule } from '../netfilter/model.js'
import type { CompileContext, Place } from './context.js'
import type { HashLimits } from './hashlimits.js'
import type { IfacePatterns } from './ifaces.js'
import { address, addrtypeMatch, iprangeMatch } from './matches-address.js'
import { connectionMatch } from './matches-connection.js'
import { contextMatch } from './matches-context.js'
import { conntrackMatch, ctStates } from './matches-ct.js'
import { headerMatch } from './matches-header.js'
import { portsMatch, sctpMatch, tcpMatch } from './matches-layer4.js'
import { limitsMatch } from './matches-limits.js'
import { linkMatch, physdevMatch } from './matches-link.js'
import { listedMatch } from './matches-listed.js'
import { MAX_HITCOUNT, type RecentLists } from './recents.js'
import { setMatch } from './set-rules.js'
import type { SetTable } from './sets.js'
import type { Words } from './words.js'

/** What the matches of all rules are written with. */
export interface MatchSink {
  readonly context: CompileContext
  readonly code: Words
  readonly state: Words
  readonly sets: SetTable
  readonly recents: RecentLists
  readonly ifaces: IfacePatterns
  readonly hashlimits: HashLimits
  /** Words that matches of the rule refer to (by the index of the word that says where); written behind all of them. */
  readonly behind: { readonly slot: number; readonly words: readonly number[] }[]
}

/** The rule that a match stands in. */
export interface MatchRule {
  readonly family: Family
  readonly backend: Backend
  readonly place: Place
  readonly rule: Rule
}

/** How many matches were written: 0 when it always holds. */
export type MatchCount = 0 | 1

const UNIT_SECONDS = { sec: 1, min: 60, hour: 3600, day: 86400 } as const

/** A range in one word. */
export const span = (range: Range): number => (range.from | (range.to << 16)) >>> 0
/** Is it negated? */
export const not = (x: { readonly not: boolean } | undefined): boolean => x?.not === true

/** Appends one match: kind, flags and its words. */
export function put(code: Words, kind: number, flags: number, words: readonly number[]): MatchCount {
  code.push((kind | ((words.length + 1) << 8) | (flags << 16)) >>> 0)
  code.pushAll(words)
  return 1
}

/** What `xt_limit` makes of a number of tenths of milliseconds: credits, at 32 a millisecond; wraps at 32 bits. */
export function limitCredits(x: number): number {
  const tenths = x % 2 ** 32
  return (tenths > 134217 ? Math.floor(tenths / 10000) * 32000 : Math.floor((tenths * 32000) / 10000)) % 2 ** 32
}

function recentMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'recent' }>): MatchCount {
  const hitcount = m.hitcount ?? 0
  if (hitcount > MAX_HITCOUNT) {
    sink.context.fault(at.place, `hitcount ${hitcount} is more than the ${MAX_HITCOUNT} packets that are remembered`)
    return 0
  }
  const op = { set: L.RECENT_SET, rcheck: L.RECENT_RCHECK, update: L.RECENT_UPDATE, remove: L.RECENT_REMOVE }[m.op]
  const flags =
    op |
    (m.not ? L.MATCH_NOT : 0) |
    (m.side === 'dest' ? L.RECENT_DEST : 0) |
    (m.rttl ? L.RECENT_TTL : 0) |
    (m.reap && m.seconds ? L.RECENT_REAP : 0)
  const list = sink.recents.use(m.name, at.family, address(sink, at, m.mask), hitcount)
  return put(sink.code, L.MATCH_RECENT, flags, [list.index, ...list.mask, m.seconds ?? 0, hitcount])
}

function limitMatch(sink: MatchSink, m: Extract<Match, { match: 'limit' }>): MatchCount {
  const avg = Math.floor((10000 * UNIT_SECONDS[m.unit]) / m.rate)
  const cost = limitCredits(avg)
  const cap = limitCredits(avg * m.burst)
  const at0 = sink.state.reserve(L.LIMIT_STATE_WORDS)
  const scratch = new DataView(new ArrayBuffer(8))
  scratch.setFloat64(0, cap, true)
  sink.state.set(at0, scratch.getUint32(0, true))
  sink.state.set(at0 + 1, scratch.getUint32(4, true))
  return put(sink.code, L.MATCH_LIMIT, 0, [cost, cap, at0])
}

const PROTO_OF: Readonly<Record<string, number>> = {
  tcp: PROTOCOL_TCP,
  udp: PROTOCOL_UDP,
  sctp: PROTOCOL_SCTP,
  icmp: PROTOCOL_ICMP,
  icmp6: PROTOCOL_ICMPV6,
}

/** The kernel refuses these matches in a rule that is not about their protocol. */
function protocolFits(sink: MatchSink, at: MatchRule, m: Match): boolean {
  const { proto } = at.rule
  if (m.match === 'multiport') {
    if (proto && !proto.not && [6, 17, 33, 132, 136].includes(proto.value)) return true
    sink.context.fault(at.place, 'the match multiport needs `-p` tcp, udp, udplite, dccp or sctp')
    return false
  }
  const needed = PROTO_OF[m.match]
  if (needed === undefined || (proto && !proto.not && proto.value === needed)) return true
  // `-m udp` is also used with UDP-Lite's own match in the kernel, but iptables writes it for UDP only.
  sink.context.fault(at.place, `the match ${m.match} needs \`-p ${m.match}\``)
  return false
}

/** Writes one match; returns how many matches of the core it became. */
export function writeMatch(sink: MatchSink, at: MatchRule, m: Match): number {
  if (!protocolFits(sink, at, m)) return 0
  const { code } = sink
  if ('options' in m) return listedMatch(sink, at, m)
  switch (m.match) {
    case 'comment':
    case 'nfacct':
      return 0
    case 'tcp':
      return tcpMatch(sink, at, m)
    case 'udp':
      return portsMatch(sink, at, m)
    case 'sctp':
      return sctpMatch(sink, at, m)
    case 'icmp':
    case 'icmp6': {
      const { type, codes } = m.type.value
      const flags = (m.type.not ? L.MATCH_NOT : 0) | (m.match === 'icmp' && type === 255 ? L.ICMP_ANY : 0)
      return put(code, L.MATCH_ICMP, flags, [(type | (codes.from << 8) | (codes.to << 16)) >>> 0])
    }
    case 'conntrack':
      return conntrackMatch(sink, at, m)
    case 'state':
      return put(code, L.MATCH_CT_STATE, m.state.not ? L.MATCH_NOT : 0, [ctStates(m.state.value)])
    case 'mark':
    case 'connmark': {
      const kind = m.match === 'mark' ? L.MATCH_MARK : L.MATCH_CONNMARK
      return put(code, kind, m.mark.not ? L.MATCH_NOT : 0, [m.mark.value.value >>> 0, m.mark.value.mask >>> 0])
    }
    case 'addrtype':
      return addrtypeMatch(sink, m)
    case 'statistic':
      if (m.mode === 'random') return put(code, L.MATCH_RANDOM, m.not ? L.MATCH_NOT : 0, [m.probability >>> 0])
      if (m.every < 1 || m.packet >= m.every) {
        sink.context.fault(at.place, `nth every ${m.every} packet ${m.packet}: packet must be less than every`)
        return 0
      }
      return put(code, L.MATCH_NTH, m.not ? L.MATCH_NOT : 0, [m.every, m.packet, sink.state.reserve(L.NTH_STATE_WORDS)])
    case 'recent':
      return recentMatch(sink, at, m)
    case 'owner':
    case 'time':
    case 'rpfilter':
      return contextMatch(sink, m)
    case 'connbytes':
    case 'connlimit':
      return connectionMatch(sink, at, m)
    case 'quota':
    case 'hashlimit':
      return limitsMatch(sink, at, m)
    case 'length':
    case 'ttl':
    case 'hl':
    case 'tos':
    case 'dscp':
    case 'ecn':
    case 'cpu':
      return headerMatch(sink, m)
    case 'multiport': {
      if (m.ports.length === 0 || m.ports.length > 15) {
        sink.context.fault(at.place, `the match multiport takes 1 to 15 ports, not ${m.ports.length}`)
        return 0
      }
      const on =
        (m.on === 'dports' ? 0 : L.MULTIPORT_SPORTS) |
        (m.on === 'sports' ? 0 : L.MULTIPORT_DPORTS) |
        (m.not ? L.MATCH_NOT : 0)
      return put(code, L.MATCH_MULTIPORT, on, m.ports.map(span))
    }
    case 'iprange':
      return iprangeMatch(sink, at, m)
    case 'set':
      return put(code, ...setMatch(sink, at, m))
    case 'limit':
      return limitMatch(sink, m)
    case 'physdev':
      return physdevMatch(sink, m)
    case 'mac':
    case 'pkttype':
      return linkMatch(sink, m)
    default:
      sink.context.fault(at.place, `the match ${escapeText(String((m as { match: unknown }).match))} is not supported`)
      return 0
  }
}
