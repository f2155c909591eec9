// Matches: recent, limit, nth, sets, addrtype, multiport, iprange, marks, conntrack's fields. Expected marks: what rules
// of this kind put on packets on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readIpsets } from '../../src/netns/ipset.js'
import { LINKS, Scene } from './scene.js'

const test = suite('reference: matches')
const marked = (...matches: string[]): string =>
  matches.map((m, i) => `-A PREROUTING ${m} -j MARK --or-mark 0x${(1 << i).toString(16)}`).join('\n')

test('recent: set, rcheck, update, remove, seconds, hitcount, rttl, reap, inverted', () => {
  const rule = (dport: number, what: string): string =>
    `-p udp -m udp --dport ${dport} -m recent ${what} --name A --mask 255.255.255.255 --rsource`
  const s = new Scene({
    rules: {
      mangle: marked(
        rule(1, '--set'),
        rule(2, '--rcheck --seconds 1'),
        rule(3, '--update --seconds 2 --hitcount 3'),
        rule(4, '--remove'),
        rule(5, '! --rcheck'),
        rule(6, '--rcheck --rttl'),
        rule(7, '! --update --seconds 1'),
        rule(8, '--rcheck --seconds 1 --reap'),
        rule(9, '! --set'),
      ),
    },
  })
  let now = 0
  const marks = (steps: readonly (readonly [number, number, number?])[]): (number | undefined)[] =>
    steps.map(([dport, gap, ttl]) => {
      now += gap
      return s.send(`eth0 udp 192.168.0.50:9 > 10.244.0.5:${dport}`, { at_ms: now, ttl: ttl ?? 64 }).mark
    })
  const first = [2, 5, 1, 2, 5, 6, 3, 3, 1, 1, 3, 4, 2, 4, 9, 5, 7, 9, 7].map((p) => [p, 0] as const)
  assert.equal(marks(first), [0, 16, 1, 2, 0, 32, 0, 0, 1, 1, 4, 8, 0, 0, 0, 0, 0, 0, 0])
  const later = [
    [1, 0],
    [2, 1200],
    [3, 100],
    [1, 0],
    [3, 0],
    [1, 0],
    [3, 0],
    [7, 1300],
    [7, 0],
    [6, 0, 60],
    [6, 0],
    [8, 1200],
    [2, 0],
    [8, 0],
  ] as const
  assert.equal(marks(later), [1, 0, 4, 1, 4, 1, 4, 64, 0, 0, 32, 0, 0, 0])
})

test('recent: a list holds 100 addresses and its longest hit count of stamps', () => {
  const s = new Scene({
    rules: {
      mangle: marked(
        '-p udp -m udp --dport 2 -m recent --rcheck --name F --mask 255.255.255.255 --rsource',
        '-p udp -m udp --dport 1 -m recent --set --name F --mask 255.255.255.255 --rsource',
        '-p udp -m udp --dport 12 -m recent --update --hitcount 4 --name H --mask 255.255.255.255 --rsource',
        '-p udp -m udp --dport 12 -m recent --set --name H --mask 255.255.255.255 --rsource',
      ),
    },
  })
  const mark = (host: number, dport: number): number | undefined =>
    s.send(`eth0 udp 192.168.0.${host}:9 > 10.244.0.5:${dport}`).mark
  for (let host = 60; host < 165; host++) mark(host, 1)
  assert.equal([mark(60, 2), mark(64, 2), mark(65, 2), mark(164, 2)], [0, 0, 1, 1])
  assert.equal(
    [1, 2, 3, 4, 5, 6].map(() => mark(9, 12)),
    [8, 8, 8, 8, 12, 12],
  )
})

