// What connections carry (connbytes) and how many there are (connlimit). Expected values: what Linux 6.18.44 did with these
// packets; a jiffy of its clock is a millisecond of ours.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet } from '../reference/scene.js'
import { Both } from './both.js'

const test = suite('conntrack: counted')
const CLIENT = '192.168.0.50'
const SERVER = '10.244.0.5'

/** Packets of one client and one server, a step of time between them; those with a mark are not seen by the rules. */
class Flow {
  readonly both: Both
  now = 0
  constructor(rules: string, sysctls: Record<string, string> = {}) {
    const filter = `:C - [0:0]\n-A FORWARD -m mark --mark 0x1 -j ACCEPT\n-A FORWARD -j C\n${rules}`
    this.both = new Both({ rules: { filter }, sysctls })
  }
  /** How many rules of the chain C matched; -1: the packet was dropped. */
  send(out: boolean, proto: string, sport: number, more: Partial<Packet> = {}, wait = 10): number {
    this.now += wait
    const [client, server] = [`${CLIENT}:${sport}`, `${SERVER}:80`]
    const text = out ? `eth0 ${proto} ${client} > ${server}` : `pod0 ${proto} ${server} > ${client}`
    const answer = this.both.send(text, { ...more, at_ms: this.now })
    if (answer.verdict === 'drop') return -1
    return answer.trace!.filter((line) => line.startsWith('filter:C:rule')).length
  }
  tcp(sport: number, flags: string, more: Partial<Packet> = {}, wait = 10): number {
    return this.send(!flags.startsWith('<'), 'tcp', sport, { flags: flags.replace('<', ''), ...more }, wait)
  }
  /** Segments that no rule sees. */
  quietly(sport: number, ...segments: readonly string[]): void {
    for (const flags of segments) this.tcp(sport, flags, { mark: 1 })
  }
}

const LIMITS = Array.from({ length: 8 }, (_, n) => `-A C -m connlimit --connlimit-above ${n} --connlimit-mask 0`).join(
  '\n',
)
/** Whichever way a packet goes, its connection counts. */
const counting = (): Flow => new Flow(LIMITS)

test('connlimit: each connection counts once; what a RST ended does not count', () => {
  const f = counting()
  assert.equal(
    [1, 2, 3].map((p) => f.tcp(p, 'S')),
    [1, 2, 3],
  )
  assert.is(f.tcp(1, 'S'), 3)
  f.quietly(1, '<RA')
  f.quietly(2, '<RA')
  assert.is(f.tcp(4, 'S'), 2)
  assert.is(f.send(true, 'udp', 1), 3)
  assert.is(f.send(true, 'udp', 1), 3)
})

test('connlimit: what is assured and was not counted does not come into the list; what is not assured does', () => {
  const f = counting()
  f.send(true, 'udp', 1)
  f.quietly(5, 'S', '<SA', 'A')
  assert.is(f.tcp(5, 'A'), 1)
  f.quietly(6, 'S', '<SA')
  assert.is(f.tcp(6, 'S'), 2)
  assert.is(f.tcp(6, 'A'), 2)
  f.quietly(7, 'S', '<SA')
  assert.is(f.tcp(7, 'A'), 2)
  f.send(true, 'udp', 3, { mark: 1 })
  f.send(false, 'udp', 3, { mark: 1 })
  assert.is(f.send(true, 'udp', 3), 3)
})

test('connlimit: what is closed is taken out; a packet of it that leaves nothing to count is dropped', () => {
  const f = counting()
  for (const [flags, count] of [
    ['S', 1],
    ['<SA', 1],
    ['A', 1],
    ['<FA', 1],
    ['FA', 1],
  ] as const)
    assert.is(f.tcp(5, flags), count)
  assert.is(f.tcp(5, '<A'), -1)
  assert.is(f.tcp(5, 'A'), -1)
  f.send(true, 'udp', 1)
  assert.is(f.tcp(5, 'A'), 1)
  // In an empty tree it counts.
  const g = counting()
  g.quietly(5, 'S', '<SA', 'A', 'RA')
  assert.is(g.tcp(5, 'A'), 1)
  assert.is(g.tcp(5, 'A'), -1)
})

test('connlimit: a list is looked through as far as the connection itself', () => {
  const f = counting()
  f.send(true, 'udp', 3)
  f.tcp(6, 'S')
  f.quietly(6, '<RA')
  assert.is(f.send(true, 'udp', 3), 2)
  assert.is(f.send(true, 'udp', 4), 2)
})

test('connlimit: within a tick new connections are only added, also one that was dropped before', () => {
  const f = new Flow(`${LIMITS}\n-A C -j DROP`)
  const count = (wait: number): number => {
    f.now += wait
    const answer = f.both.send(`eth0 tcp ${CLIENT}:1 > ${SERVER}:80`, { flags: 'S', at_ms: f.now })
    return answer.trace!.filter((line) => line.startsWith('filter:C:rule')).length - 1
  }
  assert.equal([0, 0, 0].map(count), [1, 2, 3])
  assert.is(count(4), 1)
  assert.is(count(0), 2)
})

test('connlimit: sixty-five are taken out at a time', () => {
  const many = Array.from({ length: 20 }, (_, n) => `-A C -m connlimit --connlimit-above ${n} --connlimit-mask 0`)
  const filter = `:C - [0:0]\n-A FORWARD -m mark --mark 0x1 -j ACCEPT\n-A FORWARD -j C\n${many.join('\n')}`
  const ns = namespace({ rules: { filter } })
  for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
    const send = (sport: number, flags: string, at_ms: number, mark = 0): number => {
      const [a, b] = [`${CLIENT}:${sport}`, `${SERVER}:80`]
      const text = flags === 'RA' ? `pod0 tcp ${b} > ${a}` : `eth0 tcp ${a} > ${b}`
      const answer = plane.process(packet(text, { flags, at_ms, mark }), { trace: true })
      return answer.trace!.filter((line) => line.startsWith('filter:C:rule')).length
    }
    for (let i = 0; i < 80; i++) send(100 + i, 'S', i)
    for (let i = 0; i < 80; i++) send(100 + i, 'RA', 100 + i, 1)
    assert.is(send(10, 'S', 1000), 16)
    assert.is(send(11, 'S', 1001), 2)
    assert.is(send(12, 'S', 1002), 3)
  }
})

