// Matches that read bytes of the packet: what stands where, by the RFCs of the headers, and what is asked for.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { MissingFieldError } from '../../src/net/missing.js'
import type { Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet } from '../reference/scene.js'
import { marked } from '../support/marked.js'

const test = suite('matches on bytes')

const u32 = (...tests: string[]): string[] => tests.map((t) => `-m u32 --u32 "${t}"`)
const UDP = 'eth0 udp 192.168.0.50:9 > 192.168.0.2:53'
const TCP = 'eth0 tcp 192.168.0.50:9 > 192.168.0.2:80'
const TCP6 = 'eth0 tcp [fd00::50]:9 > [fd00:10:244::5]:80'

/** What both engines ask for. */
function asked(match: string, line: string, more: Partial<Packet> = {}): string {
  const rules = { mangle: `-A PREROUTING ${match} -j MARK --set-mark 1` }
  const ns = namespace(line.includes('[') ? { rules6: rules } : { rules })
  const [a, b] = [new ReferenceEngine(ns), new Engine(ns)].map((plane) => {
    try {
      return `mark ${plane.process(packet(line, more)).mark}`
    } catch (error) {
      if (!(error instanceof MissingFieldError)) throw error
      return error.field
    }
  })
  assert.is(a, b)
  return a!
}

test('u32: words of IPv4 and UDP headers', () => {
  const all = { ip_id: 0x1234, df: true, tos: 8, ttl: 5, payload: '61626364' }
  // 20 + 8 + 4 bytes; checksum: 4508+0020+1234+4000+0511+c0a8+0032+c0a8+0002 = 21df1, so ~1df3
  const got = marked(
    u32(
      '0=0x45080020',
      '4=0x12344000',
      '8=0x0511e20c',
      '12=0xc0a80032 && 16=0xc0a80002',
      '20=0x00090035',
      '22=0x0035000c',
      '28=0x61626364',
      '29=0:0xffffffff',
    ),
    [[UDP, all]],
  )
  assert.equal(got, ['1234567'])
})

test('u32: words of a TCP segment and its options; where the payload begins follows from the header', () => {
  const all = {
    seq: 0x01020304,
    ack: 0x0a0b0c0d,
    flags: 'SA',
    win: 0x1234,
    tcp_options: '020405b4',
    payload: 'cafebabe',
  }
  const got = marked(
    u32(
      '24=0x01020304',
      '28=0x0a0b0c0d',
      '32=0x60121234',
      '38=0x00000204',
      '40=0x020405b4',
      '0>>22&0x3c@12>>26&0x3c@0=0xcafebabe',
      '0>>22&0x3c@12>>26&0x3c@1=0:0xffffffff',
    ),
    [[TCP, all]],
  )
  assert.equal(got, ['123456'])
})

test('u32: words of IPv6 headers', () => {
  const all = { flow_label: 0xabcde, tos: 0x12, ttl: 7 }
  const got = marked(
    u32('0=0x612abcde', '4=0x00140607', '8=0xfd000000', '20=0x50', '36=5', '40=0x00090050', '52>>16&0xff=2'),
    [[TCP6, all]],
  )
  assert.equal(got, ['1234567'])
})

test('u32: an SCTP chunk, ICMP queries and errors, ESP', () => {
  const words = u32('20=0x08000000:0x0800ffff && 24=0x00070009', '24=0x05dc', '20=0x11223344', '32=0x0100:0x010000ff')
  const got = marked(words, [
    ['eth0 icmp 192.168.0.50 > 192.168.0.2', { icmp_id: 7, icmp_seq: 9, payload: '' }],
    ['eth0 esp 192.168.0.50 > 192.168.0.2', { spi: 0x11223344 }],
  ])
  assert.equal(got, ['stopped', 'stopped'])
  assert.is(
    asked(words[0]!.replace('20=0x08000000:0x0800ffff && ', ''), 'eth0 icmp 192.168.0.50 > 192.168.0.2', {
      icmp_id: 7,
      icmp_seq: 9,
    }),
    'mark 1',
  )
  assert.is(asked(words[2]!, 'eth0 esp 192.168.0.50 > 192.168.0.2', { spi: 0x11223344 }), 'mark 1')
  const error = {
    icmp_type: 3,
    icmp_code: 4,
    icmp_rest: 0x05dc,
    inner: { proto: 'udp', src: '192.168.0.2', dst: '192.168.0.50' },
  } as const
  assert.is(asked(words[1]!, 'eth0 icmp 192.168.0.50 > 192.168.0.2', error), 'mark 1')
  const sctp = { sctp_chunk: 'DATA', payload: '616263' } as const
  // chunk 0, flags B and E, 16 + 3 bytes
  assert.is(asked(u32('32=0x00030013')[0]!, 'eth0 sctp 192.168.0.50:1 > 192.168.0.2:2', sctp), 'mark 1')
  assert.is(asked(u32('48&0xffffff00=0x61626300')[0]!, 'eth0 sctp 192.168.0.50:1 > 192.168.0.2:2', sctp), 'mark 1')
})

