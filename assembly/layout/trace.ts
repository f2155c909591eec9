// Trace events.

export const TRACE_EVENT_BYTES = 64
export const TRACE_KIND_OFF = 0
export const TRACE_A_OFF = 4
export const TRACE_B_OFF = 8
export const TRACE_C_OFF = 12
export const TRACE_D_OFF = 16
export const TRACE_E_OFF = 20
export const TRACE_F_OFF = 24
export const TRACE_ADDR1_OFF = 32
export const TRACE_ADDR2_OFF = 48
export const TRACE_KIND_HOOK = 1 // a: HOOK_*
export const TRACE_KIND_CONNTRACK = 2 // a: state, b: direction
export const TRACE_KIND_RULE = 3 // a: counter index of the rule or chain, b: TRACE_RULE | TRACE_POLICY | TRACE_RETURN
export const TRACE_KIND_ROUTE = 4
export const TRACE_KIND_NAT = 5
export const TRACE_KIND_TEE = 6 // f: 4 | 6, ADDR1: gateway
export const TRACE_KIND_BRIDGE = 8 // a: link id of the port that a frame is given to; 0 = the host
export const TRACE_KIND_COPY = 9 // a: link id of a port by which a flooded frame left
export const TRACE_KIND_REPLY = 0x80000000 // set when the event belongs to an answer of this host
export const TRACE_RULE = 0
export const TRACE_POLICY = 1
export const TRACE_RETURN = 2
export const TRACE_RESERVE_BYTES = 1048576 // room that must be left before a traced packet starts

// TRACE_KIND_CONNTRACK: a: one of these
export const TRACE_CT_NEW = 0
export const TRACE_CT_ESTABLISHED = 1
export const TRACE_CT_RELATED = 2
export const TRACE_CT_INVALID = 3
export const TRACE_CT_UNTRACKED = 4

// TRACE_KIND_ROUTE: a: one of these; b: index of the route + 1, c: RTN_*, d: hop + 1, e: link id for what needs no route
export const TRACE_ROUTE_INPUT = 0
export const TRACE_ROUTE_OUTPUT = 1
export const TRACE_ROUTE_REROUTE = 2
// TRACE_KIND_NAT: a: 0 DST, 1 SRC; b: 1 = has ports or ids; d, e: port or id from, to; f: 4 | 6
