// A header as packet lines and answers print it.
import { isLaterFragment } from '../net/fragment.js'
import type { Header, Quoted } from '../net/packet.js'

/** Numbers without a name are printed as text, as the names are. */
export function printedProto(proto: Header['proto'] | undefined): Header['proto'] {
  return (typeof proto === 'number' ? String(proto) : proto) as Header['proto']
}

/** Of a fragment only the first shows what stands behind the IP header. */
const BEHIND_IP = ['sport', 'dport', 'flags', 'seq', 'ack', 'icmp_type', 'icmp_code', 'icmp_id', 'inner'] as const

/** The header keys of an answer in their printed form: no TCP numbers, no tos 0. */
export function printedHeader(header: Partial<Header>, numbers = false): Partial<Header> {
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
