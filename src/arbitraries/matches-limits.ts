// Matches that count and limit, drawn: in every form that is printed, and such as the packets of the small world meet.
import fc from 'fast-check'
import {
  costToBytes,
  type HashlimitRate,
  hashlimitCredits,
  hashlimitRate,
  hashlimitText,
} from '../netfilter/hashlimit-rate.js'
import type { Family, Match } from '../netfilter/model.js'
import type { HashlimitPart } from '../netfilter/model-limits.js'
import { once, pick, rarely, weighted } from './pool.js'

type Arb<T> = fc.Arbitrary<T>
type Hashlimit = Extract<Match, { match: 'hashlimit' }>

const quota = (not: Arb<boolean>, bytes: Arb<bigint>): Arb<Match> =>
  fc.record({ match: fc.constant('quota' as const), not, quota: bytes }, { noNullPrototype: true })

const PARTS: readonly HashlimitPart[] = ['srcip', 'srcport', 'dstip', 'dstport']
const U32 = 0xffffffff

const rateOf = (text: string): HashlimitRate => hashlimitRate(text) as HashlimitRate

/** A rate that is printed and read back as it is; undefined: printed, it is none. */
function settled(first: HashlimitRate): HashlimitRate | undefined {
  let rate = first
  for (let i = 0; i < 4; i++) {
    const { text } = hashlimitText({ ...PLAIN, bytes: rate.bytes, avg: rate.avg })
    const next = hashlimitRate(text.split(' ')[0]!)
    if (typeof next !== 'object') return undefined
    rate = next
  }
  return rate
}

const PLAIN: Hashlimit = {
  match: 'hashlimit',
  not: false,
  bytes: false,
  avg: 1,
  burst: 0,
  mode: [],
  name: '',
  size: 0,
  max: 0,
  gcInterval: 1000,
  expire: 1000,
}

const anyRate: Arb<HashlimitRate> = fc
  .oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 1_000_000 }), pick(['sec', 'min', 'hour', 'day']))
      .map(([n, unit]) => `${n}/${unit}`),
    fc.tuple(fc.integer({ min: 32, max: 4_000_000 }), pick(['', 'k', 'm'])).map(([n, k]) => `${n}${k}b/s`),
    pick(['1kb/s', '1mb/s', '512kb/s']),
  )
  .map((text) => settled(rateOf(text)))
  .filter((r): r is HashlimitRate => r !== undefined)
  .filter((r) => !r.bytes || (r.avg > 1 && r.avg < U32 / 4))

function form(family: Family): Arb<Match> {
  const length = fc.nat({ max: family === 'ipv4' ? 31 : 127 })
  const maybe = <T>(value: Arb<T>): Arb<T | undefined> => fc.option(value, { nil: undefined })
  const ms = fc.oneof(pick([1, 500, 1000, 15000, 60000]), fc.integer({ min: 1, max: U32 }))
  return fc
    .record({
      rate: anyRate,
      not: fc.boolean(),
      burst: fc.integer({ min: 1, max: 1_000_000 }),
      mode: fc.subarray([...PARTS]),
      name: pick(['a', 'KUBE-LIMIT', 'ssh_1']),
      size: weighted([2, fc.constant(0)], [1, fc.integer({ min: 1, max: 1024 })]),
      max: weighted([2, fc.constant(0)], [1, fc.integer({ min: 1, max: 1_048_576 })]),
      gcInterval: ms,
      expire: ms,
      srcMask: maybe(length),
      dstMask: maybe(length),
      interval: maybe(fc.integer({ min: 1, max: 0x7fffffff })),
    })
    .map(({ rate, burst, srcMask, dstMask, interval, name, ...rest }) => {
      const { bytes, avg } = rate
      // A rate-match is kept by the second; the burst of bytes is printed in whole units.
      const fast = bytes || hashlimitText({ ...PLAIN, avg }).text.includes('/sec')
      const volume = bytes ? costToBytes(avg) : 0
      const whole = volume % 1048576 === 0 || (volume < 1048576 && volume % 1024 === 0) || volume < 1024
      // The kernel refuses what wraps to less than one packet.
      const ok = hashlimitCredits(BigInt(avg) * BigInt(burst)) >= hashlimitCredits(BigInt(avg))
      return {
        match: 'hashlimit' as const,
        ...rest,
        // A table is of packets, of bytes or of rates.
        name: `${name}${bytes ? '.b' : ''}${interval === undefined || !fast ? '' : '.r'}`,
        bytes,
        avg,
        burst: bytes ? (whole ? burst % 2 : 0) : ok ? burst : 1,
        ...(srcMask === undefined ? {} : { srcMask }),
        ...(dstMask === undefined ? {} : { dstMask }),
        ...(interval === undefined || !fast ? {} : { rateInterval: interval }),
      } as Match
    })
}

/** Every form. */
export function limitForms(family: Family): Arb<Match>[] {
  return [quota(fc.boolean(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), form(family)]
}

const KINDS = {
  packets: ['1/sec', '10/sec', '1/min', '30/min', '100/day'],
  bytes: ['40b/s', '100b/s', '1kb/s', '100kb/s'],
  rates: ['1/sec', '3/sec', '10/sec'],
  volumes: ['40b/s', '100b/s', '1kb/s'],
} as const

function traffic(family: Family): Arb<Match> {
  const length = pick(family === 'ipv4' ? [0, 8, 24] : [0, 16, 64])
  return pick(['packets', 'packets', 'bytes', 'rates', 'volumes'] as const).chain((kind) =>
    fc
      .record({
        text: pick<string>(KINDS[kind]),
        not: fc.boolean(),
        burst: pick([1, 2, 3, 5]),
        mode: weighted<HashlimitPart[]>(
          [2, fc.constant([])],
          [2, fc.constant(['srcip'])],
          [2, fc.subarray([...PARTS])],
        ),
        table: pick(['', '2']),
        small: rarely(5),
        gcInterval: pick([1000, 1000, 50, 60_000]),
        expire: pick([1000, 100, 60_000, 15_000]),
        srcMask: length,
        cut: rarely(3),
        interval: pick([1, 2, 10]),
      })
      .map(({ text, table, small, srcMask, cut, interval, ...rest }) => {
        const { bytes, avg } = rateOf(text)
        return {
          match: 'hashlimit' as const,
          ...rest,
          bytes,
          avg,
          name: `${kind}${table}`,
          size: small ? 1 : 0,
          max: small ? 2 : 0,
          ...(cut ? { srcMask } : {}),
          ...(kind === 'rates' || kind === 'volumes' ? { rateInterval: interval } : {}),
        } as Match
      }),
  )
}

/** What packets meet: name, weight, match. */
export const limitTraffic: (family: Family) => [Match['match'], number, Arb<Match>][] = once((family) => [
  ['quota', 1, quota(rarely(4), pick([0n, 40n, 100n, 400n, 2000n]))],
  ['hashlimit', 3, traffic(family)],
])
