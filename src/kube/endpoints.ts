// EndpointSlices → the endpoints of each service port, and which of them this node uses.
// Owns collecting, joining and sorting of endpoints (order of rules depends on it), and the choice by readiness, topology
// hints and traffic policies. Legacy Endpoints count only for a Service that has no EndpointSlice at all.
// Source: kubernetes pkg/proxy/endpointslicecache.go, endpoint.go, topology.go.
import type { Family } from '../netfilter/model.js'
import { readAddress } from './address.js'
import type { Cluster } from './cluster.js'
import {
  type KubeEndpoint,
  type KubeEndpointAddress,
  type KubeEndpointSlice,
  type KubeEndpoints,
  keyOf,
} from './objects.js'
import { type Exposure, portKey, serviceProtocol, usesClusterEndpoints, usesLocalEndpoints } from './service-ports.js'

/** One endpoint of one service port. */
export interface Endpoint {
  /** `ip:port` or `[ip6]:port`: identity, DNAT destination and sort key. */
  readonly text: string
  /** Canonical address. */
  readonly ip: string
  readonly port: number
  /** The node it runs on is this node. */
  readonly local: boolean
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly zoneHints: readonly string[]
  readonly nodeHints: readonly string[]
  /** The node it runs on, '' when unknown. */
  readonly nodeName: string
  /** `namespace/name` of the Pod behind it, '' when unknown. */
  readonly pod: string
}

/** Label that ties an EndpointSlice to its Service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
/** Label of a node's zone. */
export const ZONE_LABEL = 'topology.kubernetes.io/zone'

/** `namespace/name` of the Service an EndpointSlice belongs to; null without the label. */
export function serviceOfSlice(slice: KubeEndpointSlice): string | null {
  const labels = slice.metadata?.labels
  if (!labels || !Object.hasOwn(labels, SERVICE_NAME_LABEL)) return null
  const name = labels[SERVICE_NAME_LABEL]
  return name ? keyOf({ namespace: slice.metadata?.namespace, name }) : null
}

/**
 * The endpoints of every service port key (see `portKey`) in one family, seen from the node `nodeName`, each list sorted
 * by `text` byte by byte and without doubles. Not-ready endpoints are in it.
 */
export function endpointsByPort(cluster: Cluster, family: Family, nodeName: string): Map<string, Endpoint[]> {
  const byService = new Map<string, KubeEndpointSlice[]>()
  for (const slice of cluster.endpointSlices) {
    const service = serviceOfSlice(slice)
    if (service === null) continue
    const slices = byService.get(service)
    if (slices === undefined) byService.set(service, [slice])
    else slices.push(slice)
  }
  const out = new Map<string, Endpoint[]>()
  for (const [service, slices] of byService) collect(out, service, slices, undefined, family, nodeName)
  for (const object of cluster.endpoints) {
    const service = keyOf(object.metadata)
    if (!byService.has(service)) collect(out, service, [], object, family, nodeName)
  }
  return out
}

/**
 * The same for one Service: its slices in any order, or, where there is none, its legacy Endpoints object.
 */
export function endpointsOfService(
  service: string,
  slices: readonly KubeEndpointSlice[],
  legacy: KubeEndpoints | undefined,
  family: Family,
  nodeName: string,
): Map<string, Endpoint[]> {
  const out = new Map<string, Endpoint[]>()
  collect(out, service, slices, slices.length === 0 ? legacy : undefined, family, nodeName)
  return out
}

