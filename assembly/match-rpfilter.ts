// The `rpfilter` match: would the way back to the source leave by the interface that the packet came in by?
// Kernel: net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c.
import { Address } from './address'
import {
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_IN_LINK_AT,
  CTX_MARK_AT,
  CTX_SRC_AT,
  CTX_TOS_AT,
  LINK_LOOPBACK,
  RPFILTER_LOCAL,
  RPFILTER_LOOSE,
  RPFILTER_MARK,
  RTN_ANYCAST,
  RTN_LOCAL,
  RTN_UNICAST,
  SYSCTL_LO_LINK,
  ZERO_ADDRESS_AT,
} from './layout'
import { FLOW_BACK, Policy } from './policy'
import { Route } from './route'
import { Links } from './source'
import { Sysctl } from './sysctl'
import { Way } from './way'

export class ReversePath {
  static match(flags: u32): bool {
    const link = load<u32>(CTX_IN_LINK_AT)
    // What this host sent to itself.
    if (Way.local || (Links.flags(link) & LINK_LOOPBACK) !== 0) return true
    const mark = (flags & RPFILTER_MARK) !== 0 ? load<u32>(CTX_MARK_AT) : 0
    return load<u32>(CTX_FAMILY_AT) === 4 ? ReversePath.four(link, flags, mark) : ReversePath.six(link, flags, mark)
  }

  private static four(link: u32, flags: u32, mark: u32): bool {
    const dst = load<u32>(CTX_DST_AT)
    if (load<u32>(CTX_SRC_AT) >>> 24 === 0 && (dst === 0xffffffff || dst >>> 8 === 0xe00000)) return true
    const plain = dst >>> 28 !== 14 && dst !== 0xffffffff && dst >>> 24 !== 0
    Policy.flow = FLOW_BACK
    Route.find(
      CTX_SRC_AT,
      plain ? <usize>CTX_DST_AT : <usize>ZERO_ADDRESS_AT,
      load<u32>(CTX_TOS_AT),
      mark,
      Sysctl.get(SYSCTL_LO_LINK),
      false,
    )
    if (Route.leadsNowhere()) return false
    if (Route.type !== RTN_UNICAST && (Route.type !== RTN_LOCAL || (flags & RPFILTER_LOCAL) === 0)) return false
    return (flags & RPFILTER_LOOSE) !== 0 || Route.usesLink(Route.record, link)
  }

  private static six(link: u32, flags: u32, mark: u32): bool {
    if (Address.isZero(CTX_SRC_AT)) return true
    const plain = !Address.isMulticast(CTX_DST_AT, 6)
    Policy.flow = FLOW_BACK
    Route.find(
      CTX_SRC_AT,
      plain ? <usize>CTX_DST_AT : <usize>ZERO_ADDRESS_AT,
      0,
      mark,
      Sysctl.get(SYSCTL_LO_LINK),
      false,
    )
    if (Route.leadsNowhere() || Route.type === RTN_ANYCAST) return false
    if (Route.type === RTN_LOCAL) return (flags & RPFILTER_LOCAL) !== 0
    return (flags & RPFILTER_LOOSE) !== 0 || Route.usesLink(Route.record, link)
  }
}
