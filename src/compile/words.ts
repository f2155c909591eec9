// Growing arrays of 32-bit words, by doubling: what sections are written into. Knows nothing of their meaning.

/** A growing Uint32Array. */
export class Words {
  #data: Uint32Array
  #length = 0

  constructor(capacity = 128) {
    this.#data = new Uint32Array(capacity)
  }

  /** Words written so far. */
  get length(): number {
    return this.#length
  }

  /** Adds `count` zero words and returns the index of the first. */
  reserve(count: number): number {
    const at = this.#length
    const need = at + count
    if (need > this.#data.length) {
      const grown = new Uint32Array(Math.max(need, this.#data.length * 2))
      grown.set(this.#data)
      this.#data = grown
    }
    this.#length = need
    return at
  }

  /** Adds one word and returns its index. */
  push(value: number): number {
    const at = this.reserve(1)
    this.#data[at] = value
    return at
  }

  /** Adds some words and returns the index of the first. */
  pushAll(values: readonly number[]): number {
    const at = this.reserve(values.length)
    for (let i = 0; i < values.length; i++) this.#data[at + i] = values[i]!
    return at
  }

  get(index: number): number {
    return this.#data[index]!
  }

  set(index: number, value: number): void {
    this.#data[index] = value
  }

  setAll(index: number, values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.#data[index + i] = values[i]!
  }

  /** The words written; a view that holds until the next write. */
  words(): Uint32Array {
    return this.#data.subarray(0, this.#length)
  }
}
