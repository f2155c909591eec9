// A KubeProxyConfiguration: what decides, what is listed as without effect, what is refused and where.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { proxyConfigs } from '../../src/arbitraries/kube.js'
import { clusterOf } from '../../src/kube/cluster.js'
import { durationMs } from '../../src/kube/duration.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import { proxyRestoreText, proxyRules } from '../../src/kube/proxy.js'
import { proxyOptions } from '../../src/kube/proxy-options.js'
import { readProxyConfig } from '../../src/kube/reader/index.js'
import { FaultError } from '../../src/net/fault.js'
import { printRules } from '../../src/netfilter/print.js'

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'
const read = (text: string) => readProxyConfig({ name: 'c', text: HEAD + text })

/** The faults, as printed without the file's name. */
function faults(text: string, head = HEAD): string[] {
  try {
    readProxyConfig({ name: 'c', text: head + text })
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    return error.faults.map((f) => `${f.line}:${f.column} ${f.message}`)
  }
  return []
}

// As kubeadm writes it (Kubernetes 1.31), every field that it has.
const KUBEADM = `bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: null
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: false
  syncPeriod: 0s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
    text:
      infoBufferSize: "0"
  verbosity: 0
metricsBindAddress: ""
mode: ""
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ""
  rootHnsEndpointName: ""
  sourceVip: ""
windowsRunAsService: false
`

test("kubeadm's own: one setting is unused, two decide", () => {
  const { config, unused, notes } = read(KUBEADM)
  assert.equal(unused, [{ field: 'clientConnection.kubeconfig', about: 'how kube-proxy reaches the API server' }])
  assert.equal(notes, [
    'c: no effect on rules and packets: clientConnection.kubeconfig (about how kube-proxy reaches the API server)',
  ])
  assert.equal(proxyOptions(clusterOf([]), 'n1', 'ipv4', config), {
    ...proxyOptions(clusterOf([]), 'n1', 'ipv4'),
    detectLocal: { mode: 'ClusterCIDR', cidr: '10.244.0.0/16' },
  })
})

test('settings without effect are listed, by what they are about', () => {
  const { config, unused, notes } = read(`mode: iptables
logging: {verbosity: 4, vmodule: [{filePattern: proxier, verbosity: 9}]}
ipvs: {scheduler: lc, excludeCIDRs: [10.0.0.0/8], strictARP: true, tcpTimeout: 15m}
nftables: {masqueradeBit: 3, masqueradeAll: true}
iptables: {syncPeriod: 1m0s, minSyncPeriod: 10s}
conntrack: {maxPerCore: 32768, min: 131072}
featureGates: {KubeProxyDrainingTerminatingNodes: true, LoadBalancerIPMode: true}
oomScoreAdj: -999
healthzBindAddress: 0.0.0.0
metricsBindAddress: "[::1]:10249"
`)
  assert.equal(config, { mode: 'iptables' })
  assert.equal(
    unused.map((u) => u.field),
    [
      'logging.verbosity',
      'logging.vmodule',
      'ipvs.scheduler',
      'ipvs.excludeCIDRs',
      'ipvs.strictARP',
      'ipvs.tcpTimeout',
      'nftables.masqueradeBit',
      'nftables.masqueradeAll',
      'iptables.syncPeriod',
      'iptables.minSyncPeriod',
      'conntrack.maxPerCore',
      'conntrack.min',
      'featureGates.KubeProxyDrainingTerminatingNodes',
      'featureGates.LoadBalancerIPMode',
      'oomScoreAdj',
      'healthzBindAddress',
      'metricsBindAddress',
    ],
  )
  assert.ok(
    notes.includes(
      'c: no effect on rules and packets: iptables.syncPeriod, iptables.minSyncPeriod (about when kube-proxy writes rules, not which)',
    ),
  )
})

test('fields that kube-proxy knew once are passed over with a note', () => {
  const { config, notes } = read('resourceContainer: /kube-proxy\nudpIdleTimeout: 250ms\nconntrack: {max: 0}\n')
  assert.equal(config, {})
  assert.equal(notes, [
    'c:3:20: resourceContainer is passed over: removed in Kubernetes 1.17',
    'c:4:17: udpIdleTimeout is passed over: of the mode userspace, removed in Kubernetes 1.26',
    'c:5:18: conntrack.max is passed over: removed in Kubernetes 1.15; conntrack.maxPerCore takes its place',
  ])
})

