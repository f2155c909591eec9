// The target HMARK: the packet's mark becomes a hash of its addresses, ports and protocol, the same both ways.
// Kernel: net/netfilter/xt_HMARK.c.
import { Asked } from './asked'
import { Jhash } from './jhash'
import {
  CT_PROTO_OFF,
  CTX_CT_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_FRAG_AT,
  CTX_ICMP_TYPE_AT,
  CTX_INNER_AT,
  CTX_IS_REPLY_AT,
  CTX_MARK_AT,
  CTX_PROTO_AT,
  CTX_RECORD_AT,
  CTX_SEQ_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  FIELD_SPI,
  HDR_DPORT_OFF,
  HDR_DST_OFF,
  HDR_PROTO_OFF,
  HDR_SPORT_OFF,
  HDR_SRC_OFF,
  HMARK_CT_OFF,
  HMARK_DST_MASK_OFF,
  HMARK_MOD_OFF,
  HMARK_OFFSET_OFF,
  HMARK_PORT_MASK_OFF,
  HMARK_PORT_SET_OFF,
  HMARK_PROTO_MASK_OFF,
  HMARK_RND_OFF,
  HMARK_SRC_MASK_OFF,
  MORE_SPI,
  RECORD_MORE_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from './layout'
import { Packet } from './packet'
import { Table } from './table'
import { Tuple } from './tuple'

const ESP: u32 = 50
const AH: u32 = 51

export class Hmark {
  // What is hashed: addresses, protocol, and the two ports (or an SPI) if there are any.
  private static src: usize = 0
  private static dst: usize = 0
  private static proto: u32 = 0
  private static hasPorts: bool = false
  private static ports: u32 = 0

  /** Sets the mark; false: the packet was stopped. `at`: an HMARK record in CODE. */
  static act(at: usize): bool {
    if (load<u32>(at + HMARK_CT_OFF) !== 0) {
      if (!Hmark.ofConnection()) return true
    } else if (!Hmark.ofPacket()) return !Asked.stopped()
    let a = Hmark.masked(Hmark.src, at + HMARK_SRC_MASK_OFF)
    let b = Hmark.masked(Hmark.dst, at + HMARK_DST_MASK_OFF)
    if (b < a) {
      const c = a
      a = b
      b = c
    }
    let ports: u32 = 0
    if (Hmark.hasPorts) {
      const both = (Hmark.ports & load<u32>(at + HMARK_PORT_MASK_OFF)) | load<u32>(at + HMARK_PORT_SET_OFF)
      const first = both >>> 16
      const second = both & 0xffff
      ports = (max<u32>(first, second) << 16) | min<u32>(first, second)
    }
    let hash = Jhash.words(a, b, ports, 3, load<u32>(at + HMARK_RND_OFF))
    hash ^= Hmark.proto & load<u32>(at + HMARK_PROTO_MASK_OFF)
    const scaled = <u32>((<u64>hash * <u64>load<u32>(at + HMARK_MOD_OFF)) >> 32)
    store<u32>(CTX_MARK_AT, scaled + load<u32>(at + HMARK_OFFSET_OFF))
    return true
  }

  /** The address under the mask; IPv6's words are joined by exclusive or, IPv4's others are 0. */
  private static masked(address: usize, mask: usize): u32 {
    let all: u32 = 0
    for (let i: usize = 0; i < 16; i += 4) all ^= load<u32>(address + i) & load<u32>(mask + i)
    return all
  }

  /** Sources of both directions of the connection; false: there is none. */
  private static ofConnection(): bool {
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct === 0) return false
    const orig = Table.tuple(ct, 0)
    const reply = Table.tuple(ct, 1)
    Hmark.src = orig + TUPLE_SRC_OFF
    Hmark.dst = reply + TUPLE_SRC_OFF
    Hmark.proto = load<u32>(ct + CT_PROTO_OFF)
    Hmark.hasPorts = Hmark.proto !== 1
    Hmark.ports = (load<u32>(orig + TUPLE_SPORT_OFF) << 16) | (load<u32>(reply + TUPLE_SPORT_OFF) & 0xffff)
    return true
  }

  private static carriesPorts(proto: u32): bool {
    return proto === 6 || proto === 17 || proto === 33 || proto === 132 || proto === 136
  }

  /** Of an error it is the packet that it quotes; false: it quotes none, or the SPI is not known. */
  private static ofPacket(): bool {
    const six = load<u32>(CTX_FAMILY_AT) === 6
    const proto = load<u32>(CTX_PROTO_AT)
    const fragment = load<u32>(CTX_FRAG_AT) !== 0
    const type = load<u32>(CTX_ICMP_TYPE_AT)
    const quoting =
      Tuple.isIcmp(proto, six ? 6 : 4) && Tuple.isError(type, six ? 6 : 4) && !(six && (fragment || type === 0))
    if (quoting) return Hmark.ofQuoted()
    Hmark.src = CTX_SRC_AT
    Hmark.dst = CTX_DST_AT
    Hmark.proto = proto
    Hmark.hasPorts = false
    if (fragment) return true
    if (proto === ESP || proto === AH) {
      const answer = load<u32>(CTX_IS_REPLY_AT) !== 0
      const more: u32 = answer ? 0 : load<u8>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_MORE_OFF)
      if ((more & MORE_SPI) === 0) return Asked.need(FIELD_SPI)
      Hmark.hasPorts = true
      Hmark.ports = load<u32>(CTX_SEQ_AT)
    } else if (Hmark.carriesPorts(proto)) {
      Hmark.hasPorts = true
      Hmark.ports = (load<u32>(CTX_SPORT_AT) << 16) | (load<u32>(CTX_DPORT_AT) & 0xffff)
    }
    return true
  }

  private static ofQuoted(): bool {
    if (!Packet.quotes()) return false
    const proto: u32 = load<u8>(CTX_INNER_AT + HDR_PROTO_OFF)
    Hmark.src = CTX_INNER_AT + HDR_SRC_OFF
    Hmark.dst = CTX_INNER_AT + HDR_DST_OFF
    Hmark.proto = proto
    if (proto === ESP || proto === AH) return Asked.need(FIELD_SPI)
    Hmark.hasPorts = Hmark.carriesPorts(proto)
    const sport: u32 = load<u16>(CTX_INNER_AT + HDR_SPORT_OFF)
    Hmark.ports = (sport << 16) | load<u16>(CTX_INNER_AT + HDR_DPORT_OFF)
    return true
  }
}
