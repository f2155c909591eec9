// What CT rules attach to connections by name: helpers and timeout policies. Nothing of them is modelled, so a packet that
// meets one where it would matter is refused, and no other.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { MissingFieldError } from '../../src/net/missing.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet, type SceneParts } from '../reference/scene.js'

const test = suite('conntrack: attached')
const RAW = '-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp'
const STATES = '-A FORWARD -m conntrack --ctstate NEW'
const C = 'eth0 tcp 192.168.0.50:1 > 10.244.0.5:21'
const S = 'pod0 tcp 10.244.0.5:21 > 192.168.0.50:1'

type Plane = ReferenceEngine | Engine
const planes = (parts: SceneParts): Plane[] => [new ReferenceEngine(namespace(parts)), new Engine(namespace(parts))]

/** What a packet is refused for: field and name, and the message. */
function refused(plane: Plane, text: string, more: object): string {
  try {
    plane.process(packet(text, { id: 9, ...more }))
  } catch (error) {
    const { field, rule, message } = error as MissingFieldError
    return `${field} ${rule.chain}: ${message}`
  }
  return 'not refused'
}

const open = (plane: Plane): void => {
  plane.process(packet(C, { flags: 'S' }))
  plane.process(packet(S, { flags: 'SA' }))
  plane.process(packet(C, { flags: 'A' }))
}
const FTP = 'helper ftp: packet 9 comes to the helper ftp of its connection: what that does is not modelled'

test('a helper matters when data comes, in either direction, and goes with the connection', () => {
  for (const plane of planes({ rules: { raw: RAW, filter: STATES } })) {
    open(plane)
    assert.is(plane.conntrack()[0]!.helper, 'ftp')
    assert.is(refused(plane, S, { flags: 'PA', payload_len: 20 }), FTP)
    assert.is(refused(plane, C, { flags: 'PA', payload_len: 20 }), FTP)
    // Without data it closes as any other; other connections carry what they like.
    assert.is(refused(plane, C, { flags: 'FA' }), 'not refused')
    assert.is(refused(plane, C.replace(':21', ':80'), { flags: 'A', payload_len: 20 }), 'not refused')
  }
})

test('what is dropped before the end of its way meets no helper', () => {
  const filter = '-A FORWARD -m length --length 41:65535 -j DROP'
  for (const plane of planes({ rules: { raw: RAW, filter: `${STATES}\n${filter}` } })) {
    open(plane)
    assert.is(refused(plane, C, { flags: 'PA', payload_len: 20 }), 'not refused')
  }
})

test('rules that go leave the helper where it is; others keep their names', () => {
  const other = { raw: '-A PREROUTING -p tcp -m tcp --dport 99 -j CT --helper irc', filter: STATES }
  for (const plane of planes({ rules: { raw: RAW, filter: STATES } })) {
    open(plane)
    plane.swapRules(namespace({ rules: other }).rulesets)
    assert.is(refused(plane, C, { flags: 'PA', payload_len: 20 }), FTP)
    plane.process(packet(C.replace(':21', ':99'), { flags: 'S' }))
    assert.equal(
      plane.conntrack().map((e) => e.helper),
      ['ftp', 'irc'],
    )
  }
})

test('a timeout policy matters when a connection begins with it', () => {
  const raw = '-A PREROUTING -p tcp -m tcp --dport 21 -j CT --timeout short'
  for (const plane of planes({ rules: { raw, filter: STATES } })) {
    assert.is(
      refused(plane, C, { flags: 'S' }),
      'timeout policy short: packet 9 comes to the timeout policy short of its connection: what that does is not modelled',
    )
    assert.is(refused(plane, C.replace(':21', ':80'), { flags: 'S' }), 'not refused')
    // No connection begins with a stray SYN-ACK.
    assert.is(refused(plane, C, { flags: 'SA' }), 'not refused')
  }
})

test('nf_conntrack_helper: older kernels attach helpers by port', () => {
  const sysctls = { 'net.netfilter.nf_conntrack_helper': '1' }
  const both = { rules: { filter: STATES }, rules6: { filter: STATES }, sysctls }
  for (const plane of planes(both)) {
    open(plane)
    assert.is(refused(plane, C, { flags: 'PA', payload_len: 20 }), FTP)
    const udp = 'eth0 udp 192.168.0.50:7 > 10.244.0.5:69'
    assert.match(refused(plane, udp, { payload_len: 5 }), /^helper tftp/)
    // IRC's is for IPv4 only.
    const irc6 = 'eth0 tcp [fd00::50]:7 > [fd00:10:244::5]:6667'
    for (const flags of ['S', 'A']) assert.is(refused(plane, irc6, { flags, payload_len: 5 }), 'not refused')
  }
})

test('a connection that a listing shows with a helper has it', () => {
  const entry = {
    ...{ family: 'ipv4' as const, proto: 'tcp' as const, protonum: 6, timeout: 300, state: 'ESTABLISHED', mark: 0 },
    orig: { src: '192.168.0.50', dst: '10.244.0.5', sport: 1, dport: 21 },
    reply: { src: '10.244.0.5', dst: '192.168.0.50', sport: 21, dport: 1 },
    status: ['SEEN_REPLY' as const, 'ASSURED' as const, 'CONFIRMED' as const],
    helper: 'ftp',
  }
  for (const plane of planes({ rules: { filter: STATES }, connections: [entry] })) {
    assert.is(plane.conntrack()[0]!.helper, 'ftp')
    assert.is(refused(plane, S, { flags: 'PA', payload_len: 20 }), FTP)
  }
})

test.run()
