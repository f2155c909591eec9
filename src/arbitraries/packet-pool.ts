// What packets to a namespace are made of: its interfaces, the addresses, ports and marks that it names, and neighbours of
// all of them. So users' own rule sets are met as well as generated ones.
import { familyOf, formatAddress, parsePrefix } from '../net/ip.js'
import { hasPorts, isIcmp } from '../net/proto.js'
import type { Family, Match, Rule } from '../netfilter/model.js'
import type { IpSet, NetworkNamespace } from '../netns/model.js'
import { MARKS, PORTS } from './pool.js'

/** A destination that something in the namespace waits for. */
export interface PacketTarget {
  readonly dst: string
  readonly proto?: number
  readonly dport?: number
}

/** What packets to a namespace are made of: everything it names, and neighbours of everything. */
export interface PacketPool {
  /** What a rule or a set names together: a destination and, where it says so, protocol and port. */
  readonly targets: Readonly<Record<Family, readonly PacketTarget[]>>
  readonly links: readonly string[]
  readonly own: Readonly<Record<Family, readonly string[]>>
  /** By link: addresses that live behind it. */
  readonly near: Readonly<Record<Family, readonly (readonly string[])[]>>
  readonly all: Readonly<Record<Family, readonly string[]>>
  readonly odd: Readonly<Record<Family, readonly string[]>>
  readonly ports: readonly number[]
  readonly marks: readonly number[]
}

const ODD: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    '127.0.0.1',
    '127.0.0.5',
    '224.0.0.1',
    '224.0.0.9',
    '255.255.255.255',
    '0.0.0.0',
    '0.0.0.7',
    '8.8.8.8',
    '240.0.0.1',
  ],
  ipv6: ['::1', 'ff02::1', 'ff05::9', '::', '2606:4700::1111', '4000::1'],
}

/** An address inside a prefix: its n-th, or the prefix's own when it is a host. */
function inside(prefix: string, n: number): string | null {
  const parsed = parsePrefix(prefix)
  if (parsed === null) return null
  const words = [...parsed.words] as [number, number, number, number]
  const last = parsed.family === 'ipv4' ? 0 : 3
  const room = (parsed.family === 'ipv4' ? 32 : 128) - parsed.length
  if (room > 0) words[last] = (words[last] | (n & (room >= 31 ? 0x7fffffff : 2 ** room - 1))) >>> 0
  return formatAddress({ family: parsed.family, words })
}

/** A link-local address means nothing without its interface, which packets do not name: none is drawn. */
const LINK_LOCAL = /^fe[89ab]/

class Harvest {
  readonly all: Record<Family, Set<string>> = { ipv4: new Set(), ipv6: new Set() }
  readonly targets: Record<Family, PacketTarget[]> = { ipv4: [], ipv6: [] }
  readonly ports: number[] = []
  readonly marks: number[] = []
  /** Prefixes that were taken: many rules name the same. */
  private readonly known = new Set<string>()

  /** `dst` is a prefix. */
  target(dst: string, proto: number | undefined, dport: number | undefined): void {
    const address = inside(dst, 10)
    if (address === null || LINK_LOCAL.test(address)) return
    const known = proto !== undefined && (hasPorts(proto) || isIcmp(proto)) ? { proto } : {}
    const port = known.proto !== undefined && !isIcmp(known.proto) && dport !== undefined ? { dport } : {}
    this.targets[familyOf(address)].push({ dst: address, ...known, ...port })
  }

  set({ entries }: IpSet): void {
    for (const { parts, nomatch } of entries) {
      const dst = parts.find((p) => p.part === 'net')
      const port = parts.find((p) => p.part === 'port')
      if (port && dst && !nomatch) this.target(dst.prefix, port.proto, port.port)
      if (port) this.ports.push(port.port)
      for (const part of parts) if (part.part === 'net') this.prefix(part.prefix)
    }
  }

  prefix(prefix: string): void {
    if (this.known.has(prefix)) return
    this.known.add(prefix)
    for (const n of [0, 10]) {
      const address = inside(prefix, n)
      if (address !== null) this.address(address)
    }
  }

