// Matches that the packets of the small world meet about half the time: every match of the model, negated now and then.
// Owns, for each match, which values are worth drawing and where iptables allows it.
import fc from 'fast-check'
import { addressToBigInt, canonicalPrefix, parseAddress } from '../net/ip.js'
import type { PacketType } from '../net/packet.js'
import type {
  AddrTypeName,
  CtStateName,
  Family,
  HookName,
  Match,
  Negatable,
  Range,
  Rule,
  TableName,
} from '../netfilter/model.js'
import { MACS, PORT_NAMES } from './bridges.js'
import { contextTraffic } from './matches-context.js'
import { ecnTraffic, headerTraffic } from './matches-header.js'
import { limitTraffic } from './matches-limits.js'
import { listedTraffic } from './matches-listed.js'
import { LINK_NAMES, pick, poolAddress, poolMark, poolPort, poolPrefix, rarely, weighted } from './pool.js'
import { setMatch } from './set-rules.js'

/** What a rule may hold besides its target. */
export type Conditions = Pick<Rule, 'src' | 'dst' | 'inIface' | 'outIface' | 'proto' | 'fragment' | 'matches'>

/** Where a rule stands: null is a user chain (whose hooks are not known). */
export interface Place {
  readonly family: Family
  readonly hook: HookName | null
  /** Some matches stand in some tables only; left out: those do not. */
  readonly table?: TableName
  /** Only these of the matches that need no protocol. */
  readonly only?: readonly Match['match'][] | undefined
}

export function negatable<T>(value: fc.Arbitrary<T>, once = 4): fc.Arbitrary<Negatable<T>> {
  return fc.record({ not: rarely(once), value })
}

const portRange: fc.Arbitrary<Range> = weighted(
  [3, poolPort.map((p) => ({ from: p, to: p }))],
  [1, fc.tuple(poolPort, poolPort).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))],
  [1, pick([0, 1024].map((from) => ({ from, to: 65535 })))],
)

/** One or two of the given optional fields. */
export function someOf<T extends object>(
  fields: { [K in keyof T]-?: fc.Arbitrary<NonNullable<T[K]>> },
): fc.Arbitrary<Partial<T>> {
  const names = Object.keys(fields) as (keyof T)[]
  const one = weighted<Partial<T>>(
    ...names.map((n): [number, fc.Arbitrary<Partial<T>>] => [1, fields[n].map((v) => ({ [n]: v }) as Partial<T>)]),
  )
  return weighted<Partial<T>>([3, one], [1, fc.tuple(one, one).map(([a, b]) => ({ ...a, ...b }))])
}

type Of<N extends Match['match']> = Extract<Match, { match: N }>

const TCP_MASKS: readonly { mask: number; comp: number }[] = [
  { mask: 23, comp: 2 },
  { mask: 2, comp: 2 },
  { mask: 16, comp: 16 },
  { mask: 63, comp: 24 },
  { mask: 5, comp: 1 },
  { mask: 4, comp: 4 },
]

const l4Match: fc.Arbitrary<readonly [number, Match]> = weighted<readonly [number, Match]>(
  [
    6,
    someOf<Omit<Of<'tcp'>, 'match' | 'option'>>({
      sport: negatable(portRange),
      dport: negatable(portRange),
      flags: negatable(pick(TCP_MASKS)),
    }).map((f) => [6, { match: 'tcp', ...f }]),
  ],
  [
    4,
    someOf<Omit<Of<'udp'>, 'match'>>({ sport: negatable(portRange), dport: negatable(portRange) }).map((f) => [
      17,
      { match: 'udp', ...f },
    ]),
  ],
  [
    2,
    someOf<Omit<Of<'sctp'>, 'match'>>({
      sport: negatable(portRange),
      dport: negatable(portRange),
      chunks: negatable(
        fc.record({
          how: pick(['any', 'all', 'only'] as const),
          types: fc
            .uniqueArray(pick([1, 0, 2, 10]), { minLength: 1, maxLength: 2 })
            .map((t) => t.map((type) => ({ type }))),
        }),
      ),
    }).map((f) => [132, { match: 'sctp', ...f }]),
  ],
  [
    3,
    fc.tuple(
      pick([6, 17, 132, 136, 33]),
      fc.record({
        match: fc.constant('multiport' as const),
        on: pick(['sports', 'dports', 'ports'] as const),
        not: rarely(4),
        ports: fc.array(portRange, { minLength: 1, maxLength: 4, size: 'max' }),
      }),
    ),
  ],
)

