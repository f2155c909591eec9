// A namespace under traffic is captured by capture-node.sh; the packets that come after go through the kernel and through
// both engines made from the bundle: the same packets leave, connections that existed go on (replies are ESTABLISHED and
// translated back), and the connections at the end are the same. Both backends, both families.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import { formatConntrack } from '../../src/netns/conntrack.js'
import { leaving } from '../../src/netns/leaving.js'
import { readBundlePath } from '../../src/netns/node/read-bundle.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { haveKernel } from '../support/needs.js'
import { packetStep, playSteps, type StepAnswer, shownFrames } from '../support/tun-steps.js'

const test = suite('kernel: a captured node replayed')
const script = fileURLToPath(new URL('../../scripts/capture-node.sh', import.meta.url))

const LINKS: readonly (readonly [string, readonly string[]])[] = [
  ['wan0', ['192.0.2.1/24', '2001:db8::1/64']],
  ['lan0', ['10.9.0.1/24', 'fd09::1/64']],
  ['dmz0', ['10.8.0.1/24', 'fd08::1/64']],
]

const SETUP = `
ip link add br0 type bridge; ip link add v0 type veth peer name v1; ip link set v0 master br0
ip link set br0 up; ip link set v0 up; ip link set v1 up; ip addr add 172.20.0.1/24 dev br0
ip route add default via 192.0.2.254; ip -6 route add default via 2001:db8::fe
ip route add blackhole 10.66.0.0/16; ip route add unreachable 10.67.0.0/16; ip route add prohibit 10.68.0.0/16
ip -6 route add unreachable fd67::/16
ip route add default via 10.8.0.254 dev dmz0 table 100; ip rule add fwmark 0x5/0xf lookup 100 pref 90
ip rule add from 10.9.0.77 blackhole pref 91; ip -6 rule add from fd09::77 blackhole pref 91
ipset create hosts hash:ip; ipset add hosts 10.9.0.20
ipset create nets hash:net; ipset add nets 198.51.100.0/24; ipset add nets 198.51.100.64/26 nomatch
ipset create web hash:ip,port; ipset add web 203.0.113.80,tcp:8080; ipset create hosts6 hash:ip family inet6; ipset add hosts6 fd09::20
sysctl -qw net.ipv4.conf.lan0.rp_filter=1 net.netfilter.nf_conntrack_udp_timeout=77`

