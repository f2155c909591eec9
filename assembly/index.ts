// The ABI: every function the module exports. Addresses are bytes in linear memory; see layout.ts for all records.
// One instance holds one image. Order: allocate → write the image → load → run, as often as wanted.
import { Answer } from './answer'
import { Batch } from './batch'
import { Bridge } from './bridge'
import { ConnLimits } from './connlimit'
import { Counters } from './counters'
import { Fdb } from './fdb'
import { HashLimits } from './hashlimit'
import { Hooks } from './hooks'
import {
  ABI_VERSION,
  CT_NEXT_OFF,
  CTX_NOW_AT,
  CTX_ORDINAL_AT,
  CTX_SEED_AT,
  HDR_FAMILY_OFF,
  HDR_PROTO_OFF,
  RECORD_FLAGS_OFF,
  RECORD_QUOTES,
  TRACE_EVENT_BYTES,
} from './layout'
import { Limits } from './limit'
import { Loaded } from './loaded'
import { Memory } from './memory'
import { Packet } from './packet'
import { Recents } from './recent'
import { Route } from './route'
import { Rules } from './rules'
import { Sets } from './set'
import { SetPool } from './set-pool'
import { Links } from './source'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { Tee } from './tee'
import { traceInit, traceReset, traceRewind, traceUsed } from './trace'
import { INVERSE_TUPLE, PACKET_TUPLE, Tuple } from './tuple'

let traceAt: usize = 0

/** Version of this ABI and of all records. */
export function abiVersion(): i32 {
  return ABI_VERSION
}

/** `bytes` zeroed bytes, 64-aligned; 0 when memory cannot grow so far. Views of memory die. */
export function allocate(bytes: usize): usize {
  return Memory.allocate(bytes)
}

/**
 * Takes an image that lies at `image`. `seed` in two halves; room for so many connections; a trace buffer of so many
 * bytes. False when memory does not suffice. Once an instance.
 */
export function loadImage(image: usize, seedLow: u32, seedHigh: u32, connections: u32, traceBytes: usize): bool {
  const seed = ((<u64>seedHigh) << 32) | seedLow
  store<u64>(CTX_SEED_AT, seed)
  store<u64>(CTX_ORDINAL_AT, 0)
  store<f64>(CTX_NOW_AT, 0)
  const state = Memory.allocate(Rules.stateBytes(image))
  if (state === 0) return false
  useImage(image, state)
  if (!Table.init(connections, seed ^ 0x5851f42d4c957f2d) || !Answer.init() || !Hooks.init() || !Tee.init())
    return false
  if (!Bridge.init() || !Fdb.init()) return false
  traceAt = Memory.allocate(traceBytes)
  if (traceAt === 0) return false
  traceInit(traceAt, traceBytes)
  return Loaded.load()
}

/** Bytes of state that the rules of an image need; it lies beside it, zeroed. */
export function stateBytes(image: usize): usize {
  return Rules.stateBytes(image)
}

/**
 * Makes an image, with the same links as before, the one whose rules and routes count from the next packet on, its state
 * as at the start. Connections, the clock and the draws go on. What the rules before counted and knew lies where it was.
 */
export function useImage(image: usize, state: usize): void {
  Memory.image = image
  Sysctl.load()
  Links.load()
  Fdb.load()
  Route.load()
  Rules.load()
  Rules.init(state)
  ConnLimits.prepare()
}

/**
 * Sends the records `from` .. `from + count - 1` through, one after the other; returns how many were done. When it is
 * fewer, `stopReason` says why. Address 0 is never used: a batch has all four arrays.
 */
export function run(records: usize, quotes: usize, results: usize, answers: usize, from: u32, count: u32): u32 {
  return Batch.run(records, quotes, results, answers, from, count)
}

/** Forgets the last packet, a fragment that completed its packet, so that this one has its number; its events, too. */
export function again(events: u32): void {
  store<u64>(CTX_ORDINAL_AT, load<u64>(CTX_ORDINAL_AT) - 1)
  traceRewind(events * TRACE_EVENT_BYTES)
}

/** STOP_*: why the last `run` ended. */
export function stopReason(): i32 {
  return Batch.stop
}

/** The trace buffer's address, and how many bytes of it are used. */
export function traceBuffer(): usize {
  return traceAt
}

export function traceBytes(): usize {
  return traceUsed()
}

/** Empties the trace buffer. */
export function clearTrace(): void {
  traceReset()
}

/** The clock, ms. */
export function now(): f64 {
  return load<f64>(CTX_NOW_AT)
}

/** Address of the counters, 16 bytes each. */
export function counters(): usize {
  return Counters.base
}

/** Address of the state of single rules (nth, limit), in words of the section STATE. */
export function ruleStates(): usize {
  return Limits.base
}

/** Address of the section HASHLIMITS of the image in use and of its state; 0: no tables. */
export function hashlimitSection(): usize {
  return HashLimits.section
}

export function hashlimitState(): usize {
  return HashLimits.state
}

/** Copies a table of hashlimit of those at `section`, `state` into an empty one of the image in use; false: no room. */
export function carryHashlimit(section: usize, state: usize, from: u32, to: u32): bool {
  return HashLimits.carry(section, state, from, to)
}

/** Address of the section RECENTS of the image in use and of its state; 0: no lists. */
export function recentSection(): usize {
  return Recents.section
}

export function recentState(): usize {
  return Recents.state
}

export { carryRecent, recentCount } from './recent-carry'

/** Addresses of the sets: records, elements of the pool (reference 1, less its bytes), shapes. */
export function setRecords(): usize {
  return Sets.records
}

export function setElements(): usize {
  return SetPool.elements
}

export function setShapes(): usize {
  return Sets.shapes
}

/** Number of live connections. */
export function connectionCount(): u32 {
  return Table.live
}

/** Addresses of the hot and the cold records, by record number. */
export function hotRecords(): usize {
  return Table.hot
}

export function coldRecords(): usize {
  return Table.cold
}

/** Record number + 1 of the first connection in the order of confirmation; 0 = none. */
export function firstConnection(): u32 {
  return Table.first
}

/** Of the one after record number + 1 `n`. */
export function nextConnection(n: u32): u32 {
  return load<u32>(Table.hotOf(n - 1) + CT_NEXT_OFF)
}

/** Takes out record number + 1 `n`, a live connection. */
export function deleteConnection(n: u32): void {
  Table.evict(Table.hotOf(n - 1))
}

/** Record number + 1 of the connection with the tuple of a record (inverted: of the packet it quotes); 0 = none. */
export function findConnection(record: usize, quote: usize, zones: u32): u32 {
  Packet.load(record, quote)
  const family: u32 = load<u8>(record + HDR_FAMILY_OFF)
  let proto: u32 = load<u8>(record + HDR_PROTO_OFF)
  if (load<u16>(record + RECORD_FLAGS_OFF) & RECORD_QUOTES) {
    proto = load<u8>(quote + HDR_PROTO_OFF)
    Tuple.ofQuoted(INVERSE_TUPLE)
    if (!Tuple.invert(PACKET_TUPLE, INVERSE_TUPLE, proto, family)) return 0
  } else Tuple.ofPacket(PACKET_TUPLE)
  const found = Table.find(PACKET_TUPLE, proto, family, zones)
  return found < 0 ? 0 : (<u32>found >>> 1) + 1
}

/** End of what is allocated, bytes. */
export function memoryUsed(): usize {
  return Memory.top
}
