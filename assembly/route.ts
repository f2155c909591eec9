// Routing: policy rules, tables, longest prefix, next hop, and the type of an address. What a look-up found stands in
// Route's fields until the next one.
// Kernel: net/core/fib_rules.c, net/ipv4/fib_trie.c, fib_semantics.c, fib_frontend.c (inet_addr_type), net/ipv6/route.c.
import { Address } from './address'
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
  CTX_PROTO_AT,
  HOP_BOUND_OFF,
  HOP_BYTES,
  HOP_LINK_OFF,
  HOP_LIVE_OFF,
  POLICY_ACTION_OFF,
  POLICY_BYTES,
  POLICY_FAMILY6,
  POLICY_FLAGS_OFF,
  POLICY_FROM_LENGTH_OFF,
  POLICY_FROM_OFF,
  POLICY_HAS_FROM,
  POLICY_HAS_IIF,
  POLICY_HAS_MARK,
  POLICY_HAS_OIF,
  POLICY_HAS_PROTO,
  POLICY_HAS_TO,
  POLICY_HAS_TOS,
  POLICY_IIF_OFF,
  POLICY_MARK_MASK_OFF,
  POLICY_MARK_OFF,
  POLICY_NOT,
  POLICY_PROTO_OFF,
  POLICY_SUPPRESS_OFF,
  POLICY_TABLE_OFF,
  POLICY_TO_LENGTH_OFF,
  POLICY_TO_OFF,
  POLICY_TOS_OFF,
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
import { prf } from './random'
import { Links } from './source'
import { Sysctl } from './sysctl'

/** What a policy rule may ask of a packet; most ask nothing. */
const CONDITIONS: u32 =
  POLICY_HAS_FROM |
  POLICY_HAS_TO |
  POLICY_HAS_IIF |
  POLICY_HAS_OIF |
  POLICY_HAS_MARK |
  POLICY_HAS_TOS |
  POLICY_HAS_PROTO

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

  static load(): void {
    Fib.load()
    Route.policies = Memory.section(SECTION_POLICIES)
    Route.policyCount = Memory.sectionBytes(SECTION_POLICIES) / POLICY_BYTES
    Route.tables = Memory.section(SECTION_TABLES)
    Route.tableCount = Memory.sectionBytes(SECTION_TABLES) / RTABLE_BYTES
    Route.routes = Memory.section(SECTION_ROUTES)
    Route.hops = Memory.section(SECTION_HOPS)
  }

  /**
   * Looks the packet's family up by destination, source, tos, mark and in interface. `draw`: a route of several hops
   * draws one (else the first live one is taken).
   */
  static find(to: usize, from: usize, tos: u32, mark: u32, iif: u32, draw: bool): void {
    const family = load<u32>(CTX_FAMILY_AT)
    const six: u32 = family === 6 ? POLICY_FAMILY6 : 0
    Route.nothing(RTN_UNSPEC)
    const count = Route.policyCount
    for (let i: u32 = 0; i < count; i++) {
      const rule = Route.policies + i * POLICY_BYTES
      const flags = load<u32>(rule + POLICY_FLAGS_OFF)
      if ((flags & POLICY_FAMILY6) !== six) continue
      if (flags & CONDITIONS || flags & POLICY_NOT) {
        const fits = Route.policyMatches(rule, flags, to, from, tos, mark, iif, family)
        if (fits === ((flags & POLICY_NOT) !== 0)) continue
      }
      const action = load<u32>(rule + POLICY_ACTION_OFF)
      const argument = load<u32>(rule + POLICY_TABLE_OFF)
      if (action === ACTION_TABLE) {
        if (argument === 0) continue
        if (
          Route.inTable(Route.tables + (argument - 1) * RTABLE_BYTES, to, tos, load<u32>(rule + POLICY_SUPPRESS_OFF))
        ) {
          Route.choose(draw)
          return
        }
      } else if (action === ACTION_GOTO) {
        i = argument - 1 // the loop adds one; the target is later in the list
      } else if (action === ACTION_UNREACHABLE) {
        Route.nothing(RTN_UNREACHABLE)
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

  private static policyMatches(
    rule: usize,
    flags: u32,
    to: usize,
    from: usize,
    tos: u32,
    mark: u32,
    iif: u32,
    family: u32,
  ): bool {
    if (flags & POLICY_HAS_OIF) return false
    if (flags & POLICY_HAS_IIF && load<u32>(rule + POLICY_IIF_OFF) !== iif) return false
    if (flags & POLICY_HAS_MARK) {
      if ((mark ^ load<u32>(rule + POLICY_MARK_OFF)) & load<u32>(rule + POLICY_MARK_MASK_OFF)) return false
    }
    if (flags & POLICY_HAS_TOS) {
      if (load<u32>(rule + POLICY_TOS_OFF) !== (tos & (family === 4 ? 0x1c : 0xfc))) return false
    }
    if (flags & POLICY_HAS_PROTO && load<u32>(rule + POLICY_PROTO_OFF) !== load<u32>(CTX_PROTO_AT)) return false
    if (flags & POLICY_HAS_FROM) {
      if (!Address.samePrefix(rule + POLICY_FROM_OFF, from, load<u32>(rule + POLICY_FROM_LENGTH_OFF))) return false
    }
    if (flags & POLICY_HAS_TO) {
      if (!Address.samePrefix(rule + POLICY_TO_OFF, to, load<u32>(rule + POLICY_TO_LENGTH_OFF))) return false
    }
    return true
  }

  /** The best route of one table; `suppress` = prefix length + 1 up to which a result counts as nothing. */
  private static inTable(table: usize, to: usize, tos: u32, suppress: u32): bool {
    const four = load<u32>(table + RTABLE_FAMILY_OFF) === 4
    let prefix = Fib.longest(table, to)
    while (prefix !== 0) {
      const count = load<u32>(prefix + PREFIX_COUNT_OFF)
      let route = Route.routes + load<u32>(prefix + PREFIX_FIRST_OFF) * ROUTE_BYTES
      for (let i: u32 = 0; i < count; i++, route += ROUTE_BYTES) {
        const wanted = load<u32>(route + ROUTE_TOS_OFF)
        if (four && wanted !== 0 && wanted !== (tos & 0x1c)) continue
        const type = load<u32>(route + ROUTE_TYPE_OFF)
        if (type === RTN_THROW) return false
        if (load<u32>(prefix + PREFIX_LENGTH_OFF) < suppress) return false
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
    if (count > 1 && draw) {
      const n = load<u32>(CTX_HOP_ATTEMPT_AT)
      store<u32>(CTX_HOP_ATTEMPT_AT, n + 1)
      drawn = <u32>(prf(3, n) >> 33)
    }
    let hop = Route.hops + load<u32>(route + ROUTE_HOP_OFF) * HOP_BYTES
    for (let i: u32 = 0; i < count; i++, hop += HOP_BYTES) {
      if (load<u32>(hop + HOP_LIVE_OFF) === 0) continue
      if (count > 1 && drawn > load<u32>(hop + HOP_BOUND_OFF)) continue
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
    if (word >>> 24 === 0 || word === 0xffffffff) return RTN_BROADCAST
    if (word >>> 28 === 14) return RTN_MULTICAST
    return Route.localType(address, linkId)
  }
  const type = Route.type
  const record = Route.record
  const hop = Route.hop
  const link = Route.link
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
