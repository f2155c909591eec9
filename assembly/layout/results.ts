// What became of a packet: the result beside its record.

export const RESULT_BYTES = 128 // the header at the end (verdict reject: of the answer sent), then
export const RESULT_VERDICT_OFF = 64 // VERDICT_*
export const RESULT_REASON_OFF = 68 // REASON_*; 0 = a rule or policy decided
export const RESULT_ERRNO_OFF = 72 // ERRNO_*
export const RESULT_REJECT_OFF = 76 // REJECT_* + 1; REJECT_TTL_EXCEEDED + 1 …
export const RESULT_MARK_OFF = 80
export const RESULT_OUT_LINK_OFF = 84 // link id; of the answer for reject, 0 = to this host itself
export const RESULT_IN_LINK_OFF = 88 // local: where it came in
export const RESULT_RULE_OFF = 92 // as CTX_RULE_AT
export const RESULT_CHAIN_OFF = 96 // chain index
export const RESULT_FLAGS_OFF = 100 // RESULT_*
export const RESULT_ZONE_OFF = 104 // zone in which conntrack looked
export const RESULT_TRACE_EVENTS_OFF = 108 // number of trace events
export const RESULT_QUEUE_OFF = 124 // number of the queue, for VERDICT_QUEUE
export const RESULT_OUT_PORT_OFF = 120 // link id of the bridge port by which it left; 0 = none, or not known
export const RESULT_QUOTES = 1 // the answers array holds the packet quoted by the result's header
export const RESULT_FRAGMENT = 2 // the header (an answer's: the packet it quotes) is that of the fragment that came

export const VERDICT_NONE = 0
export const VERDICT_FORWARD = 1
export const VERDICT_OUT = 2
export const VERDICT_LOCAL = 3
export const VERDICT_REJECT = 4
export const VERDICT_DROP = 5
export const VERDICT_QUEUE = 6

export const REJECT_ICMP_TTL_EXCEEDED = 14
export const REJECT_ICMP6_HOP_LIMIT = 15
export const REJECT_ICMP6_BEYOND_SCOPE = 16
export const REJECT_ICMP6_PARAMETER = 17
export const REJECT_ICMP_FRAG_NEEDED = 18
export const REJECT_ICMP6_TOO_BIG = 19

export const REASON_RULE = 0
export const REASON_MARTIAN_SOURCE = 1
export const REASON_MARTIAN_DESTINATION = 2
export const REASON_RP_FILTER = 3
export const REASON_NO_ROUTE = 4
export const REASON_UNREACHABLE = 5
export const REASON_PROHIBIT = 6
export const REASON_BLACKHOLE = 7
export const REASON_THROW = 8
export const REASON_FORWARDING_OFF = 9
export const REASON_TTL_EXCEEDED = 10
export const REASON_NO_TUPLE = 11
export const REASON_CLASH = 12
export const REASON_NO_ADDRESS = 13
export const REASON_TABLE_FULL = 14
export const REASON_MULTICAST = 15
export const REASON_INVALID_SOURCE = 16
export const REASON_INTERFACE_CHANGED = 17
export const REASON_NOT_FOR_US = 24
export const REASON_PORT_STATE = 25
export const REASON_SOURCE_ADDRESS = 26
export const REASON_NO_PORT = 27
export const REASON_FRAGMENT = 18 // kept for reassembly; RESULT_RULE_OFF: FRAGMENT_*
export const REASON_FRAGMENT_WRONG = 19
export const REASON_TAKEN = 20
export const REASON_TOO_BIG = 21
export const FRAGMENT_IN = 1 // where it was wanted
export const FRAGMENT_OUT = 2
export const FRAGMENT_LOCAL = 3
export const FRAGMENT_LOOPED = 4 // likewise, of a copy for the host: what it is a copy of is still on its way

export const ERRNO_NONE = 0
export const ERRNO_EPERM = 1
export const ERRNO_EHOSTUNREACH = 2
export const ERRNO_EACCES = 3
export const ERRNO_ENETUNREACH = 4
export const ERRNO_EINVAL = 5
