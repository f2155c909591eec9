// Names and numbers of protocols, TCP flags, ICMP messages and SCTP chunks.
// Owns the tables; every other file asks here. Spec: IANA protocol numbers, RFC 9293 (TCP), RFC 792 and 4443 (ICMP),
// RFC 9260 (SCTP). Only names that packets, rules and conntrack listings use are kept.
import type { ProtoName } from './packet.js'

export const PROTOCOL_ICMP = 1
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17
export const PROTOCOL_DCCP = 33
export const PROTOCOL_GRE = 47
export const PROTOCOL_ESP = 50
export const PROTOCOL_AH = 51
export const PROTOCOL_ICMPV6 = 58
export const PROTOCOL_SCTP = 132
export const PROTOCOL_UDPLITE = 136

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['icmp', PROTOCOL_ICMP],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', PROTOCOL_TCP],
  ['udp', PROTOCOL_UDP],
  ['dccp', PROTOCOL_DCCP],
  ['gre', PROTOCOL_GRE],
  ['esp', PROTOCOL_ESP],
  ['ah', PROTOCOL_AH],
  ['icmpv6', PROTOCOL_ICMPV6],
  ['sctp', PROTOCOL_SCTP],
  ['udplite', PROTOCOL_UDPLITE],
])
const NAMES: ReadonlyMap<number, ProtoName> = new Map([...NUMBERS].map(([name, n]) => [n, name as ProtoName]))

/**
 * The number of a protocol given as a name (any case; `ipv6-icmp` is `icmpv6`) or a number 0..255, also as text; null
 * when there is none.
 *
 * @example protoNumber('tcp') // 6
 */
export function protoNumber(proto: string | number): number | null {
  if (typeof proto === 'number') return Number.isInteger(proto) && proto >= 0 && proto <= 255 ? proto : null
  const name = proto.toLowerCase()
  if (/^[0-9]{1,3}$/.test(name)) return Number(name) <= 255 ? Number(name) : null
  return NUMBERS.get(name === 'ipv6-icmp' || name === 'icmp6' ? 'icmpv6' : name) ?? null
}

/**
 * The name that packets and answers carry: a name for what has one here, else the number itself.
 *
 * @example protoName(17) // 'udp'
 * @example protoName(99) // 99
 */
export function protoName(number: number): ProtoName {
  return NAMES.get(number) ?? number
}

/** Has the protocol source and destination ports? (tcp, udp, dccp, sctp, udplite) */
export function hasPorts(number: number): boolean {
  return (
    number === PROTOCOL_TCP ||
    number === PROTOCOL_UDP ||
    number === PROTOCOL_SCTP ||
    number === PROTOCOL_DCCP ||
    number === PROTOCOL_UDPLITE
  )
}

/** ICMP or ICMPv6? */
export function isIcmp(number: number): boolean {
  return number === PROTOCOL_ICMP || number === PROTOCOL_ICMPV6
}

export const TCP_FIN = 1
export const TCP_SYN = 2
export const TCP_RST = 4
export const TCP_PSH = 8
export const TCP_ACK = 16
export const TCP_URG = 32
export const TCP_ECE = 64
export const TCP_CWR = 128

const FLAG_BITS: ReadonlyMap<string, number> = new Map([
  ['F', TCP_FIN],
  ['S', TCP_SYN],
  ['R', TCP_RST],
  ['P', TCP_PSH],
  ['A', TCP_ACK],
  ['U', TCP_URG],
  ['E', TCP_ECE],
  ['C', TCP_CWR],
])
/** The order in which answers write TCP flags. */
const FLAG_ORDER = 'SFRPAUEC'

/**
 * TCP flag letters as bits; letters in any order; null on any other letter.
 *
 * @example parseTcpFlags('SA') // 18
 */
export function parseTcpFlags(text: string): number | null {
  let bits = 0
  for (const letter of text) {
    const bit = FLAG_BITS.get(letter)
    if (bit === undefined) return null
    bits |= bit
  }
  return bits
}

/**
 * TCP flags as letters, in the order `SFRPAUEC`.
 *
 * @example formatTcpFlags(18) // 'SA'
 */
export function formatTcpFlags(bits: number): string {
  let text = ''
  for (const letter of FLAG_ORDER) if (bits & FLAG_BITS.get(letter)!) text += letter
  return text
}

const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12]
const ICMPV6_ERRORS: readonly number[] = [1, 2, 3, 4]

/**
 * Does this ICMP or ICMPv6 type quote another packet? IPv4: 3, 4, 5, 11, 12. IPv6: 1 to 4. `proto` is the number.
 *
 * @example isIcmpError(1, 3) // true
 */
