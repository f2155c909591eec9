// Captures: files written out by hand, round trips over any cutting into pieces, damage, and tcpdump's own files.
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodePacket, LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../src/net/bytes.js'
import { FaultError } from '../../src/net/fault.js'
import {
  type CapturedPacket,
  CaptureReader,
  type CaptureReaderOptions,
  readPcapPackets,
  writePcap,
  writePcapng,
} from '../../src/net/pcap.js'
import { have } from '../support/needs.js'

const hex = (...parts: string[]): Uint8Array => Uint8Array.from(Buffer.from(parts.join('').replace(/\s/g, ''), 'hex'))

function read(file: Uint8Array, options?: CaptureReaderOptions): CapturedPacket[] {
  const reader = new CaptureReader(options)
  return [...reader.push(file), ...reader.end()]
}
/** The one fault of reading a file. */
function fault(file: Uint8Array, options?: CaptureReaderOptions): string {
  try {
    read(file, options)
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    assert.is(error.faults.length, 1)
    return error.message
  }
  throw new Error('no fault')
}

// 10.0.0.1 > 10.0.0.2 echo request: 28 bytes.
const ECHO = '4500001c 00000000 400166df 0a000001 0a000002 0800f7f7 00070001'

const pcap = suite('captures')

pcap('pcap, microseconds, little-endian', () => {
  const file = hex(
    'd4c3b2a1 0200 0400 00000000 00000000 00000400 65000000', // raw IP
    '00e1f505 40420f00 1c000000 1c000000', // 100000000 s, 1000000 µs
    ECHO,
  )
  const [packet, ...rest] = read(file)
  assert.is(rest.length, 0)
  assert.equal(packet, {
    number: 1,
    interface: { index: 0, linkType: 101, snapLength: 262144 },
    timeNs: 100_000_001_000_000_000n,
    bytes: hex(ECHO),
    wireLength: 28,
  })
})

pcap('pcap, nanoseconds, big-endian, a cut packet', () => {
  const file = hex(
    'a1b23c4d 0002 0004 00000000 00000000 00000014 14000001', // Ethernet; the upper half tells of check sequences
    '00000001 00000002 00000002 000005dc abcd',
    '00000001 00000003 00000000 00000000',
  )
  const packets = read(file)
  assert.equal(
    packets.map((p) => [p.number, p.timeNs, [...p.bytes], p.wireLength, p.interface.linkType]),
    [
      [1, 1_000_000_002n, [0xab, 0xcd], 1500, 1],
      [2, 1_000_000_003n, [], 0, 1],
    ],
  )
})

// A big-endian section: two interfaces (eth0, Ethernet, 10^-9 s; wg0, raw, 2^-10 s, offset 1 s), an unknown block,
// an enhanced packet of each (the second outbound), a simple packet.
const NG_BIG = [
  '0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c',
  '00000001 00000028 0001 0000 00000000 0002 0004 65746830 0009 0001 09000000 0000 0000 00000028',
  '00000001 00000034 0065 0000 0000001c 0002 0003 77673000 0009 0001 8a000000 000e 0008 0000000000000001 0000 0000 00000034',
  '0bad0bad 00000010 deadbeef 00000010',
  '00000006 00000024 00000000 00000001 00000002 00000003 00000003 aabbcc00 00000024',
  '00000006 00000030 00000001 00000000 00000600 00000001 00000009 ee000000 0002 0004 00000002 0000 0000 00000030',
  '00000003 00000014 00000003 01020300 00000014',
]

pcap('pcapng, big-endian: interfaces, options, unknown blocks, simple packets', () => {
  const reader = new CaptureReader()
  const packets = [...reader.push(hex(...NG_BIG)), ...reader.end()]
  const eth0 = { index: 0, linkType: 1, snapLength: 0, name: 'eth0' }
  const wg0 = { index: 1, linkType: 101, snapLength: 28, name: 'wg0' }
  assert.equal(reader.interfaces, [eth0, wg0])
  assert.equal(packets, [
    // 2^32 + 2 nanoseconds
    { number: 1, interface: eth0, timeNs: 4294967298n, bytes: hex('aabbcc'), wireLength: 3 },
    // 1536 / 1024 s + 1 s
    { number: 2, interface: wg0, timeNs: 2_500_000_000n, bytes: hex('ee'), wireLength: 9, direction: 'out' },
    { number: 3, interface: eth0, timeNs: null, bytes: hex('010203'), wireLength: 3 },
  ])
})