const RULES4 = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i lan0 -p udp -m udp --dport 123 -j NOTRACK
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i lan0 -p tcp -m tcp --dport 2222 -j MARK --set-mark 5
-A PREROUTING -p tcp -m tcp --dport 2223 -j CONNMARK --set-mark 9
-A PREROUTING -p tcp -j CONNMARK --restore-mark --mask 0x8
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.8.0.80:8080
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:FROM_LAN - [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j REJECT
-A FORWARD -i lan0 -j FROM_LAN
-A FORWARD -i wan0 -m conntrack --ctstate DNAT -j ACCEPT
-A FROM_LAN -m set --match-set hosts src -p icmp -j REJECT --reject-with icmp-host-prohibited
-A FROM_LAN -m set --match-set nets dst -j DROP
-A FROM_LAN -p tcp -m set ! --match-set web dst,dst -m tcp --dport 8080 -j REJECT --reject-with tcp-reset
-A FROM_LAN -j ACCEPT
COMMIT
`
const RULES6 = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan0 -p udp -m udp --dport 53 -j DNAT --to-destination [fd08::53]:5353
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan0 -m set --match-set hosts6 src -j REJECT
-A FORWARD -i lan0 -j ACCEPT
-A FORWARD -i wan0 -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
`

const tcp = (iface: string, src: string, sport: number, dst: string, dport: number, more: Partial<Packet>): Packet => ({
  iface,
  proto: 'tcp',
  src,
  sport,
  dst,
  dport,
  ...more,
})
const udp = (iface: string, src: string, sport: number, dst: string, dport: number): Packet => ({
  iface,
  proto: 'udp',
  src,
  sport,
  dst,
  dport,
  payload_len: 7,
})

/** Connections before the capture: NATed both ways, both families, one not replied, one half closed. */
const BEFORE: readonly Packet[] = [
  tcp('lan0', '10.9.0.5', 4001, '198.51.0.9', 443, { flags: 'S', seq: 100 }),
  tcp('wan0', '198.51.0.9', 443, '192.0.2.1', 4001, { flags: 'SA', seq: 900, ack: 101 }),
  tcp('lan0', '10.9.0.5', 4001, '198.51.0.9', 443, { flags: 'A', seq: 101, ack: 901 }),
  tcp('wan0', '198.51.0.44', 5001, '192.0.2.1', 80, { flags: 'S', seq: 100 }),
  tcp('dmz0', '10.8.0.80', 8080, '198.51.0.44', 5001, { flags: 'SA', seq: 900, ack: 101 }),
  tcp('lan0', '10.9.0.5', 4002, '198.51.0.9', 2223, { flags: 'S', seq: 100 }),
  udp('lan0', '10.9.0.6', 4100, '198.51.0.53', 53),
  udp('wan0', '198.51.0.53', 53, '192.0.2.1', 4100),
  udp('lan0', '10.9.0.6', 4101, '198.51.0.53', 53),
  { iface: 'lan0', proto: 'icmp', src: '10.9.0.5', dst: '198.51.0.9', icmp_id: 77 },
  udp('wan0', '2001:db8:1::9', 6000, '2001:db8::1', 53),
  tcp('lan0', 'fd09::5', 4001, '2001:db8:1::80', 443, { flags: 'S', seq: 100 }),
  tcp('wan0', '2001:db8:1::80', 443, '2001:db8::1', 4001, { flags: 'SA', seq: 900, ack: 101 }),
]

const AFTER: readonly Packet[] = [
  // Replies of connections that exist, and more of them.
  tcp('wan0', '198.51.0.9', 443, '192.0.2.1', 4001, { flags: 'PA', seq: 901, ack: 101, payload_len: 20 }),
  tcp('lan0', '10.9.0.5', 4001, '198.51.0.9', 443, { flags: 'FA', seq: 101, ack: 921 }),
  tcp('wan0', '198.51.0.44', 5001, '192.0.2.1', 80, { flags: 'A', seq: 101, ack: 901 }),
  tcp('dmz0', '10.8.0.80', 8080, '198.51.0.44', 5001, { flags: 'PA', seq: 901, ack: 101, payload_len: 3 }),
  tcp('wan0', '198.51.0.9', 2223, '192.0.2.1', 4002, { flags: 'SA', seq: 900, ack: 101 }),
  udp('wan0', '198.51.0.53', 53, '192.0.2.1', 4101),
  udp('lan0', '10.9.0.6', 4100, '198.51.0.53', 53),
  { iface: 'wan0', proto: 'icmp', icmp_type: 0, src: '198.51.0.9', dst: '192.0.2.1', icmp_id: 77 },
  udp('dmz0', 'fd08::53', 5353, '2001:db8:1::9', 6000),
  tcp('lan0', 'fd09::5', 4001, '2001:db8:1::80', 443, { flags: 'A', seq: 101, ack: 901 }),
  // What belongs to none.
  tcp('wan0', '198.51.0.10', 443, '10.8.0.80', 80, { flags: 'SA', seq: 900, ack: 101 }),
  tcp('wan0', '198.51.0.45', 5002, '192.0.2.1', 80, { flags: 'S', seq: 100 }),
  tcp('dmz0', '10.8.0.80', 8080, '198.51.0.45', 5002, { flags: 'SA', seq: 1, ack: 101 }),
  // Another source port is chosen where the first is taken.
  udp('lan0', '10.9.0.7', 4200, '198.51.0.53', 53),
  // Sets, of addresses, networks with an exception, addresses with ports.
  { iface: 'lan0', proto: 'icmp', src: '10.9.0.20', dst: '198.51.0.9', icmp_id: 5 },
  { iface: 'lan0', proto: 'icmp', src: '10.9.0.21', dst: '198.51.0.9', icmp_id: 5 },
  udp('lan0', '10.9.0.6', 4300, '198.51.100.5', 9),
  udp('lan0', '10.9.0.6', 4301, '198.51.100.70', 9),
  tcp('lan0', '10.9.0.6', 4302, '203.0.113.80', 8080, { flags: 'S', seq: 100 }),
  tcp('lan0', '10.9.0.6', 4303, '203.0.113.81', 8080, { flags: 'S', seq: 100 }),
  udp('lan0', 'fd09::20', 4300, '2001:db8:1::9', 9),
  // Policy rules, routes that lead nowhere, source validation, not tracked.
  tcp('lan0', '10.9.0.6', 4304, '198.51.0.9', 2222, { flags: 'S', seq: 100 }),
  udp('lan0', '10.9.0.77', 4305, '198.51.0.9', 9),
  udp('lan0', 'fd09::77', 4305, '2001:db8:1::9', 9),
  udp('lan0', '10.9.0.6', 4306, '10.66.0.9', 9),
  udp('lan0', '10.9.0.6', 4307, '10.67.0.9', 9),
  udp('lan0', '10.9.0.6', 4308, '10.68.0.9', 9),
  udp('lan0', 'fd09::6', 4309, 'fd67::9', 9),
  udp('lan0', '10.8.0.44', 4310, '198.51.0.9', 9),
  udp('lan0', '10.9.0.6', 4311, '198.51.0.9', 123),
  { ...udp('lan0', '10.9.0.6', 4312, '198.51.0.9', 9), ttl: 1 },
]

/** `conntrack -L -o extended` without what the clock decides, and without what the bridge's own host says (IGMP). */
const connections = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => /^ipv[46]/.test(line) && !/ unknown +2 /.test(line))
    .map((line) => line.replace(/^((?:\S+ +){4})\d+ /, '$1- ').replace(/ use=\d+$/, ''))
    .sort()

