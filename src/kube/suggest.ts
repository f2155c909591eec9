// What to say when a name is not known: names near it.
// Owns the distance and the wording.
import { escapeText } from '../net/fault.js'

const SHOWN = 5
/** Long lists are not searched for near names beyond this many. */
const SEARCHED = 5000

/**
 * A half sentence for a fault: names near `name`, or the first ones, or that there are none.
 *
 * @example nearNames('worker-9', ['worker-1', 'db']) // 'did you mean worker-1?'
 * @example nearNames('x', []) // 'there are none'
 */
export function nearNames(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'there are none'
  const wanted = name.slice(0, 128)
  const close = names
    .slice(0, SEARCHED)
    .map((n) => ({ n, d: distance(wanted, n.slice(0, 128)) }))
    .filter(({ d }) => d <= Math.max(2, wanted.length / 4))
  const best = Math.min(...close.map(({ d }) => d))
  const near = close.filter(({ d }) => d === best).slice(0, 3)
  if (near.length > 0) return `did you mean ${near.map(({ n }) => escapeText(n)).join(' or ')}?`
  const more = names.length > SHOWN ? ` … (${names.length} in all)` : ''
  return `expected one of ${names.slice(0, SHOWN).map(escapeText).join(', ')}${more}`
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
