// What a rule asks in its record: addresses, protocol, ports, interfaces. Kernel: net/ipv4/netfilter/ip_tables.c
// (ip_packet_match), net/ipv6/netfilter/ip6_tables.c (ip6_packet_match).
import {
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_IN_LINK_AT,
  CTX_OUT_LINK_AT,
  CTX_PROTO_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  RULE_DPORTS_OFF,
  RULE_HAS_DPORTS,
  RULE_HAS_DST,
  RULE_HAS_IN,
  RULE_HAS_OUT,
  RULE_HAS_PROTO,
  RULE_HAS_SPORTS,
  RULE_HAS_SRC,
  RULE_IN_OFF,
  RULE_IN_PATTERN,
  RULE_NEVER,
  RULE_NOT_DPORTS,
  RULE_NOT_DST,
  RULE_NOT_IN,
  RULE_NOT_OUT,
  RULE_NOT_PROTO,
  RULE_NOT_SPORTS,
  RULE_NOT_SRC,
  RULE_OUT_OFF,
  RULE_OUT_PATTERN,
  RULE_PROTO_OFF,
  RULE_SPORTS_OFF,
  RULE4_DST_OFF,
  RULE4_SRC_OFF,
  RULE6_DST_OFF,
  RULE6_SRC_OFF,
} from './layout'
import { Rules } from './rules'

/** Is it in the span: from | to << 16? */
export function inRange(value: u32, span: u32): bool {
  return value >= (span & 0xffff) && value <= span >> 16
}

/** Is the link the one with this id, or in this pattern? */
export function linkFits(link: u32, value: u32, pattern: bool): bool {
  if (!pattern) return link === value
  const words = load<u32>(Rules.ifaces)
  const word = Rules.ifaces + 4 + (((value * words + (link >> 5)) as usize) << 2)
  return ((load<u32>(word) >> (link & 31)) & 1) !== 0
}

function addressFits(ctx: usize, rule: usize, six: bool, addr4: usize, addr6: usize): bool {
  if (!six) return (load<u32>(ctx) & load<u32>(rule + addr4 + 4)) === load<u32>(rule + addr4)
  const at = rule + addr6
  return !v128.any_true(v128.xor(v128.and(v128.load(ctx), v128.load(at, 16)), v128.load(at)))
}

/**
 * Does the rule's record fit the packet? Its further matches are not looked at. T: u32, or u64 for later fragments, which
 * have no layer-4 header.
 */
export function headFits<T>(rule: usize, flags: u32, six: bool): bool {
  if ((flags & RULE_HAS_PROTO) !== 0) {
    if ((load<u32>(CTX_PROTO_AT) === load<u32>(rule, RULE_PROTO_OFF)) === ((flags & RULE_NOT_PROTO) !== 0)) return false
  }
  if ((flags & RULE_HAS_DST) !== 0) {
    if (addressFits(CTX_DST_AT, rule, six, RULE4_DST_OFF, RULE6_DST_OFF) === ((flags & RULE_NOT_DST) !== 0))
      return false
  }
  if (sizeof<T>() === 4 && (flags & RULE_HAS_DPORTS) !== 0) {
    const fits = inRange(load<u32>(CTX_DPORT_AT), load<u32>(rule, RULE_DPORTS_OFF))
    if (fits === ((flags & RULE_NOT_DPORTS) !== 0)) return false
  }
  if ((flags & RULE_HAS_SRC) !== 0) {
    if (addressFits(CTX_SRC_AT, rule, six, RULE4_SRC_OFF, RULE6_SRC_OFF) === ((flags & RULE_NOT_SRC) !== 0))
      return false
  }
  if ((flags & RULE_HAS_IN) !== 0) {
    const fits = linkFits(load<u32>(CTX_IN_LINK_AT), load<u32>(rule, RULE_IN_OFF), (flags & RULE_IN_PATTERN) !== 0)
    if (fits === ((flags & RULE_NOT_IN) !== 0)) return false
  }
  if ((flags & RULE_HAS_OUT) !== 0) {
    const fits = linkFits(load<u32>(CTX_OUT_LINK_AT), load<u32>(rule, RULE_OUT_OFF), (flags & RULE_OUT_PATTERN) !== 0)
    if (fits === ((flags & RULE_NOT_OUT) !== 0)) return false
  }
  if (sizeof<T>() === 4 && (flags & RULE_HAS_SPORTS) !== 0) {
    const fits = inRange(load<u32>(CTX_SPORT_AT), load<u32>(rule, RULE_SPORTS_OFF))
    if (fits === ((flags & RULE_NOT_SPORTS) !== 0)) return false
  }
  return (flags & RULE_NEVER) === 0
}
