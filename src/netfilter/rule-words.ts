// The words of a rule line while they are taken one after the other: where the reader stands, and the values of options.
// Owns the position and the faults at it.
import type { OptionWords, RuleContext } from './extension.js'
import type { Words } from './lex.js'
import { LineFault } from './line-fault.js'
import type { Backend, Family, TableName } from './model.js'

/** The words of one line; what is common to all readers of a rule. */
export class RuleWords implements OptionWords, RuleContext {
  readonly family: Family
  /** Set before the first rule is read. */
  backend: Backend = 'legacy'
  table: TableName = 'filter'
  chain = ''
  proto = 0
  protoNot = false

  // The words of the option that is being read.
  not = false
  name = ''
  word = ''
  second = ''
  readonly rule: RuleContext = this

  protected readonly words: Words
  protected at = 0
  protected optionAt = 0
  protected wordAt = 0
  /** Letters of the base options that were given. */
  protected seen = ''

  constructor(words: Words, family: Family) {
    this.words = words
    this.family = family
  }

  bad(message: string, which?: 'second' | 'option'): LineFault {
    const at = which === 'option' ? this.optionAt : which === 'second' ? this.wordAt + 1 : this.wordAt
    return new LineFault(this.columnOf(at), message)
  }

  protected columnOf(at: number): number {
    return at < this.words.count ? this.words.column[at]! : this.words.end
  }
  protected arguments(wanted: 0 | 1 | 2 | 'optional', name: string, value: string | undefined): void {
    const { words } = this
    const count = wanted !== 'optional' ? wanted : value === undefined && this.hasValue() ? 1 : 0
    this.word = ''
    if (value !== undefined) {
      if (count !== 1) throw this.bad(`--${name}: expected no =`, 'option')
      this.word = value
      this.wordAt = this.optionAt
      return
    }
    if (count === 0) return
    if (this.at + count > words.count) {
      throw this.bad(`--${name} needs ${count === 1 ? 'a value' : 'two values'} after it`, 'option')
    }
    this.wordAt = this.at
    this.word = words.text[this.at++]!
    if (count === 1) return
    this.second = words.text[this.at]!
    if (/^[-!]/.test(this.second)) throw this.bad(`--${name} needs two values after it`, 'option')
    this.at++
  }

  protected value(letter: string): string {
    if (this.at >= this.words.count) throw this.bad(`-${letter} needs a value after it`, 'option')
    this.wordAt = this.at
    this.word = this.words.text[this.at++]!
    if (this.word === '!') throw this.bad(`expected the ! before the option: ! -${letter} …`)
    return this.word
  }

  protected hasValue(): boolean {
    return this.at < this.words.count && !/^[-!]/.test(this.words.text[this.at]!)
  }

  protected once(letter: string, negated = false): void {
    if (this.seen.includes(letter)) throw this.bad(`-${letter} is given twice`, 'option')
    this.seen += letter
    if (this.not && !negated) throw this.bad(`-${letter} takes no ! before it`, 'option')
  }
}
