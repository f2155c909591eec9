// The bytes of the packet in the context, from its IP header on, as rules read them: of each the value, which of its bits
// nobody knows, and the field that would say them. RFC 791, 8200, 9293, 768, 3828, 9260, 792, 4443, 4303.
import { Facts } from './facts'
import {
  CTX_ACK_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_FRAG_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_ID_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IS_REPLY_AT,
  CTX_LENGTH_AT,
  CTX_PAYLOAD_AT,
  CTX_PROTO_AT,
  CTX_SCTP_CHUNK_AT,
  CTX_SEQ_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  CTX_TCP_FLAGS_AT,
  CTX_TOS_AT,
  CTX_TTL_AT,
  CTX_WIN_AT,
  FACTS_DF,
  FACTS_FLOW_LABEL_OFF,
  FACTS_HAS_DF,
  FACTS_HAS_FLOW_LABEL,
  FACTS_HAS_ICMP_REST,
  FACTS_HAS_ICMP_SEQ,
  FACTS_HAS_IP_ID,
  FACTS_ICMP_REST_OFF,
  FACTS_ICMP_SEQ_OFF,
  FACTS_IP_ID_OFF,
  FIELD_BYTES,
  FIELD_CHECKSUM,
  FIELD_DF,
  FIELD_FLOW_LABEL,
  FIELD_ICMP_REST,
  FIELD_ICMP_SEQ,
  FIELD_IP_ID,
  FIELD_PAYLOAD,
  FIELD_SPI,
  FRAG_OFFSET,
  MORE_EXTRA,
  MORE_SPI,
} from './layout'
import { Layer4Match } from './match-layer4'
import { Packet } from './packet'

const ALL: u32 = 255

export class Bytes {
  /** Of the byte that was read last: the bits that nobody knows, and the FIELD_* that would say them. */
  static unknown: u32 = 0
  static field: u32 = 0

  private static miss(bits: u32, field: u32): u32 {
    Bytes.unknown = bits
    // Of what this host answers, the header is all that is known.
    Bytes.field = load<u32>(CTX_IS_REPLY_AT) !== 0 ? FIELD_BYTES : field
    return 0
  }

  /** Byte `i` of a value of so many bytes. */
  private static part(value: u32, bytes: u32, i: u32): u32 {
    return (value >>> ((bytes - 1 - i) << 3)) & 255
  }

  private static fact(has: u32, offset: usize, bytes: u32, i: u32, field: u32): u32 {
    return Facts.has(has) ? Bytes.part(load<u32>(Facts.at() + offset), bytes, i) : Bytes.miss(ALL, field)
  }

  private static payload(i: u32): u32 {
    const byte = Facts.payload(i)
    return byte < 0 ? Bytes.miss(ALL, FIELD_PAYLOAD) : (byte as u32)
  }

  private static extra(): bool {
    return (Facts.more() & MORE_EXTRA) !== 0
  }

  /** Byte `i` of the packet; sets `unknown` and `field`. */
  static at(i: u32): u32 {
    Bytes.unknown = 0
    if (load<u32>(CTX_FAMILY_AT) === 4) return i < 20 ? Bytes.ipv4(i) : Bytes.behind(i - 20, 20)
    if (i < 40) return Bytes.ipv6(i)
    if (load<u32>(CTX_FRAG_AT) === 0) return Bytes.behind(i - 40, 40)
    return i < 48 && !Bytes.extra() ? Bytes.fragment(i - 40) : Bytes.behind(i - 48, 48)
  }

  private static ipv4(i: u32): u32 {
    if (i >= 12) return Bytes.part(load<u32>(i < 16 ? CTX_SRC_AT : CTX_DST_AT), 4, i & 3)
    const frag = load<u32>(CTX_FRAG_AT)
    switch (i) {
      case 0:
        if (Bytes.extra()) Bytes.miss(15, FIELD_BYTES)
        return Bytes.unknown !== 0 ? 0x40 : 0x45
      case 1:
        return load<u32>(CTX_TOS_AT)
      case 2:
      case 3:
        return Bytes.part(load<u32>(CTX_LENGTH_AT), 2, i - 2)
      case 4:
      case 5:
        return Bytes.fact(FACTS_HAS_IP_ID, FACTS_IP_ID_OFF, 2, i - 4, FIELD_IP_ID)
      case 6: {
        const known: u32 = ((frag >>> 15) << 5) | ((frag & FRAG_OFFSET) >>> 8)
        if (Facts.has(FACTS_HAS_DF)) return known | (Facts.has(FACTS_DF) ? 0x40 : 0)
        Bytes.miss(0x40, FIELD_DF)
        return known
      }
      case 7:
        return frag & 255
      case 8:
        return load<u32>(CTX_TTL_AT)
      case 9:
        return load<u32>(CTX_PROTO_AT)
      default:
        return Bytes.checksum(i - 10)
    }
  }

