// Rules as iptables itself would print them: read, brought into the order of the kernel's tables, printed.
// Owns that order: built-in chains by hook, then user chains by name. Tables keep the order of the text: the tool itself
// prints them in the order in which the running kernel happened to load them, newest first.
// Spec: iptables-save(8), 1.8.9; compared with the tool itself by test/kernel/.
import { type Backend, BUILTIN_CHAINS, type Chain, type Family, type Ruleset, type Table } from './model.js'
import { printRules } from './print.js'
import { type ReadLimits, readRules } from './read.js'

const NONE = { packets: 0n, bytes: 0n }

// Names are ordered by their bytes; of UTF-8 that is the order of code points.
function byName(a: Chain, b: Chain): number {
  const [x, y] = [[...a.name], [...b.name]]
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!
    if (difference !== 0) return difference
  }
  return x.length - y.length
}

function canonicalTable(table: Table): Table {
  const builtins = BUILTIN_CHAINS[table.name].map(
    (name): Chain => table.chains.find((c) => c.name === name) ?? { name, policy: 'ACCEPT', counters: NONE, rules: [] },
  )
  const users = table.chains.filter((c) => c.policy === null).map((c): Chain => ({ ...c, counters: NONE }))
  return { name: table.name, chains: [...builtins, ...users.sort(byName)] }
}

/** The rule set as the kernel holds it: all built-in chains by hook, user chains by name. Tables keep their order. */
export function canonicalRules(ruleset: Ruleset): Ruleset {
  return { ...ruleset, tables: ruleset.tables.map(canonicalTable) }
}

export interface FormatOptions {
  /** Name of the file, for faults. */
  readonly file: string
  readonly family: Family
  /** Whose iptables it is. Default: what the text's header says, else legacy. */
  readonly backend?: Backend
  readonly limits?: ReadLimits
  /** Counters before every rule, as `iptables-save -c` prints them. */
  readonly counters?: boolean
}

/**
 * What `iptables-save` would print after `iptables-restore -c` took the text, without its comment lines.
 * Counters of policies are kept. Throws a FaultError as `readRules` does.
 *
 * @example formatRules('*nat\n-A OUTPUT -p tcp -j REDIRECT --to-ports http\nCOMMIT\n', { file: '', family: 'ipv4' }).split('\n')[5] // '-A OUTPUT -p tcp -j REDIRECT --to-ports 80'
 */
export function formatRules(text: string, options: FormatOptions): string {
  const { counters = false, ...read } = options
  const ruleset = readRules(text, read)
  return printRules(canonicalRules(ruleset), { counters })
}
