// The compiled engine says what the reference says: every answer with its trace, steps and connection, all counters and
// the connections at the end; and a batch means its packets one after the other, however the sequence is cut.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import type { Image } from '../../src/engine/index.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { batchDifference, runBatches } from './batches.js'
import { CASES } from './cases.js'
import { type Case, minimise } from './minimise.js'
import { engineOf, imageOf } from './planes.js'
import { difference, type Outcome, options, pinned, play, replay } from './support.js'

/** What one case shows, or null when the engines agree. */
function disagreement({ namespace, packets, seed }: Case): string | null {
  const want = replay(new ReferenceEngine(namespace, { seed }), packets)
  return difference(want, replay(engineOf(namespace, seed), packets))
}

/** Throws with the difference, and with a small case in a file, ready to be pinned. */
function fail(what: string, start: Case, fails: (it: Case) => boolean): never {
  const it = minimise(start, fails)
  const file = join(mkdtempSync(join(tmpdir(), 'nodeplane-')), 'case.json')
  writeFileSync(file, pinned(it.namespace, it.packets, it.seed))
  throw new Error(`${what}\nsmallest case: ${file}\n${disagreement(it) ?? '(agrees packet by packet)'}`)
}

function both({ namespace, lines }: Scenario, seed: number): Outcome {
  const want = play(new ReferenceEngine(namespace, { seed }), lines)
  const start = { namespace, packets: want.packets, seed }
  const where = difference(want, replay(engineOf(namespace, seed), want.packets))
  if (where !== null) fail(where, start, (it) => disagreement(it) !== null)
  return want
}

/** What batches of `size` show; `want` and `image` are those of the case. */
function cut(it: Case, size: number, trace: boolean, want?: Outcome, image?: Image): string | null {
  const expected = want ?? replay(new ReferenceEngine(it.namespace, { seed: it.seed }), it.packets)
  const engine = engineOf(image ?? it.namespace, it.seed)
  return batchDifference(expected, runBatches(engine, it.packets, size, trace), trace)
}

const it = suite('engine and reference agree')

for (const [name, arbitrary, usual] of CASES)
  it(name, () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), (scenario, seed) => {
        both(scenario, seed)
      }),
      { ...options(usual), endOnFailure: true },
    )
  })

it('a sequence cut into batches of 1, 2, 7, 256 and all', () => {
  fc.assert(
    fc.property(
      scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 4 }) }), { maxPackets: 300 }),
      fc.nat(),
      (scenario, seed) => {
        const want = both(scenario, seed)
        const image = imageOf(scenario.namespace)
        for (const size of [1, 2, 7, 256, want.packets.length])
          for (const trace of [true, false]) {
            const start = { namespace: scenario.namespace, packets: want.packets, seed }
            const where = cut(start, size, trace, want, image)
            if (where !== null) fail(`batches of ${size}: ${where}`, start, (it) => cut(it, size, trace) !== null)
          }
      },
    ),
    { ...options(6), endOnFailure: true },
  )
})

it.run()
