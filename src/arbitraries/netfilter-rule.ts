// Single rules in every form that iptables prints: all matches and targets of the model, negation wherever it is allowed.
// Owns which values are drawn for each; where a rule may stand is decided by netfilter.ts. All values are the canonical
// ones that reading gives back (masked prefixes, sorted lists, defaults filled in).
import fc from 'fast-check'
import { formatIpv4, formatIpv6, maskAddress, maskWords } from '../net/ip.js'
import type { Family, HookName, Match, Negatable, Range, Rule, TableName, Target } from '../netfilter/model.js'
import { ADDR_TYPES, CT_EVENTS, CT_STATES, CT_STATUSES, REJECT_NAMES } from '../netfilter/names.js'
import { limitRate } from '../netfilter/read-match-state.js'
import { netmapTarget, nptTarget } from './map-targets.js'
import { byteForms } from './matches-bytes.js'
import { connectionForms } from './matches-connection.js'
import { contextForms } from './matches-context.js'
import { ecnForms, headerForms } from './matches-header.js'
import { limitForms } from './matches-limits.js'
import { listedForms } from './matches-listed.js'
import { printedTargets } from './other-targets.js'

/** Where a rule stands. `hook` is null in a user chain; `nat` says which translating targets may be used. */
export interface RulePlace {
  readonly family: Family
  readonly table: TableName
  readonly hook: HookName | null
  readonly nat: 'destination' | 'source' | 'none'
  /** Chains that may be jumped to. */
  readonly chains: readonly string[]
  /** Only what any kernel loads without further objects: no ip sets, accounting objects, helpers and timeout policies. */
  readonly selfContained: boolean
}

type Arb<T> = fc.Arbitrary<T>
type Of<K extends Match['match']> = Extract<Match, { readonly match: K }>

/** Plain objects, as the reader makes them. */
export function record<T>(fields: { [K in keyof T]: Arb<T[K]> }): Arb<T> {
  return fc.record(fields, { noNullPrototype: true }) as Arb<T>
}
const pick = <T>(values: readonly T[]): Arb<T> => fc.constantFrom(...values)
const negatable = <T>(value: Arb<T>): Arb<Negatable<T>> => record({ not: fc.boolean(), value })
const u32 = fc.oneof(pick([0, 1, 0x4000, 0x8000, 0xffffffff]), fc.nat({ max: 0xffffffff }))
const port = fc.oneof(pick([0, 1, 22, 80, 443, 8080, 65534, 65535]), fc.nat({ max: 65535 }))
const ordered = (a: number, b: number): Range => ({ from: Math.min(a, b), to: Math.max(a, b) })
const isAll = (r: Range): boolean => r.from === 0 && r.to === 65535
const portRange: Arb<Range> = fc.oneof(
  port.map((p) => ({ from: p, to: p })),
  fc.tuple(port, port).map(([a, b]) => ordered(a, b)),
)
/** Port ranges that iptables prints: it says nothing of all ports. */
const printedPorts = negatable(portRange.filter((r) => !isAll(r)))

const words4 = fc.tuple(u32, fc.constant(0), fc.constant(0), fc.constant(0))
const words6 = fc.oneof(
  fc.tuple(u32, u32, u32, u32),
  fc.tuple(pick([0xfd000000, 0]), fc.constant(0), fc.constant(0), u32),
)

/** An address in canonical text. */
export function addresses(family: Family): Arb<string> {
  return family === 'ipv4' ? words4.map(([w]) => formatIpv4(w)) : words6.map((w) => formatIpv6(w))
}

/** A masked prefix with its length; 0 only now and then. */
export function prefixes(family: Family): Arb<string> {
  const [bits, words] = family === 'ipv4' ? [32, words4] : [128, words6]
  return fc.tuple(words as Arb<[number, number, number, number]>, fc.nat({ max: bits })).map(([w, length]) => {
    const masked = maskAddress(w, maskWords(family, length))
    return `${family === 'ipv4' ? formatIpv4(masked[0]) : formatIpv6(masked)}/${length}`
  })
}

