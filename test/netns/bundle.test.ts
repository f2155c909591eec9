// A bundle's files to a whole namespace: what is read, what is assumed, what is refused. And the example bundle.
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FaultError } from '../../src/net/fault.js'
import { type BundleOptions, readBundle } from '../../src/netns/bundle.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import { readAddresses } from '../../src/netns/links.js'
import type { Route } from '../../src/netns/model.js'
import { readBundlePath } from '../../src/netns/node/read-bundle.js'

const test = suite('netns: bundles')

const ADDR = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
{"ifindex":2,"ifname":"eth0","flags":["BROADCAST","UP"],"mtu":1500,"addr_info":[{"local":"192.168.0.2","prefixlen":24,"broadcast":"192.168.0.255","scope":"global"}]}]`
const RULES = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
const NAT =
  '*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n'
const least = { 'ip-addr.json': ADDR, 'iptables-save': RULES }

const read = (files: Record<string, string | Uint8Array>, options: BundleOptions = {}) =>
  readBundle(new Map(Object.entries(files)), options)
const faults = (files: Record<string, string | Uint8Array>, options: BundleOptions = {}): string[] => {
  try {
    read(files, options)
  } catch (error) {
    if (error instanceof FaultError) return error.message.split('\n')
    throw error
  }
  return []
}
const short = (r: Route): string =>
  `${r.type} ${r.dst} ${r.nextHops.map((h) => h.dev).join()} ${r.table} ${r.scope} ${r.prefsrc ?? '-'} ${r.metric}`

test('the least bundle: everything else is assumed, one sentence each', () => {
  const ns = read(least)
  assert.equal(
    ns.links.map((l) => l.name),
    ['lo', 'eth0'],
  )
  assert.equal(ns.routes.map(short), [
    'local 127.0.0.1/32 lo 255 host 127.0.0.1 0',
    'local 127.0.0.0/8 lo 255 host 127.0.0.1 0',
    'broadcast 127.255.255.255/32 lo 255 link 127.0.0.1 0',
    'local 192.168.0.2/32 eth0 255 host 192.168.0.2 0',
    'broadcast 192.168.0.255/32 eth0 255 link 192.168.0.2 0',
    'unicast 192.168.0.0/24 eth0 254 link 192.168.0.2 0',
  ])
  assert.equal(
    ns.policyRules.map((r) => `${r.family} ${r.priority}`),
    ['ipv4 0', 'ipv6 0', 'ipv4 32766', 'ipv6 32766', 'ipv4 32767'],
  )
  assert.equal({ ...ns.sysctls }, { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '1' })
  assert.equal([ns.rulesets.length, ns.rulesets[0]!.backend, ns.forceConntrack], [1, 'legacy', false])
  assert.equal(ns.assumed, [
    'no ip-link.json: the kinds of the interfaces are not known',
    'no sysctls: every setting has the value of a new namespace',
    'net.ipv4.ip_forward = 1 because the bundle does not say it',
    'net.ipv6.conf.all.forwarding = 1 because the bundle does not say it',
    'no ip-route.json: only the IPv4 routes that follow from the addresses',
    'no ip-route6.json: only the IPv6 routes that follow from the addresses',
    'no ip-rule.json: the IPv4 policy rules of a new namespace',
    'no ip-rule6.json: the IPv6 policy rules of a new namespace',
    'no ip6tables-save: no rules of that family',
  ])
})

test('with a cluster, kube-proxy and kubeadm have set two sysctls, unless the bundle says otherwise', () => {
  const ns = read(least, { cluster: true })
  assert.equal(
    [ns.sysctls['net.ipv4.conf.all.route_localnet'], ns.sysctls['net.bridge.bridge-nf-call-iptables']],
    ['1', '1'],
  )
  const told = read(
    { ...least, sysctls: 'net.bridge.bridge-nf-call-iptables = 0\nnet.ipv4.ip_forward = 0\n' },
    { cluster: true },
  )
  assert.equal([told.sysctls['net.bridge.bridge-nf-call-iptables'], told.sysctls['net.ipv4.ip_forward']], ['0', '0'])
})

test('routes of both families in one file, and in two', () => {
  const both = '[{"dst":"10.9.0.0/16","dev":"eth0"},{"dst":"fd09::/16","dev":"eth0","metric":1024,"pref":"medium"}]'
  const six = '[{"dst":"fd0a::/16","dev":"eth0","metric":1024,"pref":"medium"}]'
  const dsts = (files: Record<string, string>): string[] => read({ ...least, ...files }).routes.map((r) => r.dst)
  assert.equal(dsts({ 'ip-route.json': both }), ['10.9.0.0/16', 'fd09::/16'])
  assert.equal(dsts({ 'ip-route.json': both, 'ip-route6.json': six }), ['10.9.0.0/16', 'fd0a::/16'])
  assert.equal(dsts({ 'ip-route.json': both, 'ip-route6.json': '' }), ['10.9.0.0/16'])
})

test('connections: conntrack then runs, and nat counts as done where the namespace has a nat table', () => {
  const line =
    'ipv4 2 udp 17 28 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 mark=0 use=1\n'
  const plain = read({ ...least, conntrack: line, conntrack6: '' })
  assert.equal([plain.connections.length, plain.forceConntrack], [1, true])
  assert.equal(plain.connections[0]!.status, ['SEEN_REPLY', 'CONFIRMED'])
  const nat = read({ ...least, 'iptables-save': RULES + NAT, conntrack: line })
  assert.equal(nat.connections[0]!.status, ['SEEN_REPLY', 'CONFIRMED', 'SRC_NAT_DONE', 'DST_NAT_DONE'])
})

test('faults of several files at once, each with its file', () => {
  const found = faults(
    {
      ...least,
      'ip-route.json': '[{"dst":"x","dev":"eth0"}]',
      'ipset-save': 'frob\n',
      'iptables-save': '*filter\n-A NOPE -j X\nCOMMIT\n',
    },
    { path: 'node' },
  )
  assert.match(
    found.find((f) => f.startsWith('node/ip-route.json'))!,
    /^node\/ip-route.json:1:9: `dst`: `x` is not a prefix/,
  )
  assert.match(found.find((f) => f.startsWith('node/ipset-save'))!, /^node\/ipset-save:1:1: unknown command `frob`/)
  assert.ok(found.some((f) => f.startsWith('node/iptables-save:2:')))
})

test('bad files: one clear fault each', () => {
  const one = (files: Record<string, string | Uint8Array>, pattern: RegExp, options: BundleOptions = {}): void => {
    const found = faults(files, options)
    assert.is(found.length, 1, found.join('\n'))
    assert.match(found[0]!, pattern)
  }
  one({}, /^ip-addr.json: the bundle lacks this file/)
  one({ 'ip-addr.json': ADDR }, /^iptables-save: the bundle has neither/)
  one({ ...least, 'ip-addr.json': '' }, /^ip-addr.json:1:1: the file is empty/)
  one({ ...least, 'ip-addr.json': Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0xff]) }, /^ip-addr.json: not UTF-8 text/)
  one({ ...least, 'iptables-save': 'a\u0000b' }, /^iptables-save:1: a binary file/)
  one({ ...least, 'ip-route.json': '' }, /^ip-route.json:1:1: the file is empty/)
  one({ ...least, 'ip-rule.json': '[{"__proto__":{}}]' }, /^ip-rule.json:1:2: the rule has no `table`/)
  one({ ...least, 'ip-neigh.json': '[' }, /^ip-neigh.json:1:2: /)
  one({ ...least, sysctls: 'x'.repeat(101) }, /^sysctls:1: a line of 101 characters; the limit is 100/, {
    maxLineLength: 100,
  })
  one({ ...least, 'ip-link.json': '[[[[[]]]]]' }, /^ip-link.json:1:5: JSON nests deeper than 4 levels/, { maxDepth: 4 })
})

test('derived routes: secondary, peer, /31, /32, a link that is down, IPv6 on three kinds of link', () => {
  // The addresses, and the routes, of a network namespace of Linux 6.18.
  const text = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"addr_info":[{"local":"10.8.0.1","prefixlen":24,"scope":"global"},{"local":"fd0a::1","prefixlen":64,"scope":"global"},{"local":"::1","prefixlen":128,"scope":"host"}]},
{"ifindex":3,"ifname":"d0","flags":["UP"],"addr_info":[{"local":"10.0.0.1","prefixlen":24,"broadcast":"10.0.0.255","scope":"global"},{"local":"10.0.9.1","prefixlen":32},{"local":"10.0.8.0","prefixlen":31},
 {"local":"10.0.5.1","address":"10.0.6.0","prefixlen":30},{"local":"10.0.0.2","prefixlen":24,"secondary":true},{"local":"fd00:5::1","address":"fd00:6::1","prefixlen":64},{"local":"fd00:3::","prefixlen":127},{"local":"fd00:2::1","prefixlen":128}]},
{"ifindex":5,"ifname":"d1","flags":[],"addr_info":[{"local":"10.1.0.1","prefixlen":24,"broadcast":"10.1.0.255"},{"local":"fd01::1","prefixlen":64}]}]`
  const want = `local 10.8.0.1/32 lo 255 host 10.8.0.1 0
local 10.8.0.0/24 lo 255 host 10.8.0.1 0
broadcast 10.8.0.255/32 lo 255 link 10.8.0.1 0
local fd0a::1/128 lo 255 global - 0
anycast fd0a::/128 lo 255 global - 0
unicast fd0a::/64 lo 254 global - 256
local ::1/128 lo 255 global - 0
local 10.0.0.1/32 d0 255 host 10.0.0.1 0
broadcast 10.0.0.255/32 d0 255 link 10.0.0.1 0
unicast 10.0.0.0/24 d0 254 link 10.0.0.1 0
local 10.0.9.1/32 d0 255 host 10.0.9.1 0
local 10.0.8.0/32 d0 255 host 10.0.8.0 0
unicast 10.0.8.0/31 d0 254 link 10.0.8.0 0
local 10.0.5.1/32 d0 255 host 10.0.5.1 0
unicast 10.0.6.0/30 d0 254 link 10.0.5.1 0
broadcast 10.0.6.3/32 d0 255 link 10.0.5.1 0
local 10.0.0.2/32 d0 255 host 10.0.0.1 0
local fd00:5::1/128 d0 255 global - 0
anycast fd00:5::/128 d0 255 global - 0
unicast fd00:5::/64 d0 254 global - 256
unicast fd00:6::1/128 d0 254 global - 256
multicast ff00::/8 d0 255 global - 256
local fd00:3::/128 d0 255 global - 0
unicast fd00:3::/127 d0 254 global - 256
local fd00:2::1/128 d0 255 global - 0
unicast fd00:2::1/128 d0 254 global - 256
local 10.1.0.1/32 d1 255 host 10.1.0.1 0
local fd01::1/128 d1 255 global - 0
anycast fd01::/128 d1 255 global - 0`
  const links = readAddresses(text, { file: 'f' })
  assert.is(deriveRoutes(links).map(short).join('\n'), want)
  assert.is(
    deriveRoutes(links, { forwarding6: false }).some((r) => r.type === 'anycast'),
    false,
  )
})

test('the example bundle is a whole node', () => {
  const ns = readBundlePath(fileURLToPath(new URL('../../examples/node-bundle', import.meta.url)))
  assert.equal(
    ns.links.map((l) => l.name).filter((n) => !n.startsWith('veth')),
    ['lo', 'eth0'],
  )
  assert.is(ns.links.length, 6)
  assert.is(ns.links.find((l) => l.name === 'eth0')!.addresses[0]!.address, '192.168.10.11')
  assert.equal(
    ns.rulesets.map((r) => [r.family, r.backend]),
    [
      ['ipv4', 'nft'],
      ['ipv6', 'nft'],
    ],
  )
  assert.is(ns.connections.length, 7)
  assert.equal(
    ns.assumed.filter((a) => a.startsWith('no ')),
    [],
  )
})

test.run()
