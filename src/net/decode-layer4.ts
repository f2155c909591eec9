// Layer-4 header bytes to packet fields: TCP, UDP, UDP-Lite, SCTP, DCCP, ICMP, ICMPv6; others only count.
// Owns what lies behind the network header. Spec: RFC 9293, 768, 3828, 9260, 4340, 792, 4443, 4884 (long quotes).
// Lengths come from the network header, so a capture that cut the payload off still gives the right ones.
import type { Packet, Quoted } from './packet.js'
import {
  formatTcpFlags,
  isIcmp,
  isIcmpError,
  PROTOCOL_DCCP,
  PROTOCOL_ESP,
  PROTOCOL_GRE,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
  sctpChunkName,
} from './proto.js'

/** A packet as the wire shows it: no interface, mark or time. */
export type WirePacket = Omit<Packet, 'iface'>

/** Why bytes are no packet for the data plane. */
export interface Undecoded {
  readonly problem: string
}

/** What follows the network header. */
export interface Segment {
  /** Protocol number. */
  readonly proto: number
  /** From the layer-4 header on; fewer than `length` when the capture or the quote is cut. */
  readonly bytes: Uint8Array
  /** Length on the wire. */
  readonly length: number
  /** The first fragment of a packet: its inner lengths speak of more than is here. */
  readonly fragment?: boolean
}

/** Big-endian unsigned 16 and 32 bits. */
export const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!
export const u32 = (bytes: Uint8Array, at: number): number => ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0

/** `null` when `count` bytes are there, else the problem: cut by the capture, or too short on the wire. */
export function missing(what: string, count: number, captured: number, length: number): Undecoded | null {
  if (length < count) return { problem: `malformed: ${what} needs ${count} bytes, the packet has ${length}` }
  if (captured < count) return { problem: `truncated capture: ${what} needs ${count} bytes, ${captured} were captured` }
  return null
}

function tcp(packet: WirePacket, { bytes, length }: Segment): Undecoded | null {
  const cut = missing('the TCP header', 20, bytes.length, length)
  if (cut) return cut
  const header = (bytes[12]! >> 4) * 4
  if (header < 20 || header > length) return { problem: `malformed: TCP data offset ${header} of ${length} bytes` }
  packet.flags = formatTcpFlags(bytes[13]!)
  packet.seq = u32(bytes, 4)
  packet.ack = u32(bytes, 8)
  packet.win = u16(bytes, 14)
  packet.payload_len = length - header
  return null
}

function udp(packet: WirePacket, { bytes, length, proto, fragment }: Segment): Undecoded | null {
  const cut = missing(proto === PROTOCOL_UDP ? 'the UDP header' : 'the UDP-Lite header', 8, bytes.length, length)
  if (cut) return cut
  const stated = u16(bytes, 4)
  if (proto === PROTOCOL_UDP && (stated < 8 || (stated > length && !fragment)))
    return { problem: `malformed: UDP length ${stated} of ${length} bytes` }
  packet.payload_len = (proto === PROTOCOL_UDP ? Math.min(stated, length) : length) - 8
  return null
}

function sctp(packet: WirePacket, { bytes, length, fragment }: Segment, notes: string[]): Undecoded | null {
  const cut = missing('the SCTP header and the head of its first chunk', 16, bytes.length, length)
  if (cut) return cut
  packet.vtag = u32(bytes, 4)
  const chunk = bytes[12]!
  const chunkLength = u16(bytes, 14)
  if (chunkLength < 4 || (12 + chunkLength > length && !fragment))
    return { problem: `malformed: SCTP chunk of ${chunkLength} bytes, ${length - 12} are there` }
  packet.sctp_chunk = sctpChunkName(chunk)
  packet.payload_len = chunk === 0 ? Math.max(0, Math.min(chunkLength, length - 12) - 16) : 0
  if (12 + Math.ceil(chunkLength / 4) * 4 < length) notes.push('only the first of several SCTP chunks counts')
  return null
}

/** `quote` reads a quoted packet; null when there is too little of it. */
export type QuoteReader = (bytes: Uint8Array) => Quoted | null

