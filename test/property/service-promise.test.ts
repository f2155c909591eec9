// What a Service promises, stated without rules (promise.ts), holds for the rules that are built from it: new connections
// reach exactly the endpoints that count, on the target port, evenly; the source stays or is the node's; affinity is kept
// within its timeout; without endpoints the client is refused; what belongs to no Service is left alone.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusters } from '../../src/arbitraries/kube.js'
import { Engine } from '../../src/engine/index.js'
import type { Cluster } from '../../src/kube/cluster.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import type { KubeService } from '../../src/kube/objects.js'
import { completePacket } from '../../src/net/complete.js'
import type { Answer } from '../../src/net/packet.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { type Client, type Door, type FamilyName, promise, type Setting } from './promise.js'
import { options } from './support.js'

const NODE = 'node-0'
const CLIENTS: Readonly<Record<FamilyName, Readonly<Record<Client, { iface: string; address: string }>>>> = {
  IPv4: {
    pod: { iface: 'cni0', address: '10.244.0.200' },
    outside: { iface: 'eth0', address: '203.0.113.200' },
    node: { iface: 'local', address: '192.168.50.10' },
  },
  IPv6: {
    pod: { iface: 'cni0', address: 'fd00:244::200' },
    outside: { iface: 'eth0', address: '2600:5201::77' },
    node: { iface: 'local', address: 'fd00:50::a' },
  },
}

interface Case {
  readonly cluster: Cluster
  readonly setting: Setting
  readonly seed: number
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    family: fc.constantFrom<FamilyName>('IPv4', 'IPv6'),
    cidr: fc.boolean(),
    masqueradeAll: fc.nat({ max: 3 }).map((n) => n === 3),
    seed: fc.nat(),
    v4: clusters({ services: 5 }),
    dual: clusters({ services: 5, families: 'dual' }),
  })
  .map((d) => ({
    cluster: d.family === 'IPv4' ? d.v4 : d.dual,
    setting: {
      node: NODE,
      family: d.family,
      clusterCIDR: d.cidr ? (d.family === 'IPv4' ? '10.244.0.0/16' : 'fd00:244::/32') : undefined,
      masqueradeAll: d.masqueradeAll,
    },
    seed: d.seed,
  }))

function namespaceOf({ cluster, setting }: Case): NetworkNamespace {
  const cidr = setting.clusterCIDR === undefined ? {} : { clusterCIDR: setting.clusterCIDR }
  return nodeNamespace(cluster, NODE, { proxyConfig: { ...cidr, iptables: { masqueradeAll: setting.masqueradeAll } } })
}

interface Way {
  readonly service: KubeService
  readonly door: Door
  readonly proto: string
  readonly dst: string
  readonly dport: number
  readonly target: number
}

/** Every address and port at which this Service can be met. */
function waysTo(cluster: Cluster, service: KubeService, family: FamilyName): Way[] {
  const own = (ip: string): boolean => ip.includes(':') === (family === 'IPv6')
  const spec = service.spec!
  const slice = cluster.endpointSlices.find(
    (s) =>
      s.addressType === family &&
      s.metadata?.labels?.['kubernetes.io/service-name'] === service.metadata?.name &&
      s.metadata?.namespace === service.metadata?.namespace,
  )
  const ips = (spec.clusterIPs ?? []).filter((ip) => ip !== 'None' && own(ip))
  if (ips.length === 0) return []
  return (spec.ports ?? []).flatMap((port) => {
    const proto = (port.protocol ?? 'TCP').toLowerCase()
    const target = slice?.ports?.find((p) => p.name === port.name)?.port ?? 0
    const way = (door: Door, dst: string, dport: number): Way => ({ service, door, proto, dst, dport, target })
    const ingress = (service.status?.loadBalancer?.ingress ?? []).filter((i) => i.ipMode !== 'Proxy')
    return [
      ...ips.map((ip) => way('cluster', ip, port.port)),
      ...(spec.externalIPs ?? []).filter(own).map((ip) => way('external', ip, port.port)),
      ...ingress.flatMap((i) => (i.ip && own(i.ip) ? [way('load balancer', i.ip, port.port)] : [])),
      ...(port.nodePort ? [way('node port', CLIENTS[family].node.address, port.nodePort)] : []),
    ]
  })
}

