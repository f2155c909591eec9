// Places for chains in sections that have room to spare: a chain's rules lie side by side, and so do their counters.
// Owns which places are free. A place is as long as the chain that it was made for, or a little longer.
import type { Family } from '../netfilter/model.js'

/** Where a chain lies: `rules` records from `first` on, and one counter more from `counter` on. */
export interface Block {
  readonly family: Family
  readonly first: number
  readonly counter: number
  /** Rules that fit. */
  readonly rules: number
}

/** What can still be taken from the end of the sections. */
export interface Ends {
  rules4: number
  rules6: number
  counters: number
}

/** Gives places out and takes them back. */
export class Blocks {
  readonly #free = new Map<string, Block[]>()
  readonly #ends: Ends
  readonly #limits: Readonly<Ends>

  /** `ends`: how much is used; `limits`: how much there is. */
  constructor(ends: Ends, limits: Readonly<Ends>) {
    this.#ends = ends
    this.#limits = limits
  }

  /** A place for that many rules, one that was given back or a new one with `spare` more; null when there is none. */
  take(family: Family, rules: number, spare: number): Block | null {
    for (let size = rules; size <= rules + (rules >>> 1) + 1; size++) {
      const block = this.#free.get(`${family} ${size}`)?.pop()
      if (block !== undefined) return block
    }
    const end = family === 'ipv4' ? 'rules4' : 'rules6'
    const made: Block = { family, first: this.#ends[end], counter: this.#ends.counters, rules: rules + spare }
    const [lastRule, lastCounter] = [made.first + made.rules, made.counter + made.rules + 1]
    if (lastRule > this.#limits[end] || lastCounter > this.#limits.counters) return null
    this.#ends[end] = lastRule
    this.#ends.counters = lastCounter
    return made
  }

  give(block: Block): void {
    const key = `${block.family} ${block.rules}`
    const list = this.#free.get(key)
    if (list === undefined) this.#free.set(key, [block])
    else list.push(block)
  }
}
