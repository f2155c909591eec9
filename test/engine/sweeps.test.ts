// Whole ranges rather than samples, engine against reference: source addresses of every kind towards destinations of
// every kind, and recent lists that overflow, wrap their stamps and tell addresses apart by any of their words.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { completePacket } from '../../src/net/complete.js'
import type { Packet } from '../../src/net/packet.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { difference, type Outcome, replay } from '../property/support.js'
import { address, link, namespace, route } from '../reference/scene.js'

function agree(ns: NetworkNamespace, packets: readonly Packet[]): Outcome {
  const want = replay(new ReferenceEngine(ns), packets)
  const where = difference(want, replay(new Engine(ns, { maxConnections: 4096 }), packets))
  assert.is(where, null, where ?? '')
  return want
}

const test = suite('sweeps')

/** One address of each kind that RFC 6724 tells apart, by scope, label or common bits. */
const KINDS = [
  ...['fd00:1::2', '2001:db8:1::2', '2001:db8:1:8000::2', '2001:0:1::2', '2001:10:1::2', '3ffe:1::2', '2002:1::2'],
  ...['fec0:1::2', 'fe80::2', '2001:db8:1::8000:2'],
]
const REMOTE = [
  ...['fd00:2::9', '2001:db8:2::9', '2001:db8:1:ff00::9', '2001:0:2::9', '2001:10:2::9', '3ffe:2::9', '2002:2::9'],
  ...['fec0:2::9', '2001:db8:1::8000:9', '2001:db8:1::9'],
]

test('the source of MASQUERADE for every pair of addresses and every kind of destination', () => {
  const packets = REMOTE.map((dst, i) =>
    completePacket({ iface: 'pod0', proto: 'udp', src: 'fd00:10:244::5', dst, sport: 1000 + i, dport: 53 }),
  )
  const six = (text: string) => address(`${text}/64`, { scope: text.startsWith('fe80') ? 'link' : 'global' })
  const chosen = new Map<string, Set<string>>()
  for (const a of KINDS)
    for (const b of KINDS) {
      if (a === b) continue
      for (const apart of [false, true]) {
        const ns = namespace({
          links: [
            link('lo', 1, [address('::1/128', { scope: 'host' })]),
            link('eth0', 2, apart ? [six(a)] : [six(a), six(b)]),
            link('eth1', 3, apart ? [six(b)] : []),
            link('pod0', 4, [six('fe80::4')]),
          ],
          routes: [
            route({ dst: '::/0', nextHops: [{ dev: 'eth0', via: 'fe80::1', weight: 1 }] }),
            route({ dst: 'fd00:10:244::/64', nextHops: [{ dev: 'pod0', weight: 1 }] }),
          ],
          rules6: { nat: '-A POSTROUTING -o eth0 -j MASQUERADE' },
        })
        for (const { src, in: given, verdict } of agree(ns, packets).answers) {
          if (verdict !== 'forward') continue
          const known = chosen.get(given.dst) ?? new Set()
          chosen.set(given.dst, known.add(src as string))
        }
      }
    }
  // By hand: the label decides for these, whatever the other address is (unless it is the only wide one).
  for (const [dst, src] of [
    ['fd00:2::9', 'fd00:1::2'],
    ['2002:2::9', '2002:1::2'],
    ['2001:0:2::9', '2001:0:1::2'],
    ['3ffe:2::9', '3ffe:1::2'],
  ] as const)
    assert.ok(chosen.get(dst)?.has(src), `${dst} is never sent from ${src}`)
})

/** A generator of numbers below n (mulberry32). */
function numbers(seed: number): (n: number) => number {
  let a = seed
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const LISTS = [
  '-A FORWARD -m recent --name often --rcheck --seconds 80 --hitcount 20 --rsource -m mark --mark 0x1 -j MARK --set-xmark 0x2/0x2',
  '-A FORWARD -m recent --name often --set --rsource',
  '-A FORWARD -m recent --name ttl --update --seconds 5 --hitcount 3 --rttl --reap --rsource -j MARK --set-xmark 0x4/0x4',
  '-A FORWARD -m recent --name ttl --set --rsource',
  '-A FORWARD -m recent --name to --rcheck --seconds 2 --rdest -j MARK --set-xmark 0x8/0x8',
  '-A FORWARD -m mark --mark 0x0/0x8 -m recent --name to --set --rdest',
  '-A FORWARD -p tcp -m recent --name often --remove --rsource -j MARK --set-xmark 0x10/0x10',
  '-A FORWARD -m recent ! --rcheck --name often --rsource -j MARK --set-xmark 0x20/0x20',
]

test('recent lists of more addresses than they hold, with stamps that wrap, told apart by every word', () => {
  const six = (i: number, n: number): string => {
    const words = [0x2600, 0, 0, 0, 0, 0, 0, 1]
    words[1 + (i % 7)]! += n + 1
    return words.map((w) => w.toString(16)).join(':')
  }
  const rules = LISTS.join('\n')
  const ns = namespace({ rules: { filter: rules }, rules6: { filter: rules } })
  const random = numbers(7)
  let at = 0
  const packets = Array.from({ length: 12_000 }, (_, i) => {
    // Few addresses that come often, and many.
    const n = random(3) === 0 ? random(140) : random(4)
    at += [0, 0, 1, 40, 400, 3000][random(6)] as number
    const v6 = i % 2 === 1
    return completePacket({
      iface: 'eth0',
      proto: random(40) === 0 ? 'tcp' : 'udp',
      src: v6 ? six(n, n >> 3) : `198.51.${n >> 4}.${n & 15}`,
      dst: v6 ? 'fd00:10:244::5' : `10.244.0.${5 + random(3)}`,
      sport: 1000,
      dport: 53,
      ttl: 60 + random(3),
      mark: random(2),
      at_ms: at,
    })
  })
  const marks = new Set(agree(ns, packets).answers.map((a) => (a.mark ?? 0) & 0x3e))
  for (const bit of [2, 4, 8, 0x10, 0x20])
    assert.ok([...marks].some((m) => m & bit) && [...marks].some((m) => !(m & bit)))
})

test.run()
