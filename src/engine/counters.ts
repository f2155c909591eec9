// Packet and byte counters of the core as rule sets.
import type { Chain, Counters, Ruleset } from '../netfilter/model.js'

/**
 * The rule sets with counters taken from `words` (packets, bytes of each). `first`: the counter of a chain, which those of
 * its rules follow.
 */
export function readCounters(
  rulesets: readonly Ruleset[],
  words: BigUint64Array,
  first: (chain: Chain) => number,
): Ruleset[] {
  return rulesets.map((ruleset) => ({
    ...ruleset,
    tables: ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => {
        let at = 2 * first(chain)
        const next = (): Counters => {
          const counters = { packets: words[at]!, bytes: words[at + 1]! }
          at += 2
          return counters
        }
        const counters = next()
        return { ...chain, counters, rules: chain.rules.map((rule) => ({ ...rule, counters: next() })) }
      }),
    })),
  }))
}

/** Where counters lie that follow each other as the chains and rules do. */
export function countersInOrder(rulesets: readonly Ruleset[]): (chain: Chain) => number {
  const firsts = new Map<Chain, number>()
  let counter = 0
  for (const { tables } of rulesets)
    for (const { chains } of tables)
      for (const chain of chains) {
        firsts.set(chain, counter)
        counter += 1 + chain.rules.length
      }
  return (chain) => firsts.get(chain)!
}
