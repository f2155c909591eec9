// The connection table: records, the index over both directions, the order of confirmation, the heap of ends, and the
// chains by original source that NAT asks. Fixed capacity; nothing is allocated after init.
//
//   index: slots of {hash, reference} with linear probing; reference = (record * 2 + direction) + 1, 0 = free
//   heap:  record numbers by CT_HEAP_KEY, which is never after CT_END: an entry that was refreshed is put back when it comes up

import { Crowd } from './crowd'
import {
  CT_COLD_BYTES,
  CT_END_OFF,
  CT_FAMILY_OFF,
  CT_HEAP_KEY_OFF,
  CT_HEAP_OFF,
  CT_HOT_BYTES,
  CT_NEXT_OFF,
  CT_ORIG_OFF,
  CT_PREV_OFF,
  CT_PROTO_OFF,
  CT_REPLY_OFF,
  CT_SRC_HASH_OFF,
  CT_SRC_NEXT_OFF,
  CT_SRC_PREV_OFF,
  CT_STATUS_OFF,
  CT_ZONE_OFF,
  IPS_CONFIRMED,
  IPS_DYING,
  SYSCTL_CT_MAX,
  TUPLE_SPORT_OFF,
} from './layout'
import { Memory } from './memory'
import { Sysctl } from './sysctl'
import { Tuple } from './tuple'

export class Table {
  static hot: usize = 0
  static cold: usize = 0
  static capacity: u32 = 0
  static seed: u64 = 0
  /** Confirmed connections. */
  static live: u32 = 0
  /** Some connection has different zones by direction. */
  static mixed: bool = false
  /** Oldest and newest in the order of confirmation: record + 1. */
  static first: u32 = 0
  static last: u32 = 0
  private static index: usize = 0
  private static mask: u32 = 0
  private static heap: usize = 0
  private static heads: usize = 0
  private static free: usize = 0
  private static freeCount: u32 = 0
  private static fresh: u32 = 0
  /** Killed, but the packet may still look at it: record + 1, chained by CT_SRC_NEXT. */
  private static dead: u32 = 0

  /** False when memory does not suffice. */
  static init(capacity: u32, seed: u64): bool {
    let slots: u32 = 64
    while (slots < capacity * 4) slots <<= 1
    Table.capacity = capacity
    Table.seed = seed
    Table.mask = slots - 1
    Table.hot = Memory.allocate(<usize>capacity * CT_HOT_BYTES)
    Table.cold = Memory.allocate(<usize>capacity * CT_COLD_BYTES)
    Table.index = Memory.allocate(<usize>slots * 8)
    Table.heap = Memory.allocate(<usize>capacity * 4)
    Table.heads = Memory.allocate(<usize>slots * 4)
    Table.free = Memory.allocate(<usize>capacity * 4)
    // Only a table that can be full needs it.
    const most = Sysctl.get(SYSCTL_CT_MAX)
    if (most !== 0 && most <= capacity && !Crowd.init(slots)) return false
    return (
      Table.hot !== 0 &&
      Table.cold !== 0 &&
      Table.index !== 0 &&
      Table.heap !== 0 &&
      Table.heads !== 0 &&
      Table.free !== 0
    )
  }

  static hotOf(record: u32): usize {
    return Table.hot + record * CT_HOT_BYTES
  }

  static recordOf(ct: usize): u32 {
    return <u32>((ct - Table.hot) / CT_HOT_BYTES)
  }

  static coldOf(ct: usize): usize {
    return Table.cold + Table.recordOf(ct) * CT_COLD_BYTES
  }

  static tuple(ct: usize, direction: u32): usize {
    return Table.coldOf(ct) + (direction === 0 ? CT_ORIG_OFF : CT_REPLY_OFF)
  }

  static hasRoom(): bool {
    return Table.freeCount > 0 || Table.fresh < Table.capacity
  }

  /** A zeroed record; 0 when none is left. */
  static take(): usize {
    let record: u32 = 0
    if (Table.freeCount > 0) {
      Table.freeCount--
      record = load<u32>(Table.free + Table.freeCount * 4)
    } else if (Table.fresh < Table.capacity) record = Table.fresh++
    else return 0
    const ct = Table.hotOf(record)
    Memory.clear(ct, CT_HOT_BYTES)
    Memory.clear(Table.cold + record * CT_COLD_BYTES, CT_COLD_BYTES)
    return ct
  }

