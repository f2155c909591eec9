// A packet to the bytes of its IP packet, with right lengths and checksums; payloads that are not given are zeros.
// Owns what stands in the header fields that a packet does not name: identification, flow label and ICMP sequence number 0,
// whole (DF unless `df` is false), urgent pointer 0.
// Spec: RFC 791, 8200, 9293, 768, 3828, 9260, 4340, 792, 4443, 2784 (GRE), 4303 (ESP).
import { type Ends, internetChecksum, writeChecksum } from './checksum.js'
import { FRAGMENT_NONE, mayBeCut } from './fragment.js'
import { addressToBytes, parseAddress } from './ip.js'
import { packetLength, QUOTE_LIMIT_ICMP, QUOTE_LIMIT_ICMPV6 } from './length.js'
import type { Packet, Quoted } from './packet.js'
import {
  dccpTypeNumber,
  defaultSctpTag,
  hasPorts,
  isIcmp,
  isIcmpError,
  PROTOCOL_AH,
  PROTOCOL_DCCP,
  PROTOCOL_ESP,
  PROTOCOL_GRE,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
  parseTcpFlags,
  protoNumber,
  SCTP_TAG_A,
  SCTP_TAG_B,
  sctpChunkNumber,
  TCP_ACK,
  TCP_SYN,
} from './proto.js'
import { tcpOptionBytes } from './tcp-options.js'

/** Protocol numbers that IPv6 reads as extension headers. */
const EXTENSIONS: readonly number[] = [0, 43, 44, PROTOCOL_AH, 60]

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16)
  put16(bytes, at + 2, value & 0xffff)
}

/** How `extra_len` is spread: TCP options (no-operation), then IP options or an IPv6 destination options header. */
interface Extra {
  readonly tcp: number
  readonly network: number
}

function spread(packet: Packet | Quoted, proto: number, v6: boolean): Extra {
  const extra = 'extra_len' in packet ? (packet.extra_len ?? 0) : 0
  const room = 40 - ('tcp_options' in packet ? tcpOptionBytes(packet.tcp_options).length : 0)
  const step = v6 ? 8 : 4
  const limit = v6 ? 2048 : 40
  for (let tcp = proto === PROTOCOL_TCP ? Math.min(room, extra & ~3) : 0; tcp >= 0; tcp -= 4)
    if (extra - tcp <= limit && (extra - tcp) % step === 0) return { tcp, network: extra - tcp }
  throw new RangeError(`extra_len ${extra} cannot be written as options of ${v6 ? 'IPv6' : 'IPv4'} and TCP`)
}

function fillTcp(bytes: Uint8Array, packet: Packet | Quoted, extra: number): void {
  const given = 'tcp_options' in packet ? tcpOptionBytes(packet.tcp_options) : []
  const options = given.length + extra
  const flags = parseTcpFlags(packet.flags ?? 'S') ?? TCP_SYN
  put32(bytes, 4, packet.seq ?? (flags & TCP_SYN ? 1000 : 1001))
  put32(bytes, 8, packet.ack ?? (flags & TCP_ACK ? 1001 : 0))
  bytes[12] = (5 + options / 4) << 4
  bytes[13] = flags
  put16(bytes, 14, ('win' in packet ? packet.win : undefined) ?? 64240)
  bytes.set(given, 20)
  bytes.fill(1, 20 + given.length, 20 + options)
}

function fillSctp(bytes: Uint8Array, packet: Packet | Quoted): void {
  const chunk = sctpChunkNumber(packet.sctp_chunk ?? 'INIT') ?? 1
  put32(bytes, 4, ('vtag' in packet ? packet.vtag : undefined) ?? defaultSctpTag(chunk))
  bytes[12] = chunk
  const flags = 'sctp_flags' in packet ? packet.sctp_flags : undefined
  if (chunk === 0) {
    bytes[13] = flags ?? 3 // one fragment: begin and end
    put16(bytes, 14, 16 + (packet.payload_len || 4))
    return
  }
  bytes[13] = flags ?? 0
  put16(bytes, 14, bytes.length - 12)
  if (chunk === 1 || chunk === 2) {
    put32(bytes, 16, chunk === 1 ? SCTP_TAG_A : SCTP_TAG_B)
    put32(bytes, 20, 65536) // receiver window
    put32(bytes, 24, 0x00010001) // one stream each way
  }
}

