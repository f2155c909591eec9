// The rule set as iptables-save prints it of a kernel that holds it: chains in the kernel's order, tables in the tool's.
// Owns the order of tables. iptables-nft-save 1.8.9 has a fixed one; legacy lists the tables as the kernel came to hold
// them, newest first, so a dump's own order is what the node would print, and stays.
import { canonicalRules } from './fmt.js'
import type { Ruleset, TableName } from './model.js'

const NFT_ORDER: readonly TableName[] = ['mangle', 'security', 'raw', 'filter', 'nat']

/** Give the result to `printRules` with `counters: true` for what `iptables-save -c` prints. */
export function savedRules(ruleset: Ruleset): Ruleset {
  const rules = canonicalRules(ruleset)
  if (rules.backend !== 'nft') return rules
  const order = (name: TableName): number => NFT_ORDER.indexOf(name)
  return { ...rules, tables: [...rules.tables].sort((a, b) => order(a.name) - order(b.name)) }
}
