// NFQUEUE: which queue a packet goes to. Nobody listens here: it is lost there, or goes on when the rule says so.
// Kernel: net/netfilter/xt_NFQUEUE.c, nf_queue.c (nf_queue).
import { Asked } from './asked'
import {
  CTX_DST_AT,
  CTX_PROTO_AT,
  CTX_RECORD_AT,
  CTX_SRC_AT,
  FIELD_CPU,
  NF_ACCEPT,
  NF_DROP,
  QUEUE_BYPASS,
  QUEUE_CPU_FANOUT,
  RECORD_CPU_OFF,
  RECORD_HAS_CPU,
  RECORD_HAS_OFF,
} from './layout'
import { prfOfSeed } from './random'

const PURPOSE_QUEUE: u32 = 9

export class Queue {
  /** Number of the queue + 1 in which the packet was lost; 0 = none. */
  static number: u32 = 0
  /** The last verdict came from a queue that was passed by. */
  static passed: bool = false

  static verdict(queues: u32, flags: u32): i32 {
    if ((flags & QUEUE_BYPASS) !== 0) {
      Queue.passed = true
      return NF_ACCEPT
    }
    const total = (queues >>> 16) + 1
    let queue = queues & 0xffff
    if (total > 1) {
      if ((flags & QUEUE_CPU_FANOUT) !== 0) {
        const record = <usize>load<u32>(CTX_RECORD_AT)
        if ((load<u8>(record + RECORD_HAS_OFF) & RECORD_HAS_CPU) === 0) {
          Asked.need(FIELD_CPU)
          return NF_DROP
        }
        queue += load<u32>(record + RECORD_CPU_OFF) % total
      } else queue += <u32>(((prfOfSeed(PURPOSE_QUEUE, Queue.flow()) >> 32) * (total as u64)) >> 32)
    }
    Queue.number = queue + 1
    return NF_DROP
  }

  /** The same number in both directions. */
  private static flow(): u32 {
    let mixed = load<u32>(CTX_PROTO_AT)
    for (let i: i32 = 0; i < 16; i += 4) mixed ^= load<u32>(CTX_SRC_AT + i) ^ load<u32>(CTX_DST_AT + i)
    return mixed
  }
}