function addressRange(family: Family): Arb<{ from: string; to: string }> {
  const words = (family === 'ipv4' ? words4 : words6) as Arb<[number, number, number, number]>
  const last = family === 'ipv4' ? 0 : 3
  return fc.tuple(words, u32).map(([w, other]) => {
    const at = (value: number): string => {
      const copy: [number, number, number, number] = [...w]
      copy[last] = value
      return family === 'ipv4' ? formatIpv4(copy[0]) : formatIpv6(copy)
    }
    const { from, to } = ordered(w[last], other)
    return { from: at(from), to: at(to) }
  })
}

/** Interface names, some with a trailing `+`. */
export const ifaces: Arb<string> = fc.oneof(
  pick(['lo', 'eth0', 'cni0', 'flannel.1', 'eth3:1', 'lxc+', 'veth+', 'a', 'wlp2s0f0u1u2u34']),
  fc.stringMatching(/^[a-z][a-z0-9._@-]{0,13}\+?$/),
)

/** Free text as comments have it: quotes, backslashes, other scripts; no control characters. */
export const texts: Arb<string> = fc.oneof(
  pick(['', 'SSH', 'default/db:main', 'it\'s "quoted" \\ here', 'a  b', '!', '-j DROP', 'naïve ☃ 𝄞']),
  fc.string({ unit: pick([...'abzAZ09-_ "\'\\:/;#!$,.=[](){}é☃']), maxLength: 40, size: 'max' }),
)
const nonEmpty = (most: number): Arb<string> =>
  texts.map((t) => (t === '' ? 'x' : [...t].slice(0, Math.floor(most / 4)).join('')))

const subsetOf = <T>(values: readonly T[]): Arb<T[]> =>
  fc.subarray([...values], { minLength: 1 }).map((s) => values.filter((v) => s.includes(v)))

/** A value with only those keys that were drawn, at least `least` of them. */
function some<T extends object>(
  fields: { [K in keyof T]-?: Arb<Exclude<T[K], undefined>> },
  least = 0,
): Arb<Partial<T>> {
  return fc
    .record(fields as Record<string, Arb<unknown>>, { requiredKeys: [], noNullPrototype: true })
    .filter((r) => Object.keys(r).length >= least) as Arb<Partial<T>>
}
const tagged = <M extends Match>(match: M['match'], fields: Arb<object>): Arb<M> =>
  fields.map((f) => ({ match, ...f }) as unknown as M)

const tcpFlags = record({ mask: fc.nat({ max: 63 }), comp: fc.nat({ max: 63 }) }).filter((f) => f.mask !== 0)
const CHUNK_TYPES = [0, 1, 2, 3, 6, 10, 14, 64, 132, 194] as const
const CHUNK_FLAGS: Readonly<Record<number, readonly string[]>> = { 0: ['Be', 'IUBE', 'u'], 6: ['T'], 14: ['t'] }
const chunkTypes = fc.oneof(
  fc.constant([] as { type: number; flags?: string }[]),
  fc.constant(Array.from({ length: 256 }, (_, type) => ({ type }))),
  fc.tuple(subsetOf(CHUNK_TYPES), fc.boolean(), fc.nat({ max: 2 })).map(([types, flagged, n]) =>
    types.map((type) => {
      const known = CHUNK_FLAGS[type]
      return flagged && known !== undefined ? { type, flags: known[n % known.length]! } : { type }
    }),
  ),
)

const MULTIPORT_SLOTS = 15
const multiports = fc
  .array(
    fc.oneof(
      port.map((p) => ({ from: p, to: p })),
      portRange,
    ),
    { minLength: 1, maxLength: 15 },
  )
  .map((list) => {
    let slots = 0
    return list.filter((r) => {
      slots += r.from === r.to ? 1 : 2
      return slots <= MULTIPORT_SLOTS
    })
  })

