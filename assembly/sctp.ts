// The SCTP tracker: one chunk a packet; verification tags as the kernel checks them (docs/semantics.md).
// Kernel: net/netfilter/nf_conntrack_proto_sctp.c.
import {
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_TCP_END_OFF,
  CT_TCP_FLAGS_OFF,
  CT_TCP_LAST_DIR_OFF,
  CTX_SCTP_CHUNK_AT,
  CTX_SEQ_AT,
  IPS_ASSURED,
  IPS_CONFIRMED,
  SCTPF_INIT,
  SCTPF_TAG_UNKNOWN,
  SYSCTL_SCTP_TIMEOUTS,
} from './layout'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { Timeout, TRACK_INVALID, TRACK_OK } from './timeout'

const NONE: u32 = 0
const CLOSED: u32 = 1
const ESTABLISHED: u32 = 4
const INVALID: u32 = 9

// chunks
const INIT: u32 = 1
const INIT_ACK: u32 = 2
const HEARTBEAT: u32 = 4
const HEARTBEAT_ACK: u32 = 5
const ABORT: u32 = 6
const SHUTDOWN_ACK: u32 = 8
const COOKIE_ACK: u32 = 11
const SHUTDOWN_COMPLETE: u32 = 14
/** What INIT and INIT_ACK announce (docs/semantics.md). */
const INIT_TAG: u32 = 0x0a0a0a0a
const INIT_ACK_TAG: u32 = 0x0b0b0b0b
/** Beside TRACK_*: the packet passes and changes nothing. */
const PASS: u32 = 3

/** Row of a chunk type 0..14; 255 = it changes nothing. */
const ROW = memory.data<u8>([255, 0, 1, 255, 9, 10, 2, 3, 4, 5, 6, 7, 255, 255, 8])

/** By direction, row and state (NONE, CLOSED, COOKIE_WAIT, COOKIE_ECHOED, ESTABLISHED, SHUTDOWN_SENT, SHUTDOWN_RECD, SHUTDOWN_ACK_SENT, HEARTBEAT_SENT). */
// biome-ignore format: a table, one row a line
const NEXT = memory.data<u8>([
  1, 1, 2, 3, 4, 1, 1, 7, 2, // original: init
  1, 1, 2, 3, 4, 5, 6, 7, 1, // init_ack
  1, 1, 1, 1, 1, 1, 1, 1, 1, // abort
  1, 1, 2, 3, 5, 5, 6, 7, 1, // shutdown
  7, 1, 2, 3, 4, 7, 7, 7, 7, // shutdown_ack
  1, 1, 2, 3, 4, 5, 6, 7, 1, // error
  1, 1, 3, 3, 4, 5, 6, 7, 1, // cookie_echo
  1, 1, 2, 4, 4, 5, 6, 7, 1, // cookie_ack
  1, 1, 2, 3, 4, 5, 6, 1, 1, // shutdown_complete
  8, 1, 2, 3, 4, 5, 6, 7, 8, // heartbeat
  1, 1, 2, 3, 4, 5, 6, 7, 8, // heartbeat_ack
  9, 1, 2, 3, 4, 5, 6, 7, 9, // reply: init
  9, 2, 2, 3, 4, 5, 6, 7, 9, // init_ack
  9, 1, 1, 1, 1, 1, 1, 1, 9, // abort
  9, 1, 2, 3, 6, 5, 6, 7, 9, // shutdown
  9, 1, 2, 3, 4, 7, 7, 7, 9, // shutdown_ack
  9, 1, 2, 1, 4, 5, 6, 7, 9, // error
  9, 1, 3, 3, 4, 5, 6, 7, 9, // cookie_echo
  9, 1, 2, 4, 4, 5, 6, 7, 9, // cookie_ack
  9, 1, 2, 3, 4, 5, 6, 1, 9, // shutdown_complete
  9, 1, 2, 3, 4, 5, 6, 7, 8, // heartbeat
  9, 1, 2, 3, 4, 5, 6, 7, 4, // heartbeat_ack
])

export class Sctp {
  private static next(dir: u32, chunk: u32, state: u32): u32 {
    const row = chunk > 14 ? <u32>255 : <u32>load<u8>(ROW + chunk)
    return row === 255 ? state : load<u8>(NEXT + (dir * 11 + row) * 9 + state)
  }

  private static tag(cold: usize, dir: u32): u32 {
    return load<u32>(cold + CT_TCP_END_OFF + dir * 4)
  }

  private static setTag(cold: usize, dir: u32, tag: u32): void {
    store<u32>(cold + CT_TCP_END_OFF + dir * 4, tag)
    const flags = cold + CT_TCP_FLAGS_OFF + dir * 4
    store<u32>(flags, load<u32>(flags) & ~SCTPF_TAG_UNKNOWN)
  }

  private static unknown(cold: usize, dir: u32): bool {
    return (load<u32>(cold + CT_TCP_FLAGS_OFF + dir * 4) & SCTPF_TAG_UNKNOWN) !== 0
  }

  /** Is it the tag that the receiver chose? An unknown one fits. */
  private static fits(cold: usize, dir: u32, tag: u32): bool {
    return Sctp.unknown(cold, dir) || Sctp.tag(cold, dir) === tag
  }

