// The protocol of a generated rule, alone or with a match that needs it: tcp, udp, sctp, multiport, icmp, icmp6, ecn.
import fc from 'fast-check'
import type { Family, Match, Negatable } from '../netfilter/model.js'
import { ecnTraffic } from './matches-header.js'
import { once, pick, rarely, weighted } from './pool.js'
import { negatable, portRange, someOf } from './traffic-words.js'

type Of<N extends Match['match']> = Extract<Match, { match: N }>

const TCP_MASKS: readonly { mask: number; comp: number }[] = [
  { mask: 23, comp: 2 },
  { mask: 2, comp: 2 },
  { mask: 16, comp: 16 },
  { mask: 63, comp: 24 },
  { mask: 5, comp: 1 },
  { mask: 4, comp: 4 },
]

const l4Match: fc.Arbitrary<readonly [number, Match]> = weighted<readonly [number, Match]>(
  [
    6,
    someOf<Omit<Of<'tcp'>, 'match' | 'option'>>({
      sport: negatable(portRange),
      dport: negatable(portRange),
      flags: negatable(pick(TCP_MASKS)),
    }).map((f) => [6, { match: 'tcp', ...f }]),
  ],
  [
    4,
    someOf<Omit<Of<'udp'>, 'match'>>({ sport: negatable(portRange), dport: negatable(portRange) }).map((f) => [
      17,
      { match: 'udp', ...f },
    ]),
  ],
  [
    2,
    someOf<Omit<Of<'sctp'>, 'match'>>({
      sport: negatable(portRange),
      dport: negatable(portRange),
      chunks: negatable(
        fc.record({
          how: pick(['any', 'all', 'only'] as const),
          types: fc
            .uniqueArray(pick([1, 0, 2, 10]), { minLength: 1, maxLength: 2 })
            .map((t) => t.map((type) => ({ type }))),
        }),
      ),
    }).map((f) => [132, { match: 'sctp', ...f }]),
  ],
  [
    3,
    fc.tuple(
      pick([6, 17, 132, 136, 33]),
      fc.record({
        match: fc.constant('multiport' as const),
        on: pick(['sports', 'dports', 'ports'] as const),
        not: rarely(4),
        ports: fc.array(portRange, { minLength: 1, maxLength: 4, size: 'max' }),
      }),
    ),
  ],
)

const l4Traffic: fc.Arbitrary<readonly [number, Match]> = weighted<readonly [number, Match]>(
  [12, l4Match],
  [1, ecnTraffic.map((m) => [6, m] as const)],
)

const icmpMatch = once((family: Family): fc.Arbitrary<readonly [number, Match]> => {
  const types = family === 'ipv4' ? [8, 0, 3, 13] : [128, 129, 1, 135]
  const type = weighted(
    [4, pick(types).map((t) => ({ type: t, codes: { from: 0, to: 255 } }))],
    [
      2,
      pick(types).map((t) => ({ type: t, codes: { from: family === 'ipv4' ? 3 : 4, to: family === 'ipv4' ? 3 : 4 } })),
    ],
  )
  return negatable(type).map((t) =>
    family === 'ipv4' ? [1, { match: 'icmp', type: t }] : [58, { match: 'icmp6', type: t }],
  )
})

/** Protocol alone, or with a match that needs it. */
export const protocol: (family: Family) => fc.Arbitrary<{ proto?: Negatable<number>; match?: Match }> = once(
  (family: Family): fc.Arbitrary<{ proto?: Negatable<number>; match?: Match }> =>
    weighted<{ proto?: Negatable<number>; match?: Match }>(
      [8, fc.constant({})],
      [6, l4Traffic.map(([n, match]) => ({ proto: { not: false, value: n }, match }))],
      [1, icmpMatch(family).map(([n, match]) => ({ proto: { not: false, value: n }, match }))],
      [
        3,
        negatable(weighted([4, pick([6, 17])], [2, pick([family === 'ipv4' ? 1 : 58, 132, 136, 47, 50])]), 6).map(
          (proto) => ({ proto }),
        ),
      ],
    ),
)
