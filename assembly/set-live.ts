// What rules do to ipsets: elements added and deleted, one pool for all sets; nothing is allocated while packets run.
// Owns the pool and the life of its elements. Kernel: net/netfilter/ipset/ip_set_hash_gen.h (mtype_add, mtype_del),
// ip_set_bitmap_gen.h, ip_set_list_set.c (list_set_kadd, list_set_kdel).
import {
  CTX_LENGTH_AT,
  CTX_NOW_AT,
  ENTRY_GONE,
  ENTRY_RENEWED,
  RULES_ERROR_AT,
  RULES_ERROR_SETS,
  SET_AT_BUCKETS_OFF,
  SET_AT_ENTRIES_OFF,
  SET_BUCKET_MASK_OFF,
  SET_BUCKETS_OFF,
  SET_BYTES,
  SET_COUNT_OFF,
  SET_ENTRIES_OFF,
  SET_ENTRY_BYTES,
  SET_ENTRY_END_OFF,
  SET_ENTRY_FLAGS_OFF,
  SET_ENTRY_IFACE_OFF,
  SET_ENTRY_NEWER_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_OLDER_OFF,
  SET_ENTRY_ORIGIN_OFF,
  SET_ENTRY_PACKETS_OFF,
  SET_ENTRY_PBYTES_OFF,
  SET_ENTRY_PORT_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_ENTRY_SKBMARK_OFF,
  SET_ENTRY_SKBMASK_OFF,
  SET_FLAGS_OFF,
  SET_FORCEADD,
  SET_GONE_HEAD_OFF,
  SET_GONE_OFF,
  SET_GONE_TAIL_OFF,
  SET_HAS_COUNTERS,
  SET_HAS_IFACE,
  SET_HAS_TIMEOUT,
  SET_HEAD_OFF,
  SET_INDEX_OFF,
  SET_KEY_AT,
  SET_KIND_LIST,
  SET_KIND_OFF,
  SET_LIVE,
  SET_LIVE_OFF,
  SET_MAXELEM_OFF,
  SET_NET1,
  SET_NET2,
  SET_NEXT_END_OFF,
  SET_PLACES,
  SET_SEED_OFF,
  SET_SHAPE_BYTES,
  SET_SHAPE_COUNT_OFF,
  SET_SHAPE_LENGTH1_OFF,
  SET_SHAPE_LENGTH2_OFF,
  SET_SHAPE_USES_OFF,
  SET_SHAPES_OFF,
  SET_STRIDE_OFF,
  SET_TAIL_OFF,
  SET_TIMEOUT_OFF,
  SET_WIDE_BYTES,
  SETS_BUCKETS_OFF,
  SETS_BYTES,
  SETS_MEMBERS_OFF,
  SETS_POOL_OFF,
  SETS_SHAPES_OFF,
} from './layout'
import { Sets } from './set'
import { SetKey } from './set-key'

/** The longest timeout, seconds. */
const MAX_TIMEOUT: u32 = 2147483

function round64(bytes: usize): usize {
  return (bytes + 63) & ~63
}

export class SetPool {
  static buckets: usize = 0
  /** Address of element reference 1, less its bytes. */
  static elements: usize = 0
  static capacity: u32 = 0
  /** Elements that were ever used; those given back are in a chain of their own. */
  static used: u32 = 0
  static free: u32 = 0

  /** Bytes of state that the sets of an image ask for; `section` is SETS with `bytes` bytes. */
  static stateBytes(section: usize, bytes: u32): usize {
    if (section === 0) return 0
    return (
      round64(bytes as usize) +
      round64((load<u32>(section, SETS_BUCKETS_OFF) as usize) << 2) +
      (load<u32>(section, SETS_POOL_OFF) as usize) * SET_WIDE_BYTES +
      round64((load<u32>(section, SETS_SHAPES_OFF) as usize) << 2) +
      (load<u32>(section, SETS_MEMBERS_OFF) as usize) * SET_WIDE_BYTES
    )
  }

