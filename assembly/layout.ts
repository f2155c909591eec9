// Sizes, offsets and codes of everything that lies in WebAssembly memory: the one source of truth, bare integer
// constants only, compiled by asc (the core) and by tsc (compile/, engine/). Names carry unit or kind: _BYTES, _OFF (from
// the start of its record), _AT (absolute address), the rest are codes. Words are little-endian u32 unless said.
//
//   0 ──────── 1024 ──────────── 16384 ─────────── heapBase ─────────────────────────────────────────────
//   (unused)   CTX, call stack,   asc's own data    image | counters | conntrack | recent … | batches (bump-allocated)
//              scratch

export const ABI_VERSION = 1

// ---------------------------------------------------------------------------------------------------------------
// The packet context: the one packet that is being evaluated. Written by packet.ts/hooks.ts/nat.ts, read by all.
// An address is four u32 words, most significant first, each in host order; IPv4 lies in word 0, words 1..3 are 0.

export const CTX_FAMILY_AT = 1024 // 4 | 6
export const CTX_PROTO_AT = 1028
export const CTX_SRC_AT = 1032 // 16 bytes
export const CTX_DST_AT = 1048 // 16 bytes
export const CTX_SPORT_AT = 1064 // host order; 0 where the protocol has no ports
export const CTX_DPORT_AT = 1068
export const CTX_ICMP_TYPE_AT = 1072
export const CTX_ICMP_CODE_AT = 1076
export const CTX_ICMP_ID_AT = 1080
export const CTX_TCP_FLAGS_AT = 1084 // FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32 ECE 64 CWR 128
export const CTX_TTL_AT = 1088
export const CTX_TOS_AT = 1092
export const CTX_MARK_AT = 1096
export const CTX_IN_LINK_AT = 1100 // link id (dense from 1, see the LINKS section); 0 = none
export const CTX_OUT_LINK_AT = 1104
export const CTX_LENGTH_AT = 1108 // IP total length, bytes
export const CTX_CT_AT = 1112 // address of the connection's record; 0 = none (INVALID, or UNTRACKED by ctinfo)
export const CTX_CTINFO_AT = 1116 // CTINFO_*
export const CTX_HOOK_AT = 1120 // HOOK_*
export const CTX_ZONE_AT = 1124 // zone of the original direction, asked for by CT --zone, --zone-orig
export const CTX_VISIT_AT = 1128 // next visit number
export const CTX_SNAT_ATTEMPT_AT = 1132
export const CTX_DNAT_ATTEMPT_AT = 1136
export const CTX_HOP_ATTEMPT_AT = 1140
export const CTX_REJECT_AT = 1144 // REJECT_* + 1 once a REJECT rule decided; 0 = none
export const CTX_RULE_AT = 1148 // number (from 1, in its chain) of the rule that gave the last verdict; 0 = the policy
export const CTX_CHAIN_AT = 1152 // chain index (CHAINS section, symbols.chains) in which that verdict was given
export const CTX_TRACING_AT = 1156 // 1: write events to the trace buffer
export const CTX_NOTRACK_AT = 1160 // 1: UNTRACKED was asked for by CT --notrack / NOTRACK; 2: another CT target was met; CT_LOOKED
export const CT_LOOKED = 3 // conntrack has looked since
export const CTX_SCTP_CHUNK_AT = 1164 // first chunk's type; 256 = none
export const CTX_SEQ_AT = 1168
export const CTX_ACK_AT = 1172
export const CTX_PAYLOAD_AT = 1176 // payload bytes
export const CTX_WIN_AT = 1180
export const CTX_NOW_AT = 1184 // f64, ms
export const CTX_ORDINAL_AT = 1192 // u64
export const CTX_SEED_AT = 1200 // u64
export const CTX_IS_REPLY_AT = 1208 // 1 while an answer made by this host (REJECT, ICMP error) is on its way
export const CTX_ZONE_REPLY_AT = 1212 // zone of the reply direction (CT --zone, --zone-reply)
export const CTX_INNER_AT = 1216 // quoted header: the same fields as RECORD_INNER_*, RECORD_INNER_BYTES long; proto 0 = none

// ctinfo, as enum ip_conntrack_info
export const CTINFO_ESTABLISHED = 0
export const CTINFO_RELATED = 1
export const CTINFO_NEW = 2
export const CTINFO_ESTABLISHED_REPLY = 3
export const CTINFO_RELATED_REPLY = 4
export const CTINFO_UNTRACKED = 7

// hooks, as enum nf_inet_hooks
export const HOOK_PREROUTING = 0
export const HOOK_INPUT = 1
export const HOOK_FORWARD = 2
export const HOOK_OUTPUT = 3
export const HOOK_POSTROUTING = 4

// tables
export const TABLE_RAW = 0
export const TABLE_MANGLE = 1
export const TABLE_NAT = 2
export const TABLE_FILTER = 3
export const TABLE_SECURITY = 4

// verdicts of a table (runTable) and of targets
export const NF_DROP = 0
export const NF_ACCEPT = 1

// ---------------------------------------------------------------------------------------------------------------
// A connection: hot record of 64 bytes, cold record beside it (same index). Offsets below are those that the rule
// matches need; conntrack.ts owns the records.

export const CT_HOT_BYTES = 64

// ---------------------------------------------------------------------------------------------------------------
// Image: header, section table, sections aligned to 64 bytes. Offsets in the section table are from the image's start.

export const IMAGE_MAGIC = 0x31504e2e // '.NP1' in memory order
export const IMAGE_HEADER_BYTES = 64
export const IMAGE_MAGIC_OFF = 0
export const IMAGE_ABI_OFF = 4
export const IMAGE_BYTES_OFF = 8 // length of the whole image, a multiple of 64
export const IMAGE_CHECKSUM_OFF = 12 // over all words but this one
export const IMAGE_SECTIONS_OFF = 16 // number of sections
export const IMAGE_FLAGS_OFF = 20 // IMAGE_FLAG_*
export const IMAGE_COUNTERS_OFF = 24 // number of counters
export const IMAGE_DEPTH_OFF = 28 // chains that can be entered at once: the jump stack's size
export const IMAGE_STATE_OFF = 32 // bytes of the rules' small state (limit, nth)
export const IMAGE_LINKS_OFF = 36 // number of links

