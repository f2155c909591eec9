// What no cluster can hold is refused by field and place, as its API server would; what kube-proxy puts up with is read,
// with a note.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { proxyRestoreText } from '../../src/kube/proxy.js'
import { readCluster } from '../../src/kube/reader/index.js'
import { FaultError } from '../../src/net/fault.js'

const svc = (name: string, spec: string, rest = ''): string =>
  `---\napiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: d}\nspec: ${spec}\n${rest}`
const slice = (name: string, rest: string, of = 'web'): string =>
  `---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ${name}, namespace: d, labels: {kubernetes.io/service-name: ${of}}}\n${rest}\n`

function faults(text: string): string[] {
  try {
    readCluster([{ name: 'f', text }])
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    return error.faults.map((f) => `${f.line}:${f.column} ${f.message}`)
  }
  return []
}
const notes = (text: string) => readCluster([{ name: 'f', text }]).notes
const rules = (text: string) =>
  proxyRestoreText(readCluster([{ name: 'f', text }]).cluster, { family: 'ipv4', nodeName: 'n' })

test('two Services with one cluster IP', () => {
  const a = svc('a', '{clusterIP: 10.96.0.7, ports: [{port: 80}]}')
  assert.equal(faults(a + svc('b', '{clusterIP: 10.96.0.7, ports: [{port: 81}]}')), [
    '10:19 Service d/b: spec.clusterIP: Invalid value: "10.96.0.7": provided IP is already allocated (to Service d/a)',
  ])
  // By the address, not by how it is written; of either family.
  const dual = svc('a', '{clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7, "fd00::7"], ports: [{port: 80}]}')
  assert.equal(
    faults(dual + svc('b', '{clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9, "fd00:0::7"], ports: [{port: 80}]}')),
    [
      '10:54 Service d/b: spec.clusterIPs[1]: Invalid value: "fd00:0::7": provided IP is already allocated (to Service d/a)',
    ],
  )
  assert.equal(faults(svc('a', '{clusterIP: None}') + svc('b', '{clusterIP: None}')), [])
  // The same Service twice is one, as it was given last.
  assert.equal(faults(a + a), [])
})

test('two Services with one node port', () => {
  const spec = (ip: number, port: string, rest = '') =>
    `{type: NodePort, clusterIP: 10.96.0.${ip}, ports: [{port: 80, ${port}}]${rest}}`
  const a = svc('a', spec(1, 'nodePort: 30080'))
  const taken = (place: string, field: string) =>
    `${place} Service d/b: ${field}: Invalid value: 30080: provided port is already allocated (to Service d/a)`
  assert.equal(faults(a + svc('b', spec(2, 'nodePort: 30080'))), [taken('10:75', 'spec.ports[0].nodePort')])
  // The allocator knows numbers alone.
  assert.equal(faults(a + svc('b', spec(2, 'protocol: UDP, nodePort: 30080'))), [
    taken('10:90', 'spec.ports[0].nodePort'),
  ])
  assert.equal(faults(a + svc('b', spec(2, 'nodePort: 30081', ', healthCheckNodePort: 30080'))), [
    taken('10:105', 'spec.healthCheckNodePort'),
  ])
  assert.equal(
    faults(
      svc(
        'a',
        '{clusterIP: 10.96.0.1, ports: [{name: t, port: 53, nodePort: 30053}, {name: u, port: 53, protocol: UDP, nodePort: 30053}]}',
      ),
    ),
    [],
  )
})

test('ports of one Service', () => {
  const ports = (text: string) => faults(svc('a', `\n  clusterIP: 10.96.0.1\n  ports: [${text}]`))
  assert.equal(ports('{name: a, port: 80}, {name: b, port: 80}'), [
    '7:32 Service d/a: spec.ports[1]: Duplicate value: TCP port 80',
  ])
  assert.equal(ports('{name: a, port: 80, nodePort: 30000}, {name: b, port: 81, nodePort: 30000}'), [
    '7:79 Service d/a: spec.ports[1].nodePort: Duplicate value: 30000',
  ])
  assert.equal(ports('{name: a, port: 80}, {name: b, port: 80, protocol: UDP}'), [])
  assert.equal(ports('{port: 0}'), [
    '7:18 Service d/a: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535',
  ])
  assert.equal(ports('{port: 65536}'), [
    '7:18 Service d/a: spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535',
  ])
  assert.equal(ports('{port: 80, nodePort: 70000}'), [
    '7:32 Service d/a: spec.ports[0].nodePort: Invalid value: 70000: must be between 0 and 65535',
  ])
  assert.equal(ports('{port: 80, protocol: DCCP}'), [
    '7:32 Service d/a: spec.ports[0].protocol: Unsupported value: "DCCP": supported values: "TCP", "UDP", "SCTP"',
  ])
  assert.equal(ports('{port: 80, protocol: tcp}'), [
    '7:32 Service d/a: spec.ports[0].protocol: Unsupported value: "tcp": supported values: "TCP", "UDP", "SCTP"',
  ])
})

