// Random draws: a pure function of seed, packet ordinal, purpose and number. Owns the arithmetic of docs/semantics.md, Draws.
import { CTX_ORDINAL_AT, CTX_SEED_AT } from './layout'

// Written in halves: as one literal they are more than a double holds.
const ADD: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15
const TIMES_ORDINAL: u64 = ((0xbf58476d as u64) << 32) | 0x1ce4e5b9
const TIMES_PURPOSE: u64 = ((0x94d049bb as u64) << 32) | 0x133111eb
const TIMES_N: u64 = ((0x2545f491 as u64) << 32) | 0x4f6cdd1d
const MIX1: u64 = ((0xff51afd7 as u64) << 32) | 0xed558ccd
const MIX2: u64 = ((0xc4ceb9fe as u64) << 32) | 0x1a85ec53

function fmix(x: u64): u64 {
  x ^= x >> 33
  x *= MIX1
  x ^= x >> 33
  x *= MIX2
  return x ^ (x >> 33)
}

/** PRF(seed, ordinal, purpose, n) of the packet in the context. */
export function prf(purpose: u32, n: u32): u64 {
  const seed = load<u64>(CTX_SEED_AT)
  const ordinal = load<u64>(CTX_ORDINAL_AT)
  return fmix(
    fmix(fmix(seed + ADD) + ordinal * TIMES_ORDINAL) + (purpose as u64) * TIMES_PURPOSE + (n as u64) * TIMES_N,
  )
}
