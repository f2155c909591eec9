// kube-proxy's rules for small clusters, written out by hand, and the two outputs against each other.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusters } from '../../src/arbitraries/kube.js'
import { type Cluster, clusterOf } from '../../src/kube/cluster.js'
import { proxyCounts, proxyRestoreText, proxyRules } from '../../src/kube/proxy.js'
import { type ProxyOptions, proxyOptions } from '../../src/kube/proxy-options.js'
import { probabilityBits, probabilityText } from '../../src/kube/proxy-rule.js'
import { endpointChain, serviceChains } from '../../src/kube/proxy-service.js'
import type { Rule, Ruleset } from '../../src/netfilter/model.js'
import { readRules } from '../../src/netfilter/read.js'

const test = suite('kube/proxy')

const OPTIONS: ProxyOptions = {
  family: 'ipv4',
  nodeName: 'n1',
  detectLocal: { mode: 'ClusterCIDR', cidr: '10.0.0.0/8' },
}

function service(spec: object, status: object = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'ns' }, spec, status }
}

function slice(endpoints: object[], port = 8080, addressType = 'IPv4'): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'a' } },
    addressType,
    ports: [{ name: '', protocol: 'TCP', port }],
    endpoints,
  }
}

const at = (ip: string, nodeName = 'n1', more: object = {}) => ({ addresses: [ip], nodeName, ...more })
const BASE = { clusterIP: '10.96.0.1', ports: [{ port: 80 }] }

/** The rules of one table that mention the service, without `-A `. */
function rules(objects: object[], table: 'nat' | 'filter', options: Partial<ProxyOptions> = {}): string[] {
  const text = proxyRestoreText(clusterOf(objects), { ...OPTIONS, ...options })
  const part = table === 'filter' ? text.slice(0, text.indexOf('*nat')) : text.slice(text.indexOf('*nat'))
  return part
    .split('\n')
    .flatMap((l) => (/ns\/a|SEP-|SVC-|SVL-|EXT-|FW-/.test(l) && l.startsWith('-A ') ? [l.slice(3)] : []))
}

const { cluster: SVC, local: SVL, external: EXT, firewall: FW } = serviceChains('ns/a', 'tcp')
const sep = (e: string) => endpointChain('ns/a', 'tcp', e)

test('a cluster IP with two endpoints: marked, one in two, then the other', () => {
  const [one, two] = [sep('10.1.0.1:8080'), sep('10.1.0.2:8080')]
  assert.equal(rules([service(BASE), slice([at('10.1.0.2'), at('10.1.0.1')])], 'nat'), [
    `KUBE-SERVICES -m comment --comment "ns/a cluster IP" -m tcp -p tcp -d 10.96.0.1 --dport 80 -j ${SVC}`,
    `${SVC} -m comment --comment "ns/a cluster IP" -m tcp -p tcp -d 10.96.0.1 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ`,
    `${SVC} -m comment --comment "ns/a -> 10.1.0.1:8080" -m statistic --mode random --probability 0.5000000000 -j ${one}`,
    `${SVC} -m comment --comment "ns/a -> 10.1.0.2:8080" -j ${two}`,
    `${one} -m comment --comment ns/a -s 10.1.0.1 -j KUBE-MARK-MASQ`,
    `${one} -m comment --comment ns/a -m tcp -p tcp -j DNAT --to-destination 10.1.0.1:8080`,
    `${two} -m comment --comment ns/a -s 10.1.0.2 -j KUBE-MARK-MASQ`,
    `${two} -m comment --comment ns/a -m tcp -p tcp -j DNAT --to-destination 10.1.0.2:8080`,
  ])
})

