// Services → service ports: the units that kube-proxy makes rules for.
// Owns which Services count, and what each of their ports says, for one address family.
// Source: kubernetes pkg/proxy/serviceport.go, servicechangetracker.go, util/utils.go.
import type { Family } from '../netfilter/model.js'
import { readAddress, readPrefix } from './address.js'
import type { Cluster } from './cluster.js'
import { type KubeService, keyOf } from './objects.js'

/** The protocols a Service can have. */
export type ServiceProtocol = 'tcp' | 'udp' | 'sctp'

/** One port of one Service, one family. Addresses are canonical text. */
export interface ServicePort {
  /** `namespace/name`. */
  readonly service: string
  /** `namespace/name`, with `:portname` where the port has a name: what the rules' comments say. */
  readonly name: string
  readonly portName: string
  readonly protocol: ServiceProtocol
  readonly clusterIP: string
  readonly port: number
  /** 0: none. */
  readonly nodePort: number
  readonly externalIPs: readonly string[]
  /** Addresses of the load balancer that packets still carry when they arrive (ipMode VIP). */
  readonly loadBalancerIPs: readonly string[]
  /** Prefixes, masked. Empty: everybody may come. */
  readonly sourceRanges: readonly string[]
  readonly internalPolicyLocal: boolean
  readonly externalPolicyLocal: boolean
  /** 0: none. */
  readonly healthCheckNodePort: number
  /** Seconds of ClientIP affinity; 0: no affinity. */
  readonly affinitySeconds: number
}

/** The policies and doors of a service port that decide which endpoints it uses. */
export interface Exposure {
  readonly internalPolicyLocal: boolean
  readonly externalPolicyLocal: boolean
  readonly nodePort: number
  readonly externalIPs: readonly string[]
  readonly loadBalancerIPs: readonly string[]
}

/** Whether it can be reached by a node port, an external address or a load balancer's address. */
export function externallyAccessible(port: Exposure): boolean {
  return port.nodePort !== 0 || port.loadBalancerIPs.length > 0 || port.externalIPs.length > 0
}

/** Whether some traffic may go to endpoints of the whole cluster. */
export function usesClusterEndpoints(port: Exposure): boolean {
  return !port.internalPolicyLocal || externallyAccessible(port)
}

/** Whether some traffic may go only to endpoints of this node. */
export function usesLocalEndpoints(port: Exposure): boolean {
  return port.internalPolicyLocal || (port.externalPolicyLocal && externallyAccessible(port))
}

/**
 * The key that Services and EndpointSlices meet at: `namespace/name:portname/PROTOCOL`.
 *
 * @example portKey('default/web', 'http', 'tcp') // 'default/web:http/TCP'
 */
export function portKey(service: string, portName: string, protocol: string): string {
  return `${service}:${portName}/${protocol.toUpperCase()}`
}

/** `tcp`, `udp` or `sctp`; absent is `tcp`; null for anything else. */
export function serviceProtocol(protocol: string | null | undefined): ServiceProtocol | null {
  const lower = (protocol || 'TCP').toLowerCase()
  return lower === 'tcp' || lower === 'udp' || lower === 'sctp' ? lower : null
}

/**
 * The cluster IP of a Service in one family, canonical; null when it has none of that family, is headless or is an
 * ExternalName.
 */
export function clusterIPOf(service: KubeService, family: Family): string | null {
  const spec = service.spec
  if (!spec?.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') return null
  let text: string | undefined = spec.clusterIP
  if (spec.ipFamilies && spec.ipFamilies.length > 0) {
    const index = spec.ipFamilies.indexOf(family === 'ipv4' ? 'IPv4' : 'IPv6')
    if (index < 0) return null
    text = (spec.clusterIPs && spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP])[index]
  }
  const address = text ? readAddress(text) : null
  return address?.family === family ? address.text : null
}

/** The service ports of one Service in one family; none when kube-proxy passes it over. */
export function portsOfService(service: KubeService, family: Family): ServicePort[] {
  const clusterIP = clusterIPOf(service, family)
  const spec = service.spec
  if (clusterIP === null || !spec) return []
  const key = keyOf(service.metadata)
  const externalIPs = ofFamily(spec.externalIPs ?? [], family)
  const ingress = (service.status?.loadBalancer?.ingress ?? []).filter((i) => !i.ipMode || i.ipMode === 'VIP')
  const loadBalancerIPs = ofFamily(
    ingress.map((i) => i.ip ?? ''),
    family,
  )
  const sourceRanges: string[] = []
  for (const text of spec.loadBalancerSourceRanges ?? []) {
    const prefix = readPrefix(text.trim())
    if (prefix?.family === family) sourceRanges.push(prefix.text)
  }
  const type = spec.type || 'ClusterIP'
  const external = type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && anyText(spec.externalIPs))
  const externalPolicyLocal = spec.externalTrafficPolicy === 'Local' && external
  const affinitySeconds =
    spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : 0
  const ports = new Map<string, ServicePort>()
  for (const port of spec.ports ?? []) {
    const protocol = serviceProtocol(port.protocol)
    if (protocol === null) continue
    const portName = port.name ?? ''
    ports.set(`${portName}/${protocol}`, {
      service: key,
      name: portName === '' ? key : `${key}:${portName}`,
      portName,
      protocol,
      clusterIP,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      externalIPs,
      loadBalancerIPs,
      sourceRanges,
      internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
      externalPolicyLocal,
      healthCheckNodePort: type === 'LoadBalancer' && externalPolicyLocal ? (spec.healthCheckNodePort ?? 0) : 0,
      affinitySeconds,
    })
  }
  return [...ports.values()]
}

/**
 * All service ports of a cluster in one family, by `namespace/name`, the ports of a Service in the order of its spec.
 * (kube-proxy's own order is that of a hash map; nothing depends on it.)
 */
export function servicePorts(cluster: Cluster, family: Family): ServicePort[] {
  const byService = new Map<string, ServicePort[]>()
  for (const service of cluster.services) byService.set(keyOf(service.metadata), portsOfService(service, family))
  const keys = [...byService.keys()].sort()
  return keys.flatMap((key) => byService.get(key) as ServicePort[])
}

function ofFamily(texts: readonly string[], family: Family): string[] {
  const out: string[] = []
  for (const text of texts) {
    const address = text ? readAddress(text) : null
    if (address?.family === family) out.push(address.text)
  }
  return out
}

function anyText(texts: readonly string[] | null | undefined): boolean {
  return texts !== null && texts !== undefined && texts.length > 0
}
