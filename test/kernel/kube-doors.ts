// The packets that ask each door of each Service: what a door is, who knocks, and how often (until every endpoint must have
// been drawn).
import type { PacketLine } from '../../src/arbitraries/index.js'
import type { ExplainedPort } from '../../src/kube/explain.js'
import type { KubeService } from '../../src/kube/objects.js'
import type { Feature } from './kube-features.js'

type Traffic = 'internal' | 'external' | 'externalFromHere'

/** Packets from one sender to one door. */
export interface Probe {
  readonly name: string
  /** The kind of traffic that they are. */
  readonly traffic: Traffic
  readonly iface: string
  readonly src: string
  readonly proto: string
  readonly dst: string
  readonly dport: number
  readonly times: number
  /** Each of a client of its own, who comes twice (ClientIP affinity). */
  readonly clients?: boolean
  /** What becomes of them whatever the endpoints are; null: nothing is said. */
  readonly want?: string | null
}

const SENDERS = {
  ipv4: { pod: '10.244.0.200', outside: '203.0.113.200', blocked: '198.18.0.9', node: '192.168.50.10' },
  ipv6: { pod: 'fd00:244:0:0::200', outside: '2600:5200::77', blocked: '2600:5201::77', node: 'fd00:50::10' },
} as const
const IFACE = { pod: 'cni0', outside: 'eth0', blocked: 'eth0', node: 'local' } as const

/** Every door of a service port, asked by a pod, the node and somebody outside. */
export function doorsOf({ spec, status }: KubeService, port: ExplainedPort, { config }: Feature): Probe[] {
  const senders = SENDERS[port.family]
  const v6 = port.family === 'ipv6'
  const ours = (ip: string): boolean => ip.includes(':') === v6
  const probe = (door: string, who: keyof typeof IFACE, dst: string, dport: number, traffic: Traffic): Probe => {
    const used = port.endpoints.filter((e) => e[traffic]?.used).length
    return {
      name: `${door} ${dst} port ${dport} from ${who}`,
      traffic,
      iface: IFACE[who],
      src: senders[who],
      proto: port.protocol,
      dst,
      dport,
      times: used < 2 ? 2 : 24,
      ...(spec?.sessionAffinity === 'ClientIP' ? { clients: true } : {}),
      // The node has one address: it stays where it is.
      ...(spec?.sessionAffinity === 'ClientIP' && who === 'node' ? { want: null } : {}),
    }
  }
  const detects = config.clusterCIDR !== undefined || config.detectLocalMode !== undefined
  const here: Traffic = port.externalFromHere ? 'externalFromHere' : 'external'
  const doors = (['pod', 'outside', 'node'] as const).map((who) =>
    probe('cluster IP', who, port.clusterIP, port.port, 'internal'),
  )
  const open = (door: string, dst: string, dport: number): void => {
    doors.push(probe(door, 'outside', dst, dport, 'external'))
    doors.push(probe(door, 'pod', dst, dport, detects ? here : 'external'))
    // What the node sends to other addresses passes no chain that refuses it.
    if (door === 'node port' || port[here]?.result === 'endpoints') doors.push(probe(door, 'node', dst, dport, here))
  }
  const number = spec?.ports?.[0]?.nodePort
  if (number) open('node port', senders.node, number)
  for (const ip of (spec?.externalIPs ?? []).filter(ours)) open('external IP', ip, port.port)
  for (const { ip = '', ipMode } of status?.loadBalancer?.ingress ?? []) {
    if (ip === null || !ours(ip)) continue
    const door = probe('load balancer IP', 'outside', ip, port.port, 'external')
    if (ipMode === 'Proxy') doors.push({ ...door, times: 1, want: 'untouched' })
    else doors.push(door)
    if (port.sourceRanges)
      doors.push({ ...probe('load balancer IP', 'blocked', ip, port.port, 'external'), want: 'drop' })
  }
  const health = spec?.healthCheckNodePort
  if (health) {
    const asked = probe('health check', 'outside', senders.node, health, 'external')
    doors.push({ ...asked, proto: 'tcp', times: 1, want: 'untouched' })
  }
  return doors
}

/** Ids of the packets of one probe begin here. */
export const IDS = 1000

/** A probe's packets, each of a connection of its own. */
export function packetsOf(probe: Probe, index: number): PacketLine[] {
  const { iface, proto, dst, dport } = probe
  const from = (k: number): string => {
    if (!probe.clients || iface === 'local') return probe.src
    const base = probe.src.includes(':') ? 16 : 10
    return probe.src.replace(/\w+$/, (last) => (Number.parseInt(last, base) + (k >> 1)).toString(base))
  }
  // DF is how a copy of TEE is told from its packet.
  const open = dst.includes(':') ? {} : { df: false }
  return Array.from({ length: probe.times * (probe.clients ? 2 : 1) }, (_, k) => ({
    id: index * IDS + k + 1,
    at_ms: 0,
    ...open,
    ...{ iface, proto, src: from(k), dst, dport, sport: 20_000 + index * 60 + k },
  })) as unknown as PacketLine[]
}
