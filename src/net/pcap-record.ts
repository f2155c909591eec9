// What both capture formats have in common: the shapes of a packet and an interface, limits, byte access, faults.
import { fail } from './fault.js'

/** An interface of a capture. A classic pcap file has one, without a name. */
export interface CaptureInterface {
  /** From 0, in the order of the file (all sections counted on). */
  readonly index: number
  /** `LINKTYPE_…` number. */
  readonly linkType: number
  readonly name?: string
  /** Packets are cut to so many bytes; 0 means no limit. */
  readonly snapLength: number
}

/** One packet of a capture. */
export interface CapturedPacket {
  /** From 1, in the order of the file. */
  readonly number: number
  readonly interface: CaptureInterface
  /** Nanoseconds since 1970-01-01 UTC; null when the file gives none (pcapng simple packet blocks). */
  readonly timeNs: bigint | null
  /** As captured; a copy. */
  readonly bytes: Uint8Array
  /** Length on the wire; more than `bytes.length` when the capture cut the packet. */
  readonly wireLength: number
  /** Where the capture says so. */
  readonly direction?: 'in' | 'out'
}

/** What a reader accepts at most; passing one is a fault. */
export interface CaptureLimits {
  /** Captured bytes of one packet. Default 262144, as libpcap has it. */
  readonly packetBytes: number
  /** Bytes of one pcapng block. Default 16 MiB. */
  readonly blockBytes: number
  /** Interfaces of a whole capture. Default 4096. */
  readonly interfaces: number
  /** Packets of a capture. Default 10,000,000. */
  readonly packets: number
}

export const DEFAULT_CAPTURE_LIMITS: CaptureLimits = {
  packetBytes: 262144,
  blockBytes: 16 * 1024 * 1024,
  interfaces: 4096,
  packets: 10_000_000,
}

/** Ends reading: what is wrong at a byte of the file, counted from 0. */
export function damaged(file: string, offset: number, message: string): never {
  fail(file, 0, 0, `byte ${offset}: ${message}`)
}

/** A window of the file with one byte order; offsets count from the window's start. */
export class Bytes {
  readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly little: boolean

  constructor(bytes: Uint8Array, little: boolean) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.little = little
  }

  u16(at: number): number {
    return this.view.getUint16(at, this.little)
  }

  u32(at: number): number {
    return this.view.getUint32(at, this.little)
  }

  i64(at: number): bigint {
    return this.view.getBigInt64(at, this.little)
  }
}

/** A format's parser: takes whole records from the front of what has arrived. */
export interface RecordParser {
  /**
   * Reads one record at the start of `bytes`, which stands at `offset` of the file. Returns how many bytes it took,
   * or 0 when `need` (how many bytes the record has, as far as is known) are not there yet.
   */
  take(bytes: Uint8Array, offset: number): { taken: number; need: number }
  /** What a record is called when the file ends inside it. */
  readonly record: string
}