const l4Traffic: fc.Arbitrary<readonly [number, Match]> = weighted<readonly [number, Match]>(
  [12, l4Match],
  [1, ecnTraffic.map((m) => [6, m] as const)],
)

const icmpMatch = (family: Family): fc.Arbitrary<readonly [number, Match]> => {
  const types = family === 'ipv4' ? [8, 0, 3, 13] : [128, 129, 1, 135]
  const type = weighted(
    [4, pick(types).map((t) => ({ type: t, codes: { from: 0, to: 255 } }))],
    [
      2,
      pick(types).map((t) => ({ type: t, codes: { from: family === 'ipv4' ? 3 : 4, to: family === 'ipv4' ? 3 : 4 } })),
    ],
  )
  return negatable(type).map((t) =>
    family === 'ipv4' ? [1, { match: 'icmp', type: t }] : [58, { match: 'icmp6', type: t }],
  )
}

/** Protocol alone, or with a match that needs it. */
const protocol = (family: Family): fc.Arbitrary<{ proto?: Negatable<number>; match?: Match }> =>
  weighted<{ proto?: Negatable<number>; match?: Match }>(
    [8, fc.constant({})],
    [6, l4Traffic.map(([n, match]) => ({ proto: { not: false, value: n }, match }))],
    [1, icmpMatch(family).map(([n, match]) => ({ proto: { not: false, value: n }, match }))],
    [
      3,
      negatable(weighted([4, pick([6, 17])], [2, pick([family === 'ipv4' ? 1 : 58, 132, 136, 47, 50])]), 6).map(
        (proto) => ({ proto }),
      ),
    ],
  )

const CT_STATES: readonly CtStateName[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'DNAT', 'SNAT']
const states = (all: readonly CtStateName[]): fc.Arbitrary<CtStateName[]> =>
  fc.uniqueArray(pick(all), { minLength: 1, maxLength: 3 })

const orderedRange = (values: readonly number[]): fc.Arbitrary<Range> =>
  fc.tuple(pick(values), pick(values)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))

const conntrackMatch = (family: Family): fc.Arbitrary<Match> => {
  const address = negatable(prefixOf(family))
  const port = negatable(portRange)
  return someOf<Omit<Of<'conntrack'>, 'match'>>({
    ctstate: negatable(states(CT_STATES)),
    ctproto: negatable(pick([6, 17])),
    ctorigsrc: address,
    ctorigdst: address,
    ctreplsrc: address,
    ctrepldst: address,
    ctorigsrcport: port,
    ctorigdstport: port,
    ctreplsrcport: port,
    ctrepldstport: port,
    ctstatus: negatable(
      weighted<('NONE' | 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED')[]>(
        [4, fc.uniqueArray(pick(['SEEN_REPLY', 'ASSURED', 'CONFIRMED'] as const), { minLength: 1, maxLength: 2 })],
        [1, pick([['NONE'], ['EXPECTED']] as ('NONE' | 'EXPECTED')[][])],
      ),
    ),
    ctexpire: negatable(orderedRange([0, 10, 29, 30, 60, 119, 120, 300, 432000])),
    ctdir: pick(['ORIGINAL', 'REPLY'] as const),
  }).map((f) => ({ match: 'conntrack', ...f }))
}

const prefixOf = (family: Family): fc.Arbitrary<string> => poolPrefix(family).map((p) => canonicalPrefix(p) as string)

const ADDR_TYPES: Readonly<Record<Family, readonly AddrTypeName[]>> = {
  ipv4: ['LOCAL', 'UNICAST', 'BROADCAST', 'MULTICAST', 'BLACKHOLE', 'UNREACHABLE', 'PROHIBIT', 'UNSPEC'],
  ipv6: ['LOCAL', 'UNICAST', 'MULTICAST', 'ANYCAST', 'UNREACHABLE'],
}

const addrtypeMatch = ({ family, hook }: Place): fc.Arbitrary<Match> => {
  const types = negatable(fc.uniqueArray(pick(ADDR_TYPES[family]), { minLength: 1, maxLength: 2 }))
  const sides: readonly ('in' | 'out')[] =
    hook === 'FORWARD' ? ['in', 'out'] : hook === 'PREROUTING' || hook === 'INPUT' ? ['in'] : hook ? ['out'] : []
  const limit = sides.length === 0 ? fc.constant(undefined) : weighted([3, fc.constant(undefined)], [1, pick(sides)])
  return fc
    .tuple(
      someOf<{ srcType: Of<'addrtype'>['srcType']; dstType: Of<'addrtype'>['dstType'] }>({
        srcType: types,
        dstType: types,
      }),
      limit,
    )
    .map(([f, limitIface]) => ({ match: 'addrtype', ...f, ...(limitIface ? { limitIface } : {}) }) as Match)
}

