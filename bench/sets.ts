// Namespaces for the bench of ipsets: one rule that asks a set of many elements for each packet's source.
// Owns the sets and the packets; half of the packets are in them.
import type { Packet } from '../src/net/packet.js'
import type { IpSet, NetworkNamespace } from '../src/netns/model.js'
import { generator } from './fixtures.js'

const address = (n: number): string => `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`

/** `hash:ip`: every 64th address; `hash:net`: likewise, of the lengths 26, 28 and 32. */
function elements(type: 'hash:ip' | 'hash:net', count: number): IpSet['entries'] {
  const lengths = type === 'hash:ip' ? [32] : [32, 28, 26]
  return Array.from({ length: count }, (_, i) => ({
    parts: [{ part: 'net' as const, prefix: `${address(i * 64)}/${lengths[i % lengths.length]}` }],
    nomatch: false,
  }))
}

/** The namespace with the rule; `type` null: with a rule that asks for nothing but a mark. */
export function withSet(base: NetworkNamespace, type: 'hash:ip' | 'hash:net' | null, count: number): NetworkNamespace {
  const counters = { packets: 0n, bytes: 0n }
  const set: IpSet = {
    name: 'S',
    type: type ?? 'hash:ip',
    family: 'ipv4',
    entries: type === null ? [] : elements(type, count),
    options: { maxelem: '1000000' },
  }
  const mark = { match: 'mark' as const, mark: { not: false, value: { value: 5, mask: 0xffffffff } } }
  const asks = { match: 'set' as const, not: false, name: 'S', dirs: ['src' as const] }
  const rule = { matches: [type === null ? mark : asks], line: 0 }
  const chain = { name: 'PREROUTING', policy: 'ACCEPT' as const, counters, rules: [rule] }
  const raw = { name: 'raw' as const, chains: [chain] }
  return {
    ...base,
    rulesets: [{ family: 'ipv4', backend: 'legacy', file: '', tables: [raw] }],
    sets: [set],
  }
}

/** A packet from an element's first address, or from the address after the last of its network. */
export function setPackets(iface: string, dst: string, count: number, of: number): Packet[] {
  const random = generator(17)
  return Array.from({ length: count }, (): Packet => {
    const src = address((random() % of) * 64 + (random() % 2) * 63)
    return { iface, proto: 'udp', src, dst, sport: 1000, dport: 2000, ttl: 64 }
  })
}
