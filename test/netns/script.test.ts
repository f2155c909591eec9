// Packet lines and scripts: what reply_to, error_to and again take from the packet they name. The answers are made by
// hand; expected packets by hand as well.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FaultError } from '../../src/net/fault.js'
import { packetLength } from '../../src/net/length.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { type PrintedAnswer, runScript } from '../../src/netns/script.js'

const test = suite('netns: packet lines and scripts')
const file = 'p.jsonl'
const interfaces = new Set(['eth0', 'pod0'])

/** A data plane that gives the answers it is told, by packet id; `seen` is what it was asked. */
function told(answers: Record<string, Partial<Answer>>): DataPlane & { seen: Packet[] } {
  const seen: Packet[] = []
  return {
    seen,
    now: 0,
    rulesets: [],
    swapRules: () => {},
    conntrack: () => [],
    deleteConnections: () => 0,
    counters: () => [],
    sets: () => [],
    process(packet) {
      seen.push(packet)
      return { verdict: 'drop', in: packet, ...answers[String(packet.id)] }
    },
  }
}

const play = (
  text: string,
  answers: Record<string, Partial<Answer>> = {},
): { seen: Packet[]; out: PrintedAnswer[] } => {
  const dataPlane = told(answers)
  const out = [...runScript(readPacketLines(text, { file, interfaces }), dataPlane, { file, interfaces })]
  return { seen: dataPlane.seen, out }
}

const faults = (text: string): string[] => {
  try {
    play(text)
  } catch (error) {
    if (error instanceof FaultError) return error.faults.map((f) => `${f.line}:${f.column} ${f.message}`)
    throw error
  }
  return []
}

const SYN = '{"id":1,"iface":"eth0","proto":"tcp","src":"192.168.0.50","dst":"10.96.0.10","sport":40000,"dport":80}'
const FORWARDED: Partial<Answer> = {
  verdict: 'forward',
  out_iface: 'pod0',
  proto: 'tcp',
  src: '192.168.0.50',
  dst: '10.244.0.5',
  sport: 40000,
  dport: 8080,
  ttl: 63,
  flags: 'S',
  mark: 0,
}

test('a reply comes from where the packet ended up', () => {
  const { seen, out } = play(`${SYN}\n{"id":2,"reply_to":1,"flags":"SA"}`, { 1: FORWARDED })
  const { iface, src, dst, sport, dport, flags, ttl, seq, ack } = seen[1]!
  assert.equal([iface, src, sport, dst, dport, flags], ['pod0', '10.244.0.5', 8080, '192.168.0.50', 40000, 'SA'])
  assert.equal([ttl, seq, ack], [64, 1000, 1001])
  assert.equal(out[1]!.in, {
    iface: 'pod0',
    proto: 'tcp',
    src: '10.244.0.5',
    dst: '192.168.0.50',
    ttl: 64,
    sport: 8080,
    dport: 40000,
    flags: 'SA',
    seq: 1000,
    ack: 1001,
  })
})

test('a reply to what came in at the host is sent by the host; a bridge port goes before its bridge', () => {
  const local = { ...FORWARDED, verdict: 'local' as const, in_iface: 'eth0' }
  assert.is(play(`${SYN}\n{"reply_to":1}`, { 1: local }).seen[1]!.iface, 'local')
  assert.throws(
    () => play(`${SYN}\n{"reply_to":1}`, { 1: { ...FORWARDED, out_port: 'veth7' } }),
    /no interface `veth7`/,
  )
})

test('what went nowhere has no reply, no error, and neither has what refers to that; again is sent all the same', () => {
  const text = `${SYN}\n{"id":2,"reply_to":1}\n{"id":3,"error_to":1}\n{"id":4,"again":2}\n{"id":5,"reply_to":4}\n{"id":6,"again":1}`
  const { seen, out } = play(text, { 1: { verdict: 'reject' } })
  assert.equal(
    out.map((a) => a.verdict),
    ['reject', 'skipped', 'skipped', 'skipped', 'skipped', 'drop'],
  )
  assert.equal(out[1], { id: 2, verdict: 'skipped' })
  assert.is(seen.length, 2)
})

test('again: the fields as written, numbers only with the same flags', () => {
  const first =
    '{"id":1,"iface":"eth0","proto":"tcp","src":"10.0.0.1","dst":"10.0.0.2","flags":"A","seq":77,"ack":88,"mark":5,"payload_len":9,"gap_ms":3}'
  const { seen } = play(`${first}\n{"id":2,"again":1}\n{"id":3,"again":1,"flags":"F"}\n{"id":4,"again":1,"dport":9}`)
  const pick = (p: Packet): unknown[] => [p.flags, p.seq, p.ack, p.mark, p.payload_len, p.dport]
  assert.equal(seen.map(pick), [
    ['A', 77, 88, 5, 9, 0],
    ['A', 77, 88, 5, 9, 0],
    ['F', 1001, 0, 5, 9, 0],
    ['A', 77, 88, 5, 9, 9],
  ])
  const bare = play('{"id":1,"proto":"tcp","src":"10.0.0.1","dst":"10.0.0.2","seq":7}\n{"again":1}').seen
  assert.equal([bare[0]!.seq, bare[1]!.seq], [7, 1000])
})

