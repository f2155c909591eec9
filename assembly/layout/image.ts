// The image: header, section table, sections aligned to 64 bytes. Offsets in the section table are from the image's start.

export const IMAGE_MAGIC = 0x31504e2e // '.NP1' in memory order
export const IMAGE_HEADER_BYTES = 64
export const IMAGE_MAGIC_OFF = 0
export const IMAGE_ABI_OFF = 4
export const IMAGE_BYTES_OFF = 8 // length of the whole image, a multiple of 64
export const IMAGE_CHECKSUM_OFF = 12 // over all words but this one
export const IMAGE_SECTIONS_OFF = 16 // number of sections
export const IMAGE_FLAGS_OFF = 20 // IMAGE_FLAG_*
export const IMAGE_COUNTERS_OFF = 24 // number of counters
export const IMAGE_DEPTH_OFF = 28 // chains that can be entered at once: the jump stack's size
export const IMAGE_STATE_OFF = 32 // bytes of the rules' small state (limit, nth)
export const IMAGE_LINKS_OFF = 36 // number of links

export const IMAGE_FLAG_CONNTRACK4 = 1 // a rule of the IPv4 rules needs conntrack, or it is forced
export const IMAGE_FLAG_CONNTRACK6 = 2
export const IMAGE_FLAG_NFT4 = 4 // IPv4's rules are of the nft backend
export const IMAGE_FLAG_NFT6 = 8
export const IMAGE_FLAG_WHOLE4 = 16 // fragments are put together before the rules
export const IMAGE_FLAG_WHOLE6 = 32

export const SECTION_ENTRY_BYTES = 16 // id, offset, bytes, 0; ascending by id
export const SECTION_ALIGN_BYTES = 64
export const SECTION_ID_MAX = 63

// Sections 1..31: rules
export const SECTION_SYMBOLS = 1 // JSON, UTF-8
export const SECTION_ROOTS = 2 // [family][table][hook] -> chain index + 1, 0 = none
export const SECTION_CHAINS = 3
export const SECTION_RULES4 = 4
export const SECTION_RULES6 = 5
export const SECTION_CODE = 6 // matches and the parameters of targets, words
export const SECTION_COUNTERS = 7 // initial values
export const SECTION_LINES = 8 // line of each counter's rule (0 for a chain), words
export const SECTION_IFACES = 9 // interface patterns: bit sets over link ids
export const SECTION_SETS = 10
export const SECTION_SET_SHAPES = 11
export const SECTION_SET_INDEX = 12
export const SECTION_SET_ENTRIES = 13
export const SECTION_RECENTS = 14
export const SECTION_HASHLIMITS = 24
export const SECTION_STATE = 15 // initial words of the small state
// Sections 32..63: packets (links, routes, sysctls, connections)
export const SECTION_LINKS = 32
export const SECTION_ADDRESSES = 33
export const SECTION_SYSCTLS = 34
export const SECTION_LOCALS = 35 // the host's own addresses, hash table
export const SECTION_POLICIES = 36
export const SECTION_TABLES = 37
export const SECTION_BOUNDS = 38 // words: IPv4 one word a bound, IPv6 four
export const SECTION_BOUND_ENTRIES = 39 // word a bound: prefix entry + 1
export const SECTION_BOUND_INDEX = 40 // words
export const SECTION_PREFIXES = 41
export const SECTION_ROUTES = 42
export const SECTION_HOPS = 43
export const SECTION_CONNECTIONS = 44
export const SECTION_FDB = 56
export const SECTION_NEIGHBOURS = 57
