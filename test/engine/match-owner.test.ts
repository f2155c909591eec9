// The `owner` match in both engines: what processes send, what the kernel sends by itself, what is forwarded. Expected: what
// rules of this kind do on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet } from '../reference/scene.js'
import { marked } from '../support/marked.js'

const test = suite('engine: owner and quota')
const sent = (...all: Partial<Packet>[]): [string, Partial<Packet>][] =>
  all.map((m) => ['local udp 192.168.0.2:1 > 10.244.0.5:53', m])

test('owner: ranges of numbers, asked for by name', () => {
  const rules = ['--uid-owner 1000', '! --uid-owner 0-999', '--gid-owner 5-9', '--uid-owner 1000 ! --gid-owner 7']
  assert.equal(
    marked(
      rules.map((r) => `-m owner ${r}`),
      sent({ uid: 1000, gid: 7 }, { uid: 1000, gid: 4 }, { uid: 0, gid: 9 }, { uid: 999, gid: 10 }, { uid: 1000 }, {}),
      { chain: 'OUTPUT' },
    ),
    ['123', '124', '3', '', 'stopped', 'stopped'],
  )
  // The user decides first: with another one the group is not asked for.
  assert.equal(marked(['-m owner --uid-owner 1 --gid-owner 1'], sent({ uid: 2 }, { uid: 1 }), { chain: 'OUTPUT' }), [
    '',
    'stopped',
  ])
})

test('owner: what is forwarded has none, so only what is inverted throughout holds', () => {
  const rules = [
    '--uid-owner 0',
    '! --uid-owner 0',
    '--socket-exists',
    '! --socket-exists',
    '! --uid-owner 0 --gid-owner 0',
  ]
  const all = rules.map((r) => `-m owner ${r}`)
  assert.equal(marked(all, ['eth0 udp 192.168.0.50:1 > 10.244.0.5:53'], { chain: 'POSTROUTING' }), ['24'])
  assert.equal(marked(all, sent({ uid: 0, gid: 0 }), { chain: 'POSTROUTING' }), ['13'])
})

test('owner: an ICMP error has a socket and no user, a reset has no socket', () => {
  const rules = ['--socket-exists', '! --socket-exists', '--uid-owner 0', '! --uid-owner 0']
  const text = rules.map((r) => `-A OUTPUT -m owner ${r}`).join('\n')
  const ns = namespace({
    rules: { filter: `${text}\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\n-A FORWARD -j REJECT` },
  })
  for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
    const answered = (from: string): string[] =>
      plane.process(packet(from), { trace: true }).trace_reply!.filter((l) => l.includes(':rule:'))
    assert.equal(answered('eth0 udp 192.168.0.50:1 > 10.244.0.5:53'), ['filter:OUTPUT:rule:1', 'filter:OUTPUT:rule:4'])
    assert.equal(answered('eth0 tcp 192.168.0.50:1 > 10.244.0.5:53'), ['filter:OUTPUT:rule:2', 'filter:OUTPUT:rule:4'])
  }
})

test('quota: bytes of the packets; after one that did not fit nothing fits', () => {
  const udp = (payload: number): [string, Partial<Packet>] => [
    'eth0 udp 192.168.0.50:1 > 10.244.0.5:53',
    { payload_len: payload },
  ]
  const rules = [
    '-m quota --quota 100',
    '-m quota ! --quota 28',
    '-m quota --quota 0',
    '-m quota --quota 18446744073709551615',
  ]
  assert.equal(marked(rules, [udp(0), udp(44), udp(0), udp(0)]), ['14', '124', '24', '24'])
  assert.equal(marked(['-m quota --quota 60'], [udp(0), udp(30), udp(0)]), ['1', '', ''])
})

test.run()
