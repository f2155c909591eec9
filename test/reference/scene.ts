// A small host for the tests of the naive engine: eth0 192.168.0.2/24 (default route), pod0 10.244.0.1/24, and IPv6 beside.
import type { Answer, Packet } from '../../src/net/packet.js'
import type { Backend } from '../../src/netfilter/model.js'
import { readRules } from '../../src/netfilter/read.js'
import type { DataPlaneOptions } from '../../src/netns/dataplane.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { Address, Link, NetworkNamespace, PolicyRule, Route } from '../../src/netns/model.js'
import { defaultPolicyRules } from '../../src/netns/policy-rules.js'
import { ReferenceEngine } from '../../src/reference/index.js'

const CHAINS: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
}

export interface SceneParts {
  /** Rule lines by table; lines that begin with `:` are user chains or policies. */
  rules?: Readonly<Record<string, string>>
  rules6?: Readonly<Record<string, string>>
  backend?: Backend
  links?: readonly Link[]
  routes?: readonly Partial<Route>[]
  policyRules?: readonly PolicyRule[]
  sysctls?: Readonly<Record<string, string>>
  sets?: NetworkNamespace['sets']
  connections?: NetworkNamespace['connections']
  forceConntrack?: boolean
}

/** iptables-save text of some tables. */
export function rulesText(tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables)
    .map(([table, body]) => {
      const lines = body.trim().split('\n')
      const named = new Set(lines.filter((l) => l.startsWith(':')).map((l) => l.slice(1).split(' ')[0]))
      const builtIn = CHAINS[table]!.filter((c) => !named.has(c)).map((c) => `:${c} ACCEPT [0:0]`)
      const heads = [...builtIn, ...lines.filter((l) => l.startsWith(':'))]
      return [`*${table}`, ...heads, ...lines.filter((l) => l !== '' && !l.startsWith(':')), 'COMMIT', ''].join('\n')
    })
    .join('')
}

export function address(text: string, extra: Partial<Address> = {}): Address {
  const [ip = '', length = ''] = text.split('/')
  const v6 = ip.includes(':')
  return { address: ip, prefixLength: Number(length), family: v6 ? 'ipv6' : 'ipv4', scope: 'global', ...extra }
}

export function link(name: string, index: number, addresses: readonly Address[], extra: Partial<Link> = {}): Link {
  return { name, index, up: true, loopback: name === 'lo', kind: '', mtu: 1500, addresses, ...extra }
}

export const LINKS: readonly Link[] = [
  link('lo', 1, [address('127.0.0.1/8', { scope: 'host' }), address('::1/128', { scope: 'host' })]),
  link('eth0', 2, [address('192.168.0.2/24', { broadcast: '192.168.0.255' }), address('fd00::2/64')]),
  link('pod0', 3, [address('10.244.0.1/24', { broadcast: '10.244.0.255' }), address('fd00:10:244::1/64')]),
]

export function route(parts: Partial<Route> & { dst: string }): Route {
  const v6 = parts.dst.includes(':')
  return {
    family: v6 ? 'ipv6' : 'ipv4',
    table: 254,
    type: 'unicast',
    nextHops: [],
    metric: v6 ? 1024 : 0,
    scope: 'global',
    tos: 0,
    ...parts,
  }
}

export function namespace(parts: SceneParts = {}): NetworkNamespace {
  const links = parts.links ?? LINKS
  const routes = [
    ...deriveRoutes(links),
    ...(parts.links === undefined
      ? [
          route({ dst: '0.0.0.0/0', nextHops: [{ dev: 'eth0', via: '192.168.0.1', weight: 1 }] }),
          route({ dst: '::/0', nextHops: [{ dev: 'eth0', via: 'fd00::1', weight: 1 }] }),
        ]
      : []),
    ...(parts.routes ?? []).map((r) => route(r as Route)),
  ]
  const rulesets = (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const tables = family === 'ipv4' ? parts.rules : parts.rules6
    if (tables === undefined) return []
    return [readRules(rulesText(tables), { file: 'rules', family, backend: parts.backend ?? 'legacy' })]
  })
  return {
    name: 'scene',
    links,
    routes,
    policyRules: [...defaultPolicyRules('ipv4'), ...defaultPolicyRules('ipv6'), ...(parts.policyRules ?? [])].sort(
      (a, b) => a.priority - b.priority,
    ),
    rulesets,
    sets: parts.sets ?? [],
    sysctls: parts.sysctls ?? {},
    connections: parts.connections ?? [],
    forceConntrack: parts.forceConntrack ?? false,
    assumed: [],
  }
}

/** `A:P` or `[A]:P`, or an address alone. */
function end(text: string): [string, number | undefined] {
  const v6 = /^\[([^\]]*)\]:(\d+)$/.exec(text)
  if (v6) return [v6[1]!, Number(v6[2])]
  if (text.split(':').length !== 2) return [text, undefined]
  const [ip = '', port] = text.split(':')
  return [ip, Number(port)]
}

/** `eth0 tcp 10.0.0.1:1 > 10.0.0.2:2`, and more fields. */
export function packet(text: string, more: Partial<Packet> = {}): Packet {
  const [iface = '', proto = '', from = '', , to = ''] = text.split(' ')
  const [src, sport] = end(from)
  const [dst, dport] = end(to)
  const ports = sport === undefined || dport === undefined ? {} : { sport, dport }
  return { iface, proto: proto as Packet['proto'], src, dst, ...ports, ...more }
}

export class Scene {
  readonly engine: ReferenceEngine
  constructor(parts: SceneParts = {}, options: DataPlaneOptions = {}) {
    this.engine = new ReferenceEngine(namespace(parts), options)
  }

  send(text: string, more: Partial<Packet> = {}): Answer {
    return this.engine.process(packet(text, more), { trace: true, ct: true })
  }

  /** What became of a packet in one line: `forward pod0 192.168.0.50:1 > 10.244.0.5:80`. */
  ask(text: string, more: Partial<Packet> = {}): string {
    return told(this.send(text, more))
  }
}

function side(ip: string | undefined, port: number | undefined): string {
  return port === undefined ? `${ip}` : ip?.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

export function told(a: Answer): string {
  if (a.verdict === 'reject') return `reject ${a.reject_with}`
  if (a.verdict === 'drop') {
    const by = a.dropped_by
    const what = by?.reason ?? `${by?.table}:${by?.chain}:${by?.rule}`
    return `drop ${what}${a.errno === undefined ? '' : ` ${a.errno}`}`
  }
  return `${a.verdict} ${a.out_iface ?? a.in_iface} ${side(a.src, a.sport)} > ${side(a.dst, a.dport)}`
}
