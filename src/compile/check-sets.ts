// References of the set sections: shapes, buckets, elements, members of lists, and what SET rules name. A bucket's chain
// of elements goes to ever higher ones, as the compiler lays it, so it ends.
import * as L from '../../assembly/layout.js'
import type { ImageView } from './check.js'

const at = (offset: number): number => offset >>> 2
const isPowerOfTwo = (n: number): boolean => n > 0 && (n & (n - 1)) === 0
const RECORD = L.SET_BYTES >>> 2
const HEADER = L.SETS_BYTES >>> 2
const ENTRY = L.SET_ENTRY_BYTES >>> 2
/** Elements that a pool may have room for. */
const MAX_POOL = 1 << 24

/** Number of sets in the image. */
export function setCount(view: ImageView): number {
  const size = view.size(L.SECTION_SETS)
  if (size === 0) return 0
  view.require(size >= L.SETS_BYTES && (size - L.SETS_BYTES) % L.SET_BYTES === 0, 'sets that are cut off')
  const count = (size - L.SETS_BYTES) / L.SET_BYTES
  view.require(count <= L.SET_COUNT_MAX + 1, 'more sets than there can be')
  return count
}

/** A SETWORK record: inside CODE, of sets that are there, changing only those that may change. */
export function checkSetWork(view: ImageView, code: Uint32Array, word: number, count: number): void {
  view.require(word + (L.SETWORK_BYTES >>> 2) <= code.length, 'a SET rule that is cut off')
  const flags = code[word + at(L.SETWORK_FLAGS_OFF)]!
  for (const [bit, offset] of [
    [L.SETWORK_ADDS, L.SETWORK_ADD_OFF],
    [L.SETWORK_DELS, L.SETWORK_DEL_OFF],
    [L.SETWORK_MAPS, L.SETWORK_MAP_OFF],
  ] as const) {
    if ((flags & bit) === 0) continue
    const set = code[word + at(offset)]!
    view.require(set < count, 'a SET rule of an unknown set')
    if (bit !== L.SETWORK_MAPS) requireLive(view, set)
  }
}

/** The set, or every member of the list, may be changed. */
function requireLive(view: ImageView, set: number): void {
  const sets = view.words(L.SECTION_SETS)
  const base = HEADER + set * RECORD
  if (sets[base + at(L.SET_KIND_OFF)] !== L.SET_KIND_LIST) {
    view.require((sets[base + at(L.SET_FLAGS_OFF)]! & L.SET_LIVE) !== 0, 'a SET rule of a set that cannot change')
    return
  }
  const entries = view.words(L.SECTION_SET_ENTRIES)
  const stride = sets[base + at(L.SET_STRIDE_OFF)]! >>> 2
  const first = sets[base + at(L.SET_ENTRIES_OFF)]! * ENTRY
  const number = sets[base + at(L.SET_COUNT_OFF)]!
  for (let i = 0; i < number && first + i * stride < entries.length; i++) {
    const member = entries[first + i * stride + at(L.SET_ENTRY_PORT_OFF)]!
    const other = HEADER + member * RECORD
    if (other >= sets.length) continue // checkSets refuses it
    view.require((sets[other + at(L.SET_FLAGS_OFF)]! & L.SET_LIVE) !== 0, 'a SET rule of a set that cannot change')
  }
}

interface Scene {
  readonly sets: Uint32Array
  readonly count: number
  readonly entries: Uint32Array
  readonly index: Uint32Array
  readonly shapes: number
  readonly patterns: number
}

function patternCount(view: ImageView): number {
  const ifaces = view.words(L.SECTION_IFACES)
  return (ifaces[0] ?? 0) === 0 ? 0 : (ifaces.length - 1) / ifaces[0]!
}

/** Checks every reference of the sets. */
export function checkSets(view: ImageView): void {
  const sets = view.words(L.SECTION_SETS)
  const count = setCount(view)
  const shapes = view.records(L.SECTION_SET_SHAPES, L.SET_SHAPE_BYTES).count
  const index = view.words(L.SECTION_SET_INDEX)
  const entries = view.records(L.SECTION_SET_ENTRIES, L.SET_ENTRY_BYTES).words
  if (count === 0) return
  const scene: Scene = { sets, count, entries, index, shapes, patterns: patternCount(view) }
  const needs = { pool: 0, shapes: 0, members: 0, entries: 0, buckets: 0, firstShape: 0 }
  for (let set = 0; set < count; set++) checkSet(view, scene, HEADER + set * RECORD, needs)
  const pool = sets[at(L.SETS_POOL_OFF)]!
  view.require(pool >= needs.pool && pool <= MAX_POOL, 'a pool of set elements of a senseless size')
  const buckets = sets[at(L.SETS_BUCKETS_OFF)]!
  view.require(isPowerOfTwo(buckets) && buckets <= 2 * MAX_POOL, 'a pool of set elements of a senseless size')
  view.require(sets[at(L.SETS_SHAPES_OFF)] === needs.shapes, 'shapes of another number')
  view.require(sets[at(L.SETS_MEMBERS_OFF)] === needs.members, 'members of lists of another number')
}