test('connlimit: by network, by destination, at most', () => {
  const f = new Flow(
    '-A C -m connlimit --connlimit-upto 1 --connlimit-mask 32 --connlimit-daddr\n-A C -m connlimit --connlimit-above 1 --connlimit-mask 24',
  )
  assert.is(f.send(true, 'udp', 1), 1)
  assert.is(f.send(true, 'udp', 2), 1)
  assert.is(f.send(false, 'udp', 2), 1)
})

const BYTES = [1, 2, 3, 4].map(
  (n) => `-A C -m connbytes --connbytes ${n} --connbytes-dir both --connbytes-mode packets`,
)

test('connbytes: what keeps a connection alive is counted, a repeated SYN, an ignored segment and an error are not', () => {
  const f = new Flow(BYTES.join('\n'))
  assert.is(f.tcp(1, 'S'), 1)
  assert.is(f.tcp(1, 'S'), 1)
  assert.is(f.tcp(1, '<SA'), 2)
  assert.is(f.tcp(1, 'S'), 2)
  assert.is(f.tcp(1, 'A'), 3)
  assert.is(f.tcp(1, 'A', { seq: 100_000_000 }), 0)
  assert.is(f.tcp(1, 'A'), 4)
  const [entry] = f.both.reference.conntrack()
  assert.equal(entry!.counted, { orig: { packets: 3, bytes: 120 }, reply: { packets: 1, bytes: 40 } })
})

test('connbytes: of one direction, on average, outside of a range; a connection that is reset at once was counted', () => {
  const f = new Flow(
    [
      '--connbytes 1 --connbytes-dir reply --connbytes-mode packets',
      '--connbytes 120: --connbytes-dir original --connbytes-mode bytes',
      '--connbytes 50:60 --connbytes-dir original --connbytes-mode avgpkt',
      '! --connbytes 1:2 --connbytes-dir both --connbytes-mode packets',
    ]
      .map((m) => `-A C -m connbytes ${m}`)
      .join('\n'),
  )
  const matched = (...packetOf: Parameters<Flow['send']>): string => {
    f.now += 10
    const [out, proto, sport, more] = packetOf
    const [client, server] = [`${CLIENT}:${sport}`, `${SERVER}:80`]
    const text = out ? `eth0 ${proto} ${client} > ${server}` : `pod0 ${proto} ${server} > ${client}`
    const { trace } = f.both.send(text, { ...more, at_ms: f.now })
    return trace!.flatMap((l) => /^filter:C:rule:(\d)/.exec(l)?.[1] ?? []).join('')
  }
  assert.is(matched(true, 'udp', 1, { payload_len: 12 }), '')
  assert.is(matched(true, 'udp', 1, { payload_len: 53 }), '23')
  assert.is(matched(false, 'udp', 1), '1234')
  assert.is(matched(true, 'tcp', 9, { flags: 'S' }), '')
  assert.is(matched(false, 'tcp', 9, { flags: 'RA' }), '1')
})

test('connbytes: a rule switches counting on for good; what was there before is not counted', () => {
  const ns = namespace({ rules: { filter: '-A FORWARD -m conntrack --ctstate NEW' } })
  const counted = namespace({ rules: { filter: BYTES[0]!.replace('C', 'FORWARD') } })
  for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
    const send = (sport: number): number =>
      plane.process(packet(`eth0 udp ${CLIENT}:${sport} > ${SERVER}:80`), { trace: true }).trace!.length
    send(1)
    plane.swapRules(counted.rulesets)
    assert.is(send(1), 1)
    assert.is(send(2), 2)
    plane.swapRules(ns.rulesets)
    send(3)
    assert.equal(
      plane.conntrack().map((e) => e.counted?.orig.packets),
      [undefined, 1, 1],
    )
  }
})

test('connbytes: a listing says what was counted before', () => {
  const rules = { filter: `:C - [0:0]\n-A FORWARD -j C\n${BYTES.join('\n')}` }
  const base = namespace({ rules })
  const entry = (sport: number): (typeof base.connections)[number] => ({
    family: 'ipv4',
    proto: 'udp',
    protonum: 17,
    timeout: 30,
    orig: { src: CLIENT, dst: SERVER, sport, dport: 80 },
    reply: { src: SERVER, dst: CLIENT, sport: 80, dport: sport },
    status: ['SEEN_REPLY', 'CONFIRMED'],
    mark: 0,
  })
  const carried = { orig: { packets: 2 ** 33, bytes: 2 ** 40 }, reply: { packets: 0, bytes: 0 } }
  const both = new Both({ ...base, connections: [{ ...entry(1), counted: carried }, entry(2)] })
  const rulesOf = (sport: number): number =>
    both.send(`eth0 udp ${CLIENT}:${sport} > ${SERVER}:80`).trace!.filter((l) => l.startsWith('filter:C:rule')).length
  assert.is(rulesOf(1), 4)
  assert.is(rulesOf(2), 0)
  assert.equal(both.engine.conntrack()[0]!.counted, {
    orig: { packets: 2 ** 33 + 1, bytes: 2 ** 40 + 28 },
    reply: { packets: 0, bytes: 0 },
  })
})

test.run()
