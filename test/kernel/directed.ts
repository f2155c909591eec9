// Cases written for the kernel test: rules and packets of one subject, for either family, run through the kernel and compared
// with both engines. What differs once and not again was at the edge of a tick.
import type { Backend, Family } from '../../src/netfilter/model.js'
import type { PolicyRule, Route } from '../../src/netns/model.js'
import { namespace } from '../reference/scene.js'
import { compareRun } from './compare.js'
import type { Machine } from './machine.js'
import { type KernelRun, playKernel } from './play.js'

export type Line = Readonly<Record<string, unknown>>

/** The two ends of the small host of test/reference/scene.ts: beyond eth0, and beyond pod0. */
export const ENDS: Readonly<Record<Family, readonly [string, string]>> = {
  ipv4: ['192.168.0.50', '10.244.0.5'],
  ipv6: ['fd00::50', 'fd00:10:244::5'],
}

export interface Directed {
  readonly family: Family
  /** Rule lines by table, of the family. */
  readonly rules: Readonly<Record<string, string>>
  readonly sysctls?: Readonly<Record<string, string>>
  readonly policyRules?: readonly PolicyRule[]
  readonly routes?: readonly (Partial<Route> & { readonly dst: string })[]
  readonly lines: readonly Line[]
  readonly backend?: Backend
}

const TRIES = 3

/** Runs a case; what differs each time, and the last run. */
export async function runDirected(
  machine: Machine,
  it: Directed,
): Promise<{ readonly faults: readonly string[]; readonly run: KernelRun }> {
  const backend = it.backend ?? 'legacy'
  const rules = it.family === 'ipv4' ? { rules: it.rules } : { rules6: it.rules }
  const { sysctls = {}, policyRules = [], routes = [] } = it
  const lines = it.lines.map((line, i) => ({ id: i + 1, at_ms: 0, ...line }))
  const given = { namespace: namespace({ ...rules, backend, sysctls, policyRules, routes }), lines, backend }
  for (let n = 1; ; n++) {
    const run = await playKernel(machine, given)
    const faults = compareRun(run)
    if (faults.length === 0 || n === TRIES) return { faults, run }
  }
}

/** How many packets of a run matched rule `n` of a chain. */
export function matched(run: KernelRun, chain: string, n: number): number {
  const line = `${chain}:rule:${n}`
  return run.answers.filter((a) => a.trace.includes(line)).length
}
