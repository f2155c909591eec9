// Bounds of the sections that packets meet: links, addresses, policy rules, tables, prefixes, routes, hops, connections.
import * as L from '../../assembly/layout.js'
import type { ImageView } from './check.js'

interface Records {
  readonly words: Uint32Array
  readonly count: number
}

/** Every value of a word of the records that does not pass is damage. */
function each(
  view: ImageView,
  what: string,
  records: Records,
  bytes: number,
  offset: number,
  ok: (v: number) => boolean,
): void {
  const stride = bytes >>> 2
  for (let at = offset >>> 2; at < records.words.length; at += stride) {
    view.require(ok(records.words[at]!), `a ${what} refers outside`)
  }
}

const below =
  (limit: number) =>
  (v: number): boolean =>
    v < limit
const upTo =
  (limit: number) =>
  (v: number): boolean =>
    v <= limit

/** `first` and `count` of each record must lie inside a list of `limit`. */
function spans(
  view: ImageView,
  what: string,
  records: Records,
  bytes: number,
  first: number,
  count: number,
  limit: number,
): void {
  for (let i = 0; i < records.count; i++) {
    const at = i * (bytes >>> 2)
    const end = records.words[at + (first >>> 2)]! + records.words[at + (count >>> 2)]!
    view.require(end <= limit, `a ${what} refers outside`)
  }
}

function checkLinks(view: ImageView): void {
  const links = view.records(L.SECTION_LINKS, L.LINK_BYTES)
  const addresses = view.records(L.SECTION_ADDRESSES, L.ADDRESS_BYTES)
  view.require(links.count === view.header(L.IMAGE_LINKS_OFF) + 1, 'the number of links')
  spans(view, 'link', links, L.LINK_BYTES, L.LINK_ADDR4_OFF, L.LINK_ADDR4_COUNT_OFF, addresses.count)
  spans(view, 'link', links, L.LINK_BYTES, L.LINK_ADDR6_OFF, L.LINK_ADDR6_COUNT_OFF, addresses.count)
  each(view, 'link', links, L.LINK_BYTES, L.LINK_MASTER_OFF, below(links.count))
  each(view, 'link', links, L.LINK_BYTES, L.LINK_RP_FILTER_OFF, upTo(2))
  each(view, 'link', links, L.LINK_BYTES, L.LINK_PORT_NEXT_OFF, below(links.count))
  each(view, 'link', links, L.LINK_BYTES, L.LINK_PORTS_OFF, below(links.count))
  each(view, 'address', addresses, L.ADDRESS_BYTES, L.ADDRESS_PREFIX_OFF, upTo(128))
  each(view, 'address', addresses, L.ADDRESS_BYTES, L.ADDRESS_LINK_OFF, below(links.count))
  const locals = view.records(L.SECTION_LOCALS, 32)
  const free = locals.count === 0 || locals.words.some((kind, i) => i % 8 === 0 && kind === 0)
  view.require(free && (locals.count & (locals.count - 1)) === 0, 'the table of own addresses')
  const sysctls = view.words(L.SECTION_SYSCTLS)
  view.require(sysctls.length === L.SYSCTL_WORDS && sysctls[L.SYSCTL_LO_LINK]! < links.count, 'the settings')
  view.require(sysctls[L.SYSCTL_CT_BUCKETS] !== 0, 'the number of buckets')
  const counted = sysctls[L.SYSCTL_COUNTED_CONNECTIONS]!
  view.require(counted <= L.COUNTED_CONNECTIONS_MAX, 'the number of counted connections')
}

function checkBridges(view: ImageView, links: number): void {
  const fdb = view.records(L.SECTION_FDB, L.FDB_BYTES)
  each(view, 'forwarding entry', fdb, L.FDB_BYTES, L.FDB_BRIDGE_OFF, (v) => v > 0 && v < links)
  each(view, 'forwarding entry', fdb, L.FDB_BYTES, L.FDB_PORT_OFF, (v) => v > 0 && v < links)
  const known = view.records(L.SECTION_NEIGHBOURS, L.NEIGHBOUR_BYTES)
  const stride = L.NEIGHBOUR_BYTES >>> 2
  const free = known.words.some((link, i) => i % stride === L.NEIGHBOUR_LINK_OFF >>> 2 && link === 0)
  view.require(known.count === 0 || (free && (known.count & (known.count - 1)) === 0), 'the table of neighbours')
}

