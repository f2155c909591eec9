// What is wrong at one place of the line that is being read; the reader adds file and line and goes on.

/** Thrown while a line is read. `column` counts from 1, 0 means the line as a whole. */
export class LineFault extends Error {
  readonly column: number
  constructor(column: number, message: string) {
    super(message)
    this.column = column
  }
}
