// From prefixes in order (by address, then length) to bounds: from one bound to the next the longest prefix is the same.
// A stack of the prefixes around the place reached; each prefix is pushed and popped once.
import type { Words } from './words.js'

/** Turns prefixes in order into bounds. `T`: an address as a number. */
abstract class Sweep<T extends number | bigint> {
  protected readonly bounds: Words
  readonly #entries: Words
  /** The prefixes around the place reached, outermost first. */
  readonly #open: { last: T; entry: number }[] = []
  #pending: T | null = null
  #pendingEntry = 0

  constructor(bounds: Words, entries: Words) {
    this.bounds = bounds
    this.#entries = entries
  }

  protected abstract value(words: Uint32Array, at: number): T
  protected abstract lastOf(first: T, length: number): T
  protected abstract after(value: T): T | null
  protected abstract write(value: T): void

  /** Begins the prefix at `words[at]`; returns the entry around it, 0 = none. */
  open(words: Uint32Array, at: number, length: number, entry: number): number {
    const first = this.value(words, at)
    this.#closeBefore(first)
    const parent = this.#open.at(-1)?.entry ?? 0
    this.#open.push({ last: this.lastOf(first, length), entry })
    this.#bound(first, entry)
    return parent
  }

  close(): void {
    this.#closeBefore(null)
    if (this.#pending !== null) this.#emit(this.#pending, this.#pendingEntry)
    this.#pending = null
  }

  #emit(bound: T, entry: number): void {
    this.write(bound)
    this.#entries.push(entry)
  }

  #closeBefore(first: T | null): void {
    for (;;) {
      const top = this.#open.at(-1)
      if (top === undefined || (first !== null && top.last >= first)) return
      this.#open.pop()
      const next = this.after(top.last)
      if (next !== null) this.#bound(next, this.#open.at(-1)?.entry ?? 0)
    }
  }

  /** Only the last of several bounds at one place counts; the list begins at 0. */
  #bound(bound: T, entry: number): void {
    if (this.#pending === null) {
      if (bound > (0 as T)) this.#emit(this.value(ZERO, 0), 0)
    } else if (this.#pending !== bound) this.#emit(this.#pending, this.#pendingEntry)
    this.#pending = bound
    this.#pendingEntry = entry
  }
}

const ZERO = new Uint32Array(4)

/** IPv4: addresses as numbers, one word a bound. */
export class Sweep4 extends Sweep<number> {
  protected value(words: Uint32Array, at: number): number {
    return words[at]!
  }
  protected lastOf(first: number, length: number): number {
    return first + 2 ** (32 - length) - 1
  }
  protected after(value: number): number | null {
    return value === 0xffffffff ? null : value + 1
  }
  protected write(value: number): void {
    this.bounds.push(value)
  }
}

/** IPv6: addresses as bigints, four words a bound. */
export class Sweep6 extends Sweep<bigint> {
  protected value(words: Uint32Array, at: number): bigint {
    const high = (BigInt(words[at]!) << 32n) | BigInt(words[at + 1]!)
    return (high << 64n) | (BigInt(words[at + 2]!) << 32n) | BigInt(words[at + 3]!)
  }
  protected lastOf(first: bigint, length: number): bigint {
    return first | ((1n << BigInt(128 - length)) - 1n)
  }
  protected after(value: bigint): bigint | null {
    return value === (1n << 128n) - 1n ? null : value + 1n
  }
  protected write(value: bigint): void {
    for (const shift of [96n, 64n, 32n, 0n]) this.bounds.push(Number((value >> shift) & 0xffffffffn))
  }
}
