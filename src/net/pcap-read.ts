// The streaming reader of captures: takes a file in pieces of any size, gives packets as they become whole.
// Owns the buffer and which of the two formats it is; the formats themselves are in pcap-classic.ts and pcap-ng.ts.
import { ClassicParser, PCAP_MAGIC_NS, PCAP_MAGIC_US } from './pcap-classic.js'
import { BLOCK_SECTION, NgParser } from './pcap-ng.js'
import {
  Bytes,
  type CapturedPacket,
  type CaptureInterface,
  type CaptureLimits,
  DEFAULT_CAPTURE_LIMITS,
  damaged,
  type RecordParser,
} from './pcap-record.js'

export interface CaptureReaderOptions {
  /** Name for faults. Default `capture`. */
  readonly file?: string
  readonly limits?: Partial<CaptureLimits>
}

/**
 * Reads pcap (micro- and nanoseconds) and pcapng, either byte order, piece by piece: `push` every piece of the file,
 * then `end`. Both return the packets that became whole. A damaged file gives one FaultError that names the byte
 * offset, and the reader is of no more use.
 */
export class CaptureReader {
  /** The interfaces seen so far (pcapng; a classic file's one shows in its packets). */
  readonly interfaces: CaptureInterface[] = []
  private readonly file: string
  private readonly limits: CaptureLimits
  private parser: RecordParser | null = null
  private ready: CapturedPacket[] = []
  /** What is not read yet stands at [start, end) of `buffer`; `offset` is where `start` stands in the file. */
  private buffer: Uint8Array = new Uint8Array(0)
  private start = 0
  private end_ = 0
  private offset = 0
  /** Nothing can be read before so many bytes are there. */
  private need = 4

  constructor(options: CaptureReaderOptions = {}) {
    this.file = options.file ?? 'capture'
    this.limits = { ...DEFAULT_CAPTURE_LIMITS, ...options.limits }
  }

  /** Takes the next piece, of any size; keeps no reference to it. */
  push(piece: Uint8Array): CapturedPacket[] {
    this.append(piece)
    while (this.end_ - this.start >= this.need) {
      const bytes = this.buffer.subarray(this.start, this.end_)
      this.parser ??= this.recognise(bytes)
      const { taken, need } = this.parser.take(bytes, this.offset)
      this.start += taken
      this.offset += taken
      // The smallest record of either format has 12 bytes.
      this.need = taken > 0 ? 12 : need
    }
    return this.drain()
  }

  /** Says that the file is over; a fault when it ends inside a record or is empty. */
  end(): CapturedPacket[] {
    const left = this.end_ - this.start
    if (this.parser === null) {
      damaged(this.file, 0, left === 0 ? 'the file is empty; a pcap or pcapng capture was expected' : NO_CAPTURE)
    }
    if (left > 0)
      damaged(
        this.file,
        this.offset,
        `the file ends inside ${this.parser.record}: ${left} of at least ${this.need} bytes`,
      )
    return this.drain()
  }

  private drain(): CapturedPacket[] {
    const packets = this.ready
    this.ready = []
    return packets
  }

  private append(piece: Uint8Array): void {
    const left = this.end_ - this.start
    if (this.end_ + piece.length > this.buffer.length) {
      const size = left + piece.length
      const target = size > this.buffer.length ? new Uint8Array(Math.max(size, 2 * this.buffer.length)) : this.buffer
      target.set(this.buffer.subarray(this.start, this.end_))
      this.buffer = target
      this.start = 0
      this.end_ = left
    }
    this.buffer.set(piece, this.end_)
    this.end_ += piece.length
  }

  private recognise(bytes: Uint8Array): RecordParser {
    const emit = (packet: CapturedPacket): void => {
      this.ready.push(packet)
    }
    for (const little of [true, false]) {
      const magic = new Bytes(bytes, little).u32(0)
      if (magic === BLOCK_SECTION)
        return new NgParser(this.file, this.limits, emit, (link) => this.interfaces.push(link))
      if (magic === PCAP_MAGIC_US || magic === PCAP_MAGIC_NS)
        return new ClassicParser(this.file, this.limits, little, magic, emit)
    }
    return damaged(this.file, 0, NO_CAPTURE)
  }
}

const NO_CAPTURE =
  'this is no capture; one begins with a1b2c3d4, a1b23c4d (pcap, either byte order) or 0a0d0d0a (pcapng)'