test('unknown fields and wrong values are refused by field and place', () => {
  const cases: [text: string, ...faults: string[]][] = [
    ['masqueradeAll: true\n', '3:16 masqueradeAll: unknown field'],
    ['iptables:\n  masqueradAll: true\n', '4:17 iptables.masqueradAll: unknown field; did you mean masqueradeAll?'],
    ['mode: ipvs\n', '3:7 mode: Invalid value: "ipvs": must be iptables: rules of other modes are not made'],
    ['mode: nftables\n', '3:7 mode: Invalid value: "nftables": must be iptables: rules of other modes are not made'],
    ['mode: Iptables\n', '3:7 mode: Invalid value: "Iptables": must be iptables: rules of other modes are not made'],
    ['iptables: {masqueradeBit: 32}\n', '3:27 iptables.masqueradeBit: Invalid value: 32: must be between 0 and 31'],
    ['iptables: {masqueradeBit: "14"}\n', '3:27 iptables.masqueradeBit: Invalid value: "14": must be between 0 and 31'],
    ['iptables: []\n', '3:11 iptables: Invalid value: []: must be an object'],
    [
      'iptables: {syncPeriod: 30}\n',
      '3:24 iptables.syncPeriod: Invalid value: 30: must be a duration, (e.g. 30s or 1h30m)',
    ],
    [
      'iptables: {syncPeriod: }\n',
      '3:24 iptables.syncPeriod: Invalid value: null: must be a duration, (e.g. 30s or 1h30m)',
    ],
    [
      'iptables: {minSyncPeriod: 40s}\n',
      '3:27 iptables.minSyncPeriod: Invalid value: "40s": syncPeriod (default 30s) must not be below minSyncPeriod (default 1s)',
    ],
    [
      'conntrack: {tcpEstablishedTimeout: -1s}\n',
      '3:36 conntrack.tcpEstablishedTimeout: Invalid value: "-1s": must be greater than or equal to 0',
    ],
    [
      'clusterCIDR: 10.0.0.0/8,10.1.0.0/16\n',
      '3:14 clusterCIDR: Invalid value: "10.0.0.0/8,10.1.0.0/16": must be one CIDR, or one of each family with a comma between',
    ],
    [
      'clusterCIDR: 10.0.0.0\n',
      '3:14 clusterCIDR: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64), or one of each family with a comma between',
    ],
    [
      'nodePortAddresses: [10.0.0.0/8, eth0]\n',
      '3:33 nodePortAddresses[1]: Invalid value: "eth0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64), "primary", "localhost" or "all"',
    ],
    ['nodePortAddresses: primary\n', '3:20 nodePortAddresses: Invalid value: "primary": must be a list'],
    [
      'detectLocalMode: ClusterCidr\n',
      '3:18 detectLocalMode: Invalid value: "ClusterCidr": must be ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix',
    ],
    [
      'detectLocalMode: BridgeInterface\n',
      '3:18 detectLocal.bridgeInterface: Invalid value: "": must not be empty when detectLocalMode is BridgeInterface',
    ],
    [
      'detectLocalMode: InterfaceNamePrefix\ndetectLocal: {bridgeInterface: cni0}\n',
      '4:14 detectLocal.interfaceNamePrefix: Invalid value: "": must not be empty when detectLocalMode is InterfaceNamePrefix',
    ],
    [
      'featureGates: {TopologyAwareHints: false}\n',
      '3:36 featureGates.TopologyAwareHints: Invalid value: false: cannot be false: kube-proxy always behaves this way by now',
    ],
    ['oomScoreAdj: 1001\n', '3:14 oomScoreAdj: Invalid value: 1001: must be between -1000 and 1000'],
    [
      'metricsBindAddress: localhost:10249\n',
      '3:21 metricsBindAddress: Invalid value: "localhost:10249": must be IP:port',
    ],
    [
      'bindAddress: node-1\n',
      '3:14 bindAddress: Invalid value: "node-1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      'bindAddressHardFail: "yes"\nclientConnection: {burst: -1}\n',
      '3:22 bindAddressHardFail: Invalid value: "yes": must be true or false',
      '4:27 clientConnection.burst: Invalid value: -1: must be between 0 and 2147483647',
    ],
  ]
  for (const [text, ...want] of cases) assert.equal(faults(text), want, text)
})

