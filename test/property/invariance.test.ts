// What must not matter does not: tracing, printing and reading the rules, a second run. And what is left to chance is
// even: the statistic match, over many seeds and over the packets of one.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import { completePacket } from '../../src/net/complete.js'
import type { Answer } from '../../src/net/packet.js'
import type { Rule, Ruleset } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { readRules } from '../../src/netfilter/read.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { engineOf } from './planes.js'
import { answerOf, difference, type Outcome, options, play, replay } from './support.js'

const ENGINES: [string, (ns: NetworkNamespace, seed: number) => DataPlane, number][] = [
  ['engine', (ns, seed) => engineOf(ns, seed), 10],
  ['reference', (ns, seed) => new ReferenceEngine(ns, { seed }), 6],
]

const cases: fc.Arbitrary<Scenario> = scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 5 }) }), {
  maxPackets: 150,
})

/** Without what tracing adds. */
function untraced(outcome: Outcome): Outcome {
  const answers = outcome.answers.map(
    ({ trace: _, trace_reply: __, steps: ___, flooded: ____, ...rest }) => rest as Answer,
  )
  return { ...outcome, answers }
}

/** Without lines: a rule that was printed and read has other ones. */
function unplaced(outcome: Outcome): Outcome {
  const answers = outcome.answers.map((a) => {
    // The words with which a packet was stopped name the place as well.
    if (a.verdict === 'skipped')
      return { ...a, out_iface: a.out_iface?.replace(/ \([^)]*\)(?=, which needs)/, '') ?? '' }
    if (!a.dropped_by) return a
    const { file: _, line: __, ...by } = a.dropped_by
    return { ...a, dropped_by: by }
  })
  return { ...outcome, answers }
}

const printed = (ruleset: Ruleset): Ruleset => {
  // Without a table there is nothing to print, and a file without one is refused.
  if (ruleset.tables.length === 0) return ruleset
  const text = printRules(ruleset, { counters: true })
  return readRules(text, { file: 'printed', family: ruleset.family, backend: ruleset.backend })
}

const same = (want: Outcome, got: Outcome): void => assert.is(difference(want, got), null, difference(want, got) ?? '')

for (const [name, make, usual] of ENGINES) {
  const it = suite(`what must not matter, ${name}`)
  const check = (what: string, property: (scenario: Scenario, seed: number) => void): void =>
    it(what, () => {
      fc.assert(
        fc.property(cases, fc.nat(), (scenario, seed) => property(scenario, seed)),
        { ...options(usual), endOnFailure: true },
      )
    })

  check('tracing changes no answer, counter, connection or draw', ({ namespace, lines }, seed) => {
    const traced = play(make(namespace, seed), lines)
    const quiet = replay(make(namespace, seed), traced.packets, { ct: true })
    same(untraced(traced), quiet)
    // Traced now and then: as if always, or never.
    const plane = make(namespace, seed)
    const answers = traced.packets.map((p, i) => answerOf(plane, p, { ct: true, trace: i % 3 === 0 }))
    same(
      untraced(traced),
      untraced({ ...traced, answers, conntrack: plane.conntrack(), counters: plane.counters(), sets: plane.sets() }),
    )
  })

  check('the same seed gives the same', ({ namespace, lines }, seed) => {
    const first = play(make(namespace, seed), lines)
    same(first, replay(make(namespace, seed), first.packets))
  })

  check('rules that were printed and read mean the same', ({ namespace, lines }, seed) => {
    const first = play(make(namespace, seed), lines)
    const again = { ...namespace, rulesets: namespace.rulesets.map(printed) }
    same(unplaced(first), unplaced(replay(make(again, seed), first.packets)))
  })

  /** Four rules that share the packets of a chain evenly, as kube-proxy writes them. */
  const ladder: readonly Rule[] = [4, 3, 2].map((n) => ({
    matches: [{ match: 'statistic', mode: 'random', not: false, probability: Math.round(2 ** 31 / n) }],
    target: { target: 'RETURN' },
    line: 0,
  }))
  const zero = { packets: 0n, bytes: 0n }
  const rulesets: Ruleset[] = [
    {
      family: 'ipv4',
      backend: 'legacy',
      file: '',
      tables: [
        {
          name: 'filter',
          chains: [
            { name: 'INPUT', policy: 'ACCEPT', counters: zero, rules: [] },
            { name: 'FORWARD', policy: 'ACCEPT', counters: zero, rules: [...ladder, { matches: [], line: 0 }] },
            { name: 'OUTPUT', policy: 'ACCEPT', counters: zero, rules: [] },
          ],
        },
      ],
    },
  ]
  const plain = fc.sample(namespaces({ plain: true, rulesets: fc.constant(rulesets) }), { numRuns: 1, seed: 1 })
  const packet = completePacket({ iface: 'eth0', proto: 'udp', src: '10.0.0.10', dst: '8.8.8.8', sport: 1, dport: 2 })
  /** Which rung each of some packets took: 1..4. */
  const rungs = (seed: number, packets: number): number[] => {
    const plane = make(plain[0] as NetworkNamespace, seed)
    return Array.from({ length: packets }, () =>
      Number(plane.process(packet, { trace: true }).trace?.[0]?.split(':').at(-1)),
    )
  }
  /** Sum of squared deviations; three degrees of freedom: above 27.9 once in 260,000. */
  const chiSquare = (picks: readonly number[]): number =>
    [1, 2, 3, 4].reduce((sum, rung) => {
      const expected = picks.length / 4
      return sum + (picks.filter((p) => p === rung).length - expected) ** 2 / expected
    }, 0)

  it('picks are even over the packets of one seed', () => {
    const picks = rungs(1, 8000)
    assert.ok(picks.every((p) => p >= 1 && p <= 4))
    assert.ok(chiSquare(picks) < 27.9, `chi square ${chiSquare(picks)}`)
  })

  it('picks are even over seeds, and seeds differ', () => {
    const picks = Array.from({ length: 1000 }, (_, seed) => rungs(seed, 2))
    for (const at of [0, 1]) assert.ok(chiSquare(picks.map((p) => p[at] as number)) < 27.9, `packet ${at}`)
    // Neighbouring picks know nothing of each other: 16 cells of 1000, about 62 each.
    const pairs = new Map<string, number>()
    for (const p of picks) pairs.set(p.join(), (pairs.get(p.join()) ?? 0) + 1)
    assert.is(pairs.size, 16)
    const chi = [...pairs.values()].reduce((sum, n) => sum + (n - 62.5) ** 2 / 62.5, 0)
    assert.ok(chi < 50, `chi square of pairs ${chi}`)
  })

  it.run()
}
