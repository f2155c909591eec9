// Connections that exist at the start: clashes, odd timeouts, listings of what others took over. Expected: what Linux 6.18
// did with the same entries through `conntrack -I`.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatConntrack, readConntrack } from '../../src/netns/conntrack.js'
import { Both, MARK_STATES } from './both.js'

const LINE = 'ipv4     2 tcp      6 100 ESTABLISHED src=192.168.0.50 dst=10.244.0.5 sport=1 dport=80 '
const BACK = 'src=10.244.0.5 dst=192.168.0.50 sport=80 dport=1 [ASSURED] mark=0 use=1'
const read = (text: string): ReturnType<typeof readConntrack> => readConntrack(text, { file: 'conntrack' })

const test = suite('conntrack: loaded')

test('of entries that clash in either direction the first stays', () => {
  const text = [
    `${LINE}${BACK}`,
    `${LINE.replace('100 ESTABLISHED', '50 SYN_SENT')}${BACK}`,
    `${LINE.replace('sport=1 ', 'sport=9 ')}${BACK}`, // another original, the same reply
    `${LINE.replace('tcp      6', 'udp      17').replace('ESTABLISHED ', '')}${BACK}`,
  ].join('\n')
  const both = new Both({ rules: MARK_STATES, connections: read(text) })
  assert.equal(
    both.reference.conntrack().map((e) => `${e.proto} ${e.timeout} ${e.orig.sport}`),
    ['tcp 100 1', 'udp 100 1'],
  )
  assert.equal(both.engine.conntrack(), both.reference.conntrack())
})

test('no time left: gone; a long time: it stays', () => {
  const text = [`${LINE.replace(' 100 ', ' 0 ')}${BACK}`, `${LINE.replace(' 100 ', ' 4294967 ')}${BACK}`].join('\n')
  const both = new Both({ rules: MARK_STATES, connections: read(text) })
  assert.equal(
    both.engine.conntrack().map((e) => e.timeout),
    [4294967],
  )
  assert.equal(both.engine.conntrack(), both.reference.conntrack())
})

test('the windows of a loaded connection are not known: nothing is outside, and a RST closes', () => {
  const both = new Both({ rules: MARK_STATES, connections: read(`${LINE}${BACK}`) })
  const client = 'eth0 tcp 192.168.0.50:1 > 10.244.0.5:80'
  assert.is(both.say(client, { flags: 'A', seq: 3_000_000_000, ack: 5 }), 'ESTABLISHED 432000 2')
  assert.is(both.say(client, { flags: 'A', seq: 5, ack: 3_000_000_000 }), 'ESTABLISHED 432000 2')
  assert.is(both.say(client, { flags: 'R', seq: 77 }), 'CLOSE 10 2')
})

test('a SYN opens a loaded TIME_WAIT entry anew: one of its sides had closed', () => {
  const line = `${LINE.replace('100 ESTABLISHED', '100 TIME_WAIT')}${BACK}`
  const both = new Both({ rules: MARK_STATES, connections: read(line) })
  assert.is(both.say('eth0 tcp 192.168.0.50:1 > 10.244.0.5:80', { flags: 'S' }), 'SYN_SENT 120 1')
})

test('what a flow table took over has neither state nor time in the listing', () => {
  const line = `${LINE.replace('100 ESTABLISHED ', '')}${BACK.replace('[ASSURED]', '[OFFLOAD]')}`
  const [entry] = read(line)
  assert.equal([entry?.timeout, entry?.state], [86400, 'ESTABLISHED'])
})

test('helpers and the keys of GRE are read and printed', () => {
  const helped = `${LINE}${BACK.replace('use=', 'helper=ftp use=')}`
  assert.is(formatConntrack(read(helped)[0]!), helped)
  const gre =
    'ipv4     2 gre      47 100 src=192.168.0.50 dst=10.244.0.5 srckey=0x0 dstkey=0x1f src=10.244.0.5 dst=192.168.0.50 srckey=0x1f dstkey=0x0 [ASSURED] mark=0 use=1'
  assert.is(formatConntrack(read(gre)[0]!), gre)
  // A call of PPTP is not what plain GRE between the two belongs to.
  const both = new Both({ rules: MARK_STATES, connections: read(gre) })
  assert.is(both.say('eth0 gre 192.168.0.50 > 10.244.0.5'), '30 1')
})

test.run()
