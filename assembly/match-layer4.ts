// Matches on ports, SCTP chunks and ICMP types. Kernel: net/netfilter/xt_tcpudp.c, xt_multiport.c, xt_sctp.c.
import { Facts } from './facts'
import {
  CTX_DPORT_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_TYPE_AT,
  CTX_SCTP_CHUNK_AT,
  CTX_SPORT_AT,
  FACTS_HAS_SCTP_FLAGS,
  FACTS_SCTP_FLAGS_OFF,
  ICMP_ANY,
  MULTIPORT_DPORTS,
  MULTIPORT_SPORTS,
  PORTS_HAS_DPORT,
  PORTS_HAS_SPORT,
  PORTS_NOT_BOTH,
  PORTS_NOT_DPORT,
  PORTS_NOT_SPORT,
  SCTP_ALL,
} from './layout'
import { inRange } from './rule-head'

export class Layer4Match {
  static ports(at: usize, flags: u32): bool {
    const sport = inRange(load<u32>(CTX_SPORT_AT), load<u32>(at, 4))
    const dport = inRange(load<u32>(CTX_DPORT_AT), load<u32>(at, 8))
    if ((flags & PORTS_NOT_BOTH) !== 0) return !(sport && dport)
    if ((flags & PORTS_HAS_SPORT) !== 0 && sport === ((flags & PORTS_NOT_SPORT) !== 0)) return false
    return (flags & PORTS_HAS_DPORT) === 0 || dport !== ((flags & PORTS_NOT_DPORT) !== 0)
  }

  static multiport(at: usize, flags: u32, words: u32): bool {
    const sport = load<u32>(CTX_SPORT_AT)
    const dport = load<u32>(CTX_DPORT_AT)
    for (let i: u32 = 1; i < words; i++) {
      const span = load<u32>(at + ((i as usize) << 2))
      if ((flags & MULTIPORT_SPORTS) !== 0 && inRange(sport, span)) return true
      if ((flags & MULTIPORT_DPORTS) !== 0 && inRange(dport, span)) return true
    }
    return false
  }

  /** Flags of the packet's first chunk. */
  static sctpFlags(): u32 {
    if (Facts.has(FACTS_HAS_SCTP_FLAGS)) return load<u32>(Facts.at(), FACTS_SCTP_FLAGS_OFF)
    return load<u32>(CTX_SCTP_CHUNK_AT) === 0 ? 3 : 0
  }

  /** Are the flags of the packet's chunk those that are asked of its type? The first that are named count. */
  private static flagsFit(at: usize, words: u32, chunk: u32): bool {
    for (let i: u32 = 10; i < words; i++) {
      const asked = load<u32>(at + ((i as usize) << 2))
      if ((asked & 255) === chunk) return (Layer4Match.sctpFlags() & (asked >>> 8) & 255) === asked >>> 16
    }
    return true
  }

  /** One chunk a packet: words are how, 8 words of types, and the flags that are asked of some. */
  static sctpChunks(at: usize, words: u32): bool {
    const chunk = load<u32>(CTX_SCTP_CHUNK_AT)
    if (chunk > 255) return false
    const word = ((chunk >> 5) as usize) << 2
    const bit: u32 = 1 << (chunk & 31)
    const fits = (load<u32>(at + 8 + word) & bit) !== 0 && Layer4Match.flagsFit(at, words, chunk)
    if (load<u32>(at, 4) !== SCTP_ALL) return fits
    // All types that are listed must have been seen: the one that is here, and no other.
    for (let i: usize = 0; i < 32; i += 4) {
      let left = load<u32>(at + 8 + i)
      if (i === word && fits) left &= ~bit
      if (left !== 0) return false
    }
    return true
  }

  static icmp(at: usize, flags: u32): bool {
    if ((flags & ICMP_ANY) !== 0) return true
    const word = load<u32>(at, 4)
    const code = load<u32>(CTX_ICMP_CODE_AT)
    return load<u32>(CTX_ICMP_TYPE_AT) === (word & 255) && code >= ((word >> 8) & 255) && code <= ((word >> 16) & 255)
  }
}
