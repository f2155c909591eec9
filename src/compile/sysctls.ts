// Kernel settings as the words of the SYSCTLS section.
import {
  SECTION_SYSCTLS,
  SYSCTL_CHECKSUM,
  SYSCTL_COUNTED_CONNECTIONS,
  SYSCTL_CT_ACCT,
  SYSCTL_CT_BUCKETS,
  SYSCTL_CT_MAX,
  SYSCTL_DEFAULT_TTL,
  SYSCTL_FULL_SOURCE_CHECK,
  SYSCTL_GENERIC,
  SYSCTL_GRE,
  SYSCTL_GRE_STREAM,
  SYSCTL_HELPERS,
  SYSCTL_ICMP,
  SYSCTL_ICMPV6,
  SYSCTL_INBOUND_IFADDR,
  SYSCTL_LABELS,
  SYSCTL_LO_LINK,
  SYSCTL_NONLOCAL_BIND,
  SYSCTL_SCTP_TIMEOUTS,
  SYSCTL_TCP_BE_LIBERAL,
  SYSCTL_TCP_IGNORE_INVALID_RST,
  SYSCTL_TCP_LOOSE,
  SYSCTL_TCP_MAX_RETRANS,
  SYSCTL_TCP_RETRANS,
  SYSCTL_TCP_TIMEOUTS,
  SYSCTL_TCP_UNACK,
  SYSCTL_UDP,
  SYSCTL_UDP_STREAM,
  SYSCTL_WORDS,
} from '../../assembly/layout.js'
import type { Match, Rule } from '../netfilter/model.js'
import { attachesHelpers } from '../netns/helpers.js'
import type { NetworkNamespace } from '../netns/model.js'
import { conntrackSysctls, hostSysctls } from '../netns/sysctl.js'
import { type CompileContext, usualHelpers } from './context.js'
import type { ImageWriter } from './image.js'

/** Policy rules beyond local, main and default, or local routes that are no address: the source is looked up fully. */
function needsFullSourceCheck(ns: NetworkNamespace): boolean {
  const usual = ns.policyRules.every((r) => r.family !== 'ipv4' || [0, 32766, 32767].includes(r.priority))
  if (!usual) return true
  const own = new Set(ns.links.flatMap((l) => l.addresses.map((a) => a.address)))
  const loopback = own.has('127.0.0.1')
  return ns.routes.some((r) => {
    if (r.family !== 'ipv4' || r.type !== 'local') return false
    // The kernel's own are in the table local.
    if (r.table !== 255) return true
    const address = r.dst.slice(0, r.dst.indexOf('/'))
    return !own.has(address) && !(loopback && address.startsWith('127.'))
  })
}

/** TCP states by number from 1. */
const TCP_STATES = [
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
] as const
/** SYN_SENT2 is number 9; nothing sets its timeout. */
const SYN_SENT2 = 9
const SYN_SENT2_SECONDS = 120
const SCTP_STATES = [
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
] as const

function someMatch(ns: NetworkNamespace, name: Match['match']): boolean {
  const has = (rule: Rule): boolean => rule.matches.some((m) => m.match === name)
  return ns.rulesets.some((r) => r.tables.some((t) => t.chains.some((c) => c.rules.some(has))))
}

/** Writes the SYSCTLS section. */
export function writeSysctls({ ns, limits, attached }: CompileContext, writer: ImageWriter): void {
  const words = new Uint32Array(SYSCTL_WORDS)
  const conntrack = conntrackSysctls(ns.sysctls)
  const host = hostSysctls(ns.sysctls)
  words[SYSCTL_CT_MAX] = conntrack.max
  words[SYSCTL_CT_BUCKETS] = conntrack.buckets
  words[SYSCTL_CT_ACCT] = conntrack.acct ? 1 : 0
  words[SYSCTL_COUNTED_CONNECTIONS] = someMatch(ns, 'connlimit') ? limits.maxCountedConnections : 0
  words[SYSCTL_LABELS] = someMatch(ns, 'connlabel') ? 1 : 0
  words[SYSCTL_HELPERS] = attachesHelpers(ns) ? usualHelpers(attached) : 0
  words[SYSCTL_TCP_LOOSE] = conntrack.tcpLoose ? 1 : 0
  words[SYSCTL_TCP_MAX_RETRANS] = conntrack.tcpMaxRetrans
  words[SYSCTL_TCP_BE_LIBERAL] = conntrack.tcpBeLiberal ? 1 : 0
  words[SYSCTL_TCP_IGNORE_INVALID_RST] = conntrack.tcpIgnoreInvalidRst ? 1 : 0
  words[SYSCTL_DEFAULT_TTL] = host.defaultTtl
  words[SYSCTL_FULL_SOURCE_CHECK] = needsFullSourceCheck(ns) ? 1 : 0
  words[SYSCTL_CHECKSUM] = conntrack.checksum ? 1 : 0
  words[SYSCTL_INBOUND_IFADDR] = host.icmpErrorsUseInboundIfaddr ? 1 : 0
  words[SYSCTL_NONLOCAL_BIND] = host.nonlocalBind4 ? 1 : 0
  words[SYSCTL_LO_LINK] = ns.links.findIndex((l) => l.name === 'lo') + 1
  for (const [i, state] of TCP_STATES.entries()) words[SYSCTL_TCP_TIMEOUTS + 1 + i] = conntrack.tcp[state]
  words[SYSCTL_TCP_TIMEOUTS + SYN_SENT2] = SYN_SENT2_SECONDS
  words[SYSCTL_TCP_RETRANS] = conntrack.tcp.RETRANS
  words[SYSCTL_TCP_UNACK] = conntrack.tcp.UNACK
  words[SYSCTL_UDP] = conntrack.udp
  words[SYSCTL_UDP_STREAM] = conntrack.udpStream
  words[SYSCTL_ICMP] = conntrack.icmp
  words[SYSCTL_ICMPV6] = conntrack.icmpv6
  words[SYSCTL_GRE] = conntrack.gre
  words[SYSCTL_GRE_STREAM] = conntrack.greStream
  words[SYSCTL_GENERIC] = conntrack.generic
  for (const [i, state] of SCTP_STATES.entries()) words[SYSCTL_SCTP_TIMEOUTS + 1 + i] = conntrack.sctp[state]
  writer.section(SECTION_SYSCTLS, words)
}
