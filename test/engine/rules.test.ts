// The core's rules against the naive engine: random rule sets over every match, set type and stateful extension, with
// packets close enough together that limits, lists and counters are really used. What differs prints the packet.

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import type { Ruleset } from '../../src/netfilter/model.js'
import { readRules } from '../../src/netfilter/read.js'
import { readIpsets } from '../../src/netns/ipset.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespaceOf, namespaces, packets } from './rules-arbitrary.js'

const test = suite('engine/rules')

const text = (value: unknown): string => JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v))

/** Fails with the rules and the packet, in a few lines. */
function same(ns: NetworkNamespace, what: unknown, got: unknown, want: unknown): void {
  if (isDeepStrictEqual(got, want)) return
  const rules = ns.rulesets.flatMap((r) =>
    r.tables.flatMap((t) =>
      t.chains.flatMap((c) => c.rules.map((x, i) => `${r.family} ${t.name} ${c.name} ${i + 1} ${text(x)}`)),
    ),
  )
  const sets = ns.sets.filter((s) => s.entries.length > 0)
  const all = [text(what), `engine    ${text(got)}`, `reference ${text(want)}`, ...rules, text(sets)]
  throw new Error(`they differ\n${all.join('\n')}`)
}

test('random rules, sets and packets: verdict, header, trace, steps, entries and counters are the same', () => {
  const met = new Set<string>()
  fc.assert(
    fc.property(
      namespaces,
      fc.array(packets, { minLength: 1, maxLength: 40, size: 'max' }),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      (ns, sequence, seed) => {
        const engine = new Engine(ns, { seed })
        const reference = new ReferenceEngine(ns, { seed })
        let now = 0
        for (const { gap, ...given } of sequence) {
          now += gap
          const packet = { ...given, at_ms: now } as Packet
          same(
            ns,
            packet,
            engine.process(packet, { trace: true, ct: true }),
            reference.process(packet, { trace: true, ct: true }),
          )
        }
        const counters = reference.counters()
        same(ns, 'counters', engine.counters(), counters)
        same(ns, 'conntrack', engine.conntrack(), reference.conntrack())
        for (const rule of counters
          .flatMap((r) => r.tables)
          .flatMap((t) => t.chains)
          .flatMap((c) => c.rules)) {
          if ((rule.counters?.packets ?? 0n) > 0n) for (const m of rule.matches) met.add(m.match)
        }
      },
    ),
    { numRuns: Number(process.env['RULES_RUNS'] ?? 150), includeErrorInReport: true },
  )
  const expected = [
    'addrtype',
    'conntrack',
    'iprange',
    'limit',
    'mark',
    'multiport',
    'recent',
    'set',
    'statistic',
    'tcp',
  ]
  assert.equal(
    expected.filter((m) => !met.has(m)),
    [],
    'matches that no packet met',
  )
})

// What follows was seen of Linux 6.18 with iptables 1.8.9 (legacy) in a namespace of eth0 (10.0.0.1/24, fd00:1::1/64) and
// eth1 (10.1.0.1/24, fd00:2::1/64).

/** Trace lines of the rules that matched in the chains named. */
function matched(engine: Engine, packet: Packet, chains: readonly string[]): string[] {
  const { trace } = engine.process(packet, { trace: true })
  return (trace ?? [])
    .filter((line) => line.includes(':rule:') && chains.some((c) => line.includes(`:${c}:`)))
    .map((line) => line.replace(/^[a-z]+:/, '').replace('rule:', ''))
}
const rulesOf = (family: 'ipv4' | 'ipv6', table: string, lines: readonly string[]): Ruleset =>
  readRules(`*${table}\n${lines.join('\n')}\nCOMMIT\n`, { file: 'rules', family })
const udp = (src: string, dst: string): Packet => ({ iface: 'eth0', proto: 'udp', src, dst, sport: 5, dport: 80 })

test('kernel: bitmap:port holds TCP and UDP only, --return-nomatch is for sets that know nomatch', () => {
  const sets = readIpsets(
    'create bp bitmap:port range 0-65535\nadd bp 0\nadd bp 80\ncreate hi hash:ip\nadd hi 10.0.0.5\n',
    {
      file: 'ipset',
    },
  )
  const rules = rulesOf('ipv4', 'mangle', [
    ':PREROUTING ACCEPT [0:0]',
    '-A PREROUTING -m set --match-set bp dst',
    '-A PREROUTING -m set --match-set hi src --return-nomatch',
    '-A PREROUTING -p sctp -m sctp ! --sport 5 ! --dport 80',
  ])
  const engine = new Engine(namespaceOf([rules], sets))
  const at = ['PREROUTING']
  assert.equal(matched(engine, udp('10.0.0.5', '10.1.0.9'), at), ['PREROUTING:1', 'PREROUTING:2'])
  assert.equal(matched(engine, { ...udp('10.0.0.6', '10.1.0.9'), proto: 'sctp', sport: 6 }, at), [])
  assert.equal(matched(engine, { iface: 'eth0', proto: 'esp', src: '10.0.0.5', dst: '10.1.0.9' }, at), ['PREROUTING:2'])
  const icmp = { iface: 'eth0', proto: 'icmp', src: '10.0.0.9', dst: '10.1.0.9', icmp_type: 0, icmp_code: 0 } as const
  assert.equal(matched(engine, { ...icmp, icmp_id: 7 }, at), [])
})

