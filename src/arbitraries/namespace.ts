// Network namespaces in a small world: two to four interfaces, routes in several tables, policy rules, settings, sets,
// connections that exist already. Owns what a valid namespace is made of beside its rules (traffic.ts).
import fc from 'fast-check'
import { canonicalAddress, canonicalPrefix } from '../net/ip.js'
import type { ConntrackEntry } from '../net/packet.js'
import type { Family, Ruleset } from '../netfilter/model.js'
import { deriveRoutes } from '../netns/derive.js'
import type {
  Address,
  IpSet,
  Link,
  NetworkNamespace,
  NextHop,
  PolicyRule,
  Route,
  RouteType,
  SetPart,
} from '../netns/model.js'
import {
  bitsOf,
  LINK_NAMES,
  linkNumber,
  listOf,
  MARKS,
  pick,
  poolAddress,
  poolMark,
  poolPort,
  poolPrefix,
  rarely,
  SETS,
  weighted,
  worldOf,
} from './pool.js'
import { trafficRulesets } from './traffic.js'

export interface NamespaceOptions {
  /** Rule sets to use; default: `trafficRulesets()` of one or both families. */
  readonly rulesets?: fc.Arbitrary<readonly Ruleset[]>
  /** Only interfaces, addresses and the routes that follow from them: no further routes, policy rules or settings. */
  readonly plain?: boolean
}

const LOOPBACK: Link = {
  name: 'lo',
  index: 1,
  up: true,
  loopback: true,
  kind: '',
  mtu: 65536,
  addresses: [
    { address: '127.0.0.1', prefixLength: 8, family: 'ipv4', scope: 'host' },
    { address: '::1', prefixLength: 128, family: 'ipv6', scope: 'host' },
  ],
}

interface LinkDraft {
  readonly up: boolean
  readonly v4: number
  readonly v6: number
  /** 0: none; else which of the addresses that RFC 6724 treats in its own way. */
  readonly odd6: number
}

const linkDraft: fc.Arbitrary<LinkDraft> = fc.record({
  up: rarely(12).map((down) => !down),
  v4: fc.nat({ max: 7 }),
  v6: fc.nat({ max: 7 }),
  odd6: weighted([3, fc.constant(0)], [2, fc.integer({ min: 1, max: 6 })]),
})

/** Bits of `v4` and `v6`: 0 none (1 in 8), bit 0 a second address of the same subnet, bit 1 one of another, bit 2 link-local first. */
function addressesOf({ v4, v6, odd6 }: LinkDraft, k: number): Address[] {
  const out: Address[] = []
  const add4 = (address: string, prefixLength: number, more: Partial<Address> = {}): void => {
    out.push({ address, prefixLength, family: 'ipv4', scope: 'global', ...more })
  }
  const add6 = (address: string, scope: Address['scope'] = 'global'): void => {
    out.push({ address, prefixLength: 64, family: 'ipv6', scope })
  }
  if (v4 !== 7) {
    if (v4 & 4) add4(`169.254.${k}.1`, 16, { scope: 'link' })
    add4(`10.0.${k}.1`, 24, v4 & 1 ? {} : { broadcast: `10.0.${k}.255` })
    if (v4 & 2) add4(`10.1.${k}.1`, 28)
    if (v4 & 1) add4(`10.0.${k}.2`, 24, { secondary: true })
  }
  if (v6 !== 7) {
    if (v6 & 2) add6(`fd01:${k + 1}::1`)
    const odd = [
      null,
      `2002:a00:${k}::1`,
      `2001:0:${k}::1`,
      `fec0:0:0:${k}::1`,
      `2001:db8:5${k}::1`,
      `3ffe:${k}::1`,
      `2001:1${k}::1`,
    ]
    const special = odd[odd6]
    if (special) add6(canonicalAddress(special) as string, odd6 === 3 ? 'site' : 'global')
    if (v6 & 1) add6(`fd00:${k + 1}::2`)
    add6(`fd00:${k + 1}::1`)
    if (v6 & 4) add6(`fe80::${k + 1}`, 'link')
  }
  return out
}

const KINDS = ['veth', 'veth', 'dummy', 'vxlan']