const codes = fc.oneof(
  fc.constant({ from: 0, to: 255 }),
  fc.nat({ max: 255 }).map((c) => ({ from: c, to: c })),
)

/** Matches that go with a protocol, and the protocol. */
function transport(): { readonly [proto: number]: Arb<Match>[] } {
  const multiport = (): Arb<Match> =>
    record({
      match: fc.constant('multiport' as const),
      on: pick(['sports', 'dports', 'ports'] as const),
      not: fc.boolean(),
      ports: multiports,
    })
  return {
    6: [
      tagged<Of<'tcp'>>(
        'tcp',
        some<Omit<Of<'tcp'>, 'match'>>({
          sport: printedPorts,
          dport: printedPorts,
          flags: negatable(tcpFlags),
          option: negatable(fc.integer({ min: 1, max: 255 })),
        }),
      ),
      multiport(),
      ecnForms,
    ],
    17: [
      tagged<Of<'udp'>>('udp', some<Omit<Of<'udp'>, 'match'>>({ sport: printedPorts, dport: printedPorts })),
      multiport(),
    ],
    132: [
      tagged<Of<'sctp'>>(
        'sctp',
        some<Omit<Of<'sctp'>, 'match'>>({
          sport: negatable(portRange),
          dport: negatable(portRange),
          chunks: negatable(record({ how: pick(['all', 'any', 'only'] as const), types: chunkTypes })),
        }),
      ),
      multiport(),
    ],
    33: [multiport()],
    136: [multiport()],
    1: [
      record({
        match: fc.constant('icmp' as const),
        type: negatable(
          fc.oneof(
            fc.constant({ type: 255, codes: { from: 0, to: 255 } }),
            record({ type: fc.nat({ max: 254 }), codes }),
          ),
        ),
      }),
    ],
    58: [
      record({
        match: fc.constant('icmp6' as const),
        type: negatable(record({ type: fc.nat({ max: 255 }), codes })),
      }),
    ],
  }
}

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
function general(place: RulePlace): Arb<Match>[] {
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

const on = fc.constant(true as const)

function natTarget(target: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT', family: Family, ported: boolean): Arb<Target> {
  const toAddress = target === 'DNAT' || target === 'SNAT'
  const flags =
    target === 'DNAT'
      ? some<{ random: true; persistent: true }>({ random: on, persistent: on })
      : target === 'SNAT'
        ? some<{ random: true; randomFully: true; persistent: true }>({ random: on, randomFully: on, persistent: on })
        : target === 'MASQUERADE'
          ? some<{ random: true; randomFully: true }>({ random: on, randomFully: on })
          : some<{ random: true }>({ random: on })
  const to = fc.oneof(
    addresses(family).map((a) => ({ from: a, to: a })),
    addressRange(family),
  )
  return fc
    .tuple(to, portRange, fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 65535 }), fc.boolean(), flags)
    .map(([address, ports, form, base, shifted, f]) => {
      const withPorts = ported && form !== 0
      const withAddress = toAddress && (form !== 2 || !withPorts)
      const shift = withPorts && shifted && target === 'DNAT' && ports.from !== ports.to
      return {
        target,
        range: {
          ...(withPorts ? { ports } : {}),
          ...(shift ? { basePort: base } : {}),
          ...(withAddress ? address : {}),
          ...f,
        },
      }
    })
}