export const IMAGE_FLAG_CONNTRACK4 = 1 // a rule of the IPv4 rules needs conntrack, or it is forced
export const IMAGE_FLAG_CONNTRACK6 = 2
export const IMAGE_FLAG_NFT4 = 4 // IPv4's rules are of the nft backend
export const IMAGE_FLAG_NFT6 = 8
export const IMAGE_FLAG_WHOLE4 = 16 // fragments are put together before the rules
export const IMAGE_FLAG_WHOLE6 = 32

export const SECTION_ENTRY_BYTES = 16 // id, offset, bytes, 0; ascending by id
export const SECTION_ALIGN_BYTES = 64
export const SECTION_ID_MAX = 63

// Sections 1..31: rules
export const SECTION_SYMBOLS = 1 // JSON, UTF-8
export const SECTION_ROOTS = 2 // [family][table][hook] -> chain index + 1, 0 = none
export const SECTION_CHAINS = 3
export const SECTION_RULES4 = 4
export const SECTION_RULES6 = 5
export const SECTION_CODE = 6 // matches and the parameters of targets, words
export const SECTION_COUNTERS = 7 // initial values
export const SECTION_LINES = 8 // line of each counter's rule (0 for a chain), words
export const SECTION_IFACES = 9 // interface patterns: bit sets over link ids
export const SECTION_SETS = 10
export const SECTION_SET_SHAPES = 11
export const SECTION_SET_INDEX = 12
export const SECTION_SET_ENTRIES = 13
export const SECTION_RECENTS = 14
export const SECTION_HASHLIMITS = 24
export const SECTION_STATE = 15 // initial words of the small state
// Sections 32..63: packets (links, routes, sysctls, connections)

// ---------------------------------------------------------------------------------------------------------------
// Rules. A rule is decided from its record alone when it has no further matches (RULE_CODE_COUNT 0).

export const ROOTS_TABLES = 5
export const ROOTS_HOOKS = 5

export const CHAIN_BYTES = 16
export const CHAIN_FIRST_OFF = 0 // index of its first rule in its family's rules
export const CHAIN_RULES_OFF = 4
export const CHAIN_COUNTER_OFF = 8 // counter index of the chain; its rules follow
export const CHAIN_POLICY_OFF = 12 // CHAIN_POLICY_*, | CHAIN_FAMILY6

export const CHAIN_POLICY_DROP = 0
export const CHAIN_POLICY_ACCEPT = 1
export const CHAIN_POLICY_USER = 2
export const CHAIN_POLICY_MASK = 3
export const CHAIN_FAMILY6 = 4

export const RULE4_BYTES = 64
export const RULE6_BYTES = 128
export const RULE_FLAGS_OFF = 0 // RULE_*
export const RULE_PROTO_OFF = 4
export const RULE_DPORTS_OFF = 8 // from | to << 16
export const RULE_SPORTS_OFF = 12
export const RULE_IN_OFF = 16 // link id, or index of a pattern
export const RULE_OUT_OFF = 20
export const RULE_CODE_OFF = 24 // word index of the first match in CODE
export const RULE_CODE_COUNT_OFF = 28 // number of matches there
export const RULE_TARGET_OFF = 32 // TARGET_*
export const RULE_A_OFF = 36 // the target's parameters
export const RULE_B_OFF = 40
export const RULE_COUNTER_OFF = 44 // counter index
export const RULE4_SRC_OFF = 48
export const RULE4_SRC_MASK_OFF = 52
export const RULE4_DST_OFF = 56
export const RULE4_DST_MASK_OFF = 60
export const RULE6_SRC_OFF = 48
export const RULE6_SRC_MASK_OFF = 64
export const RULE6_DST_OFF = 80
export const RULE6_DST_MASK_OFF = 96

// flags: HAS = to be compared, NOT = inverted
export const RULE_HAS_SRC = 1
export const RULE_NOT_SRC = 2
export const RULE_HAS_DST = 4
export const RULE_NOT_DST = 8
export const RULE_HAS_PROTO = 16
export const RULE_NOT_PROTO = 32
export const RULE_HAS_DPORTS = 64
export const RULE_NOT_DPORTS = 128
export const RULE_HAS_SPORTS = 256
export const RULE_NOT_SPORTS = 512
export const RULE_HAS_IN = 1024
export const RULE_NOT_IN = 2048
export const RULE_IN_PATTERN = 4096 // RULE_IN is a pattern's index, else a link id (IFACE_ABSENT: no such link)
export const RULE_HAS_OUT = 8192
export const RULE_NOT_OUT = 16384
export const RULE_OUT_PATTERN = 32768
export const RULE_NEVER = 65536 // cannot match
export const RULE_LAYER4 = 131072 // its first match looks at the layer-4 header: a later fragment does not fit
export const RULE_TINY = 262144 // a match on TCP, which drops a later fragment that begins inside the header
export const RULE_NATIVE = 524288 // iptables-nft: ports and flags of a later fragment are compared with what stands there
export const RULE_FLAGS_MASK = 1048575

export const IFACE_ABSENT = 0xffffffff

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
export const TARGET_CT = 13 // A: zone of the original | of the reply direction << 16, B: 1, 2 = that one is the packet's mark
export const TARGET_SET = 40 // A: word index of a SETWORK record in CODE
export const TARGET_HOPS = 14 // A: HOPS_SET | HOPS_INC | HOPS_DEC, B: value
export const TARGET_TOS = 15 // A: value, B: mask
export const TARGET_ECN = 16 // A: TCP flags that are cleared | that are set << 8, B: 0, or codepoint | 4
export const TARGET_QUEUE = 17 // A: number | number of queues - 1 << 16, B: QUEUE_*
export const TARGET_CONNMARK_SHIFT = 18 // A: word index of CONNMARK_SHIFT_WORDS words in CODE
export const TARGET_TEE = 19 // A: word index of the gateway's four words in CODE
export const TARGET_TPROXY = 20 // A: value, B: mask of the mark
export const TARGET_SNPT = 45 // A: word index of an NPT record in CODE; 46: the destination
export const TARGET_DNPT = 46
export const TARGET_CODES = 47

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

// ---------------------------------------------------------------------------------------------------------------
// Trace events

