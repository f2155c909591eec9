// The match `connlimit`: each rule's lists of the connections that it has met, by address and zone. What is gone or closed
// is taken out when a list is looked at. Kernel: net/netfilter/xt_connlimit.c, nf_conncount.c (as of Linux 6.18.44).
// One pool for all rules, beside the connection table: rules that stay when others are swapped keep their lists, by the
// number that stands in their state. References are index + 1; 0 = none. When the pool is used up, all lists are cleaned.
import { Asked } from './asked'
import {
  CONNLIMIT_ABOVE,
  CONNLIMIT_DEST,
  CONNLIMIT_KEY_AT,
  CT_PROTO_OFF,
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_ZONE_OFF,
  CTX_CT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_NOW_AT,
  CTX_PROTO_AT,
  CTX_SRC_AT,
  IPS_ASSURED,
  IPS_CONFIRMED,
  RULES_ERROR_AT,
  RULES_ERROR_CONNLIMITS,
  SYSCTL_COUNTED_CONNECTIONS,
} from './layout'
import { Limits } from './limit'
import { Memory } from './memory'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { INVERSE_TUPLE, Tuple } from './tuple'

// a list
const KEY: usize = 0 // 16 bytes
const GROUP: usize = 16
const ZONE: usize = 20 // of the key
const HEAD: usize = 24
const TAIL: usize = 28
const COUNT: usize = 32
const LEFT: usize = 36 // after the last cleaning
const CLEANED: usize = 40 // f64: clock of the last cleaning
const LIST_NEXT: usize = 48 // in its bucket
const LIST_BYTES: usize = 64
// a connection
const TUPLE: usize = 0 // 40 bytes
const PROTO: usize = 40
const FAMILY: usize = 44
const ZONES: usize = 48
const NEXT: usize = 52
const NODE_BYTES: usize = 64

/** Entries that a cleaning takes out before it stops. */
const ENOUGH: u32 = 64
// TCP states
const TIME_WAIT: u32 = 7
const CLOSE: u32 = 8

export class ConnLimits {
  private static room: u32 = 0
  private static mask: u32 = 0
  private static buckets: usize = 0
  private static lists: usize = 0
  private static nodes: usize = 0
  private static freeList: u32 = 0
  private static freeNode: u32 = 0
  private static freshList: u32 = 0
  private static freshNode: u32 = 0
  private static groups: u32 = 0

  /** Makes room when the image in use has such rules and there is none yet. Without memory the pool stays empty. */
  static prepare(): void {
    const room = Sysctl.get(SYSCTL_COUNTED_CONNECTIONS)
    if (room === 0 || ConnLimits.room !== 0) return
    let slots: u32 = 64
    while (slots < room) slots <<= 1
    ConnLimits.buckets = Memory.allocate(<usize>slots * 4)
    ConnLimits.lists = Memory.allocate(<usize>room * LIST_BYTES)
    ConnLimits.nodes = Memory.allocate(<usize>room * NODE_BYTES)
    if (ConnLimits.buckets === 0 || ConnLimits.lists === 0 || ConnLimits.nodes === 0) return
    ConnLimits.mask = slots - 1
    ConnLimits.room = room
  }

  private static list(reference: u32): usize {
    return ConnLimits.lists + <usize>(reference - 1) * LIST_BYTES
  }

  private static node(reference: u32): usize {
    return ConnLimits.nodes + <usize>(reference - 1) * NODE_BYTES
  }

  private static bucket(group: u32, key: usize, zone: u32): usize {
    let h: u64 = (load<u64>(key) ^ group) * 0x9e3779b97f4a7c15
    h = (h ^ (h >> 32) ^ load<u64>(key, 8)) * 0xbf58476d1ce4e5b9
    h = (h ^ (h >> 29) ^ zone) * 0x94d049bb133111eb
    return ConnLimits.buckets + ((<usize>(<u32>(h >> 32) & ConnLimits.mask)) << 2)
  }

  /** The live connection with an entry's tuple; 0 = it is gone. */
  private static alive(node: usize): usize {
    const found = Table.find(node + TUPLE, load<u32>(node + PROTO), load<u32>(node + FAMILY), load<u32>(node + ZONES))
    if (found < 0) return 0
    return Table.hotOf(<u32>found >>> 1)
  }

  private static isClosed(ct: usize): bool {
    const state = load<u32>(ct + CT_STATE_OFF)
    return load<u32>(ct + CT_PROTO_OFF) === 6 && (state === TIME_WAIT || state === CLOSE)
  }