const send = (plane: DataPlane, way: Way, from: { iface: string; address: string }, sport: number, at = 0): Answer =>
  plane.process(
    completePacket({
      iface: from.iface,
      proto: way.proto,
      src: from.address,
      sport,
      dst: way.dst,
      dport: way.dport,
      at_ms: at,
    }),
  )

/** Enough to see every endpoint, and to see that they are picked evenly. */
function chiSquareHolds(counts: readonly number[]): boolean {
  const total = counts.reduce((a, b) => a + b, 0)
  const expected = total / counts.length
  const chi = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
  const freedom = counts.length - 1
  // Beyond one in 10^8 for every number of endpoints here.
  return freedom === 0 || chi < freedom + 6 * Math.sqrt(2 * freedom) + 22
}

function holds(it: Case, plane: DataPlane, flows: number): void {
  const { cluster, setting } = it
  const own = new Set(namespaceOf(it).links.flatMap((l) => l.addresses.map((a) => a.address)))
  let sport = 1024
  for (const service of cluster.services)
    for (const way of waysTo(cluster, service, setting.family))
      for (const kind of ['pod', 'outside', 'node'] as const) {
        const client = CLIENTS[setting.family][kind]
        const want = promise(cluster, service, setting, way.door, { kind, address: client.address })
        const affinity = service.spec?.sessionAffinity === 'ClientIP'
        const say = `${service.metadata?.name} ${way.door} ${way.proto} ${way.dst}:${way.dport} from ${kind}`
        const got = new Map<string, number>()
        const count = want.to === 'endpoints' && !affinity ? flows * want.endpoints.length : 3
        for (let i = 0; i < count; i++) {
          const a = send(plane, way, client, sport++)
          if (sport > 60000) sport = 1024
          if (want.to === 'drop') assert.is(a.verdict, 'drop', `${say}: ${a.verdict}, want drop`)
          else if (want.to === 'nobody') assert.ok(a.verdict !== 'out' || a.dst === way.dst, `${say}: reached ${a.dst}`)
          else if (want.to !== 'endpoints') {
            assert.is(a.verdict, 'reject', `${say}: ${a.verdict}, want reject`)
            assert.is(
              a.reject_with,
              setting.family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable',
              say,
            )
          } else {
            assert.is(a.verdict, kind === 'node' ? 'out' : 'forward', `${say}: ${JSON.stringify(a)}`)
            assert.ok(
              want.endpoints.includes(a.dst as string),
              `${say}: reached ${a.dst}, want one of ${want.endpoints}`,
            )
            assert.is(a.dport, way.target, `${say}: port`)
            if (want.masquerade)
              assert.ok(own.has(a.src as string), `${say}: source ${a.src} is no address of the node`)
            else assert.is(a.src, client.address, `${say}: source`)
            got.set(a.dst as string, (got.get(a.dst as string) ?? 0) + 1)
          }
        }
        if (want.to !== 'endpoints') continue
        if (affinity) assert.is(got.size, 1, `${say}: affinity, yet ${[...got.keys()]}`)
        else {
          assert.equal([...got.keys()].sort(), [...want.endpoints], `${say}: reached`)
          assert.ok(chiSquareHolds([...got.values()]), `${say}: not even, ${JSON.stringify([...got])}`)
        }
      }
}

function untouched(it: Case, plane: DataPlane): void {
  const { cluster, setting } = it
  const ways = cluster.services.flatMap((s) => waysTo(cluster, s, setting.family))
  const taken = new Set(ways.map((w) => `${w.proto} ${w.dst} ${w.dport}`))
  const nodeIp = CLIENTS[setting.family].node.address
  let sport = 1024
  for (const way of ways.slice(0, 12))
    for (const kind of ['pod', 'outside'] as const) {
      const client = CLIENTS[setting.family][kind]
      for (const dport of [way.dport + 1, way.dport - 1])
        for (const proto of ['tcp', 'udp']) {
          if (taken.has(`${proto} ${way.dst} ${dport}`)) continue
          const a = send(plane, { ...way, proto, dport }, client, sport++)
          const say = `${proto} ${way.dst}:${dport} from ${kind}`
          assert.is(a.verdict, way.dst === nodeIp ? 'local' : 'forward', say)
          assert.equal([a.src, a.dst, a.dport], [client.address, way.dst, dport], say)
        }
      // A pod is reached as itself.
      const pod = setting.family === 'IPv4' ? '10.244.0.9' : 'fd00:244::9'
      const a = send(plane, { ...way, dst: pod, dport: way.target || 80 }, client, sport++)
      assert.equal([a.verdict, a.src, a.dst], ['forward', client.address, pod])
    }
}