  /** Gives back a record that was never confirmed. */
  static drop(ct: usize): void {
    Table.unlinkSource(ct)
    store<u32>(Table.free + Table.freeCount * 4, Table.recordOf(ct))
    Table.freeCount++
  }

  /**
   * Reference of the direction with this tuple: record * 2 + direction, or -1. Zones: the packet's, by direction. Where
   * zones differ by direction, one connection's original and another's reply tuple may be the same: the original counts.
   */
  static find(tuple: usize, proto: u32, family: u32, zones: u32): i32 {
    const hash = Tuple.hash(tuple, proto, Table.seed)
    const mask = Table.mask
    const index = Table.index
    let at = hash & mask
    let slot = load<u64>(index + at * 8)
    let reply: i32 = -1
    while (slot >> 32 !== 0) {
      const reference = <u32>(slot >> 32)
      if (<u32>slot === hash) {
        const direction = (reference - 1) & 1
        const ct = Table.hotOf((reference - 1) >>> 1)
        const shift = direction << 4
        if (
          Tuple.same(Table.tuple(ct, direction), tuple) &&
          load<u32>(ct + CT_PROTO_OFF) === proto &&
          load<u32>(ct + CT_FAMILY_OFF) === family &&
          (((load<u32>(ct + CT_ZONE_OFF) ^ zones) >>> shift) & 0xffff) === 0
        ) {
          if (direction === 0 || !Table.mixed) return reference - 1
          reply = reference - 1
        }
      }
      at = (at + 1) & mask
      slot = load<u64>(index + at * 8)
    }
    return reply
  }

  /** Reads the slot at which a hash is looked for first. */
  static touchSlot(hash: u32): u32 {
    return load<u32>(Table.index + (hash & Table.mask) * 8)
  }

  /** Reads the record that this slot leads to. */
  static touchRecord(hash: u32): u32 {
    const slot = load<u64>(Table.index + (hash & Table.mask) * 8)
    const reference = <u32>(slot >> 32)
    if (<u32>slot !== hash || reference === 0) return 0
    const record = (reference - 1) >>> 1
    const cold = Table.cold + record * CT_COLD_BYTES
    return load<u32>(Table.hotOf(record)) | load<u32>(cold) | load<u32>(cold + 64) | load<u32>(cold + 128)
  }

  /** Puts a connection into the table; it ends at `end`. */
  static insert(ct: usize, end: f64): void {
    const record = Table.recordOf(ct)
    const proto = load<u32>(ct + CT_PROTO_OFF)
    const zones = load<u32>(ct + CT_ZONE_OFF)
    if (((zones >>> 16) ^ zones) & 0xffff) Table.mixed = true
    Table.place(Tuple.hash(Table.tuple(ct, 0), proto, Table.seed), record * 2 + 1)
    Table.place(Tuple.hash(Table.tuple(ct, 1), proto, Table.seed), record * 2 + 2)
    store<u32>(ct + CT_STATUS_OFF, load<u32>(ct + CT_STATUS_OFF) | IPS_CONFIRMED)
    store<u32>(ct + CT_PREV_OFF, Table.last)
    store<u32>(ct + CT_NEXT_OFF, 0)
    if (Table.last === 0) Table.first = record + 1
    else store<u32>(Table.hotOf(Table.last - 1) + CT_NEXT_OFF, record + 1)
    Table.last = record + 1
    store<f64>(ct + CT_END_OFF, end)
    store<f64>(Table.coldOf(ct) + CT_HEAP_KEY_OFF, end)
    Table.up(Table.live++, record, end)
    if (Crowd.on) Crowd.add(ct)
  }

  private static place(hash: u32, reference: u32): void {
    const mask = Table.mask
    let at = hash & mask
    while (load<u32>(Table.index + at * 8 + 4) !== 0) at = (at + 1) & mask
    store<u64>(Table.index + at * 8, ((<u64>reference) << 32) | hash)
  }

