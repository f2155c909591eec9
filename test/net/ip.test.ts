// Addresses and prefixes against tables made by hand from RFC 4291 and 5952 and the output of inet_ntop.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  addressFromBigInt,
  addressFromBytes,
  addressToBigInt,
  addressToBytes,
  canonicalAddress,
  canonicalPrefix,
  formatAddress,
  type IpAddress,
  maskLength,
  maskWords,
  parseAddress,
  parseIpv4,
  parseIpv4Sloppy,
  parsePrefix,
  prefixContains,
  rangeToPrefixes,
} from '../../src/net/ip.js'

const test = suite('net: addresses')

const CANONICAL: [string, string | null][] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.0.0.01', null],
  ['10.0.0', null],
  ['10.0.0.256', null],
  ['10.0.0.1.', null],
  ['0x0a.0.0.1', null],
  [' 10.0.0.1', null],
  ['', null],
  ['::', '::'],
  ['::1', '::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::A', '2001:db8::a'],
  ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // the first of two equal runs
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], // the longest run
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // a single zero group stays
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
  ['::ffff:0a01:203', '::ffff:10.1.2.3'],
  ['::1.2.3.4', '::1.2.3.4'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['1:2:3:4:5:6:7:8:9', null],
  ['1:2:3:4:5:6:7', null],
  ['1::2::3', null],
  [':::', null],
  [':1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:', null],
  ['1:2:3:4:5:6:7:8::', null],
  ['12345::', null],
  ['g::', null],
  ['fe80::1%eth0', null],
  ['1.2.3.4::', null],
  ['::1.2.3.04', null],
  ['::1.2.3', null],
]

test('canonical text', () => {
  for (const [text, want] of CANONICAL)
    assert.is(canonicalAddress(text), want, `canonicalAddress(${JSON.stringify(text)})`)
})

test('the lenient IPv4 form takes leading zeros as decimal, the strict one refuses them', () => {
  assert.is(parseIpv4('010.0.0.1'), null)
  assert.is(parseIpv4Sloppy('010.096.000.010'), parseIpv4('10.96.0.10'))
  assert.is(parseIpv4Sloppy('0256.0.0.1'), null)
  assert.is(parseIpv4Sloppy('10.0.0'), null)
  assert.is(parseIpv4('10.96.0.10'), 0x0a60000a)
})

test('words: most significant first, IPv4 in word 0', () => {
  assert.equal(parseAddress('10.96.0.10'), { family: 'ipv4', words: [0x0a60000a, 0, 0, 0] })
  assert.equal(parseAddress('2001:db8:1:2:3:4:5:6')?.words, [0x20010db8, 0x00010002, 0x00030004, 0x00050006])
})

const PREFIXES: [string, string | null][] = [
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['10.1.2.3', '10.1.2.3/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['10.0.0.0/33', null],
  ['10.0.0.0/08', null],
  ['10.0.0.0/', null],
  ['10.0.0.0/255.0.0.0', null],
  ['fd00:1:2:3::5/48', 'fd00:1:2::/48'],
  ['fd00::1', 'fd00::1/128'],
  ['fd00::/129', null],
  ['::/0', '::/0'],
  ['2001:db8::ffff/33', '2001:db8::/33'],
]

test('prefixes', () => {
  for (const [text, want] of PREFIXES)
    assert.is(canonicalPrefix(text), want, `canonicalPrefix(${JSON.stringify(text)})`)
})

test('containment: the ends of a prefix and the addresses beside them', () => {
  const inside = (prefix: string, address: string): boolean =>
    prefixContains(parsePrefix(prefix)!, parseAddress(address)!)
  assert.is(inside('10.1.0.0/22', '10.1.0.0'), true)
  assert.is(inside('10.1.0.0/22', '10.1.3.255'), true)
  assert.is(inside('10.1.0.0/22', '10.1.4.0'), false)
  assert.is(inside('10.1.0.0/22', '10.0.255.255'), false)
  assert.is(inside('0.0.0.0/0', '255.1.2.3'), true)
  assert.is(inside('fd00::/65', 'fd00::7fff:ffff:ffff:ffff'), true)
  assert.is(inside('fd00::/65', 'fd00::8000:0:0:0'), false)
  assert.is(inside('::/0', '10.0.0.1'), false)
})

test('masks and their lengths, at every length', () => {
  for (let length = 0; length <= 32; length++) assert.is(maskLength('ipv4', maskWords('ipv4', length)), length)
  for (let length = 0; length <= 128; length++) assert.is(maskLength('ipv6', maskWords('ipv6', length)), length)
  assert.is(maskLength('ipv4', [0xff00ff00, 0, 0, 0]), null)
})

test('ranges as prefixes', () => {
  assert.equal(rangeToPrefixes('10.0.0.1', '10.0.0.10'), [
    '10.0.0.1/32',
    '10.0.0.2/31',
    '10.0.0.4/30',
    '10.0.0.8/31',
    '10.0.0.10/32',
  ])
  assert.equal(rangeToPrefixes('0.0.0.0', '255.255.255.255'), ['0.0.0.0/0'])
  assert.equal(rangeToPrefixes('fd00::', 'fd00::ffff'), ['fd00::/112'])
  assert.throws(() => rangeToPrefixes('10.0.0.2', '10.0.0.1'), /ends before/)
})

const anyAddress: fc.Arbitrary<IpAddress> = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }).map((n): IpAddress => ({ family: 'ipv4', words: [n, 0, 0, 0] })),
  fc
    .array(fc.oneof(fc.constant(0), fc.constant(1), fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    })
    .map((g): IpAddress => {
      const word = (i: number): number => (g[i]! * 0x10000 + g[i + 1]!) >>> 0
      return { family: 'ipv6', words: [word(0), word(2), word(4), word(6)] }
    }),
)

test('text, bytes and numbers come back', () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      assert.equal(parseAddress(formatAddress(address)), address)
      assert.equal(addressFromBytes(addressToBytes(address)), address)
      assert.equal(addressFromBigInt(address.family, addressToBigInt(address)), address)
    }),
    { numRuns: 5000 },
  )
})

test('any text is an address or null, never an exception', () => {
  const text = fc.string({
    unit: fc.constantFrom('0', '1', 'f', ':', '.', '/', '%', 'g', '2'),
    maxLength: 20,
    size: 'max',
  })
  fc.assert(
    fc.property(text, (t) => {
      const address = parseAddress(t)
      if (address !== null) assert.equal(parseAddress(formatAddress(address)), address)
      parsePrefix(t)
    }),
    { numRuns: 5000 },
  )
})

test.run()