test('limit: credits grow with the clock up to the burst', () => {
  const s = new Scene({
    rules: {
      mangle: marked(
        '-p udp -m udp --dport 20 -m limit --limit 1/sec --limit-burst 3',
        '-p udp -m udp --dport 21 -m limit --limit 3/hour --limit-burst 2',
      ),
    },
  })
  let now = 0
  const ask = (dport: number, gap = 0): number | undefined => {
    now += gap
    return s.send(`eth0 udp 192.168.0.50:9 > 10.244.0.5:${dport}`, { at_ms: now }).mark
  }
  assert.equal([ask(20), ask(20), ask(20), ask(20)], [1, 1, 1, 0])
  assert.equal([ask(20, 400), ask(20, 700), ask(20), ask(20, 2000), ask(20), ask(20)], [0, 1, 0, 1, 1, 0])
  assert.equal([ask(21), ask(21), ask(21)], [2, 2, 0])
  assert.equal([ask(21, 1199999), ask(21, 1)], [0, 2])
})

test('nth counts evaluations, one counter a rule', () => {
  const s = new Scene({
    rules: {
      mangle: marked(
        '-m statistic --mode nth --every 3 --packet 0',
        '-m statistic --mode nth --every 3 --packet 1',
        '-p tcp -m statistic --mode nth --every 2 --packet 0',
        '-m statistic --mode nth ! --every 2 --packet 0',
      ),
    },
  })
  const marks = [1, 2, 3, 4, 5].map((i) => s.send(`eth0 udp 192.168.0.50:${i} > 10.244.0.5:1`).mark)
  assert.equal(marks, [1, 2 | 8, 0, 1 | 8, 2])
})

test('recent --reap: the entry that update renews stays; a set without networks ignores --return-nomatch', () => {
  const on = (dport: number, what: string): string =>
    `-p udp -m udp --dport ${dport} -m recent ${what} --name A --mask 255.255.255.255 --rsource`
  const s = new Scene({
    sets: readIpsets(SETS, { file: 'sets' }),
    rules: {
      mangle: marked(
        on(1, '--set'),
        on(2, '! --update --seconds 1 --reap'),
        on(3, '--rcheck'),
        on(4, '--rcheck --seconds 1 --reap'),
        '-m set --match-set a src --return-nomatch',
      ),
    },
  })
  const steps = [
    [1, 0],
    [2, 1500],
    [3, 1600],
    [4, 3100],
    [3, 3200],
  ] as const
  const marks = steps.map(([port, at_ms]) => s.send(`eth0 udp 192.168.0.50:9 > 10.244.0.5:${port}`, { at_ms }).mark)
  // What Linux 6.18 does with the same packets at the same times.
  assert.equal(marks, [1 | 16, 2 | 16, 4 | 16, 16, 16])
})

test('limit: what the kernel refuses is refused, and a burst that wraps is what it wraps to', () => {
  const scene = (limit: string): Scene => new Scene({ rules: { mangle: marked(`-m limit --limit ${limit}`) } })
  for (const burst of [2, 4, 5]) {
    const pattern = new RegExp(`burst of ${burst} is too large for 1/day`)
    assert.throws(
      () => scene(`1/day --limit-burst ${burst}`),
      (e: Error) => pattern.test(e.message),
    )
  }
  const s = scene('1/day --limit-burst 3')
  const marks = [1, 2, 3].map((i) => s.send(`eth0 udp 192.168.0.50:${i} > 10.244.0.5:1`).mark)
  assert.equal(marks, [1, 0, 0])
})

const SETS = `create a hash:ip family inet
add a 192.168.0.50
create np hash:net,port family inet
add np 10.244.0.0/24,udp:53
add np 10.244.0.0/24,tcp:0-3
add np 10.244.0.5,icmp:8/0
create ipn hash:ip,port,net family inet
add ipn 192.168.0.51,udp:53,10.244.0.0/24
add ipn 192.168.0.51,udp:53,10.244.0.5/32 nomatch
create ni hash:net,iface family inet
add ni 192.168.0.0/24,eth0
add ni 10.244.0.0/24,pod0
create bp bitmap:port range 0-65535
add bp 53
add bp 1000-1005
create l list:set size 8
add l a
add l bp
create t hash:ip family inet timeout 5
add t 192.168.0.50 timeout 5
`

