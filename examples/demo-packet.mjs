// One small job in plain JavaScript, for Node, a bundler or a page alike: a Service's rules from three objects, and
// what they do to a few packets. `nodeplane` is the library: `import * as nodeplane from 'nodeplane'`.

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    type: 'NodePort',
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10'],
    ipFamilies: ['IPv4'],
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }],
  },
}
const ENDPOINTS = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: 'web-7k2lp', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  endpoints: ['10.244.1.5', '10.244.2.7', '10.244.2.8'].map((address) => ({
    addresses: [address],
    conditions: { ready: true },
  })),
}
const node = (name, address, podCIDR) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: { podCIDR, podCIDRs: [podCIDR] },
  status: { addresses: [{ type: 'InternalIP', address }] },
})

/** The dump of a router that is no Kubernetes node: it refuses one port. */
const ROUTER = new Map([
  [
    'ip-addr.json',
    JSON.stringify([
      {
        ifindex: 2,
        ifname: 'eth0',
        flags: ['BROADCAST', 'UP', 'LOWER_UP'],
        mtu: 1500,
        link_type: 'ether',
        addr_info: [{ family: 'inet6', local: 'fd00:1::1', prefixlen: 64, scope: 'global' }],
      },
      {
        ifindex: 3,
        ifname: 'eth1',
        flags: ['BROADCAST', 'UP', 'LOWER_UP'],
        mtu: 1500,
        link_type: 'ether',
        addr_info: [{ family: 'inet6', local: 'fd00:2::1', prefixlen: 64, scope: 'global' }],
      },
    ]),
  ],
  [
    'ip6tables-save',
    `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth0 -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
-A FORWARD -i eth0 -j ACCEPT
COMMIT
`,
  ],
])

const TO_SERVICE = { proto: 'tcp', src: '10.244.1.9', sport: 40000, dst: '10.96.0.10', dport: 80, iface: 'cni0' }
const TO_NODE_PORT = {
  proto: 'tcp',
  src: '192.168.10.1',
  sport: 50000,
  dst: '192.168.10.11',
  dport: 30080,
  iface: 'eth0',
}
const TO_MAIL = { proto: 'tcp', src: 'fd00:1::9', sport: 40001, dst: 'fd00:2::9', dport: 25, iface: 'eth0' }
const TO_WEB = { ...TO_MAIL, dport: 443 }

/**
 * What becomes of four packets, as plain data: the answers of both engines, which are equal. `engineOptions` goes to the
 * compiled engine (a core of one's own, say).
 */
export function demoPackets(nodeplane, engineOptions = {}) {
  const cluster = nodeplane.clusterOf([
    SERVICE,
    ENDPOINTS,
    node('worker-1', '192.168.10.11', '10.244.1.0/24'),
    node('worker-2', '192.168.10.12', '10.244.2.0/24'),
  ])
  const worker = nodeplane.nodeNamespace(cluster, 'worker-1')
  const router = nodeplane.readBundle(ROUTER, { name: 'router' })
  const run = (make) => {
    const onWorker = make(worker)
    const onRouter = make(router)
    return [
      ...[TO_SERVICE, TO_NODE_PORT].map((packet) => onWorker.process(nodeplane.completePacket(packet), EVERYTHING)),
      ...[TO_MAIL, TO_WEB].map((packet) => onRouter.process(nodeplane.completePacket(packet), EVERYTHING)),
    ]
  }
  return JSON.parse(
    JSON.stringify({
      engine: run((namespace) => new nodeplane.Engine(namespace, { seed: 7, ...engineOptions })),
      reference: run((namespace) => new nodeplane.ReferenceEngine(namespace, { seed: 7 })),
    }),
  )
}
const EVERYTHING = { trace: true, ct: true }
