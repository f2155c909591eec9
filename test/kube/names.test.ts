// Names into addresses and packets back into names, and the node's namespace, on the example cluster.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusterOf } from '../../src/kube/cluster.js'
import { describeEndpoint, formatEndpoint, resolveName } from '../../src/kube/names.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import { readCluster } from '../../src/kube/reader/index.js'
import type { Answer } from '../../src/net/packet.js'

const test = suite('kube/names')
const file = new URL('../../examples/cluster.yaml', import.meta.url)
const { cluster, notes } = readCluster([{ name: 'examples/cluster.yaml', text: readFileSync(file, 'utf8') }])

function fault(name: string, family?: 4 | 6): string {
  try {
    resolveName(cluster, name, family)
  } catch (error) {
    return (error as Error).message
  }
  return 'no fault'
}

test('the example is read without a note', () => {
  assert.equal(notes, [])
  assert.is(cluster.nodes.length, 3)
})

test('names', () => {
  assert.equal(resolveName(cluster, 'svc/shop/db:5432'), { address: '10.96.203.15', port: 5432, proto: 'tcp' })
  assert.equal(resolveName(cluster, 'svc/shop/db'), { address: '10.96.203.15', port: 5432, proto: 'tcp' })
  assert.equal(resolveName(cluster, 'service/shop/api:grpc'), { address: '10.96.77.130', port: 9090, proto: 'tcp' })
  assert.equal(resolveName(cluster, 'svc/shop/web', 6), { address: 'fd00:10:96::2907', port: 80, proto: 'tcp' })
  assert.equal(resolveName(cluster, 'svc/telco/smf:n4'), { address: '10.96.176.48', port: 38412, proto: 'sctp' })
  // Port 53 is there for UDP and TCP: the name does not decide.
  assert.equal(resolveName(cluster, 'svc/kube-system/kube-dns:53'), { address: '10.96.0.10', port: 53 })
  assert.equal(resolveName(cluster, 'pod/shop/db-0'), { address: '10.244.1.14' })
  assert.equal(resolveName(cluster, 'pod/shop/db-0:5432', 6), { address: 'fd00:10:244:1::e', port: 5432 })
  assert.equal(resolveName(cluster, 'pod/monitoring/node-exporter-4hd2k'), { address: '192.168.50.11' })
  assert.equal(resolveName(cluster, 'node/worker-b1:30080'), { address: '192.168.50.21', port: 30080 })
})

