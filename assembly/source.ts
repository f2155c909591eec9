// Which of the host's addresses a packet is sent from: ICMP errors by the route back, MASQUERADE by interface and next
// hop, REDIRECT by the in interface.
// Kernel: net/ipv4/devinet.c (inet_select_addr), net/ipv6/addrconf.c (ipv6_dev_get_saddr).
import { Address } from './address'
import {
  ADDRESS_BYTES,
  ADDRESS_DEPRECATED,
  ADDRESS_FLAGS_OFF,
  ADDRESS_LINK_OFF,
  ADDRESS_PREFIX_OFF,
  ADDRESS_SCOPE_OFF,
  ADDRESS_SECONDARY,
  ADDRESS_SUBNET_OFF,
  ADDRESS_TENTATIVE,
  ADDRESS_UNWANTED,
  HOP_HAS_VIA_OFF,
  HOP_VIA_OFF,
  LINK_ADDR4_COUNT_OFF,
  LINK_ADDR4_OFF,
  LINK_ADDR6_COUNT_OFF,
  LINK_ADDR6_OFF,
  LINK_BEHIND_OFF,
  LINK_BRIDGE_OFF,
  LINK_BYTES,
  LINK_FLAGS_OFF,
  LINK_GROUP_OFF,
  LINK_MAC_OFF,
  LINK_MASTER_OFF,
  LINK_PORT_NEXT_OFF,
  LINK_PORTS_OFF,
  LINK_RP_FILTER_OFF,
  LINK_UP,
  ROUTE_PREFSRC_OFF,
  RTN_LOCAL,
  SCOPE_GLOBAL,
  SCOPE_HOST,
  SECTION_ADDRESSES,
  SECTION_LINKS,
  ZERO_ADDRESS_AT,
} from './layout'
import { Memory } from './memory'
import { Route } from './route'

export class Links {
  static links: usize = 0
  static count: u32 = 0
  static addresses: usize = 0

  static load(): void {
    Links.links = Memory.section(SECTION_LINKS)
    Links.count = Memory.sectionBytes(SECTION_LINKS) / LINK_BYTES
    Links.addresses = Memory.section(SECTION_ADDRESSES)
  }

  static flags(link: u32): u32 {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_FLAGS_OFF)
  }

  static group(link: u32): u32 {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_GROUP_OFF)
  }

  static rpFilter(link: u32): u32 {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_RP_FILTER_OFF)
  }

  static hasAddress4(link: u32): bool {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_ADDR4_COUNT_OFF) !== 0
  }

  static address(index: u32): usize {
    return Links.addresses + index * ADDRESS_BYTES
  }

  /** Where a packet that comes by this link comes in: the bridge whose port it is, or itself. */
  static master(link: u32): u32 {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_MASTER_OFF)
  }

  /** BRIDGE_* of a bridge, PORT_* of a port. */
  static bridging(link: u32): u32 {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_BRIDGE_OFF)
  }

  /** The first port of a bridge; 0 = it is none, or has none. */
  static ports(link: u32): u32 {
    return load<u32>(Links.links + link * LINK_BYTES + LINK_PORTS_OFF)
  }

  static nextPort(port: u32): u32 {
    return load<u32>(Links.links + port * LINK_BYTES + LINK_PORT_NEXT_OFF)
  }

  static mac(link: u32): u64 {
    return load<u64>(Links.links + link * LINK_BYTES + LINK_MAC_OFF)
  }

  /** Of the only host behind a port; 0 = none or several. */
  static hostMac(port: u32): u64 {
    return load<u64>(Links.links + port * LINK_BYTES + LINK_BEHIND_OFF)
  }

  /** How long a bridge remembers what it learned, ms. */
  static ageing(bridge: u32): f64 {
    return load<f64>(Links.links + bridge * LINK_BYTES + LINK_BEHIND_OFF)
  }

  /** Is an address in a subnet of this link? */
  static isNear(link: u32, address: usize, family: u32): bool {
    const at = Links.links + link * LINK_BYTES
    let own = Links.address(load<u32>(at + (family === 4 ? LINK_ADDR4_OFF : LINK_ADDR6_OFF)))
    const count = load<u32>(at + (family === 4 ? LINK_ADDR4_COUNT_OFF : LINK_ADDR6_COUNT_OFF))
    for (let i: u32 = 0; i < count; i++, own += ADDRESS_BYTES) {
      if (Address.samePrefix(own, address, load<u32>(own + ADDRESS_PREFIX_OFF))) return true
    }
    return false
  }

  /** Do all hosts of one of the link's IPv4 subnets, or of its wire, hear this address? */
  static isBroadcast4(link: u32, to: u32): bool {
    if ((to & 3) !== 3) return false
    if (to === 0xffffffff) return true
    const at = Links.links + link * LINK_BYTES
    let own = Links.address(load<u32>(at + LINK_ADDR4_OFF))
    const count = load<u32>(at + LINK_ADDR4_COUNT_OFF)
    for (let i: u32 = 0; i < count; i++, own += ADDRESS_BYTES) {
      const length = load<u32>(own + ADDRESS_PREFIX_OFF)
      if (length <= 30 && to === (load<u32>(own) | (0xffffffff >>> length))) return true
    }
    return false
  }

  /** Is it an address of this link? */
  static has(link: u32, address: usize, family: u32): bool {
    const at = Links.links + link * LINK_BYTES
    const first = load<u32>(at + (family === 4 ? LINK_ADDR4_OFF : LINK_ADDR6_OFF))
    const count = load<u32>(at + (family === 4 ? LINK_ADDR4_COUNT_OFF : LINK_ADDR6_COUNT_OFF))
    for (let i: u32 = 0; i < count; i++) if (Address.same(Links.address(first + i), address)) return true
    return false
  }

  /** Link whose address it is, 0 = none. */
  static owner(address: usize, family: u32): u32 {
    for (let link: u32 = 1; link < Links.count; link++) if (Links.has(link, address, family)) return link
    return 0
  }
}

