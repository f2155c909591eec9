// Matches on single header fields, in both engines. Expected: what rules of this kind do on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Packet } from '../../src/net/packet.js'
import { marked } from '../support/marked.js'

const test = suite('engine: matches on the header')
const UDP = 'eth0 udp 192.168.0.50:1 > 10.244.0.5:53'
const UDP6 = 'eth0 udp [fd00::50]:1 > [fd00:10:244::5]:53'
const with4 = (...all: Partial<Packet>[]): [string, Partial<Packet>][] => all.map((m) => [UDP, m])
const with6 = (...all: Partial<Packet>[]): [string, Partial<Packet>][] => all.map((m) => [UDP6, m])

test('length: of the whole packet, inclusive, inverted, a reversed range', () => {
  const rules = ['--length 28', '--length 29:38', '! --length 28:', '--length 38:29', '! --length 38:29'].map((r) =>
    `-m length ${r}`.replace('-m length ! ', '-m length ! '),
  )
  assert.equal(marked(rules, with4({}, { payload_len: 1 }, { payload_len: 10 }, { payload_len: 11 })), [
    '15',
    '25',
    '25',
    '5',
  ])
  assert.equal(marked(['-m length --length 48', '-m length --length :47'], with6({}, { payload_len: 1 })), ['1', ''])
})

test('ttl and hl: equal, below, above, not equal; after forwarding one less', () => {
  const rules = ['eq 64', 'lt 64', 'gt 64'].map((r) => `-m ttl --ttl-${r}`).concat('-m ttl ! --ttl-eq 64')
  assert.equal(marked(rules, with4({}, { ttl: 63 }, { ttl: 255 })), ['1', '24', '34'])
  assert.equal(marked(rules, with4({}, { ttl: 65 }), { chain: 'POSTROUTING' }), ['24', '1'])
  assert.equal(
    marked(
      rules.map((r) => r.replaceAll('ttl', 'hl')),
      with6({}, { ttl: 63 }, { ttl: 255 }),
    ),
    ['1', '24', '34'],
  )
})

test('tos and dscp: masked, the value whole', () => {
  const rules = [
    '-m tos --tos 0x10',
    '-m tos --tos Minimize-Delay',
    '-m tos ! --tos 0x10/0x10',
    '-m tos --tos 0x11/0x10',
  ]
  assert.equal(marked(rules, with4({ tos: 0x10 }, { tos: 0x50 }, { tos: 0 })), ['12', '2', '3'])
  const classes = ['-m dscp --dscp 46', '-m dscp --dscp-class EF', '-m dscp ! --dscp-class CS0']
  for (const packets of [
    with4({ tos: 0xb8 }, { tos: 0xbb }, { tos: 3 }),
    with6({ tos: 0xb8 }, { tos: 0xbb }, { tos: 3 }),
  ])
    assert.equal(marked(classes, packets), ['123', '123', ''])
})

test('ecn: the codepoint, and the bits of TCP, each inverted by itself', () => {
  const tcp = (flags: string, tos = 0): [string, Partial<Packet>] => [
    'eth0 tcp 192.168.0.50:1 > 10.244.0.5:80',
    { flags, tos },
  ]
  const rules = [
    '-m ecn --ecn-ip-ect 2',
    '-p tcp -m ecn --ecn-tcp-ece',
    '-p tcp -m ecn --ecn-tcp-cwr ! --ecn-tcp-ece',
    '-p tcp -m ecn ! --ecn-tcp-cwr ! --ecn-ip-ect 2',
  ]
  assert.equal(marked(rules, [tcp('S'), tcp('SE'), tcp('SC'), tcp('SEC', 2), tcp('S', 2)]), ['4', '24', '3', '12', '1'])
})

test('cpu: the one that the packet names', () => {
  const rules = ['-m cpu --cpu 0', '-m cpu ! --cpu 1', '-m cpu --cpu 4294967295']
  assert.equal(marked(rules, with4({ cpu: 0 }, { cpu: 1 }, { cpu: 4294967295 }, {})), ['12', '', '23', 'stopped'])
})

test.run()