test('EndpointSlices: families, addresses, ports', () => {
  const one = (type: string, address: string, ports = '[{port: 80}]') =>
    faults(slice('s', `addressType: ${type}\nports: ${ports}\nendpoints: [{addresses: ["${address}"]}]`))
  const at = '7:26 EndpointSlice d/s: endpoints[0].addresses[0]: Invalid value:'
  assert.equal(one('IPv4', 'fd00::1'), [`${at} "fd00::1": must be a valid IPv4 address`])
  assert.equal(one('IPv6', '10.0.0.1'), [`${at} "10.0.0.1": must be a valid IPv6 address`])
  // An IPv4 address in IPv6's clothes is one of IPv4.
  assert.equal(one('IPv6', '::ffff:10.0.0.1'), [`${at} "::ffff:10.0.0.1": must be a valid IPv6 address`])
  assert.equal(one('IPv4', '127.0.0.1'), [`${at} "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`])
  assert.match(one('IPv4', '0.0.0.0')[0]!, 'may not be unspecified')
  assert.match(one('IPv4', '169.254.1.1')[0]!, 'may not be in the link-local range')
  assert.match(one('IPv4', '224.0.0.5')[0]!, 'may not be in the link-local multicast range')
  assert.match(one('IPv6', 'fe80::1')[0]!, 'may not be in the link-local range')
  assert.match(one('IPv6', 'ff02::1')[0]!, 'may not be in the link-local multicast range')
  assert.equal(one('IPv4', '224.1.0.5'), [])
  assert.equal(one('IPv4', '10.0.0.1', '[{port: 80}, {port: 81}]'), [
    '6:21 EndpointSlice d/s: ports[1].name: Duplicate value: ""',
  ])
  assert.equal(one('IPv4', '10.0.0.1', '[{port: 70000}]'), [
    '6:16 EndpointSlice d/s: ports[0].port: Invalid value: 70000: must be between 0 and 65535',
  ])
  assert.equal(one('IPv4', '10.0.0.1', '[{port: 80, protocol: ICMP}]'), [
    '6:30 EndpointSlice d/s: ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
  ])
})

const WEB = svc('web', '{clusterIP: 10.96.0.1, ports: [{port: 80}]}')

test('what kube-proxy puts up with is read, with a note', () => {
  const twice =
    WEB +
    slice(
      'one',
      'addressType: IPv4\nports: [{port: 8080}]\nendpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]',
    ) +
    slice('two', 'addressType: IPv4\nports: [{port: 8080}]\nendpoints: [{addresses: [10.0.0.2]}]')
  assert.equal(notes(twice), ['EndpointSlices d/one and d/two both hold 10.0.0.2: it is one endpoint'])
  assert.is(rules(twice).match(/-j DNAT/g)?.length, 2)
  // Another port is another endpoint.
  const ports =
    WEB +
    slice('one', 'addressType: IPv4\nports: [{port: 8080}]\nendpoints: [{addresses: [10.0.0.1]}]') +
    slice('two', 'addressType: IPv4\nports: [{port: 8081}]\nendpoints: [{addresses: [10.0.0.1]}]')
  assert.equal(notes(ports), [])
  assert.is(rules(ports).match(/-j DNAT/g)?.length, 2)

  const zero = WEB + slice('one', 'addressType: IPv4\nports: [{port: 0}]\nendpoints: [{addresses: [10.0.0.1]}]')
  assert.equal(notes(zero), ['EndpointSlice d/one has a port without a number: that port is passed over'])
  assert.not.match(rules(zero), /DNAT --/)

  const names = WEB + slice('one', 'addressType: FQDN\nports: [{port: 80}]\nendpoints: [{addresses: [db.example.com]}]')
  assert.equal(notes(names), ['EndpointSlice d/one holds names (addressType FQDN): it is passed over'])
})

test('Services without rules', () => {
  const external = svc('x', '{type: ExternalName, externalName: db.example.com, ports: [{port: 5432}]}')
  assert.equal(notes(external), ['Service d/x is an ExternalName: its ports get no rules'])
  assert.not.match(rules(external), /d\/x/)
  assert.equal(notes(svc('x', '{type: ExternalName, externalName: db.example.com}')), [])
  const none = svc('x', '{ports: [{port: 80}]}')
  assert.equal(notes(none), ['Service d/x has no clusterIP: it gets no rules'])
  assert.not.match(rules(none), /d\/x/)
  assert.equal(notes(svc('x', '{clusterIP: None, ports: [{port: 80}]}')), [])
})

test('one external address for two Services', () => {
  const spec = (n: number, port: number) =>
    `{clusterIP: 10.96.0.${n}, externalIPs: [192.0.2.1], ports: [{port: ${port}}]}`
  const which = 'kube-proxy may give it to either; here the first by name has it'
  assert.equal(notes(svc('a', spec(1, 80)) + svc('b', spec(2, 80))), [
    `Services d/a and d/b both have 192.0.2.1 port 80/tcp: ${which}`,
  ])
  assert.equal(notes(svc('a', spec(1, 80)) + svc('b', spec(2, 81))), [])
  const status = 'status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n'
  const lb = svc('b', '{type: LoadBalancer, clusterIP: 10.96.0.2, ports: [{port: 80}]}', status)
  assert.equal(notes(svc('a', spec(1, 80)) + lb), [`Services d/a and d/b both have 192.0.2.1 port 80/tcp: ${which}`])
})

test.run()
