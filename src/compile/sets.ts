// The ipsets that rules use, as hashed keys. Owns the sections SETS, SET_SHAPES, SET_INDEX and SET_ENTRIES.
// Kernel: net/netfilter/ipset/. A set's elements are grouped by shape (the masks of their addresses), longest first: a
// look-up masks the packet's addresses by each shape in turn, and the first live element found decides (nomatch or match).
import {
  SET_ADDR2_DIM_SHIFT,
  SET_BUCKETS_OFF,
  SET_BYTES,
  SET_DIMS_OFF,
  SET_ENTRY_ADDR1_OFF,
  SET_ENTRY_ADDR2_OFF,
  SET_ENTRY_BYTES,
  SET_ENTRY_END_OFF,
  SET_ENTRY_IFACE_OFF,
  SET_ENTRY_NEXT_OFF,
  SET_ENTRY_NOMATCH_OFF,
  SET_ENTRY_PORT_OFF,
  SET_ENTRY_SHAPE_OFF,
  SET_FAMILY_OFF,
  SET_FLAGS_OFF,
  SET_HAS_ADDR1,
  SET_HAS_ADDR2,
  SET_HAS_IFACE,
  SET_HAS_MARK,
  SET_HAS_PORT,
  SET_HAS_PROTO,
  SET_HAS_ZERO,
  SET_INDEX_OFF,
  SET_KIND_KEYED,
  SET_KIND_LIST,
  SET_KIND_OFF,
  SET_NOMATCH,
  SET_SHAPE_BYTES,
  SET_SHAPE_COUNT_OFF,
  SET_SHAPES_OFF,
} from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import { type Words as AddressWords, maskLength, maskWords } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import type { IpSet, SetEntry } from '../netns/model.js'
import type { CompileContext, Place } from './context.js'
import { Words } from './words.js'

interface TypeShape {
  readonly dims: number
  readonly flags: number
}

const PROTO_PORT = SET_HAS_PORT | SET_HAS_PROTO
const ADDR2_AT = (dim: number): number => SET_HAS_ADDR2 | (dim << SET_ADDR2_DIM_SHIFT)

/** What the key of each type is made of. hash:mac and the like are not here: a packet has no Ethernet header. */
const TYPES: ReadonlyMap<string, TypeShape> = new Map([
  ['hash:ip', { dims: 1, flags: SET_HAS_ADDR1 }],
  ['hash:net', { dims: 1, flags: SET_HAS_ADDR1 | SET_NOMATCH | SET_HAS_ZERO }],
  ['hash:ip,port', { dims: 2, flags: SET_HAS_ADDR1 | PROTO_PORT | SET_HAS_ZERO }],
  ['hash:net,port', { dims: 2, flags: SET_HAS_ADDR1 | PROTO_PORT | SET_NOMATCH | SET_HAS_ZERO }],
  ['hash:ip,port,ip', { dims: 3, flags: SET_HAS_ADDR1 | PROTO_PORT | ADDR2_AT(2) | SET_HAS_ZERO }],
  ['hash:ip,port,net', { dims: 3, flags: SET_HAS_ADDR1 | PROTO_PORT | ADDR2_AT(2) | SET_NOMATCH | SET_HAS_ZERO }],
  ['hash:net,port,net', { dims: 3, flags: SET_HAS_ADDR1 | PROTO_PORT | ADDR2_AT(2) | SET_NOMATCH | SET_HAS_ZERO }],
  ['hash:net,net', { dims: 2, flags: SET_HAS_ADDR1 | ADDR2_AT(1) | SET_NOMATCH | SET_HAS_ZERO }],
  ['hash:net,iface', { dims: 2, flags: SET_HAS_ADDR1 | SET_HAS_IFACE | SET_NOMATCH | SET_HAS_ZERO }],
  ['hash:ip,mark', { dims: 2, flags: SET_HAS_ADDR1 | SET_HAS_MARK | SET_HAS_ZERO }],
  ['bitmap:ip', { dims: 1, flags: SET_HAS_ADDR1 | SET_HAS_ZERO }],
  ['bitmap:port', { dims: 1, flags: SET_HAS_PORT }],
])

const ZERO: AddressWords = [0, 0, 0, 0]

interface Element {
  readonly key: number[] // address 1, address 2, port | proto << 16, link id
  readonly lengths: readonly [number, number]
  readonly nomatch: boolean
  readonly endMs: number
}

