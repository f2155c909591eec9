// Random cases through the kernel and both engines, several namespaces at once; what differs is tried again, made small
// and kept, ready to be pinned.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Capabilities } from './capable.js'
import { type CaseOptions, type NamedCase, randomCases } from './cases.js'
import { compareRun } from './compare.js'
import { Machine, MachineError } from './machine.js'
import { type KernelRun, playKernel } from './play.js'
import { repeatFaults } from './repeat.js'
import { pinText, shrink } from './shrink.js'
import { Table } from './table.js'

export interface RunnerOptions extends CaseOptions {
  readonly cases: number
  /** Namespaces at once. */
  readonly jobs: number
  /** Cases before this one are not run. */
  readonly first?: number
  /** Folder for small cases that differ. */
  readonly keep?: string | undefined
  /** Most tries to make a case smaller; 0: none. */
  readonly budget?: number
  /** Runs of each case, compared as sets of outcomes; default 1: exactly, with the kernel's choices. */
  readonly repeat?: number
  readonly say: (text: string) => void
}

export interface Totals {
  cases: number
  packets: number
  /** Cases that differ, again and again. */
  different: number
  /** Cases that differed once and not when they were run again: at the edge of a tick of the kernel's clock. */
  fleeting: number
  /** Cases that the kernel did not load. */
  refused: number
  seconds: number
  readonly table: Table
}

const MOST_LINES = 14

export async function runCases(options: RunnerOptions): Promise<Totals> {
  const started = performance.now()
  const totals: Totals = { cases: 0, packets: 0, different: 0, fleeting: 0, refused: 0, seconds: 0, table: new Table() }
  const capable = new Capabilities()
  const cases = randomCases(options.cases, options)
  const { say } = options

  /** What loads as it is needs no questions. */
  const played = async (machine: Machine, given: NamedCase): Promise<{ it: NamedCase; run: KernelRun }> => {
    try {
      return { it: given, run: await playKernel(machine, given) }
    } catch (error) {
      if (!(error instanceof MachineError)) throw error
      const it = { ...given, namespace: await capable.fit(machine, given.namespace, given.backend) }
      return { it, run: await playKernel(machine, it) }
    }
  }

  const one = async (machine: Machine, given: NamedCase): Promise<void> => {
    let it: NamedCase
    let run: KernelRun
    try {
      it = { ...given, namespace: await capable.fit(null, given.namespace, given.backend) }
      if ((options.repeat ?? 1) > 1) {
        const apart = await repeatFaults(machine, it, options.repeat ?? 1)
        totals.cases++
        totals.packets += it.lines.length
        if (apart.length > 0) {
          totals.different++
          say(`DIFFERS ${it.name} (${it.backend})\n  ${apart.slice(0, MOST_LINES).join('\n  ')}\n`)
        }
        return
      }
      ;({ it, run } = await played(machine, it))
    } catch (error) {
      if (!(error instanceof MachineError)) throw new Error(`${given.name}: ${(error as Error).stack}`)
      totals.refused++
      say(`REFUSED ${given.name}: ${error.message}\n`)
      return
    }
    totals.cases++
    totals.packets += run.packets.length
    totals.table.add(run)
    let faults = compareRun(run)
    if (faults.length === 0) return
    run = await playKernel(machine, it)
    const again = compareRun(run)
    if (again.length === 0) {
      totals.fleeting++
      return say(`fleeting: ${it.name} (${it.backend}): ${faults.slice(0, 2).join(' ').slice(0, 400)}\n`)
    }
    faults = again
    totals.different++
    const small = options.budget === 0 ? null : await shrink(machine, it, options.budget)
    if (small !== null) ({ run, faults: (faults as readonly string[]) } = small)
    say(`DIFFERS ${it.name} (${it.backend})\n  ${faults.slice(0, MOST_LINES).join('\n  ')}\n`)
    const pin = pinText(`${it.name}, seed ${options.seed}`, { run })
    if (options.keep === undefined) {
      if (pin.length < 20_000) say(`to be pinned: ${pin}`)
      return
    }
    mkdirSync(options.keep, { recursive: true })
    writeFileSync(join(options.keep, `${it.name.replace(/\W+/g, '-')}.json`), pin)
    const whole = JSON.stringify(it, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v))
    writeFileSync(join(options.keep, `${it.name.replace(/\W+/g, '-')}.case`), whole)
  }

  let at = -1
  const worker = async (): Promise<void> => {
    const machine = new Machine()
    try {
      for (let next = cases.next(); !next.done; next = cases.next()) {
        at++
        if (at >= (options.first ?? 0)) await one(machine, next.value)
      }
    } finally {
      machine.close()
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, worker))
  totals.seconds = (performance.now() - started) / 1000
  return totals
}

export function summary(t: Totals): string {
  return `kernel: ${t.cases} cases, ${t.packets} packets: ${t.different} differ, ${t.fleeting} fleeting, ${t.refused} not loaded, ${t.seconds.toFixed(1)} s`
}
