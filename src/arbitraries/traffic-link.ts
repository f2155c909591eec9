// Matches of generated rules on frames: physdev, mac, pkttype.
import fc from 'fast-check'
import type { PacketType } from '../net/packet.js'
import type { HookName, Match } from '../netfilter/model.js'
import { MACS, PORT_NAMES } from './bridges.js'
import { pick, weighted } from './pool.js'
import { negatable } from './traffic-words.js'

const on = { not: false, value: true } as const

/** Where a packet leaves by is only asked where the kernel lets it be asked. */
export const physdevMatch: (place: { readonly hook: HookName | null }) => fc.Arbitrary<Match> = ({
  hook,
}: {
  readonly hook: HookName | null
}): fc.Arbitrary<Match> => {
  const flag = negatable(fc.constant(true as const))
  const bridged = hook === null || hook === 'OUTPUT' ? { isBridged: on } : {}
  const names = pick([...PORT_NAMES, 'veth+', '+', 'eth0'])
  return weighted<Match>(
    [2, negatable(names).map((name) => ({ match: 'physdev' as const, in: name }))],
    [2, negatable(names).map((out) => ({ match: 'physdev' as const, out, ...bridged }))],
    [1, flag.map((isIn) => ({ match: 'physdev' as const, isIn }))],
    [2, flag.map((isOut) => ({ match: 'physdev' as const, isOut, ...bridged }))],
    [1, flag.map((isBridged) => ({ match: 'physdev' as const, isBridged }))],
  )
}

export const macMatch: fc.Arbitrary<Match> = negatable(pick(MACS)).map((source) => ({ match: 'mac' as const, source }))
export const pkttypeMatch: fc.Arbitrary<Match> = negatable(
  weighted<PacketType>([3, fc.constant('host')], [1, pick(['broadcast', 'multicast', 'otherhost'])]),
).map((type) => ({ match: 'pkttype' as const, type }))
