// Random Services, EndpointSlices and Nodes for property tests (fast-check).
// Owns the generators. A cluster that they make is sound and consistent: names are unique, node ports and cluster IPs are
// used once, endpoint addresses lie in the pod network of the node they are on. Small pools of names and addresses make
// the interesting coincidences likely (two slices with the same endpoint, a hint for this node, a hairpin).
import fc from 'fast-check'
import { type Cluster, clusterOf } from '../kube/cluster.js'
import type { KubeEndpoint, KubeEndpointSlice, KubeNode, KubeService } from '../kube/objects.js'
import type { ProxyConfig } from '../kube/proxy-options.js'

/** Bounds of `clusters`. */
export interface ClusterShape {
  /** Most Services. Default 8. */
  readonly services?: number
  /** Most endpoints of one Service. Default 6; 0 to 6 covers every policy, more only lengthens the ladder. */
  readonly endpoints?: number
  /** Most nodes, at least 1. Default 3. The nodes are `node-0`, `node-1` … */
  readonly nodes?: number
  /** `ipv4`, `ipv6` or both for every Service. Default `ipv4`. */
  readonly families?: 'ipv4' | 'ipv6' | 'dual'
}

const ZONES = ['zone-a', 'zone-b'] as const
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const
const PORTS = [53, 80, 443, 5432, 8080] as const
type IpFamilyName = 'IPv4' | 'IPv6'

/**
 * A Node with an InternalIP and a pod CIDR of each family, and perhaps a zone.
 *
 * @param index from 0 to 199; decides name, addresses and pod CIDRs
 */
