// The short way of ordinary packets into a batch: the same records, packets and errors as the long way through
// completePacket, which a packet without a prototype takes.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RECORD_BYTES } from '../../assembly/layout.js'
import { Engine, type PacketBatch } from '../../src/engine/index.js'
import { clusterOf } from '../../src/kube/cluster.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import { completePacket } from '../../src/net/complete.js'
import type { Packet } from '../../src/net/packet.js'

const test = suite('engine/plain')

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '192.168.10.11' }] },
}
const engine = new Engine(nodeNamespace(clusterOf([node] as never[]), 'n'))
const batch = engine.newBatch(2)

/** The record that a packet leaves at place i, or the error. */
function recordOf(to: PacketBatch, i: number, packet: Packet): { bytes?: number[]; packet?: Packet; error?: string } {
  to.records.fill(0xaa)
  try {
    to.set(i, packet)
  } catch (error) {
    return { error: String(error) }
  }
  const bytes = [...to.records.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)]
  return { bytes, packet: to.packet(i) }
}

const number = (most: number) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: most }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<unknown>(most, most + 1, -1, 0.5, Number.NaN, null, undefined, '7', '0x1f', true),
    },
  )
const v4 = fc.oneof(
  { weight: 9, arbitrary: fc.ipV4() },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '1.2.3.256',
      '1..3.4',
      '.1.2.3.4',
      '1.2.3.4.',
      ' 1.2.3.4',
      '',
    ),
  },
)
const v6 = fc.oneof(
  { weight: 9, arbitrary: fc.ipV6() },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        '::',
        '::1',
        '1::',
        'FD00::A',
        '1:2:3:4:5:6:7:8',
        '1:2:3:4:5:6:7::',
        '::2:3:4:5:6:7:8',
        '1::8',
        '::ffff:1.2.3.4',
      ],
      ...[
        '::ffff:102:304',
        ':::',
        '1:::2',
        '1::2::3',
        ':1::2',
        '1:2:3:4:5:6:7:8:',
        '1:2:3:4:5:6:7:8:9',
        '12345::',
        '1:2',
      ],
      ...['1:2:3:4:5:6:7:8::', '::1:', 'fe80::1%eth0', 'g::', '0:0:0:0:0:0:0:0', '1:2:3:4::5:6:7:8', ':', '1:'],
    ),
  },
)
const ends = fc.oneof(
  { weight: 5, arbitrary: fc.record({ src: v4, dst: v4 }) },
  { weight: 4, arbitrary: fc.record({ src: v6, dst: v6 }) },
  { weight: 1, arbitrary: fc.record({ src: v4, dst: v6 }) },
)
const fields = fc.record(
  {
    proto: fc.constantFrom<unknown>('tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 'TCP', 6, 'x'),
    iface: fc.constantFrom('eth0', 'cni0', 'local', 'none'),
    id: fc.constantFrom<unknown>(1, 'a', '', Number.NaN, {}),
    sport: number(65535),
    dport: number(65535),
    flags: fc.constantFrom<unknown>('S', 'SA', 'AS', 'A', '', 'SS', 'x', 5),
    ttl: number(255),
    tos: number(255),
    icmp_type: number(255),
    icmp_code: number(255),
    icmp_id: number(65535),
    seq: number(0xffffffff),
    ack: number(0xffffffff),
    win: number(65535),
    mark: number(0xffffffff),
    payload_len: number(65535),
    extra_len: number(65535),
    at_ms: fc.constantFrom<unknown>(0, 1.5, 5, Number.MAX_SAFE_INTEGER, -1, 2 ** 60),
    bad_csum: fc.boolean(),
    gap_ms: fc.constant(1),
    unknown: fc.constant(1),
  },
  { requiredKeys: ['proto'] },
)
const sparse = fc
  .tuple(
    fields,
    fc.subarray(['sport', 'dport', 'flags', 'ttl', 'seq', 'ack', 'mark', 'id', 'iface', 'icmp_type', 'at_ms']),
  )
  .map(([all, names]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => name === 'proto' || names.includes(name))),
  )

test('records, packets and errors are those of the long way', () => {
  let plain = 0
  fc.assert(
    fc.property(fc.oneof(sparse, sparse, fields), ends, (some, addresses) => {
      const packet = { ...some, ...addresses } as unknown as Packet
      const short = recordOf(batch, 0, packet)
      const long = recordOf(batch, 1, Object.assign(Object.create(null), packet))
      assert.equal(short, long)
      if (short.packet === undefined) return
      plain++
      const whole = completePacket(packet)
      assert.is(JSON.stringify(short.packet), JSON.stringify(whole))
    }),
    { numRuns: 3000 },
  )
  assert.ok(plain > 300, `${plain} packets were right`)
})

test('a packet is what it was when it was set, whatever becomes of the object', () => {
  const packet: Packet = { iface: 'eth0', proto: 'udp', src: '1.2.3.4', dst: '5.6.7.8', dport: 53, id: 'first' }
  batch.set(0, packet)
  packet.dst = '9.9.9.9'
  packet.id = 'second'
  assert.is(batch.packet(0).dst, '5.6.7.8')
  assert.is(batch.packet(0).id, 'first')
  batch.set(0, { iface: 'eth0', proto: 'gre', src: '1.2.3.4', dst: '5.6.7.8', id: 7, mac: '02:00:00:00:00:01' })
  assert.is(batch.packet(0).mac, '02:00:00:00:00:01')
  batch.set(0, { iface: 'eth0', proto: 'udp', src: '1.2.3.4', dst: '5.6.7.8' })
  assert.is(batch.packet(0).proto, 'udp')
  assert.is(batch.packet(0).id, undefined)
})

test.run()
