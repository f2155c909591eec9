// Matches on kinds and ranges of addresses as words of CODE. Kernel: net/netfilter/xt_addrtype.c, xt_iprange.c.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import { addressWords, parseAddress } from '../net/ip.js'
import type { AddrTypeName, Match } from '../netfilter/model.js'
import { ADDR_TYPES } from '../netfilter/names.js'
import { type MatchCount, type MatchRule, type MatchSink, not, put } from './matches.js'

/** The words of an address that a match names; a fault when it is none of the family. */
export function address(sink: MatchSink, at: MatchRule, text: string): readonly number[] {
  const parsed = parseAddress(text)
  if (parsed !== null && parsed.family === at.family) return parsed.words
  sink.context.fault(at.place, `\`${escapeText(text)}\` is not an ${at.family} address`)
  return [0, 0, 0, 0]
}

export function addrtypeMatch(sink: MatchSink, m: Extract<Match, { match: 'addrtype' }>): MatchCount {
  const bits = (names: readonly AddrTypeName[] | undefined): number =>
    (names ?? []).reduce((mask, name) => mask | (1 << ADDR_TYPES.indexOf(name)), 0)
  const flags =
    (m.srcType ? L.ADDRTYPE_HAS_SRC : 0) |
    (not(m.srcType) ? L.ADDRTYPE_NOT_SRC : 0) |
    (m.dstType ? L.ADDRTYPE_HAS_DST : 0) |
    (not(m.dstType) ? L.ADDRTYPE_NOT_DST : 0) |
    (m.limitIface === 'in' ? L.ADDRTYPE_IN : 0) |
    (m.limitIface === 'out' ? L.ADDRTYPE_OUT : 0)
  return put(sink.code, L.MATCH_ADDRTYPE, flags, [(bits(m.srcType?.value) | (bits(m.dstType?.value) << 16)) >>> 0])
}

export function iprangeMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'iprange' }>): MatchCount {
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
