// Connections that exist at the start, as CONNECTION records.
import {
  CONNECTION_BYTES,
  CONNECTION_COUNTS_OFF,
  CONNECTION_FAMILY_OFF,
  CONNECTION_HELPER_OFF,
  CONNECTION_MARK_OFF,
  CONNECTION_ORIG_OFF,
  CONNECTION_PROTO_OFF,
  CONNECTION_REPLY_OFF,
  CONNECTION_STATE_OFF,
  CONNECTION_STATUS_OFF,
  CONNECTION_TIMEOUT_OFF,
  CONNECTION_ZONE_OFF,
  IPS_COUNTED,
  SECTION_CONNECTIONS,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from '../../assembly/layout.js'
import { addressWords } from '../net/ip.js'
import type { CtStatus, Tuple } from '../net/packet.js'
import type { ExistingConnection } from '../netns/model.js'
import type { CompileContext } from './context.js'
import type { ImageWriter } from './image.js'

/** IPS_* bit numbers, in the kernel's order. */
export const STATUS_BITS: readonly (readonly [CtStatus, number])[] = [
  ['EXPECTED', 1],
  ['SEEN_REPLY', 2],
  ['ASSURED', 4],
  ['CONFIRMED', 8],
  ['SRC_NAT', 16],
  ['DST_NAT', 32],
  ['SEQ_ADJUST', 64],
  ['SRC_NAT_DONE', 128],
  ['DST_NAT_DONE', 256],
  ['FIXED_TIMEOUT', 1024],
]
/** By number. */
export const TCP_STATES: readonly string[] =
  'NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2'.split(' ')
export const SCTP_STATES: readonly string[] =
  'NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD SHUTDOWN_ACK_SENT HEARTBEAT_SENT'.split(
    ' ',
  )

function writeTuple(words: Uint32Array, at: number, tuple: Tuple): void {
  words.set(addressWords(tuple.src), at + (TUPLE_SRC_OFF >>> 2))
  words.set(addressWords(tuple.dst), at + (TUPLE_DST_OFF >>> 2))
  const icmp = tuple.icmp_type !== undefined
  words[at + (TUPLE_SPORT_OFF >>> 2)] = icmp ? (tuple.icmp_id ?? 0) : (tuple.sport ?? 0)
  words[at + (TUPLE_DPORT_OFF >>> 2)] = icmp
    ? ((tuple.icmp_type ?? 0) << 8) | (tuple.icmp_code ?? 0)
    : (tuple.dport ?? 0)
}

function stateNumber(entry: ExistingConnection): number {
  const names = entry.protonum === 132 ? SCTP_STATES : TCP_STATES
  return Math.max(0, names.indexOf(entry.state ?? 'NONE'))
}

/** Writes the CONNECTIONS section. */
export function writeConnections({ ns, attached }: CompileContext, writer: ImageWriter): void {
  const stride = CONNECTION_BYTES >>> 2
  const words = new Uint32Array(ns.connections.length * stride)
  ns.connections.forEach((entry, i) => {
    const at = i * stride
    words[at + (CONNECTION_FAMILY_OFF >>> 2)] = entry.family === 'ipv6' ? 6 : 4
    words[at + (CONNECTION_PROTO_OFF >>> 2)] = entry.protonum
    words[at + (CONNECTION_STATUS_OFF >>> 2)] = STATUS_BITS.reduce(
      (bits, [name, bit]) => (entry.status.includes(name) ? bits | bit : bits),
      0,
    )
    words[at + (CONNECTION_MARK_OFF >>> 2)] = entry.mark
    words[at + (CONNECTION_TIMEOUT_OFF >>> 2)] = entry.timeout
    words[at + (CONNECTION_STATE_OFF >>> 2)] = stateNumber(entry)
    words[at + (CONNECTION_ZONE_OFF >>> 2)] = entry.zone ?? 0
    writeTuple(words, at + (CONNECTION_ORIG_OFF >>> 2), entry.orig)
    writeTuple(words, at + (CONNECTION_REPLY_OFF >>> 2), entry.reply)
    words[at + (CONNECTION_HELPER_OFF >>> 2)] = attached.indexOf(`helper ${entry.helper}`) + 1
    if (entry.counted !== undefined) {
      words[at + (CONNECTION_STATUS_OFF >>> 2)]! |= IPS_COUNTED
      const { orig, reply } = entry.counted
      for (const [k, n] of [orig.packets, orig.bytes, reply.packets, reply.bytes].entries()) {
        words[at + (CONNECTION_COUNTS_OFF >>> 2) + 2 * k] = n % 2 ** 32
        words[at + (CONNECTION_COUNTS_OFF >>> 2) + 2 * k + 1] = Math.floor(n / 2 ** 32)
      }
    }
  })
  writer.section(SECTION_CONNECTIONS, words)
}
