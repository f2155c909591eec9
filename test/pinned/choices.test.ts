// What Linux 6.18 (iptables-legacy 1.8.9) did with packets whose way is random: ladders of statistic rules, ports of
// MASQUERADE --random-fully and DNAT --random, clashes of ports and ICMP ids, two default routes. Recorded once, as facts;
// both engines have to go the same way when they are given the answers, and to say so when a choice is impossible.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FollowingEngine } from '../../src/cli/choices.js'
import { Engine } from '../../src/engine/index.js'
import { FaultError } from '../../src/net/fault.js'
import { readChoices } from '../../src/netns/choices.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { type PrintedAnswer, runScript } from '../../src/netns/script.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { readOracleCase } from '../support/oracle-case.js'

type Line = Record<string, unknown> & { ct?: Record<string, unknown> | null; trace?: string[] }
const folder = fileURLToPath(new URL('choices/', import.meta.url))
const textOf = (name: string): string => readFileSync(join(folder, name, 'answers.jsonl'), 'utf8')
const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

const ENGINES = ['wasm', 'reference'] as const
function following(name: string, text: string, engine: (typeof ENGINES)[number]): PrintedAnswer[] {
  const { namespace, packets } = readOracleCase(join(folder, name))
  const choices = readChoices(text, { file: 'answers' })
  const plane: DataPlane =
    engine === 'wasm' ? new FollowingEngine(namespace, choices) : new ReferenceEngine(namespace, { choices })
  return [
    ...runScript(readPacketLines(packets, { file: 'packets' }), plane, { file: 'packets', trace: true, ct: true }),
  ]
}

/** An answer without what a kernel does not say and what depends on its clock. */
function comparable(answer: object): Line {
  const { steps: _s, dropped_by: _d, ...line } = JSON.parse(JSON.stringify(answer)) as Line
  if (line.ct) delete line.ct['timeout']
  if (line.ct?.['zone'] === undefined) delete line.ct?.['zone']
  return line
}

const it = suite('recorded choices')
const CASES = ['ladder', 'masquerade', 'clash']

for (const name of CASES)
  for (const engine of ENGINES)
    it(`${name}: ${engine} goes where the kernel went`, () => {
      const want = linesOf(textOf(name))
      const got = following(name, textOf(name), engine)
      assert.is(got.length, want.length)
      for (const [i, answer] of got.entries()) assert.equal(comparable(answer), comparable(want[i]!))
    })

for (const name of CASES)
  it(`${name}: without the answers it goes elsewhere`, () => {
    const { namespace, packets } = readOracleCase(join(folder, name))
    const script = runScript(readPacketLines(packets, { file: 'packets' }), new Engine(namespace), {
      file: 'packets',
      trace: true,
      ct: true,
    })
    const want = linesOf(textOf(name)).map(comparable)
    assert.not.equal([...script].map(comparable), want)
  })

/** The recorded answers with one of them changed. */
function changed(name: string, id: number, change: (line: Line) => void): string {
  const lines = linesOf(textOf(name))
  change(lines.find((l) => l['id'] === id)!)
  return lines.map((l) => `${JSON.stringify(l)}\n`).join('')
}

function refused(name: string, text: string, pattern: RegExp): void {
  for (const engine of ENGINES)
    assert.throws(
      () => following(name, text, engine),
      (e: Error) => e instanceof FaultError && pattern.test(e.message),
      `${engine}: ${pattern}`,
    )
}

it('a branch that is not there is an error that names the packet', () => {
  const text = changed('ladder', 3, (l) => {
    l.trace = l.trace!.map((line) => line.replace(/:S:rule:\d/, ':S:rule:9'))
  })
  refused(
    'ladder',
    text,
    /^answers:3:1: packet 3: the trace recorded has nat:S:rule:9 after the choice of nat:S:rule:3/,
  )
})

it('a trace that is missing is an error only where a choice is met', () => {
  const without = changed('ladder', 2, (l) => delete l.trace)
  refused('ladder', without, /^answers:2:1: packet 2: rule nat:S:rule:1 is met, but no trace was recorded/)
  const reply = changed('ladder', 30, (l) => delete l.trace)
  assert.is(following('ladder', reply, 'wasm').length, linesOf(reply).length)
})

