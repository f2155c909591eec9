// The packets that leave a namespace because of one packet: it itself when it is sent on or out, and what answers it.
// Owns how an answer's header and the packet that went in make the packet on the wire again.
import type { Answer, Header, Packet, Quoted } from '../net/packet.js'

/** A packet on its way out by an interface. */
export interface Leaving {
  readonly iface: string
  readonly packet: Packet
}

const HEADER: readonly (keyof Header)[] = [
  'proto',
  'src',
  'dst',
  'sport',
  'dport',
  'flags',
  'ttl',
  'tos',
  'icmp_type',
  'icmp_code',
  'icmp_id',
]

function changed(before: Packet, answer: Partial<Header>): Packet {
  const { id: _id, at_ms: _at, mark: _mark, ...packet } = before
  const to = packet as unknown as Record<string, unknown>
  for (const key of HEADER) {
    if (answer[key] !== undefined) to[key] = answer[key]
    else if (key === 'tos') delete to[key]
  }
  if (packet.inner !== undefined && answer.inner !== undefined) packet.inner = { ...packet.inner, ...answer.inner }
  return packet
}

/** An answer quotes the packet as it stood, of which it prints the header. */
function replyPacket({ in: cause, reply }: Answer): Leaving {
  const { out_iface: iface, inner, ...header } = reply!
  const quoted: Quoted | undefined = inner && {
    ...inner,
    ...(cause.payload_len === undefined ? {} : { payload_len: cause.payload_len }),
    ...(cause.sctp_chunk === undefined ? {} : { sctp_chunk: cause.sctp_chunk }),
    ...(cause.seq === undefined || inner.seq !== undefined ? {} : { seq: cause.seq }),
    ...(cause.ack === undefined || inner.ack !== undefined ? {} : { ack: cause.ack }),
  }
  const win = header.proto === 'tcp' ? { win: 0 } : {}
  return { iface, packet: { ...header, ...win, iface, ...(quoted === undefined ? {} : { inner: quoted }) } }
}

/** What leaves by an interface because of this packet, in order; nothing when it was dropped or delivered here. */
export function leaving(answer: Answer): Leaving[] {
  const { verdict, reply } = answer
  if (verdict === 'forward' || verdict === 'out') {
    const iface = answer.out_port ?? answer.out_iface ?? ''
    return [{ iface, packet: { ...changed(answer.in, answer), iface } }]
  }
  return reply !== undefined && reply.out_iface !== 'local' ? [replyPacket(answer)] : []
}