test('the same without a local detector, with masqueradeAll, with an interface detector', () => {
  const objects = [service(BASE), slice([at('10.1.0.1')])]
  const masq = (o: Partial<ProxyOptions>) => rules(objects, 'nat', o).filter((l) => l.startsWith(SVC))[0]
  const head = `${SVC} -m comment --comment "ns/a cluster IP" -m tcp -p tcp -d 10.96.0.1 --dport 80`
  assert.is(
    masq({ detectLocal: { mode: 'none' } }),
    `${SVC} -m comment --comment "ns/a -> 10.1.0.1:8080" -j ${sep('10.1.0.1:8080')}`,
  )
  assert.is(masq({ masqueradeAll: true }), `${head} -j KUBE-MARK-MASQ`)
  assert.is(masq({ detectLocal: { mode: 'BridgeInterface', name: 'cni0' } }), `${head} ! -i cni0 -j KUBE-MARK-MASQ`)
  assert.is(
    masq({ detectLocal: { mode: 'InterfaceNamePrefix', name: 'veth' } }),
    `${head} ! -i veth+ -j KUBE-MARK-MASQ`,
  )
})

test('affinity: the list of each endpoint is asked first, and set on the way out', () => {
  const objects = [service({ ...BASE, sessionAffinity: 'ClientIP' }), slice([at('10.1.0.1')])]
  const one = sep('10.1.0.1:8080')
  assert.equal(rules(objects, 'nat').slice(2), [
    `${SVC} -m comment --comment "ns/a -> 10.1.0.1:8080" -m recent --name ${one} --rcheck --seconds 10800 --reap -j ${one}`,
    `${SVC} -m comment --comment "ns/a -> 10.1.0.1:8080" -j ${one}`,
    `${one} -m comment --comment ns/a -s 10.1.0.1 -j KUBE-MARK-MASQ`,
    `${one} -m comment --comment ns/a -m recent --name ${one} --set -m tcp -p tcp -j DNAT --to-destination 10.1.0.1:8080`,
  ])
})

test('no endpoints: rejected at every door; the health check stays', () => {
  const spec = {
    ...BASE,
    type: 'LoadBalancer',
    ports: [{ port: 80, nodePort: 30001 }],
    externalIPs: ['192.0.2.1'],
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 30002,
  }
  const lb = {
    loadBalancer: { ingress: [{ ip: '198.51.100.1' }, { ip: '198.51.100.2', ipMode: 'Proxy' }, { hostname: 'x' }] },
  }
  assert.equal(rules([service(spec, lb)], 'nat'), [])
  const why = '-m comment --comment "ns/a has no endpoints"'
  assert.equal(rules([service(spec, lb)], 'filter'), [
    `KUBE-SERVICES ${why} -m tcp -p tcp -d 10.96.0.1 --dport 80 -j REJECT`,
    `KUBE-EXTERNAL-SERVICES ${why} -m tcp -p tcp -d 192.0.2.1 --dport 80 -j REJECT`,
    `KUBE-EXTERNAL-SERVICES ${why} -m tcp -p tcp -d 198.51.100.1 --dport 80 -j REJECT`,
    `KUBE-EXTERNAL-SERVICES ${why} -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30001 -j REJECT`,
    'KUBE-NODEPORTS -m comment --comment "ns/a health check node port" -m tcp -p tcp --dport 30002 -j ACCEPT',
  ])
})

