// Matches on single header fields, drawn: in every form that is printed, and such as the packets of the small world meet.
import fc from 'fast-check'
import type { Family, Match, Negatable } from '../netfilter/model.js'
import type { HeaderMatch } from '../netfilter/model-header.js'
import { once, pick, rarely, weighted } from './pool.js'

type Arb<T> = fc.Arbitrary<T>
type Of<K extends HeaderMatch['match']> = Extract<HeaderMatch, { readonly match: K }>

const record = <T>(fields: { [K in keyof T]: Arb<T[K]> }): Arb<T> =>
  fc.record(fields, { noNullPrototype: true }) as Arb<T>
const either = <T>(value: Arb<T>): Arb<Negatable<T>> => record({ not: fc.boolean(), value })
const seldom = <T>(value: Arb<T>): Arb<Negatable<T>> => record({ not: rarely(4), value })
const byte = fc.nat({ max: 255 })
const short = fc.nat({ max: 65535 })
const on = fc.constant(true as const)

function hops(match: 'ttl' | 'hl', value: Arb<number>): Arb<Of<'ttl' | 'hl'>> {
  return record({ match: fc.constant(match), op: pick(['eq', 'ne', 'lt', 'gt'] as const), value })
}

/** Every form of those that need no protocol. */
export function headerForms(family: Family): Arb<Match>[] {
  return [
    record<Of<'length'>>({
      match: fc.constant('length'),
      length: either(
        fc.oneof(
          short.map((n) => ({ from: n, to: n })),
          record({ from: short, to: short }),
        ),
      ),
    }),
    hops(family === 'ipv4' ? 'ttl' : 'hl', byte),
    record<Of<'tos'>>({ match: fc.constant('tos'), tos: either(record({ value: byte, mask: byte })) }),
    record<Of<'dscp'>>({ match: fc.constant('dscp'), dscp: either(fc.nat({ max: 63 })) }),
    record({ match: fc.constant('ecn' as const), ect: either(fc.nat({ max: 3 })) }),
    record<Of<'cpu'>>({ match: fc.constant('cpu'), cpu: either(fc.nat({ max: 0xffffffff })) }),
  ]
}

/** Every form of `ecn` in a rule of TCP. */
export const ecnForms: Arb<Match> = fc
  .record(
    { ece: either(on), cwr: either(on), ect: either(fc.nat({ max: 3 })) },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((m) => Object.keys(m).length > 0)
  .map((m) => ({ match: 'ecn' as const, ...m }))

/** What packets meet: name, weight, match. */
export const headerTraffic: (family: Family) => [Match['match'], number, Arb<Match>][] = once((family) => {
  const header = family === 'ipv4' ? 20 : 40
  const sizes = [8, 20, 21, 28, 58, 108].map((n) => header + n)
  const ttl = family === 'ipv4' ? 'ttl' : 'hl'
  return [
    [
      'length',
      1,
      record<Of<'length'>>({
        match: fc.constant('length'),
        length: seldom(
          weighted(
            [2, pick(sizes).map((n) => ({ from: n, to: n }))],
            [2, record({ from: pick([0, ...sizes]), to: pick([...sizes, 65535]) })],
          ),
        ),
      }),
    ],
    [ttl, 1, hops(ttl, pick([0, 1, 62, 63, 63, 64, 64, 65, 255]))],
    [
      'tos',
      1,
      record<Of<'tos'>>({
        match: fc.constant('tos'),
        tos: seldom(record({ value: pick([0, 0, 4, 8, 16, 0xb8]), mask: pick([0xff, 0x3f, 0x1e, 0]) })),
      }),
    ],
    ['dscp', 1, record<Of<'dscp'>>({ match: fc.constant('dscp'), dscp: seldom(pick([0, 0, 1, 2, 4, 46])) })],
    ['ecn', 1, record({ match: fc.constant('ecn' as const), ect: seldom(pick([0, 0, 1, 2, 3])) })],
    ['cpu', 1, record<Of<'cpu'>>({ match: fc.constant('cpu'), cpu: seldom(pick([0, 1])) })],
  ]
})

/** `ecn` in a rule of TCP. */
export const ecnTraffic: Arb<Match> = weighted<Match>(
  [1, seldom(on).map((ece) => ({ match: 'ecn' as const, ece }))],
  [1, seldom(on).map((cwr) => ({ match: 'ecn' as const, cwr }))],
  [1, fc.tuple(seldom(on), seldom(pick([0, 1]))).map(([ece, ect]) => ({ match: 'ecn' as const, ece, ect }))],
)