test('replies to ICMP queries turn the type, other messages have none; SCTP answers INIT_ACK', () => {
  const ping = '{"id":1,"iface":"eth0","proto":"icmp","src":"10.0.0.1","dst":"10.0.0.2","icmp_id":7}'
  const went = (type: number): Partial<Answer> => ({
    verdict: 'forward',
    out_iface: 'pod0',
    proto: 'icmp',
    src: '10.0.0.1',
    dst: '10.0.0.2',
    icmp_type: type,
    icmp_code: 0,
    icmp_id: 7,
  })
  const reply = play(`${ping}\n{"reply_to":1}`, { 1: went(8) }).seen[1]!
  assert.equal([reply.icmp_type, reply.icmp_id, reply.src], [0, 7, '10.0.0.2'])
  assert.is(play(`${ping}\n{"reply_to":1}`, { 1: went(10) }).out[1]!.verdict, 'skipped')
  const init = '{"id":1,"iface":"eth0","proto":"sctp","src":"10.0.0.1","dst":"10.0.0.2","sport":1,"dport":2}'
  const gone: Partial<Answer> = {
    verdict: 'forward',
    out_iface: 'pod0',
    proto: 'sctp',
    src: '10.0.0.1',
    dst: '10.0.0.2',
    sport: 1,
    dport: 2,
  }
  const ack = play(`${init}\n{"reply_to":1}`, { 1: gone }).seen[1]!
  assert.equal([ack.sctp_chunk, ack.vtag, ack.sport], ['INIT_ACK', 0x0a0a0a0a, 2])
})

test('an error quotes the packet as it was on the wire where it ended', () => {
  const { seen, out } = play(`${SYN}\n{"id":2,"error_to":1,"icmp_code":1,"src":"10.244.0.1"}`, { 1: FORWARDED })
  const error = seen[1]!
  assert.equal(
    [error.proto, error.icmp_type, error.icmp_code, error.src, error.dst],
    ['icmp', 3, 1, '10.244.0.1', '192.168.0.50'],
  )
  assert.equal([error.iface, error.inner?.dst, error.inner?.ttl, error.inner_len], ['pod0', '10.244.0.5', 63, 48])
  assert.is(packetLength(error), 20 + 8 + 40)
  assert.equal(out[1]!.in?.inner, {
    proto: 'tcp',
    src: '192.168.0.50',
    dst: '10.244.0.5',
    ttl: 63,
    sport: 40000,
    dport: 8080,
    flags: 'S',
  })
})

test('how much an error quotes: 28 bytes, the TCP header whole, 48 and 68 for IPv6', () => {
  const length = (proto: string, v6: boolean, payload: number): number => {
    const [src, dst] = v6 ? ['fd00::1', 'fd00::2'] : ['10.0.0.1', '10.0.0.2']
    const line = JSON.stringify({ id: 1, iface: 'eth0', proto, src, dst, sport: 1, dport: 2, payload_len: payload })
    const { seen } = play(`${line}\n{"error_to":1}`, {
      1: {
        verdict: 'forward',
        out_iface: 'pod0',
        proto: proto as 'tcp',
        src: src!,
        dst: dst!,
        sport: 1,
        dport: 2,
        ttl: 63,
      },
    })
    return packetLength(seen[1]!)
  }
  assert.equal(
    [length('udp', false, 0), length('udp', false, 500), length('tcp', false, 0), length('tcp', false, 500)],
    [56, 56, 68, 76],
  )
  assert.equal([length('udp', true, 9), length('tcp', true, 9), length('sctp', false, 0)], [96, 116, 56])
})

test('printed answers: tos 0 and TCP numbers left out, numbers of protocols as text', () => {
  const line = '{"id":"a","iface":"eth0","proto":99,"src":"10.0.0.1","dst":"10.0.0.2","mark":"0x10","tos":0,"win":5}'
  const { out } = play(line, {
    a: {
      verdict: 'forward',
      out_iface: 'pod0',
      proto: 99,
      src: '10.0.0.1',
      dst: '10.0.0.2',
      ttl: 63,
      tos: 0,
      mark: 16,
    },
  })
  assert.equal(out, [
    {
      id: 'a',
      verdict: 'forward',
      in: { iface: 'eth0', proto: '99', src: '10.0.0.1', dst: '10.0.0.2', ttl: 64, mark: 16 },
      out_iface: 'pod0',
      proto: '99',
      src: '10.0.0.1',
      dst: '10.0.0.2',
      ttl: 63,
      mark: 16,
    },
  ])
})

