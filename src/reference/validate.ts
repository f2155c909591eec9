// What may come in at all: martian addresses, reverse path filter, and the input route.
// Kernel: net/ipv4/route.c (ip_route_input_slow, ip_mc_validate_source), fib_frontend.c (fib_validate_source),
// net/ipv6/ip6_input.c (ip6_rcv_core).

import type { DropReason, Packet } from '../net/packet.js'
import { protoNumber } from '../net/proto.js'
import type { NetworkNamespace } from '../netns/model.js'
import { inPrefix, isMulticast } from './address.js'
import { hasJoined, multicastScope } from './multicast.js'
import { type HopDraw, lookupRoute, type RouteKey } from './route.js'
import { isOwnAddress } from './source.js'
import { eitherOn, forwards, rpFilter } from './sysctl.js'
import type { RouteResult, Skb } from './types.js'

/** Faults that IPv6 finds before the first hook; null: none. `looped`: the host's own copy of what it sent. */
export function badOnArrival(skb: Skb, looped = false): DropReason | null {
  if (skb.family !== 'ipv6') return null
  const { src, dst } = skb.packet
  if (isMulticast(src)) return 'martian source'
  if (isMulticast(dst) && multicastScope(dst) === 0) return 'martian destination'
  if (skb.inIface === 'lo') return null
  if (isMulticast(dst) && multicastScope(dst) === 1 && !looped) return 'martian destination'
  if (src === '::1') return 'martian source'
  return dst === '::1' ? 'martian destination' : null
}

export interface InputRoute {
  /** Absent when no look-up took place. */
  readonly route?: RouteResult
  /** Where the packet goes; a reason: it is dropped. */
  readonly to: 'local' | 'forward' | 'error' | DropReason
}

/** Type and code of an ICMP message: where a look-up before sending has the destination port. */
export function icmpPort(packet: Pick<Packet, 'proto' | 'icmp_type' | 'icmp_code'>): number {
  if (packet.proto !== 'icmp' && packet.proto !== 'icmpv6') return 0
  return ((packet.icmp_type ?? 0) << 8) | (packet.icmp_code ?? 0)
}

/** Whose packet it is: a process's of this host, or nobody's, as a copy's. */
function userOf(skb: Skb): number | undefined {
  return skb.fromHere && !skb.isAnswer && !skb.isCopy ? skb.packet.uid : 0
}

/** What the first look-up for a packet that is sent here asks. */
export function outKeyOf(skb: Skb): RouteKey {
  const { packet } = skb
  return {
    ...keyOf(skb),
    iif: 'lo',
    // To :: means to this host.
    dst: packet.dst === '::' ? '::1' : packet.dst,
    dport: packet.dport ?? icmpPort(packet),
    uid: userOf(skb),
    bound: skb.bound ?? undefined,
  }
}

/** What a re-routing asks: of ports what the header says; IPv4 has forgotten the user. */
export function rerouteKeyOf(skb: Skb): RouteKey {
  return { ...keyOf(skb), iif: 'lo', uid: skb.family === 'ipv4' ? 0 : userOf(skb) }
}

/** What the routing code asks about a packet that comes in. */
export function keyOf(skb: Skb): RouteKey {
  const { packet } = skb
  return {
    sport: packet.sport ?? 0,
    dport: packet.dport ?? 0,
    uid: 0,
    packet: packet.id,
    family: skb.family,
    src: packet.src,
    dst: packet.dst,
    iif: skb.inIface ?? 'lo',
    mark: skb.mark,
    tos: packet.tos ?? 0,
    proto: protoNumber(packet.proto) ?? 0,
  }
}

/** Policy rules beyond local, main and default; or local routes that are no address of the host or stand elsewhere than in local. */
function customRouting(ns: NetworkNamespace): boolean {
  const rules = ns.policyRules.filter((r) => r.family === 'ipv4')
  const usual = rules.every((r) => [0, 32766, 32767].includes(r.priority))
  const foreign = ns.routes.some(
    (r) => r.family === 'ipv4' && r.type === 'local' && (r.table !== 255 || !isOwnAddress(ns, r.dst.split('/')[0]!)),
  )
  return !usual || foreign
}

