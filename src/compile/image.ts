// The image: one flat, position-independent block that the core evaluates, and the symbols that decode its answers.
// Owns the container (header, section table, alignment, checksum), not what lies in the sections.
//
//   header 64 | section table n * 16, ascending by id | section, aligned to 64 | section … | zeros up to a multiple of 64
//
// Equal input gives equal bytes. All words are little-endian.
import {
  ABI_VERSION,
  IMAGE_ABI_OFF,
  IMAGE_BYTES_OFF,
  IMAGE_CHECKSUM_OFF,
  IMAGE_COUNTERS_OFF,
  IMAGE_DEPTH_OFF,
  IMAGE_FLAGS_OFF,
  IMAGE_HEADER_BYTES,
  IMAGE_LINKS_OFF,
  IMAGE_MAGIC,
  IMAGE_MAGIC_OFF,
  IMAGE_SECTIONS_OFF,
  IMAGE_STATE_OFF,
  SECTION_ALIGN_BYTES,
  SECTION_ENTRY_BYTES,
  SECTION_ID_MAX,
  SECTION_SYMBOLS,
} from '../../assembly/layout.js'
import type { Family, TableName } from '../netfilter/model.js'
import type { LimitMatch } from '../netfilter/model-limits.js'
import type { NetworkNamespace } from '../netns/model.js'

/** A chain as the image knows it. Its index in `Symbols.chains` is its chain index. */
export interface ChainSymbol {
  readonly family: Family
  readonly table: TableName
  readonly name: string
  /** Counter index of the chain (its policy); its rules' follow. */
  readonly counter: number
  /** Number of rules. */
  readonly rules: number
  /** Index in `Symbols.files`. */
  readonly file: number
}

/** What decoding an answer needs and the core does not. Plain JSON; every writer adds its own keys. */
export interface Symbols {
  /** Name of the namespace. */
  name: string
  /** By link id; `links[0]` is ''. */
  links: string[]
  /** Files of the rule sets, in their order. */
  files: string[]
  chains: ChainSymbol[]
  /** Names of the sets, by set index. */
  sets: string[]
  /** Index in `files` by counter, of rules that came from another file than their chain (restored later). */
  ruleFiles?: Record<string, number>
  /** The `recent` lists, by list index. */
  recents?: RecentSymbol[]
  /** Tables of hashlimit, by index. */
  hashlimits?: HashlimitSymbol[]
  /** `helper NAME`, `timeout policy NAME`: what conntrack attaches to connections. */
  attached?: string[]
  /** Further keys, written and read by those who own other sections. */
  [key: string]: unknown
}

/** A `recent` list as the image knows it. */
/** A table of hashlimit, and the options of the rule that made it. */
export interface HashlimitSymbol {
  readonly family: Family
  readonly name: string
  readonly options: Extract<LimitMatch, { readonly match: 'hashlimit' }>
}

export interface RecentSymbol {
  readonly family: Family
  readonly name: string
  /** Words of the mask of the rule that made it. */
  readonly mask: readonly number[]
  /** Stamps that the kernel keeps of each address. */
  readonly stamps: number
  /** All of them are kept; else only the newest, which is enough while no rule counts hits. */
  readonly counts: boolean
}

/** The file of the rule that has this counter. */
export function fileOfRule(symbols: Symbols, chain: ChainSymbol, counter: number): string {
  return symbols.files[symbols.ruleFiles?.[counter] ?? chain.file] ?? ''
}

/** A compiled namespace. `bytes` alone is complete: `readImage` makes the rest from it. */
export interface Image {
  readonly bytes: Uint8Array
  readonly symbols: Symbols
  /** What it was compiled from; null when it was read from bytes. */
  readonly namespace: NetworkNamespace | null
  /** By counter: the first word of the rule's state, up to that of the next; null when it was read from bytes. */
  readonly states: Uint32Array | null
}

/** What stands in the header beside the container's own words. */
export interface ImageHeader {
  /** IMAGE_FLAG_* */
  readonly flags: number
  readonly counters: number
  readonly depth: number
  readonly stateBytes: number
  readonly links: number
}

/** Where a section lies, in bytes from the image's start. */
export interface SectionRange {
  readonly offset: number
  readonly bytes: number
}