test('ids: the line number where none is given; comments and blank lines are passed over', () => {
  const { out } = play('// a comment\n\n{"proto":"udp","src":"10.0.0.1","dst":"10.0.0.2"}\r\n{"again":3}\n')
  assert.equal(
    out.map((a) => a.id),
    [3, 4],
  )
  assert.is(out[1]!.verdict, 'drop')
})

test('time: at_ms or the sum of gap_ms', () => {
  const p = (more: string): string => `{"proto":"udp","src":"10.0.0.1","dst":"10.0.0.2"${more}}`
  const { seen, out } = play(
    [p(''), p(',"gap_ms":30'), p(',"at_ms":100'), p(''), p(',"gap_ms":5'), '{"again":3,"gap_ms":1}'].join('\n'),
  )
  assert.equal(
    seen.map((s) => s.at_ms),
    [0, 30, 100, 100, 105, 106],
  )
  assert.equal(
    out.map((a) => a.in?.at_ms),
    [undefined, undefined, 100, undefined, undefined, undefined],
  )
})

test('faults name the line and the column of the field', () => {
  const p = (more: string): string => `{"proto":"udp","src":"10.0.0.1","dst":"10.0.0.2"${more}}`
  const one = (text: string, pattern: RegExp): void => {
    const found = faults(text)
    assert.is(found.length, 1, found.join('\n'))
    assert.match(found[0]!, pattern)
  }
  one('{"proto":"xyz","src":"10.0.0.1","dst":"10.0.0.2"}', /^1:10 `proto`: unknown protocol "xyz"/)
  one(p(',"iface":"eth9"'), /^1:58 `iface`: there is no interface `eth9`/)
  one(`${p('')}\n${p(',"dport":70000')}`, /^2:58 `dport`: 70000/)
  one(p(',"at_ms":5,"gap_ms":1'), /`gap_ms`: a line has `at_ms` or `gap_ms`, not both/)
  one(`${p(',"at_ms":5')}\n${p(',"at_ms":4')}`, /^2:58 `at_ms`: time runs backwards: it is 5 ms already/)
  one(p(',"gap_ms":-1'), /`gap_ms`: a whole number of milliseconds/)
  one(`{"id":1,"reply_to":2}\n${p(',"id":2')}`, /^1:20 `reply_to`: no earlier line has the id `2`/)
  one(`${p(',"id":1')}\n{"reply_to":"1"}`, /`reply_to`: no earlier line has the id `"1"`/)
  one(`${p(',"id":1')}\n${p(',"id":1')}`, /^2:55 `id`: `1` is the id of line 1 already/)
  one(`${p('')}\n{"reply_to":1,"again":1}`, /`again`: a line refers to one packet/)
  one(`${p('')}\n{"reply_to":1,"frob":1}`, /^2:22 `frob`: unknown field/)
  one(`${p('')}\n{"error_to":1,"inner":{}}`, /`inner`: an `error_to` quotes/)
  one('{"proto":"udp","src":"10.0.0.1","dst":"fd00::1"}', /different families/)
  one(
    '{"proto":"icmp","src":"10.0.0.1","dst":"10.0.0.2","icmp_type":3,"inner":{"proto":"udp","src":"x","dst":"10.0.0.1"}}',
    /^1:94 `inner.src`/,
  )
  one('{"__proto__":{"x":1},"proto":"udp","src":"10.0.0.1","dst":"10.0.0.2"}', /^1:14 `__proto__`: unknown field/)
  one('[]', /^1:1 an object/)
  one('{"proto":', /^1:10 unexpected the end/)
  one('', /no packet in the file/)
  one('\u007fELF\u0000\u0001', /binary file/)
  one(`{"x":${'['.repeat(50)}`, /nests deeper than 16/)
  one(`"${'x'.repeat(70_000)}"`, /a line of 70002 characters; the limit is 65536/)
  assert.is(faults(`${p(',"dport":-1')}\n${p(',"sport":-1')}`).length, 2)
})

test('what goes wrong only when the packet is made names its line too', () => {
  assert.throws(
    () => play(`${SYN}\n{"reply_to":1,"dst":"fd00::1"}`, { 1: FORWARDED }),
    /^p.jsonl:2:21: `dst`: .*different families/,
  )
})

test('a RangeError of the data plane becomes a fault of the line', () => {
  const dataPlane = told({})
  dataPlane.process = () => {
    throw new RangeError('unknown interface eth0')
  }
  assert.throws(
    () => [...runScript(readPacketLines(SYN, { file }), dataPlane, { file })],
    /^p.jsonl:1:17: unknown interface eth0/,
  )
})

test.run()