/** IPv4: may this source come in by this interface? `out`: the interface it would be forwarded by. */
function badSource(ns: NetworkNamespace, skb: Skb, out: string | undefined): DropReason | null {
  const dev = skb.inIface ?? 'lo'
  const mode = rpFilter(ns, dev)
  const acceptLocal = eitherOn(ns, dev, 'accept_local')
  if (mode === 0 && (dev !== out || !eitherOn(ns, dev, 'send_redirects'))) {
    if (acceptLocal) return null
    // Only the addresses themselves: the rest of 127/8 passes here where route_localnet let it come so far.
    const own = ns.links.some((l) => l.addresses.some((a) => a.address === skb.packet.src))
    if (!customRouting(ns)) return own ? 'martian source' : null
  }
  const back: RouteKey = {
    family: 'ipv4',
    src: skb.packet.dst,
    dst: skb.packet.src,
    iif: out ?? 'lo',
    mark: eitherOn(ns, dev, 'src_valid_mark') ? skb.mark : 0,
    tos: skb.packet.tos ?? 0,
    proto: protoNumber(skb.packet.proto) ?? 0,
    sport: skb.packet.dport ?? 0,
    dport: skb.packet.sport ?? 0,
    uid: 0,
  }
  const found = lookupRoute(ns, back)
  if (found.outcome !== 'route') return mode === 0 ? null : 'rp_filter'
  if (found.type !== 'unicast' && !(found.type === 'local' && acceptLocal)) return 'martian source'
  const byThis = (found.hops ?? []).some((h) => h.dev === dev) || (found.type === 'local' && dev === 'lo')
  if (byThis || mode !== 1) {
    const noAddress = !ns.links.find((l) => l.name === dev)?.addresses.some((a) => a.family === 'ipv4')
    return !byThis && noAddress && mode !== 0 ? 'rp_filter' : null
  }
  return 'rp_filter'
}

function inputIpv4(ns: NetworkNamespace, skb: Skb, draw: HopDraw): InputRoute {
  const { src, dst } = skb.packet
  const dev = skb.inIface ?? 'lo'
  const localnet = eitherOn(ns, dev, 'route_localnet')
  const here = (type: 'broadcast' | 'multicast'): RouteResult => ({ type, hop: { dev, weight: 1 }, outcome: 'route' })
  if (isMulticast(dst)) {
    if (dst !== '224.0.0.1') return { to: 'multicast not for this host' }
    if (isMulticast(src) || src === '255.255.255.255') return { to: 'martian source' }
    if (inPrefix(src, '127.0.0.0/8') && !localnet) return { to: 'martian source' }
    const bad = src === '0.0.0.0' ? null : badSource(ns, skb, undefined)
    return { route: here('multicast'), to: bad ?? 'local' }
  }
  if (isMulticast(src) || src === '255.255.255.255') return { to: 'martian source' }
  if (dst === '255.255.255.255' || (dst === '0.0.0.0' && src === '0.0.0.0')) {
    const bad = src === '0.0.0.0' ? null : badSource(ns, skb, undefined)
    return { route: here('broadcast'), to: bad ?? 'local' }
  }
  if (src === '0.0.0.0') return { to: 'martian source' }
  if (dst === '0.0.0.0') return { to: 'martian destination' }
  if (!localnet && inPrefix(dst, '127.0.0.0/8')) return { to: 'martian destination' }
  if (!localnet && inPrefix(src, '127.0.0.0/8')) return { to: 'martian source' }
  const route = lookupRoute(ns, keyOf(skb), draw)
  const forwarding = forwards(ns, 'ipv4', dev)
  if (route.outcome !== 'route') return { route, to: forwarding ? 'error' : 'forwarding is off' }
  if (route.type === 'local' || route.type === 'broadcast') {
    return { route, to: badSource(ns, skb, undefined) ?? 'local' }
  }
  if (!forwarding) return { route, to: 'forwarding is off' }
  if (route.type !== 'unicast') return { route, to: 'martian destination' }
  return { route, to: badSource(ns, skb, route.hop?.dev) ?? 'forward' }
}

function inputIpv6(ns: NetworkNamespace, skb: Skb, draw: HopDraw): InputRoute {
  const { dst } = skb.packet
  const dev = skb.inIface ?? 'lo'
  if (isMulticast(dst)) {
    const here: RouteResult = { type: 'multicast', hop: { dev, weight: 1 }, outcome: 'route' }
    return hasJoined(ns, dev, dst) ? { route: here, to: 'local' } : { to: 'multicast not for this host' }
  }
  // Such addresses are by the interface that the packet came by, or nowhere (rt6_need_strict).
  const bound = inPrefix(dst, 'fe80::/10') || dst === '::1' ? dev : undefined
  const route = lookupRoute(ns, { ...keyOf(skb), bound }, draw)
  if (route.outcome !== 'route') return { route, to: 'error' }
  // A route by lo to what is no address of the host refuses.
  if (route.type === 'unicast' && ns.links.some((l) => l.loopback && l.name === route.hop?.dev))
    return { route: { type: 'unreachable', outcome: 'none' }, to: 'error' }
  if (route.type === 'local' || route.type === 'anycast') return { route, to: 'local' }
  return { route, to: forwards(ns, 'ipv6', dev) ? 'forward' : 'forwarding is off' }
}

/** Where a packet that came in goes. */
export function inputRoute(ns: NetworkNamespace, skb: Skb, draw: HopDraw): InputRoute {
  return skb.family === 'ipv4' ? inputIpv4(ns, skb, draw) : inputIpv6(ns, skb, draw)
}
