// Translation: when the nat table is asked, what a target binds, and how packets are rewritten by what was bound.
// Kernel: net/netfilter/nf_nat_core.c (nf_nat_inet_fn, nf_nat_setup_info), nf_nat_proto.c, nf_nat_masquerade.c,
// nf_nat_redirect.c.
import { Address } from './address'
import { BySource } from './by-source'
import { runTable } from './chain'
import { Conntrack } from './conntrack'
import {
  CT_FAMILY_OFF,
  CT_MASQ_LINK_OFF,
  CT_PROTO_OFF,
  CT_STATUS_OFF,
  CTINFO_NEW,
  CTINFO_RELATED,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_HOOK_AT,
  CTX_ICMP_ID_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_INNER_AT,
  CTX_OUT_LINK_AT,
  CTX_PROTO_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  HDR_DPORT_OFF,
  HDR_DST_OFF,
  HDR_ID_OFF,
  HDR_PROTO_OFF,
  HDR_SPORT_OFF,
  HDR_SRC_OFF,
  HDR_TYPE_OFF,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  NAT_MASQUERADE,
  NAT_NETMAP,
  NAT_REDIRECT,
  NATRANGE_BYTES,
  NATRANGE_FLAGS_OFF,
  NATRANGE_HAS_ADDR,
  NATRANGE_MAX_ADDR_OFF,
  NATRANGE_MIN_ADDR_OFF,
  NF_ACCEPT,
  NF_DROP,
  REASON_INTERFACE_CHANGED,
  REASON_NO_ADDRESS,
  SCRATCH_AT,
  TABLE_NAT,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from './layout'
import { Memory } from './memory'
import { Packet } from './packet'
import { Queue } from './queue'
import { Source } from './source'
import { Steps } from './steps'
import { Table } from './table'
import { CURRENT_TUPLE, NEW_TUPLE, TARGET_TUPLE, Tuple } from './tuple'
import { Unique } from './unique'
import { Way } from './way'

const RANGE: usize = SCRATCH_AT + 320
const LOOPBACK4: u32 = 0x7f000001

export class Nat {
  /** REASON_* when NAT itself dropped the packet; 0 = it did not. */
  static reason: u32 = 0

  private static changesSource(hook: u32): bool {
    return hook === HOOK_POSTROUTING || hook === HOOK_INPUT
  }

  /** The nat table at a hook. False: the packet is dropped. */
  static hook(hook: u32): bool {
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct === 0) return true
    const source = Nat.changesSource(hook)
    const ctinfo = load<u32>(CTX_CTINFO_AT)
    const state = ctinfo % 3
    if (state === CTINFO_RELATED && Tuple.isIcmp(load<u32>(CTX_PROTO_AT), load<u32>(CTX_FAMILY_AT))) {
      Nat.translateError(ct, ctinfo, source)
      return true
    }
    const done: u32 = source ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE
    if ((state === CTINFO_NEW || state === CTINFO_RELATED) && !(load<u32>(ct + CT_STATUS_OFF) & done)) {
      Queue.passed = false
      if (runTable(TABLE_NAT, hook) !== NF_ACCEPT) return false
      if (Queue.passed) {
        Queue.passed = false
        return true
      }
      if (!(load<u32>(ct + CT_STATUS_OFF) & done)) Nat.nullBinding(ct, source)
    } else if (hook === HOOK_POSTROUTING && Conntrack.direction(ctinfo) === 0) {
      const link = load<u32>(ct + CT_MASQ_LINK_OFF)
      if (link !== 0 && link !== load<u32>(CTX_OUT_LINK_AT)) {
        if (load<u32>(ct + CT_STATUS_OFF) & IPS_CONFIRMED) Table.kill(ct)
        Nat.reason = REASON_INTERFACE_CHANGED
        return false
      }
    }
    if (Nat.isBound(ct, ctinfo, source)) {
      const direction = Conntrack.direction(ctinfo)
      Tuple.invert(
        TARGET_TUPLE,
        Table.tuple(ct, 1 - direction),
        load<u32>(ct + CT_PROTO_OFF),
        load<u32>(ct + CT_FAMILY_OFF),
      )
      Nat.rewrite(TARGET_TUPLE, source)
    }
    return true
  }

  /** Was this side of packets of this direction translated? */
  private static isBound(ct: usize, ctinfo: u32, source: bool): bool {
    const reply = Conntrack.direction(ctinfo) === 1
    return (load<u32>(ct + CT_STATUS_OFF) & (source !== reply ? IPS_SRC_NAT : IPS_DST_NAT)) !== 0
  }

  /** After nat OUTPUT: has the packet another destination than it was sent to? Then it is routed anew. */
  static isRedirected(): bool {
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct === 0) return false
    const direction = Conntrack.direction(load<u32>(CTX_CTINFO_AT))
    return !Address.same(Table.tuple(ct, direction) + TUPLE_DST_OFF, Table.tuple(ct, 1 - direction) + TUPLE_SRC_OFF)
  }

  /** Sets up a binding; nothing when it was set up before. */
  static setUp(ct: usize, range: usize, source: bool): void {
    const status = load<u32>(ct + CT_STATUS_OFF)
    if (status & (IPS_CONFIRMED | (source ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE))) return
    const proto = load<u32>(ct + CT_PROTO_OFF)
    const family = load<u32>(ct + CT_FAMILY_OFF)
    const reply = Table.tuple(ct, 1)
    Tuple.invert(CURRENT_TUPLE, reply, proto, family)
    Unique.choose(NEW_TUPLE, CURRENT_TUPLE, range, source, ct)
    let bits: u32 = source ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE
    if (!Tuple.same(NEW_TUPLE, CURRENT_TUPLE)) {
      Tuple.invert(reply, NEW_TUPLE, proto, family)
      bits |= source ? IPS_SRC_NAT : IPS_DST_NAT
      Steps.nat(source, CURRENT_TUPLE, NEW_TUPLE, Tuple.hasPorts(proto) ? 1 : Tuple.isIcmp(proto, family) ? 2 : 0)
    }
    if (source) BySource.link(ct)
    store<u32>(ct + CT_STATUS_OFF, load<u32>(ct + CT_STATUS_OFF) | bits)
  }

  /** A flow that no rule binds keeps its address, but gets another port when its own is taken. */
  private static nullBinding(ct: usize, source: bool): void {
    const reply = Table.tuple(ct, 1)
    Nat.rangeOf(reply + (source ? TUPLE_DST_OFF : TUPLE_SRC_OFF), 0)
    Nat.setUp(ct, RANGE, source)
  }

  /** A range of one address, with ports and flags of another range (0: none). */
  static rangeOf(address: usize, other: usize): void {
    if (other === 0) Memory.clear(RANGE, NATRANGE_BYTES)
    else memory.copy(RANGE, other, NATRANGE_BYTES)
    store<u32>(RANGE + NATRANGE_FLAGS_OFF, load<u32>(RANGE + NATRANGE_FLAGS_OFF) | NATRANGE_HAS_ADDR)
    Address.copy(RANGE + NATRANGE_MIN_ADDR_OFF, address)
    Address.copy(RANGE + NATRANGE_MAX_ADDR_OFF, address)
  }

  /** NETMAP: a range of one address; the bits in which first and last of `range` are the same come from there. */
  static mapRange(address: usize, range: usize): void {
    Memory.clear(RANGE, NATRANGE_BYTES)
    store<u32>(RANGE + NATRANGE_FLAGS_OFF, NATRANGE_HAS_ADDR)
    const from = v128.load(range + NATRANGE_MIN_ADDR_OFF)
    const open = v128.xor(from, v128.load(range + NATRANGE_MAX_ADDR_OFF))
    const mapped = v128.or(v128.and(v128.load(address), open), v128.andnot(from, open))
    v128.store(RANGE + NATRANGE_MIN_ADDR_OFF, mapped)
    v128.store(RANGE + NATRANGE_MAX_ADDR_OFF, mapped)
  }

  /** Is an id in the header that goes with the tuple's? Of ICMPv6 only echoes have one (icmpv6_manip_pkt). */
  private static hasId(proto: u32, type: u32, family: u32): bool {
    if (!Tuple.isIcmp(proto, family) || Tuple.isError(type, family)) return false
    return family === 4 || type >>> 1 === 64
  }

  /** Gives one side of the packet what the tuple says. */
  private static rewrite(tuple: usize, source: bool): void {
    const proto = load<u32>(CTX_PROTO_AT)
    if (source) Address.copy(CTX_SRC_AT, tuple + TUPLE_SRC_OFF)
    else Address.copy(CTX_DST_AT, tuple + TUPLE_DST_OFF)
    const family = load<u32>(CTX_FAMILY_AT)
    if (Tuple.hasPorts(proto)) {
      if (source) store<u32>(CTX_SPORT_AT, load<u32>(tuple + TUPLE_SPORT_OFF))
      else store<u32>(CTX_DPORT_AT, load<u32>(tuple + TUPLE_DPORT_OFF))
    } else if (Nat.hasId(proto, load<u32>(CTX_ICMP_TYPE_AT), family)) {
      store<u32>(CTX_ICMP_ID_AT, load<u32>(tuple + TUPLE_SPORT_OFF))
    }
  }

  /** An ICMP error about a translated flow: the quoted packet, and the outer address that goes with it. */
  private static translateError(ct: usize, ctinfo: u32, source: bool): void {
    if (!Nat.isBound(ct, ctinfo, source) || !Packet.quotes()) return
    const there = Table.tuple(ct, 1 - Conntrack.direction(ctinfo))
    const inner = CTX_INNER_AT
    const proto: u32 = load<u8>(inner + HDR_PROTO_OFF)
    const family = load<u32>(CTX_FAMILY_AT)
    // The quoted packet runs the other way: its destination where the error's source is changed.
    if (source) Address.copy(inner + HDR_DST_OFF, there + TUPLE_DST_OFF)
    else Address.copy(inner + HDR_SRC_OFF, there + TUPLE_SRC_OFF)
    if (Tuple.hasPorts(proto)) {
      if (source) store<u16>(inner + HDR_DPORT_OFF, <u16>load<u32>(there + TUPLE_DPORT_OFF))
      else store<u16>(inner + HDR_SPORT_OFF, <u16>load<u32>(there + TUPLE_SPORT_OFF))
    } else if (Nat.hasId(proto, load<u8>(inner + HDR_TYPE_OFF), family)) {
      store<u16>(inner + HDR_ID_OFF, <u16>load<u32>(there + TUPLE_SPORT_OFF))
    }
    if (source) Address.copy(CTX_SRC_AT, there + TUPLE_DST_OFF)
    else Address.copy(CTX_DST_AT, there + TUPLE_SRC_OFF)
  }

  /** The address that MASQUERADE or REDIRECT translates to; 0 = none. */
  static ownAddress(kind: i32): usize {
    const family = load<u32>(CTX_FAMILY_AT)
    if (kind === NAT_MASQUERADE) return Source.byHop(load<u32>(CTX_OUT_LINK_AT), Way.hop, CTX_DST_AT, family)
    if (load<u32>(CTX_HOOK_AT) !== HOOK_OUTPUT) return Source.first(load<u32>(CTX_IN_LINK_AT), family, CTX_DST_AT)
    Address.clear(TARGET_TUPLE)
    if (family === 4) store<u32>(TARGET_TUPLE, LOOPBACK4)
    else store<u32>(TARGET_TUPLE + 12, 1)
    return TARGET_TUPLE
  }
}

