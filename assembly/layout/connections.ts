// Connections. Existing ones lie in the image as CONNECTION records; live ones as a hot record and, with the same index, a
// cold one: ../conntrack.ts.

export const CONNECTION_BYTES = 192
export const CONNECTION_FAMILY_OFF = 0
export const CONNECTION_PROTO_OFF = 4
export const CONNECTION_STATUS_OFF = 8
export const CONNECTION_MARK_OFF = 12
export const CONNECTION_TIMEOUT_OFF = 16 // seconds left at clock 0
export const CONNECTION_STATE_OFF = 20 // TCP or SCTP state
export const CONNECTION_ZONE_OFF = 24 // id
export const CONNECTION_ORIG_OFF = 32 // tuple, TUPLE_BYTES
export const CONNECTION_REPLY_OFF = 72
export const CONNECTION_HELPER_OFF = 144 // as CT_HELPER
export const CONNECTION_COUNTS_OFF = 112 // as CT_COUNTS, with IPS_COUNTED

export const TUPLE_BYTES = 40
export const TUPLE_SRC_OFF = 0
export const TUPLE_DST_OFF = 16
export const TUPLE_SPORT_OFF = 32 // ICMP: id
export const TUPLE_DPORT_OFF = 36 // ICMP: type << 8 | code

// hot record
export const CT_HOT_BYTES = 64
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
export const CT_COLD_BYTES = 256 // 196-207 free
export const CT_HELPER_OFF = 192 // index + 1 in symbols.attached of its helper's name; 0 = none
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

export const CT_COUNTS_OFF = 208 // with IPS_COUNTED: packets, bytes (u64 each) of the original direction, of the reply
export const CT_LABELS_OFF = 240 // with IPS_LABELLED: 128 bits

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
export const IPS_COUNTED = 0x40000000 // what it carries is counted; no bit of the kernel's
export const IPS_LABELLED = 0x20000000 // it may have labels; no bit of the kernel's

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
