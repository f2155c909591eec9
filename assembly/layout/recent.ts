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
