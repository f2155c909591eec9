// Tables of hashlimit. Section: header, then a record a table. State: ../hashlimit.ts.

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
export const HASHLIMIT_KEY_AT = 2112 // scratch: 36 bytes, the key that is looked up
