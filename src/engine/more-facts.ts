// What a packet says beyond its record: TCP options, and what rules that read bytes ask for. Owns FACTS_* (assembly/layout.ts)
// and the memory for them, which a batch takes only for packets that say such things.
import {
  FACTS_BYTES,
  FACTS_DF,
  FACTS_FLOW_LABEL_OFF,
  FACTS_HAS_DF,
  FACTS_HAS_FLOW_LABEL,
  FACTS_HAS_ICMP_REST,
  FACTS_HAS_ICMP_SEQ,
  FACTS_HAS_IP_ID,
  FACTS_HAS_OFF,
  FACTS_HAS_PAYLOAD,
  FACTS_ICMP_REST_OFF,
  FACTS_ICMP_SEQ_OFF,
  FACTS_IP_ID_OFF,
  FACTS_PAYLOAD_BYTES_OFF,
  FACTS_PAYLOAD_OFF,
  MORE_FACTS,
  MORE_OPTIONS,
  RECORD_MORE_OFF,
  RECORD_PAYLOAD_OFF,
} from '../../assembly/layout.js'
import type { Packet } from '../net/packet.js'
import { tcpOptionBytes } from '../net/tcp-options.js'

/** Numbers: field, where it lies, what says that it is there. */
const NUMBERS = [
  ['ip_id', FACTS_IP_ID_OFF, FACTS_HAS_IP_ID],
  ['flow_label', FACTS_FLOW_LABEL_OFF, FACTS_HAS_FLOW_LABEL],
  ['icmp_seq', FACTS_ICMP_SEQ_OFF, FACTS_HAS_ICMP_SEQ],
  ['icmp_rest', FACTS_ICMP_REST_OFF, FACTS_HAS_ICMP_REST],
] as const

/** The least room that is taken at once. */
const CHUNK_BYTES = 1 << 16

function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
}

/** The facts of the packets of one batch. */
export class MoreFacts {
  readonly #take: (bytes: number) => number
  /** Room of each packet that had facts: it is used again. */
  readonly #rooms = new Map<number, { readonly at: number; readonly bytes: number }>()
  #free = 0
  #left = 0

  /** `take` gives memory that stays; it throws when there is none. */
  constructor(take: (bytes: number) => number) {
    this.#take = take
  }

  #room(i: number, bytes: number): number {
    const old = this.#rooms.get(i)
    if (old !== undefined && old.bytes >= bytes) return old.at
    const size = (bytes + 63) & ~63
    if (size > this.#left) {
      this.#left = Math.max(size, CHUNK_BYTES)
      this.#free = this.#take(this.#left)
    }
    const at = this.#free
    this.#free += size
    this.#left -= size
    this.#rooms.set(i, { at, bytes: size })
    return at
  }

  /** Writes the facts of packet `i` where its record, at `record`, leads. `view` gives memory as it is then. */
  write(i: number, record: number, packet: Packet, view: () => DataView): void {
    const options = packet.tcp_options === undefined ? null : tcpOptionBytes(packet.tcp_options)
    const payload = packet.payload === undefined ? null : bytesOf(packet.payload)
    let has = (payload === null ? 0 : FACTS_HAS_PAYLOAD) | (packet.df === undefined ? 0 : FACTS_HAS_DF)
    if (packet.df) has |= FACTS_DF
    for (const [name, , bit] of NUMBERS) if (packet[name] !== undefined) has |= bit
    if (options === null && has === 0) return
    const at = this.#room(i, FACTS_BYTES + (payload?.length ?? 0))
    const memory = view()
    const bytes = new Uint8Array(memory.buffer, at, FACTS_BYTES + (payload?.length ?? 0))
    bytes.fill(0, 0, FACTS_BYTES)
    if (options !== null) {
      bytes[0] = options.length
      bytes.set(options, 1)
    }
    memory.setUint32(at + FACTS_HAS_OFF, has, true)
    for (const [name, offset] of NUMBERS) memory.setUint32(at + offset, packet[name] ?? 0, true)
    if (payload !== null) {
      memory.setUint32(at + FACTS_PAYLOAD_OFF, at + FACTS_BYTES, true)
      memory.setUint32(at + FACTS_PAYLOAD_BYTES_OFF, payload.length, true)
      bytes.set(payload, FACTS_BYTES)
    }
    memory.setUint32(record + RECORD_PAYLOAD_OFF, at, true)
    const more = (options === null ? 0 : MORE_OPTIONS) | (has === 0 ? 0 : MORE_FACTS)
    memory.setUint8(record + RECORD_MORE_OFF, memory.getUint8(record + RECORD_MORE_OFF) | more)
  }
}
