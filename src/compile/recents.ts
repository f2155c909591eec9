// The lists of the `recent` match: one for each name, shared by all rules of both families that name it.
// Owns the RECENTS section. Kernel: net/netfilter/xt_recent.c (100 entries a list, stamps in a ring).
// A list none of whose rules counts hits needs the last stamp only: some stamp is young enough exactly when the last is.
import {
  RECENT_LIST_FAMILY_OFF,
  RECENT_LIST_MAX_OFF,
  RECENT_LIST_RING_AT_OFF,
  RECENT_LIST_RING_OFF,
  RECENT_RING_FREE_BYTES,
  RECENTS_BUCKETS_OFF,
  RECENTS_ENTRIES_OFF,
  RECENTS_LISTS_OFF,
  RECENTS_RING_OFF,
} from '../../assembly/layout.js'
import type { Family } from '../netfilter/model.js'
import type { CompileContext, CompileOptions } from './context.js'
import type { RecentSymbol } from './image.js'
import { Words } from './words.js'

/** ip_list_tot */
const LIST_ENTRIES = 100
/** XT_RECENT_MAX_NSTAMPS - 1: the largest hit count that the kernel takes. */
export const MAX_HITCOUNT = 65535
/** Stamps that a rule without a hit count makes its list keep. */
const DEFAULT_STAMPS = 32
/** All rings together, bytes. */
const MAX_RING_BYTES = 1 << 30

interface List {
  readonly family: Family
  readonly name: string
  readonly mask: readonly number[]
  /** Some rule counts hits, or did. */
  counts: boolean
  ring: number
}

/** Collects the lists of all rules. */
export class RecentLists {
  readonly #lists: List[] = []
  readonly #byKey = new Map<string, number>()
  readonly #there: ReadonlyMap<string, RecentSymbol>
  readonly #all: boolean

  constructor(options: CompileOptions) {
    this.#all = options.recentStamps === true
    this.#there = new Map((options.recents ?? []).map((list) => [list.name, list]))
  }

  /** Index and mask of the list; notes how many stamps its rules look at. The mask of its first rule holds for all. */
  use(
    name: string,
    family: Family,
    mask: readonly number[],
    hitcount: number,
  ): { readonly index: number; readonly mask: readonly number[] } {
    const key = name
    let index = this.#byKey.get(key)
    if (index === undefined) {
      const there = this.#there.get(key)
      const counts = this.#all || there?.counts === true
      index = this.#lists.push({ family, name, mask: there?.mask ?? mask, counts, ring: there?.stamps ?? 0 }) - 1
      this.#byKey.set(key, index)
    }
    const list = this.#lists[index]!
    list.counts ||= hitcount > 0
    list.ring = Math.max(list.ring, hitcount > 0 ? 2 ** Math.ceil(Math.log2(hitcount)) : DEFAULT_STAMPS)
    return { index, mask: list.mask }
  }

  symbols(): RecentSymbol[] {
    return this.#lists.map(({ family, name, mask, ring, counts }) => ({ family, name, mask, stamps: ring, counts }))
  }

  words(context: CompileContext): Uint32Array {
    const lists = this.#lists
    if (lists.length === 0) return new Uint32Array(0)
    const words = new Words()
    words.reserve(4)
    let ringBytes = 0
    for (const list of lists) {
      const at = words.reserve(4)
      const ring = list.counts ? list.ring : 0
      words.set(at + (RECENT_LIST_FAMILY_OFF >>> 2), list.family === 'ipv4' ? 4 : 6)
      words.set(at + (RECENT_LIST_RING_OFF >>> 2), ring)
      words.set(at + (RECENT_LIST_RING_AT_OFF >>> 2), ringBytes)
      words.set(at + (RECENT_LIST_MAX_OFF >>> 2), LIST_ENTRIES)
      if (ring > 0) ringBytes += RECENT_RING_FREE_BYTES + LIST_ENTRIES * ring * 8
    }
    if (ringBytes > MAX_RING_BYTES) {
      const place = { file: context.ns.rulesets[0]?.file ?? '', line: 0 }
      context.fault(
        place,
        `the hit counts of the recent lists ask for ${ringBytes} bytes; at most ${MAX_RING_BYTES} are kept`,
      )
    }
    const entries = Math.max(1, Math.min(lists.length * LIST_ENTRIES, context.limits.maxRecentEntries))
    words.set(RECENTS_LISTS_OFF >>> 2, lists.length)
    words.set(RECENTS_ENTRIES_OFF >>> 2, entries)
    words.set(RECENTS_BUCKETS_OFF >>> 2, 2 ** Math.ceil(Math.log2(entries)))
    words.set(RECENTS_RING_OFF >>> 2, ringBytes)
    return words.words()
  }
}
