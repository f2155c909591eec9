// The order in which a table's routes stand in the image: by address, prefix length, tos (higher first), metric, and as
// given; likewise for both families, and whichever way a prefix is written.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TableRoutes } from '../../src/compile/route-table.js'
import { parsePrefix } from '../../src/net/ip.js'
import type { Route } from '../../src/netns/model.js'

const test = suite('compile/route-table')

const HOPS = { first: 0, live: 1 }
const route = (dst: string, tos: number, metric: number): Route => ({
  family: dst.includes(':') ? 'ipv6' : 'ipv4',
  table: 254,
  type: 'unicast',
  dst,
  nextHops: [{ dev: 'eth0', weight: 1 }],
  metric,
  scope: 'global',
  tos,
})

function order(routes: readonly Route[]): string[] {
  const table = new TableRoutes(routes[0]?.family === 'ipv6')
  for (const r of routes) table.add(r, HOPS, 0)
  return [...table.sorted()].map((i) => `${routes[i]!.dst} ${routes[i]!.tos} ${routes[i]!.metric} ${i}`)
}

test('addresses, lengths, tos, metrics, and the order given', () => {
  const routes = [
    route('192.0.2.0/24', 0, 5),
    route('10.0.0.0/8', 0, 0),
    route('192.0.2.0/25', 0, 0),
    route('192.0.2.0/24', 8, 9),
    route('192.0.2.0/24', 0, 1),
    route('192.0.2.0/24', 0, 5),
    route('0.0.0.0/0', 0, 4294967295),
    route('255.255.255.255/32', 0, 0),
  ]
  assert.equal(order(routes), [
    '0.0.0.0/0 0 4294967295 6',
    '10.0.0.0/8 0 0 1',
    '192.0.2.0/24 8 9 3',
    '192.0.2.0/24 0 1 4',
    '192.0.2.0/24 0 5 0',
    '192.0.2.0/24 0 5 5',
    '192.0.2.0/25 0 0 2',
    '255.255.255.255/32 0 0 7',
  ])
})

const octet = fc.constantFrom(0, 1, 10, 127, 128, 255)
const v4 = fc.tuple(octet, octet, fc.constantFrom(0, 255), fc.constantFrom(0, 9)).map((parts) => parts.join('.'))
const v6 = fc.constantFrom('::', '::1', 'fd00::', 'fd00::1', 'ffff::', '8000::', '7fff::ffff', 'fd00:0:0:1::')

function compare(routes: readonly Route[]): string[] {
  const keys = routes.map((r, i) => {
    const { words, length } = parsePrefix(r.dst)!
    return [...words, length, -r.tos, r.metric, i]
  })
  const sorted = keys.sort((a, b) => a[a.findIndex((x, i) => x !== b[i])]! - b[a.findIndex((x, i) => x !== b[i])]!)
  return sorted.map((k) => `${routes[k[7]!]!.dst} ${-k[5]!} ${k[6]} ${k[7]}`)
}

for (const [family, address, bits] of [
  ['IPv4', v4, 32],
  ['IPv6', v6, 128],
] as const) {
  test(`${family}: the order of the columns compared one by one`, () => {
    const length = fc.constantFrom('', '/0', '/8', `/${bits - 1}`, `/${bits}`)
    const one = fc
      .record({ address, length, tos: fc.constantFrom(0, 0, 4, 16), metric: fc.constantFrom(0, 1, 1024, 0xffffffff) })
      .map((r) => route(r.address + r.length, r.tos, r.metric))
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 40 }), (routes) => {
        assert.equal(
          order(routes).map((s) => s.replace('-0', '0')),
          compare(routes).map((s) => s.replace('-0', '0')),
        )
      }),
      { numRuns: 300 },
    )
  })
}

test('what is no prefix is an error', () => {
  for (const dst of [
    '10.0.0.0/33',
    '10.0.0/8',
    '01.0.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/08',
    '1.2.3.4.5/8',
    '1.2.3.256/32',
    'x',
  ])
    assert.throws(() => order([route(dst, 0, 0)]), /is not a prefix/)
})

test.run()
