// The tables of the `hashlimit` match: a limit for each source, destination or port. Kernel: net/netfilter/xt_hashlimit.c.
// One pool of entries serves all tables; nothing is allocated. State, each part aligned to 64 bytes:
//   header: first free entry | tables * 16: oldest, newest, count | buckets | entries * 96
// References to entries are index + 1; 0 = none. The entries of a table stand in the order in which they expire, since all
// of them live equally long; those that were due when the table was last cleaned are gone.
import { Asked } from './asked'
import {
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_LENGTH_AT,
  CTX_NOW_AT,
  CTX_PROTO_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  FIELD_PAYLOAD,
  HASHLIMIT_BYTES,
  HASHLIMIT_CAP_OFF,
  HASHLIMIT_COST_OFF,
  HASHLIMIT_DPORT,
  HASHLIMIT_DST,
  HASHLIMIT_DST_MASK_OFF,
  HASHLIMIT_EXPIRE_OFF,
  HASHLIMIT_GC_OFF,
  HASHLIMIT_INTERVAL_OFF,
  HASHLIMIT_KEY_AT,
  HASHLIMIT_MAX_OFF,
  HASHLIMIT_MODE_OFF,
  HASHLIMIT_RATE,
  HASHLIMIT_SPORT,
  HASHLIMIT_SRC,
  HASHLIMIT_SRC_MASK_OFF,
  HASHLIMIT_START_OFF,
  HASHLIMIT_TABLE_BYTES,
  HASHLIMITS_BUCKETS_OFF,
  HASHLIMITS_ENTRIES_OFF,
  HASHLIMITS_HEADER_BYTES,
  HASHLIMITS_TABLES_OFF,
  RULES_ERROR_AT,
  RULES_ERROR_HASHLIMITS,
} from './layout'
import { Linked } from './linked'
import { round64 } from './memory'
import { Tuple } from './tuple'

// an entry
const PORTS: usize = 32
const TABLE: usize = 36
const HASH_NEXT: usize = 40
const NEXT: usize = 48 // behind the one before
const ABOVE: usize = 52 // rate: the interval before was above it
const EXPIRES: usize = 56 // f64
const SEEN: usize = 64 // f64, the last reckoning
const CREDIT: usize = 72 // u64; rate: what was counted in this interval
const CAP: usize = 80 // u64; bytes: refills left
const ENTRY_BYTES: usize = 96
// a table's state
const HEAD: usize = 0 // and the last one
const COUNT: usize = 8
const TABLE_STATE_BYTES: usize = 16

const PER_MS: u64 = 137438953472
const BYTES_PER_MS: u64 = 4194304
const BYTES_FULL: u64 = 4194304000

/** All tables of one namespace. */
export class HashLimits {
  /** The HASHLIMITS section; 0 = no table. */
  static section: usize = 0
  static state: usize = 0
  static buckets: usize = 0
  /** Address of reference 1, less an entry. */
  static entries: usize = 0

  /** Bytes of state that a section asks for. */
  static stateBytes(section: usize): usize {
    if (section === 0) return 0
    return (
      64 +
      round64((load<u32>(section, HASHLIMITS_TABLES_OFF) as usize) * TABLE_STATE_BYTES) +
      round64((load<u32>(section, HASHLIMITS_BUCKETS_OFF) as usize) * 4) +
      round64((load<u32>(section, HASHLIMITS_ENTRIES_OFF) as usize) * ENTRY_BYTES)
    )
  }

  static use(section: usize, state: usize): void {
    HashLimits.section = section
    HashLimits.state = state
    if (section === 0) return
    const tables = load<u32>(section, HASHLIMITS_TABLES_OFF) as usize
    HashLimits.buckets = state + 64 + round64(tables * TABLE_STATE_BYTES)
    const buckets = round64((load<u32>(section, HASHLIMITS_BUCKETS_OFF) as usize) * 4)
    HashLimits.entries = HashLimits.buckets + buckets - ENTRY_BYTES
  }

  /** Empties all tables; `use` comes first, on memory that is zero. */
  static init(): void {
    if (HashLimits.section === 0) return
    // Entries that were never used follow the free list: its end is a count of those that were.
    store<u32>(HashLimits.state, 0)
    store<u32>(HashLimits.state, 0, 4)
  }

  private static entry(reference: u32): usize {
    return HashLimits.entries + (reference as usize) * ENTRY_BYTES
  }

  private static tableState(table: u32): usize {
    return HashLimits.state + 64 + (table as usize) * TABLE_STATE_BYTES
  }

