// Readers of interfaces, routes, policy rules, sysctls, sets and connections. Texts are what iproute2 6.1, ipset 7.17
// and conntrack 1.4.7 print; expected values by hand.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FaultError } from '../../src/net/fault.js'
import { formatConntrack, readConntrack } from '../../src/netns/conntrack.js'
import { readIpsets } from '../../src/netns/ipset.js'
import { readJson } from '../../src/netns/json.js'
import { readAddresses, readLinkDetails } from '../../src/netns/links.js'
import { defaultPolicyRules, readPolicyRules } from '../../src/netns/policy-rules.js'
import { readRoutes, TableNames } from '../../src/netns/routes.js'
import { conntrackSysctls, hostSysctls, linkSysctls, readSysctls } from '../../src/netns/sysctl.js'

const test = suite('netns: readers')
const file = 'f'

/** The faults of a reader, as `line:column message`. */
const faults = (run: () => unknown): string[] => {
  try {
    run()
  } catch (error) {
    if (error instanceof FaultError) return error.faults.map((f) => `${f.line}:${f.column} ${f.message}`)
    throw error
  }
  return []
}
const one = (run: () => unknown, pattern: RegExp): void => {
  const found = faults(run)
  assert.is(found.length, 1, found.join('\n'))
  assert.match(found[0]!, pattern)
}

test('JSON: places of faults', () => {
  const bad = (text: string, pattern: RegExp): void => one(() => readJson(text, { file }), pattern)
  bad('{"a": 1,\n  "b": }', /^2:8 unexpected `}`/)
  bad('[1, 2', /^1:6 unexpected the end of the text/)
  bad('{"a":1,"a":2}', /^1:8 the key `a` appears twice/)
  bad('[01]', /^1:3 unexpected `1`/)
  bad('"a\nb"', /^1:3 a text without its closing quote/)
  bad('"\\x"', /^1:2 an unknown escape/)
  bad('[1] 2', /^1:5 unexpected `2` after/)
  bad('', /^1:1 unexpected the end/)
  bad('\u0001', /^1:1 unexpected `\\u\{1\}`/)
  bad('['.repeat(100_000), /^1:65 JSON nests deeper than 64 levels/)
})

