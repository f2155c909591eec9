// The SCTP tracker: one chunk a packet; verification tags are taken to fit (docs/semantics.md).
// Kernel: net/netfilter/nf_conntrack_proto_sctp.c.
import {
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CTX_SCTP_CHUNK_AT,
  IPS_ASSURED,
  IPS_CONFIRMED,
  SYSCTL_SCTP_TIMEOUTS,
} from './layout'
import { Sysctl } from './sysctl'
import { Timeout, TRACK_INVALID, TRACK_OK } from './timeout'

const NONE: u32 = 0
const CLOSED: u32 = 1
const COOKIE_ECHOED: u32 = 3
const ESTABLISHED: u32 = 4
const INVALID: u32 = 9

/** Row of a chunk type 0..14; 255 = it changes nothing. */
const ROW = memory.data<u8>([255, 0, 1, 255, 9, 10, 2, 3, 4, 5, 6, 7, 255, 255, 8])

/** By direction, row and state (NONE, CLOSED, COOKIE_WAIT, COOKIE_ECHOED, ESTABLISHED, SHUTDOWN_SENT, SHUTDOWN_RECD, SHUTDOWN_ACK_SENT, HEARTBEAT_SENT). */
const NEXT = memory.data<u8>([
  1,
  1,
  2,
  3,
  4,
  1,
  1,
  7,
  2, // original: init
  1,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  1, // init_ack
  1,
  1,
  1,
  1,
  1,
  1,
  1,
  1,
  1, // abort
  1,
  1,
  2,
  3,
  5,
  5,
  6,
  7,
  1, // shutdown
  7,
  1,
  2,
  3,
  4,
  7,
  7,
  7,
  7, // shutdown_ack
  1,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  1, // error
  1,
  1,
  3,
  3,
  4,
  5,
  6,
  7,
  1, // cookie_echo
  1,
  1,
  2,
  4,
  4,
  5,
  6,
  7,
  1, // cookie_ack
  1,
  1,
  2,
  3,
  4,
  5,
  6,
  1,
  1, // shutdown_complete
  8,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8, // heartbeat
  1,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8, // heartbeat_ack
  9,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  9, // reply: init
  9,
  2,
  2,
  3,
  4,
  5,
  6,
  7,
  9, // init_ack
  9,
  1,
  1,
  1,
  1,
  1,
  1,
  1,
  9, // abort
  9,
  1,
  2,
  3,
  6,
  5,
  6,
  7,
  9, // shutdown
  9,
  1,
  2,
  3,
  4,
  7,
  7,
  7,
  9, // shutdown_ack
  9,
  1,
  2,
  1,
  4,
  5,
  6,
  7,
  9, // error
  9,
  1,
  3,
  3,
  4,
  5,
  6,
  7,
  9, // cookie_echo
  9,
  1,
  2,
  4,
  4,
  5,
  6,
  7,
  9, // cookie_ack
  9,
  1,
  2,
  3,
  4,
  5,
  6,
  1,
  9, // shutdown_complete
  9,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8, // heartbeat
  9,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  4, // heartbeat_ack
])

export class Sctp {
  private static next(dir: u32, chunk: u32, state: u32): u32 {
    const row = chunk > 14 ? <u32>255 : <u32>load<u8>(ROW + chunk)
    return row === 255 ? state : load<u8>(NEXT + (dir * 11 + row) * 9 + state)
  }

  /** TRACK_* of the chunk in the context. */
  static track(ct: usize, dir: u32): u32 {
    const chunk = load<u32>(CTX_SCTP_CHUNK_AT)
    const status = load<u32>(ct + CT_STATUS_OFF)
    const fresh = (status & IPS_CONFIRMED) === 0
    if (fresh) {
      if (chunk === 6 || chunk === 14 || chunk === 11) return TRACK_INVALID
      if (Sctp.next(0, chunk, NONE) === NONE) return TRACK_INVALID
    }
    const old = load<u32>(ct + CT_STATE_OFF)
    const state = Sctp.next(dir, chunk, old)
    if (state === INVALID) return TRACK_INVALID
    store<u32>(ct + CT_STATE_OFF, state)
    if (chunk === 1 && state === CLOSED && old === CLOSED && !fresh) return TRACK_OK
    if (old === COOKIE_ECHOED && dir === 1 && state === ESTABLISHED)
      store<u32>(ct + CT_STATUS_OFF, status | IPS_ASSURED)
    Timeout.refresh(ct, Sysctl.ms(SYSCTL_SCTP_TIMEOUTS + state))
    return TRACK_OK
  }
}
