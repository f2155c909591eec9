// Packet sequences that a namespace has something to say about, as packet lines: new flows, replies from where packets
// ended up, retransmissions, ends of connections, clashing ports, ICMP errors about earlier packets, steps of the clock.
// Owns what is drawn and how numbers become addresses: they are taken from the namespace itself, so users' own rule
// sets are met as well as generated ones. Lines are resolved by netns/script.ts from a data plane's own answers.
import fc from 'fast-check'
import { familyOf, formatAddress, parsePrefix } from '../net/ip.js'
import type { PacketType, SocketKind } from '../net/packet.js'
import { hasPorts, isIcmp, protoName } from '../net/proto.js'
import type { Family, Match, Rule } from '../netfilter/model.js'
import type { IpSet, NetworkNamespace } from '../netns/model.js'
import { MACS } from './bridges.js'
import { listOf, MARKS, PORTS, pick, rarely, weighted } from './pool.js'

/** One packet line: an id, an absolute time, fields of a packet, and at most one reference to an earlier line. */
export type PacketLine = Readonly<Record<string, unknown>> & { readonly id: number; readonly at_ms: number }

export interface PacketOptions {
  /** Most lines, about. Default 60. */
  readonly maxPackets?: number
  readonly minPackets?: number
  /** Few ends and ports, mostly TCP: long conversations, and connections that get into each other's way. Default false. */
  readonly narrow?: boolean
  /** Only these families; default: those of the namespace's rule sets (both when it has none). */
  readonly families?: readonly Family[]
}

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

const number = fc.nat({ max: 0xffff })
/** Before, at, within and after what is usual, and on both sides of the wrap. */
const SEQUENCE = [1000, 1001, 1002, 999, 1101, 2000, 100_000, 0xffffffff, 0, 0x80000000]
const GAPS = [0, 0, 0, 1, 1000, 2001, 10_000, 30_000, 60_001, 120_000, 300_000, 433_000_000]

const SOCKETS: readonly SocketKind[] = ['none', 'bound', 'wildcard', 'transparent bound', 'transparent wildcard']

/** What any packet may carry besides its addresses. */
const extras = fc.record({
  mark: weighted<number | null>([6, fc.constant(null)], [2, number]),
  ttl: weighted<number | null>([12, fc.constant(null)], [1, pick([1, 2, 0, 255])]),
  tos: weighted<number | null>([12, fc.constant(null)], [1, pick([4, 8, 16, 0xb8])]),
  payload: weighted<number | null>([6, fc.constant(null)], [1, pick([1, 100, 1400])]),
  gap: weighted([8, fc.constant(0)], [3, pick(GAPS)]),
  /** Who sent it and which CPU has it, for the rules that ask. */
  facts: weighted<Facts | null>(
    [9, fc.constant(null)],
    [
      3,
      fc.record({
        cpu: pick([0, 1]),
        uid: pick([0, 0, 1000, 1001]),
        gid: pick([0, 0, 1000, 1001]),
        socket: pick(SOCKETS),
      }),
    ],
  ),
  /** Ethernet addresses and the kind of frame, where they are not what follows from the rest. */
  frame: weighted<Frame | null>(
    [9, fc.constant(null)],
    [
      1,
      fc.oneof(
        pick(MACS).map((mac) => ({ mac })),
        pick(MACS).map((mac_dst) => ({ mac_dst })),
        pick(['host', 'broadcast', 'multicast', 'otherhost'] as const).map((pkttype) => ({ pkttype })),
      ),
    ],
  ),
  /** TCP: 0 the usual numbers. */
  numbers: weighted([9, fc.constant(0)], [2, fc.integer({ min: 1, max: 15 })]),
  frag: weighted<Pieces | null>(
    [24, fc.constant(null)],
    [1, fc.record({ order: fc.nat({ max: 7 }), id: fc.nat({ max: 3 }), last: fc.nat({ max: 5 }) })],
  ),
})
/** A packet in pieces: their order, their identification (0: none), and what is odd about them. */
type Pieces = { order: number; id: number; last: number }
type Frame = { mac?: string; mac_dst?: string; pkttype?: PacketType }
type Facts = { cpu: number; uid: number; gid: number; socket: SocketKind }
type Extras = {
  frame: Frame | null
  facts: Facts | null
  mark: number | null
  ttl: number | null
  tos: number | null
  payload: number | null
  gap: number
  numbers: number
  frag: Pieces | null
}

