// Which matches look at the layer-4 header, so that a fragment which is not the first does not fit them.
// Kernel: net/netfilter/xt_tcpudp.c, xt_multiport.c, xt_sctp.c; iptables-nft compares ports and flags itself.
import { RULE_NATIVE, RULE_TINY } from '../../assembly/layout.js'
import type { Backend, Match } from '../netfilter/model.js'
import type { MatchRule } from './matches.js'

const LAYER4: ReadonlySet<Match['match']> = new Set([
  ...(['tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'multiport', 'esp', 'ah', 'ipcomp', 'dccp', 'tcpmss'] as const),
])

/** Does a later fragment not fit this match, inverted or not? */
export function looksAtLayer4(backend: Backend, match: Match): boolean {
  if (!LAYER4.has(match.match)) return false
  if (backend === 'legacy' || (match.match !== 'tcp' && match.match !== 'udp')) return true
  // What iptables-nft compares itself, it compares with what stands in the place of ports and flags.
  if (match.match === 'tcp' && match.option !== undefined) return true
  const flags = match.match === 'tcp' ? match.flags : undefined
  return match.sport === undefined && match.dport === undefined && flags === undefined
}

/** RULE_TINY when a match of the rule drops fragments that begin inside the TCP header; RULE_NATIVE for iptables-nft. */
export function fragmentFlags({ family, backend, rule }: MatchRule): number {
  if (backend === 'nft') return RULE_NATIVE
  const drops = family === 'ipv4' && rule.matches.find((m) => LAYER4.has(m.match))?.match === 'tcp'
  return drops ? RULE_TINY : 0
}
