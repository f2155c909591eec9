// Matches on ports, TCP flags and SCTP chunks as words of CODE. Kernel: net/netfilter/xt_tcpudp.c, xt_sctp.c.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import type { Backend, Match, Negatable, Range } from '../netfilter/model.js'
import { type MatchCount, type MatchRule, type MatchSink, not, put, span } from './matches.js'

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

/** Bits of flags that chunks of these types may carry. */
const SCTP_FLAG_BITS: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  0: { I: 8, U: 4, B: 2, E: 1 },
  6: { T: 1 },
  14: { T: 1 },
}

/** Flags as mask and value: a capital letter stands for a flag that is set; null: the type has no such flag. */
function sctpFlags(type: number, flags: string): readonly [number, number] | null {
  let [mask, value] = [0, 0]
  for (const letter of flags) {
    const bit = SCTP_FLAG_BITS[type]?.[letter.toUpperCase()]
    if (bit === undefined) return null
    mask |= bit
    if (letter === letter.toUpperCase()) value |= bit
  }
  return [mask, value]
}

export function sctpMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'sctp' }>): number {
  // iptables-nft hands sctp to the kernel's own match.
  const count = portsMatch(sink, { ...at, backend: 'legacy' }, m)
  if (m.chunks === undefined) return count
  const types = new Array<number>(8).fill(0)
  const asked: number[] = []
  for (const { type, flags = '' } of m.chunks.value.types) {
    types[type >>> 5] = (types[type >>> 5]! | (1 << (type & 31))) >>> 0
    if (flags === '') continue
    const bits = sctpFlags(type, flags)
    if (bits === null) sink.context.fault(at.place, `chunk type ${type} has no flags \`${escapeText(flags)}\``)
    else asked.push((type | (bits[0] << 8) | (bits[1] << 16)) >>> 0)
  }
  const how = { all: L.SCTP_ALL, any: L.SCTP_ANY, only: L.SCTP_ONLY }[m.chunks.value.how]
  return count + put(sink.code, L.MATCH_SCTP_CHUNKS, m.chunks.not ? L.MATCH_NOT : 0, [how, ...types, ...asked])
}

export function tcpMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'tcp' }>): number {
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
