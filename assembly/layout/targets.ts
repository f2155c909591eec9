// What a rule does: codes of its target, what REJECT sends, and the records in CODE that targets point to (see sets.ts for
// that of SET).

// targets
export const TARGET_NONE = 0 // go on (also LOG, NFLOG, TCPMSS, CHECKSUM, which change nothing here)
export const TARGET_ACCEPT = 1
export const TARGET_DROP = 2
export const TARGET_RETURN = 3
export const TARGET_JUMP = 4 // A: chain index
export const TARGET_GOTO = 5 // A: chain index
export const TARGET_REJECT = 6 // A: REJECT_*
export const TARGET_NAT = 7 // A: NAT_*, B: word index of a NATRANGE record in CODE
export const TARGET_MARK = 8 // A: value, B: mask
export const TARGET_CONNMARK_SET = 9 // A: value, B: ctmask
export const TARGET_CONNMARK_SAVE = 10 // A: nfmask, B: ctmask
export const TARGET_CONNMARK_RESTORE = 11 // A: nfmask, B: ctmask
export const TARGET_NOTRACK = 12
export const TARGET_CT = 13 // A: zone of the original | of the reply direction << 16, B: 1, 2 = that one is the packet's mark, | helper << 8 | timeout policy << 16 (index + 1 in symbols.attached)
export const TARGET_SET = 40 // A: word index of a SETWORK record in CODE
export const TARGET_HOPS = 14 // A: HOPS_SET | HOPS_INC | HOPS_DEC, B: value
export const TARGET_TOS = 15 // A: value, B: mask
export const TARGET_ECN = 16 // A: TCP flags that are cleared | that are set << 8, B: 0, or codepoint | 4
export const TARGET_QUEUE = 17 // A: number | number of queues - 1 << 16, B: QUEUE_*
export const TARGET_CONNMARK_SHIFT = 18 // A: word index of CONNMARK_SHIFT_WORDS words in CODE
export const TARGET_ASK = 70 // A: FIELD_* that is asked for
export const TARGET_TEE = 19 // A: word index of the gateway's four words in CODE
export const TARGET_TPROXY = 20 // A: value, B: mask of the mark
export const TARGET_SNPT = 45 // A: word index of an NPT record in CODE; 46: the destination
export const TARGET_DNPT = 46
export const TARGET_HMARK = 60 // A: word index of an HMARK record in CODE
export const TARGET_CODES = 71

export const HOPS_SET = 0
export const HOPS_INC = 1
export const HOPS_DEC = 2
export const QUEUE_BYPASS = 1
export const QUEUE_CPU_FANOUT = 2
export const CONNMARK_SHIFT_WORDS = 4 // TARGET_CONNMARK_SET | _SAVE | _RESTORE, value or nfmask, ctmask, bits to the left | to the right << 8

export const NAT_DNAT = 0
export const NAT_SNAT = 1
export const NAT_MASQUERADE = 2
export const NAT_REDIRECT = 3
export const NAT_NETMAP = 4 // addresses of the range: first and last of the prefix

// REJECT's codes (CTX_REJECT_AT holds code + 1)
export const REJECT_ICMP_NET_UNREACHABLE = 0
export const REJECT_ICMP_HOST_UNREACHABLE = 1
export const REJECT_ICMP_PROTO_UNREACHABLE = 2
export const REJECT_ICMP_PORT_UNREACHABLE = 3
export const REJECT_ICMP_NET_PROHIBITED = 4
export const REJECT_ICMP_HOST_PROHIBITED = 5
export const REJECT_ICMP_ADMIN_PROHIBITED = 6
export const REJECT_TCP_RESET = 7
export const REJECT_ICMP6_NO_ROUTE = 8
export const REJECT_ICMP6_ADM_PROHIBITED = 9
export const REJECT_ICMP6_ADDR_UNREACHABLE = 10
export const REJECT_ICMP6_PORT_UNREACHABLE = 11
export const REJECT_ICMP6_POLICY_FAIL = 12
export const REJECT_ICMP6_REJECT_ROUTE = 13
export const REJECT_CODES = 14

// NAT range record
export const NATRANGE_BYTES = 48
export const NATRANGE_FLAGS_OFF = 0
export const NATRANGE_MIN_PORT_OFF = 4
export const NATRANGE_MAX_PORT_OFF = 8
export const NATRANGE_BASE_PORT_OFF = 12
export const NATRANGE_MIN_ADDR_OFF = 16
export const NATRANGE_MAX_ADDR_OFF = 32
export const NATRANGE_HAS_ADDR = 1
export const NATRANGE_HAS_PORT = 2
export const NATRANGE_RANDOM = 4
export const NATRANGE_RANDOM_FULLY = 8
export const NATRANGE_PERSISTENT = 16
export const NATRANGE_OFFSET = 32

// NPT record: a prefix for another one
export const NPT_BYTES = 48
export const NPT_LENGTH_OFF = 0 // the longer one's, up to 64
export const NPT_FROM_LENGTH_OFF = 4 // up to 64
export const NPT_ADJUSTMENT_OFF = 8 // 16 bits: what keeps the checksum
export const NPT_FROM_OFF = 16 // 16 bytes
export const NPT_TO_OFF = 32 // 16 bytes
export const NPT_MAX_LENGTH = 64

// HMARK record
export const HMARK_BYTES = 60
export const HMARK_CT_OFF = 0 // 1: of the connection's tuples
export const HMARK_SRC_MASK_OFF = 4 // 16 bytes
export const HMARK_DST_MASK_OFF = 20 // 16 bytes
export const HMARK_PORT_MASK_OFF = 36 // source << 16 | destination
export const HMARK_PORT_SET_OFF = 40
export const HMARK_PROTO_MASK_OFF = 44
export const HMARK_RND_OFF = 48
export const HMARK_MOD_OFF = 52
export const HMARK_OFFSET_OFF = 56
