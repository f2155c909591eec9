// What a connection has carried, by direction: counted where a tracker lets a packet keep its connection alive.
// Kernel: net/netfilter/nf_conntrack_acct.c, nf_conntrack_core.c (__nf_ct_refresh_acct, nf_ct_kill_acct).
import { packetLength } from '../net/length.js'
import type { ConntrackEntry, Packet } from '../net/packet.js'
import type { ExistingConnection } from '../netns/model.js'
import { sysctl } from './sysctl.js'
import type { Connection, Count, Direction, World } from './types.js'

const zero = (): Count => ({ packets: 0n, bytes: 0n })

/** The counters of a connection that begins now. */
export function newCounts(world: World): Connection['counted'] {
  return sysctl(world.ns, 'net.netfilter.nf_conntrack_acct', 0) === 0 ? null : [zero(), zero()]
}

/** Those of a connection that exists at the start; what a listing does not show was not counted. */
export function loadedCounts({ counted }: ExistingConnection): Connection['counted'] {
  if (counted === undefined) return null
  const count = (c: { packets: number; bytes: number }): Count => ({
    packets: BigInt(c.packets),
    bytes: BigInt(c.bytes),
  })
  return [count(counted.orig), count(counted.reply)]
}

export function shownCounts({ counted }: Connection): Pick<ConntrackEntry, 'counted'> {
  if (counted === null) return {}
  const shown = (c: Count): { packets: number; bytes: number } => ({
    packets: Number(c.packets),
    bytes: Number(c.bytes),
  })
  return { counted: { orig: shown(counted[0]), reply: shown(counted[1]) } }
}

export function count(flow: Connection, dir: Direction, packet: Packet): void {
  const side = flow.counted?.[dir]
  if (side === undefined) return
  side.packets = BigInt.asUintN(64, side.packets + 1n)
  side.bytes = BigInt.asUintN(64, side.bytes + BigInt(packetLength(packet)))
}

/** A packet keeps its connection alive for that long from now, and is counted. */
export function keep(world: World, flow: Connection, dir: Direction, packet: Packet, timeoutMs: number): void {
  world.table.refresh(flow, timeoutMs)
  count(flow, dir, packet)
}
