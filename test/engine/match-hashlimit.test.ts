// The `hashlimit` match in both engines. Expected: what rules of this kind do on Linux 6.18, with the numbers of
// net/netfilter/xt_hashlimit.c worked out by hand.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { FaultError } from '../../src/net/fault.js'
import type { Packet } from '../../src/net/packet.js'
import type { Ruleset } from '../../src/netfilter/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet } from '../reference/scene.js'
import { marked } from '../support/marked.js'

const test = suite('engine: hashlimit')
const H = '-m hashlimit --hashlimit'
type At = [number, Partial<Packet>?, string?]
/** Packets at times; the third part is who sends: the last byte of the source and the ports. */
const at = (...all: At[]): [string, Partial<Packet>][] =>
  all.map(([at_ms, more = {}, from = '50:1']) => [`eth0 udp 192.168.0.${from} > 10.244.0.5:53`, { at_ms, ...more }])

test('packets: a burst, then one for each period; above is the rest', () => {
  const rules = [
    `${H}-upto 2/sec --hashlimit-burst 2 --hashlimit-name a`,
    `${H}-above 2/sec --hashlimit-burst 2 --hashlimit-name b`,
  ]
  assert.equal(marked(rules, at([0], [0], [0], [499], [500], [500], [999], [1000], [3000], [3000], [3000])), [
    '1',
    '1',
    '2',
    '2',
    '1',
    '2',
    '2',
    '1',
    '1',
    '1',
    '2',
  ])
})

test('the table of a name is shared; its first rule says how it is kept', () => {
  const rules = [
    `${H}-upto 1/min --hashlimit-burst 3 --hashlimit-name a`,
    `${H}-upto 100/sec --hashlimit-burst 100 --hashlimit-name a`,
  ]
  assert.equal(marked(rules, at([0], [0], [0])), ['12', '1', ''])
})

test('by source, destination and ports, with masks', () => {
  const one = '1/min --hashlimit-burst 1'
  const rules = [
    `${H}-upto ${one} --hashlimit-mode srcip --hashlimit-name a`,
    `${H}-upto ${one} --hashlimit-mode srcip --hashlimit-srcmask 31 --hashlimit-name b`,
    `${H}-upto ${one} --hashlimit-mode srcport --hashlimit-name c`,
    `${H}-upto ${one} --hashlimit-mode dstip,dstport --hashlimit-name d`,
    `${H}-upto ${one} --hashlimit-mode dstip --hashlimit-dstmask 0 --hashlimit-name e`,
  ]
  const packets = at([0], [0], [0, {}, '51:1'], [0, {}, '52:1'], [0, {}, '50:2'])
  assert.equal(marked(rules, packets), ['12345', '', '1', '12', '3'])
  const other: [string, Partial<Packet>] = ['eth0 udp 192.168.0.50:1 > 10.244.0.6:53', {}]
  assert.equal(marked(rules, [...at([0]), other]), ['12345', '4'])
  // Protocols without ports count as port 0; the index of ESP is not known.
  const icmp: [string, Partial<Packet>] = ['eth0 icmp 192.168.0.50 > 10.244.0.5', {}]
  const esp: [string, Partial<Packet>] = ['eth0 esp 192.168.0.50 > 10.244.0.5', {}]
  assert.equal(marked([rules[2]!], [icmp, icmp, esp]), ['1', '', 'stopped'])
})

test('IPv6: a prefix of the source', () => {
  const rules = [
    `${H}-upto 1/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-srcmask 120 --hashlimit-name a`,
  ]
  const udp6 = (from: string): string => `eth0 udp [${from}]:1 > [fd00:10:244::5]:53`
  assert.equal(marked(rules, ['fd00::50', 'fd00::ff', 'fd00::150'].map(udp6)), ['1', '', '1'])
})

