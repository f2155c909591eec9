// Matches on what a header record keeps beside the usual: SPIs, TCP options, groups of interfaces, sockets, IPv6 extension
// headers. Kernel: net/netfilter/xt_esp.c, xt_tcpudp.c (tcp_find_option), xt_tcpmss.c, xt_devgroup.c, xt_socket.c,
// net/ipv6/netfilter/ip6t_ipv6header.c.
import { Asked } from './asked'
import { Facts } from './facts'
import {
  CTX_FAMILY_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_INNER_AT,
  CTX_OUT_LINK_AT,
  CTX_PROTO_AT,
  CTX_SEQ_AT,
  DEVGROUP_HAS_DST,
  DEVGROUP_HAS_SRC,
  DEVGROUP_NOT_DST,
  DEVGROUP_NOT_SRC,
  EXTENSIONS_LIST,
  EXTENSIONS_SOFT,
  FIELD_EXTENSIONS,
  FIELD_SOCKET,
  FIELD_SPI,
  FIELD_TCP_OPTIONS,
  HDR_PROTO_OFF,
  MATCH_NOT,
  MORE_EXTRA,
  MORE_OPTIONS,
  MORE_SOCKET,
  MORE_SOCKET_FOUND,
  MORE_SOCKET_TRANSPARENT,
  MORE_SOCKET_WILDCARD,
  MORE_SPI,
  SOCKET_NOWILDCARD,
  SOCKET_TRANSPARENT,
} from './layout'
import { Packet } from './packet'
import { Links } from './source'

const TCP: u32 = 6
const UDP: u32 = 17
const ESP: u32 = 50
const NO_NEXT: u32 = 59

export class MoreMatch {
  static spi(from: u32, to: u32, inverted: bool): bool {
    if ((Facts.more() & MORE_SPI) === 0) return Asked.need(FIELD_SPI)
    const spi = load<u32>(CTX_SEQ_AT)
    return (spi >= from && spi <= to) !== inverted
  }

  /** Address of the packet's TCP options, the first byte their number; 0: it has none; 1: nobody knows. */
  private static options(): usize {
    const options = Facts.options()
    return options === 0 && (Facts.more() & (MORE_EXTRA | MORE_OPTIONS)) === MORE_EXTRA ? 1 : options
  }

  /** Place of an option in the list; 0: it is not there. */
  private static find(options: usize, kind: u32, size: u32): usize {
    const end = options + 1 + <usize>load<u8>(options)
    for (let at = options + 1; at < end; ) {
      const found: u32 = load<u8>(at)
      const length: u32 = at + 1 < end ? load<u8>(at, 1) : 0
      if (found === kind && (size === 0 || (length === size && at + size <= end))) return at
      at += found < 2 || length === 0 ? 1 : length
    }
    return 0
  }

  static tcpOption(kind: u32, inverted: bool): bool {
    const options = MoreMatch.options()
    if (options === 1) return Asked.need(FIELD_TCP_OPTIONS)
    return (options !== 0 && MoreMatch.find(options, kind, 0) !== 0) !== inverted
  }

  static tcpmss(span: u32, inverted: bool): bool {
    const options = MoreMatch.options()
    if (options === 1) return Asked.need(FIELD_TCP_OPTIONS)
    const at: usize = options === 0 ? 0 : MoreMatch.find(options, 2, 4)
    if (at === 0) return inverted
    const mss: u32 = ((load<u8>(at, 2) as u32) << 8) | load<u8>(at, 3)
    return (mss >= (span & 0xffff) && mss <= span >>> 16) !== inverted
  }

  private static inGroup(link: u32, at: usize): bool {
    return ((Links.group(link) ^ load<u32>(at)) & load<u32>(at, 4)) === 0
  }

  static devgroup(at: usize, flags: u32): bool {
    if ((flags & DEVGROUP_HAS_SRC) !== 0) {
      if (MoreMatch.inGroup(load<u32>(CTX_IN_LINK_AT), at + 4) === ((flags & DEVGROUP_NOT_SRC) !== 0)) return false
    }
    if ((flags & DEVGROUP_HAS_DST) === 0) return true
    return MoreMatch.inGroup(load<u32>(CTX_OUT_LINK_AT), at + 12) !== ((flags & DEVGROUP_NOT_DST) !== 0)
  }

  /** Is it one of the packets for which sockets are looked up: TCP, UDP, and ICMP errors about them? */
  static meetsSockets(): bool {
    const proto = load<u32>(CTX_PROTO_AT)
    if (proto === TCP || proto === UDP) return true
    const six = load<u32>(CTX_FAMILY_AT) === 6
    if (proto !== <u32>(six ? 58 : 1) || !Packet.quotes()) return false
    const type = load<u32>(CTX_ICMP_TYPE_AT)
    const error = six ? type < 128 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12
    const inner: u32 = load<u8>(CTX_INNER_AT + HDR_PROTO_OFF)
    return error && (inner === TCP || inner === UDP)
  }

  static socket(flags: u32): bool {
    if (!MoreMatch.meetsSockets()) return false
    const more = Facts.more()
    if ((more & MORE_SOCKET) === 0) return Asked.need(FIELD_SOCKET)
    if ((more & MORE_SOCKET_FOUND) === 0) return false
    if ((flags & SOCKET_NOWILDCARD) === 0 && (more & MORE_SOCKET_WILDCARD) !== 0) return false
    return (flags & SOCKET_TRANSPARENT) === 0 || (more & MORE_SOCKET_TRANSPARENT) !== 0
  }

  /** May the packet have extension headers that its record does not tell? */
  private static mayExtend(proto: u32): bool {
    if ((Facts.more() & MORE_EXTRA) !== 0) return true
    return proto === 0 || proto === 43 || proto === 44 || proto === 51 || proto === 60 || proto === 135
  }

  static extensions(what: u32, bits: u32, flags: u32): bool {
    const proto = load<u32>(CTX_PROTO_AT)
    if (MoreMatch.mayExtend(proto)) return Asked.need(FIELD_EXTENSIONS)
    if (what !== EXTENSIONS_LIST) return false
    const has: u32 = proto === ESP ? 4 : proto === NO_NEXT ? 2 : 1
    const inverted = (flags & MATCH_NOT) !== 0
    if ((flags & EXTENSIONS_SOFT) === 0) return (has === bits) !== inverted
    return ((has ^ bits ^ (inverted ? 0xff : 0)) & bits) === 0
  }
}
