// Text that comes in pieces, as lines. Owns the cut at line ends, UTF-8 across pieces, and the limit on a line's length.
import { fail } from './fault.js'

const NEWLINE = 10

/** Cuts pieces of UTF-8 text into lines, without their ends (`\n`). Holds no more than one line. */
export class LineSplitter {
  readonly #file: string
  readonly #maxBytes: number
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #rest: Uint8Array = new Uint8Array(0)
  #line = 0

  /** `file`: for faults. A line of more than `maxBytes` bytes is one. */
  constructor(file: string, maxBytes: number) {
    this.#file = file
    this.#maxBytes = maxBytes
  }

  /** The lines that are whole after this piece: number from 1, and text. Throws a FaultError; it is of no more use then. */
  *push(piece: Uint8Array): Generator<readonly [number, string]> {
    let start = 0
    for (;;) {
      const end = piece.indexOf(NEWLINE, start)
      const part = piece.subarray(start, end < 0 ? piece.length : end)
      if (this.#rest.length + part.length > this.#maxBytes)
        fail(this.#file, this.#line + 1, 0, `a line of more than ${this.#maxBytes} bytes; that is the limit`)
      if (end < 0) {
        this.#rest = joined(this.#rest, part)
        return
      }
      yield this.#take(this.#rest.length === 0 ? part : joined(this.#rest, part))
      start = end + 1
    }
  }

  /** The last line, when the text does not end with a line end. */
  *end(): Generator<readonly [number, string]> {
    if (this.#rest.length > 0) yield this.#take(this.#rest)
  }

  #take(bytes: Uint8Array): readonly [number, string] {
    this.#rest = new Uint8Array(0)
    this.#line++
    if (bytes.includes(0)) fail(this.#file, this.#line, 0, 'a binary file; text was expected')
    try {
      return [this.#line, this.#decoder.decode(bytes)]
    } catch {
      return fail(this.#file, this.#line, 0, 'not UTF-8 text (a binary file?)')
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
