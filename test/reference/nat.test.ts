// Translation: what is bound, which address and port are chosen, replies and errors turned back. Expected values: seen on
// Linux 6.18; ports that the kernel draws are worked out from the pinned draws.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readRules } from '../../src/netfilter/read.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { address, LINKS, link, namespace, packet, route, rulesText, Scene, told } from './scene.js'

const test = suite('reference: nat')
const MASQ = { nat: '-A POSTROUTING -s 10.244.0.0/24 -o eth0 -j MASQUERADE' }

test('DNAT there, back, and once more; other ports are left alone', () => {
  const s = new Scene({
    rules: { nat: '-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.5:8080' },
  })
  const there = 'eth0 tcp 192.168.0.50:40000 > 10.96.0.10:80'
  assert.is(s.ask(there), 'forward pod0 192.168.0.50:40000 > 10.244.0.5:8080')
  const back = s.ask('pod0 tcp 10.244.0.5:8080 > 192.168.0.50:40000', { flags: 'SA' })
  assert.is(back, 'forward eth0 10.96.0.10:80 > 192.168.0.50:40000')
  assert.is(s.ask(there, { flags: 'A' }), 'forward pod0 192.168.0.50:40000 > 10.244.0.5:8080')
  assert.is(s.ask('eth0 tcp 192.168.0.50:40001 > 10.96.0.10:81'), 'forward eth0 192.168.0.50:40001 > 10.96.0.10:81')
  assert.is(s.ask('local tcp 192.168.0.2:40002 > 10.96.0.10:80'), 'out eth0 192.168.0.2:40002 > 10.96.0.10:80')
})

test('MASQUERADE keeps the port, another client gets another, and keeps it towards other servers', () => {
  const s = new Scene({ rules: MASQ })
  assert.is(s.ask('pod0 tcp 10.244.0.5:50000 > 8.8.8.8:443'), 'forward eth0 192.168.0.2:50000 > 8.8.8.8:443')
  // The second packet's start is 46620: 1024 + 46620 mod 64512.
  assert.is(s.ask('pod0 tcp 10.244.0.6:50000 > 8.8.8.8:443'), 'forward eth0 192.168.0.2:47644 > 8.8.8.8:443')
  assert.is(s.ask('pod0 tcp 10.244.0.6:50000 > 8.8.4.4:443'), 'forward eth0 192.168.0.2:47644 > 8.8.4.4:443')
  assert.is(s.ask('pod0 tcp 10.244.0.7:50000 > 8.8.4.4:443'), 'forward eth0 192.168.0.2:50000 > 8.8.4.4:443')
  const back = s.ask('eth0 tcp 8.8.8.8:443 > 192.168.0.2:47644', { flags: 'SA' })
  assert.is(back, 'forward pod0 8.8.8.8:443 > 10.244.0.6:50000')
})

test('low ports stay low', () => {
  const s = new Scene({ rules: MASQ })
  const sport = (from: string): number => s.send(`pod0 tcp ${from} > 8.8.8.8:80`).sport ?? 0
  assert.is(sport('10.244.0.5:300'), 300)
  assert.ok(sport('10.244.0.6:300') < 512)
  assert.is(sport('10.244.0.5:520'), 520)
  const between = sport('10.244.0.6:520')
  assert.ok(between >= 600 && between < 1024, `${between}`)
})

test('an address out of a range is chosen by a hash', () => {
  const s = new Scene({
    rules: {
      nat: `-A PREROUTING -d 10.96.1.2/32 -p tcp -j DNAT --to-destination 10.244.0.10-10.244.0.13
-A POSTROUTING -d 8.8.1.2/32 -p tcp -j SNAT --to-source 192.168.0.100-192.168.0.103
-A POSTROUTING -d 8.8.1.3/32 -p tcp -j SNAT --to-source 192.168.0.100-192.168.0.103 --persistent`,
    },
    rules6: { nat: '-A PREROUTING -d fd00:96::1/128 -p tcp -j DNAT --to-destination fd00:10:244::10-fd00:10:244::16' },
  })
  assert.is(s.send('eth0 tcp 192.168.0.50:1 > 10.96.1.2:80').dst, '10.244.0.12')
  assert.is(s.send('eth0 tcp 192.168.0.51:1 > 10.96.1.2:80').dst, '10.244.0.10')
  assert.is(s.send('pod0 tcp 10.244.0.5:1 > 8.8.1.2:80').src, '192.168.0.102')
  assert.is(s.send('pod0 tcp 10.244.0.5:2 > 8.8.1.3:80').src, '192.168.0.103')
  assert.is(s.send('eth0 tcp [fd00::10]:1 > [fd00:96::1]:80').dst, 'fd00:10:244::14')
})