  /** The checksum of an IPv4 header of which all is known; what is not known first, is asked for. */
  private static checksum(i: u32): u32 {
    let sum: u32 = 0
    for (let at: u32 = 0; at < 20; at++) {
      if (at === 10 || at === 11) continue
      const byte = Bytes.ipv4(at)
      if (Bytes.unknown !== 0) {
        Bytes.unknown = ALL
        return 0
      }
      sum += at & 1 ? byte : byte << 8
    }
    sum = (sum & 0xffff) + (sum >>> 16)
    sum = (sum & 0xffff) + (sum >>> 16)
    return Bytes.part(~sum & 0xffff, 2, i)
  }

  private static ipv6(i: u32): u32 {
    if (i >= 8) {
      const at: usize = i < 24 ? CTX_SRC_AT + i - 8 : CTX_DST_AT + i - 24
      return Bytes.part(load<u32>(at & ~3), 4, i & 3)
    }
    const tos = load<u32>(CTX_TOS_AT)
    switch (i) {
      case 0:
        return 0x60 | (tos >>> 4)
      case 1: {
        const high: u32 = (tos & 15) << 4
        if (Facts.has(FACTS_HAS_FLOW_LABEL)) return high | (load<u32>(Facts.at(), FACTS_FLOW_LABEL_OFF) >>> 16)
        Bytes.miss(15, FIELD_FLOW_LABEL)
        return high
      }
      case 2:
      case 3:
        return Bytes.fact(FACTS_HAS_FLOW_LABEL, FACTS_FLOW_LABEL_OFF, 4, i, FIELD_FLOW_LABEL)
      case 4:
      case 5:
        return Bytes.part(load<u32>(CTX_LENGTH_AT) - 40, 2, i - 4)
      case 6:
        if (Bytes.extra()) return Bytes.miss(ALL, FIELD_BYTES)
        return load<u32>(CTX_FRAG_AT) !== 0 ? 44 : load<u32>(CTX_PROTO_AT)
      default:
        return load<u32>(CTX_TTL_AT)
    }
  }

  private static fragment(i: u32): u32 {
    const frag = load<u32>(CTX_FRAG_AT)
    if (i === 0) return load<u32>(CTX_PROTO_AT)
    if (i === 1) return 0
    if (i < 4) return Bytes.part(((frag & FRAG_OFFSET) << 3) | (frag >>> 15), 2, i - 2)
    return Bytes.fact(FACTS_HAS_IP_ID, FACTS_IP_ID_OFF, 4, i - 4, FIELD_IP_ID)
  }

  /** Byte `i` behind a network header of so many bytes. */
  private static behind(i: u32, header: u32): u32 {
    if (Bytes.extra()) return Bytes.miss(ALL, FIELD_BYTES)
    const proto = load<u32>(CTX_PROTO_AT)
    const ports = proto === 6 || proto === 17 || proto === 33 || proto === 132 || proto === 136
    if (ports && i < 4) return Bytes.part(load<u32>(i < 2 ? CTX_SPORT_AT : CTX_DPORT_AT), 2, i & 1)
    switch (proto) {
      case 6:
        return Bytes.tcp(i)
      case 17:
      case 136:
        if (i >= 8) return Bytes.payload(i - 8)
        if (i >= 6) return Bytes.miss(ALL, FIELD_CHECKSUM)
        if (proto === 136 || load<u32>(CTX_FRAG_AT) !== 0) return Bytes.miss(ALL, FIELD_BYTES)
        return Bytes.part(load<u32>(CTX_LENGTH_AT) - header, 2, i & 1)
      case 33:
        return Bytes.miss(ALL, FIELD_BYTES)
      case 132:
        return Bytes.sctp(i, load<u32>(CTX_LENGTH_AT) - header)
      case 1:
      case 58:
        return Bytes.icmp(i, proto)
      case 47:
        return i < 4 ? Bytes.miss(ALL, FIELD_BYTES) : Bytes.payload(i - 4)
      case 50:
        if (i >= 8) return Bytes.payload(i - 8)
        if (i >= 4) return Bytes.miss(ALL, FIELD_BYTES)
        return (Facts.more() & MORE_SPI) !== 0 ? Bytes.part(load<u32>(CTX_SEQ_AT), 4, i) : Bytes.miss(ALL, FIELD_SPI)
      default:
        return Bytes.payload(i)
    }
  }

  private static tcp(i: u32): u32 {
    const options = Facts.options()
    const size: u32 = options === 0 ? 0 : load<u8>(options)
    if (i >= 20) return i < 20 + size ? load<u8>(options + 1 + (i as usize) - 20) : Bytes.payload(i - 20 - size)
    switch (i >>> 2) {
      case 1:
        return Bytes.part(load<u32>(CTX_SEQ_AT), 4, i & 3)
      case 2:
        return Bytes.part(load<u32>(CTX_ACK_AT), 4, i & 3)
      case 3:
        if (i === 12) return (20 + size) << 2
        if (i === 13) return load<u32>(CTX_TCP_FLAGS_AT)
        return load<u32>(CTX_IS_REPLY_AT) !== 0
          ? Bytes.miss(ALL, FIELD_BYTES)
          : Bytes.part(load<u32>(CTX_WIN_AT), 2, i & 1)
      default:
        return i < 18 ? Bytes.miss(ALL, FIELD_CHECKSUM) : 0
    }
  }

