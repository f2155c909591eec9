// A captured fragment that is not its packet's first: what stands behind the IP header is the middle of something, but
// packet lines give it as a packet of its own (see `frag`), since some rules look at it as if it were a header.
// Spec: RFC 791 section 3.1, RFC 8200 section 4.5.
import { type Segment, u16, type WirePacket } from './decode-layer4.js'
import { FRAGMENT_MORE, FRAGMENT_NONE, FRAGMENT_OFFSET } from './fragment.js'
import { packetLength } from './length.js'
import { formatTcpFlags, hasPorts, PROTOCOL_TCP } from './proto.js'

/** How a packet is cut, by its IP header. */
export interface Cut {
  /** As packet lines have it. */
  readonly frag: number
  readonly id: number
}

/** The field of an IPv4 header; null: the packet is whole. */
export function cutOf(field: number, id: number): Cut | null {
  if ((field & (FRAGMENT_MORE | FRAGMENT_OFFSET)) === 0) return null
  return { frag: field & (FRAGMENT_MORE | FRAGMENT_OFFSET | FRAGMENT_NONE), id }
}

/** Bytes from the start of the packet's payload. */
export function offsetOf({ frag }: Cut): number {
  return (frag & FRAGMENT_OFFSET) * 8
}

/** Fills in what a later fragment shows where a header would stand, and its length: `total` is that of the IP packet. */
export function decodeLaterFragment(packet: WirePacket, { proto, bytes }: Segment, total: number): void {
  if (hasPorts(proto)) {
    packet.sport = bytes.length >= 2 ? u16(bytes, 0) : 0
    packet.dport = bytes.length >= 4 ? u16(bytes, 2) : 0
  }
  if (proto === PROTOCOL_TCP) packet.flags = bytes.length >= 14 ? formatTcpFlags(bytes[13]!) : ''
  packet.payload_len = 0
  packet.payload_len = Math.max(0, total - packetLength({ ...packet, iface: '' }))
}