  /** Takes an entry out of a list; `before` is the one before it. */
  private static take(list: usize, before: u32, reference: u32): void {
    const node = ConnLimits.node(reference)
    const next = load<u32>(node + NEXT)
    if (before === 0) store<u32>(list + HEAD, next)
    else store<u32>(ConnLimits.node(before) + NEXT, next)
    if (next === 0) store<u32>(list + TAIL, before)
    store<u32>(list + COUNT, load<u32>(list + COUNT) - 1)
    store<u32>(node + NEXT, ConnLimits.freeNode)
    ConnLimits.freeNode = reference
  }

  /** Takes out what is gone or closed; looks beyond what is alive only while little was taken out. */
  private static clean(list: usize): void {
    let taken: u32 = 0
    let before: u32 = 0
    let reference = load<u32>(list + HEAD)
    while (reference !== 0) {
      const node = ConnLimits.node(reference)
      const next = load<u32>(node + NEXT)
      const ct = ConnLimits.alive(node)
      if (ct === 0 || ConnLimits.isClosed(ct)) {
        ConnLimits.take(list, before, reference)
        taken++
      } else if (taken > ENOUGH) break
      else before = reference
      reference = next
    }
    ConnLimits.cleaned(list)
  }

  /** Is a live connection with this tuple in the list? On the way to it, what is gone or closed is taken out. */
  private static holds(list: usize, tuple: usize, proto: u32): bool {
    let taken: u32 = 0
    let before: u32 = 0
    let reference = load<u32>(list + HEAD)
    while (reference !== 0 && taken <= ENOUGH) {
      const node = ConnLimits.node(reference)
      const next = load<u32>(node + NEXT)
      const ct = ConnLimits.alive(node)
      if (ct !== 0 && load<u32>(node + PROTO) === proto && Tuple.same(node + TUPLE, tuple)) return true
      if (ct === 0 || ConnLimits.isClosed(ct)) {
        ConnLimits.take(list, before, reference)
        taken++
      } else before = reference
      reference = next
    }
    ConnLimits.cleaned(list)
    return false
  }

  private static cleaned(list: usize): void {
    store<f64>(list + CLEANED, load<f64>(CTX_NOW_AT))
    store<u32>(list + LEFT, load<u32>(list + COUNT))
  }

  /** Cleans all lists and gives back those that are empty. */
  private static sweep(): void {
    for (let i: u32 = 0; i <= ConnLimits.mask; i++) {
      let at = ConnLimits.buckets + ((<usize>i) << 2)
      while (load<u32>(at) !== 0) {
        const reference = load<u32>(at)
        const list = ConnLimits.list(reference)
        ConnLimits.clean(list)
        if (load<u32>(list + COUNT) !== 0) {
          at = list + LIST_NEXT
          continue
        }
        store<u32>(at, load<u32>(list + LIST_NEXT))
        store<u32>(list + LIST_NEXT, ConnLimits.freeList)
        ConnLimits.freeList = reference
      }
    }
  }

  private static hasRoom(): bool {
    const lists = ConnLimits.freeList !== 0 || ConnLimits.freshList < ConnLimits.room
    return lists && (ConnLimits.freeNode !== 0 || ConnLimits.freshNode < ConnLimits.room)
  }

  private static append(list: usize, tuple: usize, proto: u32, zones: u32): void {
    let reference = ConnLimits.freeNode
    if (reference !== 0) ConnLimits.freeNode = load<u32>(ConnLimits.node(reference) + NEXT)
    else reference = ++ConnLimits.freshNode
    const node = ConnLimits.node(reference)
    Tuple.copy(node + TUPLE, tuple)
    store<u32>(node + PROTO, proto)
    store<u32>(node + FAMILY, load<u32>(CTX_FAMILY_AT))
    store<u32>(node + ZONES, zones)
    store<u32>(node + NEXT, 0)
    const tail = load<u32>(list + TAIL)
    if (tail === 0) store<u32>(list + HEAD, reference)
    else store<u32>(ConnLimits.node(tail) + NEXT, reference)
    store<u32>(list + TAIL, reference)
    store<u32>(list + COUNT, load<u32>(list + COUNT) + 1)
  }

