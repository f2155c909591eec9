// One rule of kube-proxy, said once: the form between the generator and its two outputs (restore text and rule model).
// Owns the vocabulary. A rule is a list of parts in the order in which kube-proxy writes them; nothing keeps these
// objects, each is turned into a line or into a model rule at once, so half a million endpoints stay affordable.
import type { CtStateName, TableName } from '../netfilter/model.js'
import type { ServiceProtocol } from './service-ports.js'

/** A condition of a rule. Addresses are as kube-proxy prints them: bare, or a prefix. */
export type Part =
  | { readonly part: 'comment'; readonly text: string }
  /** `-m P -p P` */
  | { readonly part: 'proto'; readonly proto: ServiceProtocol }
  | { readonly part: 'src' | 'dst'; readonly value: string; readonly not?: boolean }
  | { readonly part: 'in'; readonly name: string; readonly not?: boolean }
  /** `--dport`, after the `proto` part of the same rule. */
  | { readonly part: 'dport'; readonly port: number }
  | { readonly part: 'srcLocal' | 'dstLocal' }
  | { readonly part: 'nfacct'; readonly name: string }
  /** Matches once in `of`. */
  | { readonly part: 'random'; readonly of: number }
  | { readonly part: 'recentSet'; readonly name: string }
  | { readonly part: 'recentCheck'; readonly name: string; readonly seconds: number }
  /** The masquerade mark is set. */
  | { readonly part: 'mark'; readonly not?: boolean }
  | { readonly part: 'ctstate'; readonly states: readonly CtStateName[]; readonly not?: boolean }

/** What a rule does. */
export type Action =
  | { readonly to: 'chain'; readonly chain: string }
  | { readonly to: 'ACCEPT' | 'DROP' | 'RETURN' | 'REJECT' | 'MASQUERADE' | 'setMark' | 'flipMark' }
  | { readonly to: 'DNAT'; readonly ip: string; readonly port: number; readonly text: string }
  /** It only counts. */
  | { readonly to: 'nothing' }

/** Takes up chains and rules as they are made. A chain's line may come after its first rules (a text lists chains first). */
export interface RuleSink {
  chain(table: TableName, name: string): void
  rule(table: TableName, chain: string, parts: readonly Part[], action: Action): void
}

/**
 * 1/n with ten decimals as C's and Go's `%0.10f` print it: the exact binary value, a tie to the even digit.
 *
 * @example probabilityText(3) // '0.3333333333'
 * @example probabilityText(2048) // '0.0004882812'
 */
export function probabilityText(n: number): string {
  // toFixed rounds a tie up instead. 1/n is an exact tie at the eleventh decimal for n = 2^11 alone.
  return n === 2048 ? '0.0004882812' : (1 / n).toFixed(10)
}

/**
 * The 31-bit number that the kernel gets for `--probability` with that text.
 *
 * @example probabilityBits('0.5000000000') // 1073741824
 */
export function probabilityBits(text: string): number {
  return Math.round(Number(text) * 0x80000000)
}
