// IPv6 multicast: which groups an interface has joined by itself, and the scope of a group.
// Kernel: net/ipv6/addrconf.c (ipv6_add_dev, addrconf_join_solict), net/ipv6/ip6_input.c (ip6_rcv_core).
import {
  ADDRESS_BYTES,
  ADDRESS_PREFIX_OFF,
  LINK_ADDR6_COUNT_OFF,
  LINK_ADDR6_OFF,
  LINK_BYTES,
  LINK_FORWARDS6,
  LINK_LOOPBACK,
  LINK_MULTICAST,
  LINK_NOARP,
} from './layout'
import { Links } from './source'

const LOW_24: u32 = 0xffffff

export class Multicast {
  /** Scope of a group: its fourth hexadecimal digit. */
  static scope(group: usize): u32 {
    return (load<u32>(group) >>> 16) & 15
  }

  /** Has the link joined the group without being asked to? */
  static joined(link: u32, group: usize): bool {
    const first = load<u32>(group)
    if (load<u32>(group + 4) !== 0) return false
    const third = load<u32>(group + 8)
    const last = load<u32>(group + 12)
    if (third === 0 && last === 1 && (first === 0xff010000 || first === 0xff020000)) return true
    if (first !== 0xff020000) return false
    const flags = Links.flags(link)
    if (flags & LINK_LOOPBACK) return false
    if (third === 0 && last === 2)
      return (flags & (LINK_FORWARDS6 | LINK_MULTICAST)) === (LINK_FORWARDS6 | LINK_MULTICAST)
    if (third !== 1 || last >>> 24 !== 0xff || flags & LINK_NOARP) return false
    return Multicast.solicits(link, last & LOW_24, (flags & LINK_FORWARDS6) !== 0)
  }

  /** Has the link an address, or as a router the anycast address of a subnet, with these last 24 bits? */
  private static solicits(link: u32, low: u32, router: bool): bool {
    const record = Links.links + link * LINK_BYTES
    const count = load<u32>(record + LINK_ADDR6_COUNT_OFF)
    let address = Links.address(load<u32>(record + LINK_ADDR6_OFF))
    for (let i: u32 = 0; i < count; i++, address += ADDRESS_BYTES) {
      const word = load<u32>(address + 12)
      if ((word & LOW_24) === low) return true
      const length = load<u32>(address + ADDRESS_PREFIX_OFF)
      if (!router || length === 0 || length >= 127) continue
      const network: u32 = length <= 96 ? 0 : word & (0xffffffff << (128 - length))
      if ((network & LOW_24) === low) return true
    }
    return false
  }
}
