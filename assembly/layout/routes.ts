// Routes. A table is a sorted list of bounds: from bound i up to the next, prefix entry i (+ 1, 0 = none) is the longest
// that holds; an entry knows the next shorter one around it. Large tables have an index by the first bits.

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
export const HOP_LIVE_OFF = 12 // 0 = dead, else the two that follow
export const HOP_MTU_OFF = 12 // u16, bytes of the longest packet that is forwarded by it
export const HOP_LEAVES_OFF = 14 // u16, of the longest that leaves by it
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