function linksOf(drafts: readonly LinkDraft[]): Link[] {
  return [
    LOOPBACK,
    ...drafts.map((draft, k) => ({
      name: LINK_NAMES[k] as string,
      index: k + 2,
      up: draft.up,
      loopback: false,
      kind: KINDS[k] as string,
      mac: `02:00:00:00:00:0${k + 1}`,
      mtu: 1500,
      addresses: addressesOf(draft, k),
    })),
  ]
}

interface RouteDraft {
  readonly family: Family
  readonly table: number
  readonly type: RouteType
  readonly dst: string
  readonly hops: readonly { readonly link: number; readonly via: number; readonly weight: number }[]
  readonly metric: number
  readonly tos: number
}

const TABLES = [254, 254, 100, 101, 253]
const NO_HOP: ReadonlySet<RouteType> = new Set(['unreachable', 'prohibit', 'blackhole', 'throw'])

const routeDraft = (family: Family): fc.Arbitrary<RouteDraft> =>
  fc.record({
    family: fc.constant(family),
    table: pick(TABLES),
    type: weighted<RouteType>(
      [12, fc.constant('unicast')],
      [2, pick<RouteType>(['unreachable', 'prohibit', 'blackhole', 'throw'])],
      [1, fc.constant('local')],
    ),
    dst: weighted([3, pick([family === 'ipv4' ? '0.0.0.0/0' : '::/0'])], [5, poolPrefix(family)]).map(
      (p) => canonicalPrefix(p) as string,
    ),
    hops: weighted([3, listOf(hopDraft, 1, 1)], [1, listOf(hopDraft, 2, 3)]),
    metric: pick([0, 0, 10, 256, 1024]),
    tos: weighted([9, fc.constant(0)], [1, pick([4, 8, 16])]),
  })

const hopDraft = fc.record({
  link: linkNumber,
  via: fc.nat({ max: 3 }),
  weight: weighted([2, fc.constant(1)], [1, fc.integer({ min: 1, max: 256 })]),
})

/** Most namespaces have a default route by their first interface. */
const GATEWAYS: readonly RouteDraft[] = (['ipv4', 'ipv6'] as const).map((family) => ({
  family,
  table: 254,
  type: 'unicast',
  dst: family === 'ipv4' ? '0.0.0.0/0' : '::/0',
  hops: [{ link: 0, via: 2, weight: 1 }],
  metric: family === 'ipv4' ? 0 : 1024,
  tos: 0,
}))

/** A route over the links that there are; IPv6 knows no type of service and no metric 0. */
function routeOf(draft: RouteDraft, links: readonly Link[]): Route {
  const { family, type } = draft
  const world = worldOf(family)
  const real = links.filter((l) => !l.loopback)
  const nextHops: NextHop[] = []
  for (const hop of NO_HOP.has(type) ? [] : type === 'local' ? draft.hops.slice(0, 1) : draft.hops) {
    const k = hop.link % real.length
    const dev = (real[k] as Link).name
    const { weight } = hop
    const next =
      type === 'local' || hop.via < 1 ? { dev, weight } : { dev, via: world.neighbour(k, hop.via & 1), weight }
    if (!nextHops.some((h) => h.dev === next.dev && h.via === ('via' in next ? next.via : undefined)))
      nextHops.push(next)
  }
  return {
    family,
    table: draft.table,
    type,
    dst: draft.dst,
    nextHops: nextHops.length === 1 ? nextHops.map((h) => ({ ...h, weight: 1 })) : nextHops,
    metric: family === 'ipv6' ? draft.metric || 1024 : draft.metric,
    scope: type === 'local' ? 'host' : nextHops.every((h) => h.via !== undefined) ? 'global' : 'link',
    tos: family === 'ipv4' ? draft.tos : 0,
  }
}

/** Derived routes, then the drafts; of two with the same table, destination, tos and metric the first stays. */
function routesOf(links: readonly Link[], drafts: readonly RouteDraft[]): Route[] {
  const routes = deriveRoutes(links)
  const taken = new Set(routes.map(routeKey))
  for (const draft of drafts) {
    const route = routeOf(draft, links)
    if (taken.has(routeKey(route))) continue
    taken.add(routeKey(route))
    routes.push(route)
  }
  return routes
}

