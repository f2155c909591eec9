// Where a command writes as it goes: standard output or a file, waiting when the reader is slower.
// Owns backpressure and closing; what is written is the command's.

import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { fail } from '../net/fault.js'

/** A file, or standard output for `-`. */
export class Output {
  readonly #stream: WriteStream | NodeJS.WriteStream
  readonly #file: string | null
  #failed: Error | undefined

  constructor(path: string) {
    this.#file = path === '-' ? null : path
    if (this.#file === null) {
      this.#stream = process.stdout
      return
    }
    this.#stream = createWriteStream(this.#file)
    this.#stream.on('error', (error) => {
      this.#failed = error
    })
  }

  /** Writes; resolves when more may be written. Throws a FaultError when the file cannot be written. */
  async write(what: string | Uint8Array): Promise<void> {
    this.#check()
    if (this.#stream.write(what)) return
    await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(() => {})
    this.#check()
  }

  /** Everything is written and the file closed. */
  async end(): Promise<void> {
    if (this.#file === null) return
    this.#check()
    await new Promise<void>((resolve) => {
      this.#stream.once('close', () => resolve())
      this.#stream.end()
    })
    this.#check()
  }

  #check(): void {
    if (this.#failed === undefined) return
    fail(
      this.#file ?? 'stdout',
      0,
      0,
      `cannot be written (${(this.#failed as { code?: string }).code ?? 'unknown error'})`,
    )
  }
}