pcap('pcapng: a new section has its own byte order and interfaces', () => {
  const little = [
    '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000',
    '01000000 14000000 6500 0000 00000000 14000000',
    '06000000 24000000 00000000 00000000 40420f00 02000000 02000000 1234 0000 24000000', // 1000000 µs
    '02000000 24000000 0000 0500 00000000 00000000 02000000 02000000 5678 0000 24000000', // obsolete, interface 0, 5 drops
  ]
  const packets = read(hex(...NG_BIG, ...little))
  assert.equal(
    packets.slice(3).map((p) => [p.number, p.interface.index, p.interface.linkType, p.timeNs, p.bytes[0]]),
    [
      [4, 2, 101, 1_000_000_000n, 0x12],
      [5, 2, 101, 0n, 0x56],
    ],
  )
})

pcap('damage is one fault with its byte', () => {
  const head = 'd4c3b2a1 0200 0400 00000000 00000000 00000400 65000000'
  const f = { file: 'x.pcap' }
  assert.is(fault(hex(''), f), 'x.pcap: byte 0: the file is empty; a pcap or pcapng capture was expected')
  assert.match(fault(hex('1f8b0800'), f), 'x.pcap: byte 0: this is no capture')
  assert.match(fault(hex('d4c3'), f), 'x.pcap: byte 0: this is no capture')
  assert.match(fault(hex('d4c3b2a1 0200'), f), 'byte 0: the file ends inside a packet record: 6 of at least 24 bytes')
  assert.match(fault(hex('d4c3b2a1 0200 0300', '00'.repeat(16)), f), 'byte 4: pcap version 2.3')
  assert.match(fault(hex(head, '00000000 00000000 04000000 04000000 aabb'), f), 'byte 24: the file ends inside')
  assert.match(fault(hex(head, '00000000 00000000 ffffff7f ffffff7f'), f), 'byte 32: a packet of 2147483647 captured')
  assert.match(fault(hex(head, '00000000 00000000 02000000 01000000'), f), 'byte 32: 2 bytes captured of a packet of 1')

  const section = NG_BIG[0] as string
  const link = NG_BIG[1] as string
  const ng = (...parts: string[]): string => fault(hex(section, ...parts), f)
  assert.match(ng(link.slice(0, 20)), 'byte 28: the file ends inside a block')
  assert.match(ng('0bad0bad 0000000a'.padEnd(32, '0')), 'byte 32: a block of 10 bytes; a multiple of 4')
  assert.match(ng('0bad0bad 00000008 00000008'), 'byte 32: a block of 8 bytes')
  assert.match(ng('0bad0bad 40000000 00000000'), 'byte 32: a block of 1073741824 bytes; 16777216 are the most')
  assert.match(ng('0bad0bad 00000010 deadbeef 00000014'), 'byte 40: a block of 16 bytes that says 20 at its end')
  assert.match(ng(NG_BIG[4] as string), 'byte 36: a packet of interface 0; 0 are described')
  assert.match(ng('00000001 00000010 00010000 00000010'), 'byte 32: an interface description of 16 bytes; 20 are')
  assert.match(
    ng(link, '00000006 00000024 00000000 00000000 00000000 00000009 00000009 aabbcc00 00000024'),
    'byte 88: a packet of 9 captured bytes, 4 are left in its block',
  )
  assert.match(
    ng('00000001 0000001c 0001 0000 00000000 0002 0009 65746830 0000001c'),
    'byte 44: an option of 9 bytes, 4 are left in its block',
  )
  assert.match(fault(hex('0a0d0d0a 1c000000 11223344', '00'.repeat(16)), f), 'byte 8: a section header without')
  assert.match(
    fault(hex('0a0d0d0a 0000001c 1a2b3c4d 0002 0000 ffffffffffffffff 0000001c'), f),
    'byte 12: pcapng version 2.0',
  )
})

pcap('limits', () => {
  const file = writePcap(
    [1n, 2n, 3n].map((timeNs) => ({ timeNs, bytes: new Uint8Array(100) })),
    { linkType: 1 },
  )
  assert.is(read(file, { limits: { packets: 3, packetBytes: 100 } }).length, 3)
  assert.match(fault(file, { limits: { packets: 2 } }), 'byte 256: more than 2 packets, the limit')
  assert.match(fault(file, { limits: { packetBytes: 99 } }), 'byte 32: a packet of 100 captured bytes; 99 are the most')
  const two = hex(...NG_BIG)
  assert.match(fault(two, { limits: { interfaces: 1 } }), 'byte 68: more than 1 interfaces, the limit')
  assert.match(fault(two, { limits: { blockBytes: 48 } }), 'byte 72: a block of 52 bytes; 48 are the most')
})

