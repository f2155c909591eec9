// The states of a TCP connection, the kinds of its segments, and what leads from one state to another.
// Kernel: net/netfilter/nf_conntrack_proto_tcp.c (tcp_conntracks, get_conntrack_index, tcp_valid_flags).
import { CTX_PAYLOAD_AT, CTX_SEQ_AT, CTX_TCP_FLAGS_AT } from './layout'

// flags
export const FIN: u32 = 1
export const SYN: u32 = 2
export const RST: u32 = 4
export const ACK: u32 = 16

// states, and what the table says beside them
export const SYN_SENT: u32 = 1
export const SYN_RECV: u32 = 2
export const ESTABLISHED: u32 = 3
export const FIN_WAIT: u32 = 4
export const LAST_ACK: u32 = 6
export const TIME_WAIT: u32 = 7
export const CLOSE: u32 = 8
export const SYN_SENT2: u32 = 9
export const INVALID: u32 = 10
export const IGNORE: u32 = 11

// kinds of segments
export const KIND_SYN: u32 = 0
export const KIND_SYNACK: u32 = 1
export const KIND_FIN: u32 = 2
export const KIND_ACK: u32 = 3
export const KIND_RST: u32 = 4
export const KIND_NONE: u32 = 5

/**
 * Next state by direction, kind and state (NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT,
 * CLOSE, SYN_SENT2).
 */
// biome-ignore format: a table, one row a line
const NEXT = memory.data<u8>([
  1, 1, 11, 11, 11, 11, 11, 1, 1, 9, // original: syn
  10, 10, 2, 10, 10, 10, 10, 10, 10, 2, // synack
  10, 10, 4, 4, 6, 6, 6, 7, 8, 10, // fin
  3, 10, 3, 3, 5, 5, 7, 7, 8, 10, // ack
  10, 8, 8, 8, 8, 8, 8, 8, 8, 8, // rst
  10, 10, 10, 10, 10, 10, 10, 10, 10, 10, // none
  10, 9, 10, 10, 10, 10, 10, 1, 10, 9, // reply: syn
  10, 2, 11, 11, 11, 11, 11, 11, 11, 2, // synack
  10, 10, 4, 4, 6, 6, 6, 7, 8, 10, // fin
  10, 11, 2, 3, 5, 5, 7, 7, 8, 11, // ack
  10, 8, 8, 8, 8, 8, 8, 8, 8, 8, // rst
  10, 10, 10, 10, 10, 10, 10, 10, 10, 10, // none
])

/** The state that a segment of this kind leads to, or INVALID or IGNORE. */
export function nextState(dir: u32, kind: u32, old: u32): u32 {
  return load<u8>(NEXT + (dir * 6 + kind) * 10 + old)
}

/** The segment in the context. */
export class Segment {
  static kind(flags: u32): u32 {
    if (flags & RST) return KIND_RST
    if (flags & SYN) return flags & ACK ? KIND_SYNACK : KIND_SYN
    if (flags & FIN) return KIND_FIN
    return flags & ACK ? KIND_ACK : KIND_NONE
  }

  /** Is it one of S, SU, SA, R, RA, FA, FAU, A, AU? PSH, ECE and CWR are free. */
  static valid(flags: u32): bool {
    const set = flags & 0x37
    return (
      set === 2 ||
      set === 0x22 ||
      set === 0x12 ||
      set === 4 ||
      set === 0x14 ||
      set === 0x11 ||
      set === 0x31 ||
      set === 0x10 ||
      set === 0x30
    )
  }

  /** Sequence number behind the segment: data, SYN and FIN count. */
  static end(): u32 {
    const flags = load<u32>(CTX_TCP_FLAGS_AT)
    return load<u32>(CTX_SEQ_AT) + load<u32>(CTX_PAYLOAD_AT) + ((flags & SYN) >>> 1) + (flags & FIN)
  }
}
