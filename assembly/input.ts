// The input route of a packet that came by an interface: what needs no look-up, martians, source validation.
// Kernel: net/ipv4/route.c (ip_route_input_slow), net/ipv4/fib_frontend.c (fib_validate_source), net/ipv6/ip6_input.c.
import { Address } from './address'
import { Fib } from './fib'
import {
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_IN_LINK_AT,
  CTX_MARK_AT,
  CTX_SRC_AT,
  CTX_TOS_AT,
  LINK_ACCEPT_LOCAL,
  LINK_FORWARDS4,
  LINK_FORWARDS6,
  LINK_LOOPBACK,
  LINK_ROUTE_LOCALNET,
  LINK_SEND_REDIRECTS,
  LINK_SRC_VALID_MARK,
  REASON_BLACKHOLE,
  REASON_FORWARDING_OFF,
  REASON_MARTIAN_DESTINATION,
  REASON_MARTIAN_SOURCE,
  REASON_MULTICAST,
  REASON_NO_ROUTE,
  REASON_PROHIBIT,
  REASON_RP_FILTER,
  REASON_UNREACHABLE,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
  SYSCTL_FULL_SOURCE_CHECK,
  SYSCTL_LO_LINK,
  TRACE_ROUTE_INPUT,
} from './layout'
import { Multicast } from './multicast'
import { FLOW_BACK, FLOW_IN, Policy } from './policy'
import { Route } from './route'
import { Links } from './source'
import { Steps } from './steps'
import { Sysctl } from './sysctl'

export const INPUT_FORWARD: u32 = 0
export const INPUT_LOCAL: u32 = 1
export const INPUT_DROP: u32 = 2
/** No way on, and the sender is told. */
export const INPUT_ERROR: u32 = 3

export class Input {
  /** Why the packet is dropped, REASON_*. */
  static reason: u32 = 0

  /** INPUT_* of the packet in the context; Route holds the route. */
  static route(): u32 {
    return load<u32>(CTX_FAMILY_AT) === 4 ? Input.four() : Input.six()
  }

  /** REASON_* of an IPv6 packet that is dropped before any hook; 0 = none. `looped`: the host's own copy of what it sent. */
  static early6(looped: bool): u32 {
    if (Address.isMulticast(CTX_SRC_AT, 6)) return REASON_MARTIAN_SOURCE
    const scope: u32 = Address.isMulticast(CTX_DST_AT, 6) ? Multicast.scope(CTX_DST_AT) : 15
    if (scope === 0) return REASON_MARTIAN_DESTINATION
    if (load<u32>(CTX_IN_LINK_AT) === Sysctl.get(SYSCTL_LO_LINK)) return 0
    if (scope === 1 && !looped) return REASON_MARTIAN_DESTINATION
    if (Address.isLoopback6(CTX_SRC_AT)) return REASON_MARTIAN_SOURCE
    return Address.isLoopback6(CTX_DST_AT) ? REASON_MARTIAN_DESTINATION : 0
  }

  private static drop(reason: u32): u32 {
    Input.reason = reason
    return INPUT_DROP
  }

  private static error(reason: u32): u32 {
    Input.reason = reason
    return INPUT_ERROR
  }

  private static four(): u32 {
    const link = load<u32>(CTX_IN_LINK_AT)
    const flags = Links.flags(link)
    const src = load<u32>(CTX_SRC_AT)
    const dst = load<u32>(CTX_DST_AT)
    if (dst >>> 28 === 14) {
      if (dst !== 0xe0000001) return Input.drop(REASON_MULTICAST)
      if (src >>> 28 === 14 || src === 0xffffffff) return Input.drop(REASON_MARTIAN_SOURCE)
      if (src >>> 24 === 127 && !(flags & LINK_ROUTE_LOCALNET)) return Input.drop(REASON_MARTIAN_SOURCE)
      return Input.withoutLookUp(RTN_MULTICAST, link)
    }
    if (src >>> 28 === 14 || src === 0xffffffff) return Input.drop(REASON_MARTIAN_SOURCE)
    if (dst === 0xffffffff || (src === 0 && dst === 0)) {
      return Input.withoutLookUp(RTN_BROADCAST, link)
    }
    if (src === 0) return Input.drop(REASON_MARTIAN_SOURCE)
    if (dst === 0) return Input.drop(REASON_MARTIAN_DESTINATION)
    if (!(flags & LINK_ROUTE_LOCALNET)) {
      if (dst >>> 24 === 127) return Input.drop(REASON_MARTIAN_DESTINATION)
      if (src >>> 24 === 127) return Input.drop(REASON_MARTIAN_SOURCE)
    }
    Policy.flow = FLOW_IN
    Route.find(CTX_DST_AT, CTX_SRC_AT, load<u32>(CTX_TOS_AT), load<u32>(CTX_MARK_AT), link, true)
    Steps.route(TRACE_ROUTE_INPUT)
    const type = Route.type
    if (type !== RTN_LOCAL && type !== RTN_BROADCAST) {
      if (!(flags & LINK_FORWARDS4)) return Input.drop(REASON_FORWARDING_OFF)
      const fault = Input.fault(type)
      if (fault !== 0) return fault
      if (type !== RTN_UNICAST) return Input.drop(REASON_MARTIAN_DESTINATION)
    }
    const record = Route.record
    const hop = Route.hop
    const out = Route.link
    const reason = Input.validate(CTX_DST_AT, type === RTN_UNICAST ? out : 0)
    if (reason !== 0) return Input.drop(reason)
    Route.type = type
    Route.record = record
    Route.hop = hop
    Route.link = out
    return type === RTN_UNICAST ? INPUT_FORWARD : INPUT_LOCAL
  }

