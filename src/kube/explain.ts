// A Service on one node, in Kubernetes words: which endpoints its ports use there, which not, and why; and why a port as a
// whole rejects or drops.
// Owns putting this together. It follows the same choice as the rules (`chooseEndpoints`): an endpoint is `used` exactly
// when the rules can send a packet to it.
import { escapeText, fail } from '../net/fault.js'
import type { Family } from '../netfilter/model.js'
import type { Cluster } from './cluster.js'
import {
  type Choice,
  chooseEndpoints,
  type Endpoint,
  endpointsByPort,
  serviceOfSlice,
  topologyMode,
} from './endpoints.js'
import { clusterUse, type EndpointUse, localUse, topologyWords, type UseContext } from './explain-use.js'
import { requireNode } from './node-namespace.js'
import { type KubeService, keyOf } from './objects.js'
import { type ProxyConfig, proxyOptions } from './proxy-options.js'
import {
  externallyAccessible,
  portKey,
  portsOfService,
  type ServicePort,
  usesClusterEndpoints,
} from './service-ports.js'
import { nearNames } from './suggest.js'

/** What becomes of one kind of traffic to a service port. */
export interface ExplainedTraffic {
  /** It goes to one of the used endpoints, is answered with port unreachable, or is dropped. */
  readonly result: 'endpoints' | 'reject' | 'drop'
  readonly why: string
}

/** One endpoint of a service port, seen from one node. */
export interface ExplainedEndpoint {
  /** `ip:port` or `[ip6]:port`. */
  readonly endpoint: string
  /** `namespace/name`; left out when unknown. */
  readonly pod?: string
  /** The node it is on; left out when unknown. */
  readonly node?: string
  /** For traffic to the cluster IP. */
  readonly internal: EndpointUse
  /** For traffic from outside to a node port, external IP or load balancer IP; left out when the port has none of these. */
  readonly external?: EndpointUse
  /**
   * For traffic to those addresses from this node itself (and from pods, where kube-proxy can tell them): under
   * externalTrafficPolicy Local it may go to endpoints of the whole cluster. Left out under policy Cluster.
   */
  readonly externalFromHere?: EndpointUse
}

/** One port of a Service in one family, seen from one node. */
export interface ExplainedPort {
  readonly port: number
  /** Left out when the port has no name. */
  readonly portName?: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly family: Family
  readonly clusterIP: string
  readonly internal: ExplainedTraffic
  /** Left out when the port cannot be reached from outside. */
  readonly external?: ExplainedTraffic
  /** The same from this node itself; left out under externalTrafficPolicy Cluster. */
  readonly externalFromHere?: ExplainedTraffic
  /** The sources that a load balancer IP lets in, when it does not let in everybody: others are dropped. */
  readonly sourceRanges?: readonly string[]
  /** Whether hints are followed, where endpoints have any. */
  readonly topology?: string
  /** All of them, in the order of the rules. */
  readonly endpoints: readonly ExplainedEndpoint[]
}

/** A Service on one node. */
export interface ExplainedService {
  /** `namespace/name`. */
  readonly service: string
  /** The node's name. */
  readonly node: string
  /** Why kube-proxy makes no rules for it at all; then there are no ports. */
  readonly noRules?: string
  readonly ports: readonly ExplainedPort[]
}

