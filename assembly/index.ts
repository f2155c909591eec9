// The ABI: every function the module exports. Addresses are bytes in linear memory; see layout.ts for all records.
// One instance holds one image. Order: allocate → write the image → load → run, as often as wanted.
import { AHEAD, Ahead } from './ahead'
import { Answer } from './answer'
import { Asked } from './asked'
import { Bridge } from './bridge'
import { Conntrack } from './conntrack'
import { Counters } from './counters'
import { Fdb } from './fdb'
import { HashLimits } from './hashlimit'
import { Hooks } from './hooks'
import {
  ABI_VERSION,
  CONNECTION_BYTES,
  CONNECTION_FAMILY_OFF,
  CONNECTION_MARK_OFF,
  CONNECTION_ORIG_OFF,
  CONNECTION_PROTO_OFF,
  CONNECTION_REPLY_OFF,
  CONNECTION_STATE_OFF,
  CONNECTION_STATUS_OFF,
  CONNECTION_TIMEOUT_OFF,
  CONNECTION_ZONE_OFF,
  CT_CREATED_OFF,
  CT_FAMILY_OFF,
  CT_MARK_OFF,
  CT_NEXT_OFF,
  CT_PROTO_OFF,
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_TCP_FLAGS_OFF,
  CT_TCP_LAST_INDEX_OFF,
  CT_ZONE_OFF,
  CTX_CHAIN_AT,
  CTX_FRAG_AT,
  CTX_HOP_ATTEMPT_AT,
  CTX_IN_LINK_AT,
  CTX_INNER_AT,
  CTX_MARK_AT,
  CTX_NOW_AT,
  CTX_ORDINAL_AT,
  CTX_OUT_LINK_AT,
  CTX_OUT_PORT_AT,
  CTX_RULE_AT,
  CTX_SEED_AT,
  CTX_VISIT_AT,
  HDR_BYTES,
  HDR_FAMILY_OFF,
  HDR_PROTO_OFF,
  IPS_SRC_NAT_DONE,
  REASON_FRAGMENT,
  RECORD_AT_MS_OFF,
  RECORD_BAD_CHECKSUM,
  RECORD_BYTES,
  RECORD_FLAGS_OFF,
  RECORD_IN_LINK_OFF,
  RECORD_QUOTES,
  RECORD_RESUME,
  RECORD_TRACE,
  RESULT_BYTES,
  RESULT_CHAIN_OFF,
  RESULT_ERRNO_OFF,
  RESULT_FLAGS_OFF,
  RESULT_FRAGMENT,
  RESULT_IN_LINK_OFF,
  RESULT_MARK_OFF,
  RESULT_OUT_LINK_OFF,
  RESULT_OUT_PORT_OFF,
  RESULT_QUEUE_OFF,
  RESULT_QUOTES,
  RESULT_REASON_OFF,
  RESULT_RULE_OFF,
  RESULT_TRACE_EVENTS_OFF,
  RESULT_VERDICT_OFF,
  RESULT_ZONE_OFF,
  RULES_ERROR_AT,
  SCTPF_TAG_UNKNOWN,
  SECTION_CONNECTIONS,
  STOP_ASKED,
  STOP_CLOCK,
  STOP_CONNECTIONS,
  STOP_DONE,
  STOP_FRAGMENT,
  STOP_LEARNED,
  STOP_LINK,
  STOP_RULES,
  STOP_TRACE,
  STOP_TRACE_LOST,
  SYSCTL_CT_MAX,
  TCPF_CLOSE_INIT,
  TCPF_LIBERAL,
  TRACE_EVENT_BYTES,
  TRACE_RESERVE_BYTES,
  VERDICT_DROP,
  VERDICT_LOCAL,
  VERDICT_QUEUE,
  VERDICT_REJECT,
} from './layout'
import { Limits } from './limit'
import { Memory } from './memory'
import { Nat } from './nat'
import { Packet } from './packet'
import { Queue } from './queue'
import { Recents } from './recent'
import { Route } from './route'
import { Rules } from './rules'
import { Sets } from './set'
import { SetPool } from './set-live'
import { Links } from './source'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { Tee } from './tee'
import { traceInit, traceOverflowed, traceReset, traceRewind, traceRoom, traceUsed } from './trace'
import { INVERSE_TUPLE, PACKET_TUPLE, Tuple } from './tuple'
import { Way } from './way'

let stop: i32 = STOP_DONE
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
  return loadConnections()
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
}

