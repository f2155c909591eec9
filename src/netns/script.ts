// A sequence of packets played through a data plane: lines that refer to earlier packets become concrete here.
// Owns what `reply_to`, `error_to` and `again` take from the packet they name, and the shape of printed answers.
// A reply is made from where the packet ended up: its final header turned round, on the interface by which it left.
import { PacketError } from '../net/complete.js'
import { FaultError, fail } from '../net/fault.js'
import { isLaterFragment } from '../net/fragment.js'
import { packetLength } from '../net/length.js'
import type { Answer, ConntrackEntry, Header, Packet, Quoted } from '../net/packet.js'
import { hasPorts, isIcmp, isIcmpError, PROTOCOL_TCP, protoNumber } from '../net/proto.js'
import type { DataPlane, ProcessOptions } from './dataplane.js'
import { quoted } from './fields.js'
import { fieldPlace, type PacketId, type PacketItem, packetFault, packetFields, packetOf } from './packets.js'

export interface ScriptOptions extends ProcessOptions {
  /** Name of the packets' file, for messages. */
  readonly file: string
  /** The interfaces of the namespace. Left out: the data plane finds unknown ones. */
  readonly interfaces?: ReadonlySet<string>
}

/** An item made concrete. */
export interface Resolved {
  readonly packet: Packet
  /** The fields before defaults were filled; `again` starts from them. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** An answer as it is printed: `in` is the concrete packet, missing when the packet was skipped. */
export type PrintedAnswer = Omit<Answer, 'in' | 'id'> & { id: PacketId; in?: Partial<Packet> }

/** What the answer to an ICMP query is. Timestamp and echo only; other messages have no reply. */
const REPLY_TYPES: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [128, 129],
  [129, 128],
])

interface Past {
  readonly resolved: Resolved
  readonly answer: Answer
}

/** Makes items concrete, one after the other, from the answers so far. */
export class PacketScript {
  private readonly options: ScriptOptions
  /** Packets that a later line names or may name; gone with their lines. */
  private readonly past = new WeakMap<PacketItem, Past>()

  constructor(options: ScriptOptions) {
    this.options = options
  }

  /**
   * The concrete packet of an item; null when the packet that it refers to went nowhere (then nothing is sent). Throws a
   * FaultError when the fields do not fit together or the interface is unknown.
   */
  resolve(item: PacketItem): Resolved | null {
    const resolved = item.reference === undefined ? this.made(item, item.fields) : this.relative(item)
    if (resolved === null) return null
    const { iface } = resolved.packet
    if (iface !== 'local' && this.options.interfaces?.has(iface) === false) {
      const { line, column } = fieldPlace(item.text, item.line, this.options.file, 'iface')
      fail(this.options.file, line, column, `there is no interface ${quoted(iface)} in this namespace`)
    }
    return resolved
  }

  /** Keeps what became of an item, for lines that refer to it. */
  settle(item: PacketItem, resolved: Resolved, answer: Answer): void {
    if (!item.referenced) return
    const { trace: _trace, trace_reply: _reply, steps: _steps, ct: _ct, ...kept } = answer
    this.past.set(item, { resolved, answer: kept })
  }

  private relative(item: PacketItem): Resolved | null {
    const { fields } = item
    const { kind, to } = item.reference!
    const past = this.past.get(to)
    if (past === undefined) return null // it was skipped itself
    let base: Record<string, unknown> | null
    if (kind === 'again') base = againFields(past.resolved.fields, fields)
    else if (!['forward', 'out', 'local'].includes(past.answer.verdict)) base = null
    else base = kind === 'reply_to' ? replyFields(past.answer) : errorFields(past)
    if (base === null) return null
    return this.made(item, Object.assign(base, fields))
  }

  private made(item: PacketItem, fields: Readonly<Record<string, unknown>>): Resolved {
    try {
      return { packet: packetOf(item, fields), fields }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error
      throw packetFault(error, item, this.options.file)
    }
  }
}

function againFields(before: Resolved['fields'], own: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = packetFields(before)
  // Flags and numbers go together: other flags have their own default numbers.
  if ('payload_len' in own || 'payload' in own) for (const key of ['payload_len', 'payload']) delete fields[key]
  if ('flags' in own || !('flags' in before)) for (const key of ['flags', 'seq', 'ack']) delete fields[key]
  return fields
}

function turned(answer: Answer): Record<string, unknown> {
  return Object.assign(Object.create(null), {
    proto: answer.proto,
    src: answer.dst,
    dst: answer.src,
    iface: answer.verdict === 'local' ? 'local' : (answer.out_port ?? answer.out_iface),
  })
}

