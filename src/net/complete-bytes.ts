// What a packet line may say for the rules that read bytes: identification, bits and numbers that decide nothing else, the
// payload. Owns their ranges and for which packets they mean something.
import type { Fields } from './complete-fields.js'
import { show } from './complete-fields.js'
import type { Packet } from './packet.js'
import { isIcmp, isIcmpError } from './proto.js'

export const BYTE_FIELDS: readonly string[] = ['ip_id', 'df', 'flow_label', 'icmp_seq', 'icmp_rest', 'payload']

const U32 = 0xffffffff
/** As much as an IPv4 packet can hold. */
const MOST_PAYLOAD = 65515

/** Fills them in place; `packet` has all fields of its header. */
export function bytesBeyond(f: Fields, packet: Packet, proto: number): void {
  const v6 = packet.src.includes(':')
  if (f.has('ip_id')) packet.ip_id = f.int('ip_id', 0, U32, 0)
  const df = f.get('df')
  if (df !== undefined && typeof df !== 'boolean') f.problem('df', `${show(df)} is not true or false`)
  else if (df !== undefined && !v6) packet.df = df
  const label = f.int('flow_label', 0, 0xfffff, 0)
  if (f.has('flow_label') && v6) packet.flow_label = label
  const error = isIcmp(proto) && isIcmpError(proto, packet.icmp_type ?? 0)
  const seq = f.int('icmp_seq', 0, 65535, 0)
  if (f.has('icmp_seq') && isIcmp(proto) && !error) packet.icmp_seq = seq
  const rest = f.int('icmp_rest', 0, U32, 0)
  if (f.has('icmp_rest') && error) packet.icmp_rest = rest
  if (f.has('payload')) payload(f, packet)
}

function payload(f: Fields, packet: Packet): void {
  const value = f.get('payload')
  if (typeof value !== 'string' || !/^([0-9a-f]{2})*$/i.test(value) || value.length > 2 * MOST_PAYLOAD) {
    f.problem('payload', `${show(value)} is not the hex of at most ${MOST_PAYLOAD} bytes`)
    return
  }
  const bytes = value.length / 2
  if (f.has('payload_len') && f.get('payload_len') !== bytes) {
    f.problem('payload_len', `is ${show(f.get('payload_len'))}, but \`payload\` has ${bytes} bytes`)
  }
  packet.payload_len = bytes
  if (packet.inner === undefined) packet.payload = value.toLowerCase()
}
