// Longest-prefix match over one route table, and the hosts own addresses. A table is a sorted list of bounds (see
// layout.ts): the last bound that is not after the address names the longest prefix around it. Large tables narrow the
// search by the first bits of the address.
import { Address } from './address'
import {
  PREFIX_BYTES,
  RTABLE_BOUNDS_OFF,
  RTABLE_COUNT_OFF,
  RTABLE_ENTRIES_OFF,
  RTABLE_FAMILY_OFF,
  RTABLE_INDEX_BITS_OFF,
  RTABLE_INDEX_OFF,
  SECTION_BOUND_ENTRIES,
  SECTION_BOUND_INDEX,
  SECTION_BOUNDS,
  SECTION_LOCALS,
  SECTION_PREFIXES,
} from './layout'
import { Memory } from './memory'

export class Fib {
  static bounds: usize = 0
  static entries: usize = 0
  static index: usize = 0
  static prefixes: usize = 0
  static locals: usize = 0
  static localBuckets: u32 = 0

  static load(): void {
    Fib.bounds = Memory.section(SECTION_BOUNDS)
    Fib.entries = Memory.section(SECTION_BOUND_ENTRIES)
    Fib.index = Memory.section(SECTION_BOUND_INDEX)
    Fib.prefixes = Memory.section(SECTION_PREFIXES)
    Fib.locals = Memory.section(SECTION_LOCALS)
    Fib.localBuckets = Memory.sectionBytes(SECTION_LOCALS) / 32
  }

  /** Record of the longest prefix of the table around the address; 0 = none. */
  static longest(table: usize, address: usize): usize {
    const count = load<u32>(table + RTABLE_COUNT_OFF)
    if (count === 0) return 0
    const first = load<u32>(address)
    let low: u32 = 0 // the bound sought lies in [low, high)
    let high = count
    const bits = load<u32>(table + RTABLE_INDEX_BITS_OFF)
    if (bits !== 0) {
      const at = Fib.index + (load<u32>(table + RTABLE_INDEX_OFF) + (first >>> (32 - bits))) * 4
      low = load<u32>(at)
      high = load<u32>(at + 4) + 1
    }
    const bounds = Fib.bounds + load<u32>(table + RTABLE_BOUNDS_OFF) * 4
    if (load<u32>(table + RTABLE_FAMILY_OFF) === 4) {
      // Without branches on what is read: they would be guessed wrongly every other time.
      for (let left = high - low; left > 1; ) {
        const half = left >>> 1
        low = select<u32>(low + half, low, load<u32>(bounds + (low + half) * 4) <= first)
        left -= half
      }
    } else {
      while (high - low > 1) {
        const middle = (low + high) >>> 1
        if (Address.notAfter(bounds + middle * 16, address)) low = middle
        else high = middle
      }
    }
    return Fib.prefix(load<u32>(Fib.entries + (load<u32>(table + RTABLE_ENTRIES_OFF) + low) * 4))
  }

  /** Reads the index of a table that has one, for the first word of an address. */
  static touchIndex(table: usize, first: u32): u32 {
    const bits = load<u32>(table + RTABLE_INDEX_BITS_OFF)
    return load<u32>(Fib.index + (load<u32>(table + RTABLE_INDEX_OFF) + (first >>> (32 - bits))) * 4)
  }

  /** Reads the first bound and entry to which the index leads. */
  static touchBounds(table: usize, first: u32): u32 {
    const low = Fib.touchIndex(table, first)
    const step: u32 = load<u32>(table + RTABLE_FAMILY_OFF) === 4 ? 4 : 16
    const bound = load<u32>(Fib.bounds + load<u32>(table + RTABLE_BOUNDS_OFF) * 4 + low * step)
    return bound | load<u32>(Fib.entries + (load<u32>(table + RTABLE_ENTRIES_OFF) + low) * 4)
  }

  /** Record of prefix entry `n - 1`; 0 for n = 0. */
  static prefix(n: u32): usize {
    return n === 0 ? 0 : Fib.prefixes + (n - 1) * PREFIX_BYTES
  }

  /** Is it an address of one of the host's interfaces? */
  static isOwn(address: usize, family: u32): bool {
    const buckets = Fib.localBuckets
    if (buckets === 0) return false
    let i = Address.hash(address) & (buckets - 1)
    let at = Fib.locals + i * 32
    let kind = load<u32>(at)
    while (kind !== 0) {
      if (kind === family && Address.same(at + 16, address)) return true
      i = (i + 1) & (buckets - 1)
      at = Fib.locals + i * 32
      kind = load<u32>(at)
    }
    return false
  }
}
