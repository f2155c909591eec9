// Rule sets that generated packets really meet: all tables and hooks, user chains by jump and goto, every target where
// the kernel allows it. Owns the shape of tables and chains and the targets; the matches are in traffic-matches.ts.
import fc from 'fast-check'
import {
  BUILTIN_CHAINS,
  type Chain,
  type Family,
  type HookName,
  type Match,
  type NatRange,
  type Range,
  type Rule,
  type Ruleset,
  type Table,
  type TableName,
  type Target,
} from '../netfilter/model.js'
import { netmapNearby, nptNearby } from './map-targets.js'
import { changingTargets } from './other-targets.js'
import { linkNumber, listOf, PORTS, pick, poolAddress, poolMark, rarely, weighted, worldOf } from './pool.js'
import { setTarget } from './set-rules.js'
import { type Conditions, conditions, type Place } from './traffic-matches.js'

export interface TrafficOptions {
  /** Of the matches that need no protocol only these. Default: all. */
  readonly matches?: readonly Match['match'][]
  /** Only these tables, each of them. Default: any of the five. */
  readonly tables?: readonly TableName[]
  /** Most rules in one chain. Default 8. */
  readonly maxRules?: number
}

/** A jump is drawn as "so many chains further on" and named when the chains are. */
type DraftTarget = Target | { readonly target: 'jump' | 'goto'; readonly ahead: number }

interface RuleDraft {
  readonly conditions: Conditions
  readonly target: DraftTarget | undefined
}

const ports = (rare = 1): fc.Arbitrary<Range | undefined> =>
  weighted<Range | undefined>(
    [2, fc.constant(undefined)],
    [
      rare,
      weighted(
        [2, pick([8080, 80, 53].map((p) => ({ from: p, to: p })))],
        [
          2,
          pick([
            { from: 40000, to: 40001 },
            { from: 40000, to: 40003 },
            { from: 30000, to: 30031 },
          ]),
        ],
        [1, fc.tuple(pick(PORTS.slice(0, 10)), fc.nat({ max: 200 })).map(([from, n]) => ({ from, to: from + n }))],
      ),
    ],
  )

/** Where translation leads: mostly one address, now and then two neighbouring ones. */
const address = (family: Family): fc.Arbitrary<{ from: string; to: string }> => {
  const world = worldOf(family)
  const neighbour = fc.tuple(linkNumber, fc.nat({ max: 1 })).map(([k, i]) => world.neighbour(k, i))
  return weighted(
    [
      5,
      weighted<string>([4, neighbour], [2, linkNumber.map(world.own)], [1, poolAddress(family)]).map((a) => ({
        from: a,
        to: a,
      })),
    ],
    [2, linkNumber.map((k) => ({ from: world.neighbour(k, 0), to: world.neighbour(k, 1) }))],
    [1, linkNumber.map((k) => ({ from: world.own(k), to: world.neighbour(k, 1) }))],
  )
}

const flag = (name: keyof NatRange): fc.Arbitrary<NatRange> => rarely(5).map((on) => (on ? { [name]: true } : {}))

function natTarget(family: Family, kind: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'): fc.Arbitrary<Target> {
  const withAddress = kind === 'DNAT' || kind === 'SNAT'
  const full = kind === 'SNAT' || kind === 'MASQUERADE'
  return fc
    .record({
      address: weighted<{ from?: string; to?: string }>(
        ...(withAddress ? [[9, address(family)] as [number, fc.Arbitrary<{ from?: string; to?: string }>]] : []),
        [1, fc.constant({})],
      ),
      ports: ports(),
      base: rarely(3),
      random: flag('random'),
      fully: full ? flag('randomFully') : fc.constant({}),
      persistent: withAddress ? flag('persistent') : fc.constant({}),
    })
    .map((d) => {
      const portRange = d.ports ?? (withAddress && d.address.from === undefined ? { from: 8080, to: 8080 } : undefined)
      const base = kind === 'DNAT' && d.base && portRange !== undefined && portRange.to > portRange.from
      return {
        target: kind,
        range: {
          ...d.address,
          ...(portRange ? { ports: portRange } : {}),
          ...(base ? { basePort: 79 } : {}),
          ...d.random,
          ...d.fully,
          ...d.persistent,
        },
      }
    })
}

