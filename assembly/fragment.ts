// What a fragment that is not its packet's first means to rules: it has no layer-4 header, so that what looks at one does
// not match, inverted or not; and fragments that wait for the rest of their packet.
// Kernel: net/netfilter/xt_tcpudp.c, xt_multiport.c, xt_sctp.c, net/ipv4/ip_fragment.c, nf_defrag_ipv4.c, nf_defrag_ipv6.c.
import { Asked } from './asked'
import {
  CTX_FRAG_AT,
  CTX_PROTO_AT,
  FRAG_OFFSET,
  MATCH_ICMP,
  MATCH_LAYER4,
  MATCH_MULTIPORT,
  MATCH_PORTS,
  MATCH_SCTP_CHUNKS,
  MATCH_SPI,
  MATCH_TCP_FLAGS,
  MATCH_TCP_OPTION,
  MATCH_TCPMSS,
  RULE_LAYER4,
  RULE_NATIVE,
  RULE_TINY,
} from './layout'
import { evalMatch } from './match'

export class Fragment {
  /** Is the packet in the context a later fragment? */
  static later(): bool {
    return (load<u32>(CTX_FRAG_AT) & FRAG_OFFSET) !== 0
  }

  /** A TCP header that is cut off after 8 bytes is no accident: the match drops the packet. */
  private static miss(flags: u32): bool {
    if (flags & RULE_TINY && load<u32>(CTX_PROTO_AT) === 6 && (load<u32>(CTX_FRAG_AT) & FRAG_OFFSET) === 1) {
      return Asked.hotdrop()
    }
    return false
  }

  /** Do a rule's matches hold for a later fragment? `flags`: the rule's; its record fits but for the ports. */
  static matches(flags: u32, first: usize, count: u32): bool {
    if (flags & RULE_LAYER4) return Fragment.miss(flags)
    let at = first
    for (let left = count; left > 0; left--) {
      const head = load<u32>(at)
      const kind = head & 255
      if (kind === MATCH_MULTIPORT || kind === MATCH_ICMP || kind === MATCH_SPI || kind === MATCH_TCPMSS) return false
      if (kind === MATCH_SCTP_CHUNKS || kind === MATCH_LAYER4 || kind === MATCH_TCP_OPTION) return Fragment.miss(flags)
      if (!(flags & RULE_NATIVE) && (kind === MATCH_PORTS || kind === MATCH_TCP_FLAGS)) return Fragment.miss(flags)
      if (!evalMatch(at, head)) return false
      at += ((head >> 8) & 255) << 2
    }
    return true
  }
}
