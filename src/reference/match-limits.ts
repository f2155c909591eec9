// Matches that count and limit, with their state. Kernel: net/netfilter/xt_quota.c.
import { packetLength } from '../net/length.js'
import type { LimitMatch } from '../netfilter/model-limits.js'
import type { MatchContext } from './asked.js'
import type { Skb } from './types.js'

/** The state of these matches in one namespace. */
export class LimitStates {
  /** Bytes left, by match. */
  readonly quotas: Map<object, bigint> = new Map()
}

function matchesQuota(m: LimitMatch, skb: Skb, { quotas }: LimitStates): boolean {
  const left = quotas.get(m) ?? m.quota
  const length = BigInt(packetLength(skb.packet))
  const within = left >= length
  // Once a packet does not fit, no smaller one does.
  quotas.set(m, within ? left - length : 0n)
  return within !== m.not
}

export function matchesLimits(m: LimitMatch, skb: Skb, { world }: MatchContext): boolean {
  return matchesQuota(m, skb, world.limits)
}
