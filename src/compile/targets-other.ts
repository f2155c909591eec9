// The targets of netfilter/model-target.ts that need no more than a rule's target words.
import * as L from '../../assembly/layout.js'
import { TCP_CWR, TCP_ECE } from '../net/proto.js'
import type { OtherTarget } from '../netfilter/model-target.js'
import type { TargetWords } from './targets.js'

const HOPS = { set: L.HOPS_SET, inc: L.HOPS_INC, dec: L.HOPS_DEC } as const

function ecn(t: Extract<OtherTarget, { target: 'ECN' }>): TargetWords {
  const clear = (t.ece === 0 ? TCP_ECE : 0) | (t.cwr === 0 ? TCP_CWR : 0)
  const set = (t.ece === 1 ? TCP_ECE : 0) | (t.cwr === 1 ? TCP_CWR : 0)
  return [L.TARGET_ECN, clear | (set << 8), t.ect === undefined ? 0 : t.ect | 4]
}

function queue(t: Extract<OtherTarget, { target: 'NFQUEUE' }>): TargetWords {
  const more = (t.to ?? t.queue) - t.queue
  const flags = (t.bypass ? L.QUEUE_BYPASS : 0) | (t.cpuFanout ? L.QUEUE_CPU_FANOUT : 0)
  return [L.TARGET_QUEUE, (t.queue | (more << 16)) >>> 0, flags]
}

/** The target words; TARGET_NONE for what changes nothing here. */
export function otherTarget(t: OtherTarget): TargetWords {
  switch (t.target) {
    case 'TTL':
    case 'HL':
      return [L.TARGET_HOPS, HOPS[t.op], t.value]
    case 'DSCP':
      return [L.TARGET_TOS, t.dscp << 2, 0xfc]
    case 'TOS':
      return [L.TARGET_TOS, t.value, t.mask]
    case 'ECN':
      return ecn(t)
    case 'NFQUEUE':
      return queue(t)
    default:
      return [L.TARGET_NONE, 0, 0]
  }
}
