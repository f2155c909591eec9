// Matches in CODE. First word: kind | words << 8 | flags << 16 (words counts this one).

export const MATCH_NEVER = 1
export const MATCH_PORTS = 2 // sports, dports
export const MATCH_TCP_FLAGS = 3 // mask | comp << 8
export const MATCH_SCTP_CHUNKS = 4 // how, 8 words types, then flags that are asked: type | mask << 8 | value << 16
export const MATCH_ICMP = 5 // type | from << 8 | to << 16
export const MATCH_CT_STATE = 6 // CTSTATE_*
export const MATCH_CT = 7 // MATCH_CT_WORDS
export const MATCH_MARK = 8 // value, mask
export const MATCH_CONNMARK = 9 // value, mask
export const MATCH_ADDRTYPE = 10 // source types | destination types << 16
export const MATCH_RANDOM = 11 // p
export const MATCH_NTH = 12 // every, packet, word index in the small state
export const MATCH_RECENT = 13 // list, mask 4 words, seconds, hitcount
export const MATCH_MULTIPORT = 14 // ranges: from | to << 16
export const MATCH_IPRANGE = 15 // src from, src to, dst from, dst to: 4 words each
export const MATCH_SET = 16 // see Sets
export const MATCH_LIMIT = 17 // cost, cap, word index in the small state
export const MATCH_LENGTH = 18 // from | to << 16
export const MATCH_HOPS = 19 // HOPS_*, value
export const MATCH_TOS = 20 // value, mask
export const MATCH_ECN = 21 // ECN_HAS_*, those of them that are inverted, codepoint
export const MATCH_CPU = 22 // number
export const MATCH_OWNER = 23 // OWNER_*, those of them that are inverted, uid from, to, gid from, to
export const MATCH_QUOTA = 24 // word index in the small state
export const MATCH_MAC = 75 // low word, high word (first byte highest)
export const MATCH_PKTTYPE = 76 // PKTTYPE_*
export const MATCH_PHYSDEV = 77 // PHYSDEV_* asked for, those of them that are inverted, in, out: link id or pattern
export const MATCH_HASHLIMIT = 25 // index of its table
export const MATCH_TIME = 26 // date from, to, time from, to, month days, week days; flags TIME_*
export const MATCH_RPFILTER = 27 // flags RPFILTER_*
export const MATCH_SPI = 40 // from, to
export const MATCH_TCP_OPTION = 41 // number
export const MATCH_TCPMSS = 42 // from | to << 16
export const MATCH_DEVGROUP = 43 // source group, mask, destination group, mask
export const MATCH_SOCKET = 44
export const MATCH_EXTENSIONS = 45 // EXTENSIONS_*, for _LIST the headers as ip6t_ipv6header.h has them
export const MATCH_FRAGMENT = 80 // a later fragment
export const MATCH_LAYER4 = 81 // looks at the layer-4 header and finds nothing to object to
export const MATCH_CONNBYTES = 100 // CONNBYTES_*, from, to: u64 each
export const MATCH_CONNLIMIT = 101 // limit, word index in the small state, mask 4 words; flags CONNLIMIT_*
export const MATCH_CONNLABEL = 102 // number; flags CONNLABEL_SET
export const MATCH_CLUSTER = 103 // number of nodes, mask of nodes, seed
export const MATCH_ESTIMATE = 104 // asks for what an estimator has measured
export const MATCH_U32 = 130 // word index of a U32 program in CODE, its words
export const MATCH_STRING = 131 // from, to, bytes, then the pattern
export const MATCH_OSF = 132 // bytes, then the genre
export const MATCH_CGROUP = 133 // class
export const MATCH_CGROUP_PATH = 134 // bytes, then the path
export const MATCH_EUI64 = 135
export const MATCH_DCCP_TYPES = 136 // bit a type
export const MATCH_DCCP_OPTION = 137 // number
export const MATCH_MH = 138 // type from | to << 8
export const MATCH_BPF = 139 // word index of instructions in CODE, their words: code | true << 16 | false << 24, operand
export const MATCH_CODES = 140
export const STRING_ANY_CASE = 2 // flag of MATCH_STRING
export const OSF_ANY = 2 // flag of MATCH_OSF: any that is known
export const BPF_MEMORY_AT = 2624 // scratch: the 16 words of memory that a program of MATCH_BPF has
export const BPF_MEMORY_BYTES = 64

// A U32 program: tests. A test is operations (U32_*, number; a first U32_AT from the packet's start), U32_END, number of
// ranges, and ranges (from, to).
export const U32_END = 0
export const U32_AT = 1
export const U32_AND = 2
export const U32_LEFT = 3
export const U32_RIGHT = 4

