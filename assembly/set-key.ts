// The element that a packet stands for in a set, as a key of 36 bytes at SET_KEY_AT: first address, second address (or
// Ethernet address), port | protocol << 16 (or mark). Kernel: net/netfilter/ipset/ (*_kadt), ip_set_getport.c.
import { Fragment } from './fragment'
import {
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_MARK_AT,
  CTX_OUT_LINK_AT,
  CTX_PROTO_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  SET_ADDR2_DIM_SHIFT,
  SET_HAS_ADDR1,
  SET_HAS_ADDR2,
  SET_HAS_IFACE,
  SET_HAS_MARK,
  SET_HAS_PORT,
  SET_HAS_PROTO,
  SET_HAS_RANGE,
  SET_KEY_AT,
  SET_MARKMASK_OFF,
  SET_MASK_OFF,
  SET_NO_ZERO,
  SET_RANGE_FROM_OFF,
  SET_RANGE_TO_OFF,
} from './layout'
import { Tuple } from './tuple'

export class SetKey {
  /** Where the packet's addresses are, whole; the key has them under a shape. */
  static first: usize = 0
  static second: usize = 0
  /** The packet's interface, a link id. */
  static link: u32 = 0

  static outside(record: usize, value: u32): bool {
    return value < load<u32>(record, SET_RANGE_FROM_OFF) || value > load<u32>(record, SET_RANGE_TO_OFF)
  }

  /** Fills in all but the addresses; false when the packet has no element in such a set. Bit i of `sources`: part i. */
  static fill(record: usize, flags: u32, sources: u32): bool {
    const key: usize = SET_KEY_AT
    const zero = v128.splat<i32>(0)
    v128.store(key, zero)
    v128.store(key, zero, 16)
    store<u32>(key, 0, 32)
    let dim: u32 = 0
    if ((flags & SET_HAS_ADDR1) !== 0) {
      dim = 1
      const first: usize = (sources & 1) !== 0 ? CTX_SRC_AT : CTX_DST_AT
      SetKey.first = first
      if ((flags & SET_HAS_RANGE) !== 0 && SetKey.outside(record, load<u32>(first))) return false
      if ((flags & SET_NO_ZERO) !== 0) {
        if (!v128.any_true(v128.and(v128.load(first), v128.load(record, SET_MASK_OFF)))) return false
      }
    }
    if ((flags & SET_HAS_ADDR2) !== 0) {
      const dim2 = (flags >> SET_ADDR2_DIM_SHIFT) & 3
      SetKey.second = ((sources >> dim2) & 1) !== 0 ? CTX_SRC_AT : CTX_DST_AT
    }
    if ((flags & SET_HAS_PORT) !== 0) {
      if (!SetKey.port(record, flags, ((sources >> dim) & 1) !== 0)) return false
    }
    if ((flags & SET_HAS_MARK) !== 0) store<u32>(key, load<u32>(CTX_MARK_AT) & load<u32>(record, SET_MARKMASK_OFF), 32)
    if ((flags & SET_HAS_IFACE) !== 0) {
      SetKey.link = load<u32>(((sources >> dim) & 1) !== 0 ? CTX_IN_LINK_AT : CTX_OUT_LINK_AT)
      if (SetKey.link === 0) return false
    }
    return true
  }

  static port(record: usize, flags: u32, source: bool): bool {
    const proto = load<u32>(CTX_PROTO_AT)
    const tracked = proto === 6 || proto === 17
    // Ports stand in the first fragment only.
    if (Fragment.later() && Tuple.hasPortsOrIcmp(proto)) return false
    let port: u32 = 0
    if (tracked || proto === 132 || proto === 136) port = load<u32>(source ? CTX_SPORT_AT : CTX_DPORT_AT)
    if ((flags & SET_HAS_PROTO) === 0) {
      if (!tracked || SetKey.outside(record, port)) return false
    } else {
      if (proto === 0) return false
      if (proto === 1 || proto === 58) port = (load<u32>(CTX_ICMP_TYPE_AT) << 8) | load<u32>(CTX_ICMP_CODE_AT)
      port |= proto << 16
    }
    store<u32>(SET_KEY_AT, port, 32)
    return true
  }
}
