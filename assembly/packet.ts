// A packet between its two forms: header records (64 bytes, packed) and the context that all files work on.
import { Address } from './address'
import { Asked } from './asked'
import {
  CTX_ACK_AT,
  CTX_CHAIN_AT,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_DNAT_ATTEMPT_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_FRAG_AT,
  CTX_FRAME_AT,
  CTX_FRAME_BYTES,
  CTX_HOP_ATTEMPT_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_ID_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_INNER_AT,
  CTX_IS_REPLY_AT,
  CTX_LENGTH_AT,
  CTX_MARK_AT,
  CTX_NOTRACK_AT,
  CTX_OUT_LINK_AT,
  CTX_PAYLOAD_AT,
  CTX_PROTO_AT,
  CTX_RECORD_AT,
  CTX_REJECT_AT,
  CTX_RULE_AT,
  CTX_SCTP_CHUNK_AT,
  CTX_SEQ_AT,
  CTX_SNAT_ATTEMPT_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  CTX_TCP_FLAGS_AT,
  CTX_TCP_OPTIONS_AT,
  CTX_TCP_SACK_AT,
  CTX_TOS_AT,
  CTX_TRACING_AT,
  CTX_TTL_AT,
  CTX_VISIT_AT,
  CTX_WIN_AT,
  CTX_ZONE_AT,
  CTX_ZONE_REPLY_AT,
  HDR_ACK_OFF,
  HDR_BYTES,
  HDR_CHUNK_OFF,
  HDR_CODE_OFF,
  HDR_DPORT_OFF,
  HDR_DST_OFF,
  HDR_FAMILY_OFF,
  HDR_HAS_OFF,
  HDR_ID_OFF,
  HDR_PAYLOAD_OFF,
  HDR_PROTO_OFF,
  HDR_SEQ_OFF,
  HDR_SPORT_OFF,
  HDR_SRC_OFF,
  HDR_TCP_FLAGS_OFF,
  HDR_TOS_OFF,
  HDR_TTL_OFF,
  HDR_TYPE_OFF,
  HDR_WIN_OFF,
  RECORD_FLAGS_OFF,
  RECORD_FRAG_OFF,
  RECORD_IN_LINK_OFF,
  RECORD_LENGTH_OFF,
  RECORD_MARK_OFF,
  RECORD_QUOTES,
  RECORD_TCP_OPTIONS,
  RECORD_TRACE,
  RECORD_ZONE_OFF,
} from './layout'
import { Memory } from './memory'

export class Packet {
  /** Reads a header into the context. */
  static unpack(header: usize): void {
    store<u32>(CTX_FAMILY_AT, load<u8>(header + HDR_FAMILY_OFF))
    store<u32>(CTX_PROTO_AT, load<u8>(header + HDR_PROTO_OFF))
    store<u32>(CTX_TTL_AT, load<u8>(header + HDR_TTL_OFF))
    store<u32>(CTX_TOS_AT, load<u8>(header + HDR_TOS_OFF))
    Address.copy(CTX_SRC_AT, header + HDR_SRC_OFF)
    Address.copy(CTX_DST_AT, header + HDR_DST_OFF)
    store<u32>(CTX_SPORT_AT, load<u16>(header + HDR_SPORT_OFF))
    store<u32>(CTX_DPORT_AT, load<u16>(header + HDR_DPORT_OFF))
    store<u32>(CTX_ICMP_TYPE_AT, load<u8>(header + HDR_TYPE_OFF))
    store<u32>(CTX_ICMP_CODE_AT, load<u8>(header + HDR_CODE_OFF))
    store<u32>(CTX_ICMP_ID_AT, load<u16>(header + HDR_ID_OFF))
    store<u32>(CTX_TCP_FLAGS_AT, load<u8>(header + HDR_TCP_FLAGS_OFF))
    store<u32>(CTX_SCTP_CHUNK_AT, load<u16>(header + HDR_CHUNK_OFF))
    store<u32>(CTX_SEQ_AT, load<u32>(header + HDR_SEQ_OFF))
    store<u32>(CTX_ACK_AT, load<u32>(header + HDR_ACK_OFF))
    store<u32>(CTX_WIN_AT, load<u16>(header + HDR_WIN_OFF))
    store<u32>(CTX_PAYLOAD_AT, load<u32>(header + HDR_PAYLOAD_OFF))
  }

