// Rule sets that generated packets really meet: all tables and hooks, user chains by jump and goto, every target where
// the kernel allows it. Owns the shape of tables and chains and the targets; the matches are in traffic-matches.ts.
import fc from 'fast-check'
import {
  BUILTIN_CHAINS,
  type Chain,
  type Family,
  type HookName,
  type Match,
  type Rule,
  type Ruleset,
  type Table,
  type TableName,
} from '../netfilter/model.js'
import { listOf, pick, rarely, weighted } from './pool.js'
import { type Conditions, conditions, type Place } from './traffic-matches.js'
import { type DraftTarget, targets } from './traffic-targets.js'

export interface TrafficOptions {
  /** Of the matches that need no protocol only these. Default: all. */
  readonly matches?: readonly Match['match'][]
  /** Only these tables, each of them. Default: any of the five. */
  readonly tables?: readonly TableName[]
  /** Most rules in one chain. Default 8. */
  readonly maxRules?: number
}

interface RuleDraft {
  readonly conditions: Conditions
  readonly target: DraftTarget | undefined
}

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132])

/** Makes conditions and target fit: what only one protocol can have gets it, or gives way. */
function fitted({ conditions: c, target }: RuleDraft): RuleDraft {
  const proto = c.proto && !c.proto.not ? c.proto.value : undefined
  if (target?.target === 'REJECT' && target.with === 'tcp-reset' && proto !== 6)
    return fitted({ conditions: inProtocol(c, 6), target })
  if (target?.target === 'ECN' && (target.ece !== undefined || target.cwr !== undefined) && proto !== 6)
    return fitted({ conditions: inProtocol(c, 6), target })
  if (target?.target === 'CT' && target.helper !== undefined && proto !== 6)
    return fitted({ conditions: inProtocol(c, 6), target })
  if (target?.target === 'TPROXY' && proto !== 6 && proto !== 17)
    return fitted({ conditions: inProtocol(c, c.matches.length % 2 ? 17 : 6), target })
  if (target?.target === 'TCPMSS') {
    const syn = { match: 'tcp' as const, flags: { not: false, value: { mask: 6, comp: 2 } } }
    const others = c.matches.filter((m) => !NEEDS_PROTOCOL.has(m.match))
    return { conditions: { ...c, proto: { not: false, value: 6 }, matches: [...others, syn] }, target }
  }
  if (
    target &&
    'range' in target &&
    typeof target.range === 'object' &&
    target.range.ports &&
    !(proto !== undefined && WITH_PORTS.has(proto))
  ) {
    return fitted({ conditions: inProtocol(c, proto === undefined && c.matches.length % 2 ? 17 : 6), target })
  }
  return { conditions: c, target }
}

const NEEDS_PROTOCOL: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp', 'multiport', 'icmp', 'icmp6'])

function inProtocol(c: Conditions, proto: number): Conditions {
  const matches = c.matches.filter((m) => !NEEDS_PROTOCOL.has(m.match))
  return { ...c, proto: { not: false, value: proto }, matches }
}

const ruleDraft = (place: Place, table: TableName, group: string): fc.Arbitrary<RuleDraft> =>
  fc.record({ conditions: conditions({ ...place, table }), target: targets(place.family, table, group) }).map(fitted)

/** The user chains of a table, by group: chains of a group jump only among themselves, and only onwards. */
const GROUPS: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['R'],
  mangle: ['M'],
  nat: ['D', 'S', 'P'],
  filter: ['F'],
  security: ['X'],
}

function groupOf(table: TableName, hook: HookName): string {
  if (table !== 'nat') return GROUPS[table][0] as string
  return hook === 'PREROUTING' || hook === 'OUTPUT' ? 'D' : hook === 'INPUT' ? 'S' : 'P'
}

const ZERO = { packets: 0n, bytes: 0n }
const counters = weighted(
  [9, fc.constant(ZERO)],
  [1, fc.record({ packets: fc.bigInt(0n, 2n ** 40n), bytes: fc.bigInt(0n, 2n ** 60n) })],
)