test('sets', () => {
  const s = new Scene({
    sets: readIpsets(SETS, { file: 'sets' }),
    rules: {
      mangle: marked(
        '-m set --match-set a src',
        '-m set ! --match-set a src',
        '-m set --match-set np dst,dst',
        '-m set --match-set ipn src,dst,dst',
        '-m set --match-set ipn src,dst,dst --return-nomatch',
        '-m set --match-set ni src,src',
        '-m set --match-set ni dst,dst',
        '-m set --match-set bp dst',
        '-m set --match-set l src',
        '-m set --match-set np dst',
        '-m set --match-set t src',
      ),
    },
  })
  const [A, NOT_A, NP, IPN, NOMATCH, NI, NI_DST, BP, L, NP_SHORT, T] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
  void [NI_DST, NP_SHORT]
  const mark = (text: string, more = {}): number | undefined => s.send(text, more).mark
  assert.is(mark('eth0 udp 192.168.0.50:9 > 10.244.0.5:53'), A! | NP! | NI! | BP! | L! | T!)
  assert.is(mark('eth0 udp 192.168.0.51:1003 > 10.244.0.5:53'), NOT_A! | NP! | NOMATCH! | NI! | BP! | L!)
  assert.is(mark('eth0 udp 192.168.0.51:9 > 10.244.0.6:53'), NOT_A! | NP! | IPN! | NI! | BP!)
  assert.is(mark('eth0 tcp 192.168.0.51:9 > 10.244.0.5:2'), NOT_A! | NP! | NI!)
  assert.is(mark('eth0 sctp 192.168.0.51:9 > 10.244.0.5:1003'), NOT_A! | NI!)
  assert.is(mark('eth0 icmp 192.168.0.51 > 10.244.0.5', { icmp_type: 8 }), NOT_A! | NP! | NI!)
  assert.is(mark('eth0 icmp 192.168.0.51 > 10.244.0.5', { icmp_type: 13 }), NOT_A! | NI!)
  assert.is(mark('pod0 udp 192.168.0.51:9 > 10.244.0.6:54'), NOT_A!)
  assert.is(mark('eth0 udp 192.168.0.50:9 > 10.244.0.6:1', { at_ms: 5000 }), A! | NI! | L! | T!)
  assert.is(mark('eth0 udp 192.168.0.50:9 > 10.244.0.6:1', { at_ms: 5001 }), A! | NI! | L!)
})

test('addrtype: IPv4 asks the local table, IPv6 the form of the address', () => {
  const links = LINKS
  const types = ['LOCAL', 'UNICAST', 'BROADCAST', 'MULTICAST', 'UNREACHABLE']
  const s = new Scene({
    links,
    rules: {
      mangle: marked(
        ...types.map((t) => `-m addrtype --dst-type ${t}`),
        '-m addrtype --dst-type LOCAL --limit-iface-in',
      ),
    },
    rules6: {
      mangle: marked(
        '-m addrtype --dst-type LOCAL',
        '-m addrtype --dst-type UNICAST',
        '-m addrtype --dst-type MULTICAST',
        '-m addrtype --dst-type UNREACHABLE',
        '-m addrtype ! --src-type LOCAL --dst-type LOCAL',
      ),
    },
  })
  const trace = (text: string): string =>
    (s.send(text).trace ?? [])
      .filter((t) => t.startsWith('mangle:PREROUTING:rule'))
      .map((t) => t.split(':')[3])
      .join()
  assert.is(trace('eth0 udp 192.168.0.50:1 > 192.168.0.2:1'), '1,6')
  assert.is(trace('eth0 udp 192.168.0.50:1 > 10.244.0.1:1'), '1')
  assert.is(trace('eth0 udp 192.168.0.50:1 > 10.244.0.5:1'), '2')
  assert.is(trace('eth0 udp 192.168.0.50:1 > 10.244.0.255:1'), '3')
  assert.is(trace('eth0 udp 192.168.0.50:1 > 224.0.0.9:1'), '4')
  assert.is(trace('eth0 udp 192.168.0.50:1 > 9.9.9.9:1'), '2')
  assert.is(trace('eth0 udp [fd00::50]:1 > [fd00::2]:1'), '1,2,5')
  assert.is(trace('eth0 udp [fd00::50]:1 > [fd00:10:244::5]:1'), '2')
  assert.is(trace('eth0 udp [fd00::50]:1 > [2001:db8::1]:1'), '2,4')
  assert.is(trace('eth0 udp [fd00::50]:1 > [ff05::1]:1'), '3')
})

