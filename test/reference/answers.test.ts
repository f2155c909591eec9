// What the host sends in answer: REJECT of all kinds, and when nothing is sent. Expected values: seen on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FaultError } from '../../src/net/fault.js'
import { Scene } from './scene.js'

const test = suite('reference: answers')
const FORWARD = (rule: string): Scene => new Scene({ rules: { filter: `-A FORWARD ${rule}` } })

test('resets: what they acknowledge', () => {
  const s = FORWARD('-p tcp -j REJECT --reject-with tcp-reset')
  const from = 'eth0 tcp 192.168.0.50:5005 > 10.244.0.5:81'
  assert.equal(s.send(from).reply, {
    proto: 'tcp',
    src: '10.244.0.5',
    dst: '192.168.0.50',
    sport: 81,
    dport: 5005,
    flags: 'RA',
    ttl: 64,
    seq: 0,
    ack: 1001,
    out_iface: 'eth0',
  })
  const acked = s.send(from, { flags: 'A', ack: 777 }).reply
  assert.equal([acked?.flags, acked?.seq, acked?.ack], ['R', 777, 0])
  assert.is(s.send(from, { payload_len: 10 }).reply?.ack, 1011)
  assert.is(s.ask(from, { flags: 'R' }), 'drop filter:FORWARD:1')
})

test('ICMP errors: kind, source, quoted header', () => {
  const kinds: readonly (readonly [string, number])[] = [
    ['icmp-net-unreachable', 0],
    ['icmp-host-unreachable', 1],
    ['icmp-proto-unreachable', 2],
    ['icmp-port-unreachable', 3],
    ['icmp-net-prohibited', 9],
    ['icmp-host-prohibited', 10],
    ['icmp-admin-prohibited', 13],
  ]
  for (const [name, code] of kinds) {
    const a = FORWARD(`-p udp -j REJECT --reject-with ${name}`).send('eth0 udp 192.168.0.50:1 > 10.244.0.5:2', {
      tos: 0x2e,
    })
    assert.is(a.reject_with, name)
    assert.equal(a.reply, {
      proto: 'icmp',
      src: '192.168.0.2',
      dst: '192.168.0.50',
      ttl: 64,
      tos: 0xce,
      icmp_type: 3,
      icmp_code: code,
      out_iface: 'eth0',
      inner: { proto: 'udp', src: '192.168.0.50', dst: '10.244.0.5', ttl: 63, tos: 0x2e, sport: 1, dport: 2 },
    })
  }
})

test('IPv6 errors', () => {
  const kinds: readonly (readonly [string, number])[] = [
    ['icmp6-no-route', 0],
    ['icmp6-adm-prohibited', 1],
    ['icmp6-addr-unreachable', 3],
    ['icmp6-port-unreachable', 4],
    ['icmp6-policy-fail', 5],
    ['icmp6-reject-route', 6],
  ]
  for (const [name, code] of kinds) {
    const s = new Scene({ rules6: { filter: `-A FORWARD -j REJECT --reject-with ${name}` } })
    const { reply } = s.send('eth0 udp [fd00::50]:1 > [fd00:10:244::5]:2', { tos: 40 })
    assert.equal(
      [reply?.src, reply?.icmp_code, reply?.ttl, reply?.tos, reply?.inner?.tos],
      ['fd00::2', code, 64, undefined, 40],
    )
  }
})

test('never about errors, nor to all', () => {
  const s = new Scene({ rules: { filter: '-A INPUT -j REJECT\n-A FORWARD -j REJECT' } })
  const inner = { proto: 'udp', src: '10.244.0.5', dst: '192.168.0.50', sport: 1, dport: 2 } as const
  assert.is(
    s.ask('eth0 icmp 192.168.0.50 > 10.244.0.5', { icmp_type: 3, icmp_code: 3, inner }),
    'drop filter:FORWARD:1',
  )
  assert.is(s.ask('eth0 icmp 192.168.0.50 > 10.244.0.5', { icmp_type: 8 }), 'reject icmp-port-unreachable')
  assert.is(s.ask('eth0 udp 192.168.0.50:1 > 192.168.0.255:2'), 'drop filter:INPUT:1')
  assert.is(s.ask('eth0 udp 192.168.0.50:1 > 192.168.0.2:2'), 'reject icmp-port-unreachable')
})

