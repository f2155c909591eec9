// Token buckets and every-nth counters: the small state of single rules. Kernel: net/netfilter/xt_limit.c, xt_statistic.c,
// xt_quota.c.
import { CTX_LENGTH_AT, CTX_NOW_AT } from './layout'

/** The `limit` match: credits grow by 32 a millisecond up to the cap; a packet that matches costs. */
export class Limits {
  static base: usize = 0

  static take(word: u32, cost: u32, cap: u32): bool {
    const at = Limits.base + ((word as usize) << 2)
    const now = load<f64>(CTX_NOW_AT)
    let credit = load<f64>(at) + (now - load<f64>(at, 8)) * 32.0
    if (credit > (cap as f64)) credit = cap as f64
    const ok = credit >= (cost as f64)
    if (ok) credit -= cost as f64
    store<f64>(at, credit)
    store<f64>(at, now, 8)
    return ok
  }

  /** The `quota` match: bytes left pay for the packet; once one is too large, no more do. */
  static quota(word: u32): bool {
    const at = Limits.base + ((word as usize) << 2)
    const left = load<u64>(at)
    const length = <u64>load<u32>(CTX_LENGTH_AT)
    const within = left >= length
    store<u64>(at, within ? left - length : 0)
    return within
  }

  /** The `statistic --mode nth` match: the packet-th of every `every`, counted from 0. */
  static nth(word: u32, every: u32, packet: u32): bool {
    const at = Limits.base + ((word as usize) << 2)
    const count = load<u32>(at)
    store<u32>(at, count + 1 === every ? 0 : count + 1)
    return count === packet
  }
}
