// A small namespace for the engine's own tests: eth0 to the world, pod0 to pods, a Service's DNAT, masquerade.

import type { Packet } from '../../src/net/packet.js'
import { readRules } from '../../src/netfilter/read.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { ExistingConnection, Link, NetworkNamespace } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'

export const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.5:8080
-A POSTROUTING -s 10.244.0.0/24 -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -p udp -m udp --dport 9 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`

function link(name: string, index: number, address: string, prefixLength: number): Link {
  const loopback = name === 'lo'
  const scope = loopback ? ('host' as const) : ('global' as const)
  return {
    name,
    index,
    up: true,
    loopback,
    kind: '',
    mtu: 1500,
    addresses: [{ address, prefixLength, family: 'ipv4', scope }],
  }
}

export interface SceneOptions {
  readonly rules?: string
  readonly sysctls?: Record<string, string>
  readonly connections?: readonly ExistingConnection[]
}

/** eth0 192.168.0.2/24 with the default route, pod0 10.244.0.1/24. */
export function scene(options: SceneOptions = {}): NetworkNamespace {
  const links = [link('lo', 1, '127.0.0.1', 8), link('eth0', 2, '192.168.0.2', 24), link('pod0', 3, '10.244.0.1', 24)]
  const gateway = {
    family: 'ipv4' as const,
    table: 254,
    type: 'unicast' as const,
    dst: '0.0.0.0/0',
    nextHops: [{ dev: 'eth0', via: '192.168.0.1', weight: 1 }],
    metric: 0,
    scope: 'global' as const,
    tos: 0,
  }
  return {
    name: 'test',
    links,
    routes: [...deriveRoutes(links), gateway],
    policyRules: defaultPolicyRules('ipv4'),
    rulesets: [readRules(options.rules ?? RULES, { file: 'rules.v4', family: 'ipv4' })],
    sets: [],
    sysctls: options.sysctls ?? {},
    connections: options.connections ?? [],
    forceConntrack: false,
    assumed: [],
  }
}

/** A client's SYN to the Service. */
export function syn(client: string, port: number): Packet {
  return { iface: 'eth0', proto: 'tcp', src: client, dst: '10.96.0.10', sport: port, dport: 80, flags: 'S' }
}

/** The endpoint's answer to it. */
export function synAck(client: string, port: number): Packet {
  return { iface: 'pod0', proto: 'tcp', src: '10.244.0.5', dst: client, sport: 8080, dport: port, flags: 'SA' }
}
