// What one line of a rule file asks for, and the words of such a line that are no rule: chain names, counters.
// Spec: iptables(8) 1.8.9.
import type { Family, Rule, TableName } from './model.js'
import { byteLength, isBareName, shown } from './words.js'

/** What a line asks for. Columns are of the word that names the chain. */
export type Command =
  | { readonly kind: 'append' | 'delete'; readonly chain: string; readonly column: number; readonly rules: Rule[] }
  | {
      readonly kind: 'insert' | 'replace'
      readonly chain: string
      readonly column: number
      readonly number: number
      readonly rules: Rule[]
    }
  | { readonly kind: 'delete-number'; readonly chain: string; readonly column: number; readonly number: number }
  | { readonly kind: 'new'; readonly chain: string; readonly column: number }
  | { readonly kind: 'remove'; readonly chain: string | undefined; readonly column: number }
  | {
      readonly kind: 'flush' | 'zero'
      readonly chain: string | undefined
      readonly column: number
      readonly number: number
    }
  | { readonly kind: 'policy'; readonly chain: string; readonly column: number; readonly policy: string }
  /** A line for the other family (`-4`, `-6`). */
  | { readonly kind: 'none' }

/** What the reader of a rule must know of its table. */
export interface TableView {
  readonly name: TableName
  readonly family: Family
  /** The name as the table keeps it when there is such a chain, built-in ones included. */
  chainNamed(name: string): { readonly name: string; readonly policy: unknown } | undefined
}

/** Longest chain name in bytes. */
export const CHAIN_NAME_BYTES = 28

const COUNTER_MAX = 2n ** 64n - 1n

/** A counter of the text, 0..2^64-1; undefined when it is none. */
export function counter(word: string): bigint | undefined {
  if (!/^[0-9]{1,20}$/.test(word)) return undefined
  const value = BigInt(word)
  return value <= COUNTER_MAX ? value : undefined
}

/** What is wrong with a chain's name, or undefined. */
export function chainNameProblem(name: string): string | undefined {
  if (byteLength(name) > CHAIN_NAME_BYTES) {
    return `the chain name ${shown(name)} is too long: expected at most ${CHAIN_NAME_BYTES} bytes`
  }
  return isBareName(name) ? undefined : `${shown(name)} is no chain name: expected one without blanks and quotes`
}
