// Where Linux draws a port or a next hop at random, every outcome is as likely as it is there (400 runs of Linux 6.18: each
// of four ports 90 to 108 times, of five 76 to 89, a hop of weight 3 beside one of weight 1 three times as often). The
// draws here are those of a seed, so the counts are fixed; the bounds are those of a fair draw (chi square, p = 0.001).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import { readRules } from '../../src/netfilter/read.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { Link, NetworkNamespace } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'
import { ReferenceEngine } from '../../src/reference/index.js'

const link = (name: string, index: number, address: string, loopback = false): Link => ({
  name,
  index,
  up: true,
  loopback,
  kind: '',
  mtu: 1500,
  addresses: [{ address, prefixLength: loopback ? 8 : 24, family: 'ipv4', scope: loopback ? 'host' : 'global' }],
})
const links = [link('lo', 1, '127.0.0.1', true), link('eth0', 2, '192.168.0.2'), link('pod0', 3, '10.244.0.1')]
const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 10.96.1.3/32 -p udp -j DNAT --to-destination 10.244.0.5:5000-5003 --random
-A PREROUTING -d 10.96.1.8/32 -p udp -j REDIRECT --to-ports 100-104 --random
-A POSTROUTING -d 8.8.0.0/16 -p udp -j SNAT --to-source 192.168.0.2:9000-9003 --random
-A POSTROUTING -d 7.7.0.0/16 -p udp -j MASQUERADE --to-ports 100-102 --random-fully
COMMIT
`
const namespace: NetworkNamespace = {
  name: 'draws',
  links,
  routes: [
    ...deriveRoutes(links),
    ...[
      { dst: '0.0.0.0/0', nextHops: [{ dev: 'eth0', via: '192.168.0.1', weight: 1 }] },
      {
        dst: '9.0.0.0/8',
        nextHops: [
          { dev: 'eth0', via: '192.168.0.1', weight: 3 },
          { dev: 'pod0', via: '10.244.0.9', weight: 1 },
        ],
      },
    ].map((r) => ({ family: 'ipv4', table: 254, type: 'unicast', metric: 0, scope: 'global', tos: 0, ...r }) as const),
  ],
  policyRules: defaultPolicyRules('ipv4'),
  rulesets: [readRules(RULES, { file: 'rules', family: 'ipv4' })],
  sets: [],
  sysctls: { 'net.ipv4.ip_forward': '1' },
  connections: [],
  forceConntrack: false,
  assumed: [],
}

const FLOWS = 1200

/** How often each outcome came, of flows that do not meet each other. */
function counts(
  flow: (i: number) => Pick<Packet, 'iface' | 'src' | 'dst'>,
  of: 'sport' | 'dport' | 'out_iface',
): number[] {
  const both = [ReferenceEngine, Engine].map((Plane) => {
    const engine = new Plane(namespace, { seed: 7n })
    const seen = new Map<unknown, number>()
    for (let i = 0; i < FLOWS; i++) {
      const answer = engine.process({ proto: 'udp', sport: 2000 + i, dport: 53, ...flow(i) })
      seen.set(answer[of], (seen.get(answer[of]) ?? 0) + 1)
    }
    return [...seen].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  })
  assert.equal(both[0], both[1])
  return both[0]!.map(([, n]) => n)
}

function isFair(got: readonly number[], weights: readonly number[], bound: number): void {
  const total = weights.reduce((a, b) => a + b, 0)
  assert.is(got.length, weights.length)
  const chi = got.reduce(
    (sum, n, i) => sum + (n - (FLOWS * weights[i]!) / total) ** 2 / ((FLOWS * weights[i]!) / total),
    0,
  )
  assert.ok(chi < bound, `${got.join(' ')}: chi square ${chi}`)
}

const it = suite('random choices')
const client = (dst: string) => (): Pick<Packet, 'iface' | 'src' | 'dst'> => ({
  iface: 'eth0',
  src: '192.168.0.50',
  dst,
})
const pod =
  (net: string) =>
  (i: number): Pick<Packet, 'iface' | 'src' | 'dst'> => ({
    iface: 'pod0',
    src: '10.244.0.5',
    dst: `${net}.${i >> 8}.${i & 255}`,
  })

it('DNAT --random: each port of the range alike', () =>
  isFair(counts(client('10.96.1.3'), 'dport'), [1, 1, 1, 1], 16.3))
it('REDIRECT --random likewise', () => isFair(counts(client('10.96.1.8'), 'dport'), [1, 1, 1, 1, 1], 18.5))
it('SNAT --random likewise', () => isFair(counts(pod('8.8'), 'sport'), [1, 1, 1, 1], 16.3))
it('MASQUERADE --random-fully likewise', () => isFair(counts(pod('7.7'), 'sport'), [1, 1, 1], 13.8))
it('next hops by weight', () => isFair(counts(pod('9.9'), 'out_iface'), [3, 1], 10.8))

it.run()