export const TRACE_EVENT_BYTES = 64
export const TRACE_KIND_OFF = 0
export const TRACE_A_OFF = 4
export const TRACE_B_OFF = 8
export const TRACE_C_OFF = 12
export const TRACE_D_OFF = 16
export const TRACE_E_OFF = 20
export const TRACE_F_OFF = 24
export const TRACE_ADDR1_OFF = 32
export const TRACE_ADDR2_OFF = 48
export const TRACE_KIND_HOOK = 1 // a: HOOK_*
export const TRACE_KIND_CONNTRACK = 2 // a: state, b: direction
export const TRACE_KIND_RULE = 3 // a: counter index of the rule or chain, b: TRACE_RULE | TRACE_POLICY | TRACE_RETURN
export const TRACE_KIND_ROUTE = 4
export const TRACE_KIND_NAT = 5
export const TRACE_KIND_TEE = 6 // f: 4 | 6, ADDR1: gateway
export const TRACE_KIND_BRIDGE = 8 // a: link id of the port that a frame is given to; 0 = the host
export const TRACE_KIND_COPY = 9 // a: link id of a port by which a flooded frame left
export const TRACE_KIND_REPLY = 0x80000000 // set when the event belongs to an answer of this host
export const TRACE_RULE = 0
export const TRACE_POLICY = 1
export const TRACE_RETURN = 2
export const TRACE_RESERVE_BYTES = 1048576 // room that must be left before a traced packet starts

// ---------------------------------------------------------------------------------------------------------------
// Matches in CODE. First word: kind | words << 8 | flags << 16 (words counts this one).

export const MATCH_NEVER = 1
export const MATCH_PORTS = 2 // sports, dports
export const MATCH_TCP_FLAGS = 3 // mask | comp << 8
export const MATCH_SCTP_CHUNKS = 4 // how, 8 words types, 8 words types whose flags can fit
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
export const MATCH_CODES = 82

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

// ---------------------------------------------------------------------------------------------------------------
// Recent lists. Section: header, then a record a list. State: list heads, buckets, entries, rings.

export const RECENTS_HEADER_BYTES = 16
export const RECENTS_LISTS_OFF = 0
export const RECENTS_ENTRIES_OFF = 4 // entries of all lists together
export const RECENTS_BUCKETS_OFF = 8 // a power of two
export const RECENTS_RING_OFF = 12 // bytes of all rings
export const RECENT_LIST_BYTES = 16
export const RECENT_LIST_FAMILY_OFF = 0
export const RECENT_LIST_RING_OFF = 4 // stamps in a ring, a power of two; 0: only the last one is kept
export const RECENT_LIST_RING_AT_OFF = 8 // byte offset of its rings
export const RECENT_LIST_MAX_OFF = 12 // entries of this list at most, 1..128
export const RECENT_RING_FREE_BYTES = 128 // before the rings of a list: stack of the free ones

// ---------------------------------------------------------------------------------------------------------------
// Tables of hashlimit. Section: header, then a record a table. State: hashlimit.ts.

export const HASHLIMITS_HEADER_BYTES = 16
export const HASHLIMITS_TABLES_OFF = 0
export const HASHLIMITS_ENTRIES_OFF = 4 // entries of all tables together
export const HASHLIMITS_BUCKETS_OFF = 8 // a power of two
export const HASHLIMIT_TABLE_BYTES = 64
export const HASHLIMIT_FAMILY_OFF = 0 // 4 | 6
export const HASHLIMIT_MODE_OFF = 4 // HASHLIMIT_SRC …
export const HASHLIMIT_SRC_MASK_OFF = 8 // prefix lengths
export const HASHLIMIT_DST_MASK_OFF = 12
export const HASHLIMIT_MAX_OFF = 16 // entries at most
export const HASHLIMIT_GC_OFF = 20 // ms between two cleanings
export const HASHLIMIT_EXPIRE_OFF = 24 // ms
export const HASHLIMIT_INTERVAL_OFF = 28 // rate: ms over which it is measured
export const HASHLIMIT_COST_OFF = 32 // u64: of a packet, of 16 bytes; rate: a second's
export const HASHLIMIT_CAP_OFF = 40 // u64: the most credit; bytes: refills; rate: what an interval may hold
export const HASHLIMIT_START_OFF = 48 // u64: credit of a new entry
export const HASHLIMIT_SRC = 1
export const HASHLIMIT_SPORT = 2
export const HASHLIMIT_DST = 4
export const HASHLIMIT_DPORT = 8
export const HASHLIMIT_BYTES = 16
export const HASHLIMIT_RATE = 32

// ---------------------------------------------------------------------------------------------------------------
// Sets. Records lie in the image and, with addresses in place of what is 0 there, in the state. Elements of a set that
// rules change or count (SET_LIVE) are taken into one pool of the state; those of others stay in the image.

