// Matches on what a packet's facts say: the sender's cgroup, its system, its Ethernet address, types of DCCP and of mobility
// headers. Kernel: net/netfilter/xt_cgroup.c, xt_osf.c, xt_dccp.c, net/ipv6/netfilter/ip6t_eui64.c, ip6t_mh.c.
import { Asked } from './asked'
import { Bytes } from './bytes'
import { Facts } from './facts'
import {
  CTX_ETHER_AT,
  CTX_HOOK_AT,
  CTX_MAC_SRC_AT,
  CTX_PROTO_AT,
  CTX_SOCKET_AT,
  CTX_SRC_AT,
  CTX_TCP_FLAGS_AT,
  ETHER_PRESENT,
  ETHER_SRC_KNOWN,
  FACTS_CGROUP_OFF,
  FACTS_DCCP_OPTIONS_OFF,
  FACTS_DCCP_TYPE_OFF,
  FACTS_HAS_CGROUP,
  FACTS_HAS_DCCP_OPTIONS,
  FACTS_HAS_DCCP_TYPE,
  FACTS_HAS_OS,
  FACTS_HAS_PATH,
  FACTS_OS_OFF,
  FACTS_PATH_OFF,
  FIELD_CGROUP,
  FIELD_CGROUP_PATH,
  FIELD_DCCP_OPTIONS,
  FIELD_DCCP_TYPE,
  FIELD_MAC,
  FIELD_OS,
  HOOK_INPUT,
  MORE_SOCKET,
  MORE_SOCKET_FOUND,
  OSF_ANY,
  SOCKET_KERNEL,
  SOCKET_NONE,
} from './layout'

const SYN: u32 = 2
const UNKNOWN: u32 = 7 // bytes of `unknown`

export class FactsMatch {
  /** Are the bytes of the match at `at` (their number, then they) the first ones of those? */
  private static begins(text: usize, bytes: u32, at: usize): bool {
    const wanted = load<u32>(at)
    return wanted <= bytes && memory.compare(text, at + 4, wanted as usize) === 0
  }

  static osf(at: usize, flags: u32): bool {
    if ((load<u32>(CTX_TCP_FLAGS_AT) & SYN) === 0) return false
    const bytes = Facts.bytes(FACTS_HAS_OS, FACTS_OS_OFF)
    if (bytes < 0) return Asked.need(FIELD_OS)
    const text = Facts.text(FACTS_OS_OFF)
    if ((flags & OSF_ANY) !== 0) {
      // Any system that is known: not the word `unknown`.
      return !(<u32>bytes === UNKNOWN && load<u32>(text) === 0x6e6b6e75 && load<u32>(text, 3) === 0x6e776f6e)
    }
    return <u32>bytes === load<u32>(at, 4) && FactsMatch.begins(text, bytes as u32, at + 4)
  }

  /**
   * Has the packet a socket whose cgroup counts? 1: its sender's; 2: one of the kernel; 0: none; -1: one that may have been
   * found early when it came in.
   */
  private static socket(): i32 {
    const sends = load<u32>(CTX_SOCKET_AT)
    if (sends !== SOCKET_NONE) return sends === SOCKET_KERNEL ? 2 : 1
    const proto = load<u32>(CTX_PROTO_AT)
    if (load<u32>(CTX_HOOK_AT) !== <u32>HOOK_INPUT || (proto !== 6 && proto !== 17)) return 0
    return (Facts.more() & (MORE_SOCKET | MORE_SOCKET_FOUND)) === MORE_SOCKET ? 0 : -1
  }

  static cgroup(id: u32, inverted: bool): bool {
    const socket = FactsMatch.socket()
    if (socket === 0) return false
    if (socket === 2) return (id === 0) !== inverted
    if (!Facts.has(FACTS_HAS_CGROUP)) return Asked.need(FIELD_CGROUP)
    return (load<u32>(Facts.at(), FACTS_CGROUP_OFF) === id) !== inverted
  }

  static cgroupPath(at: usize, inverted: bool): bool {
    const socket = FactsMatch.socket()
    if (socket === 0) return false
    const wanted = load<u32>(at, 4)
    if (socket === 2) return (wanted === 0) !== inverted
    const bytes = Facts.bytes(FACTS_HAS_PATH, FACTS_PATH_OFF)
    if (bytes < 0) return Asked.need(FIELD_CGROUP_PATH)
    const path = Facts.text(FACTS_PATH_OFF)
    const inside =
      FactsMatch.begins(path, bytes as u32, at + 4) &&
      (<u32>bytes === wanted || load<u8>(path + (wanted as usize)) === <u8>47)
    return inside !== inverted
  }

  /** Is the source's second half made of the sender's Ethernet address? */
  static eui64(): bool {
    const ether = load<u32>(CTX_ETHER_AT)
    if (!(ether & ETHER_PRESENT)) return false
    if (!(ether & ETHER_SRC_KNOWN)) return Asked.need(FIELD_MAC)
    const mac = load<u64>(CTX_MAC_SRC_AT)
    const high = <u32>((mac >> 16) & 0xffffff00) ^ 0x02000000
    const low = <u32>(mac & 0xffffff)
    return load<u32>(CTX_SRC_AT, 8) === (high | 0xff) && load<u32>(CTX_SRC_AT, 12) === (0xfe000000 | low)
  }

  static dccpTypes(mask: u32, inverted: bool): bool {
    if (!Facts.has(FACTS_HAS_DCCP_TYPE)) return Asked.need(FIELD_DCCP_TYPE)
    return (((mask >>> load<u32>(Facts.at(), FACTS_DCCP_TYPE_OFF)) & 1) !== 0) !== inverted
  }

  static dccpOption(kind: u32, inverted: bool): bool {
    const bytes = Facts.bytes(FACTS_HAS_DCCP_OPTIONS, FACTS_DCCP_OPTIONS_OFF)
    if (bytes < 0) return Asked.need(FIELD_DCCP_OPTIONS)
    const options = Facts.text(FACTS_DCCP_OPTIONS_OFF)
    for (let i: u32 = 0; i < <u32>bytes; ) {
      const found: u32 = load<u8>(options + (i as usize))
      if (found === kind) return !inverted
      const length: u32 = i + 1 < <u32>bytes ? load<u8>(options + (i as usize), 1) : 0
      i += found < 2 || length === 0 ? 1 : length
    }
    return inverted
  }

  /** `span`: type from | to << 8. The header that follows a mobility header must be none. */
  static mh(span: u32, inverted: bool): bool {
    const next = Bytes.at(40)
    if (Bytes.unknown !== 0) return Asked.need(Bytes.field)
    if (next !== 59) return Asked.hotdrop()
    const type = Bytes.at(42)
    if (Bytes.unknown !== 0) return Asked.need(Bytes.field)
    return (type >= (span & 255) && type <= span >>> 8) !== inverted
  }
}
