// The lists of the `recent` match: addresses with the times at which they were seen. Kernel: net/netfilter/xt_recent.c.
// One pool of entries serves all lists; nothing is allocated. State, each part aligned to 64 bytes:
//   header: first free entry | lists * 16: oldest, newest, count, rings in use | buckets | entries * 64 | rings
// References to entries are index + 1; 0 = none.
import {
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_HOOK_AT,
  CTX_IN_LINK_AT,
  CTX_NOW_AT,
  CTX_OUT_LINK_AT,
  CTX_SRC_AT,
  CTX_TTL_AT,
  HOOK_OUTPUT,
  MATCH_NOT,
  RECENT_DEST,
  RECENT_LIST_BYTES,
  RECENT_LIST_MAX_OFF,
  RECENT_LIST_RING_AT_OFF,
  RECENT_LIST_RING_OFF,
  RECENT_REAP,
  RECENT_REMOVE,
  RECENT_RING_FREE_BYTES,
  RECENT_SET,
  RECENT_TTL,
  RECENT_UPDATE,
  RECENTS_BUCKETS_OFF,
  RECENTS_ENTRIES_OFF,
  RECENTS_HEADER_BYTES,
  RECENTS_LISTS_OFF,
  RECENTS_RING_OFF,
  RULES_ERROR_AT,
  RULES_ERROR_RECENTS,
} from './layout'
import { Linked } from './linked'
import { round64 } from './memory'
import { Tee } from './tee'

// an entry
export const ADDR: usize = 0
const LIST: usize = 16
export const TTL: usize = 20
export const INDEX: usize = 24 // where the next stamp goes in the ring
export const STAMPS: usize = 28
export const NEXT: usize = 36 // behind the one before
const HASH_NEXT: usize = 40
export const RING: usize = 44 // number of its ring in the list
export const LAST: usize = 48 // f64, newest stamp
export const FAMILY: usize = 56
const ENTRY_BYTES: usize = 64
// a list's state
export const HEAD: usize = 0
const TAIL: usize = 4
export const COUNT: usize = 8
const RINGS_FREE: usize = 12

/** All lists of one namespace. */
export class Recents {
  /** The RECENTS section; 0 = no list. */
  static section: usize = 0
  static state: usize = 0
  static buckets: usize = 0
  /** Address of reference 1, less an entry. */
  static entries: usize = 0
  static rings: usize = 0

  /** Bytes of state that a section asks for. */
  static stateBytes(section: usize): usize {
    if (section === 0) return 0
    return (
      64 +
      round64((load<u32>(section, RECENTS_LISTS_OFF) as usize) * RECENT_LIST_BYTES) +
      round64((load<u32>(section, RECENTS_BUCKETS_OFF) as usize) * 4) +
      (load<u32>(section, RECENTS_ENTRIES_OFF) as usize) * ENTRY_BYTES +
      round64(load<u32>(section, RECENTS_RING_OFF) as usize)
    )
  }

  static use(section: usize, state: usize): void {
    Recents.section = section
    Recents.state = state
    if (section === 0) return
    const lists = load<u32>(section, RECENTS_LISTS_OFF) as usize
    Recents.buckets = state + 64 + round64(lists * RECENT_LIST_BYTES)
    const entries = Recents.buckets + round64((load<u32>(section, RECENTS_BUCKETS_OFF) as usize) * 4)
    Recents.entries = entries - ENTRY_BYTES
    Recents.rings = entries + (load<u32>(section, RECENTS_ENTRIES_OFF) as usize) * ENTRY_BYTES
  }

  /** Empties all lists; `use` comes first, on memory that is zero. */
  static init(): void {
    const section = Recents.section
    if (section === 0) return
    const entries = load<u32>(section, RECENTS_ENTRIES_OFF)
    store<u32>(Recents.state, 1)
    for (let i: u32 = 1; i < entries; i++) store<u32>(Recents.entry(i), i + 1, HASH_NEXT)
    const lists = load<u32>(section, RECENTS_LISTS_OFF)
    for (let i: u32 = 0; i < lists; i++) {
      const list = Recents.list(i)
      if (load<u32>(list, RECENT_LIST_RING_OFF) === 0) continue
      const max = load<u32>(list, RECENT_LIST_MAX_OFF)
      const free = Recents.rings + (load<u32>(list, RECENT_LIST_RING_AT_OFF) as usize)
      for (let k: u32 = 0; k < max; k++) store<u8>(free + k, k as u8)
      store<u32>(Recents.listState(i), max, RINGS_FREE)
    }
  }

