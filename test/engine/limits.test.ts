// Capacity, the clock, and connections that exist at the start.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import { readRules } from '../../src/netfilter/read.js'
import type { ExistingConnection } from '../../src/netns/model.js'
import { scene, syn, synAck } from './scene.js'

const limits = suite('engine/limits')

limits('room for connections is an option, and reaching it is an error that names it', () => {
  const engine = new Engine(scene(), { maxConnections: 2 })
  for (const port of [1, 2]) assert.is(engine.process(syn('192.168.0.50', port)).verdict, 'forward')
  assert.throws(
    () => engine.process(syn('192.168.0.50', 3)),
    (e: Error) => e instanceof RangeError && /room for 2 connections.*maxConnections/.test(e.message),
  )
  // When the two have ended there is room again: SYN_SENT lasts 120 s.
  assert.is(engine.process({ ...syn('192.168.0.50', 3), at_ms: 120_000 }).verdict, 'forward')
  assert.is(engine.connections, 1)
  for (const bad of [0, -1, 1.5, 10_000_001])
    assert.throws(() => new Engine(scene(), { maxConnections: bad }), RangeError)
})

limits('nf_conntrack_max is a verdict, not an error', () => {
  const engine = new Engine(scene({ sysctls: { 'net.netfilter.nf_conntrack_max': '2' } }))
  for (const port of [1, 2]) engine.process(syn('192.168.0.50', port))
  const third = engine.process(syn('192.168.0.50', 3))
  assert.is(third.verdict, 'drop')
  assert.equal(third.dropped_by, { reason: 'conntrack table full' })
  assert.is(engine.process(syn('192.168.0.50', 1)).verdict, 'forward')
  assert.is(engine.process({ ...syn('192.168.0.50', 3), at_ms: 119_999 }).verdict, 'drop')
  assert.is(engine.process({ ...syn('192.168.0.50', 3), at_ms: 120_000 }).verdict, 'forward')
})

limits('entries end exactly at their time, in any order of their ends', () => {
  const engine = new Engine(scene({ sysctls: { 'net.netfilter.nf_conntrack_udp_timeout': '7' } }))
  const udp = (port: number, at_ms: number): void => {
    engine.process({ iface: 'pod0', proto: 'udp', src: '10.244.0.5', dst: '8.8.8.8', sport: port, dport: 53, at_ms })
  }
  for (let i = 0; i < 100; i++) udp(1000 + i, i * 10)
  for (let i = 0; i < 100; i += 3) udp(1000 + i, 1000 + i) // refreshed: 34 of them end later
  assert.is(engine.connections, 100)
  // At 7,500 those that began before 510 ms and were not refreshed are gone: 51 of 0..50, 17 of them refreshed.
  udp(5000, 7500)
  assert.is(engine.connections, 100 - 34 + 1)
  assert.is(engine.conntrack().length, 67)
  udp(5001, 8098) // the last refresh was at 1099: it ends at 8099
  assert.equal(
    engine.conntrack().map((c) => c.orig.sport),
    [1099, 5000, 5001],
  )
  udp(5002, 8099)
  assert.equal(
    engine.conntrack().map((c) => c.orig.sport),
    [5000, 5001, 5002],
  )
})

limits('the clock never runs backwards, and interfaces must be there', () => {
  const engine = new Engine(scene())
  engine.process({ ...syn('192.168.0.50', 1), at_ms: 1000 })
  assert.is(engine.now, 1000)
  assert.throws(
    () => engine.process({ ...syn('192.168.0.50', 1), at_ms: 999 }),
    (e: Error) => e instanceof RangeError && /clock runs backwards: 999 after 1000/.test(e.message),
  )
  engine.process(syn('192.168.0.50', 1))
  assert.is(engine.now, 1000)
  assert.throws(
    () => engine.process({ ...syn('192.168.0.50', 1), iface: 'eth9' }),
    (e: Error) => e instanceof RangeError && /unknown interface "eth9"/.test(e.message),
  )
})

const existing: ExistingConnection = {
  family: 'ipv4',
  proto: 'tcp',
  protonum: 6,
  timeout: 100,
  state: 'ESTABLISHED',
  orig: { src: '192.168.0.77', dst: '10.96.0.99', sport: 1234, dport: 443 },
  reply: { src: '10.244.0.9', dst: '192.168.0.77', sport: 8443, dport: 1234 },
  status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'DST_NAT', 'SRC_NAT_DONE', 'DST_NAT_DONE'],
  mark: 5,
}

limits('connections that exist at the start translate, though no rule knows them', () => {
  const engine = new Engine(scene({ connections: [existing] }), { maxConnections: 10 })
  assert.equal(engine.conntrack(), [existing])
  const packet = { ...syn('192.168.0.77', 1234), dst: '10.96.0.99', dport: 443, flags: 'A' }
  const there = engine.process(packet)
  assert.is(there.dst, '10.244.0.9')
  assert.is(there.dport, 8443)
  const back = engine.process({ ...synAck('192.168.0.77', 1234), src: '10.244.0.9', sport: 8443, flags: 'A' })
  assert.is(back.src, '10.96.0.99')
  assert.is(back.sport, 443)
  assert.throws(
    () => new Engine(scene({ connections: [existing, existing] }), { maxConnections: 1 }),
    /2 connections exist at the start/,
  )
})

limits('a first packet that is dropped leaves no connection and no room lost', () => {
  const engine = new Engine(scene(), { maxConnections: 1 })
  for (let i = 0; i < 50; i++) {
    const answer = engine.process({
      iface: 'eth0',
      proto: 'udp',
      src: '192.168.0.50',
      dst: '10.244.0.5',
      sport: 1000 + i,
      dport: 9,
    })
    assert.is(answer.verdict, 'reject')
    assert.is(answer.reply?.src, '192.168.0.2')
    assert.is(answer.reply?.inner?.ttl, 63)
  }
  assert.is(engine.connections, 0)
})

limits('what rules may add has a limit, and it holds for rules that are swapped in', () => {
  const set = { name: 'seen', type: 'hash:ip', family: 'ipv4', options: {}, entries: [] } as const
  const rules =
    '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n-A FORWARD -j SET --add-set seen src\nCOMMIT\n'
  const from = (n: number): Packet => ({
    iface: 'pod0',
    proto: 'udp',
    src: `10.244.0.${n}`,
    dst: '8.8.8.8',
    sport: 1,
    dport: 53,
  })
  const engine = new Engine({ ...scene({ rules }), sets: [set] }, { limits: { maxAddedElements: 1 } })
  const full = /raise the compile limit maxAddedElements/
  engine.process(from(5))
  engine.process(from(5))
  assert.throws(() => engine.process(from(6)), full)
  // Packets that add nothing go on.
  assert.is(engine.process(from(5)).verdict, 'forward')
  engine.swapRules([readRules(rules, { file: 'rules', family: 'ipv4' })])
  // One more than was there when the rules came.
  engine.process(from(7))
  assert.throws(() => engine.process(from(8)), full)
  assert.is(engine.sets()[0]?.entries.length, 2)
})

limits.run()
