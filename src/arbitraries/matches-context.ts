// Matches on what is around a packet, drawn: in every form that is printed, and such as the packets of the small world meet.
import fc from 'fast-check'
import type { HookName, Match, Negatable, Range } from '../netfilter/model.js'
import { pick, rarely, weighted } from './pool.js'

type Arb<T> = fc.Arbitrary<T>

const some = <T extends object>(fields: { [K in keyof T]-?: Arb<T[K]> }): Arb<Partial<T>> =>
  fc
    .record(fields as Record<string, Arb<unknown>>, { requiredKeys: [], noNullPrototype: true })
    .filter((r) => Object.keys(r).length > 0) as Arb<Partial<T>>
const either = <T>(value: Arb<T>): Arb<Negatable<T>> =>
  fc.record({ not: fc.boolean(), value }, { noNullPrototype: true }) as Arb<Negatable<T>>
const seldom = <T>(value: Arb<T>): Arb<Negatable<T>> => fc.record({ not: rarely(4), value })
const on = fc.constant(true as const)

interface OwnerFields {
  uid: Negatable<Range>
  gid: Negatable<Range>
  socket: Negatable<true>
}

/** Every form of those that may stand at this hook (null: a user chain). */
export function contextForms(hook: HookName | null): Arb<Match>[] {
  if (hook !== 'OUTPUT' && hook !== 'POSTROUTING') return []
  const id = fc.oneof(pick([0, 1, 1000, 0xfffffffe]), fc.nat({ max: 0xfffffffe }))
  const range = fc.tuple(id, id).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  const owner = some<OwnerFields>({ uid: either(range), gid: either(range), socket: either(on) })
  return [
    fc
      .tuple(owner, fc.boolean())
      .map(([o, all]) => ({ match: 'owner' as const, ...o, ...(all && o.gid ? { supplGroups: true as const } : {}) })),
  ]
}

/** What packets meet at this hook: name, weight, match. */
export function contextTraffic(hook: HookName | null): [Match['match'], number, Arb<Match>][] {
  if (hook !== 'OUTPUT' && hook !== 'POSTROUTING') return []
  const range = pick([
    { from: 0, to: 0 },
    { from: 0, to: 1000 },
    { from: 1000, to: 1000 },
  ])
  const owner = weighted<Partial<OwnerFields>>(
    [1, seldom(range).map((uid) => ({ uid }))],
    [1, seldom(range).map((gid) => ({ gid }))],
    [1, seldom(on).map((socket) => ({ socket }))],
    [1, some<OwnerFields>({ uid: seldom(range), gid: seldom(range), socket: seldom(on) })],
  )
  return [['owner', 6, owner.map((o) => ({ match: 'owner' as const, ...o }))]]
}
