// Frame bytes to a packet: link header, IPv4 or IPv6, then layer 4.
// Owns IP headers, fragments and lengths. Spec: RFC 791, RFC 8200. IPv6 extension headers are passed as ip6tables and
// conntrack pass them: hop-by-hop, routing, fragment, authentication, destination options.
import { checkChecksum, internetChecksum } from './checksum.js'
import { type Cut, cutOf, decodeLaterFragment, offsetOf } from './decode-fragment.js'
import {
  decodeLayer4,
  decodeQuotedLayer4,
  missing,
  type Segment,
  type Undecoded,
  u16,
  u32,
  type WirePacket,
} from './decode-layer4.js'
import { linkHeader } from './decode-link.js'
import { FRAGMENT_MORE, FRAGMENT_NONE } from './fragment.js'
import { addressFromBytes, formatAddress } from './ip.js'
import { packetLength } from './length.js'
import type { Quoted } from './packet.js'
import { PROTOCOL_AH, PROTOCOL_ICMP, PROTOCOL_ICMPV6, protoName } from './proto.js'

/** A frame understood. */
export interface Decoded {
  readonly packet: WirePacket
  /** What was seen and does not show in the packet: VLAN tags, IP options, offloaded checksums … */
  readonly notes: readonly string[]
  /** The capture says that its host sent this frame. */
  readonly outgoing: boolean
}

interface Network {
  readonly segment: Segment
  readonly src: Uint8Array
  readonly dst: Uint8Array
  readonly ttl: number
  readonly tos: number
  /** Length of the whole packet on the wire. */
  readonly total: number
  readonly notes: string[]
  /** Of a fragment. */
  readonly cut: Cut | null
  /** IPv4: the DF bit is not set. */
  readonly mayBeCut: boolean
  /** The checksum cannot be judged: a fragment, or a destination that is still to come. */
  readonly partial: boolean
}

function ipv4(bytes: Uint8Array, wire: number, quoted: boolean): Network | Undecoded {
  const short = missing('the IPv4 header', 20, bytes.length, wire)
  if (short) return short
  const header = (bytes[0]! & 15) * 4
  if (bytes[0]! >> 4 !== 4 || header < 20) return { problem: 'malformed: this is no IPv4 header' }
  const cutOptions = missing('the IPv4 header', header, bytes.length, wire)
  if (cutOptions) return cutOptions
  const notes: string[] = []
  let total = u16(bytes, 2)
  if (total === 0 && !quoted) {
    // Segmentation offload hands the card packets without a length.
    total = wire
    notes.push('an IPv4 total length of 0 (segmentation offload) was taken from the frame')
  }
  if (total < header || (total > wire && !quoted))
    return { problem: `malformed: IPv4 total length ${total}, the frame has ${wire} bytes of it` }
  if (!quoted && internetChecksum(bytes.subarray(0, header)) !== 0) {
    if (u16(bytes, 10) !== 0) return { problem: 'wrong IPv4 header checksum: the kernel drops it before any hook' }
    notes.push('an IPv4 header checksum of 0 (offload) was taken as good')
  }
  const field = u16(bytes, 6)
  const cut = cutOf(field, u16(bytes, 4))
  if (header > 20) notes.push('IPv4 options only count in the length')
  return {
    segment: {
      proto: bytes[9]!,
      bytes: bytes.subarray(header, Math.min(total, bytes.length)),
      length: total - header,
      fragment: cut !== null,
    },
    cut,
    mayBeCut: (field & FRAGMENT_NONE) === 0,
    src: bytes.subarray(12, 16),
    dst: bytes.subarray(16, 20),
    ttl: bytes[8]!,
    tos: bytes[1]!,
    total,
    notes,
    partial: cut !== null,
  }
}

function ipv6(bytes: Uint8Array, wire: number, quoted: boolean): Network | Undecoded {
  const short = missing('the IPv6 header', 40, bytes.length, wire)
  if (short) return short
  if (bytes[0]! >> 4 !== 6) return { problem: 'malformed: this is no IPv6 header' }
  const notes: string[] = []
  let total = 40 + u16(bytes, 4)
  if (total === 40 && wire > 40 && bytes[6] !== 59 && !quoted) {
    total = wire
    notes.push('an IPv6 payload length of 0 (jumbogram or segmentation offload) was taken from the frame')
  }
  if (total > wire && !quoted)
    return { problem: `malformed: IPv6 payload length ${total - 40}, the frame has ${wire - 40} bytes of it` }
  let next = bytes[6]!
  let at = 40
  let partial = false
  let cut: Cut | null = null
  while (next === 0 || next === 43 || next === 44 || next === PROTOCOL_AH || next === 60) {
    const cutExtension = missing('an IPv6 extension header', at + 8, bytes.length, total)
    if (cutExtension) return cutExtension
    let length = (bytes[at + 1]! + 1) * 8
    if (next === 44) {
      length = 8
      const field = u16(bytes, at + 2)
      cut = cutOf((field >> 3) | (field & 1 ? FRAGMENT_MORE : 0), u32(bytes, at + 4))
      if (cut !== null) partial = true
    } else if (next === PROTOCOL_AH) length = (bytes[at + 1]! + 2) * 4
    else if (next === 43 && bytes[at + 3]! > 0) {
      partial = true
      notes.push('an IPv6 routing header with segments left was passed over')
    }
    next = bytes[at]!
    at += length
    const cutRest = missing('an IPv6 extension header', at, bytes.length, total)
    if (cutRest) return cutRest
    // Behind the header of a later fragment stands no other.
    if (cut !== null && offsetOf(cut) > 0) break
  }
  if (at > (cut === null ? 40 : 48)) notes.push('IPv6 extension headers only count in the length')
  return {
    segment: {
      proto: next,
      bytes: bytes.subarray(at, Math.min(total, bytes.length)),
      length: total - at,
      fragment: cut !== null,
    },
    cut,
    mayBeCut: false,
    src: bytes.subarray(8, 24),
    dst: bytes.subarray(24, 40),
    ttl: bytes[7]!,
    tos: ((bytes[0]! & 15) << 4) | (bytes[1]! >> 4),
    total,
    notes,
    partial,
  }
}

