// What the benches run on: clusters of n services x 5 endpoints, route tables of n prefixes, packets. All from a
// fixed seed: the same run everywhere.
import type { Packet } from '../src/net/packet.js'
import type { Link, NetworkNamespace, Route } from '../src/netns/model.js'

/** A small generator of 32-bit numbers (xorshift32); never 0. */
export function generator(seed: number): () => number {
  let x = seed >>> 0 || 1
  return () => {
    x ^= x << 13
    x >>>= 0
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    return x
  }
}

const ip = (value: number): string =>
  `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`

const SERVICE_BASE = 0x0a600000 // 10.96.0.0/12
const POD_BASE = 0x0af40000 // 10.244.0.0/16 and upwards

/** Cluster address of service i. */
export const serviceAddress = (i: number): string => ip(SERVICE_BASE + 10 + i)

/** Objects as the API server lists them: `services` Services of one port with that many ready endpoints each, two nodes. */
export function clusterObjects(services: number, endpoints = 5): object[] {
  const objects: object[] = ['worker-1', 'worker-2'].map((name, i) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: `10.${244 + i * 8}.0.0/13`, podCIDRs: [`10.${244 + i * 8}.0.0/13`] },
    status: { addresses: [{ type: 'InternalIP', address: `192.168.10.${11 + i}` }] },
  }))
  for (let i = 0; i < services; i++) {
    const name = `svc-${i}`
    objects.push({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'bench' },
      spec: {
        type: 'ClusterIP',
        clusterIP: serviceAddress(i),
        clusterIPs: [serviceAddress(i)],
        ipFamilies: ['IPv4'],
        ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      },
    })
    objects.push(endpointSlice(i, endpoints))
  }
  return objects
}

/** The EndpointSlice of service i; after a `change` its first endpoint has another address. */
export function endpointSlice(i: number, endpoints: number, change = 0): object {
  const name = `svc-${i}`
  const first = POD_BASE + 16 + i * endpoints
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'bench', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, k) => ({
      addresses: [ip(k === 0 && change > 0 ? POD_BASE + 0x80000 + change : first + k)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: k % 2 ? 'worker-1' : 'worker-2',
    })),
  }
}

/** First packets of `count` connections from pods to services picked at random, all different. */
export function* newConnections(services: number, count: number): Generator<Packet> {
  const random = generator(7)
  for (let i = 0; i < count; i++)
    yield {
      iface: 'cni0',
      proto: 'tcp',
      src: ip(POD_BASE + 0x30000 + (i >>> 15)),
      dst: serviceAddress(random() % services),
      sport: 1024 + (i & 0x7fff),
      dport: 80,
      flags: 'S',
      seq: 1000,
      ack: 0,
      ttl: 64,
    }
}

/** `count` distinct IPv4 prefixes, most of them /24, as a routing table has them. */
export function prefixes(count: number): { dst: string; hop: number }[] {
  const random = generator(11)
  const seen = new Set<string>()
  const out: { dst: string; hop: number }[] = []
  while (out.length < count) {
    const kind = random() % 100
    const length =
      kind < 65 ? 24 : kind < 76 ? 23 : kind < 87 ? 22 : kind < 92 ? 21 : kind < 97 ? 20 : 16 + (random() % 4)
    const value = (random() >>> 0) & (length === 0 ? 0 : -1 << (32 - length))
    const first = value >>> 24
    if (first === 0 || first === 127 || first >= 224 || first === 192) continue
    const dst = `${ip(value >>> 0)}/${length}`
    if (seen.has(dst)) continue
    seen.add(dst)
    out.push({ dst, hop: random() % 200 })
  }
  return out
}

/** A router: `base`'s links and routes and beside them `count` prefixes through hosts of eth0's network. */
export function withRoutes(base: NetworkNamespace, count: number): NetworkNamespace {
  const link = base.links.find((l) => l.name === 'eth0') as Link
  const more: Route[] = prefixes(count).map(({ dst, hop }) => ({
    family: 'ipv4',
    table: 254,
    type: 'unicast',
    dst,
    nextHops: [{ dev: link.name, via: `192.168.10.${20 + hop}`, weight: 1 }],
    metric: 0,
    scope: 'global',
    tos: 0,
  }))
  return { ...base, routes: [...base.routes, ...more], rulesets: [] }
}
