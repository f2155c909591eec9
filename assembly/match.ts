// The matches of a rule beyond its record, evaluated from their words in CODE (layout.ts, MATCH_*).
// Kernel: net/netfilter/xt_*.c, net/ipv6/netfilter/. One function a kind; the dispatcher applies MATCH_NOT where the kind
// has no order of its own.

import { linkFits } from './chain'
import { ctExpiresIn, ctMark, ctProto, ctStatus, ctTuple } from './conntrack'
import { HashLimits } from './hashlimit'
import {
  ADDRTYPE_HAS_DST,
  ADDRTYPE_HAS_SRC,
  ADDRTYPE_IN,
  ADDRTYPE_NOT_DST,
  ADDRTYPE_NOT_SRC,
  ADDRTYPE_OUT,
  CT_HAS_ADDR,
  CT_HAS_DIR,
  CT_HAS_EXPIRE,
  CT_HAS_PORT,
  CT_HAS_PROTO,
  CT_HAS_STATE,
  CT_HAS_STATUS,
  CTINFO_ESTABLISHED,
  CTINFO_ESTABLISHED_REPLY,
  CTINFO_NEW,
  CTINFO_UNTRACKED,
  CTSTATE_DNAT,
  CTSTATE_ESTABLISHED,
  CTSTATE_INVALID,
  CTSTATE_NEW,
  CTSTATE_RELATED,
  CTSTATE_SNAT,
  CTSTATE_UNTRACKED,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_FRAG_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_MARK_AT,
  CTX_NOTRACK_AT,
  CTX_OUT_LINK_AT,
  CTX_PHYS_IN_AT,
  CTX_PHYS_OUT_AT,
  CTX_SCTP_CHUNK_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  CTX_TCP_FLAGS_AT,
  FRAG_OFFSET,
  ICMP_ANY,
  IPRANGE_HAS_DST,
  IPRANGE_HAS_SRC,
  IPRANGE_NOT_DST,
  IPRANGE_NOT_SRC,
  MATCH_ADDRTYPE,
  MATCH_CONNMARK,
  MATCH_CPU,
  MATCH_CT,
  MATCH_CT_ADDRS_OFF,
  MATCH_CT_EXPIRE_OFF,
  MATCH_CT_HAS_OFF,
  MATCH_CT_NOT_OFF,
  MATCH_CT_PORTS_OFF,
  MATCH_CT_PROTO_OFF,
  MATCH_CT_STATE,
  MATCH_CT_STATE_OFF,
  MATCH_CT_STATUS_OFF,
  MATCH_DEVGROUP,
  MATCH_ECN,
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
  MATCH_MULTIPORT,
  MATCH_NOT,
  MATCH_NTH,
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
  MATCH_TCP_FLAGS,
  MATCH_TCP_OPTION,
  MATCH_TCPMSS,
  MATCH_TIME,
  MATCH_TOS,
  MULTIPORT_DPORTS,
  MULTIPORT_SPORTS,
  PHYS_UNKNOWN,
  PHYSDEV_ASKED,
  PHYSDEV_IN_PATTERN,
  PHYSDEV_OUT_PATTERN,
  PORTS_HAS_DPORT,
  PORTS_HAS_SPORT,
  PORTS_NOT_BOTH,
  PORTS_NOT_DPORT,
  PORTS_NOT_SPORT,
  SCTP_ALL,
  TABLE_RAW,
} from './layout'
import { Limits } from './limit'
import { HeaderMatch } from './match-header'
import { LinkMatch } from './match-link'
import { MoreMatch } from './match-more'
import { Owner } from './match-owner'
import { ReversePath } from './match-rpfilter'
import { WallClock } from './match-time'
import { prf } from './random'
import { Recents } from './recent'
import { addrType } from './route'
import { Sets } from './set'

// IPS_* bits of a connection's status
const IPS_SRC_NAT: u32 = 16
const IPS_DST_NAT: u32 = 32
// RTN_* numbers
const RTN_LOCAL: u32 = 2
const RTN_ANYCAST: u32 = 4
const RTN_BLACKHOLE: u32 = 6
const RTN_THROW: u32 = 9

/** Where the matches stand. */
export class MatchScene {
  /** TABLE_* that is being run. */
  static table: i32 = 0
}

/** The interval of the random draws of one visit of a chain. */
export class Visit {
  /** Address of the visit's frame: number u32, drawn u32, u u64, lo u64, hi u64. */
  static frame: usize = 0

