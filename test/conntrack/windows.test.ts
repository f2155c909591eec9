// TCP sequence windows. Expected values: read back from Linux 6.18 after each segment.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Packet } from '../../src/net/packet.js'
import { Both, MARK_STATES } from './both.js'

const C = 'eth0 tcp 192.168.0.50:1 > 10.244.0.5:80'
const S = 'pod0 tcp 10.244.0.5:80 > 192.168.0.50:1'
/** A handshake; both sides offer 1000 bytes, so the client may send up to 2001. */
function opened(
  sysctls: Record<string, string> = {},
  client: Partial<Packet> = {},
  server: Partial<Packet> = {},
): Both {
  const both = new Both({ rules: MARK_STATES, sysctls })
  assert.is(both.say(C, { flags: 'S', win: 1000, ...client }), 'SYN_SENT 120 1')
  assert.is(both.say(S, { flags: 'SA', win: 1000, ...server }), 'SYN_RECV 60 2')
  assert.is(both.say(C, { flags: 'A', win: 1000 }), 'ESTABLISHED 432000 2')
  return both
}

const test = suite('conntrack: windows')

test('a segment may begin at the edge of what the receiver allows; a little beyond it passes, far beyond is INVALID', () => {
  const one = opened()
  assert.is(one.say(C, { flags: 'A', seq: 2001, payload_len: 1 }), 'ESTABLISHED 300 2')
  assert.is(one.say(C, { flags: 'A', seq: 2002 }), 'ESTABLISHED 300 2')
  assert.is(one.say(C, { flags: 'A', seq: 2003, payload_len: 1200 }), 'ESTABLISHED 300 3')
  const two = opened()
  // Passes, but does not keep the entry alive: the timeout stays that of established ones.
  assert.is(two.say(C, { flags: 'A', seq: 2002, payload_len: 998 }), 'ESTABLISHED 432000 2')
  assert.is(two.say(C, { flags: 'A', seq: 2002, payload_len: 1000 }), 'ESTABLISHED 432000 3')
})

test('what was not sent cannot be acknowledged; old data passes', () => {
  const s = opened()
  assert.is(s.say(C, { flags: 'A', ack: 1002 }), 'ESTABLISHED 432000 3')
  assert.is(s.say(C, { flags: 'A', seq: 1 }), 'ESTABLISHED 432000 2')
  assert.is(s.say(C, { flags: 'A', seq: 4_000_000_000 }), 'ESTABLISHED 432000 2')
  assert.is(s.say(C, { flags: 'A', seq: 100_000_000 }), 'ESTABLISHED 432000 3')
})

test('nf_conntrack_tcp_be_liberal: nothing is outside', () => {
  const s = opened({ 'net.netfilter.nf_conntrack_tcp_be_liberal': '1' })
  assert.is(s.say(C, { flags: 'A', seq: 100_000_000 }), 'ESTABLISHED 432000 2')
  assert.is(s.say(C, { flags: 'A', ack: 100_000 }), 'ESTABLISHED 432000 2')
})

test('windows are scaled when both sides said so', () => {
  const both = opened({}, { tcp_options: '03030701' }, { tcp_options: '03030701' })
  both.say(S, { flags: 'A', win: 1000 })
  assert.is(both.say(C, { flags: 'A', seq: 129_001 }), 'ESTABLISHED 300 2')
  const one = opened({}, { tcp_options: '03030701' })
  one.say(S, { flags: 'A', win: 1000 })
  assert.is(one.say(C, { flags: 'A', seq: 129_001 }), 'ESTABLISHED 432000 3')
})

test('a SACK block reaches no further than what was sent', () => {
  const permitted = { tcp_options: '04020101' }
  const s = opened({}, permitted, permitted)
  assert.is(s.say(S, { flags: 'A', payload_len: 100 }), 'ESTABLISHED 300 2')
  assert.is(s.say(C, { flags: 'A', tcp_options: '0101050a0000042d0000044d' }), 'ESTABLISHED 300 2')
  assert.is(s.say(C, { flags: 'A', tcp_options: '0101050a0000042d0000044e' }), 'ESTABLISHED 300 3')
  const without = opened()
  without.say(S, { flags: 'A', payload_len: 100 })
  assert.is(without.say(C, { flags: 'A', tcp_options: '0101050a0000042d0000044e' }), 'ESTABLISHED 300 2')
})

test('a RST below what was acknowledged is INVALID, beyond it the state stays, at it the flow is closed', () => {
  const s = opened()
  s.say(S, { flags: 'A' })
  assert.is(s.say(C, { flags: 'R', seq: 1000 }), 'ESTABLISHED 432000 3')
  assert.is(s.say(C, { flags: 'R', seq: 1500 }), 'ESTABLISHED 10 2')
  assert.is(s.say(C, { flags: 'R', seq: 1001 }), 'CLOSE 10 2')
})

test('nf_conntrack_tcp_ignore_invalid_rst: a RST that is too low is not INVALID, but does not close', () => {
  const s = opened({ 'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': '1' })
  s.say(S, { flags: 'A' })
  assert.is(s.say(C, { flags: 'R', seq: 1000 }), 'ESTABLISHED 10 2')
})

test('a RST answers an ignored SYN only from the other side', () => {
  for (const [from, expected] of [
    [S, 'CLOSE 10 2'],
    [C, 'SYN_RECV 60 2'],
  ] as const) {
    const both = new Both({ rules: MARK_STATES })
    both.say(C, { flags: 'S', seq: 5000 })
    both.say(S, { flags: 'SA', ack: 5001 })
    both.say(C, { flags: 'S', seq: 7000 })
    assert.is(both.say(from, { flags: 'R', seq: 3_000_000_000, ack: 7001 }), expected)
  }
})

test('a FIN and a RST outside, one from each side: the entry lives as long as with unacknowledged data', () => {
  const s = opened()
  assert.is(s.say(C, { flags: 'FA', seq: 900_000 }), 'ESTABLISHED 432000 3')
  assert.is(s.say(S, { flags: 'RA', seq: 900_000 }), 'ESTABLISHED 300 3')
})

test('a connection that was picked up in the middle has liberal windows', () => {
  const both = new Both({ rules: MARK_STATES })
  assert.is(both.say(C, { flags: 'A' }), 'ESTABLISHED 300 1')
  assert.is(both.say(S, { flags: 'A', seq: 77_000_000, ack: 900_000 }), 'ESTABLISHED 300 2')
  assert.is(both.say(C, { flags: 'A', seq: 3_000_000_000 }), 'ESTABLISHED 300 2')
})

test('both sides opened at once wait 120 seconds, whatever is set', () => {
  const both = new Both({
    rules: MARK_STATES,
    sysctls: { 'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': '200' },
  })
  assert.is(both.say(C, { flags: 'S' }), 'SYN_SENT 200 1')
  assert.is(both.say(S, { flags: 'A' }), 'SYN_SENT 200 2')
  assert.is(both.say(S, { flags: 'S', seq: 1001, ack: 0 }), 'SYN_SENT2 120 2')
})

test.run()
