// Forwarding databases of bridges (which port an Ethernet address is behind), and neighbours (which Ethernet address an IP
// address has). Kernel: net/bridge/br_fdb.c, net/core/neighbour.c.
// The databases are one hash table in memory of their own; entries are never taken out, those whose time is over count as
// absent and are taken again by the same address.
import { Address } from './address'
import {
  CTX_NOW_AT,
  FDB_AGES,
  FDB_BRIDGE_OFF,
  FDB_BYTES,
  FDB_FLAGS_OFF,
  FDB_LEARNED_MAX,
  FDB_LOCAL,
  FDB_MAC_OFF,
  FDB_PORT_OFF,
  FDB_SEEN_OFF,
  FDB_STICKY,
  NEIGHBOUR_BYTES,
  NEIGHBOUR_FAMILY_OFF,
  NEIGHBOUR_LINK_OFF,
  NEIGHBOUR_MAC_OFF,
  SECTION_FDB,
  SECTION_NEIGHBOURS,
} from './layout'
import { Memory } from './memory'
import { Links } from './source'

export class Fdb {
  private static table: usize = 0
  private static mask: u32 = 0
  private static room: u32 = 0
  private static neighbours: usize = 0
  private static buckets: u32 = 0
  /** A new address found no room. */
  static full: bool = false

  /** Finds the sections of the image in use. */
  static load(): void {
    Fdb.neighbours = Memory.section(SECTION_NEIGHBOURS)
    Fdb.buckets = Memory.sectionBytes(SECTION_NEIGHBOURS) / NEIGHBOUR_BYTES
  }

  /** Fills the databases from the image; once an instance. False when memory does not suffice. */
  static init(): bool {
    const section = Memory.section(SECTION_FDB)
    const count = Memory.sectionBytes(SECTION_FDB) / FDB_BYTES
    if (count === 0) return true // no bridge
    let places: u32 = 4096
    while (places < (count + FDB_LEARNED_MAX) * 2) places *= 2
    Fdb.table = Memory.allocate(places * FDB_BYTES)
    if (Fdb.table === 0) return false
    Fdb.mask = places - 1
    Fdb.room = FDB_LEARNED_MAX
    for (let i: u32 = 0; i < count; i++) {
      const record = section + i * FDB_BYTES
      const bridge = load<u32>(record + FDB_BRIDGE_OFF)
      const place = Fdb.place(bridge, load<u64>(record + FDB_MAC_OFF))
      // Of several about one address the first counts.
      if (load<u32>(place + FDB_BRIDGE_OFF) === 0) memory.copy(place, record, FDB_BYTES)
    }
    return true
  }

  /** Where an address is, or would be. */
  private static place(bridge: u32, mac: u64): usize {
    const h: u64 = (mac ^ ((<u64>bridge) << 48)) * 0x9e3779b97f4a7c15
    let i = <u32>(h >> 40) & Fdb.mask
    while (true) {
      const at = Fdb.table + i * FDB_BYTES
      const owner = load<u32>(at + FDB_BRIDGE_OFF)
      if (owner === 0 || (owner === bridge && load<u64>(at + FDB_MAC_OFF) === mac)) return at
      i = (i + 1) & Fdb.mask
    }
  }

  private static isOver(entry: usize, bridge: u32): bool {
    if (!(load<u32>(entry + FDB_FLAGS_OFF) & FDB_AGES)) return false
    return load<f64>(CTX_NOW_AT) >= load<f64>(entry + FDB_SEEN_OFF) + Links.ageing(bridge)
  }

  /** The live entry of an address; 0 = none. */
  static find(bridge: u32, mac: u64): usize {
    if (Fdb.table === 0) return 0
    const at = Fdb.place(bridge, mac)
    return load<u32>(at + FDB_BRIDGE_OFF) === 0 || Fdb.isOver(at, bridge) ? 0 : at
  }

  /** An address was seen at a port. */
  static learn(bridge: u32, mac: u64, port: u32): void {
    if (Fdb.table === 0 || Links.ageing(bridge) === 0) return
    const at = Fdb.place(bridge, mac)
    const known = load<u32>(at + FDB_BRIDGE_OFF) !== 0
    if (!known && Fdb.room === 0) {
      Fdb.full = true
      return
    }
    if (!known || Fdb.isOver(at, bridge)) {
      if (!known) Fdb.room--
      store<u64>(at + FDB_MAC_OFF, mac)
      store<u32>(at + FDB_BRIDGE_OFF, bridge)
      store<u32>(at + FDB_FLAGS_OFF, FDB_AGES)
    } else {
      const flags = load<u32>(at + FDB_FLAGS_OFF)
      if (flags & FDB_LOCAL) return
      store<f64>(at + FDB_SEEN_OFF, load<f64>(CTX_NOW_AT))
      if (flags & FDB_STICKY) return
    }
    store<u32>(at + FDB_PORT_OFF, port)
    store<f64>(at + FDB_SEEN_OFF, load<f64>(CTX_NOW_AT))
  }

  /** Address of the Ethernet address that an IP address has on a link; 0 = not known. */
  static neighbour(link: u32, address: usize, family: u32): usize {
    const buckets = Fdb.buckets
    if (buckets === 0) return 0
    let i = (Address.hash(address) ^ link) & (buckets - 1)
    while (true) {
      const at = Fdb.neighbours + i * NEIGHBOUR_BYTES
      const owner = load<u32>(at + NEIGHBOUR_LINK_OFF)
      if (owner === 0) return 0
      if (owner === link && load<u32>(at + NEIGHBOUR_FAMILY_OFF) === family && Address.same(at, address)) {
        return at + NEIGHBOUR_MAC_OFF
      }
      i = (i + 1) & (buckets - 1)
    }
  }
}