interface Needs {
  pool: number
  shapes: number
  members: number
  /** Words of elements so far, buckets so far, shapes so far: none is shared. */
  entries: number
  buckets: number
  firstShape: number
}

function checkSet(view: ImageView, scene: Scene, base: number, needs: Needs): void {
  const { sets, entries } = scene
  const word = (offset: number): number => sets[base + at(offset)]!
  const kind = word(L.SET_KIND_OFF)
  const flags = word(L.SET_FLAGS_OFF)
  const live = (flags & L.SET_LIVE) !== 0
  const wide = word(L.SET_STRIDE_OFF) === L.SET_WIDE_BYTES
  const number = word(L.SET_COUNT_OFF)
  view.require(kind <= L.SET_KIND_LIST, 'a set of an unknown kind')
  view.require(flags <= L.SET_FLAGS_MASK, 'a set with unknown flags')
  view.require(wide || word(L.SET_STRIDE_OFF) === L.SET_ENTRY_BYTES, 'set elements of another size')
  const needsWide = (flags & (L.SET_LIVE | L.SET_HAS_COUNTERS | L.SET_HAS_SKBINFO)) !== 0
  view.require(wide || !needsWide, 'set elements that are too short')
  view.require((flags & L.SET_HAS_COUNTERS) === 0 || live, 'a set that counts and cannot change')
  for (let offset = L.SET_AT_BUCKETS_OFF; offset < L.SET_BYTES; offset += 4)
    view.require(word(offset) === 0, 'a set with addresses in it')
  const stride = word(L.SET_STRIDE_OFF) >>> 2
  const first = word(L.SET_ENTRIES_OFF) * ENTRY
  view.require(first === needs.entries && number <= entries.length, 'set elements that do not follow each other')
  needs.entries += number * stride
  view.require(needs.entries <= entries.length, 'a set whose elements lie outside')
  if (kind === L.SET_KIND_LIST) {
    if (live) needs.members += number
    checkMembers(view, scene, first, stride, number)
    return
  }
  const shapeCount = word(L.SET_SHAPE_COUNT_OFF)
  view.require(
    word(L.SET_SHAPES_OFF) === needs.firstShape && shapeCount <= L.SET_SHAPES_MAX,
    'shapes that do not follow',
  )
  needs.firstShape += shapeCount
  view.require(needs.firstShape <= scene.shapes, 'a set whose shapes lie outside')
  if (live) {
    needs.pool += number
    needs.shapes += shapeCount
    view.require(shapeCount > 0, 'a set that can change and has no shape')
  } else checkBuckets(view, scene, base, number, needs)
  for (let i = 0; i < number; i++) {
    const entry = first + i * stride
    const own = entries[entry + at(L.SET_ENTRY_FLAGS_OFF)]!
    const next = entries[entry + at(L.SET_ENTRY_NEXT_OFF)]!
    view.require(own <= L.ENTRY_FLAGS_MASK, 'a set element with unknown flags')
    view.require(entries[entry + at(L.SET_ENTRY_SHAPE_OFF)]! < shapeCount, 'a set element of an unknown shape')
    view.require(
      live ? next === 0 : next === 0 || (next > i + 1 && next <= number),
      'a set element that leads downwards',
    )
    if (own & L.ENTRY_PATTERN)
      view.require(entries[entry + at(L.SET_ENTRY_IFACE_OFF)]! < scene.patterns, 'an unknown interface pattern')
  }
}

function checkMembers(view: ImageView, scene: Scene, first: number, stride: number, number: number): void {
  const { sets, count, entries } = scene
  for (let i = 0; i < number; i++) {
    const member = entries[first + i * stride + at(L.SET_ENTRY_PORT_OFF)]!
    view.require(member < count, 'a list with an unknown set')
    view.require(sets[HEADER + member * RECORD + at(L.SET_KIND_OFF)] !== L.SET_KIND_LIST, 'a list of lists')
  }
}

function checkBuckets(view: ImageView, { sets, index }: Scene, base: number, number: number, needs: Needs): void {
  const buckets = sets[base + at(L.SET_BUCKETS_OFF)]!
  view.require(isPowerOfTwo(buckets), 'a set with a senseless number of buckets')
  view.require(sets[base + at(L.SET_INDEX_OFF)] === needs.buckets, 'buckets that do not follow each other')
  const from = needs.buckets
  needs.buckets += buckets
  view.require(needs.buckets <= index.length, 'a set whose buckets lie outside')
  for (let i = from; i < needs.buckets; i++) view.require(index[i]! <= number, 'a bucket with an unknown element')
}
