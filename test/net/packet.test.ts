// Whole packets from partial ones, protocol tables and lengths. Expected values by hand, from the RFCs' header sizes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { completePacket, PacketError } from '../../src/net/complete.js'
import { packetLength } from '../../src/net/length.js'
import {
  defaultSctpTag,
  formatTcpFlags,
  icmpReplyType,
  isIcmpError,
  parseTcpFlags,
  protoName,
  protoNumber,
  sctpChunkNumber,
} from '../../src/net/proto.js'

const test = suite('net: packets')
const v4 = { src: '10.0.0.1', dst: '10.0.0.2' }
const v6 = { src: 'fd00::1', dst: 'fd00::2' }

const problems = (value: unknown): string[] => {
  try {
    completePacket(value)
  } catch (error) {
    if (error instanceof PacketError) return error.problems.map((p) => `${p.field}: ${p.message}`)
    throw error
  }
  return []
}

test('protocols by name and number', () => {
  assert.is(protoNumber('TCP'), 6)
  assert.is(protoNumber('ipv6-icmp'), 58)
  assert.is(protoNumber('132'), 132)
  assert.is(protoNumber('256'), null)
  assert.is(protoNumber('toString'), null)
  assert.is(protoNumber(-1), null)
  assert.is(protoName(58), 'icmpv6')
  assert.is(protoName(99), 99)
})

test('TCP flags: bits of RFC 9293, written in the order SFRPAUEC', () => {
  assert.is(parseTcpFlags('FSRPAUEC'), 255)
  assert.is(parseTcpFlags('AS'), 18)
  assert.is(parseTcpFlags('X'), null)
  assert.is(formatTcpFlags(1 | 2 | 4), 'SFR')
  assert.is(formatTcpFlags(0), '')
})

test('ICMP errors and replies, SCTP chunks and tags', () => {
  assert.equal(
    [3, 4, 5, 11, 12, 8, 0].map((t) => isIcmpError(1, t)),
    [true, true, true, true, true, false, false],
  )
  assert.equal(
    [1, 2, 3, 4, 128, 5].map((t) => isIcmpError(58, t)),
    [true, true, true, true, false, false],
  )
  assert.is(isIcmpError(6, 3), false)
  assert.is(icmpReplyType(1, 8), 0)
  assert.is(icmpReplyType(58, 128), 129)
  assert.is(icmpReplyType(1, 3), null)
  assert.is(sctpChunkNumber('cookie_ack'), 11)
  assert.is(sctpChunkNumber('__proto__'), null)
  assert.is(defaultSctpTag(1), 0)
  assert.is(defaultSctpTag(2), 0x0a0a0a0a)
  assert.is(defaultSctpTag(10), 0x0b0b0b0b)
})

test('defaults of a TCP packet', () => {
  assert.equal(completePacket({ proto: 'tcp', ...v4, sport: 1, dport: 2 }), {
    proto: 'tcp',
    ...v4,
    ttl: 64,
    tos: 0,
    payload_len: 0,
    sport: 1,
    dport: 2,
    flags: 'S',
    iface: 'local',
    seq: 1000,
    ack: 0,
    win: 64240,
    mark: 0,
  })
  const later = completePacket({ proto: 'tcp', ...v4, flags: 'AP' })
  assert.equal([later.flags, later.seq, later.ack], ['PA', 1001, 1001])
  const answer = completePacket({ proto: 'tcp', ...v4, flags: 'SA' })
  assert.equal([answer.seq, answer.ack], [1000, 1001])
})

test('icmp between IPv6 addresses is icmpv6; errors have no id', () => {
  const echo = completePacket({ proto: 'icmp', ...v6 })
  assert.equal([echo.proto, echo.icmp_type, echo.icmp_id], ['icmpv6', 128, 1])
  const error = completePacket({
    proto: 'icmp',
    ...v4,
    icmp_type: 3,
    inner: { proto: 'udp', src: '10.0.0.2', dst: '10.0.0.1' },
  })
  assert.is(error.icmp_id, undefined)
  assert.equal([error.inner?.ttl, error.inner?.sport], [63, 0])
})

test('addresses become canonical, marks may be hex', () => {
  const packet = completePacket({ proto: 17, src: 'FD00:0::1', dst: 'fd00::2', mark: '0x4000' })
  assert.equal([packet.proto, packet.src, packet.mark], ['udp', 'fd00::1', 0x4000])
})

