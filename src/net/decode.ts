// Frame bytes to a packet: link header, IPv4 or IPv6, then layer 4.
// Owns link types, VLAN tags, IP headers, fragments and lengths. Spec: the link type list and formats of
// www.tcpdump.org/linktypes.html, IEEE 802.1Q, RFC 791, RFC 8200. IPv6 extension headers are passed as ip6tables and
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
import { FRAGMENT_MORE, FRAGMENT_NONE } from './fragment.js'
import { addressFromBytes, formatAddress } from './ip.js'
import { packetLength } from './length.js'
import type { Quoted } from './packet.js'
import { PROTOCOL_AH, PROTOCOL_ICMP, PROTOCOL_ICMPV6, protoName } from './proto.js'

/** Link types of captures that are read (`LINKTYPE_…`). */
export const LINKTYPE_NULL = 0
export const LINKTYPE_ETHERNET = 1
export const LINKTYPE_RAW = 101
export const LINKTYPE_LOOP = 108
export const LINKTYPE_LINUX_SLL = 113
export const LINKTYPE_IPV4 = 228
export const LINKTYPE_IPV6 = 229
export const LINKTYPE_LINUX_SLL2 = 276
/** Raw IP under the numbers that some systems write. */
const RAW_ALIASES: readonly number[] = [12, 14, LINKTYPE_RAW]

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

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8, 0x9100]
const ETHERTYPES: ReadonlyMap<number, string> = new Map([
  [0x0806, 'ARP'],
  [0x8035, 'RARP'],
  [0x8847, 'MPLS'],
  [0x8863, 'PPPoE'],
  [0x8864, 'PPPoE'],
  [0x888e, 'EAPOL'],
  [0x88cc, 'LLDP'],
])

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

function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':')
}

interface Link {
  /** Where the IP header begins. */
  readonly at: number
  readonly mac?: string
  readonly outgoing?: boolean
  readonly vlans?: readonly number[]
}

function notIp(type: number): Undecoded {
  const name = ETHERTYPES.get(type)
  if (name !== undefined) return { problem: `${name}, not IP` }
  if (type < 0x0600) return { problem: 'an 802.3 frame, not IP' }
  return { problem: `Ethernet type 0x${type.toString(16).padStart(4, '0')}, not IP` }
}

/** Passes VLAN tags from the type field at `at` on. */
function etherType(bytes: Uint8Array, at: number): { at: number; vlans: number[] } | Undecoded {
  const vlans: number[] = []
  for (let here = at; ; here += 4) {
    const cut = missing('the Ethernet header', here + 2, bytes.length, here + 2)
    if (cut) return cut
    const type = u16(bytes, here)
    if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return { at: here + 2, vlans }
    if (!VLAN_TYPES.includes(type)) return notIp(type)
    const cutTag = missing('the VLAN tag', here + 4, bytes.length, here + 4)
    if (cutTag) return cutTag
    vlans.push(u16(bytes, here + 2) & 0xfff)
  }
}

function linkHeader(bytes: Uint8Array, linkType: number): Link | Undecoded {
  if (RAW_ALIASES.includes(linkType) || linkType === LINKTYPE_IPV4 || linkType === LINKTYPE_IPV6) return { at: 0 }
  const short = (what: string, count: number): Undecoded | null => missing(what, count, bytes.length, count)
  switch (linkType) {
    case LINKTYPE_ETHERNET: {
      const cut = short('the Ethernet header', 14)
      if (cut) return cut
      const found = etherType(bytes, 12)
      return 'problem' in found ? found : { ...found, mac: macText(bytes.subarray(6, 12)) }
    }
    case LINKTYPE_LINUX_SLL:
    case LINKTYPE_LINUX_SLL2: {
      const second = linkType === LINKTYPE_LINUX_SLL2
      const cut = short('the Linux cooked header', second ? 20 : 16)
      if (cut) return cut
      const device = u16(bytes, second ? 8 : 2)
      const type = second ? bytes[10]! : u16(bytes, 0)
      const size = second ? bytes[11]! : u16(bytes, 4)
      const address = bytes.subarray(second ? 12 : 6, second ? 18 : 12)
      const ethernet = (device === 1 || device === 772) && size === 6
      const common = { outgoing: type === 4, ...(ethernet && { mac: macText(address) }) }
      const protocol = u16(bytes, second ? 0 : 14)
      const start = second ? 20 : 16
      if (protocol === ETHERTYPE_IPV4 || protocol === ETHERTYPE_IPV6) return { at: start, ...common }
      if (!VLAN_TYPES.includes(protocol)) return notIp(protocol)
      const cutTag = short('the VLAN tag', start + 4)
      if (cutTag) return cutTag
      const found = etherType(bytes, start + 2)
      return 'problem' in found
        ? found
        : { at: found.at, vlans: [u16(bytes, start) & 0xfff, ...found.vlans], ...common }
    }
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP: {
      const cut = short('the loopback header', 4)
      if (cut) return cut
      // In the byte order of the capturing machine (NULL) or the network (LOOP); address families of the BSDs and Linux.
      const family = u16(bytes, 0) === 0 ? u16(bytes, 2) : bytes[0]! | (bytes[1]! << 8)
      return [2, 10, 24, 28, 30].includes(family) ? { at: 4 } : { problem: `address family ${family}, not IP` }
    }
    default:
      return {
        problem: `link type ${linkType} is not read; Ethernet, raw IP, Linux cooked (SLL, SLL2) and loopback are`,
      }
  }
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
