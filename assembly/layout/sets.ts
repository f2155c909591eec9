// Sets. Records lie in the image and, with addresses in place of what is 0 there, in the state. Elements of a set that
// rules change or count (SET_LIVE) are taken into one pool of the state; those of others stay in the image.

export const SETS_BYTES = 16 // header of the section, then a record a set
export const SETS_POOL_OFF = 0 // elements that the pool has room for
export const SETS_BUCKETS_OFF = 4 // of the pool, a power of two
export const SETS_SHAPES_OFF = 8 // shapes of all live sets together
export const SETS_MEMBERS_OFF = 12 // members of all live lists together
export const SET_BYTES = 144
export const SET_KIND_OFF = 0 // SET_KIND_*
export const SET_FAMILY_OFF = 4 // 0 any, 4, 6
export const SET_DIMS_OFF = 8
export const SET_SHAPES_OFF = 12 // index of its first shape
export const SET_SHAPE_COUNT_OFF = 16
export const SET_INDEX_OFF = 20 // word index of its buckets in SET_INDEX, unless it is live
export const SET_BUCKETS_OFF = 24 // a power of two, unless it is live
export const SET_FLAGS_OFF = 28 // SET_HAS_*, SET_*
export const SET_ENTRIES_OFF = 32 // its first element in SET_ENTRIES, in units of 64 bytes
export const SET_COUNT_OFF = 36 // elements that it begins with
export const SET_MAXELEM_OFF = 40
export const SET_TIMEOUT_OFF = 44 // of elements that are added, seconds
export const SET_STRIDE_OFF = 48 // bytes of an element: SET_ENTRY_BYTES or SET_WIDE_BYTES
export const SET_RANGE_FROM_OFF = 52 // bitmaps: IPv4 address or port
export const SET_RANGE_TO_OFF = 56
export const SET_MARKMASK_OFF = 60
export const SET_MASK_OFF = 64 // 16 bytes: addresses are looked at under it
// in the state only
export const SET_AT_BUCKETS_OFF = 80 // address
export const SET_AT_ENTRIES_OFF = 84 // address of element reference 1, less SET_STRIDE
export const SET_BUCKET_MASK_OFF = 88
export const SET_SEED_OFF = 92 // or-ed to the number of a shape: the set's own for live ones
export const SET_LIVE_OFF = 96 // elements that it has now
export const SET_HEAD_OFF = 100 // live: its elements in the order in which they were added, references
export const SET_TAIL_OFF = 104 // after SET_HEAD, as SET_GONE_TAIL after SET_GONE_HEAD
export const SET_SHAPE_USES_OFF = 108 // live: address, a word a shape: elements of it
export const SET_NEXT_END_OFF = 112 // f64, live: no element ends before
export const SET_GONE_HEAD_OFF = 120 // live: places of elements that timed out, the oldest first, references
export const SET_GONE_TAIL_OFF = 124
export const SET_GONE_OFF = 128 // how many
export const SET_KIND_KEYED = 0
export const SET_KIND_LIST = 1 // elements hold a set index in place of the port, in order
// what a key is made of, and from which direction each part comes
export const SET_HAS_ADDR1 = 1
export const SET_HAS_PORT = 2
export const SET_HAS_PROTO = 4 // with PORT: the protocol counts too; without: only TCP and UDP
export const SET_HAS_ADDR2 = 8
export const SET_HAS_IFACE = 16
export const SET_NOMATCH = 32 // the type knows nomatch
export const SET_NO_ZERO = 64 // 0.0.0.0 and :: as its first address cannot be asked
export const SET_HAS_MARK = 128 // the packet's mark, in the place of the port
export const SET_ADDR2_DIM_SHIFT = 8 // 1 or 2: the direction of the second address
export const SET_HAS_MAC = 1024 // an Ethernet address, in the place of the second address
export const SET_MAC_DATA = 2048 // it is no part of the key, but of the element (bitmap:ip,mac)
export const SET_LIVE = 4096
export const SET_HAS_TIMEOUT = 8192
export const SET_HAS_COUNTERS = 16384
export const SET_HAS_SKBINFO = 32768
export const SET_FORCEADD = 65536
export const SET_HAS_RANGE = 131072
export const SET_WIDE_KEY = 262144 // more words than 0, 4 and 8 of the key are used
export const SET_NET1 = 524288 // the first address is a network
export const SET_NET2 = 1048576
export const SET_FLAGS_MASK = 2097151
export const SET_SHAPES_MAX = 65536 // of one set
export const SET_COUNT_MAX = 65535 // sets

