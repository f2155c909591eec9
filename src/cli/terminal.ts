// What the command line shares: colours, faults and assumptions on stderr, exit codes, progress.
import { styleText } from 'node:util'
import { escapeText, type FaultError, formatFault } from '../net/fault.js'

export const EXIT_OK = 0
/** A check did not hold. */
export const EXIT_CHECK = 1
/** The arguments or the input are wrong. */
export const EXIT_INPUT = 2

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

/** Colours a text when stdout is a terminal and NO_COLOR is not set. */
export function paint(style: Style, text: string): string {
  const on = process.stdout.isTTY && !process.env['NO_COLOR']
  return on ? styleText(style, text) : text
}

/** One line per fault, on stderr. */
export function printFaults(error: FaultError): void {
  for (const fault of error.faults) process.stderr.write(`${formatFault({ ...fault, file: escapeText(fault.file) })}\n`)
}

/** Each assumption or note once, on stderr. */
export function printNotes(kind: string, lines: readonly string[]): void {
  for (const line of new Set(lines)) process.stderr.write(`${kind}: ${escapeText(line)}\n`)
}

/** A progress line on stderr, only when that is a terminal; at most ten times a second. */
export class Progress {
  #last = 0
  readonly #label: string
  readonly #on: boolean = process.stderr.isTTY === true
  constructor(label: string) {
    this.#label = label
  }
  /** `fraction`: how much of the input is done, 0 to 1; null: not known. */
  update(done: number, fraction: number | null): void {
    if (!this.#on) return
    const now = Date.now()
    if (now - this.#last < 100) return
    this.#last = now
    const percent = fraction === null ? '' : ` (${Math.floor(fraction * 100)} %)`
    process.stderr.write(`\r\u001b[K${done.toLocaleString('en')} ${this.#label}${percent}`)
  }
  end(): void {
    if (this.#on && this.#last > 0) process.stderr.write('\r\u001b[K')
  }
}

/** Writes to stdout and waits until it is taken, so that a pipe that closes ends the command quietly. */
export function print(text: string): void {
  process.stdout.write(text)
}
