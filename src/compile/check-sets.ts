// References of the set sections: shapes, buckets, entries, members of lists. A bucket's chain of entries goes to ever
// lower entries, as the compiler lays it, so it ends.
import * as L from '../../assembly/layout.js'
import type { ImageView } from './check.js'

const at = (offset: number): number => offset >>> 2

/** Checks every reference of the sets. */
export function checkSets(view: ImageView): void {
  const { words: sets, count } = view.records(L.SECTION_SETS, L.SET_BYTES)
  const shapes = view.records(L.SECTION_SET_SHAPES, L.SET_SHAPE_BYTES).count
  const index = view.words(L.SECTION_SET_INDEX)
  const { words: entries, count: entryCount } = view.records(L.SECTION_SET_ENTRIES, L.SET_ENTRY_BYTES)
  const entryWords = L.SET_ENTRY_BYTES >>> 2
  for (let entry = 0; entry < entryCount; entry++) {
    const next = entries[entry * entryWords + at(L.SET_ENTRY_NEXT_OFF)]!
    view.require(next <= entry, 'a set element that leads upwards')
  }
  let used = 0
  for (let set = 0; set < count; set++) {
    const base = set * (L.SET_BYTES >>> 2)
    const kind = sets[base + at(L.SET_KIND_OFF)]!
    const first = sets[base + at(L.SET_SHAPES_OFF)]!
    const number = sets[base + at(L.SET_SHAPE_COUNT_OFF)]!
    view.require(kind <= L.SET_KIND_LIST, 'a set of an unknown kind')
    if (kind === L.SET_KIND_LIST) {
      view.require(number <= index.length && first + number * 3 <= index.length, 'a list of sets that is cut off')
      used += number * 3
      view.require(used <= index.length, 'sets that share their members')
      for (let i = 0; i < number; i++) {
        const member = index[first + i * 3]!
        view.require(member < count, 'a list with an unknown set')
        view.require(sets[member * (L.SET_BYTES >>> 2) + at(L.SET_KIND_OFF)] !== L.SET_KIND_LIST, 'a list of lists')
      }
      continue
    }
    const buckets = sets[base + at(L.SET_BUCKETS_OFF)]!
    const from = sets[base + at(L.SET_INDEX_OFF)]!
    view.require(number <= shapes && first + number <= shapes, 'a set whose shapes lie outside')
    view.require(buckets > 0 && (buckets & (buckets - 1)) === 0, 'a set with a senseless number of buckets')
    view.require(from + buckets <= index.length, 'a set whose buckets lie outside')
    used += buckets
    view.require(used <= index.length, 'sets that share their buckets')
    for (let i = from; i < from + buckets; i++)
      view.require(index[i]! <= entryCount, 'a bucket with an unknown element')
  }
}
