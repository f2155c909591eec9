// The endpoints of a Service in Kubernetes words: each reason once, and used exactly where the rules can send a packet.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { clusters } from '../../src/arbitraries/kube.js'
import { type Cluster, clusterOf } from '../../src/kube/cluster.js'
import { type ExplainedPort, type ExplainOptions, explainEndpoints } from '../../src/kube/explain.js'
import { keyOf } from '../../src/kube/objects.js'
import { proxyRules } from '../../src/kube/proxy.js'
import { proxyOptions } from '../../src/kube/proxy-options.js'
import { serviceChains } from '../../src/kube/proxy-service.js'
import type { Rule, Ruleset } from '../../src/netfilter/model.js'
import { options, runs } from '../property/support.js'

const NODES = [
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'a' } } },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n2', labels: { 'topology.kubernetes.io/zone': 'b' } } },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n3' } },
]

interface E {
  readonly ip: string
  readonly on?: string
  /** r(eady), s(erving), t(erminating). */
  readonly is?: string
  readonly zones?: string[]
  readonly nodes?: string[]
}

function cluster(spec: object, endpoints: readonly E[] | null, slice: object = {}): Cluster {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'd' },
    spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }], ...spec },
  }
  const sliced = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 's', namespace: 'd', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: (endpoints ?? []).map(({ ip, on, is = 'rs', zones, nodes }) => ({
      addresses: [ip],
      ...(on ? { nodeName: on } : {}),
      conditions: { ready: is.includes('r'), serving: is.includes('s'), terminating: is.includes('t') },
      hints: {
        ...(zones ? { forZones: zones.map((name) => ({ name })) } : {}),
        ...(nodes ? { forNodes: nodes.map((name) => ({ name })) } : {}),
      },
    })),
    ...slice,
  }
  return clusterOf([...NODES, service, ...(endpoints === null ? [] : [sliced])])
}

/** `IP: used|not used, why` of each endpoint. */
function says(port: ExplainedPort, key: 'internal' | 'external' | 'externalFromHere' = 'internal'): string[] {
  return port.endpoints.map((e) => `${e.endpoint}: ${e[key]!.used ? 'used' : 'not used'}, ${e[key]!.why}`)
}

function web(it: Cluster, node = 'n1', options: ExplainOptions = {}): ExplainedPort {
  return explainEndpoints(it, node, 'd/web', options).ports[0]!
}

test('policy Cluster: ready ones; terminating ones only when none is ready', () => {
  const some = web(
    cluster({}, [
      { ip: '10.0.0.1', on: 'n1' },
      { ip: '10.0.0.2', is: '' },
      { ip: '10.0.0.3', is: 'st' },
      { ip: '10.0.0.4', is: 't' },
      { ip: '10.0.0.5', is: 's' },
    ]),
  )
  assert.equal(says(some), [
    '10.0.0.1:8080: used, ready',
    '10.0.0.2:8080: not used, not ready',
    '10.0.0.3:8080: not used, terminating (only used when no ready endpoint is left)',
    '10.0.0.4:8080: not used, terminating and no longer serving',
    '10.0.0.5:8080: not used, not ready (although serving)',
  ])
  assert.equal(some.internal, { result: 'endpoints', why: '1 endpoint is used' })
  assert.is(some.external, undefined)
  const last = web(
    cluster({}, [
      { ip: '10.0.0.2', is: '' },
      { ip: '10.0.0.3', is: 'st' },
    ]),
  )
  assert.equal(says(last), [
    '10.0.0.2:8080: not used, not ready',
    '10.0.0.3:8080: used, terminating, used since no ready endpoint is left',
  ])
})

test('hints: for zones, for nodes, and why they are not followed', () => {
  const zones = cluster({}, [
    { ip: '10.0.0.1', zones: ['a'] },
    { ip: '10.0.0.2', zones: ['b'] },
  ])
  const a = web(zones)
  assert.equal(says(a), [
    '10.0.0.1:8080: used, ready, hinted for this zone (a)',
    '10.0.0.2:8080: not used, other zone by hint (hinted for b)',
  ])
  assert.is(a.topology, 'only endpoints that are hinted for this zone (a)')
  assert.is(
    web(zones, 'n3').topology,
    'hints are not followed: this node has no zone (label topology.kubernetes.io/zone)',
  )
  const nodes = cluster({}, [
    { ip: '10.0.0.1', nodes: ['n1'] },
    { ip: '10.0.0.2', nodes: ['n2'] },
  ])
  assert.equal(says(web(nodes)), [
    '10.0.0.1:8080: used, ready, hinted for this node',
    '10.0.0.2:8080: not used, other node by hint (hinted for n2)',
  ])
  const off = { proxyConfig: { featureGates: { PreferSameTrafficDistribution: false } } }
  assert.equal(says(web(nodes, 'n1', off)), ['10.0.0.1:8080: used, ready', '10.0.0.2:8080: used, ready'])
  const partly = cluster({}, [{ ip: '10.0.0.1', zones: ['a'] }, { ip: '10.0.0.2' }])
  assert.is(web(partly).topology, 'hints are not followed: 1 of 2 ready endpoints has none for a zone')
  const elsewhere = cluster({}, [{ ip: '10.0.0.2', zones: ['b'] }])
  assert.is(web(elsewhere).topology, 'hints are not followed: no ready endpoint is hinted for this zone (a)')
  assert.is(web(cluster({}, [{ ip: '10.0.0.2' }])).topology, undefined)
})

