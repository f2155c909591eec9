// Rules swapped between packets: engine and reference agree on every answer, connection and counter before and after.
// A swap keeps some rules and chains as the objects that they are, makes others anew, drops and adds some.
import fc from 'fast-check'
import { suite } from 'uvu'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import { FaultError } from '../../src/net/fault.js'
import type { Answer, ConntrackEntry, Packet } from '../../src/net/packet.js'
import type { Chain, Rule, Ruleset } from '../../src/netfilter/model.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { PacketScript } from '../../src/netns/refer.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { Dice } from '../fuzz/damaged-images.js'
import { kubeNamespaces } from './cases.js'
import { engineOf } from './planes.js'
import { answerOf, difference, type Outcome, options, plain, runs } from './support.js'

const clone = (rule: Rule): Rule => ({ ...rule, matches: rule.matches.map((m) => ({ ...m })) })

/** `spare`: rules of the chain's name at the start, to come back. */
function swappedChain(chain: Chain, spare: readonly Rule[], dice: Dice): Chain {
  const how = dice.below(7)
  if (how < 2) return chain
  // Emptied and filled with what it held.
  if (how === 6) return { ...chain }
  if (how === 2) return { ...chain, rules: chain.rules.map(clone) }
  if (how === 3) return { ...chain, rules: spare.map(clone) }
  const rules = chain.rules.filter(() => dice.below(4) > 0)
  const more = spare.filter(() => dice.below(5) === 0).map(clone)
  return { ...chain, rules: how === 4 ? rules : [...more, ...rules] }
}

function swapped(now: readonly Ruleset[], first: readonly Ruleset[], dice: Dice): Ruleset[] {
  return now.map((ruleset, f) => ({
    ...ruleset,
    tables: ruleset.tables.map((table, t) => ({
      ...table,
      chains: swappedChains(table.chains, first[f]!.tables[t]!.chains, dice),
    })),
  }))
}

/** Each chain perhaps another; one that nobody leads to may go, one that went may come back. */
function swappedChains(now: readonly Chain[], first: readonly Chain[], dice: Dice): Chain[] {
  const few = dice.below(2) === 0
  const chains = now.map((chain) => {
    const spare = first.find((c) => c.name === chain.name)?.rules ?? []
    return few && dice.below(4) > 0 ? chain : swappedChain(chain, spare, dice)
  })
  const ledTo = (list: readonly Chain[]): Set<string> =>
    new Set(list.flatMap((c) => c.rules.flatMap((r) => (r.target && 'chain' in r.target ? [r.target.chain] : []))))
  const kept = chains.filter((c) => c.policy !== null || ledTo(chains).has(c.name) || dice.below(2) > 0)
  const missing = (): Chain[] =>
    first.filter((c) => !kept.some((k) => k.name === c.name) && (ledTo(kept).has(c.name) || dice.below(4) === 0))
  for (let more = missing(); more.length > 0; more = missing())
    kept.push(...more.map((c) => ({ ...c, rules: c.rules.map(clone) })))
  return kept
}

interface Swap {
  /** Before this packet. */
  readonly at: number
  readonly rulesets: readonly Ruleset[]
  /** What had been counted by then. */
  readonly counters: readonly Ruleset[]
  /** Some connections are deleted as well. */
  readonly deletes: boolean
}

const deleted = (entry: ConntrackEntry): boolean => ((entry.orig.sport ?? 1) & 1) === 1

const WANT = { trace: true, ct: true }
const RARELY = 10