const record = fc.record({
  timeNs: fc.bigInt({ min: 0n, max: 0xffffffffn * 1_000_000_000n }),
  bytes: fc.uint8Array({ maxLength: 400, size: 'max' }),
  more: fc.nat(2000),
  interface: fc.nat(2),
  direction: fc.constantFrom('in' as const, 'out' as const, undefined),
})

pcap('round trip in both formats and byte orders, cut into any pieces', () => {
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 12, size: 'max' }),
      fc.boolean(),
      fc.constantFrom('us', 'ns', 'ng'),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30, size: 'max' }),
      (records, bigEndian, format, cuts) => {
        const packets = records.map(({ more, direction, ...r }) => ({
          ...r,
          wireLength: r.bytes.length + more,
          ...(direction && { direction }),
        }))
        const names = ['eth0', 'a', undefined]
        const file =
          format === 'ng'
            ? writePcapng(packets, {
                interfaces: names.map((name, i) => ({ linkType: i, ...(name && { name }) })),
                bigEndian,
              })
            : writePcap(packets, { linkType: 113, bigEndian, nano: format === 'ns' })
        const reader = new CaptureReader()
        const found: CapturedPacket[] = []
        for (let at = 0, i = 0; at < file.length; i++) {
          const size = cuts[i % cuts.length] as number
          found.push(...reader.push(file.subarray(at, at + size)))
          at += size
        }
        found.push(...reader.end())
        assert.equal(
          found.map((p) => [p.number, p.timeNs, [...p.bytes], p.wireLength, p.interface.linkType, p.direction]),
          packets.map((p, i) => [
            i + 1,
            format === 'us' ? (p.timeNs / 1000n) * 1000n : p.timeNs,
            [...p.bytes],
            p.wireLength,
            format === 'ng' ? p.interface : 113,
            format === 'ng' ? p.direction : undefined,
          ]),
        )
      },
    ),
    { numRuns: 300 },
  )
})

pcap('any damage: packets or one FaultError, at once', () => {
  const file = hex(...NG_BIG)
  const classic = writePcap([{ timeNs: 5n, bytes: hex(ECHO) }], { linkType: 101 })
  fc.assert(
    fc.property(
      fc.constantFrom(file, classic),
      fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 0, max: 255 })), { maxLength: 8, size: 'max' }),
      fc.nat(300),
      (original, patches, cut) => {
        const bytes = original.slice(0, cut)
        for (const [at, value] of patches) if (at < bytes.length) bytes[at] = value
        try {
          readPcapPackets(bytes, { file: 'x', iface: 'eth0' })
        } catch (error) {
          if (!(error instanceof FaultError)) throw error
          assert.is(error.faults.length, 1)
          assert.match(error.message, /^x: byte \d+: /)
        }
      },
    ),
    { numRuns: 3000 },
  )
})

pcap('packets for a namespace: numbers, times, and what is passed over', () => {
  const syn = encodePacket({ proto: 'tcp', src: '10.0.0.1', dst: '10.0.0.2', dport: 80 })
  const frame = (type: string, bytes: Uint8Array): Uint8Array =>
    Uint8Array.from([...hex('02000000000a 02000000000b', type), ...bytes])
  const at = (ms: number): bigint => 1_700_000_000_000_000_000n + BigInt(Math.round(ms * 1e6))
  const file = writePcap(
    [
      { timeNs: at(0), bytes: frame('0806', new Uint8Array(28)) },
      { timeNs: at(10), bytes: frame('0800', syn) },
      { timeNs: at(11.999), bytes: frame('0800', syn) },
      { timeNs: at(5), bytes: frame('0800', syn) },
      { timeNs: at(1010), bytes: frame('0800', syn).slice(0, 40), wireLength: 54 },
      { timeNs: at(1011), bytes: frame('0806', new Uint8Array(28)) },
      { timeNs: at(1012), bytes: frame('0800', syn) },
    ],
    { linkType: LINKTYPE_ETHERNET, nano: true },
  )
  const { packets, notes } = readPcapPackets(file, { file: 'eth0.pcap', iface: 'eth0' })
  assert.equal(
    packets.map((p) => [p.id, p.at_ms, p.iface, p.dport, p.mac]),
    [
      [2, 0, 'eth0', 80, '02:00:00:00:00:0b'],
      [3, 1, 'eth0', 80, '02:00:00:00:00:0b'],
      [4, 1, 'eth0', 80, '02:00:00:00:00:0b'],
      [7, 1002, 'eth0', 80, '02:00:00:00:00:0b'],
    ],
  )
  assert.equal(notes, [
    '2 packets, the first 1: passed over: ARP, not IP',
    'packet 4: stamped earlier than a packet before it; it gets the time of that',
    'packet 5: passed over: truncated capture: the TCP header needs 20 bytes, 6 were captured',
  ])
  assert.throws(() => readPcapPackets(file, { file: 'x', iface: 'local' }), /come in on an interface/)
})

