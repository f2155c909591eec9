// A fixed sample of cases with what the reference says of them, in a file; and cores checked against that file.
// For faults planted in assembly/: the reference runs once, each faulty core only as far as its first difference.
//   node --import tsx test/property/corpus.ts write FILE CASES SEED
//   node --import tsx test/property/corpus.ts serve FILE     a core's path a line; answers a line: {case, where}
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { type Engine, type Image, loadCore } from '../../src/engine/index.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { batchDifference, runBatches } from './batches.js'
import { CASES } from './cases.js'
import { engineOf, imageOf } from './planes.js'
import { difference, type Outcome, play, replay } from './support.js'

interface Entry {
  readonly namespace: NetworkNamespace
  readonly seed: number
  readonly want: Outcome
}

interface Found {
  /** Index of the first case that differs. */
  readonly case: number
  readonly where: string | null
}

/** Compiled once for all cores. */
const images: Image[] = []

function firstDifference(entries: readonly Entry[], path: string): Found {
  let i = 0
  try {
    const core = loadCore(readFileSync(path))
    for (; i < entries.length; i++) {
      const { namespace, seed, want } = entries[i]!
      const image = images[i] ?? imageOf(namespace)
      images[i] = image
      const make = (): Engine => engineOf(image, seed, { core })
      let where = difference(want, replay(make(), want.packets))
      if (where === null && i % 8 === 0)
        where = batchDifference(want, runBatches(make(), want.packets, 7, i % 16 === 0), i % 16 === 0)
      if (where !== null) return { case: i, where: where.slice(0, 300) }
    }
  } catch (error) {
    return { case: i, where: String(error).slice(0, 300) }
  }
  return { case: i, where: null }
}

const [mode, file, cases, start] = process.argv.slice(2) as [string, string, string, string]

if (mode === 'write') {
  const each = Math.ceil(Number(cases) / CASES.length)
  const entries: Entry[] = []
  for (const [i, [, arbitrary]] of CASES.entries())
    for (const { namespace, lines } of fc.sample(arbitrary, { numRuns: each, seed: Number(start) + i })) {
      const seed = entries.length
      entries.push({ namespace, seed, want: play(new ReferenceEngine(namespace, { seed }), lines) })
    }
  // Alternating, so that every kind comes early.
  entries.sort((a, b) => (a.seed % each) - (b.seed % each))
  writeFileSync(file, serialize(entries))
} else {
  const entries = deserialize(readFileSync(file)) as Entry[]
  for await (const path of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(firstDifference(entries, path))}\n`)
}
