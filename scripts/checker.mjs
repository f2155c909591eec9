// A process that compares cores with a corpus (test/property/corpus.ts serve), kept for many cores and replaced when a core
// keeps it for ever. How long a core took is its own time on a processor where the system says it (/proc): a busy machine
// makes no loop.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const TICKS_A_SECOND = 100
const LOOK_EVERY_MS = 200

export class Checker {
  #child = null
  #answer = null
  #command
  #cwd

  constructor(command, cwd) {
    this.#command = command
    this.#cwd = cwd
  }

  #start() {
    const child = spawn(process.execPath, this.#command, { cwd: this.#cwd, stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) this.#answer?.(JSON.parse(line))
    })
    child.on('exit', () => {
      if (this.#child !== child) return
      this.#child = null
      this.#answer?.({ where: 'the process ended' })
    })
    this.#child = child
  }

  /** Seconds that the process was busy; where nothing says it, seconds since the start of this one. */
  #seconds() {
    try {
      const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1].split(' ')
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
    } catch {
      return performance.now() / 1000
    }
  }

  /** Resolves to `{ where, case, seconds }`: null where it agrees; `where: 'time'` when it took longer than `limit`. */
  check(core, limit) {
    if (this.#child === null) this.#start()
    const began = this.#seconds()
    return new Promise((resolve) => {
      const end = (result) => {
        clearInterval(timer)
        this.#answer = null
        resolve({ ...result, seconds: this.#child === null ? limit : this.#seconds() - began })
      }
      const timer = setInterval(() => {
        if (this.#child === null || this.#seconds() - began < limit) return
        this.stop()
        end({ where: 'time' })
      }, LOOK_EVERY_MS)
      this.#answer = end
      this.#child.stdin.write(`${core}\n`)
    })
  }

  stop() {
    const child = this.#child
    this.#child = null
    child?.kill('SIGKILL')
  }
}
