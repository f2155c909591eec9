// Matches that count and limit as iptables-save prints them.
import type { LimitMatch } from './model-limits.js'

/** With a leading blank. */
export function printLimitMatch(m: LimitMatch): string {
  return ` -m quota${m.not ? ' !' : ''} --quota ${m.quota}`
}
