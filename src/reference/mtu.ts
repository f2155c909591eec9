// How long a packet may be that leaves by a route: what is too long and may not be cut is answered.
// Kernel: net/ipv4/ip_forward.c (ip_exceeds_mtu), net/ipv6/ip6_output.c (ip6_pkt_too_big, ip6_finish_output).
import { mayBeCut } from '../net/fragment.js'
import { packetLength } from '../net/length.js'
import type { Skb, World } from './types.js'

/** No link of IPv6 asks for shorter packets (RFC 8200, 5). */
const LEAST_IPV6 = 1280

/** What is put together of pieces is as long as the longest of them. */
function lengthOf({ longest, packet }: Skb): number {
  return longest ?? packetLength(packet)
}

function linkMtu(world: World, skb: Skb): number {
  return world.ns.links.find((l) => l.name === skb.route?.hop?.dev)?.mtu ?? Number.POSITIVE_INFINITY
}

/** May the packet not be forwarded by its route? IPv6 asks only the interface here. */
export function isTooBigToForward(world: World, skb: Skb): boolean {
  const link = linkMtu(world, skb)
  if (skb.family === 'ipv6') return lengthOf(skb) > Math.max(LEAST_IPV6, link)
  return lengthOf(skb) > (skb.route?.mtu ?? link) && !mayBeCut(skb.packet)
}

/** After POSTROUTING: does an IPv6 packet not fit the route? (IPv4 was asked before.) */
export function isTooBigToLeave(world: World, skb: Skb): boolean {
  return skb.family === 'ipv6' && lengthOf(skb) > (skb.route?.mtu ?? linkMtu(world, skb))
}
