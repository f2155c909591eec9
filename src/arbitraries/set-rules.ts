// Rules about the sets of a generated namespace: the match `set` and the target SET. Owns the references to sets.
import fc from 'fast-check'
import type {
  Family,
  Match,
  SetCounterTest,
  SetDirection,
  SetReference,
  TableName,
  Target,
} from '../netfilter/model.js'
import { once, pick, rarely, SETS, weighted } from './pool.js'

/** How many parts the elements of each of SETS have. */
const SET_PARTS: readonly number[] = [1, 1, 2, 3, 2, 1, 2, 2, 1]

/** One of the sets, and sides of a packet: mostly as many as its parts. */
const reference = (family: Family): fc.Arbitrary<SetReference & { readonly index: number }> =>
  fc
    .record({
      index: pick([0, 1, 2, 2, 3, 3, 3, 3, 4, 5, 6, 7, 8]),
      dirs: weighted<SetDirection[]>(
        [2, fc.constant(['dst', 'dst', 'src'])],
        [1, fc.constant(['src', 'dst', 'dst'])],
        [2, fc.array(pick(['src', 'dst'] as const), { minLength: 3, maxLength: 3 })],
      ),
      sides: weighted([8, fc.constant(0)], [1, fc.constant(-1)], [1, fc.constant(1)]),
    })
    .map(({ index, dirs, sides }) => ({
      index,
      name: `${SETS[index]}${family === 'ipv6' ? '6' : ''}`,
      dirs: dirs.slice(0, Math.max(1, (SET_PARTS[index] as number) + sides)),
    }))

const counterTest = (values: readonly bigint[]): fc.Arbitrary<SetCounterTest | undefined> =>
  weighted<SetCounterTest | undefined>(
    [6, fc.constant(undefined)],
    [1, fc.record({ op: pick(['eq', 'ne', 'lt', 'gt'] as const), value: pick(values) })],
  )

/** The match `set`. */
export const setMatch: (family: Family) => fc.Arbitrary<Match> = once((family) =>
  fc
    .record({
      not: rarely(4),
      of: reference(family),
      returnNomatch: rarely(4),
      keepCounters: rarely(6),
      keepSubcounters: rarely(6),
      packets: counterTest([0n, 1n, 2n, 5n]),
      bytes: counterTest([0n, 40n, 100n, 200n]),
    })
    .map(({ not, of: { index, name, dirs }, returnNomatch, keepCounters, keepSubcounters, packets, bytes }) => ({
      match: 'set' as const,
      not,
      name,
      dirs,
      ...(returnNomatch && index === 1 ? { returnNomatch } : {}),
      ...(keepCounters ? { keepCounters } : {}),
      ...(keepSubcounters ? { keepSubcounters } : {}),
      ...(packets ? { packets } : {}),
      ...(bytes ? { bytes } : {}),
    })),
)

/** The target SET: adds, deletes, and in mangle maps. */
export const setTarget: (family: Family, table: TableName) => fc.Arbitrary<Target> = once((family, table) =>
  fc
    .record({
      what: pick(table === 'mangle' ? [1, 1, 2, 3, 4, 5] : [1, 1, 1, 2, 3]),
      add: reference(family),
      del: reference(family),
      map: reference(family),
      exist: rarely(2),
      timeout: weighted<number | undefined>([3, fc.constant(undefined)], [1, pick([0, 1, 30])]),
    })
    .map(({ what, add, del, map, exist, timeout }): Target => {
      const plain = ({ name, dirs }: SetReference): SetReference => ({ name, dirs })
      return {
        target: 'SET',
        ...(what & 1
          ? { add: { ...plain(add), ...(exist ? { exist } : {}), ...(timeout === undefined ? {} : { timeout }) } }
          : {}),
        ...(what & 2 ? { del: plain(del) } : {}),
        ...(what & 4 ? { map: { ...plain(map), mark: true } } : {}),
      }
    }),
)