test('the document itself', () => {
  assert.equal(faults('', 'kind: Other\n'), ['0:0 expected one KubeProxyConfiguration document, found 0'])
  assert.match(faults('', 'apiVersion: v1\nkind: ConfigMap\n').join(), /a ConfigMap holds it as a text: kubectl get/)
  assert.equal(faults('', 'kind: KubeProxyConfiguration\n'), [
    '1:1 apiVersion: Required value: must be kubeproxy.config.k8s.io/v1alpha1',
  ])
  assert.equal(faults('', 'kind: KubeProxyConfiguration\napiVersion: componentconfig/v1alpha1\n'), [
    '2:13 apiVersion: Invalid value: "componentconfig/v1alpha1": must be kubeproxy.config.k8s.io/v1alpha1',
  ])
  assert.equal(faults(`---\n${HEAD}`), ['0:0 expected one KubeProxyConfiguration document, found 2'])
  assert.equal(read('---\nkind: KubeletConfiguration\n').config, {})
})

test('durations as Go reads them', () => {
  assert.equal(
    ['0', '0s', '1h0m0s', '1.5s', '.5s', '250ms', '-1m', '+2us', '3µs'].map(durationMs),
    [0, 0, 3_600_000, 1500, 500, 250, -60_000, 0.002, 0.003],
  )
  assert.equal(
    ['', '5', 's', '1d', '1 s', '.s', '--1s', '300000h1s0h'].map((t) => durationMs(t) === null),
    [true, true, true, true, true, true, true, false],
  )
  assert.is(durationMs('2600000h'), null) // past 63 bits of nanoseconds
})

const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: {
    addresses: [
      { type: 'ExternalIP', address: '198.51.100.9' },
      { type: 'InternalIP', address: '192.168.0.2' },
    ],
  },
}

test('the primary address: bindAddress, the Node, loopback', () => {
  const of = (node: object, family: 'ipv4' | 'ipv6', config = {}) =>
    proxyOptions(clusterOf([node]), 'n1', family, config)
  assert.is(of(NODE, 'ipv4').nodeIP, '192.168.0.2')
  assert.is(of(NODE, 'ipv6').nodeIP, '::1')
  assert.is(of(NODE, 'ipv4', { bindAddress: '198.51.100.9' }).nodeIP, '198.51.100.9')
  assert.is(of(NODE, 'ipv6', { bindAddress: 'fd00::9' }).nodeIP, 'fd00::9')
  assert.is(of(NODE, 'ipv4', { bindAddress: 'fd00::9' }).nodeIP, '192.168.0.2')
  assert.is(of(NODE, 'ipv4', { bindAddress: '0.0.0.0' }).nodeIP, '192.168.0.2')
  const external = { ...NODE, status: { addresses: [{ type: 'ExternalIP', address: '198.51.100.9' }] } }
  assert.is(of(external, 'ipv4').nodeIP, '198.51.100.9')
  // A node without an IPv6 address has none that "primary" could mean; without any prefix all addresses count.
  assert.equal(of(NODE, 'ipv6', { nodePortAddresses: ['primary'] }).nodePortAddresses, ['192.168.0.2/32'])
  assert.equal(of(NODE, 'ipv4', { nodePortAddresses: ['localhost', '10.1.2.3/08'] }).nodePortAddresses, [
    '127.0.0.0/8',
    '::1/128',
    '10.0.0.0/8',
  ])
  assert.equal(of(NODE, 'ipv4', { nodePortAddresses: ['all'] }).nodePortAddresses, ['0.0.0.0/0', '::/0'])
  // 126.0.0.0/7 holds 127.0.0.0.
  assert.is(of(NODE, 'ipv4', { nodePortAddresses: ['126.0.0.0/7'] }).localhostNodePorts, true)
  assert.is(of(NODE, 'ipv4', { nodePortAddresses: ['126.0.0.0/8'] }).localhostNodePorts, false)
})

