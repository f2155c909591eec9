// Recorded cases (host.json, rules.v4, rules.v6, ipsets, packets.jsonl) as a namespace and packet lines. For tests only.
// Knows how such a case is set up on a machine: interfaces numbered after `lo`, addresses in the order given, forwarding
// on, no reverse-path filter, no link-local addresses.

import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { canonicalAddress, canonicalPrefix } from '../../src/net/ip.js'
import type { Backend, Family, Ruleset } from '../../src/netfilter/model.js'
import { readRules } from '../../src/netfilter/read.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import { readIpsets } from '../../src/netns/ipset.js'
import type { NetworkNamespace, NextHop, PolicyRule, Route } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'
import { TableNames } from '../../src/netns/routes.js'
import { normalSysctlKey } from '../../src/netns/sysctl.js'
import { behindPorts, type HostInterface, linksOf } from './oracle-links.js'

type HostRoute = {
  dst?: string
  via?: string
  dev?: string
  table?: string | number
  metric?: number
  mtu?: number
  src?: string
  type?: string
  scope?: string
  family?: number | string
  nexthops?: { via?: string; dev?: string; weight?: number }[]
}
type HostRule = {
  pref?: number
  priority?: number
  from?: string
  to?: string
  fwmark?: string | number
  iif?: string
  oif?: string
  tos?: string | number
  not?: boolean
  type?: string
  table?: string | number
  family?: number | string
}
interface Host {
  interfaces?: HostInterface[]
  routes?: (HostRoute | string)[]
  rules?: (HostRule | string)[]
  sysctls?: Record<string, string | number>
  ipsets?: string | (string | { name: string; type: string; family?: string; options?: string; entries?: string[] })[]
  force_conntrack?: boolean
}

export interface OracleCase {
  readonly namespace: NetworkNamespace
  /** The text of packets.jsonl. */
  readonly packets: string
}

/** Words of `ip route add …` as an object. */
function routeWords(text: string): HostRoute {
  const words = text.replace(/^(-[46] )?(route add )?/, '').split(/\s+/)
  const types = ['unreachable', 'prohibit', 'blackhole', 'throw', 'unicast', 'local', 'broadcast']
  const route: Record<string, unknown> = {}
  if (text.startsWith('-6')) route['family'] = 6
  if (types.includes(words[0] ?? '')) route['type'] = words.shift()
  route['dst'] = words.shift()
  let hop: Record<string, unknown> = route
  while (words.length > 0) {
    const word = words.shift()!
    if (word === 'onlink') continue
    if (word === 'nexthop') {
      hop = {}
      route['nexthops'] = [...((route['nexthops'] as unknown[]) ?? []), hop]
    } else hop[word] = words.shift()
  }
  return route as HostRoute
}

function ruleWords(text: string): HostRule {
  const words = text.replace(/^(-[46] )?(rule add )?/, '').split(/\s+/)
  const rule: Record<string, unknown> = text.startsWith('-6') ? { family: 6 } : {}
  while (words.length > 0) {
    const word = words.shift()!
    if (word === 'not') rule['not'] = true
    else if (['unreachable', 'prohibit', 'blackhole'].includes(word)) rule['type'] = word
    else rule[word === 'lookup' ? 'table' : word] = words.shift()
  }
  return rule as HostRule
}

function isV6(family: number | string | undefined, ...texts: (string | undefined)[]): boolean {
  return family === 6 || family === 'inet6' || texts.some((t) => t?.includes(':'))
}

/** The interface by which an address is reached directly. */
function deviceTo(address: string, routes: readonly Route[]): string | undefined {
  const bits = address.includes(':') ? 128 : 32
  for (let length = bits; length >= 0; length--) {
    const dst = canonicalPrefix(`${address}/${length}`)
    const found = routes.find((r) => r.table === 254 && r.type === 'unicast' && r.dst === dst)
    if (found) return found.nextHops[0]?.dev
  }
  return undefined
}

function routeOf(spec: HostRoute, before: readonly Route[], tables: TableNames): Route {
  const v6 = isV6(spec.family, spec.dst, spec.via)
  const family: Family = v6 ? 'ipv6' : 'ipv4'
  const type = (spec.type ?? 'unicast') as Route['type']
  const dst =
    spec.dst === undefined || spec.dst === 'default' ? (v6 ? '::/0' : '0.0.0.0/0') : canonicalPrefix(spec.dst)!
  const hop = (h: { via?: string; dev?: string; weight?: number }): NextHop => {
    const via = h.via === undefined ? undefined : canonicalAddress(h.via)!
    const dev = h.dev ?? (via === undefined ? undefined : deviceTo(via, before))
    return {
      ...(dev === undefined ? {} : { dev }),
      ...(via === undefined ? {} : { via }),
      weight: Number(h.weight ?? 1),
    }
  }
  const hops = ['unreachable', 'prohibit', 'blackhole', 'throw'].includes(type)
    ? []
    : spec.nexthops
      ? spec.nexthops.map(hop)
      : [hop(spec)]
  const direct = hops.length > 0 && hops.every((h) => h.via === undefined)
  const scope = spec.scope ?? (type === 'local' ? 'host' : !v6 && direct ? 'link' : 'global')
  return {
    family,
    table: tables.number(String(spec.table ?? (type === 'local' || type === 'broadcast' ? 'local' : 'main'))),
    type,
    dst,
    nextHops: hops,
    ...(spec.src ? { prefsrc: canonicalAddress(spec.src)! } : {}),
    metric: Number(spec.metric ?? (v6 ? 1024 : 0)),
    scope: scope as Route['scope'],
    tos: 0,
    ...(spec.mtu === undefined ? {} : { mtu: Number(spec.mtu) }),
  }
}

