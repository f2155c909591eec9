// The ipsets that rules use, as hashed keys. Owns the sections SETS, SET_SHAPES, SET_INDEX and SET_ENTRIES.
// Kernel: net/netfilter/ipset/. A set's elements are grouped by shape (the masks of their addresses), longest first: a
// look-up masks the packet's addresses by each shape in turn. Sets that rules change or count are live: their elements
// are taken into the state, where the core files them; all others are filed here, in buckets whose chains lead upwards.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import type { IpSet, SetEntry } from '../netns/model.js'
import type { CompileContext, Place } from './context.js'
import type { IfacePatterns } from './ifaces.js'
import { type Element, elementOf, SET_SHAPES, setHash, shapeWords, type TypeShape } from './set-elements.js'
import { Words } from './words.js'

/** The sets that rules use, by their numbers. */
interface UsedSet {
  readonly set: IpSet
  readonly place: Place
  readonly type: TypeShape | undefined
  live: boolean
}

/** Largest number of elements that a bitmap's range can hold; hashes have their `maxelem`. */
const U32 = 0xffffffff
const DEFAULT_MAXELEM = 65536
const ENTRY_WORDS = L.SET_ENTRY_BYTES >>> 2

/** Collects the sets that rules use, each once. */
export class SetTable {
  readonly #context: CompileContext
  readonly #ifaces: IfacePatterns
  readonly #byName: ReadonlyMap<string, IpSet>
  readonly #indexes = new Map<string, number>()
  readonly #used: UsedSet[] = []
  readonly #records = new Words()
  readonly #shapes = new Words()
  readonly #index = new Words()
  readonly #entries = new Words()
  readonly #scratch = new DataView(new ArrayBuffer(8))
  /** Names by set index. */
  readonly names: string[] = []
  #elements = 0
  #pool = 0
  #added = 0
  #liveShapes = 0
  #liveMembers = 0

  constructor(context: CompileContext, ifaces: IfacePatterns) {
    this.#context = context
    this.#ifaces = ifaces
    const byName = new Map<string, IpSet>()
    for (const set of context.ns.sets) if (!byName.has(set.name)) byName.set(set.name, set)
    this.#byName = byName
  }

