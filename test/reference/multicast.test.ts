// Which IPv6 multicast packets a host takes: on a link with address resolution the groups that its addresses solicit. As
// `ip -6 maddr` of Linux 6.18 lists them for such a link, forwarding on and off.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { Link, NetworkNamespace } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'
import { ReferenceEngine } from '../../src/reference/index.js'

const address = (text: string, prefixLength: number): Link['addresses'][number] => ({
  address: text,
  prefixLength,
  family: 'ipv6',
  scope: 'global',
})
const lo: Link = { name: 'lo', index: 1, up: true, loopback: true, kind: '', mtu: 65536, addresses: [] }

function namespace(forwarding: boolean, more: Partial<Link>): NetworkNamespace {
  const addresses = [address('fd00:5::7788:99aa', 112), address('fd00::1:2:3', 64)]
  const link = { name: 'e0', index: 2, up: true, loopback: false, kind: 'veth', mtu: 1500, addresses, ...more }
  return {
    name: 'groups',
    links: [lo, link],
    routes: deriveRoutes([lo, link], { forwarding6: forwarding }),
    policyRules: defaultPolicyRules('ipv6'),
    rulesets: [],
    sets: [],
    sysctls: { 'net.ipv6.conf.all.forwarding': forwarding ? '1' : '0' },
    connections: [],
    forceConntrack: false,
    assumed: [],
  }
}

function taken(ns: NetworkNamespace): string[] {
  const groups = ['ff02::1:ff88:0', 'ff02::1:ff88:99aa', 'ff02::1:ff02:3', 'ff02::1:ff00:0', 'ff02::2', 'ff02::1']
  const all = [...groups, 'ff05::2', 'ff02::1:ff00:1', 'ff02::5']
  const packet = { iface: 'e0', proto: 'icmpv6', src: 'fd00::9', icmp_type: 135, ttl: 255 } as const
  const of = [new ReferenceEngine(ns), new Engine(ns)].map((engine) =>
    all.filter((dst) => engine.process({ ...packet, dst }).verdict === 'local'),
  )
  assert.equal(of[0], of[1])
  return of[1]!
}

const it = suite('IPv6 multicast groups')
const addresses = ['ff02::1:ff88:99aa', 'ff02::1:ff02:3']

it('a router takes what is for all routers, its addresses and the anycast addresses of its subnets', () => {
  assert.equal(taken(namespace(true, {})), ['ff02::1:ff88:0', ...addresses, 'ff02::1:ff00:0', 'ff02::2', 'ff02::1'])
})

it('a host takes what is for its addresses', () => {
  assert.equal(taken(namespace(false, {})), [...addresses, 'ff02::1'])
})

it('without address resolution nothing is solicited, without MULTICAST no router', () => {
  assert.equal(taken(namespace(true, { noarp: true })), ['ff02::2', 'ff02::1'])
  assert.equal(taken(namespace(true, { noarp: true, multicast: false })), ['ff02::1'])
})

it.run()
