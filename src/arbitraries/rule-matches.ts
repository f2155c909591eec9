// Matches that go with any protocol, in every form that iptables prints, negated wherever it is allowed.
import fc from 'fast-check'
import type { Match, Negatable } from '../netfilter/model.js'
import { ADDR_TYPES, CT_STATES, CT_STATUSES } from '../netfilter/names.js'
import { limitRate } from '../netfilter/read-match-state.js'
import { connectionForms } from './matches-connection.js'
import { contextForms } from './matches-context.js'
import { headerForms } from './matches-header.js'
import { limitForms } from './matches-limits.js'
import {
  type Arb,
  addresses,
  addressRange,
  ifaces,
  negatable,
  nonEmpty,
  type Of,
  ordered,
  pick,
  portRange,
  prefixes,
  type RulePlace,
  record,
  some,
  subsetOf,
  tagged,
  texts,
  u32,
} from './rule-values.js'

const seconds = fc.tuple(u32, u32).map(([a, b]) => ordered(a, b))
const MAX_CREDIT = 1_300_000_000

const limits: Arb<Of<'limit'>> = record({
  rate: fc.integer({ min: 1, max: 10_000 }),
  unit: pick(['sec', 'min', 'hour', 'day'] as const),
  burst: fc.integer({ min: 1, max: 10_000 }),
}).map(({ rate, unit, burst }) => {
  const first = limitRate(rate, unit)!
  const kept = limitRate(first.rate, first.unit)!
  return {
    match: 'limit' as const,
    rate: kept.rate,
    unit: kept.unit,
    burst: Math.max(1, Math.min(burst, Math.floor(MAX_CREDIT / kept.period))),
  }
})

const recentOps = fc.oneof(
  record({ op: pick(['set', 'remove'] as const) }),
  fc
    .tuple(
      pick(['rcheck', 'update'] as const),
      some<{ seconds: number; hitcount: number; rttl: true }>({
        seconds: fc.integer({ min: 1, max: 0x7fffffff }),
        hitcount: fc.integer({ min: 1, max: 255 }),
        rttl: fc.constant(true as const),
      }),
      fc.boolean(),
    )
    .map(([op, more, reap]) => (reap && more.seconds !== undefined ? { op, ...more, reap } : { op, ...more })),
)

function addrtypes({ family, hook }: RulePlace): Arb<Match> {
  const known =
    family === 'ipv4'
      ? ADDR_TYPES
      : ADDR_TYPES.filter((t) => ['UNSPEC', 'UNICAST', 'LOCAL', 'ANYCAST', 'MULTICAST', 'UNREACHABLE'].includes(t))
  const sides: ('in' | 'out')[] = []
  if (hook === 'PREROUTING' || hook === 'INPUT' || hook === 'FORWARD') sides.push('in')
  if (hook === 'POSTROUTING' || hook === 'OUTPUT' || hook === 'FORWARD') sides.push('out')
  const types = negatable(subsetOf(known))
  const base = some<{ srcType: Negatable<(typeof known)[number][]>; dstType: Negatable<(typeof known)[number][]> }>(
    { srcType: types, dstType: types },
    1,
  )
  return fc
    .tuple(base, fc.option(pick(sides.length > 0 ? sides : (['in'] as const)), { nil: undefined }))
    .map(([t, limitIface]) => ({
      match: 'addrtype' as const,
      ...t,
      ...(limitIface === undefined || sides.length === 0 ? {} : { limitIface }),
    }))
}

function physdevs({ hook }: RulePlace): Arb<Match> {
  const flag = negatable(fc.constant(true as const))
  const inward = { in: negatable(ifaces), isIn: flag, isBridged: flag }
  const all = { ...inward, out: negatable(ifaces), isOut: flag }
  type Fields = Omit<Of<'physdev'>, 'match'>
  const fields =
    hook === null || hook === 'OUTPUT'
      ? some<Pick<Fields, 'in' | 'isIn' | 'isBridged'>>(inward, 1)
      : some<Required<Fields>>(all, 1)
  return tagged<Of<'physdev'>>('physdev', fields)
}