  /** The index of a set, 0 when there is none of that name (a fault). `changes`: the rule adds or deletes elements. */
  use(name: string, place: Place, changes = false): number {
    let index = this.#indexes.get(name)
    if (index === undefined) {
      const set = this.#byName.get(name)
      if (set === undefined) {
        this.#context.fault(place, `there is no set \`${escapeText(name)}\``)
        return 0
      }
      const type = SET_SHAPES.get(set.type)
      if (type === undefined && set.type !== 'list:set') {
        this.#context.fault(
          place,
          `the set \`${escapeText(name)}\` is of the type ${escapeText(set.type)}, which is not supported`,
        )
        return 0
      }
      index = this.names.push(name) - 1
      this.#indexes.set(name, index)
      this.#used.push({ set, place, type, live: set.options['counters'] !== undefined })
      if (index > L.SET_COUNT_MAX) this.#context.fault(place, `more than ${L.SET_COUNT_MAX} sets`)
    }
    const used = this.#used[index]!
    if (changes && used.set.type !== 'list:set') used.live = true
    if (used.set.type === 'list:set') this.#useMembers(used, changes)
    return index
  }

  #useMembers({ set, place }: UsedSet, changes: boolean): void {
    for (const entry of set.entries) {
      const part = entry.parts[0]
      if (part?.part !== 'set') continue
      if (this.#byName.get(part.name)?.type === 'list:set') {
        this.#context.fault(place, `the set \`${escapeText(set.name)}\` lists a list, which the kernel refuses`)
      } else this.use(part.name, place, changes)
    }
  }

  /** Writes all that were used; before the sections are taken. */
  finish(): void {
    for (const used of this.#used) {
      const at = this.#records.reserve(L.SET_BYTES >>> 2)
      if (used.type === undefined) this.#list(used, at)
      else this.#keyed(used, used.type, at)
    }
    this.#pool += Math.min(this.#added, this.#context.limits.maxAddedElements)
  }

  #record(at: number, fields: Readonly<Record<number, number>>): void {
    for (const [offset, value] of Object.entries(fields)) this.#records.set(at + (Number(offset) >>> 2), value)
  }

  #setDouble(words: Words, word: number, value: number): void {
    this.#scratch.setFloat64(0, value, true)
    words.set(word, this.#scratch.getUint32(0, true))
    words.set(word + 1, this.#scratch.getUint32(4, true))
  }

  #optionFlags({ set, live }: UsedSet): number {
    const { options } = set
    return (
      (live ? L.SET_LIVE : 0) |
      (options['timeout'] === undefined ? 0 : L.SET_HAS_TIMEOUT) |
      (options['counters'] === undefined ? 0 : L.SET_HAS_COUNTERS) |
      (options['skbinfo'] === undefined ? 0 : L.SET_HAS_SKBINFO) |
      (options['forceadd'] === undefined ? 0 : L.SET_FORCEADD)
    )
  }

  /** Elements hold what rules count, or give to packets. */
  #isWide({ set, live }: UsedSet): boolean {
    return live || set.options['skbinfo'] !== undefined
  }

  /** What an element has beside its key. */
  #extensions(word: number, used: UsedSet, entry: SetEntry, origin: number): void {
    const entries = this.#entries
    const put = (offset: number, value: number): void => entries.set(word + (offset >>> 2), value)
    const end = entry.timeout === undefined ? Number.POSITIVE_INFINITY : entry.timeout * 1000
    put(L.SET_ENTRY_ORIGIN_OFF, origin + 1)
    this.#setDouble(entries, word + (L.SET_ENTRY_END_OFF >>> 2), end)
    if (!this.#isWide(used)) return
    const { packets = 0n, bytes = 0n, skbmark } = entry
    put(L.SET_ENTRY_PACKETS_OFF, Number(packets & 0xffffffffn))
    put(L.SET_ENTRY_PACKETS_OFF + 4, Number(packets >> 32n))
    put(L.SET_ENTRY_PBYTES_OFF, Number(bytes & 0xffffffffn))
    put(L.SET_ENTRY_PBYTES_OFF + 4, Number(bytes >> 32n))
    put(L.SET_ENTRY_SKBMARK_OFF, skbmark?.value ?? 0)
    put(L.SET_ENTRY_SKBMASK_OFF, skbmark?.mask ?? 0)
  }

  #list(used: UsedSet, at: number): void {
    const stride = this.#isWide(used) ? L.SET_WIDE_BYTES : L.SET_ENTRY_BYTES
    const first = this.#entries.length / ENTRY_WORDS
    // The same set twice: the one that was added last, in the place of the first.
    const members = new Map<string, number>()
    used.set.entries.forEach((entry, i) => {
      const part = entry.parts[0]
      if (part?.part === 'set') members.set(part.name, i)
    })
    for (const [name, i] of members) {
      const word = this.#entries.reserve(stride >>> 2)
      this.#entries.set(word + (L.SET_ENTRY_PORT_OFF >>> 2), this.#indexes.get(name) ?? 0)
      this.#extensions(word, used, used.set.entries[i]!, i)
    }
    if (used.live) this.#liveMembers += members.size
    this.#record(at, {
      [L.SET_KIND_OFF]: L.SET_KIND_LIST,
      [L.SET_DIMS_OFF]: 1,
      [L.SET_FLAGS_OFF]: this.#optionFlags(used),
      [L.SET_ENTRIES_OFF]: first,
      [L.SET_COUNT_OFF]: members.size,
      [L.SET_STRIDE_OFF]: stride,
    })
  }

  #elementsOf(used: UsedSet, type: TypeShape): Map<string, Element> {
    const elements = new Map<string, Element>()
    const { set, place } = used
    set.entries.forEach((entry, origin) => {
      const element = elementOf(this.#context, this.#ifaces, set, type, entry, origin)
      if (element === null) {
        this.#context.fault(
          place,
          `the set \`${escapeText(set.name)}\` has an element that is no ${set.type} of ${set.family}`,
        )
        return
      }
      // The same key twice: ipset keeps one element, the one added last.
      elements.set(`${element.lengths.join()} ${element.key.join()} ${element.name}`, element)
    })
    this.#elements += elements.size
    const { maxSetElements } = this.#context.limits
    if (this.#elements > maxSetElements) {
      this.#context.fault(
        place,
        `the sets have more than ${maxSetElements} elements with \`${escapeText(set.name)}\`: raise the limit maxSetElements`,
      )
      elements.clear()
    }
    return elements
  }

  #keyed(used: UsedSet, type: TypeShape, at: number): void {
    const { set, live, place } = used
    const elements = [...this.#elementsOf(used, type).values()]
    const shapes = this.#shapesOf(used, type, elements)
    const firstShape = this.#shapes.length / (L.SET_SHAPE_BYTES >>> 2)
    for (const lengths of shapes) this.#shapes.pushAll(shapeWords(set, type, lengths))
    if (shapes.length > L.SET_SHAPES_MAX)
      this.#context.fault(
        place,
        `the set \`${escapeText(set.name)}\` has more than ${L.SET_SHAPES_MAX} pairs of prefix lengths`,
      )
    const shapeIndex = new Map(shapes.map((s, i) => [s.join(), i]))
    const wide = this.#isWide(used)
    const stride = wide ? L.SET_WIDE_BYTES : L.SET_ENTRY_BYTES
    const first = this.#entries.length / ENTRY_WORDS
    const words = this.#entries.reserve((stride >>> 2) * elements.length)
    const flags =
      type.flags |
      this.#optionFlags(used) |
      (set.family === 'ipv6' || type.wide ? L.SET_WIDE_KEY : 0) |
      (type.noZero === 'both' || (type.noZero === 'ipv6' && set.family === 'ipv6') ? L.SET_NO_ZERO : 0)
    const buckets = live ? 0 : 2 ** Math.ceil(Math.log2(Math.max(2, elements.length * 2)))
    const index = live ? 0 : this.#index.reserve(buckets)
    // From the last to the first, so that a bucket's chain is in the order in which they were added.
    for (let i = elements.length - 1; i >= 0; i--) {
      const element = elements[i]!
      const word = words + (stride >>> 2) * i
      const shape = shapeIndex.get(element.lengths.join())!
      this.#entries.setAll(word, element.key)
      this.#entries.set(word + (L.SET_ENTRY_IFACE_OFF >>> 2), element.iface)
      this.#entries.set(word + (L.SET_ENTRY_SHAPE_OFF >>> 2), shape)
      this.#entries.set(word + (L.SET_ENTRY_FLAGS_OFF >>> 2), element.flags)
      this.#extensions(word, used, set.entries[element.origin]!, element.origin)
      if (live) continue
      const bucket = index + (setHash(element.key, shape, (flags & L.SET_WIDE_KEY) !== 0) & (buckets - 1))
      this.#entries.set(word + (L.SET_ENTRY_NEXT_OFF >>> 2), this.#index.get(bucket))
      this.#index.set(bucket, i + 1)
    }
    const maxelem = set.type.startsWith('hash:') ? Number(set.options['maxelem'] ?? DEFAULT_MAXELEM) : U32
    if (live) {
      this.#pool += elements.length
      const room = set.type.startsWith('hash:') ? maxelem : type.bitmapSize(set)
      this.#added += Math.max(0, room - elements.length) + (set.options['timeout'] === undefined ? 0 : L.SET_PLACES)
      this.#liveShapes += shapes.length
    }
    const range = type.range?.(set)
    this.#record(at, {
      [L.SET_KIND_OFF]: L.SET_KIND_KEYED,
      [L.SET_FAMILY_OFF]: type.anyFamily ? 0 : set.family === 'ipv4' ? 4 : 6,
      [L.SET_DIMS_OFF]: type.dims,
      [L.SET_SHAPES_OFF]: firstShape,
      [L.SET_SHAPE_COUNT_OFF]: shapes.length,
      [L.SET_INDEX_OFF]: index,
      [L.SET_BUCKETS_OFF]: buckets,
      [L.SET_FLAGS_OFF]: flags,
      [L.SET_ENTRIES_OFF]: first,
      [L.SET_COUNT_OFF]: elements.length,
      [L.SET_MAXELEM_OFF]: maxelem,
      [L.SET_TIMEOUT_OFF]: Number(set.options['timeout'] ?? 0),
      [L.SET_STRIDE_OFF]: stride,
      [L.SET_RANGE_FROM_OFF]: range?.[0] ?? 0,
      [L.SET_RANGE_TO_OFF]: range?.[1] ?? U32,
      [L.SET_MARKMASK_OFF]: Number(set.options['markmask'] ?? U32),
      ...Object.fromEntries(type.mask(set).map((w, i) => [L.SET_MASK_OFF + 4 * i, w])),
    })
  }

  /** Prefix lengths, longest first. A live set may get hosts, and any pair of lengths that it has. */
  #shapesOf({ set, live }: UsedSet, type: TypeShape, elements: readonly Element[]): (readonly [number, number])[] {
    const shapes = new Map(elements.map((e) => [e.lengths.join(), e.lengths] as const))
    if (live) {
      const bits = set.family === 'ipv4' ? 32 : 128
      const side = (i: 0 | 1, network: boolean, present: boolean): number[] => {
        const own = new Set(elements.map((e) => e.lengths[i]))
        if (network) own.add(bits)
        if (own.size === 0) own.add(present ? bits : 0)
        return [...own]
      }
      const second = side(1, (type.flags & L.SET_NET2) !== 0, (type.flags & L.SET_HAS_ADDR2) !== 0)
      for (const a of side(0, (type.flags & L.SET_NET1) !== 0, (type.flags & L.SET_HAS_ADDR1) !== 0))
        for (const b of second) shapes.set(`${a},${b}`, [a, b])
    }
    return [...shapes.values()].sort((a, b) => b[0] - a[0] || b[1] - a[1])
  }

  records(): Uint32Array {
    if (this.#used.length === 0) return new Uint32Array(0)
    const words = new Words(this.#records.length + (L.SETS_BYTES >>> 2))
    words.pushAll([
      this.#pool,
      this.#pool === 0 ? 1 : 2 ** Math.ceil(Math.log2(this.#pool * 2)),
      this.#liveShapes,
      this.#liveMembers,
    ])
    words.pushAll([...this.#records.words()])
    return words.words()
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
