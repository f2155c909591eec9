// A change of an image under way, as data: what is written where, and which counters stay or start anew.
import type { Counters } from '../netfilter/model.js'

/** Words put into a section, from word `at` on. */
export interface SectionWrite {
  readonly section: number
  readonly at: number
  readonly words: Uint32Array
}

/** A change of an image under way. Counters are read before any is written. */
export interface RulesPatch {
  readonly writes: readonly SectionWrite[]
  /** The flags of the header. */
  readonly flags: number
  /** Counters that stay, and where they are now. */
  readonly kept: readonly { readonly from: number; readonly to: number }[]
  /** Runs of counters that start at 0: the first, and how many. */
  readonly zeroed: readonly (readonly [number, number])[]
  /** After those. */
  readonly fresh: readonly FreshCounter[]
  /** Indexes of the chains that were written. */
  readonly chains: readonly number[]
}

/** A counter that starts anew at something. */
export interface FreshCounter {
  readonly at: number
  readonly counters: Counters
}
