// What is drawn of packet sequences: flows, replies, retransmissions, errors, ends, and what a packet carries besides its
// addresses. Plain numbers, not yet bound to a namespace, so that they shrink whatever the namespace does.
import fc from 'fast-check'
import type { PacketType, SocketKind } from '../net/packet.js'
import { MACS } from './bridges.js'
import { pick, rarely, weighted } from './pool.js'

const number = fc.nat({ max: 0xffff })
/** Before, at, within and after what is usual, and on both sides of the wrap. */
export const SEQUENCE: readonly number[] = [1000, 1001, 1002, 999, 1101, 2000, 100_000, 0xffffffff, 0, 0x80000000]
const GAPS = [0, 0, 0, 1, 1000, 2001, 10_000, 30_000, 60_001, 120_000, 300_000, 433_000_000]

const SOCKETS: readonly SocketKind[] = ['none', 'bound', 'wildcard', 'transparent bound', 'transparent wildcard']

/** What any packet may carry besides its addresses. */
const extras = fc.record({
  mark: weighted<number | null>([6, fc.constant(null)], [2, number]),
  ttl: weighted<number | null>([12, fc.constant(null)], [1, pick([1, 2, 0, 255])]),
  tos: weighted<number | null>([12, fc.constant(null)], [1, pick([4, 8, 16, 0xb8])]),
  payload: weighted<number | null>([6, fc.constant(null)], [1, pick([1, 100, 1300, 1400])]),
  gap: weighted([8, fc.constant(0)], [3, pick(GAPS)]),
  /** Who sent it and which CPU has it, for the rules that ask. */
  facts: weighted<Facts | null>(
    [9, fc.constant(null)],
    [
      3,
      fc.record({
        cpu: pick([0, 1]),
        uid: pick([0, 0, 1000, 1001]),
        gid: pick([0, 0, 1000, 1001]),
        socket: pick(SOCKETS),
      }),
    ],
  ),
  /** Ethernet addresses and the kind of frame, where they are not what follows from the rest. */
  frame: weighted<Frame | null>(
    [9, fc.constant(null)],
    [
      1,
      fc.oneof(
        pick(MACS).map((mac) => ({ mac })),
        pick(MACS).map((mac_dst) => ({ mac_dst })),
        pick(['host', 'broadcast', 'multicast', 'otherhost'] as const).map((pkttype) => ({ pkttype })),
      ),
    ],
  ),
  /** What rules that read bytes ask for. */
  bytes: weighted<Bytes | null>(
    [2, fc.constant(null)],
    [
      1,
      fc.record({
        ip_id: pick([0, 7, 0xffff]),
        df: fc.boolean(),
        flow_label: pick([0, 5, 0xfffff]),
        icmp_seq: pick([0, 1]),
        icmp_rest: pick([0, 1500]),
        payload: pick(['', '00', '47455420', '00010203040506070809']),
      }),
    ],
  ),
  /** TCP: 0 the usual numbers. */
  numbers: weighted([9, fc.constant(0)], [2, fc.integer({ min: 1, max: 15 })]),
  frag: weighted<Pieces | null>(
    [24, fc.constant(null)],
    [1, fc.record({ order: fc.nat({ max: 7 }), id: fc.nat({ max: 3 }), last: fc.nat({ max: 5 }) })],
  ),
})
/** A packet in pieces: their order, their identification (0: none), and what is odd about them. */
export type Pieces = { order: number; id: number; last: number }
type Frame = { mac?: string; mac_dst?: string; pkttype?: PacketType }
type Facts = { cpu: number; uid: number; gid: number; socket: SocketKind }
export type Bytes = {
  ip_id: number
  df: boolean
  flow_label: number
  icmp_seq: number
  icmp_rest: number
  payload: string
}
export type Extras = {
  bytes: Bytes | null
  frame: Frame | null
  facts: Facts | null
  mark: number | null
  ttl: number | null
  tos: number | null
  payload: number | null
  gap: number
  numbers: number
  frag: Pieces | null
}

