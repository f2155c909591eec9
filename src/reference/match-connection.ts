// Matches on what a connection has carried, and on how many there are. Kernel: net/netfilter/xt_connbytes.c.
import type { ConnectionMatch } from '../netfilter/model-connection.js'
import type { MatchContext } from './asked.js'
import { matchesConnlimit } from './connlimit.js'
import type { Count, Skb } from './types.js'

function matchesConnbytes(m: Extract<ConnectionMatch, { match: 'connbytes' }>, { connection }: Skb): boolean {
  const counted = connection?.counted
  if (counted === undefined || counted === null) return false
  const sides: readonly Count[] = m.dir === 'original' ? [counted[0]] : m.dir === 'reply' ? [counted[1]] : counted
  const packets = sides.reduce((sum, c) => sum + c.packets, 0n)
  const bytes = sides.reduce((sum, c) => sum + c.bytes, 0n)
  const average = packets === 0n ? 0n : bytes / packets
  const value = m.mode === 'packets' ? packets : m.mode === 'bytes' ? bytes : average
  if (m.from <= m.to) return value >= m.from && value <= m.to
  return value < m.to || value > m.from
}

export function matchesConnection(m: ConnectionMatch, skb: Skb, context: MatchContext): boolean {
  return m.match === 'connbytes' ? matchesConnbytes(m, skb) : matchesConnlimit(m, skb, context)
}
