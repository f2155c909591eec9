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
export const CTX_NOTRACK_AT = 1160 // 1: UNTRACKED was asked for by CT --notrack / NOTRACK; 2: another CT target was met
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
export const RULE_FLAGS_MASK = 131071

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
export const TARGET_CODES = 14

export const NAT_DNAT = 0
export const NAT_SNAT = 1
export const NAT_MASQUERADE = 2
export const NAT_REDIRECT = 3

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
export const MATCH_SET = 16 // set index, number of directions | source bits << 8
export const MATCH_LIMIT = 17 // cost, cap, word index in the small state
export const MATCH_CODES = 18

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
// MATCH_SET
export const SET_RETURN_NOMATCH = 2

// Small state: limit = credit f64, time f64; nth = count u32
export const LIMIT_STATE_WORDS = 4
export const NTH_STATE_WORDS = 2

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
// Sets

export const SET_BYTES = 32
export const SET_KIND_OFF = 0 // SET_KIND_*
export const SET_FAMILY_OFF = 4 // 0 any, 4, 6
export const SET_DIMS_OFF = 8
export const SET_SHAPES_OFF = 12 // index of its first shape; list: word index of its first member in SET_INDEX
export const SET_SHAPE_COUNT_OFF = 16 // list: number of members
export const SET_INDEX_OFF = 20 // word index of its buckets in SET_INDEX
export const SET_BUCKETS_OFF = 24 // a power of two
export const SET_FLAGS_OFF = 28 // SET_HAS_*, SET_NOMATCH
export const SET_KIND_KEYED = 0
export const SET_KIND_LIST = 1
// what a key is made of, and from which direction each part comes
export const SET_HAS_ADDR1 = 1
export const SET_HAS_PORT = 2
export const SET_HAS_PROTO = 4 // with PORT: the protocol counts too; without: only TCP and UDP
export const SET_HAS_ADDR2 = 8
export const SET_HAS_IFACE = 16
export const SET_NOMATCH = 32 // the type knows nomatch
export const SET_HAS_ZERO = 64 // 0.0.0.0 and :: can be in it
export const SET_ADDR2_DIM_SHIFT = 8 // 1 or 2: the direction of the second address

export const SET_SHAPE_BYTES = 32 // mask of address 1, mask of address 2
export const SET_ENTRY_BYTES = 64
export const SET_ENTRY_ADDR1_OFF = 0
export const SET_ENTRY_ADDR2_OFF = 16
export const SET_ENTRY_PORT_OFF = 32 // port | protocol << 16
export const SET_ENTRY_IFACE_OFF = 36 // link id
export const SET_ENTRY_SHAPE_OFF = 40 // within its set
export const SET_ENTRY_NOMATCH_OFF = 44
export const SET_ENTRY_NEXT_OFF = 48 // entry index + 1 of the next in the bucket
export const SET_ENTRY_END_OFF = 56 // f64 ms; infinite: no timeout

// ---------------------------------------------------------------------------------------------------------------
// What went wrong inside a batch: read after it, 0 = nothing
export const RULES_ERROR_AT = 8192
export const RULES_ERROR_RECENTS = 1 // the entries of all recent lists are used up
