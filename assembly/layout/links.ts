// Links and their addresses; bridges: forwarding databases, and neighbours in a hash table.

export const LINK_BYTES = 64 // record 0 stands for "no link"
export const LINK_FLAGS_OFF = 0 // LINK_*
export const LINK_RP_FILTER_OFF = 4 // 0 | 1 | 2
export const LINK_ADDR4_OFF = 8 // index of its first IPv4 address
export const LINK_ADDR4_COUNT_OFF = 12
export const LINK_ADDR6_OFF = 16
export const LINK_ADDR6_COUNT_OFF = 20
export const LINK_MASTER_OFF = 24 // link id of the bridge it is a port of, else its own
export const LINK_GROUP_OFF = 28
export const LINK_BRIDGE_OFF = 32 // BRIDGE_*, PORT_*
export const LINK_PORT_NEXT_OFF = 36 // port of the same bridge that frames are flooded to next (link id); 0 = none
export const LINK_PORTS_OFF = 40 // of a bridge: the first of its ports; 0 = it has none
export const LINK_MAC_OFF = 48 // u64, first byte highest of 48 bits; 0 = none known
export const LINK_BEHIND_OFF = 56 // of a port: u64, address of the only host behind it, 0 = none or several; of a bridge: f64, how long it remembers, ms
export const LINK_UP = 1
export const LINK_LOOPBACK = 2
export const LINK_ACCEPT_LOCAL = 4
export const LINK_ROUTE_LOCALNET = 8
export const LINK_FORWARDS4 = 16
export const LINK_FORWARDS6 = 32
export const LINK_SEND_REDIRECTS = 64
export const LINK_SRC_VALID_MARK = 128
export const LINK_ETHER = 256
export const BRIDGE_CALLS4 = 1 // bridged packets meet iptables
export const BRIDGE_CALLS6 = 2
export const BRIDGE_FDB_KNOWN = 4 // an address that is not in the forwarding database is known by nobody
export const PORT_FORWARDS = 16
export const PORT_LEARNING_STATE = 32 // learns, but forwards nothing yet
export const PORT_HAIRPIN = 64
export const PORT_ISOLATED = 128
export const PORT_LEARNS = 256
export const PORT_FLOODS = 512
export const PORT_FLOODS_MULTICAST = 1024
export const PORT_FLOODS_BROADCAST = 2048
export const LINK_MULTICAST = 4096
export const LINK_NOARP = 8192

export const ADDRESS_BYTES = 48
export const ADDRESS_WORDS_OFF = 0 // 16 bytes
export const ADDRESS_PREFIX_OFF = 16 // prefix length
export const ADDRESS_FLAGS_OFF = 20 // ADDRESS_*
export const ADDRESS_LINK_OFF = 24
export const ADDRESS_SCOPE_OFF = 28 // RT_SCOPE_*
export const ADDRESS_SUBNET_OFF = 32 // 16 bytes: what its prefix is about, the other end of a point-to-point link or itself
export const ADDRESS_SECONDARY = 1
export const ADDRESS_DEPRECATED = 2
export const ADDRESS_UNWANTED = 4 // what its link prefers is the other of temporary and public
export const ADDRESS_TENTATIVE = 8

export const SCOPE_GLOBAL = 0
export const SCOPE_SITE = 200
export const SCOPE_LINK = 253
export const SCOPE_HOST = 254
export const SCOPE_NOWHERE = 255

export const FDB_BYTES = 32
export const FDB_MAC_OFF = 0 // u64
export const FDB_BRIDGE_OFF = 8 // link id; 0 = a free place
export const FDB_PORT_OFF = 12 // link id
export const FDB_FLAGS_OFF = 16 // FDB_*
export const FDB_SEEN_OFF = 24 // f64: clock
export const FDB_LOCAL = 1
export const FDB_AGES = 2
export const FDB_STICKY = 4
export const FDB_LEARNED_MAX = 2048 // addresses that are learned beyond those of the image
export const NEIGHBOUR_BYTES = 32
export const NEIGHBOUR_ADDRESS_OFF = 0 // 16 bytes
export const NEIGHBOUR_LINK_OFF = 16 // link id; 0 = a free place
export const NEIGHBOUR_FAMILY_OFF = 20 // 4 | 6
export const NEIGHBOUR_MAC_OFF = 24 // u64
