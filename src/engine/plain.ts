// The short way of an ordinary packet into its record: TCP, UDP and ICMP queries whose fields are all as they should
// be are read, checked and written without an object between. Anything else is left to net/complete.ts, which also
// says what is wrong. Owns no rule of its own: fields, ranges and defaults are those of `completePacket`.
import {
  HDR_ACK_OFF,
  HDR_DST_OFF,
  HDR_FAMILY_OFF,
  HDR_PAYLOAD_OFF,
  HDR_SEQ_OFF,
  HDR_SPORT_OFF,
  HDR_SRC_OFF,
  HDR_TCP_FLAGS_OFF,
  HDR_TYPE_OFF,
  HDR_WIN_OFF,
  MORE_EXTRA,
  RECORD_AT_MS_OFF,
  RECORD_IN_LINK_OFF,
  RECORD_LENGTH_OFF,
  RECORD_MARK_OFF,
  RECORD_MORE_OFF,
  RECORD_TRACE,
  RECORD_ZONE_OFF,
} from '../../assembly/layout.js'
import { DEFAULT_WINDOW } from '../net/complete.js'
import type { Packet } from '../net/packet.js'
import {
  formatTcpFlags,
  isIcmpError,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_ACK,
  TCP_SYN,
} from '../net/proto.js'
import { writeNoFacts } from './facts.js'

const U32 = 0xffffffff
const NO_CHUNK = 256
const COLON = 58

const FLAGS: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 256 }, (_, bits) => [formatTcpFlags(bits), bits] as const),
)

/** Value of a dotted quad; -1 when it is none. */
function quad(text: string): number {
  const { length } = text
  if (length < 7 || length > 15) return -1
  let value = 0
  let part = -1
  let dots = 0
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    if (c === 46) {
      if (part < 0 || ++dots > 3) return -1
      value = (value << 8) | part
      part = -1
    } else {
      const digit = c - 48
      if (digit < 0 || digit > 9 || part === 0) return -1
      part = part < 0 ? digit : part * 10 + digit
      if (part > 255) return -1
    }
  }
  return dots === 3 && part >= 0 ? ((value << 8) | part) >>> 0 : -1
}

/** Groups of source and destination, 8 each. */
const groups = new Uint16Array(16)

/** Reads an IPv6 address of hexadecimal groups into `groups` from `to`; false when it is none (or is written otherwise). */
function sixteen(text: string, to: number): boolean {
  const { length } = text
  if (length < 2 || length > 39) return false
  let count = 0
  let gap = -1
  let value = 0
  let digits = 0
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    if (c === COLON) {
      if (digits > 0) {
        if (count === 8) return false
        groups[to + count++] = value
        value = 0
        digits = 0
      } else if (i === 0) {
        if (text.charCodeAt(1) !== COLON) return false
      } else if (text.charCodeAt(i - 1) !== COLON || gap >= 0) return false
      else gap = count
      continue
    }
    const letter = c | 32
    const digit = c >= 48 && c <= 57 ? c - 48 : letter >= 97 && letter <= 102 ? letter - 87 : -1
    if (digit < 0 || ++digits > 4) return false
    value = (value << 4) | digit
  }
  if (digits > 0) {
    if (count === 8) return false
    groups[to + count++] = value
  } else if (gap !== count) return false
  if (gap < 0) return count === 8
  if (count > 7) return false
  groups.copyWithin(to + 8 - (count - gap), to + gap, to + count)
  groups.fill(0, to + gap, to + 8 - (count - gap))
  return true
}

function writeGroups(view: DataView, at: number, from: number): void {
  for (let i = 0; i < 8; i += 2) {
    view.setUint32(at + i * 2, groups[from + i]! * 0x10000 + groups[from + i + 1]!, true)
  }
}

function writeQuad(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true)
  view.setUint32(at + 4, 0, true)
  view.setFloat64(at + 8, 0, true)
}

/** A whole number 0..`most`; the fallback when it is absent; -1 when it is anything else. */
function whole(value: unknown, most: number, fallback: number): number {
  if (value === undefined) return fallback
  return typeof value === 'number' && value >>> 0 === value && value <= most ? value : -1
}

/**
 * Writes the packet's record at `at` and returns true, or touches nothing and returns false: the packet is no ordinary
 * one. `links`: link id by name.
 */
