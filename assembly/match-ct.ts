// Matches on the connection of a packet. Kernel: net/netfilter/xt_conntrack.c, xt_state.c, xt_connmark.c.
import { ctExpiresIn, ctMark, ctProto, ctStatus, ctTuple } from './conntrack'
import {
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
  CTX_NOTRACK_AT,
  IPS_DST_NAT,
  IPS_SRC_NAT,
  MATCH_CT_ADDRS_OFF,
  MATCH_CT_EXPIRE_OFF,
  MATCH_CT_HAS_OFF,
  MATCH_CT_NOT_OFF,
  MATCH_CT_PORTS_OFF,
  MATCH_CT_PROTO_OFF,
  MATCH_CT_STATE_OFF,
  MATCH_CT_STATUS_OFF,
  TABLE_RAW,
} from './layout'
import { inRange } from './rule-head'
import { MatchScene } from './visit'

export class CtMatch {
  /** Is the address inside the prefix: 16 bytes address, 16 bytes mask? */
  private static inPrefix(addr: usize, prefix: usize): bool {
    return !v128.any_true(v128.xor(v128.and(v128.load(addr), v128.load(prefix, 16)), v128.load(prefix)))
  }

  /** The packet's state as a CTSTATE_* bit, without SNAT and DNAT. */
  private static stateBit(ct: usize): u32 {
    const info = load<u32>(CTX_CTINFO_AT)
    if (ct === 0) {
      if (info === CTINFO_UNTRACKED) return CTSTATE_UNTRACKED
      // What a CT rule attached stands for an entry until conntrack has looked.
      return MatchScene.table === TABLE_RAW && load<u32>(CTX_NOTRACK_AT) === 2 ? CTSTATE_NEW : CTSTATE_INVALID
    }
    if (info === CTINFO_NEW) return CTSTATE_NEW
    return info === CTINFO_ESTABLISHED || info === CTINFO_ESTABLISHED_REPLY ? CTSTATE_ESTABLISHED : CTSTATE_RELATED
  }

  static state(mask: u32): bool {
    const ct = load<u32>(CTX_CT_AT) as usize
    let bits = CtMatch.stateBit(ct)
    if (ct !== 0 && (mask & (CTSTATE_SNAT | CTSTATE_DNAT)) !== 0) {
      const status = ctStatus(ct)
      if ((status & IPS_SRC_NAT) !== 0) bits |= CTSTATE_SNAT
      if ((status & IPS_DST_NAT) !== 0) bits |= CTSTATE_DNAT
    }
    return (bits & mask) !== 0
  }

  static conntrack(at: usize): bool {
    const has = load<u32>(at, MATCH_CT_HAS_OFF)
    const inverted = load<u32>(at, MATCH_CT_NOT_OFF)
    if ((has & CT_HAS_STATE) !== 0) {
      if (CtMatch.state(load<u32>(at, MATCH_CT_STATE_OFF)) === ((inverted & CT_HAS_STATE) !== 0)) return false
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
        const within = CtMatch.inPrefix(
          tuple + (((i & 1) as usize) << 4),
          at + MATCH_CT_ADDRS_OFF + ((i as usize) << 5),
        )
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

  static connmark(at: usize, inverted: bool): bool {
    const ct = load<u32>(CTX_CT_AT) as usize
    if (ct === 0) return false
    return ((ctMark(ct) & load<u32>(at, 8)) === load<u32>(at, 4)) !== inverted
  }
}
