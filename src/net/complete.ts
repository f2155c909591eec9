// From what somebody wrote about a packet to a whole packet: defaults filled, every field checked.
// Owns the list of a packet's fields, their ranges and defaults. Readers add the place to what it finds.
import { BYTE_FIELDS, bytesBeyond } from './complete-bytes.js'
import { type FieldProblem, Fields, show } from './complete-fields.js'
import { FRAGMENT_MORE, FRAGMENT_NONE, FRAGMENT_OFFSET } from './fragment.js'
import { familyOf } from './ip.js'
import { packetLength, QUOTE_LIMIT_ICMP, QUOTE_LIMIT_ICMPV6 } from './length.js'
import type { Packet, PacketType, ProtoName, Quoted } from './packet.js'
import {
  defaultSctpTag,
  formatTcpFlags,
  hasPorts,
  isIcmp,
  isIcmpError,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  parseTcpFlags,
  protoName,
  protoNumber,
  sctpChunkNumber,
  TCP_ACK,
  TCP_SYN,
} from './proto.js'

export type { FieldProblem } from './complete-fields.js'

/** Thrown by `completePacket`: every field that is wrong. The message names them all. */
export class PacketError extends RangeError {
  readonly problems: readonly FieldProblem[]
  constructor(problems: readonly FieldProblem[]) {
    super(problems.map((p) => (p.field ? `${p.field}: ${p.message}` : p.message)).join('; '))
    this.name = 'PacketError'
    this.problems = problems
  }
}

/** By number, as the kernel has them (PACKET_HOST …). */
export const PACKET_TYPES: readonly PacketType[] = ['host', 'broadcast', 'multicast', 'otherhost']

/** TCP window of a segment that gives none. */
export const DEFAULT_WINDOW = 64240

const QUOTED_FIELDS = ['proto', 'src', 'dst', 'sport', 'dport', 'flags', 'ttl', 'tos', 'icmp_type', 'icmp_code'].concat(
  ['icmp_id', 'seq', 'ack', 'payload_len', 'sctp_chunk'],
)
const PACKET_FIELDS = QUOTED_FIELDS.concat([
  'id',
  'iface',
  'inner',
  'mark',
  'win',
  'tcp_options',
  'frag',
  'ip_id',
  'vtag',
  'bad_csum',
  'inner_len',
  'extra_len',
]).concat(['uid', 'gid', 'cpu', 'mac', 'mac_dst', 'pkttype', 'at_ms', 'spi', 'socket'], BYTE_FIELDS)
/** Header bits that decide nothing here: accepted, checked to be numbers or true/false, and left out. */
const IDLE_FIELDS = ['icmp_rest', 'icmp_seq', 'mtu', 'no_csum', 'init_tag', 'win']
const QUOTED_SET: ReadonlySet<string> = new Set(QUOTED_FIELDS)
const PACKET_SET: ReadonlySet<string> = new Set(PACKET_FIELDS)
const IDLE_SET: ReadonlySet<string> = new Set(IDLE_FIELDS)

const SOCKETS = ['none', 'bound', 'wildcard', 'transparent bound', 'transparent wildcard'] as const
const U32 = 0xffffffff
/** As far as every engine counts: 2^53 - 1 milliseconds. */
const MAX_MS = Number.MAX_SAFE_INTEGER

/** Protocol number and name; null after a problem. `icmp` between IPv6 addresses is `icmpv6`. */
function protocol(f: Fields, v6: boolean): { number: number; name: ProtoName } | null {
  const value = f.get('proto')
  if (value === undefined) {
    f.problem('proto', 'is missing: tcp, udp, sctp, icmp, icmpv6, gre, esp, dccp, udplite or a number was expected')
    return null
  }
  const known = typeof value === 'string' || typeof value === 'number' ? protoNumber(value) : null
  if (known === null) {
    f.problem(
      'proto',
      `unknown protocol ${show(value)}; tcp, udp, sctp, icmp, icmpv6, gre, esp, dccp, udplite or 0 to 255`,
    )
    return null
  }
  const number = v6 && known === PROTOCOL_ICMP ? PROTOCOL_ICMPV6 : known
  if (!v6 && number === PROTOCOL_ICMPV6) {
    f.problem('proto', 'icmpv6 was expected between IPv6 addresses only; use icmp')
    return null
  }
  return { number, name: protoName(number) }
}