function fillDccp(bytes: Uint8Array, packet: Packet | Quoted): void {
  bytes[4] = bytes.length / 4
  const { dccp_type: type, dccp_options: options = '' } = packet as Partial<Packet>
  bytes[8] = ((dccpTypeNumber(type) ?? 0) << 1) | 1 // Request unless it is given, with a long sequence number
  for (const [i, pair] of (options.match(/../g) ?? []).entries()) bytes[20 + i] = Number.parseInt(pair, 16)
}

function fillIcmp(bytes: Uint8Array, packet: Packet | Quoted, proto: number): void {
  const type = packet.icmp_type ?? (proto === PROTOCOL_ICMP ? 8 : 128)
  bytes[0] = type
  bytes[1] = packet.icmp_code ?? 0
  if (!isIcmpError(proto, type)) {
    put16(bytes, 4, packet.icmp_id ?? 1)
    put16(bytes, 6, 'icmp_seq' in packet ? (packet.icmp_seq ?? 0) : 0)
  } else if ('icmp_rest' in packet) put32(bytes, 4, packet.icmp_rest ?? 0)
  if (packet.inner !== undefined && isIcmpError(proto, type)) {
    const limit = ('inner_len' in packet ? packet.inner_len : undefined) ?? quoteLimit(proto)
    bytes.set(encodePacket(packet.inner).subarray(0, limit), 8)
  }
}

const quoteLimit = (proto: number): number => (proto === PROTOCOL_ICMP ? QUOTE_LIMIT_ICMP : QUOTE_LIMIT_ICMPV6)

/** Where the payload begins behind the network header. */
function payloadAt(packet: Packet | Quoted, proto: number, extra: number): number {
  if (proto === PROTOCOL_TCP) {
    return 20 + ('tcp_options' in packet ? tcpOptionBytes(packet.tcp_options).length : 0) + extra
  }
  // Only DATA carries one; of DCCP nothing but the header is written.
  if (proto === PROTOCOL_SCTP && sctpChunkNumber(packet.sctp_chunk ?? 'INIT') === 0) return 28
  if (proto === PROTOCOL_SCTP || proto === PROTOCOL_DCCP) return Number.POSITIVE_INFINITY
  if (proto === PROTOCOL_GRE) return 4
  return proto === PROTOCOL_UDP || proto === PROTOCOL_UDPLITE || proto === PROTOCOL_ESP || isIcmp(proto) ? 8 : 0
}