test('policies Local: by node, with drops and short cuts', () => {
  const spec = {
    type: 'NodePort',
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    externalTrafficPolicy: 'Local',
  }
  const endpoints = [
    { ip: '10.0.0.1', on: 'n1' },
    { ip: '10.0.0.2', on: 'n2' },
    { ip: '10.0.0.3' },
    { ip: '10.0.0.4', on: 'n1', is: 'st' },
  ]
  const here = web(cluster(spec, endpoints))
  assert.equal(says(here, 'external'), [
    '10.0.0.1:8080: used, ready',
    '10.0.0.2:8080: not used, externalTrafficPolicy Local and not on this node',
    '10.0.0.3:8080: not used, externalTrafficPolicy Local and not on this node (its node is not known)',
    '10.0.0.4:8080: not used, terminating (only used when no ready endpoint is left on this node)',
  ])
  assert.equal(
    says(here, 'externalFromHere').map((s) => s.includes(': used')),
    [true, true, true, false],
  )
  assert.equal(
    says(here).map((s) => s.includes(': used')),
    [true, true, true, false],
  )
  const there = web(cluster(spec, endpoints), 'n3')
  assert.equal(there.external, {
    result: 'drop',
    why: 'externalTrafficPolicy Local and no usable endpoint on this node',
  })
  assert.is(there.internal.result, 'endpoints')
  assert.is(there.externalFromHere?.result, 'endpoints')
  const inner = web(cluster({ internalTrafficPolicy: 'Local' }, endpoints), 'n3')
  assert.equal(inner.internal, {
    result: 'drop',
    why: 'internalTrafficPolicy Local and no usable endpoint on this node',
  })
  assert.match(says(inner)[0]!, 'not used, internalTrafficPolicy Local and not on this node')
  const leaving = web(cluster({ internalTrafficPolicy: 'Local' }, [{ ip: '10.0.0.4', on: 'n1', is: 'st' }]))
  assert.equal(says(leaving), ['10.0.0.4:8080: used, terminating, used since no ready endpoint is left on this node'])
})

test('why a port has nothing to send to', () => {
  const why = (it: Cluster) => web(it).internal
  const reject = (text: string) => ({ result: 'reject' as const, why: text })
  assert.equal(why(cluster({}, null)), reject('no EndpointSlice belongs to the Service'))
  assert.equal(
    why(cluster({}, [])),
    reject('its EndpointSlices hold no endpoints: no pod matches the selector, or none has an address yet'),
  )
  assert.equal(
    why(cluster({}, [{ ip: '10.0.0.1' }], { ports: [{ name: 'web', port: 8080 }] })),
    reject('no EndpointSlice has the port http/TCP; they have web/TCP'),
  )
  assert.equal(
    why(cluster({ ports: [{ port: 80, protocol: 'UDP' }] }, [], { ports: [{ name: '', port: 80 }] })),
    reject('no EndpointSlice has the port (no name)/UDP; they have (no name)/TCP'),
  )
  assert.equal(
    why(cluster({}, [], { ports: [] })),
    reject('no EndpointSlice has the port http/TCP; they have no ports'),
  )
  assert.equal(
    why(cluster({}, [{ ip: 'fd00::1' }], { addressType: 'IPv6' })),
    reject('the Service has no EndpointSlice of addressType IPv4'),
  )
  assert.equal(why(cluster({}, [{ ip: '10.0.0.1', is: '' }])), reject('its only endpoint is not ready'))
  assert.equal(
    why(
      cluster({}, [
        { ip: '10.0.0.1', is: '' },
        { ip: '10.0.0.2', is: 't' },
      ]),
    ),
    reject('none of its 2 endpoints is ready, or serving while terminating'),
  )
})

test('Services without rules, and what is not there', () => {
  const noRules = (spec: object, options: ExplainOptions = {}) =>
    explainEndpoints(cluster(spec, []), 'n1', 'd/web', options).noRules
  assert.match(noRules({ clusterIP: 'None' })!, 'headless')
  assert.match(noRules({ type: 'ExternalName' })!, 'an ExternalName')
  assert.is(noRules({ clusterIP: '' }), 'the Service has no clusterIP')
  assert.is(noRules({ ports: [] }), 'the Service has no ports')
  assert.is(noRules({}, { family: 'ipv6' }), 'the Service has no IPv6 clusterIP')
  assert.is(noRules({}), undefined)
  assert.throws(
    () => explainEndpoints(cluster({}, []), 'n1', 'd/wob'),
    /there is no such Service; did you mean d\/web\?/,
  )
  assert.throws(() => explainEndpoints(cluster({}, []), 'n9', 'd/web'), /no Node of that name/)
})

