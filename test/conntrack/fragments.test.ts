// Fragments: each on its own through rules that track nothing, put together where something does. Expected: what Linux
// 6.18 did with the same pieces.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { internetChecksum } from '../../src/net/checksum.js'
import { encodePacket } from '../../src/net/encode.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import { readPcapPackets, writePcap } from '../../src/net/pcap.js'
import { namespace, packet } from '../reference/scene.js'
import { Both, MARK_STATES } from './both.js'

const UDP = 'eth0 udp 192.168.0.50:5 > 10.244.0.5:53'
const MORE = 0x2000
const RULES = {
  raw: `-A PREROUTING -f
-A PREROUTING ! -f
-A PREROUTING -p udp
-A PREROUTING -p udp -m udp
-A PREROUTING -p udp -m udp --dport 53
-A PREROUTING -p udp -m udp ! --dport 99
-A PREROUTING -p udp -m multiport ! --dports 99
-A PREROUTING -p icmp -m icmp --icmp-type any
-A PREROUTING -p icmp -m icmp ! --icmp-type 8
-A PREROUTING -p tcp
-A PREROUTING -p tcp -m tcp ! --dport 77`,
  filter: '-A FORWARD -d 10.244.0.9/32 -j REJECT',
}
/** Numbers of the rules in raw that matched. */
const hits = (a: Answer): string =>
  (a.trace ?? []).flatMap((line) => /^raw:PREROUTING:rule:(\d+)/.exec(line)?.[1] ?? []).join(' ')

const test = suite('conntrack: fragments')

test('without conntrack: only the first fragment has ports, a later one fits no match on them, inverted or not', () => {
  const both = new Both({ rules: RULES })
  const first = both.send(UDP, { frag: MORE })
  assert.equal([hits(first), first.verdict, first.frag, first.dport], ['2 3 4 5 6 7', 'forward', MORE, 53])
  const later = both.send(UDP, { frag: MORE + 1 })
  assert.equal([hits(later), later.verdict, later.frag, later.dport], ['1 3', 'forward', MORE + 1, undefined])
  assert.is(hits(both.send(UDP, { frag: 5 })), '1 3')
  const icmp = both.send('eth0 icmp 192.168.0.50 > 10.244.0.5', { frag: 5 })
  assert.equal([hits(icmp), icmp.icmp_type], ['1', undefined])
})

test('a field that only forbids to fragment is no fragment', () => {
  const both = new Both({ rules: RULES })
  for (const frag of [0, 0x4000, 0x8000]) {
    const a = both.send(UDP, { frag })
    assert.equal([hits(a), a.frag], ['2 3 4 5 6 7', undefined])
  }
})

test('a TCP fragment that begins inside the header is dropped by a match on TCP; iptables-nft compares what stands there', () => {
  const text = 'eth0 tcp 192.168.0.50:5 > 10.244.0.5:53'
  const legacy = new Both({ rules: RULES }).send(text, { frag: 1 })
  assert.equal([hits(legacy), legacy.verdict, legacy.dropped_by?.rule], ['1 10', 'drop', 11])
  const further = new Both({ rules: RULES }).send(text, { frag: 5 })
  assert.equal([hits(further), further.verdict], ['1 10', 'forward'])
  const nft = new Both({ rules: RULES, backend: 'nft' }).send(text, { frag: 1 })
  assert.equal([hits(nft), nft.verdict], ['1 10 11', 'forward'])
})

test('iptables-nft leaves to the kernel what asks nothing, unless it is negated', () => {
  const all = ['--sport 0:65535', '! --sport 0:65535', '', '--sport 0:65535 --dport 0:65535', '! --dport 0:65535']
  const raw = (proto: string): string => all.map((o) => `-A PREROUTING -p ${proto} -m ${proto} ${o}`).join('\n')
  const both = new Both({ rules: { raw: `${raw('tcp')}\n${raw('udp')}` }, backend: 'nft' })
  const tcp = 'eth0 tcp 192.168.0.50:5 > 10.244.0.5:53'
  assert.equal([hits(both.send(tcp, { frag: 10 })), hits(both.send(UDP, { frag: 10 }))], ['2 5', '7 10'])
  const tiny = both.send(tcp, { frag: 1 })
  assert.equal([hits(tiny), tiny.verdict, tiny.dropped_by?.rule], ['', 'drop', 1])
  assert.is(hits(both.send(tcp, {})), '1 2 3 4 5')
})

