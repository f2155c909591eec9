// Matches that count and limit as iptables-save prints them.
import { hashlimitText } from './hashlimit-rate.js'
import type { LimitMatch } from './model-limits.js'

function hashlimit(m: Extract<LimitMatch, { match: 'hashlimit' }>): string {
  const { text, expire } = hashlimitText(m)
  let out = ` -m hashlimit --hashlimit-${m.not ? 'above' : 'upto'} ${text}`
  if (m.mode.length > 0) out += ` --hashlimit-mode ${m.mode.join(',')}`
  out += ` --hashlimit-name ${m.name}`
  if (m.size !== 0) out += ` --hashlimit-htable-size ${m.size}`
  if (m.max !== 0) out += ` --hashlimit-htable-max ${m.max}`
  if (m.gcInterval !== 1000) out += ` --hashlimit-htable-gcinterval ${m.gcInterval}`
  if (m.expire !== expire) out += ` --hashlimit-htable-expire ${m.expire}`
  if (m.srcMask !== undefined) out += ` --hashlimit-srcmask ${m.srcMask}`
  if (m.dstMask !== undefined) out += ` --hashlimit-dstmask ${m.dstMask}`
  if (m.rateInterval !== undefined) out += ' --hashlimit-rate-match'
  if (m.rateInterval !== undefined && m.rateInterval !== 1) out += ` --hashlimit-rate-interval ${m.rateInterval}`
  return out
}

/** With a leading blank. */
export function printLimitMatch(m: LimitMatch): string {
  switch (m.match) {
    case 'quota':
      return ` -m quota${m.not ? ' !' : ''} --quota ${m.quota}`
    case 'hashlimit':
      return hashlimit(m)
  }
}
