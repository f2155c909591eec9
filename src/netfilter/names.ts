// The names that iptables reads and prints: protocols, ICMP types, reject types, SCTP chunks, extensions.
// Owns tables only. Spec: iptables(8), iptables-extensions(8) 1.8.9; protocol numbers as IANA assigns them and Debian's
// netbase names them in /etc/protocols.
import type { AddrTypeName, CtStateName, Family } from './model.js'

// Names that iptables itself knows come first: they win over the registry's when a number is printed.
const IPTABLES_PROTOCOLS: readonly (readonly [string, number])[] = [
  ['tcp', 6],
  ['sctp', 132],
  ['udp', 17],
  ['udplite', 136],
  ['icmp', 1],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['esp', 50],
  ['ah', 51],
  ['mobility-header', 135],
  ['ipv6-mh', 135],
  ['mh', 135],
  ['all', 0],
]

const REGISTRY = `ip 0, hopopt 0, igmp 2, ggp 3, ipencap 4, st 5, egp 8, igp 9, pup 12, hmp 20, xns-idp 22, rdp 27,
iso-tp4 29, dccp 33, xtp 36, ddp 37, idpr-cmtp 38, ipv6 41, ipv6-route 43, ipv6-frag 44, idrp 45, rsvp 46, gre 47, skip 57,
ipv6-nonxt 59, ipv6-opts 60, rspf 73, vmtp 81, eigrp 88, ospf 89, ax.25 93, ipip 94, etherip 97, encap 98, pim 103,
ipcomp 108, vrrp 112, l2tp 115, isis 124, fc 133, mpls-in-ip 137, manet 138, hip 139, shim6 140, wesp 141, rohc 142,
ethernet 143`

const PROTOCOL_NUMBERS = new Map<string, number>()
const PROTOCOL_NAMES = new Map<number, string>()
for (const [name, number] of [
  ...IPTABLES_PROTOCOLS,
  ...REGISTRY.split(',').map((entry): [string, number] => {
    const [name, number] = entry.trim().split(' ')
    return [name!, Number(number)]
  }),
]) {
  if (!PROTOCOL_NUMBERS.has(name)) PROTOCOL_NUMBERS.set(name, number)
  if (!PROTOCOL_NAMES.has(number)) PROTOCOL_NAMES.set(number, name)
}

/**
 * The number that `-p NAME` means (any case), 0 for `all`; undefined when iptables knows no such name.
 *
 * @example protocolNumber('ipv6-icmp') // 58
 */
export function protocolNumber(name: string): number | undefined {
  return PROTOCOL_NUMBERS.get(name.toLowerCase())
}

/**
 * How `iptables-save` writes a protocol after `-p`: its name, or the number when it has none.
 *
 * @example protocolName(58) // 'ipv6-icmp'
 * @example protocolName(200) // '200'
 */
export function protocolName(number: number): string {
  return PROTOCOL_NAMES.get(number) ?? String(number)
}

/** `[name, type, first code, last code]` */
export type IcmpName = readonly [string, number, number, number]

/** The names of `--icmp-type`. */
export const ICMP_NAMES: readonly IcmpName[] = [
  ['any', 255, 0, 255],
  ['echo-reply', 0, 0, 255],
  ['pong', 0, 0, 255],
  ['destination-unreachable', 3, 0, 255],
  ['network-unreachable', 3, 0, 0],
  ['host-unreachable', 3, 1, 1],
  ['protocol-unreachable', 3, 2, 2],
  ['port-unreachable', 3, 3, 3],
  ['fragmentation-needed', 3, 4, 4],
  ['source-route-failed', 3, 5, 5],
  ['network-unknown', 3, 6, 6],
  ['host-unknown', 3, 7, 7],
  ['network-prohibited', 3, 9, 9],
  ['host-prohibited', 3, 10, 10],
  ['TOS-network-unreachable', 3, 11, 11],
  ['TOS-host-unreachable', 3, 12, 12],
  ['communication-prohibited', 3, 13, 13],
  ['host-precedence-violation', 3, 14, 14],
  ['precedence-cutoff', 3, 15, 15],
  ['source-quench', 4, 0, 255],
  ['redirect', 5, 0, 255],
  ['network-redirect', 5, 0, 0],
  ['host-redirect', 5, 1, 1],
  ['TOS-network-redirect', 5, 2, 2],
  ['TOS-host-redirect', 5, 3, 3],
  ['echo-request', 8, 0, 255],
  ['ping', 8, 0, 255],
  ['router-advertisement', 9, 0, 255],
  ['router-solicitation', 10, 0, 255],
  ['time-exceeded', 11, 0, 255],
  ['ttl-exceeded', 11, 0, 255],
  ['ttl-zero-during-transit', 11, 0, 0],
  ['ttl-zero-during-reassembly', 11, 1, 1],
  ['parameter-problem', 12, 0, 255],
  ['ip-header-bad', 12, 0, 0],
  ['required-option-missing', 12, 1, 1],
  ['timestamp-request', 13, 0, 255],
  ['timestamp-reply', 14, 0, 255],
  ['address-mask-request', 17, 0, 255],
  ['address-mask-reply', 18, 0, 255],
]