  private static hasInit(cold: usize, dir: u32): bool {
    return (load<u32>(cold + CT_TCP_FLAGS_OFF + dir * 4) & SCTPF_INIT) !== 0
  }

  private static setInit(cold: usize, dir: u32, on: bool): void {
    const flags = cold + CT_TCP_FLAGS_OFF + dir * 4
    store<u32>(flags, (load<u32>(flags) & ~SCTPF_INIT) | (on ? SCTPF_INIT : 0))
  }

  /** Notes the tag of a first packet; false: it begins no connection. */
  private static begin(cold: usize, chunk: u32, tag: u32): bool {
    if (chunk === ABORT || chunk === SHUTDOWN_COMPLETE || chunk === COOKIE_ACK) return false
    if (Sctp.next(0, chunk, NONE) === NONE) return false
    if (chunk === INIT) {
      if (tag !== 0) return false
      Sctp.setTag(cold, 1, INIT_TAG)
    } else Sctp.setTag(cold, chunk === HEARTBEAT || chunk === HEARTBEAT_ACK ? 0 : 1, tag)
    return true
  }

  /** HEARTBEAT and its answer may teach a new tag; PASS: it goes through and changes nothing. */
  private static heartbeat(cold: usize, dir: u32, chunk: u32, tag: u32): u32 {
    const failed = cold + CT_TCP_LAST_DIR_OFF
    if (!Sctp.unknown(cold, dir) && Sctp.tag(cold, dir) === 0) Sctp.setTag(cold, dir, tag)
    else if (Sctp.fits(cold, dir, tag)) store<u32>(failed, 0)
    else if (chunk === HEARTBEAT) {
      store<u32>(failed, dir + 1)
      return PASS
    } else {
      const by = load<u32>(failed)
      if (by === 0 || by === dir + 1) return TRACK_INVALID
      store<u32>(failed, 0)
      Sctp.setTag(cold, dir, tag)
      Sctp.setTag(cold, 1 - dir, 0)
    }
    return TRACK_OK
  }

  /** Verification tags (RFC 9260 section 8.5). */
  private static check(cold: usize, dir: u32, chunk: u32, tag: u32): u32 {
    if (chunk === HEARTBEAT || chunk === HEARTBEAT_ACK) return Sctp.heartbeat(cold, dir, chunk, tag)
    if (chunk === INIT) return tag === 0 ? TRACK_OK : TRACK_INVALID
    if (chunk === SHUTDOWN_ACK) return TRACK_OK
    if (!Sctp.fits(cold, dir, tag)) return TRACK_INVALID
    if (chunk === COOKIE_ACK) {
      Sctp.setInit(cold, 0, false)
      Sctp.setInit(cold, 1, false)
    }
    return TRACK_OK
  }

  /**
   * INIT and INIT_ACK say which tag their sender wants; false: it contradicts what was said before. An INIT that says
   * again what is known is a retransmission.
   */
  private static learn(cold: usize, dir: u32, chunk: u32, fresh: bool): bool {
    const other = 1 - dir
    if (chunk === INIT && (fresh || Sctp.unknown(cold, other) || Sctp.tag(cold, other) !== INIT_TAG)) {
      if (Sctp.hasInit(cold, dir) && Sctp.hasInit(cold, other)) Sctp.setInit(cold, other, false)
      Sctp.setInit(cold, dir, true)
      Sctp.setTag(cold, other, INIT_TAG)
    }
    if (chunk === INIT_ACK) {
      const known = Sctp.tag(cold, other)
      const unknown = Sctp.unknown(cold, other)
      if (!Sctp.hasInit(cold, other) && !unknown && known !== 0 && known !== INIT_ACK_TAG) return false
      const both = Sctp.hasInit(cold, dir) && Sctp.hasInit(cold, other)
      if (both && (unknown || known !== INIT_ACK_TAG)) return false
      Sctp.setTag(cold, other, INIT_ACK_TAG)
    }
    return true
  }

  /** TRACK_* of the chunk in the context. */
  static track(ct: usize, dir: u32): u32 {
    const chunk = load<u32>(CTX_SCTP_CHUNK_AT)
    const tag = load<u32>(CTX_SEQ_AT)
    const cold = Table.coldOf(ct)
    const status = load<u32>(ct + CT_STATUS_OFF)
    const fresh = (status & IPS_CONFIRMED) === 0
    if (fresh && !Sctp.begin(cold, chunk, tag)) return TRACK_INVALID
    const checked = Sctp.check(cold, dir, chunk, tag)
    if (checked !== TRACK_OK) return checked === PASS ? TRACK_OK : TRACK_INVALID
    const old = load<u32>(ct + CT_STATE_OFF)
    const state = Sctp.next(dir, chunk, old)
    if (state === INVALID || !Sctp.learn(cold, dir, chunk, fresh)) return TRACK_INVALID
    store<u32>(ct + CT_STATE_OFF, state)
    if (old !== state && state === ESTABLISHED) store<u32>(ct + CT_STATUS_OFF, status | IPS_ASSURED)
    // A repeated INIT does not keep the entry alive.
    if (chunk === INIT && state === CLOSED && old === CLOSED && !fresh) return TRACK_OK
    Timeout.keep(ct, dir, Sysctl.ms(SYSCTL_SCTP_TIMEOUTS + state))
    return TRACK_OK
  }
}
