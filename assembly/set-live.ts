// What rules do to ipsets: elements added and deleted. Kernel: net/netfilter/ipset/ip_set_hash_gen.h (mtype_add, mtype_del),
// ip_set_bitmap_gen.h, ip_set_list_set.c (list_set_kadd, list_set_kdel).
import {
  CTX_LENGTH_AT,
  CTX_NOW_AT,
  ENTRY_GONE,
  ENTRY_RENEWED,
  SET_ENTRY_END_OFF,
  SET_ENTRY_FLAGS_OFF,
  SET_ENTRY_IFACE_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_ORIGIN_OFF,
  SET_ENTRY_PACKETS_OFF,
  SET_ENTRY_PBYTES_OFF,
  SET_ENTRY_PORT_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_ENTRY_SKBMARK_OFF,
  SET_ENTRY_SKBMASK_OFF,
  SET_FLAGS_OFF,
  SET_FORCEADD,
  SET_HAS_COUNTERS,
  SET_HAS_IFACE,
  SET_HAS_TIMEOUT,
  SET_HEAD_OFF,
  SET_KEY_AT,
  SET_KIND_LIST,
  SET_KIND_OFF,
  SET_LIVE_OFF,
  SET_MAXELEM_OFF,
  SET_NET1,
  SET_NET2,
  SET_SEED_OFF,
  SET_SHAPE_BYTES,
  SET_SHAPE_COUNT_OFF,
  SET_SHAPE_LENGTH1_OFF,
  SET_SHAPE_LENGTH2_OFF,
  SET_SHAPE_USES_OFF,
  SET_SHAPES_OFF,
  SET_TIMEOUT_OFF,
  SET_WIDE_BYTES,
} from './layout'
import { Sets } from './set'
import { SetKey } from './set-key'
import { SetLife } from './set-life'
import { SetPool } from './set-pool'

/** The longest timeout, seconds. */
const MAX_TIMEOUT: u32 = 2147483

export class SetWork {
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
    SetLife.sweep(record, own)
    const shape = SetWork.shapeFor(record, own)
    SetWork.key(record, own, sources, shape)
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
      for (let m = Sets.nextMember(record, 0); m !== 0; m = Sets.nextMember(record, m)) {
        if (SetWork.add(load<u32>(m, SET_ENTRY_PORT_OFF), dims, sources, exist, seconds)) break
      }
      return true
    }
    const shape = SetWork.prepare(record, own, sources)
    if (shape < 0) return false
    const word = load<u32>(record, SET_SEED_OFF) | (shape as u32)
    let reference = SetWork.find(record, own, word)
    if (reference !== 0) {
      if (!exist) return false
    } else {
      reference = SetLife.place(record, own, word)
      const placed = reference !== 0
      if (!placed && load<u32>(record, SET_LIVE_OFF) >= load<u32>(record, SET_MAXELEM_OFF)) {
        const oldest = load<u32>(record, SET_HEAD_OFF)
        if ((own & SET_FORCEADD) === 0 || oldest === 0) return false
        SetLife.expire(record, own, oldest, true)
        SetWork.key(record, own, sources, shape as u32)
        // Its place may be that of the new one.
        reference = SetLife.place(record, own, word)
      }
      const next = reference !== 0 ? load<u32>(SetPool.element(reference), SET_ENTRY_NEXT_OFF) : 0
      const taken = reference !== 0
      if (taken) SetLife.reuse(record, reference)
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
    SetWork.renew(record, own, SetPool.element(reference), seconds)
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
      for (let m = Sets.nextMember(record, 0); m !== 0; m = Sets.nextMember(record, m)) {
        if (SetWork.del(load<u32>(m, SET_ENTRY_PORT_OFF), dims, sources)) break
      }
      return true
    }
    const shape = SetWork.prepare(record, own, sources)
    if (shape < 0) return false
    const reference = SetWork.find(record, own, load<u32>(record, SET_SEED_OFF) | (shape as u32))
    if (reference === 0) return false
    SetLife.expire(record, own, reference, true)
    return true
  }
}
