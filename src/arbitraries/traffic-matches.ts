// Matches that the packets of the small world meet about half the time: every match of the model, negated now and then.
// Owns, for each match, which values are worth drawing and where iptables allows it.
import fc from 'fast-check'
import { addressToBigInt, parseAddress } from '../net/ip.js'
import type { AddrTypeName, CtStateName, Family, HookName, Match, Range, Rule, TableName } from '../netfilter/model.js'
import { byteTraffic } from './matches-bytes.js'
import { connectionTraffic } from './matches-connection.js'
import { contextTraffic } from './matches-context.js'
import { headerTraffic } from './matches-header.js'
import { limitTraffic } from './matches-limits.js'
import { listedTraffic } from './matches-listed.js'
import { canonical, LINK_NAMES, once, pick, poolAddress, poolMark, poolPrefix, weighted } from './pool.js'
import { setMatch } from './set-rules.js'
import { limitMatch, recentMatch, statisticMatch } from './traffic-counting.js'
import { macMatch, physdevMatch, pkttypeMatch } from './traffic-link.js'
import { protocol } from './traffic-protocol.js'
import { negatable, portRange, someOf } from './traffic-words.js'

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

type Of<N extends Match['match']> = Extract<Match, { match: N }>

const CT_STATES: readonly CtStateName[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'DNAT', 'SNAT']
const states = (all: readonly CtStateName[]): fc.Arbitrary<CtStateName[]> =>
  fc.uniqueArray(pick(all), { minLength: 1, maxLength: 3 })

const orderedRange = (values: readonly number[]): fc.Arbitrary<Range> =>
  fc.tuple(pick(values), pick(values)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))

const conntrackMatch = once((family: Family): fc.Arbitrary<Match> => {
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
})

const prefixOf = once((family: Family): fc.Arbitrary<string> => poolPrefix(family).map(canonical))

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

const iprangeMatch = once((family: Family): fc.Arbitrary<Match> => {
  const value = (text: string): bigint => addressToBigInt(parseAddress(text)!)
  const range = fc
    .tuple(poolAddress(family), poolAddress(family))
    .map(([a, b]) => (value(a) <= value(b) ? { from: a, to: b } : { from: b, to: a }))
  return someOf<Omit<Of<'iprange'>, 'match'>>({ src: negatable(range), dst: negatable(range) }).map((f) => ({
    match: 'iprange',
    ...f,
  }))
})

const masked = negatable(
  fc
    .record({ value: poolMark, mask: pick([0xffffffff, 0xff, 0x4000, 1]) })
    .map(({ value, mask }) => ({ value: (value & mask) >>> 0, mask })),
)

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
    ...connectionTraffic(place.family),
    ...listedTraffic(place.family, place.hook),
    ...byteTraffic(place.family),
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

const places = new Map<string, fc.Arbitrary<Conditions>>()

/** What a rule at this place may ask: nothing, one thing, or a few. */
export function conditions(place: Place): fc.Arbitrary<Conditions> {
  const key = JSON.stringify([place.family, place.hook, place.table, place.only])
  const known = places.get(key) ?? conditionsAt(place)
  places.set(key, known)
  return known
}

function conditionsAt(place: Place): fc.Arbitrary<Conditions> {
  const general = generalMatch(place)
  return fc
    .record({
      head: header(place),
      l4: protocol(place.family),
      general: weighted(
        [4, fc.constant([] as Match[])],
        [5, general.map((m) => [m])],
        [1, fc.tuple(general, general).map((m) => [...m])],
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
