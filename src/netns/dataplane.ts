// The one interface of a data plane, with two implementations: engine/ (WebAssembly) and reference/ (naive).
// Users hold this interface. Packets are taken one after the other; state is conntrack, counters, recent lists,
// limiters and the clock. Time is an input (`Packet.at_ms`), randomness is drawn from `seed`: see docs/semantics.md.
import type { Answer, ConntrackEntry, Packet } from '../net/packet.js'
import type { Ruleset } from '../netfilter/model.js'
import type { IpSet } from './model.js'

export interface DataPlaneOptions {
  /** Seed of every random draw, an unsigned 32-bit number or a bigint below 2^64. Default 0. */
  readonly seed?: number | bigint
  /**
   * The wall clock at clock 0 (`at_ms` 0), RFC 3339, 1970 to 2037; its offset is the kernel's time zone. Only rules of
   * `time` ask for it: a packet that reaches one is stopped when it is not given. For example `2026-05-01T10:00:00Z`.
   */
  readonly wallClock?: string
}

export interface ProcessOptions {
  /** Fill `Answer.trace`, `trace_reply` and `steps`. */
  readonly trace?: boolean
  /** Fill `Answer.ct`. */
  readonly ct?: boolean
}

export interface DataPlane {
  /** Sends one packet through. Throws a RangeError on an unknown interface or a clock that runs
   * backwards, and a MissingFieldError (a RangeError too) when a rule asks for a field that the packet does not give. */
  process(packet: Packet, options?: ProcessOptions): Answer
  /** Every live connection, in the order in which they were confirmed. */
  conntrack(): ConntrackEntry[]
  /** The rule sets with the counters as they stand now (policies and rules), chains in the order of the input. */
  counters(): Ruleset[]
  /** The rule sets in force, the very objects that were given. */
  readonly rulesets: readonly Ruleset[]
  /**
   * Puts other rule sets in force, between two packets. Chains and rules that are the same objects as in `rulesets` keep
   * their counters and what their matches know (nth, limit); all others start at their own `counters`. A chain that is
   * another object but has the very same list of rules was emptied and filled again: it starts anew as well. Connections, the
   * clock and the draws go on, and so do `recent` lists that some rule still names. What `iptables-restore` leaves the
   * same is `restoreRules`' knowledge. Throws a FaultError when the rules hold what cannot be evaluated; the rules before
   * stay in force then.
   */
  swapRules(rulesets: readonly Ruleset[]): void
  /**
   * The sets as they stand now: elements that were added or deleted by rules, counters, what is left of timeouts (whole
   * seconds, at least 1). `printIpsets` prints them as `ipset save` does.
   */
  sets(): IpSet[]
  /**
   * Deletes connections, as `conntrack -D` does: their next packet is new. Asks `chosen` about every live one, in the order
   * of `conntrack()`; returns how many went.
   */
  deleteConnections(chosen: (entry: ConntrackEntry) => boolean): number
  /** The clock: milliseconds, the largest `at_ms` seen. */
  readonly now: number
}
