// One table's routes on their way into the image: read once, in their order, into columns of numbers, and put in order.
// From then on nothing looks at a route's object: a million of them lie far apart.
import { parsePrefix } from '../net/ip.js'
import type { Route, RouteType } from '../netns/model.js'
import { Words } from './words.js'

/** RTN_* numbers. */
export const ROUTE_TYPES: readonly (RouteType | 'unspec')[] = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
]

const TYPE_NUMBERS: ReadonlyMap<string, number> = new Map(ROUTE_TYPES.map((name, number) => [name, number]))

/** Words of a route's facts. */
export const FACTS = 7
export const FACT_TYPE = 0
export const FACT_TOS = 1
export const FACT_METRIC = 2
/** Index of the first hop. */
export const FACT_HOP = 3
export const FACT_HOPS = 4
export const FACT_LIVE = 5
/** As ROUTE_PREFSRC. */
export const FACT_PREFSRC = 6

/** Bits of a sort key below the address: the prefix length, then the route's number. */
const LENGTH_SHIFT = 26
const MOST_IN_KEY = 2 ** LENGTH_SHIFT
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** The hops that a route leads to, as they were written. */
export interface WrittenHops {
  readonly first: number
  readonly live: number
}

/** Columns of a table's routes. */
export class TableRoutes {
  readonly six: boolean
  /** Words of an address: 1 or 4. */
  readonly width: number
  readonly addresses: Words = new Words()
  readonly lengths: Words = new Words()
  readonly facts: Words = new Words()

  constructor(six: boolean) {
    this.six = six
    this.width = six ? 4 : 1
  }

  add(route: Route, hops: WrittenHops, prefsrc: number): void {
    const { dst } = route
    if (this.six || !this.#plain(dst)) {
      const prefix = parsePrefix(dst)
      if (prefix === null) throw new RangeError(`route: ${JSON.stringify(dst)} is not a prefix`)
      for (let i = 0; i < this.width; i++) this.addresses.push(prefix.words[i]!)
      this.lengths.push(Math.min(prefix.length, this.six ? 128 : 32))
    }
    const { facts } = this
    const at = facts.reserve(FACTS)
    facts.set(at + FACT_TYPE, TYPE_NUMBERS.get(route.type)!)
    facts.set(at + FACT_TOS, route.tos)
    facts.set(at + FACT_METRIC, route.metric)
    facts.set(at + FACT_HOP, hops.first)
    facts.set(at + FACT_HOPS, route.nextHops.length)
    facts.set(at + FACT_LIVE, hops.live)
    facts.set(at + FACT_PREFSRC, prefsrc)
  }

  /** Adds `A.B.C.D/N` written without leading zeros; false: it is something else. */
  #plain(text: string): boolean {
    let value = 0
    let part = -1
    let dots = 0
    let address = -1
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      const digit = c - 48
      if (digit >= 0 && digit <= 9) {
        if (part === 0) return false
        part = part < 0 ? digit : part * 10 + digit
        if (part > 255) return false
      } else if (part >= 0 && address < 0 && ((c === 46 && dots < 3) || (c === 47 && dots === 3))) {
        value = value * 256 + part
        part = -1
        if (c === 47) address = value
        else dots++
      } else return false
    }
    if (address < 0 || part < 0 || part > 32) return false
    this.addresses.push(address)
    this.lengths.push(part)
    return true
  }

  /** Numbers of the routes by address, then length, then tos (higher first), then metric, then order. */
  sorted(): Uint32Array {
    const count = this.lengths.length
    if (this.six || count >= MOST_IN_KEY || !LITTLE_ENDIAN) {
      return new Uint32Array(count).map((_, i) => i).sort((a, b) => this.#compare(a, b))
    }
    const keys = new BigUint64Array(count)
    const halves = new Uint32Array(keys.buffer)
    const addresses = this.addresses.words()
    const lengths = this.lengths.words()
    for (let i = 0; i < count; i++) {
      halves[2 * i] = lengths[i]! * MOST_IN_KEY + i
      halves[2 * i + 1] = addresses[i]!
    }
    keys.sort()
    const order = new Uint32Array(count)
    for (let i = 0; i < count; i++) order[i] = halves[2 * i]! & (MOST_IN_KEY - 1)
    this.#sortEqual(order)
    return order
  }

  /** Puts the routes to one prefix in order, of all prefixes. */
  #sortEqual(order: Uint32Array): void {
    for (let from = 0; from < order.length; ) {
      let to = from + 1
      while (to < order.length && this.samePrefix(order[from]!, order[to]!)) to++
      if (to - from > 1) order.subarray(from, to).sort((a, b) => this.#compare(a, b))
      from = to
    }
  }

  samePrefix(a: number, b: number): boolean {
    const { addresses, width } = this
    for (let i = 0; i < width; i++) if (addresses.get(a * width + i) !== addresses.get(b * width + i)) return false
    return this.lengths.get(a) === this.lengths.get(b)
  }

  #compare(a: number, b: number): number {
    const { addresses, lengths, facts, width } = this
    for (let i = 0; i < width; i++) {
      const difference = addresses.get(a * width + i) - addresses.get(b * width + i)
      if (difference !== 0) return difference
    }
    const shorter = lengths.get(a) - lengths.get(b)
    if (shorter !== 0) return shorter
    const x = a * FACTS
    const y = b * FACTS
    return (
      facts.get(y + FACT_TOS) - facts.get(x + FACT_TOS) ||
      facts.get(x + FACT_METRIC) - facts.get(y + FACT_METRIC) ||
      a - b
    )
  }
}
