// What a rule does that matched and does not only steer the way through the chains. Owns the marks and what CT asks of
// conntrack; translation is nat.ts. Kernel: net/netfilter/xt_mark.c, xt_connmark.c, xt_CT.c.
import { Asked } from './asked'
import { ctMark, setCtMark } from './conntrack'
import { Hmark } from './hmark'
import {
  CT_LOOKED,
  CTINFO_UNTRACKED,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_MARK_AT,
  CTX_NOTRACK_AT,
  CTX_RECORD_AT,
  CTX_REJECT_AT,
  CTX_ZONE_AT,
  CTX_ZONE_REPLY_AT,
  FIELD_SOCKET,
  FIELD_TEE_OIF,
  MORE_SOCKET,
  MORE_SOCKET_TRANSPARENT,
  NF_ACCEPT,
  NF_DROP,
  RECORD_MORE_OFF,
  RULE_A_OFF,
  RULE_B_OFF,
  TARGET_ASK,
  TARGET_CONNMARK_RESTORE,
  TARGET_CONNMARK_SAVE,
  TARGET_CONNMARK_SET,
  TARGET_CONNMARK_SHIFT,
  TARGET_CT,
  TARGET_DNPT,
  TARGET_ECN,
  TARGET_HMARK,
  TARGET_HOPS,
  TARGET_MARK,
  TARGET_NAT,
  TARGET_NOTRACK,
  TARGET_QUEUE,
  TARGET_REJECT,
  TARGET_SET,
  TARGET_SNPT,
  TARGET_TEE,
  TARGET_TOS,
  TARGET_TPROXY,
} from './layout'
import { natTarget } from './nat'
import { translatePrefix } from './npt'
import { Queue } from './queue'
import { setTarget } from './set-target'
import { HeaderTarget } from './target-header'
import { Tee } from './tee'
import { Way } from './way'

/** No verdict: the next rule. */
export const TARGET_CONTINUE: i32 = -1

/** CT and NOTRACK mean only packets that conntrack has nothing of yet. */
function untouched(): bool {
  const asked = load<u32>(CTX_NOTRACK_AT)
  const free = asked === 0 || asked === CT_LOOKED
  return free && load<u32>(CTX_CT_AT) === 0 && load<u32>(CTX_CTINFO_AT) !== CTINFO_UNTRACKED
}

/** `shift`: bits to the left | bits to the right << 8. */
function connmark(target: u32, a: u32, ctmask: u32, shift: u32): void {
  const ct = load<u32>(CTX_CT_AT) as usize
  if (ct === 0) return
  const mark = load<u32>(CTX_MARK_AT)
  const left = shift & 31
  const right = (shift >>> 8) & 31
  if (target === TARGET_CONNMARK_SET) setCtMark(ct, (((ctMark(ct) & ~ctmask) ^ a) << left) >>> right)
  else if (target === TARGET_CONNMARK_SAVE) setCtMark(ct, (ctMark(ct) & ~ctmask) ^ (((mark & a) << left) >>> right))
  else store<u32>(CTX_MARK_AT, (mark & ~a) ^ (((ctMark(ct) & ctmask) << left) >>> right))
}

/** TPROXY: a transparent socket takes the packet; without one it is dropped. Kernel: net/netfilter/xt_TPROXY.c. */
function divert(value: u32, mask: u32): i32 {
  const more: u32 = load<u8>((load<u32>(CTX_RECORD_AT) as usize) + RECORD_MORE_OFF)
  if ((more & MORE_SOCKET) === 0) {
    Asked.need(FIELD_SOCKET)
    return NF_DROP
  }
  if ((more & MORE_SOCKET_TRANSPARENT) === 0) return NF_DROP
  store<u32>(CTX_MARK_AT, (load<u32>(CTX_MARK_AT) & ~mask) ^ value)
  Way.taken = true
  return NF_ACCEPT
}

/** Runs the target of a rule; `code` is the CODE section. NF_ACCEPT, NF_DROP or TARGET_CONTINUE. */
export function runTarget(target: u32, rule: usize, code: usize): i32 {
  const a = load<u32>(rule, RULE_A_OFF)
  const b = load<u32>(rule, RULE_B_OFF)
  switch (target) {
    case TARGET_NAT:
      return natTarget(a as i32, code + ((b as usize) << 2))
    case TARGET_REJECT:
      store<u32>(CTX_REJECT_AT, a + 1)
      return NF_DROP
    case TARGET_MARK:
      store<u32>(CTX_MARK_AT, (load<u32>(CTX_MARK_AT) & ~b) ^ a)
      return TARGET_CONTINUE
    case TARGET_CONNMARK_SET:
    case TARGET_CONNMARK_SAVE:
    case TARGET_CONNMARK_RESTORE:
      connmark(target, a, b, 0)
      return TARGET_CONTINUE
    case TARGET_HOPS:
      HeaderTarget.hops(a, b)
      return TARGET_CONTINUE
    case TARGET_TOS:
      HeaderTarget.tos(a, b)
      return TARGET_CONTINUE
    case TARGET_ECN:
      HeaderTarget.ecn(a, b)
      return TARGET_CONTINUE
    case TARGET_QUEUE:
      return Queue.verdict(a, b)
    case TARGET_TEE:
      Tee.send(code + ((a as usize) << 2))
      return Asked.stopped() ? NF_DROP : TARGET_CONTINUE
    case TARGET_ASK:
      if (a === FIELD_TEE_OIF && Tee.busy) return TARGET_CONTINUE
      Asked.need(a)
      return NF_DROP
    case TARGET_TPROXY:
      return divert(a, b)
    case TARGET_CONNMARK_SHIFT: {
      const words = code + ((a as usize) << 2)
      connmark(load<u32>(words), load<u32>(words, 4), load<u32>(words, 8), load<u32>(words, 12))
      return TARGET_CONTINUE
    }
    case TARGET_HMARK:
      return Hmark.act(code + ((a as usize) << 2)) ? TARGET_CONTINUE : NF_DROP
    case TARGET_NOTRACK:
      if (untouched()) {
        store<u32>(CTX_NOTRACK_AT, 1)
        store<u32>(CTX_CTINFO_AT, CTINFO_UNTRACKED)
      }
      return TARGET_CONTINUE
    case TARGET_CT:
      if (untouched()) {
        const mark = load<u32>(CTX_MARK_AT) & 0xffff
        store<u32>(CTX_NOTRACK_AT, 2)
        store<u32>(CTX_ZONE_AT, ((b & 1) !== 0 ? mark : a & 0xffff) | (((b >>> 8) & 255) << 16))
        store<u32>(CTX_ZONE_REPLY_AT, ((b & 2) !== 0 ? mark : a >> 16) | (((b >>> 16) & 255) << 16))
      }
      return TARGET_CONTINUE
    case TARGET_SNPT:
    case TARGET_DNPT:
      return translatePrefix(code + ((a as usize) << 2), target === TARGET_SNPT) ? TARGET_CONTINUE : NF_DROP
    case TARGET_SET:
      setTarget(code + ((a as usize) << 2))
      return TARGET_CONTINUE
    default:
      return TARGET_CONTINUE
  }
}
