// A full connection table makes room: entries are sorted into buckets by a hash of each tuple, and the first of eight
// neighbouring buckets that holds entries that are not ASSURED loses all of those (docs/semantics.md, Table full).
// Kernel: net/netfilter/nf_conntrack_core.c (early_drop). The kernel's hash is secret; ours is one of those it could be.
// Nothing is kept until the table is full for the first time; from then on it is kept up to date.
import {
  CT_BUCKET_NEXT_OFF,
  CT_BUCKET_OFF,
  CT_BUCKET_PREV_OFF,
  CT_COLD_BYTES,
  CT_FAMILY_OFF,
  CT_NEXT_OFF,
  CT_PROTO_OFF,
  CT_STATUS_OFF,
  CT_ZONE_OFF,
  CTX_SEED_AT,
  IPS_ASSURED,
  SYSCTL_CT_BUCKETS,
} from './layout'
import { Memory } from './memory'
import { ADD, fmix } from './random'
import { Sysctl } from './sysctl'
import { Table } from './table'

/** Buckets that are looked at. */
const RANGE: u32 = 8

export class Crowd {
  /** Entries are kept in buckets. */
  static on: bool = false
  private static heads: usize = 0
  private static mask: u32 = 0

  /** Room for the heads of `slots` lists, a power of two. False when memory does not suffice. */
  static init(slots: u32): bool {
    Crowd.mask = slots - 1
    Crowd.heads = Memory.allocate(<usize>slots * 4)
    return Crowd.heads !== 0
  }

  private static bucketOf(tuple: usize, proto: u32, family: u32, zone: u32): u32 {
    let h = fmix(load<u64>(CTX_SEED_AT) + ADD)
    for (let i: usize = 0; i < 40; i += 8) h = fmix(h ^ load<u64>(tuple + i))
    h = fmix(h ^ (((<u64>zone) << 32) | (family << 8) | proto))
    return <u32>(((h >> 32) * <u64>Sysctl.get(SYSCTL_CT_BUCKETS)) >> 32)
  }

  private static zoneOf(ct: usize, direction: u32): u32 {
    return (load<u32>(ct + CT_ZONE_OFF) >>> (direction << 4)) & 0xffff
  }

  /** Sorts a confirmed connection into its two buckets. */
  static add(ct: usize): void {
    const cold = Table.coldOf(ct)
    const record = Table.recordOf(ct)
    for (let direction: u32 = 0; direction < 2; direction++) {
      const zone = Crowd.zoneOf(ct, direction)
      const tuple = Table.tuple(ct, direction)
      const bucket = Crowd.bucketOf(tuple, load<u32>(ct + CT_PROTO_OFF), load<u32>(ct + CT_FAMILY_OFF), zone)
      const head = Crowd.heads + (bucket & Crowd.mask) * 4
      const next = load<u32>(head)
      const reference = record * 2 + direction + 1
      const at = cold + direction * 4
      store<u32>(at + CT_BUCKET_OFF, bucket)
      store<u32>(at + CT_BUCKET_NEXT_OFF, next)
      store<u32>(at + CT_BUCKET_PREV_OFF, 0)
      if (next !== 0) store<u32>(Crowd.place(next) + CT_BUCKET_PREV_OFF, reference)
      store<u32>(head, reference)
    }
  }

  /** Where the links of a reference lie. */
  private static place(reference: u32): usize {
    return Table.cold + ((reference - 1) >>> 1) * CT_COLD_BYTES + ((reference - 1) & 1) * 4
  }

  /** Takes a connection out of its buckets. */
  static remove(ct: usize): void {
    for (let direction: u32 = 0; direction < 2; direction++) {
      const at = Table.coldOf(ct) + direction * 4
      const next = load<u32>(at + CT_BUCKET_NEXT_OFF)
      const before = load<u32>(at + CT_BUCKET_PREV_OFF)
      if (next !== 0) store<u32>(Crowd.place(next) + CT_BUCKET_PREV_OFF, before)
      if (before !== 0) store<u32>(Crowd.place(before) + CT_BUCKET_NEXT_OFF, next)
      else store<u32>(Crowd.heads + (load<u32>(at + CT_BUCKET_OFF) & Crowd.mask) * 4, next)
    }
  }

  private static start(): void {
    Crowd.on = true
    for (let n = Table.first; n !== 0; n = load<u32>(Table.hotOf(n - 1) + CT_NEXT_OFF)) Crowd.add(Table.hotOf(n - 1))
  }

  /** Makes room for a connection with this original tuple; false: nothing near it can go. */
  static makeRoom(tuple: usize, proto: u32, family: u32, zone: u32): bool {
    if (Crowd.heads === 0) return false
    if (!Crowd.on) Crowd.start()
    const buckets = Sysctl.get(SYSCTL_CT_BUCKETS)
    let bucket = Crowd.bucketOf(tuple, proto, family, zone)
    for (let i: u32 = 0; i < RANGE; i++) {
      if (Crowd.empty(bucket)) return true
      bucket = (bucket + 1) % buckets
    }
    return false
  }

  /** Ends all connections of a bucket that are not ASSURED; true when there were some. */
  private static empty(bucket: u32): bool {
    let gone = false
    let reference = load<u32>(Crowd.heads + (bucket & Crowd.mask) * 4)
    while (reference !== 0) {
      const at = Crowd.place(reference)
      const ct = Table.hotOf((reference - 1) >>> 1)
      reference = load<u32>(at + CT_BUCKET_NEXT_OFF)
      if (load<u32>(at + CT_BUCKET_OFF) !== bucket || load<u32>(ct + CT_STATUS_OFF) & IPS_ASSURED) continue
      // Its other tuple may be the next in this list.
      if (reference !== 0 && (reference - 1) >>> 1 === Table.recordOf(ct)) {
        reference = load<u32>(Crowd.place(reference) + CT_BUCKET_NEXT_OFF)
      }
      Table.evict(ct)
      gone = true
    }
    return gone
  }
}
