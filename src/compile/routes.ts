// Routes as sections: policy rules, tables as sorted bounds, prefix entries, routes, next hops (assembly/layout.ts draws
// them). Routes all of whose next hops are dead are left out, so the core never meets one.
import {
  HOP_BOUND_OFF,
  HOP_BYTES,
  HOP_HAS_VIA_OFF,
  HOP_LINK_OFF,
  HOP_LIVE_OFF,
  HOP_VIA_OFF,
  PREFIX_ADDRESS_OFF,
  PREFIX_BYTES,
  PREFIX_COUNT_OFF,
  PREFIX_FIRST_OFF,
  PREFIX_LENGTH_OFF,
  PREFIX_PARENT_OFF,
  ROUTE_BYTES,
  ROUTE_HOP_OFF,
  ROUTE_HOPS_OFF,
  ROUTE_LIVE_OFF,
  ROUTE_PREFIX_OFF,
  ROUTE_PREFSRC_OFF,
  ROUTE_TABLE_OFF,
  ROUTE_TOS_OFF,
  ROUTE_TYPE_OFF,
  RTABLE_BOUNDS_OFF,
  RTABLE_BYTES,
  RTABLE_COUNT_OFF,
  RTABLE_ENTRIES_OFF,
  RTABLE_FAMILY_OFF,
  RTABLE_ID_OFF,
  RTABLE_INDEX_BITS_OFF,
  RTABLE_INDEX_OFF,
  SECTION_BOUND_ENTRIES,
  SECTION_BOUND_INDEX,
  SECTION_BOUNDS,
  SECTION_HOPS,
  SECTION_PREFIXES,
  SECTION_ROUTES,
  SECTION_TABLES,
} from '../../assembly/layout.js'
import { addressWords, parsePrefix } from '../net/ip.js'
import type { NetworkNamespace, NextHop, Route, RouteType } from '../netns/model.js'
import type { ImageWriter } from './image.js'
import type { AddressPool } from './links.js'
import { writePolicies } from './policies.js'
import { Sweep4, Sweep6 } from './sweep.js'
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

/** From so many bounds on a table gets an index by the first bits of the address. */
const INDEX_FROM_BOUNDS = 64

/** One table's routes, with their prefixes as numbers. */
class TableRoutes {
  readonly routes: Route[] = []
  /** Four words a route. */
  readonly addresses = new Words(4096)
  readonly lengths = new Words(1024)

  add(route: Route, bits: number): void {
    const prefix = parsePrefix(route.dst)
    if (prefix === null) throw new RangeError(`route: ${JSON.stringify(route.dst)} is not a prefix`)
    this.routes.push(route)
    for (let i = 0; i < 4; i++) this.addresses.push(prefix.words[i]!)
    this.lengths.push(Math.min(prefix.length, bits))
  }

  /** By address, then length, then tos (higher first), then metric, then order. */
  sorted(): Uint32Array {
    const order = new Uint32Array(this.routes.length).map((_, i) => i)
    const words = this.addresses.words()
    const lengths = this.lengths.words()
    return order.sort((a, b) => {
      for (let i = 0; i < 4; i++) {
        const difference = words[a * 4 + i]! - words[b * 4 + i]!
        if (difference !== 0) return difference
      }
      const shorter = lengths[a]! - lengths[b]!
      if (shorter !== 0) return shorter
      const x = this.routes[a]!
      const y = this.routes[b]!
      return y.tos - x.tos || x.metric - y.metric || a - b
    })
  }
}

class RouteWriter {
  readonly tables = new Words()
  readonly bounds = new Words(4096)
  readonly entries = new Words(4096)
  readonly index = new Words()
  readonly prefixes = new Words(4096)
  readonly routes = new Words(4096)
  readonly hops = new Words()
  readonly #hopsByKey = new Map<string, { first: number; live: number }>()
  readonly #linkIds: ReadonlyMap<string, number>
  readonly #down: ReadonlySet<string>
  readonly #pool: AddressPool

  constructor(ns: NetworkNamespace, pool: AddressPool) {
    this.#linkIds = new Map(ns.links.map((l, i) => [l.name, i + 1]))
    this.#down = new Set(ns.links.filter((l) => !l.up).map((l) => l.name))
    this.#pool = pool
  }

