// Small clusters that between them use everything of kube-proxy's iptables mode.
import { type Cluster, clusterOf } from '../../src/kube/cluster.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import { proxyRules } from '../../src/kube/proxy.js'
import { type ProxyConfig, type ProxyOptions, proxyOptions } from '../../src/kube/proxy-options.js'
import type { Backend } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import type { NetworkNamespace } from '../../src/netns/model.js'

export const NODE = 'node-0'

/** One cluster, and kube-proxy's settings. */
export interface Feature {
  readonly name: string
  readonly cluster: Cluster
  readonly config: ProxyConfig
  /** What no configuration says. */
  readonly options?: Partial<ProxyOptions>
}

const NODES = [0, 1].map((n) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node-${n}`, labels: { 'topology.kubernetes.io/zone': `zone-${n}` } },
  spec: { podCIDRs: [`10.244.${n}.0/24`, `fd00:244:0:${n}::/64`] },
  status: {
    addresses: [
      { type: 'InternalIP', address: `192.168.50.1${n}` },
      { type: 'InternalIP', address: `fd00:50::1${n}` },
    ],
  },
}))

/** An endpoint `NODE.HOST`, then r(eady), s(erving), t(erminating), and what it is hinted for. */
type End = readonly [at: string, is?: string, hints?: object]

/** A Service `svc-N` of both families with its slices. */
function service(
  n: number,
  spec: object,
  ends: readonly End[] | null,
  protocol = 'TCP',
  status: object = {},
): object[] {
  const name = `svc-${n}`
  const metadata = (tail: string) => ({
    name: `${name}-${tail}`,
    namespace: 'shop',
    labels: { 'kubernetes.io/service-name': name },
  })
  const address = (at: string, v6: boolean): string => {
    const [node, host] = at.split('.')
    return v6 ? `fd00:244:0:${node}::${host}` : `10.244.${node}.${host}`
  }
  const slices = (ends === null ? [] : ['IPv4', 'IPv6']).map((addressType) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(addressType.toLowerCase()),
    addressType,
    ports: [{ name: 'p', protocol, port: 8080 }],
    endpoints: ends!.map(([at, is = 'rs', hints]) => ({
      addresses: [address(at, addressType === 'IPv6')],
      nodeName: `node-${at[0]}`,
      conditions: { ready: is.includes('r'), serving: is.includes('s'), terminating: is.includes('t') },
      ...(hints ? { hints } : {}),
    })),
  }))
  const { port, ...rest } = { port: {}, ...spec }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop' },
      spec: {
        clusterIP: `10.96.0.${n}`,
        clusterIPs: [`10.96.0.${n}`, `fd00:96::${n}`],
        ipFamilies: ['IPv4', 'IPv6'],
        ports: [{ name: 'p', port: 80, protocol, ...port }],
        ...rest,
      },
      status,
    },
    ...slices,
  ]
}

const nodePort = (n: number, rest: object = {}): object => ({
  type: 'NodePort',
  port: { nodePort: 30000 + n },
  ...rest,
})
const balancer = (n: number, rest: object = {}): object => ({ ...nodePort(n, rest), type: 'LoadBalancer' })
const ingress = (n: number, ipMode?: string): object => ({
  loadBalancer: {
    ingress: [`198.51.100.${n}`, `2001:db8:51::${n}`].map((ip) => ({ ip, ...(ipMode ? { ipMode } : {}) })),
  },
})
const RANGES = { loadBalancerSourceRanges: ['203.0.113.0/24', '192.168.50.0/24', '2600:5200::/32', 'fd00:50::/64'] }
const LOCAL = { externalTrafficPolicy: 'Local' }
const outside = (n: number): object => ({ externalIPs: [`192.0.2.${n}`, `2001:db8:2::${n}`] })
const CIDR = { clusterCIDR: '10.244.0.0/16,fd00:244::/32' }
const zone = (n: number): object => ({ forZones: [{ name: `zone-${n}` }] })
const node = (n: number): object => ({ forNodes: [{ name: `node-${n}` }] })

const PLAIN = [...service(1, {}, [['0.5'], ['1.5']]), ...service(2, nodePort(2), [['1.6'], ['1.7']], 'UDP')]
const LOCALS = [...service(3, nodePort(3, LOCAL), [['0.6'], ['1.7']]), ...service(4, nodePort(4, LOCAL), [['1.7']])]

/** Each feature with what it needs to be seen, and not much more. */
export const FEATURES: readonly Feature[] = [
  {
    name: 'doors',
    config: CIDR,
    objects: [
      ...PLAIN,
      ...service(5, outside(5), [['1.5']]),
      ...service(6, balancer(6, RANGES), [['0.5'], ['1.5']], 'TCP', ingress(6)),
      ...service(7, balancer(7), [['1.5']], 'SCTP', ingress(7)),
      ...service(8, balancer(8), [['1.5']], 'TCP', ingress(8, 'Proxy')),
      ...service(
        9,
        balancer(9, { ...LOCAL, healthCheckNodePort: 31009 }),
        [['0.5'], ['1.5']],
        'TCP',
        ingress(9, 'VIP'),
      ),
    ],
  },
  {
    name: 'policies',
    config: CIDR,
    objects: [
      ...LOCALS,
      ...service(10, { internalTrafficPolicy: 'Local' }, [['0.6'], ['1.7']]),
      ...service(11, { internalTrafficPolicy: 'Local' }, [['1.7']]),
      ...service(12, nodePort(12, { ...LOCAL, internalTrafficPolicy: 'Local' }), [['0.6', 'st'], ['1.7']]),
      ...service(13, { ...outside(13), ...LOCAL }, [['1.7']]),
      ...service(14, nodePort(14), []),
      ...service(15, outside(15), null),
      ...service(16, nodePort(16), [
        ['0.6', 'st'],
        ['1.6', 'st'],
        ['1.7', 't'],
        ['1.8', ''],
      ]),
    ],
  },
  {
    name: 'hints',
    config: CIDR,
    objects: [
      ...service(20, {}, [
        ['0.5', 'rs', zone(0)],
        ['1.5', 'rs', zone(1)],
      ]),
      ...service(21, {}, [
        ['0.5', 'rs', node(0)],
        ['1.5', 'rs', node(1)],
      ]),
      ...service(22, {}, [['0.5', 'rs', zone(0)], ['1.5']]),
      ...service(23, nodePort(23, LOCAL), [
        ['0.5', 'rs', zone(1)],
        ['1.5', 'rs', zone(0)],
      ]),
    ],
  },
  {
    name: 'masqueradeAll, another bit, no localhost node ports, liberal TCP',
    config: {
      ...CIDR,
      iptables: { masqueradeAll: true, masqueradeBit: 7, localhostNodePorts: false },
      conntrack: { tcpBeLiberal: true },
    },
    objects: [...PLAIN, ...LOCALS],
  },
  { name: 'no local detector', config: {}, objects: [...PLAIN, ...LOCALS] },
  {
    name: 'NodeCIDR, node ports on the primary address, SNAT to it',
    config: {
      detectLocalMode: 'NodeCIDR',
      nodePortAddresses: ['primary'],
      iptables: { snatNodeInternalIP: true },
    },
    objects: [...PLAIN, ...LOCALS],
  },
  {
    name: 'BridgeInterface',
    config: { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cni0' } },
    objects: [...PLAIN, ...LOCALS],
  },
  {
    name: 'InterfaceNamePrefix',
    config: { detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'cn' } },
    objects: [...PLAIN, ...LOCALS],
  },
  {
    name: 'a large cluster, affinity',
    config: CIDR,
    options: { largeClusterEndpoints: 0 },
    objects: [...PLAIN, ...service(30, nodePort(30, { sessionAffinity: 'ClientIP' }), [['0.5'], ['1.5']])],
  },
].map(({ objects, ...rest }) => ({ ...rest, cluster: clusterOf([...NODES, ...objects] as never) }))

/** The node in the kernel: its bridge has no ports, so it is an interface like others. */
export function namespaceOf({ cluster, config, options }: Feature, backend: Backend): NetworkNamespace {
  const made = nodeNamespace(cluster, NODE, { backend, proxyConfig: config })
  return {
    ...made,
    links: made.links.map((l) => (l.kind === 'bridge' ? { ...l, kind: 'dummy' } : l)),
    rulesets: made.rulesets.map(({ family }) =>
      proxyRules(cluster, { ...proxyOptions(cluster, NODE, family, config), ...options, backend }),
    ),
  }
}

/** What stands before kube-proxy's restore: the built-in chains with its jumps, and the chains that these lead to, empty. */
export function jumpsOnly(options: ProxyOptions): string {
  const rules = proxyRules(clusterOf([]), options)
  const tables = rules.tables.map((t) => {
    const targets = new Set(
      t.chains.flatMap((c) =>
        c.policy === null ? [] : c.rules.flatMap((r) => (r.target?.target === 'jump' ? [r.target.chain] : [])),
      ),
    )
    const kept = t.chains.filter((c) => c.policy !== null || targets.has(c.name))
    return { ...t, chains: kept.map((c) => (c.policy === null ? { ...c, rules: [] } : c)) }
  })
  return printRules({ ...rules, tables })
}