  /** `length`: of the SCTP packet. */
  private static sctp(i: u32, length: u32): u32 {
    if (i < 8) return Bytes.part(load<u32>(CTX_SEQ_AT), 4, i & 3)
    if (i < 12) return Bytes.miss(ALL, FIELD_CHECKSUM)
    const data = load<u32>(CTX_SCTP_CHUNK_AT) === 0
    const payload = load<u32>(CTX_PAYLOAD_AT)
    if (i === 12) return load<u32>(CTX_SCTP_CHUNK_AT) & 255
    if (i === 13) return Layer4Match.sctpFlags()
    if (i < 16) return Bytes.part(data ? 16 + (payload === 0 ? 4 : payload) : length - 12, 2, i & 1)
    return data && i >= 28 ? Bytes.payload(i - 28) : Bytes.miss(ALL, FIELD_BYTES)
  }

  private static icmp(i: u32, proto: u32): u32 {
    const type = load<u32>(CTX_ICMP_TYPE_AT)
    const error = proto === 58 ? type < 128 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12
    if (i === 0) return type
    if (i === 1) return load<u32>(CTX_ICMP_CODE_AT)
    if (i < 4) return Bytes.miss(ALL, FIELD_CHECKSUM)
    if (i >= 8) return Packet.quotes() ? Bytes.miss(ALL, FIELD_BYTES) : Bytes.payload(i - 8)
    if (error) return Bytes.fact(FACTS_HAS_ICMP_REST, FACTS_ICMP_REST_OFF, 4, i - 4, FIELD_ICMP_REST)
    if (i < 6) return Bytes.part(load<u32>(CTX_ICMP_ID_AT), 2, i - 4)
    return Bytes.fact(FACTS_HAS_ICMP_SEQ, FACTS_ICMP_SEQ_OFF, 2, i - 6, FIELD_ICMP_SEQ)
  }
}

/** A number read from bytes, with the bits that are not known and by which field, byte by byte: what is masked off is not asked for. */
export class Loaded {
  static value: u32 = 0
  // Four masks of 8 bits each at the start; they move with the value.
  private static unknown0: u32 = 0
  private static unknown1: u32 = 0
  private static unknown2: u32 = 0
  private static unknown3: u32 = 0
  private static fields: u32 = 0

  static clear(value: u32): void {
    Loaded.value = value
    Loaded.unknown0 = 0
    Loaded.unknown1 = 0
    Loaded.unknown2 = 0
    Loaded.unknown3 = 0
    Loaded.fields = 0
  }

  /** Reads 1, 2 or 4 bytes, which must be there. */
  static read(at: u32, bytes: u32): void {
    Loaded.clear(0)
    for (let i: u32 = 0; i < bytes; i++) {
      const byte = Bytes.at(at + i)
      Loaded.shift(8)
      Loaded.value |= byte
      Loaded.unknown3 = Loaded.unknown2
      Loaded.unknown2 = Loaded.unknown1
      Loaded.unknown1 = Loaded.unknown0
      Loaded.unknown0 = Bytes.unknown
      Loaded.fields = (Loaded.fields << 8) | Bytes.field
    }
  }

  private static shift(bits: u32): void {
    Loaded.value <<= bits
    Loaded.unknown0 <<= bits
    Loaded.unknown1 <<= bits
    Loaded.unknown2 <<= bits
    Loaded.unknown3 <<= bits
  }

  static left(bits: u32): void {
    Loaded.shift(bits)
  }

  static right(bits: u32): void {
    const by = bits & 31
    Loaded.value >>>= by
    Loaded.unknown0 >>>= by
    Loaded.unknown1 >>>= by
    Loaded.unknown2 >>>= by
    Loaded.unknown3 >>>= by
  }

  static and(mask: u32): void {
    Loaded.value &= mask
    Loaded.unknown0 &= mask
    Loaded.unknown1 &= mask
    Loaded.unknown2 &= mask
    Loaded.unknown3 &= mask
  }

  /** The FIELD_* of the first byte with a bit that is not known; 0: all is known. */
  static missing(): u32 {
    if (Loaded.unknown3 !== 0) return Loaded.fields >>> 24
    if (Loaded.unknown2 !== 0) return (Loaded.fields >>> 16) & 255
    if (Loaded.unknown1 !== 0) return (Loaded.fields >>> 8) & 255
    return Loaded.unknown0 !== 0 ? Loaded.fields & 255 : 0
  }
}
