// Random rule sets over every match and target that rules.ts compiles, and packets that are likely to meet them.
// Owns the generator of test/engine/rules.test.ts: small pools of addresses, ports and names, so that rules often match.
import fc from 'fast-check'
import type { Packet } from '../../src/net/packet.js'
import type { Chain, Family, Match, Negatable, Range, Rule, Ruleset, Target } from '../../src/netfilter/model.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { IpSet, Link, NetworkNamespace, Route, SetEntry } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'

const PREFIXES = {
  ipv4: ['10.0.0.0/24', '10.0.0.5/32', '10.1.0.0/16', '192.168.7.0/25', '0.0.0.0/0', '10.0.0.4/255.255.0.4'],
  ipv6: ['fd00:1::/64', 'fd00:1::5/128', 'fd00:2::/48', '::/0', 'fd00:1::4/ffff::4', 'fd00:3::7/128'],
} as const
export const ADDRESSES = {
  ipv4: ['10.0.0.5', '10.0.0.4', '10.1.0.9', '192.168.7.9', '192.168.7.130', '10.0.0.1'],
  ipv6: ['fd00:1::5', 'fd00:1::4', 'fd00:2::9', 'fd00:3::7', 'fd00:1:0:1::4', 'fd00:1::1'],
} as const
const PORTS = [0, 53, 80, 443, 1000, 1001, 8080, 65535]
const IFACES = ['eth0', 'eth1', 'eth+', '+', 'cni0', 'absent']

const negatable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Negatable<T>> => fc.record({ not: fc.boolean(), value })
const range: fc.Arbitrary<Range> = fc
  .tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS), fc.boolean())
  .map(([a, b, one]) => (one ? { from: a, to: a } : { from: Math.min(a, b), to: Math.max(a, b) }))
const masked = fc.record({ value: fc.integer({ min: 0, max: 7 }), mask: fc.constantFrom(1, 3, 7, 0xffffffff) })

/** An optional key: left out when the value is undefined. */
function optional<T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>
}

