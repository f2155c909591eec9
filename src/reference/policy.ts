// Policy rules: does one match what a look-up is about, and does it suppress what its table gave.
// Kernel: net/core/fib_rules.c (fib_rule_match), net/ipv4/fib_rules.c (fib4_rule_match, fib4_rule_suppress), net/ipv6/fib6_rules.c.
import { MissingFieldError } from '../net/missing.js'
import type { Range } from '../netfilter/model.js'
import type { NetworkNamespace, PolicyRule, Route } from '../netns/model.js'
import { inPrefix, maskedOf } from './address.js'
import type { RouteKey } from './route.js'

/** Bits of tos that IPv4 rules and routes compare: those without ECN and precedence. */
export const TOS_MASK = 0x1c

const within = (value: number, range: Range | undefined): boolean =>
  range === undefined || (value >= range.from && value <= range.to)

/** Is the sender's user in the range? Asked last: only when everything else holds is it needed. */
function ownedBy(rule: PolicyRule, key: RouteKey): boolean {
  const { uidRange } = rule
  if (uidRange === undefined) return true
  if (key.uid === undefined)
    throw new MissingFieldError(key.packet, 'uid', { table: 'policy rules', chain: key.family, rule: rule.priority })
  return within(key.uid, uidRange)
}

/** Does the rule speak of this look-up? */
export function policyMatches(rule: PolicyRule, key: RouteKey): boolean {
  const { fwmark } = rule
  const tos = key.family === 'ipv4' ? key.tos & TOS_MASK : key.tos & 0xfc
  const hit =
    (rule.from === undefined || inPrefix(key.src, rule.from)) &&
    (rule.to === undefined || inPrefix(key.dst, rule.to)) &&
    (rule.iif === undefined || rule.iif === key.iif) &&
    rule.oif === undefined &&
    (fwmark === undefined || ((key.mark ^ fwmark.value) & fwmark.mask) === 0) &&
    (rule.tos === undefined || rule.tos === 0 || rule.tos === tos) &&
    (rule.ipproto === undefined || rule.ipproto === key.proto) &&
    within(key.sport, rule.sport) &&
    within(key.dport, rule.dport) &&
    ownedBy(rule, key)
  return hit !== rule.not
}

/** Does the rule not want the route that its table gave? Routes that lead nowhere stay. */
export function isSuppressed(ns: NetworkNamespace, rule: PolicyRule, route: Route): boolean {
  const { action } = rule
  if (action.type !== 'table' || ['unreachable', 'prohibit', 'blackhole'].includes(route.type)) return false
  const { suppressPrefixLength, suppressIfgroup } = action
  if (suppressPrefixLength !== undefined && maskedOf(route.dst).length <= suppressPrefixLength) return true
  if (suppressIfgroup === undefined) return false
  const link = ns.links.find((l) => l.name === route.nextHops[0]?.dev)
  return link !== undefined && (link.group ?? 0) === suppressIfgroup
}
