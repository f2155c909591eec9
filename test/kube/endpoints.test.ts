// Which endpoints a Service port has, and which of them a node uses. Hand-worked.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readAddress, readPrefix } from '../../src/kube/address.js'
import { clusterOf } from '../../src/kube/cluster.js'
import { chooseEndpoints, type Endpoint, endpointsByPort, localReadyCounts } from '../../src/kube/endpoints.js'
import type { KubeEndpoint } from '../../src/kube/objects.js'

const test = suite('kube/endpoints')

function slice(endpoints: KubeEndpoint[], more: object = {}): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'a' } },
    addressType: 'IPv4',
    ports: [{ name: 'p', protocol: 'TCP', port: 80 }],
    endpoints,
    ...more,
  }
}
const list = (objects: object[], family: 'ipv4' | 'ipv6' = 'ipv4') =>
  endpointsByPort(clusterOf(objects), family, 'n1').get('ns/a:p/TCP') ?? []
const texts = (objects: object[]) => list(objects).map((e) => e.text)

test('sorted as bytes, not as numbers: a longer host part comes before the colon', () => {
  const ips = ['10.2.2.2', '10.2.2.22', '10.2.2.3', '10.10.0.1']
  assert.equal(texts([slice(ips.map((ip) => ({ addresses: [ip] })))]), [
    '10.10.0.1:80',
    '10.2.2.22:80',
    '10.2.2.2:80',
    '10.2.2.3:80',
  ])
})

test('one address in two slices is one endpoint; the later one counts unless it is terminating', () => {
  const one = (conditions: object) => slice([{ addresses: ['10.0.0.1'], conditions }])
  const ready = { ready: true }
  const gone = { ready: false, serving: false, terminating: true }
  assert.is(list([one(ready), one(gone)])[0]?.ready, true)
  assert.is(list([one(gone), one(ready)])[0]?.ready, true)
  assert.is(list([one(ready), one({ ready: false })])[0]?.ready, false)
  assert.is(list([one(ready), one(ready)]).length, 1)
})

test('what is left out says yes to ready and serving, no to terminating; without a node it is not local', () => {
  const [e] = list([slice([{ addresses: ['10.0.0.1'] }])])
  assert.equal([e?.ready, e?.serving, e?.terminating, e?.local], [true, true, false, false])
})

test('only the first address, only the family, only ports with a name and a number', () => {
  assert.equal(texts([slice([{ addresses: ['10.0.0.1', '10.0.0.2'] }])]), ['10.0.0.1:80'])
  assert.equal(texts([slice([{ addresses: ['fd00::1'] }], { addressType: 'IPv6' })]), [])
  assert.is(list([slice([{ addresses: ['FD00:0::1'] }], { addressType: 'IPv6' })], 'ipv6')[0]?.text, '[fd00::1]:80')
  assert.equal(
    texts([slice([{ addresses: ['10.0.0.1'] }], { ports: [{ port: 80 }, { name: 'p' }, { name: 'p', port: 0 }] })]),
    [],
  )
  assert.equal(texts([slice([{ addresses: [] }, { addresses: ['nonsense'] }])]), [])
})

test('legacy Endpoints count only where no slice names the Service, even an empty one', () => {
  const legacy = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'a', namespace: 'ns' },
    subsets: [
      {
        addresses: [{ ip: '10.0.0.1', nodeName: 'n1', targetRef: { kind: 'Pod', name: 'x', namespace: 'ns' } }],
        notReadyAddresses: [{ ip: '10.0.0.2' }],
        ports: [{ name: 'p', port: 80 }],
      },
    ],
  }
  const found = list([legacy])
  assert.equal(
    found.map((e) => [e.text, e.local, e.ready, e.pod]),
    [
      ['10.0.0.1:80', true, true, 'ns/x'],
      ['10.0.0.2:80', false, false, ''],
    ],
  )
  assert.equal(texts([legacy, slice([])]), [])
})

