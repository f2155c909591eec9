// Records of the classic pcap format: a 24-byte file header, then 16 bytes and a packet each.
// Spec: draft-ietf-opsawg-pcap (PCAP Capture File Format). Micro- and nanoseconds, both byte orders.
import {
  Bytes,
  type CapturedPacket,
  type CaptureInterface,
  type CaptureLimits,
  damaged,
  type RecordParser,
} from './pcap-record.js'

export const PCAP_MAGIC_US = 0xa1b2c3d4
export const PCAP_MAGIC_NS = 0xa1b23c4d
const FILE_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16

export class ClassicParser implements RecordParser {
  readonly record = 'a packet record'
  private readonly file: string
  private readonly limits: CaptureLimits
  private readonly emit: (packet: CapturedPacket) => void
  private readonly little: boolean
  /** Nanoseconds of one unit of a record's second time field. */
  private readonly unitNs: bigint
  private link: CaptureInterface | null = null
  private count = 0

  /** `magic`: the first four bytes of the file, in its own byte order. */
  constructor(
    file: string,
    limits: CaptureLimits,
    little: boolean,
    magic: number,
    emit: (packet: CapturedPacket) => void,
  ) {
    this.file = file
    this.limits = limits
    this.little = little
    this.unitNs = magic === PCAP_MAGIC_NS ? 1n : 1000n
    this.emit = emit
  }

  take(bytes: Uint8Array, offset: number): { taken: number; need: number } {
    const window = new Bytes(bytes, this.little)
    return this.link === null ? this.fileHeader(window, offset) : this.packet(window, offset, this.link)
  }

  private fileHeader(window: Bytes, offset: number): { taken: number; need: number } {
    if (window.bytes.length < FILE_HEADER_BYTES) return { taken: 0, need: FILE_HEADER_BYTES }
    const major = window.u16(4)
    const minor = window.u16(6)
    if (major !== 2 || minor !== 4) damaged(this.file, offset + 4, `pcap version ${major}.${minor}; 2.4 was expected`)
    // The upper half of the field tells about frame check sequences, which lie behind the IP packet.
    this.link = { index: 0, linkType: window.u32(20) & 0xffff, snapLength: window.u32(16) }
    return { taken: FILE_HEADER_BYTES, need: 0 }
  }

  private packet(window: Bytes, offset: number, link: CaptureInterface): { taken: number; need: number } {
    if (window.bytes.length < RECORD_HEADER_BYTES) return { taken: 0, need: RECORD_HEADER_BYTES }
    const captured = window.u32(8)
    const wire = window.u32(12)
    if (captured > this.limits.packetBytes)
      damaged(this.file, offset + 8, `a packet of ${captured} captured bytes; ${this.limits.packetBytes} are the most`)
    if (captured > wire)
      damaged(this.file, offset + 8, `${captured} bytes captured of a packet of ${wire}; that cannot be`)
    const size = RECORD_HEADER_BYTES + captured
    if (window.bytes.length < size) return { taken: 0, need: size }
    if (this.count === this.limits.packets)
      damaged(this.file, offset, `more than ${this.limits.packets} packets, the limit`)
    this.count++
    this.emit({
      number: this.count,
      interface: link,
      timeNs: BigInt(window.u32(0)) * 1_000_000_000n + BigInt(window.u32(4)) * this.unitNs,
      bytes: window.bytes.slice(RECORD_HEADER_BYTES, size),
      wireLength: wire,
    })
    return { taken: size, need: 0 }
  }
}
