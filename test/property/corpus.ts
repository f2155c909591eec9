// A fixed sample of cases with what the reference says of them, in a file; and a core checked against that file.
// For faults planted in assembly/: the reference runs once, each faulty core only as far as its first difference.
//   node --import tsx test/property/corpus.ts write FILE CASES SEED
//   node --import tsx test/property/corpus.ts check FILE CORE.wasm     exit code 1: it differs
import { readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { type Engine, loadCore } from '../../src/engine/index.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { batchDifference, runBatches } from './batches.js'
import { CASES } from './cases.js'
import { engineOf } from './planes.js'
import { difference, type Outcome, play, replay } from './support.js'

interface Entry {
  readonly namespace: NetworkNamespace
  readonly seed: number
  readonly want: Outcome
}

const [mode, file, third, fourth] = process.argv.slice(2) as [string, string, string, string]

if (mode === 'write') {
  const each = Math.ceil(Number(third) / CASES.length)
  const entries: Entry[] = []
  for (const [i, [, arbitrary]] of CASES.entries())
    for (const { namespace, lines } of fc.sample(arbitrary, { numRuns: each, seed: Number(fourth) + i })) {
      const seed = entries.length
      entries.push({ namespace, seed, want: play(new ReferenceEngine(namespace, { seed }), lines) })
    }
  // Alternating, so that every kind comes early.
  entries.sort((a, b) => (a.seed % each) - (b.seed % each))
  writeFileSync(file, serialize(entries))
} else {
  const core = loadCore(readFileSync(third))
  for (const [i, { namespace, seed, want }] of (deserialize(readFileSync(file)) as Entry[]).entries()) {
    const make = (): Engine => engineOf(namespace, seed, { core })
    let where: string | null
    try {
      where = difference(want, replay(make(), want.packets))
      if (where === null && i % 8 === 0)
        where = batchDifference(want, runBatches(make(), want.packets, 7, i % 16 === 0), i % 16 === 0)
    } catch (error) {
      where = String(error)
    }
    if (where === null) continue
    process.stdout.write(`case ${i}: ${where.slice(0, 300)}\n`)
    process.exit(1)
  }
}
