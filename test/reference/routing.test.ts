// Routing: policy rules, prefixes, martians, filters, answers to routing faults, packets of the host itself.
// Expected values: seen on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PolicyRule } from '../../src/netns/model.js'
import { address, LINKS, link, route, Scene } from './scene.js'

const test = suite('reference: routing')
const eth1 = link('eth1', 4, [address('172.16.0.2/24')])
const byEth0 = { nextHops: [{ dev: 'eth0', via: '192.168.0.1', weight: 1 }] }
const byEth1 = { nextHops: [{ dev: 'eth1', via: '172.16.0.1', weight: 1 }] }
const rule = (parts: Partial<PolicyRule>): PolicyRule => ({
  family: 'ipv4',
  priority: 100,
  not: false,
  action: { type: 'table', table: 100 },
  ...parts,
})
const two = (policyRules: PolicyRule[], more: Parameters<typeof route>[0][] = []): Scene =>
  new Scene({
    links: [...LINKS, eth1],
    policyRules,
    routes: [
      route({ dst: '0.0.0.0/0', ...byEth0 }),
      route({ dst: '0.0.0.0/0', table: 100, ...byEth1 }),
      ...more.map(route),
    ],
  })
const OUT = 'pod0 udp 10.244.0.5:1 > 8.8.8.8:1'

test('policy rules: mark, source, interface, negation, order', () => {
  assert.is(two([]).send(OUT).out_iface, 'eth0')
  assert.is(two([rule({ fwmark: { value: 1, mask: 1 } })]).send(OUT, { mark: 3 }).out_iface, 'eth1')
  assert.is(two([rule({ fwmark: { value: 1, mask: 1 } })]).send(OUT, { mark: 2 }).out_iface, 'eth0')
  assert.is(two([rule({ from: '10.244.0.5/32' })]).send(OUT).out_iface, 'eth1')
  assert.is(two([rule({ from: '10.244.0.5/32', not: true })]).send(OUT).out_iface, 'eth0')
  assert.is(two([rule({ iif: 'pod0' })]).send(OUT).out_iface, 'eth1')
  assert.is(two([rule({ iif: 'lo' })]).send('local udp 192.168.0.2:1 > 8.8.8.8:1').out_iface, 'eth1')
  assert.is(two([rule({ oif: 'eth0' })]).send(OUT).out_iface, 'eth0')
  assert.is(two([rule({ ipproto: 17 })]).send(OUT).out_iface, 'eth1')
  assert.is(two([rule({ priority: 40000 })]).send(OUT).out_iface, 'eth0')
})

test('policy rules: other actions, throw, suppressed prefixes, goto', () => {
  assert.is(
    two([rule({ from: '10.244.0.5/32', action: { type: 'prohibit' } })]).ask(OUT),
    'reject icmp-admin-prohibited',
  )
  assert.is(two([rule({ action: { type: 'nop' } })]).send(OUT).out_iface, 'eth0')
  assert.is(two([rule({})], [{ dst: '8.0.0.0/8', table: 100, type: 'throw' }]).send(OUT).out_iface, 'eth0')
  const suppressed = rule({ action: { type: 'table', table: 254, suppressPrefixLength: 0 } })
  assert.is(two([suppressed, rule({ priority: 101 })]).send(OUT).out_iface, 'eth1')
  assert.is(
    two([rule({ action: { type: 'goto', priority: 32766 } }), rule({ priority: 200 })]).send(OUT).out_iface,
    'eth0',
  )
})

test('the longest prefix, then the metric, in the first table that has one', () => {
  const s = two(
    [],
    [
      { dst: '8.8.0.0/16', ...byEth1, metric: 5 },
      { dst: '8.8.0.0/16', ...byEth0, metric: 6 },
    ],
  )
  assert.is(s.send(OUT).out_iface, 'eth1')
  const down = link('eth1', 4, [address('172.16.0.2/24')], { up: false })
  const dead = new Scene({
    links: [...LINKS, down],
    routes: [route({ dst: '0.0.0.0/0', ...byEth0 }), route({ dst: '8.8.0.0/16', ...byEth1 })],
  })
  assert.is(dead.send(OUT).out_iface, 'eth0')
})

