// Packet bytes against fields: frames written out by hand, round trips, and tcpdump as the judge of what we write.
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Decoded,
  decodePacket,
  encodePacket,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from '../../src/net/bytes.js'
import { crc32c, internetChecksum } from '../../src/net/checksum.js'
import { completePacket } from '../../src/net/complete.js'
import { packetLength } from '../../src/net/length.js'
import type { Packet } from '../../src/net/packet.js'
import { writePcap } from '../../src/net/pcap.js'
import { have } from '../support/needs.js'

const hex = (...parts: string[]): Uint8Array => Uint8Array.from(Buffer.from(parts.join('').replace(/\s/g, ''), 'hex'))

function decoded(bytes: Uint8Array, linkType: number, wire?: number): Decoded {
  const found = decodePacket(bytes, linkType, wire)
  if ('problem' in found) throw new Error(found.problem)
  return found
}
const problem = (bytes: Uint8Array, linkType: number, wire?: number): string => {
  const found = decodePacket(bytes, linkType, wire)
  return 'problem' in found ? found.problem : 'none'
}

// 203.0.113.5:40000 > 10.96.0.1:443, SYN, seq 0x11223344, options mss 1460, sackOK, timestamps, wscale 7: 60 bytes.
const TCP_SYN = hex(
  '4510003c 1c464000 3f06d8ff cb007105 0a600001',
  '9c4001bb 11223344 00000000 a002faf0 24460000 020405b4 0402080a 00000001 00000000 01030307',
)
const SYN_FIELDS = {
  proto: 'tcp',
  src: '203.0.113.5',
  dst: '10.96.0.1',
  ttl: 63,
  tos: 16,
  flags: 'S',
  seq: 0x11223344,
  ack: 0,
  win: 64240,
  payload_len: 0,
  sport: 40000,
  dport: 443,
  extra_len: 20,
}
// 10.0.0.1 > 10.0.0.2 echo request, id 7, sequence 1: 28 bytes.
const ECHO = hex('4500001c 00000000 400166df 0a000001 0a000002', '0800f7f7 00070001')
const ECHO_FIELDS = {
  proto: 'icmp',
  df: false,
  src: '10.0.0.1',
  dst: '10.0.0.2',
  ttl: 64,
  tos: 0,
  icmp_type: 8,
  icmp_code: 0,
  payload_len: 0,
  icmp_id: 7,
}

const bytes = suite('packet bytes')

bytes('internet checksum: the worked example of RFC 1071 section 3', () => {
  // 0001 + f203 + f4f5 + f6f7 = 2ddf0, folded ddf2
  assert.is(internetChecksum(hex('0001f203f4f5f6f7')), 0xffff - 0xddf2)
  assert.is(internetChecksum(hex('01')), 0xffff - 0x0100, 'an odd byte is padded behind')
})

