// Blocks of the pcapng format: sections, interfaces, packets (enhanced, simple, and the obsolete kind); others skipped.
// Spec: draft-ietf-opsawg-pcapng. Each section has its own byte order and its own interfaces; a block's length stands
// in front and behind and both must agree; a block of an unknown type is passed over by its length.

import type { RecordParser } from './pcap-record.js'
import { Bytes, type CapturedPacket, type CaptureInterface, type CaptureLimits, damaged } from './pcap-record.js'

export const BLOCK_SECTION = 0x0a0d0d0a
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d
export const BLOCK_INTERFACE = 1
export const BLOCK_PACKET_OBSOLETE = 2
export const BLOCK_PACKET_SIMPLE = 3
export const BLOCK_PACKET = 6
const OPTION_END = 0
const IF_NAME = 2
const IF_TSRESOL = 9
const IF_TSOFFSET = 14
const PACKET_FLAGS = 2
/** Resolutions finer than 10^-18 or 2^-60 seconds are refused: no clock has them. */
const FINEST_DECIMAL = 18
const FINEST_BINARY = 60

interface Interface {
  readonly common: CaptureInterface
  /** Units of a timestamp in a second. */
  readonly perSecond: bigint
  readonly offsetNs: bigint
}

export class NgParser implements RecordParser {
  readonly record = 'a block'
  private readonly file: string
  private readonly limits: CaptureLimits
  private readonly emit: (packet: CapturedPacket) => void
  private readonly found: (link: CaptureInterface) => void
  private little = true
  private interfaces: Interface[] = []
  private interfaceCount = 0
  private count = 0

  constructor(
    file: string,
    limits: CaptureLimits,
    emit: (packet: CapturedPacket) => void,
    found: (link: CaptureInterface) => void,
  ) {
    this.file = file
    this.limits = limits
    this.emit = emit
    this.found = found
  }

  take(bytes: Uint8Array, offset: number): { taken: number; need: number } {
    if (bytes.length < 12) return { taken: 0, need: 12 }
    // A section header's type reads the same in both byte orders.
    if (new Bytes(bytes, true).u32(0) === BLOCK_SECTION) {
      if (new Bytes(bytes, true).u32(8) === BYTE_ORDER_MAGIC) this.little = true
      else if (new Bytes(bytes, false).u32(8) === BYTE_ORDER_MAGIC) this.little = false
      else damaged(this.file, offset + 8, 'a section header without the byte-order magic 1a2b3c4d')
    }
    const window = new Bytes(bytes, this.little)
    const type = window.u32(0)
    const length = window.u32(4)
    if (length < 12 || length % 4 !== 0)
      damaged(this.file, offset + 4, `a block of ${length} bytes; a multiple of 4 from 12 on was expected`)
    if (length > this.limits.blockBytes)
      damaged(this.file, offset + 4, `a block of ${length} bytes; ${this.limits.blockBytes} are the most`)
    if (bytes.length < length) return { taken: 0, need: length }
    const behind = window.u32(length - 4)
    if (behind !== length)
      damaged(this.file, offset + length - 4, `a block of ${length} bytes that says ${behind} at its end`)
    this.block(new Bytes(bytes.subarray(0, length - 4), this.little), type, offset)
    return { taken: length, need: 0 }
  }

  /** `window`: the block without its trailing length. */
  private block(window: Bytes, type: number, offset: number): void {
    const atLeast = (count: number, what: string): void => {
      if (window.bytes.length + 4 < count)
        damaged(this.file, offset + 4, `${what} of ${window.bytes.length + 4} bytes; ${count} are the least`)
    }
    switch (type) {
      case BLOCK_SECTION: {
        atLeast(28, 'a section header')
        const major = window.u16(12)
        const minor = window.u16(14)
        if (major !== 1 || (minor !== 0 && minor !== 2))
          damaged(this.file, offset + 12, `pcapng version ${major}.${minor}; 1.0 was expected`)
        this.interfaces = []
        return
      }
      case BLOCK_INTERFACE:
        atLeast(20, 'an interface description')
        this.interfaceBlock(window, offset)
        return
      case BLOCK_PACKET:
        atLeast(32, 'an enhanced packet block')
        this.packet(window, offset, window.u32(8))
        return
      case BLOCK_PACKET_OBSOLETE:
        atLeast(32, 'a packet block')
        this.packet(window, offset, window.u16(8))
        return
      case BLOCK_PACKET_SIMPLE:
        atLeast(16, 'a simple packet block')
        this.simplePacket(window, offset)
        return
    }
  }

