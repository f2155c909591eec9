// Captures as packets for a namespace: what `nodeplane replay --pcap FILE --iface NAME` sends in.
// Owns which captured packets count, their times, and what is said about the others.
import { decodePacket } from './bytes.js'
import { completePacket, PacketError } from './complete.js'
import { escapeText, fail } from './fault.js'
import type { Packet } from './packet.js'
import { CaptureReader } from './pcap-read.js'
import type { CapturedPacket, CaptureInterface, CaptureLimits } from './pcap-record.js'

export { CaptureReader, type CaptureReaderOptions } from './pcap-read.js'
export type { CapturedPacket, CaptureInterface, CaptureLimits } from './pcap-record.js'
export { type PacketToWrite, type PcapngOptions, type PcapOptions, writePcap, writePcapng } from './pcap-write.js'

export interface ReadPcapOptions {
  /** Name of the capture, for faults. */
  readonly file: string
  /** The interface on which the packets come in. */
  readonly iface: string
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

/** Capture interfaces that count: those called `iface` when the capture names its interfaces so, else all. */
function chosen(interfaces: readonly CaptureInterface[], iface: string): { all: boolean; note: string | null } {
  const named = interfaces.filter((i) => i.name === iface)
  const names = [...new Set(interfaces.map((i) => i.name ?? `#${i.index}`))].map(escapeText).join(', ')
  if (named.length > 0) {
    if (named.length === interfaces.length) return { all: true, note: null }
    return { all: false, note: `of the capture's interfaces (${names}) only ${escapeText(iface)} counts` }
  }
  if (interfaces.length < 2) return { all: true, note: null }
  return { all: true, note: `packets of all the capture's interfaces (${names}) come in on ${escapeText(iface)}` }
}

/**
 * The packets of a pcap or pcapng file, complete, arriving on `iface`. `id` is the packet's number in the capture, as
 * other tools count; `at_ms` counts from the first packet taken, whole milliseconds, and never runs backwards (a packet
 * stamped earlier than the one before it gets that one's time). Passed over and said in `notes`: what is not IP,
 * fragments but the first, cut or malformed headers, and packets that the capture marks as sent by its own host.
 * Throws a FaultError with the byte offset when the file is damaged, empty or none.
 */
export function readPcapPackets(bytes: Uint8Array, options: ReadPcapOptions): { packets: Packet[]; notes: string[] } {
  if (options.iface === '' || options.iface === 'local')
    fail(options.file, 0, 0, 'captured packets come in on an interface; its name was expected')
  const reader = new CaptureReader({ file: options.file, ...(options.limits && { limits: options.limits }) })
  const captured = reader.push(bytes)
  reader.end()
  const notes = new Notes()
  const packets: Packet[] = []
  const choice = chosen(reader.interfaces, options.iface)
  let start: bigint | null = null
  let last = 0
  for (const record of captured) {
    if (!choice.all && record.interface.name !== options.iface) continue
    const packet = toPacket(record, options.iface, notes)
    if (packet === null) continue
    if (record.timeNs === null) notes.add('no time; it gets that of the packet before', record.number)
    else {
      start ??= record.timeNs
      const ms = Number((record.timeNs - start) / 1_000_000n)
      if (ms < last) notes.add('stamped earlier than a packet before it; it gets the time of that', record.number)
      last = Math.max(last, ms)
    }
    packet.at_ms = last
    packets.push(packet)
  }
  return { packets, notes: choice.note === null ? notes.lines() : [choice.note, ...notes.lines()] }
}

function toPacket(record: CapturedPacket, iface: string, notes: Notes): Packet | null {
  const found = decodePacket(record.bytes, record.interface.linkType, record.wireLength)
  if ('problem' in found) {
    notes.add(`passed over: ${found.problem}`, record.number)
    return null
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
