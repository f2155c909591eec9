// kube-proxy's rules as a rule set, the way `iptables-save` shows them after kube-proxy has run on a bare node: built-in
// chains with policy ACCEPT, then the other chains by name.
// Owns the collection of rules into chains.
import {
  BUILTIN_CHAINS,
  type Chain,
  type Counters,
  type Rule,
  type Ruleset,
  type TableName,
} from '../netfilter/model.js'
import type { ProxyOptions } from './proxy-options.js'
import type { Action, Part, RuleSink } from './proxy-rule.js'
import { RuleMaker } from './proxy-rule-model.js'

const ZERO: Counters = { packets: 0n, bytes: 0n }

/** Collects chains and rules; `ruleset()` gives them as a model. */
export class ModelSink implements RuleSink {
  readonly #tables = new Map<TableName, Map<string, Rule[]>>()
  readonly #options: ProxyOptions
  readonly #maker: RuleMaker

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#maker = new RuleMaker(options)
    for (const table of ['filter', 'nat'] as const) this.#tables.set(table, new Map())
  }

  chain(table: TableName, name: string): void {
    this.#rulesOf(table, name)
  }

  rule(table: TableName, chain: string, parts: readonly Part[], action: Action): void {
    this.#rulesOf(table, chain).push(this.#maker.rule(parts, action))
  }

  #rulesOf(table: TableName, chain: string): Rule[] {
    const chains = this.#tables.get(table)!
    let rules = chains.get(chain)
    if (rules === undefined) {
      rules = []
      chains.set(chain, rules)
    }
    return rules
  }

  ruleset(): Ruleset {
    return {
      family: this.#options.family,
      backend: this.#options.backend ?? 'legacy',
      file: '',
      tables: [...this.#tables].map(([name, chains]) => {
        const builtin: readonly string[] = BUILTIN_CHAINS[name]
        const users = [...chains.keys()].filter((chain) => !builtin.includes(chain)).sort()
        const made = (chain: string, policy: Chain['policy']): Chain => ({
          name: chain,
          policy,
          counters: ZERO,
          rules: chains.get(chain) ?? [],
        })
        return { name, chains: [...builtin.map((c) => made(c, 'ACCEPT')), ...users.map((c) => made(c, null))] }
      }),
    }
  }
}
