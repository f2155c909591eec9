// The small pools that the random rules of test/engine/rules.test.ts, their sets and their packets are made of.
import fc from 'fast-check'
import type { Negatable, Range } from '../../src/netfilter/model.js'

export const PREFIXES = {
  ipv4: ['10.0.0.0/24', '10.0.0.5/32', '10.1.0.0/16', '192.168.7.0/25', '0.0.0.0/0', '10.0.0.4/255.255.0.4'],
  ipv6: ['fd00:1::/64', 'fd00:1::5/128', 'fd00:2::/48', '::/0', 'fd00:1::4/ffff::4', 'fd00:3::7/128'],
} as const
export const ADDRESSES = {
  ipv4: ['10.0.0.5', '10.0.0.4', '10.1.0.9', '192.168.7.9', '192.168.7.130', '10.0.0.1'],
  ipv6: ['fd00:1::5', 'fd00:1::4', 'fd00:2::9', 'fd00:3::7', 'fd00:1:0:1::4', 'fd00:1::1'],
} as const
export const PORTS: readonly number[] = [0, 53, 80, 443, 1000, 1001, 8080, 65535]
export const IFACES: readonly string[] = ['eth0', 'eth1', 'eth+', '+', 'cni0', 'absent']

export const negatable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Negatable<T>> =>
  fc.record({ not: fc.boolean(), value })
export const range: fc.Arbitrary<Range> = fc
  .tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS), fc.boolean())
  .map(([a, b, one]) => (one ? { from: a, to: a } : { from: Math.min(a, b), to: Math.max(a, b) }))
export const masked: fc.Arbitrary<{ value: number; mask: number }> = fc.record({
  value: fc.integer({ min: 0, max: 7 }),
  mask: fc.constantFrom(1, 3, 7, 0xffffffff),
})

/** An optional key: left out when the value is undefined. */
export function optional<T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>
}

export const SET_NAMES = [
  'hash:ip',
  'hash:net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:net,net',
  'hash:net,iface',
  'list:set',
] as const