function collect(
  out: Map<string, Endpoint[]>,
  service: string,
  slices: readonly KubeEndpointSlice[],
  legacy: KubeEndpoints | undefined,
  family: Family,
  nodeName: string,
): void {
  const byKey = new Map<string, Map<string, Endpoint>>()
  const want = family === 'ipv4' ? 'IPv4' : 'IPv6'
  // kube-proxy takes a Service's slices in no order; by name is one that does not depend on how they came.
  const ordered = slices.length < 2 ? slices : [...slices].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  for (const slice of ordered) {
    if (slice.addressType !== want) continue
    for (const port of slice.ports ?? []) {
      const protocol = serviceProtocol(port.protocol)
      if (port.name === null || port.name === undefined || !port.port || protocol === null) continue
      const found = entry(byKey, portKey(service, port.name, protocol))
      for (const endpoint of slice.endpoints ?? []) addSliced(found, endpoint, port.port, family, nodeName)
    }
  }
  if (legacy !== undefined) addLegacy(byKey, legacy, service, family, nodeName)
  for (const [key, found] of byKey) {
    if (found.size === 0) continue
    out.set(
      key,
      [...found.values()].sort((a, b) => (a.text < b.text ? -1 : 1)),
    )
  }
}

function nameOf(slice: KubeEndpointSlice): string {
  return slice.metadata?.name ?? ''
}

function entry(byKey: Map<string, Map<string, Endpoint>>, key: string): Map<string, Endpoint> {
  let found = byKey.get(key)
  if (found === undefined) {
    found = new Map()
    byKey.set(key, found)
  }
  return found
}

function addSliced(
  found: Map<string, Endpoint>,
  endpoint: KubeEndpoint,
  port: number,
  family: Family,
  node: string,
): void {
  const conditions = endpoint.conditions
  add(found, family, {
    ip: endpoint.addresses[0] ?? '',
    port,
    nodeName: endpoint.nodeName ?? '',
    node,
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    zoneHints: endpoint.hints?.forZones?.map((z) => z.name) ?? NONE,
    nodeHints: endpoint.hints?.forNodes?.map((n) => n.name) ?? NONE,
    pod: podOf(endpoint.targetRef),
  })
}

const NONE: readonly string[] = []

interface Found {
  ip: string
  port: number
  nodeName: string
  node: string
  ready: boolean
  serving: boolean
  terminating: boolean
  zoneHints: readonly string[]
  nodeHints: readonly string[]
  pod: string
}

function add(found: Map<string, Endpoint>, family: Family, it: Found): void {
  const address = readAddress(it.ip)
  if (address === null || address.family !== family) return
  const text = family === 'ipv4' ? `${address.text}:${it.port}` : `[${address.text}]:${it.port}`
  // Two endpoints with one address and port are one; a terminating newcomer does not replace the one that is there.
  if (it.terminating && found.has(text)) return
  found.set(text, {
    text,
    ip: address.text,
    port: it.port,
    local: it.nodeName !== '' && it.nodeName === it.node,
    ready: it.ready,
    serving: it.serving,
    terminating: it.terminating,
    zoneHints: it.zoneHints,
    nodeHints: it.nodeHints,
    nodeName: it.nodeName,
    pod: it.pod,
  })
}

// The EndpointSlice mirroring controller makes slices of Endpoints objects of Services without a selector; where no
// slice was given, an Endpoints object is read as that controller would mirror it.
function addLegacy(
  byKey: Map<string, Map<string, Endpoint>>,
  object: KubeEndpoints,
  service: string,
  family: Family,
  node: string,
): void {
  for (const subset of object.subsets ?? []) {
    for (const port of subset.ports ?? []) {
      const protocol = serviceProtocol(port.protocol)
      if (!port.port || protocol === null) continue
      const found = entry(byKey, portKey(service, port.name ?? '', protocol))
      const take = (address: KubeEndpointAddress, ready: boolean) =>
        add(found, family, {
          ip: address.ip,
          port: port.port,
          nodeName: address.nodeName ?? '',
          node,
          ready,
          serving: ready,
          terminating: false,
          zoneHints: NONE,
          nodeHints: NONE,
          pod: podOf(address.targetRef),
        })
      for (const address of subset.addresses ?? []) take(address, true)
      for (const address of subset.notReadyAddresses ?? []) take(address, false)
    }
  }
}

function podOf(ref: KubeEndpoint['targetRef']): string {
  return ref?.kind === 'Pod' && ref.name ? keyOf({ namespace: ref.namespace, name: ref.name }) : ''
}