function targets(place: RulePlace, proto: Negatable<number> | undefined, syn: boolean): Arb<Target | undefined> {
  const { family, table, chains } = place
  const straight = proto?.not === false ? proto.value : 0
  const ported = proto !== undefined && [6, 17, 132, 33, 1].includes(proto.value)
  const list: Arb<Target | undefined>[] = [
    fc.constant(undefined),
    pick([{ target: 'ACCEPT' }, { target: 'RETURN' }] as const),
    record({ target: fc.constant('MARK' as const), value: u32, mask: u32 }),
    fc.oneof(
      u32.chain((value) =>
        u32.map((ctmask) => ({ target: 'CONNMARK' as const, op: 'set' as const, value, ctmask, nfmask: 0xffffffff })),
      ),
      record({
        target: fc.constant('CONNMARK' as const),
        op: pick(['save', 'restore'] as const),
        value: fc.constant(0),
        ctmask: u32,
        nfmask: u32,
      }),
    ),
    some<{ prefix: string; tcpSequence: true; tcpOptions: true; ipOptions: true; uid: true; macdecode: true }>({
      prefix: nonEmpty(29),
      tcpSequence: on,
      tcpOptions: on,
      ipOptions: on,
      uid: on,
      macdecode: on,
    }).chain((f) => fc.nat({ max: 7 }).map((level) => ({ target: 'LOG' as const, level, ...f }))),
    fc
      .tuple(
        port,
        some<{ prefix: string; size: number; threshold: number }>({
          prefix: nonEmpty(63),
          size: u32,
          threshold: fc.integer({ min: 1, max: 65535 }),
        }),
        fc.option(fc.integer({ min: 1, max: 0xffffffff }), { nil: undefined }),
      )
      .map(([group, f, range]) => ({
        target: 'NFLOG' as const,
        group,
        ...f,
        ...(f.size === undefined && range !== undefined ? { range } : {}),
      })),
  ]
  if (table !== 'nat') list.push(fc.constant({ target: 'DROP' as const }))
  if (chains.length > 0) {
    const jump = record({ target: pick(['jump', 'goto'] as const), chain: pick(chains) })
    list.push(jump, jump)
  }
  if (table === 'filter') {
    const names = REJECT_NAMES[family].map((n) => n[0]).filter((n) => n !== 'tcp-reset' || straight === 6)
    list.push(pick(names).map((w) => ({ target: 'REJECT' as const, with: w })))
  }
  if (place.nat === 'destination') list.push(natTarget('DNAT', family, ported), natTarget('REDIRECT', family, ported))
  if (place.nat === 'source') {
    list.push(natTarget('SNAT', family, ported))
    if (place.hook !== 'INPUT') list.push(natTarget('MASQUERADE', family, ported))
  }
  if (place.nat !== 'none') list.push(netmapTarget(family))
  if (family === 'ipv6' && table === 'mangle') {
    if (place.hook === 'PREROUTING' || place.hook === 'OUTPUT') list.push(nptTarget('DNPT'))
    if (place.hook === 'INPUT' || place.hook === 'POSTROUTING') list.push(nptTarget('SNPT'))
  }
  if (table === 'raw') list.push(fc.constant({ target: 'NOTRACK' as const }), ctTarget(place, straight))
  list.push(...printedTargets(family, table, place.hook, straight))
  if (table === 'mangle') list.push(fc.constant({ target: 'CHECKSUM' as const }))
  if (syn && straight === 6) {
    // Seldom possible, so it is drawn often then.
    const mss = fc.nat({ max: 65495 }).map((n) => ({ target: 'TCPMSS' as const, mss: n }))
    list.push(mss, mss, mss, mss)
  }
  const clamps = place.hook === 'FORWARD' || place.hook === 'OUTPUT' || place.hook === 'POSTROUTING'
  if (syn && straight === 6 && clamps)
    list.push(fc.constant({ target: 'TCPMSS' as const, mss: 'clamp-to-pmtu' as const }))
  return fc.oneof(...list)
}

function ctTarget(place: RulePlace, straight: number): Arb<Target> {
  const zone = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constant('mark' as const))
  const zones = fc.oneof(
    fc.constant({}),
    zone.map((z) => ({ zone: z })),
    zone.map((z) => ({ zoneOrig: z })),
    zone.map((z) => ({ zoneReply: z })),
  )
  const named = straight !== 0 && !place.selfContained
  return fc
    .tuple(
      some<{ notrack: true; ctevents: string[]; expevents: string[] }>({
        notrack: on,
        ctevents: subsetOf(CT_EVENTS),
        expevents: fc.constant(['new']),
      }),
      zones,
      some<{ helper: string; timeout: string }>({ helper: pick(['ftp', 'sip']), timeout: pick(['short']) }),
    )
    .map(([f, z, names]) => ({ target: 'CT' as const, ...f, ...z, ...(named ? names : {}) }))
}

