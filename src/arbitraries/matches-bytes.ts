// Matches that read bytes of the packet, drawn: in every form that is printed, and such as the packets of the small world meet.
import fc from 'fast-check'
import type { Family, Match } from '../netfilter/model.js'
import type { ListedMatch } from '../netfilter/model-listed.js'
import { printU32, type U32Test } from '../netfilter/u32.js'
import { pick } from './pool.js'

type Arb<T> = fc.Arbitrary<T>

const number = fc.oneof(pick([0, 1, 4, 20, 0xff, 0xffff, 0xffffffff]), fc.nat({ max: 0xffffffff }))
const anyTest: Arb<U32Test> = fc.record(
  {
    at: number,
    steps: fc.array(
      fc.oneof(
        fc.record({ op: pick(['&', '@'] as const), number }, { noNullPrototype: true }),
        fc.record({ op: pick(['<<', '>>'] as const), number: fc.nat({ max: 31 }) }, { noNullPrototype: true }),
      ),
      { maxLength: 4 },
    ),
    ranges: fc.array(fc.record({ from: number, to: number }, { noNullPrototype: true }), {
      minLength: 1,
      maxLength: 10,
    }),
  },
  { noNullPrototype: true },
)

const u32 = (tests: Arb<U32Test[]>): Arb<ListedMatch> =>
  fc.tuple(tests, fc.boolean()).map(([all, not]) => ({
    match: 'u32',
    options: [{ option: 'u32', not, text: `"${printU32(all)}"` }],
  }))

/** Every form. */
export function byteForms(): Arb<Match>[] {
  return [u32(fc.array(anyTest, { minLength: 1, maxLength: 3 }))]
}

const small = fc.oneof(pick([0, 4, 6, 7, 17, 20, 28, 40, 53, 64, 80]), fc.nat({ max: 255 }))
/** Where something stands: length, tos, hops and protocol, ports by the header's length, flags, identification, payload. */
const PLACES: Readonly<Record<Family, readonly U32Test['at'][]>> = {
  ipv4: [0, 2, 5, 6, 4, 8, 12, 16, 20, 21, 24, 28, 32, 40],
  ipv6: [0, 3, 4, 8, 20, 24, 36, 40, 41, 44, 48, 52, 60],
}
const usual = (family: Family): Arb<U32Test> =>
  fc
    .record({
      at: pick(PLACES[family]),
      mask: pick([0xff, 0xff00, 0xffff, 0x3fff, 0xf]),
      shift: pick([0, 8, 16, 22, 28]),
      follow: fc.option(pick([0, 2, 12]), { freq: 5 }),
      from: small,
      span: pick([0, 0, 16, 0xffff]),
    })
    .map(({ at, mask, shift, follow, from, span }) => ({
      at,
      steps: [
        { op: '>>' as const, number: shift },
        { op: '&' as const, number: mask },
        ...(follow === null
          ? []
          : [
              { op: '@' as const, number: follow },
              { op: '>>' as const, number: 16 },
            ]),
      ],
      ranges: [
        { from, to: from + span },
        { from: 0, to: 1 },
      ],
    }))
const ports: Arb<U32Test> = small.map((port) => ({
  at: 0,
  steps: [
    { op: '>>', number: 22 },
    { op: '&', number: 0x3c },
    { op: '@', number: 0 },
    { op: '&', number: 0xffff },
  ],
  ranges: [{ from: port, to: port + 60 }],
}))

const listed = (
  match: ListedMatch['match'],
  ...options: readonly (readonly [string, string, boolean?])[]
): ListedMatch => ({
  match,
  options: options.map(([option, text, not = false]) => ({ option, not, text })),
})

/** Patterns of three bytes and more: shorter ones may be a checksum. */
const string = fc
  .tuple(pick(['GET', 'get ', 'ABCD']), pick(['bm', 'kmp']), fc.boolean(), pick([0, 20, 28]), fc.boolean())
  .map(([text, algo, not, from, anyCase]) =>
    listed(
      'string',
      ...([
        ['string', `"${text}"`, not],
        ['algo', algo],
      ] as const),
      ...(from > 0 ? [['from', String(from)] as const] : []),
      ...(anyCase ? [['icase', ''] as const] : []),
    ),
  )
const hexString = fc
  .tuple(pick(['0001020304', '004500', '350000']), fc.boolean())
  .map(([hex, not]) => listed('string', ['hex-string', `"|${hex}|"`, not], ['algo', 'bm']))

/** Is it this protocol, a large port, long enough; arithmetic on the length; a masked word. */
const PROGRAMS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    '4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0',
    '5,177 0 0 0,72 0 0 2,53 0 1 1024,6 0 0 1,6 0 0 0',
    '3,40 0 0 6,84 0 0 8191,22 0 0 0',
    '4,128 0 0 0,148 0 0 7,2 0 0 1,22 0 0 0',
  ],
  ipv6: [
    '4,48 0 0 6,21 0 1 6,6 0 0 1,6 0 0 0',
    '4,40 0 0 42,37 0 1 1024,6 0 0 1,6 0 0 0',
    '5,128 0 0 0,7 0 0 0,28 0 0 0,20 0 0 0,22 0 0 0',
    '4,32 0 0 4294963220,21 0 1 0,6 0 0 0,6 0 0 1',
  ],
}
const bpf = (family: Family): Arb<ListedMatch> =>
  pick(PROGRAMS[family]).map((code) => listed('bpf', ['bytecode', `"${code}"`]))

/** What packets meet: name, weight, match. */
export function byteTraffic(family: Family): [Match['match'], number, Arb<Match>][] {
  const test = family === 'ipv4' ? fc.oneof(usual(family), ports) : usual(family)
  return [
    ['u32', 1, u32(fc.array(test, { minLength: 1, maxLength: 2 }))],
    ['string', 1, fc.oneof(string, hexString)],
    ['bpf', 1, bpf(family)],
  ]
}
