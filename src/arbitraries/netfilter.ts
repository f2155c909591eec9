// Rule sets in every form that iptables prints (fast-check): for testing readers and printers, and programs that change
// rules. The rule sets of traffic.ts are smaller and meet the generated packets; these meet all of the syntax.
// Owns tables, chains and what may jump where; netfilter-rule.ts makes the rules.
import fc from 'fast-check'
import {
  BUILTIN_CHAINS,
  type Chain,
  type Family,
  type HookName,
  type Rule,
  type Ruleset,
  type Table,
  type TableName,
} from '../netfilter/model.js'
import { type RulePlace, record, rules } from './netfilter-rule.js'

export { addresses, ifaces, prefixes, type RulePlace, rules, texts } from './netfilter-rule.js'

/** Bounds of `rulesets`. */
export interface RulesetShape {
  /** Default: either family. */
  readonly family?: Family
  /** Default: any of the five, each at most once, in any order. */
  readonly tables?: readonly TableName[]
  /** Most rules of one chain. Default 4. */
  readonly rules?: number
  /** Most user chains of one table. Default 4. */
  readonly chains?: number
  /** Only what a kernel takes without further objects (ip sets, accounting objects, helpers). Default false. */
  readonly selfContained?: boolean
}

const TABLES = Object.keys(BUILTIN_CHAINS) as TableName[]
const SOURCE_HOOKS: readonly (HookName | null)[] = ['INPUT', 'POSTROUTING']

/** Names of user chains: what tools use, and what iptables just about allows. */
const chainNames: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'KUBE-SERVICES',
    'KUBE-SVC-ERIFXISQEP7F7OF4',
    'DOCKER',
    'f2b-sshd',
    'cali-tw-1;x',
    'a.b',
    'LOGDROP',
    'x#y',
    'é',
  ),
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.:$~-]{0,26}$/),
)
const RESERVED = /^(ACCEPT|DROP|QUEUE|RETURN|PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/

const counts = record({
  packets: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

// In nat a user chain is either for the hooks that translate destinations or for POSTROUTING: half of the chains each.
function natSide(table: TableName, hook: HookName | null, index: number): RulePlace['nat'] {
  if (table !== 'nat') return 'none'
  if (hook === null) return index % 2 === 0 ? 'destination' : 'source'
  return SOURCE_HOOKS.includes(hook) ? 'source' : 'destination'
}

function tables(
  name: TableName,
  family: Family,
  shape: Required<Omit<RulesetShape, 'family' | 'tables'>>,
): fc.Arbitrary<Table> {
  const names = fc
    .uniqueArray(chainNames, { maxLength: shape.chains })
    .map((list) => list.filter((n) => !RESERVED.test(n)))
  return names.chain((users) => {
    const rulesOf = (place: RulePlace): fc.Arbitrary<Rule[]> => fc.array(rules(place), { maxLength: shape.rules })
    const place = (hook: HookName | null, index: number): RulePlace => {
      const nat = natSide(name, hook, index)
      // nat INPUT translates sources but cannot masquerade: it jumps nowhere.
      const reach =
        hook === 'INPUT' && name === 'nat'
          ? []
          : users.filter((_, i) => i > index && (name !== 'nat' || natSide(name, null, i) === nat))
      return { family, table: name, hook, nat, chains: reach, selfContained: shape.selfContained }
    }
    const builtin = BUILTIN_CHAINS[name].map((hook) =>
      fc
        .tuple(
          rulesOf(place(hook, -1)),
          fc.constantFrom('ACCEPT' as const, name === 'nat' ? ('ACCEPT' as const) : ('DROP' as const)),
          counts,
        )
        .map(([list, policy, counters]): Chain => ({ name: hook, policy, counters, rules: list })),
    )
    const user = users.map((chain, index) =>
      rulesOf(place(null, index)).map(
        (list): Chain => ({ name: chain, policy: null, counters: { packets: 0n, bytes: 0n }, rules: list }),
      ),
    )
    return fc.tuple(...builtin, ...user).map((chains): Table => ({ name, chains }))
  })
}

/**
 * Rule sets that iptables-restore takes, with every match and target of the model. Reading what `printRules` prints
 * gives the same rule set again, but for `file` and the rules' `line`. Chains only jump to later ones: there is no loop.
 */
export function rulesets(shape: RulesetShape = {}): fc.Arbitrary<Ruleset> {
  const { rules: most = 4, chains = 4, selfContained = false } = shape
  const families = shape.family === undefined ? fc.constantFrom<Family>('ipv4', 'ipv6') : fc.constant(shape.family)
  const names = fc.shuffledSubarray([...(shape.tables ?? TABLES)], { minLength: 1 })
  return fc
    .tuple(families, names)
    .chain(([family, list]) =>
      fc
        .tuple(...list.map((name) => tables(name, family, { rules: most, chains, selfContained })))
        .map((all): Ruleset => ({ family, backend: 'legacy', file: '', tables: all })),
    )
}
