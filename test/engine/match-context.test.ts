// Matches on the wall clock and on the way back to a packet's source, in both engines. Expected: worked out by hand from the
// calendar, and what rules of this kind do on Linux 6.18.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Packet } from '../../src/net/packet.js'
import { parseWallClock } from '../../src/netns/wall-clock.js'
import { route } from '../reference/scene.js'
import { marked } from '../support/marked.js'

const test = suite('engine: time and rpfilter')
const UDP = 'eth0 udp 192.168.0.50:1 > 10.244.0.5:53'
const HOUR = 3_600_000
const at = (...hours: number[]): [string, Partial<Packet>][] => hours.map((h) => [UDP, { at_ms: h * HOUR }])
const time = (...rules: string[]): string[] => rules.map((r) => `-m time ${r}`.trim())

test('time: asked for by name without a wall clock', () => {
  assert.equal(marked(time('--weekdays Mon'), [UDP]), ['stopped'])
})

test('time: the hours of the day, both ends inclusive, over midnight too', () => {
  // 2026-05-01 is a Friday.
  const options = { wallClock: '2026-05-01T08:00:00Z' }
  const rules = time('--timestart 09:00 --timestop 10:00', '--timestart 22:00 --timestop 06:00', '')
  assert.equal(marked(rules, at(0, 1, 2, 2.001, 14, 22, 22.5), { options }), ['3', '13', '13', '3', '23', '23', '3'])
})

test('time: days of week and month; after midnight the day before when contiguous', () => {
  const options = { wallClock: '2026-05-01T00:00:00Z' }
  const rules = time(
    '--weekdays Fri',
    '! --weekdays Fri',
    '--monthdays 1,31',
    '--weekdays Fri --timestart 22:00 --timestop 06:00',
    '--weekdays Fri --timestart 22:00 --timestop 06:00 --contiguous',
  )
  assert.equal(marked(rules, at(0, 5, 12, 23, 29, 31, 24 * 30), { options }), [
    '134',
    '134',
    '13',
    '1345',
    '25',
    '2',
    '23',
  ])
})

test('time: a leap day, the last day of a year', () => {
  const day = (wallClock: string): string =>
    marked(time('--monthdays 29', '--monthdays 31', '--monthdays 1'), [UDP], { options: { wallClock } })[0]!
  assert.equal(
    ['2028-02-29T12:00:00Z', '2026-12-31T23:59:59Z', '2027-03-01T00:00:00Z', '1970-01-31T00:00:00Z'].map(day),
    ['1', '2', '3', '2'],
  )
})

test('time: dates, and the time zone of the kernel', () => {
  const options = { wallClock: '2026-05-01T01:00:00+02:00' }
  const rules = time(
    '--datestart 2026-05-01',
    '--datestart 2026-05-01 --kerneltz',
    '--datestop 2026-04-30T23:59:59',
    '--monthdays 30',
    '--monthdays 30 --kerneltz',
  )
  assert.equal(marked(rules, at(0, 1), { options }), ['234', '12'])
})

test('a wall clock is an instant of RFC 3339', () => {
  assert.equal(parseWallClock('2026-05-01T10:00:00.5-01:30'), { ms: 1777635000500, zoneSeconds: -5400 })
  for (const text of ['2026-05-01', 'now', '2026-13-01T00:00:00Z', '2038-01-01T00:00:00Z', '2026-05-01T10:00:00'])
    assert.throws(() => parseWallClock(text), /is no instant/)
})

test('rpfilter: by the interface of the way back, or by any', () => {
  const rules = ['', '--loose', '--validmark', '--accept-local', '--invert', '--accept-local --loose'].map((r) =>
    `-m rpfilter ${r}`.trim(),
  )
  const routes = [
    route({ dst: '0.0.0.0/0', table: 7, nextHops: [{ dev: 'pod0', via: '10.244.0.9', weight: 1 }] }),
    route({ dst: '203.0.113.0/24', type: 'blackhole' }),
  ]
  const policyRules = [
    {
      family: 'ipv4' as const,
      priority: 100,
      not: false,
      fwmark: { value: 1, mask: 0xffffffff },
      action: { type: 'table' as const, table: 7 },
    },
  ]
  const udp = (iface: string, src: string): string => `${iface} udp ${src}:1 > 10.244.0.5:53`
  const say = (text: string, more: Partial<Packet> = {}): string =>
    marked(rules, [[text, more]], {
      chain: 'PREROUTING',
      routes,
      policyRules,
      sysctls: { 'net.ipv4.conf.all.accept_local': '1' },
    })[0]!
  assert.is(say(udp('eth0', '192.168.0.50')), '12346')
  assert.is(say(udp('pod0', '192.168.0.50')), '256')
  assert.is(say(udp('eth0', '203.0.113.5')), '5')
  assert.is(say(udp('pod0', '10.244.0.1')), '456')
  assert.is(say(udp('eth0', '8.8.8.8'), { mark: 64 }), '12346')
})

test('rpfilter: IPv6', () => {
  const rules = ['', '--loose', '--accept-local', '--invert'].map((r) => `-m rpfilter ${r}`.trim())
  const udp = (iface: string, src: string): string => `${iface} udp [${src}]:1 > [fd00:10:244::5]:53`
  assert.equal(marked(rules, [udp('eth0', 'fd00::50'), udp('pod0', 'fd00::50'), udp('eth0', 'fd00:10:244::7')]), [
    '123',
    '24',
    '24',
  ])
})

test.run()