  address(address: string): void {
    if (address !== '0.0.0.0' && address !== '::' && !LINK_LOCAL.test(address)) this.all[familyOf(address)].add(address)
  }

  rule(rule: Rule): void {
    for (const side of [rule.src, rule.dst]) if (side) this.prefix(side.value)
    for (const match of rule.matches) this.match(match)
    const l4 = rule.matches.find((m) => m.match === 'tcp' || m.match === 'udp' || m.match === 'sctp')
    const dport = l4 && 'dport' in l4 && !l4.dport?.not ? l4.dport?.value.from : undefined
    if (rule.dst && !rule.dst.not) this.target(rule.dst.value, rule.proto?.not ? undefined : rule.proto?.value, dport)
    const { target } = rule
    if (target && 'range' in target && typeof target.range === 'object') {
      const { from, to, ports } = target.range
      for (const end of [from, to]) if (end !== undefined) this.address(end)
      if (ports) this.ports.push(ports.from)
    }
  }

  private match(match: Match): void {
    const range = (r: { value: { from: number; to: number } } | undefined): void => {
      if (r) this.ports.push(r.value.from)
    }
    if (match.match === 'tcp' || match.match === 'udp' || match.match === 'sctp') {
      range(match.sport)
      range(match.dport)
    } else if (match.match === 'multiport') this.ports.push(...match.ports.map((p) => p.from))
    else if (match.match === 'mark') this.marks.push(match.mark.value.value)
    else if (match.match === 'iprange')
      for (const side of [match.src, match.dst]) {
        if (!side) continue
        this.address(side.value.from)
        this.address(side.value.to)
      }
  }
}

/**
 * Everything that packets to this namespace are drawn from: its interfaces, its addresses and their neighbours, the
 * addresses, ports and marks that its routes, rules, translations and sets name.
 */
export function packetPool(namespace: NetworkNamespace): PacketPool {
  const found = new Harvest()
  const links = namespace.links.filter((l) => !l.loopback)
  const own: Record<Family, string[]> = { ipv4: [], ipv6: [] }
  const near: Record<Family, string[][]> = { ipv4: links.map(() => []), ipv6: links.map(() => []) }
  for (const [k, link] of links.entries()) {
    for (const a of link.addresses) {
      if (LINK_LOCAL.test(a.address)) continue
      own[a.family].push(a.address)
      for (const n of [10, 11]) {
        const neighbour = inside(`${a.address}/${a.prefixLength}`, n)
        if (neighbour !== null && a.scope !== 'link') near[a.family][k]?.push(neighbour)
      }
    }
    for (const route of namespace.routes) {
      const length = parsePrefix(route.dst)?.length ?? 0
      if (route.type !== 'unicast' || length === 0 || !route.nextHops.some((h) => h.dev === link.name)) continue
      const host = inside(route.dst, 5)
      if (host !== null && !LINK_LOCAL.test(host)) near[route.family][k]?.push(host)
    }
  }
  // Behind the ports of a bridge live its neighbours.
  for (const [k, link] of links.entries()) {
    const bridge = link.master === undefined ? -1 : links.findIndex((l) => l.name === link.master)
    for (const family of ['ipv4', 'ipv6'] as const) near[family][k]?.push(...(near[family][bridge] ?? []))
  }
  for (const route of namespace.routes) if (route.type !== 'multicast') found.prefix(route.dst)
  for (const { tables } of namespace.rulesets)
    for (const { chains } of tables) for (const { rules } of chains) for (const rule of rules) found.rule(rule)
  for (const set of namespace.sets) found.set(set)
  for (const rule of namespace.policyRules) if (rule.fwmark) found.marks.push(rule.fwmark.value)
  for (const { orig } of namespace.connections) {
    found.address(orig.src)
    found.address(orig.dst)
  }
  const all = (family: Family): string[] => [...new Set([...found.all[family], ...near[family].flat(), ...own[family]])]
  return {
    links: links.map((l) => l.name),
    own,
    near,
    all: { ipv4: all('ipv4'), ipv6: all('ipv6') },
    odd: ODD,
    // Ports that are named often stand here often.
    ports: [...found.ports, ...PORTS],
    targets: found.targets,
    marks: [...new Set([...found.marks, ...MARKS])],
  }
}