/** Plays lines, and swaps rules now and then as the dice say. */
function playSwapping(
  { namespace, lines }: Scenario,
  seed: number,
  dice: Dice,
): { outcome: Outcome; swaps: Swap[]; sets: string } {
  const plane = new ReferenceEngine(namespace, { seed })
  const packets: Packet[] = []
  const answers: Answer[] = []
  const swaps: Swap[] = []
  const script = new PacketScript({ file: 'packets' })
  const text = lines.map((line) => JSON.stringify(line)).join('\n')
  for (const item of lines.length > 0 ? readPacketLines(text, { file: 'packets' }) : []) {
    let resolved: ReturnType<PacketScript['resolve']>
    try {
      resolved = script.resolve(item)
    } catch (error) {
      if (error instanceof FaultError) continue
      throw error
    }
    if (resolved === null) continue
    if (dice.below(RARELY) === 0) {
      const rulesets = swapped(plane.rulesets, namespace.rulesets, dice)
      const deletes = dice.below(3) === 0
      swaps.push({ at: packets.length, rulesets, counters: plane.counters(), deletes })
      plane.swapRules(rulesets)
      if (deletes) plane.deleteConnections(deleted)
    }
    const answer = answerOf(plane, resolved.packet, WANT)
    packets.push(resolved.packet)
    answers.push(answer)
    script.settle(item, resolved, answer)
  }
  const sets = plain(plane.sets())
  return {
    sets,
    outcome: { packets, answers, conntrack: plane.conntrack(), counters: plane.counters(), sets: plane.sets() },
    swaps,
  }
}

let swapCount = 0
let patchCount = 0

function check(scenario: Scenario, seed: number): void {
  const { outcome, swaps, sets } = playSwapping(scenario, seed, new Dice(seed))
  swapCount += swaps.length
  const engine = engineOf(scenario.namespace, seed, { recentStamps: true, room: 1 })
  const answers: Answer[] = []
  for (const [i, packet] of outcome.packets.entries()) {
    for (const swap of swaps.filter((s) => s.at === i)) {
      const empty = { packets: [], answers: [], conntrack: [], sets: [] }
      const where = difference({ ...empty, counters: swap.counters }, { ...empty, counters: engine.counters() })
      if (where !== null) throw new Error(`before packet ${i}: ${where}`)
      engine.swapRules(swap.rulesets)
      if (engine.patches > 0) patchCount++
      if (swap.deletes) engine.deleteConnections(deleted)
    }
    answers.push(answerOf(engine, packet, WANT))
  }
  const got = {
    packets: outcome.packets,
    answers,
    conntrack: engine.conntrack(),
    counters: engine.counters(),
    sets: engine.sets(),
  }
  if (plain(engine.sets()) !== sets) throw new Error(`sets: want ${sets}, got ${plain(engine.sets())}`)
  const where = difference(outcome, got)
  if (where !== null) throw new Error(`swaps before packets ${swaps.map((s) => s.at).join()}: ${where}`)
}

const KINDS: readonly (readonly [string, fc.Arbitrary<Scenario>, number])[] = [
  ['any namespace', scenarios(namespaces(), { maxPackets: 120 }), 25],
  [
    'lists, limits and counters',
    scenarios(
      namespaces({
        rulesets: trafficRulesets({
          tables: ['mangle', 'filter'],
          matches: ['recent', 'limit', 'statistic', 'connmark', 'set', 'quota'],
          maxRules: 6,
        }),
      }),
      { minPackets: 60, maxPackets: 200, narrow: true },
    ),
    25,
  ],
  [
    'rules without a memory',
    scenarios(
      namespaces({
        plain: true,
        rulesets: trafficRulesets({
          tables: ['mangle', 'nat', 'filter'],
          matches: ['conntrack', 'mark', 'connmark', 'addrtype', 'iprange', 'state'],
          maxRules: 6,
        }),
      }),
      { minPackets: 60, maxPackets: 200, narrow: true },
    ),
    25,
  ],
  ["kube-proxy's rules", scenarios(kubeNamespaces, { minPackets: 60, maxPackets: 200, narrow: true }), 15],
]

const it = suite('rules swapped under way: engine and reference agree')
for (const [name, arbitrary, usual] of KINDS)
  it(name, () => {
    fc.assert(fc.property(arbitrary, fc.nat(), check), { ...options(usual), endOnFailure: true })
  })
it('rules were swapped often', () => {
  if (swapCount < 8 * runs(25)) throw new Error(`only ${swapCount} swaps`)
  if (patchCount < runs(25)) throw new Error(`only ${patchCount} of ${swapCount} swaps were patches`)
})
it.run()