  /** Options from `at` on: code to value; the first of a code counts. */
  private options(window: Bytes, at: number, offset: number): Map<number, Bytes> {
    const options = new Map<number, Bytes>()
    const end = window.bytes.length
    let here = at
    while (here < end) {
      if (here + 4 > end) damaged(this.file, offset + here, 'an option that its block cuts off')
      const code = window.u16(here)
      const length = window.u16(here + 2)
      if (code === OPTION_END) break
      if (here + 4 + length > end)
        damaged(this.file, offset + here, `an option of ${length} bytes, ${end - here - 4} are left in its block`)
      if (!options.has(code))
        options.set(code, new Bytes(window.bytes.subarray(here + 4, here + 4 + length), this.little))
      here += 4 + Math.ceil(length / 4) * 4
    }
    return options
  }

  private interfaceBlock(window: Bytes, offset: number): void {
    if (this.interfaceCount === this.limits.interfaces)
      damaged(this.file, offset, `more than ${this.limits.interfaces} interfaces, the limit`)
    const options = this.options(window, 16, offset)
    const name = options.get(IF_NAME)
    const common: CaptureInterface = {
      index: this.interfaceCount++,
      linkType: window.u16(8),
      snapLength: window.u32(12),
      ...(name && { name: new TextDecoder().decode(name.bytes).replace(/\0+$/, '') }),
    }
    const resolution = options.get(IF_TSRESOL)?.bytes[0] ?? 6
    const exponent = resolution & 127
    const binary = resolution > 127
    if (exponent > (binary ? FINEST_BINARY : FINEST_DECIMAL))
      damaged(this.file, offset, `a time resolution of ${binary ? 2 : 10}^-${exponent} seconds; it is too fine`)
    const seconds = options.get(IF_TSOFFSET)
    this.interfaces.push({
      common,
      perSecond: (binary ? 2n : 10n) ** BigInt(exponent),
      offsetNs: seconds !== undefined && seconds.bytes.length === 8 ? seconds.i64(0) * 1_000_000_000n : 0n,
    })
    this.found(common)
  }

  private interfaceOf(id: number, offset: number): Interface {
    const link = this.interfaces[id]
    if (link === undefined)
      damaged(this.file, offset + 8, `a packet of interface ${id}; ${this.interfaces.length} are described before it`)
    return link
  }

  private packet(window: Bytes, offset: number, id: number): void {
    const link = this.interfaceOf(id, offset)
    const captured = window.u32(20)
    const wire = window.u32(24)
    this.checkSize(captured, wire, window.bytes.length - 28, offset + 20)
    const units = (BigInt(window.u32(12)) << 32n) | BigInt(window.u32(16))
    const flags = this.options(window, 28 + Math.ceil(captured / 4) * 4, offset).get(PACKET_FLAGS)
    const way = flags !== undefined && flags.bytes.length === 4 ? flags.u32(0) & 3 : 0
    const direction = way === 1 ? 'in' : way === 2 ? 'out' : undefined
    this.put(offset, {
      interface: link.common,
      timeNs: (units * 1_000_000_000n) / link.perSecond + link.offsetNs,
      bytes: window.bytes.slice(28, 28 + captured),
      wireLength: wire,
      ...(direction && { direction }),
    })
  }

  private simplePacket(window: Bytes, offset: number): void {
    const link = this.interfaceOf(0, offset).common
    const wire = window.u32(8)
    const there = window.bytes.length - 12
    const captured = Math.min(wire, link.snapLength === 0 ? wire : link.snapLength)
    this.checkSize(captured, wire, there, offset + 8)
    this.put(offset, {
      interface: link,
      timeNs: null,
      bytes: window.bytes.slice(12, 12 + captured),
      wireLength: wire,
    })
  }

  private checkSize(captured: number, wire: number, there: number, offset: number): void {
    if (captured > there)
      damaged(this.file, offset, `a packet of ${captured} captured bytes, ${there} are left in its block`)
    if (captured > this.limits.packetBytes)
      damaged(this.file, offset, `a packet of ${captured} captured bytes; ${this.limits.packetBytes} are the most`)
    if (captured > wire) damaged(this.file, offset, `${captured} bytes captured of a packet of ${wire}; that cannot be`)
  }

  private put(offset: number, packet: Omit<CapturedPacket, 'number'>): void {
    if (this.count === this.limits.packets)
      damaged(this.file, offset, `more than ${this.limits.packets} packets, the limit`)
    this.emit({ number: ++this.count, ...packet })
  }
}