  private static six(): u32 {
    const link = load<u32>(CTX_IN_LINK_AT)
    if (Address.isMulticast(CTX_DST_AT, 6)) {
      if (!Multicast.joined(link, CTX_DST_AT)) return Input.drop(REASON_MULTICAST)
      Steps.plainRoute(TRACE_ROUTE_INPUT, RTN_MULTICAST, link)
      Route.nothing(RTN_MULTICAST)
      return INPUT_LOCAL
    }
    Policy.flow = FLOW_IN
    // Such addresses are by the link that the packet came by, or nowhere (rt6_need_strict).
    if (Address.isLinkLocal(CTX_DST_AT) || Address.isLoopback6(CTX_DST_AT)) Route.bound = link
    Route.find(CTX_DST_AT, CTX_SRC_AT, load<u32>(CTX_TOS_AT), load<u32>(CTX_MARK_AT), link, true)
    Route.bound = 0
    // A route by lo to what is no address of the host refuses.
    if (Route.type === RTN_UNICAST && Links.flags(Route.link) & LINK_LOOPBACK) Route.nothing(RTN_UNSPEC)
    Steps.route(TRACE_ROUTE_INPUT)
    const type = Route.type
    const fault = Input.fault(type)
    if (fault !== 0) return fault
    if (type === RTN_LOCAL || type === RTN_ANYCAST) return INPUT_LOCAL
    return Links.flags(link) & LINK_FORWARDS6 ? INPUT_FORWARD : Input.drop(REASON_FORWARDING_OFF)
  }

  /** What leads nowhere; 0 when the type is none of it. */
  private static fault(type: u32): u32 {
    if (type === RTN_UNSPEC) return Input.error(REASON_NO_ROUTE)
    if (type === RTN_UNREACHABLE) return Input.error(REASON_UNREACHABLE)
    if (type === RTN_PROHIBIT) return Input.error(REASON_PROHIBIT)
    return type === RTN_BLACKHOLE ? Input.drop(REASON_BLACKHOLE) : 0
  }

  /** IPv4 for this host by a destination that needs no look-up; its source is validated unless it is 0.0.0.0. */
  private static withoutLookUp(type: u32, link: u32): u32 {
    Steps.plainRoute(TRACE_ROUTE_INPUT, type, link)
    if (load<u32>(CTX_SRC_AT) !== 0) {
      const reason = Input.validate(CTX_DST_AT, 0)
      if (reason !== 0) return Input.drop(reason)
    }
    Route.nothing(type)
    return INPUT_LOCAL
  }

  /** Source validation; REASON_* or 0. `to`: the destination the look-up is made from; `out`: link it will leave by. */
  private static validate(to: usize, out: u32): u32 {
    const link = load<u32>(CTX_IN_LINK_AT)
    const flags = Links.flags(link)
    const mode = Links.rpFilter(link)
    if (mode === 0 && (link !== out || !(flags & LINK_SEND_REDIRECTS))) {
      if (flags & LINK_ACCEPT_LOCAL) return 0
      if (Sysctl.get(SYSCTL_FULL_SOURCE_CHECK) === 0) return Fib.isOwn(CTX_SRC_AT, 4) ? REASON_MARTIAN_SOURCE : 0
    }
    const mark = flags & LINK_SRC_VALID_MARK ? load<u32>(CTX_MARK_AT) : 0
    const iif = out !== 0 ? out : Sysctl.get(SYSCTL_LO_LINK)
    Policy.flow = FLOW_BACK
    Route.find(CTX_SRC_AT, to, load<u32>(CTX_TOS_AT), mark, iif, false)
    const nothing: u32 = mode !== 0 ? REASON_RP_FILTER : 0
    const type = Route.type
    if (Route.leadsNowhere()) return nothing
    if (type !== RTN_UNICAST && (type !== RTN_LOCAL || !(flags & LINK_ACCEPT_LOCAL))) return REASON_MARTIAN_SOURCE
    if (Route.usesLink(Route.record, link)) return 0
    if (type === RTN_LOCAL && link === Sysctl.get(SYSCTL_LO_LINK)) return 0
    if (!Links.hasAddress4(link)) return nothing
    return mode === 1 ? REASON_RP_FILTER : 0
  }
}
