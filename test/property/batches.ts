// Packets through `processBatch` in pieces of some size, and what is then known about them.
import type { Engine } from '../../src/engine/index.js'
import type { MissingFieldError } from '../../src/net/missing.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import { difference, type Outcome, stopped } from './support.js'

/** What a batch knows of its packets: no connections of single packets, traces when asked for. */
export function runBatches(engine: Engine, packets: readonly Packet[], size: number, trace: boolean): Outcome {
  const batch = engine.newBatch(Math.max(1, Math.min(size, packets.length)))
  const answers: Answer[] = []
  for (let from = 0; from < packets.length; ) {
    const part = packets.slice(from, from + size)
    batch.length = 0
    for (const [i, packet] of part.entries()) batch.set(i, packet, trace)
    const traces = new Map<number, Partial<Answer>>()
    let end: Answer | undefined
    let done = part.length
    try {
      done = engine.processBatch(batch, {
        onTrace: (i, t) =>
          traces.set(i, {
            trace: t.trace,
            steps: t.steps,
            ...(t.traceReply.length > 0 ? { trace_reply: t.traceReply } : {}),
            ...(t.flooded.length > 0 ? { flooded: t.flooded } : {}),
          }),
      })
    } catch (error) {
      done = (error as MissingFieldError).index ?? 0
      end = stopped(part[done]!, error)
    }
    if (done !== part.length && end === undefined) throw new Error(`${done} of ${part.length} packets were processed`)
    for (let i = 0; i < done; i++) answers.push({ ...batch.answer(i), ...(trace ? traces.get(i) : {}) })
    if (end !== undefined) answers.push(end)
    from += done + (end === undefined ? 0 : 1)
  }
  return { packets, answers, conntrack: engine.conntrack(), counters: engine.counters(), sets: engine.sets() }
}

/** Where a batched run differs from what was wanted, as far as a batch can tell. */
export function batchDifference(want: Outcome, got: Outcome, trace: boolean): string | null {
  const answers = want.answers.map(({ ct: _, trace: a, trace_reply: b, steps: c, flooded: d, ...rest }) => {
    if (!trace) return rest as Answer
    return {
      ...rest,
      ...(b ? { trace_reply: b } : {}),
      ...(a ? { trace: a } : {}),
      ...(c ? { steps: c } : {}),
      ...(d ? { flooded: d } : {}),
    } as Answer
  })
  return difference({ ...want, answers }, got)
}
