// Matches that count and limit, drawn: in every form that is printed, and such as the packets of the small world meet.
import fc from 'fast-check'
import type { Match } from '../netfilter/model.js'
import { pick, rarely } from './pool.js'

type Arb<T> = fc.Arbitrary<T>

const quota = (not: Arb<boolean>, bytes: Arb<bigint>): Arb<Match> =>
  fc.record({ match: fc.constant('quota' as const), not, quota: bytes }, { noNullPrototype: true })

/** Every form. */
export function limitForms(): Arb<Match>[] {
  return [quota(fc.boolean(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))]
}

/** What packets meet: name, weight, match. */
export function limitTraffic(): [Match['match'], number, Arb<Match>][] {
  return [['quota', 1, quota(rarely(4), pick([0n, 40n, 100n, 400n, 2000n]))]]
}