const routeKey = (r: Route): string => [r.family, r.table, r.dst, r.tos, r.metric].join(' ')

interface RuleDraft {
  readonly family: Family
  readonly not: boolean
  readonly fields: Partial<Pick<PolicyRule, 'from' | 'to' | 'iif' | 'fwmark' | 'ipproto' | 'tos'>>
  readonly action: PolicyRule['action'] | { readonly type: 'goto'; readonly ahead: number }
}

const ruleDraft = (family: Family): fc.Arbitrary<RuleDraft> =>
  fc.record({
    family: fc.constant(family),
    not: rarely(8),
    fields: weighted<RuleDraft['fields']>(
      [3, fc.record({ fwmark: fc.record({ value: pick(MARKS.slice(1, 4)), mask: pick([0xffffffff, 0xff]) }) })],
      [2, fc.record({ from: prefixFor(family) })],
      [1, fc.record({ to: prefixFor(family) })],
      [2, fc.record({ iif: pick([...LINK_NAMES, 'lo']) })],
      [1, fc.record({ ipproto: pick([6, 17]) })],
      [1, fc.record({ tos: pick([4, 8, 16]) })],
      [1, fc.record({ from: prefixFor(family), iif: pick(LINK_NAMES) })],
      [1, fc.constant({})],
    ),
    action: weighted<RuleDraft['action']>(
      [6, pick([100, 101, 254]).map((table) => ({ type: 'table' as const, table }))],
      [
        2,
        fc
          .record({ table: pick([254, 100]), suppressPrefixLength: pick([0, 16, 24]) })
          .map((a) => ({ type: 'table' as const, ...a })),
      ],
      [1, pick(['unreachable', 'prohibit', 'blackhole'] as const).map((type) => ({ type }))],
      [1, fc.nat({ max: 2 }).map((ahead) => ({ type: 'goto' as const, ahead }))],
      [1, fc.constant({ type: 'nop' as const })],
    ),
  })

const prefixFor = (family: Family): fc.Arbitrary<string> => poolPrefix(family).map((p) => canonicalPrefix(p) as string)

/** Priorities 100, 101, …, then the kernel's own; `goto` leads to a later rule. */
function policyOf(drafts: readonly RuleDraft[]): PolicyRule[] {
  const table = (family: Family, priority: number, number: number): PolicyRule => ({
    family,
    priority,
    not: false,
    action: { type: 'table', table: number },
  })
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const own = drafts.filter((d) => d.family === family)
    const last = [table(family, 32766, 254), ...(family === 'ipv4' ? [table(family, 32767, 253)] : [])]
    const made = own.map((draft, i): PolicyRule => {
      const { action } = draft
      const ahead = 'ahead' in action ? i + 1 + action.ahead : 0
      return {
        family,
        priority: 100 + i,
        not: draft.not,
        ...draft.fields,
        action: 'ahead' in action ? { type: 'goto', priority: ahead < own.length ? 100 + ahead : 32766 } : action,
      }
    })
    return [table(family, 0, 255), ...made, ...last]
  })
}

/** Settings that decide about packets, each away from its default now and then. */
const sysctls: fc.Arbitrary<Record<string, string>> = listOf(
  weighted<[string, string]>(
    [2, fc.tuple(pick(['all', ...LINK_NAMES]), pick(['1', '2'])).map(([l, v]) => [conf(l, 'rp_filter'), v])],
    [2, pick(['all', ...LINK_NAMES]).map((l) => [conf(l, 'route_localnet'), '1'])],
    [1, pick(['all', ...LINK_NAMES]).map((l) => [conf(l, 'accept_local'), '1'])],
    [1, pick([...LINK_NAMES]).map((l) => [conf(l, 'forwarding'), '0'])],
    [1, fc.constant(['net.ipv6.conf.all.forwarding', '0'])],
    [3, fc.constant(['net.ipv4.conf.all.send_redirects', '0'])],
    [1, pick(['0', '3', '8']).map((v) => ['net.netfilter.nf_conntrack_max', v])],
    [1, fc.constant(['net.netfilter.nf_conntrack_tcp_loose', '0'])],
    [1, pick(['1', '5']).map((v) => ['net.netfilter.nf_conntrack_udp_timeout', v])],
    [1, pick(['2', '60']).map((v) => ['net.netfilter.nf_conntrack_tcp_timeout_established', v])],
    [1, pick(['1', '128']).map((v) => ['net.ipv4.ip_default_ttl', v])],
  ),
  0,
  5,
).map(Object.fromEntries)

