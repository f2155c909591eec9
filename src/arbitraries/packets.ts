// Packet sequences that a namespace has something to say about, as packet lines: new flows, replies from where packets
// ended up, retransmissions, ends of connections, clashing ports, ICMP errors about earlier packets, steps of the clock.
// Owns the generators' entries; lines are resolved by netns/script.ts from a data plane's own answers.
import fc from 'fast-check'
import type { Family } from '../netfilter/model.js'
import type { NetworkNamespace } from '../netns/model.js'
import { LineWriter, type PacketLine } from './packet-lines.js'
import { packetPool } from './packet-pool.js'
import { newFlow, step } from './packet-steps.js'
import { listOf } from './pool.js'

export type { PacketLine } from './packet-lines.js'
export { type PacketPool, type PacketTarget, packetPool } from './packet-pool.js'

export interface PacketOptions {
  /** Most lines, about. Default 60. */
  readonly maxPackets?: number
  readonly minPackets?: number
  /** Few ends and ports, mostly TCP: long conversations, and connections that get into each other's way. Default false. */
  readonly narrow?: boolean
  /** Only these families; default: those of the namespace's rule sets (both when it has none). */
  readonly families?: readonly Family[]
}

/** Steps that are not yet bound to a namespace; they shrink by themselves, whatever the namespace does. */
export interface AbstractPackets {
  readonly bind: (namespace: NetworkNamespace) => PacketLine[]
}

/** Packet sequences for a namespace that is generated beside them: `fc.tuple(namespaces(), abstractPackets())`. */
export function abstractPackets(options: PacketOptions = {}): fc.Arbitrary<AbstractPackets> {
  const max = options.maxPackets ?? 60
  const rest = listOf(step, Math.max(0, (options.minPackets ?? 1) - 1), max - 1)
  return fc.tuple(newFlow, rest).map(([first, later]) => ({
    bind: (namespace: NetworkNamespace) => {
      const pool = packetPool(namespace)
      const ruled = [...new Set(namespace.rulesets.map((r) => r.family))]
      const writer = new LineWriter(
        pool,
        options.families ?? (ruled.length ? ruled : ['ipv4', 'ipv6']),
        options.narrow ?? false,
      )
      for (const s of [first, ...later]) if (writer.lines.length < max) writer.step(s)
      return writer.lines
    },
  }))
}

/**
 * Packet lines for this namespace: every address, port and mark that it names occurs, and what provokes trouble
 * (martians, multicast, low TTLs, senseless flags). Print one line each (`JSON.stringify`) and give the text to
 * `readPacketLines`, the items to `runScript` with the data plane of your choice.
 *
 * `const lines = fc.sample(packetLines(namespace), 1)[0]`
 */
export function packetLines(namespace: NetworkNamespace, options: PacketOptions = {}): fc.Arbitrary<PacketLine[]> {
  return abstractPackets(options).map((packets) => packets.bind(namespace))
}

/** A namespace and packets for it. */
export interface Scenario {
  readonly namespace: NetworkNamespace
  readonly lines: readonly PacketLine[]
}

/** Namespaces with packets that mean something to them; both parts shrink on their own. */
export function scenarios(
  namespace: fc.Arbitrary<NetworkNamespace>,
  options: PacketOptions = {},
): fc.Arbitrary<Scenario> {
  return fc.tuple(namespace, abstractPackets(options)).map(([n, packets]) => ({ namespace: n, lines: packets.bind(n) }))
}
