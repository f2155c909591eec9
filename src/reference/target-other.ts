// What the targets of netfilter/model-target.ts do. Kernel: net/netfilter/xt_HL.c, xt_DSCP.c, xt_NFQUEUE.c, xt_TPROXY.c,
// net/ipv4/netfilter/ipt_ECN.c, net/netfilter/nf_queue.c (nf_queue).

import { addressWords } from '../net/ip.js'
import { formatTcpFlags, parseTcpFlags } from '../net/proto.js'
import type { HookName } from '../netfilter/model.js'
import type { OtherTarget } from '../netfilter/model-target.js'
import { ask, type MatchContext } from './asked.js'
import { markByHash } from './hmark.js'
import type { Outcome } from './target.js'
import { protoOf } from './tuple.js'
import type { Skb } from './types.js'

type Of<K extends OtherTarget['target']> = Extract<OtherTarget, { readonly target: K }>

const ECE = 64
const CWR = 128

function setHops(skb: Skb, t: Of<'TTL' | 'HL'>): void {
  const hops = skb.packet.ttl ?? 64
  const wanted = t.op === 'set' ? t.value : t.op === 'inc' ? hops + t.value : hops - t.value
  skb.packet.ttl = Math.max(0, Math.min(255, wanted))
}

function setEcn(skb: Skb, t: Of<'ECN'>): void {
  const { packet } = skb
  if (t.ect !== undefined) packet.tos = ((packet.tos ?? 0) & ~3) | t.ect
  if (protoOf(packet) !== 6) return
  let flags = parseTcpFlags(packet.flags ?? '') ?? 0
  if (t.ece !== undefined) flags = t.ece === 1 ? flags | ECE : flags & ~ECE
  if (t.cwr !== undefined) flags = t.cwr === 1 ? flags | CWR : flags & ~CWR
  packet.flags = formatTcpFlags(flags)
}

/** Nobody listens here: the packet is lost in the queue, or goes on when the rule says so. */
function enqueue(skb: Skb, t: Of<'NFQUEUE'>, context: MatchContext): Outcome {
  if (t.bypass) return 'bypass'
  const total = (t.to ?? t.queue) - t.queue + 1
  if (total === 1) return { queue: t.queue }
  if (t.cpuFanout) return { queue: t.queue + ((context.world.given?.cpu ?? ask('cpu', context)) % total) }
  const { src, dst } = skb.packet
  const mixed = [...addressWords(src), ...addressWords(dst), protoOf(skb.packet)].reduce(
    (all, word) => (all ^ word) >>> 0,
    0,
  )
  return { queue: t.queue + context.world.draws.queue(mixed, total) }
}

/** A transparent socket takes the packet; without one the kernel drops it. */
function divert(skb: Skb, t: Of<'TPROXY'>, context: MatchContext): Outcome {
  const socket = skb.packet.socket ?? ask('socket', context)
  if (!socket.startsWith('transparent')) return 'drop'
  skb.mark = ((skb.mark & ~t.mask) ^ t.value) >>> 0
  skb.taken = true
  return 'accept'
}

/** Carries out one of these targets. */
export function actOther(skb: Skb, target: OtherTarget, context: MatchContext, hook: HookName): Outcome {
  switch (target.target) {
    case 'TTL':
    case 'HL':
      setHops(skb, target)
      return 'continue'
    case 'DSCP':
      skb.packet.tos = ((skb.packet.tos ?? 0) & 3) | (target.dscp << 2)
      return 'continue'
    case 'TOS':
      skb.packet.tos = ((skb.packet.tos ?? 0) & ~target.mask) ^ target.value
      return 'continue'
    case 'ECN':
      setEcn(skb, target)
      return 'continue'
    case 'NFQUEUE':
      return enqueue(skb, target, context)
    case 'SYNPROXY':
      return ask('SYNPROXY', context)
    case 'TEE':
      if (target.oif !== undefined && !context.world.copying) return ask('TEE --oif', context)
      context.world.copy(skb, target.gateway, hook)
      return 'continue'
    case 'HMARK':
      markByHash(skb, target, context)
      return 'continue'
    case 'TPROXY':
      return divert(skb, target, context)
    default:
      return 'continue'
  }
}