test('ports, ranges, flags, interfaces, protocols', () => {
  const s = new Scene({
    rules: {
      mangle: marked(
        '-p tcp -m multiport --dports 80,443,8000:8010',
        '-p tcp -m multiport ! --sports 1:1023',
        '-m iprange --src-range 192.168.0.55-192.168.0.65',
        '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN',
        '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN',
        '-i eth+',
        '! -i eth0',
        '-p udp -m udp ! --dport 100:200',
        '-s 192.168.0.50/255.255.0.255',
        '! -p udp',
      ),
    },
  })
  const bits = (text: string, more = {}): string =>
    [...(s.send(text, more).mark ?? 0).toString(2)]
      .reverse()
      .flatMap((b, i) => (b === '1' ? [i] : []))
      .join()
  assert.is(bits('eth0 tcp 192.168.0.50:1000 > 10.244.0.5:80'), '0,3,5,8,9')
  assert.is(bits('eth0 tcp 192.168.0.60:2000 > 10.244.0.5:8005', { flags: 'A' }), '0,1,2,4,5,9')
  assert.is(bits('pod0 udp 10.244.0.5:50 > 192.168.0.50:150'), '6')
  assert.is(bits('pod0 udp 10.244.0.5:50 > 192.168.0.50:777'), '6,7')
  assert.is(bits('eth0 udp 192.168.7.50:50 > 10.244.0.5:777'), '5,7,8')
})

test('fields of the connection', () => {
  const s = new Scene({
    rules: {
      nat: '-A PREROUTING -d 10.96.0.1/32 -p udp -j DNAT --to-destination 10.244.0.5:5353',
      mangle: [
        '-m conntrack --ctstate DNAT',
        '-m conntrack --ctorigdst 10.96.0.1',
        '-m conntrack --ctreplsrc 10.244.0.5',
        '-m conntrack --ctorigdstport 53',
        '-m conntrack --ctreplsrcport 5353',
        '-m conntrack --ctdir REPLY',
        '-m conntrack --ctstatus SEEN_REPLY',
        '-m conntrack --ctproto 17',
        '-m conntrack --ctexpire 20:40',
        '-m conntrack ! --ctstatus CONFIRMED',
        '-m conntrack --ctstatus NONE',
      ]
        .map((m, i) => `-A FORWARD ${m} -j MARK --or-mark 0x${(1 << i).toString(16)}`)
        .join('\n'),
    },
  })
  const first = s.send('eth0 udp 192.168.0.50:1 > 10.96.0.1:53').mark
  // Before confirmation the timeout is no time yet: 0 seconds are left.
  assert.is(first, 0b01010011111)
  const back = s.send('pod0 udp 10.244.0.5:5353 > 192.168.0.50:1').mark
  // SEEN_REPLY is set by the reply itself, once it was judged.
  assert.is(back, 0b00111111111)
  const stray = s.send('eth0 tcp 192.168.0.50:1 > 10.244.0.5:1', { flags: 'SA' }).mark
  assert.is(stray, 0)
})

test('what crosses no bridge has no ports of one', () => {
  const s = new Scene({
    rules: {
      mangle: marked(
        '-m physdev --physdev-in veth1',
        '-m physdev ! --physdev-in veth1',
        '-m physdev ! --physdev-is-bridged',
      ),
    },
  })
  assert.is(s.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:1').mark, 6)
})

test.run()
