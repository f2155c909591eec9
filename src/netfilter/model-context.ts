// The rule model, continued: matches on what is around a packet: who sent it.
// Spec: iptables-extensions(8) 1.8.9: owner.
import type { Negatable, Range } from './model.js'

export type ContextMatch = {
  readonly match: 'owner'
  /** Numbers, 0..2^32-2; `from` is not above `to`. */
  readonly uid?: Negatable<Range>
  readonly gid?: Negatable<Range>
  readonly socket?: Negatable<true>
  /** With `gid`: the sender's other groups count too. */
  readonly supplGroups?: true
}
