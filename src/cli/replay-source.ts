// Where replay's packets come from: packet lines or a capture, file or pipe, as they arrive.
// Owns what is read whole first (a small file of packet lines: all its faults come before any answer) and what streams.
import { fail } from '../net/fault.js'
import { LineSplitter } from '../net/lines.js'
import { MissingFieldError } from '../net/missing.js'
import type { Answer, Packet } from '../net/packet.js'
import { PcapPackets } from '../net/pcap.js'
import type { DataPlane, ProcessOptions } from '../netns/dataplane.js'
import { InputStream } from '../netns/node/stream.js'
import { MAX_PACKET_LINE, PacketLineReader, readPacketLines } from '../netns/packets.js'
import { type PrintedAnswer, printedAnswer, runScript, ScriptPlayer } from '../netns/script.js'
import type { PacketTap } from './pcap-out.js'
import { printNotes } from './terminal.js'

/** A file of packet lines up to this size is read whole first. */
const WHOLE_BYTES = 8 << 20
/** Lines that later lines can refer to when a file is not read whole. */
export const DEFAULT_REMEMBER = 8192

export interface SourceRun {
  readonly plane: DataPlane
  readonly want: ProcessOptions
  readonly tap: PacketTap
}

/** Answers as they come, in groups between which output may be waited for. */
export interface PacketSource {
  answers(run: SourceRun): AsyncGenerator<Iterable<PrintedAnswer>>
  /** How much of the input is done, 0 to 1; null: not known. */
  readonly fraction: number | null
}

const text = (pieces: readonly Uint8Array[], file: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    return fail(file, 0, 0, 'not UTF-8 text (a binary file?)')
  }
}

/** `--packets FILE`. */
export class LineSource implements PacketSource {
  readonly #input: InputStream
  readonly #interfaces: ReadonlySet<string>
  readonly #remember: number

  constructor(path: string, interfaces: ReadonlySet<string>, remember: number) {
    this.#input = new InputStream(path)
    this.#interfaces = interfaces
    this.#remember = remember
  }

  get fraction(): number | null {
    return this.#input.fraction
  }

  async *answers({ plane, want }: SourceRun): AsyncGenerator<Iterable<PrintedAnswer>> {
    const file = this.#input.name
    const options = { file, interfaces: this.#interfaces }
    const script = { ...options, ...want }
    const pieces = this.#input[Symbol.asyncIterator]()
    const held: Uint8Array[] = []
    if (this.#input.size !== null) {
      let bytes = 0
      let whole = false
      while (!whole && bytes <= WHOLE_BYTES) {
        const next = await pieces.next()
        whole = next.done === true
        if (next.done) continue
        bytes += next.value.length
        held.push(next.value)
      }
      if (whole) {
        yield runScript(readPacketLines(text(held, file), options), plane, script)
        return
      }
    }
    const reader = new PacketLineReader(options, this.#remember)
    const lines = new LineSplitter(file, 4 * MAX_PACKET_LINE)
    const player = new ScriptPlayer(plane, script)
    let count = 0
    function* play(some: Iterable<readonly [number, string]>): Generator<PrintedAnswer> {
      for (const [line, content] of some) {
        const item = reader.read(content, line)
        if (item === null) continue
        count++
        yield player.play(item)
      }
    }
    for (const piece of held.splice(0)) yield play(lines.push(piece))
    for await (const piece of pieces) yield play(lines.push(piece))
    yield play(lines.end())
    if (count === 0) fail(file, 0, 0, 'no packet in the file; one JSON object a line was expected')
  }
}

/** `--pcap FILE --iface NAME`. */
export class CaptureSource implements PacketSource {
  readonly #input: InputStream
  readonly #iface: string
  readonly #mtu: number

  /** `mtu`: of the interface. */
  constructor(path: string, iface: string, mtu: number) {
    this.#input = new InputStream(path)
    this.#iface = iface
    this.#mtu = mtu
  }

  get fraction(): number | null {
    return this.#input.fraction
  }

  async *answers({ plane, want, tap }: SourceRun): AsyncGenerator<Iterable<PrintedAnswer>> {
    const file = this.#input.name
    const capture = new PcapPackets({
      file,
      iface: this.#iface,
      mtu: this.#mtu,
      limits: { packets: Number.POSITIVE_INFINITY },
    })
    const sent = (packet: Packet): Answer => {
      try {
        return plane.process(packet, want)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        const named = error instanceof MissingFieldError ? error.message : `packet ${packet.id}: ${error.message}`
        return fail(file, 0, 0, named)
      }
    }
    function* play(packets: ReturnType<PcapPackets['push']>): Generator<PrintedAnswer> {
      for (const { packet, timeNs } of packets) {
        tap.timeNs = timeNs
        yield printedAnswer({ id: packet.id ?? 0, timed: true }, { packet, fields: { ...packet } }, sent(packet))
      }
    }
    try {
      for await (const piece of this.#input) yield play(capture.push(piece))
      yield play(capture.end())
    } finally {
      // What was passed over is known at the end; it is said also when the capture ends early.
      printNotes('note', capture.notes)
    }
    const unread = capture.unreadLinkType
    if (capture.counts.taken === 0 && unread !== null)
      fail(file, 0, 0, `nothing of this capture can be read: ${unread}`)
  }
}