  isDead(hop: NextHop): boolean {
    return hop.dev !== undefined && this.#down.has(hop.dev)
  }

  /** Hops are shared between routes that have the same. */
  #writeHops(hops: readonly NextHop[]): { first: number; live: number } {
    const [only] = hops
    const key =
      hops.length === 1
        ? `${only!.dev} ${only!.via} ${only!.weight}`
        : hops.map((h) => `${h.dev} ${h.via} ${h.weight}`).join()
    const known = this.#hopsByKey.get(key)
    if (known !== undefined) return known
    const live = hops.filter((h) => !this.isDead(h))
    const total = live.reduce((sum, h) => sum + h.weight, 0)
    const stride = HOP_BYTES >>> 2
    const at = this.hops.reserve(hops.length * stride)
    let upTo = 0
    hops.forEach((hop, i) => {
      const record = at + i * stride
      this.hops.set(record + (HOP_LINK_OFF >>> 2), this.#linkIds.get(hop.dev ?? '') ?? 0)
      if (hop.via !== undefined) {
        this.hops.set(record + (HOP_HAS_VIA_OFF >>> 2), 1)
        this.hops.setAll(record + (HOP_VIA_OFF >>> 2), [...addressWords(hop.via)])
      }
      if (this.isDead(hop)) return
      upTo += hop.weight
      // round(2^31 * upTo / total) - 1, halves up; one hop takes every draw.
      const bound = ((BigInt(upTo) << 32n) + BigInt(total)) / BigInt(2 * total) - 1n
      this.hops.set(record + (HOP_BOUND_OFF >>> 2), Number(bound))
      this.hops.set(record + (HOP_LIVE_OFF >>> 2), 1)
    })
    const made = { first: at / stride, live: live.length }
    this.#hopsByKey.set(key, made)
    return made
  }

  #writeRoute(route: Route, prefix: number): number {
    const at = this.routes.reserve(ROUTE_BYTES >>> 2)
    const hops = this.#writeHops(route.nextHops)
    this.routes.set(at + (ROUTE_TYPE_OFF >>> 2), ROUTE_TYPES.indexOf(route.type))
    this.routes.set(at + (ROUTE_TOS_OFF >>> 2), route.tos)
    this.routes.set(at + (ROUTE_HOP_OFF >>> 2), hops.first)
    this.routes.set(at + (ROUTE_HOPS_OFF >>> 2), route.nextHops.length)
    this.routes.set(at + (ROUTE_LIVE_OFF >>> 2), hops.live)
    this.routes.set(at + (ROUTE_PREFIX_OFF >>> 2), prefix)
    this.routes.set(at + (ROUTE_TABLE_OFF >>> 2), route.table)
    if (route.prefsrc !== undefined) this.routes.set(at + (ROUTE_PREFSRC_OFF >>> 2), this.#pool.bare(route.prefsrc) + 1)
    return at / (ROUTE_BYTES >>> 2)
  }

