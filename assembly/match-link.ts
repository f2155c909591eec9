// Matches on what the link layer says of a packet, and on bridge ports. Kernel: net/netfilter/xt_mac.c, xt_pkttype.c,
// xt_physdev.c.
import { Asked } from './asked'
import {
  CTX_ETHER_AT,
  CTX_MAC_SRC_AT,
  CTX_PHYS_IN_AT,
  CTX_PHYS_OUT_AT,
  CTX_PKTTYPE_AT,
  ETHER_PRESENT,
  ETHER_SRC_KNOWN,
  FIELD_MAC,
  FIELD_OUT_PORT,
  PHYS_UNKNOWN,
  PHYSDEV_ASKED,
  PHYSDEV_IN,
  PHYSDEV_IN_PATTERN,
  PHYSDEV_IS_BRIDGED,
  PHYSDEV_IS_IN,
  PHYSDEV_IS_OUT,
  PHYSDEV_OUT,
  PHYSDEV_OUT_PATTERN,
} from './layout'
import { linkFits } from './rule-head'

export class LinkMatch {
  static mac(low: u32, high: u32, inverted: bool): bool {
    const ether = load<u32>(CTX_ETHER_AT)
    // Inverted or not: without an Ethernet header it does not match.
    if (!(ether & ETHER_PRESENT)) return false
    if (!(ether & ETHER_SRC_KNOWN)) return Asked.need(FIELD_MAC)
    return (load<u64>(CTX_MAC_SRC_AT) === (((<u64>high) << 32) | low)) !== inverted
  }

  static pkttype(type: u32): bool {
    return load<u32>(CTX_PKTTYPE_AT) === type
  }

  static physdev(at: usize): bool {
    const asks = load<u32>(at, 4)
    const has = asks & PHYSDEV_ASKED
    const not = load<u32>(at, 8)
    // Past no bridge: what is inverted holds.
    if (load<u32>(CTX_PHYS_IN_AT) === 0) return (has & ~not) === 0
    const out = load<u32>(CTX_PHYS_OUT_AT)
    let holds: u32 = PHYSDEV_IS_IN
    if (out !== 0) holds |= PHYSDEV_IS_OUT | PHYSDEV_IS_BRIDGED
    if (linkFits(load<u32>(CTX_PHYS_IN_AT), load<u32>(at, 12), (asks & PHYSDEV_IN_PATTERN) !== 0)) holds |= PHYSDEV_IN
    const asked = has & ~(<u32>PHYSDEV_OUT)
    if ((asked & (holds ^ not)) !== asked) return false
    if (!(has & PHYSDEV_OUT)) return true
    if (out === 0) return false
    if (out === PHYS_UNKNOWN) return Asked.need(FIELD_OUT_PORT)
    const outside = linkFits(out, load<u32>(at, 16), (asks & PHYSDEV_OUT_PATTERN) !== 0)
    return outside !== ((not & PHYSDEV_OUT) !== 0)
  }
}
