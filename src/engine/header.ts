// Header records (64 bytes) and packets: written into and read from linear memory.
import {
  HDR_ACK_OFF,
  HDR_CHUNK_OFF,
  HDR_CODE_OFF,
  HDR_DPORT_OFF,
  HDR_DST_OFF,
  HDR_FAMILY_OFF,
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
} from '../../assembly/layout.js'
import { addressWords } from '../net/ip.js'
import type { Header, Packet, Quoted } from '../net/packet.js'
import {
  formatTcpFlags,
  hasPorts,
  isIcmp,
  isIcmpError,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  parseTcpFlags,
  protoName,
  protoNumber,
  sctpChunkNumber,
} from '../net/proto.js'
import { addressText } from './address-text.js'

const NO_CHUNK = 256

/** Writes an address (CTX form: words, most significant first). */
export function writeAddress(view: DataView, at: number, text: string): void {
  const words = addressWords(text)
  for (let i = 0; i < 4; i++) view.setUint32(at + i * 4, words[i]!, true)
}

/** Writes a complete packet's header. */
export function writeHeader(view: DataView, at: number, packet: Packet | Quoted): void {
  const proto = protoNumber(packet.proto) ?? 0
  view.setUint8(at + HDR_FAMILY_OFF, packet.src.includes(':') ? 6 : 4)
  view.setUint8(at + HDR_PROTO_OFF, proto)
  view.setUint8(at + HDR_TTL_OFF, packet.ttl ?? 64)
  view.setUint8(at + HDR_TOS_OFF, packet.tos ?? 0)
  writeAddress(view, at + HDR_SRC_OFF, packet.src)
  writeAddress(view, at + HDR_DST_OFF, packet.dst)
  view.setUint16(at + HDR_SPORT_OFF, packet.sport ?? 0, true)
  view.setUint16(at + HDR_DPORT_OFF, packet.dport ?? 0, true)
  view.setUint8(at + HDR_TYPE_OFF, packet.icmp_type ?? 0)
  view.setUint8(at + HDR_CODE_OFF, packet.icmp_code ?? 0)
  view.setUint16(at + HDR_ID_OFF, packet.icmp_id ?? 0, true)
  view.setUint8(at + HDR_TCP_FLAGS_OFF, proto === PROTOCOL_TCP ? (parseTcpFlags(packet.flags ?? '') ?? 0) : 0)
  view.setUint8(at + HDR_TCP_FLAGS_OFF + 1, 0)
  const chunk = proto === PROTOCOL_SCTP ? (sctpChunkNumber(packet.sctp_chunk ?? 'INIT') ?? 1) : NO_CHUNK
  view.setUint16(at + HDR_CHUNK_OFF, chunk, true)
  const tag = 'vtag' in packet ? packet.vtag : undefined
  view.setUint32(at + HDR_SEQ_OFF, tag ?? packet.seq ?? 0, true)
  view.setUint32(at + HDR_ACK_OFF, packet.ack ?? 0, true)
  view.setUint32(at + HDR_WIN_OFF, 'win' in packet ? (packet.win ?? 0) : 0, true)
  view.setUint32(at + HDR_PAYLOAD_OFF, packet.payload_len ?? 0, true)
}

/** TCP flags as letters, by their bits. */
const FLAGS: readonly string[] = Array.from({ length: 256 }, (_, bits) => formatTcpFlags(bits))

/** Reads a header as answers print it into `to`: no sequence numbers, tos only when it is not 0. */
export function readHeaderInto(to: Partial<Header>, view: DataView, at: number): void {
  const family = view.getUint8(at + HDR_FAMILY_OFF)
  const proto = view.getUint8(at + HDR_PROTO_OFF)
  to.proto = protoName(proto)
  to.src = addressText(view, at + HDR_SRC_OFF, family)
  to.dst = addressText(view, at + HDR_DST_OFF, family)
  to.ttl = view.getUint8(at + HDR_TTL_OFF)
  const tos = view.getUint8(at + HDR_TOS_OFF)
  if (tos !== 0) to.tos = tos
  readLayer4(to, view, at, proto)
}

function readLayer4(to: Partial<Header>, view: DataView, at: number, proto: number): void {
  if (hasPorts(proto)) {
    to.sport = view.getUint16(at + HDR_SPORT_OFF, true)
    to.dport = view.getUint16(at + HDR_DPORT_OFF, true)
    if (proto === PROTOCOL_TCP) to.flags = FLAGS[view.getUint8(at + HDR_TCP_FLAGS_OFF)]!
  } else if (isIcmp(proto)) {
    const type = view.getUint8(at + HDR_TYPE_OFF)
    to.icmp_type = type
    to.icmp_code = view.getUint8(at + HDR_CODE_OFF)
    if (!isIcmpError(proto, type)) to.icmp_id = view.getUint16(at + HDR_ID_OFF, true)
  }
}

/** A header as answers print it. */
export function readHeader(view: DataView, at: number): Header {
  const header = {} as Header
  readHeaderInto(header, view, at)
  return header
}

/** Sequence and acknowledgement numbers. */
export function readNumbers(view: DataView, at: number): { seq: number; ack: number } {
  return { seq: view.getUint32(at + HDR_SEQ_OFF, true), ack: view.getUint32(at + HDR_ACK_OFF, true) }
}

/**
 * A header record as a whole packet's fields, in the order of `completePacket`: for packets of which nothing else is
 * known. `iface` is left out of a quoted packet.
 */
export function readPacket(view: DataView, at: number, iface?: string): Quoted & Partial<Packet> {
  const family = view.getUint8(at + HDR_FAMILY_OFF)
  const proto = view.getUint8(at + HDR_PROTO_OFF)
  const packet: Quoted & Partial<Packet> = {
    proto: protoName(proto),
    src: addressText(view, at + HDR_SRC_OFF, family),
    dst: addressText(view, at + HDR_DST_OFF, family),
    ttl: view.getUint8(at + HDR_TTL_OFF),
    tos: view.getUint8(at + HDR_TOS_OFF),
    payload_len: view.getUint32(at + HDR_PAYLOAD_OFF, true),
  }
  readLayer4(packet, view, at, proto)
  if (proto === PROTOCOL_SCTP) packet.sctp_chunk = view.getUint16(at + HDR_CHUNK_OFF, true)
  if (iface !== undefined) packet.iface = iface
  if (proto === PROTOCOL_TCP) {
    packet.seq = view.getUint32(at + HDR_SEQ_OFF, true)
    packet.ack = view.getUint32(at + HDR_ACK_OFF, true)
    packet.win = view.getUint16(at + HDR_WIN_OFF, true)
  }
  if (proto === PROTOCOL_SCTP) packet.vtag = view.getUint32(at + HDR_SEQ_OFF, true)
  return packet
}