const policy = rarely(10).map((drop) => (drop ? ('DROP' as const) : ('ACCEPT' as const)))

interface ChainDraft {
  readonly name: string
  readonly group: string
  readonly policy: Chain['policy']
  readonly counters: Chain['counters']
  readonly rules: readonly RuleDraft[]
}

function tableArbitrary(
  family: Family,
  name: TableName,
  maxRules: number,
  only: TrafficOptions['matches'],
): fc.Arbitrary<Table> {
  const builtin = BUILTIN_CHAINS[name].map(
    (hook): fc.Arbitrary<ChainDraft> =>
      fc.record({
        name: fc.constant(hook as string),
        group: fc.constant(groupOf(name, hook)),
        policy: name === 'nat' ? fc.constant('ACCEPT' as const) : policy,
        counters,
        rules: listOf(ruleDraft({ family, hook, only }, name, hook), 0, maxRules),
      }),
  )
  const users = GROUPS[name].map((group) =>
    listOf(listOf(ruleDraft({ family, hook: null, only }, name, group), 0, maxRules), 1, 4).map((chains) =>
      chains.map((rules, i): ChainDraft => ({ name: `${group}${i}`, group, policy: null, counters: ZERO, rules })),
    ),
  )
  return fc
    .tuple(fc.tuple(...builtin), fc.tuple(...users))
    .map(([own, made]) => ({ name, chains: named([...own, ...made.flat()]) }))
}

function named(drafts: readonly ChainDraft[]): Chain[] {
  return drafts.map((draft) => {
    const chains = drafts.filter((d) => d.policy === null && d.group === draft.group)
    const here = chains.indexOf(draft)
    return {
      name: draft.name,
      policy: draft.policy,
      counters: draft.counters,
      rules: draft.rules.map(({ conditions: c, target }): Rule => {
        const rule = { ...c, counters: ZERO, line: 0 }
        if (target === undefined) return rule
        if (!('ahead' in target)) return { ...rule, target }
        const next = chains[here + 1 + target.ahead] ?? chains[here + 1]
        return next === undefined ? rule : { ...rule, target: { target: target.target, chain: next.name } }
      }),
    }
  })
}

/**
 * A rule set of one family, biased so that packets of the small world match about half of its rules. It is valid: what
 * iptables refuses in a table or chain does not occur.
 *
 * `namespaces({ rulesets: fc.tuple(trafficRuleset('ipv4', { maxRules: 20 })) })`
 */
export function trafficRuleset(family: Family, options: TrafficOptions = {}): fc.Arbitrary<Ruleset> {
  const max = options.maxRules ?? 8
  const table = (name: TableName): fc.Arbitrary<Table | null> =>
    options.tables === undefined
      ? weighted<Table | null>([9, tableArbitrary(family, name, max, options.matches)], [2, fc.constant(null)])
      : options.tables.includes(name)
        ? tableArbitrary(family, name, max, options.matches)
        : fc.constant(null)
  return fc
    .record({
      backend: pick(['legacy', 'legacy', 'nft'] as const),
      tables: fc.tuple(table('raw'), table('mangle'), table('nat'), table('filter'), table('security')),
    })
    .map(({ backend, tables }) => ({
      family,
      backend,
      file: '',
      tables: tables.filter((t) => t !== null),
    }))
}

/** IPv4, IPv6, or both families' rule sets, with the same backend. */
export function trafficRulesets(options: TrafficOptions = {}): fc.Arbitrary<Ruleset[]> {
  const v4 = trafficRuleset('ipv4', options)
  const v6 = trafficRuleset('ipv6', options)
  return weighted<Ruleset[]>(
    [1, fc.tuple(v4)],
    [1, fc.tuple(v6)],
    [1, fc.tuple(v4, v6).map(([a, b]) => [a, { ...b, backend: a.backend }])],
  )
}
