// ipsets: is a packet in a set? Kernel: net/netfilter/ipset/ip_set_hash_*.c, ip_set_bitmap_*.c, ip_set_list_set.c.
// Owns the membership test; sets do not change while packets run.

import { isIcmp, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/proto.js'
import type { SetDirection } from '../netfilter/model.js'
import type { IpSet, SetEntry, SetPart } from '../netns/model.js'
import { inPrefix, maskedOf } from './address.js'
import { isTrackedWithPorts, protoOf } from './tuple.js'
import type { Skb, World } from './types.js'

/** What a set's type says its elements are made of, e.g. `['ip', 'port', 'net']`. */
function partsOf(type: string): string[] {
  return (type.split(':')[1] ?? '').split(',')
}

function port(skb: Skb, direction: SetDirection): number | undefined {
  const { packet } = skb
  const proto = protoOf(packet)
  if (isIcmp(proto)) return ((packet.icmp_type ?? 0) << 8) | (packet.icmp_code ?? 0)
  if (isTrackedWithPorts(proto)) return direction === 'src' ? packet.sport : packet.dport
  return proto === 0 ? undefined : 0
}

function matchesPart(skb: Skb, part: SetPart, direction: SetDirection): boolean {
  switch (part.part) {
    case 'net':
      return inPrefix(direction === 'src' ? skb.packet.src : skb.packet.dst, part.prefix)
    case 'port': {
      const known = part.proto === 0 || part.proto === protoOf(skb.packet)
      return known && part.port === port(skb, direction)
    }
    case 'iface': {
      const iface = direction === 'src' ? skb.inIface : skb.outIface
      if (iface === null) return false
      return part.name.endsWith('+') ? iface.startsWith(part.name.slice(0, -1)) : iface === part.name
    }
    case 'mark':
      return part.mark === skb.mark
    case 'mac':
      return skb.packet.mac !== undefined && part.mac.toLowerCase() === skb.packet.mac
    case 'set':
      return false
  }
}

/** Longer networks decide before shorter ones. */
function lengths(entry: SetEntry): number[] {
  return entry.parts.flatMap((p) => (p.part === 'net' ? [maskedOf(p.prefix).length] : []))
}

function moreSpecific(a: SetEntry, b: SetEntry): number {
  const [x, y] = [lengths(a), lengths(b)]
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return (y[i] ?? 0) - (x[i] ?? 0)
  return 0
}

function isAlive(entry: SetEntry, world: World): boolean {
  return entry.timeout === undefined || world.now < entry.timeout * 1000
}

/** The test of one set by its name; a set that does not exist holds nothing. */
export function inSet(
  world: World,
  skb: Skb,
  name: string,
  dirs: readonly SetDirection[],
  returnNomatch = false,
): boolean {
  const set = world.ns.sets.find((s) => s.name === name)
  return set !== undefined && testSet(world, skb, set, dirs, returnNomatch)
}

function testSet(world: World, skb: Skb, set: IpSet, dirs: readonly SetDirection[], returnNomatch: boolean): boolean {
  const live = set.entries.filter((e) => isAlive(e, world))
  if (set.type === 'list:set') {
    const names = live.flatMap((e) => e.parts.flatMap((p) => (p.part === 'set' ? [p.name] : [])))
    return names.some((n) => inSet(world, skb, n, dirs, returnNomatch))
  }
  const parts = partsOf(set.type)
  if (dirs.length < parts.length) return false
  const needsFamily = set.type !== 'bitmap:port' && set.type !== 'hash:mac'
  if (needsFamily && set.family !== skb.family) return false
  if (set.type === 'bitmap:port' && ![PROTOCOL_TCP, PROTOCOL_UDP].includes(protoOf(skb.packet))) return false
  const hits = live.filter((e) => e.parts.every((p, i) => matchesPart(skb, p, dirs[i]!)))
  const best = hits.sort(moreSpecific)[0]
  // Types without networks have no `nomatch` elements, and --return-nomatch means nothing to them.
  return best !== undefined && best.nomatch === (returnNomatch && parts.includes('net'))
}