export const SET_SHAPE_BYTES = 48 // mask of address 1, mask of address 2, then
export const SET_SHAPE_LENGTH1_OFF = 32 // prefix lengths
export const SET_SHAPE_LENGTH2_OFF = 36
export const SET_ENTRY_BYTES = 64
export const SET_ENTRY_ADDR1_OFF = 0
export const SET_ENTRY_ADDR2_OFF = 16
export const SET_ENTRY_PORT_OFF = 32 // port | protocol << 16, mark, or set index
export const SET_ENTRY_IFACE_OFF = 36 // link id, or index of a pattern
export const SET_ENTRY_SHAPE_OFF = 40 // within its set, | SET_SEED
export const SET_ENTRY_FLAGS_OFF = 44 // ENTRY_*
export const SET_ENTRY_NEXT_OFF = 48 // the next in the bucket, reference (from 1, within its set or the pool)
export const SET_ENTRY_ORIGIN_OFF = 52 // which of the set's elements at the start, from 1; 0 = added by a rule
export const SET_ENTRY_END_OFF = 56 // f64 ms; infinite: no timeout
export const SET_WIDE_BYTES = 128 // elements of live sets, and of those that give something to a packet; then
export const SET_ENTRY_PACKETS_OFF = 64 // u64
export const SET_ENTRY_PBYTES_OFF = 72 // u64
export const SET_ENTRY_SKBMARK_OFF = 80
export const SET_ENTRY_SKBMASK_OFF = 84
export const SET_ENTRY_WAITING_OFF = 88 // seconds: the timeout that begins when the Ethernet address comes
export const SET_ENTRY_OLDER_OFF = 92 // in its set, references
export const SET_ENTRY_NEWER_OFF = 96
export const ENTRY_NOMATCH = 1
export const ENTRY_PATTERN = 2 // IFACE is a pattern's index
export const ENTRY_NO_LINK = 4 // no interface of this namespace fits
export const ENTRY_NO_MAC = 8 // bitmap:ip,mac: no Ethernet address yet
export const ENTRY_RENEWED = 16 // written anew by a rule: nothing but its parts is as at the start
export const ENTRY_GONE = 32 // timed out: only its place is left
export const ENTRY_FLAGS_MASK = 63
export const SET_PLACES = 1024 // places that a set keeps at most

export const SET_KEY_AT = 8256 // scratch: 40 bytes, the key that is looked up

// MATCH_SET: set index, directions | source bits << 8, and with SET_TESTS_COUNTERS: SETOP_* of packets | of bytes << 8,
// u64 packets, u64 bytes
export const SET_RETURN_NOMATCH = 2
export const SET_KEEP_COUNTERS = 4
export const SET_KEEP_SUBCOUNTERS = 8
export const SET_TESTS_COUNTERS = 16
export const SET_TEST_WORDS = 8
export const SETOP_NONE = 0
export const SETOP_EQ = 1
export const SETOP_NE = 2
export const SETOP_LT = 3
export const SETOP_GT = 4
// TARGET_SET: a record in CODE
export const SETWORK_BYTES = 32
export const SETWORK_FLAGS_OFF = 0 // SETWORK_*
export const SETWORK_ADD_OFF = 4 // set index, then directions as in MATCH_SET
export const SETWORK_DEL_OFF = 12
export const SETWORK_MAP_OFF = 20
export const SETWORK_TIMEOUT_OFF = 28
export const SETWORK_ADDS = 1
export const SETWORK_DELS = 2
export const SETWORK_MAPS = 4
export const SETWORK_EXIST = 8
export const SETWORK_HAS_TIMEOUT = 16
export const SETWORK_MARK = 32
