// What single changes do to kube-proxy's rules: which chains are written, which go and when, which UDP connections are
// stale. Expected values are worked out from kube-proxy's rules by hand.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusterOf } from '../../src/kube/cluster.js'
import { ClusterStore } from '../../src/kube/cluster-store.js'
import { ProxyTracker } from '../../src/kube/proxy-tracker.js'
import type { ConntrackEntry } from '../../src/net/packet.js'
import type { Chain, Ruleset } from '../../src/netfilter/model.js'

const service = (name: string, ip: string, protocol = 'TCP', extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { clusterIP: ip, ports: [{ name: 'main', port: 53, protocol, ...extra }] },
})
const slice = (of: string, addresses: readonly string[], protocol = 'TCP', conditions: object = {}) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: `${of}-1`, labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  endpoints: addresses.map((ip) => ({ addresses: [ip], conditions })),
  ports: [{ name: 'main', port: 5353, protocol }],
})
const SETTING = { family: 'ipv4', nodeName: 'n1' } as const
const tracked = (objects: readonly object[], options: object = {}): ProxyTracker =>
  new ProxyTracker(clusterOf(objects as never), { ...SETTING, ...options })
const nat = (ruleset: Ruleset): readonly Chain[] => ruleset.tables.find((t) => t.name === 'nat')!.chains
const chain = (ruleset: Ruleset, name: string): Chain | undefined => nat(ruleset).find((c) => c.name === name)
const seps = (ruleset: Ruleset): string[] =>
  nat(ruleset)
    .map((c) => c.name)
    .filter((n) => n.startsWith('KUBE-SEP-'))
const udp = (dst: string, dport: number, from: string): ConntrackEntry =>
  ({
    proto: 'udp',
    orig: { src: '10.0.0.9', dst, sport: 40000, dport },
    reply: { src: from, dst: '10.0.0.9', sport: 5353, dport: 40000 },
  }) as unknown as ConntrackEntry

const test = suite('kube/proxy-tracker')

test('a partial sync leaves the chains of other Services alone, and fills the shared ones anew', () => {
  const web = service('web', '10.96.0.1')
  const db = service('db', '10.96.0.2')
  const tracker = tracked([web, db, slice('web', ['10.0.0.1']), slice('db', ['10.0.0.2'])])
  const first = tracker.sync(0)
  assert.is(first.full, true)
  tracker.apply({ type: 'MODIFIED', object: slice('web', ['10.0.0.1', '10.0.0.3']) })
  const second = tracker.sync(1000)
  assert.is(second.full, false)
  assert.equal(second.written, ['shop/web'])
  const kept = nat(second.ruleset)
    .filter((c) => nat(first.ruleset).includes(c))
    .map((c) => c.name)
  const [sep = ''] = seps(first.ruleset).filter((n) => !second.restoreText().includes(`:${n} `))
  assert.ok(kept.includes(sep), "db's endpoint chain is the same object")
  assert.ok(kept.includes('PREROUTING'))
  const [before, after] = [chain(first.ruleset, 'KUBE-SERVICES')!, chain(second.ruleset, 'KUBE-SERVICES')!]
  assert.is.not(before, after)
  assert.is(before.rules, after.rules, 'filled with what it held')
  assert.is(seps(second.ruleset).length, 3)
})

test('nothing changed: nothing but the shared chains is written', () => {
  const objects = [service('web', '10.96.0.1'), slice('web', ['10.0.0.1'])]
  const tracker = tracked(objects)
  tracker.sync(0)
  for (const object of objects) tracker.apply({ type: 'MODIFIED', object: structuredClone(object) })
  const sync = tracker.sync(1000)
  assert.equal(sync.written, [])
  assert.is(sync.restoreText().includes('KUBE-SEP'), false)
  assert.is(sync.stale, null)
})

test('a Service that goes takes its chains along, though its EndpointSlice stays', () => {
  const web = service('web', '10.96.0.1')
  const tracker = tracked([web, slice('web', ['10.0.0.1'])])
  const first = tracker.sync(0)
  tracker.apply({ type: 'DELETED', object: web })
  const second = tracker.sync(1000)
  assert.is(second.removed.length, 2)
  assert.equal(seps(second.ruleset), [])
  assert.match(second.restoreText(), `:${seps(first.ruleset)[0]} - [0:0]\n`)
  assert.match(second.restoreText(), `-X ${seps(first.ruleset)[0]}\n`)
})

