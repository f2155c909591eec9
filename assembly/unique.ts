// Which tuple a binding gives a flow: the address out of a range, and a port (or ICMP id) that is free.
// Kernel: net/netfilter/nf_nat_core.c (get_unique_tuple, find_best_ips_proto, nf_nat_l4proto_unique_tuple).
import { Address } from './address'
import { BySource } from './by-source'
import {
  CT_FAMILY_OFF,
  CT_PROTO_OFF,
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_TCP_END_OFF,
  CT_ZONE_OFF,
  CTX_DNAT_ATTEMPT_AT,
  CTX_SNAT_ATTEMPT_AT,
  IPS_FIXED_TIMEOUT,
  IPS_SRC_NAT,
  NATRANGE_BASE_PORT_OFF,
  NATRANGE_FLAGS_OFF,
  NATRANGE_HAS_ADDR,
  NATRANGE_HAS_PORT,
  NATRANGE_MAX_ADDR_OFF,
  NATRANGE_MAX_PORT_OFF,
  NATRANGE_MIN_ADDR_OFF,
  NATRANGE_MIN_PORT_OFF,
  NATRANGE_OFFSET,
  NATRANGE_PERSISTENT,
  NATRANGE_RANDOM,
  NATRANGE_RANDOM_FULLY,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from './layout'
import { prf } from './random'
import { Table } from './table'
import { INVERSE_TUPLE, TRIED_TUPLE, Tuple } from './tuple'

const MAX_ATTEMPTS: u32 = 128
const MIN_ATTEMPTS: u32 = 16
/** In so many last attempts a closed TCP connection gives up its tuple. */
const EVICT_ATTEMPTS: u32 = 32
const TIME_WAIT: u32 = 7
const SYN_SENT: u32 = 1

export class Unique {
  private static ct: usize = 0
  private static proto: u32 = 0
  private static family: u32 = 0

  /** Writes to `to` the tuple of a flow after this binding; it may be taken nevertheless: see confirm. */
  static choose(to: usize, current: usize, range: usize, source: bool, ct: usize): void {
    Unique.ct = ct
    const proto = load<u32>(ct + CT_PROTO_OFF)
    const family = load<u32>(ct + CT_FAMILY_OFF)
    Unique.proto = proto
    Unique.family = family
    const flags = load<u32>(range + NATRANGE_FLAGS_OFF)
    const random = (flags & (NATRANGE_RANDOM | NATRANGE_RANDOM_FULLY)) !== 0
    Tuple.copy(to, current)
    if (source && !random) {
      if (Unique.inRange(current, range, flags)) {
        if (!Unique.used(current)) return
      } else {
        const zones = load<u32>(ct + CT_ZONE_OFF)
        let other = BySource.next(0, current, proto, family, zones)
        while (other !== 0) {
          if (Tuple.invert(TRIED_TUPLE, Table.tuple(other, 1), proto, family)) {
            // Its source after translation, with the destination now wanted.
            Address.copy(to + TUPLE_SRC_OFF, TRIED_TUPLE + TUPLE_SRC_OFF)
            store<u32>(to + TUPLE_SPORT_OFF, load<u32>(TRIED_TUPLE + TUPLE_SPORT_OFF))
            if (Unique.inRange(to, range, flags)) {
              if (!Unique.used(to)) return
              break
            }
          }
          other = BySource.next(other, current, proto, family, zones)
        }
        Tuple.copy(to, current)
      }
    }
    if (flags & NATRANGE_HAS_ADDR) Unique.address(to, range, flags, source)
    if (!random) {
      if (flags & NATRANGE_HAS_PORT) {
        const single = load<u32>(range + NATRANGE_MIN_PORT_OFF) === load<u32>(range + NATRANGE_MAX_PORT_OFF)
        const fits = !(flags & NATRANGE_OFFSET) && Unique.portInRange(to, range, source)
        if (fits && (single || !Unique.used(to))) return
      } else if (!Unique.used(to)) return
    }
    Unique.search(to, range, flags, source)
  }

  /** Has another connection the answer's tuple already? */
  private static used(tuple: usize): bool {
    return Unique.owner(tuple) !== 0
  }

  /** The other connection that has the answer's tuple; 0 = none. */
  private static owner(tuple: usize): usize {
    if (!Tuple.invert(INVERSE_TUPLE, tuple, Unique.proto, Unique.family)) return 0
    const found = Table.find(INVERSE_TUPLE, Unique.proto, Unique.family, load<u32>(Unique.ct + CT_ZONE_OFF))
    if (found < 0) return 0
    const ct = Table.hotOf(<u32>found >>> 1)
    return ct === Unique.ct ? 0 : ct
  }

  /** As `used`; but a closed TCP connection makes room for a later SYN when few attempts are left. */
  private static usedHarder(tuple: usize, left: u32): bool {
    const other = Unique.owner(tuple)
    if (other === 0) return false
    if (left > EVICT_ATTEMPTS || Unique.proto !== 6 || load<u32>(Unique.ct + CT_STATE_OFF) !== SYN_SENT) return true
    if (!Tuple.same(Table.tuple(other, 1), INVERSE_TUPLE)) return true
    const status = load<u32>(other + CT_STATUS_OFF)
    if (load<u32>(other + CT_STATE_OFF) < TIME_WAIT || status & IPS_FIXED_TIMEOUT || !(status & IPS_SRC_NAT))
      return true
    const mine = load<u32>(Table.coldOf(Unique.ct) + CT_TCP_END_OFF)
    const theirs = load<u32>(Table.coldOf(other) + CT_TCP_END_OFF)
    if (<i32>(mine - theirs) <= 0) return true
    Table.kill(other)
    return false
  }

  private static isIcmp(): bool {
    return Tuple.isIcmp(Unique.proto, Unique.family)
  }

  /** Offset of the port or id that is changed. */
  private static portAt(source: bool): usize {
    return source || Unique.isIcmp() ? TUPLE_SPORT_OFF : TUPLE_DPORT_OFF
  }

  private static hasPort(): bool {
    return Tuple.hasPorts(Unique.proto) || Unique.isIcmp()
  }

  private static portInRange(tuple: usize, range: usize, source: bool): bool {
    if (!Unique.hasPort()) return true
    const port = load<u32>(tuple + Unique.portAt(source))
    return port >= load<u32>(range + NATRANGE_MIN_PORT_OFF) && port <= load<u32>(range + NATRANGE_MAX_PORT_OFF)
  }

  /** For SNAT: do address and port of the source lie in the range? */
  private static inRange(tuple: usize, range: usize, flags: u32): bool {
    if (flags & NATRANGE_HAS_ADDR) {
      if (!Address.notAfter(range + NATRANGE_MIN_ADDR_OFF, tuple + TUPLE_SRC_OFF)) return false
      if (!Address.notAfter(tuple + TUPLE_SRC_OFF, range + NATRANGE_MAX_ADDR_OFF)) return false
    }
    return !(flags & NATRANGE_HAS_PORT) || Unique.portInRange(tuple, range, true)
  }

  /** The address out of a range by a hash of the flow's addresses: words as a little-endian machine has them. */
  private static address(tuple: usize, range: usize, flags: u32, source: bool): void {
    const low = range + NATRANGE_MIN_ADDR_OFF
    const high = range + NATRANGE_MAX_ADDR_OFF
    const chosen = tuple + (source ? TUPLE_SRC_OFF : TUPLE_DST_OFF)
    if (Address.same(low, high)) {
      Address.copy(chosen, low)
      return
    }
    const last: u32 = Unique.family === 6 ? 3 : 0
    const to = tuple + TUPLE_DST_OFF
    const zones = load<u32>(Unique.ct + CT_ZONE_OFF)
    const zone = (zones & 0xffff) | (zones >>> 16)
    const persistent = (flags & NATRANGE_PERSISTENT) !== 0
    let hash = Unique.jhash4(tuple + TUPLE_SRC_OFF, persistent ? 0 : bswap<u32>(load<u32>(to + last * 4)) ^ zone)
    let free = false
    for (let i: u32 = 0; i <= last; i++) {
      const start = free ? <u32>0 : load<u32>(low + i * 4)
      const size = free ? <u32>0xffffffff : load<u32>(high + i * 4) - start + 1
      const word = start + <u32>((<u64>hash * <u64>size) >> 32)
      store<u32>(chosen + i * 4, word)
      if (word !== load<u32>(high + i * 4)) free = true
      // The address being chosen stands in the tuple already while the hash goes on.
      if (!persistent) hash ^= bswap<u32>(load<u32>(to + i * 4))
    }
  }

  /** jhash2 of four words (include/linux/jhash.h). */
  private static jhash4(words: usize, start: u32): u32 {
    let a: u32 = 0xdeadbeef + 16 + start
    let b = a
    let c = a
    a += bswap<u32>(load<u32>(words))
    b += bswap<u32>(load<u32>(words + 4))
    c += bswap<u32>(load<u32>(words + 8))
    a = (a - c) ^ rotl<u32>(c, 4)
    c += b
    b = (b - a) ^ rotl<u32>(a, 6)
    a += c
    c = (c - b) ^ rotl<u32>(b, 8)
    b += a
    a = (a - c) ^ rotl<u32>(c, 16)
    c += b
    b = (b - a) ^ rotl<u32>(a, 19)
    a += c
    c = (c - b) ^ rotl<u32>(b, 4)
    b += a
    a += bswap<u32>(load<u32>(words + 12))
    c = (c ^ b) - rotl<u32>(b, 14)
    a = (a ^ c) - rotl<u32>(c, 11)
    b = (b ^ a) - rotl<u32>(a, 25)
    c = (c ^ b) - rotl<u32>(b, 16)
    a = (a ^ c) - rotl<u32>(c, 4)
    b = (b ^ a) - rotl<u32>(a, 14)
    return (c ^ b) - rotl<u32>(b, 24)
  }

  private static draw(source: bool): u32 {
    const at = source ? CTX_SNAT_ATTEMPT_AT : CTX_DNAT_ATTEMPT_AT
    const n = load<u32>(at)
    store<u32>(at, n + 1)
    return <u32>(prf(source ? 1 : 2, n) >> 48)
  }

  /** Searches a free port or id, beginning somewhere. */
  private static search(tuple: usize, range: usize, flags: u32, source: bool): void {
    if (!Unique.hasPort()) return
    const at = tuple + Unique.portAt(source)
    const port = load<u32>(at)
    let first: u32 = 0
    let size: u32 = 65536
    if (flags & NATRANGE_HAS_PORT) {
      const from = load<u32>(range + NATRANGE_MIN_PORT_OFF)
      const to = load<u32>(range + NATRANGE_MAX_PORT_OFF)
      first = min<u32>(from, to)
      size = max<u32>(from, to) - first + 1
    } else if (!Unique.isIcmp()) {
      if (!source) return
      first = port < 512 ? 1 : port < 1024 ? 600 : 1024
      size = port < 512 ? 511 : port < 1024 ? 424 : 64512
    }
    const drawn = source || (flags & (NATRANGE_RANDOM | NATRANGE_RANDOM_FULLY)) !== 0
    let offset: u32 = 0
    if (flags & NATRANGE_OFFSET) offset = (port - load<u32>(range + NATRANGE_BASE_PORT_OFF)) & 0xffff
    else if (drawn) offset = Unique.draw(source)
    let attempts = min<u32>(size, MAX_ATTEMPTS)
    for (;;) {
      for (let i: u32 = 0; i < attempts; i++) {
        store<u32>(at, first + (offset % size))
        if (!Unique.usedHarder(tuple, attempts - i)) return
        offset = (offset + 1) & 0xffff
      }
      if (attempts >= size || attempts < MIN_ATTEMPTS) return
      attempts >>>= 1
      offset = Unique.draw(source)
    }
  }
}