export function writePlain(
  view: DataView,
  at: number,
  packet: Packet,
  links: ReadonlyMap<string, number>,
  trace: boolean,
): boolean {
  if (typeof packet !== 'object' || packet === null || Object.getPrototypeOf(packet) !== Object.prototype) return false
  const { proto, src, dst, iface, id, ttl, tos, payload_len, mark, at_ms, extra_len } = packet
  if (typeof src !== 'string' || typeof dst !== 'string') return false
  // Every field that is read counts; a packet with others than these is not plain.
  let fields = 3
  let link: number | undefined = 0
  if (iface !== undefined) {
    fields++
    if (iface !== 'local') link = links.get(iface)
    if (link === undefined) return false
  }
  if (id !== undefined) {
    fields++
    if (typeof id !== 'string' && !Number.isFinite(id)) return false
  }
  if (at_ms !== undefined) {
    fields++
    if (!Number.isSafeInteger(at_ms) || at_ms < 0) return false
  }
  if (ttl !== undefined) fields++
  if (tos !== undefined) fields++
  if (payload_len !== undefined) fields++
  if (mark !== undefined) fields++
  if (extra_len !== undefined) fields++
  const hops = whole(ttl, 255, 64)
  const service = whole(tos, 255, 0)
  const payload = whole(payload_len, 65535, 0)
  const marked = whole(mark, U32, 0)
  const extra = whole(extra_len, 65535, 0)
  if (hops < 0 || service < 0 || payload < 0 || marked < 0 || extra < 0) return false

  let number = PROTOCOL_TCP
  let ports = 0
  let icmp = 0
  let bits = 0
  let seq = 0
  let ack = 0
  let win = 0
  let length = payload + extra
  if (proto === 'tcp' || proto === 'udp') {
    const { sport, dport } = packet
    if (sport !== undefined) fields++
    if (dport !== undefined) fields++
    const low = whole(sport, 65535, 0)
    const high = whole(dport, 65535, 0)
    if (low < 0 || high < 0) return false
    ports = low | (high << 16)
    if (proto === 'tcp') {
      const { flags } = packet
      if (flags !== undefined) fields++
      const set = flags === undefined ? TCP_SYN : FLAGS.get(flags)
      if (set === undefined) return false
      bits = set
      if (packet.seq !== undefined) fields++
      if (packet.ack !== undefined) fields++
      if (packet.win !== undefined) fields++
      seq = whole(packet.seq, U32, bits & TCP_SYN ? 1000 : 1001)
      ack = whole(packet.ack, U32, bits & TCP_ACK ? 1001 : 0)
      win = whole(packet.win, 65535, DEFAULT_WINDOW)
      if (seq < 0 || ack < 0 || win < 0) return false
      length += 20
    } else {
      number = PROTOCOL_UDP
      length += 8
    }
  } else if (proto === 'icmp' || proto === 'icmpv6') {
    number = proto === 'icmp' ? PROTOCOL_ICMP : PROTOCOL_ICMPV6
    const { icmp_type, icmp_code, icmp_id } = packet
    if (icmp_type !== undefined) fields++
    if (icmp_code !== undefined) fields++
    if (icmp_id !== undefined) fields++
    const type = whole(icmp_type, 255, number === PROTOCOL_ICMP ? 8 : 128)
    const code = whole(icmp_code, 255, 0)
    const query = whole(icmp_id, 65535, 1)
    if (type < 0 || code < 0 || query < 0 || isIcmpError(number, type)) return false
    icmp = type | (code << 8) | (query << 16)
    length += 8
  } else return false

  for (const _ in packet) fields--
  if (fields !== 0) return false

  const from = quad(src)
  const to = from < 0 ? -1 : quad(dst)
  const six = from < 0
  if (six) {
    if (number === PROTOCOL_ICMP || !sixteen(src, 0) || !sixteen(dst, 8)) return false
    length += 40
  } else {
    if (number === PROTOCOL_ICMPV6 || to < 0) return false
    length += 20
  }
  if (length > 65535) return false

  view.setUint32(at + HDR_FAMILY_OFF, (six ? 6 : 4) | (number << 8) | (hops << 16) | (service << 24), true)
  if (six) {
    writeGroups(view, at + HDR_SRC_OFF, 0)
    writeGroups(view, at + HDR_DST_OFF, 8)
  } else {
    writeQuad(view, at + HDR_SRC_OFF, from)
    writeQuad(view, at + HDR_DST_OFF, to)
  }
  view.setUint32(at + HDR_SPORT_OFF, ports, true)
  view.setUint32(at + HDR_TYPE_OFF, icmp, true)
  view.setUint32(at + HDR_TCP_FLAGS_OFF, bits | (NO_CHUNK << 16), true)
  view.setUint32(at + HDR_SEQ_OFF, seq, true)
  view.setUint32(at + HDR_ACK_OFF, ack, true)
  view.setUint32(at + HDR_WIN_OFF, win, true)
  view.setUint32(at + HDR_PAYLOAD_OFF, payload, true)
  view.setFloat64(at + RECORD_AT_MS_OFF, at_ms ?? -1, true)
  view.setUint32(at + RECORD_MARK_OFF, marked, true)
  view.setUint32(at + RECORD_LENGTH_OFF, length, true)
  view.setUint32(at + RECORD_IN_LINK_OFF, link, true)
  view.setUint32(at + RECORD_ZONE_OFF, trace ? RECORD_TRACE << 16 : 0, true)
  writeNoFacts(view, at)
  if (extra > 0) view.setUint8(at + RECORD_MORE_OFF, MORE_EXTRA)
  return true
}
