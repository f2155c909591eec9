// A batch: its packets one after the other, each at its own time, and the result of each. What happens to a packet in
// between is hooks.ts.
import { AHEAD, Ahead } from './ahead'
import { Asked } from './asked'
import { Conntrack } from './conntrack'
import { Ether } from './ether'
import { Fdb } from './fdb'
import { Hooks } from './hooks'
import {
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
  CTX_VISIT_AT,
  HDR_BYTES,
  REASON_FRAGMENT,
  RECORD_AT_MS_OFF,
  RECORD_BAD_CHECKSUM,
  RECORD_BYTES,
  RECORD_FLAGS_OFF,
  RECORD_IN_LINK_OFF,
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
  TRACE_EVENT_BYTES,
  TRACE_RESERVE_BYTES,
  VERDICT_DROP,
  VERDICT_LOCAL,
  VERDICT_QUEUE,
  VERDICT_REJECT,
} from './layout'
import { Memory } from './memory'
import { Nat } from './nat'
import { Packet } from './packet'
import { Queue } from './queue'
import { Links } from './source'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { Tee } from './tee'
import { traceOverflowed, traceRoom, traceUsed } from './trace'
import { Way } from './way'

export class Batch {
  /** STOP_*: why the last `run` ended. */
  static stop: i32 = STOP_DONE

  /** Sends the records `from` .. `from + count - 1` through; returns how many were done, fewer when something stopped it. */
  static run(records: usize, quotes: usize, results: usize, answers: usize, from: u32, count: u32): u32 {
    Batch.stop = STOP_DONE
    for (let i: u32 = 0; i < count; i++) {
      const n = <usize>(from + i)
      if (i % AHEAD === 0) Ahead.look(records + n * RECORD_BYTES, min<u32>(count - i, AHEAD))
      const reason = Batch.one(
        records + n * RECORD_BYTES,
        quotes + n * HDR_BYTES,
        results + n * RESULT_BYTES,
        answers + n * HDR_BYTES,
      )
      if (reason !== STOP_DONE) {
        Batch.stop = reason
        return i
      }
    }
    return count
  }

  /** One packet; STOP_* other than DONE: it was not processed (TRACE_LOST, RULES and FRAGMENT: it was; ASKED: up to that rule). */
  private static one(record: usize, quote: usize, result: usize, answer: usize): i32 {
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
    if (resumed) Batch.resume(record, quote)
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

  /** Loads the packet that a fragment completed, with its frame, and leaves what the fragment's own way has drawn and found. */
  private static resume(record: usize, quote: usize): void {
    const link = load<u32>(CTX_IN_LINK_AT)
    const visit = load<u32>(CTX_VISIT_AT)
    const hops = load<u32>(CTX_HOP_ATTEMPT_AT)
    Packet.load(record, quote)
    if (load<u32>(record + RECORD_IN_LINK_OFF) !== 0) Ether.anew()
    store<u32>(CTX_IN_LINK_AT, link)
    store<u32>(CTX_VISIT_AT, visit)
    store<u32>(CTX_HOP_ATTEMPT_AT, hops)
  }
}