function affinityHolds(it: Case, plane: DataPlane): void {
  const { cluster, setting } = it
  let now = 0
  let sport = 1024
  const outside = (n: number): string => (setting.family === 'IPv4' ? `203.0.113.${n}` : `2600:5201::${n}`)
  for (const service of cluster.services) {
    const seconds = service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds
    if (service.spec?.sessionAffinity !== 'ClientIP' || !seconds) continue
    for (const way of waysTo(cluster, service, setting.family)) {
      for (let n = 1; n <= 6; n++) {
        const client = { iface: 'eth0', address: outside(n) }
        const first = send(plane, way, client, sport++, now)
        if (first.verdict !== 'forward') break
        // Each new connection within the timeout of the last one goes where the last one went.
        for (const gap of [0, 1000, seconds * 1000 - 1, seconds * 1000]) {
          now += gap
          const next = send(plane, way, client, sport++, now)
          assert.is(
            next.dst,
            first.dst,
            `${service.metadata?.name} ${way.dst}:${way.dport} client ${n} after ${gap} ms`,
          )
        }
      }
      now += 20_000_000
      if (sport > 50_000) sport = 1024
    }
  }
}

/** After its timeout a client is free again: over many clients, some go elsewhere. */
function affinityEnds(plane: DataPlane, way: Way, seconds: number): { moved: number; total: number } {
  let moved = 0
  const clients = Array.from({ length: 60 }, (_, i) => ({ iface: 'eth0', address: `203.0.113.${i + 1}` }))
  const before = clients.map((c, i) => send(plane, way, c, 1024 + i, 0).dst)
  for (const [i, c] of clients.entries())
    if (send(plane, way, c, 2048 + i, seconds * 1000 + 1).dst !== before[i]) moved++
  return { moved, total: clients.length }
}

const ENGINES: [string, (ns: NetworkNamespace, seed: number) => DataPlane, number][] = [
  ['engine', (ns, seed) => new Engine(ns, { seed }), 20],
  ['reference', (ns, seed) => new ReferenceEngine(ns, { seed }), 5],
]

for (const [name, make, usual] of ENGINES) {
  const it = suite(`what a Service promises, ${name}`)

  it('reaches its endpoints, evenly, or refuses', () => {
    fc.assert(
      fc.property(cases, (c) => holds(c, make(namespaceOf(c), c.seed), name === 'reference' ? 40 : 120)),
      options(usual),
    )
  })

  it('leaves alone what belongs to no Service', () => {
    fc.assert(
      fc.property(cases, (c) => untouched(c, make(namespaceOf(c), c.seed))),
      options(usual * 2),
    )
  })

  it('keeps the affinity of clients within the timeout', () => {
    fc.assert(
      fc.property(cases, (c) => affinityHolds(c, make(namespaceOf(c), c.seed))),
      options(usual * 2),
    )
  })

  it('lets clients go when the timeout has passed', () => {
    const service: KubeService = {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        type: 'ClusterIP',
        clusterIP: '10.96.0.1',
        clusterIPs: ['10.96.0.1'],
        ipFamilies: ['IPv4'],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        ports: [{ name: 'p0', protocol: 'TCP', port: 80 }],
      },
    }
    const base = fc.sample(clusters({ services: 0, nodes: 1 }), { numRuns: 1, seed: 1 })[0] as Cluster
    const cluster: Cluster = {
      ...base,
      services: [service],
      endpointSlices: [
        {
          metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
          addressType: 'IPv4',
          endpoints: [2, 3, 4, 5].map((n) => ({ addresses: [`10.244.0.${n}`], nodeName: NODE })),
          ports: [{ name: 'p0', protocol: 'TCP', port: 8080 }],
        },
      ],
    }
    const plane = make(nodeNamespace(cluster, NODE), 7)
    const way: Way = { service, door: 'cluster', proto: 'tcp', dst: '10.96.0.1', dport: 80, target: 8080 }
    const { moved, total } = affinityEnds(plane, way, 60)
    // Three in four are expected to move; fewer than half or all but a few would be one in 10^5.
    assert.ok(moved > total * 0.5 && moved < total * 0.97, `${moved} of ${total} moved`)
  })

  it.run()
}
