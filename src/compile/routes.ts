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
import { addressWords } from '../net/ip.js'
import type { NetworkNamespace, NextHop, Route } from '../netns/model.js'
import type { ImageWriter } from './image.js'
import type { AddressPool } from './links.js'
import { writePolicies } from './policies.js'
import {
  FACT_HOP,
  FACT_HOPS,
  FACT_LIVE,
  FACT_PREFSRC,
  FACT_TOS,
  FACT_TYPE,
  FACTS,
  TableRoutes,
  type WrittenHops,
} from './route-table.js'
import { Sweep4, Sweep6 } from './sweep.js'
import { Words } from './words.js'

/** From so many bounds on a table gets an index by the first bits of the address. */
const INDEX_FROM_BOUNDS = 64

/** No link of IPv6 asks for shorter packets (RFC 8200, 5). */
const LEAST_IPV6 = 1280

const NO_HOPS: WrittenHops = { first: 0, live: 0 }

class RouteWriter {
  readonly tables = new Words()
  readonly bounds = new Words()
  readonly entries = new Words()
  readonly index = new Words()
  readonly prefixes = new Words()
  readonly routes = new Words()
  readonly hops = new Words()
  /** Of single hops of weight 1, by link and gateway; of all others, by all that they say. */
  readonly #singles = new Map<string | undefined, Map<string | undefined, WrittenHops>>()
  readonly #hopsByKey = new Map<string, WrittenHops>()
  readonly #linkIds: ReadonlyMap<string, number>
  readonly #down: ReadonlySet<string>
  readonly #mtus: ReadonlyMap<string, number>
  readonly #pool: AddressPool

  constructor(ns: NetworkNamespace, pool: AddressPool) {
    this.#linkIds = new Map(ns.links.map((l, i) => [l.name, i + 1]))
    this.#down = new Set(ns.links.filter((l) => !l.up).map((l) => l.name))
    this.#mtus = new Map(ns.links.map((l) => [l.name, l.mtu]))
    this.#pool = pool
  }

  isDead(hop: NextHop): boolean {
    return hop.dev !== undefined && this.#down.has(hop.dev)
  }

  /** Has the route hops, and can none of them be used? */
  leadsNowhere(route: Route): boolean {
    if (this.#down.size === 0 || route.nextHops.length === 0 || this.#staysAlive(route)) return false
    return route.nextHops.every((h) => this.isDead(h))
  }

  /** IPv4 addresses of the host stay reachable when their link is down. */
  #staysAlive(route: Route): boolean {
    return route.type === 'local' && route.family === 'ipv4'
  }

  /** Hops are shared between routes that have the same. */
  hopsOf(route: Route): WrittenHops {
    const hops = route.nextHops
    if (this.#staysAlive(route) && hops.some((h) => this.isDead(h))) return this.#writeHops(route, true)
    const [only] = hops
    if (only === undefined) return NO_HOPS
    if (hops.length === 1 && only.weight === 1 && route.mtu === undefined) {
      let known = this.#singles.get(only.dev)
      if (known === undefined) {
        known = new Map()
        this.#singles.set(only.dev, known)
      }
      // The families' limits differ.
      const via = only.via ?? route.family
      let written = known.get(via)
      if (written === undefined) {
        written = this.#writeHops(route)
        known.set(via, written)
      }
      return written
    }
    const key = `${route.family} ${route.mtu} ${hops.map((h) => `${h.dev} ${h.via} ${h.weight}`).join()}`
    let written = this.#hopsByKey.get(key)
    if (written === undefined) {
      written = this.#writeHops(route)
      this.#hopsByKey.set(key, written)
    }
    return written
  }

  /** ROUTE_PREFSRC of a route. */
  prefsrcOf(route: Route): number {
    return route.prefsrc === undefined ? 0 : this.#pool.bare(route.prefsrc) + 1
  }

  /** How long packets may be that take the hop: such that are forwarded, and after POSTROUTING. */
  #limits(route: Route, hop: NextHop): number {
    const link = this.#mtus.get(hop.dev ?? '') ?? 0xffff
    const [forwarded, leaving] =
      route.family === 'ipv4' ? [route.mtu ?? link, 0xffff] : [Math.max(LEAST_IPV6, link), route.mtu ?? link]
    return ((Math.min(leaving, 0xffff) << 16) | Math.max(1, Math.min(forwarded, 0xffff))) >>> 0
  }