test('routes that lead nowhere', () => {
  const s = new Scene({
    routes: [
      route({ dst: '10.9.1.0/24', type: 'unreachable' }),
      route({ dst: '10.9.2.0/24', type: 'prohibit' }),
      route({ dst: '10.9.3.0/24', type: 'blackhole' }),
      route({ dst: 'fd00:9::/64', type: 'prohibit' }),
      route({ dst: 'fd00:8::/64', type: 'unreachable' }),
    ],
  })
  const from = (to: string): string => s.ask(`eth0 udp 192.168.0.50:1 > ${to}:2`)
  assert.is(from('10.9.1.1'), 'reject icmp-host-unreachable')
  assert.is(from('10.9.2.1'), 'reject icmp-admin-prohibited')
  assert.is(from('10.9.3.1'), 'drop blackhole')
  const here = (to: string): string => s.ask(`local udp 192.168.0.2:1 > ${to}:2`)
  assert.is(here('10.9.1.1'), 'drop unreachable EHOSTUNREACH')
  assert.is(here('10.9.2.1'), 'drop prohibit EACCES')
  assert.is(here('10.9.3.1'), 'drop blackhole EINVAL')
  assert.is(s.ask('eth0 udp [fd00::50]:1 > [fd00:9::1]:2'), 'reject icmp6-adm-prohibited')
  assert.is(s.ask('eth0 udp [fd00::50]:1 > [fd00:8::1]:2'), 'reject icmp6-no-route')
  const bare = new Scene({ links: LINKS })
  assert.is(bare.ask('eth0 udp 192.168.0.50:1 > 9.9.9.9:1'), 'reject icmp-net-unreachable')
  assert.is(bare.ask('local udp 192.168.0.2:1 > 9.9.9.9:1'), 'drop no route ENETUNREACH')
  assert.is(bare.ask('eth0 udp [fd00::50]:1 > [2001:db8::1]:1'), 'reject icmp6-no-route')
})

test('TTL', () => {
  const s = new Scene()
  const a = s.send('eth0 udp 192.168.0.50:1 > 10.244.0.9:2', { ttl: 1 })
  assert.equal(
    [a.reject_with, a.reply?.src, a.reply?.tos, a.reply?.inner?.ttl],
    ['icmp-ttl-exceeded', '192.168.0.2', 192, 1],
  )
  assert.is(a.dropped_by?.reason, 'ttl exceeded')
  assert.is(s.send('eth0 udp 192.168.0.50:1 > 192.168.0.2:2', { ttl: 1 }).verdict, 'local')
  assert.is(s.send('eth0 udp 192.168.0.50:1 > 10.244.0.9:2', { ttl: 2 }).ttl, 1)
  assert.is(s.ask('eth0 udp [fd00::50]:1 > [fd00:10:244::9]:2', { ttl: 1 }), 'reject icmp6-hop-limit-exceeded')
})

test('martians', () => {
  const s = new Scene()
  const to = (src: string, dst: string): string => s.ask(`eth0 udp ${src}:1 > ${dst}:80`)
  assert.is(to('192.168.0.50', '127.0.0.1'), 'drop martian destination')
  assert.is(to('127.0.0.1', '192.168.0.2'), 'drop martian source')
  assert.is(to('10.244.0.1', '192.168.0.2'), 'drop martian source')
  assert.is(to('0.0.0.0', '192.168.0.2'), 'drop martian source')
  assert.is(to('224.0.0.5', '192.168.0.2'), 'drop martian source')
  assert.is(to('192.168.0.50', '0.0.0.0'), 'drop martian destination')
  // Only 0.0.0.0 itself since Linux 5.3.
  assert.is(to('192.168.0.50', '0.0.0.9').slice(0, 7), 'forward')
  assert.is(to('192.168.0.50', '192.168.0.255'), 'local eth0 192.168.0.50:1 > 192.168.0.255:80')
  assert.is(to('192.168.0.50', '255.255.255.255'), 'local eth0 192.168.0.50:1 > 255.255.255.255:80')
  assert.is(to('192.168.0.50', '224.0.0.1'), 'local eth0 192.168.0.50:1 > 224.0.0.1:80')
  assert.is(to('192.168.0.50', '224.0.0.251'), 'drop multicast not for this host')
  assert.is(to('192.168.0.50', '10.244.0.1'), 'local eth0 192.168.0.50:1 > 10.244.0.1:80')
  assert.is(s.ask('eth0 udp [::1]:1 > [fd00::2]:1'), 'drop martian source')
  assert.is(s.ask('eth0 udp [fd00::50]:1 > [::1]:1'), 'drop martian destination')
  assert.equal(s.send('eth0 udp [::1]:1 > [fd00::2]:1').steps, [])
  assert.is(s.ask('eth0 udp [fe80::5]:1 > [fd00:10:244::5]:1'), 'reject icmp6-beyond-scope')
  const lenient = new Scene({
    sysctls: { 'net.ipv4.conf.all.accept_local': '1', 'net.ipv4.conf.eth0.route_localnet': '1' },
  })
  assert.is(lenient.ask('eth0 udp 10.244.0.1:1 > 192.168.0.2:80'), 'local eth0 10.244.0.1:1 > 192.168.0.2:80')
  assert.is(lenient.ask('eth0 udp 192.168.0.50:1 > 127.0.0.1:80'), 'local eth0 192.168.0.50:1 > 127.0.0.1:80')
})

