// What Linux 6.18 did with packets in namespaces that were gathered there by `ip -j`, iptables-save and sysctl: each case
// holds the gathered files, the packets and the kernel's answers. Both engines have to give these answers; where the
// kernel drew at random they follow its draws.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FollowingEngine } from '../../src/cli/choices.js'
import { readBundle } from '../../src/netns/bundle.js'
import { readChoices } from '../../src/netns/choices.js'
import { printIpsets } from '../../src/netns/ipset-print.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { runScript } from '../../src/netns/script.js'
import { ReferenceEngine } from '../../src/reference/index.js'

type Line = Record<string, unknown>

interface KernelCase {
  /** What it shows, one sentence. */
  readonly note: string
  readonly forceConntrack: boolean
  readonly files: Readonly<Record<string, string>>
  readonly packets: readonly Line[]
  readonly answers: readonly Line[]
  /** What `ipset save` said afterwards. */
  readonly sets?: string
}

const folder = fileURLToPath(new URL('kernel-cases/', import.meta.url))

/** Keys that a kernel's answer shares with ours. */
const KEYS = [
  ...([
    'verdict',
    'out_iface',
    'out_port',
    'in_iface',
    'proto',
    'src',
    'dst',
    'sport',
    'dport',
    'ttl',
    'tos',
    'mark',
  ] as const),
  ...(['flags', 'icmp_type', 'icmp_code', 'icmp_id', 'inner', 'reject_with', 'reply', 'errno', 'ct'] as const),
  ...(['trace', 'trace_reply'] as const),
]

/** A value in an order of its own, without what depends on the clock and what only some kernels' tuples say. */
function plain(value: unknown, inGre = false): unknown {
  if (Array.isArray(value)) return value.map((v) => plain(v, inGre))
  if (typeof value !== 'object' || value === null) return value
  const gre = inGre || (value as Line)['proto'] === 'gre'
  return Object.fromEntries(
    Object.entries(value)
      .filter(([k]) => k !== 'timeout' && k !== 'zone' && !(gre && (k === 'sport' || k === 'dport')))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, plain(v, gre)]),
  )
}

function comparable(answer: Line): Line {
  const out: Line = {}
  for (const key of KEYS) {
    const value = answer[key] ?? null
    // Nobody listened at the queues there: the kernel drops.
    if (value === 'queue') out[key] = 'drop'
    else if (value !== null && !(Array.isArray(value) && value.length === 0)) out[key] = plain(value)
  }
  return out
}

/** What `ipset save` says in an order of its own, without the hash's secrets; timeouts within a second or two are the same. */
function savedSets(text: string): string[] {
  return text
    .split('\n')
    .map((l) => l.replace(/ bucketsize \d+ initval \w+/, '').replace(/ timeout ([1-9]\d*)/, ' timeout N'))
    .filter((l) => l !== '')
    .sort()
}

const it = suite('kernel cases')

for (const name of readdirSync(folder).filter((f) => f.endsWith('.json')))
  for (const engine of ['reference', 'wasm'] as const)
    it(`${name}: ${engine}`, () => {
      const { note, forceConntrack, files, packets, answers, sets } = JSON.parse(
        readFileSync(folder + name, 'utf8'),
      ) as KernelCase
      const namespace = readBundle(new Map(Object.entries(files)), { forceConntrack })
      const lines = (all: readonly Line[]): string => all.map((l) => `${JSON.stringify(l)}\n`).join('')
      const choices = readChoices(lines(answers), { file: 'answers' })
      const plane =
        engine === 'wasm' ? new FollowingEngine(namespace, choices) : new ReferenceEngine(namespace, { choices })
      const got = [
        ...runScript(readPacketLines(lines(packets), { file: 'packets' }), plane, {
          file: 'packets',
          trace: true,
          ct: true,
        }),
      ] as unknown as Line[]
      assert.is(got.length, answers.length)
      // Of a packet that met no hook nobody there saw the mark.
      for (const [i, answer] of answers.entries())
        assert.equal(
          comparable('mark' in answer ? got[i]! : { ...got[i]!, mark: null }),
          comparable(answer),
          `${note}: packet ${String(answer['id'])}`,
        )
      if (sets !== undefined) assert.equal(savedSets(printIpsets(plane.sets())), savedSets(sets), `${note}: sets`)
    })

it.run()