  /** Takes a slot out and moves later ones of the same run forward. */
  private static displace(hash: u32, reference: u32): void {
    const mask = Table.mask
    const index = Table.index
    let at = hash & mask
    while (load<u32>(index + at * 8 + 4) !== reference) at = (at + 1) & mask
    let next = at
    for (;;) {
      next = (next + 1) & mask
      const slot = load<u64>(index + next * 8)
      if (<u32>(slot >> 32) === 0) break
      const home = <u32>slot & mask
      if (((next - home) & mask) >= ((next - at) & mask)) {
        store<u64>(index + at * 8, slot)
        at = next
      }
    }
    store<u64>(index + at * 8, 0)
  }

  /** Takes a confirmed connection out at once; its record stays readable until `bury`. */
  static kill(ct: usize): void {
    if (Crowd.on) Crowd.remove(ct)
    const record = Table.recordOf(ct)
    const proto = load<u32>(ct + CT_PROTO_OFF)
    Table.displace(Tuple.hash(Table.tuple(ct, 0), proto, Table.seed), record * 2 + 1)
    Table.displace(Tuple.hash(Table.tuple(ct, 1), proto, Table.seed), record * 2 + 2)
    const before = load<u32>(ct + CT_PREV_OFF)
    const after = load<u32>(ct + CT_NEXT_OFF)
    if (before === 0) Table.first = after
    else store<u32>(Table.hotOf(before - 1) + CT_NEXT_OFF, after)
    if (after === 0) Table.last = before
    else store<u32>(Table.hotOf(after - 1) + CT_PREV_OFF, before)
    const hole = load<u32>(ct + CT_HEAP_OFF)
    const moved = load<u32>(Table.heap + --Table.live * 4)
    if (moved !== record) {
      const key = load<f64>(Table.cold + moved * CT_COLD_BYTES + CT_HEAP_KEY_OFF)
      if (!Table.up(hole, moved, key)) Table.down(hole, moved, key)
    }
    Table.unlinkSource(ct)
    store<u32>(ct + CT_STATUS_OFF, load<u32>(ct + CT_STATUS_OFF) | IPS_DYING)
    store<u32>(ct + CT_SRC_NEXT_OFF, Table.dead)
    Table.dead = record + 1
  }

  /** Takes a connection out that no packet on its way has anything to do with: its record is free at once. */
  static evict(ct: usize): void {
    Table.kill(ct)
    const record = Table.dead - 1
    Table.dead = load<u32>(ct + CT_SRC_NEXT_OFF)
    store<u32>(Table.free + Table.freeCount * 4, record)
    Table.freeCount++
  }

  /** Gives the records of the killed back. */
  static bury(): void {
    while (Table.dead !== 0) {
      const record = Table.dead - 1
      Table.dead = load<u32>(Table.hotOf(record) + CT_SRC_NEXT_OFF)
      store<u32>(Table.free + Table.freeCount * 4, record)
      Table.freeCount++
    }
  }

  /** Sets when a confirmed connection ends. */
  static setEnd(ct: usize, end: f64): void {
    store<f64>(ct + CT_END_OFF, end)
    const key = Table.coldOf(ct) + CT_HEAP_KEY_OFF
    if (end < load<f64>(key)) {
      store<f64>(key, end)
      Table.up(load<u32>(ct + CT_HEAP_OFF), Table.recordOf(ct), end)
    }
  }

  /** Takes out everything whose end has come. */
  static expire(now: f64): void {
    while (Table.live > 0) {
      const record = load<u32>(Table.heap)
      const key = Table.cold + record * CT_COLD_BYTES + CT_HEAP_KEY_OFF
      if (load<f64>(key) > now) return
      const ct = Table.hotOf(record)
      const end = load<f64>(ct + CT_END_OFF)
      if (end <= now) {
        Table.kill(ct)
        Table.bury()
      } else {
        store<f64>(key, end)
        Table.down(0, record, end)
      }
    }
  }

  private static put(place: u32, record: u32): void {
    store<u32>(Table.heap + place * 4, record)
    store<u32>(Table.hotOf(record) + CT_HEAP_OFF, place)
  }