  static begin(frame: usize, number: u32): void {
    store<u32>(frame, number)
    store<u32>(frame, 0, 4)
    store<u64>(frame, 0, 16)
    store<u64>(frame, 1 << 62, 24)
  }

  static random(p: u32): bool {
    const frame = Visit.frame
    if (load<u32>(frame, 4) === 0) {
      store<u64>(frame, prf(0, load<u32>(frame)) >> 2, 8)
      store<u32>(frame, 1, 4)
    }
    const lo = load<u64>(frame, 16)
    // floor((hi - lo) * p / 2^31) in 64 bits: hi - lo is at most 2^62, p at most 2^31.
    const width = load<u64>(frame, 24) - lo
    const middle = lo + (width >> 31) * (p as u64) + (((width & 0x7fffffff) * (p as u64)) >> 31)
    const below = load<u64>(frame, 8) < middle
    if (below) store<u64>(frame, middle, 24)
    else store<u64>(frame, middle, 16)
    return below
  }
}

function inRange(value: u32, span: u32): bool {
  return value >= (span & 0xffff) && value <= span >> 16
}

/** Is the address between two, each 16 bytes? */
function between(addr: usize, from: usize, to: usize): bool {
  return compare(addr, from) >= 0 && compare(addr, to) <= 0
}

