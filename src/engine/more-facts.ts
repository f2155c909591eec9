// What a packet says beyond its record: TCP options, and what rules that read bytes ask for. Owns FACTS_* (assembly/layout.ts)
// and the memory for them, which a batch takes only for packets that say such things.
import {
  FACTS_BYTES,
  FACTS_CGROUP_OFF,
  FACTS_DCCP_OPTIONS_OFF,
  FACTS_DCCP_TYPE_OFF,
  FACTS_DF,
  FACTS_FLOW_LABEL_OFF,
  FACTS_GROUPS_OFF,
  FACTS_HAS_CGROUP,
  FACTS_HAS_DCCP_OPTIONS,
  FACTS_HAS_DCCP_TYPE,
  FACTS_HAS_DF,
  FACTS_HAS_FLOW_LABEL,
  FACTS_HAS_GROUPS,
  FACTS_HAS_ICMP_REST,
  FACTS_HAS_ICMP_SEQ,
  FACTS_HAS_IP_ID,
  FACTS_HAS_OFF,
  FACTS_HAS_OS,
  FACTS_HAS_PATH,
  FACTS_HAS_PAYLOAD,
  FACTS_HAS_SCTP_FLAGS,
  FACTS_ICMP_REST_OFF,
  FACTS_ICMP_SEQ_OFF,
  FACTS_IP_ID_OFF,
  FACTS_OS_OFF,
  FACTS_PATH_OFF,
  FACTS_PAYLOAD_OFF,
  FACTS_SCTP_FLAGS_OFF,
  MORE_FACTS,
  MORE_OPTIONS,
  RECORD_MORE_OFF,
  RECORD_PAYLOAD_OFF,
} from '../../assembly/layout.js'
import type { Packet } from '../net/packet.js'
import { dccpTypeNumber } from '../net/proto.js'
import { tcpOptionBytes } from '../net/tcp-options.js'

/** Numbers: where they lie, what says that they are there, and what they are. */
const NUMBERS: readonly (readonly [number, number, (packet: Packet) => number | undefined])[] = [
  [FACTS_IP_ID_OFF, FACTS_HAS_IP_ID, (p) => p.ip_id],
  [FACTS_FLOW_LABEL_OFF, FACTS_HAS_FLOW_LABEL, (p) => p.flow_label],
  [FACTS_ICMP_SEQ_OFF, FACTS_HAS_ICMP_SEQ, (p) => p.icmp_seq],
  [FACTS_ICMP_REST_OFF, FACTS_HAS_ICMP_REST, (p) => p.icmp_rest],
  [FACTS_CGROUP_OFF, FACTS_HAS_CGROUP, (p) => p.cgroup],
  [FACTS_SCTP_FLAGS_OFF, FACTS_HAS_SCTP_FLAGS, (p) => p.sctp_flags],
  [FACTS_DCCP_TYPE_OFF, FACTS_HAS_DCCP_TYPE, (p) => dccpTypeNumber(p.dccp_type) ?? undefined],
]

/** Likewise bytes: their address lies there, then their number. The path of all cgroups, `/`, has none. */
const TEXTS: readonly (readonly [number, number, (packet: Packet) => Uint8Array | undefined])[] = [
  [FACTS_PAYLOAD_OFF, FACTS_HAS_PAYLOAD, (p) => fromHex(p.payload)],
  [FACTS_PATH_OFF, FACTS_HAS_PATH, (p) => (p.cgroup_path === '/' ? fromText('') : fromText(p.cgroup_path))],
  [FACTS_GROUPS_OFF, FACTS_HAS_GROUPS, (p) => p.groups && new Uint8Array(Uint32Array.from(p.groups).buffer)],
  [FACTS_DCCP_OPTIONS_OFF, FACTS_HAS_DCCP_OPTIONS, (p) => fromHex(p.dccp_options)],
  [FACTS_OS_OFF, FACTS_HAS_OS, (p) => fromText(p.os)],
]

/** The least room that is taken at once. */
const CHUNK_BYTES = 1 << 16

function fromHex(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

const encoder = new TextEncoder()
function fromText(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : encoder.encode(text)
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
    const numbers = NUMBERS.flatMap(([at, bit, of]) =>
      of(packet) === undefined ? [] : [[at, bit, of(packet)!] as const],
    )
    const texts = TEXTS.flatMap(([at, bit, of]) => {
      const bytes = of(packet)
      return bytes === undefined ? [] : [[at, bit, bytes] as const]
    })
    let has = packet.df === undefined ? 0 : FACTS_HAS_DF | (packet.df ? FACTS_DF : 0)
    for (const [, bit] of [...numbers, ...texts]) has |= bit
    if (options === null && has === 0) return
    // Each text begins at a whole word.
    const size = texts.reduce((sum, [, , bytes]) => sum + ((bytes.length + 3) & ~3), FACTS_BYTES)
    const at = this.#room(i, size)
    const memory = view()
    const facts = new Uint8Array(memory.buffer, at, size)
    facts.fill(0)
    if (options !== null) facts.set([options.length, ...options])
    memory.setUint32(at + FACTS_HAS_OFF, has, true)
    for (const [offset, , value] of numbers) memory.setUint32(at + offset, value, true)
    let next = FACTS_BYTES
    for (const [offset, , bytes] of texts) {
      memory.setUint32(at + offset, at + next, true)
      memory.setUint32(at + offset + 4, bytes.length, true)
      facts.set(bytes, next)
      next += (bytes.length + 3) & ~3
    }
    memory.setUint32(record + RECORD_PAYLOAD_OFF, at, true)
    const more = (options === null ? 0 : MORE_OPTIONS) | (has === 0 ? 0 : MORE_FACTS)
    memory.setUint8(record + RECORD_MORE_OFF, memory.getUint8(record + RECORD_MORE_OFF) | more)
  }
}