test('DNAT to ports: kept inside, else from the first up; then the source port gives way', () => {
  const s = new Scene({ rules: { nat: '-A PREROUTING -p tcp -j DNAT --to-destination 10.244.0.5:8000-8001' } })
  const dport = (to: string): number => s.send(`eth0 tcp 192.168.0.50:1000 > ${to}`).dport ?? 0
  assert.is(dport('10.96.0.1:8001'), 8001)
  assert.is(dport('10.96.0.2:80'), 8000)
  const third = s.send('eth0 tcp 192.168.0.50:1000 > 10.96.0.3:80')
  assert.is(third.dport, 8001)
  assert.is.not(third.sport, 1000)
  assert.is(s.send('eth0 tcp 192.168.0.50:1001 > 10.96.0.4:80').dport, 8000)
})

test('--random draws, a base shifts', () => {
  const s = new Scene({
    rules: {
      nat: `-A PREROUTING -d 10.96.0.1/32 -p tcp -j DNAT --to-destination 10.244.0.5:8000-8009 --random
-A PREROUTING -d 10.96.0.2/32 -p tcp -j DNAT --to-destination 10.244.0.5:6000-6010/5000`,
    },
  })
  // 29127 mod 10
  assert.is(s.send('eth0 tcp 192.168.0.50:1 > 10.96.0.1:80').dport, 8007)
  assert.is(s.send('eth0 tcp 192.168.0.50:2 > 10.96.0.2:5007').dport, 6007)
})

test('no port is left: dropped at the end, and the entry is not kept', () => {
  const s = new Scene({ rules: { nat: '-A POSTROUTING -p tcp -j SNAT --to-source 192.168.0.2:7000-7001' } })
  assert.is(s.send('pod0 tcp 10.244.0.5:7000 > 8.8.8.8:80').sport, 7000)
  assert.is(s.send('pod0 tcp 10.244.0.6:7000 > 8.8.8.8:80').sport, 7001)
  assert.is(s.ask('pod0 tcp 10.244.0.7:7000 > 8.8.8.8:80'), 'drop nat: clash at confirmation')
  assert.is(s.engine.conntrack().length, 2)
})

test('a closed connection gives up its port to a later SYN', () => {
  const s = new Scene({ rules: { nat: '-A POSTROUTING -p tcp -j SNAT --to-source 192.168.0.2:7000-7001' } })
  for (const [i, client] of ['10.244.0.5', '10.244.0.6'].entries()) {
    const port = 7000 + i
    s.send(`pod0 tcp ${client}:1 > 8.8.8.8:80`)
    s.send(`eth0 tcp 8.8.8.8:80 > 192.168.0.2:${port}`, { flags: 'SA' })
    s.send(`pod0 tcp ${client}:1 > 8.8.8.8:80`, { flags: 'A' })
  }
  assert.is(s.ask('pod0 tcp 10.244.0.7:1 > 8.8.8.8:80', { seq: 5000 }), 'drop nat: clash at confirmation')
  s.send('pod0 tcp 10.244.0.6:1 > 8.8.8.8:80', { flags: 'R' })
  assert.is(s.ask('pod0 tcp 10.244.0.7:1 > 8.8.8.8:80', { seq: 900 }), 'drop nat: clash at confirmation')
  assert.is(s.ask('pod0 tcp 10.244.0.7:1 > 8.8.8.8:80', { seq: 5000 }), 'forward eth0 192.168.0.2:7001 > 8.8.8.8:80')
})

test('protocols without ports clash; queries get another id', () => {
  const s = new Scene({ rules: MASQ })
  assert.is(s.ask('pod0 esp 10.244.0.5 > 8.8.8.8'), 'forward eth0 192.168.0.2 > 8.8.8.8')
  assert.is(s.ask('pod0 esp 10.244.0.6 > 8.8.8.8'), 'drop nat: clash at confirmation')
  assert.is(s.send('pod0 icmp 10.244.0.5 > 8.8.8.8', { icmp_id: 7 }).icmp_id, 7)
  const second = s.send('pod0 icmp 10.244.0.6 > 8.8.8.8', { icmp_id: 7 })
  assert.is.not(second.icmp_id, 7)
  const back = s.send('eth0 icmp 8.8.8.8 > 192.168.0.2', { icmp_type: 0, icmp_id: second.icmp_id! })
  assert.equal([back.dst, back.icmp_id], ['10.244.0.6', 7])
})

