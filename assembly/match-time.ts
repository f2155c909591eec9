// The `time` match: date, time of the day, days of month and week, of the wall clock. Kernel: net/netfilter/xt_time.c.
import { Asked } from './asked'
import {
  CTX_NOW_AT,
  FIELD_WALL_CLOCK,
  TIME_CONTIGUOUS,
  TIME_KERNEL_ZONE,
  WALL_CLOCK_AT,
  WALL_GIVEN_AT,
  WALL_ZONE_AT,
} from './layout'

const DAY: i64 = 86400
const ALL_MONTHDAYS: u32 = 0xfffffffe

export class WallClock {
  static match(at: usize, flags: u32): bool {
    if (load<u32>(WALL_GIVEN_AT) === 0) return Asked.need(FIELD_WALL_CLOCK)
    let stamp = <i64>Math.floor((load<f64>(WALL_CLOCK_AT) + load<f64>(CTX_NOW_AT)) / 1000)
    if ((flags & TIME_KERNEL_ZONE) !== 0) stamp += <i64>load<i32>(WALL_ZONE_AT)
    if (stamp < <i64>load<u32>(at, 4) || stamp > <i64>load<u32>(at, 8)) return false
    const time = <u32>(stamp % DAY)
    const start = load<u32>(at, 12)
    const end = load<u32>(at, 16)
    if (start < end) {
      if (time < start || time > end) return false
    } else {
      if (time < start && time > end) return false
      if ((flags & TIME_CONTIGUOUS) !== 0 && time <= end) stamp -= DAY
    }
    const day = stamp / DAY
    // 1970-01-01 was a Thursday.
    if (((load<u32>(at, 24) >> (<u32>((day + 3) % 7) + 1)) & 1) === 0) return false
    const monthdays = load<u32>(at, 20)
    return monthdays === ALL_MONTHDAYS || ((monthdays >> WallClock.monthday(day)) & 1) !== 0
  }

  /** Day of the month, 1..31, of a number of days since 1970. Years are counted from March, so that leap days come last. */
  private static monthday(days: i64): u32 {
    const shifted = days + 719468
    const of400 = shifted % 146097
    const year = (of400 - of400 / 1460 + of400 / 36524 - of400 / 146096) / 365
    const ofYear = of400 - (365 * year + year / 4 - year / 100)
    const month = (5 * ofYear + 2) / 153
    return <u32>(ofYear - (153 * month + 2) / 5 + 1)
  }
}
