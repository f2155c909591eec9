// A line of a rule file as words with their columns.
// Owns quoting: a double quote opens anywhere in a word, a backslash within quotes takes the next character as it is, and
// the closing quote ends the word. Spec: what iptables-restore 1.8.9 does with a rule line.
import { LineFault } from './line-fault.js'
import { byteLength } from './words.js'

/** Longest word that iptables-restore takes, in bytes. */
const WORD_BYTES = 1023

/** The words of one line; the arrays are used again for the next line. */
export class Words {
  readonly text: string[] = []
  /** Column of each word's first character, from 1. */
  readonly column: number[] = []
  count = 0
  /** Column just after the line's last character. */
  end = 1

  /** Reads `line` from character `from` (0 is the first). Throws a LineFault when a quote is not closed or a word too long. */
  read(line: string, from = 0): void {
    this.count = 0
    this.end = line.length + 1
    let i = from
    while (i < line.length) {
      const c = line.charCodeAt(i)
      if (c === 0x20 || c === 0x09) {
        i++
        continue
      }
      const start = i
      while (i < line.length) {
        const d = line.charCodeAt(i)
        if (d === 0x20 || d === 0x09 || d === 0x22) break
        i++
      }
      if (i < line.length && line.charCodeAt(i) === 0x22) i = this.quoted(line, start, i)
      else this.addShort(line.slice(start, i), start)
    }
  }

  /** As `read`, but a quote is a character like any other. */
  split(line: string, from: number): void {
    this.count = 0
    this.end = line.length + 1
    for (let i = from; i < line.length; i++) {
      const start = i
      while (i < line.length && line.charCodeAt(i) !== 0x20 && line.charCodeAt(i) !== 0x09) i++
      if (i > start) this.add(line.slice(start, i), start)
    }
  }

  private add(word: string, start: number): void {
    this.text[this.count] = word
    this.column[this.count] = start + 1
    this.count++
  }

  private addShort(word: string, start: number): void {
    if (word.length * 3 > WORD_BYTES && byteLength(word) > WORD_BYTES) {
      throw new LineFault(start + 1, `this word is too long: expected at most ${WORD_BYTES} bytes`)
    }
    this.add(word, start)
  }

  private quoted(line: string, start: number, quote: number): number {
    let word = line.slice(start, quote)
    let i = quote + 1
    let copied = i
    for (; i < line.length; i++) {
      const c = line.charCodeAt(i)
      if (c === 0x22) {
        this.addShort(word + line.slice(copied, i), start)
        return i + 1
      }
      if (c === 0x5c) {
        word += line.slice(copied, i)
        i++
        copied = i
      }
    }
    throw new LineFault(quote + 1, 'this quote is not closed: expected another " on the line')
  }
}
