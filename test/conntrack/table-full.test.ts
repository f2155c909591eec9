// A full table: what gives way, what is dropped. The kernel's choice depends on a secret hash; what is checked is that
// each outcome is one that it could have, and that both engines choose the same.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Both, MARK_STATES } from './both.js'

const UDP = (port: number): string => `eth0 udp 192.168.0.50:${port} > 10.244.0.5:53`
const BACK = (port: number): string => `pod0 udp 10.244.0.5:53 > 192.168.0.50:${port}`

function full(max: number, buckets: number, seed = 0): Both {
  const sysctls = {
    'net.netfilter.nf_conntrack_max': String(max),
    'net.netfilter.nf_conntrack_buckets': String(buckets),
  }
  const both = new Both({ rules: MARK_STATES, sysctls }, seed)
  for (let port = 1; port <= max; port++) assert.is(both.say(UDP(port)), '30 1')
  return both
}

const ports = (both: Both): (number | undefined)[] => both.reference.conntrack().map((e) => e.orig.sport)

const test = suite('conntrack: table full')

test('one bucket: all that is not ASSURED gives way at once', () => {
  const both = full(4, 1)
  both.say(BACK(1))
  assert.is(both.say(BACK(1), { at_ms: 2001 }), '120 2') // ASSURED now
  assert.is(both.say(UDP(5)), '30 1')
  assert.equal(ports(both), [1, 5])
})

test('nothing that may give way: the packet is dropped', () => {
  const both = full(2, 1)
  for (const port of [1, 2]) both.say(BACK(port))
  for (const port of [1, 2]) both.say(BACK(port), { at_ms: 2001 })
  const dropped = both.send(UDP(3))
  assert.equal([dropped.verdict, dropped.dropped_by], ['drop', { reason: 'conntrack table full' }])
  assert.equal(ports(both), [1, 2])
})

test('eight buckets are all looked at; only the first that holds something is emptied', () => {
  let several = 0
  for (let seed = 0; seed < 20; seed++) {
    const both = full(8, 8, seed)
    assert.is(both.say(UDP(9)), '30 1')
    const left = ports(both)
    assert.ok(left.length <= 8 && left.at(-1) === 9, String(left))
    if (left.length > 1) several++
  }
  assert.ok(several >= 15, `${several} of 20`)
})

test('many buckets: a few entries are hardly ever near', () => {
  const both = full(3, 262144)
  const a = both.send(UDP(4))
  assert.equal(a.dropped_by, { reason: 'conntrack table full' })
  assert.equal(ports(both), [1, 2, 3])
})

test('where the packet goes is decided by its hash: with 64 buckets some find room and some do not', () => {
  const verdicts = new Set<string>()
  for (let seed = 0; seed < 40; seed++) verdicts.add(full(3, 64, seed).send(UDP(9)).verdict)
  assert.equal([...verdicts].sort(), ['drop', 'forward'])
})

test('a packet that turns out INVALID has made room all the same', () => {
  const both = full(2, 1)
  assert.is(both.say('eth0 tcp 192.168.0.50:1 > 10.244.0.5:80', { flags: 'R' }), 'none 3')
  assert.equal(ports(both), [])
})

test('an entry past its end is no hindrance', () => {
  const both = full(2, 262144)
  assert.is(both.say(UDP(7), { at_ms: 30_000 }), '30 1')
})

test('no maximum: never full', () => {
  const both = new Both({ rules: MARK_STATES, sysctls: { 'net.netfilter.nf_conntrack_max': '0' } })
  for (let port = 1; port < 30; port++) assert.is(both.say(UDP(port)), '30 1')
})

test.run()
