// Routing: policy rules, tables, longest prefix, next hop, and the type of an address. What a look-up found stands in
// Route's fields until the next one.
// Kernel: net/core/fib_rules.c, net/ipv4/fib_trie.c, fib_semantics.c, fib_frontend.c (inet_addr_type), net/ipv6/route.c.
import { Asked } from './asked'
import { Fib } from './fib'
import {
  ACTION_BLACKHOLE,
  ACTION_GOTO,
  ACTION_NOP,
  ACTION_PROHIBIT,
  ACTION_TABLE,
  ACTION_UNREACHABLE,
  CTX_FAMILY_AT,
  CTX_HOP_ATTEMPT_AT,
  HOP_BOUND_OFF,
  HOP_BYTES,
  HOP_LINK_OFF,
  HOP_LIVE_OFF,
  POLICY_ACTION_OFF,
  POLICY_BYTES,
  POLICY_FAMILY6,
  POLICY_FLAGS_OFF,
  POLICY_NOT,
  POLICY_SUPPRESS_OFF,
  POLICY_TABLE_OFF,
  PREFIX_COUNT_OFF,
  PREFIX_FIRST_OFF,
  PREFIX_LENGTH_OFF,
  PREFIX_PARENT_OFF,
  ROUTE_BYTES,
  ROUTE_HOP_OFF,
  ROUTE_HOPS_OFF,
  ROUTE_LIVE_OFF,
  ROUTE_TOS_OFF,
  ROUTE_TYPE_OFF,
  RTABLE_BYTES,
  RTABLE_FAMILY_OFF,
  RTABLE_ID_OFF,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
  SECTION_HOPS,
  SECTION_POLICIES,
  SECTION_ROUTES,
  SECTION_TABLES,
  SYSCTL_LO_LINK,
  ZERO_ADDRESS_AT,
} from './layout'
import { Memory } from './memory'
import { FLOW_NONE, POLICY_CONDITIONS, Policy } from './policy'
import { prf } from './random'
import { Links } from './source'
import { Sysctl } from './sysctl'

export class Route {
  static policies: usize = 0
  static policyCount: u32 = 0
  static tables: usize = 0
  static tableCount: u32 = 0
  static routes: usize = 0
  static hops: usize = 0

  /** RTN_* of what was found; RTN_UNSPEC: nothing. */
  static type: u32 = 0
  /** The route's record; 0 when a policy rule decided or nothing was found. */
  static record: usize = 0
  /** The hop's record; 0 = none. */
  static hop: usize = 0
  /** The hop's link id; 0 = none. */
  static link: u32 = 0

  /** Only routes by this link count; 0 = all. For the next look-up. */
  static bound: u32 = 0

  static load(): void {
    Fib.load()
    Route.policies = Memory.section(SECTION_POLICIES)
    Policy.rules = Route.policies
    Route.policyCount = Memory.sectionBytes(SECTION_POLICIES) / POLICY_BYTES
    Route.tables = Memory.section(SECTION_TABLES)
    Route.tableCount = Memory.sectionBytes(SECTION_TABLES) / RTABLE_BYTES
    Route.routes = Memory.section(SECTION_ROUTES)
    Route.hops = Memory.section(SECTION_HOPS)
  }

  /**
   * Looks the packet's family up by destination, source, tos, mark and in interface; Policy.flow says what of its
   * protocol, ports and user. `draw`: a route of several hops
   * draws one (else the first live one is taken).
   */
  static find(to: usize, from: usize, tos: u32, mark: u32, iif: u32, draw: bool): void {
    const six: u32 = load<u32>(CTX_FAMILY_AT) === 6 ? POLICY_FAMILY6 : 0
    Route.nothing(RTN_UNSPEC)
    const count = Route.policyCount
    for (let i: u32 = 0; i < count; i++) {
      const rule = Route.policies + i * POLICY_BYTES
      const flags = load<u32>(rule + POLICY_FLAGS_OFF)
      if ((flags & POLICY_FAMILY6) !== six) continue
      if (flags & POLICY_CONDITIONS || flags & POLICY_NOT) {
        const fits = Policy.matches(rule, to, from, tos, mark, iif)
        if (Asked.stopped()) return
        if (fits === ((flags & POLICY_NOT) !== 0)) continue
      }
      const action = load<u32>(rule + POLICY_ACTION_OFF)
      const argument = load<u32>(rule + POLICY_TABLE_OFF)
      if (action === ACTION_TABLE) {
        if (argument === 0) continue
        const table = Route.tables + (argument - 1) * RTABLE_BYTES
        if (Route.inTable(table, to, tos, load<u32>(rule + POLICY_SUPPRESS_OFF))) {
          if (Route.type < <u32>RTN_BLACKHOLE && Policy.suppresses(rule, Route.record, Route.hops)) {
            Route.nothing(RTN_UNSPEC)
            continue
          }
          Route.choose(draw)
          return
        }
      } else if (action === ACTION_GOTO) {
        i = argument - 1 // the loop adds one; the target is later in the list
      } else if (action === ACTION_UNREACHABLE) {
        // Answered as if there were no route.
        return
      } else if (action === ACTION_PROHIBIT) {
        Route.nothing(RTN_PROHIBIT)
        return
      } else if (action === ACTION_BLACKHOLE) {
        Route.nothing(RTN_BLACKHOLE)
        return
      } else if (action !== ACTION_NOP) unreachable()
    }
  }

  /** Was nothing found, or what lets no packet through? */
  static leadsNowhere(): bool {
    return Route.type === RTN_UNSPEC || Route.type >= <u32>RTN_BLACKHOLE
  }

