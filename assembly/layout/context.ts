// The packet context: the one packet that is being evaluated. Written by packet.ts, hooks.ts and nat.ts, read by all.
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

// more of it: what belongs to the way of the packet, connection tracking (2432..2559)
export const CTX_WAY_AT = 1296
export const CTX_TCP_OPTIONS_AT = 2432 // TCPO_* of the packet that came
export const CTX_TCP_SACK_AT = 2436 // right edge of its highest SACK block
export const CTX_FRAG_AT = 2440 // offset in units of 8 bytes | more << 15; 0 = a whole packet

// more of it: the frame and the bridge (2304..2431). Travels with copies of a packet.
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

export const FRAG_OFFSET = 0x1fff
export const TCPO_SCALE_MASK = 15
export const TCPO_HAS_SCALE = 16
export const TCPO_SACK_PERMITTED = 32
export const TCPO_HAS_EDGE = 64
export const TCPO_PRESENT = 128

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

// addresses that are not the packet's, and room for what is at work
export const CONNLIMIT_KEY_AT = 2160 // scratch: 16 bytes, the address whose connections are counted
export const LOOPBACK6_AT = 2560 // ::1, 16 bytes
export const ZERO_ADDRESS_AT = 1328 // 16 zero bytes, never written
export const SCRATCH_AT = 1344 // 384 bytes: tuples at work (tuple.ts), a range (nat.ts)
