// Chains and rules. A rule is decided from its record alone when it has no further matches (RULE_CODE_COUNT 0).

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
