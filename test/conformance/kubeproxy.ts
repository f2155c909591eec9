// Recorded kube-proxy facts: cases (objects → rules, packets → outcomes) and tables of facts, run against this library.
// Owns reading the case files and comparing; flows are run on whatever data plane it is given.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, clusterOf } from '../../src/kube/cluster.js'
import type { ProxyOptions } from '../../src/kube/proxy-options.js'
import { ProxyTracker } from '../../src/kube/proxy-tracker.js'
import { printRules } from '../../src/netfilter/print.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { runExtra } from './kubeproxy-extra.js'
import { type Flow, FlowRunner, rulesForFlows } from './kubeproxy-flows.js'
import { applyRestore, normalise, parseRestore, type State } from './kubeproxy-state.js'

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
  readonly tamper?: { readonly table: string; readonly appendRule: string }
  readonly restoreFails?: boolean
  readonly chainStillExists?: { readonly table: string; readonly chain: string }
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
  const options = optionsOf(it.config)
  let tracker: ProxyTracker | null = null
  // The chain that a jump leads to, which some rule sets do not declare.
  let state: State = new Map([['filter', new Map([['KUBE-FIREWALL', []]])]])
  let atMs = 0
  for (const [i, step] of it.steps.entries()) {
    const label = `${it.name}, step ${i}${step.description ? ` (${step.description})` : ''}`
    const cluster = clusterOf(step.objects)
    if (step.sync !== 'none') {
      // An hour makes a sync full; the steps of a case come one a minute.
      atMs += step.sync === 'full' ? 3_600_000 : 60_000
      const first = tracker === null
      tracker ??= new ProxyTracker(cluster, options)
      tracker.replace(cluster)
      const sync = tracker.sync(atMs)
      // The first one is full whatever a case calls it.
      if (!first) check(result, file, `${label}: kind of sync`, step.sync, sync.full ? 'full' : 'partial')
      const text = sync.restoreText()
      if (step.tamper) tamper(state, step.tamper)
      compareRules(step, text, file, label, result)
      const after = applyRestore(state, text)
      if (step.restoreFails !== undefined) {
        count(result, 'restores that fail')
        check(result, file, `${label}: the restore fails`, String(step.restoreFails), String(after === null))
      }
      if (after === null) tracker.failed()
      else {
        state = after
        // The rules as a model are those that the text leads to.
        const model = printRules(tracker.ruleset)
        check(result, file, `${label}: the model's chains`, chainsOf(state), chainsOf(kubeChains(model)))
      }
      if (step.chainStillExists) {
        count(result, 'chains that are still there')
        const { table, chain } = step.chainStillExists
        check(result, file, `${label}: ${chain}`, 'there', state.get(table)?.has(chain) ? 'there' : 'gone')
      }
      compareCounts(step, text, state, file, label, result)
    }
    if (step.flows.length > 0) runFlows(it, step, cluster, options, file, label, result, make)
  }
}

/** A foreign hand appends a rule. */
function tamper(state: State, { table, appendRule }: NonNullable<Step['tamper']>): void {
  const chain = appendRule.split(' ', 2)[1] as string
  state.get(table)?.get(chain)?.push(appendRule)
}

function chainsOf(state: State): string {
  return [...state]
    .flatMap(([table, chains]) => [...chains].map(([name, rules]) => `${table} ${name} ${rules.length}`))
    .sort()
    .join('\n')
}

/** The chains of kube-proxy in a saved text, with as many rules as they have. */
function kubeChains(text: string): State {
  const state: State = new Map()
  let table: Map<string, string[]> = new Map()
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = new Map()
      state.set(line.slice(1), table)
    } else if (line.startsWith(':KUBE-')) table.set(line.slice(1, line.indexOf(' ')), [])
    else if (line.startsWith('-A KUBE-')) table.get(line.split(' ', 2)[1] as string)?.push(line)
  }
  return state
}

function compareRules(step: Step, text: string, file: string, label: string, result: Result): void {
  if (step.expectedRules === null) return
  count(result, 'rulesets')
  const scope = step.expectedRulesScope
  if (scope) {
    const rules =
      parseRestore(text)
        .find((t) => t.table === scope.table)
        ?.rules.get(scope.chain) ?? []
    check(result, file, `${label}: ${scope.table} ${scope.chain}`, step.expectedRules, rules.join('\n'))
    return
  }
  check(result, file, label, step.expectedRules, normalise(text))
}

function compareCounts(step: Step, text: string, state: State, file: string, label: string, result: Result): void {
  const lines = text.split('\n')
  if (step.natRulesTotal !== undefined) {
    count(result, 'rule totals')
    const total = [...(state.get('nat')?.values() ?? [])].reduce((sum, rules) => sum + rules.length, 0)
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
