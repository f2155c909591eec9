// kube-proxy in iptables mode: the rules for one node and one family.
// Owns which rules there are and their order; their wording is in proxy-text.ts, their meaning in proxy-model.ts.
// Source: kubernetes pkg/proxy/iptables/proxier.go syncProxyRules, a full sync.
//
//   PREROUTING ─┐                     ┌ KUBE-SVC ─┐
//   OUTPUT     ─┴ KUBE-SERVICES ──────┼ KUBE-SVL ─┴ KUBE-SEP (DNAT)
//                   │   └ KUBE-FW ────┤
//                   └ KUBE-NODEPORTS ─┴ KUBE-EXT → KUBE-SVC or KUBE-SVL
//   POSTROUTING ── KUBE-POSTROUTING (MASQUERADE what KUBE-MARK-MASQ marked)
import type { CtStateName, Ruleset, TableName } from '../netfilter/model.js'
import { contains } from './address.js'
import type { Cluster } from './cluster.js'
import { type Endpoint, endpointsByPort } from './endpoints.js'
import { ModelSink } from './proxy-model.js'
import { type ProxyOptions, proxyOptions } from './proxy-options.js'
import type { Action, Part, RuleSink } from './proxy-rule.js'
import { ServiceWriter } from './proxy-service.js'
import { TextSink } from './proxy-text.js'
import { portKey, servicePorts } from './service-ports.js'

/** Numbers that kube-proxy reports about a sync. */
export interface ProxyCounts {
  /** Rules in the chains that kube-proxy owns in table nat. */
  readonly natRules: number
  /** Service ports that have endpoints in the cluster, but none that this node may use for their cluster IP. */
  readonly noLocalEndpointsInternal: number
  /** The same for traffic from outside. */
  readonly noLocalEndpointsExternal: number
}

const LARGE_CLUSTER_ENDPOINTS = 1000

/**
 * The rules that kube-proxy programs on a node, as the whole rule set of a node that has no others: built-in chains with
 * policy ACCEPT, the jumps from them, and the KUBE-* chains. Pure; linear in services and endpoints.
 *
 * @example proxyRules({ services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] }, { family: 'ipv4', nodeName: 'n1' }).tables.map((t) => t.name) // ['filter', 'nat']
 */
export function proxyRules(cluster: Cluster, options: ProxyOptions): Ruleset {
  const all = complete(cluster, options)
  const sink = new ModelSink(all)
  builtinJumps(sink)
  write(cluster, all, sink)
  return sink.ruleset()
}

/**
 * The text that kube-proxy hands to `iptables-restore --noflush --counters` in a full sync. It holds no built-in chain:
 * the jumps from those are made by single iptables commands before it (`proxyRules` has them).
 */
export function proxyRestoreText(cluster: Cluster, options: ProxyOptions): string {
  const all = complete(cluster, options)
  const sink = new TextSink(all)
  write(cluster, all, sink)
  return sink.text()
}

/** The numbers that kube-proxy reports for the same rules. */
export function proxyCounts(cluster: Cluster, options: ProxyOptions): ProxyCounts {
  let natRules = 0
  const sink: RuleSink = {
    chain: () => {},
    rule: (table) => {
      if (table === 'nat') natRules++
    },
  }
  const gauges = write(cluster, complete(cluster, options), sink)
  return { natRules, ...gauges }
}

/** What the options leave open is the Node's, where the cluster has it, or kube-proxy's default. */
function complete(cluster: Cluster, options: ProxyOptions): ProxyOptions {
  return { ...proxyOptions(cluster, options.nodeName, options.family), ...options }
}