/** What `explainEndpoints` may be told. */
export interface ExplainOptions {
  /** Default: every family that the Service has. */
  readonly family?: Family
  /** kube-proxy's configuration; absent: its defaults. */
  readonly proxyConfig?: ProxyConfig
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

/**
 * Says for each port of a Service and each of its endpoints whether the node's kube-proxy uses it, and why not. Linear in
 * the cluster's slices; texts hold names as the objects have them (escape them before printing).
 *
 * @param service `namespace/name`
 * @throws FaultError when the cluster has no such Service or Node
 */
export function explainEndpoints(
  cluster: Cluster,
  nodeName: string,
  service: string,
  options: ExplainOptions = {},
): ExplainedService {
  requireNode(cluster, nodeName)
  const found = cluster.services.filter((s) => keyOf(s.metadata) === service).at(-1)
  if (found === undefined) {
    const names = cluster.services.map((s) => keyOf(s.metadata))
    return fail(escapeText(service), 0, 0, `there is no such Service; ${nearNames(service, names)}`)
  }
  // The Service alone, with what belongs to it.
  const part: Cluster = {
    ...cluster,
    services: [found],
    endpointSlices: cluster.endpointSlices.filter((s) => serviceOfSlice(s) === service),
    endpoints: cluster.endpoints.filter((e) => keyOf(e.metadata) === service),
  }
  const families = options.family === undefined ? FAMILIES : [options.family]
  const ports = families.flatMap((family) => {
    const proxy = proxyOptions(cluster, nodeName, family, options.proxyConfig)
    const node = { name: nodeName, zone: proxy.zone ?? '', nodeHints: proxy.nodeHints ?? true }
    const byPort = endpointsByPort(part, family, nodeName)
    return portsOfService(found, family).map((port) => {
      const endpoints = byPort.get(portKey(service, port.portName, port.protocol)) ?? []
      return explainPort(part, port, family, { node, mode: '', endpoints })
    })
  })
  if (ports.length > 0) return { service, node: nodeName, ports }
  return { service, node: nodeName, noRules: noRules(found, options.family), ports }
}

function noRules(service: KubeService, family: Family | undefined): string {
  const spec = service.spec
  if (spec?.type === 'ExternalName')
    return 'the Service is an ExternalName: DNS answers with another name, and no packet is sent to it'
  if (spec?.clusterIP === 'None')
    return 'the Service is headless (clusterIP None): DNS answers with the addresses of its pods'
  if (!spec?.clusterIP) return 'the Service has no clusterIP'
  if (!spec.ports?.length) return 'the Service has no ports'
  return `the Service has no ${family === 'ipv6' ? 'IPv6' : family === 'ipv4' ? 'IPv4' : 'usable'} clusterIP`
}

function explainPort(part: Cluster, port: ServicePort, family: Family, given: UseContext): ExplainedPort {
  const { endpoints, node } = given
  const context = { ...given, mode: usesClusterEndpoints(port) ? topologyMode(endpoints, node) : ('' as const) }
  const choice = chooseEndpoints(port, endpoints, node)
  const chosen = { cluster: new Set(choice.cluster), local: new Set(choice.local) }
  const topology = usesClusterEndpoints(port) ? topologyWords(context) : undefined
  const none = choice.has ? '' : whyNone(part, port, family, endpoints)
  return {
    port: port.port,
    ...(port.portName === '' ? {} : { portName: port.portName }),
    protocol: port.protocol,
    family,
    clusterIP: port.clusterIP,
    internal: traffic(choice, port.internalPolicyLocal, 'internalTrafficPolicy', none),
    ...(externallyAccessible(port)
      ? { external: traffic(choice, port.externalPolicyLocal, 'externalTrafficPolicy', none) }
      : {}),
    ...(externallyAccessible(port) && port.externalPolicyLocal
      ? { externalFromHere: traffic(choice, false, '', none) }
      : {}),
    ...(choice.has && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0
      ? { sourceRanges: port.sourceRanges }
      : {}),
    ...(topology === undefined ? {} : { topology }),
    endpoints: endpoints.map((e) => explainEndpoint(port, e, chosen, context)),
  }
}

function traffic(choice: Choice, local: boolean, policy: string, none: string): ExplainedTraffic {
  if (!choice.has) return { result: 'reject', why: none }
  const used = (local ? choice.local : choice.cluster).length
  if (used > 0) return { result: 'endpoints', why: `${used} ${used === 1 ? 'endpoint is' : 'endpoints are'} used` }
  return { result: 'drop', why: `${policy} Local and no usable endpoint on this node` }
}

interface Chosen {
  readonly cluster: ReadonlySet<Endpoint>
  readonly local: ReadonlySet<Endpoint>
}

function explainEndpoint(port: ServicePort, e: Endpoint, chosen: Chosen, context: UseContext): ExplainedEndpoint {
  const use = (local: boolean, policy: string): EndpointUse =>
    local ? localUse(e, chosen.local.has(e), policy) : clusterUse(e, chosen.cluster.has(e), context)
  const external = externallyAccessible(port)
  return {
    endpoint: e.text,
    ...(e.pod === '' ? {} : { pod: e.pod }),
    ...(e.nodeName === '' ? {} : { node: e.nodeName }),
    internal: use(port.internalPolicyLocal, 'internalTrafficPolicy'),
    ...(external ? { external: use(port.externalPolicyLocal, 'externalTrafficPolicy') } : {}),
    ...(external && port.externalPolicyLocal ? { externalFromHere: use(false, '') } : {}),
  }
}

/** Why a port has no endpoint that could be used anywhere. */
function whyNone(part: Cluster, port: ServicePort, family: Family, endpoints: readonly Endpoint[]): string {
  if (endpoints.length > 0) {
    const n = endpoints.length
    return n === 1
      ? 'its only endpoint is not ready'
      : `none of its ${n} endpoints is ready, or serving while terminating`
  }
  const slices = part.endpointSlices
  if (slices.length === 0) {
    if (part.endpoints.length > 0) return 'its Endpoints object has no address for this port'
    return 'no EndpointSlice belongs to the Service'
  }
  const type = family === 'ipv4' ? 'IPv4' : 'IPv6'
  const mine = slices.filter((s) => s.addressType === type)
  if (mine.length === 0) return `the Service has no EndpointSlice of addressType ${type}`
  const offered = new Set<string>()
  let matching = false
  for (const slice of mine) {
    for (const p of slice.ports ?? []) {
      if (p.name === null || p.name === undefined || !p.port) continue
      const protocol = (p.protocol || 'TCP').toUpperCase()
      offered.add(`${p.name === '' ? '(no name)' : p.name}/${protocol}`)
      if (p.name === port.portName && protocol === port.protocol.toUpperCase()) matching = true
    }
  }
  if (matching) return 'its EndpointSlices hold no endpoints: no pod matches the selector, or none has an address yet'
  const wanted = `${port.portName === '' ? '(no name)' : port.portName}/${port.protocol.toUpperCase()}`
  const has = offered.size === 0 ? 'no ports' : [...offered].join(', ')
  return `no EndpointSlice has the port ${wanted}; they have ${has}`
}
