// The compiled engine says what the reference says: every answer with its trace, steps and connection, all counters and
// the connections at the end; and a batch means its packets one after the other, however the sequence is cut.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import { clusters } from '../../src/arbitraries/kube.js'
import { Engine } from '../../src/engine/index.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import type { Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { batchDifference, runBatches } from './batches.js'
import { difference, type Outcome, options, pinned, play, replay } from './support.js'

/** Throws with the difference, and with the case in a file, ready to be pinned. */
function fail(what: string, { namespace }: Scenario, packets: readonly Packet[], seed: number): never {
  const file = join(mkdtempSync(join(tmpdir(), 'nodeplane-')), 'case.json')
  writeFileSync(file, pinned(namespace, packets, seed))
  throw new Error(`${what}\n  (case: ${file})`)
}

function both(it: Scenario, seed: number): Outcome {
  const want = play(new ReferenceEngine(it.namespace, { seed }), it.lines)
  const got = replay(new Engine(it.namespace, { seed, maxConnections: 4096 }), want.packets)
  const where = difference(want, got)
  if (where !== null) fail(where, it, want.packets, seed)
  return want
}

const kubeNamespaces = fc
  .record({ cluster: clusters({ services: 6, families: 'dual' }), cidr: fc.boolean(), nft: fc.boolean() })
  .map(({ cluster, cidr, nft }) =>
    nodeNamespace(cluster, 'node-0', {
      backend: nft ? 'nft' : 'legacy',
      proxyConfig: cidr ? { clusterCIDR: '10.244.0.0/16,fd00:244::/32' } : {},
    }),
  )

const CASES: readonly (readonly [string, fc.Arbitrary<Scenario>, number])[] = [
  ['any namespace', scenarios(namespaces(), { maxPackets: 120 }), 120],
  [
    'few rules, many packets',
    scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 2 }) }), { minPackets: 100, maxPackets: 400 }),
    25,
  ],
  ['plain links, many rules', scenarios(namespaces({ plain: true }), { maxPackets: 200 }), 30],
  ["kube-proxy's rules", scenarios(kubeNamespaces, { maxPackets: 200 }), 30],
]

const it = suite('engine and reference agree')

for (const [name, arbitrary, usual] of CASES)
  it(name, () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), (scenario, seed) => {
        both(scenario, seed)
      }),
      options(usual),
    )
  })

it('a sequence cut into batches of 1, 2, 7, 256 and all', () => {
  fc.assert(
    fc.property(
      scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 4 }) }), { maxPackets: 300 }),
      fc.nat(),
      (scenario, seed) => {
        const want = both(scenario, seed)
        for (const size of [1, 2, 7, 256, want.packets.length])
          for (const trace of [true, false]) {
            const engine = new Engine(scenario.namespace, { seed, maxConnections: 4096 })
            const where = batchDifference(want, runBatches(engine, want.packets, size, trace), trace)
            if (where !== null)
              fail(`batches of ${size}${trace ? ', traced' : ''}: ${where}`, scenario, want.packets, seed)
          }
      },
    ),
    options(25),
  )
})

it.run()
