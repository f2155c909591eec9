// ipsets: is a packet in a set? Hashed keys, tried shape by shape, longest networks first; lists ask their members in
// order. Owns the records and the look-up; set-live.ts changes sets. Kernel: net/netfilter/ipset/ip_set_core.c
// (ip_set_test, ip_set_match_extensions), ip_set_hash_gen.h (mtype_test_cidrs), ip_set_list_set.c (list_set_ktest).
// State, each part aligned to 64 bytes: records | pool: buckets | elements | uses of shapes | members of counted lists
import {
  CTX_FAMILY_AT,
  CTX_LENGTH_AT,
  CTX_NOW_AT,
  ENTRY_NO_LINK,
  ENTRY_NOMATCH,
  ENTRY_PATTERN,
  SET_AT_BUCKETS_OFF,
  SET_AT_ENTRIES_OFF,
  SET_BUCKET_MASK_OFF,
  SET_BYTES,
  SET_COUNT_OFF,
  SET_DIMS_OFF,
  SET_ENTRY_END_OFF,
  SET_ENTRY_FLAGS_OFF,
  SET_ENTRY_IFACE_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_PACKETS_OFF,
  SET_ENTRY_PBYTES_OFF,
  SET_ENTRY_PORT_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_ENTRY_SKBMARK_OFF,
  SET_ENTRY_SKBMASK_OFF,
  SET_FAMILY_OFF,
  SET_FLAGS_OFF,
  SET_HAS_ADDR1,
  SET_HAS_ADDR2,
  SET_HAS_COUNTERS,
  SET_HAS_IFACE,
  SET_HAS_SKBINFO,
  SET_KEEP_COUNTERS,
  SET_KEEP_SUBCOUNTERS,
  SET_KEY_AT,
  SET_KIND_LIST,
  SET_KIND_OFF,
  SET_LIVE,
  SET_NOMATCH,
  SET_RETURN_NOMATCH,
  SET_SEED_OFF,
  SET_SHAPE_BYTES,
  SET_SHAPE_COUNT_OFF,
  SET_SHAPE_USES_OFF,
  SET_SHAPES_OFF,
  SET_STRIDE_OFF,
  SET_TESTS_COUNTERS,
  SET_WIDE_KEY,
  SETOP_EQ,
  SETOP_GT,
  SETOP_LT,
  SETOP_NE,
} from './layout'
import { SetKey } from './set-key'

export class Sets {
  /** The records in the state. */
  static records: usize = 0
  static shapes: usize = 0
  static ifaces: usize = 0
  /** What the element of the last test that held gives to the packet: mark and mask. */
  static mark: u32 = 0
  static markMask: u32 = 0
  /** Words of the counters' tests: SETOP_*, packets, bytes. */
  static tests: usize = 0

  static record(set: u32): usize {
    return Sets.records + (set as usize) * SET_BYTES
  }

  /** Has the rule given as many sides as the type has parts, and is the packet of the set's family? */
  static fits(record: usize, dims: u32): bool {
    const family = load<u32>(record, SET_FAMILY_OFF)
    if (dims < load<u32>(record, SET_DIMS_OFF)) return false
    return family === 0 || family === load<u32>(CTX_FAMILY_AT)
  }

  /** The match: `at` is its first word, `flags` its SET_* flags; `dirs`: sides | source bits << 8. */
  static match(set: u32, dirs: u32, flags: u32, at: usize): bool {
    Sets.tests = at + 12
    return Sets.test(set, dirs & 255, dirs >> 8, flags)
  }

  static test(set: u32, dims: u32, sources: u32, flags: u32): bool {
    const record = Sets.record(set)
    if (!Sets.fits(record, dims)) return false
    if (load<u32>(record, SET_KIND_OFF) === SET_KIND_LIST) return Sets.testList(record, dims, sources, flags)
    const own = load<u32>(record, SET_FLAGS_OFF)
    if (!SetKey.fill(record, own, sources)) return false
    const found = Sets.look(record, own, flags)
    if ((flags & SET_RETURN_NOMATCH) !== 0 && (own & SET_NOMATCH) !== 0) return found < 0
    return found > 0
  }

