// Writes captures: classic pcap and pcapng, either byte order. What `CaptureReader` reads back.
// Spec: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
import { PCAP_MAGIC_NS, PCAP_MAGIC_US } from './pcap-classic.js'
import { BLOCK_INTERFACE, BLOCK_PACKET, BLOCK_SECTION, BYTE_ORDER_MAGIC } from './pcap-ng.js'

/** A packet to be written. */
export interface PacketToWrite {
  /** Nanoseconds since 1970-01-01 UTC, from 0. Classic pcap without `nano` cuts it to microseconds. */
  readonly timeNs: bigint
  readonly bytes: Uint8Array
  /** Default: the number of bytes. */
  readonly wireLength?: number
  /** pcapng: index into `interfaces`. Default 0. */
  readonly interface?: number
  /** pcapng only. */
  readonly direction?: 'in' | 'out'
}

export interface PcapOptions {
  /** `LINKTYPE_…` number. */
  readonly linkType: number
  /** Nanoseconds instead of microseconds. */
  readonly nano?: boolean
  /** Default: little-endian. */
  readonly bigEndian?: boolean
}

export interface PcapngOptions {
  readonly interfaces: readonly { readonly linkType: number; readonly name?: string }[]
  /** Default: little-endian. */
  readonly bigEndian?: boolean
}

const SNAP_LENGTH = 262144
const padded = (length: number): number => Math.ceil(length / 4) * 4

class Out {
  readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly little: boolean
  private at = 0

  constructor(length: number, little: boolean) {
    this.bytes = new Uint8Array(length)
    this.view = new DataView(this.bytes.buffer)
    this.little = little
  }

  u16(value: number): void {
    this.view.setUint16(this.at, value, this.little)
    this.at += 2
  }

  u32(value: number): void {
    this.view.setUint32(this.at, value, this.little)
    this.at += 4
  }

  /** Bytes, then zeros up to a multiple of `align`. */
  put(bytes: Uint8Array, align = 1): void {
    this.bytes.set(bytes, this.at)
    this.at += Math.ceil(bytes.length / align) * align
  }
}

/** A classic pcap file. Seconds beyond 32 bits (the year 2106) are a RangeError. */
export function writePcap(packets: readonly PacketToWrite[], options: PcapOptions): Uint8Array {
  const out = new Out(24 + packets.reduce((sum, p) => sum + 16 + p.bytes.length, 0), options.bigEndian !== true)
  out.u32(options.nano ? PCAP_MAGIC_NS : PCAP_MAGIC_US)
  out.u16(2)
  out.u16(4)
  out.u32(0)
  out.u32(0)
  out.u32(SNAP_LENGTH)
  out.u32(options.linkType)
  for (const packet of packets) {
    const seconds = packet.timeNs / 1_000_000_000n
    if (packet.timeNs < 0n || seconds > 0xffffffffn) throw new RangeError('a pcap time is from 1970 to 2106')
    out.u32(Number(seconds))
    out.u32(Number((packet.timeNs % 1_000_000_000n) / (options.nano ? 1n : 1000n)))
    out.u32(packet.bytes.length)
    out.u32(packet.wireLength ?? packet.bytes.length)
    out.put(packet.bytes)
  }
  return out.bytes
}

/** Writes a pcapng file block by block: one section, times in nanoseconds. */
export class PcapngWriter {
  readonly #options: PcapngOptions
  readonly #little: boolean

  constructor(options: PcapngOptions) {
    this.#options = options
    this.#little = options.bigEndian !== true
  }

  #block(type: number, bodyBytes: number, fill: (out: Out) => void): Uint8Array {
    const out = new Out(12 + bodyBytes, this.#little)
    out.u32(type)
    out.u32(12 + bodyBytes)
    fill(out)
    out.u32(12 + bodyBytes)
    return out.bytes
  }

  /** What comes first: the section and its interfaces. */
  header(): Uint8Array {
    const blocks = [
      this.#block(BLOCK_SECTION, 16, (out) => {
        out.u32(BYTE_ORDER_MAGIC)
        out.u16(1)
        out.u16(0)
        out.u32(0xffffffff) // section length: not given
        out.u32(0xffffffff)
      }),
    ]
    for (const { linkType, name } of this.#options.interfaces) {
      const text = name === undefined ? null : new TextEncoder().encode(name)
      blocks.push(
        this.#block(BLOCK_INTERFACE, 8 + (text ? 4 + padded(text.length) : 0) + 8 + 4, (out) => {
          out.u16(linkType)
          out.u16(0)
          out.u32(SNAP_LENGTH)
          if (text) {
            out.u16(2)
            out.u16(text.length)
            out.put(text, 4)
          }
          out.u16(9) // time resolution: 10^-9 s
          out.u16(1)
          out.put(Uint8Array.of(9), 4)
          out.u32(0) // end of options
        }),
      )
    }
    return concat(blocks)
  }

  /** The block of one packet. An interface that is not there and a time of more than 64 bits are a RangeError. */
  packet(packet: PacketToWrite): Uint8Array {
    const link = packet.interface ?? 0
    if (this.#options.interfaces[link] === undefined) throw new RangeError(`there is no interface ${link}`)
    if (packet.timeNs < 0n || packet.timeNs >> 64n !== 0n) throw new RangeError('a pcapng time has 64 bits')
    const size = padded(packet.bytes.length)
    return this.#block(BLOCK_PACKET, 20 + size + (packet.direction ? 12 : 0), (out) => {
      out.u32(link)
      out.u32(Number(packet.timeNs >> 32n))
      out.u32(Number(packet.timeNs & 0xffffffffn))
      out.u32(packet.bytes.length)
      out.u32(packet.wireLength ?? packet.bytes.length)
      out.put(packet.bytes, 4)
      if (packet.direction) {
        out.u16(2)
        out.u16(4)
        out.u32(packet.direction === 'in' ? 1 : 2)
        out.u32(0)
      }
    })
  }
}

function concat(blocks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(blocks.reduce((sum, b) => sum + b.length, 0))
  let at = 0
  for (const bytes of blocks) {
    whole.set(bytes, at)
    at += bytes.length
  }
  return whole
}

/** A pcapng file: one section, times in nanoseconds. A packet of an interface that is not there is a RangeError. */
export function writePcapng(packets: readonly PacketToWrite[], options: PcapngOptions): Uint8Array {
  const writer = new PcapngWriter(options)
  return concat([writer.header(), ...packets.map((packet) => writer.packet(packet))])
}
