// Targets that change single header fields. Kernel: net/netfilter/xt_HL.c, xt_DSCP.c, net/ipv4/netfilter/ipt_ECN.c.
import { CTX_PROTO_AT, CTX_TCP_FLAGS_AT, CTX_TOS_AT, CTX_TTL_AT, HOPS_INC, HOPS_SET } from './layout'

export class HeaderTarget {
  /** TTL or hop limit: set, or moved as far as a byte goes. */
  static hops(op: u32, value: u32): void {
    const hops = load<u32>(CTX_TTL_AT)
    if (op === HOPS_SET) store<u32>(CTX_TTL_AT, value)
    else if (op === HOPS_INC) store<u32>(CTX_TTL_AT, min<u32>(hops + value, 255))
    else store<u32>(CTX_TTL_AT, hops > value ? hops - value : 0)
  }

  static tos(value: u32, mask: u32): void {
    store<u32>(CTX_TOS_AT, ((load<u32>(CTX_TOS_AT) & ~mask) ^ value) & 255)
  }

  static ecn(flags: u32, codepoint: u32): void {
    if (codepoint !== 0) store<u32>(CTX_TOS_AT, (load<u32>(CTX_TOS_AT) & ~(<u32>3)) | (codepoint & 3))
    if (load<u32>(CTX_PROTO_AT) !== 6) return
    store<u32>(CTX_TCP_FLAGS_AT, (load<u32>(CTX_TCP_FLAGS_AT) & ~(flags & 255)) | ((flags >>> 8) & 255))
  }
}
