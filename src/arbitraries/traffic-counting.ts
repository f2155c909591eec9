// Matches of generated rules that count or draw: recent, limit, statistic.
import fc from 'fast-check'
import type { Family, Match } from '../netfilter/model.js'
import { once, pick, rarely, weighted } from './pool.js'

export const recentMatch: (family: Family) => fc.Arbitrary<Match> = once(
  (family: Family): fc.Arbitrary<Match> =>
    fc
      .record({
        op: pick(['set', 'set', 'rcheck', 'update', 'update', 'remove'] as const),
        not: rarely(5),
        name: pick(['DEFAULT', 'seen']),
        side: pick(['source', 'dest'] as const),
        mask: weighted(
          [3, fc.constant(family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')],
          [1, fc.constant(family === 'ipv4' ? '255.255.255.0' : 'ffff:ffff:ffff:ffff::')],
        ),
        seconds: weighted<number | undefined>([1, fc.constant(undefined)], [2, pick([1, 10, 60])]),
        reap: rarely(3),
        hitcount: weighted<number | undefined>([3, fc.constant(undefined)], [2, pick([1, 2, 3, 5])]),
        rttl: rarely(4),
      })
      .map((d) => {
        const check = d.op === 'rcheck' || d.op === 'update'
        return {
          match: 'recent' as const,
          op: d.op,
          not: d.not,
          name: d.name,
          side: d.side,
          mask: d.mask,
          ...(check && d.seconds !== undefined ? { seconds: d.seconds, ...(d.reap ? { reap: true } : {}) } : {}),
          ...(check && d.hitcount !== undefined ? { hitcount: d.hitcount } : {}),
          ...(check && d.rttl ? { rttl: true } : {}),
        }
      }),
)

/** A day's rate of 10 or more: the kernel refuses products of time and burst that overflow. */
export const limitMatch: fc.Arbitrary<Match> = fc
  .record({
    rate: pick([1, 3, 10, 100]),
    unit: pick(['sec', 'min', 'hour', 'day'] as const),
    burst: pick([1, 2, 5]),
  })
  .map(({ rate, unit, burst }) => ({ match: 'limit', rate: unit === 'day' ? Math.max(10, rate) : rate, unit, burst }))

export const statisticMatch: fc.Arbitrary<Match> = weighted<Match>(
  [
    2,
    fc.record({
      match: fc.constant('statistic' as const),
      mode: fc.constant('random' as const),
      not: rarely(4),
      probability: weighted(
        [4, pick([2 ** 30, 715827883, 2 ** 29, 1431655765])],
        [1, pick([0, 1, 2 ** 31 - 1, 2 ** 31])],
      ),
    }),
  ],
  [
    1,
    fc.record({ not: rarely(4), every: pick([2, 3, 5]), packet: fc.nat({ max: 4 }) }).map(({ not, every, packet }) => ({
      match: 'statistic' as const,
      mode: 'nth' as const,
      not,
      every,
      packet: packet % every,
    })),
  ],
)
