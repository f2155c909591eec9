// The target SET: adds, deletes, then gives the packet what an element says. Kernel: net/netfilter/xt_set.c
// (set_target_v3).
import {
  CTX_MARK_AT,
  SETWORK_ADD_OFF,
  SETWORK_ADDS,
  SETWORK_DEL_OFF,
  SETWORK_DELS,
  SETWORK_EXIST,
  SETWORK_FLAGS_OFF,
  SETWORK_HAS_TIMEOUT,
  SETWORK_MAP_OFF,
  SETWORK_MAPS,
  SETWORK_MARK,
  SETWORK_TIMEOUT_OFF,
} from './layout'
import { Sets } from './set'
import { SetWork } from './set-live'

/** Runs the SETWORK record at this address. */
export function setTarget(work: usize): void {
  const flags = load<u32>(work, SETWORK_FLAGS_OFF)
  if ((flags & SETWORK_ADDS) !== 0) {
    const dirs = load<u32>(work, SETWORK_ADD_OFF + 4)
    const seconds: i64 = (flags & SETWORK_HAS_TIMEOUT) !== 0 ? (load<u32>(work, SETWORK_TIMEOUT_OFF) as i64) : -1
    SetWork.add(load<u32>(work, SETWORK_ADD_OFF), dirs & 255, dirs >> 8, (flags & SETWORK_EXIST) !== 0, seconds)
  }
  if ((flags & SETWORK_DELS) !== 0) {
    const dirs = load<u32>(work, SETWORK_DEL_OFF + 4)
    SetWork.del(load<u32>(work, SETWORK_DEL_OFF), dirs & 255, dirs >> 8)
  }
  if ((flags & SETWORK_MAPS) === 0) return
  Sets.mark = 0
  Sets.markMask = 0
  const dirs = load<u32>(work, SETWORK_MAP_OFF + 4)
  if (!Sets.match(load<u32>(work, SETWORK_MAP_OFF), dirs, 0, work)) return
  if ((flags & SETWORK_MARK) !== 0) store<u32>(CTX_MARK_AT, (load<u32>(CTX_MARK_AT) & ~Sets.markMask) ^ Sets.mark)
}
