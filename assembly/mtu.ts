// How long a packet may be that leaves by a hop: what is too long and may not be cut is answered.
// Kernel: net/ipv4/ip_forward.c (ip_exceeds_mtu), net/ipv6/ip6_output.c (ip6_pkt_too_big, ip6_finish_output).
import {
  CTX_FAMILY_AT,
  CTX_LENGTH_AT,
  CTX_RECORD_AT,
  HOP_LEAVES_OFF,
  HOP_MTU_OFF,
  RECORD_CUTTABLE,
  RECORD_FLAGS_OFF,
  RECORD_LONGEST_OFF,
} from './layout'
import { Way } from './way'

export class Mtu {
  /** Bytes of the packet in the context, or of the longest piece that it was put together of. */
  private static length(): u32 {
    const longest: u32 = load<u16>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_LONGEST_OFF)
    return longest !== 0 ? longest : load<u32>(CTX_LENGTH_AT)
  }

  /** May the packet be forwarded by the hop that Way follows? */
  static mayForward(): bool {
    const hop = Way.hop
    if (hop === 0 || Mtu.length() <= <u32>load<u16>(hop + HOP_MTU_OFF)) return true
    if (load<u32>(CTX_FAMILY_AT) === 6) return false
    return (load<u16>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_FLAGS_OFF) & RECORD_CUTTABLE) !== 0
  }

  /** After POSTROUTING, IPv6: does it fit the route as well? */
  static mayLeave(): bool {
    const hop = Way.hop
    return hop === 0 || load<u32>(CTX_FAMILY_AT) === 4 || Mtu.length() <= <u32>load<u16>(hop + HOP_LEAVES_OFF)
  }
}
