// The lists of single lines, taken apart: `4 filter -A INPUT …` and, on the next line, what becomes of it.
import type { Family } from '../../src/netfilter/model.js'
import { CONNECTION_LINES } from './connection-lines.js'
import { HASH_LINES } from './hash-lines.js'
import { MATCH_LINES } from './match-lines.js'
import { TARGET_LINES } from './target-lines.js'

export interface RuleLine {
  readonly line: string
  readonly family: Family
  readonly table: string
  /** A rule file with this line. */
  readonly text: string
  /** What is printed; null: it is refused. */
  readonly printed: string | null
  /** What the tool does that takes it nonetheless. */
  readonly taken: boolean
}

/** Lines that a new namespace takes or refuses. */
const LISTS = [TARGET_LINES, MATCH_LINES, CONNECTION_LINES, HASH_LINES]

/** Of these lists, or of all that a new namespace takes or refuses. */
export function ruleLines(lists: readonly string[] = LISTS): RuleLine[] {
  const lines = lists.flatMap((list) => list.split('\n').filter((l) => l.trim() !== ''))
  return lines.flatMap((line, i) => {
    if (i % 2 === 1) return []
    const [, version, table, rule] = /^([46]) (\S+) (.*)$/.exec(line)!
    const says = lines[i + 1]!.trim()
    const stricter = says.startsWith('stricter')
    return [
      {
        line,
        family: version === '4' ? ('ipv4' as const) : ('ipv6' as const),
        table: table!,
        text: `*${table}\n${rule}\nCOMMIT\n`,
        printed: says === 'refused' || stricter ? null : says === '=' ? rule! : says,
        taken: stricter || says !== 'refused',
      },
    ]
  })
}
