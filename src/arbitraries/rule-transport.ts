// Matches that go with a protocol, in every form that iptables prints: tcp, udp, sctp, multiport, icmp, icmp6, ecn.
import fc from 'fast-check'
import type { Family, Match } from '../netfilter/model.js'
import { ecnForms } from './matches-header.js'
import {
  type Arb,
  negatable,
  type Of,
  pick,
  port,
  portRange,
  printedPorts,
  record,
  some,
  subsetOf,
  tagged,
} from './rule-values.js'

const tcpFlags = record({ mask: fc.nat({ max: 63 }), comp: fc.nat({ max: 63 }) }).filter((f) => f.mask !== 0)
const CHUNK_TYPES = [0, 1, 2, 3, 6, 10, 14, 64, 132, 194] as const
const CHUNK_FLAGS: Readonly<Record<number, readonly string[]>> = { 0: ['Be', 'IUBE', 'u'], 6: ['T'], 14: ['t'] }
const chunkTypes = fc.oneof(
  fc.constant([] as { type: number; flags?: string }[]),
  fc.constant(Array.from({ length: 256 }, (_, type) => ({ type }))),
  fc.tuple(subsetOf(CHUNK_TYPES), fc.boolean(), fc.nat({ max: 2 })).map(([types, flagged, n]) =>
    types.map((type) => {
      const known = CHUNK_FLAGS[type]
      return flagged && known !== undefined ? { type, flags: known[n % known.length]! } : { type }
    }),
  ),
)

const MULTIPORT_SLOTS = 15
const multiports = fc
  .array(
    fc.oneof(
      port.map((p) => ({ from: p, to: p })),
      portRange,
    ),
    { minLength: 1, maxLength: 15 },
  )
  .map((list) => {
    let slots = 0
    return list.filter((r) => {
      slots += r.from === r.to ? 1 : 2
      return slots <= MULTIPORT_SLOTS
    })
  })

const codes = fc.oneof(
  fc.constant({ from: 0, to: 255 }),
  fc.nat({ max: 255 }).map((c) => ({ from: c, to: c })),
)

/** Matches that go with a protocol, and the protocol. */
export function transport(): { readonly [proto: number]: Arb<Match>[] } {
  const multiport = (): Arb<Match> =>
    record({
      match: fc.constant('multiport' as const),
      on: pick(['sports', 'dports', 'ports'] as const),
      not: fc.boolean(),
      ports: multiports,
    })
  return {
    6: [
      tagged<Of<'tcp'>>(
        'tcp',
        some<Omit<Of<'tcp'>, 'match'>>({
          sport: printedPorts,
          dport: printedPorts,
          flags: negatable(tcpFlags),
          option: negatable(fc.integer({ min: 1, max: 255 })),
        }),
      ),
      multiport(),
      ecnForms,
    ],
    17: [
      tagged<Of<'udp'>>('udp', some<Omit<Of<'udp'>, 'match'>>({ sport: printedPorts, dport: printedPorts })),
      multiport(),
    ],
    132: [
      tagged<Of<'sctp'>>(
        'sctp',
        some<Omit<Of<'sctp'>, 'match'>>({
          sport: negatable(portRange),
          dport: negatable(portRange),
          chunks: negatable(record({ how: pick(['all', 'any', 'only'] as const), types: chunkTypes })),
        }),
      ),
      multiport(),
    ],
    33: [multiport()],
    136: [multiport()],
    1: [
      record({
        match: fc.constant('icmp' as const),
        type: negatable(
          fc.oneof(
            fc.constant({ type: 255, codes: { from: 0, to: 255 } }),
            record({ type: fc.nat({ max: 254 }), codes }),
          ),
        ),
      }),
    ],
    58: [
      record({
        match: fc.constant('icmp6' as const),
        type: negatable(record({ type: fc.nat({ max: 255 }), codes })),
      }),
    ],
  }
}

/** Those of the family's own ICMP; none for the other one's. */
export function ownIcmp(byProto: ReturnType<typeof transport>, family: Family, key: '1' | '58'): Arb<Match>[] {
  return (family === 'ipv4') === (key === '1') ? (byProto[Number(key)] ?? []) : []
}