const align = (n: number): number => Math.ceil(n / SECTION_ALIGN_BYTES) * SECTION_ALIGN_BYTES

/**
 * The image's checksum: every little-endian word but the checksum's own, multiplied in one after the other.
 * Guards against damage, not against intent.
 */
export function imageChecksum(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2)
  const own = IMAGE_CHECKSUM_OFF >>> 2
  let a = 0x811c9dc5
  for (let i = 0; i < own; i++) a = Math.imul(a ^ words[i]!, 0x01000193) ^ (a >>> 15)
  for (let i = own + 1; i < words.length; i++) a = Math.imul(a ^ words[i]!, 0x01000193) ^ (a >>> 15)
  return a >>> 0
}

/** Collects sections and lays them out. Each id at most once; an empty section is left out. */
export class ImageWriter {
  readonly #sections = new Map<number, Uint8Array>()

  /** Adds a section; the bytes are copied when the image is finished. Throws RangeError on a bad or repeated id. */
  section(id: number, bytes: Uint8Array | Uint32Array): void {
    if (!Number.isInteger(id) || id < 1 || id > SECTION_ID_MAX) throw new RangeError(`section id ${id}`)
    if (this.#sections.has(id)) throw new RangeError(`section ${id} was already written`)
    this.#sections.set(id, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  /** The image's bytes. */
  finish(header: ImageHeader, symbols: Symbols): Uint8Array<ArrayBuffer> {
    this.section(SECTION_SYMBOLS, new TextEncoder().encode(JSON.stringify(symbols)))
    const entries = [...this.#sections].filter(([, b]) => b.byteLength > 0).sort(([a], [b]) => a - b)
    let end = align(IMAGE_HEADER_BYTES + entries.length * SECTION_ENTRY_BYTES)
    const offsets = entries.map(([, b]) => {
      const at = end
      end = align(end + b.byteLength)
      return at
    })
    if (end > 0x7fffffff) throw new RangeError(`the image would be ${end} bytes; at most 2147483647 fit`)
    const bytes = new Uint8Array(end)
    const words = new Uint32Array(bytes.buffer)
    words[IMAGE_MAGIC_OFF >>> 2] = IMAGE_MAGIC
    words[IMAGE_ABI_OFF >>> 2] = ABI_VERSION
    words[IMAGE_BYTES_OFF >>> 2] = end
    words[IMAGE_SECTIONS_OFF >>> 2] = entries.length
    words[IMAGE_FLAGS_OFF >>> 2] = header.flags
    words[IMAGE_COUNTERS_OFF >>> 2] = header.counters
    words[IMAGE_DEPTH_OFF >>> 2] = header.depth
    words[IMAGE_STATE_OFF >>> 2] = header.stateBytes
    words[IMAGE_LINKS_OFF >>> 2] = header.links
    entries.forEach(([id, b], i) => {
      const at = (IMAGE_HEADER_BYTES + i * SECTION_ENTRY_BYTES) >>> 2
      words[at] = id
      words[at + 1] = offsets[i]!
      words[at + 2] = b.byteLength
      bytes.set(b, offsets[i]!)
    })
    words[IMAGE_CHECKSUM_OFF >>> 2] = imageChecksum(bytes)
    return bytes
  }
}

/** The section table of an image that `checkImage` has passed, by id. */
export function sectionTable(bytes: Uint8Array): Map<number, SectionRange> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const table = new Map<number, SectionRange>()
  for (let i = 0; i < view.getUint32(IMAGE_SECTIONS_OFF, true); i++) {
    const at = IMAGE_HEADER_BYTES + i * SECTION_ENTRY_BYTES
    table.set(view.getUint32(at, true), {
      offset: view.getUint32(at + 4, true),
      bytes: view.getUint32(at + 8, true),
    })
  }
  return table
}

/** The words of a section of an image that `checkImage` has passed; empty when the section is absent. */
export function sectionWords(bytes: Uint8Array, id: number): Uint32Array {
  const range = sectionTable(bytes).get(id)
  return range === undefined
    ? new Uint32Array(0)
    : new Uint32Array(bytes.buffer, bytes.byteOffset + range.offset, range.bytes >>> 2)
}