/** Word hash of a set key; the same as `Sets.hash` of the core. */
export function setHash(key: readonly number[], shape: number): number {
  let h = Math.imul(shape + 1, 0x9e3779b1)
  for (let i = 0; i < 10; i++) {
    h = Math.imul(h ^ key[i]!, 0x85ebca6b)
    h = (h << 13) | (h >>> 19)
  }
  h ^= h >>> 16
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 15)) >>> 0
}

/** Collects the sets that rules use, each once. */
export class SetTable {
  readonly #context: CompileContext
  readonly #byName: ReadonlyMap<string, IpSet>
  readonly #indexes = new Map<string, number>()
  readonly #records = new Words()
  readonly #shapes = new Words()
  readonly #index = new Words()
  readonly #entries = new Words(1024)
  readonly #scratch = new DataView(new ArrayBuffer(8))
  readonly names: string[] = []

  constructor(context: CompileContext) {
    this.#context = context
    this.#byName = new Map(context.ns.sets.map((s) => [s.name, s]))
  }

  /** Index of the set; faults (and 0) when there is none of that name or its type needs what a packet has not. */
  use(name: string, place: Place): number {
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    const set = this.#byName.get(name)
    const label = `the set \`${escapeText(name)}\``
    if (set === undefined) {
      this.#context.fault(place, `${label} does not exist; a set of \`ipset save\` was expected`)
      return 0
    }
    const type = TYPES.get(set.type)
    if (type === undefined && set.type !== 'list:set') {
      this.#context.fault(place, `${label} is of type ${escapeText(set.type)}, which is not supported`)
      return 0
    }
    for (const option of ['bitmask', 'markmask']) {
      if (set.options[option] === undefined) continue
      this.#context.fault(place, `${label} has a ${option}, which is not supported`)
      return 0
    }
    const index = this.names.push(name) - 1
    this.#indexes.set(name, index)
    const at = this.#records.reserve(SET_BYTES >>> 2)
    if (type === undefined) this.#list(set, at, place)
    else this.#keyed(set, type, at, place)
    return index
  }

