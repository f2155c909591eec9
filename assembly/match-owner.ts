// The `owner` match: who sends the packet. Kernel: net/netfilter/xt_owner.c.
import { Asked } from './asked'
import { Facts } from './facts'
import {
  CTX_RECORD_AT,
  CTX_SOCKET_AT,
  FACTS_GROUPS_OFF,
  FACTS_HAS_GROUPS,
  FIELD_GID,
  FIELD_GROUPS,
  FIELD_UID,
  OWNER_GID,
  OWNER_SOCKET,
  OWNER_SUPPLEMENTARY,
  OWNER_UID,
  OWNER_UNKNOWN,
  RECORD_GID_OFF,
  RECORD_UID_OFF,
  SOCKET_KERNEL,
  SOCKET_NONE,
} from './layout'

export class Owner {
  static match(at: usize): bool {
    const has = load<u32>(at, 4)
    const inverted = load<u32>(at, 8)
    const socket = load<u32>(CTX_SOCKET_AT)
    // Without a socket everything must be inverted.
    if (socket === SOCKET_NONE) return has === inverted
    if ((inverted & OWNER_SOCKET) !== 0) return false
    // A socket of the kernel belongs to nobody.
    if (socket === SOCKET_KERNEL) return ((has ^ inverted) & (OWNER_UID | OWNER_GID)) === 0
    const record = <usize>load<u32>(CTX_RECORD_AT)
    if ((has & OWNER_UID) !== 0) {
      const uid = load<u32>(record + RECORD_UID_OFF)
      if (uid === OWNER_UNKNOWN) return Asked.need(FIELD_UID)
      const within = uid >= load<u32>(at, 12) && uid <= load<u32>(at, 16)
      if (within === ((inverted & OWNER_UID) !== 0)) return false
    }
    if ((has & OWNER_GID) !== 0) {
      const gid = load<u32>(record + RECORD_GID_OFF)
      if (gid === OWNER_UNKNOWN) return Asked.need(FIELD_GID)
      const from = load<u32>(at, 20)
      const to = load<u32>(at, 24)
      let within = gid >= from && gid <= to
      if (!within && (has & OWNER_SUPPLEMENTARY) !== 0) {
        const groups = Facts.bytes(FACTS_HAS_GROUPS, FACTS_GROUPS_OFF)
        if (groups < 0) return Asked.need(FIELD_GROUPS)
        const first = Facts.text(FACTS_GROUPS_OFF)
        for (let i: usize = 0; i < (groups as usize); i += 4) {
          const group = load<u32>(first + i)
          if (group >= from && group <= to) within = true
        }
      }
      if (within === ((inverted & OWNER_GID) !== 0)) return false
    }
    return true
  }
}
