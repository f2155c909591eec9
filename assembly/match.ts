// The matches of a rule beyond its record, evaluated from their words in CODE (layout/matches.ts): which function holds
// what each kind asks, and MATCH_NOT where the kind has no order of its own. Kernel: net/netfilter/xt_*.c, net/ipv6/netfilter/.

import { Accounting } from './accounting'
import { Asked } from './asked'
import { ConnLimits } from './connlimit'
import { HashLimits } from './hashlimit'
import { LabelMatch } from './label'
import {
  CTX_FRAG_AT,
  CTX_MARK_AT,
  CTX_TCP_FLAGS_AT,
  FIELD_ESTIMATE,
  FRAG_OFFSET,
  MATCH_ADDRTYPE,
  MATCH_BPF,
  MATCH_CGROUP,
  MATCH_CGROUP_PATH,
  MATCH_CLUSTER,
  MATCH_CONNBYTES,
  MATCH_CONNLABEL,
  MATCH_CONNLIMIT,
  MATCH_CONNMARK,
  MATCH_CPU,
  MATCH_CT,
  MATCH_CT_STATE,
  MATCH_DCCP_OPTION,
  MATCH_DCCP_TYPES,
  MATCH_DEVGROUP,
  MATCH_ECN,
  MATCH_ESTIMATE,
  MATCH_EUI64,
  MATCH_EXTENSIONS,
  MATCH_FRAGMENT,
  MATCH_HASHLIMIT,
  MATCH_HOPS,
  MATCH_ICMP,
  MATCH_IPRANGE,
  MATCH_LAYER4,
  MATCH_LENGTH,
  MATCH_LIMIT,
  MATCH_MAC,
  MATCH_MARK,
  MATCH_MH,
  MATCH_MULTIPORT,
  MATCH_NOT,
  MATCH_NTH,
  MATCH_OSF,
  MATCH_OWNER,
  MATCH_PHYSDEV,
  MATCH_PKTTYPE,
  MATCH_PORTS,
  MATCH_QUOTA,
  MATCH_RANDOM,
  MATCH_RECENT,
  MATCH_RPFILTER,
  MATCH_SCTP_CHUNKS,
  MATCH_SET,
  MATCH_SOCKET,
  MATCH_SPI,
  MATCH_STRING,
  MATCH_TCP_FLAGS,
  MATCH_TCP_OPTION,
  MATCH_TCPMSS,
  MATCH_TIME,
  MATCH_TOS,
  MATCH_U32,
} from './layout'
import { Limits } from './limit'
import { AddressMatch } from './match-address'
import { Bpf } from './match-bpf'
import { CtMatch } from './match-ct'
import { FactsMatch } from './match-facts'
import { HeaderMatch } from './match-header'
import { Layer4Match } from './match-layer4'
import { LinkMatch } from './match-link'
import { MoreMatch } from './match-more'
import { Owner } from './match-owner'
import { ReversePath } from './match-rpfilter'
import { StringMatch } from './match-string'
import { WallClock } from './match-time'
import { U32 } from './match-u32'
import { Recents } from './recent'
import { Rules } from './rules'
import { Sets } from './set'
import { Visit } from './visit'

