// The Ethernet header of a packet that comes in, as far as it decides anything: given, or as its sender would have made it.
// Kernel: net/ethernet/eth.c (eth_type_trans), net/ipv4/arp.c (arp_mc_map), net/bridge/br_input.c (br_handle_frame).

import type { Packet, PacketType } from '../net/packet.js'
import { type CompleteBridge, hostBehind } from '../netns/bridges.js'
import type { Link, NetworkNamespace } from '../netns/model.js'
import { inPrefix, isMulticast, numberOf } from './address.js'
import { NO_MAC } from './fdb.js'
import { isOwnAddress } from './source.js'
import type { World } from './types.js'

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'
/** An Ethernet address that nobody knows here: another host's. */
export const UNKNOWN = ''

/** Of a frame. `src` undefined: not known. */
export interface Ether {
  readonly src: string | undefined
  readonly dst: string
}

/** The group bit of an Ethernet address. */
export function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1
}

/** The Ethernet address of a multicast address. */
export function groupAddress(address: string): string {
  const four = !address.includes(':')
  const low = Number(numberOf(address) & (four ? 0x7fffffn : 0xffffffffn))
  const bytes = [24, 16, 8, 0].map((shift) => ((low >>> shift) & 255).toString(16).padStart(2, '0'))
  return four ? `01:00:5e:${bytes.slice(1).join(':')}` : `33:33:${bytes.join(':')}`
}

/** The address that all hosts of one of the link's IPv4 subnets hear, or all of its wire. */
function isBroadcast(link: Link, address: string): boolean {
  if (address === '255.255.255.255') return true
  if (address.includes(':')) return false
  return link.addresses.some((a) => {
    if (a.family !== 'ipv4' || a.prefixLength > 30) return false
    const rest = (1n << BigInt(32 - a.prefixLength)) - 1n
    return inPrefix(address, `${a.address}/${a.prefixLength}`) && (numberOf(address) & rest) === rest
  })
}

/** The Ethernet address of an IP address on an interface; undefined: not known. */
export function neighbour(ns: NetworkNamespace, dev: string, address: string): string | undefined {
  return ns.neighbours?.find((n) => n.dev === dev && n.address === address)?.mac
}

/**
 * What a sender beyond this interface writes as destination; `link` is where the host's addresses are. To another host of
 * its subnets it sends straight, whether or not that one's Ethernet address is known here; to the rest by this host.
 */
function writtenTo(ns: NetworkNamespace, link: Link, dst: string): string {
  if (isMulticast(dst)) return groupAddress(dst)
  if (isBroadcast(link, dst)) return BROADCAST
  const near = link.addresses.some((a) => inPrefix(dst, `${a.address}/${a.prefixLength}`))
  if (near && !isOwnAddress(ns, dst)) return neighbour(ns, link.name, dst) ?? UNKNOWN
  return link.mac ?? NO_MAC
}

/** The kind of a frame at an interface with these own addresses. */
function typeOf(dst: string, own: readonly (string | undefined)[]): PacketType {
  if (dst === BROADCAST) return 'broadcast'
  if (isGroup(dst)) return 'multicast'
  return own.includes(dst) ? 'host' : 'otherhost'
}

export interface Arrival {
  readonly ether: Ether | null
  readonly pktType: PacketType
}

/** By an interface that is no port of a bridge. */
export function arrival(link: Link | undefined, packet: Packet): Arrival {
  if (link?.mac === undefined) return { ether: null, pktType: packet.pkttype ?? 'host' }
  let dst = packet.mac_dst ?? link.mac
  if (packet.mac_dst === undefined) {
    if (isMulticast(packet.dst)) dst = groupAddress(packet.dst)
    else if (isBroadcast(link, packet.dst)) dst = BROADCAST
  }
  return { ether: { src: packet.mac, dst }, pktType: packet.pkttype ?? typeOf(dst, [link.mac]) }
}

/** By a port of a bridge. */
export function portArrival(world: World, bridge: CompleteBridge, port: string, packet: Packet): Arrival {
  const { ns } = world
  const link = ns.links.find((l) => l.name === bridge.name)!
  const dst = packet.mac_dst ?? writtenTo(ns, link, packet.dst)
  const listed = neighbour(ns, bridge.name, packet.src)
  const behind = listed === undefined ? undefined : world.bridges.find(bridge, listed, world.now)
  const src = packet.mac ?? (behind?.port === port && !behind.local ? listed : hostBehind(ns, port))
  const own = [link.mac ?? NO_MAC, ns.links.find((l) => l.name === port)?.mac]
  return { ether: { src, dst }, pktType: packet.pkttype ?? typeOf(dst, own) }
}
