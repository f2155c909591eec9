// Sysctls: words.

export const SYSCTL_WORDS = 48
export const SYSCTL_CT_MAX = 0
export const SYSCTL_TCP_LOOSE = 1
export const SYSCTL_TCP_MAX_RETRANS = 2
export const SYSCTL_DEFAULT_TTL = 3
export const SYSCTL_FULL_SOURCE_CHECK = 4 // policy rules beyond the default ones, or local routes that are no address
export const SYSCTL_CHECKSUM = 5
export const SYSCTL_INBOUND_IFADDR = 6
export const SYSCTL_NONLOCAL_BIND = 7
export const SYSCTL_LO_LINK = 8 // link id of lo; 0 = none
export const SYSCTL_TCP_BE_LIBERAL = 9
export const SYSCTL_TCP_TIMEOUTS = 10 // by state 0..9, seconds
export const SYSCTL_TCP_RETRANS = 20
export const SYSCTL_TCP_UNACK = 21
export const SYSCTL_UDP = 22
export const SYSCTL_UDP_STREAM = 23
export const SYSCTL_ICMP = 24
export const SYSCTL_ICMPV6 = 25
export const SYSCTL_GRE = 26
export const SYSCTL_GRE_STREAM = 27
export const SYSCTL_GENERIC = 28
export const SYSCTL_TCP_IGNORE_INVALID_RST = 29
export const SYSCTL_SCTP_TIMEOUTS = 30 // by state 0..8, seconds
export const SYSCTL_CT_BUCKETS = 39 // from 1
export const SYSCTL_CT_ACCT = 40
export const SYSCTL_COUNTED_CONNECTIONS = 41 // connections that rules of connlimit remember together; 0 = there is no such rule
export const SYSCTL_LABELS = 42 // some rule asks for labels of connections
export const SYSCTL_HELPERS = 43 // index + 1 in symbols.attached of the first of PORT_HELPERS; 0 = the kernel attaches none
export const COUNTED_CONNECTIONS_MAX = 4194304