it('an answer that is missing is an error that names the packet', () => {
  const text = textOf('ladder').split('\n').slice(1).join('\n')
  refused('ladder', text, /^answers:.*packet 1: a random choice is met, but there is no answer with this id/)
})

const withPort = (port: number) => (line: Line) => {
  const reply = line.ct!['reply'] as Record<string, unknown>
  reply['dport'] = port
  line['sport'] = port
}

it('a port that is taken or out of range is an error that names the packet', () => {
  // Packet 1 kept 40000; packet 11 has a port below 512, so its new one is from 1 to 511.
  refused('clash', changed('clash', 2, withPort(40000)), /packet 2: the answer shows port or id 40000.*taken/)
  refused('clash', changed('clash', 12, withPort(600)), /packet 12: the answer shows port or id 600.* draw from 1-511/)
  // Nothing was to be chosen: its port was free.
  refused('clash', changed('clash', 1, withPort(40001)), /packet 1: the answer shows sport 40001.* lead to 40000/)
})

it('the final header is enough where no connection was recorded', () => {
  const text = linesOf(textOf('masquerade'))
    .map(({ ct: _, ...line }) => `${JSON.stringify(line)}\n`)
    .join('')
  for (const engine of ENGINES) {
    const got = following('masquerade', text, engine).map(comparable)
    assert.equal(got, linesOf(textOf('masquerade')).map(comparable))
  }
})

it('a backend that does not list the ends of user chains, and one that lists marks', () => {
  const text = linesOf(textOf('ladder'))
    .map((l) => `${JSON.stringify({ ...l, trace: l.trace!.map((t) => `${t} mark=0x4000`) })}\n`)
    .join('')
  assert.equal(following('ladder', text, 'wasm').map(comparable), linesOf(textOf('ladder')).map(comparable))
})

it('the engine draws by itself again when no draws are given', () => {
  const { namespace } = readOracleCase(join(folder, 'ladder'))
  const packet = (sport: number) =>
    ({ iface: 'pod0', proto: 'tcp', src: '10.244.0.5', dst: '10.96.0.10', sport, dport: 80, flags: 'S' }) as const
  const [plain, forced] = [new Engine(namespace), new Engine(namespace)]
  // u = 2^62 - 1 fails a match of any probability below 1: of rules 1, 2 (inverted), 3 the second matches.
  // Visits: nat PREROUTING is 0, S is 1.
  forced.forceDraws([{ purpose: 0, n: 1, value: 2n ** 64n - 1n }])
  assert.is(forced.process(packet(1)).dst, '192.168.0.52')
  plain.process(packet(1))
  forced.forceDraws([])
  for (let i = 2; i < 40; i++) assert.is(forced.process(packet(i)).dst, plain.process(packet(i)).dst)
})

it('wrong answer lines: every fault with its place', () => {
  const faults = (text: string): string => {
    try {
      readChoices(text, { file: 'f' })
      return ''
    } catch (error) {
      return (error as FaultError).message
    }
  }
  assert.is(faults(''), 'f: no answer in the file; one JSON object a line was expected')
  assert.is(
    faults('{"id":1,"verdict":"drop"}\n{"id":1,"verdict":"drop"}'),
    'f:2:1: packet 1 was answered in line 1 already',
  )
  assert.is(faults('[]'), 'f:1:1: an object, the answer to a packet, was expected')
  assert.is(faults('{"verdict":"drop"}'), "f:1:1: `id`: the packet's id was expected, a number or a text")
  assert.is(faults('{"id":1}'), 'f:1:1: `verdict`: missing: an answer says what became of the packet')
  assert.is(faults('{"id":1,"verdict":"drop","trace":"x"}'), 'f:1:34: `trace`: a list of texts was expected')
  assert.is(
    faults('{"id":1,"verdict":"out","sport":65536}\n{"id":2,"verdict":"out","src":"a"}'),
    'f:1:33: `sport`: a number from 0 to 65535 was expected\nf:2:31: `src`: an address was expected',
  )
  assert.match(faults('{"id":1,"n":3,"outcomes":[]}'), /several runs in one line/)
  assert.match(faults('{"id":1,'), /^f:1:9: /)
  assert.is(
    readChoices('{"__proto__":{"trace":[]},"id":"a","verdict":"drop"}', { file: 'f' }).answers.get('a')!.trace,
    undefined,
  )
})

it.run()
