// Matches on kinds and ranges of addresses. Kernel: net/netfilter/xt_addrtype.c, xt_iprange.c.
import {
  ADDRTYPE_HAS_DST,
  ADDRTYPE_HAS_SRC,
  ADDRTYPE_IN,
  ADDRTYPE_NOT_DST,
  ADDRTYPE_NOT_SRC,
  ADDRTYPE_OUT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_IN_LINK_AT,
  CTX_OUT_LINK_AT,
  CTX_SRC_AT,
  IPRANGE_HAS_DST,
  IPRANGE_HAS_SRC,
  IPRANGE_NOT_DST,
  IPRANGE_NOT_SRC,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_THROW,
} from './layout'
import { addrType } from './route'

export class AddressMatch {
  /** Is the address between two, each 16 bytes? */
  private static between(addr: usize, from: usize, to: usize): bool {
    return AddressMatch.compare(addr, from) >= 0 && AddressMatch.compare(addr, to) <= 0
  }

  private static compare(a: usize, b: usize): i32 {
    for (let i: usize = 0; i < 16; i += 4) {
      const x = load<u32>(a + i)
      const y = load<u32>(b + i)
      if (x !== y) return x < y ? -1 : 1
    }
    return 0
  }

  /** Kinds of an IPv6 address that need no route, as RTN_* bits: unspecified, unicast, multicast. */
  private static kinds6(addr: usize): u32 {
    const w0 = load<u32>(addr)
    const rest = load<u32>(addr, 4)
    if (w0 >> 24 === 255) return 32
    if (w0 === 0 && rest === 0) {
      const w2 = load<u32>(addr, 8)
      if (w2 === 0 && load<u32>(addr, 12) === 0) return 1
      if (w2 === 0xffff) return 0
    }
    return 2
  }

  private static addrKind(addr: usize, mask: u32, link: u32): bool {
    if (load<u32>(CTX_FAMILY_AT) === 4) return ((mask >> addrType(addr, link)) & 1) !== 0
    if ((mask & 35 & ~AddressMatch.kinds6(addr)) !== 0) return false
    // LOCAL, ANYCAST, UNREACHABLE ask the routes; of them one is enough.
    const asked = mask & ((1 << 2) | (1 << 4) | (1 << 7))
    if (asked === 0) return true
    const type = addrType(addr, link)
    let bits: u32 = 0
    if (type === RTN_LOCAL || type === RTN_ANYCAST) bits = 1 << type
    else if (type >= (RTN_BLACKHOLE as u32) && type <= (RTN_THROW as u32)) bits = 1 << 7
    return (bits & asked) !== 0
  }

  static addrtype(at: usize, flags: u32): bool {
    const masks = load<u32>(at, 4)
    let link: u32 = 0
    if ((flags & ADDRTYPE_IN) !== 0) link = load<u32>(CTX_IN_LINK_AT)
    else if ((flags & ADDRTYPE_OUT) !== 0) link = load<u32>(CTX_OUT_LINK_AT)
    if ((flags & ADDRTYPE_HAS_SRC) !== 0) {
      if (AddressMatch.addrKind(CTX_SRC_AT, masks & 0xffff, link) === ((flags & ADDRTYPE_NOT_SRC) !== 0)) return false
    }
    if ((flags & ADDRTYPE_HAS_DST) !== 0) {
      if (AddressMatch.addrKind(CTX_DST_AT, masks >> 16, link) === ((flags & ADDRTYPE_NOT_DST) !== 0)) return false
    }
    return true
  }

  static iprange(at: usize, flags: u32): bool {
    if ((flags & IPRANGE_HAS_SRC) !== 0) {
      if (AddressMatch.between(CTX_SRC_AT, at + 4, at + 20) === ((flags & IPRANGE_NOT_SRC) !== 0)) return false
    }
    if ((flags & IPRANGE_HAS_DST) !== 0) {
      if (AddressMatch.between(CTX_DST_AT, at + 36, at + 52) === ((flags & IPRANGE_NOT_DST) !== 0)) return false
    }
    return true
  }
}
