// The same case several times: what the kernel draws at random makes a set of outcomes for each packet, and so do the
// seeds of an engine. The sets have to meet.
import { Engine } from '../../src/engine/index.js'
import type { Answer } from '../../src/net/packet.js'
import type { Machine } from './machine.js'
import type { KernelAnswer } from './observe.js'
import { type KernelCase, type KernelRun, playKernel } from './play.js'

/** More seeds than runs: an engine is quick. */
const SEEDS = 100

/** Where a packet went, without the ports that were chosen for it. */
function outcome({ verdict, out_iface, in_iface, src, dst }: Answer | KernelAnswer): string {
  return [verdict === ('queue' as string) ? 'drop' : verdict, out_iface ?? in_iface ?? '', src ?? '', dst ?? ''].join(
    ' ',
  )
}

/** Packets whose sets of outcomes do not meet, a line each. `times` runs of the kernel. */
export async function repeatFaults(machine: Machine, it: KernelCase, times: number): Promise<string[]> {
  const first = await playKernel(machine, it)
  // The packets of the first run, so that all runs are of the same.
  const concrete: KernelCase = { ...it, lines: first.packets.map((p) => ({ ...p, at_ms: p.at_ms ?? 0 })) }
  const runs: KernelRun[] = [first]
  while (runs.length < times) runs.push(await playKernel(machine, concrete))
  const ours: Set<string>[] = first.packets.map(() => new Set())
  for (let seed = 0; seed < SEEDS; seed++) {
    const engine = new Engine(first.namespace, { seed, maxConnections: 4096 })
    for (const [i, packet] of first.packets.entries()) ours[i]!.add(outcome(engine.process(packet)))
  }
  return first.packets.flatMap((packet, i) => {
    const theirs = new Set(runs.flatMap((r) => (r.answers[i] === undefined ? [] : [outcome(r.answers[i]!)])))
    if ([...theirs].some((o) => ours[i]!.has(o))) return []
    return [`packet ${String(packet.id)}: kernel ${[...theirs].join(' | ')}, engine ${[...ours[i]!].join(' | ')}`]
  })
}
