// The table of connections: every confirmed one of both families, found by the tuple of either direction.
// Kernel: net/netfilter/nf_conntrack_core.c (____nf_conntrack_find, nf_conntrack_hash_insert, nf_ct_gc_expired).
import type { NetworkNamespace } from '../netns/model.js'
import { sysctl } from './sysctl.js'
import { textOfTuple, zoneId } from './tuple.js'
import type { Connection, Direction, FlowTuple, Zone } from './types.js'

/** `net.netfilter.nf_conntrack_max` when it was not given. */
const DEFAULT_MAX = 262144

function slot(tuple: FlowTuple, direction: Direction, zone: Zone): string {
  return `${textOfTuple(tuple)} ${direction} ${zoneId(zone, direction)}`
}

function sourceSlot(tuple: FlowTuple): string {
  return [tuple.proto, tuple.src, tuple.sport, tuple.id].join(' ')
}

/** Every confirmed connection of both families. */
export class ConntrackTable {
  /** In the order of confirmation. */
  readonly #all = new Set<Connection>()
  readonly #bySlot = new Map<string, Connection>()
  /** By the original source, for the reuse of mappings. */
  readonly #bySource = new Map<string, Set<Connection>>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Still there: not killed and not past its end. What is past its end is removed here. */
  #alive(flow: Connection): boolean {
    if (this.#now() < flow.endMs) return true
    this.#remove(flow)
    return false
  }

  #remove(flow: Connection): void {
    if (!this.#all.delete(flow)) return
    for (const d of [0, 1] as const) {
      const at = slot(flow.tuples[d], d, flow.zone)
      if (this.#bySlot.get(at) === flow) this.#bySlot.delete(at)
    }
    this.#bySource.get(sourceSlot(flow.tuples[0]))?.delete(flow)
  }

  /** The live connection that has this tuple in that direction. */
  at(tuple: FlowTuple, direction: Direction, zone: Zone): Connection | undefined {
    const flow = this.#bySlot.get(slot(tuple, direction, zone))
    return flow !== undefined && this.#alive(flow) ? flow : undefined
  }

  /** The live connection that has this tuple in either direction. */
  find(tuple: FlowTuple, zone: Zone): { flow: Connection; dir: Direction } | undefined {
    const original = this.at(tuple, 0, zone)
    if (original !== undefined) return { flow: original, dir: 0 }
    const reply = this.at(tuple, 1, zone)
    return reply === undefined ? undefined : { flow: reply, dir: 1 }
  }

  /** Live connections whose original packets have the source of this tuple and which chose a source, newest first. */
  fromSource(tuple: FlowTuple, zone: Zone): Connection[] {
    const all = [...(this.#bySource.get(sourceSlot(tuple)) ?? [])].reverse()
    return all.filter((f) => f.srcNatDone && zoneId(f.zone, 0) === zoneId(zone, 0) && this.#alive(f))
  }

  add(flow: Connection): void {
    flow.confirmed = true
    this.#all.add(flow)
    for (const d of [0, 1] as const) this.#bySlot.set(slot(flow.tuples[d], d, flow.zone), flow)
    const source = sourceSlot(flow.tuples[0])
    if (!this.#bySource.has(source)) this.#bySource.set(source, new Set())
    this.#bySource.get(source)!.add(flow)
  }

  /** Ends a connection at once. */
  kill(flow: Connection): void {
    flow.killed = true
    this.#remove(flow)
  }

  /** A packet keeps its connection alive for that long from now. */
  refresh(flow: Connection, timeoutMs: number): void {
    if (flow.fixedTimeout) return
    flow.timeoutMs = timeoutMs
    flow.endMs = this.#now() + timeoutMs
  }

  /** How many are live. */
  count(): number {
    return this.list().length
  }

  /** The live ones, in the order of confirmation. */
  list(): Connection[] {
    return [...this.#all].filter((f) => this.#alive(f))
  }

  /** Could the table hold one more? */
  hasRoom(ns: NetworkNamespace): boolean {
    const max = sysctl(ns, 'net.netfilter.nf_conntrack_max', DEFAULT_MAX)
    return max === 0 || this.#all.size < max || this.count() < max
  }
}