test('a large cluster drops comments of what it writes, and takes unused chains away once a sync period', () => {
  const web = service('web', '10.96.0.1')
  const db = service('db', '10.96.0.2')
  const tracker = tracked([web, db, slice('web', ['10.0.0.1', '10.0.0.2']), slice('db', ['10.0.0.3'])], {
    largeClusterEndpoints: 3,
  })
  tracker.sync(0)
  tracker.apply({ type: 'MODIFIED', object: slice('db', ['10.0.0.3', '10.0.0.4']) })
  const second = tracker.sync(10_000)
  assert.not.match(second.restoreText(), 'shop/db:main ->')
  assert.is(chain(second.ruleset, seps(second.ruleset)[0]!)!.rules.length, 2)
  tracker.apply({ type: 'MODIFIED', object: slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.5']) })
  tracker.apply({ type: 'MODIFIED', object: slice('db', ['10.0.0.6', '10.0.0.4']) })
  const third = tracker.sync(20_000)
  assert.equal(third.removed, [], 'not yet: 20 seconds after the first')
  assert.is(seps(third.ruleset).length, 6, 'the chain of 10.0.0.3 is still there')
  const fourth = tracker.sync(40_001)
  assert.is(fourth.removed.length, 1)
  assert.is(seps(fourth.ruleset).length, 5)
})

test('what the kernel refused is as before, and the next sync writes everything', () => {
  const web = service('web', '10.96.0.1')
  const tracker = tracked([web, slice('web', ['10.0.0.1'])])
  const first = tracker.sync(0)
  tracker.apply({ type: 'DELETED', object: web })
  tracker.sync(1000)
  tracker.failed()
  assert.equal(seps(tracker.ruleset), seps(first.ruleset))
  const third = tracker.sync(2000)
  assert.is(third.full, true)
  assert.is(third.removed.length, 2)
  assert.equal(seps(third.ruleset), [])
})

test('an hour after the last full sync, and when the own zone changes, a sync is full', () => {
  const node = (zone: string) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': zone } },
  })
  const tracker = tracked([node('a')])
  tracker.sync(0)
  assert.is(tracker.sync(3_599_999).full, false)
  assert.is(tracker.sync(3_600_000).full, true)
  tracker.apply({ type: 'MODIFIED', object: node('a') })
  assert.is(tracker.sync(3_600_001).full, false)
  tracker.apply({ type: 'MODIFIED', object: node('b') })
  assert.is(tracker.sync(3_600_002).full, true)
})

test('UDP connections are stale when they lead to where no endpoint of the address and port serves', () => {
  const dns = service('dns', '10.96.0.10', 'UDP', { nodePort: 30053 })
  const tracker = tracked([dns, slice('dns', ['10.0.0.1', '10.0.0.2'], 'UDP')])
  tracker.sync(0)
  tracker.apply({ type: 'MODIFIED', object: slice('dns', ['10.0.0.2'], 'UDP') })
  const { stale } = tracker.sync(1000)
  assert.ok(stale !== null)
  assert.is(stale!(udp('10.96.0.10', 53, '10.0.0.1')), true)
  assert.is(stale!(udp('10.96.0.10', 53, '10.0.0.2')), false)
  assert.is(stale!(udp('10.96.0.10', 54, '10.0.0.1')), false, 'another port')
  assert.is(stale!(udp('10.96.0.11', 53, '10.0.0.1')), false, 'another address')
  assert.is(stale!(udp('192.168.1.1', 30053, '10.0.0.1')), true, 'the node port, whatever the address')
  assert.is(stale!(udp('fd00::1', 30053, 'fd00::2')), false, 'the other family')
  assert.is(stale!({ ...udp('10.96.0.10', 53, '10.0.0.1'), proto: 'tcp' }), false)
})

test('without a serving endpoint nothing is stale; with the first new one the old connections are', () => {
  const dns = service('dns', '10.96.0.10', 'UDP')
  const tracker = tracked([dns, slice('dns', ['10.0.0.1'], 'UDP')])
  tracker.sync(0)
  tracker.apply({ type: 'MODIFIED', object: slice('dns', [], 'UDP') })
  assert.is(tracker.sync(1000).stale!(udp('10.96.0.10', 53, '10.0.0.1')), false)
  tracker.apply({
    type: 'MODIFIED',
    object: slice('dns', ['10.0.0.7'], 'UDP', { ready: false, serving: true, terminating: true }),
  })
  assert.is(tracker.sync(2000).stale!(udp('10.96.0.10', 53, '10.0.0.1')), true)
  tracker.apply({ type: 'MODIFIED', object: slice('dns', ['10.0.0.7'], 'TCP') })
  assert.ok(tracker.sync(3000).stale !== null, 'UDP endpoints went')
})

test('legacy Endpoints count as long as a Service has no EndpointSlice', () => {
  const web = service('web', '10.96.0.1')
  const legacy = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace: 'shop', name: 'web' },
    subsets: [{ addresses: [{ ip: '10.0.0.8' }], ports: [{ name: 'main', port: 80 }] }],
  }
  const tracker = tracked([web])
  tracker.sync(0)
  tracker.apply({ type: 'ADDED', object: legacy })
  assert.match(tracker.sync(1000).restoreText(), '--to-destination 10.0.0.8:80')
  tracker.apply({ type: 'ADDED', object: slice('web', ['10.0.0.1']) })
  const text = tracker.sync(2000).restoreText()
  assert.match(text, '--to-destination 10.0.0.1:5353')
  assert.not.match(text, '10.0.0.8')
})

test('the store: doubled and lost events, and a new list', () => {
  const [a, b] = [service('a', '10.96.0.1'), service('b', '10.96.0.2')]
  const store = new ClusterStore(clusterOf([a] as never))
  assert.is(store.apply({ type: 'DELETED', object: b }), null)
  assert.is(store.apply({ type: 'BOOKMARK', object: a }), null)
  assert.is(store.apply({ type: 'ADDED', object: { apiVersion: 'apps/v1', kind: 'Deployment' } }), null)
  store.apply({ type: 'MODIFIED', object: b })
  store.apply({ type: 'ADDED', object: b })
  assert.is(store.cluster.services.length, 2)
  assert.is(store.cluster, store.cluster)
  const touched = store.replace(clusterOf([b] as never))
  assert.equal(
    touched.filter((t) => t.after === undefined).map((t) => t.key),
    ['shop/a'],
  )
  assert.equal(store.cluster.services, [b])
})

test.run()