/** The header fields that a packet and a quoted packet share. */
function header(f: Fields, defaultTtl: number): { quoted: Quoted; number: number } | null {
  const src = f.address('src')
  const dst = f.address('dst')
  if (src !== null && dst !== null && familyOf(src) !== familyOf(dst)) {
    f.problem('dst', `${dst} and the source ${src} are of different families`)
  }
  const proto = protocol(f, familyOf(src ?? dst ?? '') === 'ipv6')
  const ttl = f.int('ttl', 0, 255, defaultTtl)
  const tos = f.int('tos', 0, 255, 0)
  const payload = f.int('payload_len', 0, 65535, 0)
  if (proto === null || src === null || dst === null) return null
  const { number } = proto
  const quoted: Quoted = { proto: proto.name, src, dst, ttl, tos, payload_len: payload }
  if (hasPorts(number)) {
    quoted.sport = f.int('sport', 0, 65535, 0)
    quoted.dport = f.int('dport', 0, 65535, 0)
  }
  if (number === PROTOCOL_TCP) {
    const flags = f.get('flags') ?? 'S'
    const bits = typeof flags === 'string' ? parseTcpFlags(flags) : null
    if (bits === null) f.problem('flags', `${show(flags)} is not a text of the letters S F R P A U E C`)
    quoted.flags = formatTcpFlags(bits ?? TCP_SYN)
  }
  if (isIcmp(number)) {
    quoted.icmp_type = f.int('icmp_type', 0, 255, number === PROTOCOL_ICMP ? 8 : 128)
    quoted.icmp_code = f.int('icmp_code', 0, 255, 0)
    if (!isIcmpError(number, quoted.icmp_type)) quoted.icmp_id = f.int('icmp_id', 0, 65535, 1)
  }
  if (number === PROTOCOL_SCTP) {
    const chunk = f.get('sctp_chunk') ?? 'INIT'
    const known = typeof chunk === 'string' || typeof chunk === 'number' ? sctpChunkNumber(chunk) : null
    if (known === null)
      f.problem('sctp_chunk', `unknown chunk ${show(chunk)}; a name such as INIT or 0 to 255 was expected`)
    else quoted.sctp_chunk = chunk as string | number
  }
  return { quoted, number }
}

function unknownFields(f: Fields, known: ReadonlySet<string>, whole: boolean): void {
  for (const name of f.names()) {
    if (known.has(name) || (whole && name === 'gap_ms')) continue
    if (IDLE_SET.has(name)) {
      const value = f.get(name)
      if (typeof value !== 'number' && typeof value !== 'boolean') f.problem(name, `${show(value)} is not a number`)
    } else f.problem(name, 'unknown field')
  }
}

function quotedPacket(value: unknown, v6: boolean, problems: FieldProblem[]): Quoted | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push({ field: 'inner', message: `${show(value)} is not an object with the fields of the quoted packet` })
    return null
  }
  const f = new Fields(value, 'inner.', problems)
  unknownFields(f, QUOTED_SET, false)
  const result = header(f, 63)
  if (result !== null && (familyOf(result.quoted.src) === 'ipv6') !== v6) {
    f.problem('src', `the quoted packet is of another family than the error`)
  }
  if (result?.number === PROTOCOL_TCP) {
    if (f.has('seq')) result.quoted.seq = f.int('seq', 0, U32, 0)
    if (f.has('ack')) result.quoted.ack = f.int('ack', 0, U32, 0)
  }
  return result === null ? null : result.quoted
}

function tcpOptions(f: Fields): string {
  const value = f.get('tcp_options')
  if (typeof value === 'string' && /^([0-9a-f]{2}){0,40}$/i.test(value)) return value.toLowerCase()
  f.problem('tcp_options', `${show(value)} is not the hex of at most 40 bytes`)
  return ''
}