bytes('CRC32c: the examples of RFC 3720 appendix B.4', () => {
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.is(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43)
  assert.is(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
})

bytes('Ethernet, TCP SYN with options: they count as extra_len', () => {
  const found = decoded(hex('02000000000a 02000000000b 0800', Buffer.from(TCP_SYN).toString('hex')), LINKTYPE_ETHERNET)
  assert.equal(found.packet, { ...SYN_FIELDS, mac: '02:00:00:00:00:0b' })
  assert.equal(found.notes, [])
  assert.is(packetLength({ ...found.packet, iface: '' }), 60)
})

bytes('padding behind the IP packet does not count', () => {
  const found = decoded(hex('ffffffffffff 02000000000b 0800', Buffer.from(ECHO).toString('hex'), '00'.repeat(18)), 1)
  assert.equal(found.packet, { ...ECHO_FIELDS, mac: '02:00:00:00:00:0b' })
})

bytes('802.1Q and 802.1ad tags are passed over and said', () => {
  const frame = hex('ffffffffffff 02000000000b 88a8 0064 8100 2007 0800', Buffer.from(ECHO).toString('hex'))
  const found = decoded(frame, LINKTYPE_ETHERNET)
  assert.is(found.packet.icmp_id, 7)
  assert.equal(found.notes, ['VLAN tag 100 in 7 was passed over'])
})

bytes('what is not IP is named', () => {
  assert.is(problem(hex('ffffffffffff 02000000000b 0806', '00'.repeat(28)), 1), 'ARP, not IP')
  assert.is(problem(hex('0180c2000000 02000000000b 0026', '00'.repeat(38)), 1), 'an 802.3 frame, not IP')
  assert.is(problem(hex('ffffffffffff 02000000000b 1234'), 1), 'Ethernet type 0x1234, not IP')
  assert.match(problem(ECHO, 105), /^link type 105 is not read/)
  assert.match(problem(hex('50'), LINKTYPE_RAW), /^IP version 5/)
})

bytes('Linux cooked captures, both versions, and which way a frame went', () => {
  const ip = Buffer.from(ECHO).toString('hex')
  const sll = decoded(hex('0000 0001 0006 02000000000b 0000 0800', ip), LINKTYPE_LINUX_SLL)
  assert.equal(sll.packet, { ...ECHO_FIELDS, mac: '02:00:00:00:00:0b' })
  assert.is(sll.outgoing, false)
  assert.is(decoded(hex('0004 0001 0006 02000000000b 0000 0800', ip), LINKTYPE_LINUX_SLL).outgoing, true)
  const tun = decoded(hex('0000 fffe 0000 0000000000000000 0800', ip), LINKTYPE_LINUX_SLL)
  assert.equal(tun.packet, ECHO_FIELDS, 'a device without an Ethernet address')
  const sll2 = decoded(hex('0800 0000 00000003 0001 00 06 02000000000b 0000', ip), LINKTYPE_LINUX_SLL2)
  assert.equal(sll2.packet, { ...ECHO_FIELDS, mac: '02:00:00:00:00:0b' })
  assert.is(decoded(hex('0800 0000 00000003 0001 04 06 02000000000b 0000', ip), LINKTYPE_LINUX_SLL2).outgoing, true)
  assert.is(problem(hex('0000 0001 0006 02000000000b 0000 0806', ip), LINKTYPE_LINUX_SLL), 'ARP, not IP')
})

bytes('loopback headers in either byte order', () => {
  const ip = Buffer.from(ECHO).toString('hex')
  for (const head of ['02000000', '00000002']) assert.equal(decoded(hex(head, ip), LINKTYPE_NULL).packet, ECHO_FIELDS)
  assert.equal(decoded(hex('00000002', ip), LINKTYPE_LOOP).packet, ECHO_FIELDS)
  assert.is(problem(hex('07000000', ip), LINKTYPE_NULL), 'address family 7, not IP')
})

bytes('IPv6: extension headers count only', () => {
  // fd00::1 > fd00::2, traffic class 0xb8, hop limit 64, destination options (PadN), UDP 12345 > 53 "ping"
  const found = decoded(
    hex(
      '6b800000 0014 3c 40 fd000000000000000000000000000001 fd000000000000000000000000000002',
      '1100010400000000 30390035000cf692 70696e67',
    ),
    LINKTYPE_RAW,
  )
  assert.equal(found.packet, {
    proto: 'udp',
    src: 'fd00::1',
    dst: 'fd00::2',
    ttl: 64,
    tos: 0xb8,
    payload_len: 4,
    sport: 12345,
    dport: 53,
    extra_len: 8,
  })
  assert.equal(found.notes, ['IPv6 extension headers only count in the length'])
})

bytes('IPv4 options: IGMP with the router alert', () => {
  const found = decoded(hex('46c00020 00000000 01023a01 0a000001 e0000016 94040000', '2200ddff00000000'), LINKTYPE_RAW)
  assert.equal(found.packet, {
    proto: 'igmp',
    df: false,
    src: '10.0.0.1',
    dst: '224.0.0.22',
    ttl: 1,
    tos: 192,
    payload_len: 8,
    extra_len: 4,
  })
  assert.equal(found.notes, ['IPv4 options only count in the length'])
})

bytes('an ICMP error and the packet that it quotes', () => {
  // 10.0.0.2 > 10.0.0.1 port unreachable; quoted: 10.0.0.1:4660 > 10.0.0.2:53 UDP, 40 bytes in all, ttl 63.
  const found = decoded(
    hex(
      '45c00038 00000000 40016603 0a000002 0a000001 0303ea7f 00000000',
      '45000028 00000000 3f1167c3 0a000001 0a000002 12340035 00140000',
    ),
    LINKTYPE_RAW,
  )
  assert.equal(found.packet, {
    proto: 'icmp',
    df: false,
    src: '10.0.0.2',
    dst: '10.0.0.1',
    ttl: 64,
    tos: 192,
    icmp_type: 3,
    icmp_code: 3,
    payload_len: 0,
    inner: {
      proto: 'udp',
      src: '10.0.0.1',
      dst: '10.0.0.2',
      ttl: 63,
      tos: 0,
      payload_len: 12,
      sport: 4660,
      dport: 53,
    },
    inner_len: 28,
  })
  assert.is(packetLength({ ...found.packet, iface: '' }), 56)
})

bytes('an ICMPv6 error and the segment that it quotes', () => {
  const found = decoded(
    hex(
      '60000000 0044 3a ff fd0000000000000000000000000000fe fd000000000000000000000000000001 0300b2a3 00000000',
      '60000000 0020 06 01 fd000000000000000000000000000001 fd000000000000000000000000000002',
      '9c400050 00000005 00000009 50180200 00000000',
    ),
    LINKTYPE_RAW,
  )
  assert.is(found.packet.bad_csum, undefined)
  assert.equal(found.packet.inner, {
    proto: 'tcp',
    src: 'fd00::1',
    dst: 'fd00::2',
    ttl: 1,
    tos: 0,
    seq: 5,
    ack: 9,
    flags: 'PA',
    payload_len: 12,
    sport: 40000,
    dport: 80,
  })
  assert.is(packetLength({ ...found.packet, iface: '' }), 108)
})

bytes('SCTP INIT with a parameter', () => {
  const init = hex(
    '45000038 00000000 40846640 0a000001 0a000002',
    '0b590b59 00000000 d7fcb233 01000018 0a0a0a0a 00010000 000a000a 00000001 c0000004',
  )
  assert.equal(decoded(init, LINKTYPE_RAW).packet, {
    proto: 'sctp',
    df: false,
    src: '10.0.0.1',
    dst: '10.0.0.2',
    ttl: 64,
    tos: 0,
    vtag: 0,
    sctp_chunk: 'INIT',
    payload_len: 0,
    sport: 2905,
    dport: 2905,
    extra_len: 4,
  })
  init[55] = 5
  assert.is(decoded(init, LINKTYPE_RAW).packet.bad_csum, true)
})

bytes('checksums: a wrong one is bad, one left to the card and none at all are not', () => {
  const wrong = TCP_SYN.slice()
  wrong[36] = 0x25
  assert.is(decoded(wrong, LINKTYPE_RAW).packet.bad_csum, true)
  // Only the pseudo-header: cb00 + 7105 + 0a60 + 0001 + 0006 + 0028 = 14694, folded 4695
  const partial = TCP_SYN.slice()
  partial.set([0x46, 0x95], 36)
  const found = decoded(partial, LINKTYPE_RAW)
  assert.is(found.packet.bad_csum, undefined)
  assert.equal(found.notes, ['a checksum left to the network card was taken as good'])
  const none = decoded(hex('4500001c 00004000 401126cf 0a000001 0a000002 30390035 00080000'), LINKTYPE_RAW)
  assert.is(none.packet.bad_csum, undefined)
  const header = TCP_SYN.slice()
  header[10] = 0xd9
  assert.match(problem(header, LINKTYPE_RAW), /^wrong IPv4 header checksum/)
})

bytes('fragments are told by `frag` and what they share; later ones show what stands there', () => {
  const first = decoded(hex('4500001c 00012000 401146ce 0a000001 0a000002 30390035 05dc0000'), LINKTYPE_RAW, 28)
  assert.equal([first.packet.frag, first.packet.ip_id, first.notes], [0x2000, 1, []])
  // Its UDP length, 1500, is that of the whole packet.
  assert.is(first.packet.dport, 53)
  assert.is(packetLength({ ...first.packet, iface: '' }), 28)
  const later = decoded(hex('4500001c 000100b9 40116615 0a000001 0a000002 0102030400000000'), LINKTYPE_RAW).packet
  assert.equal([later.frag, later.ip_id, later.sport, later.dport], [185, 1, 0x0102, 0x0304])
  assert.is(packetLength({ ...later, iface: '' }), 28)
  // Four bytes are less than a header of UDP.
  const short = decoded(hex('45000018 000100b9 40116619 0a000001 0a000002 01020304'), LINKTYPE_RAW)
  assert.equal(short.notes, [
    'a packet of 24 bytes counts as 28: a fragment is not shorter than a header of its protocol',
  ])
  assert.match(
    problem(hex('45000018 00012000 401146d2 0a000001 0a000002 30390035'), LINKTYPE_RAW),
    /^malformed: the UDP header/,
  )
  // A whole packet that may be cut, and one that may not.
  assert.is(
    decoded(hex('4500001c 00000000 401166cf 0a000001 0a000002 30390035 00080000'), LINKTYPE_RAW).packet.df,
    false,
  )
  assert.is(
    decoded(hex('4500001c 00004000 401126cf 0a000001 0a000002 30390035 00080000'), LINKTYPE_RAW).packet.df,
    undefined,
  )
  const v6 = '60000000 0010 2c 40 fd000000000000000000000000000001 fd000000000000000000000000000002'
  const first6 = decoded(hex(v6, '1100 0001 00000009 30390035 05dc0000'), LINKTYPE_RAW)
  assert.equal([first6.packet.dport, first6.packet.frag, first6.packet.ip_id, first6.notes], [53, 0x2000, 9, []])
  assert.is(packetLength({ ...first6.packet, iface: '' }), 56)
  const later6 = decoded(hex(v6, '1100 05a8 00000009 30390035 05dc0000'), LINKTYPE_RAW).packet
  assert.equal([later6.frag, later6.ip_id, packetLength({ ...later6, iface: '' })], [181, 9, 56])
})

bytes('a capture that cut the payload keeps the length; one that cut a header is named', () => {
  const long = TCP_SYN.slice()
  long.set([0x05, 0xdc], 2) // total length 1500
  long.set([0xd3, 0x5f], 10) // header checksum: d8ff - (05dc - 003c)
  const found = decoded(long, LINKTYPE_RAW, 1500)
  assert.is(found.packet.payload_len, 1440)
  assert.is(packetLength({ ...found.packet, iface: '' }), 1500)
  assert.is(found.packet.bad_csum, undefined, 'it cannot be checked')
  assert.is(
    problem(TCP_SYN.slice(0, 30), LINKTYPE_RAW, 60),
    'truncated capture: the TCP header needs 20 bytes, 10 were captured',
  )
  assert.is(
    problem(TCP_SYN.slice(0, 12), LINKTYPE_RAW, 60),
    'truncated capture: the IPv4 header needs 20 bytes, 12 were captured',
  )
})

bytes('offload: lengths and header checksums of 0 are taken from the frame, and said', () => {
  const giant = TCP_SYN.slice()
  giant.set([0, 0], 2)
  giant.set([0, 0], 10)
  const found = decoded(giant, LINKTYPE_RAW, 9000)
  assert.is(packetLength({ ...found.packet, iface: '' }), 9000)
  assert.equal(found.notes, [
    'an IPv4 total length of 0 (segmentation offload) was taken from the frame',
    'an IPv4 header checksum of 0 (offload) was taken as good',
  ])
  const v6 = hex('60000000 0000 11 40 fd000000000000000000000000000001 fd000000000000000000000000000002 30390035')
  const six = decoded(new Uint8Array([...v6, 0, 12, 0xf6, 0x92, ...hex('70696e67')]), LINKTYPE_RAW)
  assert.is(packetLength({ ...six.packet, iface: '' }), 52)
  assert.is(six.packet.bad_csum, undefined)
})

bytes('a VLAN tag behind a Linux cooked header', () => {
  const frame = hex('0000 0001 0006 02000000000b 0000 8100 0005 0800', Buffer.from(ECHO).toString('hex'))
  const found = decoded(frame, LINKTYPE_LINUX_SLL)
  assert.equal(found.packet, { ...ECHO_FIELDS, mac: '02:00:00:00:00:0b' })
  assert.equal(found.notes, ['VLAN tag 5 was passed over'])
})

bytes('malformed headers are named', () => {
  assert.match(
    problem(hex('45000018 00000000 400166e3 0a000001 0a000002 0800f7f7'), 101),
    /^malformed: the ICMP header/,
  )
  assert.match(problem(hex('44000018 00000000 400166e3 0a000001 0a000002'), 101), /no IPv4 header/)
  assert.match(problem(ECHO.slice(0, 27), 101), /^malformed: IPv4 total length 28/)
  const offset = TCP_SYN.slice()
  offset[32] = 0x40
  assert.match(problem(offset, 101), /^malformed: TCP data offset 16/)
  assert.match(problem(hex('4500001c 00004000 401126cf 0a000001 0a000002 30390035 00070000'), 101), /UDP length 7/)
})

bytes('encodes what the fixtures hold', () => {
  assert.equal(encodePacket({ ...ECHO_FIELDS, iface: 'eth0' } as Packet).slice(0, 26), ECHO_0.slice(0, 26))
  // Without a word about it a packet is not to be cut.
  const { df: _df, ...unsaid } = ECHO_FIELDS
  assert.is(encodePacket({ ...unsaid, iface: 'eth0' } as Packet)[6], 0x40)
  // A window scale option, padded; the data offset counts it: 6 words.
  const scaled = encodePacket({ proto: 'tcp', src: '10.0.0.1', dst: '10.0.0.2', flags: 'S', tcp_options: '030307' })
  assert.is(scaled.length, 44)
  assert.equal([...scaled.slice(40)], [3, 3, 7, 0])
  assert.is(scaled[32], 0x60)
  const syn = encodePacket({ ...SYN_FIELDS, iface: 'eth0' } as Packet)
  assert.is(syn.length, 60)
  assert.equal([...syn.subarray(20, 36)], [...TCP_SYN.subarray(20, 36)])
  assert.throws(() => encodePacket({ proto: 'tcp', src: '1.2.3.4', dst: 'fd00::1' }), /one family/)
  assert.throws(() => encodePacket({ proto: 0, src: 'fd00::2', dst: 'fd00::1' }), /extension header/)
  assert.throws(
    () => encodePacket({ proto: 'udp', src: '1.2.3.4', dst: '1.2.3.5', iface: '', extra_len: 3 }),
    /cannot be written/,
  )
})
// As ECHO with sequence 0, so a checksum higher by one.
const ECHO_0 = hex('4500001c 00000000 400166df 0a000001 0a000002', '0800f7f8 00070000')

const v4 = fc.ipV4()
const v6 = fc.ipV6().filter((a) => !a.includes('%'))
const port = fc.integer({ min: 0, max: 65535 })
const byte = fc.integer({ min: 0, max: 255 })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const flags = fc.subarray(['S', 'F', 'R', 'P', 'A', 'U', 'E', 'C']).map((f) => f.join(''))

function fields(
  proto: fc.Arbitrary<string | number>,
  ends: fc.Arbitrary<string>,
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    {
      proto,
      src: ends,
      dst: ends,
      sport: port,
      dport: port,
      flags,
      ttl: byte,
      tos: byte,
      seq: u32,
      ack: u32,
      payload_len: fc.integer({ min: 0, max: 1600 }),
      icmp_id: port,
      icmp_code: byte,
      sctp_chunk: fc.constantFrom(
        'DATA',
        'INIT',
        'INIT_ACK',
        'SACK',
        'ABORT',
        'SHUTDOWN',
        'COOKIE_ECHO',
        'COOKIE_ACK',
        77,
      ),
    },
    { requiredKeys: ['proto', 'src', 'dst'] },
  )
}
const protos = (own: string): fc.Arbitrary<string | number> =>
  fc.constantFrom('tcp', 'tcp', 'udp', 'sctp', own, own, 'udplite', 'dccp', 'gre', 'esp', 253)

