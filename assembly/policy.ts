// Policy rules: does one match what a look-up is about, and does it suppress what its table gave. What a look-up says of
// protocol, ports and user depends on when it is made: FLOW_*.
// Kernel: net/core/fib_rules.c (fib_rule_match), net/ipv4/fib_rules.c (fib4_rule_match, fib4_rule_suppress), net/ipv6/fib6_rules.c.
import { Address } from './address'
import { Asked } from './asked'
import {
  ASKED_BY_POLICY,
  CTX_DPORT_AT,
  CTX_FAMILY_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IS_REPLY_AT,
  CTX_PROTO_AT,
  CTX_RECORD_AT,
  CTX_SPORT_AT,
  FIELD_UID,
  HOP_BYTES,
  HOP_LINK_OFF,
  OWNER_UNKNOWN,
  POLICY_BYTES,
  POLICY_DPORTS_OFF,
  POLICY_FLAGS_OFF,
  POLICY_FROM_LENGTH_OFF,
  POLICY_FROM_OFF,
  POLICY_HAS_DPORTS,
  POLICY_HAS_FROM,
  POLICY_HAS_IIF,
  POLICY_HAS_MARK,
  POLICY_HAS_OIF,
  POLICY_HAS_PROTO,
  POLICY_HAS_SPORTS,
  POLICY_HAS_TO,
  POLICY_HAS_TOS,
  POLICY_HAS_UIDS,
  POLICY_IIF_OFF,
  POLICY_MARK_MASK_OFF,
  POLICY_MARK_OFF,
  POLICY_PROTO_OFF,
  POLICY_SPORTS_OFF,
  POLICY_SUPPRESS_GROUP_OFF,
  POLICY_TO_LENGTH_OFF,
  POLICY_TO_OFF,
  POLICY_TOS_OFF,
  POLICY_UID_FROM_OFF,
  POLICY_UID_TO_OFF,
  RECORD_UID_OFF,
  ROUTE_HOP_OFF,
  ROUTE_HOPS_OFF,
} from './layout'
import { Links } from './source'
import { Tee } from './tee'

/** A packet that came in: its protocol and ports, nobody's. */
export const FLOW_IN: u32 = 0
/** The way back to its source: the ports turned round. */
export const FLOW_BACK: u32 = 1
/** Before sending: an ICMP message has type and code for a destination port; the user is the process's. */
export const FLOW_OUT: u32 = 2
/** A re-routing: ports as the header has them; IPv4 has forgotten the user. */
export const FLOW_AGAIN: u32 = 3
/** A look-up of an address alone. */
export const FLOW_NONE: u32 = 4

/** What a policy rule may ask of a packet; most ask nothing. */
export const POLICY_CONDITIONS: u32 =
  POLICY_HAS_FROM |
  POLICY_HAS_TO |
  POLICY_HAS_IIF |
  POLICY_HAS_OIF |
  POLICY_HAS_MARK |
  POLICY_HAS_TOS |
  POLICY_HAS_PROTO |
  POLICY_HAS_SPORTS |
  POLICY_HAS_DPORTS |
  POLICY_HAS_UIDS

const ICMP: u32 = 1
const ICMPV6: u32 = 58

export class Policy {
  /** FLOW_* of the look-up. */
  static flow: u32 = 0
  /** First of the rules. */
  static rules: usize = 0

  private static isIcmp(): bool {
    const proto = load<u32>(CTX_PROTO_AT)
    return proto === ICMP || proto === ICMPV6
  }

  private static port(source: bool): u32 {
    const flow = Policy.flow
    if (flow === FLOW_NONE) return 0
    if (Policy.isIcmp()) {
      if (flow !== FLOW_OUT || source) return 0
      return (load<u32>(CTX_ICMP_TYPE_AT) << 8) | load<u32>(CTX_ICMP_CODE_AT)
    }
    return source === (flow !== FLOW_BACK) ? load<u32>(CTX_SPORT_AT) : load<u32>(CTX_DPORT_AT)
  }

  private static portIn(port: u32, range: u32): bool {
    return port >= (range & 0xffff) && port <= range >>> 16
  }

  /** Is the sender's user in the range of the rule? Asks for it when it is not known. */
  private static owns(rule: usize): bool {
    let uid: u32 = 0
    const flow = Policy.flow
    const sent = flow === FLOW_OUT || (flow === FLOW_AGAIN && load<u32>(CTX_FAMILY_AT) === 6)
    if (sent && !Tee.busy && load<u32>(CTX_IS_REPLY_AT) === 0) {
      uid = load<u32>(load<u32>(CTX_RECORD_AT) + RECORD_UID_OFF)
      if (uid === OWNER_UNKNOWN) {
        if (!Asked.stopped()) Asked.by(ASKED_BY_POLICY | <u32>((rule - Policy.rules) / POLICY_BYTES))
        return Asked.need(FIELD_UID)
      }
    }
    return uid >= load<u32>(rule + POLICY_UID_FROM_OFF) && uid <= load<u32>(rule + POLICY_UID_TO_OFF)
  }

  /** Do all conditions of the rule hold (before its `not`)? */
  static matches(rule: usize, to: usize, from: usize, tos: u32, mark: u32, iif: u32): bool {
    const flags = load<u32>(rule + POLICY_FLAGS_OFF)
    if (flags & POLICY_HAS_OIF) return false
    if (flags & POLICY_HAS_IIF && load<u32>(rule + POLICY_IIF_OFF) !== iif) return false
    if (flags & POLICY_HAS_MARK) {
      if ((mark ^ load<u32>(rule + POLICY_MARK_OFF)) & load<u32>(rule + POLICY_MARK_MASK_OFF)) return false
    }
    if (flags & POLICY_HAS_TOS) {
      if (load<u32>(rule + POLICY_TOS_OFF) !== (tos & (load<u32>(CTX_FAMILY_AT) === 4 ? 0x1c : 0xfc))) return false
    }
    if (flags & POLICY_HAS_PROTO) {
      const proto: u32 = Policy.flow === FLOW_NONE ? 0 : load<u32>(CTX_PROTO_AT)
      if (load<u32>(rule + POLICY_PROTO_OFF) !== proto) return false
    }
    if (flags & POLICY_HAS_FROM) {
      if (!Address.samePrefix(rule + POLICY_FROM_OFF, from, load<u32>(rule + POLICY_FROM_LENGTH_OFF))) return false
    }
    if (flags & POLICY_HAS_TO) {
      if (!Address.samePrefix(rule + POLICY_TO_OFF, to, load<u32>(rule + POLICY_TO_LENGTH_OFF))) return false
    }
    if (flags & POLICY_HAS_SPORTS && !Policy.portIn(Policy.port(true), load<u32>(rule + POLICY_SPORTS_OFF)))
      return false
    if (flags & POLICY_HAS_DPORTS && !Policy.portIn(Policy.port(false), load<u32>(rule + POLICY_DPORTS_OFF)))
      return false
    return !(flags & POLICY_HAS_UIDS) || Policy.owns(rule)
  }

  /** Is the first hop of the route by an interface of the group that the rule suppresses? */
  static suppresses(rule: usize, route: usize, hops: usize): bool {
    const group = load<u32>(rule + POLICY_SUPPRESS_GROUP_OFF)
    if (group === 0 || load<u32>(route + ROUTE_HOPS_OFF) === 0) return false
    const link = load<u32>(hops + load<u32>(route + ROUTE_HOP_OFF) * HOP_BYTES + HOP_LINK_OFF)
    return link !== 0 && Links.group(link) === group - 1
  }
}