test('the whole has the Ethernet header and the kind of frame of its first piece', () => {
  const kinds = ['broadcast', 'host', 'multicast'].map(
    (t) => `-A INPUT -m pkttype --pkt-type ${t === 'host' ? 'unicast' : t}`,
  )
  const macs = ['01', '02'].map((n) => `-A INPUT -m mac --mac-source 02:00:00:00:00:${n}`)
  const filter = [...kinds, ...macs].join('\n')
  const to = 'eth0 udp 192.168.0.50:5 > 192.168.0.2:53'
  const first = { frag: MORE, payload_len: 56 }
  const last = { frag: 8, payload_len: 64 }
  const one = { pkttype: 'broadcast', mac: '02:00:00:00:00:01' } as const
  const two = { mac: '02:00:00:00:00:02' }
  const input = (a: Answer): string =>
    (a.trace ?? []).flatMap((line) => /^filter:INPUT:rule:(\d+)/.exec(line)?.[1] ?? []).join(' ')
  for (const rules of [{ filter }, { filter, ...MARK_STATES }]) {
    const ns = namespace({ rules })
    const links = ns.links.map((l) => (l.name === 'eth0' ? { ...l, mac: '02:00:00:00:00:99' } : l))
    const both = new Both({ ...ns, links })
    both.send(to, { ...first, ...one, ip_id: 1 })
    assert.is(input(both.send(to, { ...last, ...two, ip_id: 1 })), '1 4')
    both.send(to, { ...last, ...two, ip_id: 2 })
    assert.is(input(both.send(to, { ...first, ...one, ip_id: 2 })), '1 4')
    both.send(to, { ...first, ...two, ip_id: 3 })
    assert.is(input(both.send(to, { ...last, ...one, ip_id: 3 })), '2 5')
  }
})

test('errors answer first fragments only', () => {
  const both = new Both({ rules: RULES })
  const to = 'eth0 udp 192.168.0.50:5 > 10.244.0.9:53'
  const first = both.send(to, { frag: MORE })
  assert.equal([first.verdict, first.reply?.inner?.frag], ['reject', MORE])
  assert.is(both.send(to, { frag: 5 }).verdict, 'drop')
  assert.is(both.send(UDP, { frag: MORE, ttl: 1 }).verdict, 'reject')
  assert.is(both.send(UDP, { frag: 1, ttl: 1 }).verdict, 'drop')
})

const PIECES: readonly Partial<Packet>[] = [
  { frag: MORE, payload_len: 56 }, // 0..64
  { frag: MORE + 8, payload_len: 56 }, // 64..128
  { frag: 16, payload_len: 32 }, // 128..168
]
const piece = (i: number, ip_id = 7): Partial<Packet> => ({ ...PIECES[i], ip_id })
const KEPT = { reason: 'fragment kept for reassembly' } as const
const WRONG = { reason: 'fragments do not fit together' } as const

test('where conntrack runs, rules see the whole packet when its last piece has come, in whatever order', () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [0, 0, 2, 2, 1],
  ]) {
    const both = new Both({ rules: { ...RULES, ...MARK_STATES } })
    for (const i of order.slice(0, -1)) {
      const kept = both.send(UDP, piece(i))
      assert.equal([kept.verdict, kept.dropped_by, kept.trace], ['drop', KEPT, []])
    }
    const whole = both.send(UDP, piece(order.at(-1)!))
    assert.equal([whole.verdict, whole.mark, whole.dport, whole.frag], ['forward', 1, 53, undefined])
    assert.is(hits(whole), '2 3 4 5 6 7')
    assert.equal(whole.ct?.orig, { src: '192.168.0.50', dst: '10.244.0.5', sport: 5, dport: 53 })
    const raw = both.reference.counters()[0]?.tables.find((t) => t.name === 'raw')
    assert.is(raw?.chains[0]?.rules[2]?.counters?.bytes, 20n + 168n) // the header and all pieces
  }
})

