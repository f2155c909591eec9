// Captures as packets for a namespace: what `nodeplane replay --pcap FILE --iface NAME` sends in.
// Owns which captured packets count, their times, and what is said about the others.
import { decodePacket } from './bytes.js'
import { completePacket, PacketError } from './complete.js'
import { escapeText, fail } from './fault.js'
import { packetLength } from './length.js'
import type { Packet } from './packet.js'
import { CaptureReader } from './pcap-read.js'
import type { CapturedPacket, CaptureLimits } from './pcap-record.js'

export { CaptureReader, type CaptureReaderOptions } from './pcap-read.js'
export type { CapturedPacket, CaptureInterface, CaptureLimits } from './pcap-record.js'
export {
  type PacketToWrite,
  type PcapngOptions,
  PcapngWriter,
  type PcapOptions,
  writePcap,
  writePcapng,
} from './pcap-write.js'

export interface ReadPcapOptions {
  /** Name of the capture, for faults. */
  readonly file: string
  /** The interface on which the packets come in. */
  readonly iface: string
  /**
   * Longest packet that the interface takes, bytes. What is longer was put together by the card that received it, so it may
   * be cut again on its way (`df` false; of IPv6 it is only said). Default: any.
   */
  readonly mtu?: number
  readonly limits?: Partial<CaptureLimits>
}

/** So many different notes are kept; a capture of noise would give one for each packet. */
const MAX_NOTES = 50

/** Notes that repeat: the text, how often, and the first packet it is true of. */
class Notes {
  private readonly counts = new Map<string, { count: number; first: number }>()

  add(text: string, packet: number): void {
    const known = this.counts.has(text) || this.counts.size < MAX_NOTES ? text : 'other remarks of many kinds'
    const entry = this.counts.get(known)
    if (entry) entry.count++
    else this.counts.set(known, { count: 1, first: packet })
  }

  lines(): string[] {
    return [...this.counts].map(([text, { count, first }]) =>
      count === 1 ? `packet ${first}: ${text}` : `${count} packets, the first ${first}: ${text}`,
    )
  }
}

/** A packet of a capture, ready to be sent in. */
export interface PcapPacket {
  readonly packet: Packet
  /** When it was captured, nanoseconds since 1970; null when the capture does not say. */
  readonly timeNs: bigint | null
}

/**
 * The packets of a pcap or pcapng file that comes in pieces, arriving on one interface: what `readPcapPackets` says, with
 * no more than a piece in memory. `push` every piece, then `end`; `notes` says at any time what was passed over so far.
 * Where a capture names its interfaces, which of them count is decided by those described so far.
 */
export class PcapPackets {
  readonly #iface: string
  readonly #mtu: number
  readonly #reader: CaptureReader
  readonly #notes = new Notes()
  #start: bigint | null = null
  #last = 0
  #taken = 0
  #seen = 0
  #unread: string | null = null

  constructor(options: ReadPcapOptions) {
    if (options.iface === '' || options.iface === 'local')
      fail(options.file, 0, 0, 'captured packets come in on an interface; its name was expected')
    this.#iface = options.iface
    this.#mtu = options.mtu ?? Number.POSITIVE_INFINITY
    this.#reader = new CaptureReader({ file: options.file, ...(options.limits && { limits: options.limits }) })
  }

  push(piece: Uint8Array): PcapPacket[] {
    return this.#packets(this.#reader.push(piece))
  }

  /** Says that the capture is over. Throws a FaultError when it ends inside a record. */
  end(): PcapPacket[] {
    return this.#packets(this.#reader.end())
  }

  get notes(): string[] {
    const choice = this.#choice()
    return choice === null ? this.#notes.lines() : [choice, ...this.#notes.lines()]
  }

