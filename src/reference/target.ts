// What the targets do to a packet. Kernel: net/netfilter/xt_mark.c, xt_connmark.c, xt_CT.c, xt_nat.c, xt_MASQUERADE.c,
// xt_REDIRECT.c, xt_NETMAP.c, xt_set.c, net/ipv6/netfilter/ip6t_NPT.c, net/ipv4/netfilter/ipt_REJECT.c. LOG, NFLOG,
// TCPMSS and CHECKSUM change nothing that is modelled.

import type { DropReason } from '../net/packet.js'
import type { HookName, Target } from '../netfilter/model.js'
import type { MatchContext } from './asked.js'
import { bindByNetmap, bindByTarget } from './nat.js'
import { translatePrefix } from './npt.js'
import { reject } from './reject.js'
import { noEther } from './set-element.js'
import { actOther } from './target-other.js'
import type { Skb, World, Zone } from './types.js'

/** `drop` by the rule itself; with a reason when it could not do its work. */
export type Outcome =
  | 'continue'
  | 'accept'
  /** Accepted without what would come after the chain (nat's null binding). */
  | 'bypass'
  | 'drop'
  | { readonly reason: DropReason }
  | { readonly queue: number }

type Acting = Exclude<Target, { target: 'ACCEPT' | 'DROP' | 'RETURN' | 'jump' | 'goto' }>

function shifted(mark: number, shift = 0): number {
  return (shift < 0 ? mark >>> -shift : mark << shift) >>> 0
}

function setConnmark(skb: Skb, t: Extract<Target, { target: 'CONNMARK' }>): void {
  const flow = skb.connection
  if (flow === null) return
  if (t.op === 'set') flow.mark = shifted((flow.mark & ~t.ctmask) ^ t.value, t.shift)
  else if (t.op === 'save') flow.mark = ((flow.mark & ~t.ctmask) ^ shifted(skb.mark & t.nfmask, t.shift)) >>> 0
  else skb.mark = ((skb.mark & ~t.nfmask) ^ shifted(flow.mark & t.ctmask, t.shift)) >>> 0
}

function setTracking(skb: Skb, t: Extract<Target, { target: 'CT' | 'NOTRACK' }>): void {
  if (skb.connection !== null || skb.state === 'UNTRACKED' || skb.template !== null) return
  if (t.target === 'NOTRACK' || t.notrack) {
    skb.state = 'UNTRACKED'
    return
  }
  const asked = t.zone ?? t.zoneOrig ?? t.zoneReply ?? 0
  const directions = t.zoneOrig !== undefined ? 'original' : t.zoneReply !== undefined ? 'reply' : 'both'
  const zone: Zone = { id: asked === 'mark' ? skb.mark & 0xffff : asked, directions }
  skb.template = zone
  skb.attached = t
}

/** Adds, deletes, maps, in this order. */
function changeSets(world: World, skb: Skb, { add, del, map }: Extract<Target, { target: 'SET' }>): void {
  if (add !== undefined) world.sets.add(skb, add.name, add, noEther)
  if (del !== undefined) world.sets.delete(skb, del.name, del.dirs, noEther)
  if (map === undefined) return
  const info = { mark: 0, markMask: 0 }
  if (world.sets.test(skb, map.name, { dirs: map.dirs }, noEther, info) && map.mark)
    skb.mark = ((skb.mark & ~info.markMask) ^ info.mark) >>> 0
}

/** Carries out a target that is neither a verdict nor a way to another chain. */
export function act(skb: Skb, target: Acting, hook: HookName, context: MatchContext): Outcome {
  const { world } = context
  switch (target.target) {
    case 'MARK':
      skb.mark = ((skb.mark & ~target.mask) ^ target.value) >>> 0
      return 'continue'
    case 'CONNMARK':
      setConnmark(skb, target)
      return 'continue'
    case 'CT':
    case 'NOTRACK':
      setTracking(skb, target)
      return 'continue'
    case 'LOG':
    case 'NFLOG':
    case 'TCPMSS':
    case 'CHECKSUM':
      return 'continue'
    case 'SET':
      changeSets(world, skb, target)
      return 'continue'
    case 'REJECT':
      reject(world, skb, target.with)
      return 'drop'
    case 'DNAT':
    case 'SNAT':
    case 'MASQUERADE':
    case 'REDIRECT':
      return bindByTarget(world, skb, target, hook)
    case 'NETMAP':
      return bindByNetmap(world, skb, target.to, hook)
    case 'SNPT':
    case 'DNPT':
      return translatePrefix(world, skb, target)
    default:
      return actOther(skb, target, context, hook)
  }
}
