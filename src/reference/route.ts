// Routing: policy rules in order, in each table the longest prefix, then tos, then metric; the choice among next hops.
// Owns the look-up only; what may come in at all is in validate.ts, the source address in source.ts.
// Kernel: net/core/fib_rules.c, net/ipv4/fib_rules.c, fib_trie.c (fib_table_lookup), fib_semantics.c, net/ipv6/route.c.
import type { Family } from '../netfilter/model.js'
import type { NetworkNamespace, NextHop, Route } from '../netns/model.js'
import { inPrefix, maskedOf } from './address.js'
import { isSuppressed, policyMatches, TOS_MASK } from './policy.js'
import type { HopChoice } from './prf.js'
import type { RouteResult } from './types.js'

/** What a look-up is asked with. `iif`: `lo` for what this host sends. */
export interface RouteKey {
  readonly family: Family
  readonly src: string
  readonly dst: string
  readonly iif: string
  readonly mark: number
  readonly tos: number
  readonly proto: number
  readonly sport: number
  readonly dport: number
  /** The sending process's user; undefined: not known. What no process of this host sends counts as 0. */
  readonly uid: number | undefined
  /** Only routes by this interface: IPv6 to link-local and multicast addresses, when the interface is known. */
  readonly bound?: string | undefined
  /** `id` of the packet, for the error that asks for its user. */
  readonly packet?: number | string | undefined
}

/** A next hop that cannot be used: its link is known and down. IPv4 addresses of the host stay reachable then. */
function isDead(ns: NetworkNamespace, route: Route, hop: NextHop): boolean {
  if (route.type === 'local' && route.family === 'ipv4') return false
  const link = hop.dev === undefined ? undefined : ns.links.find((l) => l.name === hop.dev)
  return link !== undefined && !link.up
}

/** The best route of one table, or undefined. */
export function lookupTable(ns: NetworkNamespace, table: number, key: RouteKey): Route | undefined {
  const usable = ns.routes.filter(
    (r) =>
      r.family === key.family &&
      r.table === table &&
      inPrefix(key.dst, r.dst) &&
      (r.family === 'ipv6' || r.tos === 0 || r.tos === (key.tos & TOS_MASK)) &&
      (key.bound === undefined || r.nextHops.some((h) => h.dev === key.bound)) &&
      (r.nextHops.length === 0 || r.nextHops.some((h) => !isDead(ns, r, h))),
  )
  const length = (r: Route): number => maskedOf(r.dst).length
  usable.sort((a, b) => length(b) - length(a) || b.tos - a.tos || a.metric - b.metric)
  return usable[0]
}

/** Draws 31 bits for the live next hops of a route. */
export type HopDraw = (hops: readonly HopChoice[]) => number

/** Chooses among the live next hops; `draw` gives 31 bits, undefined takes the first live one. */
function chooseHop(
  ns: NetworkNamespace,
  route: Route,
  draw: HopDraw | undefined,
  bound: string | undefined,
): NextHop | undefined {
  const live = route.nextHops.filter((h) => !isDead(ns, route, h))
  if (bound !== undefined) return live.find((h) => h.dev === bound)
  if (route.nextHops.length < 2 || draw === undefined) return live[0]
  const total = live.reduce((sum, h) => sum + h.weight, 0)
  let upTo = 0
  const choices = live.map((hop) => {
    upTo += hop.weight
    // round(2^31 * upTo / total) - 1, halves up
    return { hop, bound: Number(((BigInt(upTo) << 32n) + BigInt(total)) / BigInt(2 * total) - 1n) }
  })
  const u = draw(choices)
  return (choices.find(({ bound }) => u <= bound) ?? choices.at(-1))?.hop
}

function result(ns: NetworkNamespace, route: Route, draw: HopDraw | undefined, bound?: string): RouteResult {
  const base = { type: route.type, table: route.table, dst: route.dst }
  switch (route.type) {
    case 'unreachable':
    case 'prohibit':
    case 'blackhole':
      return { ...base, outcome: route.type }
    default: {
      const hop = chooseHop(ns, route, draw, bound)
      return {
        ...base,
        outcome: 'route',
        hops: route.nextHops,
        ...(hop === undefined ? {} : { hop }),
        ...(route.prefsrc === undefined ? {} : { prefsrc: route.prefsrc }),
        ...(route.mtu === undefined ? {} : { mtu: route.mtu }),
      }
    }
  }
}

/** The whole look-up: policy rules, tables, next hop. Never fails; see `RouteResult.outcome`. */
export function lookupRoute(ns: NetworkNamespace, key: RouteKey, draw?: HopDraw): RouteResult {
  const rules = ns.policyRules.filter((r) => r.family === key.family)
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!
    if (!policyMatches(rule, key)) continue
    const { action } = rule
    if (action.type === 'nop') continue
    if (action.type === 'goto') {
      const target = rules.findIndex((r, at) => at > i && r.priority >= action.priority)
      if (target < 0 || rules[target]!.priority !== action.priority) continue
      i = target - 1
      continue
    }
    // A rule that says unreachable is answered as if there were no route.
    if (action.type === 'unreachable') return { type: 'unreachable', outcome: 'none' }
    if (action.type !== 'table') return { type: action.type, outcome: action.type }
    const route = lookupTable(ns, action.table, key)
    if (route === undefined || route.type === 'throw') continue
    if (isSuppressed(ns, rule, route)) continue
    return result(ns, route, draw, key.bound)
  }
  return { type: 'unreachable', outcome: 'none' }
}
