// Matches on connections' traffic and number as iptables-save prints them.
import type { ConnectionMatch } from './model-connection.js'

const MOST = 2n ** 64n - 1n

function connbytes({ mode, dir, from, to }: Extract<ConnectionMatch, { match: 'connbytes' }>): string {
  const [low, high] = from > to ? [to, from] : [from, to]
  const end = high > 0n && high < MOST ? `:${high}` : ''
  return ` -m connbytes${from > to ? ' !' : ''} --connbytes ${low}${end} --connbytes-mode ${mode} --connbytes-dir ${dir}`
}

/** With a leading blank. */
export function printConnectionMatch(m: ConnectionMatch): string {
  if (m.match === 'connbytes') return connbytes(m)
  const side = m.side === 'source' ? 'saddr' : 'daddr'
  return ` -m connlimit --connlimit-${m.above ? 'above' : 'upto'} ${m.limit} --connlimit-mask ${m.mask} --connlimit-${side}`
}
