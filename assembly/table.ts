// The connection table: records, the index over both directions, the order of confirmation. Which connection ends next is
// ends.ts's, chains by original source are by-source.ts's. Fixed capacity; nothing is allocated after init.
//
//   index: slots of {hash, reference} with linear probing; reference = (record * 2 + direction) + 1, 0 = free

import { BySource } from './by-source'
import { Crowd } from './crowd'
import { Ends } from './ends'
import {
  CT_COLD_BYTES,
  CT_END_OFF,
  CT_FAMILY_OFF,
  CT_HOT_BYTES,
  CT_NEXT_OFF,
  CT_ORIG_OFF,
  CT_PREV_OFF,
  CT_PROTO_OFF,
  CT_REPLY_OFF,
  CT_SRC_NEXT_OFF,
  CT_STATUS_OFF,
  CT_ZONE_OFF,
  IPS_CONFIRMED,
  IPS_DYING,
  SYSCTL_CT_MAX,
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
    Table.free = Memory.allocate(<usize>capacity * 4)
    // Only a table that can be full needs it.
    const most = Sysctl.get(SYSCTL_CT_MAX)
    if (most !== 0 && most <= capacity && !Crowd.init(slots)) return false
    return (
      Table.hot !== 0 &&
      Table.cold !== 0 &&
      Table.index !== 0 &&
      Table.free !== 0 &&
      Ends.init(capacity) &&
      BySource.init(slots)
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
    BySource.unlink(ct)
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
    Ends.add(record, end, Table.live++)
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
    Ends.remove(ct, record, --Table.live)
    BySource.unlink(ct)
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

  /** Takes out everything whose end has come. */
  static expire(now: f64): void {
    for (let ct = Ends.due(now); ct !== 0; ct = Ends.due(now)) {
      Table.kill(ct)
      Table.bury()
    }
  }
}