test('reverse path filter', () => {
  const strict = new Scene({ sysctls: { 'net.ipv4.conf.eth0.rp_filter': '1' } })
  assert.is(strict.ask('eth0 udp 10.244.0.5:1 > 192.168.0.2:2'), 'drop rp_filter')
  assert.is(strict.send('pod0 udp 192.168.0.50:1 > 10.244.0.1:2').verdict, 'local')
  assert.is(strict.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:2').verdict, 'forward')
  const loose = new Scene({ links: LINKS, sysctls: { 'net.ipv4.conf.all.rp_filter': '2' } })
  assert.is(loose.send('eth0 udp 10.244.0.5:1 > 192.168.0.2:2').verdict, 'local')
  assert.is(loose.ask('eth0 udp 9.9.9.9:1 > 192.168.0.2:2'), 'drop rp_filter')
})

test('a host that does not forward', () => {
  const s = new Scene({ sysctls: { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' } })
  assert.is(s.ask('eth0 udp 192.168.0.50:1 > 10.244.0.5:1'), 'drop forwarding is off')
  assert.is(s.send('eth0 udp 192.168.0.50:1 > 192.168.0.2:1').verdict, 'local')
  assert.is(s.ask('eth0 udp [fd00::50]:1 > [fd00:10:244::5]:1'), 'drop forwarding is off')
  const one = new Scene({ sysctls: { 'net.ipv4.ip_forward': '0', 'net.ipv4.conf.eth0.forwarding': '1' } })
  assert.is(one.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:1').verdict, 'forward')
  assert.is(one.send('pod0 udp 10.244.0.5:1 > 192.168.0.50:1').verdict, 'drop')
})

test('the host to itself: over lo, the mark, entry and state go along', () => {
  const s = new Scene({
    rules: {
      mangle: `-A PREROUTING -i lo -j MARK --or-mark 0x1
-A OUTPUT -p tcp -m tcp --dport 22 -j MARK --or-mark 0x2
-A INPUT -i lo -j MARK --or-mark 0x4
-A PREROUTING -i lo -m conntrack --ctstate NEW -j MARK --or-mark 0x8`,
      nat: '-A OUTPUT -d 10.96.0.20/32 -p tcp -j DNAT --to-destination 192.168.0.2:22',
    },
  })
  const a = s.send('local tcp 192.168.0.2:1 > 192.168.0.2:22')
  assert.equal([a.verdict, a.in_iface, a.mark], ['local', 'lo', 15])
  const b = s.send('local tcp 192.168.0.2:2 > 10.96.0.20:22')
  assert.equal([b.verdict, b.in_iface, b.dst, b.mark], ['local', 'lo', '192.168.0.2', 15])
})

test('OUTPUT after DNAT still sees the old interface, POSTROUTING the new', () => {
  const s = new Scene({
    rules: {
      nat: '-A OUTPUT -d 10.96.0.1/32 -j DNAT --to-destination 10.244.0.5',
      filter: '-A OUTPUT -o eth0\n-A OUTPUT -o pod0',
      mangle: '-A POSTROUTING -o eth0\n-A POSTROUTING -o pod0',
    },
  })
  const a = s.send('local tcp 192.168.0.2:1 > 10.96.0.1:1')
  assert.is(a.out_iface, 'pod0')
  const rules = a.trace?.filter((t) => t.includes(':rule:'))
  assert.equal(rules, ['nat:OUTPUT:rule:1', 'filter:OUTPUT:rule:1', 'mangle:POSTROUTING:rule:2'])
  const why = a.steps?.flatMap((x) => (x.step === 'route' ? [x.why] : []))
  assert.equal(why, ['output', 'reroute'])
})

test('a mark in mangle OUTPUT re-routes, the source stays', () => {
  const s = new Scene({
    links: [...LINKS, eth1],
    rules: { mangle: '-A OUTPUT -p tcp -j MARK --set-xmark 0x1/0xffffffff' },
    policyRules: [rule({ fwmark: { value: 1, mask: 1 } })],
    routes: [route({ dst: '0.0.0.0/0', ...byEth0 }), route({ dst: '0.0.0.0/0', table: 100, ...byEth1 })],
  })
  assert.is(s.ask('local tcp 192.168.0.2:1 > 8.8.8.8:1'), 'out eth1 192.168.0.2:1 > 8.8.8.8:1')
  assert.is(s.ask('local udp 192.168.0.2:1 > 8.8.8.8:1'), 'out eth0 192.168.0.2:1 > 8.8.8.8:1')
})

test('127.0.0.1 does not leave the host without route_localnet', () => {
  const rules = {
    nat: '-A OUTPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.0.5:8080\n-A POSTROUTING -s 127.0.0.0/8 ! -d 127.0.0.0/8 -j MASQUERADE',
  }
  const from = 'local tcp 127.0.0.1:40000 > 127.0.0.1:30080'
  assert.is(new Scene({ rules }).ask(from), 'drop martian source EINVAL')
  const open = new Scene({ rules, sysctls: { 'net.ipv4.conf.all.route_localnet': '1' } })
  assert.is(open.ask(from), 'out pod0 10.244.0.1:40000 > 10.244.0.5:8080')
  const back = open.ask('pod0 tcp 10.244.0.5:8080 > 10.244.0.1:40000', { flags: 'SA' })
  assert.is(back, 'local pod0 127.0.0.1:30080 > 127.0.0.1:40000')
})

test('what the host sends to all is heard by itself too', () => {
  const s = new Scene({ rules: { mangle: '-A OUTPUT\n-A POSTROUTING\n-A INPUT' } })
  const a = s.send('local udp 192.168.0.2:1 > 192.168.0.255:7')
  assert.equal([a.verdict, a.in_iface], ['local', 'eth0'])
  const hooks = a.trace?.filter((t) => t.includes(':rule:')).map((t) => t.split(':')[1])
  assert.equal(hooks, ['OUTPUT', 'POSTROUTING', 'INPUT', 'POSTROUTING'])
  assert.is(s.ask('local udp 192.168.0.2:1 > 224.0.0.9:7'), 'out eth0 192.168.0.2:1 > 224.0.0.9:7')
  assert.is(s.ask('local udp 224.0.0.1:1 > 192.168.0.50:7'), 'drop invalid source for sending EINVAL')
  assert.is(s.ask('local udp 0.0.0.0:1 > 10.244.0.5:7'), 'out pod0 10.244.0.1:1 > 10.244.0.5:7')
})

test('a port of a bridge speaks for the bridge', () => {
  const links = [
    ...LINKS,
    link('cni0', 5, [address('10.1.0.1/24')], { kind: 'bridge' }),
    link('veth1', 6, [], { master: 'cni0' }),
  ]
  const s = new Scene({ links, rules: { mangle: '-A PREROUTING -i cni0 -j MARK --set-xmark 0x1/0xffffffff' } })
  assert.is(s.send('veth1 udp 10.1.0.5:1 > 10.244.0.5:1').mark, 1)
})

test('the clock and the interface are checked', () => {
  const s = new Scene()
  s.send(OUT, { at_ms: 5 })
  assert.throws(() => s.send(OUT, { at_ms: 4 }), /backwards/)
  assert.throws(() => s.send('eth7 udp 10.244.0.5:1 > 8.8.8.8:1'), /unknown interface/)
  assert.is(s.engine.now, 5)
})

test.run()
