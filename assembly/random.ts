// Random draws: a pure function of seed, packet ordinal, purpose and number. Owns the arithmetic of docs/semantics.md, Draws.
import { CTX_ORDINAL_AT, CTX_SEED_AT } from './layout'

function fmix(x: u64): u64 {
  x ^= x >> 33
  x *= 0xff51afd7ed558ccd
  x ^= x >> 33
  x *= 0xc4ceb9fe1a85ec53
  return x ^ (x >> 33)
}

/** PRF(seed, ordinal, purpose, n) of the packet in the context. */
export function prf(purpose: u32, n: u32): u64 {
  const seed = load<u64>(CTX_SEED_AT)
  const ordinal = load<u64>(CTX_ORDINAL_AT)
  return fmix(
    fmix(fmix(seed + 0x9e3779b97f4a7c15) + ordinal * 0xbf58476d1ce4e5b9) +
      (purpose as u64) * 0x94d049bb133111eb +
      (n as u64) * 0x2545f4914f6cdd1d,
  )
}