test('u32: what is masked off is not asked for, the rest by name', () => {
  assert.is(asked(u32('4&0x1fff=0')[0]!, UDP), 'mark 1')
  assert.is(asked(u32('2&0xffff=0')[0]!, UDP), 'ip_id')
  assert.is(asked(u32('4=0')[0]!, UDP), 'ip_id')
  assert.is(asked(u32('4&0xffff=0')[0]!, UDP), 'df')
  assert.is(asked(u32('8=0')[0]!, UDP), 'ip_id')
  assert.is(asked(u32('8=0')[0]!, UDP, { ip_id: 1 }), 'df')
  assert.is(asked(u32('28=0')[0]!, UDP, { payload_len: 4 }), 'payload')
  assert.is(asked(u32('28=0')[0]!, UDP, { payload_len: 3 }), 'mark 0')
  assert.is(asked(u32('24=0')[0]!, UDP), 'checksum')
  assert.is(asked(u32('24>>16=8')[0]!, UDP), 'mark 1')
  assert.is(asked(u32('4&0xffff@0=0')[0]!, UDP), 'df')
  assert.is(asked(u32('0&0xfffff=0')[0]!, TCP6), 'flow_label')
  assert.is(asked(u32('0>>28=6')[0]!, TCP6), 'mark 1')
  assert.is(asked(u32('0>>24&0xf=5')[0]!, UDP, { extra_len: 4 }), 'header bytes')
  assert.is(asked(u32('20=0')[0]!, UDP, { extra_len: 4 }), 'header bytes')
})

test('u32: inverted, several ranges, reading beyond the end', () => {
  const got = marked(
    [
      '-m u32 ! --u32 "9&0xff=6"',
      ...u32('6&0xff=6,17', '6&0xff=16:18', '6&0xff=18:16', '0<<31=0,0x80000000', '0xfffffffe=0:0xffffffff'),
      '-m u32 ! --u32 "0xfffffffe=0"',
      ...u32('0&0@0xfffffff0=0:0xffffffff'),
    ].map((m) => m.replaceAll('9&0xff', '6&0xff')),
    [UDP],
  )
  assert.equal(got, ['12357'])
})

test('string: in headers and payload, between two offsets, in any case', () => {
  const payload = Buffer.from('GET /Index HTTP').toString('hex')
  const known = { payload, ip_id: 0, df: false }
  const got = marked(
    [
      ...['"GET /"', '"get /"', '"get /" --icase', '"HTTP"', '"HTTP" --to 42', '"HTTP" --to 43', '"GET" --from 28'],
      ...['"GET" --from 29', '"P" --from 42 --to 43', '"P" --from 42 --to 42'],
    ].map((s) => `-m string --algo bm --string ${s}`),
    [[UDP, known]],
  )
  // The payload begins at 28; HTTP lies from 39 to 43.
  assert.equal(got, ['134679'])
  const hex = (pattern: string, more = ''): string => `-m string --algo kmp --hex-string "${pattern}"${more}`
  assert.equal(
    marked(
      [hex('|0035|'), hex('|c0a80002 0009|'), hex('|00ff00|'), '-m string --algo kmp ! --string "ZZZ"'],
      [[UDP, known]],
    ),
    ['124'],
  )
})

