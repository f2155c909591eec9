// The IP total length of a packet, from its header fields: what byte counters, limits and quotas count.
// Owns the header sizes only: IPv4 20 (no options), IPv6 40 (of extension headers only the
// fragment header, 8), TCP 20 and its
// `tcp_options` (`extra_len` stands for all others), UDP and UDP-Lite 8, SCTP 12 and its first chunk, DCCP 20 and its
// options, ICMP 8, GRE 4, ESP 8.

import type { Packet, Quoted } from './packet.js'
import {
  isIcmp,
  isIcmpError,
  PROTOCOL_DCCP,
  PROTOCOL_ESP,
  PROTOCOL_GRE,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
  protoNumber,
  sctpChunkNumber,
} from './proto.js'
import { tcpOptionBytes } from './tcp-options.js'

/** How many bytes an ICMP error quotes at most unless its packet says otherwise (RFC 1812: 576 in all; RFC 4443: 1280). */
export const QUOTE_LIMIT_ICMP = 548
export const QUOTE_LIMIT_ICMPV6 = 1232
/** What packets without ports and without a `payload_len` carry. */
const BARE_PAYLOAD_BYTES = 8

function sctpChunkBytes(chunk: number, payload: number): number {
  switch (chunk) {
    case 0:
      return 16 + Math.ceil((payload || 4) / 4) * 4
    case 1:
    case 2:
      return 20
    case 3:
      return 16
    case 4:
    case 5:
    case 7:
      return 8
    default:
      return 4
  }
}

function layer4Length(packet: Packet | Quoted, proto: number): number {
  const payload = packet.payload_len ?? 0
  if (isIcmp(proto)) {
    if (packet.inner === undefined || !isIcmpError(proto, packet.icmp_type ?? -1)) return 8 + payload
    const limit = 'inner_len' in packet ? packet.inner_len : undefined
    return 8 + Math.min(packetLength(packet.inner), limit ?? (proto === 1 ? QUOTE_LIMIT_ICMP : QUOTE_LIMIT_ICMPV6))
  }
  switch (proto) {
    case PROTOCOL_TCP:
      return 20 + payload + ('tcp_options' in packet ? tcpOptionBytes(packet.tcp_options).length : 0)
    case PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
      return 8 + payload
    case PROTOCOL_SCTP:
      return 12 + sctpChunkBytes(sctpChunkNumber(packet.sctp_chunk ?? 1) ?? 1, payload)
    case PROTOCOL_DCCP:
      return 20 + ('dccp_options' in packet ? Math.ceil((packet.dccp_options?.length ?? 0) / 8) * 4 : 0)
    case PROTOCOL_GRE:
      return 4 + (payload || BARE_PAYLOAD_BYTES)
    case PROTOCOL_ESP:
      return 8 + (payload || BARE_PAYLOAD_BYTES)
    default:
      return payload || BARE_PAYLOAD_BYTES
  }
}

/**
 * IP total length in bytes: the network header, the layer-4 header and `payload_len`. NAT and hop limits never change
 * it, so it may be asked at any point of the way. SCTP's payload counts only in a DATA chunk (4 bytes when none is
 * given); protocols without ports carry 8 bytes when no payload is given. `extra_len` is added.
 *
 * @example packetLength({ iface: 'eth0', proto: 'udp', src: '10.0.0.1', dst: '10.0.0.2', payload_len: 10 }) // 38
 */
export function packetLength(packet: Packet | Quoted): number {
  const proto = protoNumber(packet.proto) ?? 0
  const extra = 'extra_len' in packet ? (packet.extra_len ?? 0) : 0
  const network = packet.src.includes(':') ? (packet.frag ? 48 : 40) : 20
  return network + layer4Length(packet, proto) + extra
}
