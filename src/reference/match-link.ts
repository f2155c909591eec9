// Matches on what the link layer says of a packet, and on bridge ports. Kernel: net/netfilter/xt_mac.c, xt_pkttype.c,
// xt_physdev.c.

import type { Match } from '../netfilter/model.js'
import { ask, type MatchContext } from './asked.js'
import type { Skb } from './types.js'

/** Does an interface have this name, or one that begins so (`a+`)? */
function isNamed(name: string, pattern: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

export function matchesMac(m: Extract<Match, { match: 'mac' }>, skb: Skb, context: MatchContext): boolean {
  // Inverted or not: without an Ethernet header it does not match.
  if (skb.ether === null) return false
  const { src } = skb.ether
  if (src === undefined) return ask('mac', context)
  return (src === m.source.value) !== m.source.not
}

export function matchesPkttype(m: Extract<Match, { match: 'pkttype' }>, skb: Skb): boolean {
  return (skb.pktType === m.type.value) !== m.type.not
}

export function matchesPhysdev(m: Extract<Match, { match: 'physdev' }>, skb: Skb, context: MatchContext): boolean {
  if (skb.bridged === null) {
    return [m.in, m.out, m.isIn, m.isOut, m.isBridged].every((n) => n === undefined || n.not)
  }
  const { physIn, physOut } = skb.bridged
  const leaves = physOut !== null
  if (m.isBridged !== undefined && leaves === m.isBridged.not) return false
  if (m.isIn?.not) return false // it came by a port
  if (m.isOut !== undefined && leaves === m.isOut.not) return false
  if (m.in !== undefined && isNamed(physIn, m.in.value) === m.in.not) return false
  if (m.out === undefined) return true
  if (!leaves) return false
  if (physOut === 'unknown') return ask('out port', context)
  return isNamed(physOut, m.out.value) !== m.out.not
}
