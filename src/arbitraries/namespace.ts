// Network namespaces in a small world: two to four interfaces, routes in several tables, policy rules, settings, sets,
// connections that exist already. Owns how these come together, settings and connections; links.ts, routes.ts, policy.ts,
// sets.ts and traffic.ts have the rest.
import fc from 'fast-check'
import type { ConntrackEntry } from '../net/packet.js'
import type { Chain, Family, Ruleset, Table } from '../netfilter/model.js'
import { needsReassembly } from '../netfilter/needs.js'
import type { NetworkNamespace } from '../netns/model.js'
import { bridgeDraft, bridgeOf } from './bridges.js'
import { linkDraft, linksOf } from './links.js'
import { type PolicyDraft, policyDraft, policyOf } from './policy.js'
import { LINK_NAMES, linkNumber, listOf, pick, poolMark, rarely, weighted, worldOf } from './pool.js'
import { GATEWAYS, routeDraft, routesOf } from './routes.js'
import { setsOf } from './sets.js'
import { trafficRulesets } from './traffic.js'

export interface NamespaceOptions {
  /** Rule sets to use; default: `trafficRulesets()` of one or both families. */
  readonly rulesets?: fc.Arbitrary<readonly Ruleset[]>
  /** Only interfaces, addresses and the routes that follow from them: no further routes, policy rules or settings. */
  readonly plain?: boolean
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
    [1, fc.constant(['net.netfilter.nf_conntrack_acct', '1'])],
    [1, pick(['1', '5']).map((v) => ['net.netfilter.nf_conntrack_udp_timeout', v])],
    [1, pick(['2', '60']).map((v) => ['net.netfilter.nf_conntrack_tcp_timeout_established', v])],
    [1, pick(['1', '128']).map((v) => ['net.ipv4.ip_default_ttl', v])],
  ),
  0,
  5,
).map(Object.fromEntries)

const conf = (link: string, key: string): string => `net.ipv4.conf.${link.replaceAll('.', '/')}.${key}`

const flowCount = fc.record({ packets: pick([0, 1, 2]), bytes: pick([0, 40, 120]) }, { noNullPrototype: true })

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
    counted: fc.option(fc.record({ orig: flowCount, reply: flowCount }, { noNullPrototype: true })),
  })
  .map(({ family, tcp, link, remote, sport, dport, timeout, mark, counted }) => {
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
      ...(counted === null ? {} : { counted }),
    } as ConntrackEntry
  })

function distinctConnections(entries: readonly ConntrackEntry[]): ConntrackEntry[] {
  const key = (e: ConntrackEntry): string => JSON.stringify([e.protonum, e.orig])
  return entries.filter((e, i) => entries.findIndex((f) => key(f) === key(e)) === i)
}

/** The rules that make neither conntrack nor reassembly run. */
function withoutTracking(ruleset: Ruleset): Ruleset {
  const chains = (table: Table): Chain[] =>
    table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => !needsReassembly(rule)) }))
  return { ...ruleset, tables: ruleset.tables.map((table) => ({ ...table, chains: chains(table) })) }
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
          ? fc.record({
              up: fc.constant(true),
              v4: fc.constant(0),
              v6: fc.constant(0),
              odd6: fc.constant(0),
              group: fc.constant(0),
              tunnel: fc.constant(false),
              mtu: fc.constant(1500),
            })
          : linkDraft,
        2,
        4,
      ),
      routes: families(routeDraft, 14),
      gateway: none(
        true,
        rarely(6).map((no) => !no),
      ),
      rules: weighted<PolicyDraft[]>([1, fc.constant([])], [2, families(policyDraft, 5)]),
      sysctls: none({}, sysctls),
      sets: fc.tuple(setsOf('ipv4'), setsOf('ipv6')),
      connections: none([], listOf(connection, 0, 4)),
      bridge: none(null, bridgeDraft),
      rulesets: options.rulesets ?? trafficRulesets(),
      forceConntrack: none(false, rarely(4)),
      /** No rule needs conntrack: fragments meet the rules as they are. */
      untracked: none(false, rarely(6)),
    })
    .map((d): NetworkNamespace => {
      const { links, sysctls: calls, ...bridging } = bridgeOf(d.bridge, linksOf(d.links))
      const routes = d.gateway ? [...d.routes, ...GATEWAYS] : d.routes
      return {
        name: 'generated',
        links,
        routes: routesOf(links, routes),
        policyRules: policyOf(d.rules),
        rulesets: d.untracked ? d.rulesets.map(withoutTracking) : d.rulesets,
        sets: d.sets.flat(),
        sysctls: { ...d.sysctls, ...calls },
        connections: distinctConnections(d.connections),
        ...bridging,
        forceConntrack: d.forceConntrack && !d.untracked,
        assumed: [],
      }
    })
}
