// The small world that generated namespaces, rules and packets share, so that they meet: few interfaces, few
// addresses, few ports, few marks. Owns the constants and the picks from them.
import fc from 'fast-check'
import { canonicalPrefix } from '../net/ip.js'
import type { Family, Prefix } from '../netfilter/model.js'

/** Interfaces beside `lo`, in the order in which a namespace gets them. */
export const LINK_NAMES: readonly string[] = ['eth0', 'eth1', 'cni0', 'vxlan.1']

/** Ports of servers, and of clients: around the bounds (511/512, 1023/1024) at which port choice changes. */
export const PORTS: readonly number[] = [80, 53, 443, 8080, 40000, 40001, 40002, 600, 1024, 500, 0, 65535]

/** Packet, connection and policy marks. */
export const MARKS: readonly number[] = [0, 1, 2, 0x4000, 0xff, 0xffffffff]

/** Names of ip sets that generated namespaces hold. */
export const SETS: readonly string[] = ['hosts', 'nets', 'ports', 'pairs', 'ifaces', 'list', 'two', 'marks', 'bits']

interface World {
  /** The first address of the k-th interface; its subnet; an address that lives there. */
  readonly own: (k: number) => string
  readonly second: (k: number) => string
  readonly subnet: (k: number) => Prefix
  readonly neighbour: (k: number, i: number) => string
  readonly remotes: readonly string[]
  readonly services: readonly string[]
  readonly odd: readonly string[]
  /** Prefixes around all of these, from a host to everything. */
  readonly prefixes: readonly Prefix[]
}

const V4: World = {
  own: (k) => `10.0.${k}.1`,
  second: (k) => `10.0.${k}.2`,
  subnet: (k) => `10.0.${k}.0/24`,
  neighbour: (k, i) => `10.0.${k}.${10 + i}`,
  remotes: ['192.168.1.5', '192.168.2.5', '8.8.8.8'],
  services: ['10.96.0.1', '10.96.0.2', '10.96.0.10'],
  odd: ['127.0.0.1', '224.0.0.1', '224.0.0.9', '10.0.0.255', '10.0.1.0', '255.255.255.255', '0.0.0.0', '240.0.0.1'],
  prefixes: ['10.0.0.0/23', '10.96.0.0/12', '192.168.0.0/16', '0.0.0.0/0', '10.0.0.0/8', '10.0.1.0/25', '127.0.0.0/8'],
}
const V6: World = {
  own: (k) => `fd00:${k + 1}::1`,
  second: (k) => `fd00:${k + 1}::2`,
  subnet: (k) => `fd00:${k + 1}::/64`,
  neighbour: (k, i) => `fd00:${k + 1}::${10 + i}`,
  remotes: ['2001:db8:1::5', '2002:a00:1::5', '2606:4700::1111'],
  services: ['fd96::1', 'fd96::2', 'fd96::a'],
  odd: [
    ...['ff01::1', 'ff02::2', 'ff02::1:ff00:1', 'ff02::1:ff00:0', 'ff00::1', 'fe80::1', 'fe80::9'],
    ...['::1', 'ff02::1', 'ff05::9', 'fd00:1::', '::', '4000::1', 'fec0::5', '2001::5', '3ffe::5', '::ffff:1.2.3.4'],
  ],
  prefixes: ['fd00:2::/33', 'fd96::/16', '2001:db8::/32', '::/0', 'fd00::/16', 'fd00:2::8/125', 'ff00::/8'],
}

/** The world of one family. */
export function worldOf(family: Family): World {
  return family === 'ipv4' ? V4 : V6
}

/** Bits of an address of this family. */
export const bitsOf = (family: Family): number => (family === 'ipv4' ? 32 : 128)

/**
 * Makes the value of the same words once: generators are drawn from many times over, and building them anew for each place
 * of a rule costs more than drawing.
 */
export function once<W extends readonly (string | null | undefined)[], T>(
  make: (...words: W) => T,
): (...words: W) => T {
  const made = new Map<string, T>()
  return (...words) => {
    const key = words.join(' ')
    const value = made.get(key) ?? make(...words)
    made.set(key, value)
    return value
  }
}

/** One of `values`, each as likely as any other; shrinks towards the first. */
export function pick<T>(values: readonly T[]): fc.Arbitrary<T> {
  return fc.nat({ max: values.length - 1 }).map((i) => values[i] as T)
}

/** One of the arbitraries, by weight; shrinks towards the first. */
export function weighted<T>(...choices: [number, fc.Arbitrary<T>][]): fc.Arbitrary<T> {
  return fc.oneof({ withCrossShrink: true }, ...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
}

/** True once in `n`. */
export const rarely = (n: number): fc.Arbitrary<boolean> => fc.nat({ max: n - 1 }).map((i) => i === n - 1)

/** An array whose length is spread over the whole range (fast-check's own default stays near the minimum). */
export function listOf<T>(arbitrary: fc.Arbitrary<T>, minLength: number, maxLength: number): fc.Arbitrary<T[]> {
  return fc.array(arbitrary, { minLength, maxLength, size: 'max' })
}

/** A link's number. */
export const linkNumber: fc.Arbitrary<number> = fc.nat({ max: LINK_NAMES.length - 1 })

/** An address of the small world. */
export const poolAddress: (family: Family) => fc.Arbitrary<string> = once((family) => {
  const world = worldOf(family)
  return weighted(
    [6, fc.tuple(linkNumber, fc.nat({ max: 1 })).map(([k, i]) => world.neighbour(k, i))],
    [3, linkNumber.map(world.own)],
    [4, pick(world.services)],
    [3, pick(world.remotes)],
    [1, linkNumber.map(world.second)],
    [1, pick(world.odd)],
  )
})

/** A prefix that holds some addresses of the small world. */
export const poolPrefix: (family: Family) => fc.Arbitrary<Prefix> = once((family) => {
  const world = worldOf(family)
  return weighted(
    [4, poolAddress(family).map((a) => `${a}/${bitsOf(family)}`)],
    [2, linkNumber.map(world.subnet)],
    [2, pick(world.prefixes)],
  )
})

/** A prefix of the small world as it is printed. */
export const canonical: (prefix: Prefix) => Prefix = once((prefix) => canonicalPrefix(prefix) as string)

/** A port of the small world. */
export const poolPort: fc.Arbitrary<number> = weighted([6, pick(PORTS.slice(0, 4))], [2, pick(PORTS)])

/** A mark of the small world. */
export const poolMark: fc.Arbitrary<number> = pick(MARKS)