pcap('packets for a namespace: interfaces of the capture, and packets that its host sent', () => {
  const ip = encodePacket({ proto: 'udp', src: '10.0.0.1', dst: '10.0.0.2', dport: 53 })
  const interfaces = ['lo', 'eth0'].map((name) => ({ linkType: LINKTYPE_RAW, name }))
  const file = writePcapng(
    [
      { timeNs: 0n, bytes: ip, interface: 0 },
      { timeNs: 1_000_000n, bytes: ip, interface: 1 },
      { timeNs: 2_000_000n, bytes: ip, interface: 1, direction: 'out' },
      { timeNs: 3_000_000n, bytes: ip, interface: 1, direction: 'in' },
    ],
    { interfaces },
  )
  const own = readPcapPackets(file, { file: 'x', iface: 'eth0' })
  assert.equal(
    own.packets.map((p) => [p.id, p.at_ms]),
    [
      [2, 0],
      [4, 2],
    ],
  )
  assert.equal(own.notes, [
    "of the capture's interfaces (lo, eth0) only eth0 counts",
    'packet 3: passed over: the capturing host sent it',
  ])
  const other = readPcapPackets(file, { file: 'x', iface: 'cni0' })
  assert.equal(
    other.packets.map((p) => [p.id, p.at_ms, p.iface]),
    [
      [1, 0, 'cni0'],
      [2, 1, 'cni0'],
      [4, 3, 'cni0'],
    ],
  )
  assert.is(other.notes[0], "packets of all the capture's interfaces (lo, eth0) come in on cni0")
})

pcap('tcpdump reads what is written, and writes what is read', () => {
  const there = spawnSync('tcpdump', ['--version']).status === 0
  if (!have('tcpdump', there, 'tcpdump reads and writes captures')) return
  const packets = [1, 2, 3].map((n) => ({
    timeNs: BigInt(n) * 1_000_000_123n,
    bytes: encodePacket({ proto: 'udp', src: '10.0.0.1', dst: '10.0.0.2', sport: 1000 + n, dport: 9, payload_len: n }),
  }))
  const files = [
    writePcap(packets, { linkType: LINKTYPE_RAW }),
    writePcap(packets, { linkType: LINKTYPE_RAW, nano: true, bigEndian: true }),
    writePcapng(packets, { interfaces: [{ linkType: LINKTYPE_RAW, name: 'eth0' }] }),
    writePcapng(packets, { interfaces: [{ linkType: LINKTYPE_RAW }], bigEndian: true }),
  ]
  for (const file of files) {
    const text = spawnSync('tcpdump', ['-n', '-tt', '-r', '-'], { input: file, encoding: 'utf8' }).stdout
    assert.equal(
      text
        .trim()
        .split('\n')
        .map((line) => line.replace(/^(\d+\.\d{6})\d*/, '$1')),
      [
        '1.000000 IP 10.0.0.1.1001 > 10.0.0.2.9: UDP, length 1',
        '2.000000 IP 10.0.0.1.1002 > 10.0.0.2.9: UDP, length 2',
        '3.000000 IP 10.0.0.1.1003 > 10.0.0.2.9: UDP, length 3',
      ],
    )
    const copy = spawnSync('tcpdump', ['-r', '-', '-w', '-', 'udp src port 1002'], { input: file }).stdout
    assert.equal(
      read(new Uint8Array(copy)).map((p) => [...p.bytes]),
      [[...(packets[1] as { bytes: Uint8Array }).bytes]],
    )
  }
})

pcap.run()