/** The node that chooses. */
export interface ChoosingNode {
  readonly name: string
  /** '' when the Node has no zone. */
  readonly zone: string
  /** Hints for nodes count. Default true. */
  readonly nodeHints?: boolean
}

/** Whose hints are followed: the node's, the zone's, none. */
export type TopologyMode = 'node' | 'zone' | ''

/** Which endpoints a service port uses on one node. All lists keep the order they were given in. */
export interface Choice {
  /** For traffic under policy Cluster. */
  readonly cluster: readonly Endpoint[]
  /** For traffic under policy Local. */
  readonly local: readonly Endpoint[]
  /** Every endpoint that can be chosen at all. */
  readonly all: readonly Endpoint[]
  /** Usable endpoints exist somewhere in the cluster. */
  readonly has: boolean
}

const NOTHING: Choice = { cluster: [], local: [], all: [], has: false }

/**
 * The choice among a service port's endpoints that the node `node` makes.
 *
 * @param endpoints sorted, as `endpointsByPort` gives them
 */
export function chooseEndpoints(port: Exposure, endpoints: readonly Endpoint[], node: ChoosingNode): Choice {
  if (endpoints.length === 0) return NOTHING
  const usesCluster = usesClusterEndpoints(port)
  let mode: TopologyMode = ''
  let cluster: readonly Endpoint[] = []
  let has = false
  if (usesCluster) {
    mode = topologyMode(endpoints, node)
    cluster = endpoints.filter((e) => e.ready && hinted(e, mode, node))
    if (cluster.length === 0) cluster = endpoints.filter(lastResort)
    has = cluster.length > 0
  }
  if (!usesLocalEndpoints(port)) return { cluster, local: [], all: cluster, has }
  has = has || endpoints.some((e) => e.ready || lastResort(e))
  let local = endpoints.filter((e) => e.local && e.ready)
  let fallback = false
  if (local.length === 0) {
    local = endpoints.filter((e) => e.local && lastResort(e))
    fallback = local.length > 0
  }
  if (!usesCluster) return { cluster, local, all: local, has }
  if (mode === '' && !fallback) return { cluster, local, all: cluster, has }
  const used = new Set([...cluster, ...local])
  return { cluster, local, all: endpoints.filter((e) => used.has(e)), has }
}

/** It may be used when no ready endpoint is left. */
export function lastResort(e: Endpoint): boolean {
  return e.serving && e.terminating
}

function hinted(e: Endpoint, mode: TopologyMode, node: ChoosingNode) {
  if (mode === 'node') return e.nodeHints.includes(node.name)
  return mode === '' || e.zoneHints.includes(node.zone)
}

/** Whose hints policy Cluster follows among these endpoints. */
export function topologyMode(endpoints: readonly Endpoint[], node: ChoosingNode): TopologyMode {
  let ready = false
  let [allNode, thisNode, allZone, thisZone] = [true, false, true, false]
  for (const e of endpoints) {
    if (!e.ready) continue
    ready = true
    if (e.nodeHints.length === 0) allNode = false
    else if (e.nodeHints.includes(node.name)) thisNode = true
    if (e.zoneHints.length === 0) allZone = false
    else if (e.zoneHints.includes(node.zone)) thisZone = true
  }
  if (!ready) return ''
  if (allNode && thisNode && node.nodeHints !== false) return 'node'
  return allZone && thisZone ? 'zone' : ''
}

/** For each Service (`namespace/name`) the number of distinct local ready addresses: what a health check answers. */
export function localReadyCounts(byPort: ReadonlyMap<string, readonly Endpoint[]>): Map<string, number> {
  const ips = new Map<string, Set<string>>()
  for (const [key, endpoints] of byPort) {
    const service = key.slice(0, key.indexOf(':'))
    for (const e of endpoints) {
      if (!e.local || !e.ready) continue
      const found = ips.get(service)
      if (found) found.add(e.ip)
      else ips.set(service, new Set([e.ip]))
    }
  }
  return new Map([...ips].map(([service, set]) => [service, set.size]))
}