/** Whole packets of one family; ICMP errors (with a quote) among them. */
function packetOf(ends: fc.Arbitrary<string>, own: 'icmp' | 'icmpv6'): fc.Arbitrary<Packet> {
  const errors = own === 'icmp' ? [3, 4, 5, 11, 12] : [1, 2, 3, 4]
  const queries = own === 'icmp' ? [8, 0, 13, 14, 9, 200] : [128, 129, 135, 200]
  const inner = fields(protos(own), ends).map((f) => ({ ...f, ...(f['proto'] === own && { icmp_type: queries[0] }) }))
  return fc
    .record({
      base: fields(protos(own), ends),
      type: fc.constantFrom(...errors, ...queries),
      inner,
      win: port,
      vtag: u32,
      extra: fc.integer({ min: 0, max: 10 }).map((n) => n * 8),
      bad: fc.boolean(),
    })
    .map(({ base, type, inner, win, vtag, extra, bad }) => {
      const proto = base['proto']
      const error = errors.includes(type)
      return completePacket({
        ...base,
        iface: 'eth0',
        win,
        vtag,
        // What a packet of this protocol can carry as options.
        extra_len: Math.min(extra, proto === 'tcp' || own === 'icmpv6' ? 80 : 40),
        bad_csum: bad && !['gre', 'esp', 253].includes(proto as string),
        ...(proto === own && { icmp_type: type, ...(error && { inner, payload_len: 0 }) }),
        ...(proto === 'dccp' && { payload_len: 0 }),
      })
    })
}