const CT_STATES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT'] as const
const ADDR_TYPES = ['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'MULTICAST'] as const

/** A match that any rule can hold. */
function anyMatch(family: Family): fc.Arbitrary<Match> {
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
function protoMatches(
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

const PLAIN_TARGETS: readonly Target[] = [
  { target: 'ACCEPT' },
  { target: 'DROP' },
  { target: 'RETURN' },
  { target: 'RETURN' },
  { target: 'MARK', value: 1, mask: 3 },
  { target: 'MARK', value: 4, mask: 4 },
  { target: 'CONNMARK', op: 'set', value: 2, ctmask: 6, nfmask: 0xffffffff },
  { target: 'CONNMARK', op: 'save', value: 0, ctmask: 7, nfmask: 3 },
  { target: 'CONNMARK', op: 'restore', value: 0, ctmask: 3, nfmask: 7 },
  { target: 'LOG', level: 4 },
  { target: 'NFLOG', group: 1 },
]

function rule(family: Family, targets: readonly Target[]): fc.Arbitrary<Rule> {
  const base = optional({
    src: negatable(fc.constantFrom(...PREFIXES[family])),
    dst: negatable(fc.constantFrom(...PREFIXES[family])),
    inIface: negatable(fc.constantFrom(...IFACES)),
    outIface: negatable(fc.constantFrom(...IFACES)),
  })
  // Few conditions at a time, else nothing ever matches.
  return fc
    .tuple(
      fc.option(base, { nil: {}, freq: 1 }),
      protoMatches(family),
      fc.array(anyMatch(family), { maxLength: 2 }),
      fc.option(fc.constantFrom(...targets), { nil: undefined, freq: 8 }),
      fc.boolean(),
    )
    .map(([b, p, more, target, front]) => {
      const matches = front ? [...more, ...p.matches] : [...p.matches, ...more]
      return {
        ...(b as object),
        ...('proto' in p ? { proto: p.proto } : {}),
        matches,
        ...(target === undefined ? {} : { target }),
        line: 0,
      } as Rule
    })
}

function chain(name: string, policy: Chain['policy'], rules: readonly Rule[]): Chain {
  return { name, policy, counters: { packets: 0n, bytes: 0n }, rules }
}

/** Tables filter and mangle (and raw with CT), user chains A to D that jump and goto only forwards. */
export function ruleset(family: Family): fc.Arbitrary<Ruleset> {
  const names = ['A', 'B', 'C', 'D']
  const to = (list: readonly string[]): Target[] =>
    list.flatMap((c): Target[] => [
      { target: 'jump', chain: c },
      { target: 'jump', chain: c },
      { target: 'goto', chain: c },
    ])
  const reject: Target[] = [
    { target: 'REJECT', with: family === 'ipv6' ? 'icmp6-adm-prohibited' : 'icmp-host-prohibited' },
  ]
  const table = (name: 'filter' | 'mangle', hooks: readonly string[]): fc.Arbitrary<Ruleset['tables'][number]> =>
    fc
      .tuple(
        fc.tuple(
          ...hooks.map(() =>
            fc.array(rule(family, [...PLAIN_TARGETS, ...(name === 'filter' ? reject : []), ...to(names)]), {
              maxLength: 6,
            }),
          ),
        ),
        fc.tuple(
          ...names.map((_, i) =>
            fc.array(rule(family, [...PLAIN_TARGETS, ...to(names.slice(i + 1))]), { maxLength: 5 }),
          ),
        ),
        fc.boolean(),
      )
      .map(([base, user, drop]) => ({
        name,
        chains: [
          ...hooks.map((h, i) => chain(h, drop && i === 0 ? 'DROP' : 'ACCEPT', base[i]!)),
          ...names.map((n, i) => chain(n, null, user[i]!)),
        ],
      }))
  const raw = fc
    .array(
      rule(family, [
        { target: 'NOTRACK' },
        { target: 'CT', notrack: true },
        { target: 'CT', zone: 5 },
        { target: 'ACCEPT' },
        { target: 'MARK', value: 2, mask: 2 },
      ]),
      { maxLength: 3 },
    )
    .map((rules) => ({
      name: 'raw' as const,
      chains: [chain('PREROUTING', 'ACCEPT', rules), chain('OUTPUT', 'ACCEPT', [])],
    }))
  return fc
    .tuple(
      fc.constantFrom('legacy' as const, 'nft' as const),
      table('filter', ['INPUT', 'FORWARD', 'OUTPUT']),
      table('mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']),
      raw,
    )
    .map(([backend, filter, mangle, r]) => ({ family, backend, file: `rules-${family}`, tables: [r, mangle, filter] }))
}

const SET_NAMES = [
  'hash:ip',
  'hash:net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:net,net',
  'hash:net,iface',
  'list:set',
] as const

function entries(type: string, family: Family): fc.Arbitrary<SetEntry[]> {
  const bits = family === 'ipv6' ? 128 : 32
  const ip = fc.constantFrom(...ADDRESSES[family]).map((a) => ({ part: 'net' as const, prefix: `${a}/${bits}` }))
  const nets = PREFIXES[family].filter((p) => !p.includes('4/') && !p.endsWith('/0'))
  const net = fc.constantFrom(...nets).map((prefix) => ({ part: 'net' as const, prefix }))
  const port = fc
    .tuple(fc.constantFrom(6, 17, 132), fc.constantFrom(...PORTS))
    .map(([proto, p]) => ({ part: 'port' as const, proto, port: p }))
  const iface = fc.constantFrom('eth0', 'eth1', 'gone').map((name) => ({ part: 'iface' as const, name }))
  const set = fc
    .constantFrom(`hash:ip-${family}`, `hash:net,port-${family}`)
    .map((name) => ({ part: 'set' as const, name }))
  const bare = fc.constantFrom(...PORTS).map((p) => ({ part: 'port' as const, proto: 0, port: p }))
  const kinds = { ip, net, port, iface, set }
  const parts =
    type === 'bitmap:port'
      ? fc.tuple(bare)
      : fc.tuple(
          ...(type.split(':')[1] ?? '').split(',').map((k) => kinds[k as keyof typeof kinds] as fc.Arbitrary<unknown>),
        )
  const knowsNomatch = type.includes('net')
  const entry = fc
    .tuple(parts, fc.boolean(), fc.option(fc.constantFrom(1, 4), { nil: undefined }))
    .map(([p, nomatch, timeout]) => ({
      parts: p as SetEntry['parts'],
      nomatch: knowsNomatch && nomatch,
      ...(timeout === undefined ? {} : { timeout }),
    }))
  return fc.uniqueArray(entry, { maxLength: 8, selector: (e) => JSON.stringify(e.parts) })
}

const sets: fc.Arbitrary<IpSet[]> = fc.tuple(
  ...(['ipv4', 'ipv6'] as const).flatMap((family) =>
    SET_NAMES.map((type) =>
      entries(type, family).map((e): IpSet => ({ name: `${type}-${family}`, type, family, entries: e, options: {} })),
    ),
  ),
  entries('bitmap:port', 'ipv4').map(
    (e): IpSet => ({ name: 'bitmap:port-ipv4', type: 'bitmap:port', family: 'ipv4', entries: e, options: {} }),
  ),
)

function link(name: string, index: number, v4: string, v6: string): Link {
  const loopback = name === 'lo'
  const scope = loopback ? ('host' as const) : ('global' as const)
  return {
    name,
    index,
    up: true,
    loopback,
    kind: loopback ? '' : 'tun',
    mtu: 1500,
    addresses: [
      { address: v4, prefixLength: loopback ? 8 : 24, family: 'ipv4', scope },
      { address: v6, prefixLength: loopback ? 128 : 64, family: 'ipv6', scope },
    ],
  }
}

const LINKS: readonly Link[] = [
  link('lo', 1, '127.0.0.1', '::1'),
  link('eth0', 2, '10.0.0.1', 'fd00:1::1'),
  link('eth1', 3, '10.1.0.1', 'fd00:2::1'),
]

const ROUTES: readonly Route[] = [
  ...deriveRoutes(LINKS),
  ...(['ipv4', 'ipv6'] as const).map(
    (family): Route => ({
      family,
      table: 254,
      type: 'unicast',
      dst: family === 'ipv4' ? '0.0.0.0/0' : '::/0',
      nextHops: [{ dev: 'eth1', via: family === 'ipv4' ? '10.1.0.254' : 'fd00:2::fe', weight: 1 }],
      metric: family === 'ipv4' ? 0 : 1024,
      scope: 'global',
      tos: 0,
    }),
  ),
]

/** A namespace with three links (`lo`, `eth0`, `eth1`) and default routes by `eth1`. */
export function namespaceOf(rulesets: readonly Ruleset[], ipsets: readonly IpSet[]): NetworkNamespace {
  return {
    name: 'test',
    links: LINKS,
    routes: ROUTES,
    policyRules: [...defaultPolicyRules('ipv4'), ...defaultPolicyRules('ipv6')],
    rulesets,
    sets: ipsets,
    sysctls: {},
    connections: [],
    forceConntrack: false,
    assumed: [],
  }
}

/** Namespaces with random rules of both families and random sets. */
export const namespaces: fc.Arbitrary<NetworkNamespace> = fc
  .tuple(ruleset('ipv4'), ruleset('ipv6'), sets)
  .map(([v4, v6, s]) => namespaceOf([v4, v6], s))

/** One packet: any family and protocol, small steps of time. */
export const packets: fc.Arbitrary<Omit<Packet, 'at_ms'> & { gap: number }> = fc
  .tuple(
    fc.constantFrom('ipv4' as const, 'ipv6' as const),
    fc.constantFrom(6, 17, 132, 1, 50),
    fc.nat(5),
    fc.nat(5),
    fc.constantFrom(...PORTS),
    fc.constantFrom(...PORTS),
    fc.record({
      iface: fc.constantFrom('eth0', 'eth1', 'local'),
      mark: fc.nat(7),
      ttl: fc.constantFrom(64, 63, 2),
      payload_len: fc.constantFrom(0, 10),
      gap: fc.constantFrom(0, 0, 1, 300, 1000, 2500),
    }),
    fc.constantFrom('S', 'SA', 'A', 'R', 'FA'),
    fc.constantFrom(0, 8, 3),
  )
  .map(([family, proto, s, d, sport, dport, rest, flags, type]) => {
    const own = family === 'ipv4' ? '10.0.0.1' : 'fd00:1::1'
    const src = rest.iface === 'local' ? own : ADDRESSES[family][s]!
    const dst = ADDRESSES[family][d]!
    if (proto === 1) {
      const echo = family === 'ipv4' ? (type === 3 ? 8 : type) : type === 0 ? 129 : 128
      const name = family === 'ipv4' ? ('icmp' as const) : ('icmpv6' as const)
      return { ...rest, proto: name, src, dst, icmp_type: echo, icmp_code: 0, icmp_id: sport }
    }
    if (proto === 50) return { ...rest, proto: 'esp' as const, src, dst }
    const base = { ...rest, src, dst, sport, dport }
    if (proto === 6) return { ...base, proto: 'tcp' as const, flags }
    if (proto === 17) return { ...base, proto: 'udp' as const }
    return { ...base, proto: 'sctp' as const, sctp_chunk: type === 0 ? 'DATA' : 'INIT' }
  })
