// Random draws: a pure function of seed, packet ordinal, purpose and number. Owns the arithmetic of docs/semantics.md, Draws.
import {
  CTX_ORDINAL_AT,
  CTX_SEED_AT,
  FORCED_BYTES,
  FORCED_COUNT_OFF,
  FORCED_DRAWS_AT,
  FORCED_FIRST_OFF,
  FORCED_N_OFF,
  FORCED_PURPOSE_OFF,
  FORCED_VALUE_OFF,
} from './layout'

// Written in halves: as one literal they are more than a double holds.
export const ADD: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15
const TIMES_ORDINAL: u64 = ((0xbf58476d as u64) << 32) | 0x1ce4e5b9
const TIMES_PURPOSE: u64 = ((0x94d049bb as u64) << 32) | 0x133111eb
const TIMES_N: u64 = ((0x2545f491 as u64) << 32) | 0x4f6cdd1d
const MIX1: u64 = ((0xff51afd7 as u64) << 32) | 0xed558ccd
const MIX2: u64 = ((0xc4ceb9fe as u64) << 32) | 0x1a85ec53

export function fmix(x: u64): u64 {
  x ^= x >> 33
  x *= MIX1
  x ^= x >> 33
  x *= MIX2
  return x ^ (x >> 33)
}

/** The entry of a draw that is given; 0 = it is not. */
function forced(table: usize, purpose: u32, n: u32): usize {
  const end = table + FORCED_FIRST_OFF + (load<u32>(table + FORCED_COUNT_OFF) as usize) * FORCED_BYTES
  for (let at = table + FORCED_FIRST_OFF; at < end; at += FORCED_BYTES)
    if (load<u32>(at + FORCED_PURPOSE_OFF) === purpose && load<u32>(at + FORCED_N_OFF) === n) return at
  return 0
}

/** PRF(seed, ordinal, purpose, n) of the packet in the context, or what the host gave in its place. */
export function prf(purpose: u32, n: u32): u64 {
  const table = load<u32>(FORCED_DRAWS_AT) as usize
  if (table !== 0) {
    const at = forced(table, purpose, n)
    if (at !== 0) return load<u64>(at + FORCED_VALUE_OFF)
  }
  const seed = load<u64>(CTX_SEED_AT)
  const ordinal = load<u64>(CTX_ORDINAL_AT)
  return fmix(
    fmix(fmix(seed + ADD) + ordinal * TIMES_ORDINAL) + (purpose as u64) * TIMES_PURPOSE + (n as u64) * TIMES_N,
  )
}

/** PRF(seed, 0, purpose, n): not of a packet, never given. */
export function prfOfSeed(purpose: u32, n: u32): u64 {
  const first = fmix(fmix(load<u64>(CTX_SEED_AT) + ADD))
  return fmix(first + (purpose as u64) * TIMES_PURPOSE + (n as u64) * TIMES_N)
}
