// The way out of what this host sends: the look-up before OUTPUT and after it, and whether the packet may take what was found.
// Kernel: net/ipv4/route.c (ip_route_output_key_hash_rcu), netfilter.c (ip_route_me_harder), net/ipv6/route.c, netfilter.c.
import { Address } from './address'
import {
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_MARK_AT,
  CTX_SRC_AT,
  CTX_TOS_AT,
  ERRNO_EACCES,
  ERRNO_EHOSTUNREACH,
  ERRNO_EINVAL,
  ERRNO_ENETUNREACH,
  LINK_LOOPBACK,
  LINK_ROUTE_LOCALNET,
  LOOPBACK6_AT,
  REASON_BLACKHOLE,
  REASON_MARTIAN_SOURCE,
  REASON_NO_ROUTE,
  REASON_PROHIBIT,
  REASON_UNREACHABLE,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
  SYSCTL_LO_LINK,
  TRACE_ROUTE_REROUTE,
} from './layout'
import { FLOW_AGAIN, FLOW_OUT, Policy } from './policy'
import { Route } from './route'
import { Links } from './source'
import { Steps } from './steps'
import { Sysctl } from './sysctl'
import { Way } from './way'

export class OutRoute {
  /** Looks up the way out; Route holds it. */
  static findOutRoute(why: u32): void {
    const four = load<u32>(CTX_FAMILY_AT) === 4
    const to = load<u32>(CTX_DST_AT)
    const multicast = four && to >>> 28 === 14
    const toAll = multicast || (four && to === 0xffffffff)
    const type: u32 = multicast ? RTN_MULTICAST : RTN_BROADCAST
    if (four && to === 0) {
      // To nobody means to this host.
      Route.nothing(RTN_LOCAL)
      Steps.plainRoute(why, RTN_LOCAL, Sysctl.get(SYSCTL_LO_LINK))
      return
    }
    if (toAll && load<u32>(CTX_SRC_AT) !== 0) {
      // The interface that has the source address; another's address has none.
      const link = Links.owner(CTX_SRC_AT, 4)
      Route.nothing(link === 0 ? <u32>RTN_UNSPEC : type)
      Route.link = link
      if (link === 0) Steps.route(why)
      else Steps.plainRoute(why, type, link)
      return
    }
    const again = why === TRACE_ROUTE_REROUTE
    Policy.flow = again ? FLOW_AGAIN : FLOW_OUT
    if (!four) {
      const narrow = Address.isLinkLocal(CTX_DST_AT) || Address.isMulticast(CTX_DST_AT, 6)
      Route.bound = again ? (narrow ? Way.link : 0) : Way.bound
    }
    const dst: usize = !four && !again && Address.isZero(CTX_DST_AT) ? LOOPBACK6_AT : CTX_DST_AT
    Route.find(dst, CTX_SRC_AT, load<u32>(CTX_TOS_AT), load<u32>(CTX_MARK_AT), Sysctl.get(SYSCTL_LO_LINK), true)
    Route.bound = 0
    if (toAll && !Route.leadsNowhere()) Route.type = type
    Steps.route(why)
  }

  /** Is the route to this host itself? IPv6 anycast addresses are its own as well. */
  static forHost(type: u32): bool {
    return type === RTN_LOCAL || (type === RTN_ANYCAST && load<u32>(CTX_FAMILY_AT) === 6)
  }

  /** The packet follows the route just found. */
  static takeRoute(): void {
    Way.type = Route.type
    Way.hop = Route.hop
    Way.link = OutRoute.forHost(Route.type) ? Sysctl.get(SYSCTL_LO_LINK) : Route.link
  }

  /** May the packet take the route just found? */
  static mayLeave(): bool {
    const type = Route.type
    if (type === RTN_UNSPEC) return OutRoute.refuse(REASON_NO_ROUTE, ERRNO_ENETUNREACH)
    if (type === RTN_UNREACHABLE) return OutRoute.refuse(REASON_UNREACHABLE, ERRNO_EHOSTUNREACH)
    if (type === RTN_PROHIBIT) return OutRoute.refuse(REASON_PROHIBIT, ERRNO_EACCES)
    if (type === RTN_BLACKHOLE) return OutRoute.refuse(REASON_BLACKHOLE, ERRNO_EINVAL)
    if (load<u32>(CTX_FAMILY_AT) === 4 && Address.isLoopback4(CTX_SRC_AT) && type !== RTN_LOCAL) {
      if (!(Links.flags(Route.link) & (LINK_LOOPBACK | LINK_ROUTE_LOCALNET))) {
        return OutRoute.refuse(REASON_MARTIAN_SOURCE, ERRNO_EINVAL)
      }
    }
    return true
  }

  static refuse(reason: u32, errno: u32): bool {
    Way.errno = errno
    Way.reason = reason
    return false
  }
}
