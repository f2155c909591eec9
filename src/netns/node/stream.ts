// Files of any size, piece by piece: from disk or standard input (`-`), gzip recognised and decompressed on the way.
// For Node only. Owns opening, the recognition of gzip, and how far the file has been read.
import { createReadStream, fstatSync, type ReadStream, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { fail } from '../../net/fault.js'
import { isGzip } from './read-bundle.js'

const PIECE_BYTES = 1 << 16

/** An input while it is read; iterate over it once. */
export class InputStream implements AsyncIterable<Uint8Array> {
  /** Name for messages: the path, or `stdin`. */
  readonly name: string
  /** Bytes of the file, as far as known: null for pipes. */
  readonly size: number | null
  readonly #stream: ReadStream
  #bytesRead = 0

  /** Throws a FaultError when there is no such file. */
  constructor(path: string) {
    const stdin = path === '-'
    this.name = stdin ? 'stdin' : path
    if (stdin) {
      this.#stream = createReadStream('', { fd: 0, autoClose: false, highWaterMark: PIECE_BYTES })
      const stat = fstatSync(0)
      this.size = stat.isFile() ? stat.size : null
      return
    }
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) fail(path, 0, 0, 'there is no such file')
    if (stat.isDirectory()) fail(path, 0, 0, 'not a file')
    this.size = stat.isFile() ? stat.size : null
    this.#stream = createReadStream(path, { highWaterMark: PIECE_BYTES })
  }

  /** How much of the file has been read, 0 to 1; null for pipes. */
  get fraction(): number | null {
    return this.size === null ? null : this.size === 0 ? 1 : Math.min(1, this.#bytesRead / this.size)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const pieces = this.#pieces()
    // Gzip shows in the first three bytes; a pipe may give fewer at a time.
    let first: Uint8Array = new Uint8Array(0)
    while (first.length < 3) {
      const next = await pieces.next()
      if (next.done) break
      first = first.length === 0 ? next.value : Buffer.concat([first, next.value])
    }
    if (isGzip(first)) yield* this.#gunzipped(first, pieces)
    else {
      if (first.length > 0) yield first
      yield* pieces
    }
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of this.#stream as AsyncIterable<Buffer>) {
        this.#bytesRead += piece.length
        yield piece
      }
    } catch (error) {
      fail(this.name, 0, 0, `cannot be read (${(error as { code?: string }).code ?? 'unknown error'})`)
    }
  }

  async *#gunzipped(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const gunzip = createGunzip({ chunkSize: PIECE_BYTES })
    const feed = async (): Promise<void> => {
      try {
        if (!gunzip.write(first)) await drained(gunzip)
        for await (const piece of rest) {
          if (gunzip.destroyed) return
          if (!gunzip.write(piece)) await drained(gunzip)
        }
        gunzip.end()
      } catch (error) {
        gunzip.destroy(error as Error)
      }
    }
    const feeding = feed()
    try {
      for await (const piece of gunzip as AsyncIterable<Buffer>) yield piece
    } catch (error) {
      if ((error as { faults?: unknown }).faults !== undefined) throw error
      const cut = (error as { code?: string }).code === 'Z_BUF_ERROR'
      fail(this.name, 0, 0, cut ? 'a gzip file that is cut off' : 'a damaged gzip file')
    }
    await feeding
  }
}

function drained(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.removeListener(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) stream.on(event, done)
  })
}
