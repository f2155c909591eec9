// Why a batch stops before its end, and what went wrong in its rules.

// run()'s way of stopping
export const STOP_DONE = 0
export const STOP_TRACE = 1 // the trace buffer is full: take it and go on
export const STOP_CONNECTIONS = 2 // more connections than the engine has room for
export const STOP_CLOCK = 3 // a record's time is before the clock
export const STOP_LINK = 4 // a record names a link that is not there
export const STOP_TRACE_LOST = 5 // one packet's events did not fit
export const STOP_RULES = 6 // a list of the rules is full
export const STOP_ASKED = 7 // a rule needs a field that the packet does not give (ASKED_*); the packet was stopped there
export const STOP_LEARNED = 12 // a bridge has learned more addresses than there is room for
export const STOP_FRAGMENT = 8 // the packet is a fragment that waits for others: the host has to look after it

// read after a batch, 0 = nothing
export const RULES_ERROR_AT = 8192
export const RULES_ERROR_RECENTS = 1 // the entries of all recent lists are used up
export const RULES_ERROR_SETS = 2 // the pool of elements that rules add to sets is used up
export const RULES_ERROR_HASHLIMITS = 3 // those of all tables of hashlimit are
export const RULES_ERROR_CONNLIMITS = 4 // what all rules of connlimit remember together is