export const SETS_BYTES = 16 // header of the section, then a record a set
export const SETS_POOL_OFF = 0 // elements that the pool has room for
export const SETS_BUCKETS_OFF = 4 // of the pool, a power of two
export const SETS_SHAPES_OFF = 8 // shapes of all live sets together
export const SETS_MEMBERS_OFF = 12 // members of all live lists together
export const SET_BYTES = 144
export const SET_KIND_OFF = 0 // SET_KIND_*
export const SET_FAMILY_OFF = 4 // 0 any, 4, 6
export const SET_DIMS_OFF = 8
export const SET_SHAPES_OFF = 12 // index of its first shape
export const SET_SHAPE_COUNT_OFF = 16
export const SET_INDEX_OFF = 20 // word index of its buckets in SET_INDEX, unless it is live
export const SET_BUCKETS_OFF = 24 // a power of two, unless it is live
export const SET_FLAGS_OFF = 28 // SET_HAS_*, SET_*
export const SET_ENTRIES_OFF = 32 // its first element in SET_ENTRIES, in units of 64 bytes
export const SET_COUNT_OFF = 36 // elements that it begins with
export const SET_MAXELEM_OFF = 40
export const SET_TIMEOUT_OFF = 44 // of elements that are added, seconds
export const SET_STRIDE_OFF = 48 // bytes of an element: SET_ENTRY_BYTES or SET_WIDE_BYTES
export const SET_RANGE_FROM_OFF = 52 // bitmaps: IPv4 address or port
export const SET_RANGE_TO_OFF = 56
export const SET_MARKMASK_OFF = 60
export const SET_MASK_OFF = 64 // 16 bytes: addresses are looked at under it
// in the state only
export const SET_AT_BUCKETS_OFF = 80 // address
export const SET_AT_ENTRIES_OFF = 84 // address of element reference 1, less SET_STRIDE
export const SET_BUCKET_MASK_OFF = 88
export const SET_SEED_OFF = 92 // or-ed to the number of a shape: the set's own for live ones
export const SET_LIVE_OFF = 96 // elements that it has now
export const SET_HEAD_OFF = 100 // live: its elements in the order in which they were added, references
export const SET_TAIL_OFF = 104
export const SET_SHAPE_USES_OFF = 108 // live: address, a word a shape: elements of it
export const SET_NEXT_END_OFF = 112 // f64, live: no element ends before
export const SET_GONE_HEAD_OFF = 120 // live: places of elements that timed out, the oldest first, references
export const SET_GONE_TAIL_OFF = 124
export const SET_GONE_OFF = 128 // how many
export const SET_KIND_KEYED = 0
export const SET_KIND_LIST = 1 // elements hold a set index in place of the port, in order
// what a key is made of, and from which direction each part comes
export const SET_HAS_ADDR1 = 1
export const SET_HAS_PORT = 2
export const SET_HAS_PROTO = 4 // with PORT: the protocol counts too; without: only TCP and UDP
export const SET_HAS_ADDR2 = 8
export const SET_HAS_IFACE = 16
export const SET_NOMATCH = 32 // the type knows nomatch
export const SET_NO_ZERO = 64 // 0.0.0.0 and :: as its first address cannot be asked
export const SET_HAS_MARK = 128 // the packet's mark, in the place of the port
export const SET_ADDR2_DIM_SHIFT = 8 // 1 or 2: the direction of the second address
export const SET_HAS_MAC = 1024 // an Ethernet address, in the place of the second address
export const SET_MAC_DATA = 2048 // it is no part of the key, but of the element (bitmap:ip,mac)
export const SET_LIVE = 4096
export const SET_HAS_TIMEOUT = 8192
export const SET_HAS_COUNTERS = 16384
export const SET_HAS_SKBINFO = 32768
export const SET_FORCEADD = 65536
export const SET_HAS_RANGE = 131072
export const SET_WIDE_KEY = 262144 // more words than 0, 4 and 8 of the key are used
export const SET_NET1 = 524288 // the first address is a network
export const SET_NET2 = 1048576
export const SET_FLAGS_MASK = 2097151
export const SET_SHAPES_MAX = 65536 // of one set
export const SET_COUNT_MAX = 65535 // sets

export const SET_SHAPE_BYTES = 48 // mask of address 1, mask of address 2, then
export const SET_SHAPE_LENGTH1_OFF = 32 // prefix lengths
export const SET_SHAPE_LENGTH2_OFF = 36
export const SET_ENTRY_BYTES = 64
export const SET_ENTRY_ADDR1_OFF = 0
export const SET_ENTRY_ADDR2_OFF = 16
export const SET_ENTRY_PORT_OFF = 32 // port | protocol << 16, mark, or set index
export const SET_ENTRY_IFACE_OFF = 36 // link id, or index of a pattern
export const SET_ENTRY_SHAPE_OFF = 40 // within its set, | SET_SEED
export const SET_ENTRY_FLAGS_OFF = 44 // ENTRY_*
export const SET_ENTRY_NEXT_OFF = 48 // the next in the bucket, reference (from 1, within its set or the pool)
export const SET_ENTRY_ORIGIN_OFF = 52 // which of the set's elements at the start, from 1; 0 = added by a rule
export const SET_ENTRY_END_OFF = 56 // f64 ms; infinite: no timeout
export const SET_WIDE_BYTES = 128 // elements of live sets, and of those that give something to a packet; then
export const SET_ENTRY_PACKETS_OFF = 64 // u64
export const SET_ENTRY_PBYTES_OFF = 72 // u64
export const SET_ENTRY_SKBMARK_OFF = 80
export const SET_ENTRY_SKBMASK_OFF = 84
export const SET_ENTRY_WAITING_OFF = 88 // seconds: the timeout that begins when the Ethernet address comes
export const SET_ENTRY_OLDER_OFF = 92 // in its set, references
export const SET_ENTRY_NEWER_OFF = 96
export const ENTRY_NOMATCH = 1
export const ENTRY_PATTERN = 2 // IFACE is a pattern's index
export const ENTRY_NO_LINK = 4 // no interface of this namespace fits
export const ENTRY_NO_MAC = 8 // bitmap:ip,mac: no Ethernet address yet
export const ENTRY_RENEWED = 16 // written anew by a rule: nothing but its parts is as at the start
export const ENTRY_GONE = 32 // timed out: only its place is left
export const ENTRY_FLAGS_MASK = 63
export const SET_PLACES = 1024 // places that a set keeps at most

// MATCH_SET: set index, directions | source bits << 8, and with SET_TESTS_COUNTERS: SETOP_* of packets | of bytes << 8,
// u64 packets, u64 bytes
export const SET_RETURN_NOMATCH = 2
export const SET_KEEP_COUNTERS = 4
export const SET_KEEP_SUBCOUNTERS = 8
export const SET_TESTS_COUNTERS = 16
export const SET_TEST_WORDS = 8
export const SETOP_NONE = 0
export const SETOP_EQ = 1
export const SETOP_NE = 2
export const SETOP_LT = 3
export const SETOP_GT = 4
// TARGET_SET: a record in CODE
export const SETWORK_BYTES = 32
export const SETWORK_FLAGS_OFF = 0 // SETWORK_*
export const SETWORK_ADD_OFF = 4 // set index, then directions as in MATCH_SET
export const SETWORK_DEL_OFF = 12
export const SETWORK_MAP_OFF = 20
export const SETWORK_TIMEOUT_OFF = 28
export const SETWORK_ADDS = 1
export const SETWORK_DELS = 2
export const SETWORK_MAPS = 4
export const SETWORK_EXIST = 8
export const SETWORK_HAS_TIMEOUT = 16
export const SETWORK_MARK = 32

// ---------------------------------------------------------------------------------------------------------------
// What went wrong inside a batch: read after it, 0 = nothing
export const RULES_ERROR_AT = 8192
export const SET_KEY_AT = 8256 // scratch: 40 bytes, the key that is looked up
export const RULES_ERROR_RECENTS = 1 // the entries of all recent lists are used up
export const RULES_ERROR_SETS = 2 // the pool of elements that rules add to sets is used up
export const RULES_ERROR_HASHLIMITS = 3 // those of all tables of hashlimit are