test('names that lead nowhere say what there is', () => {
  assert.is(fault('svc/shop/dbb:5432'), 'svc/shop/dbb:5432: there is no such Service; did you mean shop/db?')
  assert.is(
    fault('pod/shop/db-9'),
    'pod/shop/db-9: there is no such Pod; did you mean shop/db-0 or shop/db-1 or shop/db-2?',
  )
  assert.is(fault('node/worker-a9'), 'node/worker-a9: there is no such Node; did you mean worker-a1 or worker-a2?')
  assert.is(fault('svc/shop/db:80'), 'svc/shop/db:80: the Service has no such port; it has 5432/tcp (postgres)')
  assert.is(fault('svc/shop/api'), 'svc/shop/api: the Service has 2 ports; add one: 9090/tcp (grpc), 80/tcp (http)')
  assert.is(
    fault('svc/shop/db-headless'),
    'svc/shop/db-headless: the Service is headless: it has no address of its own; name one of its pods',
  )
  assert.is(fault('svc/shop/mail'), 'svc/shop/mail: the Service is an ExternalName: it has no address')
  assert.is(fault('svc/shop/db', 6), 'svc/shop/db: the Service has no IPv6 address; it has 10.96.203.15')
  assert.is(fault('node/worker-a1:70000'), "node/worker-a1:70000: '70000' is no port: expected 1 to 65535")
  assert.match(fault('svc/db'), /^svc\/db: not a name; expected pod\//)
  assert.match(fault('svc/__proto__/__proto__'), /there is no such Service/)
  assert.match(fault('pod/\u001b[31m/x'), /^pod\/\\u\{1b\}\[31m\/x: /)
})

const answer = (dst: string, dport: number, more: Partial<Answer>): Answer => ({
  verdict: 'forward',
  in: { iface: 'cni0', proto: 'tcp', src: '10.244.1.2', dst, sport: 40000, dport },
  dst,
  dport,
  ...more,
})

test('the Service port and endpoint of a packet', () => {
  const db = describeEndpoint(cluster, answer('10.96.203.15', 5432, { dst: '10.244.2.14' }))
  assert.equal(db, {
    service: 'shop/db',
    port: 5432,
    portName: 'postgres',
    protocol: 'tcp',
    via: 'clusterIP',
    endpoint: '10.244.2.14:5432',
    pod: 'shop/db-1',
    node: 'worker-a2',
  })
  assert.is(
    formatEndpoint(db!),
    'Service shop/db port 5432/tcp (postgres) (cluster IP): endpoint 10.244.2.14:5432, Pod shop/db-1 on node worker-a2',
  )
  const via = (dst: string, dport: number) => describeEndpoint(cluster, answer(dst, dport, {}))?.via
  assert.is(via('198.51.100.20', 443), 'loadBalancerIP')
  assert.is(via('192.168.50.200', 21), 'externalIP')
  assert.is(via('192.168.50.12', 31300), 'nodePort')
  assert.is(via('127.0.0.1', 31300), 'nodePort')
  assert.is(via('10.244.1.14', 5432), undefined, 'a pod is no Service')
  assert.is(via('8.8.8.8', 31300), undefined, 'a node port of nobody')
  const refused = describeEndpoint(cluster, { ...answer('10.96.88.9', 443, {}), verdict: 'reject' })
  assert.equal(refused, { service: 'shop/payments', port: 443, portName: 'https', protocol: 'tcp', via: 'clusterIP' })
})

test('a reply is named by its connection', () => {
  const reply: Answer = {
    verdict: 'forward',
    in: { iface: 'eth0', proto: 'tcp', src: '10.244.2.14', dst: '10.244.1.2', sport: 5432, dport: 40000 },
    ct: {
      family: 'ipv4',
      proto: 'tcp',
      protonum: 6,
      timeout: 60,
      orig: { src: '10.244.1.2', dst: '10.96.203.15', sport: 40000, dport: 5432 },
      reply: { src: '10.244.2.14', dst: '10.244.1.2', sport: 5432, dport: 40000 },
      status: [],
      mark: 0,
    },
  }
  assert.is(describeEndpoint(cluster, reply)?.pod, 'shop/db-1')
})

test("the node's namespace", () => {
  const ns = nodeNamespace(cluster, 'worker-a1')
  const [lo, eth0, cni0] = ns.links
  assert.is(lo?.loopback, true)
  assert.equal(
    eth0?.addresses.map((a) => `${a.address}/${a.prefixLength}`),
    ['192.168.50.11/24', 'fd00:50::11/64'],
  )
  assert.equal(
    cni0?.addresses.map((a) => `${a.address}/${a.prefixLength}`),
    ['10.244.1.1/24', 'fd00:10:244:1::1/64'],
  )
  const route = (dst: string) => ns.routes.find((r) => r.table === 254 && r.dst === dst)?.nextHops[0]
  assert.equal(route('0.0.0.0/0'), { dev: 'eth0', weight: 1 })
  assert.equal(route('10.244.1.0/24'), { dev: 'cni0', weight: 1 })
  assert.equal(route('10.244.3.0/24'), { dev: 'eth0', via: '192.168.50.21', weight: 1 })
  assert.equal(route('fd00:10:244:2::/64'), { dev: 'eth0', via: 'fd00:50::12', weight: 1 })
  assert.equal(
    ns.rulesets.map((r) => r.family),
    ['ipv4', 'ipv6'],
  )
  assert.is(ns.sysctls['net.ipv4.conf.all.route_localnet'], '1')
  assert.is(ns.sysctls['net.bridge.bridge-nf-call-iptables'], '1')
  assert.ok(ns.assumed.length >= 7)
})

test('pods outside of their podCIDR, secondary addresses, one family only', () => {
  const made = clusterOf([
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'a' },
      status: {
        addresses: ['192.168.0.1', '192.168.0.9', '10.9.0.1'].map((address) => ({ type: 'InternalIP', address })),
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'b' },
      status: { addresses: [{ type: 'InternalIP', address: '192.168.0.2' }] },
    },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { nodeName: 'a' }, status: { podIP: '10.1.0.1' } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'y' }, spec: { nodeName: 'b' }, status: { podIP: '10.1.0.2' } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'z' },
      spec: { nodeName: 'b' },
      status: { podIP: '10.1.0.3', phase: 'Failed' },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'h' },
      spec: { nodeName: 'b', hostNetwork: true },
      status: { podIP: '192.168.0.2' },
    },
  ] as object[])
  const ns = nodeNamespace(made, 'a', { backend: 'nft' })
  const routes = ns.routes.filter((r) => r.table === 254 && r.dst.endsWith('/32'))
  assert.equal(
    routes.map((r) => [r.dst, r.nextHops[0]]),
    [
      ['10.1.0.1/32', { dev: 'cni0', weight: 1 }],
      ['10.1.0.2/32', { dev: 'eth0', via: '192.168.0.2', weight: 1 }],
    ],
  )
  assert.equal(
    ns.links[1]?.addresses.map((a) => a.secondary ?? false),
    [false, true, false],
  )
  assert.equal(
    ns.rulesets.map((r) => [r.family, r.backend]),
    [['ipv4', 'nft']],
  )
})

test('a node that is not there', () => {
  assert.throws(
    () => nodeNamespace(cluster, 'worker-c1'),
    (e: Error) => e.message === 'worker-c1: the cluster has no Node of that name; did you mean worker-a1 or worker-b1?',
  )
  assert.throws(
    () => nodeNamespace(clusterOf([{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } as object]), 'n'),
    (e: Error) => e.message === 'n: the Node has no InternalIP in status.addresses: expected at least one',
  )
})

test.run()
