// Which matches look at the layer-4 header, so that a fragment which is not the first does not fit them.
// Kernel: net/netfilter/xt_tcpudp.c, xt_multiport.c, xt_sctp.c; iptables-nft compares ports and flags itself.
import { RULE_NATIVE, RULE_TINY } from '../../assembly/layout.js'
import type { Backend, Match, Negatable, Range } from '../netfilter/model.js'
import type { MatchRule } from './matches.js'

const LAYER4: ReadonlySet<Match['match']> = new Set([
  ...(['tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'multiport', 'esp', 'ah', 'ipcomp', 'dccp', 'tcpmss', 'mh'] as const),
])

/** Does a later fragment not fit this match, inverted or not? */
export function looksAtLayer4(backend: Backend, match: Match): boolean {
  if (!LAYER4.has(match.match)) return false
  if (backend === 'legacy' || (match.match !== 'tcp' && match.match !== 'udp')) return true
  // What iptables-nft compares itself, it compares with what stands in the place of ports and flags. It leaves to the
  // kernel's match one with a TCP option, and one that asks nothing and negates nothing.
  if (match.match === 'tcp' && match.option !== undefined) return true
  const flags = match.match === 'tcp' ? match.flags : undefined
  return isAny(match.sport) && isAny(match.dport) && (flags === undefined || (!flags.not && flags.value.mask === 0))
}

function isAny(ports: Negatable<Range> | undefined): boolean {
  return ports === undefined || (!ports.not && ports.value.from === 0 && ports.value.to === 65535)
}

/**
 * RULE_TINY when a match of the rule drops fragments that begin inside the TCP header; RULE_NATIVE when ports and flags are
 * compared by iptables-nft itself.
 */
export function fragmentFlags({ family, backend, rule }: MatchRule): number {
  const looking = rule.matches.filter((m) => looksAtLayer4(backend, m))
  const drops = family === 'ipv4' && looking[0]?.match === 'tcp'
  const native = backend === 'nft' && !looking.some((m) => m.match === 'tcp' || m.match === 'udp')
  return (drops ? RULE_TINY : 0) | (native ? RULE_NATIVE : 0)
}