test('bytes: a second holds a second of credit; a burst fills it up again', () => {
  // 1kb/s: a cost of 66076419 a step of 16 bytes becomes 64527752; a second is worth 4194304000, 65 steps less a bit.
  const rules = [`${H}-upto 1kb/s --hashlimit-name a`, `${H}-upto 1kb/s --hashlimit-burst 2kb --hashlimit-name b`]
  const big = { payload_len: 484 } // 512 bytes: 33 steps, 2129415816
  assert.equal(marked(rules, at([0, big], [0, big], [0, big], [0, big])), ['12', '2', '2', ''])
  assert.equal(marked([rules[0]!], at([0, big], [15, big], [16, big])), ['1', '', '1'])
  // However long, a packet costs at most a second.
  assert.equal(marked([rules[0]!], at([0, { payload_len: 60000, df: false }], [999, big], [1000, big])), ['1', '1', ''])
})

test('rate-match: what an interval may hold, and nothing after one that was above the rate', () => {
  const rules = [`${H}-upto 2/sec --hashlimit-burst 1 --hashlimit-rate-match --hashlimit-name a`]
  assert.equal(marked(rules, at([0], [10], [20], [30], [1000], [1900], [2000], [2001])), [
    '1',
    '1',
    '1',
    '',
    '',
    '',
    '1',
    '1',
  ])
})

test('entries: gone when the table is cleaned after they expired; a full table drops', () => {
  const rules = [
    `${H}-upto 1/min --hashlimit-burst 1 --hashlimit-htable-expire 100 --hashlimit-htable-gcinterval 500 --hashlimit-name a`,
  ]
  // Due at 110, cleaned at 500; the packet at 490 would find it and keep it.
  assert.equal(marked(rules, at([10], [499], [600], [1100])), ['1', '', '', '1'])
  assert.equal(marked(rules, at([10], [500], [999], [1100], [1500])), ['1', '1', '', '', '1'])
  const small = `--hashlimit-mode srcip --hashlimit-htable-max 2 --hashlimit-htable-size 2 --hashlimit-name b`
  const full = [`${H}-upto 9/sec ${small}`, '-p udp']
  assert.equal(
    marked(full, at([0, {}, '50:1'], [0, {}, '51:1'], [0, {}, '52:1'], [0, {}, '50:1'], [2000, {}, '52:1'])),
    ['12', '12', 'drop', '12', '12'],
  )
})

test('a table shared by kinds is refused by name', () => {
  const mangle = `-A PREROUTING ${H}-upto 2/sec --hashlimit-name a\n-A PREROUTING ${H}-upto 2kb/s --hashlimit-name a`
  assert.throws(
    () => new ReferenceEngine(namespace({ rules: { mangle } })),
    (e: unknown) => e instanceof FaultError && /the table a of hashlimit is shared/.test(e.message),
  )
})

test('a table that is still named goes on when rules are swapped, and is kept as it was', () => {
  const rules = (body: string): Ruleset[] => [...namespace({ rules: { mangle: body } }).rulesets]
  const one = `${H}-upto 1/min --hashlimit-burst 2 --hashlimit-name a`
  const before = namespace({ rules: { mangle: `-A PREROUTING ${one} -j MARK --set-mark 1` } })
  for (const plane of [new ReferenceEngine(before), new Engine(before)]) {
    const mark = (): number | undefined => plane.process(packet('eth0 udp 192.168.0.50:1 > 10.244.0.5:53')).mark
    assert.is(mark(), 1)
    const again = one.replace('--hashlimit-burst 2', '--hashlimit-burst 100')
    plane.swapRules(rules(`-A PREROUTING ${again} -j MARK --set-mark 2`))
    assert.equal([mark(), mark()], [2, 0])
    plane.swapRules(rules('-A PREROUTING -p tcp'))
    plane.swapRules(rules(`-A PREROUTING ${one} -j MARK --set-mark 3`))
    assert.equal([mark(), mark(), mark()], [3, 3, 0])
  }
})

test.run()