test('snatNodeInternalIP: SNAT instead of MASQUERADE, where the address is known', () => {
  const options = (config: object) => proxyOptions(clusterOf([NODE]), 'n1', 'ipv4', { iptables: config })
  const line = (config: object) =>
    proxyRestoreText(clusterOf([NODE]), options(config))
      .split('\n')
      .find((l) => l.includes('requiring SNAT'))
  assert.match(line({ snatNodeInternalIP: true })!, / -j SNAT --to-source 192\.168\.0\.2 --random-fully$/)
  assert.match(line({})!, / -j MASQUERADE --random-fully$/)
  assert.match(
    printRules(proxyRules(clusterOf([NODE]), options({ snatNodeInternalIP: true }))),
    /requiring SNAT" -j SNAT --to-source 192\.168\.0\.2 --random-fully\n/,
  )
  assert.match(
    proxyRestoreText(clusterOf([]), { family: 'ipv4', nodeName: 'n1', snatNodeInternalIP: true }),
    / -j MASQUERADE --random-fully\n/,
  )
})

test('hints for nodes count unless their gate is off', () => {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 's', namespace: 'd', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 80 }],
    endpoints: ['n1', 'n2'].map((n, i) => ({ addresses: [`10.0.0.${i + 1}`], hints: { forNodes: [{ name: n }] } })),
  }
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'd' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
  }
  const cluster = clusterOf([NODE, service, slice])
  const used = (gates: Record<string, boolean>) =>
    proxyRestoreText(cluster, proxyOptions(cluster, 'n1', 'ipv4', { featureGates: gates })).match(/-j DNAT/g)?.length
  assert.is(used({}), 1)
  assert.is(used({ PreferSameTrafficDistribution: true }), 1)
  assert.is(used({ PreferSameTrafficDistribution: false }), 2)
})

test('the settings that kube-proxy writes on its node', () => {
  const sysctls = (proxyConfig: object) => nodeNamespace(clusterOf([NODE]), 'n1', { proxyConfig }).sysctls
  const plain = sysctls({})
  assert.is(plain['net.netfilter.nf_conntrack_tcp_timeout_established'], '86400')
  assert.is(plain['net.netfilter.nf_conntrack_tcp_timeout_close_wait'], '3600')
  assert.is(plain['net.netfilter.nf_conntrack_udp_timeout'], undefined)
  assert.is(plain['net.ipv4.conf.all.route_localnet'], '1')
  const set = sysctls({
    conntrack: {
      tcpEstablishedTimeout: '0s',
      tcpCloseWaitTimeout: '90s',
      udpTimeout: '45s',
      udpStreamTimeout: '2m0s',
      tcpBeLiberal: true,
    },
    iptables: { localhostNodePorts: false },
  })
  assert.is(set['net.netfilter.nf_conntrack_tcp_timeout_established'], undefined)
  assert.is(set['net.netfilter.nf_conntrack_tcp_timeout_close_wait'], '90')
  assert.is(set['net.netfilter.nf_conntrack_udp_timeout'], '45')
  assert.is(set['net.netfilter.nf_conntrack_udp_timeout_stream'], '120')
  assert.is(set['net.netfilter.nf_conntrack_tcp_be_liberal'], '1')
  assert.is(set['net.ipv4.conf.all.route_localnet'], undefined)
})

test('the generator draws every setting', () => {
  const seen = new Set(
    fc
      .sample(proxyConfigs(), { numRuns: 300, seed: 1 })
      .flatMap((c) => [
        c.detectLocalMode ?? (c.clusterCIDR ? 'ClusterCIDR' : 'none'),
        `node ports ${c.nodePortAddresses}`,
        `bit ${c.iptables?.masqueradeBit}`,
        ...Object.entries(c.iptables ?? {}).map(([key, value]) => `${key} ${value}`),
        `liberal ${c.conntrack?.tcpBeLiberal}`,
        `gate ${c.featureGates?.['PreferSameTrafficDistribution']}`,
      ]),
  )
  for (const wanted of [
    ...[
      'none',
      'ClusterCIDR',
      'NodeCIDR',
      'BridgeInterface',
      'InterfaceNamePrefix',
      'node ports ',
      'node ports primary',
    ],
    ...['node ports localhost', 'bit 0', 'bit 14', 'bit 31', 'gate undefined', 'gate false', 'liberal true'],
    ...['masqueradeAll', 'localhostNodePorts', 'snatNodeInternalIP'].flatMap((k) => [`${k} true`, `${k} false`]),
  ]) {
    assert.ok(seen.has(wanted), wanted)
  }
})

test.run()