function compare(a: usize, b: usize): i32 {
  for (let i: usize = 0; i < 16; i += 4) {
    const x = load<u32>(a + i)
    const y = load<u32>(b + i)
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

/** Is the address inside the prefix: 16 bytes address, 16 bytes mask? */
function inPrefix(addr: usize, prefix: usize): bool {
  return !v128.any_true(v128.xor(v128.and(v128.load(addr), v128.load(prefix, 16)), v128.load(prefix)))
}

function ports(at: usize, flags: u32): bool {
  const sport = inRange(load<u32>(CTX_SPORT_AT), load<u32>(at, 4))
  const dport = inRange(load<u32>(CTX_DPORT_AT), load<u32>(at, 8))
  if ((flags & PORTS_NOT_BOTH) !== 0) return !(sport && dport)
  if ((flags & PORTS_HAS_SPORT) !== 0 && sport === ((flags & PORTS_NOT_SPORT) !== 0)) return false
  return (flags & PORTS_HAS_DPORT) === 0 || dport !== ((flags & PORTS_NOT_DPORT) !== 0)
}

function multiport(at: usize, flags: u32, words: u32): bool {
  const sport = load<u32>(CTX_SPORT_AT)
  const dport = load<u32>(CTX_DPORT_AT)
  for (let i: u32 = 1; i < words; i++) {
    const span = load<u32>(at + ((i as usize) << 2))
    if ((flags & MULTIPORT_SPORTS) !== 0 && inRange(sport, span)) return true
    if ((flags & MULTIPORT_DPORTS) !== 0 && inRange(dport, span)) return true
  }
  return false
}

/** One chunk a packet: words are how, 8 words of types, 8 words of types whose flags fit. */
function sctpChunks(at: usize): bool {
  const chunk = load<u32>(CTX_SCTP_CHUNK_AT)
  if (chunk > 255) return false
  const word = ((chunk >> 5) as usize) << 2
  const bit: u32 = 1 << (chunk & 31)
  const fits = (load<u32>(at + 40 + word) & bit) !== 0
  if (load<u32>(at, 4) !== SCTP_ALL) return fits
  // All types that are listed must have been seen: the one that is here, and no other.
  for (let i: usize = 0; i < 32; i += 4) {
    let left = load<u32>(at + 8 + i)
    if (i === word && fits) left &= ~bit
    if (left !== 0) return false
  }
  return true
}

function icmp(at: usize, flags: u32): bool {
  if ((flags & ICMP_ANY) !== 0) return true
  const word = load<u32>(at, 4)
  const code = load<u32>(CTX_ICMP_CODE_AT)
  return load<u32>(CTX_ICMP_TYPE_AT) === (word & 255) && code >= ((word >> 8) & 255) && code <= ((word >> 16) & 255)
}

/** The packet's state as a CTSTATE_* bit, without SNAT and DNAT. */
function stateBit(ct: usize): u32 {
  const info = load<u32>(CTX_CTINFO_AT)
  if (ct === 0) {
    if (info === CTINFO_UNTRACKED) return CTSTATE_UNTRACKED
    // What a CT rule attached stands for an entry until conntrack has looked.
    return MatchScene.table === TABLE_RAW && load<u32>(CTX_NOTRACK_AT) === 2 ? CTSTATE_NEW : CTSTATE_INVALID
  }
  if (info === CTINFO_NEW) return CTSTATE_NEW
  return info === CTINFO_ESTABLISHED || info === CTINFO_ESTABLISHED_REPLY ? CTSTATE_ESTABLISHED : CTSTATE_RELATED
}

function state(mask: u32): bool {
  const ct = load<u32>(CTX_CT_AT) as usize
  let bits = stateBit(ct)
  if (ct !== 0 && (mask & (CTSTATE_SNAT | CTSTATE_DNAT)) !== 0) {
    const status = ctStatus(ct)
    if ((status & IPS_SRC_NAT) !== 0) bits |= CTSTATE_SNAT
    if ((status & IPS_DST_NAT) !== 0) bits |= CTSTATE_DNAT
  }
  return (bits & mask) !== 0
}

function conntrack(at: usize): bool {
  const has = load<u32>(at, MATCH_CT_HAS_OFF)
  const inverted = load<u32>(at, MATCH_CT_NOT_OFF)
  if ((has & CT_HAS_STATE) !== 0) {
    if (state(load<u32>(at, MATCH_CT_STATE_OFF)) === ((inverted & CT_HAS_STATE) !== 0)) return false
  }
  const ct = load<u32>(CTX_CT_AT) as usize
  // Nothing more can be asked without an entry: a state that held is enough, anything else is not.
  if (ct === 0) return (has & CT_HAS_STATE) !== 0
  if ((has & CT_HAS_DIR) !== 0) {
    const original = load<u32>(CTX_CTINFO_AT) < (CTINFO_ESTABLISHED_REPLY as u32)
    if (original === ((inverted & CT_HAS_DIR) !== 0)) return false
  }
  for (let i: u32 = 0; i < 4; i++) {
    const addrBit: u32 = CT_HAS_ADDR << i
    const portBit: u32 = CT_HAS_PORT << i
    if ((has & (addrBit | portBit)) === 0) continue
    const tuple = ctTuple(ct, (i >> 1) as i32)
    if ((has & addrBit) !== 0) {
      const within = inPrefix(tuple + (((i & 1) as usize) << 4), at + MATCH_CT_ADDRS_OFF + ((i as usize) << 5))
      if (within === ((inverted & addrBit) !== 0)) return false
    }
    if ((has & portBit) !== 0) {
      const port = load<u32>(tuple + 32 + (((i & 1) as usize) << 2))
      const within = inRange(port, load<u32>(at + MATCH_CT_PORTS_OFF + ((i as usize) << 2)))
      if (within === ((inverted & portBit) !== 0)) return false
    }
  }
  if ((has & CT_HAS_PROTO) !== 0) {
    if ((ctProto(ct) === load<u32>(at, MATCH_CT_PROTO_OFF)) === ((inverted & CT_HAS_PROTO) !== 0)) return false
  }
  if ((has & CT_HAS_STATUS) !== 0) {
    const some = (ctStatus(ct) & load<u32>(at, MATCH_CT_STATUS_OFF)) !== 0
    if (some === ((inverted & CT_HAS_STATUS) !== 0)) return false
  }
  if ((has & CT_HAS_EXPIRE) !== 0) {
    const left = ctExpiresIn(ct)
    const within = left >= load<u32>(at, MATCH_CT_EXPIRE_OFF) && left <= load<u32>(at, MATCH_CT_EXPIRE_OFF + 4)
    if (within === ((inverted & CT_HAS_EXPIRE) !== 0)) return false
  }
  return true
}

/** Kinds of an IPv6 address that need no route, as RTN_* bits: unspecified, unicast, multicast. */
function kinds6(addr: usize): u32 {
  const w0 = load<u32>(addr)
  const rest = load<u32>(addr, 4)
  if (w0 >> 24 === 255) return 32
  if (w0 === 0 && rest === 0) {
    const w2 = load<u32>(addr, 8)
    if (w2 === 0 && load<u32>(addr, 12) === 0) return 1
    if (w2 === 0xffff) return 0
  }
  return 2
}

function addrKind(addr: usize, mask: u32, link: u32): bool {
  if (load<u32>(CTX_FAMILY_AT) === 4) return ((mask >> addrType(addr, link)) & 1) !== 0
  if ((mask & 35 & ~kinds6(addr)) !== 0) return false
  // LOCAL, ANYCAST, UNREACHABLE ask the routes; of them one is enough.
  const asked = mask & ((1 << 2) | (1 << 4) | (1 << 7))
  if (asked === 0) return true
  const type = addrType(addr, link)
  let bits: u32 = 0
  if (type === RTN_LOCAL || type === RTN_ANYCAST) bits = 1 << type
  else if (type >= RTN_BLACKHOLE && type <= RTN_THROW) bits = 1 << 7
  return (bits & asked) !== 0
}

function addrtype(at: usize, flags: u32): bool {
  const masks = load<u32>(at, 4)
  let link: u32 = 0
  if ((flags & ADDRTYPE_IN) !== 0) link = load<u32>(CTX_IN_LINK_AT)
  else if ((flags & ADDRTYPE_OUT) !== 0) link = load<u32>(CTX_OUT_LINK_AT)
  if ((flags & ADDRTYPE_HAS_SRC) !== 0) {
    if (addrKind(CTX_SRC_AT, masks & 0xffff, link) === ((flags & ADDRTYPE_NOT_SRC) !== 0)) return false
  }
  if ((flags & ADDRTYPE_HAS_DST) !== 0) {
    if (addrKind(CTX_DST_AT, masks >> 16, link) === ((flags & ADDRTYPE_NOT_DST) !== 0)) return false
  }
  return true
}

function iprange(at: usize, flags: u32): bool {
  if ((flags & IPRANGE_HAS_SRC) !== 0) {
    if (between(CTX_SRC_AT, at + 4, at + 20) === ((flags & IPRANGE_NOT_SRC) !== 0)) return false
  }
  if ((flags & IPRANGE_HAS_DST) !== 0) {
    if (between(CTX_DST_AT, at + 36, at + 52) === ((flags & IPRANGE_NOT_DST) !== 0)) return false
  }
  return true
}

function connmark(at: usize, inverted: bool): bool {
  const ct = load<u32>(CTX_CT_AT) as usize
  if (ct === 0) return false
  return ((ctMark(ct) & load<u32>(at, 8)) === load<u32>(at, 4)) !== inverted
}

/** Does the match at this address hold? */
function physdev(at: usize): bool {
  const has = load<u32>(at, 4)
  const inside = linkFits(load<u32>(CTX_PHYS_IN_AT), load<u32>(at, 12), (has & PHYSDEV_IN_PATTERN) !== 0)
  const port = load<u32>(CTX_PHYS_OUT_AT)
  const known = port !== 0 && port !== PHYS_UNKNOWN
  const outside = known && linkFits(port, load<u32>(at, 16), (has & PHYSDEV_OUT_PATTERN) !== 0)
  return LinkMatch.physdev(has & PHYSDEV_ASKED, load<u32>(at, 8), inside, outside)
}

export function evalMatch(at: usize, head: u32): bool {
  const flags = head >> 16
  const inverted = (flags & MATCH_NOT) !== 0
  switch (head & 255) {
    case MATCH_PORTS:
      return ports(at, flags)
    case MATCH_CT_STATE:
      return state(load<u32>(at, 4)) !== inverted
    case MATCH_TCP_FLAGS: {
      const word = load<u32>(at, 4)
      return ((load<u32>(CTX_TCP_FLAGS_AT) & (word & 255)) === word >> 8) !== inverted
    }
    case MATCH_ICMP:
      return icmp(at, flags) !== inverted
    case MATCH_MARK:
      return ((load<u32>(CTX_MARK_AT) & load<u32>(at, 8)) === load<u32>(at, 4)) !== inverted
    case MATCH_RANDOM:
      return Visit.random(load<u32>(at, 4)) !== inverted
    case MATCH_SET:
      return Sets.match(load<u32>(at, 4), load<u32>(at, 8), flags, at) !== inverted
    case MATCH_ADDRTYPE:
      return addrtype(at, flags)
    case MATCH_CT:
      return conntrack(at)
    case MATCH_CONNMARK:
      return connmark(at, inverted)
    case MATCH_NTH:
      return Limits.nth(load<u32>(at, 12), load<u32>(at, 4), load<u32>(at, 8)) !== inverted
    case MATCH_RECENT:
      return Recents.match(at, flags)
    case MATCH_MULTIPORT:
      return multiport(at, flags, (head >> 8) & 255) !== inverted
    case MATCH_IPRANGE:
      return iprange(at, flags)
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
      return physdev(at)
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
      return sctpChunks(at) !== inverted
    case MATCH_FRAGMENT:
      return ((load<u32>(CTX_FRAG_AT) & FRAG_OFFSET) !== 0) !== inverted
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
