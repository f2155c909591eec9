// Fragments of IP packets as packet lines have them: `frag`, the field of an IPv4 header (IPv6: likewise, of its
// fragment header). Owns the reading of that field and what a fragment shows. Spec: RFC 791 section 3.1, RFC 8200 4.5.
import { packetLength } from './length.js'
import type { Packet } from './packet.js'

export const FRAGMENT_MORE = 0x2000
export const FRAGMENT_OFFSET = 0x1fff
/** Routers may not cut the packet (DF). */
export const FRAGMENT_NONE = 0x4000

/** Is it a piece of a packet that is not its first, so that it has no layer-4 header? */
export function isLaterFragment(packet: { readonly frag?: number }): boolean {
  return ((packet.frag ?? 0) & FRAGMENT_OFFSET) !== 0
}

/** IPv4: may routers cut the packet into pieces? Whole ones say so, pieces say when they may not. */
export function mayBeCut(packet: { readonly df?: boolean; readonly frag?: number }): boolean {
  return !(packet.df ?? packet.frag === undefined)
}

/** A piece of a packet: which bytes behind the IP header it holds, and whether more follow. */
export interface Piece {
  readonly from: number
  readonly to: number
  readonly last: boolean
}

/** Bytes of the header that each piece of a packet has for itself. */
function headerBytes(packet: Packet): number {
  return packet.src.includes(':') ? 48 : 20
}

/** The piece that a fragment is. One that others follow ends at a multiple of 8. */
export function pieceOf(packet: Packet): Piece {
  const frag = packet.frag ?? 0
  const from = (frag & FRAGMENT_OFFSET) * 8
  const to = from + packetLength(packet) - headerBytes(packet)
  const last = (frag & FRAGMENT_MORE) === 0
  return { from, to: last ? to : to - (to % 8), last }
}

/** The packet with the link, the owner and the processor of another one, whether that names them or not. */
function inPlaceOf(packet: Packet, { iface, uid, gid, cpu }: Packet): Packet {
  const { iface: _i, uid: _u, gid: _g, cpu: _c, ...rest } = packet
  return {
    ...rest,
    iface,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(cpu === undefined ? {} : { cpu }),
  }
}

/**
 * The packet whose first piece this is, completed by `last`, and that has so many bytes behind the IP header. `cuttable`: it
 * may be cut again. Its socket is that of the piece that completed it (inet_frag_reasm_prepare).
 */
export function wholeOf(first: Packet, last: Packet, bytes: number, cuttable: boolean): Packet {
  const { frag: _f, ip_id: _i, at_ms: _at, df, payload: _p, ...whole } = first
  const layer4 = packetLength(first) - headerBytes(first) - (first.payload_len ?? 0)
  const said = first.src.includes(':') ? {} : cuttable ? { df: false } : df === undefined ? {} : { df: true }
  return inPlaceOf({ ...whole, ...said, payload_len: bytes - layer4 }, last)
}

/** What packets' pieces have in common. Without an identification a piece belongs to no other. */
export function fragmentKey(packet: Packet): string | null {
  if (packet.ip_id === undefined) return null
  return `${packet.src} ${packet.dst} ${packet.proto} ${packet.ip_id}`
}

/** Seconds until the pieces of an incomplete packet are thrown away, counted from the first that came. */
export const REASSEMBLY_SECONDS = { ipv4: 30, ipv6: 60 } as const