export const CONNBYTES_PACKETS = 0 // | CONNBYTES_ORIGINAL …
export const CONNBYTES_BYTES = 1
export const CONNBYTES_AVERAGE = 2
export const CONNBYTES_ORIGINAL = 4
export const CONNBYTES_REPLY = 8
export const CONNLIMIT_ABOVE = 2
export const CONNLABEL_SET = 2
export const CONNLIMIT_DEST = 4
export const DEVGROUP_HAS_SRC = 2
export const DEVGROUP_NOT_SRC = 4
export const DEVGROUP_HAS_DST = 8
export const DEVGROUP_NOT_DST = 16
export const SOCKET_TRANSPARENT = 2
export const SOCKET_NOWILDCARD = 4
export const EXTENSIONS_NONE = 0 // asks for a header that a packet without extensions has not
export const EXTENSIONS_LIST = 1
export const EXTENSIONS_SOFT = 2
export const MATCH_NOT = 1 // flag of every kind: the result is inverted
// MATCH_PORTS
export const PORTS_HAS_SPORT = 2
export const PORTS_NOT_SPORT = 4
export const PORTS_HAS_DPORT = 8
export const PORTS_NOT_DPORT = 16
export const PORTS_NOT_BOTH = 32 // not (sport = A and dport = B)
// MATCH_SCTP_CHUNKS: how
export const SCTP_ALL = 0
export const SCTP_ANY = 1
export const SCTP_ONLY = 2
// MATCH_ICMP
export const ICMP_ANY = 2
// MATCH_CT_STATE and MATCH_CT
export const CTSTATE_ESTABLISHED = 1
export const CTSTATE_RELATED = 2
export const CTSTATE_NEW = 4
export const CTSTATE_INVALID = 8
export const CTSTATE_UNTRACKED = 16
export const CTSTATE_SNAT = 32
export const CTSTATE_DNAT = 64
export const MATCH_CT_HAS_OFF = 4 // bytes from the match's first word
export const MATCH_CT_NOT_OFF = 8
export const MATCH_CT_STATE_OFF = 12
export const MATCH_CT_STATUS_OFF = 16
export const MATCH_CT_PROTO_OFF = 20
export const MATCH_CT_PORTS_OFF = 24 // original source, destination, reply source, destination
export const MATCH_CT_EXPIRE_OFF = 40 // from, to
export const MATCH_CT_ADDRS_OFF = 48 // likewise four: 16 bytes address, 16 bytes mask
export const MATCH_CT_WORDS = 44
export const CT_HAS_STATE = 1
export const CT_HAS_STATUS = 2
export const CT_HAS_PROTO = 4
export const CT_HAS_EXPIRE = 8
export const CT_HAS_DIR = 16 // the original direction; NOT: the reply direction
export const CT_HAS_PORT = 32 // << 0..3
export const CT_HAS_ADDR = 512 // << 0..3
// MATCH_ADDRTYPE
export const ADDRTYPE_HAS_SRC = 2
export const ADDRTYPE_NOT_SRC = 4
export const ADDRTYPE_HAS_DST = 8
export const ADDRTYPE_NOT_DST = 16
export const ADDRTYPE_IN = 32
export const ADDRTYPE_OUT = 64
// MATCH_RECENT
export const RECENT_SET = 2
export const RECENT_RCHECK = 4
export const RECENT_UPDATE = 8
export const RECENT_REMOVE = 16
export const RECENT_DEST = 32
export const RECENT_TTL = 64
export const RECENT_REAP = 128
// MATCH_MULTIPORT
export const MULTIPORT_SPORTS = 2
export const MULTIPORT_DPORTS = 4 // both flags: either
// MATCH_IPRANGE
export const IPRANGE_HAS_SRC = 2
export const IPRANGE_NOT_SRC = 4
export const IPRANGE_HAS_DST = 8
export const IPRANGE_NOT_DST = 16
// MATCH_HOPS
export const HOPS_EQ = 0
export const HOPS_LT = 1
export const HOPS_GT = 2
// MATCH_ECN
export const ECN_HAS_ECT = 1
export const ECN_HAS_ECE = 2
export const ECN_HAS_CWR = 4
// MATCH_TIME
export const TIME_KERNEL_ZONE = 2
export const TIME_CONTIGUOUS = 4
// MATCH_RPFILTER
export const RPFILTER_LOOSE = 2
export const RPFILTER_MARK = 4
export const RPFILTER_LOCAL = 8
// MATCH_OWNER
export const OWNER_UID = 1
export const OWNER_GID = 2
export const OWNER_SOCKET = 4
export const OWNER_SUPPLEMENTARY = 8 // with OWNER_GID: the other groups count too
// MATCH_PHYSDEV
export const PHYSDEV_IN = 1
export const PHYSDEV_OUT = 2
export const PHYSDEV_IS_BRIDGED = 4
export const PHYSDEV_IS_IN = 8
export const PHYSDEV_IS_OUT = 16
export const PHYSDEV_ASKED = 31
export const PHYSDEV_IN_PATTERN = 256 // as RULE_IN_PATTERN
export const PHYSDEV_OUT_PATTERN = 512

// Small state: limit = credit f64, time f64; nth = count u32
export const LIMIT_STATE_WORDS = 4
export const NTH_STATE_WORDS = 2
export const QUOTA_STATE_WORDS = 2 // u64: bytes left
export const CONNLIMIT_STATE_WORDS = 2 // number of its lists in ConnLimits, 0 = none yet
