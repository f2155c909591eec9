// How the reader sees a match or target: its options, and how their words change the draft of the model.
// Owns the shapes; read-match*.ts and read-target*.ts hold one table entry per extension.
import { LineFault } from './line-fault.js'
import type { Backend, Family, Negatable, TableName } from './model.js'
import { shown } from './words.js'

/** An object of the model while it is put together. */
export type Draft<T> = { -readonly [K in keyof T]?: T[K] | undefined }

/** What an extension may know of the rule it stands in. */
export interface RuleContext {
  readonly backend: Backend
  readonly family: Family
  readonly table: TableName
  readonly chain: string
  /** The protocol that was given so far; 0: none. */
  readonly proto: number
  readonly protoNot: boolean
}

/** The words of one option. */
export interface OptionWords {
  /** A `!` stands before it. */
  readonly not: boolean
  readonly name: string
  readonly word: string
  readonly second: string
  readonly rule: RuleContext
  /** The fault to throw: at the option's word (its second one, or the option itself), with this message. */
  bad(message: string, which?: 'second' | 'option'): LineFault
}

export interface Option<D> {
  /** How many words follow; optional: one, unless another option follows. */
  readonly words: 0 | 1 | 2 | 'optional'
  /** May `!` stand before it? */
  readonly not?: boolean
  /** The name under which it counts as given: options with the same one exclude each other. */
  readonly id?: string
  /** May it be given more than once? */
  readonly repeat?: boolean
  /** Names (`id`) of others that may not have been given before. */
  readonly excludes?: readonly string[]
  read(draft: D, words: OptionWords): void
}

export interface Extension<D = never> {
  readonly name: string
  /** Only in rules of this family. */
  readonly family?: Family
  /** Protocol that the rule must have, not negated. */
  readonly proto?: number
  readonly options: ReadonlyMap<string, Option<D>>
  start(rule: RuleContext): D
  /** Completes the draft in place; throws a LineFault (column 0: the extension's own name) on what is missing or contradicts. */
  end?(draft: D, rule: RuleContext): void
}

/** Makes an option table that has no inherited keys. */
export function options<D>(table: Record<string, Option<D>>): ReadonlyMap<string, Option<D>> {
  return new Map(Object.entries(table))
}

/** `{ not, value }` in the order of the model. */
export function negatable<T>(words: OptionWords, value: T): Negatable<T> {
  return { not: words.not, value }
}

/** Refuses an extension as a whole. */
export function refuse(message: string): never {
  throw new LineFault(0, message)
}

/** The value, or a fault at the option's word that says what was expected. */
export function must<T>(words: OptionWords, value: T | undefined, expected: string): T {
  if (value === undefined) throw words.bad(`${shown(words.word)} is no value for --${words.name}: expected ${expected}`)
  return value
}