const KINDS: u32 = 0xf0
const MAPPED: u32 = 0x1000

export class Source {
  /** The address that the route just found sends from to `to`; 0 when there is none. `link`: out interface, 0 = the route's. */
  static byRoute(to: usize, family: u32, link: u32): usize {
    const prefsrc = Route.record === 0 ? <u32>0 : load<u32>(Route.record + ROUTE_PREFSRC_OFF)
    if (prefsrc !== 0) return Links.address(prefsrc - 1)
    if (Route.type === RTN_LOCAL) return to
    if (link === 0) link = Route.link
    const near = Route.hop === 0 || load<u32>(Route.hop + HOP_HAS_VIA_OFF) === 0
    // A route that needs no next hop: the first address, also one that only its link knows.
    if (family === 4 && near) return Source.best4(link, ZERO_ADDRESS_AT, true)
    return Source.byHop(link, Route.hop, to, family)
  }

  /** By out interface and next hop alone, as MASQUERADE does; 0 = none. */
  static byHop(link: u32, hop: usize, to: usize, family: u32): usize {
    if (family === 6) return Source.best6(link, to)
    const via = hop !== 0 && load<u32>(hop + HOP_HAS_VIA_OFF) !== 0 ? hop + HOP_VIA_OFF : to
    return Source.best4(link, via, false)
  }

  /** First address of an interface for what was sent to `to`, as REDIRECT asks; 0 = none. */
  static first(link: u32, family: u32, to: usize): usize {
    const at = Links.links + link * LINK_BYTES
    const count = load<u32>(at + (family === 4 ? LINK_ADDR4_COUNT_OFF : LINK_ADDR6_COUNT_OFF))
    let address = Links.address(load<u32>(at + (family === 4 ? LINK_ADDR4_OFF : LINK_ADDR6_OFF)))
    if (family === 4) return count === 0 ? 0 : address
    const wanted = Source.kind6(to) & KINDS
    for (let i: u32 = 0; i < count; i++, address += ADDRESS_BYTES) {
      const kind = Source.kind6(address)
      if (kind !== MAPPED && (wanted === 0 || kind === wanted)) return address
    }
    return 0
  }

  /** The kernel's bits of an address's type under IPV6_ADDR_SCOPE_MASK, or MAPPED; 0 = a global one. */
  private static kind6(at: usize): u32 {
    const first = load<u32>(at)
    if (first >>> 24 === 0xff) {
      const scope = (first >>> 16) & 15
      return scope === 1 ? 0x10 : scope === 2 ? 0x20 : scope === 5 ? 0x40 : 0
    }
    if (first >>> 22 === 0x3fa) return 0x20
    if (first >>> 22 === 0x3fb) return 0x40
    if (first !== 0 || load<u32>(at, 4) !== 0) return 0
    const third = load<u32>(at, 8)
    const last = load<u32>(at, 12)
    if (third === 0xffff) return MAPPED
    return third !== 0 || last === 0 ? 0 : last === 1 ? 0x10 : 0x80
  }

  /** `narrow`: addresses that only their link knows will do as well. */
  private static isPrimary4(address: usize, narrow: bool): bool {
    if (load<u32>(address + ADDRESS_FLAGS_OFF) & ADDRESS_SECONDARY) return false
    const scope = load<u32>(address + ADDRESS_SCOPE_OFF)
    return narrow ? scope !== SCOPE_HOST : scope === SCOPE_GLOBAL
  }

  /** IPv4: by an interface alone, as errors do that are sent from where their cause came in; 0 = none. */
  static byLink4(link: u32, to: usize): usize {
    return Source.best4(link, to, true)
  }