const ORDERS = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1], [0], [1], [0, 1, 1, 2], [0, 2]] as const

/** Three pieces of 64 bytes, in some order, some of them missing or there twice; or one that lies across two others. */
function piecesOf({ order, id, last }: Pieces, proto: string): Record<string, number>[] {
  const header = proto === 'tcp' ? 20 : 8
  const pieces = [0, 1, 2].map((n) => ({
    frag: n * 8 + (n < 2 ? 0x2000 : 0),
    payload_len: 64 - header,
    ...(id === 0 ? {} : { ip_id: id }),
  }))
  const sent = at(ORDERS, order).map((n) => pieces[n]!)
  if (last === 1) sent.splice(1, 0, { ...pieces[1]!, frag: 0x2000 + 4 })
  if (last === 2) return [{ ...pieces[0]!, frag: 1 }, ...sent]
  return sent
}

interface Flow {
  readonly v6: boolean
  readonly local: boolean
  readonly link: number
  readonly proto: string | number
  /** How the ends are chosen: 0 the usual (from a neighbour or an own address, to anything known), 1 anything known, 2 an odd address. */
  readonly fromHow: number
  readonly toHow: number
  readonly known: boolean
  readonly from: number
  readonly to: number
  readonly sport: number
  readonly dport: number
  readonly type: number
}

const flow: fc.Arbitrary<Flow> = fc.record({
  v6: fc.boolean(),
  local: rarely(4),
  link: fc.nat({ max: 7 }),
  proto: weighted<string | number>(
    [8, fc.constant('tcp')],
    [6, fc.constant('udp')],
    [3, fc.constant('icmp')],
    [2, fc.constant('sctp')],
    [1, pick<string | number>(['gre', 'esp', 'udplite', 'dccp', 89])],
  ),
  fromHow: weighted([20, fc.constant(0)], [1, fc.constant(1)], [1, fc.constant(2)]),
  toHow: weighted([10, fc.constant(0)], [1, fc.constant(2)]),
  known: rarely(3),
  from: number,
  to: number,
  sport: fc.nat({ max: 7 }),
  dport: number,
  type: fc.nat({ max: 15 }),
})

const FLAGS = ['S', 'SA', 'A', 'PA', 'FA', 'F', 'R', 'RA', 'SF', '', 'SAUEC', 'FPU', 'FA', 'A', 'A']
const CHUNKS = [
  'INIT',
  'INIT_ACK',
  'COOKIE_ECHO',
  'COOKIE_ACK',
  'DATA',
  'SACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN_ACK',
].concat(['SHUTDOWN_COMPLETE', 'HEARTBEAT', 'HEARTBEAT_ACK', 'ERROR'])

type Step =
  | { readonly kind: 'new'; readonly flow: Flow; readonly flags: number; readonly extras: Extras }
  | { readonly kind: 'open'; readonly flow: Flow; readonly extras: Extras }
  | {
      readonly kind: 'reply' | 'again'
      readonly back: number
      readonly flags: number | null
      readonly win: number | null
      readonly other: { readonly port: number } | null
      readonly extras: Extras
    }
  | {
      readonly kind: 'error'
      readonly back: number
      readonly type: number
      readonly wrong: boolean
      readonly extras: Extras
    }
  | { readonly kind: 'close'; readonly back: number; readonly extras: Extras }

