// Matches on connections' traffic and number, drawn: in every form that is printed, and such as the packets of the small
// world meet.
import fc from 'fast-check'
import type { Family, Match } from '../netfilter/model.js'
import type { ConnectionMatch } from '../netfilter/model-connection.js'
import { pick, rarely, weighted } from './pool.js'

type Arb<T> = fc.Arbitrary<T>
type Connbytes = Extract<ConnectionMatch, { match: 'connbytes' }>

const MOST = 2n ** 64n - 1n

function connbytes(mode: Arb<Connbytes['mode']>, ends: Arb<readonly [bigint, bigint]>): Arb<Match> {
  return fc
    .tuple(mode, pick(['original', 'reply', 'both'] as const), ends)
    .map(([m, dir, [from, to]]) => ({ match: 'connbytes' as const, mode: m, dir, from, to }))
}

function connlimit(limit: Arb<number>, mask: Arb<number>): Arb<Match> {
  return fc.record(
    {
      match: fc.constant('connlimit' as const),
      above: fc.boolean(),
      limit,
      mask,
      side: pick(['source', 'dest'] as const),
    },
    { noNullPrototype: true },
  )
}

/** A range that prints as it is: what ends at 0 does not. */
const anyEnds: Arb<readonly [bigint, bigint]> = fc
  .tuple(
    fc.bigInt({ min: 0n, max: MOST }),
    fc.oneof(fc.constant(MOST), fc.bigInt({ min: 1n, max: MOST })),
    fc.boolean(),
  )
  .map(([a, b, not]) => {
    const [low, high] = a < b ? [a, b] : [b, a]
    return not && low < high ? ([high, low] as const) : ([low, high] as const)
  })
  .filter(([, to]) => to > 0n)

/** Every form. */
export function connectionForms(family: Family): Arb<Match>[] {
  return [
    connbytes(pick(['packets', 'bytes', 'avgpkt'] as const), anyEnds),
    connlimit(fc.nat({ max: 0xffffffff }), fc.nat({ max: family === 'ipv4' ? 32 : 128 })),
  ]
}

const ENDS: Readonly<Record<Connbytes['mode'], readonly bigint[]>> = {
  packets: [0n, 1n, 2n, 3n, 5n],
  bytes: [0n, 40n, 60n, 120n, 300n],
  avgpkt: [0n, 40n, 50n, 60n, 80n],
}

const traffic: Arb<Match> = pick(['packets', 'bytes', 'avgpkt'] as const).chain((mode) =>
  connbytes(
    fc.constant(mode),
    fc
      .tuple(pick(ENDS[mode]), weighted([1, fc.constant(MOST)], [2, pick(ENDS[mode])]), rarely(4))
      .map(([a, b, not]) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const end = high === 0n ? MOST : high
        return not && low < end ? ([end, low] as const) : ([low, end] as const)
      }),
  ),
)

/** What packets meet: name, weight, match. */
export function connectionTraffic(family: Family): [Match['match'], number, Arb<Match>][] {
  const masks = family === 'ipv4' ? [32, 32, 24, 8, 0] : [128, 128, 64, 16, 0]
  return [
    ['connbytes', 3, traffic],
    ['connlimit', 2, connlimit(pick([0, 1, 1, 2, 2, 3, 5]), pick(masks))],
  ]
}