// ---------------------------------------------------------------------------------------------------------------
// What rules ask of a packet beyond its header. A rule that needs a field which the packet does not give stops the packet:
// see asked.ts.
export const CTX_RECORD_AT = 2048 // address of the packet's record; an answer of this host has that of its cause
export const ASKED_FIELD_AT = 2052 // FIELD_* that was asked for in vain; 0 = none
export const ASKED_COUNTER_AT = 2056 // counter index of the rule that asked; ASKED_BY_POLICY | index of the policy rule
export const ASKED_BY_POLICY = 0x80000000
export const CTX_SOCKET_AT = 2060 // SOCKET_*: what sends the packet
export const SOCKET_NONE = 0 // nothing here: it is forwarded, looped, or a reset
export const SOCKET_PROCESS = 1
export const SOCKET_KERNEL = 2 // an ICMP error of this host
export const WALL_CLOCK_AT = 2064 // f64: ms since 1970 at clock 0; written by the host
export const WALL_ZONE_AT = 2072 // i32: seconds that the kernel's time zone is ahead of UTC
export const WALL_GIVEN_AT = 2076 // 1: the two are given
export const HASHLIMIT_KEY_AT = 2112 // scratch: 36 bytes, the key that is looked up
export const FIELD_HOTDROP = 255 // nothing was asked for: a match dropped the packet
export const LOOPBACK6_AT = 2560 // ::1, 16 bytes
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
export const FIELD_CODES = 15

// ---------------------------------------------------------------------------------------------------------------
// Draws that are given instead of drawn: written by the host between packets
export const FORCED_DRAWS_AT = 8320 // address of a FORCED table; 0 = everything is drawn
export const FORCED_COUNT_OFF = 0
export const FORCED_FIRST_OFF = 16 // the entries begin
export const FORCED_BYTES = 16 // of an entry
export const FORCED_PURPOSE_OFF = 0
export const FORCED_N_OFF = 4
export const FORCED_VALUE_OFF = 8 // u64: in place of PRF(seed, ordinal, purpose, n)

// ---------------------------------------------------------------------------------------------------------------
// Packet headers, records and results. A batch is four arrays with the same index: records, quotes (the packet that a
// record's ICMP error quotes), results, answers (the quoted packet of what came out). Only what is used is touched.

export const HDR_BYTES = 64
export const HDR_FAMILY_OFF = 0 // u8: 4 | 6
export const HDR_PROTO_OFF = 1 // u8
export const HDR_TTL_OFF = 2 // u8
export const HDR_TOS_OFF = 3 // u8
export const HDR_SRC_OFF = 4 // 16 bytes, as in CTX
export const HDR_DST_OFF = 20
export const HDR_SPORT_OFF = 36 // u16
export const HDR_DPORT_OFF = 38 // u16
export const HDR_TYPE_OFF = 40 // u8, ICMP
export const HDR_CODE_OFF = 41 // u8, ICMP
export const HDR_ID_OFF = 42 // u16, ICMP
export const HDR_TCP_FLAGS_OFF = 44 // u8
export const HDR_HAS_OFF = 45 // u8: HAS_*
export const HDR_CHUNK_OFF = 46 // u16, SCTP; 256 = none
export const HDR_SEQ_OFF = 48 // SCTP: verification tag
export const HDR_ACK_OFF = 52
export const HDR_WIN_OFF = 56 // u16
export const HDR_PAYLOAD_OFF = 60
export const HAS_SEQ = 1 // seq is part of this header when it is printed
export const HAS_ACK = 2
export const HAS_PAYLOAD = 4

export const RECORD_BYTES = 128 // a header, then
export const RECORD_AT_MS_OFF = 64 // f64; below 0: the clock stays
export const RECORD_MARK_OFF = 72
export const RECORD_LENGTH_OFF = 76 // IP total length, bytes
export const RECORD_IN_LINK_OFF = 80 // link id; 0 = sent by a process of this namespace
export const RECORD_ZONE_OFF = 84 // u16, conntrack zone; RECORD_FLAGS_OFF beside it
export const RECORD_FLAGS_OFF = 86 // u16: RECORD_*
export const RECORD_QUOTE_LENGTH_OFF = 88 // bytes that an ICMP error quotes at most
export const RECORD_CPU_OFF = 92 // that handles the packet; with RECORD_HAS_CPU
export const RECORD_UID_OFF = 96 // owner of the sending process; OWNER_UNKNOWN
export const RECORD_GID_OFF = 100
export const RECORD_MAC_SRC_OFF = 104 // 6 bytes, with RECORD_HAS_MAC_SRC
export const RECORD_HAS_OFF = 110 // u8: RECORD_HAS_*
export const RECORD_MORE_OFF = 111 // u8: MORE_*
export const RECORD_MAC_DST_OFF = 112 // 6 bytes, with RECORD_HAS_MAC_DST
export const RECORD_PKTTYPE_OFF = 118 // u16
export const RECORD_FRAG_OFF = 120 // u16: offset in units of 8 bytes | more << 15; 0 = a whole packet
export const RECORD_PAYLOAD_OFF = 124 // with RECORD_HAS_PAYLOAD
export const MORE_SOCKET = 1 // it is known which socket the packet meets
export const MORE_SOCKET_FOUND = 2
export const MORE_SOCKET_TRANSPARENT = 4
export const MORE_SOCKET_WILDCARD = 8
export const MORE_SPI = 16 // HDR_SEQ is the SPI
export const MORE_EXTRA = 32 // bytes that no field stands for: options, extension headers
export const MORE_OPTIONS = 64 // RECORD_PAYLOAD is the address of TCP options: OPTIONS_BYTES, the first is their number
export const OPTIONS_BYTES = 48
export const RECORD_HAS_MAC_SRC = 1
export const RECORD_HAS_MAC_DST = 2
export const RECORD_HAS_CPU = 8
export const RECORD_HAS_PAYLOAD = 16
export const RECORD_HAS_PKTTYPE = 32
export const OWNER_UNKNOWN = 0xffffffff
export const RECORD_TRACE = 1
export const RECORD_QUOTES = 2 // the quotes array holds the packet that this ICMP error quotes
export const RECORD_BAD_CHECKSUM = 4
export const RECORD_RESUME = 16 // the packet that a fragment which was just kept before INPUT completes: it goes on there
export const RECORD_TCP_OPTIONS = 8 // HDR_TYPE holds TCPO_*, HDR_ID and HDR_WIN + 2 the low and high half of a SACK edge

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
export const FRAGMENT_IN = 1 // where it was wanted
export const FRAGMENT_OUT = 2
export const FRAGMENT_LOCAL = 3