function ruleOf(spec: HostRule, tables: TableNames): PolicyRule {
  const family: Family = isV6(spec.family, spec.from, spec.to) ? 'ipv6' : 'ipv4'
  const prefix = (text: string | undefined): string | undefined =>
    text === undefined || text === 'all' ? undefined : canonicalPrefix(text)!
  const from = prefix(spec.from)
  const to = prefix(spec.to)
  const [value, mask] = spec.fwmark === undefined ? [] : String(spec.fwmark).split('/')
  return {
    family,
    priority: Number(spec.pref ?? spec.priority ?? 32765),
    not: spec.not ?? false,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(spec.iif ? { iif: spec.iif } : {}),
    ...(spec.oif ? { oif: spec.oif } : {}),
    ...(value === undefined ? {} : { fwmark: { value: Number(value), mask: Number(mask ?? 0xffffffff) } }),
    ...(spec.tos === undefined ? {} : { tos: Number(spec.tos) }),
    action: spec.type
      ? { type: spec.type as 'unreachable' | 'prohibit' | 'blackhole' }
      : { type: 'table', table: tables.number(String(spec.table)) },
  }
}

function sysctlsOf(host: Host, v6: boolean): Record<string, string> {
  const base: Record<string, string> = {
    'net.ipv4.ip_forward': '1',
    'net.ipv4.conf.all.rp_filter': '0',
    'net.ipv4.conf.default.rp_filter': '0',
    'net.ipv4.conf.all.route_localnet': '0',
    'net.ipv4.conf.default.route_localnet': '0',
    'net.ipv4.conf.all.accept_local': '0',
    'net.ipv4.conf.default.accept_local': '0',
    'net.netfilter.nf_conntrack_tcp_loose': '1',
    'net.netfilter.nf_conntrack_tcp_be_liberal': '0',
  }
  if (v6) base['net.ipv6.conf.all.forwarding'] = '1'
  // br_netfilter is there, and asks iptables unless it is told not to.
  for (const name of ['iptables', 'ip6tables']) base[`net.bridge.bridge-nf-call-${name}`] = '1'
  for (const [key, value] of Object.entries(host.sysctls ?? {})) {
    const normal = normalSysctlKey(key)
    // Before Linux's own rule: writing ip_forward or conf.all.forwarding sets every interface.
    base[normal === 'net.ipv4.conf.all.forwarding' ? 'net.ipv4.ip_forward' : normal] = String(value)
  }
  return base
}

function setsText(dir: string, host: Host): string {
  const file = join(dir, 'ipsets')
  let text = existsSync(file) ? `${readFileSync(file, 'utf8')}\n` : ''
  if (typeof host.ipsets === 'string') text += `${host.ipsets}\n`
  for (const set of Array.isArray(host.ipsets) ? host.ipsets : []) {
    if (typeof set === 'string') {
      text += `${set}\n`
      continue
    }
    text += `create ${set.name} ${set.type}${set.family === 'inet6' ? ' family inet6' : ''}${set.options ? ` ${set.options}` : ''}\n`
    for (const entry of set.entries ?? []) text += `add ${set.name} ${entry}\n`
  }
  return text
}

/** Reads a case directory. `backend` is that of the rules (their text may name another). */
export function readOracleCase(dir: string, backend: Backend = 'legacy'): OracleCase {
  const host = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8')) as Host
  const v6 =
    existsSync(join(dir, 'rules.v6')) ||
    (host.interfaces ?? []).some((i) => i.addrs?.some((a) => a.includes(':'))) ||
    (host.routes ?? []).some((r) => typeof r === 'object' && r.dst?.includes(':'))
  const links = linksOf(host.interfaces ?? [], v6)
  const sysctls = sysctlsOf(host, v6)
  const tables = new TableNames()
  const routes = deriveRoutes(links, { forwarding6: sysctls['net.ipv6.conf.all.forwarding'] !== '0' })
  for (const spec of host.routes ?? []) {
    routes.push(routeOf(typeof spec === 'string' ? routeWords(spec) : spec, routes, tables))
  }
  const given = (host.rules ?? []).map((spec) => ruleOf(typeof spec === 'string' ? ruleWords(spec) : spec, tables))
  const rulesets: Ruleset[] = []
  for (const [name, family] of [
    ['rules.v4', 'ipv4'],
    ['rules.v6', 'ipv6'],
  ] as const) {
    const file = join(dir, name)
    if (existsSync(file)) rulesets.push(readRules(readFileSync(file, 'utf8'), { file, family, backend }))
  }
  return {
    namespace: {
      name: basename(dir),
      links,
      routes,
      policyRules: [...defaultPolicyRules('ipv4'), ...defaultPolicyRules('ipv6'), ...given].sort(
        (a, b) => a.priority - b.priority,
      ),
      rulesets,
      sets: readIpsets(setsText(dir, host), { file: join(dir, 'ipsets') }),
      sysctls,
      connections: [],
      ...behindPorts(host.interfaces ?? []),
      forceConntrack: host.force_conntrack ?? false,
      assumed: [],
    },
    packets: existsSync(join(dir, 'packets.jsonl')) ? readFileSync(join(dir, 'packets.jsonl'), 'utf8') : '',
  }
}