function loadConnections(): bool {
  const section = Memory.section(SECTION_CONNECTIONS)
  const count = Memory.sectionBytes(SECTION_CONNECTIONS) / CONNECTION_BYTES
  for (let i: u32 = 0; i < count; i++) {
    const record = section + i * CONNECTION_BYTES
    const ct = Table.take()
    if (ct === 0) return false
    const status = load<u32>(record + CONNECTION_STATUS_OFF)
    const zone = load<u32>(record + CONNECTION_ZONE_OFF)
    store<u32>(ct + CT_STATUS_OFF, status)
    store<u32>(ct + CT_MARK_OFF, load<u32>(record + CONNECTION_MARK_OFF))
    store<u32>(ct + CT_PROTO_OFF, load<u32>(record + CONNECTION_PROTO_OFF))
    store<u32>(ct + CT_FAMILY_OFF, load<u32>(record + CONNECTION_FAMILY_OFF))
    store<u32>(ct + CT_STATE_OFF, load<u32>(record + CONNECTION_STATE_OFF))
    store<u32>(ct + CT_ZONE_OFF, zone | (zone << 16))
    // Older than any rule about the age of a flow asks for.
    store<f64>(ct + CT_CREATED_OFF, -10000)
    Tuple.copy(Table.tuple(ct, 0), record + CONNECTION_ORIG_OFF)
    Tuple.copy(Table.tuple(ct, 1), record + CONNECTION_REPLY_OFF)
    const cold = Table.coldOf(ct)
    if (load<u32>(ct + CT_PROTO_OFF) === 132) {
      store<u32>(cold + CT_TCP_FLAGS_OFF, SCTPF_TAG_UNKNOWN)
      store<u32>(cold + CT_TCP_FLAGS_OFF + 4, SCTPF_TAG_UNKNOWN)
    } else if (load<u32>(ct + CT_PROTO_OFF) === 6) {
      // Its windows are not known: nothing is outside. A flow that is closing was closed by one of its sides.
      const state = load<u32>(ct + CT_STATE_OFF)
      const closing = state >= 4 && state <= 7
      store<u32>(cold + CT_TCP_LAST_INDEX_OFF, 5)
      store<u32>(cold + CT_TCP_FLAGS_OFF, closing ? TCPF_LIBERAL | TCPF_CLOSE_INIT : TCPF_LIBERAL)
      store<u32>(cold + CT_TCP_FLAGS_OFF + 4, TCPF_LIBERAL)
    }
    const timeout = load<u32>(record + CONNECTION_TIMEOUT_OFF)
    // What has no time left is gone; of entries that clash the first stays.
    if (timeout === 0 || Conntrack.isTaken(ct)) {
      Table.drop(ct)
      continue
    }
    if (status & IPS_SRC_NAT_DONE) Table.linkSource(ct)
    Table.insert(ct, <f64>timeout * 1000)
  }
  return true
}

/**
 * Sends the records `from` .. `from + count - 1` through, one after the other; returns how many were done. When it is
 * fewer, `stopReason` says why. Address 0 is never used: a batch has all four arrays.
 */
export function run(records: usize, quotes: usize, results: usize, answers: usize, from: u32, count: u32): u32 {
  stop = STOP_DONE
  for (let i: u32 = 0; i < count; i++) {
    const n = <usize>(from + i)
    if (i % AHEAD === 0) Ahead.look(records + n * RECORD_BYTES, min<u32>(count - i, AHEAD))
    const reason = one(
      records + n * RECORD_BYTES,
      quotes + n * HDR_BYTES,
      results + n * RESULT_BYTES,
      answers + n * HDR_BYTES,
    )
    if (reason !== STOP_DONE) {
      stop = reason
      return i
    }
  }
  return count
}

