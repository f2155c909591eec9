// What the matches of generated rules are made of: `!`, port ranges, some of several options.
import fc from 'fast-check'
import type { Negatable, Range } from '../netfilter/model.js'
import { pick, poolPort, rarely, weighted } from './pool.js'

/** `!` once in `once` times. */
export function negatable<T>(value: fc.Arbitrary<T>, once = 4): fc.Arbitrary<Negatable<T>> {
  return fc.record({ not: rarely(once), value })
}

/** Ports of the small world: mostly one. */
export const portRange: fc.Arbitrary<Range> = weighted(
  [3, poolPort.map((p) => ({ from: p, to: p }))],
  [1, fc.tuple(poolPort, poolPort).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))],
  [1, pick([0, 1024].map((from) => ({ from, to: 65535 })))],
)

/** One or two of the given optional fields. */
export function someOf<T extends object>(
  fields: { [K in keyof T]-?: fc.Arbitrary<NonNullable<T[K]>> },
): fc.Arbitrary<Partial<T>> {
  const names = Object.keys(fields) as (keyof T)[]
  const one = weighted<Partial<T>>(
    ...names.map((n): [number, fc.Arbitrary<Partial<T>>] => [1, fields[n].map((v) => ({ [n]: v }) as Partial<T>)]),
  )
  return weighted<Partial<T>>([3, one], [1, fc.tuple(one, one).map(([a, b]) => ({ ...a, ...b }))])
}