function network(bytes: Uint8Array, wire: number, quoted: boolean): Network | Undecoded {
  if (bytes.length === 0) return { problem: 'truncated capture: nothing of the IP header was captured' }
  const version = bytes[0]! >> 4
  if (version === 4) return ipv4(bytes, wire, quoted)
  return version === 6 ? ipv6(bytes, wire, quoted) : { problem: `IP version ${version}; 4 or 6 was expected` }
}

const addressText = (bytes: Uint8Array): string => formatAddress(addressFromBytes(bytes))

/** A quoted packet, of the family of the error that quotes it. */
function quotedPacket(v6: boolean): (bytes: Uint8Array) => Quoted | null {
  return (bytes) => {
    const found = network(bytes, bytes.length, true)
    if ('problem' in found || (found.src.length === 16) !== v6) return null
    if (found.cut !== null && offsetOf(found.cut) > 0) return null
    const { segment, src, dst, ttl, tos } = found
    const quoted: Quoted = { proto: protoName(segment.proto), src: addressText(src), dst: addressText(dst), ttl, tos }
    if (segment.proto === (v6 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) return null
    return decodeQuotedLayer4(quoted, segment) ? quoted : null
  }
}

function decodeIp(bytes: Uint8Array, wire: number): { packet: WirePacket; notes: string[] } | Undecoded {
  const found = network(bytes, wire, false)
  if ('problem' in found) return found
  const { segment, src, dst, ttl, tos, total, notes } = found
  const { proto } = segment
  const v6 = src.length === 16
  if (proto === (v6 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6))
    return { problem: v6 ? 'ICMP for IPv4 inside IPv6' : 'ICMPv6 inside IPv4' }
  const packet: WirePacket = { proto: protoName(proto), src: addressText(src), dst: addressText(dst), ttl, tos }
  if (found.cut !== null) {
    packet.frag = found.cut.frag
    packet.ip_id = found.cut.id
  } else if (found.mayBeCut) packet.df = false
  if (found.cut !== null && offsetOf(found.cut) > 0) decodeLaterFragment(packet, segment, total)
  else {
    const problem = decodeLayer4(packet, segment, notes, quotedPacket(v6))
    if (problem) return problem
  }
  if (segment.bytes.length === segment.length && !found.partial) {
    const verdict = checkChecksum(proto, { src, dst }, segment.bytes)
    if (verdict === 'partial') notes.push('a checksum left to the network card was taken as good')
    if (verdict === 'bad') packet.bad_csum = true
  }
  const extra = total - packetLength({ ...packet, iface: '' })
  if (extra > 0) packet.extra_len = extra
  if (extra < 0) {
    const why =
      found.cut === null
        ? 'its protocol is not known better'
        : 'a fragment is not shorter than a header of its protocol'
    notes.push(`a packet of ${total} bytes counts as ${total - extra}: ${why}`)
  }
  return { packet, notes }
}

/**
 * A captured frame as a packet, or the reason why it is none: `bytes` as captured, `linkType` a `LINKTYPE_…` number,
 * `wireLength` its length on the wire (more than `bytes` when the capture cut it). Lengths are those on the wire, so
 * `packetLength` of the packet is its IP total length; fragments are what `frag` says; options, extension headers and further chunks are its
 * `extra_len`. A wrong layer-4 checksum gives `bad_csum`, one left to the network card does not. Never throws on any
 * bytes. `mac` is the frame's Ethernet source.
 */
export function decodePacket(
  bytes: Uint8Array,
  linkType: number,
  wireLength: number = bytes.length,
): Decoded | Undecoded {
  const link = linkHeader(bytes, linkType)
  if ('problem' in link) return link
  const found = decodeIp(bytes.subarray(link.at), Math.max(wireLength, bytes.length) - link.at)
  if ('problem' in found) return found
  if (link.mac !== undefined) found.packet.mac = link.mac
  if (link.vlans !== undefined && link.vlans.length > 0)
    found.notes.push(`VLAN tag ${link.vlans.join(' in ')} was passed over`)
  return { packet: found.packet, notes: found.notes, outgoing: link.outgoing === true }
}