test('pieces of different packets, senders and without identification do not meet', () => {
  const both = new Both({ rules: MARK_STATES })
  both.send(UDP, piece(0, 1))
  both.send(UDP, piece(1, 2))
  both.send('eth0 udp 192.168.0.51:5 > 10.244.0.5:53', piece(1, 1))
  assert.equal(both.send(UDP, piece(2, 1)).dropped_by, KEPT)
  for (const i of [0, 1, 2]) assert.equal(both.send(UDP, PIECES[i]).dropped_by, KEPT)
  assert.is(both.send(UDP, piece(1, 1)).verdict, 'forward')
})

test('pieces that overlap, or end where the packet does not, end the whole', () => {
  const both = new Both({ rules: MARK_STATES })
  both.send(UDP, piece(0))
  assert.equal(both.send(UDP, { ...piece(1), frag: MORE + 4 }).dropped_by, WRONG)
  both.send(UDP, piece(2))
  assert.equal(both.send(UDP, { ...piece(2), frag: 8 }).dropped_by, WRONG)
  // Two pieces side by side are two: one that lies across both is no repetition of them.
  for (const i of [1, 0]) both.send(UDP, piece(i))
  assert.equal(both.send(UDP, { frag: MORE + 4, payload_len: 56, ip_id: 7 }).dropped_by, WRONG)
})

test('pieces wait for 30 seconds', () => {
  const both = new Both({ rules: MARK_STATES })
  both.send(UDP, { ...piece(0), at_ms: 0 })
  both.send(UDP, { ...piece(1), at_ms: 29_999 })
  assert.equal(both.send(UDP, { ...piece(2), at_ms: 30_000 }).dropped_by, KEPT)
  both.send(UDP, { ...piece(0), at_ms: 40_000 })
  assert.is(both.send(UDP, { ...piece(1), at_ms: 59_999 }).verdict, 'forward')
})

test('for this host: put together before INPUT, each piece having met PREROUTING by itself', () => {
  const both = new Both({ rules: { raw: '-A PREROUTING', filter: '-A INPUT -p udp -m udp --dport 53' } })
  const to = 'eth0 udp 192.168.0.50:5 > 192.168.0.2:53'
  for (const i of [0, 1])
    assert.equal(both.send(to, piece(i)).trace, ['raw:PREROUTING:rule:1', 'raw:PREROUTING:policy'])
  const whole = both.send(to, piece(2))
  assert.equal(
    [whole.verdict, whole.dport, whole.trace?.slice(2)],
    ['local', 53, ['filter:INPUT:rule:1', 'filter:INPUT:policy']],
  )
  assert.equal(both.engine.counters(), both.reference.counters())
})

test('IPv6: likewise, but for this host each piece passes INPUT', () => {
  const text = 'eth0 udp [fd00::50]:5 > [fd00:10:244::5]:53'
  const both = new Both({ rules6: MARK_STATES })
  for (const i of [0, 1]) assert.equal(both.send(text, piece(i)).dropped_by, KEPT)
  assert.equal([both.send(text, piece(2)).verdict, both.reference.conntrack().length], ['forward', 1])
  const plain = new Both({ rules6: { filter: '-A INPUT -p udp -m udp ! --dport 99' } })
  const first = plain.send('eth0 udp [fd00::50]:5 > [fd00::2]:53', { frag: MORE })
  assert.equal([first.verdict, first.trace], ['local', ['filter:INPUT:rule:1', 'filter:INPUT:policy']])
  const later = plain.send('eth0 udp [fd00::50]:5 > [fd00::2]:53', { frag: 5 })
  assert.equal([later.verdict, later.trace], ['local', ['filter:INPUT:policy']])
})

test('in a batch, too', () => {
  const ns = namespace({ rules: MARK_STATES })
  const engine = new Engine(ns, { maxConnections: 64 })
  const batch = engine.newBatch(8)
  const given = [piece(0), {}, piece(1), piece(2), {}].map((more) => packet(UDP, more))
  for (const [i, p] of given.entries()) batch.set(i, p, true)
  const traces = new Map<number, number>()
  assert.is(engine.processBatch(batch, { onTrace: (i, { trace }) => traces.set(i, trace.length) }), 5)
  const one = new Engine(ns, { maxConnections: 64 })
  for (const [i, p] of given.entries()) {
    const { trace, steps: _s, ...answer } = one.process(p, { trace: true })
    assert.equal(batch.answer(i), answer)
    assert.is(traces.get(i), trace?.length)
  }
})

