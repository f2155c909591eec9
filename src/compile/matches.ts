// Matches of the rule model as words of the CODE section. Owns what each kind's words are; see layout.ts.
// What always holds is left out (a comment, nfacct). Kernel: net/netfilter/xt_*.c, net/ipv4/netfilter/, net/ipv6/netfilter/.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import { addressWords, parseAddress } from '../net/ip.js'
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/proto.js'
import type { Backend, CtStateName, Family, Match, Negatable, Range, Rule } from '../netfilter/model.js'
import type { CompileContext, Place } from './context.js'
import type { HashLimits } from './hashlimits.js'
import type { IfacePatterns } from './ifaces.js'
import { contextMatch } from './matches-context.js'
import { headerMatch } from './matches-header.js'
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

const CT_STATES: Readonly<Record<CtStateName, number>> = {
  ESTABLISHED: L.CTSTATE_ESTABLISHED,
  RELATED: L.CTSTATE_RELATED,
  NEW: L.CTSTATE_NEW,
  INVALID: L.CTSTATE_INVALID,
  UNTRACKED: L.CTSTATE_UNTRACKED,
  SNAT: L.CTSTATE_SNAT,
  DNAT: L.CTSTATE_DNAT,
}
/** IPS_* bits; NONE names no bit. */
const CT_STATUS = { NONE: 0, EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8 } as const
/** RTN_* numbers by position. */
const ADDR_TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
] as const
const UNIT_SECONDS = { sec: 1, min: 60, hour: 3600, day: 86400 } as const

const span = (range: Range): number => (range.from | (range.to << 16)) >>> 0
const not = (x: { readonly not: boolean } | undefined): boolean => x?.not === true

/** Appends one match. */
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

/** The flags a `tcp`, `udp` or `sctp` match needs for its ports; the words are sports, dports. */
export function portsMatch(
  sink: MatchSink,
  at: MatchRule,
  m: { readonly sport?: Negatable<Range>; readonly dport?: Negatable<Range> },
): MatchCount {
  if (m.sport === undefined && m.dport === undefined) return 0
  const flags =
    (m.sport ? L.PORTS_HAS_SPORT : 0) |
    (not(m.sport) ? L.PORTS_NOT_SPORT : 0) |
    (m.dport ? L.PORTS_HAS_DPORT : 0) |
    (not(m.dport) ? L.PORTS_NOT_DPORT : 0) |
    (portsNotBoth(at.backend, m) ? L.PORTS_NOT_BOTH : 0)
  const any = { from: 0, to: 65535 }
  return put(sink.code, L.MATCH_PORTS, flags, [span(m.sport?.value ?? any), span(m.dport?.value ?? any)])
}

/** For tcp and udp, iptables-nft asks nothing of a range of all ports, negated or not. */
export function withoutAllPorts(match: Match): Match {
  if (match.match !== 'tcp' && match.match !== 'udp') return match
  const { sport, dport, ...rest } = match
  const asks = (p: Negatable<Range> | undefined): p is Negatable<Range> =>
    p !== undefined && (p.value.from !== 0 || p.value.to !== 65535)
  return { ...rest, ...(asks(sport) ? { sport } : {}), ...(asks(dport) ? { dport } : {}) } as Match
}

/** For tcp and udp, iptables-nft turns two negated single ports into "not both" (docs/semantics.md, Chains). */
export function portsNotBoth(
  backend: Backend,
  m: { readonly sport?: Negatable<Range>; readonly dport?: Negatable<Range> },
): boolean {
  const single = (p: Negatable<Range> | undefined): boolean => p?.not === true && p.value.from === p.value.to
  return backend === 'nft' && single(m.sport) && single(m.dport)
}

/** Flags that an SCTP chunk carries here: DATA is one whole message (B and E), the others have none. */
const SCTP_FLAG_BITS: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  0: { I: 8, U: 4, B: 2, E: 1 },
  6: { T: 1 },
  14: { T: 1 },
}
const sctpChunkFlags = (type: number): number => (type === 0 ? 3 : 0)

function sctpFlagsFit(type: number, flags: string): boolean | null {
  const bits = SCTP_FLAG_BITS[type]
  for (const letter of flags) {
    const bit = bits?.[letter.toUpperCase()]
    if (bit === undefined) return null
    if (((sctpChunkFlags(type) & bit) !== 0) !== (letter === letter.toUpperCase())) return false
  }
  return true
}

function sctpMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'sctp' }>): number {
  // iptables-nft hands sctp to the kernel's own match.
  const count = portsMatch(sink, { ...at, backend: 'legacy' }, m)
  if (m.chunks === undefined) return count
  const types = new Array<number>(16).fill(0)
  const set = (base: number, type: number): void => {
    types[base + (type >>> 5)] = (types[base + (type >>> 5)]! | (1 << (type & 31))) >>> 0
  }
  for (const { type, flags } of m.chunks.value.types) {
    set(0, type)
    const fits = sctpFlagsFit(type, flags ?? '')
    if (fits === null) {
      sink.context.fault(at.place, `chunk type ${type} has no flags \`${escapeText(flags ?? '')}\``)
    } else if (fits) set(8, type)
  }
  const how = { all: L.SCTP_ALL, any: L.SCTP_ANY, only: L.SCTP_ONLY }[m.chunks.value.how]
  return count + put(sink.code, L.MATCH_SCTP_CHUNKS, m.chunks.not ? L.MATCH_NOT : 0, [how, ...types])
}

function tcpMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'tcp' }>): number {
  let count: number = portsMatch(sink, at, m)
  if (m.flags !== undefined) {
    const { mask, comp } = m.flags.value
    count += put(sink.code, L.MATCH_TCP_FLAGS, m.flags.not ? L.MATCH_NOT : 0, [mask | (comp << 8)])
  }
  if (m.option !== undefined) {
    count += put(sink.code, L.MATCH_TCP_OPTION, m.option.not ? L.MATCH_NOT : 0, [m.option.value])
  }
  return count
}

function ctStates(names: readonly CtStateName[]): number {
  return names.reduce((bits, name) => bits | CT_STATES[name], 0)
}

function conntrackMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'conntrack' }>): MatchCount {
  const words = new Array<number>(L.MATCH_CT_WORDS - 1).fill(0)
  const word = (offset: number): number => offset / 4 - 1
  let has = 0
  let inverted = 0
  const note = (bit: number, x: { readonly not: boolean }): void => {
    has |= bit
    if (x.not) inverted |= bit
  }
  if (m.ctstate) {
    note(L.CT_HAS_STATE, m.ctstate)
    words[word(L.MATCH_CT_STATE_OFF)] = ctStates(m.ctstate.value)
  }
  if (m.ctstatus) {
    note(L.CT_HAS_STATUS, m.ctstatus)
    words[word(L.MATCH_CT_STATUS_OFF)] = m.ctstatus.value.reduce((bits, name) => bits | CT_STATUS[name], 0)
  }
  if (m.ctproto) {
    note(L.CT_HAS_PROTO, m.ctproto)
    words[word(L.MATCH_CT_PROTO_OFF)] = m.ctproto.value
  }
  if (m.ctexpire) {
    note(L.CT_HAS_EXPIRE, m.ctexpire)
    words[word(L.MATCH_CT_EXPIRE_OFF)] = m.ctexpire.value.from
    words[word(L.MATCH_CT_EXPIRE_OFF) + 1] = m.ctexpire.value.to
  }
  if (m.ctdir) note(L.CT_HAS_DIR, { not: m.ctdir === 'REPLY' })
  const ports = [m.ctorigsrcport, m.ctorigdstport, m.ctreplsrcport, m.ctrepldstport]
  ports.forEach((range, i) => {
    if (range === undefined) return
    note(L.CT_HAS_PORT << i, range)
    words[word(L.MATCH_CT_PORTS_OFF) + i] = span(range.value)
  })
  const addresses = [m.ctorigsrc, m.ctorigdst, m.ctreplsrc, m.ctrepldst]
  addresses.forEach((prefix, i) => {
    if (prefix === undefined) return
    note(L.CT_HAS_ADDR << i, prefix)
    const net = sink.context.prefix(prefix.value, at.family)
    if (net === null) {
      sink.context.fault(at.place, `\`${escapeText(prefix.value)}\` is not an ${at.family} prefix`)
      return
    }
    const base = word(L.MATCH_CT_ADDRS_OFF) + i * 8
    words.splice(base, 8, ...net.address, ...net.mask)
  })
  if (has === L.CT_HAS_STATE) {
    return put(sink.code, L.MATCH_CT_STATE, inverted ? L.MATCH_NOT : 0, [words[word(L.MATCH_CT_STATE_OFF)]!])
  }
  words[word(L.MATCH_CT_HAS_OFF)] = has
  words[word(L.MATCH_CT_NOT_OFF)] = inverted
  return put(sink.code, L.MATCH_CT, 0, words)
}

function address(sink: MatchSink, at: MatchRule, text: string): readonly number[] {
  const parsed = parseAddress(text)
  if (parsed !== null && parsed.family === at.family) return parsed.words
  sink.context.fault(at.place, `\`${escapeText(text)}\` is not an ${at.family} address`)
  return [0, 0, 0, 0]
}

function addrtypeMatch(sink: MatchSink, m: Extract<Match, { match: 'addrtype' }>): MatchCount {
  const bits = (names: readonly string[] | undefined): number =>
    (names ?? []).reduce((mask, name) => mask | (1 << ADDR_TYPES.indexOf(name as (typeof ADDR_TYPES)[number])), 0)
  const flags =
    (m.srcType ? L.ADDRTYPE_HAS_SRC : 0) |
    (not(m.srcType) ? L.ADDRTYPE_NOT_SRC : 0) |
    (m.dstType ? L.ADDRTYPE_HAS_DST : 0) |
    (not(m.dstType) ? L.ADDRTYPE_NOT_DST : 0) |
    (m.limitIface === 'in' ? L.ADDRTYPE_IN : 0) |
    (m.limitIface === 'out' ? L.ADDRTYPE_OUT : 0)
  return put(sink.code, L.MATCH_ADDRTYPE, flags, [(bits(m.srcType?.value) | (bits(m.dstType?.value) << 16)) >>> 0])
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

function iprangeMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'iprange' }>): MatchCount {
  const flags =
    (m.src ? L.IPRANGE_HAS_SRC : 0) |
    (not(m.src) ? L.IPRANGE_NOT_SRC : 0) |
    (m.dst ? L.IPRANGE_HAS_DST : 0) |
    (not(m.dst) ? L.IPRANGE_NOT_DST : 0)
  const zero = addressWords('0.0.0.0')
  const ends = [m.src?.value.from, m.src?.value.to, m.dst?.value.from, m.dst?.value.to]
  return put(
    sink.code,
    L.MATCH_IPRANGE,
    flags,
    ends.flatMap((end) => (end === undefined ? [...zero] : [...address(sink, at, end)])),
  )
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