const RUNS = 200

/** The destinations that a packet can get from a chain of table nat; `skip`: rules that its source does not match. */
function destinations(rules: Ruleset, chain: string, skip: (comment: string) => boolean): Set<string> {
  const nat = rules.tables.find((t) => t.name === 'nat')!
  const out = new Set<string>()
  const walk = (name: string): void => {
    for (const rule of nat.chains.find((c) => c.name === name)?.rules ?? []) {
      if (skip(commentOf(rule))) continue
      if (rule.target?.target === 'jump') walk(rule.target.chain)
      if (rule.target?.target === 'DNAT') {
        const { from, ports } = rule.target.range
        out.add(from!.includes(':') ? `[${from}]:${ports!.from}` : `${from}:${ports!.from}`)
      }
    }
  }
  walk(chain)
  return out
}

const commentOf = (rule: Rule): string => rule.matches.flatMap((m) => (m.match === 'comment' ? [m.comment] : [])).join()

test('an endpoint is used exactly when the rules can send a packet to it', () => {
  let [used, unused, dropped, rejected, shortcuts] = [0, 0, 0, 0, 0]
  fc.assert(
    fc.property(clusters({ families: 'dual' }), fc.constantFrom('node-0', 'node-1'), (it, wanted) => {
      const node = it.nodes.some((n) => n.metadata?.name === wanted) ? wanted : 'node-0'
      for (const family of ['ipv4', 'ipv6'] as const) {
        const proxyConfig = { clusterCIDR: '10.244.0.0/16,fd00:244::/56' }
        const rules = proxyRules(it, proxyOptions(it, node, family, proxyConfig))
        const filter = rules.tables.find((t) => t.name === 'filter')!.chains
        const nat = rules.tables.find((t) => t.name === 'nat')!.chains
        for (const service of it.services) {
          const name = keyOf(service.metadata)
          for (const port of explainEndpoints(it, node, name, { family, proxyConfig }).ports) {
            const full = `${name}:${port.portName}`
            const chains = serviceChains(full, port.protocol)
            const unable = (chain: string) =>
              filter
                .find((c) => c.name === chain)!
                .rules.filter((r) => commentOf(r).startsWith(`${full} has no`))
                .filter((r) => r.proto?.value === { tcp: 6, udp: 17, sctp: 132 }[port.protocol])
                .map((r) => r.target!.target.toLowerCase())
            const check = (key: 'internal' | 'external' | 'externalFromHere', got: Set<string>) => {
              const said = new Set(port.endpoints.filter((e) => e[key]!.used).map((e) => e.endpoint))
              assert.equal([...said].sort(), [...got].sort(), `${full} ${key}`)
              assert.is(port[key]!.result === 'endpoints', got.size > 0, `${full} ${key}`)
              used += said.size
              unused += port.endpoints.length - said.size
              if (port[key]!.result === 'drop') dropped++
              if (port[key]!.result === 'reject') rejected++
            }
            const enters = nat
              .find((c) => c.name === 'KUBE-SERVICES')!
              .rules.filter(
                (r) => commentOf(r) === `${full} cluster IP` && r.dst?.value.startsWith(`${port.clusterIP}/`),
              )
              .filter((r) => r.proto?.value === { tcp: 6, udp: 17, sctp: 132 }[port.protocol])
            assert.is(enters.length, port.internal.result === 'endpoints' ? 1 : 0)
            const inner = enters[0]?.target?.target === 'jump' ? enters[0].target.chain : ''
            check(
              'internal',
              destinations(rules, inner, () => false),
            )
            if (port.internal.result !== 'endpoints') assert.equal(unable('KUBE-SERVICES'), [port.internal.result])
            if (port.external === undefined) continue
            const byNode = (c: string) => c.startsWith('pod traffic for') || c.startsWith('route LOCAL traffic')
            check('external', destinations(rules, chains.external, byNode))
            const out = new Set(unable('KUBE-EXTERNAL-SERVICES'))
            assert.equal([...out], port.external.result === 'endpoints' ? [] : [port.external.result])
            if (port.externalFromHere === undefined) continue
            shortcuts++
            check(
              'externalFromHere',
              destinations(rules, chains.external, (c) => c === ''),
            )
          }
        }
      }
    }),
    options(RUNS),
  )
  // A few cases say nothing about the others.
  if (runs(RUNS) < RUNS) return
  assert.ok(used > 100 && unused > 100 && dropped > 10 && rejected > 10 && shortcuts > 10)
})

test.run()