/** The fields beyond the header; `packet` is filled in place. */
function beyondHeader(f: Fields, packet: Packet, number: number): void {
  if (number === PROTOCOL_TCP) {
    const bits = parseTcpFlags(packet.flags ?? '') ?? 0
    // Both sides number from 1000, so every later segment lies inside conntrack's window in both directions.
    packet.seq = f.int('seq', 0, U32, bits & TCP_SYN ? 1000 : 1001)
    packet.ack = f.int('ack', 0, U32, bits & TCP_ACK ? 1001 : 0)
    packet.win = f.int('win', 0, 65535, DEFAULT_WINDOW)
    if (f.has('tcp_options')) packet.tcp_options = tcpOptions(f)
  }
  if (number === PROTOCOL_SCTP) {
    packet.vtag = f.int('vtag', 0, U32, defaultSctpTag(sctpChunkNumber(packet.sctp_chunk ?? 'INIT') ?? 1))
  }
  if (isIcmp(number) && isIcmpError(number, packet.icmp_type ?? 0) && f.has('inner')) {
    const inner = quotedPacket(f.get('inner'), familyOf(packet.src) === 'ipv6', f.problems)
    if (inner !== null) packet.inner = inner
    packet.inner_len = f.int('inner_len', 0, 65535, number === PROTOCOL_ICMP ? QUOTE_LIMIT_ICMP : QUOTE_LIMIT_ICMPV6)
  }
  packet.mark = f.int('mark', 0, U32, 0)
  const field = f.int('frag', 0, 65535, 0)
  const frag = field & (FRAGMENT_MORE | FRAGMENT_OFFSET)
  if (frag !== 0) packet.frag = frag
  bytesBeyond(f, packet, number)
  // Whole packets are not to be cut, and pieces may be, unless it is said.
  const df = (field & FRAGMENT_NONE) !== 0
  if (f.has('frag') && packet.df === undefined && df !== (frag === 0) && !packet.src.includes(':')) packet.df = df
  const extra = f.int('extra_len', 0, 65535, 0)
  if (extra > 0) packet.extra_len = extra
  for (const name of ['uid', 'gid'] as const) if (f.has(name)) packet[name] = f.int(name, 0, U32 - 1, 0)
  if (f.has('spi')) {
    const spi = f.int('spi', 0, number === 108 ? 65535 : U32, 0)
    if (number === 50 || number === 51 || number === 108) packet.spi = spi
  }
  const socket = SOCKETS.find((s) => s === f.get('socket'))
  if (socket !== undefined) packet.socket = socket
  else if (f.has('socket')) f.problem('socket', `${show(f.get('socket'))} is none of ${SOCKETS.join(', ')}`)
  if (f.has('cpu')) packet.cpu = f.int('cpu', 0, U32, 0)
  if (f.has('at_ms')) packet.at_ms = f.int('at_ms', 0, MAX_MS, 0)
  const bad = f.get('bad_csum')
  if (typeof bad !== 'boolean' && bad !== undefined) f.problem('bad_csum', `${show(bad)} is not true or false`)
  if (bad === true) packet.bad_csum = true
  for (const name of ['mac', 'mac_dst'] as const) {
    const mac = f.get(name)
    if (typeof mac === 'string' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) packet[name] = mac.toLowerCase()
    else if (mac !== undefined) f.problem(name, `${show(mac)} is not an Ethernet address such as 02:00:00:00:00:01`)
  }
  if (packet.mac_dst?.startsWith('01:80:c2:00:00:0')) {
    f.problem('mac_dst', 'an address that bridges keep for themselves (01:80:c2:00:00:0x) carries no IP packets')
  }
  const type = f.get('pkttype')
  const known = PACKET_TYPES.find((name) => name === type)
  if (known !== undefined) packet.pkttype = known
  else if (type !== undefined) f.problem('pkttype', `${show(type)} is none of ${PACKET_TYPES.join(', ')}`)
}

/**
 * A whole packet from what was written about one: canonical addresses, defaults filled (proto has none; iface `local`,
 * ttl 64, tos 0, flags `S`, seq 1000 for a SYN else 1001, ack 1001 with ACK else 0, win 64240, echo request with id 1,
 * chunk `INIT`, mark 0), fields that the protocol does not have left out. Throws a PacketError naming every field that
 * is wrong. Whether the interface exists is asked where the namespace is known.
 *
 * @example completePacket({ proto: 'udp', src: '10.0.0.1', dst: '10.0.0.2', dport: 53 }).ttl // 64
 */
export function completePacket(partial: unknown): Packet {
  const problems: FieldProblem[] = []
  if (typeof partial !== 'object' || partial === null || Array.isArray(partial)) {
    throw new PacketError([{ field: '', message: `${show(partial)} is not an object with the fields of a packet` }])
  }
  const f = new Fields(partial, '', problems)
  unknownFields(f, PACKET_SET, true)
  const iface = f.has('iface') ? f.text('iface') : 'local'
  const id = f.get('id')
  if (id !== undefined && typeof id !== 'string' && (typeof id !== 'number' || !Number.isFinite(id))) {
    f.problem('id', `${show(id)} is not a number or a text`)
  }
  const result = header(f, 64)
  if (result !== null) {
    const packet: Packet = { ...result.quoted, iface: iface ?? 'local' }
    beyondHeader(f, packet, result.number)
    if (id !== undefined) packet.id = id as number | string
    const length = packetLength(packet)
    if (problems.length === 0 && length > 65535) {
      f.problem('payload_len', `the packet would have ${length} bytes; 65535 is the most`)
    }
    if (problems.length === 0) return packet
  }
  throw new PacketError(problems)
}
