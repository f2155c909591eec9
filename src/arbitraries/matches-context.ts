// Matches on what is around a packet, drawn: in every form that is printed, and such as the packets of the small world meet.
import fc from 'fast-check'
import type { HookName, Match, Negatable, Range, TableName } from '../netfilter/model.js'
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

/** Month days and week days, never none. */
const monthdays = fc
  .oneof(
    fc.constant(0xfffffffe),
    fc.integer({ min: 1, max: 0x7fffffff }).map((n) => (n << 1) >>> 0),
  )
  .filter((n) => n > 0)
const weekdays = fc.oneof(
  fc.constant(0xfe),
  fc.integer({ min: 1, max: 127 }).map((n) => n << 1),
)

const timeForm: Arb<Match> = fc
  .record({
    dates: fc.tuple(fc.nat({ max: 0x7fffffff }), fc.integer({ min: 1, max: 0x7fffffff })),
    dated: fc.boolean(),
    times: fc.tuple(fc.nat({ max: 86_399 }), fc.nat({ max: 86_399 })),
    timed: fc.boolean(),
    monthdays,
    weekdays,
    kerneltz: fc.boolean(),
    contiguous: fc.boolean(),
  })
  .map(({ dates, dated, times, timed, kerneltz, contiguous, ...days }) => ({
    match: 'time' as const,
    dateStart: dated ? dates[0] : 0,
    dateStop: dated ? dates[1] : 0x7fffffff,
    timeStart: timed ? times[0] : 0,
    timeStop: timed ? times[1] : 86_399,
    ...days,
    ...(kerneltz ? { kerneltz: true as const } : {}),
    ...(contiguous && timed && times[0] >= times[1] ? { contiguous: true as const } : {}),
  }))

const rpfilterForm: Arb<Match> = fc
  .record({ loose: on, validmark: on, acceptLocal: on, invert: on }, { requiredKeys: [], noNullPrototype: true })
  .map((m) => ({ match: 'rpfilter' as const, ...m }))

/** May `rpfilter` stand here? */
const hasRpfilter = (hook: HookName | null, table: TableName): boolean =>
  hook === 'PREROUTING' && (table === 'raw' || table === 'mangle')

/** Every form of those that may stand at this hook (null: a user chain). */
export function contextForms(hook: HookName | null, table: TableName): Arb<Match>[] {
  if (hasRpfilter(hook, table)) return [timeForm, rpfilterForm]
  if (hook !== 'OUTPUT' && hook !== 'POSTROUTING') return [timeForm]
  const id = fc.oneof(pick([0, 1, 1000, 0xfffffffe]), fc.nat({ max: 0xfffffffe }))
  const range = fc.tuple(id, id).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  const owner = some<OwnerFields>({ uid: either(range), gid: either(range), socket: either(on) })
  return [
    timeForm,
    fc
      .tuple(owner, fc.boolean())
      .map(([o, all]) => ({ match: 'owner' as const, ...o, ...(all && o.gid ? { supplGroups: true as const } : {}) })),
  ]
}

/** What packets meet at this hook: name, weight, match. */
export function contextTraffic(
  hook: HookName | null,
  table: TableName | undefined,
): [Match['match'], number, Arb<Match>][] {
  if (table !== undefined && hasRpfilter(hook, table)) return [['rpfilter', 2, rpfilterForm]]
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
