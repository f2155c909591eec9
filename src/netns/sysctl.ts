// Kernel settings of a namespace: the reader of `sysctl -a` text, and the values that hold.
// Owns which settings count, their values in a new namespace (Linux 6.x), and how `all` and an interface's own combine.
// Kernel: include/linux/inetdevice.h (IN_DEV_ORCONF, IN_DEV_MAXCONF), Documentation/networking/ip-sysctl.rst and nf_conntrack-sysctl.rst.
import { type Fault, FaultError } from '../net/fault.js'
import { quoted } from './fields.js'
import type { ReadOptions } from './links.js'

export type Sysctls = Readonly<Record<string, string>>

/**
 * A key in the form that this library keeps: dots between the parts, a slash for a dot inside a part, as sysctl(8)
 * prints it. The other form (slashes between, dots inside) is turned round.
 *
 * @example normalSysctlKey('net/ipv4/conf/eth0.100/rp_filter') // 'net.ipv4.conf.eth0/100.rp_filter'
 */
export function normalSysctlKey(key: string): string {
  const separator = /[./]/.exec(key)?.[0]
  return separator === '/' ? key.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')) : key
}

/** Settings that must be whole numbers: all that this library reads. */
const COUNTS = /^net\.(ipv[46]\.conf\.|ipv4\.ip_forward$|netfilter\.nf_conntrack_|bridge\.|ipv4\.ip_default_ttl$)/

/**
 * Reads `key = value` lines. Only keys below `net.` are kept (the rest says nothing about packets, and some of it is
 * secret). Throws a FaultError.
 */
export function readSysctls(text: string, options: ReadOptions): Record<string, string> {
  const faults: Fault[] = []
  const values = Object.create(null) as Record<string, string>
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const fault = (message: string, column = 1): void => {
      faults.push({ file: options.file, line: i + 1, column, message })
    }
    const equals = line.indexOf('=')
    const key = normalSysctlKey(line.slice(0, Math.max(0, equals)).trim())
    if (equals < 0 || !/^[^\s]+$/.test(key)) {
      fault(`${quoted(line)}: \`key = value\` was expected`)
      continue
    }
    if (!key.startsWith('net.')) continue
    const value = line.slice(equals + 1).trim()
    if (COUNTS.test(key) && /^net\.ipv6\.conf\.[^.]+\.stable_secret$/.test(key)) continue
    if (COUNTS.test(key) && !/^-?[0-9]{1,20}$/.test(value) && !/\.(stable_secret|helper)$/.test(key)) {
      fault(`${quoted(key)}: ${quoted(value)} is not a whole number`, raw.indexOf('=') + 2)
      continue
    }
    values[key] = value
  }
  if (faults.length > 0) throw new FaultError(faults)
  return values
}

/** A setting as a number; the fallback when it was not given (or is no number). */
export function sysctlNumber(sysctls: Sysctls, key: string, fallback: number): number {
  const value = Object.hasOwn(sysctls, key) ? Number(sysctls[key]) : Number.NaN
  return Number.isInteger(value) ? value : fallback
}

/** The settings of one interface, as they hold for its packets. */
export interface LinkSysctls {
  /** 0 off, 1 strict, 2 loose: the larger of `all` and the interface's own. */
  readonly rpFilter: number
  /** `all` or the interface's own. */
  readonly routeLocalnet: boolean
  readonly acceptLocal: boolean
  readonly logMartians: boolean
  readonly srcValidMark: boolean
  /** IPv4: the interface's own; writing ip_forward sets them all. */
  readonly forwarding4: boolean
  /** IPv6: `all` decides (the interface's own only with `force_forwarding`). */
  readonly forwarding6: boolean
}

function confName(link: string): string {
  return link.replaceAll('.', '/')
}

/**
 * The settings that hold for packets of one interface. Its own value is `conf.NAME.x`; not given, it is
 * `conf.default.x`, from which interfaces are made; not given either, 0.
 */
export function linkSysctls(sysctls: Sysctls, link: string): LinkSysctls {
  const own = (key: string): number =>
    sysctlNumber(
      sysctls,
      `net.ipv4.conf.${confName(link)}.${key}`,
      sysctlNumber(sysctls, `net.ipv4.conf.default.${key}`, 0),
    )
  const all = (key: string): number => sysctlNumber(sysctls, `net.ipv4.conf.all.${key}`, 0)
  const either = (key: string): boolean => all(key) !== 0 || own(key) !== 0
  const ipForward = sysctlNumber(
    sysctls,
    'net.ipv4.ip_forward',
    sysctlNumber(sysctls, 'net.ipv4.conf.all.forwarding', 1),
  )
  return {
    rpFilter: Math.max(all('rp_filter'), own('rp_filter')),
    routeLocalnet: either('route_localnet'),
    acceptLocal: either('accept_local'),
    logMartians: either('log_martians'),
    srcValidMark: either('src_valid_mark'),
    forwarding4: sysctlNumber(sysctls, `net.ipv4.conf.${confName(link)}.forwarding`, ipForward) !== 0,
    forwarding6:
      sysctlNumber(sysctls, 'net.ipv6.conf.all.forwarding', 1) !== 0 ||
      sysctlNumber(sysctls, `net.ipv6.conf.${confName(link)}.force_forwarding`, 0) !== 0,
  }
}

/** IPv6: are temporary addresses of the interface sent from rather than others (RFC 8981)? */
export function prefersTemporary(sysctls: Sysctls, link: string): boolean {
  const preset = sysctlNumber(sysctls, 'net.ipv6.conf.default.use_tempaddr', 0)
  return sysctlNumber(sysctls, `net.ipv6.conf.${confName(link)}.use_tempaddr`, preset) >= 2
}