  static testList(record: usize, dims: u32, sources: u32, flags: u32): bool {
    let inner = flags & (SET_RETURN_NOMATCH | SET_KEEP_COUNTERS | SET_KEEP_SUBCOUNTERS)
    if ((flags & SET_KEEP_SUBCOUNTERS) !== 0) inner |= SET_KEEP_COUNTERS
    const own = load<u32>(record, SET_FLAGS_OFF)
    for (let m = Sets.nextMember(record, 0); m !== 0; m = Sets.nextMember(record, m)) {
      if (Sets.test(load<u32>(m, SET_ENTRY_PORT_OFF), dims, sources, inner) && Sets.passes(m, own, flags)) return true
    }
    return false
  }

  /** The next member of a list that has not timed out, after the one at `member` (0: the first of all); 0 = none. */
  static nextMember(record: usize, member: usize): usize {
    const now = load<f64>(CTX_NOW_AT)
    const stride = load<u32>(record, SET_STRIDE_OFF) as usize
    const first = (load<u32>(record, SET_AT_ENTRIES_OFF) as usize) + stride
    const end = first + (load<u32>(record, SET_COUNT_OFF) as usize) * stride
    for (let at = member === 0 ? first : member + stride; at < end; at += stride) {
      if (now <= load<f64>(at, SET_ENTRY_END_OFF)) return at
    }
    return 0
  }

  /** 1 in the set, -1 there as `nomatch`, 0 not there. The key is filled but for the addresses. */
  static look(record: usize, own: u32, flags: u32): i32 {
    const count = load<u32>(record, SET_SHAPE_COUNT_OFF)
    const buckets = load<u32>(record, SET_AT_BUCKETS_OFF) as usize
    const mask = load<u32>(record, SET_BUCKET_MASK_OFF)
    const seed = load<u32>(record, SET_SEED_OFF)
    const stride = load<u32>(record, SET_STRIDE_OFF) as usize
    const entries = load<u32>(record, SET_AT_ENTRIES_OFF) as usize
    const uses = (own & SET_LIVE) !== 0 ? (load<u32>(record, SET_SHAPE_USES_OFF) as usize) : 0
    const now = load<f64>(CTX_NOW_AT)
    let shape = Sets.shapes + (load<u32>(record, SET_SHAPES_OFF) as usize) * SET_SHAPE_BYTES
    for (let i: u32 = 0; i < count; i++, shape += SET_SHAPE_BYTES) {
      if (uses !== 0 && load<u32>(uses + ((i as usize) << 2)) === 0) continue
      Sets.shaped(shape, own)
      const word = seed | i
      let reference = load<u32>(buckets + (((Sets.hash(word, own) & mask) as usize) << 2))
      // Of a network with interfaces the kernel looks no further when the last of its elements named another one.
      let other = false
      while (reference !== 0) {
        const entry = entries + (reference as usize) * stride
        reference = load<u32>(entry, SET_ENTRY_NEXT_OFF)
        if (!Sets.same(entry, word) || now > load<f64>(entry, SET_ENTRY_END_OFF)) continue
        other = true
        if ((own & SET_HAS_IFACE) !== 0 && !Sets.covers(entry, SetKey.link)) continue
        if (Sets.passes(entry, own, flags))
          return (load<u32>(entry, SET_ENTRY_FLAGS_OFF) & ENTRY_NOMATCH) !== 0 ? -1 : 1
        other = false
      }
      if (other) return 0
    }
    return 0
  }

  /** Writes the packet's addresses under a shape into the key. */
  static shaped(shape: usize, own: u32): void {
    const key: usize = SET_KEY_AT
    if ((own & SET_HAS_ADDR1) !== 0) v128.store(key, v128.and(v128.load(SetKey.first), v128.load(shape)))
    if ((own & SET_HAS_ADDR2) !== 0) v128.store(key, v128.and(v128.load(SetKey.second), v128.load(shape, 16)), 16)
  }