test('endpoints only on other nodes, both policies Local: dropped, but the short cuts are there', () => {
  const spec = {
    ...BASE,
    type: 'NodePort',
    ports: [{ port: 80, nodePort: 30001 }],
    externalTrafficPolicy: 'Local',
    internalTrafficPolicy: 'Local',
  }
  const objects = [service(spec), slice([at('10.1.0.9', 'n2')])]
  const why = '-m comment --comment "ns/a has no local endpoints"'
  assert.equal(rules(objects, 'filter'), [
    `KUBE-SERVICES ${why} -m tcp -p tcp -d 10.96.0.1 --dport 80 -j DROP`,
    `KUBE-EXTERNAL-SERVICES ${why} -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30001 -j DROP`,
  ])
  const one = sep('10.1.0.9:8080')
  assert.equal(rules(objects, 'nat').slice(0, 5), [
    `KUBE-NODEPORTS -m comment --comment ns/a -m tcp -p tcp --dport 30001 -j ${EXT}`,
    `${EXT} -m comment --comment "pod traffic for ns/a external destinations" -s 10.0.0.0/8 -j ${SVC}`,
    `${EXT} -m comment --comment "masquerade LOCAL traffic for ns/a external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
    `${EXT} -m comment --comment "route LOCAL traffic for ns/a external destinations" -m addrtype --src-type LOCAL -j ${SVC}`,
    `${SVC} -m comment --comment "ns/a -> 10.1.0.9:8080" -j ${one}`,
  ])
  assert.equal(proxyCounts(clusterOf(objects), OPTIONS), {
    natRules: 4 + 7 + 1,
    noLocalEndpointsInternal: 1,
    noLocalEndpointsExternal: 1,
  })
  assert.ok(rules([service(spec), slice([at('10.1.0.1')])], 'nat').some((l) => l.startsWith(`${SVL} `)))
})

test('source ranges: sloppy in, canonical out; the node among them lets the balancer in', () => {
  const spec = { ...BASE, type: 'LoadBalancer', loadBalancerSourceRanges: [' 203.0.113.9/025 ', 'junk', 'fd00::/8'] }
  const lb = { loadBalancer: { ingress: [{ ip: '198.51.100.1' }] } }
  const of = (ranges: string[], nodeIP: string) =>
    rules([service({ ...spec, loadBalancerSourceRanges: ranges }, lb), slice([at('10.1.0.1')])], 'nat', {
      nodeIP,
    }).filter((l) => l.startsWith(FW))
  const text = '-m comment --comment "ns/a loadbalancer IP"'
  const rest = `${FW} -m comment --comment "other traffic to ns/a will be dropped by KUBE-PROXY-FIREWALL"`
  assert.equal(of(spec.loadBalancerSourceRanges, '192.168.0.2'), [`${FW} ${text} -s 203.0.113.0/25 -j ${EXT}`, rest])
  assert.equal(of(['192.168.0.0/16'], '192.168.0.2'), [
    `${FW} ${text} -s 192.168.0.0/16 -j ${EXT}`,
    `${FW} ${text} -s 198.51.100.1 -j ${EXT}`,
    rest,
  ])
  assert.equal(of(['fd00::/8'], '192.168.0.2'), [])
})

test('IPv6: brackets, its own REJECT, no localhost rules', () => {
  const objects = [
    service({
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'FD00:96::1'],
      ipFamilies: ['IPv4', 'IPv6'],
      ports: [{ port: 80 }],
    }),
    slice([at('fd00:1:0::1')], 8080, 'IPv6'),
  ]
  const options: ProxyOptions = { family: 'ipv6', nodeName: 'n1' }
  const text = proxyRestoreText(clusterOf(objects), options)
  assert.ok(text.includes('-d fd00:96::1 --dport 80 '))
  assert.ok(text.includes('-j DNAT --to-destination [fd00:1::1]:8080\n'))
  assert.not.ok(text.includes('KUBE-FIREWALL'))
  assert.ok(text.includes('-m addrtype --dst-type LOCAL ! -d ::1/128 -j KUBE-NODEPORTS\n'))
  const reject = proxyRules(clusterOf([objects[0] as object]), options)
    .tables.flatMap((t) => t.chains.flatMap((c) => c.rules.map((r) => r.target)))
    .find((t) => t?.target === 'REJECT')
  assert.equal(reject, { target: 'REJECT', with: 'icmp6-port-unreachable' })
})

test('Services that get no rules', () => {
  const none = [
    { clusterIP: 'None', ports: [{ port: 80 }] },
    { ports: [{ port: 80 }] },
    { type: 'ExternalName', clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
    { clusterIP: 'fd00::1', ports: [{ port: 80 }] },
    { clusterIP: '10.96.0.1', clusterIPs: ['fd00::1'], ipFamilies: ['IPv6'], ports: [{ port: 80 }] },
  ]
  for (const spec of none) {
    assert.equal(rules([service(spec), slice([at('10.1.0.1')])], 'nat'), [])
    assert.equal(rules([service(spec)], 'filter'), [])
  }
})

test('node port addresses: only the node’s own, loopback only where it may', () => {
  const last = (options: Partial<ProxyOptions>) =>
    proxyRestoreText(clusterOf([]), {
      ...OPTIONS,
      nodeAddresses: ['127.0.0.1', '192.168.0.2', '192.168.1.2'],
      ...options,
    })
      .split('\n')
      .filter((l) => l.endsWith('-j KUBE-NODEPORTS'))
      .map((l) => / -d (\S+)/.exec(l)?.[1] ?? 'all')
  assert.equal(last({}), ['all'])
  assert.equal(last({ localhostNodePorts: false }), ['127.0.0.0/8'])
  assert.equal(last({ nodePortAddresses: ['192.168.0.0/24', '127.0.0.0/8'] }), ['127.0.0.1', '192.168.0.2'])
  assert.equal(last({ nodePortAddresses: ['192.168.0.0/16', '127.0.0.0/8'], localhostNodePorts: false }), [
    '192.168.0.2',
    '192.168.1.2',
  ])
  assert.equal(last({ nodePortAddresses: ['0.0.0.0/0'] }), ['all'])
  assert.equal(last({ nodePortAddresses: ['fd00::/8'] }), ['all'])
})

test('above a thousand endpoints the rules of endpoints lose their comments, no others', () => {
  const many = (n: number) => slice(Array.from({ length: n }, (_, i) => at(`10.2.${i >> 8}.${i & 255}`)))
  const commented = (n: number) => rules([service(BASE), many(n)], 'nat').filter((l) => l.includes('--comment')).length
  assert.is(commented(1000), 2 + 1000 + 2000)
  assert.is(commented(1001), 2)
})

test('options follow from the Node and the configuration', () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z' } },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:244:1::/64'] },
    status: {
      addresses: [
        { type: 'ExternalIP', address: '198.51.100.9' },
        { type: 'InternalIP', address: '192.168.0.2' },
        { type: 'InternalIP', address: 'fd00:50::2' },
      ],
    },
  }
  const of = (family: 'ipv4' | 'ipv6', config = {}) => proxyOptions(clusterOf([node]), 'n1', family, config)
  assert.is(of('ipv4').nodeIP, '192.168.0.2')
  assert.is(of('ipv6').nodeIP, 'fd00:50::2')
  assert.is(of('ipv4').zone, 'z')
  assert.equal(of('ipv4').detectLocal, { mode: 'none' })
  assert.equal(of('ipv4').nodeAddresses, ['192.168.0.2', '127.0.0.1'])
  assert.equal(of('ipv6', { clusterCIDR: '10.244.0.0/16, fd00:244::/56' }).detectLocal, {
    mode: 'ClusterCIDR',
    cidr: 'fd00:244::/56',
  })
  assert.equal(of('ipv6', { detectLocalMode: 'NodeCIDR' }).detectLocal, { mode: 'NodeCIDR', cidr: 'fd00:244:1::/64' })
  assert.is(of('ipv4').localhostNodePorts, true)
  assert.is(of('ipv6').localhostNodePorts, false)
  assert.is(of('ipv4', { nodePortAddresses: ['192.168.0.0/24'] }).localhostNodePorts, false)
  assert.is(of('ipv4', { nodePortAddresses: ['127.0.0.0/8'] }).localhostNodePorts, true)
  assert.equal(of('ipv4', { nodePortAddresses: ['primary'] }).nodePortAddresses, ['192.168.0.2/32', 'fd00:50::2/128'])
})

test('probabilities: text as printf has it, 31 bits as the kernel gets them', () => {
  assert.is(probabilityText(3), '0.3333333333')
  assert.is(probabilityText(2048), '0.0004882812')
  assert.is(probabilityText(1024), '0.0009765625')
  assert.is(probabilityBits('1.0000000000'), 2 ** 31)
  // 0.3333333333 * 2^31 = 715827882.595…
  assert.is(probabilityBits('0.3333333333'), 715827883)
  assert.is(probabilityBits(probabilityText(2048)), 1048576)
})

test('the model: built-in chains, jumps in the order of the kernel’s listing, other chains by name', () => {
  const model = proxyRules(clusterOf([]), OPTIONS)
  const jumps = (table: string, chain: string) =>
    model.tables
      .find((t) => t.name === table)
      ?.chains.find((c) => c.name === chain)
      ?.rules.map((r) => (r.target?.target === 'jump' ? r.target.chain : '?'))
  assert.equal(jumps('filter', 'INPUT'), [
    'KUBE-FIREWALL',
    'KUBE-PROXY-FIREWALL',
    'KUBE-NODEPORTS',
    'KUBE-EXTERNAL-SERVICES',
  ])
  assert.equal(jumps('filter', 'FORWARD'), [
    'KUBE-PROXY-FIREWALL',
    'KUBE-FORWARD',
    'KUBE-SERVICES',
    'KUBE-EXTERNAL-SERVICES',
  ])
  assert.equal(jumps('filter', 'OUTPUT'), ['KUBE-FIREWALL', 'KUBE-PROXY-FIREWALL', 'KUBE-SERVICES'])
  assert.equal(jumps('nat', 'PREROUTING'), ['KUBE-SERVICES'])
  assert.equal(jumps('nat', 'INPUT'), [])
  const names = model.tables[0]?.chains.map((c) => c.name) ?? []
  assert.equal(names.slice(0, 3), ['INPUT', 'FORWARD', 'OUTPUT'])
  assert.equal(names.slice(3), [...names.slice(3)].sort())
})

/** Rules by table and chain, without the places they were read from. */
function byChain(model: Ruleset): Map<string, readonly Rule[]> {
  const out = new Map<string, readonly Rule[]>()
  for (const table of model.tables) {
    for (const chain of table.chains) {
      out.set(
        `${table.name} ${chain.name}`,
        chain.rules.map((r) => ({ ...r, line: 0 })),
      )
    }
  }
  return out
}

function sameAsText(cluster: Cluster, options: ProxyOptions): void {
  const model = byChain(proxyRules(cluster, options))
  const text = byChain(readRules(proxyRestoreText(cluster, options), { file: 'text', family: options.family }))
  for (const [chain, want] of text) {
    if (/ (?:INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)$/.test(chain)) continue
    assert.equal(model.get(chain), want, chain)
  }
}

test('the restore text, read as iptables reads it, is the model', () => {
  fc.assert(
    fc.property(clusters({ families: 'dual' }), fc.boolean(), fc.boolean(), (cluster, six, all) => {
      sameAsText(cluster, {
        family: six ? 'ipv6' : 'ipv4',
        nodeName: 'node-0',
        masqueradeAll: all,
        detectLocal: { mode: 'ClusterCIDR', cidr: six ? 'fd00:244::/56' : '10.244.0.0/16' },
        nfacct: { ct_state_invalid_dropped_pkts: all, localhost_nps_accepted_pkts: all },
      })
    }),
    { numRuns: 300 },
  )
})

test('every jump leads somewhere, every chain but the fixed ones is jumped to and has rules', () => {
  const fixed =
    /^(?:INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING|KUBE-(?:SERVICES|EXTERNAL-SERVICES|FORWARD|NODEPORTS|PROXY-FIREWALL|FIREWALL|POSTROUTING|MARK-MASQ))$/
  fc.assert(
    fc.property(clusters(), (cluster) => {
      for (const table of proxyRules(cluster, { ...OPTIONS, nodeName: 'node-0' }).tables) {
        const names = new Set(table.chains.map((c) => c.name))
        const targets = new Set(
          table.chains.flatMap((c) => c.rules.flatMap((r) => (r.target?.target === 'jump' ? [r.target.chain] : []))),
        )
        for (const target of targets) assert.ok(names.has(target), target)
        for (const chain of table.chains) {
          if (fixed.test(chain.name)) continue
          assert.ok(targets.has(chain.name), `${chain.name} is not used`)
          assert.ok(chain.rules.length > 0, `${chain.name} is empty`)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test.run()
