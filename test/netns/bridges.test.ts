// Bridges as iproute2 lists them, what is taken for granted, and what packets are asked for where the lists are silent.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { FaultError } from '../../src/net/fault.js'
import { MissingFieldError } from '../../src/net/missing.js'
import { completeBridges, readBridgeLinks, readFdb, readNeighbours } from '../../src/netns/bridges.js'
import { readBundle } from '../../src/netns/bundle.js'
import { ingressInterface } from '../../src/netns/ingress.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'

const test = suite('netns: bridges')

const ADDR = JSON.stringify([
  { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP'], link_type: 'loopback', addr_info: [] },
  {
    ifindex: 2,
    ifname: 'cni0',
    flags: ['UP'],
    link_type: 'ether',
    address: '02:00:00:00:00:01',
    addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24, scope: 'global' }],
  },
  ...[1, 2, 3].map((n) => ({
    ifindex: 2 + n,
    ifname: `veth${n}`,
    flags: n === 3 ? [] : ['UP'],
    master: 'cni0',
    link_type: 'ether',
    address: `02:00:00:00:00:1${n}`,
    addr_info: [],
  })),
])
const FDB = JSON.stringify([
  { mac: '02:00:00:00:00:a2', ifname: 'veth2', flags: [], master: 'cni0', state: '' },
  { mac: '02:00:00:00:00:01', ifname: 'cni0', flags: [], master: 'cni0', state: 'permanent' },
  { mac: '02:00:00:00:00:a9', ifname: 'veth2', flags: [], master: 'cni0', state: 'static', vlan: 7 },
  { mac: '33:33:00:00:00:01', ifname: 'veth1', flags: ['self'], state: 'permanent' },
])
const NEIGH = JSON.stringify([
  { dst: '10.0.0.2', dev: 'cni0', lladdr: '02:00:00:00:00:A2', state: ['STALE'] },
  { dst: '10.0.0.3', dev: 'cni0', state: ['FAILED'] },
  { dst: '10.0.0.4', dev: 'cni0', lladdr: '02:00:00:00:00:a4', state: ['INCOMPLETE'] },
])

function gathered(rules: string, more: Record<string, string> = {}): NetworkNamespace {
  const files = {
    'ip-addr.json': ADDR,
    'iptables-save': rules,
    sysctls: 'net.bridge.bridge-nf-call-iptables = 1\n',
    'bridge-fdb.json': FDB,
    'ip-neigh.json': NEIGH,
    ...more,
  }
  return readBundle(new Map(Object.entries(files)))
}

const forward = (rule: string): string => `*filter\n:FORWARD ACCEPT [0:0]\n${rule}\nCOMMIT\n`

test('entries of bridges and neighbours that are known are read, the others left out', () => {
  assert.equal(readFdb(FDB, 'f', 8), [
    { bridge: 'cni0', mac: '02:00:00:00:00:a2', port: 'veth2', local: false, ages: true, sticky: false },
    { bridge: 'cni0', mac: '02:00:00:00:00:01', port: 'cni0', local: true, ages: false, sticky: false },
  ])
  assert.equal(readNeighbours(NEIGH, 'f', 8), [{ dev: 'cni0', address: '10.0.0.2', mac: '02:00:00:00:00:a2' }])
  assert.throws(() => readFdb('[{"mac":"02:0","ifname":"a","master":"b"}]', 'f', 8), /not an Ethernet address/)
})

test('a port of which nothing is said forwards when it is up, and learns; what is said counts', () => {
  const ns = gathered(forward(''))
  const [bridge] = completeBridges(ns)
  assert.equal(
    bridge?.ports.map((p) => [p.name, p.state, p.hairpin, p.learning]),
    [
      ['veth3', 'disabled', false, true],
      ['veth2', 'forwarding', false, true],
      ['veth1', 'forwarding', false, true],
    ],
  )
  const said = '[{"ifname":"veth1","state":"blocking","hairpin":true,"learning":false,"isolated":true}]'
  const port = readBridgeLinks(said, ns.links, 'f', 8).find((l) => l.name === 'veth1')?.port
  assert.equal([port?.state, port?.hairpin, port?.learning, port?.isolated], ['blocking', true, false, true])
})

test('what is taken for granted is said', () => {
  const { assumed } = gathered(forward(''), { 'bridge-fdb.json': '' })
  assert.ok(assumed.includes('`cni0` has ports and its kind is not known: it is a bridge'))
  assert.ok(assumed.includes('no bridge-link.json: the ports of bridges are as new ones'))
})

test('a bridge that filters VLANs is refused by name', () => {
  const link = JSON.stringify([
    { ifname: 'cni0', linkinfo: { info_kind: 'bridge', info_data: { vlan_filtering: 1 } } },
    { ifname: 'veth1', master: 'cni0' },
  ])
  const ns = gathered(forward(''), { 'ip-link.json': link })
  for (const make of [() => new ReferenceEngine(ns), () => new Engine(ns)])
    assert.throws(make, (e: unknown) => e instanceof FaultError && /cni0.*vlan_filtering/.test(e.message))
})