  /** The bucket of a key: 36 bytes, and its table. */
  private static bucket(key: usize, table: u32): usize {
    let h: u32 = (table + 1) * 0x9e3779b1
    for (let i: usize = 0; i < 36; i += 4) {
      h = (h ^ load<u32>(key + i)) * 0x85ebca6b
      h = (h << 13) | (h >> 19)
    }
    h ^= h >> 16
    h *= 0xc2b2ae35
    h ^= h >> 15
    return HashLimits.buckets + (((h & (load<u32>(HashLimits.section, HASHLIMITS_BUCKETS_OFF) - 1)) as usize) << 2)
  }

  /** A prefix of an address, 16 bytes. */
  private static cut(to: usize, address: usize, length: u32): void {
    for (let i: u32 = 0; i < 4; i++) {
      const left: i32 = <i32>length - <i32>(i * 32)
      const mask: u32 = left >= 32 ? 0xffffffff : left <= 0 ? 0 : (<u32>0xffffffff) << (32 - left)
      store<u32>(to + ((<usize>i) << 2), load<u32>(address + ((<usize>i) << 2)) & mask)
    }
  }

  private static writeKey(record: usize, mode: u32): void {
    const key: usize = HASHLIMIT_KEY_AT
    memory.fill(key, 0, 36)
    if ((mode & HASHLIMIT_SRC) !== 0) HashLimits.cut(key, CTX_SRC_AT, load<u32>(record, HASHLIMIT_SRC_MASK_OFF))
    if ((mode & HASHLIMIT_DST) !== 0) HashLimits.cut(key + 16, CTX_DST_AT, load<u32>(record, HASHLIMIT_DST_MASK_OFF))
    const proto = load<u32>(CTX_PROTO_AT)
    if (!Tuple.hasPorts(proto) && proto !== 33) return
    if ((mode & HASHLIMIT_SPORT) !== 0) store<u16>(key + PORTS, <u16>load<u32>(CTX_SPORT_AT))
    if ((mode & HASHLIMIT_DPORT) !== 0) store<u16>(key + PORTS + 2, <u16>load<u32>(CTX_DPORT_AT))
  }

  /** Takes out what was due when the table was cleaned last. */
  private static clean(table: u32, state: usize, gc: f64, now: f64): void {
    const cleaned = Math.floor(now / gc) * gc
    while (true) {
      const reference = load<u32>(state, HEAD)
      if (reference === 0) return
      const e = HashLimits.entry(reference)
      if (load<f64>(e, EXPIRES) > cleaned) return
      const bucket = HashLimits.bucket(e, table)
      Linked.remove(state, HashLimits.entries, ENTRY_BYTES, NEXT, e)
      store<u32>(state, load<u32>(state, COUNT) - 1, COUNT)
      Linked.unchain(bucket, HashLimits.entries, ENTRY_BYTES, HASH_NEXT, reference)
      store<u32>(e, load<u32>(HashLimits.state), HASH_NEXT)
      store<u32>(HashLimits.state, reference)
    }
  }

  private static find(bucket: usize, table: u32): u32 {
    const key: usize = HASHLIMIT_KEY_AT
    let reference = load<u32>(bucket)
    while (reference !== 0) {
      const e = HashLimits.entry(reference)
      if (load<u32>(e, TABLE) === table && memory.compare(e, key, 36) === 0) return reference
      reference = load<u32>(e, HASH_NEXT)
    }
    return 0
  }

  /** A free entry; 0 when there is none. */
  private static take(): u32 {
    const free = load<u32>(HashLimits.state)
    if (free !== 0) {
      store<u32>(HashLimits.state, load<u32>(HashLimits.entry(free), HASH_NEXT))
      return free
    }
    const used = load<u32>(HashLimits.state, 4)
    if (used === load<u32>(HashLimits.section, HASHLIMITS_ENTRIES_OFF)) return 0
    store<u32>(HashLimits.state, used + 1, 4)
    return used + 1
  }

  /** Lets time pass for an entry that is there already. */
  private static reckon(e: usize, record: usize, mode: u32, now: f64): void {
    const delta = <u64>(now - load<f64>(e, SEEN))
    if (delta === 0) return
    const credit = load<u64>(e, CREDIT)
    if ((mode & HASHLIMIT_RATE) !== 0) {
      const interval = <u64>load<u32>(record, HASHLIMIT_INTERVAL_OFF)
      if (delta < interval) return
      store<u32>(e, credit * interval > delta * load<u64>(record, HASHLIMIT_COST_OFF) ? 1 : 0, ABOVE)
      store<u64>(e, 0, CREDIT)
    } else if ((mode & HASHLIMIT_BYTES) !== 0) {
      const sum = credit + BYTES_PER_MS * delta
      store<u64>(e, sum > BYTES_FULL ? BYTES_FULL : sum, CREDIT)
    } else {
      const sum = credit + PER_MS * delta
      const cap = load<u64>(e, CAP)
      store<u64>(e, sum > cap ? cap : sum, CREDIT)
    }
    store<f64>(e, now, SEEN)
  }

