// Rules exchanged in the image where it lies: what counts on, what counts anew, and what is refused leaves all as it was.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkImage, readImage } from '../../src/compile/check.js'
import { Engine } from '../../src/engine/index.js'
import { FaultError } from '../../src/net/fault.js'
import type { Packet } from '../../src/net/packet.js'
import type { Chain, Rule, Ruleset } from '../../src/netfilter/model.js'
import { readRules } from '../../src/netfilter/read.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { Link, NetworkNamespace } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
-A INPUT -p udp -m udp --dport 1 -j A
-A INPUT -p udp -m udp --dport 2 -j B
-A A -p udp -j RETURN
-A A -j ACCEPT
-A B -p udp -j DROP
COMMIT
`
const links: Link[] = [
  {
    name: 'eth0',
    index: 2,
    up: true,
    loopback: false,
    kind: '',
    mtu: 1500,
    addresses: [{ address: '10.0.0.1', prefixLength: 24, family: 'ipv4', scope: 'global' }],
  },
]
const namespace: NetworkNamespace = {
  name: 'n',
  links,
  routes: deriveRoutes(links),
  policyRules: defaultPolicyRules('ipv4'),
  rulesets: [readRules(RULES, { file: 'rules', family: 'ipv4', backend: 'legacy' })],
  sets: [],
  sysctls: {},
  connections: [],
  forceConntrack: false,
  assumed: [],
}
const packet = (dport: number): Packet => ({
  iface: 'eth0',
  proto: 'udp',
  src: '10.0.0.9',
  dst: '10.0.0.1',
  sport: 1000,
  dport,
})

/** The rule sets with one chain exchanged. */
function withChain(rulesets: readonly Ruleset[], name: string, change: (chain: Chain) => Chain): Ruleset[] {
  return rulesets.map((r) => ({
    ...r,
    tables: r.tables.map((t) => ({ ...t, chains: t.chains.map((c) => (c.name === name ? change(c) : c)) })),
  }))
}

/** Packets by chain: the policy's or the chain's own first, then its rules'. */
function packets(engine: Engine, name: string): string {
  const chain = engine.counters()[0]!.tables[0]!.chains.find((c) => c.name === name)!
  return [chain, ...chain.rules].map((x) => x.counters!.packets).join(' ')
}

const test = suite('engine/patch')

test('a chain that is exchanged: rules that stay count on, new ones from 0, other chains do not notice', () => {
  const engine = new Engine(namespace, { room: 1 })
  for (const port of [1, 1, 2]) engine.process(packet(port))
  assert.is(packets(engine, 'A'), '0 2 0')
  const more: Rule = { matches: [], line: 7, target: { target: 'DROP' } }
  engine.swapRules(withChain(engine.rulesets, 'A', (c) => ({ ...c, rules: [more, ...c.rules] })))
  assert.is(engine.patches, 1)
  assert.is(packets(engine, 'A'), '0 0 2 0')
  assert.is(packets(engine, 'B'), '0 1')
  const answer = engine.process(packet(1), { trace: true })
  assert.equal(answer.dropped_by, { table: 'filter', chain: 'A', rule: 1, file: 'rules', line: 7 })
  assert.equal(answer.trace, ['filter:INPUT:rule:1', 'filter:A:rule:1'])
  assert.is(packets(engine, 'A'), '0 1 2 0')
})

test('a chain that is filled with what it held counts from 0', () => {
  const engine = new Engine(namespace, { room: 1 })
  engine.process(packet(1))
  engine.swapRules(withChain(engine.rulesets, 'A', (c) => ({ ...c })))
  assert.is(engine.patches, 1)
  assert.is(packets(engine, 'A'), '0 0 0')
  assert.is(packets(engine, 'INPUT'), '1 1 0')
})

test('chains that go and come, again and again, take no more room', () => {
  const engine = new Engine(namespace, { room: 0.25 })
  const first = engine.rulesets
  const jump = first[0]!.tables[0]!.chains.find((c) => c.name === 'INPUT')!.rules[1]!
  const without = withChain(first, 'INPUT', (c) => ({ ...c, rules: c.rules.filter((r) => r !== jump) })).map((r) => ({
    ...r,
    tables: r.tables.map((t) => ({ ...t, chains: t.chains.filter((c) => c.name !== 'B') })),
  }))
  for (let i = 0; i < 2000; i++) engine.swapRules(i % 2 ? first : without)
  assert.is(engine.patches, 2000)
  assert.is(engine.process(packet(2)).verdict, 'drop')
  engine.swapRules(without)
  assert.is(engine.process(packet(2)).verdict, 'local')
})

test('a swap that is refused after changes leaves rules and counters as they were', () => {
  const engine = new Engine(namespace, { room: 1 })
  engine.process(packet(2))
  engine.swapRules(withChain(engine.rulesets, 'A', (c) => ({ ...c, rules: c.rules.slice(1) })))
  engine.process(packet(1))
  const before = engine.rulesets
  const bad: Rule = { matches: [], line: 1, target: { target: 'jump', chain: 'NOWHERE' } }
  assert.throws(
    () => engine.swapRules(withChain(before, 'B', (c) => ({ ...c, rules: [...c.rules, bad] }))),
    (error: unknown) => error instanceof FaultError && /NOWHERE/.test(error.message),
  )
  // B may not go while INPUT leads to it.
  const gone = before.map((r) => ({
    ...r,
    tables: r.tables.map((t) => ({ ...t, chains: t.chains.filter((c) => c.name !== 'B') })),
  }))
  assert.throws(() => engine.swapRules(gone), /chain B does not exist/)
  assert.is(engine.rulesets, before)
  assert.is(packets(engine, 'A'), '0 1')
  assert.is(packets(engine, 'B'), '0 1')
  engine.swapRules(withChain(before, 'B', (c) => ({ ...c, rules: [] })))
  assert.is(engine.patches, 0, 'all was compiled anew')
  assert.is(packets(engine, 'A'), '0 1')
  assert.is(engine.process(packet(2)).verdict, 'local')
})

test('a circle of jumps is refused, and so is one through a chain that stays', () => {
  const engine = new Engine(namespace, { room: 1 })
  const to = (chain: string): Rule => ({ matches: [], line: 1, target: { target: 'jump', chain } })
  engine.swapRules(withChain(engine.rulesets, 'A', (c) => ({ ...c, rules: [to('B'), ...c.rules] })))
  assert.throws(
    () => engine.swapRules(withChain(engine.rulesets, 'B', (c) => ({ ...c, rules: [to('A')] }))),
    (error: unknown) => error instanceof FaultError && /loop/.test(error.message),
  )
  assert.is(engine.process(packet(1)).verdict, 'drop')
})

test('the image of an engine whose rules were exchanged says what is in force', () => {
  const engine = new Engine(namespace, { room: 1 })
  engine.swapRules(withChain(engine.rulesets, 'B', (c) => ({ ...c, rules: [] })))
  const other = new Engine(engine.image)
  assert.is(other.process(packet(2)).verdict, 'local')
  assert.is(new Engine(namespace).process(packet(2)).verdict, 'drop')
})

test('an image that was taken before a change does not change with it, and is sound', () => {
  const engine = new Engine(namespace, { room: 1 })
  const { image } = engine
  engine.swapRules(withChain(engine.rulesets, 'B', (c) => ({ ...c, rules: [] })))
  assert.is(new Engine(image).process(packet(2)).verdict, 'drop')
  checkImage(image.bytes)
  const read = new Engine(readImage(image.bytes))
  assert.is(read.process(packet(2)).verdict, 'drop')
  assert.is(engine.process(packet(2)).verdict, 'local')
})

test.run()
