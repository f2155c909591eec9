// `replay --summary`: counts by verdict and by rule, and the speed.
import type { Ruleset } from '../netfilter/model.js'
import type { PrintedAnswer } from '../netns/script.js'

/** Counts answers, and packets by rule as the rules counted them themselves. */
export class Summary {
  readonly #before: readonly Ruleset[]
  readonly #verdicts = new Map<string, number>()
  readonly #dropped = new Map<string, number>()

  /** `before`: the counters at the start. */
  constructor(before: readonly Ruleset[]) {
    this.#before = before
  }

  add(answer: PrintedAnswer): void {
    count(this.#verdicts, answer.verdict)
    const by = answer.dropped_by
    if (by)
      count(
        this.#dropped,
        by.chain
          ? `${by.table}:${by.chain}:${by.rule === 'policy' ? 'policy' : `rule:${by.rule}`}`
          : (by.reason ?? 'unknown'),
      )
  }

  /** `after`: the counters at the end. */
  object(
    packets: number,
    seconds: number,
    assumed: readonly string[],
    after: readonly Ruleset[],
  ): Record<string, unknown> {
    return {
      packets,
      verdicts: sorted(this.#verdicts),
      dropped_by: sorted(this.#dropped),
      rules: sorted(ruleCounts(this.#before, after)),
      seconds: Math.round(seconds * 1000) / 1000,
      packets_per_second: seconds > 0 ? Math.round(packets / seconds) : 0,
      assumed,
    }
  }
}

/** `table:CHAIN:rule:N`: how many packets matched, both families together, what this host answered included. */
function ruleCounts(before: readonly Ruleset[], after: readonly Ruleset[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [f, { tables }] of after.entries())
    for (const [t, table] of tables.entries())
      for (const [c, chain] of table.chains.entries())
        for (const [r, rule] of chain.rules.entries()) {
          const start = before[f]?.tables[t]?.chains[c]?.rules[r]?.counters?.packets ?? 0n
          const packets = Number((rule.counters?.packets ?? 0n) - start)
          const key = `${table.name}:${chain.name}:rule:${r + 1}`
          if (packets > 0) counts.set(key, (counts.get(key) ?? 0) + packets)
        }
  return counts
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** Most frequent first, ties by name. */
function sorted(map: Map<string, number>): Record<string, number> {
  return Object.fromEntries([...map].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
}