export function nodes(index: number): fc.Arbitrary<KubeNode> {
  return fc.option(fc.constantFrom(...ZONES), { nil: undefined }).map((zone) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${index}`,
      labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone },
    },
    spec: { podCIDR: podNet(index, 'IPv4'), podCIDRs: [podNet(index, 'IPv4'), podNet(index, 'IPv6')] },
    status: {
      addresses: [
        { type: 'InternalIP', address: `192.168.50.${index + 10}` },
        { type: 'InternalIP', address: `fd00:50::${(index + 10).toString(16)}` },
      ],
    },
  }))
}

function podNet(node: number, family: IpFamilyName): string {
  return family === 'IPv4' ? `10.244.${node}.0/24` : `fd00:244:0:${node.toString(16)}::/64`
}

function podIP(node: number, host: number, family: IpFamilyName): string {
  return family === 'IPv4' ? `10.244.${node}.${host}` : `fd00:244:0:${node.toString(16)}::${host.toString(16)}`
}

interface Draft {
  readonly kind: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'Headless'
  readonly ports: readonly { protocol: (typeof PROTOCOLS)[number]; port: number; targetPort: number }[]
  readonly externalLocal: boolean
  readonly internalLocal: boolean
  readonly affinitySeconds: number
  readonly externalIP: boolean
  readonly ranges: readonly string[]
  readonly proxyMode: boolean
  readonly endpoints: readonly EndpointDraft[]
  readonly split: number
  readonly hints: 'none' | 'zones' | 'nodes' | 'some'
}

interface EndpointDraft {
  readonly node: number
  readonly host: number
  readonly state: 'ready' | 'not ready' | 'terminating' | 'terminating, serving' | 'unsaid'
}

function drafts(shape: Required<ClusterShape>, nodeCount: number): fc.Arbitrary<Draft> {
  return fc.record({
    kind: fc.constantFrom('ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer', 'Headless'),
    ports: fc.uniqueArray(
      fc.record({
        protocol: fc.constantFrom(...PROTOCOLS),
        port: fc.constantFrom(...PORTS),
        targetPort: fc.constantFrom(...PORTS),
      }),
      { minLength: 1, maxLength: 3, selector: (p) => `${p.protocol} ${p.port}`, size: 'max' },
    ),
    externalLocal: fc.boolean(),
    internalLocal: fc.boolean(),
    affinitySeconds: fc.constantFrom(0, 0, 60, 10800),
    externalIP: fc.boolean(),
    ranges: fc.constantFrom<readonly string[]>([], [], ['203.0.113.0/25'], ['192.168.50.0/24', '2600:5200::/32']),
    proxyMode: fc.boolean(),
    endpoints: fc.array(
      fc.record({
        node: fc.nat({ max: nodeCount - 1 }),
        host: fc.integer({ min: 2, max: 9 }),
        state: fc.constantFrom('ready', 'ready', 'not ready', 'terminating', 'terminating, serving', 'unsaid'),
      }),
      { maxLength: shape.endpoints, size: 'max' },
    ),
    split: fc.nat({ max: shape.endpoints }),
    hints: fc.constantFrom('none', 'none', 'zones', 'nodes', 'some'),
  })
}

/**
 * A cluster: one to `nodes` Nodes, up to `services` Services of every kind with their EndpointSlices. Each Service has its
 * own cluster IP (`10.96.0.N`, `fd00:96::N`), its node ports count up from 30000, its load balancer has `198.51.100.N`,
 * its external address is `192.0.2.N` (all only IPv4 where no IPv6 is named).
 */
export function clusters(shape: ClusterShape = {}): fc.Arbitrary<Cluster> {
  const full = { services: 8, endpoints: 6, nodes: 3, families: 'ipv4' as const, ...shape }
  return fc.integer({ min: 1, max: full.nodes }).chain((nodeCount) =>
    fc
      .record({
        nodes: fc.tuple(...Array.from({ length: nodeCount }, (_, i) => nodes(i))),
        services: fc.array(drafts(full, nodeCount), { maxLength: full.services, size: 'max' }),
      })
      .map(({ nodes: made, services }) => {
        const objects: object[] = [...made]
        let nodePort = 30000
        for (const [i, draft] of services.entries()) {
          const { service, used } = serviceOf(draft, i, nodePort, full.families)
          nodePort = used
          objects.push(service, ...slicesOf(draft, i, full.families, made))
        }
        return clusterOf(objects)
      }),
  )
}

const NODE_PORT_ADDRESSES: readonly (readonly string[])[] = [
  [],
  [],
  ['primary'],
  ['localhost'],
  ['192.168.50.0/24', '127.0.0.0/8'],
  ['10.0.0.0/8', 'fd00:50::/64'],
]
const DETECTORS: readonly ProxyConfig[] = [
  {},
  { clusterCIDR: '10.244.0.0/16,fd00:244::/32' },
  { clusterCIDR: '10.244.0.0/16' },
  { detectLocalMode: 'NodeCIDR' },
  { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cni0' } },
  { detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'cn' } },
]

/** kube-proxy's settings, for the nodes of `clusters`: each way to tell pods, and everything else that changes rules. */
export function proxyConfigs(): fc.Arbitrary<ProxyConfig> {
  const seldom = fc.nat({ max: 3 }).map((n) => n === 3)
  return fc
    .record({
      detect: fc.constantFrom(...DETECTORS),
      nodePortAddresses: fc.constantFrom(...NODE_PORT_ADDRESSES),
      masqueradeBit: fc.constantFrom(14, 14, 0, 31),
      masqueradeAll: seldom,
      noLocalhost: seldom,
      snatNodeInternalIP: seldom,
      tcpBeLiberal: seldom,
      noNodeHints: seldom,
    })
    .map(({ detect, nodePortAddresses, noLocalhost, tcpBeLiberal, noNodeHints, ...iptables }) => ({
      ...detect,
      nodePortAddresses,
      iptables: { ...iptables, localhostNodePorts: !noLocalhost },
      conntrack: { tcpBeLiberal },
      ...(noNodeHints ? { featureGates: { PreferSameTrafficDistribution: false } } : {}),
    }))
}

function familiesOf(families: 'ipv4' | 'ipv6' | 'dual'): IpFamilyName[] {
  return families === 'dual' ? ['IPv4', 'IPv6'] : families === 'ipv4' ? ['IPv4'] : ['IPv6']
}

function serviceOf(
  draft: Draft,
  index: number,
  firstNodePort: number,
  families: 'ipv4' | 'ipv6' | 'dual',
): { service: KubeService & { apiVersion: string; kind: string }; used: number } {
  const list = familiesOf(families)
  const ips = draft.kind === 'Headless' ? ['None'] : list.map((f) => vip(f, '10.96.0.', 'fd00:96::', index + 1))
  const open = draft.kind === 'NodePort' || draft.kind === 'LoadBalancer'
  let nodePort = firstNodePort
  const spec: NonNullable<KubeService['spec']> = {
    type: draft.kind === 'Headless' ? 'ClusterIP' : draft.kind,
    clusterIP: ips[0] as string,
    clusterIPs: ips,
    ipFamilies: list,
    ports: draft.ports.map((p, i) => ({
      name: `p${i}`,
      protocol: p.protocol,
      port: p.port,
      ...(open ? { nodePort: nodePort++ } : {}),
    })),
    internalTrafficPolicy: draft.internalLocal ? 'Local' : 'Cluster',
    sessionAffinity: draft.affinitySeconds > 0 ? 'ClientIP' : 'None',
    ...(draft.affinitySeconds > 0
      ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: draft.affinitySeconds } } }
      : {}),
    ...(open ? { externalTrafficPolicy: draft.externalLocal ? 'Local' : 'Cluster' } : {}),
    ...(draft.externalIP && draft.kind !== 'Headless'
      ? { externalIPs: list.map((f) => vip(f, '192.0.2.', '2001:db8:2::', index + 1)) }
      : {}),
    ...(draft.kind === 'LoadBalancer' ? { loadBalancerSourceRanges: draft.ranges } : {}),
    ...(draft.kind === 'LoadBalancer' && draft.externalLocal ? { healthCheckNodePort: nodePort++ } : {}),
  }
  const ingress = list.map((f) => ({
    ip: vip(f, '198.51.100.', '2001:db8:51::', index + 1),
    ipMode: draft.proxyMode ? 'Proxy' : 'VIP',
  }))
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `svc-${index}`, namespace: index % 3 === 0 ? 'default' : 'shop' },
    spec,
    status: { loadBalancer: draft.kind === 'LoadBalancer' ? { ingress } : {} },
  }
  return { service, used: nodePort }
}

function vip(family: IpFamilyName, v4: string, v6: string, n: number): string {
  return family === 'IPv4' ? `${v4}${n}` : `${v6}${n.toString(16)}`
}

function slicesOf(
  draft: Draft,
  index: number,
  families: 'ipv4' | 'ipv6' | 'dual',
  made: readonly KubeNode[],
): (KubeEndpointSlice & { apiVersion: string; kind: string })[] {
  return familiesOf(families).flatMap((family) => {
    // The endpoints of a Service may be spread over slices; the same one may stand in both.
    const parts = [draft.endpoints.slice(0, draft.split), draft.endpoints.slice(Math.max(0, draft.split - 1))]
    return parts
      .filter((part, i) => i === 0 || part.length > 0)
      .map((part, i) => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `svc-${index}-${family.toLowerCase()}-${i}`,
          namespace: index % 3 === 0 ? 'default' : 'shop',
          labels: { 'kubernetes.io/service-name': `svc-${index}` },
        },
        addressType: family,
        endpoints: part.map((e, j) => endpointOf(draft, e, j, family, made)),
        ports: draft.ports.map((p, k) => ({ name: `p${k}`, protocol: p.protocol, port: p.targetPort })),
      }))
  })
}

function endpointOf(
  draft: Draft,
  e: EndpointDraft,
  position: number,
  family: IpFamilyName,
  made: readonly KubeNode[],
): KubeEndpoint {
  const zone = made[e.node]?.metadata?.labels?.['topology.kubernetes.io/zone'] ?? ZONES[0]
  const hinted = draft.hints === 'zones' || draft.hints === 'nodes' || (draft.hints === 'some' && position % 2 === 0)
  const byNode = draft.hints === 'nodes'
  return {
    addresses: [podIP(e.node, e.host, family)],
    conditions: conditionsOf(e.state),
    nodeName: `node-${e.node}`,
    ...(hinted ? { hints: byNode ? { forNodes: [{ name: `node-${e.node}` }] } : { forZones: [{ name: zone }] } } : {}),
    targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${e.node}-${e.host}` },
  }
}

function conditionsOf(state: EndpointDraft['state']): NonNullable<KubeEndpoint['conditions']> {
  switch (state) {
    case 'ready':
      return { ready: true, serving: true, terminating: false }
    case 'not ready':
      return { ready: false, serving: false, terminating: false }
    case 'terminating':
      return { ready: false, serving: false, terminating: true }
    case 'terminating, serving':
      return { ready: false, serving: true, terminating: true }
    case 'unsaid':
      return {}
  }
}
