// What this machine's kernel can load: set types, matches and targets are tried once each, alone, in a namespace of their
// own. What it lacks (a module that was not built) is left out of cases and said aloud.
import type { Backend, Family, Match, Rule, Ruleset, TableName } from '../../src/netfilter/model.js'
import type { IpSet, NetworkNamespace } from '../../src/netns/model.js'
import { restoreOf, setLines } from './load.js'
import type { Machine } from './machine.js'

const ZERO = { packets: 0n, bytes: 0n }

/** The family's rule set that holds one rule in one chain. */
function alone(rule: Rule, place: { family: Family; table: TableName; chain: string; builtIn: boolean }): Ruleset {
  const { family, table, chain, builtIn } = place
  const chains = [{ name: chain, policy: builtIn ? ('ACCEPT' as const) : null, counters: ZERO, rules: [rule] }]
  return { family, backend: 'legacy', file: '', tables: [{ name: table, chains }] }
}

const isNothing = (p: Rule['src']): boolean => p?.not === true && p.value.endsWith('/0')

/**
 * iptables-nft makes no rule of `! -s 0.0.0.0/0`; and a queue that lets packets pass when nobody listens cannot be told
 * from one where somebody does, who is not there.
 */
function isUnloadable({ src, dst, target }: Rule, backend: Backend): boolean {
  if (target?.target === 'NFQUEUE' && 'bypass' in target && target.bypass === true) return true
  return backend === 'nft' && (isNothing(src) || isNothing(dst))
}

export class Capabilities {
  /** By feature: what the kernel complained of, '' where it can. */
  readonly #known = new Map<string, string>()
  readonly #said = new Set<string>()

  /** What is lacking, with the complaint. */
  get lacking(): readonly (readonly [string, string])[] {
    return [...this.#known].filter(([, complaint]) => complaint !== '')
  }

  async #can(machine: Machine | null, feature: string, commands: Parameters<Machine['attempt']>[0]): Promise<boolean> {
    let complaint = this.#known.get(feature)
    if (complaint === undefined) {
      if (machine === null) return true
      complaint = (await machine.attempt(commands)).find((c) => c !== '') ?? ''
      this.#known.set(feature, complaint)
    }
    if (complaint !== '' && !this.#said.has(feature)) {
      this.#said.add(feature)
      process.stdout.write(`this kernel lacks ${feature}: ${complaint.split('\n')[0]}\n`)
    }
    return complaint === ''
  }

  async #sets(machine: Machine | null, sets: readonly IpSet[]): Promise<IpSet[]> {
    const kept: IpSet[] = []
    for (const set of sets) {
      const bare = { ...set, entries: [] }
      const commands = [[['ipset', 'restore'], `${setLines([bare]).create.join('\n')}\n`] as const]
      if (await this.#can(machine, `set ${set.type}`, commands)) kept.push(set)
    }
    const names = new Set(kept.map((s) => s.name))
    const there = (entry: IpSet['entries'][number]): boolean =>
      entry.parts.every((p) => p.part !== 'set' || names.has(p.name))
    return kept.map((s) => ({ ...s, entries: s.entries.filter(there) }))
  }

  /** The namespace without what this kernel cannot load: by `machine` what is not known is tried, without it is hoped for. */
  async fit(machine: Machine | null, ns: NetworkNamespace, backend: Backend): Promise<NetworkNamespace> {
    // Sets that no rule names say nothing.
    const named = JSON.stringify(ns.rulesets, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v))
    const isNamed = (set: IpSet): boolean => set.type === 'list:set' || named.includes(JSON.stringify(set.name))
    const listed = ns.sets.some((set) => set.type === 'list:set' && named.includes(JSON.stringify(set.name)))
    const sets = await this.#sets(
      machine,
      listed ? ns.sets : ns.sets.filter((s) => s.type !== 'list:set' && isNamed(s)),
    )
    const names = new Set(sets.map((s) => s.name))
    const create = setLines(sets.map((s) => ({ ...s, entries: [] }))).create
    const rulesets: Ruleset[] = []
    for (const ruleset of ns.rulesets) {
      const tables: Ruleset['tables'][number][] = []
      for (const table of ruleset.tables) {
        const chains: (typeof table.chains)[number][] = []
        for (const chain of table.chains) {
          const rules: Rule[] = []
          const builtIn = chain.policy !== null
          const place = { family: ruleset.family, table: table.name, chain: chain.name, builtIn }
          for (const rule of chain.rules) {
            const missing = (m: Match): boolean => m.match === 'set' && !names.has(m.name)
            // Whichever way SET names its sets.
            const target = rule.target?.target === 'SET' ? JSON.stringify(rule.target) : ''
            const gone = ns.sets.some((set) => !names.has(set.name) && target.includes(JSON.stringify(set.name)))
            if (gone || rule.matches.some(missing) || isUnloadable(rule, backend)) continue
            if (await this.#rule(machine, rule, place, backend, create)) rules.push(rule)
          }
          chains.push({ ...chain, rules })
        }
        tables.push({ ...table, chains })
      }
      rulesets.push({ ...ruleset, tables })
    }
    return { ...ns, sets, rulesets }
  }

  async #rule(
    machine: Machine | null,
    rule: Rule,
    place: Parameters<typeof alone>[1],
    backend: Backend,
    create: readonly string[],
  ): Promise<boolean> {
    const { target, counters: _, ...conditions } = rule
    const feature = (what: string): string => `${place.family} ${backend} ${what}`
    const commands = (it: Rule): Parameters<Machine['attempt']>[0] => [
      [['ipset', 'restore'], create.map((l) => `${l}\n`).join('')],
      restoreOf(alone(it, place), backend),
    ]
    for (const match of rule.matches) {
      const op = 'op' in match ? ` ${String(match.op)}` : ''
      const it = { ...conditions, matches: [match] }
      if (!(await this.#can(machine, feature(`match ${match.match}${op}`), commands(it)))) return false
    }
    if (target === undefined || target.target === 'jump' || target.target === 'goto') return true
    const it = { ...conditions, target }
    return this.#can(machine, feature(`target ${target.target}`), commands(it))
  }
}