test('kernel: POSTROUTING knows the in interface of what is forwarded', () => {
  const rules = rulesOf('ipv4', 'mangle', [
    ':POSTROUTING ACCEPT [0:0]',
    ':U - [0:0]',
    '-A POSTROUTING -j U',
    '-A U -i eth0',
    '-A U ! -i eth0',
  ])
  const engine = new Engine(namespaceOf([rules], []))
  assert.equal(matched(engine, udp('10.0.0.5', '10.1.0.9'), ['U']), ['U:1'])
  assert.equal(matched(engine, { ...udp('10.1.0.1', '10.1.0.9'), iface: 'local' }, ['U']), ['U:2'])
})

test('kernel: UNICAST of IPv6 is any unicast address, LOCAL beside it must hold too', () => {
  const rules = rulesOf('ipv6', 'mangle', [
    ':PREROUTING ACCEPT [0:0]',
    '-A PREROUTING -m addrtype --dst-type UNICAST',
    '-A PREROUTING -m addrtype --dst-type LOCAL',
    '-A PREROUTING -m addrtype --dst-type UNICAST,LOCAL',
    '-A PREROUTING -m addrtype --dst-type UNREACHABLE',
  ])
  const ns = namespaceOf([rules], [])
  const engine = new Engine({ ...ns, routes: ns.routes.filter((r) => r.dst !== '::/0') })
  const at = ['PREROUTING']
  assert.equal(matched(engine, udp('fd00:1::5', 'fd00:1::1'), at), ['PREROUTING:1', 'PREROUTING:2', 'PREROUTING:3'])
  assert.equal(matched(engine, udp('fd00:1::5', 'fd00:2::9'), at), ['PREROUTING:1'])
  assert.equal(matched(engine, udp('fd00:1::5', 'fd00:9::9'), at), ['PREROUTING:1', 'PREROUTING:4'])
})

test('kernel: an entry of a recent list that is renewed is not reaped', () => {
  const mangle = [
    '*mangle',
    ':POSTROUTING ACCEPT [0:0]',
    '-A POSTROUTING -m recent --set --name two --rsource',
    'COMMIT',
  ]
  const rules = rulesOf('ipv4', 'raw', [
    ':PREROUTING ACCEPT [0:0]',
    '-A PREROUTING -m recent ! --update --seconds 1 --reap --name two --rsource',
    'COMMIT',
    ...mangle.slice(0, -1),
  ])
  const engine = new Engine(namespaceOf([rules], []))
  const at = ['PREROUTING', 'POSTROUTING']
  assert.equal(matched(engine, udp('10.0.0.5', '10.1.0.9'), at), ['PREROUTING:1', 'POSTROUTING:1'])
  assert.equal(matched(engine, { ...udp('10.0.0.5', '10.0.0.1'), at_ms: 2500 }, at), ['PREROUTING:1'])
  assert.equal(matched(engine, udp('10.0.0.5', '10.1.0.9'), at), ['POSTROUTING:1'])
})

test('a recent list holds 100 addresses: the one not seen for longest is thrown out', () => {
  const rules = rulesOf('ipv4', 'mangle', [
    ':PREROUTING ACCEPT [0:0]',
    ':INPUT ACCEPT [0:0]',
    '-A PREROUTING -d 10.1.0.9/32 -m recent --set --name l --rsource',
    '-A PREROUTING -d 10.1.0.8/32 -m recent --rcheck --name l --rsource',
  ])
  const engine = new Engine(namespaceOf([rules], []))
  const at = ['PREROUTING']
  for (let i = 0; i < 100; i++) matched(engine, udp(`10.0.0.${100 + i}`, '10.1.0.9'), at)
  matched(engine, udp('10.0.0.100', '10.1.0.9'), at)
  matched(engine, udp('10.0.0.99', '10.1.0.9'), at)
  assert.equal(matched(engine, udp('10.0.0.101', '10.1.0.8'), at), [])
  for (const kept of ['10.0.0.100', '10.0.0.102', '10.0.0.99']) {
    assert.equal(matched(engine, udp(kept, '10.1.0.8'), at), ['PREROUTING:2'])
  }
})

test.run()
