// Part of ../layout.ts: what a packet says beyond its record, for the rules that ask. With MORE_FACTS the record leads to
// FACTS_BYTES; TCP options come first (MORE_OPTIONS). See ../facts.ts.

export const OPTIONS_BYTES = 48 // TCP options: the first byte is their number
export const FACTS_BYTES = 128
export const FACTS_HAS_OFF = 48 // FACTS_HAS_*
export const FACTS_IP_ID_OFF = 52
export const FACTS_FLOW_LABEL_OFF = 56
export const FACTS_ICMP_SEQ_OFF = 60
export const FACTS_ICMP_REST_OFF = 64
export const FACTS_PAYLOAD_OFF = 68 // address
export const FACTS_PAYLOAD_BYTES_OFF = 72
export const FACTS_CGROUP_OFF = 76
export const FACTS_SCTP_FLAGS_OFF = 80
export const FACTS_DCCP_TYPE_OFF = 84
export const FACTS_PATH_OFF = 88 // address, then the number of bytes, like those that follow
export const FACTS_GROUPS_OFF = 96 // words
export const FACTS_DCCP_OPTIONS_OFF = 104
export const FACTS_OS_OFF = 112
export const FACTS_HAS_IP_ID = 1
export const FACTS_HAS_DF = 2
export const FACTS_DF = 4 // the bit itself
export const FACTS_HAS_FLOW_LABEL = 8
export const FACTS_HAS_ICMP_SEQ = 16
export const FACTS_HAS_ICMP_REST = 32
export const FACTS_HAS_PAYLOAD = 64
export const FACTS_HAS_CGROUP = 128
export const FACTS_HAS_PATH = 256
export const FACTS_HAS_GROUPS = 512
export const FACTS_HAS_OS = 1024
export const FACTS_HAS_DCCP_TYPE = 2048
export const FACTS_HAS_DCCP_OPTIONS = 4096
export const FACTS_HAS_SCTP_FLAGS = 8192