export function isIcmpError(proto: number, type: number): boolean {
  return (proto === PROTOCOL_ICMP ? ICMP_ERRORS : proto === PROTOCOL_ICMPV6 ? ICMPV6_ERRORS : []).includes(type)
}

const ICMP_REPLIES: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
])
const ICMPV6_REPLIES: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
  [139, 140],
  [140, 139],
])

/** The type that answers an ICMP or ICMPv6 query (and the other way round); null when it is no query or reply. */
export function icmpReplyType(proto: number, type: number): number | null {
  return (proto === PROTOCOL_ICMP ? ICMP_REPLIES : ICMPV6_REPLIES).get(type) ?? null
}

const ICMP_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'echo-reply'],
  [3, 'destination-unreachable'],
  [4, 'source-quench'],
  [5, 'redirect'],
  [8, 'echo-request'],
  [9, 'router-advertisement'],
  [10, 'router-solicitation'],
  [11, 'time-exceeded'],
  [12, 'parameter-problem'],
  [13, 'timestamp-request'],
  [14, 'timestamp-reply'],
  [17, 'address-mask-request'],
  [18, 'address-mask-reply'],
])
const ICMPV6_TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'destination-unreachable'],
  [2, 'packet-too-big'],
  [3, 'time-exceeded'],
  [4, 'parameter-problem'],
  [128, 'echo-request'],
  [129, 'echo-reply'],
  [133, 'router-solicitation'],
  [134, 'router-advertisement'],
  [135, 'neighbour-solicitation'],
  [136, 'neighbour-advertisement'],
  [137, 'redirect'],
])

/** iptables' name of an ICMP (1) or ICMPv6 (58) type, or its number as text. */
export function icmpTypeName(proto: number, type: number): string {
  return (proto === PROTOCOL_ICMP ? ICMP_TYPES : ICMPV6_TYPES).get(type) ?? String(type)
}

const SCTP_CHUNKS: ReadonlyMap<string, number> = new Map([
  ['DATA', 0],
  ['INIT', 1],
  ['INIT_ACK', 2],
  ['SACK', 3],
  ['HEARTBEAT', 4],
  ['HEARTBEAT_ACK', 5],
  ['ABORT', 6],
  ['SHUTDOWN', 7],
  ['SHUTDOWN_ACK', 8],
  ['ERROR', 9],
  ['COOKIE_ECHO', 10],
  ['COOKIE_ACK', 11],
  ['SHUTDOWN_COMPLETE', 14],
])

/** The type number of an SCTP chunk given by name (`INIT_ACK`, any case) or number 0..255; null when there is none. */
export function sctpChunkNumber(chunk: string | number): number | null {
  if (typeof chunk === 'number') return Number.isInteger(chunk) && chunk >= 0 && chunk <= 255 ? chunk : null
  return SCTP_CHUNKS.get(chunk.toUpperCase()) ?? null
}

const SCTP_CHUNK_NAMES: ReadonlyMap<number, string> = new Map([...SCTP_CHUNKS].map(([name, n]) => [n, name]))

/**
 * The name of an SCTP chunk type, or the number itself when it has none here.
 *
 * @example sctpChunkName(2) // 'INIT_ACK'
 */
export function sctpChunkName(chunk: number): string | number {
  return SCTP_CHUNK_NAMES.get(chunk) ?? chunk
}

/** The verification tags that packets carry when they give none: A is the initiator's choice, B the responder's. */
export const SCTP_TAG_A = 0x0a0a0a0a
export const SCTP_TAG_B = 0x0b0b0b0b

/** The verification tag of a packet that gives none: the tag that its receiver chose, INIT has 0. `chunk`: its type number. */
export function defaultSctpTag(chunk: number): number {
  if (chunk === 1) return 0
  return chunk === 2 || chunk === 3 || chunk === 5 || chunk === 8 || chunk === 11 ? SCTP_TAG_A : SCTP_TAG_B
}

/** DCCP's packet types by their numbers (RFC 4340 section 5.1), as iptables names them. */
export const DCCP_TYPES: readonly string[] = [
  ...['REQUEST', 'RESPONSE', 'DATA', 'ACK', 'DATAACK', 'CLOSEREQ', 'CLOSE', 'RESET', 'SYNC', 'SYNCACK', 'INVALID'],
]

/** The number of a DCCP packet type, by its name (any case) or number 0..15; null when it is none. */
export function dccpTypeNumber(type: string | number | undefined): number | null {
  if (typeof type === 'number') return Number.isInteger(type) && type >= 0 && type <= 15 ? type : null
  const found = DCCP_TYPES.indexOf(type?.toUpperCase() ?? '')
  return found < 0 ? null : found
}
