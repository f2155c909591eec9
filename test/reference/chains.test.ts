// Chains: jump, goto, RETURN, policies, trace, counters, hook order. Expected values: iptables' TRACE on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Scene } from './scene.js'

const test = suite('reference: chains')
const UDP = 'eth0 udp 192.168.0.50:1 > 10.244.0.5:53'

test('jump comes back behind its rule, goto behind the jump before it', () => {
  const filter = `:A - [0:0]
:B - [0:0]
:C - [0:0]
-A FORWARD -j A
-A FORWARD -p udp
-A A -g B
-A A -j DROP
-A B -j C
-A C -j RETURN`
  const { trace, verdict } = new Scene({ rules: { filter } }).send(UDP)
  assert.is(verdict, 'forward')
  assert.equal(trace, [
    'filter:FORWARD:rule:1',
    'filter:A:rule:1',
    'filter:B:rule:1',
    'filter:C:rule:1',
    'filter:B:return',
    'filter:FORWARD:rule:2',
    'filter:FORWARD:policy',
  ])
})

test('goto out of a built-in chain ends with its policy', () => {
  const filter = ':FORWARD DROP [0:0]\n:A - [0:0]\n-A FORWARD -g A\n-A FORWARD -j ACCEPT\n-A A -p tcp'
  const answer = new Scene({ rules: { filter } }).send(UDP)
  assert.equal(answer.trace, ['filter:FORWARD:rule:1', 'filter:A:return', 'filter:FORWARD:policy'])
  assert.equal(answer.dropped_by, { table: 'filter', chain: 'FORWARD', rule: 'policy', file: 'rules' })
})

test('RETURN in a built-in chain is its policy', () => {
  const filter = ':FORWARD DROP [0:0]\n-A FORWARD -p udp -j RETURN\n-A FORWARD -j ACCEPT'
  const answer = new Scene({ rules: { filter } }).send(UDP)
  assert.is(answer.verdict, 'drop')
  assert.equal(answer.trace, ['filter:FORWARD:rule:1', 'filter:FORWARD:policy'])
})

test('a rule that drops is named with file and line', () => {
  const filter = '-A FORWARD -p tcp -j DROP\n-A FORWARD -p udp -m udp --dport 53 -j DROP'
  const by = new Scene({ rules: { filter } }).send(UDP).dropped_by
  assert.equal(by, { table: 'filter', chain: 'FORWARD', rule: 2, file: 'rules', line: 6 })
})

test('counters count matches and policies in bytes of the IP packet', () => {
  const scene = new Scene({ rules: { filter: '-A FORWARD -p udp\n-A FORWARD -p tcp -j DROP' } })
  scene.send(UDP, { payload_len: 12 })
  scene.send('eth0 tcp 192.168.0.50:1 > 10.244.0.5:80')
  const chain = scene.engine.counters()[0]!.tables[0]!.chains.find((c) => c.name === 'FORWARD')!
  assert.equal(chain.counters, { packets: 1n, bytes: 40n })
  assert.equal(
    chain.rules.map((r) => r.counters),
    [
      { packets: 1n, bytes: 40n },
      { packets: 1n, bytes: 40n },
    ],
  )
})

const EVERY = {
  raw: '-A PREROUTING\n-A OUTPUT',
  mangle: '-A PREROUTING\n-A INPUT\n-A FORWARD\n-A OUTPUT\n-A POSTROUTING',
  nat: '-A PREROUTING\n-A INPUT\n-A OUTPUT\n-A POSTROUTING\n-A PREROUTING -d 1.2.3.4/32 -j DNAT --to-destination 1.2.3.5',
  filter: '-A INPUT\n-A FORWARD\n-A OUTPUT\n-A FORWARD -p udp -m udp --dport 7 -j REJECT',
}
function walk(text: string, more = {}, which: 'trace' | 'trace_reply' = 'trace'): string {
  const lines = new Scene({ rules: EVERY }).send(text, more)[which] ?? []
  return lines
    .filter((l) => l.endsWith(':rule:1'))
    .map((l) => l.replace(':rule:1', '').replace(':', ' '))
    .join(', ')
}

test('the tables at each hook', () => {
  assert.is(
    walk(UDP),
    'raw PREROUTING, mangle PREROUTING, nat PREROUTING, mangle FORWARD, filter FORWARD, mangle POSTROUTING, nat POSTROUTING',
  )
  assert.is(
    walk('eth0 udp 192.168.0.50:1 > 192.168.0.2:53'),
    'raw PREROUTING, mangle PREROUTING, nat PREROUTING, mangle INPUT, filter INPUT, nat INPUT',
  )
  assert.is(
    walk('local udp 192.168.0.2:1 > 10.244.0.5:53'),
    'raw OUTPUT, mangle OUTPUT, nat OUTPUT, filter OUTPUT, mangle POSTROUTING, nat POSTROUTING',
  )
  assert.is(
    walk('local udp 192.168.0.2:1 > 192.168.0.2:53'),
    'raw OUTPUT, mangle OUTPUT, nat OUTPUT, filter OUTPUT, mangle POSTROUTING, nat POSTROUTING, raw PREROUTING, mangle PREROUTING, mangle INPUT, filter INPUT',
  )
})

test('what REJECT sends passes OUTPUT and POSTROUTING, not nat', () => {
  const answer = walk('eth0 udp 192.168.0.50:1 > 10.244.0.5:7', {}, 'trace_reply')
  assert.is(answer, 'raw OUTPUT, mangle OUTPUT, filter OUTPUT, mangle POSTROUTING')
})

test('INVALID packets do not ask nat', () => {
  const stray = walk('eth0 tcp 192.168.0.50:9 > 10.244.0.5:1', { flags: 'SA' })
  assert.is(stray, 'raw PREROUTING, mangle PREROUTING, mangle FORWARD, filter FORWARD, mangle POSTROUTING')
})

test('conntrack runs only where a rule needs it', () => {
  const scene = new Scene({ rules: { nat: '-A PREROUTING -j MARK --or-mark 0x1', filter: '-A FORWARD' } })
  const answer = scene.send(UDP)
  assert.is(answer.ct, null)
  assert.is(answer.mark, 0)
  assert.not.ok(answer.steps?.some((s) => s.step === 'conntrack'))
  const forced = new Scene({ rules: { nat: '-A PREROUTING -j MARK --or-mark 0x1' }, forceConntrack: true })
  assert.is(forced.send(UDP).mark, 1)
})

test('the steps of a forwarded first packet', () => {
  const rules = { nat: '-A PREROUTING -d 10.96.0.1/32 -p udp -j DNAT --to-destination 10.244.0.5:5353' }
  const { steps } = new Scene({ rules }).send('eth0 udp 192.168.0.50:1 > 10.96.0.1:53')
  assert.equal(steps, [
    { step: 'hook', hook: 'PREROUTING' },
    { step: 'conntrack', state: 'NEW', dir: 'ORIGINAL' },
    { step: 'rule', table: 'nat', chain: 'PREROUTING', rule: 1 },
    { step: 'nat', manip: 'DNAT', from: '10.96.0.1:53', to: '10.244.0.5:5353' },
    { step: 'route', why: 'input', type: 'unicast', table: 254, dst: '10.244.0.0/24', dev: 'pod0' },
    { step: 'hook', hook: 'FORWARD' },
    { step: 'hook', hook: 'POSTROUTING' },
    { step: 'rule', table: 'nat', chain: 'POSTROUTING', rule: 'policy' },
  ])
})

test.run()
