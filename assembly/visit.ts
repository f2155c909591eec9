// Where the rules stand, as far as matches ask: the table, and the random draws of one visit of a chain.
// Kernel: net/netfilter/xt_statistic.c (mode random).
import { prf } from './random'

/** Where the matches stand. */
export class MatchScene {
  /** TABLE_* that is being run. */
  static table: i32 = 0
}

/** The interval of the random draws of one visit of a chain. */
export class Visit {
  /** Address of the visit's frame: number u32, drawn u32, u u64, lo u64, hi u64. */
  static frame: usize = 0

  static begin(frame: usize, number: u32): void {
    store<u32>(frame, number)
    store<u32>(frame, 0, 4)
    store<u64>(frame, 0, 16)
    store<u64>(frame, 1 << 62, 24)
  }

  static random(p: u32): bool {
    const frame = Visit.frame
    if (load<u32>(frame, 4) === 0) {
      store<u64>(frame, prf(0, load<u32>(frame)) >> 2, 8)
      store<u32>(frame, 1, 4)
    }
    const lo = load<u64>(frame, 16)
    // floor((hi - lo) * p / 2^31) in 64 bits: hi - lo is at most 2^62, p at most 2^31.
    const width = load<u64>(frame, 24) - lo
    const middle = lo + (width >> 31) * (p as u64) + (((width & 0x7fffffff) * (p as u64)) >> 31)
    const below = load<u64>(frame, 8) < middle
    if (below) store<u64>(frame, middle, 24)
    else store<u64>(frame, middle, 16)
    return below
  }
}
