// What the compilation of one namespace shares: limits, faults with their places, and prefixes as words.
// Owns `CompileOptions`; knows no section.
import { type Fault, FaultError } from '../net/fault.js'
import { type Words as AddressWords, maskAddress, maskWords, parseAddress } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import { attachedNames, attachesHelpers, PORT_HELPERS } from '../netns/helpers.js'
import type { NetworkNamespace } from '../netns/model.js'
import type { HashlimitSymbol, RecentSymbol } from './image.js'

/** What an image may hold at most. Passing one is one fault that names the option and the place. */
export interface CompileLimits {
  /** Rules of both families. Default 2,000,000. */
  readonly maxRules: number
  /** Chains of both families. Default 1,000,000. */
  readonly maxChains: number
  /** Elements of all sets that rules use. Default 10,000,000. */
  readonly maxSetElements: number
  /** Addresses remembered by all `recent` lists together; each list holds at most 100. Default 262,144 (16 MB). */
  readonly maxRecentEntries: number
  /** Elements that the target SET may add beyond those at the start, all sets together. Default 262,144 (36 MB, of which only what is used costs memory). */
  readonly maxAddedElements: number
  /** Entries that all tables of `hashlimit` hold together, 96 bytes each. Default: 262,144. */
  readonly maxHashlimitEntries: number
  /** Connections that all rules of `connlimit` remember together, at most 4,194,304; 144 bytes each, of which only what is used costs memory. Default: 65,536. */
  readonly maxCountedConnections: number
}

export interface CompileOptions {
  /** Room for rules to come, as a part of what the rules take: 0.25 is a quarter more. Default 0. */
  readonly room?: number
  readonly limits?: Partial<CompileLimits>
  /**
   * Keep every time stamp of the `recent` lists, also where no rule counts hits yet: for rules that are swapped later
   * and count them then. 26 KB a list. Default false.
   */
  readonly recentStamps?: boolean
  /** The `recent` lists that are there when these rules come: their masks hold, and they never keep fewer stamps. */
  readonly recents?: readonly RecentSymbol[]
  /** Names that connections may have from before (`Symbols.attached`); they keep their places. */
  readonly attached?: readonly string[]
  /** Tables of hashlimit that are there already: what they keep holds, whatever the rules say. */
  readonly hashlimits?: readonly HashlimitSymbol[]
}

export const DEFAULT_LIMITS: CompileLimits = {
  maxRules: 2_000_000,
  maxChains: 1_000_000,
  maxSetElements: 10_000_000,
  maxRecentEntries: 262_144,
  maxAddedElements: 262_144,
  maxHashlimitEntries: 262_144,
  maxCountedConnections: 65_536,
}

const MAX_FAULTS = 100
const PREFIX_MEMORY = 1024

/** A place in a rule set: the file, and a rule's line (0: the file as a whole). */
export interface Place {
  readonly file: string
  readonly line: number
}

/** A prefix as eight words: address, mask. */
export interface PrefixWords {
  readonly address: AddressWords
  readonly mask: AddressWords
}

/** Those from before, then those of rules, of connections, and of the kernel itself; the last all together, in order. */
function attachedOf(ns: NetworkNamespace, before: readonly string[]): readonly string[] {
  const own = PORT_HELPERS.map(({ name }) => `helper ${name}`)
  const loaded = ns.connections.flatMap((c) => (c.helper === undefined ? [] : [`helper ${c.helper}`]))
  const all = [
    ...before,
    ...new Set([...attachedNames(ns.rulesets), ...loaded].filter((name) => !before.includes(name))),
  ]
  return attachesHelpers(ns) && usualHelpers(all) === 0 ? [...all, ...own] : all
}

/** Index + 1 of the first of the kernel's own helpers, which stand there in their order; 0: they do not. */
export function usualHelpers(attached: readonly string[]): number {
  const own = PORT_HELPERS.map(({ name }) => `helper ${name}`)
  return attached.findIndex((_, i) => own.every((name, k) => attached[i + k] === name)) + 1
}

/** State of one compilation. */
export class CompileContext {
  readonly ns: NetworkNamespace
  readonly limits: CompileLimits
  readonly options: CompileOptions
  /** What conntrack attaches by name: `helper NAME`, `timeout policy NAME`; connections hold index + 1. */
  readonly attached: readonly string[]
  /** Link id by name; ids from 1 in the order of the namespace. */
  readonly linkIds: ReadonlyMap<string, number>
  readonly #faults: Fault[] = []
  readonly #prefixes = new Map<string, PrefixWords | null>()

  constructor(ns: NetworkNamespace, options: CompileOptions) {
    this.ns = ns
    this.options = options
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.attached = attachedOf(ns, options.attached ?? [])
    this.linkIds = new Map(ns.links.map((link, i) => [link.name, i + 1]))
  }

  /** Notes a fault and goes on; after a hundred of them it throws. */
  fault(place: Place, message: string): void {
    this.#faults.push({ file: place.file, line: place.line, column: 0, message })
    if (this.#faults.length >= MAX_FAULTS) this.throwFaults()
  }

  /** Throws the faults noted so far as one FaultError; returns when there are none. */
  throwFaults(): void {
    if (this.#faults.length > 0) throw new FaultError(this.#faults)
  }

  /** `ADDRESS/LENGTH`, `ADDRESS/MASK` or `ADDRESS` of that family as words; null (and no fault) when it is none. */
  prefix(text: string, family: Family): PrefixWords | null {
    const key = family === 'ipv4' ? text : `6 ${text}`
    const known = this.#prefixes.get(key)
    if (known !== undefined) return known
    const made = parsePrefixWords(text, family)
    // Few prefixes stand in many rules (a node's, a service range's); remembering all of them costs more than parsing.
    if (this.#prefixes.size >= PREFIX_MEMORY) this.#prefixes.clear()
    this.#prefixes.set(key, made)
    return made
  }
}

function parsePrefixWords(text: string, family: Family): PrefixWords | null {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === null || address.family !== family) return null
  const after = slash < 0 ? '' : text.slice(slash + 1)
  const bits = family === 'ipv4' ? 32 : 128
  let mask: AddressWords
  if (slash < 0) mask = maskWords(family, bits)
  else if (/^[0-9]{1,3}$/.test(after)) {
    if (Number(after) > bits) return null
    mask = maskWords(family, Number(after))
  } else {
    const given = parseAddress(after)
    if (given === null || given.family !== family) return null
    mask = given.words
  }
  return { address: maskAddress(address.words, mask), mask }
}
