// Policy rules of generated namespaces: every selector, negation, goto, suppression, actions.
import fc from 'fast-check'
import { canonicalPrefix } from '../net/ip.js'
import type { Family, Range } from '../netfilter/model.js'
import type { PolicyRule } from '../netns/model.js'
import { LINK_NAMES, MARKS, pick, poolPort, poolPrefix, rarely, weighted } from './pool.js'

/** Ports of the world, and the type and code of a ping. */
const portRange = weighted<Range>(
  [3, poolPort.map((p) => ({ from: Math.max(1, p - 1), to: Math.min(65535, p + 1) }))],
  [1, pick([2048, 128 << 8].map((p) => ({ from: p, to: p })))],
)

/** A policy rule whose goto is drawn as so many rules further on. */
export interface PolicyDraft {
  readonly family: Family
  readonly not: boolean
  readonly fields: Partial<
    Pick<PolicyRule, 'from' | 'to' | 'iif' | 'fwmark' | 'ipproto' | 'tos' | 'sport' | 'dport' | 'uidRange'>
  >
  readonly action: PolicyRule['action'] | { readonly type: 'goto'; readonly ahead: number }
}

/** Any policy rule of one family. */
export const policyDraft = (family: Family): fc.Arbitrary<PolicyDraft> =>
  fc.record({
    family: fc.constant(family),
    not: rarely(8),
    fields: weighted<PolicyDraft['fields']>(
      [3, fc.record({ fwmark: fc.record({ value: pick(MARKS.slice(1, 4)), mask: pick([0xffffffff, 0xff]) }) })],
      [2, fc.record({ from: prefixFor(family) })],
      [1, fc.record({ to: prefixFor(family) })],
      [2, fc.record({ iif: pick([...LINK_NAMES, 'lo']) })],
      [1, fc.record({ ipproto: pick([6, 17]) })],
      [1, fc.record({ tos: pick([4, 8, 16]) })],
      [2, fc.record({ dport: portRange })],
      [1, fc.record({ ipproto: pick([6, 17]), sport: portRange })],
      [
        1,
        fc.record({
          uidRange: pick([
            { from: 0, to: 0 },
            { from: 1000, to: 2000 },
          ]),
        }),
      ],
      [1, fc.record({ from: prefixFor(family), iif: pick(LINK_NAMES) })],
      [1, fc.constant({})],
    ),
    action: weighted<PolicyDraft['action']>(
      [6, pick([100, 101, 254]).map((table) => ({ type: 'table' as const, table }))],
      [
        2,
        fc
          .record({ table: pick([254, 100]), suppressPrefixLength: pick([0, 16, 24]) })
          .map((a) => ({ type: 'table' as const, ...a })),
      ],
      [
        1,
        fc
          .record({ table: pick([254, 100]), suppressIfgroup: pick([0, 7]) })
          .map((a) => ({ type: 'table' as const, ...a })),
      ],
      [1, pick(['unreachable', 'prohibit', 'blackhole'] as const).map((type) => ({ type }))],
      [1, fc.nat({ max: 2 }).map((ahead) => ({ type: 'goto' as const, ahead }))],
      [1, fc.constant({ type: 'nop' as const })],
    ),
  })

export const prefixFor = (family: Family): fc.Arbitrary<string> =>
  poolPrefix(family).map((p) => canonicalPrefix(p) as string)

/** Priorities 100, 101, …, then the kernel's own; `goto` leads to a later rule. */
export function policyOf(drafts: readonly PolicyDraft[]): PolicyRule[] {
  const table = (family: Family, priority: number, number: number): PolicyRule => ({
    family,
    priority,
    not: false,
    action: { type: 'table', table: number },
  })
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const own = drafts.filter((d) => d.family === family)
    const last = [table(family, 32766, 254), ...(family === 'ipv4' ? [table(family, 32767, 253)] : [])]
    const made = own.map((draft, i): PolicyRule => {
      const { action } = draft
      const ahead = 'ahead' in action ? i + 1 + action.ahead : 0
      return {
        family,
        priority: 100 + i,
        not: draft.not,
        ...draft.fields,
        action: 'ahead' in action ? { type: 'goto', priority: ahead < own.length ? 100 + ahead : 32766 } : action,
      }
    })
    return [table(family, 0, 255), ...made, ...last]
  })
}