function write(cluster: Cluster, options: ProxyOptions, sink: RuleSink): Omit<ProxyCounts, 'natRules'> {
  const endpoints = endpointsByPort(cluster, options.family, options.nodeName)
  const ports = servicePorts(cluster, options.family)
  const lists: (readonly Endpoint[])[] = []
  let total = 0
  for (const port of ports) {
    const list = endpoints.get(portKey(port.service, port.portName, port.protocol)) ?? []
    lists.push(list)
    total += list.length
  }
  fixedChains(sink, options)
  firstRules(sink, options)
  const large = total > (options.largeClusterEndpoints ?? LARGE_CLUSTER_ENDPOINTS)
  const writer = new ServiceWriter(sink, options, large)
  for (let i = 0; i < ports.length; i++) writer.write(ports[i]!, lists[i]!)
  lastRules(sink, options)
  return {
    noLocalEndpointsInternal: writer.noLocalInternal,
    noLocalEndpointsExternal: writer.noLocalExternal,
  }
}

const LOCALHOST_COMMENT = 'block incoming localnet connections'

function localhostNodePorts(options: ProxyOptions): boolean {
  return options.family === 'ipv4' && (options.localhostNodePorts ?? true)
}

function fixedChains(sink: RuleSink, options: ProxyOptions): void {
  const filter = ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL']
  if (localhostNodePorts(options)) filter.push('KUBE-FIREWALL')
  for (const chain of filter) sink.chain('filter', chain)
  for (const chain of ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ'])
    sink.chain('nat', chain)
}

function firstRules(sink: RuleSink, options: ProxyOptions): void {
  sink.rule('nat', 'KUBE-POSTROUTING', [{ part: 'mark', not: true }], { to: 'RETURN' })
  sink.rule('nat', 'KUBE-POSTROUTING', [], { to: 'flipMark' })
  const snat: Part = { part: 'comment', text: 'kubernetes service traffic requiring SNAT' }
  sink.rule('nat', 'KUBE-POSTROUTING', [snat], { to: 'MASQUERADE' })
  sink.rule('nat', 'KUBE-MARK-MASQ', [], { to: 'setMark' })
  if (!localhostNodePorts(options)) return
  sink.rule(
    'filter',
    'KUBE-FIREWALL',
    [
      { part: 'comment', text: LOCALHOST_COMMENT },
      { part: 'dst', value: '127.0.0.0/8' },
      { part: 'src', value: '127.0.0.0/8', not: true },
      { part: 'ctstate', states: ['RELATED', 'ESTABLISHED', 'DNAT'], not: true },
    ],
    { to: 'DROP' },
  )
}

function lastRules(sink: RuleSink, options: ProxyOptions): void {
  const comment: Part = {
    part: 'comment',
    text: 'kubernetes service nodeports; NOTE: this must be the last rule in this chain',
  }
  const nodePorts: Action = { to: 'chain', chain: 'KUBE-NODEPORTS' }
  const addresses = nodePortAddresses(options)
  if (addresses === 'all') {
    const parts: Part[] = [comment, { part: 'dstLocal' }]
    if (options.family === 'ipv6') parts.push({ part: 'dst', value: '::1/128', not: true })
    else if (!localhostNodePorts(options)) parts.push({ part: 'dst', value: '127.0.0.0/8', not: true })
    sink.rule('nat', 'KUBE-SERVICES', parts, nodePorts)
  } else {
    for (const value of addresses) sink.rule('nat', 'KUBE-SERVICES', [comment, { part: 'dst', value }], nodePorts)
  }
  if (!options.conntrackTcpBeLiberal) {
    const parts: Part[] = [{ part: 'ctstate', states: ['INVALID'] }]
    if (options.nfacct?.ct_state_invalid_dropped_pkts) {
      parts.push({ part: 'nfacct', name: 'ct_state_invalid_dropped_pkts' })
    }
    sink.rule('filter', 'KUBE-FORWARD', parts, { to: 'DROP' })
  }
  const marked: Part[] = [{ part: 'comment', text: 'kubernetes forwarding rules' }, { part: 'mark' }]
  sink.rule('filter', 'KUBE-FORWARD', marked, { to: 'ACCEPT' })
  const known: Part[] = [
    { part: 'comment', text: 'kubernetes forwarding conntrack rule' },
    { part: 'ctstate', states: ['RELATED', 'ESTABLISHED'] },
  ]
  sink.rule('filter', 'KUBE-FORWARD', known, { to: 'ACCEPT' })
}

/** The node's addresses that take node ports, in the order of `nodeAddresses`; `all`: every local address does. */
function nodePortAddresses(options: ProxyOptions): readonly string[] | 'all' {
  const v6 = options.family === 'ipv6'
  const prefixes = (options.nodePortAddresses ?? []).filter((p) => p.includes(':') === v6)
  if (prefixes.length === 0 || prefixes.some((p) => p.endsWith('/0'))) return 'all'
  const out = new Set<string>()
  for (const address of options.nodeAddresses ?? []) {
    const loopback = v6 ? address === '::1' : address.startsWith('127.')
    if (loopback && !localhostNodePorts(options)) continue
    if (prefixes.some((p) => contains(p, address))) out.add(address)
  }
  return [...out]
}

interface Jump {
  readonly table: TableName
  readonly from: string
  readonly isNew?: boolean
  readonly comment?: string
  readonly to: string
}

const PORTALS = 'kubernetes service portals'
const EXTERNAL = 'kubernetes externally-visible service portals'
const FIREWALL = 'kubernetes load balancer firewall'
// From top to bottom as they stand in the built-in chains; kube-proxy inserts them at the top in the opposite order.
const JUMPS: readonly Jump[] = [
  { table: 'filter', from: 'INPUT', to: 'KUBE-FIREWALL' },
  { table: 'filter', from: 'INPUT', isNew: true, comment: FIREWALL, to: 'KUBE-PROXY-FIREWALL' },
  { table: 'filter', from: 'INPUT', comment: 'kubernetes health check service ports', to: 'KUBE-NODEPORTS' },
  { table: 'filter', from: 'INPUT', isNew: true, comment: EXTERNAL, to: 'KUBE-EXTERNAL-SERVICES' },
  { table: 'filter', from: 'FORWARD', isNew: true, comment: FIREWALL, to: 'KUBE-PROXY-FIREWALL' },
  { table: 'filter', from: 'FORWARD', comment: 'kubernetes forwarding rules', to: 'KUBE-FORWARD' },
  { table: 'filter', from: 'FORWARD', isNew: true, comment: PORTALS, to: 'KUBE-SERVICES' },
  { table: 'filter', from: 'FORWARD', isNew: true, comment: EXTERNAL, to: 'KUBE-EXTERNAL-SERVICES' },
  { table: 'filter', from: 'OUTPUT', to: 'KUBE-FIREWALL' },
  { table: 'filter', from: 'OUTPUT', isNew: true, comment: FIREWALL, to: 'KUBE-PROXY-FIREWALL' },
  { table: 'filter', from: 'OUTPUT', isNew: true, comment: PORTALS, to: 'KUBE-SERVICES' },
  { table: 'nat', from: 'PREROUTING', comment: PORTALS, to: 'KUBE-SERVICES' },
  { table: 'nat', from: 'OUTPUT', comment: PORTALS, to: 'KUBE-SERVICES' },
  { table: 'nat', from: 'POSTROUTING', comment: 'kubernetes postrouting rules', to: 'KUBE-POSTROUTING' },
]

function builtinJumps(sink: RuleSink): void {
  const NEW: readonly CtStateName[] = ['NEW']
  for (const jump of JUMPS) {
    sink.chain(jump.table, jump.from)
    sink.chain(jump.table, jump.to)
    const parts: Part[] = []
    if (jump.isNew) parts.push({ part: 'ctstate', states: NEW })
    if (jump.comment !== undefined) parts.push({ part: 'comment', text: jump.comment })
    sink.rule(jump.table, jump.from, parts, { to: 'chain', chain: jump.to })
  }
}
