// Matches that count and limit, with their state. Kernel: net/netfilter/xt_quota.c, xt_hashlimit.c.
import { packetLength } from '../net/length.js'
import { protoNumber } from '../net/proto.js'
import type { Ruleset } from '../netfilter/model.js'
import type { LimitMatch } from '../netfilter/model-limits.js'
import { ask, type MatchContext } from './asked.js'
import { HashTables, withinHashlimit } from './hashlimit.js'
import type { Skb } from './types.js'

type Of<K extends LimitMatch['match']> = Extract<LimitMatch, { match: K }>

/** The state of these matches in one namespace. */
export class LimitStates {
  /** Bytes left, by match. */
  readonly quotas: Map<object, bigint> = new Map()
  readonly hashes: HashTables

  constructor(rulesets: readonly Ruleset[]) {
    this.hashes = new HashTables(rulesets)
  }
}

function matchesQuota(m: Of<'quota'>, skb: Skb, { quotas }: LimitStates): boolean {
  const left = quotas.get(m) ?? m.quota
  const length = BigInt(packetLength(skb.packet))
  const within = left >= length
  // Once a packet does not fit, no smaller one does.
  quotas.set(m, within ? left - length : 0n)
  return within !== m.not
}

/** ESP and AH have an index where others have ports, which a packet does not say. */
const INDEXED = [50, 51]

function matchesHashlimit(m: Of<'hashlimit'>, skb: Skb, context: MatchContext): boolean {
  const { world } = context
  const table = world.limits.hashes.of(skb.family, m.name)
  const ports = table.options.mode.some((p) => p === 'srcport' || p === 'dstport')
  if (ports && INDEXED.includes(protoNumber(skb.packet.proto) ?? 0)) return ask('payload', context)
  const within = withinHashlimit(table, skb, packetLength(skb.packet), world.now)
  if (within === null) context.hotdrop = true
  return within !== null && within !== m.not
}

export function matchesLimits(m: LimitMatch, skb: Skb, context: MatchContext): boolean {
  switch (m.match) {
    case 'quota':
      return matchesQuota(m, skb, context.world.limits)
    case 'hashlimit':
      return matchesHashlimit(m, skb, context)
  }
}
