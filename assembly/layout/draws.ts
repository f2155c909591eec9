// Draws that are given instead of drawn: written by the host between packets.

export const FORCED_DRAWS_AT = 8320 // address of a FORCED table; 0 = everything is drawn
export const FORCED_COUNT_OFF = 0
export const FORCED_FIRST_OFF = 16 // the entries begin
export const FORCED_BYTES = 16 // of an entry
export const FORCED_PURPOSE_OFF = 0
export const FORCED_N_OFF = 4
export const FORCED_VALUE_OFF = 8 // u64: in place of PRF(seed, ordinal, purpose, n)
