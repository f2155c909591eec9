// How long connections live: the kernel's defaults in seconds, by state, and the sysctls that change them.
// Kernel: net/netfilter/nf_conntrack_proto_*.c, nf_conntrack_standalone.c (names of the sysctls).
import type { NetworkNamespace } from '../netns/model.js'
import { sysctl } from './sysctl.js'

const TCP: Readonly<Record<string, readonly [string, number]>> = {
  SYN_SENT: ['tcp_timeout_syn_sent', 120],
  SYN_RECV: ['tcp_timeout_syn_recv', 60],
  ESTABLISHED: ['tcp_timeout_established', 432000],
  FIN_WAIT: ['tcp_timeout_fin_wait', 120],
  CLOSE_WAIT: ['tcp_timeout_close_wait', 60],
  LAST_ACK: ['tcp_timeout_last_ack', 30],
  TIME_WAIT: ['tcp_timeout_time_wait', 120],
  CLOSE: ['tcp_timeout_close', 10],
  RETRANS: ['tcp_timeout_max_retrans', 300],
  UNACK: ['tcp_timeout_unacknowledged', 300],
}

const SCTP: Readonly<Record<string, readonly [string, number]>> = {
  CLOSED: ['sctp_timeout_closed', 10],
  COOKIE_WAIT: ['sctp_timeout_cookie_wait', 3],
  COOKIE_ECHOED: ['sctp_timeout_cookie_echoed', 3],
  ESTABLISHED: ['sctp_timeout_established', 210],
  SHUTDOWN_SENT: ['sctp_timeout_shutdown_sent', 3],
  SHUTDOWN_RECD: ['sctp_timeout_shutdown_recd', 3],
  SHUTDOWN_ACK_SENT: ['sctp_timeout_shutdown_ack_sent', 3],
  HEARTBEAT_SENT: ['sctp_timeout_heartbeat_sent', 30],
}

const OTHER = {
  udp: 30,
  udp_stream: 120,
  icmp: 30,
  icmpv6: 30,
  gre: 30,
  gre_stream: 180,
  generic: 600,
} as const

function seconds(ns: NetworkNamespace, name: string, fallback: number): number {
  return sysctl(ns, `net.netfilter.nf_conntrack_${name}`, fallback)
}

/** Milliseconds of a TCP state, or of RETRANS and UNACK. */
export function tcpTimeout(ns: NetworkNamespace, state: string): number {
  // There is no setting for it.
  if (state === 'SYN_SENT2') return 120_000
  const [name, fallback] = TCP[state] ?? ['', 0]
  return 1000 * seconds(ns, name, fallback)
}

/** Milliseconds of an SCTP state. */
export function sctpTimeout(ns: NetworkNamespace, state: string): number {
  const [name, fallback] = SCTP[state] ?? ['', 0]
  return 1000 * seconds(ns, name, fallback)
}

/** Milliseconds for protocols without states. */
export function plainTimeout(ns: NetworkNamespace, kind: keyof typeof OTHER): number {
  const name = kind.endsWith('_stream') ? kind.replace('_stream', '_timeout_stream') : `${kind}_timeout`
  return 1000 * seconds(ns, name, OTHER[kind])
}
