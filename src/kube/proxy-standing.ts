// The rules of kube-proxy that stand on a node, and what a sync's `iptables-restore --noflush` makes of them.
// Owns the chains as objects: which are filled anew and which are left alone, and the Services' chains that nobody uses.
// Facts: a declared chain is emptied and filled, others stay; the jumps from the built-in chains are made only once.
import { BUILTIN_CHAINS, type Chain, type Counters, type Rule, type Table, type TableName } from '../netfilter/model.js'
import { builtinJumps, firstRules, fixedChains, lastRules } from './proxy-fixed.js'
import type { ProxyOptions } from './proxy-options.js'
import { isServiceChain, type PartChange, PartSink, type ServicePart, sameValue } from './proxy-parts.js'
import type { RuleMaker } from './proxy-rule-model.js'
import { placeIn } from './sorted.js'

const ZERO: Counters = { packets: 0n, bytes: 0n }
const TABLES = ['filter', 'nat'] as const satisfies readonly TableName[]
const NONE: readonly Rule[] = []

/** The two tables of one family. */
export class StandingRules {
  /** Of each table the built-in chains, then the others by name. */
  tables: readonly Table[] = []
  #before: readonly Table[] = []
  /** Lists of rules by `table CHAIN` of the chains that Services share. */
  #shared: ReadonlyMap<string, readonly Rule[]> = new Map()
  /** Chains of Services that stand and that no Service uses. */
  readonly #unused = new Set<string>()

  /**
   * Writes a sync: all of it, or what changed. With `clean` the chains go that no Service uses; returns their names.
   * `parts`: the Services as they are now, in the order of their rules.
   */
  write(
    options: ProxyOptions,
    maker: RuleMaker,
    parts: readonly ServicePart[],
    changes: readonly PartChange[],
    how: { readonly full: boolean; readonly clean: boolean },
  ): string[] {
    if (how.full) this.#findUnused(parts)
    else this.#noteUnused(changes)
    const removed = how.clean ? [...this.#unused].sort() : []
    if (how.clean) this.#unused.clear()
    this.#shareOut(options, maker, parts, how.full ? null : changes)
    this.#before = this.tables
    this.tables = TABLES.map((name) => {
      const own = name === 'nat' ? (how.full ? parts : changes.map((c) => c.after)) : []
      return this.#table(name, own, name === 'nat' ? removed : [], maker)
    })
    return removed
  }

  /** Table nat was not taken: it is as before the last `write`. The next one has to be full. */
  failed(): void {
    const nat = this.#before.find((table) => table.name === 'nat') ?? { name: 'nat', chains: [] }
    this.tables = this.tables.map((table) => (table.name === 'nat' ? nat : table))
  }

  #findUnused(parts: readonly ServicePart[]): void {
    const used = new Set<string>()
    for (const { own } of parts) for (const name of own.keys()) used.add(name)
    this.#unused.clear()
    for (const { name } of this.tables.find((t) => t.name === 'nat')?.chains ?? [])
      if (isServiceChain(name) && !used.has(name)) this.#unused.add(name)
  }

  #noteUnused(changes: readonly PartChange[]): void {
    for (const { before, after } of changes) {
      for (const name of before?.own.keys() ?? []) this.#unused.add(name)
      for (const name of after?.own.keys() ?? []) this.#unused.delete(name)
    }
  }

  /** Brings the lists of the shared chains up to date; `changes`: null when all may have changed. */
  #shareOut(
    options: ProxyOptions,
    maker: RuleMaker,
    parts: readonly ServicePart[],
    changes: readonly PartChange[] | null,
  ): void {
    const first = new PartSink(maker)
    fixedChains(first, options)
    firstRules(first, options)
    const last = new PartSink(maker)
    lastRules(last, options)
    const shared = new Map<string, readonly Rule[]>()
    for (const [key, head] of first.shared) {
      const there = this.#shared.get(key)
      const moved = changes?.some(
        (c) => !sameValue(c.before?.shared.get(key) ?? NONE, c.after?.shared.get(key) ?? NONE),
      )
      if (there !== undefined && moved === false) {
        shared.set(key, there)
        continue
      }
      const rules = [...head]
      for (const part of parts) for (const rule of part.shared.get(key) ?? NONE) rules.push(rule)
      rules.push(...(last.shared.get(key) ?? NONE))
      shared.set(key, rules)
    }
    this.#shared = shared
  }

  #table(
    name: (typeof TABLES)[number],
    own: readonly (ServicePart | undefined)[],
    removed: readonly string[],
    maker: RuleMaker,
  ): Table {
    const before = this.tables.find((t) => t.name === name)
    const builtins: readonly string[] = BUILTIN_CHAINS[name]
    const written = new Map<string, Chain>()
    for (const [key, rules] of this.#shared) {
      const [table, chain] = key.split(' ') as [string, string]
      if (table === name) written.set(chain, { name: chain, policy: null, counters: ZERO, rules })
    }
    for (const part of own)
      for (const [chain, rules] of part?.own ?? [])
        written.set(chain, { name: chain, policy: null, counters: ZERO, rules })
    const standing = before?.chains ?? this.#builtins(name, maker, written)
    return { name, chains: exchanged(standing, builtins.length, written, removed) }
  }

  /** The built-in chains with their jumps, and the chains that those lead to. */
  #builtins(name: TableName, maker: RuleMaker, written: Map<string, Chain>): Chain[] {
    const sink = new PartSink(maker)
    builtinJumps(sink)
    const builtins: readonly string[] = BUILTIN_CHAINS[name]
    for (const key of sink.shared.keys()) {
      const [table, chain] = key.split(' ') as [string, string]
      if (table !== name || builtins.includes(chain) || written.has(chain)) continue
      written.set(chain, { name: chain, policy: null, counters: ZERO, rules: NONE })
    }
    return builtins.map((chain) => ({
      name: chain,
      policy: 'ACCEPT',
      counters: ZERO,
      rules: sink.shared.get(`${name} ${chain}`) ?? NONE,
    }))
  }
}

/** Above this many additions and removals one walk is quicker than moving the rest each time. */
const MOST_MOVES = 64

/** The chains with some exchanged, added or taken away; from `from` on they are in the order of their names. */
function exchanged(
  before: readonly Chain[],
  from: number,
  written: ReadonlyMap<string, Chain>,
  removed: readonly string[],
): readonly Chain[] {
  const after = before.slice()
  const added: Chain[] = []
  for (const [name, chain] of written) {
    const at = placeOf(before, from, name)
    if (before[at]?.name === name) after[at] = chain
    else added.push(chain)
  }
  if (added.length + removed.length > MOST_MOVES) {
    const gone = new Set(removed)
    const users = [...after.slice(from).filter((chain) => !gone.has(chain.name)), ...added]
    users.sort((a, b) => (a.name < b.name ? -1 : 1))
    return [...after.slice(0, from), ...users]
  }
  for (const name of removed) {
    const at = placeOf(after, from, name)
    if (after[at]?.name === name) after.splice(at, 1)
  }
  for (const chain of added) after.splice(placeOf(after, from, chain.name), 0, chain)
  return after
}

function placeOf(chains: readonly Chain[], from: number, name: string): number {
  return placeIn(chains, name, (chain) => chain.name, from)
}