/** Conntrack's settings. All timeouts in seconds. */
export interface ConntrackSysctls {
  /** Most entries, both families together; 0: no limit. */
  readonly max: number
  /** Buckets of the table's hash, from 1: which entries make room for others when it is full. */
  readonly buckets: number
  /** Take up TCP connections in the middle. */
  readonly tcpLoose: boolean
  /** Do not call segments outside the window INVALID. */
  readonly tcpBeLiberal: boolean
  readonly tcpIgnoreInvalidRst: boolean
  readonly tcpMaxRetrans: number
  readonly checksum: boolean
  /** Count what connections carry. */
  readonly acct: boolean
  /** By TCP state, and RETRANS and UNACK. SYN_SENT2 always has 120. */
  readonly tcp: Readonly<Record<TcpTimeout, number>>
  readonly udp: number
  readonly udpStream: number
  readonly icmp: number
  readonly icmpv6: number
  readonly gre: number
  readonly greStream: number
  readonly generic: number
  readonly sctp: Readonly<Record<SctpTimeout, number>>
}

export type TcpTimeout =
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'RETRANS'
  | 'UNACK'
export type SctpTimeout =
  | 'CLOSED'
  | 'COOKIE_WAIT'
  | 'COOKIE_ECHOED'
  | 'ESTABLISHED'
  | 'SHUTDOWN_SENT'
  | 'SHUTDOWN_RECD'
  | 'SHUTDOWN_ACK_SENT'
  | 'HEARTBEAT_SENT'

/** Conntrack's settings; what was not given has the kernel's value. */
export function conntrackSysctls(sysctls: Sysctls): ConntrackSysctls {
  const ct = (key: string, fallback: number): number =>
    sysctlNumber(sysctls, `net.netfilter.nf_conntrack_${key}`, fallback)
  const tcp = (key: string, fallback: number): number => ct(`tcp_timeout_${key}`, fallback)
  const sctp = (key: string, fallback: number): number => ct(`sctp_timeout_${key}`, fallback)
  return {
    max: ct('max', 262144),
    buckets: Math.min(0xffffffff, Math.max(1, ct('buckets', 262144))),
    tcpLoose: ct('tcp_loose', 1) !== 0,
    tcpBeLiberal: ct('tcp_be_liberal', 0) !== 0,
    tcpIgnoreInvalidRst: ct('tcp_ignore_invalid_rst', 0) !== 0,
    tcpMaxRetrans: ct('tcp_max_retrans', 3),
    checksum: ct('checksum', 1) !== 0,
    acct: ct('acct', 0) !== 0,
    tcp: {
      SYN_SENT: tcp('syn_sent', 120),
      SYN_RECV: tcp('syn_recv', 60),
      ESTABLISHED: tcp('established', 432000),
      FIN_WAIT: tcp('fin_wait', 120),
      CLOSE_WAIT: tcp('close_wait', 60),
      LAST_ACK: tcp('last_ack', 30),
      TIME_WAIT: tcp('time_wait', 120),
      CLOSE: tcp('close', 10),
      RETRANS: tcp('max_retrans', 300),
      UNACK: tcp('unacknowledged', 300),
    },
    udp: ct('udp_timeout', 30),
    udpStream: ct('udp_timeout_stream', 120),
    icmp: ct('icmp_timeout', 30),
    icmpv6: ct('icmpv6_timeout', 30),
    gre: ct('gre_timeout', 30),
    greStream: ct('gre_timeout_stream', 180),
    generic: ct('generic_timeout', 600),
    sctp: {
      CLOSED: sctp('closed', 10),
      COOKIE_WAIT: sctp('cookie_wait', 3),
      COOKIE_ECHOED: sctp('cookie_echoed', 3),
      ESTABLISHED: sctp('established', 210),
      SHUTDOWN_SENT: sctp('shutdown_sent', 3),
      SHUTDOWN_RECD: sctp('shutdown_recd', 3),
      SHUTDOWN_ACK_SENT: sctp('shutdown_ack_sent', 3),
      HEARTBEAT_SENT: sctp('heartbeat_sent', 30),
    },
  }
}

/** Settings of the namespace as a whole. */
export interface HostSysctls {
  /** Bridged IPv4 packets meet iptables. Absent: br_netfilter is not loaded, so they do not. */
  readonly bridgeCallIptables: boolean
  readonly bridgeCallIp6tables: boolean
  /** Hop limit of packets that the kernel itself sends. */
  readonly defaultTtl: number
  /** ICMP errors are sent from the address of the interface that the packet came by. */
  readonly icmpErrorsUseInboundIfaddr: boolean
  /** Processes may send from addresses that are not of this host. */
  readonly nonlocalBind4: boolean
}

/** Settings of the namespace as a whole; what was not given has the value of a new namespace. */
export function hostSysctls(sysctls: Sysctls): HostSysctls {
  return {
    bridgeCallIptables: sysctlNumber(sysctls, 'net.bridge.bridge-nf-call-iptables', 0) !== 0,
    bridgeCallIp6tables: sysctlNumber(sysctls, 'net.bridge.bridge-nf-call-ip6tables', 0) !== 0,
    defaultTtl: sysctlNumber(sysctls, 'net.ipv4.ip_default_ttl', 64),
    icmpErrorsUseInboundIfaddr: sysctlNumber(sysctls, 'net.ipv4.icmp_errors_use_inbound_ifaddr', 0) !== 0,
    nonlocalBind4: sysctlNumber(sysctls, 'net.ipv4.ip_nonlocal_bind', 0) !== 0,
  }
}
