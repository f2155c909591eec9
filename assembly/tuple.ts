// Tuples: which packets belong together. Reading one from the context, turning it round, comparing, hashing.
// Kernel: net/netfilter/nf_conntrack_core.c (nf_ct_get_tuple, nf_ct_invert_tuple), nf_conntrack_proto_icmp.c, _icmpv6.c.
import { Address } from './address'
import {
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_ID_AT,
  CTX_ICMP_TYPE_AT,
  CTX_INNER_AT,
  CTX_PROTO_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  HDR_CODE_OFF,
  HDR_DPORT_OFF,
  HDR_DST_OFF,
  HDR_ID_OFF,
  HDR_PROTO_OFF,
  HDR_SPORT_OFF,
  HDR_SRC_OFF,
  HDR_TYPE_OFF,
  SCRATCH_AT,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from './layout'

export const PACKET_TUPLE: usize = SCRATCH_AT
export const INVERSE_TUPLE: usize = SCRATCH_AT + 48
export const CURRENT_TUPLE: usize = SCRATCH_AT + 96
export const NEW_TUPLE: usize = SCRATCH_AT + 144
export const TRIED_TUPLE: usize = SCRATCH_AT + 192
export const TARGET_TUPLE: usize = SCRATCH_AT + 240

export class Tuple {
  /** Protocols whose ports conntrack looks at: TCP, UDP, SCTP, UDP-Lite (DCCP is none any more). */
  static hasPorts(proto: u32): bool {
    return proto === 6 || proto === 17 || proto === 132 || proto === 136
  }

  /** Protocols with a number in the first bytes behind the IP header that rules ask for. */
  static hasPortsOrIcmp(proto: u32): bool {
    return Tuple.hasPorts(proto) || proto === 1 || proto === 58
  }

  static isIcmp(proto: u32, family: u32): bool {
    return family === 4 ? proto === 1 : proto === 58
  }

  /** Is the type an error that quotes a packet? IPv6: all below 128. */
  static isError(type: u32, family: u32): bool {
    if (family === 6) return type < 128
    return type === 3 || type === 4 || type === 5 || type === 11 || type === 12
  }

  /** The tuple of the packet in the context. */
  static ofPacket(to: usize): void {
    Address.copy(to + TUPLE_SRC_OFF, CTX_SRC_AT)
    Address.copy(to + TUPLE_DST_OFF, CTX_DST_AT)
    const proto = load<u32>(CTX_PROTO_AT)
    let first: u32 = 0
    let second: u32 = 0
    if (Tuple.hasPorts(proto)) {
      first = load<u32>(CTX_SPORT_AT)
      second = load<u32>(CTX_DPORT_AT)
    } else if (Tuple.isIcmp(proto, load<u32>(CTX_FAMILY_AT))) {
      first = load<u32>(CTX_ICMP_ID_AT)
      second = (load<u32>(CTX_ICMP_TYPE_AT) << 8) | load<u32>(CTX_ICMP_CODE_AT)
    }
    store<u32>(to + TUPLE_SPORT_OFF, first)
    store<u32>(to + TUPLE_DPORT_OFF, second)
  }

  /** The tuple of the quoted packet. */
  static ofQuoted(to: usize): void {
    Address.copy(to + TUPLE_SRC_OFF, CTX_INNER_AT + HDR_SRC_OFF)
    Address.copy(to + TUPLE_DST_OFF, CTX_INNER_AT + HDR_DST_OFF)
    const proto = load<u8>(CTX_INNER_AT + HDR_PROTO_OFF)
    let first: u32 = 0
    let second: u32 = 0
    if (Tuple.hasPorts(proto)) {
      first = load<u16>(CTX_INNER_AT + HDR_SPORT_OFF)
      second = load<u16>(CTX_INNER_AT + HDR_DPORT_OFF)
    } else if (Tuple.isIcmp(proto, load<u32>(CTX_FAMILY_AT))) {
      first = load<u16>(CTX_INNER_AT + HDR_ID_OFF)
      second = ((<u32>load<u8>(CTX_INNER_AT + HDR_TYPE_OFF)) << 8) | load<u8>(CTX_INNER_AT + HDR_CODE_OFF)
    }
    store<u32>(to + TUPLE_SPORT_OFF, first)
    store<u32>(to + TUPLE_DPORT_OFF, second)
  }

  static copy(to: usize, from: usize): void {
    v128.store(to, v128.load(from))
    v128.store(to + 16, v128.load(from + 16))
    store<u64>(to + 32, load<u64>(from + 32))
  }

  static same(a: usize, b: usize): bool {
    if (load<u64>(a + 32) !== load<u64>(b + 32)) return false
    const first = v128.xor(v128.load(a), v128.load(b))
    const second = v128.xor(v128.load(a + 16), v128.load(b + 16))
    return !v128.any_true(v128.or(first, second))
  }

  /** ICMP type of the answer to a query; -1 = none. */
  static replyType(type: u32, family: u32): i32 {
    if (family === 4) {
      if (type === 8) return 0
      if (type === 0) return 8
      if (type < 13 || type > 18) return -1
      return (type & 1) === 1 ? type + 1 : type - 1
    }
    if (type === 128 || type === 139) return type + 1
    return type === 129 || type === 140 ? type - 1 : -1
  }

  /** Writes the other direction's tuple; false when there is none (an ICMP message that is no query). */
  static invert(to: usize, from: usize, proto: u32, family: u32): bool {
    Address.copy(to + TUPLE_SRC_OFF, from + TUPLE_DST_OFF)
    Address.copy(to + TUPLE_DST_OFF, from + TUPLE_SRC_OFF)
    if (Tuple.isIcmp(proto, family)) {
      const message = load<u32>(from + TUPLE_DPORT_OFF)
      const reply = Tuple.replyType(message >>> 8, family)
      if (reply < 0) return false
      store<u32>(to + TUPLE_SPORT_OFF, load<u32>(from + TUPLE_SPORT_OFF))
      store<u32>(to + TUPLE_DPORT_OFF, ((<u32>reply) << 8) | (message & 255))
      return true
    }
    const first = load<u32>(from + TUPLE_SPORT_OFF)
    store<u32>(to + TUPLE_SPORT_OFF, load<u32>(from + TUPLE_DPORT_OFF))
    store<u32>(to + TUPLE_DPORT_OFF, first)
    return true
  }

  /** 32 well-mixed bits; never shows in an answer. */
  static hash(tuple: usize, proto: u32, seed: u64): u32 {
    let h: u64 = (seed ^ load<u64>(tuple)) * 0x9e3779b97f4a7c15
    h = (h ^ (h >> 32) ^ load<u64>(tuple + 8)) * 0xbf58476d1ce4e5b9
    h = (h ^ (h >> 29) ^ load<u64>(tuple + 16)) * 0x94d049bb133111eb
    h = (h ^ (h >> 32) ^ load<u64>(tuple + 24)) * 0xff51afd7ed558ccd
    h = (h ^ (h >> 31) ^ load<u64>(tuple + 32) ^ ((<u64>proto) << 48)) * 0xc4ceb9fe1a85ec53
    return <u32>(h >> 32)
  }
}