/** How far back: mostly the latest packets. */
const back = weighted([5, fc.nat({ max: 3 })], [3, fc.nat({ max: 12 })], [1, fc.nat({ max: 60 })])
const flagsOrNot = weighted<number | null>([1, fc.constant(null)], [2, fc.nat({ max: FLAGS.length - 1 })])
const talk = {
  back,
  flags: flagsOrNot,
  win: weighted<number | null>([9, fc.constant(null)], [1, pick([0, 1000])]),
  other: weighted<{ port: number } | null>([8, fc.constant(null)], [1, fc.record({ port: fc.nat({ max: 7 }) })]),
  extras,
}

const newFlow: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('new' as const),
  flow,
  flags: weighted([5, fc.constant(0)], [1, fc.nat({ max: 14 })]),
  extras,
})

const step: fc.Arbitrary<Step> = weighted<Step>(
  [5, newFlow],
  [2, fc.record({ kind: fc.constant('open' as const), flow, extras })],
  [5, fc.record({ kind: fc.constant('reply' as const), ...talk })],
  [3, fc.record({ kind: fc.constant('again' as const), ...talk })],
  [2, fc.record({ kind: fc.constant('error' as const), back, type: fc.nat({ max: 7 }), wrong: rarely(6), extras })],
  [2, fc.record({ kind: fc.constant('close' as const), back, extras })],
)

const at = <T>(values: readonly T[], n: number): T => values[n % values.length] as T

const ICMP_TYPES: Readonly<Record<Family, readonly (readonly [number, number])[]>> = {
  ipv4: [
    [8, 0],
    [8, 0],
    [8, 0],
    [13, 0],
    [0, 0],
    [15, 0],
    [3, 3],
    [40, 0],
    [5, 1],
    [9, 0],
  ],
  ipv6: [
    [128, 0],
    [128, 0],
    [128, 0],
    [129, 0],
    [135, 0],
    [139, 0],
    [1, 4],
    [3, 0],
    [200, 0],
    [143, 0],
  ],
}
const ERRORS: Readonly<Record<Family, readonly (readonly [number, number])[]>> = {
  ipv4: [
    [3, 3],
    [3, 1],
    [11, 0],
    [3, 4],
    [12, 0],
    [4, 0],
    [5, 1],
    [3, 13],
  ],
  ipv6: [
    [1, 4],
    [1, 0],
    [3, 0],
    [2, 0],
    [4, 0],
    [1, 1],
    [3, 1],
    [4, 2],
  ],
}

/** The same flow among few ends. */
function narrowed(f: Flow): Flow {
  const proto = (f.type & 3) === 0 ? f.proto : 'tcp'
  return { ...f, proto, link: f.link & 1, from: f.from % 3, to: f.to % 3, sport: f.sport & 1, dport: f.dport % 2 }
}

/** Writes lines: numbers become addresses, ports and names of the pool. */
class LineWriter {
  readonly lines: PacketLine[] = []
  private clock = 0
  private readonly pool: PacketPool
  private readonly families: readonly Family[]
  private readonly narrow: boolean

  constructor(pool: PacketPool, families: readonly Family[], narrow: boolean) {
    this.pool = pool
    this.families = families
    this.narrow = narrow
  }

