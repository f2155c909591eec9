// The Ethernet header of a packet that comes in, as far as it decides anything: given in its record, or as its sender would
// have made it. Kernel: net/ethernet/eth.c (eth_type_trans), net/ipv4/arp.c (arp_mc_map), net/bridge/br_input.c.
import { Address } from './address'
import { Fdb } from './fdb'
import { Fib } from './fib'
import {
  CTX_DST_AT,
  CTX_ETHER_AT,
  CTX_FAMILY_AT,
  CTX_MAC_DST_AT,
  CTX_MAC_SRC_AT,
  CTX_PKTTYPE_AT,
  CTX_RECORD_AT,
  CTX_SRC_AT,
  ETHER_DST_UNKNOWN,
  ETHER_PRESENT,
  ETHER_SRC_KNOWN,
  FDB_FLAGS_OFF,
  FDB_LOCAL,
  FDB_PORT_OFF,
  LINK_ETHER,
  PKTTYPE_BROADCAST,
  PKTTYPE_HOST,
  PKTTYPE_MULTICAST,
  PKTTYPE_OTHERHOST,
  RECORD_HAS_MAC_DST,
  RECORD_HAS_MAC_SRC,
  RECORD_HAS_OFF,
  RECORD_HAS_PKTTYPE,
  RECORD_IN_LINK_OFF,
  RECORD_MAC_DST_OFF,
  RECORD_MAC_SRC_OFF,
  RECORD_PKTTYPE_OFF,
} from './layout'
import { Links } from './source'

export const MAC_BROADCAST: u64 = 0xffffffffffff

export class Ether {
  /** Six bytes as a number, the first one highest. */
  static read(at: usize): u64 {
    return ((<u64>bswap<u16>(load<u16>(at))) << 32) | bswap<u32>(load<u32>(at, 2))
  }

  static isGroup(mac: u64): bool {
    return ((mac >> 40) & 1) !== 0
  }

  /** The Ethernet address of a multicast address. */
  static group(address: usize, family: u32): u64 {
    if (family === 4) return 0x01005e000000 | <u64>(load<u32>(address) & 0x7fffff)
    return 0x333300000000 | <u64>load<u32>(address, 12)
  }

  /** The kind of a frame at an interface with these own addresses. */
  private static type(dst: u64, own: u64, port: u64): u32 {
    if (dst === MAC_BROADCAST) return PKTTYPE_BROADCAST
    if (Ether.isGroup(dst)) return PKTTYPE_MULTICAST
    return dst === own || dst === port ? PKTTYPE_HOST : PKTTYPE_OTHERHOST
  }

  /** What the sender wrote as destination, when that follows from the IP destination alone; 0 = it does not. */
  private static common(link: u32): u64 {
    const family = load<u32>(CTX_FAMILY_AT)
    if (Address.isMulticast(CTX_DST_AT, family)) return Ether.group(CTX_DST_AT, family)
    return family === 4 && Links.isBroadcast4(link, load<u32>(CTX_DST_AT)) ? MAC_BROADCAST : 0
  }

  /** By an interface that is no port of a bridge. */
  static arrival(link: u32): void {
    const record = <usize>load<u32>(CTX_RECORD_AT)
    const has: u32 = load<u8>(record + RECORD_HAS_OFF)
    const own = Links.mac(link)
    if (!(Links.flags(link) & LINK_ETHER)) {
      store<u32>(CTX_PKTTYPE_AT, has & RECORD_HAS_PKTTYPE ? load<u16>(record + RECORD_PKTTYPE_OFF) & 3 : PKTTYPE_HOST)
      return
    }
    let dst = own
    if (has & RECORD_HAS_MAC_DST) dst = Ether.read(record + RECORD_MAC_DST_OFF)
    else {
      const common = Ether.common(link)
      if (common !== 0) dst = common
    }
    Ether.put(record, has, dst, own, own)
  }

  /** By a port of a bridge. */
  static portArrival(port: u32, bridge: u32): void {
    const record = <usize>load<u32>(CTX_RECORD_AT)
    const has: u32 = load<u8>(record + RECORD_HAS_OFF)
    const family = load<u32>(CTX_FAMILY_AT)
    const own = Links.mac(bridge)
    let dst = own
    let unknown = false
    if (has & RECORD_HAS_MAC_DST) dst = Ether.read(record + RECORD_MAC_DST_OFF)
    else {
      const common = Ether.common(bridge)
      if (common !== 0) dst = common
      else if (Links.isNear(bridge, CTX_DST_AT, family) && !Fib.isOwn(CTX_DST_AT, family)) {
        // To another host of the bridge's subnets its sender sends straight, known here or not.
        const near = Fdb.neighbour(bridge, CTX_DST_AT, family)
        if (near !== 0) dst = load<u64>(near)
        else unknown = true
      }
    }
    Ether.put(record, has, dst, own, Links.flags(port) & LINK_ETHER ? Links.mac(port) : own)
    if (unknown) {
      Ether.lost()
      if (!(has & RECORD_HAS_PKTTYPE)) store<u32>(CTX_PKTTYPE_AT, PKTTYPE_OTHERHOST)
    }
    if (has & RECORD_HAS_MAC_SRC) return
    let src = Links.hostMac(port)
    const listed = Fdb.neighbour(bridge, CTX_SRC_AT, family)
    if (listed !== 0) {
      const entry = Fdb.find(bridge, load<u64>(listed))
      const behind = entry !== 0 && load<u32>(entry + FDB_PORT_OFF) === port
      if (behind && !(load<u32>(entry + FDB_FLAGS_OFF) & FDB_LOCAL)) src = load<u64>(listed)
    }
    if (src === 0) return
    store<u32>(CTX_ETHER_AT, load<u32>(CTX_ETHER_AT) | ETHER_SRC_KNOWN)
    store<u64>(CTX_MAC_SRC_AT, src)
  }

  /** Of the packet in the record, by the link that it names. */
  static anew(): void {
    const link = load<u32>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_IN_LINK_OFF)
    const master = Links.master(link)
    if (master !== link && Links.ports(master) !== 0) Ether.portArrival(link, master)
    else Ether.arrival(master)
  }

  /** The frame is given to another address. */
  static sendTo(mac: u64): void {
    store<u64>(CTX_MAC_DST_AT, mac)
    store<u32>(CTX_ETHER_AT, load<u32>(CTX_ETHER_AT) & ~ETHER_DST_UNKNOWN)
  }

  /** The frame is to an address that nobody knows here. */
  static lost(): void {
    store<u32>(CTX_ETHER_AT, load<u32>(CTX_ETHER_AT) | ETHER_DST_UNKNOWN)
  }

  private static put(record: usize, has: u32, dst: u64, own: u64, port: u64): void {
    let ether: u32 = ETHER_PRESENT
    if (has & RECORD_HAS_MAC_SRC) {
      store<u64>(CTX_MAC_SRC_AT, Ether.read(record + RECORD_MAC_SRC_OFF))
      ether |= ETHER_SRC_KNOWN
    }
    store<u32>(CTX_ETHER_AT, ether)
    store<u64>(CTX_MAC_DST_AT, dst)
    const given = (has & RECORD_HAS_PKTTYPE) !== 0
    store<u32>(CTX_PKTTYPE_AT, given ? load<u16>(record + RECORD_PKTTYPE_OFF) & 3 : Ether.type(dst, own, port))
  }
}