/** The names of `--icmpv6-type`. */
export const ICMPV6_NAMES: readonly IcmpName[] = [
  ['destination-unreachable', 1, 0, 255],
  ['no-route', 1, 0, 0],
  ['communication-prohibited', 1, 1, 1],
  ['beyond-scope', 1, 2, 2],
  ['address-unreachable', 1, 3, 3],
  ['port-unreachable', 1, 4, 4],
  ['failed-policy', 1, 5, 5],
  ['reject-route', 1, 6, 6],
  ['packet-too-big', 2, 0, 255],
  ['time-exceeded', 3, 0, 255],
  ['ttl-exceeded', 3, 0, 255],
  ['ttl-zero-during-transit', 3, 0, 0],
  ['ttl-zero-during-reassembly', 3, 1, 1],
  ['parameter-problem', 4, 0, 255],
  ['bad-header', 4, 0, 0],
  ['unknown-header-type', 4, 1, 1],
  ['unknown-option', 4, 2, 2],
  ['echo-request', 128, 0, 255],
  ['ping', 128, 0, 255],
  ['echo-reply', 129, 0, 255],
  ['pong', 129, 0, 255],
  ['router-solicitation', 133, 0, 255],
  ['router-advertisement', 134, 0, 255],
  ['neighbour-solicitation', 135, 0, 255],
  ['neighbor-solicitation', 135, 0, 255],
  ['neighbour-advertisement', 136, 0, 255],
  ['neighbor-advertisement', 136, 0, 255],
  ['redirect', 137, 0, 255],
]

/** `--reject-with`: name and alias, in the order in which an abbreviation is looked for. */
export const REJECT_NAMES: Readonly<Record<Family, readonly (readonly [string, string])[]>> = {
  ipv4: [
    ['icmp-net-unreachable', 'net-unreach'],
    ['icmp-host-unreachable', 'host-unreach'],
    ['icmp-proto-unreachable', 'proto-unreach'],
    ['icmp-port-unreachable', 'port-unreach'],
    ['icmp-net-prohibited', 'net-prohib'],
    ['icmp-host-prohibited', 'host-prohib'],
    ['tcp-reset', 'tcp-rst'],
    ['icmp-admin-prohibited', 'admin-prohib'],
  ],
  ipv6: [
    ['icmp6-no-route', 'no-route'],
    ['icmp6-adm-prohibited', 'adm-prohibited'],
    ['icmp6-addr-unreachable', 'addr-unreach'],
    ['icmp6-port-unreachable', 'port-unreach'],
    ['tcp-reset', 'tcp-reset'],
    ['icmp6-policy-fail', 'policy-fail'],
    ['icmp6-reject-route', 'reject-route'],
  ],
}

/** Connection states in the order in which they are printed. */
export const CT_STATES: readonly CtStateName[] = [
  'INVALID',
  'NEW',
  'RELATED',
  'ESTABLISHED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
]

/** Connection statuses in the order in which they are printed. */
export const CT_STATUSES = ['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'] as const

/** Address types in the order in which they are printed, which is that of their numbers (RTN_*). */
export const ADDR_TYPES: readonly AddrTypeName[] = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
]

/** TCP flags in the order in which they are printed; the bits are the header's. */
export const TCP_FLAG_NAMES: readonly (readonly [string, number])[] = [
  ['FIN', 1],
  ['SYN', 2],
  ['RST', 4],
  ['PSH', 8],
  ['ACK', 16],
  ['URG', 32],
]

/** SCTP chunk types that have a name, and the letters of their flags, highest bit first. */
export const SCTP_CHUNKS: readonly (readonly [string, number, string])[] = [
  ['DATA', 0, '----IUBE'],
  ['INIT', 1, '--------'],
  ['INIT_ACK', 2, '--------'],
  ['SACK', 3, '--------'],
  ['HEARTBEAT', 4, '--------'],
  ['HEARTBEAT_ACK', 5, '--------'],
  ['ABORT', 6, '-------T'],
  ['SHUTDOWN', 7, '--------'],
  ['SHUTDOWN_ACK', 8, '--------'],
  ['ERROR', 9, '--------'],
  ['COOKIE_ECHO', 10, '--------'],
  ['COOKIE_ACK', 11, '--------'],
  ['ECN_ECNE', 12, '--------'],
  ['ECN_CWR', 13, '--------'],
  ['SHUTDOWN_COMPLETE', 14, '-------T'],
  ['I_DATA', 64, '----IUBE'],
  ['RE_CONFIG', 130, '--------'],
  ['PAD', 132, '--------'],
  ['ASCONF', 193, '--------'],
  ['ASCONF_ACK', 128, '--------'],
  ['FORWARD_TSN', 192, '--------'],
  ['I_FORWARD_TSN', 194, '--------'],
]

/** Conntrack events of `CT --ctevents`, in the order in which they are printed. */
export const CT_EVENTS: readonly string[] = [
  'new',
  'related',
  'destroy',
  'reply',
  'assured',
  'protoinfo',
  'helper',
  'mark',
  'natseqinfo',
  'secmark',
]

/** syslog's names of levels, for `LOG --log-level`. */
export const LOG_LEVELS: ReadonlyMap<string, number> = new Map([
  ['alert', 1],
  ['crit', 2],
  ['debug', 7],
  ['emerg', 0],
  ['error', 3],
  ['info', 6],
  ['notice', 5],
  ['panic', 0],
  ['warning', 4],
])

/** Matches that iptables has and this model has not: refused as "not supported", not as unknown. */
export const OTHER_MATCHES: ReadonlySet<string> = new Set('hopcount unclean'.split(' '))

/** Targets that iptables has and this model has not. */
export const OTHER_TARGETS: ReadonlySet<string> = new Set('CLUSTERIP QUEUE ULOG'.split(' '))
