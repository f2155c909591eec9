// The rule model, continued: matches on what is around a packet: who sent it, when, and by which way its source is reached.
// Spec: iptables-extensions(8) 1.8.9: owner, time, rpfilter.
import type { Negatable, Range } from './model.js'

export type ContextMatch =
  | {
      readonly match: 'owner'
      /** Numbers, 0..2^32-2; `from` is not above `to`. */
      readonly uid?: Negatable<Range>
      readonly gid?: Negatable<Range>
      readonly socket?: Negatable<true>
      /** With `gid`: the sender's other groups count too. */
      readonly supplGroups?: true
    }
  | {
      readonly match: 'time'
      /** Seconds since 1970, inclusive; 0 and 0x7fffffff when none was given. */
      readonly dateStart: number
      readonly dateStop: number
      /** Seconds of the day, inclusive; 0 and 86399 when none was given. */
      readonly timeStart: number
      readonly timeStop: number
      /** Bits 1..31, and 1 (Monday)..7; never none. */
      readonly monthdays: number
      readonly weekdays: number
      /** In the kernel's time zone, else UTC. */
      readonly kerneltz?: true
      /** After midnight still counts as the day before. */
      readonly contiguous?: true
    }
  | {
      readonly match: 'rpfilter'
      readonly loose?: true
      readonly validmark?: true
      readonly acceptLocal?: true
      readonly invert?: true
    }