/** One packet; STOP_* other than DONE: it was not processed (TRACE_LOST, RULES and FRAGMENT: it was; ASKED: up to that rule). */
function one(record: usize, quote: usize, result: usize, answer: usize): i32 {
  const flags = load<u16>(record + RECORD_FLAGS_OFF)
  const at = load<f64>(record + RECORD_AT_MS_OFF)
  const now = load<f64>(CTX_NOW_AT)
  if (at >= 0 && at < now) return STOP_CLOCK
  if (load<u32>(record + RECORD_IN_LINK_OFF) >= Links.count) return STOP_LINK
  // What a fragment completed goes on in the room that the fragment had.
  if ((flags & (RECORD_TRACE | RECORD_RESUME)) === RECORD_TRACE && traceRoom() < <usize>TRACE_RESERVE_BYTES)
    return STOP_TRACE
  if (at > now) {
    store<f64>(CTX_NOW_AT, at)
    Table.expire(at)
  }
  if (!Table.hasRoom()) {
    const most = Sysctl.get(SYSCTL_CT_MAX)
    if (most === 0 || Table.live < most) return STOP_CONNECTIONS
  }
  const before = traceUsed()
  const resumed = (flags & RECORD_RESUME) !== 0
  if (resumed) resume(record, quote)
  else {
    Packet.load(record, quote)
    store<u32>(RULES_ERROR_AT, 0)
    Way.type = 0
    Way.hop = 0
    Way.link = 0
  }
  Memory.clear(result, RESULT_BYTES)
  Way.reason = 0
  Way.errno = 0
  Way.sent = false
  Way.result = result
  Way.answer = answer
  Way.depth = 0
  Nat.reason = 0
  Queue.number = 0
  Tee.busy = false
  Way.taken = false
  Queue.passed = false
  Conntrack.zones = 0
  Conntrack.badChecksum = (flags & RECORD_BAD_CHECKSUM) !== 0
  const fromHere = load<u32>(record + RECORD_IN_LINK_OFF) === 0
  const arrived = resumed ? Hooks.resume() : fromHere ? Hooks.sendLocal() : Hooks.receive()
  if (arrived) {
    const end = Way.end
    const local = end === VERDICT_LOCAL
    if (Way.sent) Memory.clear(result, RESULT_BYTES)
    Packet.pack(result)
    store<u32>(result + RESULT_VERDICT_OFF, end)
    store<u32>(result + RESULT_MARK_OFF, load<u32>(CTX_MARK_AT))
    if (local) store<u32>(result + RESULT_IN_LINK_OFF, load<u32>(CTX_IN_LINK_AT))
    else {
      store<u32>(result + RESULT_OUT_LINK_OFF, load<u32>(CTX_OUT_LINK_AT))
      store<u32>(result + RESULT_OUT_PORT_OFF, load<u32>(CTX_OUT_PORT_AT))
    }
    if (Packet.quotes()) {
      memory.copy(answer, CTX_INNER_AT, HDR_BYTES)
      store<u32>(result + RESULT_FLAGS_OFF, RESULT_QUOTES)
    }
    if (load<u32>(CTX_FRAG_AT) !== 0) {
      store<u32>(result + RESULT_FLAGS_OFF, load<u32>(result + RESULT_FLAGS_OFF) | RESULT_FRAGMENT)
    }
  } else if (Way.reason === REASON_FRAGMENT) {
    Packet.pack(result)
    store<u32>(result + RESULT_VERDICT_OFF, VERDICT_DROP)
    store<u32>(result + RESULT_REASON_OFF, REASON_FRAGMENT)
    store<u32>(result + RESULT_MARK_OFF, load<u32>(CTX_MARK_AT))
    store<u32>(result + RESULT_RULE_OFF, Way.user)
  } else {
    const queue = Queue.number
    store<u32>(result + RESULT_VERDICT_OFF, queue !== 0 ? VERDICT_QUEUE : Way.sent ? VERDICT_REJECT : VERDICT_DROP)
    if (queue !== 0) store<u32>(result + RESULT_QUEUE_OFF, queue - 1)
    store<u32>(result + RESULT_REASON_OFF, Way.reason)
    store<u32>(result + RESULT_ERRNO_OFF, fromHere ? Way.errno : 0)
    store<u32>(result + RESULT_RULE_OFF, load<u32>(CTX_RULE_AT))
    store<u32>(result + RESULT_CHAIN_OFF, load<u32>(CTX_CHAIN_AT))
  }
  store<u32>(result + RESULT_ZONE_OFF, Conntrack.zones)
  store<u32>(result + RESULT_TRACE_EVENTS_OFF, <u32>(traceUsed() - before) / TRACE_EVENT_BYTES)
  store<u64>(CTX_ORDINAL_AT, load<u64>(CTX_ORDINAL_AT) + 1)
  Conntrack.forget()
  Table.bury()
  if (Asked.stopped()) return STOP_ASKED
  if (traceOverflowed()) return STOP_TRACE_LOST
  if (Fdb.full) return STOP_LEARNED
  if (Way.reason === REASON_FRAGMENT && !arrived) return STOP_FRAGMENT
  return load<u32>(RULES_ERROR_AT) === 0 ? STOP_DONE : STOP_RULES
}

/** Loads the packet that a fragment completed and leaves what the fragment's own way has drawn and found. */
function resume(record: usize, quote: usize): void {
  const link = load<u32>(CTX_IN_LINK_AT)
  const visit = load<u32>(CTX_VISIT_AT)
  const hops = load<u32>(CTX_HOP_ATTEMPT_AT)
  Packet.load(record, quote)
  store<u32>(CTX_IN_LINK_AT, link)
  store<u32>(CTX_VISIT_AT, visit)
  store<u32>(CTX_HOP_ATTEMPT_AT, hops)
}

/** Forgets the last packet, a fragment that completed its packet, so that this one has its number; its events, too. */
export function again(events: u32): void {
  store<u64>(CTX_ORDINAL_AT, load<u64>(CTX_ORDINAL_AT) - 1)
  traceRewind(events * TRACE_EVENT_BYTES)
}

/** STOP_*: why the last `run` ended. */
export function stopReason(): i32 {
  return stop
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