  #list(set: IpSet, at: number, place: Place): void {
    const members: number[] = []
    for (const entry of set.entries) {
      const part = entry.parts[0]
      if (part?.part !== 'set') continue
      if (this.#byName.get(part.name)?.type === 'list:set') {
        this.#context.fault(place, `the set \`${escapeText(set.name)}\` lists a list, which the kernel refuses`)
        continue
      }
      members.push(this.use(part.name, place), ...this.#time(entry))
    }
    this.#record(at, {
      [SET_KIND_OFF]: SET_KIND_LIST,
      [SET_SHAPES_OFF]: this.#index.pushAll(members),
      [SET_SHAPE_COUNT_OFF]: members.length / 3,
    })
  }

  #record(at: number, fields: Readonly<Record<number, number>>): void {
    for (const [offset, value] of Object.entries(fields)) this.#records.set(at + (Number(offset) >>> 2), value)
  }

  /** The end of an element as two words of a double. */
  #time(entry: { readonly timeout?: number }): [number, number] {
    this.#scratch.setFloat64(0, entry.timeout === undefined ? Number.POSITIVE_INFINITY : entry.timeout * 1000, true)
    return [this.#scratch.getUint32(0, true), this.#scratch.getUint32(4, true)]
  }

  #keyed(set: IpSet, type: TypeShape, at: number, place: Place): void {
    const elements: Element[] = []
    const shapes = new Map<string, readonly [number, number]>()
    for (const entry of set.entries) {
      const element = this.#element(set, entry, place)
      if (element === null) continue
      elements.push(element)
      shapes.set(element.lengths.join(), element.lengths)
    }
    const count = this.#entries.length / (SET_ENTRY_BYTES >>> 2) + elements.length
    if (count > this.#context.limits.maxSetElements) {
      this.#context.fault(
        place,
        `the sets have more than ${this.#context.limits.maxSetElements} elements with \`${escapeText(set.name)}\`: raise the limit maxSetElements`,
      )
      return
    }
    const ordered = [...shapes.values()].sort((a, b) => b[0] - a[0] || b[1] - a[1])
    const shapeIndex = new Map(ordered.map((s, i) => [s.join(), i]))
    const firstShape = this.#shapes.length / (SET_SHAPE_BYTES >>> 2)
    for (const [a, b] of ordered) {
      this.#shapes.pushAll([...maskWords(set.family, a), ...maskWords(set.family, b)])
    }
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(2, elements.length * 2)))
    const index = this.#index.reserve(buckets)
    // The same key twice: ipset keeps one element, the one added last.
    const seen = new Map<string, number>()
    for (const element of elements) {
      const shape = shapeIndex.get(element.lengths.join())!
      const key = `${shape} ${element.key.join()}`
      const old = seen.get(key)
      const word = old ?? this.#entries.reserve(SET_ENTRY_BYTES >>> 2)
      this.#entries.setAll(word + (SET_ENTRY_ADDR1_OFF >>> 2), element.key.slice(0, 4))
      this.#entries.setAll(word + (SET_ENTRY_ADDR2_OFF >>> 2), element.key.slice(4, 8))
      this.#entries.set(word + (SET_ENTRY_PORT_OFF >>> 2), element.key[8]!)
      this.#entries.set(word + (SET_ENTRY_IFACE_OFF >>> 2), element.key[9]!)
      this.#entries.set(word + (SET_ENTRY_SHAPE_OFF >>> 2), shape)
      this.#entries.set(word + (SET_ENTRY_NOMATCH_OFF >>> 2), element.nomatch ? 1 : 0)
      this.#scratch.setFloat64(0, element.endMs, true)
      this.#entries.set(word + (SET_ENTRY_END_OFF >>> 2), this.#scratch.getUint32(0, true))
      this.#entries.set(word + (SET_ENTRY_END_OFF >>> 2) + 1, this.#scratch.getUint32(4, true))
      if (old !== undefined) continue
      seen.set(key, word)
      const bucket = index + (setHash(element.key, shape) & (buckets - 1))
      this.#entries.set(word + (SET_ENTRY_NEXT_OFF >>> 2), this.#index.get(bucket))
      this.#index.set(bucket, word / (SET_ENTRY_BYTES >>> 2) + 1)
    }
    this.#record(at, {
      [SET_KIND_OFF]: SET_KIND_KEYED,
      [SET_FAMILY_OFF]: set.type === 'bitmap:port' ? 0 : set.family === 'ipv4' ? 4 : 6,
      [SET_DIMS_OFF]: type.dims,
      [SET_SHAPES_OFF]: firstShape,
      [SET_SHAPE_COUNT_OFF]: ordered.length,
      [SET_INDEX_OFF]: index,
      [SET_BUCKETS_OFF]: buckets,
      [SET_FLAGS_OFF]: type.flags,
    })
  }

  /** One element; null when it can never match (an interface that does not exist). */
  #element(set: IpSet, entry: SetEntry, place: Place): Element | null {
    const addresses: AddressWords[] = []
    const lengths: [number, number] = [0, 0]
    let port = 0
    let iface = 0
    const bad = (what: string): null => {
      this.#context.fault(place, `the set \`${escapeText(set.name)}\` has an element that is no ${what}`)
      return null
    }
    for (const part of entry.parts) {
      switch (part.part) {
        case 'net': {
          const net = this.#net(set, part.prefix)
          if (net === null || addresses.length > 1) return bad(`${set.type} of ${set.family}`)
          lengths[addresses.length as 0 | 1] = net.length
          addresses.push(net.address)
          break
        }
        case 'port':
          port = part.port + (set.type === 'bitmap:port' ? 0 : part.proto * 65536)
          break
        case 'mark':
          port = part.mark >>> 0
          break
        case 'iface':
          iface = this.#context.linkIds.get(part.name) ?? 0
          if (iface === 0) return null
          break
        default:
          return bad(set.type)
      }
    }
    return {
      key: [...(addresses[0] ?? ZERO), ...(addresses[1] ?? ZERO), port, iface],
      lengths,
      nomatch: entry.nomatch,
      endMs: entry.timeout === undefined ? Number.POSITIVE_INFINITY : entry.timeout * 1000,
    }
  }

  /** A prefix, widened by the set's `netmask` (then the kernel masks what it stores and what it looks up). */
  #net(set: IpSet, prefix: string): { address: AddressWords; length: number } | null {
    const words = this.#context.prefix(prefix, set.family)
    if (words === null) return null
    const netmask = Number(set.options['netmask'] ?? Number.NaN)
    const length = Math.min(maskLength(set.family, words.mask) ?? Number.NaN, Number.isNaN(netmask) ? 128 : netmask)
    if (Number.isNaN(length)) return null
    const mask = maskWords(set.family as Family, length)
    return { address: words.address.map((w, i) => (w & mask[i]!) >>> 0) as unknown as AddressWords, length }
  }

  records(): Uint32Array {
    return this.#records.words()
  }
  shapes(): Uint32Array {
    return this.#shapes.words()
  }
  index(): Uint32Array {
    return this.#index.words()
  }
  entries(): Uint32Array {
    return this.#entries.words()
  }
}