  /** Makes zeroed memory the state of the sets, as they are at the start. */
  static init(section: usize, bytes: u32, state: usize, index: usize, entries: usize): void {
    if (section === 0) return
    memory.copy(state, section + SETS_BYTES, bytes - SETS_BYTES)
    Sets.records = state
    SetPool.buckets = state + round64(bytes as usize)
    const buckets = load<u32>(section, SETS_BUCKETS_OFF)
    const pool = SetPool.buckets + round64((buckets as usize) << 2)
    SetPool.elements = pool - SET_WIDE_BYTES
    SetPool.capacity = load<u32>(section, SETS_POOL_OFF)
    SetPool.used = 0
    SetPool.free = 0
    let uses = pool + (SetPool.capacity as usize) * SET_WIDE_BYTES
    let members = uses + round64((load<u32>(section, SETS_SHAPES_OFF) as usize) << 2)
    const count = (bytes - SETS_BYTES) / SET_BYTES
    for (let i: u32 = 0; i < count; i++) {
      const record = Sets.record(i)
      const stride = load<u32>(record, SET_STRIDE_OFF)
      const first = entries + (load<u32>(record, SET_ENTRIES_OFF) as usize) * SET_ENTRY_BYTES
      const live = (load<u32>(record, SET_FLAGS_OFF) & SET_LIVE) !== 0
      store<u32>(record, (first as u32) - stride, SET_AT_ENTRIES_OFF)
      if (load<u32>(record, SET_KIND_OFF) === SET_KIND_LIST) {
        if (!live) continue
        const size = (load<u32>(record, SET_COUNT_OFF) as usize) * SET_WIDE_BYTES
        memory.copy(members, first, size)
        store<u32>(record, (members as u32) - SET_WIDE_BYTES, SET_AT_ENTRIES_OFF)
        members += size
      } else if (live) {
        store<u32>(record, SetPool.buckets as u32, SET_AT_BUCKETS_OFF)
        store<u32>(record, SetPool.elements as u32, SET_AT_ENTRIES_OFF)
        store<u32>(record, buckets - 1, SET_BUCKET_MASK_OFF)
        store<u32>(record, i << 16, SET_SEED_OFF)
        store<u32>(record, uses as u32, SET_SHAPE_USES_OFF)
        store<f64>(record, Infinity, SET_NEXT_END_OFF)
        uses += (load<u32>(record, SET_SHAPE_COUNT_OFF) as usize) << 2
        SetPool.fill(record, first)
      } else {
        store<u32>(record, (index + ((load<u32>(record, SET_INDEX_OFF) as usize) << 2)) as u32, SET_AT_BUCKETS_OFF)
        store<u32>(record, load<u32>(record, SET_BUCKETS_OFF) - 1, SET_BUCKET_MASK_OFF)
      }
    }
  }

  /** Takes the elements that a set begins with. */
  static fill(record: usize, first: usize): void {
    const own = load<u32>(record, SET_FLAGS_OFF)
    const count = load<u32>(record, SET_COUNT_OFF)
    for (let i: u32 = 0; i < count; i++, first += SET_WIDE_BYTES) {
      const reference = SetPool.take()
      if (reference === 0) return
      const e = SetPool.element(reference)
      memory.copy(e, first, SET_WIDE_BYTES)
      memory.copy(SET_KEY_AT, first, 36)
      store<u32>(e, load<u32>(record, SET_SEED_OFF) | load<u32>(first, SET_ENTRY_SHAPE_OFF), SET_ENTRY_SHAPE_OFF)
      SetPool.file(record, own, reference, e)
      SetPool.enter(record, reference, e)
      SetPool.ends(record, load<f64>(e, SET_ENTRY_END_OFF))
    }
  }

  static element(reference: u32): usize {
    return SetPool.elements + (reference as usize) * SET_WIDE_BYTES
  }

  /** An element of the pool; 0 when it is used up. */
  static take(): u32 {
    const reference = SetPool.free
    if (reference !== 0) {
      SetPool.free = load<u32>(SetPool.element(reference), SET_ENTRY_NEXT_OFF)
      return reference
    }
    if (SetPool.used < SetPool.capacity) return ++SetPool.used
    store<u32>(RULES_ERROR_AT, RULES_ERROR_SETS)
    return 0
  }