test('about a packet of its own it answers to itself, and the sender sees EPERM', () => {
  const s = new Scene({
    rules: {
      filter:
        '-A OUTPUT -d 10.244.0.5/32 -p udp -j REJECT\n-A OUTPUT -d 10.244.0.5/32 -p tcp -j REJECT --reject-with tcp-reset\n-A OUTPUT -d 10.244.0.6/32 -j DROP',
    },
  })
  const a = s.send('local udp 10.244.0.1:5007 > 10.244.0.5:84')
  assert.equal([a.verdict, a.errno, a.reply?.out_iface, a.reply?.src], ['reject', 'EPERM', 'local', '10.244.0.1'])
  assert.equal(a.trace_reply, ['filter:OUTPUT:policy', 'filter:INPUT:policy'])
  const b = s.send('local tcp 10.244.0.1:5007 > 10.244.0.5:84')
  assert.equal(
    [b.reject_with, b.reply?.src, b.reply?.dst, b.reply?.out_iface],
    ['tcp-reset', '10.244.0.5', '10.244.0.1', 'local'],
  )
  assert.is(s.ask('local udp 10.244.0.1:5007 > 10.244.0.6:84'), 'drop filter:OUTPUT:3 EPERM')
})

test('an answer that is dropped on its way: the sender sees nothing', () => {
  const s = new Scene({
    rules: { filter: '-A FORWARD -j REJECT\n-A OUTPUT -p icmp -m conntrack --ctstate RELATED -j DROP' },
  })
  const a = s.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:2')
  assert.is(a.verdict, 'drop')
  assert.equal(a.dropped_by, { table: 'filter', chain: 'FORWARD', rule: 1, file: 'rules', line: 5 })
  assert.equal(a.trace_reply, ['filter:OUTPUT:rule:1'])
})

test('a reset closes the connection; a refused first packet leaves none', () => {
  const s = new Scene({
    rules: {
      filter:
        '-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -m conntrack --ctstate ESTABLISHED -j REJECT --reject-with tcp-reset',
    },
  })
  const from = 'eth0 tcp 192.168.0.50:1 > 10.244.0.5:80'
  s.send(from)
  s.send('pod0 tcp 10.244.0.5:80 > 192.168.0.50:1', { flags: 'SA' })
  s.send(from, { flags: 'A' })
  const a = s.send(from, { flags: 'PA', payload_len: 3 })
  assert.is(a.reject_with, 'tcp-reset')
  assert.equal([a.ct?.state, a.ct?.timeout], ['CLOSE', 10])
  assert.is(FORWARD('-m conntrack --ctstate NEW -j REJECT').send(from).ct, null)
})

test('a reset in answer to a first packet passes nat POSTROUTING', () => {
  const filter = '-A FORWARD -p tcp -j REJECT --reject-with tcp-reset'
  const s = new Scene({ rules: { filter, nat: '-A POSTROUTING -s 10.244.0.9/32 -j SNAT --to-source 10.244.0.77' } })
  const a = s.send('eth0 tcp 192.168.0.50:1 > 10.244.0.9:7')
  assert.equal(a.trace_reply, ['filter:OUTPUT:policy', 'nat:POSTROUTING:rule:1'])
  assert.is(a.reply?.src, '10.244.0.9')
  assert.is(s.engine.conntrack().length, 0)
})

test('what cannot be evaluated is refused with its place', () => {
  const fault = (parts: ConstructorParameters<typeof Scene>[0]): string => {
    try {
      new Scene(parts)
    } catch (error) {
      if (error instanceof FaultError) return error.faults.map((f) => `${f.file}:${f.line} ${f.message}`).join('\n')
      throw error
    }
    return 'accepted'
  }
  assert.match(
    fault({ rules: { filter: '-A FORWARD -m set --match-set nowhere src -j DROP' } }),
    /^rules:5 .*nowhere does not exist/,
  )
  assert.is(fault({ rules: { filter: '-A FORWARD -j DROP' } }), 'accepted')
})

test.run()