/** What the wire cannot show, or shows otherwise, made alike. */
function comparable(packet: Packet): Packet {
  const p = structuredClone(packet)
  delete (p as Partial<Packet>).mac
  if (p.proto === 'sctp') p.payload_len = p.sctp_chunk === 'DATA' ? p.payload_len || 4 : 0
  if (p.payload_len === 0 && [253, 'gre', 'esp'].includes(p.proto)) p.payload_len = 8
  if (p.inner !== undefined) {
    // A quote shows a whole packet's length, and zeros where the sender's own defaults stood.
    p.inner_len = Math.min(p.inner_len as number, packetLength(p.inner))
    p.inner = { ...p.inner, payload_len: packetLength(p.inner) }
    delete p.inner.flags
    delete p.inner.seq
    delete p.inner.ack
    delete p.inner.sctp_chunk
  }
  return p
}

bytes('round trip: what is encoded decodes to the same packet, with its length', () => {
  fc.assert(
    fc.property(fc.oneof(packetOf(v4, 'icmp'), packetOf(v6, 'icmpv6')), (packet) => {
      const wire = encodePacket(packet)
      assert.is(wire.length, packetLength(packet))
      const found = decoded(wire, LINKTYPE_RAW)
      const back = completePacket({ ...found.packet, iface: 'eth0' })
      assert.is(packetLength(back), wire.length)
      assert.equal(comparable(back), comparable(packet))
    }),
    { numRuns: 2000 },
  )
})

