// What the kernel did with one packet, from what was seen of it: frames that left, what the probes logged, TRACE.
// Owns how bytes are recognised as the packet, as an answer to it, or as something else.
import { decodePacket, LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../src/net/bytes.js'
import type { CtStatus, FlowCount, Header, Packet, ProtoName, Quoted, Tuple, Verdict } from '../../src/net/packet.js'
import { hasPorts, icmpReplyType, isIcmp, isIcmpError, protoName, protoNumber } from '../../src/net/proto.js'
import type { Ruleset } from '../../src/netfilter/model.js'
import type { RawConnection, SendAnswer } from './machine.js'
import { whose } from './probes.js'

/** An entry as the kernel shows it: as engines print it, the zone always there. */
export interface KernelConnection {
  family: 'ipv4' | 'ipv6'
  proto: ProtoName
  protonum: number
  timeout: number
  state?: string
  orig: Tuple
  reply: Tuple
  status: CtStatus[]
  mark: number
  zone?: number
  /** Only at the end of a run. */
  helper?: string
  counted?: { orig: FlowCount; reply: FlowCount }
}

/** The kernel's answer, in the keys of an engine's. */
export interface KernelAnswer extends Partial<Header> {
  id: number
  verdict: Verdict
  in: Packet
  out_iface?: string
  out_port?: string
  in_iface?: string
  mark?: number
  reject_with?: string
  reply?: Header & { out_iface: string }
  errno?: string
  ct: KernelConnection | null
  /** Where zones other than 0 are in play: all connections with the packet's tuple. `ct` is then the only one, or null. */
  zoned?: KernelConnection[]
  trace: string[]
  trace_reply?: string[]
  /** Packets that nothing explains, as headers. */
  emitted?: unknown[]
}

const STATUS: readonly (CtStatus | null)[] = [
  ...(['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'SRC_NAT', 'DST_NAT', 'SEQ_ADJUST'] as const),
  ...(['SRC_NAT_DONE', 'DST_NAT_DONE', null, 'FIXED_TIMEOUT'] as const),
]

const REJECTS: ReadonlyMap<string, string> = new Map([
  ...(
    [
      ['1 3/0', 'icmp-net-unreachable'],
      ['1 3/1', 'icmp-host-unreachable'],
      ['1 3/2', 'icmp-proto-unreachable'],
      ['1 3/3', 'icmp-port-unreachable'],
      ['1 3/4', 'icmp-frag-needed'],
      ['1 3/9', 'icmp-net-prohibited'],
      ['1 3/10', 'icmp-host-prohibited'],
      ['1 3/13', 'icmp-admin-prohibited'],
      ['1 11/0', 'icmp-ttl-exceeded'],
      ['58 1/0', 'icmp6-no-route'],
      ['58 1/1', 'icmp6-adm-prohibited'],
      ['58 1/2', 'icmp6-beyond-scope'],
      ['58 1/3', 'icmp6-addr-unreachable'],
      ['58 1/4', 'icmp6-port-unreachable'],
      ['58 1/5', 'icmp6-policy-fail'],
      ['58 1/6', 'icmp6-reject-route'],
      ['58 2/0', 'icmp6-packet-too-big'],
      ['58 3/0', 'icmp6-hop-limit-exceeded'],
    ] as const
  ).map(([key, name]): [string, string] => [key, name]),
])

interface Seen {
  readonly header: Header
  readonly bytes: Uint8Array
}

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

function seen(bytes: Uint8Array, linkType = LINKTYPE_RAW): Seen | null {
  const found = decodePacket(bytes, linkType)
  if ('problem' in found) return null
  const ip = linkType === LINKTYPE_ETHERNET ? bytes.subarray(14) : bytes
  return { header: found.packet, bytes: ip }
}

/** The keys of a header that answers print. */
function printed(h: Header | Quoted, numbers = false): Header {
  const out: Record<string, unknown> = {}
  for (const key of ['proto', 'src', 'dst', 'ttl', 'tos', 'sport', 'dport', 'flags'] as const)
    if (h[key] !== undefined && !(key === 'tos' && h.tos === 0)) out[key] = h[key]
  for (const key of ['icmp_type', 'icmp_code', 'icmp_id'] as const) if (h[key] !== undefined) out[key] = h[key]
  if (numbers && h.proto === 'tcp') Object.assign(out, { seq: h.seq, ack: h.ack })
  if (h.inner !== undefined) out['inner'] = printed(h.inner)
  return out as unknown as Header
}

/** The tuple by which the packet's connection is found, for netlink; null: it has none. */
export function lookUp(packet: Packet): object | null {
  const number = protoNumber(packet.proto) ?? 0
  const error = isIcmp(number) && isIcmpError(number, packet.icmp_type ?? 0)
  if (!error) return number === 0 ? null : { ...ends(packet, number) }
  const { inner } = packet
  const quoted = inner && protoNumber(inner.proto)
  if (!inner || !quoted || (isIcmp(quoted) && inner.icmp_id === undefined)) return null
  const t = ends(inner, quoted)
  if (isIcmp(quoted)) {
    const type = icmpReplyType(quoted, inner.icmp_type ?? 0)
    return type === null ? null : { ...t, src: inner.dst, dst: inner.src, icmp_type: type }
  }
  return { ...t, src: inner.dst, dst: inner.src, sport: inner.dport ?? 0, dport: inner.sport ?? 0 }
}

function ends(h: Header, protonum: number): Record<string, unknown> {
  const { src, dst, sport = 0, dport = 0, icmp_type, icmp_code, icmp_id = 0 } = h
  return { protonum, src, dst, ...(isIcmp(protonum) ? { icmp_type, icmp_code, icmp_id } : { sport, dport }) }
}

function tupleOf(raw: RawConnection['orig'], protonum: number): Tuple {
  const t = { ...raw } as unknown as Tuple
  // GRE's keys stand in the place of ports.
  if (!hasPorts(protonum) && protonum !== 47) {
    delete t.sport
    delete t.dport
  }
  return t
}

export function connectionOf(raw: RawConnection, atEnd = false): KernelConnection {
  const { family, protonum, timeout, state, mark } = raw
  const zone = raw.zone || raw.zone_orig || raw.zone_reply || 0
  return {
    family,
    proto: protoName(protonum),
    protonum,
    timeout,
    ...(state === undefined ? {} : { state }),
    orig: tupleOf(raw.orig, protonum),
    reply: tupleOf(raw.reply, protonum),
    status: STATUS.filter((s, bit): s is CtStatus => s !== null && (raw.status & (1 << bit)) !== 0),
    mark,
    ...(zone === 0 ? {} : { zone }),
    ...(atEnd && raw.helper !== undefined ? { helper: raw.helper } : {}),
    ...(atEnd && raw.counted !== undefined ? { counted: raw.counted } : {}),
  }
}

/** Number of rules by `family table chain`: TRACE calls a bare `-j ACCEPT` a policy and a bare `-j RETURN` a return. */
export function ruleCounts(rulesets: readonly Ruleset[]): ReadonlyMap<string, number> {
  return new Map(
    rulesets.flatMap(({ family, tables }) =>
      tables.flatMap((t) => t.chains.map((c): [string, number] => [`${family}:${t.name}:${c.name}`, c.rules.length])),
    ),
  )
}

function traceLine(text: string, family: string, counts: ReadonlyMap<string, number>): string {
  const line = text.replace(/^TRACE: /, '').trim()
  const parts = line.split(':')
  const n = Number(parts.pop())
  const what = parts.pop()
  if (what === 'rule' || Number.isNaN(n)) return line
  const chain = parts.join(':')
  return n <= (counts.get(`${family}:${chain}`) ?? 0) ? `${chain}:rule:${n}` : `${chain}:${what}`
}

export interface Sent {
  readonly packet: Packet
  readonly tag: number
  readonly counts: ReadonlyMap<string, number>
  /** Bridges by their ports. */
  readonly masters: ReadonlyMap<string, string>
  /** Are zones other than 0 in play? */
  readonly zoned: boolean
}

/** Puts together what was seen of one packet. */
export function observe(raw: SendAnswer, { packet, tag, counts, masters, zoned }: Sent): KernelAnswer {
  const v6 = packet.src.includes(':')
  const number = protoNumber(packet.proto) ?? 0
  const isIt = (s: Seen, as: 'packet' | 'copy' = 'packet'): boolean =>
    whose(s.bytes, tag) === as &&
    s.header.src.includes(':') === v6 &&
    protoNumber(s.header.proto) === number &&
    (!isIcmp(number) || s.header.icmp_type === packet.icmp_type)
  const answerName = ({ header: h }: Seen): string | null => {
    const proto = protoNumber(h.proto) ?? 0
    if (isIcmp(proto) && isIcmpError(proto, h.icmp_type ?? 0)) {
      const key = `${h.icmp_type}/${h.icmp_code}`
      return h.inner === undefined ? null : (REJECTS.get(`${proto} ${key}`) ?? `icmp-${key}`)
    }
    return proto === 6 && number === 6 && h.flags?.includes('R') ? 'tcp-reset' : null
  }
  const marks = new Map<string, number>()
  const emitted: unknown[] = []
  let local: { s: Seen; iface: string; mark: number } | null = null
  let answer: { s: Seen; name: string; out_iface: string } | null = null
  /** An ICMP error about a copy is no answer to the packet. */
  const isAboutCopy = ({ bytes, header: h }: Seen): boolean => {
    const inner = bytes.subarray(v6 ? 48 : 28)
    return h.inner !== undefined && inner.length >= 20 && whose(inner, tag) === 'copy'
  }
  /** TEE copies answers as well, and the copy leaves first. */
  const isSame = (a: Seen, b: Seen): boolean =>
    JSON.stringify(printed(a.header, true)) === JSON.stringify(printed(b.header, true))
  const other = (s: Seen, where: string): void => {
    if (isAboutCopy(s)) return
    const name = answerName(s)
    if (name !== null && (answer === null || isSame(answer.s, s))) answer = { s, name, out_iface: where }
    else emitted.push({ ...printed(s.header), to: where })
  }
  for (const [prefix, inIface, outIface, mark, hex] of raw.logs) {
    const s = seen(bytesOf(hex))
    if (s === null) continue
    if (prefix === 'P') {
      // Of what this host hears of its own, IPv4 sends the copy first, IPv6 the packet.
      if (isIt(s) && !(v6 && marks.has(outIface))) marks.set(outIface, mark)
    } else if (isIt(s, 'copy')) continue
    else if (!isIt(s)) other(s, 'local')
    else local ??= { s, iface: inIface, mark }
  }
  const left: { s: Seen; port: string }[] = []
  for (const [iface, hex] of raw.frames) {
    const s = seen(bytesOf(hex), LINKTYPE_ETHERNET)
    if (s === null) continue
    if (isIt(s)) left.push({ s, port: iface })
    else if (!isIt(s, 'copy')) other(s, iface)
  }
  const result: KernelAnswer = {
    id: packet.id as number,
    verdict: 'drop',
    in: packet,
    ct: raw.ct.length === 1 ? connectionOf(raw.ct[0]!) : null,
    ...(zoned ? { zoned: raw.ct.map((c) => connectionOf(c)) } : {}),
    trace: [],
  }
  if (local !== null) {
    const { s, iface, mark } = local as { s: Seen; iface: string; mark: number }
    Object.assign(result, { verdict: 'local', in_iface: iface, ...printed(s.header), mark })
  } else if (left.length > 0) {
    const { s, port } = left[0]!
    const master = masters.get(port)
    const out = master ?? port
    Object.assign(result, { verdict: packet.iface === 'local' ? 'out' : 'forward', out_iface: out })
    if (master !== undefined) result.out_port = port
    Object.assign(result, printed(s.header), { mark: marks.get(out) ?? marks.get(port) })
  }
  if (answer !== null) {
    const { s, name, out_iface } = answer as { s: Seen; name: string; out_iface: string }
    if (result.verdict === 'drop') {
      result.verdict = 'reject'
      result.reject_with = name
      result.reply = { ...printed(s.header, true), out_iface }
    } else emitted.push({ ...printed(s.header), to: out_iface })
  }
  if (raw.fault !== null && packet.iface === 'local') result.errno = raw.fault
  const family = v6 ? 'ipv6' : 'ipv4'
  const reply: string[] = []
  for (const [text, hex] of raw.trace) {
    const bytes = bytesOf(hex)
    const line = traceLine(text, family, counts)
    const mine = bytes.length > 20 && whose(bytes, tag) !== null
    if (mine) result.trace.push(line)
    else reply.push(line)
  }
  if (reply.length > 0) result.trace_reply = reply
  if (emitted.length > 0) result.emitted = emitted
  return result
}
