// Connection states and timeouts: TCP, UDP, SCTP, ICMP. Expected values: read back from Linux 6.18 after each packet.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Packet } from '../../src/net/packet.js'
import { Scene } from './scene.js'

const test = suite('reference: states')
const TRACK = {
  mangle:
    '-A FORWARD -m conntrack --ctstate NEW -j MARK --set-xmark 0x1/0xffffffff\n-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j MARK --set-xmark 0x2/0xffffffff',
  filter: '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
}
const C = (port: number): string => `eth0 tcp 192.168.0.50:${port} > 10.244.0.5:80`
const S = (port: number): string => `pod0 tcp 10.244.0.5:80 > 192.168.0.50:${port}`

/** `STATE timeout mark`, or what happened instead. */
function tcp(scene: Scene, from: string, flags: string, more: Partial<Packet> = {}): string {
  const a = scene.send(from, { flags, ...more })
  if (a.verdict !== 'forward') return a.verdict
  return a.ct
    ? `${a.ct.state} ${a.ct.timeout} ${a.mark}${a.ct.status.includes('ASSURED') ? ' assured' : ''}`
    : `none ${a.mark}`
}

test('TCP from the first SYN to TIME_WAIT, and opened again', () => {
  const s = new Scene({ rules: TRACK })
  assert.is(tcp(s, C(1), 'S'), 'SYN_SENT 120 1')
  assert.is(tcp(s, C(1), 'S', { at_ms: 1000 }), 'SYN_SENT 119 1')
  assert.is(tcp(s, S(1), 'SA'), 'SYN_RECV 60 2')
  assert.is(tcp(s, C(1), 'A'), 'ESTABLISHED 432000 2 assured')
  assert.is(tcp(s, C(1), 'PA', { payload_len: 10 }), 'ESTABLISHED 300 2 assured')
  assert.is(tcp(s, C(1), 'FA', { seq: 1011 }), 'FIN_WAIT 120 2 assured')
  assert.is(tcp(s, S(1), 'A', { ack: 1012 }), 'CLOSE_WAIT 60 2 assured')
  assert.is(tcp(s, S(1), 'FA', { ack: 1012 }), 'LAST_ACK 30 2 assured')
  assert.is(tcp(s, C(1), 'A', { seq: 1012, ack: 1002 }), 'TIME_WAIT 120 2 assured')
  assert.is(tcp(s, C(1), 'S', { seq: 9000 }), 'SYN_SENT 120 1')
})

test('a RST as the only answer removes the entry', () => {
  const s = new Scene({ rules: TRACK })
  tcp(s, C(1), 'S')
  assert.is(tcp(s, S(1), 'RA', { seq: 0 }), 'none 2')
})

test('after a RST: a SYN of its sender opens anew, after an ACK between it is ignored', () => {
  const s = new Scene({ rules: TRACK })
  for (const port of [1, 2]) {
    tcp(s, C(port), 'S')
    tcp(s, S(port), 'SA')
    tcp(s, C(port), 'A')
    assert.is(tcp(s, C(port), 'R'), 'CLOSE 10 2 assured')
  }
  assert.is(tcp(s, C(1), 'S', { seq: 5000 }), 'SYN_SENT 120 1')
  assert.is(tcp(s, C(2), 'A'), 'CLOSE 10 2 assured')
  assert.is(tcp(s, C(2), 'S', { seq: 5000 }), 'CLOSE 10 2 assured')
})

test('what begins no connection', () => {
  const s = new Scene({ rules: TRACK })
  for (const flags of ['SA', 'R', 'RA', 'FA', 'SF', '', 'FPU', 'SR', 'F', 'U'])
    assert.is(tcp(s, C(7), flags), 'drop', flags)
  assert.is(tcp(s, C(8), 'SU'), 'SYN_SENT 120 1')
  assert.is(tcp(s, C(9), 'S', { bad_csum: true }), 'drop')
})

test('mid-stream: taken at once with 300 s, unless tcp_loose is 0', () => {
  const s = new Scene({ rules: TRACK })
  assert.is(tcp(s, C(1), 'A'), 'ESTABLISHED 300 1')
  assert.is(tcp(s, S(1), 'A'), 'ESTABLISHED 300 2')
  assert.is(tcp(s, C(1), 'A'), 'ESTABLISHED 432000 2 assured')
  const strict = new Scene({ rules: TRACK, sysctls: { 'net.netfilter.nf_conntrack_tcp_loose': '0' } })
  assert.is(tcp(strict, C(1), 'A'), 'drop')
})

