// Recorded kube-proxy facts: cases (objects → rules, packets → outcomes) and tables of facts, run against this library.
// Owns reading the case files and comparing; flows are run on whatever data plane it is given.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, clusterOf } from '../../src/kube/cluster.js'
import { proxyRestoreText } from '../../src/kube/proxy.js'
import type { ProxyOptions } from '../../src/kube/proxy-options.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { runExtra } from './kubeproxy-extra.js'
import { type Flow, FlowRunner, rulesForFlows } from './kubeproxy-flows.js'
import { applyRestore, normalise, parseRestore, type State, stateText } from './kubeproxy-state.js'

/** What a run of conformance cases found. */
export interface Result {
  readonly name: string
  passed: number
  readonly failed: { file: string; name: string; expected: string; got: string }[]
  readonly notCovered: { name: string; reason: string }[]
  readonly counts: Record<string, number>
}

/** Makes a data plane; absent: flows are counted as not covered. */
export type MakeDataPlane = (ns: NetworkNamespace) => DataPlane

export interface Config {
  readonly nodeName: string
  readonly nodeIP: string
  readonly nodeIPs: readonly string[]
  readonly interfaces: readonly { readonly name: string; readonly addresses: readonly string[] }[]
  readonly ipFamily: 'IPv4' | 'IPv6'
  readonly detectLocal: { readonly mode: string; readonly value?: string }
  readonly masqueradeAll: boolean
  readonly masqueradeBit: number
  readonly masqueradeMark: string
  readonly snatNodeInternalIP: boolean
  readonly localhostNodePorts: boolean
  readonly nodePortAddresses: readonly string[] | null
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly randomFully: boolean
  readonly conntrackTCPLiberal: boolean
  readonly nfacctCounters: Readonly<Record<string, boolean>>
}

interface Step {
  readonly sync: 'full' | 'partial' | 'none'
  readonly objects: readonly { readonly apiVersion?: string; readonly kind?: string }[]
  readonly description?: string
  readonly expectedRules: string | null
  readonly expectedRulesScope?: { readonly table: string; readonly chain: string }
  readonly flows: readonly Flow[]
  readonly inputRules?: string
  readonly restoreChecks?: {
    readonly sepDnatRules: number
    readonly sepDnatRulesWithComment: number | null
    readonly containsLines: readonly string[]
    readonly notContains: readonly string[]
  }
  readonly ruleChecks?: readonly {
    readonly table: string
    readonly chain: string
    readonly destination: string
    readonly present: boolean
  }[]
  readonly natRulesTotal?: number
}

interface Case {
  readonly name: string
  readonly upstream: boolean
  readonly checks: readonly string[]
  readonly config: Config
  readonly steps: readonly Step[]
}

const KNOWN_CHECKS = new Set([
  'flows',
  'expectedRules',
  'ruleChecks',
  'restoreChecks',
  'natRulesTotal',
  'restoreFails',
  'chainStillExists',
])

/** The options that a case's `config` stands for. */
export function optionsOf(config: Config): ProxyOptions {
  const family = config.ipFamily === 'IPv6' ? 'ipv6' : 'ipv4'
  const { mode, value = '' } = config.detectLocal
  return {
    family,
    nodeName: config.nodeName,
    nodeIP: config.nodeIP,
    zone: config.nodeLabels['topology.kubernetes.io/zone'] ?? '',
    nodeAddresses: config.interfaces
      .flatMap((i) => i.addresses.map((a) => a.slice(0, a.indexOf('/'))))
      .filter((a) => a.includes(':') === (family === 'ipv6')),
    detectLocal: mode === 'ClusterCIDR' || mode === 'NodeCIDR' ? { mode, cidr: value } : { mode: 'none' },
    masqueradeAll: config.masqueradeAll,
    masqueradeBit: config.masqueradeBit,
    masqueradeMark: config.masqueradeMark,
    snatNodeInternalIP: config.snatNodeInternalIP,
    localhostNodePorts: config.localhostNodePorts,
    nodePortAddresses: config.nodePortAddresses ?? [],
    randomFully: config.randomFully,
    conntrackTcpBeLiberal: config.conntrackTCPLiberal,
    nfacct: config.nfacctCounters,
  }
}

/** Runs everything below `dir` (a folder with `cases/` and `extra/`). */
export function runKubeproxy(dir: string, makeDataPlane?: MakeDataPlane): Result {
  const result: Result = { name: 'kubeproxy', passed: 0, failed: [], notCovered: [], counts: {} }
  const files = (folder: string) =>
    existsSync(join(dir, folder))
      ? readdirSync(join(dir, folder))
          .filter((f) => f.endsWith('.json'))
          .sort()
      : []
  for (const file of files('cases')) {
    count(result, 'files')
    runCase(JSON.parse(readFileSync(join(dir, 'cases', file), 'utf8')), `cases/${file}`, result, makeDataPlane)
  }
  for (const file of files('extra')) {
    count(result, 'files')
    runExtra(JSON.parse(readFileSync(join(dir, 'extra', file), 'utf8')) as never, `extra/${file}`, result)
  }
  if (!result.counts['files']) {
    result.failed.push({ file: dir, name: 'case files', expected: 'at least one', got: 'none' })
  }
  return result
}