function checkPolicies(view: ImageView, tables: number): void {
  const rules = view.records(L.SECTION_POLICIES, L.POLICY_BYTES)
  each(view, 'policy rule', rules, L.POLICY_BYTES, L.POLICY_FROM_LENGTH_OFF, upTo(128))
  each(view, 'policy rule', rules, L.POLICY_BYTES, L.POLICY_TO_LENGTH_OFF, upTo(128))
  for (let i = 0; i < rules.count; i++) {
    const word = (offset: number): number => rules.words[i * (L.POLICY_BYTES >>> 2) + (offset >>> 2)]!
    const action = word(L.POLICY_ACTION_OFF)
    const argument = word(L.POLICY_TABLE_OFF)
    const fits =
      action === L.ACTION_TABLE
        ? argument <= tables
        : action === L.ACTION_GOTO
          ? argument > i && argument < rules.count
          : action <= L.ACTION_NOP
    view.require(fits, 'a policy rule refers outside')
  }
}

function checkTables(view: ImageView): number {
  const tables = view.records(L.SECTION_TABLES, L.RTABLE_BYTES)
  const bounds = view.words(L.SECTION_BOUNDS).length
  const entries = view.words(L.SECTION_BOUND_ENTRIES)
  const index = view.words(L.SECTION_BOUND_INDEX)
  const prefixes = view.records(L.SECTION_PREFIXES, L.PREFIX_BYTES)
  for (const entry of entries) view.require(entry <= prefixes.count, 'a bound refers outside')
  for (let i = 0; i < tables.count; i++) {
    const word = (offset: number): number => tables.words[i * (L.RTABLE_BYTES >>> 2) + (offset >>> 2)]!
    const family = word(L.RTABLE_FAMILY_OFF)
    const count = word(L.RTABLE_COUNT_OFF)
    const bits = word(L.RTABLE_INDEX_BITS_OFF)
    view.require(family === 4 || family === 6, 'the family of a table')
    view.require(word(L.RTABLE_BOUNDS_OFF) + count * (family === 4 ? 1 : 4) <= bounds, 'a table refers outside')
    view.require(word(L.RTABLE_ENTRIES_OFF) + count <= entries.length, 'a table refers outside')
    if (bits === 0) continue
    const at = word(L.RTABLE_INDEX_OFF)
    view.require(bits <= 20 && at + 2 ** bits + 1 <= index.length, 'the index of a table refers outside')
    for (let n = 0; n <= 2 ** bits; n++) view.require(index[at + n]! < count, 'the index of a table refers outside')
  }
  return tables.count
}

function checkRoutes(view: ImageView, links: number): void {
  const prefixes = view.records(L.SECTION_PREFIXES, L.PREFIX_BYTES)
  const routes = view.records(L.SECTION_ROUTES, L.ROUTE_BYTES)
  const hops = view.records(L.SECTION_HOPS, L.HOP_BYTES)
  const addresses = view.size(L.SECTION_ADDRESSES) / L.ADDRESS_BYTES
  spans(view, 'prefix', prefixes, L.PREFIX_BYTES, L.PREFIX_FIRST_OFF, L.PREFIX_COUNT_OFF, routes.count)
  each(view, 'prefix', prefixes, L.PREFIX_BYTES, L.PREFIX_LENGTH_OFF, upTo(128))
  for (let i = 0; i < prefixes.count; i++) {
    // Parents come first: no way round in circles.
    const parent = prefixes.words[i * (L.PREFIX_BYTES >>> 2) + (L.PREFIX_PARENT_OFF >>> 2)]!
    view.require(parent <= i, 'a prefix refers to a later one')
  }
  spans(view, 'route', routes, L.ROUTE_BYTES, L.ROUTE_HOP_OFF, L.ROUTE_HOPS_OFF, hops.count)
  each(view, 'route', routes, L.ROUTE_BYTES, L.ROUTE_TYPE_OFF, upTo(L.RTN_THROW))
  each(view, 'route', routes, L.ROUTE_BYTES, L.ROUTE_PREFSRC_OFF, upTo(addresses))
  each(view, 'route', routes, L.ROUTE_BYTES, L.ROUTE_PREFIX_OFF, below(Math.max(1, prefixes.count)))
  each(view, 'hop', hops, L.HOP_BYTES, L.HOP_LINK_OFF, below(links))
}

/** Sections 32 and up. */
export function checkPackets(view: ImageView): void {
  checkLinks(view)
  checkBridges(view, view.header(L.IMAGE_LINKS_OFF) + 1)
  checkPolicies(view, checkTables(view))
  checkRoutes(view, view.header(L.IMAGE_LINKS_OFF) + 1)
  const connections = view.records(L.SECTION_CONNECTIONS, L.CONNECTION_BYTES)
  each(view, 'connection', connections, L.CONNECTION_BYTES, L.CONNECTION_STATE_OFF, upTo(9))
  each(view, 'connection', connections, L.CONNECTION_BYTES, L.CONNECTION_FAMILY_OFF, (v) => v === 4 || v === 6)
}