  /** The list with this key; 0 = none. */
  private static find(bucket: usize, group: u32, key: usize, zone: u32): usize {
    let reference = load<u32>(bucket)
    while (reference !== 0) {
      const list = ConnLimits.list(reference)
      const same = !v128.any_true(v128.xor(v128.load(list + KEY), v128.load(key)))
      if (same && load<u32>(list + GROUP) === group && load<u32>(list + ZONE) === zone) return list
      reference = load<u32>(list + LIST_NEXT)
    }
    return 0
  }

  private static begin(bucket: usize, group: u32, key: usize, zone: u32): usize {
    let reference = ConnLimits.freeList
    if (reference !== 0) ConnLimits.freeList = load<u32>(ConnLimits.list(reference) + LIST_NEXT)
    else reference = ++ConnLimits.freshList
    const list = ConnLimits.list(reference)
    Memory.clear(list, LIST_BYTES)
    v128.store(list + KEY, v128.load(key))
    store<u32>(list + GROUP, group)
    store<u32>(list + ZONE, zone)
    store<f64>(list + CLEANED, load<f64>(CTX_NOW_AT))
    store<u32>(list + LIST_NEXT, load<u32>(bucket))
    store<u32>(bucket, reference)
    return list
  }

  /** How many connections there are with this key, the packet's among them. */
  private static count(group: u32, key: usize, zone: u32): u32 {
    const own = <usize>load<u32>(CTX_CT_AT)
    const proto = load<u32>(CTX_PROTO_AT)
    let ct = own
    let tuple = INVERSE_TUPLE
    let zones: u32 = 0
    let ownProto = proto
    if (own !== 0) {
      tuple = Table.tuple(own, 0)
      zones = load<u32>(own + CT_ZONE_OFF)
      ownProto = load<u32>(own + CT_PROTO_OFF)
    } else {
      Tuple.ofPacket(tuple)
      const found = Table.find(tuple, proto, load<u32>(CTX_FAMILY_AT), 0)
      if (found >= 0) ct = Table.hotOf(<u32>found >>> 1)
    }
    if (!ConnLimits.hasRoom()) ConnLimits.sweep()
    if (!ConnLimits.hasRoom()) {
      store<u32>(RULES_ERROR_AT, RULES_ERROR_CONNLIMITS)
      return 0
    }
    const bucket = ConnLimits.bucket(group, key, zone)
    let list = ConnLimits.find(bucket, group, key, zone)
    if (list === 0) {
      list = ConnLimits.begin(bucket, group, key, zone)
      ConnLimits.append(list, tuple, ownProto, zones)
      return 1
    }
    const status: u32 = ct === 0 ? 0 : load<u32>(ct + CT_STATUS_OFF)
    const cleaned = load<f64>(list + CLEANED) === load<f64>(CTX_NOW_AT)
    // An assured connection is thought to be there, or to be none of those that are counted.
    if ((status & IPS_ASSURED) !== 0) {
      if (!cleaned) ConnLimits.clean(list)
    } else {
      const few = cleaned && load<u32>(list + COUNT) - load<u32>(list + LEFT) < ENOUGH
      const known = (status & IPS_CONFIRMED) !== 0 || !few ? ConnLimits.holds(list, tuple, ownProto) : false
      if (!known) ConnLimits.append(list, tuple, ownProto, zones)
    }
    return load<u32>(list + COUNT)
  }

  /** The match; `at` is its first word, `flags` its CONNLIMIT_* flags. */
  static match(at: usize, flags: u32): bool {
    const state = Limits.base + ((load<u32>(at, 8) as usize) << 2)
    let group = load<u32>(state)
    if (group === 0) {
      group = ++ConnLimits.groups
      store<u32>(state, group)
    }
    const address: usize = (flags & CONNLIMIT_DEST) !== 0 ? CTX_DST_AT : CTX_SRC_AT
    v128.store(CONNLIMIT_KEY_AT, v128.and(v128.load(address), v128.load(at, 12)))
    const ct = <usize>load<u32>(CTX_CT_AT)
    let zone: u32 = 0
    if (ct !== 0) {
      const zones = load<u32>(ct + CT_ZONE_OFF)
      zone = (zones & 0xffff) | (zones >>> 16)
    }
    const count = ConnLimits.count(group, CONNLIMIT_KEY_AT, zone)
    // Nothing is left to count: the kernel takes that for a lack of memory and drops the packet.
    if (count === 0) return Asked.hotdrop()
    return count > load<u32>(at, 4) === ((flags & CONNLIMIT_ABOVE) !== 0)
  }
}
