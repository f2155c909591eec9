// Which connection ends next: a heap of record numbers by CT_HEAP_KEY, which is never after CT_END: an entry that was
// refreshed is put back when it comes up.
import { CT_COLD_BYTES, CT_END_OFF, CT_HEAP_KEY_OFF, CT_HEAP_OFF } from './layout'
import { Memory } from './memory'
import { Table } from './table'

export class Ends {
  private static heap: usize = 0

  /** False when memory does not suffice. */
  static init(capacity: u32): bool {
    Ends.heap = Memory.allocate(<usize>capacity * 4)
    return Ends.heap !== 0
  }

  private static key(record: u32): usize {
    return Table.cold + record * CT_COLD_BYTES + CT_HEAP_KEY_OFF
  }

  /** Takes a connection in, behind `count` others. */
  static add(record: u32, end: f64, count: u32): void {
    store<f64>(Ends.key(record), end)
    Ends.up(count, record, end)
  }

  /** Takes one out; `count` are left. */
  static remove(ct: usize, record: u32, count: u32): void {
    const hole = load<u32>(ct + CT_HEAP_OFF)
    const moved = load<u32>(Ends.heap + count * 4)
    if (moved === record) return
    const key = load<f64>(Ends.key(moved))
    if (!Ends.up(hole, moved, key)) Ends.down(hole, moved, key)
  }

  /** Sets when a connection of the heap ends. */
  static set(ct: usize, end: f64): void {
    store<f64>(ct + CT_END_OFF, end)
    const record = Table.recordOf(ct)
    if (end < load<f64>(Ends.key(record))) {
      store<f64>(Ends.key(record), end)
      Ends.up(load<u32>(ct + CT_HEAP_OFF), record, end)
    }
  }

  /** A connection whose end has come; 0 = none. */
  static due(now: f64): usize {
    while (Table.live > 0) {
      const record = load<u32>(Ends.heap)
      if (load<f64>(Ends.key(record)) > now) return 0
      const ct = Table.hotOf(record)
      const end = load<f64>(ct + CT_END_OFF)
      if (end <= now) return ct
      store<f64>(Ends.key(record), end)
      Ends.down(0, record, end)
    }
    return 0
  }

  private static put(place: u32, record: u32): void {
    store<u32>(Ends.heap + place * 4, record)
    store<u32>(Table.hotOf(record) + CT_HEAP_OFF, place)
  }

  /** Puts a record at a place or above it; true when above. */
  private static up(from: u32, record: u32, key: f64): bool {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >>> 1
      const other = load<u32>(Ends.heap + parent * 4)
      if (load<f64>(Ends.key(other)) <= key) break
      Ends.put(place, other)
      place = parent
    }
    Ends.put(place, record)
    return place !== from
  }

  private static down(from: u32, record: u32, key: f64): void {
    let place = from
    const count = Table.live
    for (;;) {
      let child = place * 2 + 1
      if (child >= count) break
      let other = load<u32>(Ends.heap + child * 4)
      let otherKey = load<f64>(Ends.key(other))
      if (child + 1 < count) {
        const right = load<u32>(Ends.heap + child * 4 + 4)
        const rightKey = load<f64>(Ends.key(right))
        if (rightKey < otherKey) {
          child++
          other = right
          otherKey = rightKey
        }
      }
      if (otherKey >= key) break
      Ends.put(place, other)
      place = child
    }
    Ends.put(place, record)
  }
}
