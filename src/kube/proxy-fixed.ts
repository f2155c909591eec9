// kube-proxy's rules that no Service has a part in: the jumps from the built-in chains, masquerading, node ports as a
// whole, forwarding.
// Owns which there are and their order. Source: kubernetes pkg/proxy/iptables/proxier.go syncProxyRules.
import type { CtStateName, TableName } from '../netfilter/model.js'
import { contains } from './address.js'
import type { ProxyOptions } from './proxy-options.js'
import type { Action, Part, RuleSink } from './proxy-rule.js'

const LOCALHOST_COMMENT = 'block incoming localnet connections'

function localhostNodePorts(options: ProxyOptions): boolean {
  return options.family === 'ipv4' && (options.localhostNodePorts ?? true)
}

/** The chains that are always there, but the built-in ones. */
export function fixedChains(sink: RuleSink, options: ProxyOptions): void {
  const filter = ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL']
  if (localhostNodePorts(options)) filter.push('KUBE-FIREWALL')
  for (const chain of filter) sink.chain('filter', chain)
  for (const chain of ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ'])
    sink.chain('nat', chain)
}

/** What comes before the Services. */
export function firstRules(sink: RuleSink, options: ProxyOptions): void {
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

/** What comes after them. */
export function lastRules(sink: RuleSink, options: ProxyOptions): void {
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

/** The jumps from the built-in chains. kube-proxy makes them by single commands, in a full sync. */
export function builtinJumps(sink: RuleSink): void {
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