if (haveKernel('a captured node replayed')) {
  for (const backend of ['legacy', 'nft'] as const)
    test(`${backend}: what comes after the capture, in the kernel and in both engines`, () => {
      const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
      try {
        const list = { sh: 'conntrack -L -o extended 2>/dev/null' }
        const answers = playSteps(LINKS, [
          { sh: `set -e${SETUP}` },
          { sh: `iptables-${backend}-restore`, stdin: RULES4 },
          { sh: `ip6tables-${backend}-restore`, stdin: RULES6 },
          ...BEFORE.map(packetStep),
          // A dump does not show how old a connection is; it is taken for older than the two seconds that UDP asks for.
          { sh: `sleep 2.1; sh '${script}' -b ${backend} -c '${dir}' 2>&1` },
          ...AFTER.map(packetStep),
          list,
        ])
        for (const { status, err } of answers.slice(0, 3)) assert.is(status, 0, err)
        const capture = answers[3 + BEFORE.length] as StepAnswer
        assert.is(capture.status, 0, capture.out)
        const after = answers.slice(4 + BEFORE.length)
        const namespace = readBundlePath(dir)
        assert.is(connections(namespace.connections.map(formatConntrack)).length, 8)
        assert.is(namespace.rulesets[0]!.backend, backend)
        const planes = { engine: new Engine(namespace), reference: new ReferenceEngine(namespace) }
        for (const [name, plane] of Object.entries(planes)) {
          for (const [i, packet] of AFTER.entries()) {
            const answer = plane.process(packet)
            const ours = leaving(answer).flatMap(({ iface, packet: out }) =>
              shownFrames({ frames: [[iface, (packetStep({ ...out, iface }) as { packet: string }).packet]] }),
            )
            const where = `${name}: ${JSON.stringify(packet)}: ${JSON.stringify(answer.dropped_by)}`
            assert.equal(ours, shownFrames(after[i]!), where)
          }
          const ours = connections(plane.conntrack().map(formatConntrack))
          assert.equal(ours, connections(after.at(-1)!.out!.split('\n')), name)
        }
      } finally {
        rmSync(dir, { recursive: true })
      }
    })
} else {
  test('skipped', () => {})
}
test.run()
