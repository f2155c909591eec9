// Interface patterns: a name becomes a link id, a name with a trailing `+` a bit set over link ids (bit 0: no interface).
// Owns the IFACES section: word 0 = words of one bit set, then the bit sets.
import { IFACE_ABSENT } from '../../assembly/layout.js'
import type { CompileContext } from './context.js'
import { Words } from './words.js'

/** What a rule record holds for `-i` or `-o`. */
export interface IfaceRef {
  readonly pattern: boolean
  /** Link id (IFACE_ABSENT: none has this name) or index of the pattern. */
  readonly value: number
}

/** Collects the patterns of all rules; equal ones are shared. */
export class IfacePatterns {
  readonly #context: CompileContext
  readonly #known = new Map<string, IfaceRef>()
  readonly #words = new Words()
  readonly #setWords: number
  #count = 0

  constructor(context: CompileContext) {
    this.#context = context
    this.#setWords = (context.ns.links.length + 1 + 31) >>> 5
    this.#words.push(this.#setWords)
  }

  ref(name: string): IfaceRef {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const made: IfaceRef = name.endsWith('+')
      ? { pattern: true, value: this.#pattern(name.slice(0, -1)) }
      : { pattern: false, value: this.#context.linkIds.get(name) ?? IFACE_ABSENT }
    this.#known.set(name, made)
    return made
  }

  #pattern(start: string): number {
    const at = this.#words.reserve(this.#setWords)
    const put = (id: number): void => {
      const word = at + (id >>> 5)
      this.#words.set(word, (this.#words.get(word) | (1 << (id & 31))) >>> 0)
    }
    // `+` alone compares nothing, so it holds for a packet without an interface too.
    if (start === '') put(0)
    this.#context.ns.links.forEach((link, i) => {
      if (link.name.startsWith(start)) put(i + 1)
    })
    return this.#count++
  }

  words(): Uint32Array {
    return this.#words.words()
  }
}
