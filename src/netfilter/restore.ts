// What iptables-restore makes of the rules that are there: which rules, chains and tables stay, and what the new ones
// count from. Owns the difference between the two backends, observed with iptables 1.8.9 (docs/semantics.md, Swapping).
// A rule, chain or table that stays as it is, with its counters and its state, is the same object as before; everything
// else is a new object that starts at its own `counters`. That is all that a data plane needs to know.
import { BUILTIN_CHAINS, type Chain, type Counters, type Rule, type Ruleset, type Table } from './model.js'
import { type ReadOptions, readRestore } from './read.js'

export interface RestoreOptions extends Pick<ReadOptions, 'limits'> {
  /** Name of the text, for faults and for the places of its rules. */
  readonly file: string
  /** `--noflush`: what a table that is named holds already stays. Default false: it is emptied first. */
  readonly noflush?: boolean
  /** `-c`: counters of the text count. Default false: what the text brings starts at 0. */
  readonly counters?: boolean
}

const ZERO: Counters = { packets: 0n, bytes: 0n }

/** Counters by rule and chain, from a copy of the same shape. */
function liveCounters(before: Ruleset, live: Ruleset): Map<Rule | Chain, Counters> {
  const found = new Map<Rule | Chain, Counters>()
  for (const [t, table] of before.tables.entries())
    for (const [c, chain] of table.chains.entries()) {
      const other = live.tables[t]?.chains[c]
      found.set(chain, other?.counters ?? chain.counters)
      for (const [r, rule] of chain.rules.entries()) found.set(rule, other?.rules[r]?.counters ?? rule.counters ?? ZERO)
    }
  return found
}

/** Restores one named table. */
class TableRestore {
  readonly #before: Table | undefined
  readonly #live: ReadonlyMap<Rule | Chain, Counters>
  readonly #nft: boolean
  readonly #options: RestoreOptions

  constructor(
    before: Table | undefined,
    live: ReadonlyMap<Rule | Chain, Counters>,
    nft: boolean,
    options: RestoreOptions,
  ) {
    this.#before = before
    this.#live = live
    this.#nft = nft
    this.#options = options
  }

  table(read: Table): Table {
    return { name: read.name, chains: read.chains.map((chain) => this.chain(chain)) }
  }

  private chain(read: Chain): Chain {
    const old = this.#before?.chains.find((c) => c.name === read.name)
    const rules = read.rules.map((rule) => this.rule(rule))
    let { counters } = read
    if (read.policy !== null) {
      const stays = this.#options.noflush === true && old !== undefined && read.counters === old.counters
      if (!stays) counters = this.#options.counters === true ? read.counters : ZERO
      // The whole table is replaced by legacy, and policies that the text does not declare begin at 0.
      else counters = this.#nft ? (this.#live.get(old) ?? old.counters) : ZERO
    }
    const same =
      this.#nft &&
      old !== undefined &&
      read.policy === old.policy &&
      read.counters === old.counters &&
      rules.length === old.rules.length &&
      rules.every((rule, i) => rule === old.rules[i])
    return same ? old : { name: read.name, policy: read.policy, counters, rules }
  }

  private rule(read: Rule): Rule {
    const counted = this.#live.get(read)
    if (counted === undefined) {
      const { counters = ZERO, ...rest } = read
      return { ...rest, counters: this.#options.counters === true ? counters : ZERO, file: this.#options.file }
    }
    // Legacy makes every rule of a table that changed anew: matches forget what they knew, the counters are carried over.
    return this.#nft ? read : { ...read, matches: read.matches.map((m) => ({ ...m })), counters: counted }
  }
}

/**
 * The rule set that stands after `iptables-restore` took `text` while `before` was in force. `before`: the very objects
 * that run, as `DataPlane.rulesets` gives them; `live`: the same with the counters as they stand, as
 * `DataPlane.counters()` gives them. Give the result to `DataPlane.swapRules`. Throws a FaultError with all faults of the
 * text; nothing is changed then.
 *
 * Both backends: tables that the text does not name stay. With `noflush` a user chain that the text declares begins
 * empty, others keep their rules; without, a named table is emptied. Counters of what comes new are 0, or with
 * `counters` those of the text. nft: chains that are not declared, and built-in ones, keep rules, counters and state; a
 * declared policy's counters begin anew. legacy: as soon as the text says anything of a table, all its rules keep their
 * counters but lose their state (nth, limit, quota), and its policies' counters begin anew. Without `noflush` legacy
 * keeps policies that are not declared, nft makes them ACCEPT.
 */
export function restoreRules(before: Ruleset, live: Ruleset, text: string, options: RestoreOptions): Ruleset {
  const { file, limits, noflush = false } = options
  const nft = before.backend === 'nft'
  const onto = nft && !noflush ? before.tables.map(acceptAll) : before.tables
  const { ruleset, named } = readRestore(text, {
    file,
    family: before.family,
    backend: before.backend,
    onto,
    noflush,
    ...(limits === undefined ? {} : { limits }),
  })
  const counted = liveCounters(before, live)
  const tables = ruleset.tables.map((table) => {
    const old = before.tables.find((t) => t.name === table.name)
    const said = named.get(table.name)
    if (old !== undefined && (said === undefined || (noflush && !said))) return old
    return new TableRestore(old, counted, nft, options).table(table)
  })
  return { ...before, tables }
}

function acceptAll(table: Table): Table {
  const builtins: readonly string[] = BUILTIN_CHAINS[table.name]
  return {
    ...table,
    chains: table.chains.map((c) =>
      builtins.includes(c.name) ? { ...c, policy: 'ACCEPT' as const, rules: [...c.rules] } : c,
    ),
  }
}