test('an ACK that answers a SYN is ignored, but a reply was seen', () => {
  const s = new Scene({ rules: TRACK })
  tcp(s, C(1), 'S')
  assert.is(tcp(s, S(1), 'A'), 'SYN_SENT 120 2')
  assert.is(tcp(s, C(1), 'S'), 'SYN_SENT 120 2')
})

test('segments that repeat shorten the timeout', () => {
  const s = new Scene({ rules: TRACK })
  tcp(s, C(1), 'S')
  tcp(s, S(1), 'SA')
  for (let i = 0; i < 3; i++) assert.is(tcp(s, C(1), 'A'), 'ESTABLISHED 432000 2 assured')
  assert.is(tcp(s, C(1), 'A'), 'ESTABLISHED 300 2 assured')
  assert.is(tcp(s, C(1), 'A', { seq: 1001, ack: 1001, win: 1 }), 'ESTABLISHED 432000 2 assured')
  assert.is(tcp(s, C(1), 'A', { win: 0 }), 'ESTABLISHED 300 2 assured')
})

test('timeouts are sysctls; an entry is gone when its time has come', () => {
  const s = new Scene({ rules: TRACK, sysctls: { 'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': '5' } })
  assert.is(tcp(s, C(1), 'S'), 'SYN_SENT 5 1')
  assert.is(tcp(s, S(1), 'A', { at_ms: 4999 }), 'SYN_SENT 0 2')
  assert.is(s.engine.conntrack().length, 1)
  assert.is(tcp(s, S(1), 'SA', { at_ms: 5000 }), 'drop')
  assert.is(s.engine.conntrack().length, 0)
})

test('UDP: a stream after two seconds and a reply', () => {
  const s = new Scene({ rules: TRACK })
  const out = 'eth0 udp 192.168.0.50:1 > 10.244.0.5:53'
  const back = 'pod0 udp 10.244.0.5:53 > 192.168.0.50:1'
  const said = (text: string, at_ms: number): string => {
    const { ct, mark } = s.send(text, { at_ms })
    return `${ct?.timeout} ${mark} ${ct?.status.join()}`
  }
  assert.is(said(out, 0), '30 1 CONFIRMED')
  assert.is(said(out, 1), '30 1 CONFIRMED')
  assert.is(said(back, 2), '30 2 SEEN_REPLY,CONFIRMED')
  assert.is(said(out, 2000), '30 2 SEEN_REPLY,CONFIRMED')
  assert.is(said(out, 2001), '120 2 SEEN_REPLY,ASSURED,CONFIRMED')
})

test('SCTP: the handshake; data first is INVALID', () => {
  const s = new Scene({ rules: TRACK })
  const said = (text: string, sctp_chunk: string): string => {
    const { ct, verdict } = s.send(text, { sctp_chunk })
    return ct ? `${ct.state} ${ct.timeout}${ct.status.includes('ASSURED') ? ' assured' : ''}` : verdict
  }
  const out = 'eth0 sctp 192.168.0.50:1 > 10.244.0.5:9000'
  const back = 'pod0 sctp 10.244.0.5:9000 > 192.168.0.50:1'
  assert.is(said(out, 'INIT'), 'CLOSED 10')
  assert.is(said(back, 'INIT_ACK'), 'COOKIE_WAIT 3')
  assert.is(said(out, 'COOKIE_ECHO'), 'COOKIE_ECHOED 3')
  assert.is(said(back, 'COOKIE_ACK'), 'ESTABLISHED 210 assured')
  assert.is(said(out, 'DATA'), 'ESTABLISHED 210 assured')
  assert.is(said('eth0 sctp 192.168.0.50:2 > 10.244.0.5:9000', 'DATA'), 'drop')
  assert.is(said('eth0 sctp 192.168.0.50:3 > 10.244.0.5:9000', 'COOKIE_ECHO'), 'drop')
})

test('SCTP: an INIT said again, colliding INITs, a HEARTBEAT_ACK first', () => {
  // Each as the kernel (6.18) answered it; `<`: what the server sends; `!`: INVALID.
  const cases = [
    'INIT <INIT !<INIT_ACK',
    'INIT <INIT !INIT_ACK',
    'INIT <INIT INIT !<INIT_ACK',
    'INIT <INIT <INIT !INIT_ACK',
    'INIT <INIT <COOKIE_ACK INIT !<INIT_ACK',
    'INIT <COOKIE_ACK INIT <INIT INIT_ACK',
    'INIT <COOKIE_ACK <INIT INIT INIT_ACK',
    'HEARTBEAT_ACK <HEARTBEAT_ACK INIT !<INIT_ACK',
    'HEARTBEAT_ACK !<COOKIE_ACK',
  ]
  const s = new Scene({ rules: TRACK })
  for (const [i, text] of cases.entries()) {
    const said = text.split(' ').map((step) => {
      const sctp_chunk = step.replace(/[!<]/g, '')
      const way = step.includes('<')
        ? `pod0 sctp 10.244.0.5:9000 > 192.168.0.50:${i + 1}`
        : `eth0 sctp 192.168.0.50:${i + 1} > 10.244.0.5:9000`
      const { verdict } = s.send(way, { sctp_chunk })
      return `${verdict === 'drop' ? '!' : ''}${step.replace('!', '')}`
    })
    assert.is(said.join(' '), text)
  }
})

