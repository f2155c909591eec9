// `replay --summary`: counts by verdict and by rule, and the speed.
import type { PrintedAnswer } from '../netns/script.js'

/** Counts answers; rules by `table:CHAIN:rule:N`, of packets that were traced. */
export class Summary {
  readonly #verdicts = new Map<string, number>()
  readonly #rules = new Map<string, number>()
  readonly #dropped = new Map<string, number>()

  add(answer: PrintedAnswer): void {
    count(this.#verdicts, answer.verdict)
    for (const line of answer.trace ?? []) if (line.includes(':rule:')) count(this.#rules, line)
    const by = answer.dropped_by
    if (by)
      count(
        this.#dropped,
        by.chain
          ? `${by.table}:${by.chain}:${by.rule === 'policy' ? 'policy' : `rule:${by.rule}`}`
          : (by.reason ?? 'unknown'),
      )
  }

  object(packets: number, seconds: number, assumed: readonly string[]): Record<string, unknown> {
    return {
      packets,
      verdicts: sorted(this.#verdicts),
      dropped_by: sorted(this.#dropped),
      rules: sorted(this.#rules),
      seconds: Math.round(seconds * 1000) / 1000,
      packets_per_second: seconds > 0 ? Math.round(packets / seconds) : 0,
      assumed,
    }
  }
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** Most frequent first, ties by name. */
function sorted(map: Map<string, number>): Record<string, number> {
  return Object.fromEntries([...map].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
}
