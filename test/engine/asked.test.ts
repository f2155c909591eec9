// A rule that needs what a packet does not say stops the packet, with one error that names packet, rule and field: the same
// words from both engines, alone and in a batch.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { MissingFieldError } from '../../src/net/missing.js'
import type { Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet } from '../reference/scene.js'

const test = suite('engine: what rules ask for')
const UDP = 'eth0 udp 192.168.0.50:1 > 10.244.0.5:53'
const NS = namespace({
  rules: {
    filter: `-A FORWARD -p udp -m udp --dport 1 -j ACCEPT
-A FORWARD -p udp -j ACCEPT
-A FORWARD -p tcp -m cpu ! --cpu 1 -j DROP`,
  },
})
const TEXT = "reaches rule 3 of filter FORWARD (rules:7), which needs the packet's cpu: give the field `cpu`"

function words(send: () => unknown): string {
  try {
    send()
  } catch (error) {
    assert.instance(error, MissingFieldError)
    assert.instance(error, RangeError)
    return (error as Error).message
  }
  return 'nothing was asked for'
}

test('both engines stop the packet with the same words', () => {
  const tcp = packet('eth0 tcp 192.168.0.50:1 > 10.244.0.5:80', { id: 7 })
  for (const plane of [new ReferenceEngine(NS), new Engine(NS)]) {
    assert.is(
      words(() => plane.process(tcp)),
      `packet 7 ${TEXT}`,
    )
    const { id: _, ...nameless } = tcp
    assert.is(
      words(() => plane.process(nameless as Packet)),
      `the packet ${TEXT}`,
    )
    assert.is(plane.process(packet(UDP)).verdict, 'forward')
    assert.is(plane.process({ ...tcp, cpu: 1 }).verdict, 'forward')
    assert.is(plane.process({ ...tcp, cpu: 0 }).verdict, 'drop')
    const { rules } = plane.counters()[0]!.tables[0]!.chains.find((c) => c.name === 'FORWARD')!
    assert.equal(
      rules.map((r) => r.counters!.packets),
      [0n, 1n, 1n],
    )
  }
})

test('a batch stops there; what was before it is done', () => {
  const engine = new Engine(NS)
  const batch = engine.newBatch(4)
  const tcp = packet('eth0 tcp 192.168.0.50:1 > 10.244.0.5:80')
  for (const [i, p] of [packet(UDP), { ...tcp, cpu: 1 }, tcp, packet(UDP)].entries()) batch.set(i, p)
  const error = ((): MissingFieldError => {
    try {
      engine.processBatch(batch)
    } catch (e) {
      return e as MissingFieldError
    }
    throw new Error('nothing was asked for')
  })()
  assert.is(error.message, `packet [2] of the batch ${TEXT}`)
  assert.equal(
    [error.index, error.field, error.rule],
    [2, 'cpu', { table: 'filter', chain: 'FORWARD', rule: 3, file: 'rules', line: 7 }],
  )
  assert.equal([batch.verdict(0), batch.verdict(1), batch.verdict(3)], ['forward', 'forward', 'skipped'])
})

test('a record gives back what was written', () => {
  const engine = new Engine(NS)
  const batch = engine.newBatch(1)
  const given = { ...packet('local udp 192.168.0.2:1 > 10.244.0.5:53'), uid: 0, gid: 4294967294, cpu: 0 }
  batch.set(0, given)
  const { uid, gid, cpu } = batch.packet(0)
  assert.equal([uid, gid, cpu], [0, 4294967294, 0])
})

test.run()
