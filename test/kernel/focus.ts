// Cases that look at what other cases have not shown: rules with one condition each, taken out of generated rule sets, one
// beside the other in the chains where they stood, and packets of which the reference engine says that they meet them. So
// every row of the table is met by few cases, also one that came with a new feature. What the kernel then does is its own.
import fc from 'fast-check'
import { abstractPackets, namespaces, type Scenario, trafficRuleset } from '../../src/arbitraries/index.js'
import {
  BUILTIN_CHAINS,
  type Family,
  type HookName,
  type Rule,
  type Ruleset,
  type TableName,
} from '../../src/netfilter/model.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { Coverage, conditionNames, targetNames } from '../property/coverage.js'
import { play } from '../property/support.js'

/** A rule, and where it may stand. */
interface Placed {
  readonly table: TableName
  readonly hook: HookName
  readonly rule: Rule
}

/** Rule sets that rules are taken from, packet sequences that are tried for one case, rules of a case, and of a row in it. */
const SOURCES = 60
const TRIES = 4
const MOST_RULES = 36
const PER_ROW = 3
const ZERO = { packets: 0n, bytes: 0n }

/** The conditions of a rule that can be the reason why it does not match; a protocol only when it is all there is. */
export function ownConditions(rule: Rule, ns: NetworkNamespace): string[] {
  const names = conditionNames(rule, ns).filter((n) => !n.includes('+') && n !== 'comment' && n !== 'nfacct')
  return names.length > 1 ? names.filter((n) => n !== 'proto') : names
}

interface Stock {
  /** Rules with one condition, without their targets. */
  readonly conditions: readonly Placed[]
  /** Rules by the names of their targets. */
  readonly targets: ReadonlyMap<string, readonly Placed[]>
}

function stockOf(family: Family, seed: number): Stock {
  const conditions: Placed[] = []
  const targets = new Map<string, Placed[]>()
  for (const { tables } of fc.sample(trafficRuleset(family), { numRuns: SOURCES, seed }))
    for (const { name: table, chains } of tables)
      for (const { name, policy, rules } of chains) {
        if (policy === null) continue
        for (const rule of rules) {
          const { target, ...asks } = rule
          const place = { table, hook: name as HookName }
          const count = conditionNames(rule, { sets: [] } as never).length
          if (count > 0 && count < 4) conditions.push({ ...place, rule: asks })
          if (target === undefined || target.target === 'jump' || target.target === 'goto' || count > 2) continue
          for (const one of targetNames(rule)) targets.set(one, [...(targets.get(one) ?? []), { ...place, rule }])
        }
      }
  return { conditions, targets }
}

/** Targets after which a chain goes on. */
const CONTINUES: ReadonlySet<string> = new Set([
  ...['MARK', 'CONNMARK', 'TTL', 'HL', 'TOS', 'DSCP', 'ECN', 'LOG', 'NFLOG', 'CT', 'NOTRACK', 'TCPMSS', 'CHECKSUM'],
  ...['TRACE', 'AUDIT', 'SET', 'TEE'],
])

/** The chains of a rule set that holds these rules: those that end a chain's walk last, one of them in each chain. */
function rulesetOf(family: Family, placed: readonly Placed[]): Ruleset {
  const tables = (Object.keys(BUILTIN_CHAINS) as TableName[]).map((name) => ({
    name,
    chains: BUILTIN_CHAINS[name].map((hook) => {
      const here = placed.filter((p) => p.table === name && p.hook === hook).map((p) => p.rule)
      const ends = (rule: Rule): boolean => rule.target !== undefined && !CONTINUES.has(rule.target.target)
      const rules = [...here.filter((r) => !ends(r)), ...here.filter(ends).slice(0, 1)]
      return { name: hook, policy: 'ACCEPT' as const, counters: ZERO, rules }
    }),
  }))
  return { family, backend: 'legacy', file: '', tables: tables.filter((t) => t.chains.some((c) => c.rules.length > 0)) }
}