/** Counts one comparison. */
export function check(result: Result, file: string, name: string, expected: string, got: string): void {
  if (expected === got) result.passed++
  else result.failed.push({ file, name, expected, got })
}

export function count(result: Result, what: string): void {
  result.counts[what] = (result.counts[what] ?? 0) + 1
}

function runCase(it: Case, file: string, result: Result, make: MakeDataPlane | undefined): void {
  for (const kind of it.checks) {
    if (!KNOWN_CHECKS.has(kind)) {
      result.failed.push({ file, name: `check '${kind}'`, expected: 'a kind that is known', got: kind })
    }
  }
  if (!it.upstream && process.env['CONFORMANCE_UNRELEASED'] !== '1') {
    const reason = 'an open change request, in no released kube-proxy (CONFORMANCE_UNRELEASED=1 runs it)'
    result.notCovered.push({ name: it.name, reason })
    return
  }
  for (const kind of ['restoreFails', 'chainStillExists']) {
    if (it.checks.includes(kind)) {
      result.notCovered.push({
        name: `${it.name}: ${kind}`,
        reason: 'partial syncs: the whole rule set is written here',
      })
    }
  }
  const options = optionsOf(it.config)
  let state: State | null = null
  for (const [i, step] of it.steps.entries()) {
    const label = `${it.name}, step ${i}${step.description ? ` (${step.description})` : ''}`
    const cluster = clusterOf(step.objects)
    if (step.sync !== 'none') {
      const text = proxyRestoreText(cluster, options)
      state = compareRules(step, text, state, file, label, result)
      compareCounts(step, text, file, label, result)
    }
    if (step.flows.length > 0) runFlows(it, step, cluster, options, file, label, result, make)
  }
}

function compareRules(
  step: Step,
  text: string,
  state: State | null,
  file: string,
  label: string,
  result: Result,
): State | null {
  if (step.expectedRules === null) return state
  count(result, 'rulesets')
  const scope = step.expectedRulesScope
  if (scope) {
    const rules =
      parseRestore(text)
        .find((t) => t.table === scope.table)
        ?.rules.get(scope.chain) ?? []
    check(result, file, `${label}: ${scope.table} ${scope.chain}`, step.expectedRules, rules.join('\n'))
    return state
  }
  const ours = normalise(text)
  if (step.sync === 'full' && state === null) {
    check(result, file, label, step.expectedRules, ours)
    return applyRestore(new Map(), step.expectedRules)
  }
  // A partial sync leaves out what did not change: what counts is the state that it leads to.
  const after = applyRestore(state ?? new Map(), step.expectedRules)
  if (after === null) {
    result.notCovered.push({ name: `${label}: the restore fails`, reason: 'a foreign rule of the test is in the way' })
    return state
  }
  check(result, file, `${label}: state after it`, stateText(after), ours)
  return after
}

function compareCounts(step: Step, text: string, file: string, label: string, result: Result): void {
  const lines = text.split('\n')
  if (step.natRulesTotal !== undefined) {
    count(result, 'rule totals')
    const rules = [
      ...(parseRestore(text)
        .find((t) => t.table === 'nat')
        ?.rules.values() ?? []),
    ]
    const total = rules.reduce((sum, r) => sum + r.length, 0)
    check(result, file, `${label}: rules in nat`, String(step.natRulesTotal), String(total))
  }
  for (const want of step.ruleChecks ?? []) {
    count(result, 'rule checks')
    const rules =
      parseRestore(text)
        .find((t) => t.table === want.table)
        ?.rules.get(want.chain) ?? []
    const present = rules.some((r) => new RegExp(` -d ${want.destination.replaceAll('.', '\\.')} `).test(r))
    check(result, file, `${label}: -d ${want.destination} in ${want.chain}`, String(want.present), String(present))
  }
  const want = step.restoreChecks
  if (want === undefined) return
  count(result, 'restore checks')
  for (const line of want.containsLines) {
    check(result, file, `${label}: line`, line, lines.includes(line) ? line : 'no such line')
  }
  for (const part of want.notContains) {
    check(result, file, `${label}: must not contain ${part}`, 'false', String(text.includes(part)))
  }
  if (step.sync === 'partial') {
    result.notCovered.push({
      name: `${label}: rule counts`,
      reason: 'partial syncs: the whole rule set is written here',
    })
    return
  }
  const dnat = lines.filter((l) => l.startsWith('-A KUBE-SEP-') && l.includes(' -j DNAT '))
  check(result, file, `${label}: DNAT rules`, String(want.sepDnatRules), String(dnat.length))
  if (want.sepDnatRulesWithComment === null) return
  const commented = dnat.filter((l) => l.includes('--comment'))
  check(result, file, `${label}: with a comment`, String(want.sepDnatRulesWithComment), String(commented.length))
}

function runFlows(
  it: Case,
  step: Step,
  cluster: Cluster,
  options: ProxyOptions,
  file: string,
  label: string,
  result: Result,
  make: MakeDataPlane | undefined,
): void {
  const runner = make && new FlowRunner(it.config, rulesForFlows(cluster, options, step.inputRules), make)
  for (const flow of step.flows) {
    const name = `${label}: ${flow.name}`
    if (runner === undefined) {
      result.notCovered.push({ name, reason: 'no data plane was given' })
      continue
    }
    count(result, 'flows')
    const { expected, got } = runner.run(flow)
    check(result, file, name, expected, got)
  }
}