test('local ready addresses are counted once for a Service, not once for a port', () => {
  const two = slice(
    [
      { addresses: ['10.0.0.1'], nodeName: 'n1' },
      { addresses: ['10.0.0.2'], nodeName: 'n2' },
    ],
    {
      ports: [
        { name: 'p', port: 80 },
        { name: 'q', port: 81 },
      ],
    },
  )
  assert.equal([...localReadyCounts(endpointsByPort(clusterOf([two]), 'ipv4', 'n1'))], [['ns/a', 1]])
})

const PLAIN = {
  internalPolicyLocal: false,
  externalPolicyLocal: false,
  nodePort: 0,
  externalIPs: [],
  loadBalancerIPs: [],
}
const NODE = { name: 'n1', zone: 'za' }
let host = 0
function endpoint(more: Partial<Endpoint>): Endpoint {
  host++
  const ip = `10.0.0.${host}`
  const base = { text: `${ip}:80`, ip, port: 80, local: false, ready: true, serving: true, terminating: false }
  return { ...base, zoneHints: [], nodeHints: [], nodeName: '', pod: '', ...more }
}

test('hints for this node win over hints for its zone, when every ready endpoint has them', () => {
  const a = endpoint({ nodeHints: ['n1'], zoneHints: ['za'] })
  const b = endpoint({ nodeHints: ['n2'], zoneHints: ['za'] })
  const c = endpoint({ nodeHints: ['n3'], zoneHints: ['zb'] })
  const choose = (...es: Endpoint[]) => chooseEndpoints(PLAIN, es, NODE).cluster
  assert.equal(choose(a, b, c), [a])
  const { nodeHints: _, ...rest } = b
  const noNode = { ...rest, nodeHints: [] }
  assert.equal(choose(a, noNode, c), [a, noNode])
  const bare = endpoint({})
  assert.equal(choose(a, b, bare), [a, b, bare])
  assert.equal(choose(b, c), [b], 'nobody hinted for this node: its zone')
  assert.equal(choose(c), [c], 'nobody hinted for this node nor zone: all')
  const deaf = endpoint({ ready: false, serving: false })
  assert.equal(choose(a, b, deaf), [a], 'an endpoint that is not ready has no say')
  assert.equal(chooseEndpoints(PLAIN, [b, c], { name: 'n1', zone: '' }).cluster, [b, c], 'a node without a zone')
})

test('without ready endpoints, those that still serve while they end; else none', () => {
  const ending = endpoint({ ready: false, terminating: true })
  const dead = endpoint({ ready: false, serving: false, terminating: true })
  const deaf = endpoint({ ready: false, serving: true })
  assert.equal(chooseEndpoints(PLAIN, [ending, dead, deaf], NODE).cluster, [ending])
  assert.is(chooseEndpoints(PLAIN, [dead, deaf], NODE).has, false)
})

test('local and cluster lists fall back each for itself', () => {
  const near = endpoint({ local: true, ready: false, terminating: true })
  const far = endpoint({})
  const port = { ...PLAIN, externalPolicyLocal: true, nodePort: 30000 }
  assert.equal(chooseEndpoints(port, [near, far], NODE), { cluster: [far], local: [near], all: [near, far], has: true })
})

test('internal policy Local alone: the cluster list is not asked, but endpoints elsewhere count as there', () => {
  const far = endpoint({})
  const port = { ...PLAIN, internalPolicyLocal: true }
  assert.equal(chooseEndpoints(port, [far], NODE), { cluster: [], local: [], all: [], has: true })
})

test('addresses and prefixes as Kubernetes reads them', () => {
  assert.equal(readAddress('172.30.0.041'), { family: 'ipv4', text: '172.30.0.41' })
  assert.equal(readAddress('::ffff:10.0.0.1'), { family: 'ipv4', text: '10.0.0.1' })
  for (const bad of ['', '10.0.0', '10.0.0.256', '1.2.3.4/8', 'fe80::1%eth0', '10.0.0.1 '])
    assert.is(readAddress(bad), null, bad)
  assert.equal(readPrefix('203.0.113.77/025'), { family: 'ipv4', text: '203.0.113.0/25' })
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '/8', 'fd00::/129', '10.0.0.0/-1'])
    assert.is(readPrefix(bad), null, bad)
})

test.run()
