// From a case in which the kernel and an engine differ to a small one, and that one as test/pinned/kernel-cases/ holds it.
import { candidates, type Shrinkable } from '../property/minimise.js'
import { compareRun } from './compare.js'
import { type Machine, MachineError } from './machine.js'
import { type KernelCase, type KernelRun, playKernel } from './play.js'

/** What kind of difference it is: the first that is said, without its values. */
function kindOf(faults: readonly string[]): string {
  const fault = faults.find((f) => !f.startsWith('packet ')) ?? ''
  return fault.startsWith('counters') ? 'counters' : fault.replace(/:[^:]*$/s, '').slice(0, 40)
}

async function differs(machine: Machine, it: KernelCase): Promise<{ run: KernelRun; faults: string[] } | null> {
  try {
    const run = await playKernel(machine, it)
    const faults = compareRun(run)
    return faults.length > 0 ? { run, faults } : null
  } catch (error) {
    if (error instanceof MachineError) return null
    throw error
  }
}

/** Lines after the one that differs say nothing. */
function upTo(it: KernelCase, run: KernelRun, faults: readonly string[]): KernelCase {
  const n = /^packet (\d+)/.exec(faults[0] ?? '')?.[1]
  const id = n === undefined ? undefined : run.packets[Number(n)]?.id
  const last = it.lines.findIndex((line) => (line as { id?: unknown }).id === id)
  return last < 0 ? it : { ...it, lines: it.lines.slice(0, last + 1) }
}

export interface Small {
  readonly it: KernelCase
  readonly run: KernelRun
  readonly faults: readonly string[]
}

/** The smallest case found that still differs in the same way; null when it does not even do so again. */
export async function shrink(machine: Machine, start: KernelCase, budget = 250): Promise<Small | null> {
  const first = await differs(machine, start)
  if (first === null) return null
  let best: Small = { it: start, ...first }
  const kind = kindOf(first.faults)
  type Candidate = Shrinkable & { backend: KernelCase['backend'] }
  const asCase = (c: Candidate): KernelCase => ({ namespace: c.namespace, lines: c.packets, backend: c.backend })
  let cut = upTo(start, first.run, first.faults)
  // Mostly time has nothing to do with it, and then nothing has to be waited for.
  const atOnce = { ...cut, lines: cut.lines.map((line) => ({ ...line, at_ms: 0 })) }
  const quick = await differs(machine, atOnce)
  if (quick !== null && kindOf(quick.faults) === kind) {
    best = { it: atOnce, ...quick }
    cut = upTo(atOnce, quick.run, quick.faults)
  }
  const search = candidates<Candidate>({ namespace: cut.namespace, packets: cut.lines, backend: cut.backend }, budget)
  for (let at = search.next(); at.done !== true; ) {
    const it = asCase(at.value)
    const found = await differs(machine, it)
    const still = found !== null && kindOf(found.faults) === kind
    if (still) best = { it, ...found }
    at = search.next(still)
  }
  return best
}

/** The text of a file that pins what the kernel did. */
export function pinText(note: string, { run }: Pick<Small, 'run'>): string {
  const { namespace, files, packets, answers, backend } = run
  const pin = { note, backend, forceConntrack: namespace.forceConntrack, files, packets, answers }
  return `${JSON.stringify(pin)}\n`
}
