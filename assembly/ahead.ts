// Looking ahead: the memory that the next packets of a batch will ask for is touched for many of them at once, so that
// its latencies overlap. Reads only; what it guesses wrongly costs time and nothing else. Each pass does little beside
// its loads: only so are many of them under way together.

import { Fib } from './fib'
import {
  HDR_CODE_OFF,
  HDR_DPORT_OFF,
  HDR_DST_OFF,
  HDR_FAMILY_OFF,
  HDR_ID_OFF,
  HDR_PROTO_OFF,
  HDR_SPORT_OFF,
  HDR_SRC_OFF,
  HDR_TYPE_OFF,
  PREFIX_FIRST_OFF,
  RECORD_BYTES,
  ROUTE_BYTES,
  RTABLE_BYTES,
  RTABLE_FAMILY_OFF,
  RTABLE_INDEX_BITS_OFF,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from './layout'
import { Route } from './route'
import { conntrackOn } from './rules'
import { Table } from './table'
import { Tuple } from './tuple'

/** Packets that are looked at together. */
export const AHEAD: u32 = 64
/** Fewer than these are not worth it. */
const LEAST: u32 = 8
/** Tables with an index of fewer bits stay in the cache by themselves. */
const LARGE_INDEX_BITS: u32 = 13

/** For each packet one word: a hash, a prefix. */
const NOTES = memory.data(256)
const TUPLE = memory.data(48)
/** What was read: kept, so that the reads are made. */
const SEEN = memory.data(8)

export class Ahead {
  /** Touches what `count` (at most AHEAD) records will need. */
  static look(records: usize, count: u32): void {
    if (count < LEAST) return
    if (Table.live !== 0 && (conntrackOn(4) || conntrackOn(6))) Ahead.connections(records, count)
    for (let i: u32 = 0; i < Route.tableCount; i++) {
      const table = Route.tables + i * RTABLE_BYTES
      if (load<u32>(table + RTABLE_INDEX_BITS_OFF) >= LARGE_INDEX_BITS) Ahead.routes(table, records, count)
    }
  }

  /** Hash of the tuple that a record's packet has when it comes in. */
  private static hash(record: usize): u32 {
    v128.store(TUPLE + TUPLE_SRC_OFF, v128.load(record + HDR_SRC_OFF))
    v128.store(TUPLE + TUPLE_DST_OFF, v128.load(record + HDR_DST_OFF))
    const proto: u32 = load<u8>(record + HDR_PROTO_OFF)
    let first: u32 = 0
    let second: u32 = 0
    if (Tuple.hasPorts(proto)) {
      first = load<u16>(record + HDR_SPORT_OFF)
      second = load<u16>(record + HDR_DPORT_OFF)
    } else if (Tuple.isIcmp(proto, load<u8>(record + HDR_FAMILY_OFF))) {
      first = load<u16>(record + HDR_ID_OFF)
      second = ((<u32>load<u8>(record + HDR_TYPE_OFF)) << 8) | load<u8>(record + HDR_CODE_OFF)
    }
    store<u32>(TUPLE + TUPLE_SPORT_OFF, first)
    store<u32>(TUPLE + TUPLE_DPORT_OFF, second)
    return Tuple.hash(TUPLE, proto, Table.seed)
  }

  private static connections(records: usize, count: u32): void {
    let sum: u32 = 0
    for (let i: u32 = 0; i < count; i++) store<u32>(NOTES + i * 4, Ahead.hash(records + i * RECORD_BYTES))
    for (let i: u32 = 0; i < count; i++) sum |= Table.touchSlot(load<u32>(NOTES + i * 4))
    for (let i: u32 = 0; i < count; i++) sum |= Table.touchRecord(load<u32>(NOTES + i * 4))
    store<u32>(SEEN, sum)
  }

  private static routes(table: usize, records: usize, count: u32): void {
    const family = load<u32>(table + RTABLE_FAMILY_OFF)
    let sum: u32 = 0
    for (let i: u32 = 0; i < count; i++)
      sum |= Fib.touchIndex(table, load<u32>(records + i * RECORD_BYTES + HDR_DST_OFF))
    for (let i: u32 = 0; i < count; i++)
      sum |= Fib.touchBounds(table, load<u32>(records + i * RECORD_BYTES + HDR_DST_OFF))
    for (let i: u32 = 0; i < count; i++) {
      const record = records + i * RECORD_BYTES
      const same = <u32>load<u8>(record + HDR_FAMILY_OFF) === family
      store<u32>(NOTES + i * 4, same ? <u32>Fib.longest(table, record + HDR_DST_OFF) : 0)
    }
    for (let i: u32 = 0; i < count; i++) {
      const prefix = <usize>load<u32>(NOTES + i * 4)
      const first = prefix === 0 ? 0 : load<u32>(prefix + PREFIX_FIRST_OFF)
      store<u32>(NOTES + i * 4, first)
    }
    for (let i: u32 = 0; i < count; i++) sum |= load<u32>(Route.routes + load<u32>(NOTES + i * 4) * ROUTE_BYTES)
    store<u32>(SEEN, sum)
  }
}
