// Packet and byte counters of the core as rule sets.
import type { Counters, Ruleset } from '../netfilter/model.js'

/** The rule sets with counters taken from `words` (packets, bytes, in counter order: each chain, then its rules). */
export function readCounters(rulesets: readonly Ruleset[], words: BigUint64Array): Ruleset[] {
  let index = 0
  const next = (): Counters => {
    const at = 2 * index++
    return { packets: words[at]!, bytes: words[at + 1]! }
  }
  return rulesets.map((ruleset) => ({
    ...ruleset,
    tables: ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => {
        const counters = next()
        return { ...chain, counters, rules: chain.rules.map((rule) => ({ ...rule, counters: next() })) }
      }),
    })),
  }))
}