const packet = { iface: 'veth1', proto: 'udp', src: '10.0.0.5', dst: '10.0.0.2', dport: 53 } as const

test('who speaks from behind a bridge comes in by the port', () => {
  const ns = gathered(forward(''))
  assert.equal(
    ['10.0.0.2', '10.0.0.3'].map((a) => ingressInterface(ns, a)),
    ['veth2', 'cni0'],
  )
})

test('a bridged packet leaves by the port of its host', () => {
  const ns = gathered(forward('-A FORWARD -m physdev --physdev-in veth1 --physdev-out veth2 -j MARK --set-mark 1'))
  for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
    const a = plane.process(packet)
    assert.equal([a.verdict, a.out_iface, a.out_port, a.ttl], ['forward', 'cni0', 'veth2', 64])
  }
})

test('rules ask by name for what is not known: the sender, the port', () => {
  const mac = gathered(forward('-A FORWARD -m mac --mac-source 02:00:00:00:00:a1 -j DROP'))
  const port = gathered(forward('-A FORWARD -m physdev --physdev-out veth2 --physdev-is-bridged -j DROP'))
  const { fdb: _, ...unknown } = port
  for (const Plane of [ReferenceEngine, Engine]) {
    const asks = (field: string) => (e: unknown) => e instanceof MissingFieldError && e.field === field
    assert.throws(() => new Plane(mac).process(packet), asks('mac'))
    assert.is(new Plane(mac).process({ ...packet, mac: '02:00:00:00:00:a1' }).verdict, 'drop')
    assert.throws(() => new Plane(unknown).process(packet), asks('out port'))
    assert.is(new Plane(port).process(packet).verdict, 'drop')
  }
})

// Linux 6.18 (br_netfilter on and off), what hosts behind the same bridge send to each other; who is behind which port was
// not gathered.
test('a bundle that lists no neighbours: what is for another host of the bridge is bridged', () => {
  const rules =
    '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.9.0.1/32 -j DNAT --to-destination 10.0.0.2\nCOMMIT\n'
  for (const calls of [1, 0]) {
    const sysctls = `net.bridge.bridge-nf-call-iptables = ${calls}\nnet.ipv4.ip_forward = 1\n`
    const { fdb: _f, neighbours: _n, ...ns } = gathered(rules, { sysctls })
    for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
      const sent = (p: object): unknown[] => {
        const a = plane.process({ ...packet, ...p }, { trace: true })
        return [a.verdict, a.out_iface, a.out_port, a.src, a.dst, a.ttl, a.trace?.length !== 0]
      }
      // Straight to a host: TTL as it was, and only br_netfilter asks the rules.
      assert.equal(sent({}), ['forward', 'cni0', undefined, '10.0.0.5', '10.0.0.2', 64, calls === 1])
      // Translated: bridged on after br_netfilter's DNAT, else routed.
      const service = { src: '10.0.0.6', dst: '10.9.0.1' }
      assert.equal(sent(service), ['forward', 'cni0', undefined, '10.0.0.6', '10.0.0.2', calls ? 64 : 63, true])
      // The answer is bridged; without br_netfilter nobody translates it back.
      const answer = { iface: 'veth2', src: '10.0.0.2', dst: '10.0.0.6', sport: 53, dport: 40000 }
      const from = calls ? '10.9.0.1' : '10.0.0.2'
      plane.process({ ...packet, ...service, sport: 40000 })
      assert.equal(sent(answer).slice(0, 6), ['forward', 'cni0', undefined, from, '10.0.0.6', 64])
      // To the bridge itself, and by it to elsewhere; a destination address that is given counts.
      assert.is(sent({ dst: '10.0.0.1' })[0], 'local')
      assert.equal(sent({ mac_dst: '02:00:00:00:00:01' }).slice(0, 6), [
        ...['forward', 'cni0', undefined, '10.0.0.5', '10.0.0.2'],
        63,
      ])
    }
  }
  assert.ok(
    readBundle(
      new Map([
        ['ip-addr.json', ADDR],
        ['iptables-save', ''],
      ]),
    ).assumed.some((a) => /is bridged$/.test(a)),
  )
})

test('what a bridge learned it forgets when its time is over, and a port that does not learn teaches nothing', () => {
  const ns = gathered(forward(''))
  const back = { ...packet, iface: 'veth2', src: '10.0.0.2', dst: '10.0.0.5', mac_dst: '02:00:00:00:00:a5' }
  for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
    const flooded = (at_ms: number): unknown => plane.process({ ...back, at_ms }, { trace: true }).flooded
    assert.equal(flooded(0), ['veth1'])
    plane.process({ ...packet, mac: '02:00:00:00:00:a5' })
    assert.is(flooded(299_999), undefined)
    assert.equal(flooded(300_000), ['veth1'])
  }
})

test.run()
