// The element that a packet stands for in a set: its parts, from the sides that the rule names.
// Kernel: net/netfilter/ipset/ip_set_hash_*.c, ip_set_bitmap_*.c (*_kadt), ip_set_getport.c.

import { isLaterFragment } from '../net/fragment.js'
import { isIcmp, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/proto.js'
import type { SetDirection } from '../netfilter/model.js'
import type { IpSet, SetPart } from '../netns/model.js'
import { applyMask, bitsOf, numberOf } from './address.js'
import { isTrackedWithPorts, protoOf } from './tuple.js'
import type { Skb } from './types.js'

/** What a set's type says its elements are made of, e.g. `['ip', 'port', 'net']`. */
export function partsOf(type: string): string[] {
  return (type.split(':')[1] ?? '').split(',')
}

/** Types whose elements belong to no family. */
export function hasFamily(type: string): boolean {
  return type !== 'bitmap:port' && type !== 'hash:mac' && type !== 'list:set'
}

function maskOf(set: IpSet): string | null {
  const { netmask, bitmask } = set.options
  if (bitmask !== undefined) return bitmask
  if (netmask === undefined) return null
  const bits = bitsOf(set.family)
  const mask = ((1n << BigInt(netmask)) - 1n) << BigInt(bits - Number(netmask))
  return set.family === 'ipv4' ? textOf4(mask) : textOf6(mask)
}

const textOf4 = (n: bigint): string => [24n, 16n, 8n, 0n].map((s) => (n >> s) & 255n).join('.')
const textOf6 = (n: bigint): string =>
  [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((s) => ((n >> s) & 0xffffn).toString(16)).join(':')

/** The port part of a packet: null when it has none to give. */
function portPart(skb: Skb, set: IpSet, side: SetDirection): SetPart | null {
  const { packet } = skb
  const proto = protoOf(packet)
  // Ports stand in the first fragment only.
  if (isLaterFragment(packet) && (isIcmp(proto) || isTrackedWithPorts(proto))) return null
  if (set.type === 'bitmap:port') {
    if (proto !== PROTOCOL_TCP && proto !== PROTOCOL_UDP) return null
    return { part: 'port', proto: 0, port: (side === 'src' ? packet.sport : packet.dport) ?? 0 }
  }
  if (proto === 0) return null
  let port = 0
  if (isIcmp(proto)) port = ((packet.icmp_type ?? 0) << 8) | (packet.icmp_code ?? 0)
  else if (isTrackedWithPorts(proto)) port = (side === 'src' ? packet.sport : packet.dport) ?? 0
  return { part: 'port', proto, port }
}

function isOutside(set: IpSet, part: SetPart): boolean {
  const range = set.options['range']
  if (range === undefined) return false
  const [from = '', to = ''] = range.split('-')
  if (part.part === 'port') return part.port < Number(from) || part.port > Number(to)
  if (part.part !== 'net') return false
  const at = numberOf(part.prefix.split('/')[0]!)
  return at < numberOf(from) || at > numberOf(to)
}

/** Types of IPv4 and IPv6 that do not take the address of nobody in their first part. */
function refusesZero(set: IpSet): boolean {
  if (set.type === 'hash:ip' || set.type === 'hash:ip,port') return true
  return set.family === 'ipv6' && set.type === 'hash:net,net'
}

/** Tells the Ethernet address of a packet on one side: null when it has none. */
export type EtherOf = (skb: Skb, side: SetDirection) => string | null

/**
 * The parts of the packet's element in this set, addresses as hosts; null when it has none there. `dirs` has as many
 * sides as the type has parts.
 */
export function elementOf(skb: Skb, set: IpSet, dirs: readonly SetDirection[], ether: EtherOf): SetPart[] | null {
  const mask = maskOf(set)
  const parts: SetPart[] = []
  for (const [i, kind] of partsOf(set.type).entries()) {
    const side = dirs[i]!
    const address = side === 'src' ? skb.packet.src : skb.packet.dst
    switch (kind) {
      case 'ip':
      case 'net': {
        const plain: SetPart = { part: 'net', prefix: `${address}/${bitsOf(skb.family)}` }
        if (isOutside(set, plain)) return null
        const masked = mask === null ? address : applyMask(address, mask)
        if (i === 0 && refusesZero(set) && numberOf(masked) === 0n) return null
        parts.push({ part: 'net', prefix: `${masked}/${bitsOf(skb.family)}` })
        break
      }
      case 'port': {
        const part = portPart(skb, set, side)
        if (part === null || isOutside(set, part)) return null
        parts.push(part)
        break
      }
      case 'mark': {
        const markmask = set.options['markmask']
        parts.push({ part: 'mark', mark: (skb.mark & Number(markmask ?? 0xffffffff)) >>> 0 })
        break
      }
      case 'iface': {
        const name = side === 'src' ? skb.inIface : skb.outIface
        if (name === null) return null
        parts.push({ part: 'iface', name })
        break
      }
      case 'mac': {
        const mac = ether(skb, side)
        if (mac === null || mac === '00:00:00:00:00:00') return null
        parts.push({ part: 'mac', mac })
        break
      }
    }
  }
  return parts
}

/** For those sets that have no Ethernet addresses. */
export const noEther: EtherOf = () => null
