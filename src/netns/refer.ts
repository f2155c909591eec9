// Lines that refer to earlier packets of a sequence become concrete packets: what `reply_to`, `error_to` and `again` take from
// the packet they name. A reply is made from where the packet ended up: its final header turned round, on the interface by
// which it left.
import { PacketError } from '../net/complete.js'
import { fail } from '../net/fault.js'
import { packetLength } from '../net/length.js'
import type { Answer, Packet, Quoted } from '../net/packet.js'
import { isIcmp, isIcmpError, PROTOCOL_TCP, protoNumber } from '../net/proto.js'
import type { ProcessOptions } from './dataplane.js'
import { quoted } from './fields.js'
import { fieldPlace, type PacketItem, packetFault, packetFields, packetOf } from './packets.js'
import { printedHeader } from './printed-header.js'

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