  /** Puts an element whose key is at SET_KEY_AT at the end of its bucket. */
  static file(record: usize, own: u32, reference: u32, e: usize): void {
    store<u32>(e, 0, SET_ENTRY_NEXT_OFF)
    let at = SetPool.bucket(record, own, load<u32>(e, SET_ENTRY_SHAPE_OFF))
    while (load<u32>(at) !== 0) at = SetPool.element(load<u32>(at)) + SET_ENTRY_NEXT_OFF
    store<u32>(at, reference)
  }

  /** Puts an element at the end of its set. */
  static enter(record: usize, reference: u32, e: usize): void {
    const tail = load<u32>(record, SET_TAIL_OFF)
    store<u32>(e, tail, SET_ENTRY_OLDER_OFF)
    store<u32>(e, 0, SET_ENTRY_NEWER_OFF)
    if (tail !== 0) store<u32>(SetPool.element(tail), reference, SET_ENTRY_NEWER_OFF)
    else store<u32>(record, reference, SET_HEAD_OFF)
    store<u32>(record, reference, SET_TAIL_OFF)
    store<u32>(record, load<u32>(record, SET_LIVE_OFF) + 1, SET_LIVE_OFF)
    const shape = (load<u32>(e, SET_ENTRY_SHAPE_OFF) & 0xffff) as usize
    const uses = (load<u32>(record, SET_SHAPE_USES_OFF) as usize) + (shape << 2)
    store<u32>(uses, load<u32>(uses) + 1)
  }

  /** Takes an element out of its bucket and gives it back to the pool. */
  static release(record: usize, own: u32, reference: u32): void {
    const e = SetPool.element(reference)
    memory.copy(SET_KEY_AT, e, 36)
    let at = SetPool.bucket(record, own, load<u32>(e, SET_ENTRY_SHAPE_OFF))
    while (load<u32>(at) !== reference) at = SetPool.element(load<u32>(at)) + SET_ENTRY_NEXT_OFF
    store<u32>(at, load<u32>(e, SET_ENTRY_NEXT_OFF))
    store<u32>(e, SetPool.free, SET_ENTRY_NEXT_OFF)
    SetPool.free = reference
  }

  /** Takes an element out of its set. */
  static leave(record: usize, e: usize): void {
    const word = load<u32>(e, SET_ENTRY_SHAPE_OFF)
    const older = load<u32>(e, SET_ENTRY_OLDER_OFF)
    const newer = load<u32>(e, SET_ENTRY_NEWER_OFF)
    if (older !== 0) store<u32>(SetPool.element(older), newer, SET_ENTRY_NEWER_OFF)
    else store<u32>(record, newer, SET_HEAD_OFF)
    if (newer !== 0) store<u32>(SetPool.element(newer), older, SET_ENTRY_OLDER_OFF)
    else store<u32>(record, older, SET_TAIL_OFF)
    store<u32>(record, load<u32>(record, SET_LIVE_OFF) - 1, SET_LIVE_OFF)
    const uses = (load<u32>(record, SET_SHAPE_USES_OFF) as usize) + (((word & 0xffff) as usize) << 2)
    store<u32>(uses, load<u32>(uses) - 1)
  }

