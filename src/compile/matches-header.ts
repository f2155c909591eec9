// Matches on single header fields, and the CPU, as words of CODE.
import * as L from '../../assembly/layout.js'
import type { Negatable } from '../netfilter/model.js'
import type { HeaderMatch } from '../netfilter/model-header.js'
import { type MatchCount, type MatchSink, put } from './matches.js'

const not = (n: Negatable<unknown>): number => (n.not ? L.MATCH_NOT : 0)
const OPS = { eq: L.HOPS_EQ, ne: L.HOPS_EQ, lt: L.HOPS_LT, gt: L.HOPS_GT } as const

export function headerMatch({ code }: MatchSink, m: HeaderMatch): MatchCount {
  switch (m.match) {
    case 'length':
      return put(code, L.MATCH_LENGTH, not(m.length), [(m.length.value.from | (m.length.value.to << 16)) >>> 0])
    case 'ttl':
    case 'hl':
      return put(code, L.MATCH_HOPS, m.op === 'ne' ? L.MATCH_NOT : 0, [OPS[m.op], m.value])
    case 'tos':
      return put(code, L.MATCH_TOS, not(m.tos), [m.tos.value.value, m.tos.value.mask])
    case 'dscp':
      // A codepoint is the upper six bits of the same byte.
      return put(code, L.MATCH_TOS, not(m.dscp), [m.dscp.value << 2, 0xfc])
    case 'ecn': {
      const has = (m.ect ? L.ECN_HAS_ECT : 0) | (m.ece ? L.ECN_HAS_ECE : 0) | (m.cwr ? L.ECN_HAS_CWR : 0)
      const inverted =
        (m.ect?.not ? L.ECN_HAS_ECT : 0) | (m.ece?.not ? L.ECN_HAS_ECE : 0) | (m.cwr?.not ? L.ECN_HAS_CWR : 0)
      return put(code, L.MATCH_ECN, 0, [has, inverted, m.ect?.value ?? 0])
    }
    case 'cpu':
      return put(code, L.MATCH_CPU, not(m.cpu), [m.cpu.value])
  }
}