  /** Writes a table: prefix entries with their routes, then the bounds between which each is the longest. */
  writeTable(id: number, family: 4 | 6, table: TableRoutes): void {
    const sweep = family === 4 ? new Sweep4(this.bounds, this.entries) : new Sweep6(this.bounds, this.entries)
    const words = table.addresses.words()
    const lengths = table.lengths.words()
    const order = table.sorted()
    const firstBound = this.bounds.length
    const firstEntry = this.entries.length
    const stride = PREFIX_BYTES >>> 2
    let last = -1
    for (const i of order) {
      const from = i * 4
      if (last < 0 || lengths[i] !== lengths[last] || !sameWords(words, from, last * 4)) {
        const at = this.prefixes.reserve(stride)
        const entry = at / stride
        const parent = sweep.open(words, from, lengths[i]!, entry + 1)
        this.prefixes.set(at + (PREFIX_FIRST_OFF >>> 2), this.#writeRoute(table.routes[i]!, entry))
        this.prefixes.set(at + (PREFIX_COUNT_OFF >>> 2), 1)
        this.prefixes.set(at + (PREFIX_PARENT_OFF >>> 2), parent)
        this.prefixes.set(at + (PREFIX_LENGTH_OFF >>> 2), lengths[i]!)
        for (let w = 0; w < 4; w++) this.prefixes.set(at + (PREFIX_ADDRESS_OFF >>> 2) + w, words[from + w]!)
      } else {
        const at = this.prefixes.length - stride
        this.#writeRoute(table.routes[i]!, at / stride)
        this.prefixes.set(at + (PREFIX_COUNT_OFF >>> 2), this.prefixes.get(at + (PREFIX_COUNT_OFF >>> 2)) + 1)
      }
      last = i
    }
    sweep.close()
    const count = this.entries.length - firstEntry
    const at = this.tables.reserve(RTABLE_BYTES >>> 2)
    this.tables.set(at + (RTABLE_BOUNDS_OFF >>> 2), firstBound)
    this.tables.set(at + (RTABLE_COUNT_OFF >>> 2), count)
    this.tables.set(at + (RTABLE_ENTRIES_OFF >>> 2), firstEntry)
    this.tables.set(at + (RTABLE_ID_OFF >>> 2), id)
    this.tables.set(at + (RTABLE_FAMILY_OFF >>> 2), family)
    if (count >= INDEX_FROM_BOUNDS) this.#writeIndex(at, firstBound, count, family)
  }

  /** For each value of the first bits: the last bound that is not after its first address. */
  #writeIndex(table: number, firstBound: number, count: number, family: 4 | 6): void {
    const bits = Math.min(20, Math.max(8, Math.floor(Math.log2(count)) - 1))
    const step = family === 4 ? 1 : 4
    const at = this.index.reserve(2 ** bits + 1)
    let bound = 0
    for (let n = 0; n < 2 ** bits; n++) {
      const first = n * 2 ** (32 - bits)
      while (bound + 1 < count && this.#notAfter(firstBound + (bound + 1) * step, first, family)) bound++
      this.index.set(at + n, bound)
    }
    this.index.set(at + 2 ** bits, count - 1)
    this.tables.set(table + (RTABLE_INDEX_OFF >>> 2), at)
    this.tables.set(table + (RTABLE_INDEX_BITS_OFF >>> 2), bits)
  }

  #notAfter(at: number, first: number, family: 4 | 6): boolean {
    const word = this.bounds.get(at)
    if (word !== first || family === 4) return word <= first
    return this.bounds.get(at + 1) === 0 && this.bounds.get(at + 2) === 0 && this.bounds.get(at + 3) === 0
  }
}

function sameWords(words: Uint32Array, a: number, b: number): boolean {
  for (let i = 0; i < 4; i++) if (words[a + i] !== words[b + i]) return false
  return true
}

/** Writes policy rules, tables, prefixes, routes and next hops. */
export function writeRoutes(ns: NetworkNamespace, writer: ImageWriter, pool: AddressPool): void {
  const out = new RouteWriter(ns, pool)
  const tables = new Map<string, TableRoutes>()
  for (const route of ns.routes) {
    if (route.nextHops.length > 0 && route.nextHops.every((h) => out.isDead(h))) continue
    const key = `${route.family} ${route.table}`
    let table = tables.get(key)
    if (table === undefined) {
      table = new TableRoutes()
      tables.set(key, table)
    }
    table.add(route, route.family === 'ipv4' ? 32 : 128)
  }
  const indexes = new Map([...tables.keys()].map((key, i) => [key, i]))
  for (const [key, table] of tables) {
    const [family, id] = key.split(' ')
    out.writeTable(Number(id), family === 'ipv4' ? 4 : 6, table)
  }
  writePolicies(ns, writer, indexes)
  writer.section(SECTION_TABLES, out.tables.words())
  writer.section(SECTION_BOUNDS, out.bounds.words())
  writer.section(SECTION_BOUND_ENTRIES, out.entries.words())
  writer.section(SECTION_BOUND_INDEX, out.index.words())
  writer.section(SECTION_PREFIXES, out.prefixes.words())
  writer.section(SECTION_ROUTES, out.routes.words())
  writer.section(SECTION_HOPS, out.hops.words())
}