export const ERRNO_NONE = 0
export const ERRNO_EPERM = 1
export const ERRNO_EHOSTUNREACH = 2
export const ERRNO_EACCES = 3
export const ERRNO_ENETUNREACH = 4
export const ERRNO_EINVAL = 5

// More of the context: the frame and the bridge (2304..2431). Travels with copies of a packet.
export const CTX_FRAME_AT = 2304
export const CTX_FRAME_BYTES = 48
export const CTX_PHYS_IN_AT = 2304 // bridge port (link id) by which it came and met iptables; 0 = it did not
export const CTX_PHYS_OUT_AT = 2308 // and leaves by; PHYS_UNKNOWN: by one of them
export const CTX_PKTTYPE_AT = 2312 // PKTTYPE_*
export const CTX_ETHER_AT = 2316 // ETHER_*
export const CTX_MAC_SRC_AT = 2320 // u64, first byte highest of 48 bits
export const CTX_MAC_DST_AT = 2328 // u64
export const CTX_OUT_PORT_AT = 2336 // bridge port by which it left; 0 = none, or not known
export const PHYS_UNKNOWN = 0xffffffff
export const PKTTYPE_HOST = 0
export const PKTTYPE_BROADCAST = 1
export const PKTTYPE_MULTICAST = 2
export const PKTTYPE_OTHERHOST = 3
export const ETHER_PRESENT = 1 // the device it is on has Ethernet headers
export const ETHER_SRC_KNOWN = 2
export const ETHER_DST_UNKNOWN = 4

// More of the context: connection tracking (2432..2559).
export const CTX_TCP_OPTIONS_AT = 2432 // TCPO_* of the packet that came
export const CTX_TCP_SACK_AT = 2436 // right edge of its highest SACK block
export const CTX_FRAG_AT = 2440 // offset in units of 8 bytes | more << 15; 0 = a whole packet
export const FRAG_OFFSET = 0x1fff
export const TCPO_SCALE_MASK = 15
export const TCPO_HAS_SCALE = 16
export const TCPO_SACK_PERMITTED = 32
export const TCPO_HAS_EDGE = 64
export const TCPO_PRESENT = 128

// More of the context, beyond E1's words: what belongs to the way of the packet.
export const CTX_WAY_AT = 1296
export const TRACE_CT_NEW = 0 // codes of the conntrack step
export const TRACE_CT_ESTABLISHED = 1
export const TRACE_CT_RELATED = 2
export const TRACE_CT_INVALID = 3
export const TRACE_CT_UNTRACKED = 4

// ---------------------------------------------------------------------------------------------------------------
// Links, addresses, sysctls: sections 32..35

export const SECTION_LINKS = 32
export const SECTION_ADDRESSES = 33
export const SECTION_SYSCTLS = 34
export const SECTION_LOCALS = 35 // the host's own addresses, hash table

export const LINK_BYTES = 64 // record 0 stands for "no link"
export const LINK_FLAGS_OFF = 0 // LINK_*
export const LINK_RP_FILTER_OFF = 4 // 0 | 1 | 2
export const LINK_ADDR4_OFF = 8 // index of its first IPv4 address
export const LINK_ADDR4_COUNT_OFF = 12
export const LINK_ADDR6_OFF = 16
export const LINK_ADDR6_COUNT_OFF = 20
export const LINK_MASTER_OFF = 24 // link id of the bridge it is a port of, else its own
export const LINK_GROUP_OFF = 28
export const LINK_BRIDGE_OFF = 32 // BRIDGE_*, PORT_*
export const LINK_PORT_NEXT_OFF = 36 // port of the same bridge that frames are flooded to next (link id); 0 = none
export const LINK_PORTS_OFF = 40 // of a bridge: the first of its ports; 0 = it has none
export const LINK_MAC_OFF = 48 // u64, first byte highest of 48 bits; 0 = none known
export const LINK_BEHIND_OFF = 56 // of a port: u64, address of the only host behind it, 0 = none or several; of a bridge: f64, how long it remembers, ms
export const LINK_UP = 1
export const LINK_LOOPBACK = 2
export const LINK_ACCEPT_LOCAL = 4
export const LINK_ROUTE_LOCALNET = 8
export const LINK_FORWARDS4 = 16
export const LINK_FORWARDS6 = 32
export const LINK_SEND_REDIRECTS = 64
export const LINK_SRC_VALID_MARK = 128
export const LINK_ETHER = 256
export const BRIDGE_CALLS4 = 1 // bridged packets meet iptables
export const BRIDGE_CALLS6 = 2
export const BRIDGE_FDB_KNOWN = 4 // an address that is not in the forwarding database is known by nobody
export const PORT_FORWARDS = 16
export const PORT_LEARNING_STATE = 32 // learns, but forwards nothing yet
export const PORT_HAIRPIN = 64
export const PORT_ISOLATED = 128
export const PORT_LEARNS = 256
export const PORT_FLOODS = 512
export const PORT_FLOODS_MULTICAST = 1024
export const PORT_FLOODS_BROADCAST = 2048
export const LINK_MULTICAST = 4096
export const LINK_NOARP = 8192

export const ADDRESS_BYTES = 48
export const ADDRESS_WORDS_OFF = 0 // 16 bytes
export const ADDRESS_PREFIX_OFF = 16 // prefix length
export const ADDRESS_FLAGS_OFF = 20 // ADDRESS_*
export const ADDRESS_LINK_OFF = 24
export const ADDRESS_SCOPE_OFF = 28 // RT_SCOPE_*
export const ADDRESS_SUBNET_OFF = 32 // 16 bytes: what its prefix is about, the other end of a point-to-point link or itself
export const ADDRESS_SECONDARY = 1

export const SCOPE_GLOBAL = 0
export const SCOPE_SITE = 200
export const SCOPE_LINK = 253
export const SCOPE_HOST = 254
export const SCOPE_NOWHERE = 255

