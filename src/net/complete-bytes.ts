// What a packet line may say for the rules that read bytes: identification, bits and numbers that decide nothing else, the
// payload; and for those that ask who sends it. Owns their ranges and for which packets they mean something.
import type { Fields } from './complete-fields.js'
import { show } from './complete-fields.js'
import type { Packet } from './packet.js'
import { dccpTypeNumber, isIcmp, isIcmpError, PROTOCOL_DCCP, PROTOCOL_SCTP, PROTOCOL_TCP } from './proto.js'

export const BYTE_FIELDS: readonly string[] = [
  ...['ip_id', 'df', 'flow_label', 'icmp_seq', 'icmp_rest', 'payload', 'sctp_flags', 'dccp_type', 'dccp_options'],
  ...['os', 'cgroup', 'cgroup_path', 'groups'],
]

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
  const flags = f.int('sctp_flags', 0, 255, 0)
  if (f.has('sctp_flags') && proto === PROTOCOL_SCTP) packet.sctp_flags = flags
  if (f.has('dccp_type') || f.has('dccp_options')) dccp(f, packet, proto)
  sender(f, packet, proto)
}

const MOST_DCCP_OPTIONS = 1000

function dccp(f: Fields, packet: Packet, proto: number): void {
  const type = f.get('dccp_type')
  const known = typeof type === 'string' || typeof type === 'number' ? dccpTypeNumber(type) : null
  if (type !== undefined && known === null) {
    f.problem('dccp_type', `${show(type)} is no packet type of DCCP; a name such as REQUEST or 0 to 15 was expected`)
  }
  const options = f.get('dccp_options')
  const hex =
    typeof options === 'string' && /^([0-9a-f]{2})*$/i.test(options) && options.length <= 2 * MOST_DCCP_OPTIONS
  if (options !== undefined && !hex) {
    f.problem('dccp_options', `${show(options)} is not the hex of at most ${MOST_DCCP_OPTIONS} bytes`)
  }
  if (proto !== PROTOCOL_DCCP) return
  if (known !== null) packet.dccp_type = type as string | number
  if (hex) packet.dccp_options = options.toLowerCase()
}

/** Genres are as long as rules can name them, paths as a cgroup match. */
const MOST_OS_BYTES = 31
const MOST_PATH_BYTES = 511
const MOST_GROUPS = 65536

function sender(f: Fields, packet: Packet, proto: number): void {
  const {
    os,
    cgroup_path: path,
    groups,
  } = { os: f.get('os'), cgroup_path: f.get('cgroup_path'), groups: f.get('groups') }
  const bytes = (text: string): number => new TextEncoder().encode(text).length
  if (os !== undefined) {
    if (typeof os !== 'string' || os === '' || bytes(os) > MOST_OS_BYTES) {
      f.problem('os', `${show(os)} is not a text of 1 to ${MOST_OS_BYTES} bytes`)
    } else if (proto === PROTOCOL_TCP) packet.os = os
  }
  if (f.has('cgroup')) packet.cgroup = f.int('cgroup', 0, U32, 0)
  if (path !== undefined) {
    const fits = typeof path === 'string' && /^\/([^/]+(\/[^/]+)*)?$/.test(path) && bytes(path) <= MOST_PATH_BYTES
    if (!fits) f.problem('cgroup_path', `${show(path)} is not a path such as /system.slice/x.service`)
    else packet.cgroup_path = path
  }
  if (groups === undefined) return
  const numbers = Array.isArray(groups) && groups.every((g) => Number.isInteger(g) && g >= 0 && g < U32)
  if (!numbers || groups.length > MOST_GROUPS) f.problem('groups', `${show(groups)} is not a list of group numbers`)
  else packet.groups = groups as number[]
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
