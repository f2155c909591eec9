// Does an answer hold what a case expects? Expectations are partial; an operator object stands for a condition:
// {has: […]}, {lacks: […]}, {in: […]}, {not: X}, {as: [other id, field]}. A timeout may differ by a second; what only a
// running kernel has (an entry's use count, id and listing, the marks that its trace shows) is passed over.

const OPERATORS = new Set(['has', 'lacks', 'in', 'not', 'as'])
/** The packet's own name, what was sent, and what the kernel says beside its answer. */
const PASSED_OVER = new Set(['id', 'in', 'limited', 'why'])
type Plain = Record<string, unknown>
const isPlain = (x: unknown): x is Plain => typeof x === 'object' && x !== null && !Array.isArray(x)
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What does not hold, one text each; empty: all holds. `byId` are the answers so far. */
export function mismatches(expected: Plain, got: unknown, byId: ReadonlyMap<unknown, Plain>, path = ''): string[] {
  if (!isPlain(got)) return [`${path || 'answer'} is ${JSON.stringify(got)}`]
  return Object.entries(expected).flatMap(([key, wanted]) => {
    let want = wanted
    if (key.startsWith('_') || PASSED_OVER.has(key)) return []
    if (path === 'ct.' && (key === 'use' || key === 'ctid' || key === 'line')) return []
    if (key.startsWith('trace') && Array.isArray(want)) want = want.map((line) => String(line).replace(/ mark=.*/, ''))
    const have = got[key]
    const where = `${path}${key}`
    if (!isPlain(want) || Object.keys(want).length === 0) {
      if (want === null && have === undefined) return []
      if (key === 'timeout' && typeof want === 'number' && Math.abs(Number(have) - want) <= 1) return []
      return same(want, have) ? [] : [`${where}: expected ${JSON.stringify(want)}, got ${JSON.stringify(have)}`]
    }
    if (!Object.keys(want).every((k) => OPERATORS.has(k))) return mismatches(want, have, byId, `${where}.`)
    const list = Array.isArray(have) ? have : []
    const bad: string[] = []
    for (const x of (want['has'] as unknown[]) ?? []) if (!list.includes(x)) bad.push(`${where} lacks ${String(x)}`)
    for (const x of (want['lacks'] as unknown[]) ?? []) if (list.includes(x)) bad.push(`${where} has ${String(x)}`)
    if ('in' in want && !(want['in'] as unknown[]).some((x) => same(x, have)))
      bad.push(`${where}: ${JSON.stringify(have)} is none of those expected`)
    if ('not' in want && same(want['not'], have)) bad.push(`${where} is ${JSON.stringify(have)}`)
    if ('as' in want) {
      const [id, field] = want['as'] as [unknown, string]
      const other = byId.get(id)?.[field]
      if (!same(other, have))
        bad.push(`${where}: ${JSON.stringify(have)} is not packet ${String(id)}'s ${JSON.stringify(other)}`)
    }
    return bad
  })
}