test('every wrong field is named', () => {
  assert.match(problems({ proto: 'xyz', ...v4 })[0]!, /^proto: unknown protocol "xyz"/)
  assert.match(problems({ proto: 'tcp', src: '10.0.0.1' })[0]!, /^dst: is missing/)
  assert.match(problems({ proto: 'tcp', src: '10.0.0.300', dst: '10.0.0.1' })[0]!, /^src: "10.0.0.300" is not/)
  assert.match(problems({ proto: 'tcp', src: '10.0.0.1', dst: 'fd00::1' })[0]!, /^dst: .*different families/)
  assert.match(
    problems({ proto: 'tcp', ...v4, dport: 70000 })[0]!,
    /^dport: 70000 is not a whole number from 0 to 65535/,
  )
  assert.match(problems({ proto: 'tcp', ...v4, flags: 'SX' })[0]!, /^flags: "SX"/)
  assert.match(problems({ proto: 'udp', ...v4, payload_len: 65535 })[0]!, /65535 is the most/)
  assert.match(problems({ proto: 'icmpv6', ...v4 })[0]!, /^proto: icmpv6 was expected between IPv6/)
  assert.match(problems({ proto: 'sctp', ...v4, sctp_chunk: 'NOPE' })[0]!, /^sctp_chunk: unknown chunk/)
  assert.match(problems({ proto: 'tcp', ...v4, mac: 'x' })[0]!, /^mac: /)
  const inner = { proto: 'udp', src: 'fd00::1', dst: 'fd00::2' }
  assert.match(problems({ proto: 'icmp', ...v4, icmp_type: 3, inner })[0]!, /^inner.src: .*another family/)
  assert.equal(problems({ proto: 'tcp', ...v4, dport: -1, ttl: 300, tos: 1.5 }).length, 3)
})

test('hostile values: a problem, never another exception', () => {
  for (const value of [null, 5, 'x', [], [1]]) assert.match(problems(value)[0]!, /not an object/)
  assert.match(
    problems(JSON.parse('{"__proto__":{"a":1},"proto":"tcp","src":"10.0.0.1","dst":"10.0.0.2"}'))[0]!,
    /^__proto__: unknown field/,
  )
  assert.match(problems({ proto: 'tcp', ...v4, constructor: 1 })[0]!, /^constructor: unknown field/)
  assert.match(problems({ proto: { toString: null }, ...v4 })[0]!, /^proto: unknown protocol/)
  assert.match(problems({ proto: 'a\u001b[31m', ...v4 })[0]!, /^proto: unknown protocol "a\\u001b\[31m"/)
  assert.match(problems({ proto: 'icmp', ...v4, icmp_type: 3, inner: 7 })[0]!, /^inner: 7 is not an object/)
})

const LENGTHS: [string, object, number][] = [
  ['tcp', { proto: 'tcp', ...v4, payload_len: 100 }, 20 + 20 + 100],
  ['tcp over IPv6', { proto: 'tcp', ...v6 }, 40 + 20],
  ['udp', { proto: 'udp', ...v4, payload_len: 10 }, 20 + 8 + 10],
  ['udplite', { proto: 'udplite', ...v4 }, 28],
  ['dccp', { proto: 'dccp', ...v4, payload_len: 50 }, 20 + 20],
  ['sctp INIT', { proto: 'sctp', ...v4 }, 20 + 12 + 20],
  ['sctp DATA, 5 bytes padded to 8', { proto: 'sctp', ...v4, sctp_chunk: 'DATA', payload_len: 5 }, 20 + 12 + 16 + 8],
  ['sctp DATA without payload', { proto: 'sctp', ...v4, sctp_chunk: 'DATA' }, 20 + 12 + 16 + 4],
  ['sctp SACK', { proto: 'sctp', ...v4, sctp_chunk: 'SACK' }, 20 + 12 + 16],
  ['sctp SHUTDOWN', { proto: 'sctp', ...v4, sctp_chunk: 'SHUTDOWN' }, 20 + 12 + 8],
  ['sctp HEARTBEAT', { proto: 'sctp', ...v4, sctp_chunk: 'HEARTBEAT' }, 20 + 12 + 8],
  ['sctp COOKIE_ACK', { proto: 'sctp', ...v4, sctp_chunk: 'COOKIE_ACK' }, 20 + 12 + 4],
  ['gre', { proto: 'gre', ...v4 }, 20 + 4 + 8],
  ['esp', { proto: 'esp', ...v4, payload_len: 30 }, 20 + 8 + 30],
  ['another protocol', { proto: 99, ...v4 }, 20 + 8],
  ['echo', { proto: 'icmp', ...v4, payload_len: 56 }, 20 + 8 + 56],
  ['error without a quote', { proto: 'icmp', ...v4, icmp_type: 3 }, 28],
]

test('lengths: the header sizes added up', () => {
  for (const [name, value, want] of LENGTHS) assert.is(packetLength(completePacket(value)), want, name)
})

test('lengths of ICMP errors: the quote, up to 548 and 1232 bytes or what inner_len says', () => {
  const quote = (inner: object, more: object = {}): number =>
    packetLength(completePacket({ proto: 'icmp', ...v4, icmp_type: 3, inner: { ...v4, ...inner }, ...more }))
  assert.is(quote({ proto: 'udp' }), 28 + 28)
  assert.is(quote({ proto: 'udp', payload_len: 519 }), 28 + 547)
  assert.is(quote({ proto: 'udp', payload_len: 520 }), 28 + 548)
  assert.is(quote({ proto: 'udp', payload_len: 521 }), 28 + 548)
  assert.is(quote({ proto: 'tcp', payload_len: 100 }, { inner_len: 48 }), 28 + 48)
  const six = { proto: 'icmpv6', ...v6, icmp_type: 1, inner: { proto: 'udp', ...v6, payload_len: 3000 } }
  assert.is(packetLength(completePacket(six)), 48 + 1232)
})

test.run()
