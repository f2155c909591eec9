// Matches on single fields of the header, and the CPU. Kernel: net/netfilter/xt_length.c, xt_hl.c, xt_dscp.c, xt_ecn.c,
// xt_cpu.c.
import { Asked } from './asked'
import {
  CTX_LENGTH_AT,
  CTX_RECORD_AT,
  CTX_TCP_FLAGS_AT,
  CTX_TOS_AT,
  CTX_TTL_AT,
  ECN_HAS_CWR,
  ECN_HAS_ECE,
  ECN_HAS_ECT,
  FIELD_CPU,
  HOPS_EQ,
  HOPS_LT,
  RECORD_CPU_OFF,
  RECORD_HAS_CPU,
  RECORD_HAS_OFF,
} from './layout'

export class HeaderMatch {
  static length(span: u32): bool {
    const length = load<u32>(CTX_LENGTH_AT)
    return length >= (span & 0xffff) && length <= span >> 16
  }

  /** TTL or hop limit. */
  static hops(op: u32, value: u32): bool {
    const hops = load<u32>(CTX_TTL_AT)
    if (op === HOPS_EQ) return hops === value
    return op === HOPS_LT ? hops < value : hops > value
  }

  static tos(value: u32, mask: u32): bool {
    return (load<u32>(CTX_TOS_AT) & mask) === value
  }

  static ecn(at: usize): bool {
    const has = load<u32>(at, 4)
    const inverted = load<u32>(at, 8)
    const flags = load<u32>(CTX_TCP_FLAGS_AT)
    let bits: u32 = (load<u32>(CTX_TOS_AT) & 3) === load<u32>(at, 12) ? ECN_HAS_ECT : 0
    if ((flags & 64) !== 0) bits |= ECN_HAS_ECE
    if ((flags & 128) !== 0) bits |= ECN_HAS_CWR
    return (has & (bits ^ inverted)) === has
  }

  static cpu(value: u32, inverted: bool): bool {
    const record = <usize>load<u32>(CTX_RECORD_AT)
    if ((load<u8>(record + RECORD_HAS_OFF) & RECORD_HAS_CPU) === 0) return Asked.need(FIELD_CPU)
    return (load<u32>(record + RECORD_CPU_OFF) === value) !== inverted
  }
}
