// The routes that the kernel itself makes when addresses are set on interfaces.
// Owns the connected, local, broadcast, anycast and multicast routes that follow from addresses, as Linux 6.x has them.
// Kernel: fib_add_ifaddr in net/ipv4/fib_frontend.c; addrconf_prefix_route, addrconf_join_anycast, addrconf_add_mroute in net/ipv6/addrconf.c.
import { canonicalPrefix, formatAddress, maskAddress, maskWords, parseAddress } from '../net/ip.js'
import type { Address, Link, Route, RouteType } from './model.js'
import { TABLE_LOCAL, TABLE_MAIN } from './routes.js'

export interface DeriveOptions {
  /** IPv6 forwarding is on: then every subnet has its anycast address (RFC 4291, 2.6.1). Default true. */
  readonly forwarding6?: boolean
}

type Add = (dev: string, type: RouteType, dst: string, more: Partial<Route>) => void

function network(address: string, length: number): string {
  return canonicalPrefix(`${address}/${length}`)!
}

function broadcastOf(address: string, length: number): string {
  const { words } = parseAddress(address)!
  const mask = maskWords('ipv4', length)
  const value = (maskAddress(words, mask)[0] | ~mask[0]) >>> 0
  return formatAddress({ family: 'ipv4', words: [value, 0, 0, 0] })
}

function deriveIpv4(link: Link, address: Address, add: Add): void {
  const { prefixLength } = address
  const subnet = network(address.peer ?? address.address, prefixLength)
  // A secondary address answers with the primary's name: its routes carry the source of the first of its subnet.
  const primary = address.secondary
    ? link.addresses.find(
        (a) =>
          a.family === 'ipv4' &&
          !a.secondary &&
          a.prefixLength === prefixLength &&
          network(a.peer ?? a.address, prefixLength) === subnet,
      )
    : address
  const prefsrc = (primary ?? address).address
  add(link.name, 'local', `${address.address}/32`, { table: TABLE_LOCAL, scope: 'host', prefsrc })
  if (!link.up) return
  const broadcast = (dst: string): void =>
    add(link.name, 'broadcast', `${dst}/32`, { table: TABLE_LOCAL, scope: 'link', prefsrc })
  if (address.broadcast !== undefined && address.broadcast !== '255.255.255.255') broadcast(address.broadcast)
  if (subnet.startsWith('0.0.0.0/') || address.secondary || subnet === `${address.address}/32`) return
  if (link.loopback) add(link.name, 'local', subnet, { table: TABLE_LOCAL, scope: 'host', prefsrc })
  else add(link.name, 'unicast', subnet, { scope: 'link', prefsrc })
  if (prefixLength < 31) broadcast(broadcastOf(address.peer ?? address.address, prefixLength))
}

function deriveIpv6(link: Link, address: Address, forwarding: boolean, add: Add): void {
  const { prefixLength } = address
  add(link.name, 'local', `${address.address}/128`, { table: TABLE_LOCAL })
  const subnet = network(address.address, prefixLength)
  if (forwarding && prefixLength > 0 && prefixLength < 127) {
    add(link.name, 'anycast', subnet.replace(/\/.*/, '/128'), { table: TABLE_LOCAL })
  }
  if (!link.up || address.address === '::1') return
  add(link.name, 'unicast', subnet, { metric: 256 })
  if (address.peer !== undefined) add(link.name, 'unicast', `${address.peer}/128`, { metric: 256 })
  if (!link.loopback) add(link.name, 'multicast', 'ff00::/8', { table: TABLE_LOCAL, metric: 256 })
}

/**
 * The routes that follow from the addresses of these interfaces: what `ip route show table all` lists when nobody added
 * a route. An interface without any IPv6 address counts as one without IPv6 (no `ff00::/8`).
 */
export function deriveRoutes(links: readonly Link[], options: DeriveOptions = {}): Route[] {
  const routes = new Map<string, Route>()
  const add: Add = (dev, type, dst, more) => {
    const family = dst.includes(':') ? 'ipv6' : 'ipv4'
    const route: Route = {
      family,
      table: TABLE_MAIN,
      type,
      dst,
      nextHops: [{ dev, weight: 1 }],
      metric: 0,
      scope: 'global',
      tos: 0,
      ...more,
    }
    const key = [route.table, type, dst, dev, route.metric].join(' ')
    // The kernel has one IPv4 route for a destination, metric and table; IPv6 has one for each interface.
    if (!routes.has(key)) routes.set(key, route)
  }
  for (const link of links) {
    for (const address of link.addresses) {
      if (address.family === 'ipv4') deriveIpv4(link, address, add)
      else deriveIpv6(link, address, options.forwarding6 ?? true, add)
    }
  }
  return [...routes.values()]
}
