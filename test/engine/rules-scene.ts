// The namespace of test/engine/rules.test.ts: its links and routes, and random sets.
import fc from 'fast-check'
import type { Family, Ruleset } from '../../src/netfilter/model.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { IpSet, Link, NetworkNamespace, Route, SetEntry } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'
import { ADDRESSES, PORTS, PREFIXES, SET_NAMES } from './rules-words.js'

function entries(type: string, family: Family): fc.Arbitrary<SetEntry[]> {
  const bits = family === 'ipv6' ? 128 : 32
  const ip = fc.constantFrom(...ADDRESSES[family]).map((a) => ({ part: 'net' as const, prefix: `${a}/${bits}` }))
  const nets = PREFIXES[family].filter((p) => !p.includes('4/') && !p.endsWith('/0'))
  const net = fc.constantFrom(...nets).map((prefix) => ({ part: 'net' as const, prefix }))
  const port = fc
    .tuple(fc.constantFrom(6, 17, 132), fc.constantFrom(...PORTS))
    .map(([proto, p]) => ({ part: 'port' as const, proto, port: p }))
  const iface = fc.constantFrom('eth0', 'eth1', 'gone').map((name) => ({ part: 'iface' as const, name }))
  const set = fc
    .constantFrom(`hash:ip-${family}`, `hash:net,port-${family}`)
    .map((name) => ({ part: 'set' as const, name }))
  const bare = fc.constantFrom(...PORTS).map((p) => ({ part: 'port' as const, proto: 0, port: p }))
  const kinds = { ip, net, port, iface, set }
  const parts =
    type === 'bitmap:port'
      ? fc.tuple(bare)
      : fc.tuple(
          ...(type.split(':')[1] ?? '').split(',').map((k) => kinds[k as keyof typeof kinds] as fc.Arbitrary<unknown>),
        )
  const knowsNomatch = type.includes('net')
  const entry = fc
    .tuple(parts, fc.boolean(), fc.option(fc.constantFrom(1, 4), { nil: undefined }))
    .map(([p, nomatch, timeout]) => ({
      parts: p as SetEntry['parts'],
      nomatch: knowsNomatch && nomatch,
      ...(timeout === undefined ? {} : { timeout }),
    }))
  return fc.uniqueArray(entry, { maxLength: 8, selector: (e) => JSON.stringify(e.parts) })
}

/** Sets of every kind, for both families. */
export const sets: fc.Arbitrary<IpSet[]> = fc.tuple(
  ...(['ipv4', 'ipv6'] as const).flatMap((family) =>
    SET_NAMES.map((type) =>
      entries(type, family).map((e): IpSet => ({ name: `${type}-${family}`, type, family, entries: e, options: {} })),
    ),
  ),
  entries('bitmap:port', 'ipv4').map(
    (e): IpSet => ({ name: 'bitmap:port-ipv4', type: 'bitmap:port', family: 'ipv4', entries: e, options: {} }),
  ),
)

function link(name: string, index: number, v4: string, v6: string): Link {
  const loopback = name === 'lo'
  const scope = loopback ? ('host' as const) : ('global' as const)
  return {
    name,
    index,
    up: true,
    loopback,
    kind: loopback ? '' : 'tun',
    mtu: 1500,
    addresses: [
      { address: v4, prefixLength: loopback ? 8 : 24, family: 'ipv4', scope },
      { address: v6, prefixLength: loopback ? 128 : 64, family: 'ipv6', scope },
    ],
  }
}

const LINKS: readonly Link[] = [
  link('lo', 1, '127.0.0.1', '::1'),
  link('eth0', 2, '10.0.0.1', 'fd00:1::1'),
  link('eth1', 3, '10.1.0.1', 'fd00:2::1'),
]

const ROUTES: readonly Route[] = [
  ...deriveRoutes(LINKS),
  ...(['ipv4', 'ipv6'] as const).map(
    (family): Route => ({
      family,
      table: 254,
      type: 'unicast',
      dst: family === 'ipv4' ? '0.0.0.0/0' : '::/0',
      nextHops: [{ dev: 'eth1', via: family === 'ipv4' ? '10.1.0.254' : 'fd00:2::fe', weight: 1 }],
      metric: family === 'ipv4' ? 0 : 1024,
      scope: 'global',
      tos: 0,
    }),
  ),
]

/** A namespace with three links (`lo`, `eth0`, `eth1`) and default routes by `eth1`. */
export function namespaceOf(rulesets: readonly Ruleset[], ipsets: readonly IpSet[]): NetworkNamespace {
  return {
    name: 'test',
    links: LINKS,
    routes: ROUTES,
    policyRules: [...defaultPolicyRules('ipv4'), ...defaultPolicyRules('ipv6')],
    rulesets,
    sets: ipsets,
    sysctls: {},
    connections: [],
    forceConntrack: false,
    assumed: [],
  }
}
