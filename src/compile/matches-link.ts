// Matches on what the link layer says, and on bridge ports, as words of CODE.
import * as L from '../../assembly/layout.js'
import type { Match, Negatable } from '../netfilter/model.js'
import type { LinkMatch } from '../netfilter/model-link.js'
import { macWords } from './mac.js'
import { type MatchCount, type MatchSink, put } from './matches.js'

const not = (n: Negatable<unknown>): number => (n.not ? L.MATCH_NOT : 0)
/** PKTTYPE_* */
const PACKET_TYPE_CODES = {
  host: L.PKTTYPE_HOST,
  broadcast: L.PKTTYPE_BROADCAST,
  multicast: L.PKTTYPE_MULTICAST,
  otherhost: L.PKTTYPE_OTHERHOST,
} as const

export function linkMatch({ code }: MatchSink, m: LinkMatch): MatchCount {
  if (m.match === 'mac') return put(code, L.MATCH_MAC, not(m.source), [...macWords(m.source.value)])
  return put(code, L.MATCH_PKTTYPE, not(m.type), [PACKET_TYPE_CODES[m.type.value]])
}

export function physdevMatch({ code, ifaces }: MatchSink, m: Extract<Match, { match: 'physdev' }>): MatchCount {
  const options: readonly (readonly [Negatable<unknown> | undefined, number])[] = [
    [m.in, L.PHYSDEV_IN],
    [m.out, L.PHYSDEV_OUT],
    [m.isIn, L.PHYSDEV_IS_IN],
    [m.isOut, L.PHYSDEV_IS_OUT],
    [m.isBridged, L.PHYSDEV_IS_BRIDGED],
  ]
  let has = 0
  let inverted = 0
  for (const [option, bit] of options) {
    if (option === undefined) continue
    has |= bit
    if (option.not) inverted |= bit
  }
  const names = [m.in, m.out].map((n) =>
    n === undefined ? { pattern: false, value: L.IFACE_ABSENT } : ifaces.ref(n.value),
  )
  if (names[0]!.pattern) has |= L.PHYSDEV_IN_PATTERN
  if (names[1]!.pattern) has |= L.PHYSDEV_OUT_PATTERN
  return put(code, L.MATCH_PHYSDEV, 0, [has, inverted, names[0]!.value, names[1]!.value])
}