  /** Sets the result to "no route", with the type of a policy rule's action. */
  static nothing(type: u32): void {
    Route.type = type
    Route.record = 0
    Route.hop = 0
    Route.link = 0
  }

  /** The best route of one table; `suppress` = prefix length + 1 up to which a result counts as nothing. */
  private static inTable(table: usize, to: usize, tos: u32, suppress: u32): bool {
    const four = load<u32>(table + RTABLE_FAMILY_OFF) === 4
    let prefix = Fib.longest(table, to)
    while (prefix !== 0) {
      const count = load<u32>(prefix + PREFIX_COUNT_OFF)
      let route = Route.routes + load<u32>(prefix + PREFIX_FIRST_OFF) * ROUTE_BYTES
      for (let i: u32 = 0; i < count; i++, route += ROUTE_BYTES) {
        if (Route.bound !== 0 && !Route.usesLink(route, Route.bound)) continue
        const wanted = load<u32>(route + ROUTE_TOS_OFF)
        if (four && wanted !== 0 && wanted !== (tos & 0x1c)) continue
        const type = load<u32>(route + ROUTE_TYPE_OFF)
        if (type === RTN_THROW) return false
        if (type < <u32>RTN_BLACKHOLE && load<u32>(prefix + PREFIX_LENGTH_OFF) < suppress) return false
        Route.type = type
        Route.record = route
        return true
      }
      prefix = Fib.prefix(load<u32>(prefix + PREFIX_PARENT_OFF))
    }
    return false
  }

  /** Takes a hop of the route that was found. */
  private static choose(draw: bool): void {
    const route = Route.record
    const count = load<u32>(route + ROUTE_HOPS_OFF)
    Route.hop = 0
    Route.link = 0
    if (count === 0) return
    let drawn: u32 = 0
    if (count > 1 && draw && Route.bound === 0) {
      const n = load<u32>(CTX_HOP_ATTEMPT_AT)
      store<u32>(CTX_HOP_ATTEMPT_AT, n + 1)
      drawn = <u32>(prf(3, n) >> 33)
    }
    let hop = Route.hops + load<u32>(route + ROUTE_HOP_OFF) * HOP_BYTES
    for (let i: u32 = 0; i < count; i++, hop += HOP_BYTES) {
      if (load<u32>(hop + HOP_LIVE_OFF) === 0) continue
      if (Route.bound !== 0) {
        if (load<u32>(hop + HOP_LINK_OFF) !== Route.bound) continue
      } else if (count > 1 && drawn > load<u32>(hop + HOP_BOUND_OFF)) continue
      Route.hop = hop
      Route.link = load<u32>(hop + HOP_LINK_OFF)
      return
    }
  }

  /** Number of live hops that lead over the link. */
  static usesLink(route: usize, link: u32): bool {
    const count = load<u32>(route + ROUTE_HOPS_OFF)
    let hop = Route.hops + load<u32>(route + ROUTE_HOP_OFF) * HOP_BYTES
    for (let i: u32 = 0; i < count; i++, hop += HOP_BYTES) {
      if (load<u32>(hop + HOP_LINK_OFF) === link) return true
    }
    return false
  }

  /** Has the route a hop that is alive, or none at all? */
  static isAlive(route: usize): bool {
    return load<u32>(route + ROUTE_HOPS_OFF) === 0 || load<u32>(route + ROUTE_LIVE_OFF) !== 0
  }

  /** RTN_* of what the local table says of an IPv4 address, as inet_addr_type() sees it. */
  static localType(address: usize, link: u32): u32 {
    const saved = Route.record
    const savedType = Route.type
    let type: u32 = RTN_UNICAST
    for (let i: u32 = 0; i < Route.tableCount; i++) {
      const table = Route.tables + i * RTABLE_BYTES
      if (load<u32>(table + RTABLE_ID_OFF) !== 255 || load<u32>(table + RTABLE_FAMILY_OFF) !== 4) continue
      if (!Route.inTable(table, address, 0, 0)) break
      if (link === 0) type = Route.type
      else {
        const hop = Route.hops + load<u32>(Route.record + ROUTE_HOP_OFF) * HOP_BYTES
        const first = load<u32>(Route.record + ROUTE_HOPS_OFF) === 0 ? 0 : load<u32>(hop + HOP_LINK_OFF)
        if (first === link) type = Route.type
      }
      break
    }
    Route.record = saved
    Route.type = savedType
    return type
  }
}

/**
 * RTN_* of an address of the packet's family, as the addrtype match sees it; `linkId` 0: any interface. IPv6: what the
 * look-up of the address gives, LOCAL for an address of the interface when one is named.
 */
export function addrType(address: usize, linkId: u32): u32 {
  if (load<u32>(CTX_FAMILY_AT) === 4) {
    const word = load<u32>(address)
    if (word === 0 || word === 0xffffffff) return RTN_BROADCAST
    if (word >>> 28 === 14) return RTN_MULTICAST
    return Route.localType(address, linkId)
  }
  const type = Route.type
  const record = Route.record
  const hop = Route.hop
  const link = Route.link
  Policy.flow = FLOW_NONE
  Route.find(address, ZERO_ADDRESS_AT, 0, 0, Sysctl.get(SYSCTL_LO_LINK), false)
  let found = Route.type
  if (Route.leadsNowhere()) found = RTN_UNREACHABLE
  else if (linkId !== 0) {
    if (Links.has(linkId, address, 6)) found = RTN_LOCAL
    else if (found === RTN_LOCAL) found = RTN_UNICAST
  }
  Route.type = type
  Route.record = record
  Route.hop = hop
  Route.link = link
  return found
}