function putPayload(bytes: Uint8Array, packet: Packet | Quoted, proto: number, extra: number): void {
  if (!('payload' in packet) || packet.payload === undefined) return
  const payload = (packet.payload.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
  const at = payloadAt(packet, proto, extra)
  for (const [i, byte] of payload.entries()) if (at + i < bytes.length) bytes[at + i] = byte
}

function fillLayer4(bytes: Uint8Array, packet: Packet | Quoted, proto: number, ends: Ends, options: number): void {
  if (hasPorts(proto)) {
    put16(bytes, 0, packet.sport ?? 0)
    put16(bytes, 2, packet.dport ?? 0)
  }
  if (proto === PROTOCOL_TCP) fillTcp(bytes, packet, options)
  else if (proto === PROTOCOL_UDP) put16(bytes, 4, bytes.length)
  else if (proto === PROTOCOL_UDPLITE) put16(bytes, 4, 0)
  else if (proto === PROTOCOL_SCTP) fillSctp(bytes, packet)
  else if (proto === PROTOCOL_DCCP) fillDccp(bytes, packet)
  else if (isIcmp(proto)) fillIcmp(bytes, packet, proto)
  else if (proto === PROTOCOL_ESP) put32(bytes, 0, ('spi' in packet ? packet.spi : undefined) ?? 0)
  else if (proto === PROTOCOL_GRE) put16(bytes, 2, 0x0800)
  putPayload(bytes, packet, proto, options)
  writeChecksum(proto, ends, bytes, 'bad_csum' in packet && packet.bad_csum === true)
}

/**
 * The bytes of a packet from its IP header on, as many as `packetLength` says. Checksums are right (unless
 * `bad_csum`), the payload is what is given or zeros; `extra_len` becomes TCP no-operation options, IPv4 options or an IPv6
 * destination options header. `iface`, mark, owner, `mac` and time are not on the wire. `decodePacket` reads it back.
 * Throws a RangeError on addresses that are none or of two families, an unknown protocol, an IPv6 packet whose
 * protocol is an extension header, an `extra_len` that options cannot fill, and more than 65535 bytes.
 *
 * @example encodePacket({ proto: 'udp', src: '10.0.0.1', dst: '10.0.0.2', dport: 53, payload_len: 4 }).length // 32
 */
export function encodePacket(packet: Packet | Omit<Packet, 'iface'> | Quoted): Uint8Array {
  const whole = packet as Packet
  const src = parseAddress(packet.src)
  const dst = parseAddress(packet.dst)
  if (src === null || dst === null || src.family !== dst.family)
    throw new RangeError('a packet needs two addresses of one family')
  const v6 = src.family === 'ipv6'
  const named = protoNumber(packet.proto)
  if (named === null) throw new RangeError('unknown protocol')
  const proto = v6 && named === PROTOCOL_ICMP ? PROTOCOL_ICMPV6 : named
  if (v6 && EXTENSIONS.includes(proto)) throw new RangeError(`protocol ${proto} is an extension header in IPv6`)
  const length = packetLength(whole)
  if (length > 65535) throw new RangeError(`the packet would have ${length} bytes; 65535 is the most`)
  const extra = spread(packet, proto, v6)
  const bytes = new Uint8Array(length)
  const ends: Ends = { src: addressToBytes(src), dst: addressToBytes(dst) }
  const tos = packet.tos ?? 0
  const ttl = packet.ttl ?? 64
  const start = (v6 ? 40 : 20) + extra.network
  if (v6) {
    put32(bytes, 0, (0x60000000 | (tos << 20) | (whole.flow_label ?? 0)) >>> 0)
    put16(bytes, 4, length - 40)
    bytes[6] = extra.network > 0 ? 60 : proto
    bytes[7] = ttl
    bytes.set(ends.src, 8)
    bytes.set(ends.dst, 24)
    if (extra.network > 0) {
      bytes[40] = proto
      bytes[41] = extra.network / 8 - 1
      padDestinationOptions(bytes.subarray(42, start))
    }
  } else {
    bytes[0] = 0x40 | (start / 4)
    bytes[1] = tos
    put16(bytes, 2, length)
    put16(bytes, 4, whole.ip_id ?? 0)
    put16(bytes, 6, (whole.frag ?? 0) | (mayBeCut(whole) ? 0 : FRAGMENT_NONE))
    bytes[8] = ttl
    bytes[9] = proto
    bytes.set(ends.src, 12)
    bytes.set(ends.dst, 16)
    bytes.fill(1, 20, start)
    put16(bytes, 10, internetChecksum(bytes.subarray(0, start)))
  }
  fillLayer4(bytes.subarray(start), packet, proto, ends, extra.tcp)
  return bytes
}

/** PadN options (type 1) of at most 255 bytes of data each. */
function padDestinationOptions(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at
    // Never leave a single byte behind: Pad1 is type 0, which a zero byte is anyway.
    const size = Math.min(257, left)
    if (size >= 2) {
      bytes[at] = 1
      bytes[at + 1] = size - 2
    }
    at += size
  }
}