/** Who sends what, for the rules that ask. */
function told(lines: Scenario['lines']): Scenario['lines'] {
  return lines.map((line, i) => ({
    ...line,
    at_ms: 0,
    socket: 'none',
    cpu: 0,
    ...(line['iface'] === 'local' ? { uid: i % 3 ? 0 : 1000, gid: i % 5 ? 0 : 1000 } : {}),
  }))
}

/** Cases for both families in turn, without end; each the same for the same seed. */
export class Focus {
  readonly #seed: number
  readonly #seen = new Coverage()
  readonly #stocks = new Map<Family, Stock>()
  #n = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  /** How often a row was met so far, as the reference has it. */
  #lacks(kind: 'match' | 'fail' | 'target', name: string, family: Family): boolean {
    return this.#seen.count(`${kind} ${name} ${family}`) === 0
  }

  next(only: Family | undefined): Scenario {
    const n = this.#n++
    const family = only ?? (n % 2 === 0 ? 'ipv4' : 'ipv6')
    const seed = this.#seed * 7919 + n
    const stock = this.#stocks.get(family) ?? stockOf(family, this.#seed)
    this.#stocks.set(family, stock)
    const plain = n % 4 < 2
    const [drawn] = fc.sample(namespaces({ plain, rulesets: fc.constant([]) }), { numRuns: 1, seed })
    const ns = { ...drawn!, connections: [], rulesets: [] } as NetworkNamespace
    const placed = [...this.#conditions(stock, ns, family, n), ...this.#targets(stock, family, n)]
    const namespace = { ...ns, rulesets: [rulesetOf(family, placed)] }
    let best: { lines: Scenario['lines']; seen: Coverage; fresh: number } | null = null
    const packets = abstractPackets({ minPackets: 50, maxPackets: 110, narrow: n % 3 === 0 })
    for (const [i, drawnPackets] of fc.sample(packets, { numRuns: TRIES, seed }).entries()) {
      const lines = told(drawnPackets.bind(namespace))
      const seen = new Coverage()
      seen.add(namespace, play(new ReferenceEngine(namespace, { seed: i }), lines))
      const fresh = [...seen.seen.keys()].filter((k) => this.#seen.count(k) === 0).length
      if (best === null || fresh > best.fresh) best = { lines, seen, fresh }
    }
    for (const [name, count] of best!.seen.seen) this.#seen.seen.set(name, this.#seen.count(name) + count)
    return { namespace, lines: best!.lines }
  }

  #conditions(stock: Stock, ns: NetworkNamespace, family: Family, n: number): Placed[] {
    const perRow = new Map<string, number>()
    const chosen: Placed[] = []
    const all = stock.conditions
    // Another beginning for each case, so that a rule that never matches gives way to others.
    for (let i = 0; i < all.length && chosen.length < MOST_RULES; i++) {
      const one = all[(i + n * 977) % all.length]!
      const [name, ...more] = ownConditions(one.rule, ns)
      if (name === undefined || more.length > 0) continue
      const had = perRow.get(name) ?? 0
      if (had >= PER_ROW || !(this.#lacks('match', name, family) || this.#lacks('fail', name, family))) continue
      perRow.set(name, had + 1)
      chosen.push(one)
    }
    return chosen
  }

  #targets(stock: Stock, family: Family, n: number): Placed[] {
    const wanted = [...stock.targets.keys()].filter((name) => this.#lacks('target', name, family))
    return wanted.slice(0, 12).map((name) => {
      const all = stock.targets.get(name)!
      return all[n % all.length]!
    })
  }

  /** Rows of the stock that nothing has met, in the words of Coverage. */
  missing(): string[] {
    const out: string[] = []
    for (const [family, stock] of this.#stocks)
      for (const name of stock.targets.keys())
        if (this.#lacks('target', name, family)) out.push(`target ${name} ${family}`)
    return out
  }
}