  static list(index: u32): usize {
    return Recents.section + RECENTS_HEADER_BYTES + (index as usize) * RECENT_LIST_BYTES
  }
  static listState(index: u32): usize {
    return Recents.state + 64 + (index as usize) * RECENT_LIST_BYTES
  }
  /** The entry that was added or touched last. */
  static newest(list: u32): u32 {
    return load<u32>(Recents.listState(list), TAIL)
  }
  static entry(reference: u32): usize {
    return Recents.entries + (reference as usize) * ENTRY_BYTES
  }

  static bucket(list: u32, a: u32, b: u32, c: u32, d: u32): usize {
    let h: u32 = (list + 1) * 0x9e3779b1
    h = (h ^ a) * 0x85ebca6b
    h = ((h << 13) | (h >> 19)) ^ b
    h *= 0xc2b2ae35
    h = ((h << 13) | (h >> 19)) ^ c
    h *= 0x27d4eb2f
    h = ((h << 13) | (h >> 19)) ^ d
    h *= 0x165667b1
    h ^= h >> 15
    return Recents.buckets + (((h & (load<u32>(Recents.section, RECENTS_BUCKETS_OFF) - 1)) as usize) << 2)
  }

  /** The entry of an address of the packet's family in a list; ttl 0 = any. Oldest first. */
  static find(list: u32, a: u32, b: u32, c: u32, d: u32, ttl: u32): u32 {
    const family = load<u32>(CTX_FAMILY_AT)
    let reference = load<u32>(Recents.bucket(list, a, b, c, d))
    while (reference !== 0) {
      const e = Recents.entry(reference)
      if (
        load<u32>(e, LIST) === list &&
        load<u32>(e, FAMILY) === family &&
        load<u32>(e, ADDR) === a &&
        load<u32>(e, ADDR + 4) === b &&
        load<u32>(e, ADDR + 8) === c &&
        load<u32>(e, ADDR + 12) === d
      ) {
        const own = load<u32>(e, TTL)
        if (ttl === 0 || own === ttl || own === 0) return reference
      }
      reference = load<u32>(e, HASH_NEXT)
    }
    return 0
  }

  static remove(list: u32, reference: u32): void {
    const e = Recents.entry(reference)
    const state = Recents.listState(list)
    const bucket = Recents.bucket(
      list,
      load<u32>(e, ADDR),
      load<u32>(e, ADDR + 4),
      load<u32>(e, ADDR + 8),
      load<u32>(e, ADDR + 12),
    )
    Linked.remove(state, Recents.entries, ENTRY_BYTES, NEXT, e)
    store<u32>(state, load<u32>(state, COUNT) - 1, COUNT)
    const record = Recents.list(list)
    if (load<u32>(record, RECENT_LIST_RING_OFF) !== 0) {
      const free = load<u32>(state, RINGS_FREE)
      store<u8>(Recents.rings + (load<u32>(record, RECENT_LIST_RING_AT_OFF) as usize) + free, load<u32>(e, RING) as u8)
      store<u32>(state, free + 1, RINGS_FREE)
    }
    Linked.unchain(bucket, Recents.entries, ENTRY_BYTES, HASH_NEXT, reference)
    store<u32>(e, load<u32>(Recents.state), HASH_NEXT)
    store<u32>(Recents.state, reference)
  }

  static stampAt(list: u32, e: usize, index: u32): usize {
    const record = Recents.list(list)
    const ring = load<u32>(record, RECENT_LIST_RING_OFF)
    return (
      Recents.rings +
      (load<u32>(record, RECENT_LIST_RING_AT_OFF) as usize) +
      RECENT_RING_FREE_BYTES +
      (((load<u32>(e, RING) * ring + index) as usize) << 3)
    )
  }

  static add(list: u32, family: u32, a: u32, b: u32, c: u32, d: u32, ttl: u32): bool {
    const state = Recents.listState(list)
    const record = Recents.list(list)
    if (load<u32>(state, COUNT) >= load<u32>(record, RECENT_LIST_MAX_OFF)) Recents.remove(list, load<u32>(state, HEAD))
    const reference = load<u32>(Recents.state)
    if (reference === 0) {
      store<u32>(RULES_ERROR_AT, RULES_ERROR_RECENTS)
      return false
    }
    const e = Recents.entry(reference)
    store<u32>(Recents.state, load<u32>(e, HASH_NEXT))
    store<u32>(e, a, ADDR)
    store<u32>(e, b, ADDR + 4)
    store<u32>(e, c, ADDR + 8)
    store<u32>(e, d, ADDR + 12)
    store<u32>(e, list, LIST)
    store<u32>(e, family, FAMILY)
    store<u32>(e, ttl, TTL)
    store<f64>(e, load<f64>(CTX_NOW_AT), LAST)
    store<u32>(e, 1, INDEX)
    store<u32>(e, 1, STAMPS)
    if (load<u32>(record, RECENT_LIST_RING_OFF) !== 0) {
      const free = load<u32>(state, RINGS_FREE) - 1
      store<u32>(state, free, RINGS_FREE)
      store<u32>(e, load<u8>(Recents.rings + (load<u32>(record, RECENT_LIST_RING_AT_OFF) as usize) + free), RING)
      store<f64>(Recents.stampAt(list, e, 0), load<f64>(CTX_NOW_AT))
    }
    Linked.chain(Recents.bucket(list, a, b, c, d), Recents.entries, ENTRY_BYTES, HASH_NEXT, reference)
    Linked.append(state, Recents.entries, ENTRY_BYTES, NEXT, reference)
    store<u32>(state, load<u32>(state, COUNT) + 1, COUNT)
    return true
  }