test('JSON: the same values as JSON.parse', () => {
  const plain = (node: ReturnType<typeof readJson>): unknown =>
    node.kind === 'array'
      ? node.items.map(plain)
      : node.kind === 'object'
        ? Object.fromEntries([...node.members].map(([k, m]) => [k, plain(m.node)]))
        : node.kind === 'null'
          ? null
          : node.value
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      assert.equal(plain(readJson(text, { file })), JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
})

const ADDR = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"link_type":"loopback","address":"00:00:00:00:00:00",
 "addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},{},
{"ifindex":3,"ifname":"eth0","flags":["BROADCAST","UP"],"mtu":1500,"master":"br0","link_type":"ether","address":"3A:44:65:4d:2a:8b","addr_info":[
 {"family":"inet","local":"10.0.0.1","prefixlen":24,"broadcast":"10.0.0.255","scope":"global","label":"eth0"},
 {"family":"inet","local":"10.0.5.1","address":"10.0.6.0","prefixlen":30,"scope":"global"},
 {"family":"inet","local":"10.0.0.2","prefixlen":24,"scope":"global","secondary":true},
 {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]},
{"ifindex":9,"ifname":"d1","flags":["BROADCAST"],"mtu":1400,"addr_info":[]}]`

test('ip -j addr', () => {
  const links = readAddresses(ADDR, { file })
  assert.equal(
    links.map((l) => [l.name, l.index, l.up, l.loopback, l.mtu]),
    [
      ['lo', 1, true, true, 65536],
      ['eth0', 3, true, false, 1500],
      ['d1', 9, false, false, 1400],
    ],
  )
  assert.equal([links[1]!.mac, links[1]!.master, links[0]!.mac], ['3a:44:65:4d:2a:8b', 'br0', undefined])
  assert.equal(links[1]!.addresses, [
    { address: '10.0.0.1', prefixLength: 24, family: 'ipv4', scope: 'global', broadcast: '10.0.0.255' },
    { address: '10.0.5.1', prefixLength: 30, family: 'ipv4', scope: 'global', peer: '10.0.6.0' },
    { address: '10.0.0.2', prefixLength: 24, family: 'ipv4', scope: 'global', secondary: true },
    { address: 'fe80::1', prefixLength: 64, family: 'ipv6', scope: 'link' },
  ])
})

test('ip -j addr: faults with their places', () => {
  const bad = (text: string, pattern: RegExp): void => one(() => readAddresses(text, { file }), pattern)
  bad('', /^1:1 the file is empty; the JSON array that `ip -j addr` prints/)
  bad('{}', /^1:1 the JSON array/)
  bad('[]', /^1:1 no interface is listed/)
  bad('[{"ifindex":1}]', /^1:2 `ifname` is missing/)
  bad('[{"ifname":"a b","ifindex":1}]', /^1:12 `ifname`: `a b` is not an interface name/)
  bad('[{"ifname":"a","ifindex":"x"}]', /^1:26 `ifindex`: a whole number/)
  bad(
    '[{"ifname":"a","ifindex":1,\n"addr_info":[{"local":"10.0.0.300","prefixlen":8}]}]',
    /^2:23 `local`: `10.0.0.300` is not/,
  )
  bad('[{"ifname":"a","ifindex":1,"addr_info":[{"local":"10.0.0.3","prefixlen":33}]}]', /`prefixlen`/)
  bad('[{"ifname":"a","ifindex":1},{"ifname":"a","ifindex":2}]', /`a` appears twice/)
  const proto = readAddresses('[{"__proto__":{"up":1},"ifname":"a","ifindex":1}]', { file })
  assert.is(proto[0]!.up, false)
})

test('ip -d -j link', () => {
  const text = '[{"ifname":"lo"},{"ifname":"veth1","master":"cni0","linkinfo":{"info_kind":"veth"}}]'
  assert.equal(
    [...readLinkDetails(text, { file })],
    [
      ['lo', { kind: '' }],
      ['veth1', { kind: 'veth', master: 'cni0' }],
    ],
  )
})

const ROUTES = `[{"type":"prohibit","dst":"10.57.0.0/16","table":"7","flags":[]},
{"dst":"default","gateway":"10.0.0.254","dev":"d0","flags":[]},
{"dst":"10.0.0.0/24","dev":"d0","protocol":"kernel","scope":"link","prefsrc":"10.0.0.1","flags":[]},
{"dst":"10.50.0.0/16","flags":[],"nexthops":[{"gateway":"10.0.0.3","dev":"d0","weight":2,"flags":[]},{"gateway":"10.0.0.4","dev":"d0","weight":1,"flags":["dead","linkdown"]}]},
{"dst":"10.52.0.0/16","via":{"family":"inet6","host":"fd00:1::5"},"dev":"d0","flags":[]},
{"dst":"10.55.0.0/16","tos":"0x10","gateway":"10.0.0.7","dev":"d0","metric":5,"flags":[]},
{"dst":"10.56.0.0/16","tos":"AF21","dev":"d0","table":"blue","flags":[]},
{"type":"blackhole","dst":"fd51::/16","dev":"lo","metric":1024,"flags":[],"pref":"medium"},
{"dst":"default","dev":"d0","metric":1024,"flags":[],"pref":"medium"},
{"type":"local","dst":"::1","dev":"lo","table":"local","protocol":"kernel","metric":0,"flags":[],"pref":"medium"}]`

test('ip -j route', () => {
  const tables = new TableNames()
  const routes = readRoutes(ROUTES, { file, tables })
  const base = { table: 254, type: 'unicast', metric: 0, scope: 'global', tos: 0 }
  assert.equal(routes, [
    { ...base, family: 'ipv4', table: 7, type: 'prohibit', dst: '10.57.0.0/16', nextHops: [] },
    { ...base, family: 'ipv4', dst: '0.0.0.0/0', nextHops: [{ dev: 'd0', via: '10.0.0.254', weight: 1 }] },
    {
      ...base,
      family: 'ipv4',
      dst: '10.0.0.0/24',
      nextHops: [{ dev: 'd0', weight: 1 }],
      prefsrc: '10.0.0.1',
      scope: 'link',
    },
    { ...base, family: 'ipv4', dst: '10.50.0.0/16', nextHops: [{ dev: 'd0', via: '10.0.0.3', weight: 2 }] },
    { ...base, family: 'ipv4', dst: '10.52.0.0/16', nextHops: [{ dev: 'd0', via: 'fd00:1::5', weight: 1 }] },
    {
      ...base,
      family: 'ipv4',
      dst: '10.55.0.0/16',
      nextHops: [{ dev: 'd0', via: '10.0.0.7', weight: 1 }],
      metric: 5,
      tos: 16,
    },
    {
      ...base,
      family: 'ipv4',
      dst: '10.56.0.0/16',
      nextHops: [{ dev: 'd0', weight: 1 }],
      tos: 0x48,
      table: 0xfffffffe,
    },
    { ...base, family: 'ipv6', type: 'blackhole', dst: 'fd51::/16', nextHops: [], metric: 1024 },
    { ...base, family: 'ipv6', dst: '::/0', nextHops: [{ dev: 'd0', weight: 1 }], metric: 1024 },
    { ...base, family: 'ipv6', table: 255, type: 'local', dst: '::1/128', nextHops: [{ dev: 'lo', weight: 1 }] },
  ])
  assert.equal(tables.assumed, ['route table `blue` is known by its name only and is numbered 4294967294'])
  assert.is(tables.number('blue'), 0xfffffffe)
})

test('ip -j route: faults', () => {
  const bad = (text: string, pattern: RegExp): void =>
    one(() => readRoutes(text, { file, tables: new TableNames(), interfaces: new Set(['d0']) }), pattern)
  bad('[{"dst":"10.0.0.0/33","dev":"d0"}]', /^1:9 `dst`: `10.0.0.0\/33` is not a prefix/)
  bad('[{"dst":"10.0.0.0/8","dev":"x9"}]', /^1:28 `dev`: the interface `x9` is not among/)
  bad('[{"type":"xresolve","dst":"10.0.0.0/8"}]', /unknown route type `xresolve`/)
  bad('[{"dst":"fd00::/16","from":"fd01::/16","dev":"d0"}]', /`from`: routes that ask for a source/)
})

const RULES = `[{"priority":0,"src":"all","table":"local"},{"priority":40,"src":"all","goto":51},
{"priority":50,"src":"10.0.0.0","srclen":8,"dst":"10.1.0.9","fwmark":"0x10","fwmask":"0xff","iif":"d0","iif_detached":null,"oif":"d1","table":"100"},
{"priority":51,"not":null,"src":"1.1.1.1","table":"main","suppress_prefixlen":0},{"priority":60,"src":"all","action":"prohibit"},
{"priority":61,"src":"all","tos":"0x10","ipproto":"tcp","action":"unreachable"},{"priority":64,"src":"all","nop":null},
{"priority":67,"src":"all","ipproto":"ipproto-99","fwmark":"0x3","table":"7"}]`

test('ip -j rule', () => {
  const rules = readPolicyRules(RULES, 'ipv4', { file, tables: new TableNames() })
  const base = { family: 'ipv4', not: false }
  assert.equal(rules, [
    { ...base, priority: 0, action: { type: 'table', table: 255 } },
    { ...base, priority: 40, action: { type: 'goto', priority: 51 } },
    {
      ...base,
      priority: 50,
      from: '10.0.0.0/8',
      to: '10.1.0.9/32',
      iif: 'd0',
      oif: 'd1',
      fwmark: { value: 16, mask: 255 },
      action: { type: 'table', table: 100 },
    },
    {
      ...base,
      priority: 51,
      not: true,
      from: '1.1.1.1/32',
      action: { type: 'table', table: 254, suppressPrefixLength: 0 },
    },
    { ...base, priority: 60, action: { type: 'prohibit' } },
    { ...base, priority: 61, tos: 16, ipproto: 6, action: { type: 'unreachable' } },
    { ...base, priority: 64, action: { type: 'nop' } },
    { ...base, priority: 67, fwmark: { value: 3, mask: 0xffffffff }, ipproto: 99, action: { type: 'table', table: 7 } },
  ])
  const ranges = (part: string): object => {
    const text = `[{"priority":5,"src":"all",${part},"table":"7"}]`
    const {
      family: _f,
      priority: _p,
      not: _n,
      ...rule
    } = readPolicyRules(text, 'ipv4', { file, tables: new TableNames() })[0]!
    return rule
  }
  const action = { type: 'table', table: 7 }
  assert.equal(ranges('"dport":80'), { dport: { from: 80, to: 80 }, action })
  assert.equal(ranges('"sport_start":1,"sport_end":9'), { sport: { from: 1, to: 9 }, action })
  assert.equal(ranges('"uid_start":5,"uid_end":5'), { uidRange: { from: 5, to: 5 }, action })
  assert.equal(ranges('"suppress_ifgroup":"default"'), { action: { ...action, suppressIfgroup: 0 } })
  assert.equal(ranges('"suppress_ifgroup":"7"'), { action: { ...action, suppressIfgroup: 7 } })
  one(() => ranges('"sport_start":1'), /`sport_end`: is missing/)
  one(() => ranges('"uid_start":2,"uid_end":1'), /the range is reversed/)
  one(() => ranges('"suppress_ifgroup":"dmz"'), /known by its name only/)
  for (const part of ['"l3mdev":null', '"tun_id":5', '"realms":"1"']) {
    const text = `[{"priority":5,"src":"all",${part},"table":"7"}]`
    one(
      () => readPolicyRules(text, 'ipv4', { file, tables: new TableNames() }),
      /rules with this part are not supported/,
    )
  }
  assert.equal(
    defaultPolicyRules('ipv6').map((r) => r.priority),
    [0, 32766],
  )
})

test('sysctls: both spellings of a dot in a name, only net., faults', () => {
  const values = readSysctls(
    '# x\nkernel.secret = 5\nnet.ipv4.conf.eth0/100.rp_filter = 2\nnet/ipv4/conf/eth1.7/rp_filter = 1\n',
    { file },
  )
  assert.equal({ ...values }, { 'net.ipv4.conf.eth0/100.rp_filter': '2', 'net.ipv4.conf.eth1/7.rp_filter': '1' })
  assert.is(linkSysctls(values, 'eth0.100').rpFilter, 2)
  assert.is(linkSysctls(values, 'eth1.7').rpFilter, 1)
  one(() => readSysctls('a = 1\nnonsense\n', { file }), /^2:1 `nonsense`: `key = value`/)
  one(
    () => readSysctls('net.ipv4.ip_forward = yes', { file }),
    /^1:22 `net.ipv4.ip_forward`: `yes` is not a whole number/,
  )
  assert.equal(Object.keys(readSysctls('net.__proto__ = 1', { file })), ['net.__proto__'])
})

test('sysctls: how `all` and an interface combine', () => {
  const c = (key: string, all: string, own: string): Record<string, string> => ({
    [`net.ipv4.conf.all.${key}`]: all,
    [`net.ipv4.conf.e.${key}`]: own,
  })
  assert.equal(
    [linkSysctls(c('rp_filter', '1', '2'), 'e').rpFilter, linkSysctls(c('rp_filter', '2', '0'), 'e').rpFilter],
    [2, 2],
  )
  assert.equal([linkSysctls(c('rp_filter', '0', '1'), 'e').rpFilter, linkSysctls({}, 'e').rpFilter], [1, 0])
  assert.equal(
    [
      ['0', '1'],
      ['1', '0'],
      ['0', '0'],
    ].map(([a, o]) => linkSysctls(c('route_localnet', a!, o!), 'e').routeLocalnet),
    [true, true, false],
  )
  assert.equal(
    [
      ['0', '1'],
      ['1', '0'],
      ['0', '0'],
    ].map(([a, o]) => linkSysctls(c('accept_local', a!, o!), 'e').acceptLocal),
    [true, true, false],
  )
  assert.is(linkSysctls({ 'net.ipv4.conf.default.rp_filter': '1' }, 'e').rpFilter, 1)
  assert.is(linkSysctls({ 'net.ipv4.ip_forward': '0' }, 'e').forwarding4, false)
  assert.is(linkSysctls({ 'net.ipv4.ip_forward': '0', 'net.ipv4.conf.e.forwarding': '1' }, 'e').forwarding4, true)
  assert.is(linkSysctls({ 'net.ipv6.conf.all.forwarding': '0' }, 'e').forwarding6, false)
  assert.equal(
    [hostSysctls({}).bridgeCallIptables, hostSysctls({ 'net.bridge.bridge-nf-call-iptables': '1' }).bridgeCallIptables],
    [false, true],
  )
})

test('conntrack sysctls: the values of a new namespace, and given ones', () => {
  const ct = conntrackSysctls({})
  assert.equal(
    [ct.tcp.ESTABLISHED, ct.tcp.SYN_SENT, ct.udp, ct.udpStream, ct.icmp, ct.generic, ct.max],
    [432000, 120, 30, 120, 30, 600, 262144],
  )
  assert.equal([ct.sctp.CLOSED, ct.sctp.COOKIE_WAIT, ct.sctp.ESTABLISHED, ct.greStream], [10, 3, 210, 180])
  assert.equal([ct.tcpLoose, ct.tcpBeLiberal], [true, false])
  const given = conntrackSysctls({
    'net.netfilter.nf_conntrack_tcp_timeout_established': '86400',
    'net.netfilter.nf_conntrack_tcp_loose': '0',
  })
  assert.equal([given.tcp.ESTABLISHED, given.tcpLoose], [86400, false])
})

test('ipset save: the elements of every type', () => {
  const net = (prefix: string) => ({ part: 'net', prefix })
  const port = (proto: number, n: number) => ({ part: 'port', proto, port: n })
  const cases: [string, string, object[]][] = [
    ['bitmap:ip range 10.0.0.0-10.0.0.255', '10.0.0.7', [net('10.0.0.7/32')]],
    [
      'bitmap:ip,mac range 10.0.0.0/24',
      '10.0.0.7,02:00:00:00:00:0A',
      [net('10.0.0.7/32'), { part: 'mac', mac: '02:00:00:00:00:0a' }],
    ],
    ['bitmap:port range 0-1024', '80', [port(0, 80)]],
    ['hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x5', '10.0.0.7', [net('10.0.0.7/32')]],
    ['hash:mac hashsize 64', '02:00:00:00:00:01', [{ part: 'mac', mac: '02:00:00:00:00:01' }]],
    ['hash:ip,mark markmask 0xff', '10.0.0.1,0x10', [net('10.0.0.1/32'), { part: 'mark', mark: 16 }]],
    ['hash:ip,port', '10.0.0.1,tcp:80', [net('10.0.0.1/32'), port(6, 80)]],
    ['hash:ip,port', '10.0.0.1,icmp:8/0', [net('10.0.0.1/32'), port(1, 0x800)]],
    ['hash:ip,port family inet6', 'fd00::1,icmpv6:echo-request', [net('fd00::1/128'), port(58, 0x8000)]],
    ['hash:ip,port,ip', '10.0.0.1,udp:53,10.0.0.2', [net('10.0.0.1/32'), port(17, 53), net('10.0.0.2/32')]],
    ['hash:ip,port,net', '10.0.0.1,sctp:9,10.0.0.0/8', [net('10.0.0.1/32'), port(132, 9), net('10.0.0.0/8')]],
    ['hash:net', '10.1.2.3/8', [net('10.0.0.0/8')]],
    ['hash:net,net', '10.0.0.0/8,10.9.0.1', [net('10.0.0.0/8'), net('10.9.0.1/32')]],
    ['hash:net,port,net', '10.0.0.0/8,tcp:1,0.0.0.0/0', [net('10.0.0.0/8'), port(6, 1), net('0.0.0.0/0')]],
    ['hash:net,iface', '10.0.0.0/8,eth0', [net('10.0.0.0/8'), { part: 'iface', name: 'eth0' }]],
    ['list:set size 8', 'other', [{ part: 'set', name: 'other' }]],
  ]
  for (const [type, element, parts] of cases) {
    const [set] = readIpsets(`create S ${type}\ncreate other hash:ip\nadd S ${element}\n`, { file }).filter(
      (s) => s.name === 'S',
    )
    assert.equal(set!.entries, [{ parts, nomatch: false }], `${type}: ${element}`)
    assert.is(set!.type, type.split(' ')[0])
  }
})

test('ipset save: options, ranges, nomatch and timeouts', () => {
  const [set] = readIpsets(
    'create S hash:net timeout 600 counters comment\nadd S 10.0.0.1-10.0.0.2 timeout 30 packets 5 bytes 9 comment "a b"\nadd S 10.9.0.0/16 nomatch timeout 0\n',
    { file },
  )
  const same = { nomatch: false, packets: 5n, bytes: 9n, comment: 'a b' }
  assert.equal({ ...set!.options }, { timeout: '600', counters: '', comment: '' })
  assert.equal(set!.entries, [
    { parts: [{ part: 'net', prefix: '10.0.0.1/32' }], timeout: 30, ...same },
    { parts: [{ part: 'net', prefix: '10.0.0.2/32' }], timeout: 30, ...same },
    { parts: [{ part: 'net', prefix: '10.9.0.0/16' }], nomatch: true },
  ])
  const ranged = readIpsets('create P bitmap:port range 0-99\nadd P 80-82\n', { file })[0]!
  assert.equal(
    ranged.entries.map((e) => (e.parts[0] as { port: number }).port),
    [80, 81, 82],
  )
})

test('ipset save: faults with their places', () => {
  const bad = (text: string, pattern: RegExp): void => one(() => readIpsets(text, { file }), pattern)
  bad('create S hash:what', /^1:10 unknown set type `hash:what`/)
  bad('create S hash:ip\nadd S 10.0.0.300', /^2:7 `10.0.0.300` is not an ipv4 address/)
  bad('create S hash:ip\nadd S fd00::1', /^2:7 `fd00::1` is not an ipv4/)
  bad('add S 10.0.0.1', /^1:5 there is no set `S`/)
  bad('create S hash:ip,port\nadd S 10.0.0.1,tcp:70000', /^2:16 `70000` is not a port/)
  bad('create S hash:ip,port\nadd S 10.0.0.1', /does not have the 2 parts of hash:ip,port/)
  bad('create S hash:ip\ncreate S hash:ip', /^2:8 the set `S` appears twice/)
  bad('create S hash:ip frob 1', /^1:18 unknown option `frob`/)
  bad('flush S', /^1:7 there is no set `S`/)
  bad('list S', /^1:1 unknown command `list`/)
  bad('create S hash:ip,port\nadd S 10.0.0.0/15,tcp:0-65535', /more than 1048576 elements/)
  bad('create S hash:ip comment "x', /^1:26 a quote without its end/)
})

const CT = [
  'ipv4     2 tcp      6 431998 ESTABLISHED src=192.168.10.77 dst=192.168.10.11 sport=40112 dport=30080 src=10.244.1.11 dst=10.244.1.1 sport=8080 dport=29547 [ASSURED] mark=0 use=1',
  'ipv4     2 udp      17 28 src=10.244.1.12 dst=10.96.0.10 sport=33977 dport=53 [UNREPLIED] src=10.244.0.3 dst=10.244.1.12 sport=53 dport=33977 mark=5 zone=7 use=1',
  'ipv4     2 icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=3 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=3 mark=0 use=1',
  'ipv4     2 unknown  50 600 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 use=1',
  'ipv4     2 gre      47 30 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=0 use=1',
  'ipv6     10 icmpv6   58 30 src=fd00::1 dst=fd00::2 type=128 code=0 id=9 src=fd00::2 dst=fd00::1 type=129 code=0 id=9 mark=0 use=1',
]

test('conntrack -L -o extended', () => {
  const entries = readConntrack(`conntrack v1.4.7 (conntrack-tools): 6 flow entries\n${CT.join('\n')}\n`, { file })
  assert.equal(entries[0], {
    family: 'ipv4',
    proto: 'tcp',
    protonum: 6,
    timeout: 431998,
    state: 'ESTABLISHED',
    orig: { src: '192.168.10.77', dst: '192.168.10.11', sport: 40112, dport: 30080 },
    reply: { src: '10.244.1.11', dst: '10.244.1.1', sport: 8080, dport: 29547 },
    status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'SRC_NAT', 'DST_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE'],
    mark: 0,
  })
  assert.equal(
    [entries[1]!.status, entries[1]!.mark, entries[1]!.zone],
    [['CONFIRMED', 'DST_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE'], 5, 7],
  )
  assert.equal(entries[2]!.status, ['SEEN_REPLY', 'CONFIRMED'])
  assert.equal([entries[3]!.proto, entries[5]!.orig.icmp_type], ['esp', 128])
  assert.equal(entries.map(formatConntrack), CT)
})

test('conntrack: counters and time stamps are passed over, nat of the namespace counts as done', () => {
  const text =
    'ipv4 2 udp 17 28 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 packets=1 bytes=60 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 packets=1 bytes=60 mark=0 secctx=x delta-time=3 [start=Mon Nov 23 23:54:42 2026] use=1'
  assert.equal(readConntrack(text, { file, nat: () => true })[0]!.status, [
    'SEEN_REPLY',
    'CONFIRMED',
    'SRC_NAT_DONE',
    'DST_NAT_DONE',
  ])
  assert.equal(readConntrack(text, { file })[0]!.status, ['SEEN_REPLY', 'CONFIRMED'])
})

test('conntrack: faults', () => {
  const bad = (text: string, pattern: RegExp): void => one(() => readConntrack(text, { file }), pattern)
  bad('hello world', /^1:1 `hello`: a line that begins with ipv4 or ipv6/)
  bad(CT[0]!.replace('dport=30080', 'dport=300800'), /^1:\d+ `dport=300800`: a whole number from 0 to 65535/)
  bad(CT[0]!.replace(' sport=8080', ''), /a tuple without its sport/)
  bad(CT[0]!.replace('src=192.168.10.77', 'src=fd00::1'), /not of the family ipv4/)
  bad(CT[0]!.replace('mark=0', 'frob=0'), /unknown field `frob`/)
  bad(CT[0]!.replace(/ src=10\.244.*$/, ''), /two tuples/)
})

test('any text makes faults or values, never another exception', () => {
  const word = fc.constantFrom(
    'ipv4',
    '2',
    'tcp',
    '6',
    'src=10.0.0.1',
    'dst=10.0.0.2',
    'sport=1',
    'create',
    'add',
    'S',
    'hash:ip',
    '"',
    '[{',
    '"ifname":',
    '}]',
    '__proto__',
    '=',
    'net.x',
    '\u0000',
    '10.0.0.1',
  )
  const text = fc.array(word, { maxLength: 30, size: 'max' }).map((w) => w.join(' '))
  fc.assert(
    fc.property(text, (t) => {
      faults(() => readConntrack(t, { file }))
      faults(() => readIpsets(t, { file }))
      faults(() => readAddresses(t, { file }))
      faults(() => readRoutes(t, { file, tables: new TableNames() }))
      faults(() => readPolicyRules(t, 'ipv4', { file, tables: new TableNames() }))
      faults(() => readSysctls(t, { file }))
    }),
    { numRuns: 2000 },
  )
})

test.run()