/** DNAT, SNAT, MASQUERADE and REDIRECT: binds the packet's connection. `range`: a NATRANGE record. */
export function natTarget(kind: i32, range: usize): i32 {
  const ct = <usize>load<u32>(CTX_CT_AT)
  if (ct === 0) return NF_ACCEPT
  const hook = load<u32>(CTX_HOOK_AT)
  const source = hook === HOOK_POSTROUTING || hook === HOOK_INPUT
  if (kind === NAT_NETMAP) {
    Nat.mapRange(source ? CTX_SRC_AT : CTX_DST_AT, range)
    Nat.setUp(ct, RANGE, source)
    return NF_ACCEPT
  }
  if (kind !== NAT_MASQUERADE && kind !== NAT_REDIRECT) {
    Nat.setUp(ct, range, source)
    return NF_ACCEPT
  }
  if (kind === NAT_MASQUERADE && load<u32>(CTX_FAMILY_AT) === 4 && load<u32>(Table.tuple(ct, 0)) === 0) return NF_ACCEPT
  const address = Nat.ownAddress(kind)
  if (address === 0) {
    Nat.reason = REASON_NO_ADDRESS
    return NF_DROP
  }
  if (kind === NAT_MASQUERADE) store<u32>(ct + CT_MASQ_LINK_OFF, load<u32>(CTX_OUT_LINK_AT))
  Nat.rangeOf(address, range)
  Nat.setUp(ct, RANGE, source)
  return NF_ACCEPT
}
