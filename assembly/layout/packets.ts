// Packet headers and records. A batch is four arrays with the same index: records, quotes (the packet that a record's ICMP
// error quotes), results, answers (the quoted packet of what came out). Only what is used is touched.

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
export const RECORD_LONGEST_OFF = 122 // u16, bytes of the longest piece of a packet that was put together; 0 = it came whole
export const RECORD_PAYLOAD_OFF = 124 // with RECORD_HAS_PAYLOAD
export const MORE_SOCKET = 1 // it is known which socket the packet meets
export const MORE_SOCKET_FOUND = 2
export const MORE_SOCKET_TRANSPARENT = 4
export const MORE_SOCKET_WILDCARD = 8
export const MORE_SPI = 16 // HDR_SEQ is the SPI
export const MORE_EXTRA = 32 // bytes that no field stands for: options, extension headers
export const MORE_OPTIONS = 64 // RECORD_PAYLOAD is the address of TCP options: OPTIONS_BYTES, the first is their number
export const MORE_FACTS = 128 // RECORD_PAYLOAD is the address of facts: FACTS_BYTES
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
export const RECORD_CUTTABLE = 32 // IPv4 routers may cut it into pieces
export const RECORD_TCP_OPTIONS = 8 // HDR_TYPE holds TCPO_*, HDR_ID and HDR_WIN + 2 the low and high half of a SACK edge