  /** An element went: its place in the bucket stays, unless it was the last one's; two free ones are given back. */
  static expire(record: usize, own: u32, reference: u32, deleted: bool): void {
    const e = SetPool.element(reference)
    const word = load<u32>(e, SET_ENTRY_SHAPE_OFF)
    SetPool.leave(record, e)
    memory.copy(SET_KEY_AT, e, 36)
    // Others of its bucket: interfaces of the same network, and free places.
    let here: u32 = 0
    let free: u32 = 0
    let last: u32 = 0
    let other = load<u32>(SetPool.bucket(record, own, word))
    while (other !== 0) {
      const o = SetPool.element(other)
      if (Sets.same(o, word)) {
        last = other
        if ((load<u32>(o, SET_ENTRY_FLAGS_OFF) & ENTRY_GONE) !== 0) free++
        else if (other !== reference) here++
      }
      other = load<u32>(o, SET_ENTRY_NEXT_OFF)
    }
    const stays = !(deleted && last === reference)
    if (load<u32>(record, SET_MAXELEM_OFF) === 0xffffffff || free !== 0 || !stays || (deleted && here === 0)) {
      SetPool.release(record, own, reference)
      if (free !== 0 && (stays || here === 0)) SetPool.tidy(record, own, word)
      return
    }
    store<u32>(e, load<u32>(e, SET_ENTRY_FLAGS_OFF) | ENTRY_GONE, SET_ENTRY_FLAGS_OFF)
    store<f64>(e, -1, SET_ENTRY_END_OFF)
    const tail = load<u32>(record, SET_GONE_TAIL_OFF)
    store<u32>(e, tail, SET_ENTRY_OLDER_OFF)
    store<u32>(e, 0, SET_ENTRY_NEWER_OFF)
    if (tail !== 0) store<u32>(SetPool.element(tail), reference, SET_ENTRY_NEWER_OFF)
    else store<u32>(record, reference, SET_GONE_HEAD_OFF)
    store<u32>(record, reference, SET_GONE_TAIL_OFF)
    const count = load<u32>(record, SET_GONE_OFF) + 1
    store<u32>(record, count, SET_GONE_OFF)
    if (count > (SET_PLACES as u32)) SetPool.forget(record, own, load<u32>(record, SET_GONE_HEAD_OFF))
  }

  /** Gives the free places back that the key at SET_KEY_AT has. */
  static tidy(record: usize, own: u32, word: u32): void {
    for (;;) {
      const place = SetPool.place(record, own, word)
      if (place === 0) return
      SetPool.forget(record, own, place)
    }
  }

  static bucket(record: usize, own: u32, word: u32): usize {
    return SetPool.buckets + (((Sets.hash(word, own) & load<u32>(record, SET_BUCKET_MASK_OFF)) as usize) << 2)
  }

  /** Gives a place back. */
  static forget(record: usize, own: u32, reference: u32): void {
    SetPool.reuse(record, reference)
    SetPool.release(record, own, reference)
  }

  /** A place is free no longer. */
  static reuse(record: usize, reference: u32): void {
    const e = SetPool.element(reference)
    const older = load<u32>(e, SET_ENTRY_OLDER_OFF)
    const newer = load<u32>(e, SET_ENTRY_NEWER_OFF)
    if (older !== 0) store<u32>(SetPool.element(older), newer, SET_ENTRY_NEWER_OFF)
    else store<u32>(record, newer, SET_GONE_HEAD_OFF)
    if (newer !== 0) store<u32>(SetPool.element(newer), older, SET_ENTRY_OLDER_OFF)
    else store<u32>(record, older, SET_GONE_TAIL_OFF)
    store<u32>(record, load<u32>(record, SET_GONE_OFF) - 1, SET_GONE_OFF)
  }

  /** The place that is left for the key at SET_KEY_AT, 0 = none. */
  static place(record: usize, own: u32, word: u32): u32 {
    let reference = load<u32>(SetPool.bucket(record, own, word))
    while (reference !== 0) {
      const e = SetPool.element(reference)
      if (Sets.same(e, word) && (load<u32>(e, SET_ENTRY_FLAGS_OFF) & ENTRY_GONE) !== 0) return reference
      reference = load<u32>(e, SET_ENTRY_NEXT_OFF)
    }
    return 0
  }

  static ends(record: usize, end: f64): void {
    if (end < load<f64>(record, SET_NEXT_END_OFF)) store<f64>(record, end, SET_NEXT_END_OFF)
  }

  /** Throws out what has timed out. */
  static sweep(record: usize, own: u32): void {
    const now = load<f64>(CTX_NOW_AT)
    if (now <= load<f64>(record, SET_NEXT_END_OFF)) return
    let next: f64 = Infinity
    let reference = load<u32>(record, SET_HEAD_OFF)
    while (reference !== 0) {
      const e = SetPool.element(reference)
      const newer = load<u32>(e, SET_ENTRY_NEWER_OFF)
      const end = load<f64>(e, SET_ENTRY_END_OFF)
      if (now > end) SetPool.expire(record, own, reference, false)
      else if (end < next) next = end
      reference = newer
    }
    store<f64>(record, next, SET_NEXT_END_OFF)
  }