test('ICMP types that begin, answer, or are INVALID', () => {
  const s = new Scene({ rules: TRACK })
  const kinds = new Map<string, number[]>()
  for (let t = 0; t < 20; t++) {
    const a = s.send('eth0 icmp 192.168.0.50 > 10.244.0.5', { icmp_type: t, icmp_id: t })
    const kind = a.verdict === 'drop' ? 'INVALID' : String(a.mark)
    kinds.set(kind, [...(kinds.get(kind) ?? []), t])
  }
  assert.equal(kinds.get('1'), [8, 13, 15, 17])
  assert.is(s.send('pod0 icmp 10.244.0.5 > 192.168.0.50', { icmp_type: 0, icmp_id: 8 }).mark, 2)
  assert.is(s.send('pod0 icmp 10.244.0.5 > 192.168.0.50', { icmp_type: 0, icmp_id: 9 }).verdict, 'drop')
})

test('ICMPv6: 128 and 139 begin, 130 to 136 and 143 are UNTRACKED', () => {
  const mangle = ['NEW', 'INVALID', 'UNTRACKED'].map(
    (x, i) => `-A PREROUTING -m conntrack --ctstate ${x} -j MARK --or-mark 0x${1 << i}`,
  )
  const s = new Scene({ rules6: { mangle: mangle.join('\n') } })
  const mark = (icmp_type: number): number | undefined =>
    s.send('eth0 icmpv6 fd00::50 > fd00:10:244::5', { icmp_type, icmp_id: icmp_type }).mark
  for (const t of [128, 139]) assert.is(mark(t), 1, `type ${t}`)
  for (const t of [1, 4, 127, 129, 137, 140, 144]) assert.is(mark(t), 2, `type ${t}`)
  for (const t of [130, 133, 136, 143]) assert.is(mark(t), 4, `type ${t}`)
})

test('zones keep equal flows apart', () => {
  const rules = { raw: '-A PREROUTING -i eth0 -j CT --zone 5\n-A PREROUTING -j CT --zone 6', ...TRACK }
  const s = new Scene({ rules })
  assert.is(s.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:53').mark, 1)
  assert.is(s.send('pod0 udp 10.244.0.5:53 > 192.168.0.50:1').mark, 1)
  assert.equal(
    s.engine.conntrack().map((c) => c.zone),
    [5, 6],
  )
})

test('a full table drops', () => {
  const s = new Scene({ rules: TRACK, sysctls: { 'net.netfilter.nf_conntrack_max': '1' } })
  assert.is(s.ask('eth0 udp 192.168.0.50:1 > 10.244.0.5:53'), 'forward pod0 192.168.0.50:1 > 10.244.0.5:53')
  assert.is(s.ask('eth0 udp 192.168.0.50:2 > 10.244.0.5:53'), 'drop conntrack table full')
  const later = s.ask('eth0 udp 192.168.0.50:2 > 10.244.0.5:53', { at_ms: 30000 })
  assert.is(later, 'forward pod0 192.168.0.50:2 > 10.244.0.5:53')
})

test('NOTRACK, marks of connections, loaded connections', () => {
  const s = new Scene({
    rules: {
      raw: '-A PREROUTING -p udp -m udp --dport 1 -j CT --notrack',
      mangle:
        '-A PREROUTING -m conntrack --ctstate UNTRACKED -j MARK --or-mark 0x10\n-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf',
    },
    connections: [
      {
        family: 'ipv4',
        proto: 'udp',
        protonum: 17,
        timeout: 9,
        orig: { src: '192.168.0.50', dst: '10.244.0.5', sport: 1, dport: 2 },
        reply: { src: '10.244.0.5', dst: '192.168.0.50', sport: 2, dport: 1 },
        status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
        mark: 0x23,
      },
    ],
  })
  assert.is(s.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:1').mark, 0x10)
  assert.is(s.engine.conntrack()[0]?.timeout, 9)
  const known = s.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:2')
  assert.is(known.mark, 3)
  assert.is(known.ct?.timeout, 120)
})

test.run()