test('string: what may be the pattern is asked for, unless it stands elsewhere', () => {
  const string = (pattern: string): string => `-m string --algo bm --string "${pattern}"`
  const hex = (pattern: string): string => `-m string --algo bm --hex-string "|${pattern}|"`
  assert.is(asked(string('GET'), UDP, { payload_len: 3 }), 'payload')
  // Two bytes may be an identification or a checksum; three in a row are not all unknown without a payload.
  assert.is(asked(string('ab'), UDP), 'ip_id')
  assert.is(asked(string('abc'), UDP), 'mark 0')
  assert.is(asked(string('ab'), UDP, { ip_id: 0, df: false }), 'checksum')
  assert.is(asked(hex('0035'), UDP), 'mark 1')
  assert.is(asked(string('ab'), UDP, { payload: '6162' }), 'mark 1')
})

test('string: letters as the kernel has them, in Latin-1', () => {
  const hex = (pattern: string): string => `-m string --algo bm --hex-string "|${pattern}|" --icase --from 28`
  // e4 is c4 in capitals, ff is df, df is bf; d7 and f7 are no letters.
  const got = marked(
    ['c4', 'e4', 'bf', 'd7'].map(hex),
    ['e4', 'c4', 'ff', 'df', 'f7'].map((payload) => [UDP, { payload }] as const),
  )
  assert.equal(got, ['12', '12', '', '3', ''])
})

const bpf = (...code: string[]): string => `-m bpf --bytecode "${code.length},${code.join(',')}"`

test('bpf: loads, arithmetic, jumps, memory', () => {
  const known = { ip_id: 0x1234, df: true, payload: '0102030405', tos: 3 }
  const got = marked(
    [
      bpf('48 0 0 9', '21 0 1 17', '6 0 0 1', '6 0 0 0'), // the protocol is 17
      bpf('177 0 0 0', '72 0 0 2', '21 0 1 53', '6 0 0 1', '6 0 0 0'), // X = 4 * (ihl), its port
      bpf('128 0 0 0', '21 0 1 33', '6 0 0 1', '6 0 0 0'), // 33 bytes
      bpf('32 0 0 28', '4 0 0 1', '2 0 0 3', '97 0 0 3', '135 0 0 0', '21 0 1 16909061', '6 0 0 1', '6 0 0 0'),
      bpf('32 0 0 30', '6 0 0 1'), // beyond the end: nothing is returned
      bpf('0 0 0 7', '52 0 0 2', '84 0 0 1', '22 0 0 0'), // 7 / 2 & 1 = 1, returned
      bpf('0 0 0 1', '1 0 0 0', '60 0 0 0', '6 0 0 1'), // a division by 0 ends it
      bpf('48 0 0 1', '148 0 0 2', '22 0 0 0'), // 3 % 2
      bpf('40 0 0 4294963200', '21 0 1 2048', '6 0 0 1', '6 0 0 0'), // the protocol of the link
      bpf('48 0 0 4293918729', '37 0 1 16', '6 0 0 1', '6 0 0 0'), // from the network header: above 16
      bpf('0 0 0 4294967295', '132 0 0 0', '6 0 0 0'),
      bpf('5 0 0 1', '6 0 0 0', '6 0 0 1'),
    ],
    [[UDP, known]],
  )
  assert.equal(got, ['12346891012'])
})

test('bpf: what is masked off is not asked for', () => {
  assert.is(asked(bpf('40 0 0 6', '69 1 0 8191', '6 0 0 1', '6 0 0 0'), UDP), 'df')
  assert.is(asked(bpf('40 0 0 6', '84 0 0 8191', '21 0 1 0', '6 0 0 1', '6 0 0 0'), UDP), 'mark 1')
  assert.is(asked(bpf('40 0 0 4', '22 0 0 0'), UDP), 'ip_id')
  assert.is(asked(bpf('40 0 0 4', '6 0 0 1'), UDP), 'mark 1')
  assert.is(asked(bpf('48 0 0 30', '22 0 0 0'), UDP, { payload_len: 4 }), 'payload')
  assert.is(asked(bpf('32 0 0 4294963204', '22 0 0 0'), UDP), 'bpf')
})

test.run()