const counters = record({
  packets: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

/**
 * Rules that iptables takes at this place, in every form. `line` is 0.
 *
 * Two matches that share the name of an option (mark and connmark, recent and set) stand in one rule only in an order
 * in which iptables itself can tell them apart: each kind at most once, but for comments and marks.
 */
export function rules(place: RulePlace): Arb<Rule> {
  const byProto = transport()
  const own = [6, 17, 132, 33, 136, 50, 108, ...(place.family === 'ipv4' ? [1, 51] : [58, 135])]
  const proto = fc.oneof(
    fc.constant(undefined),
    pick(own).map((value) => ({ not: false, value })),
    negatable(fc.integer({ min: 1, max: 255 })),
  )
  const incoming = place.hook !== 'OUTPUT' && place.hook !== 'POSTROUTING'
  const outgoing = place.hook !== 'PREROUTING' && place.hook !== 'INPUT'
  const any = place.family === 'ipv4' ? '0.0.0.0/0' : '::/0'
  const address = negatable(prefixes(place.family)).filter((p) => p.not || p.value !== any)
  type Base = Pick<Rule, 'src' | 'dst' | 'inIface' | 'outIface' | 'fragment' | 'counters'>
  const base = some<{ [K in keyof Base]-?: Exclude<Base[K], undefined> }>({
    src: address,
    dst: address,
    inIface: negatable(ifaces),
    outIface: negatable(ifaces),
    fragment: negatable(on),
    counters,
  }).map((b) => {
    const kept: { -readonly [K in keyof Base]: Base[K] } = { ...b }
    if (!incoming) delete kept.inIface
    if (!outgoing) delete kept.outIface
    if (place.family === 'ipv6') delete kept.fragment
    return kept
  })
  // Building generators costs more than drawing from them: one for each protocol and each kind of target.
  const common = general(place)
  const matchesFor = memo((key) => {
    const list = key === '58' || key === '1' ? ownIcmp(byProto, place.family, key) : (byProto[Number(key)] ?? [])
    const kept = [...listedForms(place.family, place.hook, Number(key)), ...byteForms()]
    return fc
      .array(fc.oneof(...list, ...common, ...kept), { maxLength: 4 })
      .map((all) => all.filter((m, i) => m.match === 'comment' || all.findIndex((x) => x.match === m.match) === i))
  })
  const restFor = memo((key) => {
    const [value, not, syn] = key.split(' ')
    const p = value === '0' ? undefined : { not: not === 'true', value: Number(value) }
    return fc.tuple(base, targets(place, p, syn === 'true'))
  })
  return proto.chain((p) =>
    matchesFor(p?.not === false ? String(p.value) : '0').chain((matches) => {
      const syn = matches.some(
        (m) => m.match === 'tcp' && m.flags !== undefined && !m.flags.not && (m.flags.value.comp & 2) !== 0,
      )
      return restFor(`${p?.value ?? 0} ${p?.not ?? false} ${syn}`).map(
        ([b, target]): Rule => ({
          ...b,
          ...(p === undefined ? {} : { proto: p }),
          matches,
          ...(target === undefined ? {} : { target }),
          line: 0,
        }),
      )
    }),
  )
}

function ownIcmp(byProto: ReturnType<typeof transport>, family: Family, key: '1' | '58'): Arb<Match>[] {
  return (family === 'ipv4') === (key === '1') ? (byProto[Number(key)] ?? []) : []
}

function memo<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = make(key)
    made.set(key, fresh)
    return fresh
  }
}