test('REJECT answers only what has the right checksum', () => {
  const both = new Both({ rules: { filter: '-A FORWARD -j REJECT' }, rules6: { filter: '-A FORWARD -j REJECT' } })
  const said = (proto: string, v6 = false, more: Partial<Packet> = {}): string =>
    both.send(`eth0 ${proto} ${v6 ? 'fd00::50 > fd00:10:244::5' : '192.168.0.50 > 10.244.0.5'}`, more).verdict
  for (const proto of ['tcp', 'udp', 'icmp']) {
    assert.is(said(proto), 'reject')
    assert.is(said(proto, false, { bad_csum: true }), 'drop')
  }
  for (const proto of ['sctp', 'udplite']) assert.is(said(proto, false, { bad_csum: true }), 'reject')
  for (const proto of ['gre', 'esp']) assert.is(said(proto), 'reject')
  assert.is(said('dccp'), 'drop')
  assert.is(said('dccp', true), 'reject')
  assert.is(said('dccp', true, { bad_csum: true }), 'drop')
  assert.is(both.send('eth0 udp 192.168.0.50 > 10.244.0.5', { proto: 200 }).verdict, 'drop')
})

/** An IPv4 packet in two pieces, the first with so many bytes behind the header; numbered 7. */
function inTwo(whole: Uint8Array, size: number): Uint8Array[] {
  const piece = (from: number, to: number, field: number): Uint8Array => {
    const bytes = new Uint8Array([...whole.subarray(0, 20), ...whole.subarray(20 + from, 20 + to)])
    bytes.set([bytes.length >> 8, bytes.length & 255, 0, 7, field >> 8, field & 255], 2)
    bytes.set([0, 0], 10)
    const sum = internetChecksum(bytes.subarray(0, 20))
    bytes.set([sum >> 8, sum & 255], 10)
    return bytes
  }
  return [piece(0, size, 0x2000), piece(size, whole.length - 20, size / 8)]
}

test('the fragments of a capture are pieces: put together where conntrack runs, one by one elsewhere', () => {
  const whole = encodePacket(packet(UDP, { payload_len: 1993 })) // 2001 bytes behind the IP header
  const file = writePcap(
    inTwo(whole, 1480).map((bytes, i) => ({ bytes, timeNs: BigInt(i) })),
    { linkType: 101 },
  )
  const { packets, notes } = readPcapPackets(file, { file: 'f', iface: 'eth0' })
  assert.equal(notes, [])
  assert.equal(
    packets.map((p) => [p.frag, p.ip_id]),
    [
      [MORE, 7],
      [185, 7],
    ],
  )
  const say = (both: Both): unknown[] =>
    packets.map((p) => {
      const answer = both.reference.process(p, { trace: true })
      assert.equal(both.engine.process(p, { trace: true }), answer)
      return [hits(answer), answer.verdict, answer.dropped_by?.reason, answer.dport]
    })
  assert.equal(say(new Both({ rules: RULES })), [
    ['2 3 4 5 6 7', 'forward', undefined, 53],
    ['1 3', 'forward', undefined, undefined],
  ])
  const tracked = new Both({ rules: { ...RULES, ...MARK_STATES } })
  assert.equal(say(tracked), [
    ['', 'drop', 'fragment kept for reassembly', undefined],
    ['2 3 4 5 6 7', 'forward', undefined, 53],
  ])
  const [rule] = tracked.reference
    .counters()[0]!
    .tables.find((t) => t.name === 'raw')!
    .chains[0]!.rules.slice(2)
  assert.is(rule?.counters?.bytes, 2021n)
})

// Linux 6.18: the longest piece counts, of IPv4 where it was not to be cut.
test('what was put together is as long as its longest piece when it leaves', () => {
  const both = new Both({ rules: MARK_STATES })
  const pieces = (id: number, bytes: number, frag = 0): string[] =>
    [frag + MORE, frag + (bytes + 8) / 8].map((f) => both.send(UDP, { frag: f, ip_id: id, payload_len: bytes }).verdict)
  assert.equal(pieces(1, 800), ['drop', 'forward'])
  assert.equal(pieces(2, 800, 0x4000), ['drop', 'forward'])
  assert.equal(pieces(3, 1600), ['drop', 'forward'])
  assert.equal(pieces(4, 1600, 0x4000), ['drop', 'reject'])
})

test.run()