  /** Is the element that of the key, interfaces apart? */
  static same(entry: usize, word: u32): bool {
    const key: usize = SET_KEY_AT
    return (
      load<u32>(entry, SET_ENTRY_SHAPE_OFF) === word &&
      load<u64>(entry) === load<u64>(key) &&
      load<u64>(entry, 8) === load<u64>(key, 8) &&
      load<u64>(entry, 16) === load<u64>(key, 16) &&
      load<u64>(entry, 24) === load<u64>(key, 24) &&
      load<u32>(entry, 32) === load<u32>(key, 32)
    )
  }

  /** Does the element's interface, or pattern, mean this link? */
  static covers(entry: usize, link: u32): bool {
    const flags = load<u32>(entry, SET_ENTRY_FLAGS_OFF)
    const value = load<u32>(entry, SET_ENTRY_IFACE_OFF)
    if ((flags & ENTRY_NO_LINK) !== 0) return false
    if ((flags & ENTRY_PATTERN) === 0) return value === link
    const words = load<u32>(Sets.ifaces)
    return ((load<u32>(Sets.ifaces + 4 + (((value * words + (link >> 5)) as usize) << 2)) >> (link & 31)) & 1) !== 0
  }

  /** Counts the packet, tests the counters, takes what the element gives: the last thing that decides. */
  static passes(entry: usize, own: u32, flags: u32): bool {
    if ((own & SET_HAS_COUNTERS) !== 0) {
      if ((flags & SET_KEEP_COUNTERS) === 0) {
        store<u64>(entry, load<u64>(entry, SET_ENTRY_PACKETS_OFF) + 1, SET_ENTRY_PACKETS_OFF)
        const bytes = load<u64>(entry, SET_ENTRY_PBYTES_OFF) + (load<u32>(CTX_LENGTH_AT) as u64)
        store<u64>(entry, bytes, SET_ENTRY_PBYTES_OFF)
      }
      if ((flags & SET_TESTS_COUNTERS) !== 0) {
        const ops = load<u32>(Sets.tests)
        const packets = load<u64>(entry, SET_ENTRY_PACKETS_OFF)
        if (!Sets.counterFits(packets, ops & 255, load<u64>(Sets.tests, 4))) return false
        const bytes = load<u64>(entry, SET_ENTRY_PBYTES_OFF)
        if (!Sets.counterFits(bytes, ops >> 8, load<u64>(Sets.tests, 12))) return false
      }
    }
    if ((own & SET_HAS_SKBINFO) !== 0) {
      Sets.mark = load<u32>(entry, SET_ENTRY_SKBMARK_OFF)
      Sets.markMask = load<u32>(entry, SET_ENTRY_SKBMASK_OFF)
    }
    return true
  }

  static counterFits(counter: u64, op: u32, value: u64): bool {
    switch (op) {
      case SETOP_EQ:
        return counter === value
      case SETOP_NE:
        return counter !== value
      case SETOP_LT:
        return counter < value
      case SETOP_GT:
        return counter > value
      default:
        return true
    }
  }

  /** Of the key under a shape; as `setHash` of compile/sets.ts. */
  static hash(word: u32, own: u32): u32 {
    const key: usize = SET_KEY_AT
    let h: u32 = (word + 1) * 0x9e3779b1
    if ((own & SET_WIDE_KEY) === 0) {
      h = Sets.mix(h, load<u32>(key))
      h = Sets.mix(h, load<u32>(key, 16))
      h = Sets.mix(h, load<u32>(key, 32))
    } else {
      for (let i: usize = 0; i < 36; i += 4) h = Sets.mix(h, load<u32>(key + i))
    }
    h ^= h >> 16
    h *= 0xc2b2ae35
    return h ^ (h >> 15)
  }

  @inline
  static mix(h: u32, word: u32): u32 {
    const x = (h ^ word) * 0x85ebca6b
    return (x << 13) | (x >> 19)
  }
}