// Bridges: forwarding databases, and neighbours in a hash table
export const SECTION_FDB = 56
export const SECTION_NEIGHBOURS = 57
export const FDB_BYTES = 32
export const FDB_MAC_OFF = 0 // u64
export const FDB_BRIDGE_OFF = 8 // link id; 0 = a free place
export const FDB_PORT_OFF = 12 // link id
export const FDB_FLAGS_OFF = 16 // FDB_*
export const FDB_SEEN_OFF = 24 // f64: clock
export const FDB_LOCAL = 1
export const FDB_AGES = 2
export const FDB_STICKY = 4
export const FDB_LEARNED_MAX = 2048 // addresses that are learned beyond those of the image
export const NEIGHBOUR_BYTES = 32
export const NEIGHBOUR_ADDRESS_OFF = 0 // 16 bytes
export const NEIGHBOUR_LINK_OFF = 16 // link id; 0 = a free place
export const NEIGHBOUR_FAMILY_OFF = 20 // 4 | 6
export const NEIGHBOUR_MAC_OFF = 24 // u64

// sysctls: words
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

// ---------------------------------------------------------------------------------------------------------------
// Routes: sections 36..42. A table is a sorted list of bounds: from bound i up to the next, prefix entry i (+ 1, 0 = none)
// is the longest that holds; an entry knows the next shorter one around it. Large tables have an index by the first bits.

export const SECTION_POLICIES = 36
export const SECTION_TABLES = 37
export const SECTION_BOUNDS = 38 // words: IPv4 one word a bound, IPv6 four
export const SECTION_BOUND_ENTRIES = 39 // word a bound: prefix entry + 1
export const SECTION_BOUND_INDEX = 40 // words
export const SECTION_PREFIXES = 41
export const SECTION_ROUTES = 42
export const SECTION_HOPS = 43
export const SECTION_CONNECTIONS = 44

export const POLICY_BYTES = 128
export const POLICY_FLAGS_OFF = 0 // POLICY_*
export const POLICY_ACTION_OFF = 4 // ACTION_*
export const POLICY_TABLE_OFF = 8 // index of the table + 1 (0: it is empty), or of the rule to go to
export const POLICY_SUPPRESS_OFF = 12 // prefix length + 1; 0 = none
export const POLICY_IIF_OFF = 16 // link id
export const POLICY_MARK_OFF = 20
export const POLICY_MARK_MASK_OFF = 24
export const POLICY_TOS_OFF = 28
export const POLICY_PROTO_OFF = 32
export const POLICY_FROM_LENGTH_OFF = 36
export const POLICY_TO_LENGTH_OFF = 40
export const POLICY_FROM_OFF = 48 // 16 bytes
export const POLICY_TO_OFF = 64 // 16 bytes
export const POLICY_SPORTS_OFF = 80 // from | to << 16
export const POLICY_DPORTS_OFF = 84
export const POLICY_UID_FROM_OFF = 88
export const POLICY_UID_TO_OFF = 92
export const POLICY_SUPPRESS_GROUP_OFF = 96 // group + 1; 0 = none
export const POLICY_PRIORITY_OFF = 100 // for messages
export const POLICY_NOT = 1
export const POLICY_HAS_FROM = 2
export const POLICY_HAS_TO = 4
export const POLICY_HAS_IIF = 8
export const POLICY_HAS_OIF = 16 // never matches
export const POLICY_HAS_MARK = 32
export const POLICY_HAS_TOS = 64
export const POLICY_HAS_PROTO = 128
export const POLICY_FAMILY6 = 256
export const POLICY_HAS_SPORTS = 512
export const POLICY_HAS_DPORTS = 1024
export const POLICY_HAS_UIDS = 2048
export const ACTION_TABLE = 0
export const ACTION_UNREACHABLE = 1
export const ACTION_PROHIBIT = 2
export const ACTION_BLACKHOLE = 3
export const ACTION_GOTO = 4
export const ACTION_NOP = 5

export const RTABLE_BYTES = 32
export const RTABLE_BOUNDS_OFF = 0 // word index in BOUNDS
export const RTABLE_COUNT_OFF = 4 // number of bounds
export const RTABLE_ENTRIES_OFF = 8 // word index in BOUND_ENTRIES
export const RTABLE_INDEX_OFF = 12 // word index in BOUND_INDEX
export const RTABLE_INDEX_BITS_OFF = 16 // 0: no index
export const RTABLE_ID_OFF = 20
export const RTABLE_FAMILY_OFF = 24 // 4 | 6

export const PREFIX_BYTES = 32
export const PREFIX_FIRST_OFF = 0 // its first route
export const PREFIX_COUNT_OFF = 4
export const PREFIX_PARENT_OFF = 8 // entry + 1 of the next shorter prefix around it
export const PREFIX_LENGTH_OFF = 12
export const PREFIX_ADDRESS_OFF = 16 // 16 bytes

export const ROUTE_BYTES = 32
export const ROUTE_TYPE_OFF = 0 // RTN_*
export const ROUTE_TOS_OFF = 4
export const ROUTE_HOP_OFF = 8 // index of its first hop
export const ROUTE_HOPS_OFF = 12 // number of hops that are listed
export const ROUTE_PREFSRC_OFF = 16 // index in ADDRESSES + 1, 0 = none
export const ROUTE_PREFIX_OFF = 20 // its prefix entry
export const ROUTE_TABLE_OFF = 24 // number of its table
export const ROUTE_LIVE_OFF = 28 // number of hops that are alive

export const HOP_BYTES = 32
export const HOP_LINK_OFF = 0 // link id, 0 = none
export const HOP_HAS_VIA_OFF = 4
export const HOP_BOUND_OFF = 8 // upper bound of the 31-bit draw; only of live hops
export const HOP_LIVE_OFF = 12
export const HOP_VIA_OFF = 16 // 16 bytes

export const RTN_UNSPEC = 0
export const RTN_UNICAST = 1
export const RTN_LOCAL = 2
export const RTN_BROADCAST = 3
export const RTN_ANYCAST = 4
export const RTN_MULTICAST = 5
export const RTN_BLACKHOLE = 6
export const RTN_UNREACHABLE = 7
export const RTN_PROHIBIT = 8
export const RTN_THROW = 9

// ---------------------------------------------------------------------------------------------------------------
// Connections. Existing ones lie in the image as CONNECTION records; live ones as a hot and a cold record.