  /** A new stamp; the entry becomes the newest. */
  static touch(list: u32, reference: u32, ttl: u32): void {
    const e = Recents.entry(reference)
    const now = load<f64>(CTX_NOW_AT)
    const ring = load<u32>(Recents.list(list), RECENT_LIST_RING_OFF)
    if (ring !== 0) {
      const index = load<u32>(e, INDEX) & (ring - 1)
      store<f64>(Recents.stampAt(list, e, index), now)
      store<u32>(e, index + 1, INDEX)
      if (index + 1 > load<u32>(e, STAMPS)) store<u32>(e, index + 1, STAMPS)
    }
    store<f64>(e, now, LAST)
    store<u32>(e, ttl, TTL)
    const state = Recents.listState(list)
    Linked.remove(state, Recents.entries, ENTRY_BYTES, NEXT, e)
    Linked.append(state, Recents.entries, ENTRY_BYTES, NEXT, reference)
  }

  /** Are there `hitcount` stamps (0: one) not before `since`? */
  static hits(list: u32, e: usize, since: f64, hitcount: u32): bool {
    if (hitcount <= 1) return load<f64>(e, LAST) >= since
    const stamps = load<u32>(e, STAMPS)
    let hits: u32 = 0
    for (let i: u32 = 0; i < stamps; i++) {
      if (load<f64>(Recents.stampAt(list, e, i)) >= since && ++hits >= hitcount) return true
    }
    return false
  }

  /** The match; `at` is its first word, `flags` its RECENT_* flags. */
  static match(at: usize, flags: u32): bool {
    const list = load<u32>(at, 4)
    const addr: usize = (flags & RECENT_DEST) !== 0 ? CTX_DST_AT : CTX_SRC_AT
    const a = load<u32>(addr) & load<u32>(at, 8)
    const b = load<u32>(addr, 4) & load<u32>(at, 12)
    const c = load<u32>(addr, 8) & load<u32>(at, 16)
    const d = load<u32>(addr, 12) & load<u32>(at, 20)
    const seconds = load<u32>(at, 24)
    const hitcount = load<u32>(at, 28)
    const inverted = (flags & MATCH_NOT) !== 0
    let ttl = load<u32>(CTX_TTL_AT)
    // As seen before forwarding: what another host sent has lost one by now.
    const sentHere = load<u32>(CTX_IN_LINK_AT) === 0 || load<u32>(CTX_HOOK_AT) === HOOK_OUTPUT
    // A copy of TEE has no sender here, wherever it is from.
    if (load<u32>(CTX_OUT_LINK_AT) !== 0 && (Tee.busy || !sentHere)) ttl = (ttl + 1) & 255
    const found = Recents.find(list, a, b, c, d, (flags & RECENT_TTL) !== 0 ? ttl : 0)
    if (found === 0) {
      if ((flags & RECENT_SET) === 0) return inverted
      Recents.add(list, load<u32>(CTX_FAMILY_AT), a, b, c, d, ttl)
      return !inverted
    }
    if ((flags & RECENT_SET) !== 0) {
      Recents.touch(list, found, ttl)
      return !inverted
    }
    if ((flags & RECENT_REMOVE) !== 0) {
      Recents.remove(list, found)
      return !inverted
    }
    const since = load<f64>(CTX_NOW_AT) - (seconds as f64) * 1000.0
    const result = Recents.hits(list, Recents.entry(found), seconds !== 0 ? since : -Infinity, hitcount) !== inverted
    const update = (flags & RECENT_UPDATE) !== 0 && result
    if ((flags & RECENT_REAP) !== 0) {
      // Only the oldest entry of the list, unless it is the one that is about to be renewed.
      const oldest = load<u32>(Recents.listState(list), HEAD)
      if (!(update && oldest === found) && load<f64>(Recents.entry(oldest), LAST) < since) Recents.remove(list, oldest)
    }
    if (update) Recents.touch(list, found, ttl)
    return result
  }
}
