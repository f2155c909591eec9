// The way out of what this host sends: the look-up before OUTPUT and after it, whether the packet may take what was found,
// the source of a packet without one.
// Kernel: net/ipv4/route.c (ip_route_output_key_hash_rcu), netfilter.c (ip_route_me_harder), net/ipv6/route.c, netfilter.c.
import type { DropReason } from '../net/packet.js'
import type { Link } from '../netns/model.js'
import { isMulticast } from './address.js'
import type { Blame } from './chain.js'
import type { HopChoice } from './prf.js'
import { lookupRoute, type RouteKey } from './route.js'
import { sourceOfRoute4 } from './source.js'
import { eitherOn } from './sysctl.js'
import type { RouteResult, Skb, World } from './types.js'
import { outKeyOf } from './validate.js'

/** Why a packet does not leave; `errno` is what its sender is told. */
export interface Dropped {
  readonly by: Blame
  readonly errno?: string
}

const ERRNO: Readonly<Record<string, readonly [string, DropReason]>> = {
  none: ['ENETUNREACH', 'no route'],
  unreachable: ['EHOSTUNREACH', 'unreachable'],
  prohibit: ['EACCES', 'prohibit'],
  blackhole: ['EINVAL', 'blackhole'],
}

/** What the routing code says about a packet that is sent here; undefined: it may go. */
export function outputFault(world: World, skb: Skb, route: RouteResult): Dropped | undefined {
  if (route.outcome !== 'route') {
    const [errno, text] = ERRNO[route.outcome] ?? ERRNO['none']!
    return { by: { reason: text }, errno }
  }
  const dev = route.type === 'local' ? 'lo' : (route.hop?.dev ?? '')
  const loop = world.ns.links.some((l) => l.name === dev && l.loopback) || dev === 'lo'
  if (skb.family === 'ipv4' && skb.packet.src.startsWith('127.') && !loop) {
    if (!eitherOn(world.ns, dev, 'route_localnet')) return { by: { reason: 'martian source' }, errno: 'EINVAL' }
  }
  return undefined
}

/** The link of that name. */
export function linkOf(world: World, dev: string | null | undefined): Link | undefined {
  return world.ns.links.find((l) => l.name === dev)
}

/** The route of a packet that is sent here. */
export function outRoute(world: World, skb: Skb, key: RouteKey = outKeyOf(skb)): RouteResult {
  const { ns } = world
  const { src, dst } = skb.packet
  const draw = (hops: readonly HopChoice[]): number => world.draws.hop(hops, skb.isAnswer)
  if (skb.family === 'ipv6') return lookupRoute(ns, key, draw)
  // To nobody means to this host.
  if (dst === '0.0.0.0') return { type: 'local', hop: { dev: 'lo', weight: 1 }, outcome: 'route' }
  if (dst !== '255.255.255.255' && !isMulticast(dst)) return lookupRoute(ns, key, draw)
  const type = isMulticast(dst) ? 'multicast' : 'broadcast'
  if (src !== '0.0.0.0') {
    // The interface that has the source address; another's address has none.
    const dev = ns.links.find((l) => l.addresses.some((a) => a.address === src))?.name
    return dev === undefined
      ? { type: 'unreachable', outcome: 'none' }
      : { type, hop: { dev, weight: 1 }, outcome: 'route' }
  }
  const found = lookupRoute(ns, key, draw)
  return found.outcome === 'route' ? { ...found, type } : found
}

/** By which interface a packet leaves; what is for the host itself by `lo`. */
export function outDev(route: RouteResult | null): string | null {
  if (route === null) return null
  return isForHost(route) ? 'lo' : (route.hop?.dev ?? null)
}

/** IPv6 anycast addresses are the host's own as well. */
export function isForHost(route: RouteResult): boolean {
  return route.type === 'local' || (route.type === 'anycast' && route.dst?.includes(':') === true)
}

/** The source of a packet that was sent without one. */
export function chosenSource(world: World, skb: Skb, route: RouteResult): string | undefined {
  if (route.prefsrc !== undefined) return route.prefsrc
  if (skb.packet.dst === '0.0.0.0') return '127.0.0.1'
  if (route.type === 'local') return skb.packet.dst
  return sourceOfRoute4(world.ns, route.hop?.dev ?? '', route.hop?.via)
}