const conf = (link: string, key: string): string => `net.ipv4.conf.${link.replaceAll('.', '/')}.${key}`

const net = (prefix: string): SetPart => ({ part: 'net', prefix: canonicalPrefix(prefix) as string })

/** The sets of one family; names are followed by `6` for IPv6. */
function setsOf(family: Family): fc.Arbitrary<IpSet[]> {
  const host = poolAddress(family)
    .filter((a) => a !== '0.0.0.0' && a !== '::')
    .map((a) => net(`${a}/${bitsOf(family)}`))
  const some = prefixFor(family)
    .filter((p) => !p.endsWith('/0'))
    .map(net)
  // Elements of several parts meet a packet only when all parts do: wide networks, few ports.
  const half = pick(family === 'ipv4' ? ['0.0.0.0/1', '128.0.0.0/1'] : ['8000::/1', '::/1']).map(net)
  const wide = weighted([1, half], [1, some])
  const port = fc
    .record({ proto: pick([17, 6]), port: weighted([3, pick([80, 53])], [1, pick([40000, 40001])], [1, poolPort]) })
    .map((p): SetPart => ({ part: 'port', ...p }))
  const ping: SetPart = { part: 'port', proto: family === 'ipv4' ? 1 : 58, port: (family === 'ipv4' ? 8 : 128) * 256 }
  const world = worldOf(family)
  const few = [...world.services, world.neighbour(0, 0), world.neighbour(1, 0), world.own(0)]
  const endpoint = pick(few).map((a) => net(`${a}/${bitsOf(family)}`))
  const client = fc
    .tuple(fc.nat({ max: 2 }), fc.nat({ max: 1 }))
    .map(([k, i]) => net(`${world.neighbour(k, i)}/${bitsOf(family)}`))
  const service = weighted<SetPart>([5, port], [1, fc.constant(ping)])
  const iface = pick([...LINK_NAMES, 'lo']).map((name): SetPart => ({ part: 'iface', name }))
  const timeout = weighted<number | undefined>([4, fc.constant(undefined)], [1, pick([1, 30])])
  const made = (
    type: string,
    parts: fc.Arbitrary<SetPart[]>,
    nomatch: fc.Arbitrary<boolean> = fc.constant(false),
  ): fc.Arbitrary<Omit<IpSet, 'name'>> =>
    listOf(fc.record({ parts, nomatch, timeout }), 0, 24).map((entries) => ({
      type,
      family,
      entries: entries
        .filter((e, i) => entries.findIndex((f) => JSON.stringify(f.parts) === JSON.stringify(e.parts)) === i)
        .map(({ timeout, ...e }) => (timeout === undefined ? e : { ...e, timeout })),
      options: {
        ...(entries.some((e) => e.timeout !== undefined) ? { timeout: '0' } : {}),
        ...(type === 'bitmap:port' ? { range: '0-65535' } : {}),
      },
    }))
  const end = family === 'ipv6' ? '6' : ''
  const member = pick([`hosts${end}`, `nets${end}`]).map((name): SetPart => ({ part: 'set', name }))
  const mark = poolMark.map((n): SetPart => ({ part: 'mark', mark: n }))
  const bit = poolPort.map((n): SetPart => ({ part: 'port', proto: 0, port: n }))
  const byName: Record<string, fc.Arbitrary<Omit<IpSet, 'name'>>> = {
    hosts: made('hash:ip', fc.tuple(host)),
    nets: made('hash:net', fc.tuple(some), rarely(4)),
    ports: fc.oneof(
      made('hash:ip,port', fc.tuple(endpoint, service)),
      made('hash:net,port', fc.tuple(wide, service), rarely(4)),
    ),
    pairs: fc.oneof(
      made('hash:ip,port,ip', fc.tuple(endpoint, service, client)),
      made('hash:ip,port,net', fc.tuple(endpoint, service, wide), rarely(4)),
      made('hash:net,port,net', fc.tuple(wide, service, wide), rarely(4)),
    ),
    ifaces: made('hash:net,iface', fc.tuple(wide, iface), rarely(4)),
    list: made('list:set', fc.tuple(member)),
    two: made('hash:net,net', fc.tuple(wide, wide), rarely(4)),
    marks: made('hash:ip,mark', fc.tuple(endpoint, mark)),
    bits: made('bitmap:port', fc.tuple(bit)),
  }
  return fc
    .tuple(...SETS.map((name) => byName[name] as fc.Arbitrary<Omit<IpSet, 'name'>>))
    .map((sets) => sets.map((set, i) => ({ name: `${SETS[i]}${end}`, ...set })))
}

