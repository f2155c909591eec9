// How elements leave a set: at their end, deleted, or for others; and the places that they leave, which the next element
// of the same bucket takes. Kernel: net/netfilter/ipset/ip_set_hash_gen.h (mtype_expire, mtype_del), ip_set_bitmap_gen.h.
import {
  CTX_NOW_AT,
  ENTRY_GONE,
  SET_ENTRY_END_OFF,
  SET_ENTRY_FLAGS_OFF,
  SET_ENTRY_NEWER_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_GONE_HEAD_OFF,
  SET_GONE_OFF,
  SET_HEAD_OFF,
  SET_KEY_AT,
  SET_MAXELEM_OFF,
  SET_NEXT_END_OFF,
  SET_PLACES,
} from './layout'
import { Sets } from './set'
import { SetPool } from './set-pool'

export class SetLife {
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
      if (now > end) SetLife.expire(record, own, reference, false)
      else if (end < next) next = end
      reference = newer
    }
    store<f64>(record, next, SET_NEXT_END_OFF)
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
      if (free !== 0 && (stays || here === 0)) SetLife.tidy(record, own, word)
      return
    }
    store<u32>(e, load<u32>(e, SET_ENTRY_FLAGS_OFF) | ENTRY_GONE, SET_ENTRY_FLAGS_OFF)
    store<f64>(e, -1, SET_ENTRY_END_OFF)
    SetPool.append(record + SET_GONE_HEAD_OFF, reference)
    const count = load<u32>(record, SET_GONE_OFF) + 1
    store<u32>(record, count, SET_GONE_OFF)
    if (count > (SET_PLACES as u32)) SetLife.forget(record, own, load<u32>(record, SET_GONE_HEAD_OFF))
  }

  /** Gives the free places back that the key at SET_KEY_AT has. */
  static tidy(record: usize, own: u32, word: u32): void {
    for (;;) {
      const place = SetLife.place(record, own, word)
      if (place === 0) return
      SetLife.forget(record, own, place)
    }
  }

  /** Gives a place back. */
  static forget(record: usize, own: u32, reference: u32): void {
    SetLife.reuse(record, reference)
    SetPool.release(record, own, reference)
  }

  /** A place is free no longer. */
  static reuse(record: usize, reference: u32): void {
    const e = SetPool.element(reference)
    SetPool.unlink(record + SET_GONE_HEAD_OFF, e)
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
}