  /** Counts the packet; is it within the limit? */
  private static count(e: usize, record: usize, mode: u32): bool {
    const length = <u64>load<u32>(CTX_LENGTH_AT)
    let credit = load<u64>(e, CREDIT)
    if ((mode & HASHLIMIT_RATE) !== 0) {
      credit += (mode & HASHLIMIT_BYTES) !== 0 ? length : 1
      store<u64>(e, credit, CREDIT)
      return load<u32>(e, ABOVE) === 0 && credit <= load<u64>(record, HASHLIMIT_CAP_OFF)
    }
    let cost = load<u64>(record, HASHLIMIT_COST_OFF)
    if ((mode & HASHLIMIT_BYTES) !== 0) {
      cost = min<u64>(((length >> 4) + 1) * cost, BYTES_FULL)
      const refills = load<u64>(e, CAP)
      if (credit < cost && refills !== 0) {
        store<u64>(e, refills - 1, CAP)
        credit = BYTES_FULL
      }
    }
    const within = credit >= cost
    store<u64>(e, within ? credit - cost : credit, CREDIT)
    return within
  }

  /** Copies table `from` of other tables, with their state, into the empty table `to`; false when there is no room. */
  static carry(section: usize, state: usize, from: u32, to: u32): bool {
    const now = HashLimits.section
    const nowState = HashLimits.state
    HashLimits.use(section, state)
    let reference = load<u32>(HashLimits.tableState(from), HEAD)
    while (reference !== 0) {
      HashLimits.use(section, state)
      const old = HashLimits.entry(reference)
      reference = load<u32>(old, NEXT)
      HashLimits.use(now, nowState)
      const added = HashLimits.take()
      if (added === 0) return false
      const e = HashLimits.entry(added)
      memory.copy(e, old, ENTRY_BYTES)
      const bucket = HashLimits.bucket(e, to)
      store<u32>(e, to, TABLE)
      store<u32>(e, load<u32>(bucket), HASH_NEXT)
      store<u32>(bucket, added)
      const list = HashLimits.tableState(to)
      store<u32>(list, load<u32>(list, COUNT) + 1, COUNT)
      Linked.append(list, HashLimits.entries, ENTRY_BYTES, NEXT, added)
    }
    HashLimits.use(now, nowState)
    return true
  }

  static match(table: u32, inverted: bool): bool {
    const record = HashLimits.section + HASHLIMITS_HEADER_BYTES + (table as usize) * HASHLIMIT_TABLE_BYTES
    const mode = load<u32>(record, HASHLIMIT_MODE_OFF)
    if ((mode & (HASHLIMIT_SPORT | HASHLIMIT_DPORT)) !== 0) {
      // ESP and AH have an index where others have ports.
      const proto = load<u32>(CTX_PROTO_AT)
      if (proto === 50 || proto === 51) return Asked.need(FIELD_PAYLOAD)
    }
    const now = load<f64>(CTX_NOW_AT)
    const state = HashLimits.tableState(table)
    HashLimits.clean(table, state, <f64>load<u32>(record, HASHLIMIT_GC_OFF), now)
    HashLimits.writeKey(record, mode)
    const bucket = HashLimits.bucket(HASHLIMIT_KEY_AT, table)
    let reference = HashLimits.find(bucket, table)
    let e: usize
    if (reference !== 0) {
      e = HashLimits.entry(reference)
      HashLimits.reckon(e, record, mode, now)
      Linked.remove(state, HashLimits.entries, ENTRY_BYTES, NEXT, e)
    } else {
      if (load<u32>(state, COUNT) >= load<u32>(record, HASHLIMIT_MAX_OFF)) return Asked.hotdrop()
      reference = HashLimits.take()
      if (reference === 0) {
        store<u32>(RULES_ERROR_AT, RULES_ERROR_HASHLIMITS)
        return false
      }
      e = HashLimits.entry(reference)
      memory.copy(e, HASHLIMIT_KEY_AT, 36)
      store<u32>(e, table, TABLE)
      store<u32>(e, load<u32>(bucket), HASH_NEXT)
      store<u32>(bucket, reference)
      store<u32>(e, 0, ABOVE)
      store<f64>(e, now, SEEN)
      const rate = (mode & HASHLIMIT_RATE) !== 0
      store<u64>(e, rate ? 0 : load<u64>(record, HASHLIMIT_START_OFF), CREDIT)
      store<u64>(e, load<u64>(record, HASHLIMIT_CAP_OFF), CAP)
      store<u32>(state, load<u32>(state, COUNT) + 1, COUNT)
    }
    store<f64>(e, now + <f64>load<u32>(record, HASHLIMIT_EXPIRE_OFF), EXPIRES)
    Linked.append(state, HashLimits.entries, ENTRY_BYTES, NEXT, reference)
    return HashLimits.count(e, record, mode) !== inverted
  }
}