  /** Writes the context's header. */
  static pack(header: usize): void {
    store<u8>(header + HDR_FAMILY_OFF, <u8>load<u32>(CTX_FAMILY_AT))
    store<u8>(header + HDR_PROTO_OFF, <u8>load<u32>(CTX_PROTO_AT))
    store<u8>(header + HDR_TTL_OFF, <u8>load<u32>(CTX_TTL_AT))
    store<u8>(header + HDR_TOS_OFF, <u8>load<u32>(CTX_TOS_AT))
    Address.copy(header + HDR_SRC_OFF, CTX_SRC_AT)
    Address.copy(header + HDR_DST_OFF, CTX_DST_AT)
    store<u16>(header + HDR_SPORT_OFF, <u16>load<u32>(CTX_SPORT_AT))
    store<u16>(header + HDR_DPORT_OFF, <u16>load<u32>(CTX_DPORT_AT))
    store<u8>(header + HDR_TYPE_OFF, <u8>load<u32>(CTX_ICMP_TYPE_AT))
    store<u8>(header + HDR_CODE_OFF, <u8>load<u32>(CTX_ICMP_CODE_AT))
    store<u16>(header + HDR_ID_OFF, <u16>load<u32>(CTX_ICMP_ID_AT))
    store<u8>(header + HDR_TCP_FLAGS_OFF, <u8>load<u32>(CTX_TCP_FLAGS_AT))
    store<u8>(header + HDR_HAS_OFF, 0)
    store<u16>(header + HDR_CHUNK_OFF, <u16>load<u32>(CTX_SCTP_CHUNK_AT))
    store<u32>(header + HDR_SEQ_OFF, load<u32>(CTX_SEQ_AT))
    store<u32>(header + HDR_ACK_OFF, load<u32>(CTX_ACK_AT))
    store<u16>(header + HDR_WIN_OFF, <u16>load<u32>(CTX_WIN_AT))
    store<u32>(header + HDR_PAYLOAD_OFF, load<u32>(CTX_PAYLOAD_AT))
  }

  /** Does the packet in the context quote another? */
  static quotes(): bool {
    return load<u8>(CTX_INNER_AT + HDR_FAMILY_OFF) !== 0
  }

  /** Begins a packet: its record, and the context's other words at their start. */
  static load(record: usize, quote: usize): void {
    Packet.unpack(record)
    const flags = load<u16>(record + RECORD_FLAGS_OFF)
    store<u32>(CTX_RECORD_AT, <u32>record)
    Asked.clear()
    store<u32>(CTX_MARK_AT, load<u32>(record + RECORD_MARK_OFF))
    store<u32>(CTX_IN_LINK_AT, load<u32>(record + RECORD_IN_LINK_OFF))
    store<u32>(CTX_LENGTH_AT, load<u32>(record + RECORD_LENGTH_OFF))
    Packet.start()
    store<u32>(CTX_FRAG_AT, load<u16>(record + RECORD_FRAG_OFF))
    const zone: u32 = load<u16>(record + RECORD_ZONE_OFF)
    store<u32>(CTX_ZONE_AT, zone)
    store<u32>(CTX_ZONE_REPLY_AT, zone)
    store<u32>(CTX_TRACING_AT, flags & RECORD_TRACE ? 1 : 0)
    store<u32>(CTX_IS_REPLY_AT, 0)
    store<u32>(CTX_VISIT_AT, 0)
    store<u32>(CTX_SNAT_ATTEMPT_AT, 0)
    store<u32>(CTX_DNAT_ATTEMPT_AT, 0)
    store<u32>(CTX_HOP_ATTEMPT_AT, 0)
    if (flags & RECORD_QUOTES) memory.copy(CTX_INNER_AT, quote, HDR_BYTES)
    if (flags & RECORD_TCP_OPTIONS) {
      store<u32>(CTX_TCP_OPTIONS_AT, load<u8>(record + HDR_TYPE_OFF))
      const high: u32 = load<u16>(record + HDR_WIN_OFF + 2)
      store<u32>(CTX_TCP_SACK_AT, (high << 16) | load<u16>(record + HDR_ID_OFF))
    }
  }

  /** The words that every packet, an answer too, begins with. */
  static start(): void {
    store<u32>(CTX_OUT_LINK_AT, 0)
    store<u32>(CTX_CT_AT, 0)
    store<u32>(CTX_CTINFO_AT, 0)
    store<u32>(CTX_ZONE_AT, 0)
    store<u32>(CTX_ZONE_REPLY_AT, 0)
    store<u32>(CTX_NOTRACK_AT, 0)
    store<u32>(CTX_REJECT_AT, 0)
    store<u32>(CTX_RULE_AT, 0)
    store<u32>(CTX_CHAIN_AT, 0)
    Memory.clear(CTX_FRAME_AT, CTX_FRAME_BYTES)
    store<u32>(CTX_TCP_OPTIONS_AT, 0)
    store<u32>(CTX_FRAG_AT, 0)
    store<u8>(CTX_INNER_AT + HDR_FAMILY_OFF, 0)
    store<u8>(CTX_INNER_AT + HDR_PROTO_OFF, 0)
  }
}
