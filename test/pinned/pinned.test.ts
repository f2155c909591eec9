// Cases that once made an engine wrong, as small as they could be made. Both engines must agree on every one of them,
// packet by packet, and say what `expect` says where a case has it (worked out by hand or seen of the kernel).
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Answer, Packet } from '../../src/net/packet.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { engineOf } from '../property/planes.js'
import { difference, replay } from '../property/support.js'

interface Pinned {
  /** What went wrong, one sentence. */
  readonly note: string
  readonly seed: string
  readonly namespace: NetworkNamespace
  readonly packets: readonly Packet[]
  /** By index of the packet: keys that the answer must have, with these values. */
  readonly expect?: Readonly<Record<string, Partial<Answer>>>
}

const folder = fileURLToPath(new URL('.', import.meta.url))
const read = (name: string): Pinned =>
  JSON.parse(readFileSync(folder + name, 'utf8'), (_, v: unknown) =>
    typeof v === 'string' && /^\d+n$/.test(v) ? BigInt(v.slice(0, -1)) : v,
  ) as Pinned

const it = suite('pinned cases')

for (const name of readdirSync(folder).filter((f) => f.endsWith('.json')))
  it(name, () => {
    const { note, seed, namespace, packets, expect } = read(name)
    const want = replay(new ReferenceEngine(namespace, { seed: BigInt(seed) }), packets)
    const got = replay(engineOf(namespace, BigInt(seed)), packets)
    for (const [i, keys] of Object.entries(expect ?? {}))
      for (const [key, value] of Object.entries(keys))
        for (const [engine, outcome] of [
          ['reference', want],
          ['engine', got],
        ] as const)
          assert.equal(
            outcome.answers[Number(i)]?.[key as keyof Answer],
            value,
            `${note}: ${engine}, packet ${i}, ${key}`,
          )
    assert.is(difference(want, got), null, `${note}: ${difference(want, got)}`)
  })

it.run()
