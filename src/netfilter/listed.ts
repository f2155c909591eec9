// How matches are read that are kept as printed options: a list of options in the order of printing, each with the way to
// its canonical text.
import { type Extension, type Option, type OptionWords, options, type RuleContext, refuse } from './extension.js'
import type { Family } from './model.js'
import type { ListedMatch, ListedName, ListedOption } from './model-listed.js'
import { markMask, shown, uint } from './words.js'

export interface ListedSpec {
  readonly name: string
  /** Other names that are read. */
  readonly also?: readonly string[]
  readonly not?: boolean
  /** Options with the same one exclude each other. */
  readonly id?: string
  /** The text that is printed; left out for an option without a value. May name the option that is printed. */
  text?(words: OptionWords): string | { readonly option: string; readonly text: string }
  /** A text that says nothing: it is not printed. */
  readonly silent?: string
  /** What an option that is not given stands for, and is printed as. */
  readonly usual?: string
  /** Likewise, unless it is negated. */
  readonly nothing?: string
}

interface ListedDraft {
  match: ListedName
  options: ListedOption[]
}

/** What is known when the rule is complete. */
export interface Given {
  has(option: string): boolean
  text(option: string): string | undefined
  readonly rule: RuleContext
}

function readOption(spec: ListedSpec): Option<ListedDraft> {
  return {
    words: spec.text === undefined ? 0 : 1,
    ...(spec.not ? { not: true } : {}),
    id: spec.id ?? spec.name,
    read: (d, w) => {
      const made = spec.text?.(w) ?? ''
      const { option, text } = typeof made === 'string' ? { option: spec.name, text: made } : made
      if (text === spec.silent && w.not) throw w.bad(`! --${w.name} of everything never matches`, 'option')
      d.options.push({ option, not: w.not, text })
    },
  }
}

/** An extension of such a match. `end` refuses what is missing or contradicts. */
export function listedMatch(
  name: ListedName,
  specs: readonly ListedSpec[],
  more: { readonly family?: Family; readonly proto?: number; end?(given: Given): void } = {},
): Extension<never> {
  const { end, ...fixed } = more
  const order = specs.map((s) => s.name)
  const table = specs.flatMap((s): [string, Option<ListedDraft>][] => {
    const option = readOption(s)
    return [s.name, ...(s.also ?? [])].map((n) => [n, option])
  })
  const extension: Extension<ListedDraft> = {
    name,
    ...fixed,
    start: () => ({ match: name, options: [] }),
    options: options<ListedDraft>(Object.fromEntries(table)),
    end(d, rule) {
      const find = (option: string): ListedOption | undefined => d.options.find((o) => o.option === option)
      end?.({ has: (o) => find(o) !== undefined, text: (o) => find(o)?.text, rule })
      for (const { name: option, usual } of specs)
        if (usual !== undefined && find(option) === undefined) d.options.push({ option, not: false, text: usual })
      d.options = d.options
        .filter((o) => {
          const spec = specs.find((s) => s.name === o.option)
          return o.text === '' || (o.text !== spec?.silent && (o.not || o.text !== spec?.nothing))
        })
        .sort((a, b) => order.indexOf(a.option) - order.indexOf(b.option))
    },
  }
  return extension as unknown as Extension<never>
}

/** Refuses a match that lacks an option. */
export function needs(name: string, given: Given, ...which: readonly string[]): void {
  if (!which.some((o) => given.has(o))) refuse(`${name} needs ${which.map((o) => `--${o}`).join(' or ')}`)
}

/** A number as text. */
export function numberText(min: number, max: number): (words: OptionWords) => string {
  return (w) => {
    const value = uint(w.word, min, max)
    if (value === undefined) throw w.bad(`${shown(w.word)} is no value for --${w.name}: expected ${min}..${max}`)
    return String(value)
  }
}

/** `N`, `N:M`, `N:`, `:M` as text. `ordered`: the second may not be below the first. */
export function rangeText(max: number, ordered = false): (words: OptionWords) => string {
  return (w) => {
    const [low = '', high, more] = w.word.split(':')
    const from = low === '' ? 0 : uint(low, 0, max)
    const to = high === undefined ? from : high === '' ? max : uint(high, 0, max)
    if (more !== undefined || from === undefined || to === undefined || (ordered && from > to)) {
      throw w.bad(`${shown(w.word)} is no range for --${w.name}: expected N or FROM:TO, each 0..${max}`)
    }
    return from === to ? String(from) : `${from}:${to}`
  }
}

/** `VALUE/MASK` in hexadecimal; `names`: values that have a name when there is no mask. */
export function maskedText(names: readonly string[] = []): (words: OptionWords) => string {
  return (w) => {
    const named = names.indexOf(w.word)
    if (named >= 0) return w.word
    const masked = markMask(w.word)
    if (masked === undefined) throw w.bad(`${shown(w.word)} is no value for --${w.name}: expected VALUE or VALUE/MASK`)
    const { value, mask } = masked
    if (mask !== 0xffffffff) return `0x${value.toString(16)}/0x${mask.toString(16)}`
    return names[value] ?? `0x${value.toString(16)}`
  }
}

/** The matches with options as iptables-save prints them, with a leading blank. */
export function printListed(m: ListedMatch): string {
  const options = m.options.map((o) => `${o.not ? ' !' : ''} --${o.option}${o.text === '' ? '' : ` ${o.text}`}`)
  return ` -m ${m.match}${options.join('')}`
}
