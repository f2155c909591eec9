// The tuple of a packet: what says to which connection it belongs; its inverse; its form as text.
// Kernel: net/netfilter/nf_conntrack_core.c (nf_ct_get_tuple, nf_ct_invert_tuple), nf_conntrack_proto_icmp.c.
import type { Header, Packet, Tuple } from '../net/packet.js'
import { icmpReplyType, isIcmp, isIcmpError, protoNumber } from '../net/proto.js'
import type { FlowTuple, Zone } from './types.js'

/** The number of a packet's protocol. */
export function protoOf(header: Header): number {
  return protoNumber(header.proto) ?? 0
}

export function isError(header: Header): boolean {
  return isIcmpError(protoOf(header), header.icmp_type ?? -1)
}

/** Protocols whose ports conntrack looks at: TCP, UDP, UDP-Lite, SCTP. DCCP is none any more (Linux 6.17). */
export function isTrackedWithPorts(proto: number): boolean {
  return proto === 6 || proto === 17 || proto === 132 || proto === 136
}

export function tupleOf(header: Header): FlowTuple {
  const proto = protoOf(header)
  const { src, dst } = header
  if (isIcmp(proto)) {
    return { src, dst, proto, type: header.icmp_type ?? 0, code: header.icmp_code ?? 0, id: header.icmp_id ?? 0 }
  }
  if (isTrackedWithPorts(proto)) return { src, dst, proto, sport: header.sport ?? 0, dport: header.dport ?? 0 }
  return { src, dst, proto }
}

/** What an answer has; null when there is none (an ICMP message that is neither query nor reply). */
export function invert(t: FlowTuple): FlowTuple | null {
  if (t.type !== undefined) {
    const type = icmpReplyType(t.proto, t.type)
    return type === null ? null : { ...t, src: t.dst, dst: t.src, type }
  }
  if (t.sport === undefined || t.dport === undefined) return { ...t, src: t.dst, dst: t.src }
  return { ...t, src: t.dst, dst: t.src, sport: t.dport, dport: t.sport }
}

/** The inverse of a tuple that has one. */
export function mustInvert(t: FlowTuple): FlowTuple {
  const inverse = invert(t)
  if (inverse === null) throw new Error('an ICMP tuple without an inverse was tracked')
  return inverse
}

export function textOfTuple(t: FlowTuple): string {
  return [t.proto, t.src, t.dst, t.sport, t.dport, t.type, t.code, t.id].join(' ')
}

export function sameTuple(a: FlowTuple, b: FlowTuple): boolean {
  return textOfTuple(a) === textOfTuple(b)
}

/** A zone's number in one direction. */
export function zoneId(zone: Zone, direction: 0 | 1): number {
  const counts = zone.directions === 'both' || (zone.directions === 'original') === (direction === 0)
  return counts ? zone.id : 0
}

/** A tuple as listings show it. */
export function shownTuple(t: FlowTuple): Tuple {
  const shown: Tuple = { src: t.src, dst: t.dst }
  if (t.sport !== undefined && t.dport !== undefined) Object.assign(shown, { sport: t.sport, dport: t.dport })
  // Keys of GRE: plain GRE has none.
  else if (t.proto === 47) Object.assign(shown, { sport: 0, dport: 0 })
  if (t.type !== undefined) Object.assign(shown, { icmp_type: t.type, icmp_code: t.code ?? 0, icmp_id: t.id ?? 0 })
  return shown
}

/** A copy of a packet, its quoted packet included: the walk changes packets in place. */
export function copyPacket(packet: Packet): Packet {
  return packet.inner === undefined ? { ...packet } : { ...packet, inner: { ...packet.inner } }
}