const REJECTS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    'icmp-port-unreachable',
    'icmp-net-unreachable',
    'icmp-host-unreachable',
    'icmp-proto-unreachable',
    'icmp-net-prohibited',
    'icmp-host-prohibited',
    'icmp-admin-prohibited',
    'tcp-reset',
  ],
  ipv6: [
    'icmp6-port-unreachable',
    'icmp6-no-route',
    'icmp6-adm-prohibited',
    'icmp6-addr-unreachable',
    'icmp6-policy-fail',
    'icmp6-reject-route',
    'tcp-reset',
  ],
}

const zone = pick<number | 'mark'>([1, 2, 0, 'mark'])
const value = <T extends string>(target: T): fc.Arbitrary<{ readonly target: T }> => fc.constant({ target })

const connmark: fc.Arbitrary<Target> = fc
  .record({
    op: pick(['set', 'save', 'restore'] as const),
    value: poolMark,
    ctmask: pick([0xffffffff, 0xff]),
    nfmask: pick([0xffffffff, 0x4001]),
  })
  .map((d) => ({
    target: 'CONNMARK' as const,
    op: d.op,
    value: d.op === 'set' ? d.value : 0,
    ctmask: d.ctmask,
    nfmask: d.op === 'set' ? 0xffffffff : d.nfmask,
  }))

/** Targets anywhere, then those of this table; `group` says which translations the chain's hooks allow. */
function targets(family: Family, table: TableName, group: string): fc.Arbitrary<DraftTarget | undefined> {
  const choices: [number, fc.Arbitrary<DraftTarget | undefined>][] = [
    [2, fc.constant(undefined)],
    [4, fc.record({ target: pick(['jump', 'jump', 'goto'] as const), ahead: fc.nat({ max: 2 }) })],
    [2, value('ACCEPT')],
    [2, value('RETURN')],
    [2, fc.record({ target: fc.constant('MARK' as const), value: poolMark, mask: pick([0xffffffff, 0x4000, 0xff]) })],
    [1, connmark],
    [1, fc.record({ target: fc.constant('LOG' as const), level: pick([4, 7]) })],
    [1, fc.record({ target: fc.constant('NFLOG' as const), group: pick([0, 5]) })],
  ]
  choices.push(...changingTargets(family, table, group), [2, setTarget(family, table)])
  if (table !== 'nat') choices.push([1, value('DROP')])
  if (table === 'filter') choices.push([4, pick(REJECTS[family]).map((w) => ({ target: 'REJECT' as const, with: w }))])
  if (table === 'mangle') choices.push([1, value('CHECKSUM')])
  if (table === 'mangle' || table === 'filter') choices.push([1, fc.constant({ target: 'TCPMSS' as const, mss: 1400 })])
  if (table === 'mangle' && (group === 'FORWARD' || group === 'POSTROUTING'))
    choices.push([1, fc.constant({ target: 'TCPMSS' as const, mss: 'clamp-to-pmtu' as const })])
  if (table === 'mangle' && family === 'ipv6') {
    if (group === 'PREROUTING' || group === 'OUTPUT') choices.push([2, nptNearby('DNPT')])
    if (group === 'INPUT' || group === 'POSTROUTING') choices.push([2, nptNearby('SNPT')])
  }
  if (table === 'raw')
    choices.push(
      [2, value('NOTRACK')],
      [1, fc.constant({ target: 'CT' as const, notrack: true })],
      [2, zone.map((z) => ({ target: 'CT' as const, zone: z }))],
      [1, zone.map((z) => ({ target: 'CT' as const, zoneOrig: z }))],
      [1, zone.map((z) => ({ target: 'CT' as const, zoneReply: z }))],
    )
  if (table === 'nat') {
    if (group === 'D' || group === 'PREROUTING' || group === 'OUTPUT')
      choices.push([10, natTarget(family, 'DNAT')], [3, natTarget(family, 'REDIRECT')], [2, netmapNearby(family)])
    if (group === 'S' || group === 'INPUT' || group === 'P' || group === 'POSTROUTING')
      choices.push([6, natTarget(family, 'SNAT')], [1, netmapNearby(family)])
    if (group === 'P' || group === 'POSTROUTING') choices.push([6, natTarget(family, 'MASQUERADE')])
  }
  return weighted(...choices)
}

const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132])

/** Makes conditions and target fit: what only one protocol can have gets it, or gives way. */
function fitted({ conditions: c, target }: RuleDraft): RuleDraft {
  const proto = c.proto && !c.proto.not ? c.proto.value : undefined
  if (target?.target === 'REJECT' && target.with === 'tcp-reset' && proto !== 6)
    return fitted({ conditions: inProtocol(c, 6), target })
  if (target?.target === 'ECN' && (target.ece !== undefined || target.cwr !== undefined) && proto !== 6)
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