function replyFields(answer: Answer): Record<string, unknown> | null {
  const fields = turned(answer)
  if (answer.sport !== undefined) {
    fields['sport'] = answer.dport
    fields['dport'] = answer.sport
  }
  if (answer.icmp_type !== undefined) {
    const type = REPLY_TYPES.get(answer.icmp_type)
    if (type === undefined) return null
    fields['icmp_type'] = type
    fields['icmp_id'] = answer.icmp_id ?? 0
  }
  if (answer.proto === 'sctp') fields['sctp_chunk'] = 'INIT_ACK'
  return fields
}

/** Bytes that a reporting host quotes: the IP header and 8 more; the whole TCP header, for its flags. */
function quoteLength(v6: boolean, proto: number): number {
  return (v6 ? 48 : 28) + (proto === PROTOCOL_TCP ? 20 : 0)
}

function errorFields({ resolved, answer }: Past): Record<string, unknown> {
  const v6 = (answer.src ?? '').includes(':')
  const proto = protoNumber(answer.proto ?? 0) ?? 0
  const header = printedHeader(answer)
  delete header.inner
  const inner: Quoted = { ...header, payload_len: resolved.packet.payload_len ?? 0 } as Quoted
  if (resolved.packet.sctp_chunk !== undefined) inner.sctp_chunk = resolved.packet.sctp_chunk
  if (isIcmp(proto) && isIcmpError(proto, answer.icmp_type ?? 0)) {
    inner.payload_len = packetLength(resolved.packet) - (v6 ? 48 : 28) // what it quotes itself counts as payload
  }
  const fields = turned(answer)
  fields['proto'] = v6 ? 'icmpv6' : 'icmp'
  fields['icmp_type'] = v6 ? 1 : 3
  fields['icmp_code'] = v6 ? 4 : 3
  fields['inner'] = inner
  fields['inner_len'] = quoteLength(v6, proto)
  return fields
}

/** Numbers without a name are printed as text, as the names are. */
function printedProto(proto: Header['proto'] | undefined): Header['proto'] {
  return (typeof proto === 'number' ? String(proto) : proto) as Header['proto']
}

/** Of a fragment only the first shows what stands behind the IP header. */
const BEHIND_IP = ['sport', 'dport', 'flags', 'seq', 'ack', 'icmp_type', 'icmp_code', 'icmp_id', 'inner'] as const

/** The header keys of an answer in their printed form: no TCP numbers, no tos 0. */
function printedHeader(header: Partial<Header>, numbers = false): Partial<Header> {
  const printed: Partial<Header> = { proto: printedProto(header.proto) }
  for (const key of ['src', 'dst', 'ttl', 'tos', 'sport', 'dport', 'flags', 'seq', 'ack'] as const) {
    const value = header[key]
    if (value === undefined || (key === 'tos' && value === 0)) continue
    if ((key === 'seq' || key === 'ack') && !numbers) continue
    ;(printed as Record<string, unknown>)[key] = value
  }
  for (const key of ['icmp_type', 'icmp_code', 'icmp_id'] as const) {
    if (header[key] !== undefined) printed[key] = header[key]
  }
  if (header.inner !== undefined) printed.inner = printedHeader(header.inner) as Quoted
  if (header.frag === undefined) return printed
  if (isLaterFragment(header)) {
    for (const key of BEHIND_IP) delete printed[key]
  }
  return { ...printed, frag: header.frag }
}

/** What can be seen of a quoted packet in so many bytes; undefined when not even its IP header is whole. */
function printedQuote(inner: Quoted, limit: number): Quoted | undefined {
  const quote = printedHeader(inner) as Quoted
  const rest = Math.min(packetLength(inner), limit) - (inner.src.includes(':') ? 40 : 20)
  if (rest < 0) return undefined
  const proto = protoNumber(inner.proto) ?? 0
  const hide: (keyof Header)[] = []
  if (hasPorts(proto) && rest < 4) hide.push('sport', 'dport')
  if (proto === PROTOCOL_TCP && rest < 14) hide.push('flags')
  if (isIcmp(proto) && rest < 8) hide.push('icmp_type', 'icmp_code', 'icmp_id')
  for (const key of hide) delete quote[key]
  return quote
}