const iprangeMatch = (family: Family): fc.Arbitrary<Match> => {
  const value = (text: string): bigint => addressToBigInt(parseAddress(text)!)
  const range = fc
    .tuple(poolAddress(family), poolAddress(family))
    .map(([a, b]) => (value(a) <= value(b) ? { from: a, to: b } : { from: b, to: a }))
  return someOf<Omit<Of<'iprange'>, 'match'>>({ src: negatable(range), dst: negatable(range) }).map((f) => ({
    match: 'iprange',
    ...f,
  }))
}

const recentMatch = (family: Family): fc.Arbitrary<Match> =>
  fc
    .record({
      op: pick(['set', 'set', 'rcheck', 'update', 'update', 'remove'] as const),
      not: rarely(5),
      name: pick(['DEFAULT', 'seen']),
      side: pick(['source', 'dest'] as const),
      mask: weighted(
        [3, fc.constant(family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')],
        [1, fc.constant(family === 'ipv4' ? '255.255.255.0' : 'ffff:ffff:ffff:ffff::')],
      ),
      seconds: weighted<number | undefined>([1, fc.constant(undefined)], [2, pick([1, 10, 60])]),
      reap: rarely(3),
      hitcount: weighted<number | undefined>([3, fc.constant(undefined)], [2, pick([1, 2, 3, 5])]),
      rttl: rarely(4),
    })
    .map((d) => {
      const check = d.op === 'rcheck' || d.op === 'update'
      return {
        match: 'recent' as const,
        op: d.op,
        not: d.not,
        name: d.name,
        side: d.side,
        mask: d.mask,
        ...(check && d.seconds !== undefined ? { seconds: d.seconds, ...(d.reap ? { reap: true } : {}) } : {}),
        ...(check && d.hitcount !== undefined ? { hitcount: d.hitcount } : {}),
        ...(check && d.rttl ? { rttl: true } : {}),
      }
    })

/** A day's rate of 10 or more: the kernel refuses products of time and burst that overflow. */
const limitMatch: fc.Arbitrary<Match> = fc
  .record({
    rate: pick([1, 3, 10, 100]),
    unit: pick(['sec', 'min', 'hour', 'day'] as const),
    burst: pick([1, 2, 5]),
  })
  .map(({ rate, unit, burst }) => ({ match: 'limit', rate: unit === 'day' ? Math.max(10, rate) : rate, unit, burst }))

const statisticMatch: fc.Arbitrary<Match> = weighted<Match>(
  [
    2,
    fc.record({
      match: fc.constant('statistic' as const),
      mode: fc.constant('random' as const),
      not: rarely(4),
      probability: weighted(
        [4, pick([2 ** 30, 715827883, 2 ** 29, 1431655765])],
        [1, pick([0, 1, 2 ** 31 - 1, 2 ** 31])],
      ),
    }),
  ],
  [
    1,
    fc.record({ not: rarely(4), every: pick([2, 3, 5]), packet: fc.nat({ max: 4 }) }).map(({ not, every, packet }) => ({
      match: 'statistic' as const,
      mode: 'nth' as const,
      not,
      every,
      packet: packet % every,
    })),
  ],
)

const masked = negatable(
  fc
    .record({ value: poolMark, mask: pick([0xffffffff, 0xff, 0x4000, 1]) })
    .map(({ value, mask }) => ({ value: (value & mask) >>> 0, mask })),
)

const on = { not: false, value: true } as const

/** Where a packet leaves by is only asked where the kernel lets it be asked. */
const physdevMatch = ({ hook }: Place): fc.Arbitrary<Match> => {
  const flag = negatable(fc.constant(true as const))
  const bridged = hook === null || hook === 'OUTPUT' ? { isBridged: on } : {}
  const names = pick([...PORT_NAMES, 'veth+', '+', 'eth0'])
  return weighted<Match>(
    [2, negatable(names).map((name) => ({ match: 'physdev' as const, in: name }))],
    [2, negatable(names).map((out) => ({ match: 'physdev' as const, out, ...bridged }))],
    [1, flag.map((isIn) => ({ match: 'physdev' as const, isIn }))],
    [2, flag.map((isOut) => ({ match: 'physdev' as const, isOut, ...bridged }))],
    [1, flag.map((isBridged) => ({ match: 'physdev' as const, isBridged }))],
  )
}

const macMatch: fc.Arbitrary<Match> = negatable(pick(MACS)).map((source) => ({ match: 'mac' as const, source }))
const pkttypeMatch: fc.Arbitrary<Match> = negatable(
  weighted<PacketType>([3, fc.constant('host')], [1, pick(['broadcast', 'multicast', 'otherhost'])]),
).map((type) => ({ match: 'pkttype' as const, type }))

/** Matches that need no protocol. */
const generalMatch = (place: Place): fc.Arbitrary<Match> => {
  const choices: [Match['match'], number, fc.Arbitrary<Match>][] = [
    ['conntrack', 5, conntrackMatch(place.family)],
    ['addrtype', 2, addrtypeMatch(place)],
    ['mark', 2, masked.map((mark) => ({ match: 'mark' as const, mark }))],
    ['connmark', 2, masked.map((mark) => ({ match: 'connmark' as const, mark }))],
    ['state', 1, negatable(states(CT_STATES.slice(0, 5))).map((state) => ({ match: 'state' as const, state }))],
    ['statistic', 2, statisticMatch],
    ['recent', 3, recentMatch(place.family)],
    ['limit', 1, limitMatch],
    ['iprange', 2, iprangeMatch(place.family)],
    ['set', 5, setMatch(place.family)],
    ['physdev', 2, physdevMatch(place)],
    ['pkttype', 1, pkttypeMatch],
    // Only where the kernel takes it; what a user chain is reached from is not known here.
    ...(place.hook === null || place.hook === 'OUTPUT' || place.hook === 'POSTROUTING'
      ? []
      : [['mac', 1, macMatch] as [Match['match'], number, fc.Arbitrary<Match>]]),
    ['comment', 1, fc.constant({ match: 'comment' as const, comment: 'a comment' })],
    ...headerTraffic(place.family),
    ...contextTraffic(place.hook, place.table),
    ...limitTraffic(place.family),
    ...listedTraffic(place.family, place.hook),
    ['nfacct', 1, fc.constant({ match: 'nfacct' as const, name: 'hits' })],
  ]
  const wanted = choices.filter(([name]) => place.only?.includes(name) ?? true)
  return weighted(...wanted.map(([, weight, arbitrary]): [number, fc.Arbitrary<Match>] => [weight, arbitrary]))
}

const ifacePattern = negatable(weighted([4, pick(LINK_NAMES)], [1, pick(['lo', 'eth+', '+'])]))

/** Addresses and interfaces of a rule; `-i` and `-o` only where iptables allows them. */
const header = ({ family, hook }: Place): fc.Arbitrary<Partial<Conditions>> => {
  const address = negatable(prefixOf(family))
  const fields: [number, fc.Arbitrary<Partial<Conditions>>][] = [
    [9, fc.constant({})],
    [3, fc.record({ dst: address })],
    [3, fc.record({ src: address })],
    [1, fc.record({ src: address, dst: address })],
  ]
  if (hook !== 'OUTPUT' && hook !== 'POSTROUTING') fields.push([2, fc.record({ inIface: ifacePattern })])
  if (hook !== 'PREROUTING' && hook !== 'INPUT') fields.push([2, fc.record({ outIface: ifacePattern })])
  if (family === 'ipv4')
    fields.push([1, fc.record({ fragment: fc.boolean().map((not) => ({ not, value: true as const })) })])
  return weighted(...fields)
}

/** What a rule at this place may ask: nothing, one thing, or a few. */
export function conditions(place: Place): fc.Arbitrary<Conditions> {
  return fc
    .record({
      head: header(place),
      l4: protocol(place.family),
      general: weighted(
        [4, fc.constant([] as Match[])],
        [5, generalMatch(place).map((m) => [m])],
        [1, fc.tuple(generalMatch(place), generalMatch(place)).map((m) => [...m])],
      ),
      first: fc.boolean(),
    })
    .map(({ head, l4, general, first }) => {
      const own = l4.match ? [l4.match] : []
      return {
        ...head,
        ...(l4.proto ? { proto: l4.proto } : {}),
        matches: first ? [...own, ...general] : [...general, ...own],
      }
    })
}
