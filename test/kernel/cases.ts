// The random cases of the kernel test: those of the property tests, with time that can be waited for.
import fc from 'fast-check'
import type { PacketLine, Scenario } from '../../src/arbitraries/index.js'
import type { Backend, Family } from '../../src/netfilter/model.js'
import { CASES } from '../property/cases.js'
import type { KernelCase } from './play.js'

export interface CaseOptions {
  readonly seed: number
  readonly family?: Family | undefined
  readonly backend: Backend | 'both'
}

export interface NamedCase extends KernelCase {
  readonly name: string
}

/** Longest wait within a case, and most of all waits together, in ms. */
const LONGEST = 1_300
const ALTOGETHER = 2_600

/** Real time for abstract gaps: short ones as they are, long ones as long as a case can wait, until its time is up. */
function realTime(lines: readonly PacketLine[]): PacketLine[] {
  let [before, clock] = [0, 0]
  return lines.map((line) => {
    const gap = line.at_ms - before
    before = line.at_ms
    const wait = gap < 100 ? gap : gap < 2000 ? 500 : LONGEST
    if (clock + wait <= ALTOGETHER) clock += wait
    return { ...line, at_ms: clock }
  })
}

function ofFamily({ namespace, lines }: Scenario, family: Family | undefined): Scenario {
  if (family === undefined) return { namespace, lines }
  const foreign = (line: PacketLine): boolean =>
    typeof line['src'] === 'string' && line['src'].includes(':') !== (family === 'ipv6')
  return {
    namespace: { ...namespace, rulesets: namespace.rulesets.filter((r) => r.family === family) },
    lines: lines.filter((line) => !foreign(line)),
  }
}

function caseOf(name: string, scenario: Scenario, backend: Backend, family: Family | undefined): NamedCase {
  const { namespace, lines } = ofFamily(scenario, family)
  const rulesets = namespace.rulesets.map((r) => ({ ...r, backend }))
  return { name, namespace: { ...namespace, rulesets }, lines: realTime(lines), backend }
}

const WEIGHT = CASES.reduce((sum, [, , usual]) => sum + usual, 0)
const CHUNK = 25

/** As many random cases as asked for, kinds in turn, the same for the same seed. */
export function* randomCases(count: number, options: CaseOptions): Generator<NamedCase, void, undefined> {
  const { seed, family } = options
  const made: { name: string; at: number; scenarios: Scenario[]; due: number; each: number; chunk: number }[] =
    CASES.map(([name, , usual]) => ({ name, at: 0, scenarios: [], due: 0, each: usual / WEIGHT, chunk: 0 }))
  for (let i = 0; i < count; i++) {
    for (const kind of made) kind.due += kind.each
    const kind = made.reduce((a, b) => (b.due > a.due ? b : a))
    kind.due -= 1
    if (kind.at === kind.scenarios.length) {
      const arbitrary = CASES[made.indexOf(kind)]![1]
      kind.scenarios = fc.sample(arbitrary, {
        numRuns: CHUNK,
        seed: seed * 1009 + made.indexOf(kind) * 101 + kind.chunk++,
      })
      kind.at = 0
    }
    const backend = options.backend === 'both' ? (i % 2 === 0 ? 'legacy' : 'nft') : options.backend
    yield caseOf(`${kind.name} ${i}`, kind.scenarios[kind.at++]!, backend, family)
  }
}
