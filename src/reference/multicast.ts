// IPv6 multicast: which groups an interface has joined by itself, and which scopes never leave or enter a host.
// Kernel: net/ipv6/addrconf.c (ipv6_add_dev, addrconf_join_solict), net/ipv6/ip6_input.c (ip6_rcv_core), ip6_output.c (ip6_finish_output2).
import type { NetworkNamespace } from '../netns/model.js'
import { inPrefix, numberOf } from './address.js'
import { forwards } from './sysctl.js'

/** ff02::1 and ff01::1: every interface. */
const ALL_NODES: readonly string[] = ['ff02::1', 'ff01::1']
const ALL_ROUTERS = 'ff02::2'
const SOLICITED = 'ff02::1:ff00:0/104'
const LOW_24 = 0xffffffn

/** Scope of a multicast address: its fourth hexadecimal digit. */
export function multicastScope(address: string): number {
  return Number((numberOf(address) >> 112n) & 15n)
}

/** Has the interface joined the group without being asked to? */
export function hasJoined(ns: NetworkNamespace, dev: string, group: string): boolean {
  if (ALL_NODES.includes(group)) return true
  const link = ns.links.find((l) => l.name === dev)
  if (link === undefined || link.loopback) return false
  const router = forwards(ns, 'ipv6', dev)
  if (group === ALL_ROUTERS) return router && link.multicast !== false
  if (link.noarp === true || !inPrefix(group, SOLICITED)) return false
  // One group for each address, and for each subnet's anycast address.
  const low = numberOf(group) & LOW_24
  return link.addresses.some((a) => {
    if (a.family !== 'ipv6') return false
    const number = numberOf(a.address)
    const hostBits = BigInt(128 - a.prefixLength)
    const anycast = router && a.prefixLength > 0 && a.prefixLength < 127
    return (number & LOW_24) === low || (anycast && ((number >> hostBits) << hostBits) % (LOW_24 + 1n) === low)
  })
}
