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
export const CTX_ZONE_AT = 1124
export const CTX_VISIT_AT = 1128 // next visit number
export const CTX_SNAT_ATTEMPT_AT = 1132
export const CTX_DNAT_ATTEMPT_AT = 1136
export const CTX_HOP_ATTEMPT_AT = 1140
export const CTX_REJECT_AT = 1144 // REJECT_* + 1 once a REJECT rule decided; 0 = none
export const CTX_RULE_AT = 1148 // rule index + 1 of the rule that gave the last verdict; 0 = the policy
export const CTX_CHAIN_AT = 1152 // chain index in which that verdict was given
export const CTX_TRACING_AT = 1156 // 1: write events to the trace buffer
export const CTX_NOTRACK_AT = 1160 // 1: UNTRACKED was asked for by CT --notrack / NOTRACK
export const CTX_SCTP_CHUNK_AT = 1164 // first chunk's type; 256 = none
export const CTX_SEQ_AT = 1168
export const CTX_ACK_AT = 1172
export const CTX_PAYLOAD_AT = 1176 // payload bytes
export const CTX_WIN_AT = 1180
export const CTX_NOW_AT = 1184 // f64, ms
export const CTX_ORDINAL_AT = 1192 // u64
export const CTX_SEED_AT = 1200 // u64
export const CTX_IS_REPLY_AT = 1208 // 1 while an answer made by this host (REJECT, ICMP error) is on its way
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
