// Look-ups in ipsets: hashed keys, tried shape by shape, longest first. Kernel: net/netfilter/ipset/ (mtype_test_cidrs).
import {
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_MARK_AT,
  CTX_NOW_AT,
  CTX_OUT_LINK_AT,
  CTX_PROTO_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  SET_ADDR2_DIM_SHIFT,
  SET_BUCKETS_OFF,
  SET_BYTES,
  SET_DIMS_OFF,
  SET_ENTRY_BYTES,
  SET_ENTRY_END_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_NOMATCH_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_FAMILY_OFF,
  SET_FLAGS_OFF,
  SET_HAS_ADDR1,
  SET_HAS_ADDR2,
  SET_HAS_IFACE,
  SET_HAS_MARK,
  SET_HAS_PORT,
  SET_HAS_PROTO,
  SET_HAS_ZERO,
  SET_INDEX_OFF,
  SET_KEY_AT,
  SET_KIND_LIST,
  SET_KIND_OFF,
  SET_NOMATCH,
  SET_SHAPE_BYTES,
  SET_SHAPE_COUNT_OFF,
  SET_SHAPES_OFF,
} from './layout'

/** All sets of one image. */
export class Sets {
  static records: usize = 0
  static shapes: usize = 0
  static index: usize = 0
  static entries: usize = 0

  /** Is the packet in the set? Bit i of `sources`: part i comes from the packet's source. */
  static test(set: u32, dims: u32, sources: u32, returnNomatch: bool): bool {
    const record = Sets.records + (set as usize) * SET_BYTES
    if (load<u32>(record, SET_KIND_OFF) !== SET_KIND_LIST) return Sets.testKeyed(record, dims, sources, returnNomatch)
    const now = load<f64>(CTX_NOW_AT)
    let member = Sets.index + ((load<u32>(record, SET_SHAPES_OFF) as usize) << 2)
    for (let left = load<u32>(record, SET_SHAPE_COUNT_OFF); left > 0; left--, member += 12) {
      const low = load<u32>(member, 4) as u64
      const end = reinterpret<f64>(low | ((load<u32>(member, 8) as u64) << 32))
      if (now >= end) continue
      const inner = Sets.records + (load<u32>(member) as usize) * SET_BYTES
      if (Sets.testKeyed(inner, dims, sources, returnNomatch)) return true
    }
    return false
  }

  static testKeyed(record: usize, dims: u32, sources: u32, returnNomatch: bool): bool {
    const family = load<u32>(record, SET_FAMILY_OFF)
    if (dims < load<u32>(record, SET_DIMS_OFF)) return false
    if (family !== 0 && family !== load<u32>(CTX_FAMILY_AT)) return false
    const flags = load<u32>(record, SET_FLAGS_OFF)
    const key: usize = SET_KEY_AT
    memory.fill(key, 0, 40)
    let dim: u32 = (flags & SET_HAS_ADDR1) !== 0 ? 1 : 0
    if ((flags & SET_HAS_PORT) !== 0) {
      const proto = load<u32>(CTX_PROTO_AT)
      let port: u32 = 0
      if (proto === 6 || proto === 17 || ((flags & SET_HAS_PROTO) !== 0 && (proto === 132 || proto === 136))) {
        port = ((sources >> dim) & 1) !== 0 ? load<u32>(CTX_SPORT_AT) : load<u32>(CTX_DPORT_AT)
      } else if ((flags & SET_HAS_PROTO) === 0) {
        return false
      } else if (proto === 1 || proto === 58) {
        port = (load<u32>(CTX_ICMP_TYPE_AT) << 8) | load<u32>(CTX_ICMP_CODE_AT)
      }
      if ((flags & SET_HAS_PROTO) !== 0) port |= proto << 16
      store<u32>(key, port, 32)
    }
    if ((flags & SET_HAS_MARK) !== 0) store<u32>(key, load<u32>(CTX_MARK_AT), 32)
    if ((flags & SET_HAS_IFACE) !== 0) {
      const link = ((sources >> dim) & 1) !== 0 ? load<u32>(CTX_IN_LINK_AT) : load<u32>(CTX_OUT_LINK_AT)
      if (link === 0) return false
      store<u32>(key, link, 36)
    }
    dim = (flags >> SET_ADDR2_DIM_SHIFT) & 3
    const first: usize = (sources & 1) !== 0 ? CTX_SRC_AT : CTX_DST_AT
    const second: usize = ((sources >> dim) & 1) !== 0 ? CTX_SRC_AT : CTX_DST_AT
    const found = Sets.lookUp(record, flags, first, second)
    if (returnNomatch && (flags & SET_NOMATCH) !== 0) return found < 0
    return found > 0
  }

  /** 1 in the set, -1 there as `nomatch`, 0 not there. The key's port and interface are filled already. */
  static lookUp(record: usize, flags: u32, first: usize, second: usize): i32 {
    const key: usize = SET_KEY_AT
    const count = load<u32>(record, SET_SHAPE_COUNT_OFF)
    const buckets = Sets.index + ((load<u32>(record, SET_INDEX_OFF) as usize) << 2)
    const mask = load<u32>(record, SET_BUCKETS_OFF) - 1
    const now = load<f64>(CTX_NOW_AT)
    let shape = Sets.shapes + (load<u32>(record, SET_SHAPES_OFF) as usize) * SET_SHAPE_BYTES
    for (let i: u32 = 0; i < count; i++, shape += SET_SHAPE_BYTES) {
      if ((flags & SET_HAS_ADDR1) !== 0) {
        v128.store(key, v128.and(v128.load(first), v128.load(shape)))
        if ((flags & SET_HAS_ZERO) === 0 && !v128.any_true(v128.load(key))) continue
      }
      if ((flags & SET_HAS_ADDR2) !== 0) v128.store(key, v128.and(v128.load(second), v128.load(shape, 16)), 16)
      let reference = load<u32>(buckets + (((Sets.hash(key, i) & mask) as usize) << 2))
      while (reference !== 0) {
        const entry = Sets.entries + ((reference - 1) as usize) * SET_ENTRY_BYTES
        if (
          load<u32>(entry, SET_ENTRY_SHAPE_OFF) === i &&
          load<u64>(entry) === load<u64>(key) &&
          load<u64>(entry, 8) === load<u64>(key, 8) &&
          load<u64>(entry, 16) === load<u64>(key, 16) &&
          load<u64>(entry, 24) === load<u64>(key, 24) &&
          load<u64>(entry, 32) === load<u64>(key, 32)
        ) {
          if (now < load<f64>(entry, SET_ENTRY_END_OFF)) return load<u32>(entry, SET_ENTRY_NOMATCH_OFF) !== 0 ? -1 : 1
          break
        }
        reference = load<u32>(entry, SET_ENTRY_NEXT_OFF)
      }
    }
    return 0
  }

  /** As `setHash` of compile/sets.ts. */
  static hash(key: usize, shape: u32): u32 {
    let h: u32 = (shape + 1) * 0x9e3779b1
    for (let i: usize = 0; i < 40; i += 4) {
      h = (h ^ load<u32>(key + i)) * 0x85ebca6b
      h = (h << 13) | (h >> 19)
    }
    h ^= h >> 16
    h *= 0xc2b2ae35
    return h ^ (h >> 15)
  }
}