  /** The shape in which a packet is added or deleted: the longest networks that the set holds, hosts when it is empty. */
  static shapeFor(record: usize, own: u32): u32 {
    if ((own & (SET_NET1 | SET_NET2)) === 0) return 0
    const count = load<u32>(record, SET_SHAPE_COUNT_OFF)
    const uses = load<u32>(record, SET_SHAPE_USES_OFF) as usize
    const shapes = Sets.shapes + (load<u32>(record, SET_SHAPES_OFF) as usize) * SET_SHAPE_BYTES
    let one: u32 = 0
    let two: u32 = 0
    const empty = load<u32>(record, SET_LIVE_OFF) === 0
    for (let i: u32 = 0; i < count; i++) {
      if (!empty && load<u32>(uses + ((i as usize) << 2)) === 0) continue
      const shape = shapes + (i as usize) * SET_SHAPE_BYTES
      one = max(one, load<u32>(shape, SET_SHAPE_LENGTH1_OFF))
      two = max(two, load<u32>(shape, SET_SHAPE_LENGTH2_OFF))
    }
    for (let i: u32 = 0; i < count; i++) {
      const shape = shapes + (i as usize) * SET_SHAPE_BYTES
      if (load<u32>(shape, SET_SHAPE_LENGTH1_OFF) === one && load<u32>(shape, SET_SHAPE_LENGTH2_OFF) === two) return i
    }
    return 0
  }

  /** The element with the key at SET_KEY_AT, 0 = none. */
  static find(record: usize, own: u32, word: u32): u32 {
    let reference = load<u32>(SetPool.bucket(record, own, word))
    while (reference !== 0) {
      const e = SetPool.element(reference)
      const here = Sets.same(e, word) && (load<u32>(e, SET_ENTRY_FLAGS_OFF) & ENTRY_GONE) === 0
      if (here && ((own & SET_HAS_IFACE) === 0 || Sets.covers(e, SetKey.link))) return reference
      reference = load<u32>(e, SET_ENTRY_NEXT_OFF)
    }
    return 0
  }

  /** Brings the key of the packet into the form that is added or deleted; its shape, or -1 when it has no element. */
  static prepare(record: usize, own: u32, sources: u32): i32 {
    if (!SetKey.fill(record, own, sources)) return -1
    SetPool.sweep(record, own)
    const shape = SetPool.shapeFor(record, own)
    SetPool.key(record, own, sources, shape)
    return shape as i32
  }

  /** The packet's key under a shape. */
  static key(record: usize, own: u32, sources: u32, shape: u32): void {
    SetKey.fill(record, own, sources)
    const shapes = Sets.shapes + (load<u32>(record, SET_SHAPES_OFF) as usize) * SET_SHAPE_BYTES
    Sets.shaped(shapes + (shape as usize) * SET_SHAPE_BYTES, own)
  }

