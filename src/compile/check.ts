// Is this really an image, and does every reference in it stay inside? Asked before the core sees one from outside, since
// the core's loads are unchecked. Linear in the image's bytes. Owns the container's checks and the order of the others.
import * as L from '../../assembly/layout.js'
import { checkPackets } from './check-packets.js'
import { checkRules } from './check-rules.js'
import { checkSets } from './check-sets.js'
import { checkSymbols } from './check-symbols.js'
import { type Image, imageChecksum, type SectionRange, sectionTable } from './image.js'

/** What is wrong with an image. */
export class ImageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImageError'
  }
}

/** The words of an image's sections, for those who check them. */
export class ImageView {
  readonly #bytes: Uint8Array
  readonly #table: ReadonlyMap<number, SectionRange>

  constructor(bytes: Uint8Array, table: ReadonlyMap<number, SectionRange>) {
    this.#bytes = bytes
    this.#table = table
  }

  /** A word of the header. */
  header(offset: number): number {
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getUint32(offset, true)
  }

  /** Bytes of a section; 0 when it is absent. */
  size(id: number): number {
    return this.#table.get(id)?.bytes ?? 0
  }

  /** The whole words of a section; empty when it is absent. */
  words(id: number): Uint32Array {
    const range = this.#table.get(id)
    if (range === undefined) return new Uint32Array(0)
    return new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset + range.offset, range.bytes >>> 2)
  }

  /** The words of a section whose length must be a multiple of `recordBytes`. */
  records(id: number, recordBytes: number): { readonly words: Uint32Array; readonly count: number } {
    const size = this.size(id)
    this.require(size % recordBytes === 0, `section ${id} is not made of records of ${recordBytes} bytes`)
    return { words: this.words(id), count: size / recordBytes }
  }

  /** Throws an ImageError unless the condition holds. */
  require(condition: boolean, message: string): void {
    if (!condition) throw new ImageError(`the image is damaged: ${message}`)
  }
}

/** Checks the sections of one owner. */
export type SectionCheck = (view: ImageView) => void

/** Everybody who owns sections stands here. */
const CHECKS: readonly SectionCheck[] = [checkRules, checkSets, checkPackets]

/** The section table, after the header, bounds, order, alignment and checksum are found good. */
function checkContainer(bytes: Uint8Array): ReadonlyMap<number, SectionRange> {
  const require = (condition: boolean, message: string): void => {
    if (!condition) throw new ImageError(message)
  }
  require(bytes.byteOffset % 4 === 0, 'the image must start at a multiple of 4 bytes')
  require(bytes.byteLength >= L.IMAGE_HEADER_BYTES, 'this is not an image: it is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  require(view.getUint32(L.IMAGE_MAGIC_OFF, true) === L.IMAGE_MAGIC, 'this is not an image: it begins otherwise')
  const abi = view.getUint32(L.IMAGE_ABI_OFF, true)
  require(abi === L.ABI_VERSION, `the image has version ${abi}; ${L.ABI_VERSION} was expected: compile it again`)
  require(view.getUint32(L.IMAGE_BYTES_OFF, true) ===
    bytes.byteLength, 'the image is cut off or has something after it')
  require(bytes.byteLength % L.SECTION_ALIGN_BYTES === 0, 'the image is damaged: its length is no multiple of 64')
  require(view.getUint32(L.IMAGE_CHECKSUM_OFF, true) ===
    imageChecksum(bytes), 'the image is damaged: its checksum does not fit')
  const sections = view.getUint32(L.IMAGE_SECTIONS_OFF, true)
  require(sections <= L.SECTION_ID_MAX, 'the image is damaged: it has too many sections')
  let end = L.IMAGE_HEADER_BYTES + sections * L.SECTION_ENTRY_BYTES
  require(end <= bytes.byteLength, 'the image is damaged: its section table is cut off')
  let last = 0
  for (let i = 0; i < sections; i++) {
    const at = L.IMAGE_HEADER_BYTES + i * L.SECTION_ENTRY_BYTES
    const id = view.getUint32(at, true)
    const offset = view.getUint32(at + 4, true)
    const size = view.getUint32(at + 8, true)
    require(id > last && id <= L.SECTION_ID_MAX, 'the image is damaged: its sections are not in order')
    require(offset >= end &&
      offset % L.SECTION_ALIGN_BYTES === 0 &&
      offset + size <= bytes.byteLength, `the image is damaged: section ${id} does not lie inside it`)
    last = id
    end = offset + size
  }
  return sectionTable(bytes)
}

/**
 * Throws an ImageError unless these bytes are an image of this version in which every reference of every section stays
 * inside. Time is linear in the length. `bytes` must start at a multiple of 4 in its buffer.
 */
export function checkImage(bytes: Uint8Array): void {
  const view = new ImageView(bytes, checkContainer(bytes))
  for (const check of CHECKS) check(view)
}

/** An image from its bytes (a file, another thread), checked. Throws an ImageError. */
export function readImage(bytes: Uint8Array): Image {
  const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  checkImage(copy)
  const table = sectionTable(copy)
  const range = table.get(L.SECTION_SYMBOLS)
  if (range === undefined) throw new ImageError('the image is damaged: it has no symbols')
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      copy.subarray(range.offset, range.offset + range.bytes),
    )
    value = JSON.parse(text)
  } catch {
    throw new ImageError('the image is damaged: its symbols cannot be read')
  }
  return { bytes: copy, symbols: checkSymbols(value, new ImageView(copy, table)), namespace: null, states: null }
}