/** Connections that exist at the start, without translation. */
const connection: fc.Arbitrary<ConntrackEntry> = fc
  .record({
    family: pick<Family>(['ipv4', 'ipv6']),
    tcp: fc.boolean(),
    link: linkNumber,
    remote: fc.nat({ max: 2 }),
    sport: pick([40000, 40001]),
    dport: pick([80, 53]),
    timeout: pick([1, 30, 300]),
    mark: poolMark,
  })
  .map(({ family, tcp, link, remote, sport, dport, timeout, mark }) => {
    const src = worldOf(family).neighbour(link, 0)
    const dst = worldOf(family).remotes[remote] as string
    return {
      family,
      proto: tcp ? 'tcp' : 'udp',
      protonum: tcp ? 6 : 17,
      timeout,
      ...(tcp ? { state: 'ESTABLISHED' } : {}),
      orig: { src, dst, sport, dport },
      reply: { src: dst, dst: src, sport: dport, dport: sport },
      status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'] as const,
      mark,
    } as ConntrackEntry
  })

function distinctConnections(entries: readonly ConntrackEntry[]): ConntrackEntry[] {
  const key = (e: ConntrackEntry): string => JSON.stringify([e.protonum, e.orig])
  return entries.filter((e, i) => entries.findIndex((f) => key(f) === key(e)) === i)
}

/**
 * Network namespaces in a small world: everything valid, everything likely to meet the packets of `packetLines`. Links,
 * addresses, routes (several tables, all types, multipath, metrics, types of service), policy rules, settings, sets,
 * existing connections and rule sets; each shrinks on its own.
 *
 * `fc.assert(fc.property(scenarios(namespaces()), ({ namespace, lines }) => …))`
 */
export function namespaces(options: NamespaceOptions = {}): fc.Arbitrary<NetworkNamespace> {
  const families = <T>(of: (family: Family) => fc.Arbitrary<T>, max: number): fc.Arbitrary<T[]> =>
    options.plain ? fc.constant([]) : listOf(weighted([2, of('ipv4')], [1, of('ipv6')]), 0, max)
  const none = <T>(value: T, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
    options.plain ? fc.constant(value) : arbitrary
  return fc
    .record({
      links: listOf(
        options.plain
          ? fc.record({ up: fc.constant(true), v4: fc.constant(0), v6: fc.constant(0), odd6: fc.constant(0) })
          : linkDraft,
        2,
        4,
      ),
      routes: families(routeDraft, 14),
      gateway: none(
        true,
        rarely(6).map((no) => !no),
      ),
      rules: weighted<RuleDraft[]>([1, fc.constant([])], [2, families(ruleDraft, 5)]),
      sysctls: none({}, sysctls),
      sets: fc.tuple(setsOf('ipv4'), setsOf('ipv6')),
      connections: none([], listOf(connection, 0, 4)),
      rulesets: options.rulesets ?? trafficRulesets(),
      forceConntrack: none(false, rarely(4)),
    })
    .map((d): NetworkNamespace => {
      const links = linksOf(d.links)
      const routes = d.gateway ? [...d.routes, ...GATEWAYS] : d.routes
      return {
        name: 'generated',
        links,
        routes: routesOf(links, routes),
        policyRules: policyOf(d.rules),
        rulesets: d.rulesets,
        sets: d.sets.flat(),
        sysctls: d.sysctls,
        connections: distinctConnections(d.connections),
        forceConntrack: d.forceConntrack,
        assumed: [],
      }
    })
}
