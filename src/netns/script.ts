// A sequence of packets played through a data plane, and the shape of printed answers. refer.ts makes the lines concrete.
import { FaultError, fail } from '../net/fault.js'
import { packetLength } from '../net/length.js'
import type { Answer, ConntrackEntry, Header, Packet, Quoted } from '../net/packet.js'
import { hasPorts, isIcmp, PROTOCOL_TCP, protoNumber } from '../net/proto.js'
import type { DataPlane } from './dataplane.js'
import { fieldPlace, type PacketId, type PacketItem } from './packets.js'
import { printedHeader, printedProto } from './printed-header.js'
import { PacketScript, type Resolved, type ScriptOptions } from './refer.js'

/** An answer as it is printed: `in` is the concrete packet, missing when the packet was skipped. */
export type PrintedAnswer = Omit<Answer, 'in' | 'id'> & { id: PacketId; in?: Partial<Packet> }

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
    'sctp_flags',
    'dccp_type',
    'dccp_options',
    'os',
    'cgroup',
    'cgroup_path',
    'groups',
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