  /** SET --add-set. `seconds`: -1 = the set's own timeout. True when the set took it. */
  static add(set: u32, dims: u32, sources: u32, exist: bool, seconds: i64): bool {
    const record = Sets.record(set)
    if (!Sets.fits(record, dims)) return false
    const own = load<u32>(record, SET_FLAGS_OFF)
    if (load<u32>(record, SET_KIND_OFF) === SET_KIND_LIST) {
      const now = load<f64>(CTX_NOW_AT)
      const stride = load<u32>(record, SET_STRIDE_OFF) as usize
      let member = (load<u32>(record, SET_AT_ENTRIES_OFF) as usize) + stride
      for (let left = load<u32>(record, SET_COUNT_OFF); left > 0; left--, member += stride) {
        if (now > load<f64>(member, SET_ENTRY_END_OFF)) continue
        if (SetPool.add(load<u32>(member, SET_ENTRY_PORT_OFF), dims, sources, exist, seconds)) return true
      }
      return true
    }
    const shape = SetPool.prepare(record, own, sources)
    if (shape < 0) return false
    const word = load<u32>(record, SET_SEED_OFF) | (shape as u32)
    let reference = SetPool.find(record, own, word)
    if (reference !== 0) {
      if (!exist) return false
    } else {
      reference = SetPool.place(record, own, word)
      const placed = reference !== 0
      if (!placed && load<u32>(record, SET_LIVE_OFF) >= load<u32>(record, SET_MAXELEM_OFF)) {
        const oldest = load<u32>(record, SET_HEAD_OFF)
        if ((own & SET_FORCEADD) === 0 || oldest === 0) return false
        SetPool.expire(record, own, oldest, true)
        SetPool.key(record, own, sources, shape as u32)
        // Its place may be that of the new one.
        reference = SetPool.place(record, own, word)
      }
      const next = reference !== 0 ? load<u32>(SetPool.element(reference), SET_ENTRY_NEXT_OFF) : 0
      const taken = reference !== 0
      if (taken) SetPool.reuse(record, reference)
      else reference = SetPool.take()
      if (reference === 0) return false
      const e = SetPool.element(reference)
      memory.fill(e, 0, SET_WIDE_BYTES)
      memory.copy(e, SET_KEY_AT, 36)
      if ((own & SET_HAS_IFACE) !== 0) store<u32>(e, SetKey.link, SET_ENTRY_IFACE_OFF)
      store<u32>(e, word, SET_ENTRY_SHAPE_OFF)
      if (taken) store<u32>(e, next, SET_ENTRY_NEXT_OFF)
      else SetPool.file(record, own, reference, e)
      SetPool.enter(record, reference, e)
    }
    SetPool.renew(record, own, SetPool.element(reference), seconds)
    return true
  }

  /** Writes what an element has beside its parts, as for a packet that was just added. */
  static renew(record: usize, own: u32, e: usize, seconds: i64): void {
    const kept = load<u32>(e, SET_ENTRY_ORIGIN_OFF) === 0 ? 0 : load<u32>(e, SET_ENTRY_FLAGS_OFF) & ~1
    store<u32>(e, kept | ENTRY_RENEWED, SET_ENTRY_FLAGS_OFF)
    const counted = (own & SET_HAS_COUNTERS) !== 0
    store<u64>(e, counted ? 1 : 0, SET_ENTRY_PACKETS_OFF)
    store<u64>(e, counted ? (load<u32>(CTX_LENGTH_AT) as u64) : 0, SET_ENTRY_PBYTES_OFF)
    store<u32>(e, 0, SET_ENTRY_SKBMARK_OFF)
    store<u32>(e, 0, SET_ENTRY_SKBMASK_OFF)
    let left: u32 = seconds < 0 ? load<u32>(record, SET_TIMEOUT_OFF) : (seconds as u32)
    left = min(left, MAX_TIMEOUT)
    let end: f64 = Infinity
    if ((own & SET_HAS_TIMEOUT) !== 0 && left > 0) end = load<f64>(CTX_NOW_AT) + (left as f64) * 1000.0
    store<f64>(e, end, SET_ENTRY_END_OFF)
    SetPool.ends(record, end)
  }

  /** SET --del-set. True when something was deleted. */
  static del(set: u32, dims: u32, sources: u32): bool {
    const record = Sets.record(set)
    if (!Sets.fits(record, dims)) return false
    const own = load<u32>(record, SET_FLAGS_OFF)
    if (load<u32>(record, SET_KIND_OFF) === SET_KIND_LIST) {
      const now = load<f64>(CTX_NOW_AT)
      const stride = load<u32>(record, SET_STRIDE_OFF) as usize
      let member = (load<u32>(record, SET_AT_ENTRIES_OFF) as usize) + stride
      for (let left = load<u32>(record, SET_COUNT_OFF); left > 0; left--, member += stride) {
        if (now > load<f64>(member, SET_ENTRY_END_OFF)) continue
        if (SetPool.del(load<u32>(member, SET_ENTRY_PORT_OFF), dims, sources)) return true
      }
      return true
    }
    const shape = SetPool.prepare(record, own, sources)
    if (shape < 0) return false
    const reference = SetPool.find(record, own, load<u32>(record, SET_SEED_OFF) | (shape as u32))
    if (reference === 0) return false
    SetPool.expire(record, own, reference, true)
    return true
  }
}
