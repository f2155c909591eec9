// The random cases of the kernel test: those of the property tests, with time that can be waited for.
import fc from 'fast-check'
import type { PacketLine, Scenario } from '../../src/arbitraries/index.js'
import type { Backend, Chain, Family, Match, Rule, Ruleset } from '../../src/netfilter/model.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { CASES } from '../property/cases.js'
import { Focus } from './focus.js'
import type { KernelCase } from './play.js'

export interface CaseOptions {
  readonly seed: number
  readonly family?: Family | undefined
  readonly backend: Backend | 'both'
  /** Only these kinds of cases. Default: all. */
  readonly kinds?: readonly string[]
}

export interface NamedCase extends KernelCase {
  readonly name: string
}

/** Longest wait within a case, and most of all waits together, in ms: one case in four has time, the others hardly any. */
const LONGEST = 1_300
const ALTOGETHER = [2_600, 200, 200, 200] as const

/** Real time for abstract gaps: short ones as they are, long ones as long as a case can wait, until its time is up. */
function realTime(lines: readonly PacketLine[], n: number): PacketLine[] {
  const altogether = ALTOGETHER[n % ALTOGETHER.length]!
  let [before, clock] = [0, 0]
  return lines.map((line) => {
    const gap = line.at_ms - before
    before = line.at_ms
    const wait = gap < 100 ? gap : gap < 2000 ? 500 : LONGEST
    if (clock + wait <= altogether) clock += wait
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

/** TCPMSS puts an option into a SYN that has none, which makes it longer; here all have one. */
function avoided({ namespace, lines }: Scenario): Scenario {
  const clamped = namespace.rulesets.some((r) =>
    r.tables.some((t) => t.chains.some((c) => c.rules.some((rule) => rule.target?.target === 'TCPMSS'))),
  )
  const isTcp = (line: PacketLine): boolean => line['proto'] === 'tcp' || line['flags'] !== undefined
  const kept = lines
  if (!clamped) return { namespace, lines: kept }
  return {
    namespace,
    lines: kept.map((line) => (isTcp(line) ? { ...line, tcp_options: `020405b4${line['tcp_options'] ?? ''}` } : line)),
  }
}

/**
 * When a table is cleaned the kernel counts from its making, which is before the clock's start: here it is not cleaned.
 * nft lists a rule that drops because its table is full, legacy does not: no table of nft is.
 */
function uncleaned(rule: Rule, backend: Backend): Rule {
  const matches = rule.matches.map((m): Match => {
    if (m.match !== 'hashlimit') return m
    return { ...m, gcInterval: 60_000, ...(backend === 'nft' ? { max: 10_000 } : {}) }
  })
  return { ...rule, matches }
}

const TEMPLATE_SEEN: ReadonlySet<string> = new Set([
  'conntrack',
  'state',
  'connmark',
  'connbytes',
  'connlabel',
  'connlimit',
])

/** Which of its lists connlimit has cleaned is seen when connections end; that is left to the kind that looks at it. */
const COUNTED = 'connections counted'
const countsConnections = (rule: Rule): boolean => rule.matches.some((m) => m.match === 'connlimit')

/** IPv6's addrtype looks for routes of the named interface only; that is not evaluated (README, "Where it differs"). */
function withoutLimited(ruleset: Ruleset, backend: Backend): Ruleset {
  const kept = (rule: Rule): boolean =>
    ruleset.family === 'ipv4' || !rule.matches.some((m) => m.match === 'addrtype' && m.limitIface !== undefined)
  const oneWay = (rule: Rule): boolean =>
    rule.target?.target === 'CT' && (rule.target.zoneOrig !== undefined || rule.target.zoneReply !== undefined)
  // What a helper makes of data is not modelled.
  const helped = (rule: Rule): boolean => rule.target?.target === 'CT' && rule.target.helper !== undefined
  // In raw, after CT, the kernel shows its template to conntrack's matches as if it were a connection.
  const seesTemplate = (rule: Rule): boolean => rule.matches.some((m) => TEMPLATE_SEEN.has(m.match))
  return {
    ...ruleset,
    tables: ruleset.tables.map((t) => ({
      ...t,
      chains: t.chains.map((c) => ({
        ...c,
        rules: c.rules
          .filter((rule) => kept(rule) && !oneWay(rule) && !helped(rule) && !(t.name === 'raw' && seesTemplate(rule)))
          .map((rule) => uncleaned(rule, backend)),
      })),
    })),
  }
}

/** Every interface by itself, and up: what bridges do was compared in recorded cases. */
function unbridged(ns: NetworkNamespace): NetworkNamespace {
  const { links, ...rest } = ns
  const parts: Partial<Record<string, unknown>> = { ...rest }
  for (const key of ['fdb', 'neighbours']) delete parts[key]
  const alone = links.flatMap(({ bridge: _, ...l }) =>
    l.master === undefined ? [{ ...l, up: true, kind: l.kind === 'bridge' ? 'dummy' : l.kind }] : [],
  )
  return { ...(parts as unknown as NetworkNamespace), links: alone }
}

const REROUTES: ReadonlySet<string> = new Set([
  ...['jump', 'goto', 'MARK', 'CONNMARK', 'TOS', 'DSCP', 'ECN', 'TTL', 'HL', 'SET', 'DNPT', 'SNPT'],
])

const isDrawn = (rule: Rule): boolean => rule.matches.some((m) => m.match === 'statistic' && m.mode === 'random')

/** A copy made at INPUT that mangle OUTPUT may send here again is copied again, without end. */
function withoutCircles(ruleset: Ruleset, backend: Backend): Ruleset {
  const again = ruleset.tables.some(
    (t) =>
      t.name === 'mangle' &&
      t.chains.some((c) => c.name === 'OUTPUT' && c.rules.some((r) => REROUTES.has(r.target?.target ?? ''))),
  )
  // Behind what the copy meets, as nft lists TEE, the recorded way does not say what was drawn.
  const drawn = backend === 'nft' && ruleset.tables.some((t) => t.chains.some((c) => c.rules.some(isDrawn)))
  if (!again && !drawn) return ruleset
  const kept = (chain: Chain): Chain =>
    !drawn && chain.policy !== null && chain.name !== 'INPUT'
      ? chain
      : { ...chain, rules: chain.rules.filter((r) => r.target?.target !== 'TEE') }
  return { ...ruleset, tables: ruleset.tables.map((t) => ({ ...t, chains: t.chains.map(kept) })) }
}

function uncounted(ruleset: Ruleset): Ruleset {
  const chains = (list: readonly Chain[]): Chain[] =>
    list.map((c) => ({ ...c, rules: c.rules.filter((rule) => !countsConnections(rule)) }))
  return { ...ruleset, tables: ruleset.tables.map((t) => ({ ...t, chains: chains(t.chains) })) }
}

function caseOf(name: string, n: number, scenario: Scenario, backend: Backend, family: Family | undefined): NamedCase {
  const { namespace, lines } = avoided(ofFamily(scenario, family))
  const usual = name.startsWith(COUNTED) ? namespace.rulesets : namespace.rulesets.map(uncounted)
  const rulesets = usual.map((r) => ({ ...withoutCircles(withoutLimited(r, backend), backend), backend }))
  return {
    name,
    namespace: { ...unbridged(namespace), rulesets },
    lines: realTime(lines, n >> 1),
    backend,
  }
}

/** The kind that shows what others have not shown: about a third of all. */
const FOCUS = 'one condition each'
const FOCUS_WEIGHT = 90
const CHUNK = 25

/** The kinds of cases, each with how often it is drawn. */
export const KINDS: ReadonlyMap<string, number> = new Map([
  ...CASES.map(([name, , usual]): [string, number] => [name, usual]),
  [FOCUS, FOCUS_WEIGHT],
])

/** As many random cases as asked for, kinds in turn, the same for the same seed. */
export function* randomCases(count: number, options: CaseOptions): Generator<NamedCase, void, undefined> {
  const { seed, family } = options
  const focus = new Focus(seed)
  const made = [...KINDS].map(([name, weight]) => ({
    ...{ name, at: 0, scenarios: [] as readonly Scenario[], due: 0, chunk: 0 },
    each: options.kinds === undefined || options.kinds.includes(name) ? weight : 0,
  }))
  const all = made.reduce((sum, kind) => sum + kind.each, 0)
  for (let i = 0; i < count; i++) {
    for (const kind of made) kind.due += kind.each
    const kind = made.filter((k) => k.each > 0).reduce((a, b) => (b.due > a.due ? b : a))
    kind.due -= all
    if (kind.at === kind.scenarios.length) {
      const n = made.indexOf(kind)
      const arbitrary = CASES[n]?.[1]
      kind.scenarios =
        arbitrary === undefined
          ? [focus.next(family)]
          : fc.sample(arbitrary, { numRuns: CHUNK, seed: seed * 1009 + n * 101 + kind.chunk++ })
      kind.at = 0
    }
    const backend = options.backend === 'both' ? (i % 2 === 0 ? 'legacy' : 'nft') : options.backend
    yield caseOf(`${kind.name} ${i}`, i, kind.scenarios[kind.at++]!, backend, family)
  }
}
