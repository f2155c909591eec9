// What a Service promises to a client, worked out from the objects alone, without any rule: which endpoints a new
// connection may reach, whether its source stays, or that it is refused.
// Source: Kubernetes documentation, "Virtual IPs and Service Proxies" (traffic policies, topology hints, terminating endpoints).

import type { Cluster } from '../../src/kube/cluster.js'
import type { KubeEndpoint, KubeService } from '../../src/kube/objects.js'
import { canonicalAddress, parseAddress, parsePrefix, prefixContains } from '../../src/net/ip.js'

export type FamilyName = 'IPv4' | 'IPv6'
export type Client = 'pod' | 'outside' | 'node'
export type Door = 'cluster' | 'node port' | 'external' | 'load balancer'

export interface Setting {
  readonly node: string
  readonly family: FamilyName
  /** Pods are told from other clients by it. */
  readonly clusterCIDR: string | undefined
  readonly masqueradeAll: boolean
}

export type Promise_ =
  | { readonly to: 'endpoints'; readonly endpoints: readonly string[]; readonly masquerade: boolean }
  /** `nobody`: no endpoint is reached, and it is not said how that is told. */
  | { readonly to: 'reject' | 'drop' | 'nobody' }

interface Reachable {
  readonly cluster: string[]
  readonly local: string[]
  readonly any: boolean
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort()
const inside = (prefix: string, address: string): boolean =>
  prefixContains(parsePrefix(prefix)!, parseAddress(address)!)

const addressOf = (e: KubeEndpoint): string => canonicalAddress(e.addresses[0] ?? '') as string

/** Addresses of the endpoints that count, by scope. */
function reachable(cluster: Cluster, service: KubeService, { node, family }: Setting): Reachable {
  const name = service.metadata?.name ?? ''
  const namespace = service.metadata?.namespace ?? 'default'
  const all = cluster.endpointSlices
    .filter((s) => s.addressType === family && s.metadata?.namespace === namespace)
    .filter((s) => s.metadata?.labels?.['kubernetes.io/service-name'] === name)
    .flatMap((s) => s.endpoints ?? [])
  // One address is one endpoint: the last word about it counts, but a terminating one does not replace what is there.
  const byAddress = new Map<string, KubeEndpoint>()
  for (const e of all) {
    const address = addressOf(e)
    if (!(e.conditions?.terminating && byAddress.has(address))) byAddress.set(address, e)
  }
  const ready = (e: KubeEndpoint): boolean => e.conditions?.ready ?? true
  const leaving = (e: KubeEndpoint): boolean => (e.conditions?.serving ?? true) && (e.conditions?.terminating ?? false)
  const endpoints = [...byAddress.values()]
  const choose = (among: readonly KubeEndpoint[]): KubeEndpoint[] => {
    const best = among.filter(ready)
    return best.length > 0 ? best : among.filter(leaving)
  }
  const addresses = (list: readonly KubeEndpoint[]): string[] => unique(list.map(addressOf))
  return {
    cluster: addresses(choose(near(endpoints.filter(ready), endpoints, cluster, node))),
    local: addresses(choose(endpoints.filter((e) => e.nodeName === node))),
    any: choose(endpoints).length > 0,
  }
}

/** Topology hints narrow the choice when every ready endpoint has them and one is meant for this place. */
function near(ready: KubeEndpoint[], all: KubeEndpoint[], cluster: Cluster, node: string): KubeEndpoint[] {
  const labels = cluster.nodes.find((n) => n.metadata?.name === node)?.metadata?.labels
  const zone = labels?.['topology.kubernetes.io/zone']
  const forNode = ready.filter((e) => e.hints?.forNodes?.some((h) => h.name === node))
  if (ready.every((e) => e.hints?.forNodes?.length) && forNode.length > 0) return forNode
  const forZone = ready.filter((e) => e.hints?.forZones?.some((h) => h.name === zone))
  if (zone !== undefined && ready.every((e) => e.hints?.forZones?.length) && forZone.length > 0) return forZone
  return all
}

/** What this Service promises to a client at a door. */
export function promise(
  cluster: Cluster,
  service: KubeService,
  setting: Setting,
  door: Door,
  client: { readonly kind: Client; readonly address: string },
): Promise_ {
  const { cluster: wide, local, any } = reachable(cluster, service, setting)
  const spec = service.spec!
  const ranges = (spec.loadBalancerSourceRanges ?? []).filter((r) => r.includes(':') === (setting.family === 'IPv6'))
  // A node's own connections to addresses that are not its own are not watched when nobody serves them.
  const away = client.kind === 'node' && (door === 'external' || door === 'load balancer')
  if (!any) return { to: away ? 'nobody' : 'reject' }
  const isPod = setting.clusterCIDR !== undefined && inside(setting.clusterCIDR, client.address)
  const outcome = (endpoints: readonly string[], masquerade: boolean): Promise_ =>
    endpoints.length > 0 ? { to: 'endpoints', endpoints, masquerade } : { to: 'drop' }
  if (door === 'cluster') {
    const masquerade = setting.masqueradeAll || (setting.clusterCIDR !== undefined && !isPod)
    return outcome(spec.internalTrafficPolicy === 'Local' ? local : wide, masquerade)
  }
  if (door === 'load balancer' && ranges.length > 0 && !ranges.some((r) => inside(r, client.address)))
    return { to: 'drop' }
  if (spec.externalTrafficPolicy !== 'Local') return outcome(wide, true)
  if (isPod) return outcome(wide, false)
  if (client.kind === 'node') return outcome(wide, true)
  return outcome(local, false)
}