function icmp(packet: WirePacket, segment: Segment, notes: string[], quote: QuoteReader): Undecoded | null {
  const { proto, bytes, length } = segment
  const cut = missing(proto === 1 ? 'the ICMP header' : 'the ICMPv6 header', 8, bytes.length, length)
  if (cut) return cut
  packet.icmp_type = bytes[0]!
  packet.icmp_code = bytes[1]!
  packet.payload_len = length - 8
  if (!isIcmpError(proto, packet.icmp_type)) {
    packet.icmp_id = u16(bytes, 4)
    return null
  }
  const inner = quote(bytes.subarray(8))
  if (inner === null) {
    if (bytes.length < length) return { problem: 'truncated capture: the packet that an ICMP error quotes is cut' }
    notes.push('an ICMP error quotes too little of a packet')
    return null
  }
  packet.inner = inner
  packet.inner_len = length - 8
  packet.payload_len = 0
  return null
}

/**
 * Fills the layer-4 fields of `packet` and its `payload_len`. Remarks go to `notes`.
 * Returns the problem, or null when all went well.
 */
export function decodeLayer4(
  packet: WirePacket,
  segment: Segment,
  notes: string[],
  quote: QuoteReader,
): Undecoded | null {
  const { proto, bytes, length } = segment
  if (isIcmp(proto)) return icmp(packet, segment, notes, quote)
  switch (proto) {
    case PROTOCOL_TCP:
    case PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
    case PROTOCOL_SCTP:
    case PROTOCOL_DCCP: {
      const problem =
        proto === PROTOCOL_TCP
          ? tcp(packet, segment)
          : proto === PROTOCOL_SCTP
            ? sctp(packet, segment, notes)
            : proto === PROTOCOL_DCCP
              ? missing('the DCCP header', 12, bytes.length, length)
              : udp(packet, segment)
      if (problem) return problem
      packet.sport = u16(bytes, 0)
      packet.dport = u16(bytes, 2)
      return null
    }
    case PROTOCOL_GRE:
      packet.payload_len = Math.max(0, length - 4)
      return null
    case PROTOCOL_ESP:
      packet.payload_len = Math.max(0, length - 8)
      return null
    default:
      packet.payload_len = length
      return null
  }
}

/**
 * The layer-4 fields of a quoted packet, as many as the quote holds; false when even the ports or the ICMP head are
 * missing (8 bytes are what every error quotes at least).
 */
export function decodeQuotedLayer4(quoted: Quoted, { proto, bytes, length }: Segment): boolean {
  if (bytes.length < Math.min(8, length)) return false
  quoted.payload_len = length
  switch (proto) {
    case PROTOCOL_TCP:
      if (length < 20) return false
      quoted.seq = u32(bytes, 4)
      if (bytes.length >= 12) quoted.ack = u32(bytes, 8)
      if (bytes.length >= 14) quoted.flags = formatTcpFlags(bytes[13]!)
      quoted.payload_len = length - 20
      break
    case PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
      if (length < 8) return false
      quoted.payload_len = length - 8
      break
    case PROTOCOL_SCTP:
      if (length < 12) return false
      if (bytes.length >= 16) quoted.sctp_chunk = sctpChunkName(bytes[12]!)
      quoted.payload_len = bytes.length >= 16 && bytes[12] === 0 ? Math.max(0, u16(bytes, 14) - 16) : 0
      break
    case PROTOCOL_DCCP:
      if (length < 12) return false
      quoted.payload_len = 0
      break
    case PROTOCOL_GRE:
      quoted.payload_len = Math.max(0, length - 4)
      return true
    case PROTOCOL_ESP:
      quoted.payload_len = Math.max(0, length - 8)
      return true
    default:
      if (!isIcmp(proto)) return true
      if (length < 8) return false
      quoted.icmp_type = bytes[0]!
      quoted.icmp_code = bytes[1]!
      if (!isIcmpError(proto, bytes[0]!)) quoted.icmp_id = u16(bytes, 4)
      quoted.payload_len = length - 8
      return true
  }
  quoted.sport = u16(bytes, 0)
  quoted.dport = u16(bytes, 2)
  return true
}