/** The concrete packet as an answer's `in` prints it: what is on the wire, and what else the line gave. */
export function printedPacket({ packet, fields }: Resolved, timed = false): Partial<Packet> {
  const printed: Partial<Packet> = { iface: packet.iface, ...printedHeader(packet, true) }
  if (packet.inner !== undefined) {
    const inner = printedQuote(packet.inner, packet.inner_len ?? Number.POSITIVE_INFINITY)
    if (inner === undefined) delete printed.inner
    else printed.inner = inner
  }
  for (const key of [
    'mark',
    'payload_len',
    'win',
    'tcp_options',
    'ip_id',
    'bad_csum',
    'sctp_chunk',
    'vtag',
    'uid',
    'gid',
    'cpu',
    'mac',
    'mac_dst',
    'pkttype',
    'df',
    'flow_label',
    'icmp_seq',
    'icmp_rest',
    'payload',
  ] as const) {
    const zero = key === 'uid' || key === 'gid' || key === 'cpu'
    if (fields[key] !== undefined && (packet[key] || (zero && packet[key] === 0)))
      (printed as Record<string, unknown>)[key] = packet[key]
  }
  if (timed && packet.at_ms !== undefined) printed.at_ms = packet.at_ms
  return printed
}

function printedConnection(entry: ConntrackEntry): ConntrackEntry {
  return { ...entry, proto: printedProto(entry.proto) }
}

/** An answer in its printed form, keys in their printed order. `resolved` null: the packet was skipped. */
export function printedAnswer(
  item: Pick<PacketItem, 'id' | 'timed'>,
  resolved: Resolved | null,
  answer: Answer | null,
): PrintedAnswer {
  if (resolved === null || answer === null) return { id: item.id, verdict: 'skipped' }
  const printed: PrintedAnswer = {
    id: item.id,
    verdict: answer.verdict,
    in: printedPacket(resolved, item.timed),
  }
  if (answer.out_iface !== undefined) printed.out_iface = answer.out_iface
  if (answer.out_port !== undefined) printed.out_port = answer.out_port
  if (answer.flooded !== undefined) printed.flooded = answer.flooded
  if (answer.in_iface !== undefined) printed.in_iface = answer.in_iface
  if (answer.verdict === 'forward' || answer.verdict === 'out' || answer.verdict === 'local') {
    Object.assign(printed, printedHeader(answer))
    if (answer.mark !== undefined) printed.mark = answer.mark
  }
  if (answer.reject_with !== undefined) printed.reject_with = answer.reject_with
  if (answer.reply !== undefined) {
    const header = printedHeader(answer.reply, answer.reply.proto === 'tcp') as Header
    printed.reply = { ...header, out_iface: answer.reply.out_iface }
  }
  for (const key of ['errno', 'dropped_by'] as const) {
    if (answer[key] !== undefined) (printed as Record<string, unknown>)[key] = answer[key]
  }
  if (answer.ct !== undefined) printed.ct = answer.ct === null ? null : printedConnection(answer.ct)
  for (const key of ['trace', 'trace_reply', 'steps'] as const) {
    if (answer[key] !== undefined) (printed as Record<string, unknown>)[key] = answer[key]
  }
  return printed
}

/** Plays items through a data plane as they come. */
export class ScriptPlayer {
  readonly #script: PacketScript
  readonly #dataPlane: DataPlane
  readonly #options: ScriptOptions

  constructor(dataPlane: DataPlane, options: ScriptOptions) {
    this.#script = new PacketScript(options)
    this.#dataPlane = dataPlane
    this.#options = options
  }

  /** The printed answer. A RangeError of the data plane (unknown interface, clock) becomes a FaultError with the line. */
  play(item: PacketItem): PrintedAnswer {
    const resolved = this.#script.resolve(item)
    if (resolved === null) return printedAnswer(item, null, null)
    let answer: Answer
    try {
      answer = this.#dataPlane.process(resolved.packet, this.#options)
    } catch (error) {
      if (!(error instanceof RangeError) || error instanceof FaultError) throw error
      const { file } = this.#options
      const field = resolved.packet.iface !== 'local' && /interface/.test(error.message) ? 'iface' : ''
      const { line, column } = fieldPlace(item.text, item.line, file, field)
      return fail(file, line, column, error.message)
    }
    this.#script.settle(item, resolved, answer)
    return printedAnswer(item, resolved, answer)
  }
}

/** Plays items through a data plane, one after the other, and gives each printed answer as soon as it is there. */
export function* runScript(
  items: Iterable<PacketItem>,
  dataPlane: DataPlane,
  options: ScriptOptions,
): Generator<PrintedAnswer, void, undefined> {
  const player = new ScriptPlayer(dataPlane, options)
  for (const item of items) yield player.play(item)
}
