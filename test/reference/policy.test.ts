// Policy rules that ask for ports, users and groups, in both engines. What Linux 6.18 did with sockets: a look-up before
// sending has ports (an ICMP message: type and code as the destination port) and the user; a re-routing has the ports of
// the header, and of the user IPv6 only; what comes in is nobody's, user 0.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { MissingFieldError } from '../../src/net/missing.js'
import type { Packet } from '../../src/net/packet.js'
import { readRules } from '../../src/netfilter/read.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { Link, NetworkNamespace, PolicyRule, Route } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'
import { ReferenceEngine } from '../../src/reference/index.js'

type Family = 'ipv4' | 'ipv6'
const six = (family: Family): boolean => family === 'ipv6'

const links: Link[] = [0, 1, 2, 3].map((i) => ({
  name: `e${i}`,
  index: i + 2,
  up: true,
  loopback: false,
  kind: '',
  mtu: 1500,
  addresses: [
    { address: `10.0.${i}.1`, prefixLength: 24, family: 'ipv4', scope: 'global' },
    { address: `fd00:${i}::1`, prefixLength: 64, family: 'ipv6', scope: 'global' },
  ],
}))
const lo: Link = { name: 'lo', index: 1, up: true, loopback: true, kind: '', mtu: 65536, addresses: [] }
const toDefault = (family: Family, i: number): Route => ({
  family,
  table: i === 0 ? 254 : 100 + i,
  type: 'unicast',
  dst: six(family) ? '::/0' : '0.0.0.0/0',
  nextHops: [{ dev: `e${i}`, weight: 1 }],
  metric: six(family) ? 1024 : 0,
  scope: 'link',
  tos: 0,
})

function namespace(family: Family, rules: readonly Partial<PolicyRule>[], text = ''): NetworkNamespace {
  return {
    name: 'policy',
    links: [lo, ...links],
    routes: [...deriveRoutes([lo, ...links]), ...[0, 1, 2, 3].map((i) => toDefault(family, i))],
    policyRules: [
      ...defaultPolicyRules(family).slice(0, 1),
      ...rules.map((r, i) => ({ family, priority: 10 + i, not: false, ...r }) as PolicyRule),
      ...defaultPolicyRules(family).slice(1),
    ],
    rulesets: text === '' ? [] : [readRules(text, { file: 'rules', family })],
    sets: [],
    sysctls: {},
    connections: [],
    forceConntrack: false,
    assumed: [],
  }
}

const table = (n: number): PolicyRule['action'] => ({ type: 'table', table: 100 + n })
const at = (p: number): { from: number; to: number } => ({ from: p, to: p })
const SELECTORS: readonly Partial<PolicyRule>[] = [
  { ipproto: 17, dport: at(1000), action: table(1) },
  { ipproto: 17, sport: at(7000), action: table(2) },
  { dport: at(8 << 8), action: table(1) },
  { dport: at(128 << 8), action: table(2) },
  { uidRange: { from: 1000, to: 1001 }, action: table(3) },
]
const MARKED = '*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j MARK --set-mark 1\nCOMMIT\n'

function outIface(ns: NetworkNamespace, packet: Partial<Packet>): string {
  const family = ns.policyRules[0]!.family
  const full = {
    id: 7,
    iface: 'local',
    proto: 'udp',
    src: six(family) ? 'fd00:0::1' : '10.0.0.1',
    dst: six(family) ? 'fd99::9' : '9.9.9.9',
    ...(packet.proto === undefined ? { sport: 5, dport: 5 } : {}),
    uid: 0,
    ...packet,
  } as Packet
  const answers = [new ReferenceEngine(ns), new Engine(ns)].map((e) => e.process(full))
  assert.is(answers[0]!.out_iface, answers[1]!.out_iface)
  return String(answers[1]!.out_iface)
}

const it = suite('policy rules')

for (const family of ['ipv4', 'ipv6'] as const) {
  const ping: Partial<Packet> = { proto: six(family) ? 'icmpv6' : 'icmp', icmp_type: six(family) ? 128 : 8, icmp_id: 1 }
  it(`${family}: before sending, ports and the user are known`, () => {
    const ns = namespace(family, SELECTORS)
    assert.is(outIface(ns, { dport: 1000 }), 'e1')
    assert.is(outIface(ns, { sport: 7000 }), 'e2')
    assert.is(outIface(ns, {}), 'e0')
    assert.is(outIface(ns, { uid: 1000 }), 'e3')
    assert.is(outIface(ns, ping), six(family) ? 'e2' : 'e1')
  })

  it(`${family}: a re-routing knows ports, and the user in IPv6 only`, () => {
    const ns = namespace(family, SELECTORS, MARKED)
    assert.is(outIface(ns, { dport: 1000 }), 'e1')
    assert.is(outIface(ns, { sport: 7000 }), 'e2')
    assert.is(outIface(ns, { uid: 1000 }), six(family) ? 'e3' : 'e0')
    assert.is(outIface(ns, ping), 'e0')
  })

  it(`${family}: what comes in is user 0's`, () => {
    const ns = namespace(family, [{ uidRange: at(0), action: table(3) }])
    const src = six(family) ? 'fd00:1::5' : '10.0.1.5'
    assert.is(outIface(ns, { iface: 'e1', src }), 'e3')
  })

  it(`${family}: a user that is not known is asked for by name`, () => {
    const ns = namespace(family, SELECTORS)
    for (const engine of [new ReferenceEngine(ns), new Engine(ns)]) {
      const src = six(family) ? 'fd00:0::1' : '10.0.0.1'
      const packet = { id: 7, iface: 'local', proto: 'udp', src, dst: six(family) ? 'fd99::9' : '9.9.9.9' } as const
      try {
        engine.process({ ...packet, sport: 5, dport: 5 })
        assert.unreachable()
      } catch (error) {
        assert.instance(error, MissingFieldError)
        assert.is(
          (error as Error).message,
          `packet 7 reaches rule 14 of policy rules ${family}, which needs the packet's uid: give the field \`uid\``,
        )
      }
      // Another rule decides before: nothing is asked.
      assert.is(engine.process({ ...packet, id: 8, sport: 5, dport: 1000 }).out_iface, 'e1')
    }
  })
}

it.run()
