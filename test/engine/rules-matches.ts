// Random matches of the rules of test/engine/rules.test.ts: those that any rule can hold, and those of a protocol.
import fc from 'fast-check'
import type { Family, Match, Negatable, Range } from '../../src/netfilter/model.js'
import { ADDRESSES, masked, negatable, optional, PREFIXES, range, SET_NAMES } from './rules-words.js'

const CT_STATES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT'] as const
const ADDR_TYPES = ['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'MULTICAST'] as const

/** A match that any rule can hold. */
export function anyMatch(family: Family): fc.Arbitrary<Match> {
  const prefix = fc.constantFrom(...PREFIXES[family])
  const address = fc.constantFrom(...ADDRESSES[family])
  const six = family === 'ipv6'
  const mask = six
    ? ['ffff:ffff:ffff:ffff::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']
    : ['255.255.0.0', '255.255.255.255']
  const between = negatable(
    fc
      .tuple(fc.constantFrom(...ADDRESSES[family]), address)
      .map(([a, b]) => (a < b ? { from: a, to: b } : { from: b, to: a })),
  )
  const recent = fc.record({
    match: fc.constant('recent' as const),
    not: fc.boolean(),
    name: fc.constantFrom('one', 'two'),
    side: fc.constantFrom('source' as const, 'dest' as const),
    mask: fc.constantFrom(...mask),
  })
  const asked = optional<{ seconds: number; hitcount: number; rttl: boolean }>({
    seconds: fc.constantFrom(1, 3),
    hitcount: fc.constantFrom(1, 2, 5),
    rttl: fc.constant(true),
  })
  return fc.oneof(
    fc.constant<Match>({ match: 'comment', comment: 'x' }),
    fc.constant<Match>({ match: 'nfacct', name: 'n' }),
    optional({ in: negatable(fc.constant('p0')), isBridged: negatable(fc.constant(true as const)) }).map(
      (o) => ({ match: 'physdev', ...o }) as Match,
    ),
    fc.record({ match: fc.constantFrom('mark' as const, 'connmark' as const), mark: negatable(masked) }),
    fc.record({
      match: fc.constant('state' as const),
      state: negatable(fc.uniqueArray(fc.constantFrom(...CT_STATES), { minLength: 1, maxLength: 3 })),
    }),
    optional({
      ctstate: negatable(fc.uniqueArray(fc.constantFrom(...CT_STATES), { minLength: 1, maxLength: 3 })),
      ctproto: negatable(fc.constantFrom(6, 17)),
      ctorigsrc: negatable(prefix),
      ctorigdst: negatable(prefix),
      ctreplsrc: negatable(prefix),
      ctrepldst: negatable(prefix),
      ctorigsrcport: negatable(range),
      ctorigdstport: negatable(range),
      ctreplsrcport: negatable(range),
      ctrepldstport: negatable(range),
      ctstatus: negatable(
        fc.uniqueArray(
          fc.constantFrom('NONE' as const, 'SEEN_REPLY' as const, 'ASSURED' as const, 'CONFIRMED' as const),
          {
            minLength: 1,
          },
        ),
      ),
      ctexpire: negatable(fc.constantFrom({ from: 0, to: 29 }, { from: 30, to: 120 })),
      ctdir: fc.constantFrom('ORIGINAL' as const, 'REPLY' as const),
    }).map((o) => ({ match: 'conntrack', ...(Object.keys(o).length > 0 ? o : { ctdir: 'REPLY' }) }) as Match),
    optional({
      srcType: negatable(
        fc.uniqueArray(fc.constantFrom(...ADDR_TYPES.slice(0, six ? 3 : 5)), { minLength: 1, maxLength: 2 }),
      ),
      dstType: negatable(
        fc.uniqueArray(fc.constantFrom(...ADDR_TYPES.slice(0, six ? 3 : 5)), { minLength: 1, maxLength: 2 }),
      ),
    }).map(
      (o) =>
        ({
          match: 'addrtype',
          ...(Object.keys(o).length > 0 ? o : { dstType: { not: false, value: ['LOCAL'] } }),
        }) as Match,
    ),
    fc.record({
      match: fc.constant('statistic' as const),
      mode: fc.constant('random' as const),
      not: fc.boolean(),
      probability: fc.constantFrom(0, 1, 715827883, 1073741824, 2147483647, 2147483648),
    }),
    fc
      .tuple(fc.boolean(), fc.integer({ min: 1, max: 4 }), fc.nat(3))
      .map(([not, every, p]): Match => ({ match: 'statistic', mode: 'nth', not, every, packet: p % every })),
    fc.tuple(recent, fc.constantFrom('set' as const, 'remove' as const)).map(([r, op]): Match => ({ ...r, op })),
    fc
      .tuple(recent, fc.constantFrom('rcheck' as const, 'update' as const), asked, fc.boolean())
      .map(([r, op, o, reap]): Match => {
        // An inverted update that renews the very entry it would reap has its own test, from the kernel's answer.
        const reaps = reap && o.seconds !== undefined && !(op === 'update' && r.not)
        return { ...r, op, ...o, ...(reaps ? { reap } : {}) }
      }),
    optional({ src: between, dst: between }).map((o) => ({ match: 'iprange', ...o }) as Match),
    fc
      .record({
        match: fc.constant('set' as const),
        not: fc.boolean(),
        name: fc.constantFrom(...SET_NAMES.map((n) => `${n}-${family}`), 'bitmap:port-ipv4'),
        dirs: fc.array(fc.constantFrom('src' as const, 'dst' as const), { minLength: 1, maxLength: 3 }),
        returnNomatch: fc.boolean(),
      })
      .map((m): Match => ({ ...m, returnNomatch: m.returnNomatch && m.name.startsWith('hash:net') })),
    fc.record({
      match: fc.constant('limit' as const),
      rate: fc.integer({ min: 1, max: 20 }),
      unit: fc.constantFrom('sec' as const, 'min' as const),
      burst: fc.integer({ min: 1, max: 5 }),
    }),
  )
}

/** A rule's protocol with the matches that it allows. */
export function protoMatches(
  family: Family,
): fc.Arbitrary<{ readonly proto?: Negatable<number>; readonly matches: readonly Match[] }> {
  const ports = optional<{ sport: Negatable<Range>; dport: Negatable<Range> }>({
    sport: negatable(range),
    dport: negatable(range),
  })
  const plain = (value: number): { proto: Negatable<number> } => ({ proto: { not: false, value } })
  const flags = negatable(fc.constantFrom({ mask: 23, comp: 2 }, { mask: 18, comp: 18 }, { mask: 255, comp: 0 }))
  const icmp = family === 'ipv6' ? 58 : 1
  const multiport = fc.record({
    match: fc.constant('multiport' as const),
    on: fc.constantFrom('sports' as const, 'dports' as const, 'ports' as const),
    not: fc.boolean(),
    ports: fc.array(range, { minLength: 1, maxLength: 3 }),
  })
  const chunks = negatable(
    fc.record({
      how: fc.constantFrom('all' as const, 'any' as const, 'only' as const),
      types: fc.uniqueArray(fc.constantFrom(0, 1, 3), { minLength: 1 }).map((t) => t.map((type) => ({ type }))),
    }),
  )
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant({ matches: [] as readonly Match[] }) },
    negatable(fc.constantFrom(6, 17, icmp, 132)).map((proto) => ({ proto, matches: [] })),
    fc
      .tuple(ports, fc.option(flags, { nil: undefined }))
      .map(([p, f]) => ({ ...plain(6), matches: [{ match: 'tcp' as const, ...p, ...(f ? { flags: f } : {}) }] })),
    ports.map((p) => ({ ...plain(17), matches: [{ match: 'udp' as const, ...p }] })),
    fc
      .tuple(ports, fc.option(chunks, { nil: undefined }))
      .map(([p, c]) => ({ ...plain(132), matches: [{ match: 'sctp' as const, ...p, ...(c ? { chunks: c } : {}) }] })),
    fc.tuple(fc.constantFrom(6, 17), multiport).map(([n, m]) => ({ ...plain(n), matches: [m] })),
    negatable(
      fc.record({
        type: fc.constantFrom(0, 8, 128, 3),
        codes: fc.constantFrom({ from: 0, to: 255 }, { from: 1, to: 3 }),
      }),
    ).map((type) => ({
      ...plain(icmp),
      matches: [{ match: icmp === 1 ? ('icmp' as const) : ('icmp6' as const), type }],
    })),
  )
}