/** Does the match at this address hold? */
export function evalMatch(at: usize, head: u32): bool {
  const flags = head >> 16
  const inverted = (flags & MATCH_NOT) !== 0
  switch (head & 255) {
    case MATCH_PORTS:
      return Layer4Match.ports(at, flags)
    case MATCH_CT_STATE:
      return CtMatch.state(load<u32>(at, 4)) !== inverted
    case MATCH_TCP_FLAGS: {
      const word = load<u32>(at, 4)
      return ((load<u32>(CTX_TCP_FLAGS_AT) & (word & 255)) === word >> 8) !== inverted
    }
    case MATCH_ICMP:
      return Layer4Match.icmp(at, flags) !== inverted
    case MATCH_MARK:
      return ((load<u32>(CTX_MARK_AT) & load<u32>(at, 8)) === load<u32>(at, 4)) !== inverted
    case MATCH_RANDOM:
      return Visit.random(load<u32>(at, 4)) !== inverted
    case MATCH_SET:
      return Sets.match(load<u32>(at, 4), load<u32>(at, 8), flags, at) !== inverted
    case MATCH_ADDRTYPE:
      return AddressMatch.addrtype(at, flags)
    case MATCH_CT:
      return CtMatch.conntrack(at)
    case MATCH_CONNMARK:
      return CtMatch.connmark(at, inverted)
    case MATCH_CONNBYTES:
      return Accounting.match(at)
    case MATCH_CONNLABEL:
      return LabelMatch.label(load<u32>(at, 4), flags)
    case MATCH_CLUSTER:
      return LabelMatch.cluster(load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12), inverted)
    case MATCH_ESTIMATE:
      return Asked.need(FIELD_ESTIMATE)
    case MATCH_CONNLIMIT:
      return ConnLimits.match(at, flags)
    case MATCH_NTH:
      return Limits.nth(load<u32>(at, 12), load<u32>(at, 4), load<u32>(at, 8)) !== inverted
    case MATCH_RECENT:
      return Recents.match(at, flags)
    case MATCH_MULTIPORT:
      return Layer4Match.multiport(at, flags, (head >> 8) & 255) !== inverted
    case MATCH_IPRANGE:
      return AddressMatch.iprange(at, flags)
    case MATCH_LIMIT:
      return Limits.take(load<u32>(at, 12), load<u32>(at, 4), load<u32>(at, 8))
    case MATCH_LENGTH:
      return HeaderMatch.length(load<u32>(at, 4)) !== inverted
    case MATCH_HOPS:
      return HeaderMatch.hops(load<u32>(at, 4), load<u32>(at, 8)) !== inverted
    case MATCH_TOS:
      return HeaderMatch.tos(load<u32>(at, 4), load<u32>(at, 8)) !== inverted
    case MATCH_ECN:
      return HeaderMatch.ecn(at)
    case MATCH_CPU:
      return HeaderMatch.cpu(load<u32>(at, 4), inverted)
    case MATCH_TIME:
      return WallClock.match(at, flags)
    case MATCH_RPFILTER:
      return ReversePath.match(flags) !== inverted
    case MATCH_OWNER:
      return Owner.match(at)
    case MATCH_HASHLIMIT:
      return HashLimits.match(load<u32>(at, 4), inverted)
    case MATCH_QUOTA:
      return Limits.quota(load<u32>(at, 4)) !== inverted
    case MATCH_MAC:
      return LinkMatch.mac(load<u32>(at, 4), load<u32>(at, 8), inverted)
    case MATCH_PKTTYPE:
      return LinkMatch.pkttype(load<u32>(at, 4)) !== inverted
    case MATCH_PHYSDEV:
      return LinkMatch.physdev(at)
    case MATCH_SPI:
      return MoreMatch.spi(load<u32>(at, 4), load<u32>(at, 8), inverted)
    case MATCH_TCP_OPTION:
      return MoreMatch.tcpOption(load<u32>(at, 4), inverted)
    case MATCH_TCPMSS:
      return MoreMatch.tcpmss(load<u32>(at, 4), inverted)
    case MATCH_DEVGROUP:
      return MoreMatch.devgroup(at, flags)
    case MATCH_SOCKET:
      return MoreMatch.socket(flags)
    case MATCH_EXTENSIONS:
      return MoreMatch.extensions(load<u32>(at, 4), load<u32>(at, 8), flags)
    case MATCH_SCTP_CHUNKS:
      return Layer4Match.sctpChunks(at, (head >> 8) & 255) !== inverted
    case MATCH_FRAGMENT:
      return ((load<u32>(CTX_FRAG_AT) & FRAG_OFFSET) !== 0) !== inverted
    case MATCH_STRING:
      return StringMatch.match(at, flags, inverted)
    case MATCH_OSF:
      return FactsMatch.osf(at, flags)
    case MATCH_CGROUP:
      return FactsMatch.cgroup(load<u32>(at, 4), inverted)
    case MATCH_CGROUP_PATH:
      return FactsMatch.cgroupPath(at, inverted)
    case MATCH_EUI64:
      return FactsMatch.eui64()
    case MATCH_DCCP_TYPES:
      return FactsMatch.dccpTypes(load<u32>(at, 4), inverted)
    case MATCH_DCCP_OPTION:
      return FactsMatch.dccpOption(load<u32>(at, 4), inverted)
    case MATCH_MH:
      return FactsMatch.mh(load<u32>(at, 4), inverted)
    case MATCH_BPF:
      return Bpf.match(Rules.at(load<u32>(at, 4)), load<u32>(at, 8))
    case MATCH_U32:
      return U32.match(Rules.at(load<u32>(at, 4)), load<u32>(at, 8) << 2, inverted)
    case MATCH_LAYER4:
      return true
    default:
      // MATCH_NEVER
      return false
  }
}

/** Do all these matches hold, from left to right? Stops at the first that does not. */
export function evalMatches(at: usize, count: u32): bool {
  while (count > 0) {
    const head = load<u32>(at)
    if (!evalMatch(at, head)) return false
    at += ((head >> 8) & 255) << 2
    count--
  }
  return true
}