  #writeHops(route: Route, alive = false): WrittenHops {
    const hops = route.nextHops
    const live = hops.filter((h) => alive || !this.isDead(h))
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
      if (!alive && this.isDead(hop)) return
      upTo += hop.weight
      // round(2^31 * upTo / total) - 1, halves up; one hop takes every draw.
      const bound = ((BigInt(upTo) << 32n) + BigInt(total)) / BigInt(2 * total) - 1n
      this.hops.set(record + (HOP_BOUND_OFF >>> 2), Number(bound))
      this.hops.set(record + (HOP_LIVE_OFF >>> 2), this.#limits(route, hop))
    })
    return { first: at / stride, live: live.length }
  }

  #writeRoute(facts: Words, route: number, table: number, prefix: number): number {
    const from = route * FACTS
    const at = this.routes.reserve(ROUTE_BYTES >>> 2)
    this.routes.set(at + (ROUTE_TYPE_OFF >>> 2), facts.get(from + FACT_TYPE))
    this.routes.set(at + (ROUTE_TOS_OFF >>> 2), facts.get(from + FACT_TOS))
    this.routes.set(at + (ROUTE_HOP_OFF >>> 2), facts.get(from + FACT_HOP))
    this.routes.set(at + (ROUTE_HOPS_OFF >>> 2), facts.get(from + FACT_HOPS))
    this.routes.set(at + (ROUTE_LIVE_OFF >>> 2), facts.get(from + FACT_LIVE))
    this.routes.set(at + (ROUTE_PREFIX_OFF >>> 2), prefix)
    this.routes.set(at + (ROUTE_TABLE_OFF >>> 2), table)
    this.routes.set(at + (ROUTE_PREFSRC_OFF >>> 2), facts.get(from + FACT_PREFSRC))
    return at / (ROUTE_BYTES >>> 2)
  }

  /** Writes a table: prefix entries with their routes, then the bounds between which each is the longest. */
  writeTable(id: number, table: TableRoutes): void {
    const family = table.six ? 6 : 4
    const sweep = table.six ? new Sweep6(this.bounds, this.entries) : new Sweep4(this.bounds, this.entries)
    const { width, facts } = table
    const words = table.addresses.words()
    const lengths = table.lengths.words()
    const firstBound = this.bounds.length
    const firstEntry = this.entries.length
    const stride = PREFIX_BYTES >>> 2
    let last = -1
    for (const i of table.sorted()) {
      if (last < 0 || !table.samePrefix(i, last)) {
        const from = i * width
        const at = this.prefixes.reserve(stride)
        const entry = at / stride
        const parent = sweep.open(words, from, lengths[i]!, entry + 1)
        this.prefixes.set(at + (PREFIX_FIRST_OFF >>> 2), this.#writeRoute(facts, i, id, entry))
        this.prefixes.set(at + (PREFIX_COUNT_OFF >>> 2), 1)
        this.prefixes.set(at + (PREFIX_PARENT_OFF >>> 2), parent)
        this.prefixes.set(at + (PREFIX_LENGTH_OFF >>> 2), lengths[i]!)
        for (let w = 0; w < width; w++) this.prefixes.set(at + (PREFIX_ADDRESS_OFF >>> 2) + w, words[from + w]!)
      } else {
        const at = this.prefixes.length - stride
        this.#writeRoute(facts, i, id, at / stride)
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

/** Writes policy rules, tables, prefixes, routes and next hops. */
export function writeRoutes(ns: NetworkNamespace, writer: ImageWriter, pool: AddressPool): void {
  const out = new RouteWriter(ns, pool)
  const tables = new Map<string, TableRoutes>()
  const ids: number[] = []
  // Neighbours are mostly of one table.
  let family = ''
  let id = -1
  let table: TableRoutes | undefined
  for (const route of ns.routes) {
    if (out.leadsNowhere(route)) continue
    if (table === undefined || route.table !== id || route.family !== family) {
      ;({ family, table: id } = route)
      const key = `${family} ${id}`
      table = tables.get(key)
      if (table === undefined) {
        table = new TableRoutes(family === 'ipv6')
        tables.set(key, table)
        ids.push(id)
      }
    }
    table.add(route, out.hopsOf(route), out.prefsrcOf(route))
  }
  const indexes = new Map([...tables.keys()].map((key, i) => [key, i]))
  let n = 0
  for (const written of tables.values()) out.writeTable(ids[n++]!, written)
  writePolicies(ns, writer, indexes)
  writer.section(SECTION_TABLES, out.tables.words())
  writer.section(SECTION_BOUNDS, out.bounds.words())
  writer.section(SECTION_BOUND_ENTRIES, out.entries.words())
  writer.section(SECTION_BOUND_INDEX, out.index.words())
  writer.section(SECTION_PREFIXES, out.prefixes.words())
  writer.section(SECTION_ROUTES, out.routes.words())
  writer.section(SECTION_HOPS, out.hops.words())
}
