// `replay --choices`: answers of one run, given to another with another seed, lead it the same way.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeProgram } from '../../src/cli/main.js'
import { FaultError } from '../../src/net/fault.js'

const cluster = fileURLToPath(new URL('../../examples/cluster.yaml', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'nodeplane-choices-'))
const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}

async function replay(...more: string[]): Promise<string> {
  const { stdout, stderr } = process
  const write = [stdout.write, stderr.write] as const
  let out = ''
  stdout.write = ((text: string) => {
    out += text
    return true
  }) as typeof stdout.write
  stderr.write = (() => true) as typeof stderr.write
  try {
    const source = ['--cluster', cluster, '--node', NODE]
    await makeProgram().parseAsync(['replay', ...source, '--ct', '--trace', ...more], { from: 'user' })
    return out
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    return error.message
  } finally {
    stdout.write = write[0]
    stderr.write = write[1]
  }
}

const NODE = 'worker-a1'
const PACKETS = file(
  'packets.jsonl',
  Array.from(
    { length: 24 },
    (_, i) =>
      `${JSON.stringify({ id: i + 1, iface: 'cni0', proto: 'udp', src: '10.244.1.9', sport: 5000 + i, dst: '10.96.0.10', dport: 53 })}\n`,
  ).join(''),
)

const it = suite('replay --choices')
it.after(() => rmSync(dir, { recursive: true }))

for (const engine of ['wasm', 'reference'])
  it(`${engine}: the answers of another seed are followed`, async () => {
    const packets = ['--packets', PACKETS, '--engine', engine]
    const one = await replay(...packets, '--random', '1')
    assert.not.equal(one, await replay(...packets, '--random', '2'))
    const answers = file('answers.jsonl', one)
    assert.is(await replay(...packets, '--random', '2', '--choices', answers), one)
  })

it('an impossible choice, or a use that makes no sense, is one line', async () => {
  const answers = file('other.jsonl', (await replay('--packets', PACKETS)).replaceAll(/"id":3,/g, '"id":"three",'))
  const refused = await replay('--packets', PACKETS, '--choices', answers)
  assert.match(refused, /other\.jsonl: packet 3: a random choice is met, but there is no answer with this id$/)
  const pcap = await replay('--pcap', 'x.pcap', '--iface', 'eth0', '--choices', answers)
  assert.is(pcap, '--choices: answers are found by the ids of packets: give --packets FILE')
  const stdin = await replay('--packets', '-', '--choices', '-')
  assert.is(stdin, '--choices: standard input is read by --packets already')
})

it.run()
