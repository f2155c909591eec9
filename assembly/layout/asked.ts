// What rules ask of a packet beyond its header. A rule that needs a field which the packet does not give stops the packet:
// see ../asked.ts.

export const CTX_RECORD_AT = 2048 // address of the packet's record; an answer of this host has that of its cause
export const ASKED_FIELD_AT = 2052 // FIELD_* that was asked for in vain; 0 = none
export const ASKED_COUNTER_AT = 2056 // counter index of the rule that asked; ASKED_BY_POLICY | index of the policy rule
export const ASKED_BY_POLICY = 0x80000000
export const ASKED_BY_CONNTRACK = 0x40000000
export const CTX_SOCKET_AT = 2060 // SOCKET_*: what sends the packet
export const SOCKET_NONE = 0 // nothing here: it is forwarded, looped, or a reset
export const SOCKET_PROCESS = 1
export const SOCKET_KERNEL = 2 // an ICMP error of this host
export const WALL_CLOCK_AT = 2064 // f64: ms since 1970 at clock 0; written by the host
export const WALL_ZONE_AT = 2072 // i32: seconds that the kernel's time zone is ahead of UTC
export const WALL_GIVEN_AT = 2076 // 1: the two are given

export const FIELD_UID = 1
export const FIELD_GID = 2
export const FIELD_CPU = 3
export const FIELD_WALL_CLOCK = 4 // an option of the data plane
export const FIELD_PAYLOAD = 5
export const FIELD_MAC = 6
export const FIELD_MAC_DST = 7
export const FIELD_PKTTYPE = 8
export const FIELD_TCP_OPTIONS = 9
export const FIELD_FRAG = 10
export const FIELD_EXTENSIONS = 11 // IPv6 extension headers
export const FIELD_OUT_PORT = 12 // of a bridge: neighbours or forwarding database do not say
export const FIELD_SPI = 13
export const FIELD_SOCKET = 14
export const FIELD_IP_ID = 15
export const FIELD_DF = 16
export const FIELD_FLOW_LABEL = 17
export const FIELD_ICMP_SEQ = 18
export const FIELD_ICMP_REST = 19
export const FIELD_CHECKSUM = 20 // of the transport header: nothing gives it
export const FIELD_BYTES = 21 // bytes of headers that nothing gives
export const FIELD_ESTIMATE = 22 // no packet says it
export const FIELD_OS = 23
export const FIELD_CGROUP = 24
export const FIELD_CGROUP_PATH = 25
export const FIELD_GROUPS = 26
export const FIELD_DCCP_TYPE = 27
export const FIELD_DCCP_OPTIONS = 28
export const FIELD_SYNPROXY = 29 // what SYNPROXY would answer: nothing gives it
export const FIELD_TEE_OIF = 30 // the way of a copy by an interface: nothing gives it
export const FIELD_BPF = 31 // what a program asks of the kernel: nothing gives it
export const FIELD_NAMED = 32 // a helper or a timeout policy: ASKED_BY_CONNTRACK | its name's index
export const FIELD_CODES = 33
export const FIELD_HOTDROP = 255 // nothing was asked for: a match dropped the packet
