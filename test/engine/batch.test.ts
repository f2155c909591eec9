// Packets through the engine: one at a time, and in batches that mean the same however they are cut.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compile, Engine, readImage } from '../../src/engine/index.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import { RULES, scene, syn, synAck } from './scene.js'

const batch = suite('engine/batch')

batch('a SYN to a Service reaches its endpoint, and the answer comes from the Service', () => {
  const engine = new Engine(scene())
  const there = engine.process(syn('192.168.0.50', 40000), { ct: true, trace: true })
  assert.is(there.verdict, 'forward')
  assert.is(there.out_iface, 'pod0')
  assert.is(there.dst, '10.244.0.5')
  assert.is(there.dport, 8080)
  assert.is(there.ttl, 63)
  assert.equal(there.trace, ['nat:PREROUTING:rule:1', 'filter:FORWARD:policy', 'nat:POSTROUTING:policy'])
  assert.equal(there.ct?.reply, { src: '10.244.0.5', dst: '192.168.0.50', sport: 8080, dport: 40000 })
  assert.is(there.ct?.state, 'SYN_SENT')
  const back = engine.process(synAck('192.168.0.50', 40000), { ct: true })
  assert.is(back.out_iface, 'eth0')
  assert.is(back.src, '10.96.0.10')
  assert.is(back.sport, 80)
  assert.is(back.ct?.state, 'SYN_RECV')
  assert.is(engine.conntrack().length, 1)
})

/** New flows, replies, repetitions, rejected packets, ends of flows, and steps of the clock. */
function traffic(): Packet[] {
  const packets: Packet[] = []
  for (let i = 0; i < 300; i++) {
    const client = `192.168.0.${10 + (i % 40)}`
    const port = 40000 + (i % 7)
    const at_ms = i * 400
    if (i % 11 === 0)
      packets.push({ iface: 'eth0', proto: 'udp', src: client, dst: '10.244.0.5', sport: port, dport: 9, at_ms })
    else if (i % 3 === 0) packets.push({ ...synAck(client, port), at_ms })
    else if (i % 7 === 0) packets.push({ ...syn(client, port), flags: 'R', at_ms })
    else if (i % 5 === 0) {
      packets.push({
        iface: 'pod0',
        proto: 'udp',
        src: `10.244.0.${20 + (i % 9)}`,
        dst: '8.8.8.8',
        sport: 5000,
        dport: 53,
        at_ms,
      })
    } else packets.push({ ...syn(client, port), at_ms })
  }
  return packets
}

batch('cutting a sequence into batches of 1, 2, 7, 256 and all changes nothing', () => {
  const packets = traffic()
  const single = new Engine(scene(), { seed: 3 })
  const expected: Answer[] = packets.map((p) => single.process(p))
  assert.ok(new Set(expected.map((a) => a.verdict)).size >= 2)
  for (const size of [1, 2, 7, 256, packets.length]) {
    const engine = new Engine(scene(), { seed: 3 })
    const room = engine.newBatch(size)
    const answers: Answer[] = []
    for (let from = 0; from < packets.length; from += size) {
      const part = packets.slice(from, from + size)
      room.length = 0
      for (const [i, packet] of part.entries()) room.set(i, packet)
      assert.is(engine.processBatch(room), part.length)
      for (let i = 0; i < part.length; i++) answers.push(room.answer(i))
    }
    assert.equal(answers, expected, `batches of ${size}`)
    assert.equal(engine.conntrack(), single.conntrack())
    assert.equal(engine.counters(), single.counters())
  }
})

batch('traces stop a batch inside, and nothing of them is lost', () => {
  // 700 rules that all match: 60 kB of events a packet, so the buffer fills many times.
  const many = Array.from({ length: 700 }, () => '-A FORWARD -j MARK --set-xmark 0x1/0xffffffff').join('\n')
  const rules = `*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${many}\nCOMMIT\n`
  const engine = new Engine(scene({ rules }), { traceBytes: 2 << 20 })
  const room = engine.newBatch(100)
  for (let i = 0; i < 100; i++) room.set(i, syn('192.168.0.50', 1000 + i), i % 2 === 0)
  const lengths: number[] = []
  const done = engine.processBatch(room, {
    onTrace: (i, trace) => {
      lengths[i] = trace.trace.length
    },
  })
  assert.is(done, 100)
  // 700 rules of FORWARD, and the policies of PREROUTING, FORWARD and POSTROUTING.
  for (let i = 0; i < 100; i++) assert.is(lengths[i], i % 2 === 0 ? 703 : undefined)
})

batch('a large batch allocates nothing, and views survive the growth of memory', () => {
  const engine = new Engine(scene(), { maxConnections: 1000 })
  const room = engine.newBatch(20000)
  for (let i = 0; i < 20000; i++) room.set(i, syn('192.168.0.50', 1024 + (i % 500)))
  const before = engine.memoryBytes
  assert.is(engine.processBatch(room), 20000)
  assert.is(engine.memoryBytes, before)
  assert.is(engine.connections, 500)
  const other = engine.newBatch(200000) // memory grows: old buffers are detached
  assert.is(room.verdict(19999), 'forward')
  room.set(0, syn('192.168.0.51', 1))
  other.set(0, syn('192.168.0.52', 1))
  assert.is(engine.processBatch(other), 1)
  assert.is(other.answer(0).dst, '10.244.0.5')
  assert.is(room.packet(0).src, '192.168.0.51')
})

batch('records that were filled without packets', () => {
  const engine = new Engine(scene())
  const room = engine.newBatch(2)
  room.set(0, syn('192.168.0.50', 7))
  const records = room.records
  records.copyWithin(128, 0, 128) // the second record is the first
  room.length = 2
  assert.is(engine.processBatch(room), 2)
  assert.is(room.verdict(1), 'forward')
  assert.is(room.packet(1).sport, 7)
  assert.is(room.packet(1).iface, 'eth0')
  assert.is(room.answer(1).dport, 8080)
})

batch('an image that was saved and read again decides alike', () => {
  const image = compile(scene())
  const engine = new Engine(readImage(image.bytes.slice()))
  assert.is(engine.process(syn('192.168.0.50', 1)).dst, '10.244.0.5')
  assert.throws(() => engine.counters(), /namespace/)
})

batch('counters start at what the text says and count on', () => {
  const rules = RULES.replace(':FORWARD ACCEPT [0:0]\n:OUTPUT', ':FORWARD ACCEPT [5:300]\n:OUTPUT')
  const engine = new Engine(scene({ rules }))
  engine.process(syn('192.168.0.50', 1))
  const filter = engine.counters()[0]!.tables.find((t) => t.name === 'filter')!
  const forward = filter.chains.find((c) => c.name === 'FORWARD')!
  assert.equal(forward.counters, { packets: 6n, bytes: 340n })
  assert.equal(forward.rules[0]!.counters, { packets: 0n, bytes: 0n })
})

batch.run()
