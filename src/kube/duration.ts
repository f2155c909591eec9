// Durations as Kubernetes writes them: `1h30m`, `250ms`, `0s`.
// Owns the grammar. Source: Go's time.ParseDuration, which metav1.Duration is read with.

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, micro sign
  μs: 1e-3, // U+03BC, Greek letter mu
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
/** Go keeps nanoseconds in 63 bits. */
const MOST_MS = 2 ** 63 / 1e6

/**
 * Milliseconds of a duration; null when the text is none (also when it is empty or has no unit).
 *
 * @example durationMs('1h0m30s') // 3630000
 * @example durationMs('5') // null
 */
export function durationMs(text: string): number | null {
  const sign = text[0] === '-' || text[0] === '+' ? text[0] : ''
  const rest = text.slice(sign.length)
  if (rest === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest) || text.length > 200) return null
  let total = 0
  for (const [, number, unit] of rest.matchAll(/([\d.]+)([a-zµμ]+)/g)) total += Number(number) * UNIT_MS[unit!]!
  if (total >= MOST_MS) return null
  return sign === '-' ? -total : total
}
