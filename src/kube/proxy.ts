// kube-proxy in iptables mode: the rules for one node and one family.
// Owns which rules there are and their order; their wording is in proxy-text.ts, their meaning in proxy-model.ts.
// Source: kubernetes pkg/proxy/iptables/proxier.go syncProxyRules, a full sync.
//
//   PREROUTING ─┐                     ┌ KUBE-SVC ─┐
//   OUTPUT     ─┴ KUBE-SERVICES ──────┼ KUBE-SVL ─┴ KUBE-SEP (DNAT)
//                   │   └ KUBE-FW ────┤
//                   └ KUBE-NODEPORTS ─┴ KUBE-EXT → KUBE-SVC or KUBE-SVL
//   POSTROUTING ── KUBE-POSTROUTING (MASQUERADE what KUBE-MARK-MASQ marked)
import type { Ruleset } from '../netfilter/model.js'
import type { Cluster } from './cluster.js'
import { type Endpoint, endpointsByPort } from './endpoints.js'
import { builtinJumps, firstRules, fixedChains, lastRules } from './proxy-fixed.js'
import { ModelSink } from './proxy-model.js'
import { type ProxyOptions, proxyOptions } from './proxy-options.js'
import type { RuleSink } from './proxy-rule.js'
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

/** More endpoints than this over all service ports, and their rules lose their comments. */
export const LARGE_CLUSTER_ENDPOINTS = 1000

/**
 * The rules that kube-proxy programs on a node, as the whole rule set of a node that has no others: built-in chains with
 * policy ACCEPT, the jumps from them, and the KUBE-* chains. Pure; linear in services and endpoints.
 *
 * @example proxyRules({ services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] }, { family: 'ipv4', nodeName: 'n1' }).tables.map((t) => t.name) // ['filter', 'nat']
 */
export function proxyRules(cluster: Cluster, options: ProxyOptions): Ruleset {
  const all = completeOptions(cluster, options)
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
  const all = completeOptions(cluster, options)
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
  const gauges = write(cluster, completeOptions(cluster, options), sink)
  return { natRules, ...gauges }
}

/** What the options leave open is the Node's, where the cluster has it, or kube-proxy's default. */
export function completeOptions(cluster: Cluster, options: ProxyOptions): ProxyOptions {
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