  /** Puts a record at a place or above it; true when above. */
  private static up(from: u32, record: u32, key: f64): bool {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >>> 1
      const other = load<u32>(Table.heap + parent * 4)
      if (load<f64>(Table.cold + other * CT_COLD_BYTES + CT_HEAP_KEY_OFF) <= key) break
      Table.put(place, other)
      place = parent
    }
    Table.put(place, record)
    return place !== from
  }

  private static down(from: u32, record: u32, key: f64): void {
    let place = from
    const count = Table.live
    for (;;) {
      let child = place * 2 + 1
      if (child >= count) break
      let other = load<u32>(Table.heap + child * 4)
      let otherKey = load<f64>(Table.cold + other * CT_COLD_BYTES + CT_HEAP_KEY_OFF)
      if (child + 1 < count) {
        const right = load<u32>(Table.heap + child * 4 + 4)
        const rightKey = load<f64>(Table.cold + right * CT_COLD_BYTES + CT_HEAP_KEY_OFF)
        if (rightKey < otherKey) {
          child++
          other = right
          otherKey = rightKey
        }
      }
      if (otherKey >= key) break
      Table.put(place, other)
      place = child
    }
    Table.put(place, record)
  }

  // By original source: source address, port or id, protocol. Newest first.

  private static sourceHash(tuple: usize, proto: u32): u32 {
    let h: u64 = (Table.seed ^ load<u64>(tuple)) * 0x9e3779b97f4a7c15
    h = (h ^ (h >> 32) ^ load<u64>(tuple + 8)) * 0xbf58476d1ce4e5b9
    h = (h ^ (h >> 29) ^ load<u32>(tuple + TUPLE_SPORT_OFF) ^ ((<u64>proto) << 48)) * 0x94d049bb133111eb
    return <u32>(h >> 32) & Table.mask
  }

  static linkSource(ct: usize): void {
    const bucket = Table.sourceHash(Table.tuple(ct, 0), load<u32>(ct + CT_PROTO_OFF))
    const head = Table.heads + bucket * 4
    const record = Table.recordOf(ct)
    const next = load<u32>(head)
    store<u32>(ct + CT_SRC_PREV_OFF, 0)
    store<u32>(ct + CT_SRC_NEXT_OFF, next)
    if (next !== 0) store<u32>(Table.hotOf(next - 1) + CT_SRC_PREV_OFF, record + 1)
    store<u32>(head, record + 1)
    store<u32>(Table.coldOf(ct) + CT_SRC_HASH_OFF, bucket + 1)
  }

  private static unlinkSource(ct: usize): void {
    const cold = Table.coldOf(ct)
    const bucket = load<u32>(cold + CT_SRC_HASH_OFF)
    if (bucket === 0) return
    const before = load<u32>(ct + CT_SRC_PREV_OFF)
    const after = load<u32>(ct + CT_SRC_NEXT_OFF)
    if (before === 0) store<u32>(Table.heads + (bucket - 1) * 4, after)
    else store<u32>(Table.hotOf(before - 1) + CT_SRC_NEXT_OFF, after)
    if (after !== 0) store<u32>(Table.hotOf(after - 1) + CT_SRC_PREV_OFF, before)
    store<u32>(cold + CT_SRC_HASH_OFF, 0)
  }

  /** The next connection of a chain with this original source: `ct` 0 begins; 0 = no more. */
  static nextBySource(ct: usize, tuple: usize, proto: u32, family: u32, zones: u32): usize {
    let n = ct === 0 ? load<u32>(Table.heads + Table.sourceHash(tuple, proto) * 4) : load<u32>(ct + CT_SRC_NEXT_OFF)
    while (n !== 0) {
      const at = Table.hotOf(n - 1)
      const own = Table.tuple(at, 0)
      if (
        load<u32>(at + CT_PROTO_OFF) === proto &&
        load<u32>(at + CT_FAMILY_OFF) === family &&
        !v128.any_true(v128.xor(v128.load(own), v128.load(tuple))) &&
        load<u32>(own + TUPLE_SPORT_OFF) === load<u32>(tuple + TUPLE_SPORT_OFF) &&
        ((load<u32>(at + CT_ZONE_OFF) ^ zones) & 0xffff) === 0
      ) {
        return at
      }
      n = load<u32>(at + CT_SRC_NEXT_OFF)
    }
    return 0
  }
}
