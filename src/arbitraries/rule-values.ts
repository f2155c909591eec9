// What rules in every form are made of: numbers, ports, addresses, names, texts; and where a rule stands. All values are the
// canonical ones that reading gives back (masked prefixes, sorted lists, defaults filled in).
import fc from 'fast-check'
import { formatIpv4, formatIpv6, maskAddress, maskWords } from '../net/ip.js'
import type { Family, HookName, Match, Negatable, Range, TableName } from '../netfilter/model.js'

/** Where a rule stands. `hook` is null in a user chain; `nat` says which translating targets may be used. */
export interface RulePlace {
  readonly family: Family
  readonly table: TableName
  readonly hook: HookName | null
  readonly nat: 'destination' | 'source' | 'none'
  /** Chains that may be jumped to. */
  readonly chains: readonly string[]
  /** Only what any kernel loads without further objects: no ip sets, accounting objects, helpers and timeout policies. */
  readonly selfContained: boolean
}

export type Arb<T> = fc.Arbitrary<T>
export type Of<K extends Match['match']> = Extract<Match, { readonly match: K }>

/** Plain objects, as the reader makes them. */
export function record<T>(fields: { [K in keyof T]: Arb<T[K]> }): Arb<T> {
  return fc.record(fields, { noNullPrototype: true }) as Arb<T>
}
export const pick = <T>(values: readonly T[]): Arb<T> => fc.constantFrom(...values)
/** Turned round or not. */
export const negatable = <T>(value: Arb<T>): Arb<Negatable<T>> => record({ not: fc.boolean(), value })
export const u32: Arb<number> = fc.oneof(pick([0, 1, 0x4000, 0x8000, 0xffffffff]), fc.nat({ max: 0xffffffff }))
export const port: Arb<number> = fc.oneof(pick([0, 1, 22, 80, 443, 8080, 65534, 65535]), fc.nat({ max: 65535 }))
export const ordered = (a: number, b: number): Range => ({ from: Math.min(a, b), to: Math.max(a, b) })
const isAll = (r: Range): boolean => r.from === 0 && r.to === 65535
export const portRange: Arb<Range> = fc.oneof(
  port.map((p) => ({ from: p, to: p })),
  fc.tuple(port, port).map(([a, b]) => ordered(a, b)),
)
/** Port ranges that iptables prints: it says nothing of all ports. */
export const printedPorts: Arb<Negatable<Range>> = negatable(portRange.filter((r) => !isAll(r)))

const words4 = fc.tuple(u32, fc.constant(0), fc.constant(0), fc.constant(0))
const words6 = fc.oneof(
  fc.tuple(u32, u32, u32, u32),
  fc.tuple(pick([0xfd000000, 0]), fc.constant(0), fc.constant(0), u32),
)

/** An address in canonical text. */
export function addresses(family: Family): Arb<string> {
  return family === 'ipv4' ? words4.map(([w]) => formatIpv4(w)) : words6.map((w) => formatIpv6(w))
}

/** A masked prefix with its length; 0 only now and then. */
export function prefixes(family: Family): Arb<string> {
  const [bits, words] = family === 'ipv4' ? [32, words4] : [128, words6]
  return fc.tuple(words as Arb<[number, number, number, number]>, fc.nat({ max: bits })).map(([w, length]) => {
    const masked = maskAddress(w, maskWords(family, length))
    return `${family === 'ipv4' ? formatIpv4(masked[0]) : formatIpv6(masked)}/${length}`
  })
}

export function addressRange(family: Family): Arb<{ from: string; to: string }> {
  const words = (family === 'ipv4' ? words4 : words6) as Arb<[number, number, number, number]>
  const last = family === 'ipv4' ? 0 : 3
  return fc.tuple(words, u32).map(([w, other]) => {
    const at = (value: number): string => {
      const copy: [number, number, number, number] = [...w]
      copy[last] = value
      return family === 'ipv4' ? formatIpv4(copy[0]) : formatIpv6(copy)
    }
    const { from, to } = ordered(w[last], other)
    return { from: at(from), to: at(to) }
  })
}

/** Interface names, some with a trailing `+`. */
export const ifaces: Arb<string> = fc.oneof(
  pick(['lo', 'eth0', 'cni0', 'flannel.1', 'eth3:1', 'lxc+', 'veth+', 'a', 'wlp2s0f0u1u2u34']),
  fc.stringMatching(/^[a-z][a-z0-9._@-]{0,13}\+?$/),
)

/** Free text as comments have it: quotes, backslashes, other scripts; no control characters. */
export const texts: Arb<string> = fc.oneof(
  pick(['', 'SSH', 'default/db:main', 'it\'s "quoted" \\ here', 'a  b', '!', '-j DROP', 'naïve ☃ 𝄞']),
  fc.string({ unit: pick([...'abzAZ09-_ "\'\\:/;#!$,.=[](){}é☃']), maxLength: 40, size: 'max' }),
)
export const nonEmpty = (most: number): Arb<string> =>
  texts.map((t) => (t === '' ? 'x' : [...t].slice(0, Math.floor(most / 4)).join('')))

export const subsetOf = <T>(values: readonly T[]): Arb<T[]> =>
  fc.subarray([...values], { minLength: 1 }).map((s) => values.filter((v) => s.includes(v)))

/** A value with only those keys that were drawn, at least `least` of them. */
export function some<T extends object>(
  fields: { [K in keyof T]-?: Arb<Exclude<T[K], undefined>> },
  least = 0,
): Arb<Partial<T>> {
  return fc
    .record(fields as Record<string, Arb<unknown>>, { requiredKeys: [], noNullPrototype: true })
    .filter((r) => Object.keys(r).length >= least) as Arb<Partial<T>>
}
export const tagged = <M extends Match>(match: M['match'], fields: Arb<object>): Arb<M> =>
  fields.map((f) => ({ match, ...f }) as unknown as M)

export const on: Arb<true> = fc.constant(true as const)