bytes('any bytes: an answer, never an exception', () => {
  const base = fc.oneof(packetOf(v4, 'icmp'), packetOf(v6, 'icmpv6')).map((p) => encodePacket(p))
  const patches = fc.array(fc.tuple(fc.nat(200), byte), { maxLength: 12, size: 'max' })
  fc.assert(
    fc.property(base, patches, fc.nat(300), fc.constantFrom(0, 1, 101, 108, 113, 276), (wire, list, cut, linkType) => {
      const head = new Uint8Array(
        linkType === 101 ? 0 : linkType === 113 ? 16 : linkType === 276 ? 20 : linkType === 1 ? 14 : 4,
      )
      const frame = new Uint8Array([...head, ...wire]).slice(0, cut)
      for (const [at, value] of list) if (at < frame.length) frame[at] = value
      const found = decodePacket(frame, linkType, wire.length + head.length)
      if ('problem' in found) return
      completePacket({ ...found.packet, iface: 'eth0' })
    }),
    { numRuns: 3000 },
  )
})

const tcpdump = spawnSync('tcpdump', ['--version']).status === 0

bytes('tcpdump finds every checksum right, and the wrong ones wrong', () => {
  if (!have('tcpdump', tcpdump, 'tcpdump reads what encodePacket wrote')) return
  const read = (bad: boolean): string => {
    const packets = fc
      .sample(fc.oneof(packetOf(v4, 'icmp'), packetOf(v6, 'icmpv6')), 300)
      .filter((p) => p.proto === 'tcp' || p.proto === 'udp' || p.proto === 'icmp' || p.proto === 'icmpv6')
      .filter((p) => p.sport !== 53 && p.dport !== 53) // no decoder of an application comes in between
      .map((p) => ({ ...p, bad_csum: bad }))
    const file = writePcap(
      packets.map((p, i) => ({ timeNs: BigInt(i) * 1_000_000n, bytes: encodePacket(p) })),
      { linkType: LINKTYPE_RAW },
    )
    const run = spawnSync('tcpdump', ['-nvv', '-r', '-'], { input: file, encoding: 'utf8' })
    assert.is(run.status, 0, run.stderr)
    return run.stdout
  }
  const good = read(false)
  assert.ok((good.match(/ ok\]|\(correct\)|sum ok/g) ?? []).length > 50, good)
  assert.not.match(good, /incorrect|bad udp cksum|wrong icmp cksum|bad cksum|bad icmp6 cksum/)
  const bad = read(true)
  assert.ok((bad.match(/incorrect|bad udp cksum|wrong icmp cksum|bad icmp6 cksum/g) ?? []).length > 50, bad)
})

bytes.run()