test('a null binding changes the port when the tuple is taken', () => {
  const s = new Scene({ rules: { nat: '-A POSTROUTING -s 10.244.0.0/24 -j SNAT --to-source 192.168.0.2' } })
  s.send('pod0 udp 10.244.0.5:777 > 8.8.8.8:53')
  const own = s.send('local udp 192.168.0.2:777 > 8.8.8.8:53')
  assert.is.not(own.sport, 777)
  assert.equal(own.ct?.status, ['CONFIRMED', 'SRC_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE'])
  assert.is(s.send('local udp 192.168.0.2:778 > 8.8.8.8:53').sport, 778)
})

test('the chain is asked once; a dropped first packet leaves nothing', () => {
  const rules = {
    nat: `-A PREROUTING -d 10.96.0.1/32 -p udp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.244.0.5
-A PREROUTING -d 10.96.0.1/32 -p udp -j DNAT --to-destination 10.244.0.6`,
    filter: '-A FORWARD -d 10.244.0.5/32 -j DROP',
  }
  const s = new Scene({ rules })
  const from = 'eth0 udp 192.168.0.50:1 > 10.96.0.1:53'
  assert.is(s.ask(from), 'drop filter:FORWARD:1')
  assert.is(s.ask(from), 'forward pod0 192.168.0.50:1 > 10.244.0.6:53')
  assert.is(s.ask(from), 'forward pod0 192.168.0.50:1 > 10.244.0.6:53')
})

test('REDIRECT: to the in interface, to itself from here, dropped without an address', () => {
  const nat = '-A PREROUTING -p tcp -j REDIRECT --to-ports 3128\n-A OUTPUT -p tcp -j REDIRECT --to-ports 3128'
  const links = [...LINKS, link('cali1', 4, [])]
  const s = new Scene({ rules: { nat }, links })
  assert.is(s.ask('pod0 tcp 10.244.0.5:1 > 8.8.8.8:80'), 'local pod0 10.244.0.5:1 > 10.244.0.1:3128')
  assert.is(s.ask('cali1 tcp 10.1.1.1:1 > 8.8.8.8:80'), 'drop nat: no address')
  assert.is(s.ask('local tcp 192.168.0.2:1 > 192.168.0.9:80'), 'local lo 192.168.0.2:1 > 127.0.0.1:3128')
})

test('which address MASQUERADE takes', () => {
  const eth0 = link('eth0', 2, [
    address('192.168.0.2/24'),
    address('172.31.0.9/16'),
    address('192.168.0.3/24', { secondary: true }),
  ])
  const links = [LINKS[0]!, eth0, LINKS[2]!, link('cali1', 4, [])]
  const via = (ip: string): object => ({ nextHops: [{ dev: 'eth0', via: ip, weight: 1 }] })
  const s = new Scene({
    links,
    rules: { nat: '-A POSTROUTING -j MASQUERADE' },
    routes: [
      route({ dst: '0.0.0.0/0', ...via('192.168.0.1') }),
      route({ dst: '9.9.9.9/32', ...via('172.31.0.1') }),
      route({ dst: '7.7.7.7/32', ...via('192.168.0.1'), prefsrc: '192.168.0.3' }),
      route({ dst: '10.1.1.1/32', nextHops: [{ dev: 'cali1', weight: 1 }], scope: 'link' }),
    ],
  })
  const src = (to: string): string | undefined => s.send(`pod0 udp 10.244.0.5:1 > ${to}:1`).src
  assert.is(src('8.8.8.8'), '192.168.0.2')
  assert.is(src('9.9.9.9'), '172.31.0.9')
  assert.is(src('7.7.7.7'), '192.168.0.2')
  assert.is(src('172.31.7.7'), '172.31.0.9')
  assert.is(src('10.1.1.1'), '192.168.0.2')
})

