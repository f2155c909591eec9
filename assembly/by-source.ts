// Connections by original source: source address, port or id, protocol, for NAT, which asks whether a source has a binding
// already. Chains in the records, newest first. Kernel: net/netfilter/nf_nat_core.c (find_appropriate_src).
import {
  CT_FAMILY_OFF,
  CT_PROTO_OFF,
  CT_SRC_HASH_OFF,
  CT_SRC_NEXT_OFF,
  CT_SRC_PREV_OFF,
  CT_ZONE_OFF,
  TUPLE_SPORT_OFF,
} from './layout'
import { Memory } from './memory'
import { Table } from './table'

export class BySource {
  private static heads: usize = 0
  private static mask: u32 = 0

  /** Room for the heads of `slots` chains, a power of two. False when memory does not suffice. */
  static init(slots: u32): bool {
    BySource.mask = slots - 1
    BySource.heads = Memory.allocate(<usize>slots * 4)
    return BySource.heads !== 0
  }

  private static bucket(tuple: usize, proto: u32): u32 {
    let h: u64 = (Table.seed ^ load<u64>(tuple)) * 0x9e3779b97f4a7c15
    h = (h ^ (h >> 32) ^ load<u64>(tuple + 8)) * 0xbf58476d1ce4e5b9
    h = (h ^ (h >> 29) ^ load<u32>(tuple + TUPLE_SPORT_OFF) ^ ((<u64>proto) << 48)) * 0x94d049bb133111eb
    return <u32>(h >> 32) & BySource.mask
  }

  static link(ct: usize): void {
    const bucket = BySource.bucket(Table.tuple(ct, 0), load<u32>(ct + CT_PROTO_OFF))
    const head = BySource.heads + bucket * 4
    const record = Table.recordOf(ct)
    const next = load<u32>(head)
    store<u32>(ct + CT_SRC_PREV_OFF, 0)
    store<u32>(ct + CT_SRC_NEXT_OFF, next)
    if (next !== 0) store<u32>(Table.hotOf(next - 1) + CT_SRC_PREV_OFF, record + 1)
    store<u32>(head, record + 1)
    store<u32>(Table.coldOf(ct) + CT_SRC_HASH_OFF, bucket + 1)
  }

  static unlink(ct: usize): void {
    const cold = Table.coldOf(ct)
    const bucket = load<u32>(cold + CT_SRC_HASH_OFF)
    if (bucket === 0) return
    const before = load<u32>(ct + CT_SRC_PREV_OFF)
    const after = load<u32>(ct + CT_SRC_NEXT_OFF)
    if (before === 0) store<u32>(BySource.heads + (bucket - 1) * 4, after)
    else store<u32>(Table.hotOf(before - 1) + CT_SRC_NEXT_OFF, after)
    if (after !== 0) store<u32>(Table.hotOf(after - 1) + CT_SRC_PREV_OFF, before)
    store<u32>(cold + CT_SRC_HASH_OFF, 0)
  }

  /** The next connection of a chain with this original source: `ct` 0 begins; 0 = no more. */
  static next(ct: usize, tuple: usize, proto: u32, family: u32, zones: u32): usize {
    let n = ct === 0 ? load<u32>(BySource.heads + BySource.bucket(tuple, proto) * 4) : load<u32>(ct + CT_SRC_NEXT_OFF)
    while (n !== 0) {
      const at = Table.hotOf(n - 1)
      const own = Table.tuple(at, 0)
      if (
        load<u32>(at + CT_PROTO_OFF) === proto &&
        load<u32>(at + CT_FAMILY_OFF) === family &&
        !v128.any_true(v128.xor(v128.load(own), v128.load(tuple))) &&
        load<u32>(own + TUPLE_SPORT_OFF) === load<u32>(tuple + TUPLE_SPORT_OFF) &&
        ((load<u32>(at + CT_ZONE_OFF) ^ zones) & 0xffff) === 0
      ) {
        return at
      }
      n = load<u32>(at + CT_SRC_NEXT_OFF)
    }
    return 0
  }
}