export const CONNECTION_BYTES = 128
export const CONNECTION_FAMILY_OFF = 0
export const CONNECTION_PROTO_OFF = 4
export const CONNECTION_STATUS_OFF = 8
export const CONNECTION_MARK_OFF = 12
export const CONNECTION_TIMEOUT_OFF = 16 // seconds left at clock 0
export const CONNECTION_STATE_OFF = 20 // TCP or SCTP state
export const CONNECTION_ZONE_OFF = 24 // id
export const CONNECTION_ORIG_OFF = 32 // tuple, TUPLE_BYTES
export const CONNECTION_REPLY_OFF = 72

export const TUPLE_BYTES = 40
export const TUPLE_SRC_OFF = 0
export const TUPLE_DST_OFF = 16
export const TUPLE_SPORT_OFF = 32 // ICMP: id
export const TUPLE_DPORT_OFF = 36 // ICMP: type << 8 | code

// hot record
export const CT_STATUS_OFF = 0 // IPS_*
export const CT_MARK_OFF = 4
export const CT_END_OFF = 8 // f64: clock at which it ends; before confirm the length of the timeout, ms
export const CT_PROTO_OFF = 16
export const CT_FAMILY_OFF = 20
export const CT_STATE_OFF = 24 // TCP or SCTP state
export const CT_ZONE_OFF = 28 // zone of the original direction | zone of the reply direction << 16
export const CT_CREATED_OFF = 32 // f64: clock
export const CT_MASQ_LINK_OFF = 40 // link whose address MASQUERADE took; 0 = none
export const CT_HEAP_OFF = 44 // place in the heap of ends
export const CT_PREV_OFF = 48 // in the order of confirmation: index + 1
export const CT_NEXT_OFF = 52
export const CT_SRC_PREV_OFF = 56 // others with the same hash of the original source
export const CT_SRC_NEXT_OFF = 60

// cold record
export const CT_COLD_BYTES = 256 // 192-207 free, 208-239 packets and bytes by direction, 240-255 labels
export const CT_ORIG_OFF = 0 // tuple
export const CT_REPLY_OFF = 40
export const CT_TCP_END_OFF = 80 // two words: highest segment end sent
export const CT_TCP_FLAGS_OFF = 88 // two words: TCPF_*
export const CT_TCP_LAST_INDEX_OFF = 96
export const CT_TCP_LAST_DIR_OFF = 100
export const CT_TCP_LAST_SEQ_OFF = 104
export const CT_TCP_LAST_ACK_OFF = 108
export const CT_TCP_LAST_END_OFF = 112
export const CT_TCP_LAST_WIN_OFF = 116
export const CT_TCP_RETRANS_OFF = 120
export const CT_TCP_LAST_FLAGS_OFF = 124
export const CT_SRC_HASH_OFF = 128
export const CT_HEAP_KEY_OFF = 136 // f64: the end under which it stands in the heap
export const CT_TCP_MAX_END_OFF = 144 // two words: highest segment end that the other side's window allows
export const CT_TCP_MAX_WIN_OFF = 152 // two words: largest window offered; 0: nothing is known of this side
export const CT_TCP_MAX_ACK_OFF = 160 // two words: highest acknowledgement sent
export const CT_BUCKET_OFF = 168 // two words, by direction: bucket (crowd.ts); others in its list before and after it
export const CT_BUCKET_NEXT_OFF = 176
export const CT_BUCKET_PREV_OFF = 184

export const IPS_EXPECTED = 1
export const IPS_SEEN_REPLY = 2
export const IPS_ASSURED = 4
export const IPS_CONFIRMED = 8
export const IPS_SRC_NAT = 16
export const IPS_DST_NAT = 32
export const IPS_SEQ_ADJUST = 64
export const IPS_SRC_NAT_DONE = 128
export const IPS_DST_NAT_DONE = 256
export const IPS_DYING = 512
export const IPS_FIXED_TIMEOUT = 1024

// run()'s way of stopping
export const STOP_DONE = 0
export const STOP_TRACE = 1 // the trace buffer is full: take it and go on
export const STOP_CONNECTIONS = 2 // more connections than the engine has room for
export const STOP_CLOCK = 3 // a record's time is before the clock
export const STOP_LINK = 4 // a record names a link that is not there
export const STOP_TRACE_LOST = 5 // one packet's events did not fit
export const STOP_RULES = 6 // a list of the rules is full
export const STOP_ASKED = 7 // a rule needs a field that the packet does not give (ASKED_*); the packet was stopped there
export const STOP_LEARNED = 12 // a bridge has learned more addresses than there is room for
export const STOP_FRAGMENT = 8 // the packet is a fragment that waits for others: the host has to look after it

// trace events of the way
export const TRACE_ROUTE_INPUT = 0 // a of TRACE_KIND_ROUTE; b: index of the route + 1, c: RTN_*, d: hop + 1, e: link id for what needs no route
export const TRACE_ROUTE_OUTPUT = 1
export const TRACE_ROUTE_REROUTE = 2
// TRACE_KIND_NAT: a: 0 DST, 1 SRC; b: 1 = has ports or ids; d, e: port or id from, to; f: 4 | 6
export const ZERO_ADDRESS_AT = 1328 // 16 zero bytes, never written
export const SCRATCH_AT = 1344 // 384 bytes: tuples at work (tuple.ts), a range (nat.ts)

// TCP sides, CT_TCP_FLAGS
export const TCPF_UNACKED = 1
export const TCPF_CLOSE_INIT = 2
export const TCPF_SACK_PERMITTED = 4
export const TCPF_WINDOW_SCALE = 8
export const TCPF_LIBERAL = 16 // segments of this side are never outside
export const TCPF_MAX_ACK = 32 // CT_TCP_MAX_ACK holds one
export const TCPF_SCALE_SHIFT = 8 // window scale, the bits above
// SCTP uses the same words: tags in CT_TCP_END, SCTPF_* in CT_TCP_FLAGS, direction + 1 of a failed heartbeat in CT_TCP_LAST_DIR
export const SCTPF_INIT = 1 // this direction sent an INIT
export const SCTPF_TAG_UNKNOWN = 2 // the tag of this direction is not known: any fits
// CT_TCP_LAST_FLAGS
export const TCPL_CHALLENGE = 1
export const TCPL_SIMULTANEOUS = 2
export const TCPL_OPTIONS_SHIFT = 8 // TCPF_* of an ignored SYN's options