  step(step: Step): void {
    const { lines } = this
    if (step.kind === 'new') {
      this.add(step.extras, this.flow(step.flow, FLAGS[step.flags] as string))
      return
    }
    if (step.kind === 'open') {
      const id = this.add(step.extras, this.flow(step.flow, 'S'))
      const proto = this.protoOf(id)
      if (proto === 'sctp') {
        this.add(null, { reply_to: id, sctp_chunk: 'INIT_ACK' })
        this.add(null, { again: id, sctp_chunk: 'COOKIE_ECHO' })
        this.add(null, { reply_to: id, sctp_chunk: 'COOKIE_ACK' })
      } else {
        this.add(null, { reply_to: id, ...(proto === 'tcp' ? { flags: 'SA' } : {}) })
        this.add(null, { again: id, ...(proto === 'tcp' ? { flags: 'A' } : {}) })
      }
      return
    }
    if (lines.length === 0) return
    const ref = (lines[Math.max(0, lines.length - 1 - step.back)] as PacketLine).id
    if (step.kind === 'close') {
      const id = this.add(step.extras, { again: ref, flags: 'FA' })
      this.add(null, { reply_to: id, flags: 'FA', ack: 1002 })
      this.add(null, { again: id, flags: 'A', seq: 1002, ack: 1002 })
      return
    }
    if (step.kind === 'error') {
      const v6 = this.family(ref) === 'ipv6'
      const [type, code] = at(ERRORS[v6 ? 'ipv6' : 'ipv4'], step.type)
      const odd = step.wrong ? { dst: at(this.pool.all[v6 ? 'ipv6' : 'ipv4'], step.type) } : {}
      this.add(step.extras, { error_to: ref, icmp_type: type, icmp_code: code, ...odd })
      return
    }
    const proto = this.protoOf(ref)
    const fields: Record<string, unknown> = { [step.kind === 'reply' ? 'reply_to' : 'again']: ref }
    if (step.flags !== null && proto === 'tcp') fields['flags'] = FLAGS[step.flags]
    else if (proto === 'tcp' && step.kind === 'reply') fields['flags'] = 'SA'
    if (step.flags !== null && proto === 'sctp') fields['sctp_chunk'] = at(CHUNKS, step.flags)
    if (step.win !== null && proto === 'tcp') fields['win'] = step.win
    if (step.other !== null && (proto === 'tcp' || proto === 'udp'))
      fields[step.kind === 'reply' ? 'dport' : 'sport'] = 40000 + step.other.port
    this.add(step.extras, fields)
  }

  private add(extras: Extras | null, fields: Record<string, unknown>): number {
    const id = this.lines.length + 1
    this.clock += extras?.gap ?? 0
    const more: Record<string, unknown> = {}
    if (extras !== null) {
      if (extras.mark !== null) more['mark'] = at(this.pool.marks, extras.mark)
      if (extras.ttl !== null) more['ttl'] = extras.ttl
      if (extras.tos !== null) more['tos'] = extras.tos
      if (extras.facts !== null) Object.assign(more, extras.facts)
      // Most of what is sent here says who sends it.
      else if (fields['iface'] === 'local' && id % 3 !== 0)
        Object.assign(more, { uid: id % 2 ? 0 : 1000, gid: id % 5 ? 0 : 1000 })
      if (extras.frame !== null) Object.assign(more, extras.frame)
      if (extras.payload !== null) more['payload_len'] = extras.payload
      if (extras.numbers !== 0 && (fields['proto'] === 'tcp' || typeof fields['flags'] === 'string')) {
        more['seq'] = at(SEQUENCE, extras.numbers)
        if (extras.numbers & 4) more['ack'] = at(SEQUENCE, extras.numbers >> 1)
      }
    }
    const line = { id, at_ms: this.clock, ...fields, ...more }
    if (extras?.frag == null) {
      this.lines.push(line)
      return id
    }
    for (const piece of piecesOf(extras.frag, String(fields['proto'] ?? this.protoOf(id - 1)))) {
      this.lines.push({ ...line, ...piece, id: this.lines.length + 1 })
    }
    return this.lines.length
  }

  /** Follows references back to the line that opened the flow. */
  private opening(id: number): PacketLine {
    let line = this.lines[id - 1] as PacketLine
    for (;;) {
      const ref = line['reply_to'] ?? line['again'] ?? line['error_to']
      if (typeof ref !== 'number') return line
      line = this.lines[ref - 1] as PacketLine
    }
  }

  private family(id: number): Family {
    return familyOf(String(this.opening(id)['src']))
  }

  private protoOf(id: number): unknown {
    const line = this.lines[id - 1] as PacketLine
    if (line['error_to'] !== undefined) return 'icmp'
    const ref = line['reply_to'] ?? line['again']
    return typeof ref === 'number' ? this.protoOf(ref) : line['proto']
  }