  /** Packets taken, and packets that the capture held so far. */
  get counts(): { readonly taken: number; readonly seen: number } {
    return { taken: this.#taken, seen: this.#seen }
  }

  /** The complaint about a link type that is not read; null: there was none. */
  get unreadLinkType(): string | null {
    return this.#unread
  }

  /** What is to be said of the capture's interfaces; null: nothing. */
  #choice(): string | null {
    const { interfaces } = this.#reader
    const named = interfaces.filter((i) => i.name === this.#iface)
    const names = [...new Set(interfaces.map((i) => i.name ?? `#${i.index}`))].map(escapeText).join(', ')
    const iface = escapeText(this.#iface)
    if (named.length > 0 && named.length < interfaces.length)
      return `of the capture's interfaces (${names}) only ${iface} counts`
    if (named.length > 0 || interfaces.length < 2) return null
    return `packets of all the capture's interfaces (${names}) come in on ${iface}`
  }

  #packets(captured: readonly CapturedPacket[]): PcapPacket[] {
    const named = this.#reader.interfaces.some((i) => i.name === this.#iface)
    const packets: PcapPacket[] = []
    for (const record of captured) {
      this.#seen++
      if (named && record.interface.name !== this.#iface) continue
      const packet = toPacket(record, this.#iface, this.#notes)
      if (typeof packet === 'string') this.#unread ??= packet.startsWith('link type') ? packet : null
      if (packet === null || typeof packet === 'string') continue
      packet.at_ms = this.#time(record)
      this.#uncut(packet, record.number)
      this.#taken++
      packets.push({ packet, timeNs: record.timeNs })
    }
    return packets
  }

  /** What no wire can have carried came in pieces. */
  #uncut(packet: Packet, number: number): void {
    if (packetLength(packet) <= this.#mtu) return
    if (!packet.src.includes(':')) packet.df = false
    this.#notes.add(
      `longer than the ${this.#mtu} bytes of ${escapeText(this.#iface)}: the card put it together`,
      number,
    )
  }

  /** Milliseconds since the first packet, never less than before. */
  #time(record: CapturedPacket): number {
    if (record.timeNs === null) {
      this.#notes.add('no time; it gets that of the packet before', record.number)
      return this.#last
    }
    this.#start ??= record.timeNs
    const ms = Number((record.timeNs - this.#start) / 1_000_000n)
    if (ms < this.#last)
      this.#notes.add('stamped earlier than a packet before it; it gets the time of that', record.number)
    this.#last = Math.max(this.#last, ms)
    return this.#last
  }
}

/**
 * The packets of a pcap or pcapng file, complete, arriving on `iface`. `id` is the packet's number in the capture, as
 * other tools count; `at_ms` counts from the first packet taken, whole milliseconds, and never runs backwards (a packet
 * stamped earlier than the one before it gets that one's time). Passed over and said in `notes`: what is not IP,
 * cut or malformed headers, and packets that the capture marks as sent by its own host.
 * Throws a FaultError with the byte offset when the file is damaged, empty or none.
 */
export function readPcapPackets(bytes: Uint8Array, options: ReadPcapOptions): { packets: Packet[]; notes: string[] } {
  const capture = new PcapPackets(options)
  const packets = [...capture.push(bytes), ...capture.end()].map(({ packet }) => packet)
  return { packets, notes: capture.notes }
}

/** The packet; a text: why the frame is none; null: it does not count. */
function toPacket(record: CapturedPacket, iface: string, notes: Notes): Packet | string | null {
  const found = decodePacket(record.bytes, record.interface.linkType, record.wireLength)
  if ('problem' in found) {
    notes.add(`passed over: ${found.problem}`, record.number)
    return found.problem
  }
  if (found.outgoing || record.direction === 'out') {
    notes.add('passed over: the capturing host sent it', record.number)
    return null
  }
  try {
    const packet = completePacket({ ...found.packet, iface, id: record.number })
    for (const note of found.notes) notes.add(note, record.number)
    return packet
  } catch (error) {
    if (!(error instanceof PacketError)) throw error
    notes.add(`passed over: ${error.message}`, record.number)
    return null
  }
}
