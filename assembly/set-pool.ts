// The pool of elements of the sets that rules change or count: one for all sets, with the buckets in which they are found and
// their order in each set. Nothing is allocated while packets run.
import {
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
  SET_ENTRY_NEWER_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_FLAGS_OFF,
  SET_HEAD_OFF,
  SET_INDEX_OFF,
  SET_KEY_AT,
  SET_KIND_LIST,
  SET_KIND_OFF,
  SET_LIVE,
  SET_LIVE_OFF,
  SET_NEXT_END_OFF,
  SET_SEED_OFF,
  SET_SHAPE_COUNT_OFF,
  SET_SHAPE_USES_OFF,
  SET_STRIDE_OFF,
  SET_WIDE_BYTES,
  SETS_BUCKETS_OFF,
  SETS_BYTES,
  SETS_MEMBERS_OFF,
  SETS_POOL_OFF,
  SETS_SHAPES_OFF,
} from './layout'
import { Linked } from './linked'
import { round64 } from './memory'
import { Sets } from './set'

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
    const bucket = SetPool.bucket(record, own, load<u32>(e, SET_ENTRY_SHAPE_OFF))
    Linked.chain(bucket, SetPool.elements, SET_WIDE_BYTES, SET_ENTRY_NEXT_OFF, reference)
  }

  /** Puts an element at the end of its set. */
  static enter(record: usize, reference: u32, e: usize): void {
    SetPool.append(record + SET_HEAD_OFF, reference)
    store<u32>(record, load<u32>(record, SET_LIVE_OFF) + 1, SET_LIVE_OFF)
    const shape = (load<u32>(e, SET_ENTRY_SHAPE_OFF) & 0xffff) as usize
    const uses = (load<u32>(record, SET_SHAPE_USES_OFF) as usize) + (shape << 2)
    store<u32>(uses, load<u32>(uses) + 1)
  }

  /** Takes an element out of its bucket and gives it back to the pool. */
  static release(record: usize, own: u32, reference: u32): void {
    const e = SetPool.element(reference)
    memory.copy(SET_KEY_AT, e, 36)
    const bucket = SetPool.bucket(record, own, load<u32>(e, SET_ENTRY_SHAPE_OFF))
    Linked.unchain(bucket, SetPool.elements, SET_WIDE_BYTES, SET_ENTRY_NEXT_OFF, reference)
    store<u32>(e, SetPool.free, SET_ENTRY_NEXT_OFF)
    SetPool.free = reference
  }

  /** Takes an element out of its set. */
  static leave(record: usize, e: usize): void {
    const word = load<u32>(e, SET_ENTRY_SHAPE_OFF)
    SetPool.unlink(record + SET_HEAD_OFF, e)
    store<u32>(record, load<u32>(record, SET_LIVE_OFF) - 1, SET_LIVE_OFF)
    const uses = (load<u32>(record, SET_SHAPE_USES_OFF) as usize) + (((word & 0xffff) as usize) << 2)
    store<u32>(uses, load<u32>(uses) - 1)
  }

  static bucket(record: usize, own: u32, word: u32): usize {
    return SetPool.buckets + (((Sets.hash(word, own) & load<u32>(record, SET_BUCKET_MASK_OFF)) as usize) << 2)
  }

  static ends(record: usize, end: f64): void {
    if (end < load<f64>(record, SET_NEXT_END_OFF)) store<f64>(record, end, SET_NEXT_END_OFF)
  }

  // A list of elements of a set: its head lies at `list`, in its record.

  static append(list: usize, reference: u32): void {
    Linked.append(list, SetPool.elements, SET_WIDE_BYTES, SET_ENTRY_NEWER_OFF, reference)
  }

  static unlink(list: usize, e: usize): void {
    Linked.remove(list, SetPool.elements, SET_WIDE_BYTES, SET_ENTRY_NEWER_OFF, e)
  }
}