export interface Flow {
  readonly v6: boolean
  readonly local: boolean
  readonly link: number
  readonly proto: string | number
  /** How the ends are chosen: 0 the usual (from a neighbour or an own address, to anything known), 1 anything known, 2 an odd address. */
  readonly fromHow: number
  readonly toHow: number
  readonly known: boolean
  readonly from: number
  readonly to: number
  readonly sport: number
  readonly dport: number
  readonly type: number
}

const flow: fc.Arbitrary<Flow> = fc.record({
  v6: fc.boolean(),
  local: rarely(4),
  link: fc.nat({ max: 7 }),
  proto: weighted<string | number>(
    [8, fc.constant('tcp')],
    [6, fc.constant('udp')],
    [3, fc.constant('icmp')],
    [2, fc.constant('sctp')],
    [1, pick<string | number>(['gre', 'esp', 'udplite', 'dccp', 89])],
  ),
  fromHow: weighted([20, fc.constant(0)], [1, fc.constant(1)], [1, fc.constant(2)]),
  toHow: weighted([10, fc.constant(0)], [1, fc.constant(2)]),
  known: rarely(3),
  from: number,
  to: number,
  sport: fc.nat({ max: 7 }),
  dport: number,
  type: fc.nat({ max: 15 }),
})

export const FLAGS: readonly string[] = [
  'S',
  'SA',
  'A',
  'PA',
  'FA',
  'F',
  'R',
  'RA',
  'SF',
  '',
  'SAUEC',
  'FPU',
  'FA',
  'A',
  'A',
]
export const CHUNKS: readonly string[] = [
  'INIT',
  'INIT_ACK',
  'COOKIE_ECHO',
  'COOKIE_ACK',
  'DATA',
  'SACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN_ACK',
].concat(['SHUTDOWN_COMPLETE', 'HEARTBEAT', 'HEARTBEAT_ACK', 'ERROR'])

export type Step =
  | { readonly kind: 'new'; readonly flow: Flow; readonly flags: number; readonly extras: Extras }
  | { readonly kind: 'open'; readonly flow: Flow; readonly extras: Extras }
  | {
      readonly kind: 'reply' | 'again'
      readonly back: number
      readonly flags: number | null
      readonly win: number | null
      readonly other: { readonly port: number } | null
      readonly extras: Extras
    }
  | {
      readonly kind: 'error'
      readonly back: number
      readonly type: number
      readonly wrong: boolean
      readonly extras: Extras
    }
  | { readonly kind: 'close'; readonly back: number; readonly extras: Extras }

/** How far back: mostly the latest packets. */
const back = weighted([5, fc.nat({ max: 3 })], [3, fc.nat({ max: 12 })], [1, fc.nat({ max: 60 })])
const flagsOrNot = weighted<number | null>([1, fc.constant(null)], [2, fc.nat({ max: FLAGS.length - 1 })])
const talk = {
  back,
  flags: flagsOrNot,
  win: weighted<number | null>([9, fc.constant(null)], [1, pick([0, 1000])]),
  other: weighted<{ port: number } | null>([8, fc.constant(null)], [1, fc.record({ port: fc.nat({ max: 7 }) })]),
  extras,
}

export const newFlow: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('new' as const),
  flow,
  flags: weighted([5, fc.constant(0)], [1, fc.nat({ max: 14 })]),
  extras,
})

export const step: fc.Arbitrary<Step> = weighted<Step>(
  [5, newFlow],
  [2, fc.record({ kind: fc.constant('open' as const), flow, extras })],
  [5, fc.record({ kind: fc.constant('reply' as const), ...talk })],
  [3, fc.record({ kind: fc.constant('again' as const), ...talk })],
  [2, fc.record({ kind: fc.constant('error' as const), back, type: fc.nat({ max: 7 }), wrong: rarely(6), extras })],
  [2, fc.record({ kind: fc.constant('close' as const), back, extras })],
)