  private flow(drawn: Flow, flags: string): Record<string, unknown> {
    const f = this.narrow ? narrowed(drawn) : drawn
    const { pool } = this
    const family = this.families.length === 1 ? (this.families[0] as Family) : f.v6 ? 'ipv6' : 'ipv4'
    const local = f.local || pool.links.length === 0
    const k = f.link % Math.max(1, pool.links.length)
    const usual = local ? pool.own[family] : (pool.near[family][k] ?? [])
    const known = pool.all[family].length ? pool.all[family] : pool.odd[family]
    const src = at(f.fromHow === 0 && usual.length ? usual : f.fromHow === 2 ? pool.odd[family] : known, f.from)
    const target = f.known && pool.targets[family].length ? at(pool.targets[family], f.to) : null
    const dst = target?.dst ?? at(f.toHow === 2 ? pool.odd[family] : known, f.to)
    const proto = target?.proto === undefined ? f.proto : isIcmp(target.proto) ? 'icmp' : protoName(target.proto)
    const fields: Record<string, unknown> = { iface: local ? 'local' : at(pool.links, f.link), proto, src, dst }
    if (proto === 'icmp') {
      const [type, code] = at(ICMP_TYPES[family], f.type)
      Object.assign(
        fields,
        { icmp_type: type, icmp_code: code },
        type === 3 || type === 5 || (family === 'ipv6' && type < 128) ? {} : { icmp_id: 1 + (f.sport & 3) },
      )
      return fields
    }
    if (typeof proto === 'string' && proto !== 'gre' && proto !== 'esp') {
      fields['sport'] = f.sport < 4 ? 40000 + f.sport : f.sport < 6 ? 595 + f.sport : at(pool.ports, f.from)
      fields['dport'] = target?.dport ?? at(pool.ports, f.dport)
    }
    if (proto === 'tcp') fields['flags'] = flags
    if (proto === 'sctp') fields['sctp_chunk'] = at(CHUNKS, FLAGS.indexOf(flags))
    return fields
  }
}

/** Steps that are not yet bound to a namespace; they shrink by themselves, whatever the namespace does. */
export interface AbstractPackets {
  readonly bind: (namespace: NetworkNamespace) => PacketLine[]
}

/** Packet sequences for a namespace that is generated beside them: `fc.tuple(namespaces(), abstractPackets())`. */
export function abstractPackets(options: PacketOptions = {}): fc.Arbitrary<AbstractPackets> {
  const max = options.maxPackets ?? 60
  const rest = listOf(step, Math.max(0, (options.minPackets ?? 1) - 1), max - 1)
  return fc.tuple(newFlow, rest).map(([first, later]) => ({
    bind: (namespace: NetworkNamespace) => {
      const pool = packetPool(namespace)
      const ruled = [...new Set(namespace.rulesets.map((r) => r.family))]
      const writer = new LineWriter(
        pool,
        options.families ?? (ruled.length ? ruled : ['ipv4', 'ipv6']),
        options.narrow ?? false,
      )
      for (const s of [first, ...later]) if (writer.lines.length < max) writer.step(s)
      return writer.lines
    },
  }))
}

/**
 * Packet lines for this namespace: every address, port and mark that it names occurs, and what provokes trouble
 * (martians, multicast, low TTLs, senseless flags). Print one line each (`JSON.stringify`) and give the text to
 * `readPacketLines`, the items to `runScript` with the data plane of your choice.
 *
 * `const lines = fc.sample(packetLines(namespace), 1)[0]`
 */
export function packetLines(namespace: NetworkNamespace, options: PacketOptions = {}): fc.Arbitrary<PacketLine[]> {
  return abstractPackets(options).map((packets) => packets.bind(namespace))
}

/** A namespace and packets for it. */
export interface Scenario {
  readonly namespace: NetworkNamespace
  readonly lines: readonly PacketLine[]
}

/** Namespaces with packets that mean something to them; both parts shrink on their own. */
export function scenarios(
  namespace: fc.Arbitrary<NetworkNamespace>,
  options: PacketOptions = {},
): fc.Arbitrary<Scenario> {
  return fc.tuple(namespace, abstractPackets(options)).map(([n, packets]) => ({ namespace: n, lines: packets.bind(n) }))
}
