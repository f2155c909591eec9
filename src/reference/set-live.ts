// A set while packets run: its elements in the order in which they were added, and the places that those which went leave in
// the kernel's buckets. Kernel: net/netfilter/ipset/ip_set_hash_gen.h (mtype_add, mtype_del, mtype_expire).
import type { IpSet, SetEntry, SetPart } from '../netns/model.js'

/** What an element gives to a packet. */
export interface SetInfo {
  mark: number
  markMask: number
}

export interface Element {
  parts: readonly SetPart[]
  nomatch: boolean
  endMs: number
  packets: bigint
  bytes: bigint
  comment: string | undefined
  info: SetInfo
  prio: number
  queue: number
  /** bitmap:ip,mac without an Ethernet address yet: the timeout that begins when it gets one, seconds. */
  waiting: number | undefined
}

export interface LiveSet {
  readonly set: IpSet
  /** In the order in which they were added. */
  elements: Element[]
  /**
   * Hashes: the elements of each bucket of the kernel's table, null where one went and its place was left: by all parts
   * but interfaces, so only interfaces of one network share a bucket.
   */
  readonly buckets: Map<string, (Element | null)[]>
  /** Buckets with a free place, the one that was left first at the front. */
  places: string[]
}

/** Free places that are known at most: the buckets of the kernel's table, as it usually is. */
const PLACES = 1024

function elementFrom(set: IpSet, entry: SetEntry): Element {
  const waits = set.type === 'bitmap:ip,mac' && entry.parts.length === 1
  return {
    parts: entry.parts,
    nomatch: entry.nomatch,
    endMs: entry.timeout === undefined || waits ? Number.POSITIVE_INFINITY : entry.timeout * 1000,
    packets: entry.packets ?? 0n,
    bytes: entry.bytes ?? 0n,
    comment: entry.comment,
    info: { mark: entry.skbmark?.value ?? 0, markMask: entry.skbmark?.mask ?? 0 },
    prio: entry.skbprio ?? 0,
    queue: entry.skbqueue ?? 0,
    waiting: waits ? (entry.timeout ?? 0) : undefined,
  }
}

function keyOf(set: IpSet, entry: SetEntry): string {
  return JSON.stringify(set.type === 'bitmap:ip,mac' ? entry.parts.slice(0, 1) : entry.parts)
}

/** An element as listings show it; what is left of a timeout in whole seconds, at least 1. */
export function entryOf(set: IpSet, e: Element, now: number): SetEntry {
  const left = Math.max(1, Math.floor((e.endMs - now) / 1000))
  const timeout = e.waiting !== undefined ? e.waiting : Number.isFinite(e.endMs) ? left : 0
  return {
    parts: e.parts,
    nomatch: e.nomatch,
    ...(timeout > 0 ? { timeout } : {}),
    ...(set.options['counters'] === undefined ? {} : { packets: e.packets, bytes: e.bytes }),
    ...(e.comment === undefined ? {} : { comment: e.comment }),
    ...(e.info.mark === 0 && e.info.markMask === 0 ? {} : { skbmark: { value: e.info.mark, mask: e.info.markMask } }),
    ...(e.prio === 0 ? {} : { skbprio: e.prio }),
    ...(e.queue === 0 ? {} : { skbqueue: e.queue }),
  }
}

/** A set as it is at the start. */
export function liveSet(set: IpSet): LiveSet {
  // The same element twice: the one added last, in the place of the first.
  const elements = new Map(set.entries.map((e) => [keyOf(set, e), elementFrom(set, e)] as const))
  const live: LiveSet = { set, elements: [...elements.values()], buckets: new Map(), places: [] }
  for (const element of live.elements) bucketOf(live, element.parts).push(element)
  return live
}

export function bucketOf(live: LiveSet, parts: readonly SetPart[]): (Element | null)[] {
  const key = placeOf(parts)
  const bucket = live.buckets.get(key) ?? []
  live.buckets.set(key, bucket)
  return bucket
}

/** What decides about the bucket: all parts but interfaces. */
export function placeOf(parts: readonly SetPart[]): string {
  return JSON.stringify(parts.map((p) => (p.part === 'iface' ? (p.physdev ?? false) : p)))
}

/** An element went: its place in the bucket stays, unless it was the last one's; two free ones are given back. */
export function leavePlace(live: LiveSet, element: Element, deleted: boolean): void {
  const key = placeOf(element.parts)
  const bucket = bucketOf(live, element.parts)
  const at = bucket.indexOf(element)
  bucket[at] = null
  if (deleted && at === bucket.length - 1) bucket.pop()
  const free = bucket.filter((e) => e === null).length
  const unused = deleted && free === bucket.length
  if (unused || free > 1) tidy(live, key)
  else if (free === 1 && !live.places.includes(key)) live.places.push(key)
  if (live.places.length > PLACES) tidy(live, live.places[0]!)
}

/** A bucket without free places. */
function tidy(live: LiveSet, key: string): void {
  const kept = live.buckets.get(key)?.filter((e) => e !== null) ?? []
  if (kept.length === 0) live.buckets.delete(key)
  else live.buckets.set(key, kept)
  live.places = live.places.filter((p) => p !== key)
}