test('IPv6 MASQUERADE by the longest match', () => {
  const links = [LINKS[0]!, link('eth0', 2, [address('fd01::2/64'), address('fd00::2/64')]), LINKS[2]!]
  const nextHops = [{ dev: 'eth0', via: 'fd00::1', weight: 1 }]
  const s = new Scene({
    links,
    rules6: { nat: '-A POSTROUTING -o eth0 -j MASQUERADE' },
    routes: [route({ dst: '::/0', nextHops })],
  })
  const src = (to: string): string | undefined => s.send(`pod0 udp [fd00:10:244::5]:1 > [${to}]:1`).src
  assert.is(src('fd00::77'), 'fd00::2')
  assert.is(src('fd01::77'), 'fd01::2')
  assert.is(src('2001:db8::1'), 'fd01::2')
})

test('errors about a translated flow: quoted packet and outer address', () => {
  const s = new Scene({
    rules: { ...MASQ, mangle: '-A PREROUTING -m conntrack --ctstate RELATED -j MARK --or-mark 0x1' },
  })
  s.send('pod0 udp 10.244.0.5:5000 > 8.8.8.8:53')
  const inner = { proto: 'udp', src: '192.168.0.2', sport: 5000, dst: '8.8.8.8', dport: 53 } as const
  const a = s.send('eth0 icmp 1.1.1.1 > 192.168.0.2', { icmp_type: 11, icmp_code: 0, inner })
  assert.equal([a.out_iface, a.src, a.dst, a.inner?.src, a.mark], ['pod0', '1.1.1.1', '10.244.0.5', '10.244.0.5', 1])
  assert.is(a.ct?.status.includes('SEEN_REPLY'), false)
  const foreign = s.send('eth0 icmp 1.1.1.1 > 192.168.0.3', { icmp_type: 11, icmp_code: 0, inner })
  assert.is(foreign.mark ?? 0, 0)
})

test('an answer to a refused DNATed packet quotes what was sent', () => {
  const rules = {
    nat: '-A PREROUTING -d 10.96.0.1/32 -j DNAT --to-destination 10.244.0.5',
    filter: '-A FORWARD -j REJECT',
  }
  const { reply } = new Scene({ rules }).send('eth0 udp 192.168.0.50:1 > 10.96.0.1:53')
  assert.equal(reply?.inner?.dst, '10.96.0.1')
  assert.equal([reply?.src, reply?.dst, reply?.inner?.ttl], ['10.96.0.1', '192.168.0.50', 63])
})

test('a masqueraded flow that leaves by another interface is dropped and forgotten', () => {
  const mangle =
    '-A PREROUTING -p udp -m udp --dport 53 -m statistic --mode nth --every 2 --packet 1 -j MARK --set-xmark 0x1/0xffffffff'
  const rule = {
    family: 'ipv4',
    priority: 100,
    not: false,
    fwmark: { value: 1, mask: 1 },
    action: { type: 'table', table: 100 },
  } as const
  const links = [...LINKS, link('eth1', 4, [address('172.16.0.2/24')])]
  const s = new Scene({
    links,
    rules: { mangle, nat: '-A POSTROUTING -j MASQUERADE' },
    policyRules: [rule],
    routes: [
      route({ dst: '0.0.0.0/0', nextHops: [{ dev: 'eth0', via: '192.168.0.1', weight: 1 }] }),
      route({ dst: '0.0.0.0/0', table: 100, nextHops: [{ dev: 'eth1', via: '172.16.0.1', weight: 1 }] }),
    ],
  })
  const text = 'pod0 udp 10.244.0.5:1 > 8.8.8.8:53'
  assert.is(s.ask(text), 'forward eth0 192.168.0.2:1 > 8.8.8.8:53')
  const second = s.send(text)
  assert.is(told(second), 'drop nat: interface changed')
  assert.is(second.ct, null)
})

test('iptables-nft joins two negated ports', () => {
  const rules = { filter: '-A FORWARD -p tcp -m tcp ! --sport 1 ! --dport 2 -j DROP' }
  const both = (backend: 'legacy' | 'nft'): string => {
    const ns = {
      ...namespace(),
      rulesets: [readRules(rulesText(rules), { file: 'r', family: 'ipv4' as const, backend })],
    }
    const engine = new ReferenceEngine(ns)
    const ask = (ports: string): string => engine.process(packet(`eth0 tcp ${ports}`)).verdict
    return [
      ask('192.168.0.50:1 > 10.244.0.5:2'),
      ask('192.168.0.50:1 > 10.244.0.5:3'),
      ask('192.168.0.50:5 > 10.244.0.5:3'),
    ].join()
  }
  assert.is(both('legacy'), 'forward,forward,drop')
  assert.is(both('nft'), 'forward,drop,drop')
})

test.run()