  private static best4(link: u32, via: usize, narrow: bool): usize {
    const at = Links.links + link * LINK_BYTES
    const count = load<u32>(at + LINK_ADDR4_COUNT_OFF)
    let address = Links.address(load<u32>(at + LINK_ADDR4_OFF))
    let found: usize = 0
    for (let i: u32 = 0; i < count; i++, address += ADDRESS_BYTES) {
      if (!Source.isPrimary4(address, narrow)) continue
      if (Address.samePrefix(address + ADDRESS_SUBNET_OFF, via, load<u32>(address + ADDRESS_PREFIX_OFF))) return address
      if (found === 0) found = address
    }
    if (found !== 0) return found
    for (let other: u32 = 1; other < Links.count; other++) {
      if (!(Links.flags(other) & LINK_UP)) continue
      const record = Links.links + other * LINK_BYTES
      const many = load<u32>(record + LINK_ADDR4_COUNT_OFF)
      address = Links.address(load<u32>(record + LINK_ADDR4_OFF))
      for (let i: u32 = 0; i < many; i++, address += ADDRESS_BYTES)
        if (Source.isPrimary4(address, false)) return address
    }
    return 0
  }

  /** RFC 6724 scope: larger is wider. */
  private static scope6(at: usize): u32 {
    const first = load<u32>(at)
    if (first >>> 24 === 0xff) return (first >>> 16) & 15
    if (Address.high(at) === 0 && Address.low(at) === 0) return 0
    if (first >>> 22 === 0x3fa || Address.isLoopback6(at)) return 2
    return first >>> 22 === 0x3fb ? 5 : 14
  }

  /** RFC 6724 default policy table. */
  private static label6(at: usize): u32 {
    const first = load<u32>(at)
    if (Address.isLoopback6(at)) return 0
    if (first === 0 && load<u32>(at + 4) === 0) {
      const third = load<u32>(at + 8)
      if (third === 0xffff) return 4
      if (third === 0) return 3
    }
    if (first === 0x20010000) return 6
    if (first >>> 4 === 0x2001001) return 7
    if (first >>> 16 === 0x3ffe) return 12
    if (first >>> 16 === 0x2002) return 2
    if (first >>> 22 === 0x3fb) return 11
    return first >>> 25 === 0x7e ? 5 : 1
  }

  /** RFC 6724 rules 1, 2, 3, 5, 6, 7 and 8 among the addresses of all links that are up. */
  private static best6(link: u32, to: usize): usize {
    let best: usize = 0
    const first = load<u32>(to)
    const narrow = first >>> 24 === 0xff || first >>> 22 === 0x3fa
    for (let l: u32 = 1; l < Links.count; l++) {
      const flags = Links.flags(l)
      if (!(flags & LINK_UP) || (narrow && l !== link)) continue
      const record = Links.links + l * LINK_BYTES
      const count = load<u32>(record + LINK_ADDR6_COUNT_OFF)
      let address = Links.address(load<u32>(record + LINK_ADDR6_OFF))
      for (let i: u32 = 0; i < count; i++, address += ADDRESS_BYTES) {
        if (load<u32>(address + ADDRESS_FLAGS_OFF) & ADDRESS_TENTATIVE) continue
        if (best === 0 || Source.better6(address, best, to, link)) best = address
      }
    }
    return best
  }

  private static isOrchid(at: usize): bool {
    return load<u32>(at) >>> 4 === 0x2001001
  }

  private static better6(a: usize, b: usize, to: usize, link: u32): bool {
    const isA = Address.same(a, to)
    if (isA !== Address.same(b, to)) return isA
    const wanted = Source.scope6(to)
    const sa = Source.scope6(a)
    const sb = Source.scope6(b)
    if (sa !== sb) return sa < sb ? sa >= wanted : sb < wanted
    const flagsA = load<u32>(a + ADDRESS_FLAGS_OFF)
    const flagsB = load<u32>(b + ADDRESS_FLAGS_OFF)
    const oldA = (flagsA & ADDRESS_DEPRECATED) !== 0
    if (oldA !== ((flagsB & ADDRESS_DEPRECATED) !== 0)) return !oldA
    const onA = load<u32>(a + ADDRESS_LINK_OFF) === link
    if (onA !== (load<u32>(b + ADDRESS_LINK_OFF) === link)) return onA
    const label = Source.label6(to)
    const labelA = Source.label6(a) === label
    if (labelA !== (Source.label6(b) === label)) return labelA
    const unwantedA = (flagsA & ADDRESS_UNWANTED) !== 0
    if (unwantedA !== ((flagsB & ADDRESS_UNWANTED) !== 0)) return !unwantedA
    // ORCHIDs (2001:10::/28) talk to ORCHIDs.
    const orchid = Source.isOrchid(a)
    if (orchid !== Source.isOrchid(b)) return orchid === Source.isOrchid(to)
    const ca = min<u32>(Address.commonBits(a, to), load<u32>(a + ADDRESS_PREFIX_OFF))
    const cb = min<u32>(Address.commonBits(b, to), load<u32>(b + ADDRESS_PREFIX_OFF))
    return ca > cb
  }
}
