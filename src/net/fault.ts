// Faults: what is wrong with an input, and exactly where.
// Owns the one shape in which every reader says so; the command line prints it as `FILE:LINE:COLUMN: text`.

/** One fault of an input. `line` and `column` count from 1; 0 means "the file as a whole". */
export interface Fault {
  readonly file: string
  readonly line: number
  readonly column: number
  /** What is wrong, and what was expected. Text taken from the input is already escaped (see `escapeText`). */
  readonly message: string
}

/** Thrown by every reader and by `compile`: all faults found, at least one. Nothing was applied. */
export class FaultError extends Error {
  readonly faults: readonly Fault[]
  constructor(faults: readonly Fault[]) {
    super(faults.map(formatFault).join('\n'))
    this.name = 'FaultError'
    this.faults = faults
  }
}

/** `FILE:LINE:COLUMN: message`; the parts that are 0 are left out. */
export function formatFault(fault: Fault): string {
  const line = fault.line > 0 ? `:${fault.line}` : ''
  const column = fault.line > 0 && fault.column > 0 ? `:${fault.column}` : ''
  return `${fault.file}${line}${column}: ${fault.message}`
}

/** Throws a FaultError with one fault. */
export function fail(file: string, line: number, column: number, message: string): never {
  throw new FaultError([{ file, line, column, message }])
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu

/**
 * Text from outside, made safe to print on a terminal: control, format (bidi, zero width) and unpaired
 * characters become `\u{hex}`. Everything else stays as it is.
 *
 * @example escapeText('a\u001b[31mb') // 'a\\u{1b}[31mb'
 */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`)
}
