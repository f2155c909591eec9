// TEE and TPROXY. The traces of the copies are what Linux 6.18 listed for these rules and packets; what a transparent socket does
// is said by the kernel's net/netfilter/xt_TPROXY.c and net/ipv4/ip_forward.c.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { address, LINKS, link, namespace, packet, type SceneParts } from '../reference/scene.js'

const test = suite('TEE and TPROXY')
const links = [...LINKS, link('mon0', 4, [address('10.9.0.1/24')])]

function ask(rules: SceneParts['rules'], lines: readonly (readonly [string, Partial<Packet>?])[]): Answer[] {
  const ns = namespace({ links, rules: rules! })
  const [reference, engine] = [new ReferenceEngine(ns), new Engine(ns)]
  return lines.map(([line, more]) => {
    const given = packet(line, more ?? {})
    const want = reference.process(given, { trace: true })
    assert.equal(engine.process(given, { trace: true }), want, line)
    return want
  })
}

test('copies pass OUTPUT and POSTROUTING while their cause waits, untracked, and are not copied again', () => {
  const answers = ask(
    {
      raw: '-A OUTPUT -p udp',
      mangle: `-A PREROUTING -p udp -m udp --dport 1 -j TEE --gateway 10.9.0.9
-A PREROUTING -p udp -j MARK --set-xmark 0x5/0xffffffff
-A FORWARD -p udp -m udp --dport 2 -j TEE --gateway 10.9.0.9
-A OUTPUT -o mon0 -m mark --mark 0x5 -j MARK --set-xmark 0x6/0xffffffff
-A POSTROUTING -p udp -m udp --dport 3 -j TEE --gateway 10.9.0.9`,
      filter: '-A OUTPUT -m conntrack --ctstate UNTRACKED\n-A FORWARD -m conntrack --ctstate NEW',
    },
    [1, 2, 3].map((port) => [`eth0 udp 192.168.0.50:9 > 10.244.0.5:${port}`] as const),
  )
  const copy = (rule: string): string =>
    `raw:OUTPUT:rule:1 raw:OUTPUT:policy ${rule}mangle:OUTPUT:policy filter:OUTPUT:rule:1 filter:OUTPUT:policy`
  const forward = 'mangle:FORWARD:policy filter:FORWARD:rule:1 filter:FORWARD:policy'
  const begin = 'raw:PREROUTING:policy'
  const marked = 'mangle:PREROUTING:rule:2 mangle:PREROUTING:policy'
  const end = 'mangle:POSTROUTING:policy'
  assert.equal(
    answers.map((a) => a.trace!.join(' ')),
    [
      `${begin} mangle:PREROUTING:rule:1 ${copy('')} ${end} ${marked} ${forward} ${end}`,
      `${begin} ${marked} mangle:FORWARD:rule:1 ${copy('mangle:OUTPUT:rule:1 ')} ${end} ${forward} ${end}`,
      `${begin} ${marked} ${forward} mangle:POSTROUTING:rule:1 ${copy('mangle:OUTPUT:rule:1 ')} mangle:POSTROUTING:rule:1 ${end} ${end}`,
    ],
  )
  for (const answer of answers) {
    assert.equal([answer.verdict, answer.out_iface, answer.mark], ['forward', 'pod0', 5])
    assert.ok(answer.steps!.some((s) => s.step === 'copy' && s.to === '10.9.0.9'))
  }
})

test('TPROXY: a transparent socket gets the packet, without one it is dropped, and what is not for this host is not forwarded', () => {
  const mangle = '-A PREROUTING -p udp -j TPROXY --on-port 80 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1'
  const here = 'eth0 udp 192.168.0.50:9 > 192.168.0.2:53'
  const [none, bound, open, away] = ask({ mangle }, [
    [here, { socket: 'none' }],
    [here, { socket: 'bound' }],
    [here, { socket: 'transparent wildcard', mark: 2 }],
    ['eth0 udp 192.168.0.50:9 > 10.244.0.5:53', { socket: 'transparent bound' }],
  ])
  for (const a of [none!, bound!]) assert.equal([a.verdict, a.dropped_by?.rule], ['drop', 1])
  assert.equal([open!.verdict, open!.mark], ['local', 3])
  assert.equal([away!.verdict, away!.dropped_by], ['drop', { reason: 'taken by a socket' }])
})

test.run()