/** What the link layer says; mac only where the kernel takes it. */
function linkForms({ hook }: RulePlace): Arb<Match>[] {
  const type = negatable(pick(['host', 'broadcast', 'multicast', 'otherhost'] as const))
  const pkttype = record({ match: fc.constant('pkttype' as const), type })
  if (hook !== 'PREROUTING' && hook !== 'INPUT' && hook !== 'FORWARD') return [pkttype]
  const bytes = fc.array(fc.nat({ max: 255 }), { minLength: 6, maxLength: 6 })
  const mac = bytes.map((all) => all.map((byte) => byte.toString(16).padStart(2, '0')).join(':'))
  return [pkttype, record({ match: fc.constant('mac' as const), source: negatable(mac) })]
}

/** Matches that go with any protocol. */
export function general(place: RulePlace): Arb<Match>[] {
  const { family } = place
  const prefix = negatable(prefixes(family))
  const range = negatable(addressRange(family))
  const mark = negatable(record({ value: u32, mask: u32 }))
  const list: Arb<Match>[] = [
    record({ match: fc.constant('comment' as const), comment: texts }),
    tagged<Of<'conntrack'>>(
      'conntrack',
      some<Omit<Of<'conntrack'>, 'match'>>(
        {
          ctstate: negatable(subsetOf(CT_STATES)),
          ctproto: negatable(fc.nat({ max: 255 })),
          ctorigsrc: prefix,
          ctorigdst: prefix,
          ctreplsrc: prefix,
          ctrepldst: prefix,
          ctorigsrcport: negatable(portRange),
          ctorigdstport: negatable(portRange),
          ctreplsrcport: negatable(portRange),
          ctrepldstport: negatable(portRange),
          ctstatus: negatable(fc.oneof(subsetOf(CT_STATUSES), fc.constant(['NONE' as const]))),
          ctexpire: negatable(seconds),
          ctdir: pick(['ORIGINAL', 'REPLY'] as const),
        },
        1,
      ),
    ),
    record({
      match: fc.constant('state' as const),
      state: negatable(subsetOf(CT_STATES.filter((s) => s !== 'SNAT' && s !== 'DNAT'))),
    }),
    record({ match: fc.constant('mark' as const), mark }),
    record({ match: fc.constant('connmark' as const), mark }),
    addrtypes(place),
    record({
      match: fc.constant('statistic' as const),
      mode: fc.constant('random' as const),
      not: fc.boolean(),
      probability: fc.oneof(pick([0, 1, 2 ** 19, 715827883, 2 ** 30, 2 ** 31]), fc.nat({ max: 2 ** 31 - 1 })),
    }),
    fc
      .tuple(fc.boolean(), fc.integer({ min: 1, max: 0xffffffff }), fc.nat())
      .map(([not, every, n]) => ({ match: 'statistic' as const, mode: 'nth' as const, not, every, packet: n % every })),
    fc
      .tuple(
        recentOps,
        fc.boolean(),
        pick(['DEFAULT', 'KUBE-SEP-XYZ', 'ssh_1']),
        pick(['source', 'dest'] as const),
        addresses(family),
      )
      .map(([op, not, name, side, mask]) => ({ match: 'recent' as const, ...op, not, name, side, mask })),
    tagged<Of<'iprange'>>('iprange', some<Omit<Of<'iprange'>, 'match'>>({ src: range, dst: range }, 1)),
    limits,
    physdevs(place),
    ...linkForms(place),
    ...headerForms(family),
    ...contextForms(place.hook, place.table),
    ...limitForms(family),
    ...connectionForms(family),
  ]
  if (place.selfContained) return list
  return [
    ...list,
    record({
      not: fc.boolean(),
      name: pick(['KUBE-CLUSTER-IP', 'weave-;rGqyMIl1HN^cfDki~Z$3]6!N', 'x']),
      dirs: fc.array(pick(['src', 'dst'] as const), { minLength: 1, maxLength: 3 }),
      nomatch: fc.boolean(),
    }).map(({ nomatch, ...m }) => ({ match: 'set' as const, ...m, ...(nomatch ? { returnNomatch: true } : {}) })),
    record({ match: fc.constant('nfacct' as const), name: nonEmpty(31) }),
  ]
}
