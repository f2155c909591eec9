// Tables of facts about kube-proxy that are neither flows nor rule sets: probabilities, endpoint choice and maps, service
// maps, gauges. A table that is unknown is a failure.
import { clusterOf } from '../../src/kube/cluster.js'
import { chooseEndpoints, type Endpoint, endpointsByPort, localReadyCounts } from '../../src/kube/endpoints.js'
import type { KubeEndpointSlice, KubeService } from '../../src/kube/objects.js'
import { proxyCounts } from '../../src/kube/proxy.js'
import { probabilityBits, probabilityText } from '../../src/kube/proxy-rule.js'
import { ProxyTracker } from '../../src/kube/proxy-tracker.js'
import { servicePorts, usesClusterEndpoints, usesLocalEndpoints } from '../../src/kube/service-ports.js'
import { type Config, check, count, optionsOf, type Result } from './kubeproxy.js'

type Objects = readonly { readonly apiVersion?: string; readonly kind?: string }[]

/** Runs one file of `extra/`. */
export function runExtra(data: never, file: string, result: Result): void {
  const run = TABLES[file.slice(file.indexOf('/') + 1)]
  if (run === undefined) {
    result.failed.push({ file, name: 'table', expected: `one of ${Object.keys(TABLES).join(', ')}`, got: file })
    return
  }
  run(data, file, result)
}

const TABLES: Record<string, (data: never, file: string, result: Result) => void> = {
  'compute-probability.json': probability,
  'categorize-endpoints.json': categorize,
  'endpoints-map.json': endpointsMap,
  'service-map.json': serviceMap,
  'no-endpoints-metric.json': gauges,
}

function probability(data: { expected: Record<string, string> }, file: string, result: Result): void {
  for (const [n, text] of Object.entries(data.expected)) {
    count(result, 'table rows')
    check(result, file, `1/${n}`, text, probabilityText(Number(n)))
  }
  let rising = true
  for (let n = 100000; n > 2; n--) if (Number(probabilityText(n)) >= Number(probabilityText(n - 1))) rising = false
  check(result, file, 'rises strictly from 100000 down to 2', 'true', String(rising))
  check(result, file, '1/2 in the kernel', String(2 ** 30), String(probabilityBits(probabilityText(2))))
}

interface Row {
  readonly name: string
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly service: {
    readonly internalPolicyLocal: boolean
    readonly externalPolicyLocal: boolean
    readonly nodePort: number
  }
  readonly endpoints: readonly {
    readonly endpoint: string
    readonly zoneHints: readonly string[] | null
    readonly ready: boolean
    readonly serving: boolean
    readonly terminating: boolean
    readonly isLocal: boolean
  }[]
  readonly expected: {
    readonly clusterEndpoints: readonly string[] | null
    readonly localEndpoints: readonly string[] | null
    readonly allReachableEndpoints: readonly string[] | null
    readonly hasAnyEndpoints: boolean
  }
}

function categorize(data: { cases: readonly Row[] }, file: string, result: Result): void {
  for (const row of data.cases) {
    count(result, 'table rows')
    const port = { ...row.service, externalIPs: [], loadBalancerIPs: [] }
    const endpoints: Endpoint[] = row.endpoints.map((e) => ({
      text: e.endpoint,
      ip: e.endpoint.slice(0, e.endpoint.indexOf(':')),
      port: 80,
      local: e.isLocal,
      ready: e.ready,
      serving: e.serving,
      terminating: e.terminating,
      zoneHints: e.zoneHints ?? [],
      nodeHints: [],
      nodeName: '',
      pod: '',
    }))
    const zone = row.nodeLabels['topology.kubernetes.io/zone'] ?? ''
    const choice = chooseEndpoints(port, endpoints, { name: 'test-node', zone })
    // In the table null says "never uses this kind"; a service without endpoints has null or [] alike there.
    const list = (some: readonly string[] | null) => JSON.stringify([...(some ?? [])].sort())
    const ours = (some: readonly Endpoint[]) => JSON.stringify(some.map((e) => e.text).sort())
    check(result, file, `${row.name}: cluster`, list(row.expected.clusterEndpoints), ours(choice.cluster))
    check(result, file, `${row.name}: local`, list(row.expected.localEndpoints), ours(choice.local))
    check(result, file, `${row.name}: all`, list(row.expected.allReachableEndpoints), ours(choice.all))
    check(result, file, `${row.name}: any`, String(row.expected.hasAnyEndpoints), String(choice.has))
    if (row.expected.clusterEndpoints !== null && row.endpoints.length > 0) {
      check(result, file, `${row.name}: uses cluster endpoints`, 'true', String(usesClusterEndpoints(port)))
    }
    if (row.expected.localEndpoints !== null && row.endpoints.length > 0) {
      check(result, file, `${row.name}: uses local endpoints`, 'true', String(usesLocalEndpoints(port)))
    }
  }
}

interface MapRow {
  readonly name: string
  readonly previous: readonly KubeEndpointSlice[]
  readonly current: readonly KubeEndpointSlice[]
  readonly previousMap: Readonly<Record<string, unknown>>
  readonly currentMap: Readonly<Record<string, unknown>>
  readonly conntrackCleanupRequired: boolean
  readonly localReadyEndpoints: Readonly<Record<string, number>>
}

function endpointsMap(data: { cases: readonly MapRow[] }, file: string, result: Result): void {
  const sorted = (map: Readonly<Record<string, unknown>>) =>
    JSON.stringify(Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))))
  for (const row of data.cases) {
    count(result, 'table rows')
    const seen = (slices: readonly KubeEndpointSlice[]) =>
      endpointsByPort({ ...clusterOf([]), endpointSlices: slices }, 'ipv4', 'test-node')
    const shown = (map: ReadonlyMap<string, readonly Endpoint[]>) =>
      sorted(Object.fromEntries([...map].map(([k, v]) => [k, v.map((e) => ({ endpoint: e.text, isLocal: e.local }))])))
    check(result, file, `${row.name}: before`, sorted(row.previousMap), shown(seen(row.previous)))
    const current = seen(row.current)
    check(result, file, `${row.name}: after`, sorted(row.currentMap), shown(current))
    const local = sorted(Object.fromEntries(localReadyCounts(current)))
    check(result, file, `${row.name}: local ready`, sorted(row.localReadyEndpoints), local)
    const cleanup = String(row.conntrackCleanupRequired)
    check(result, file, `${row.name}: conntrack clean-up`, cleanup, String(cleansUp(row)))
  }
}

/** Does a sync after the change look for stale connections? The Services, which the table leaves out, do not change. */
function cleansUp(row: MapRow): boolean {
  const ports = new Map<string, object[]>()
  for (const key of new Set([...Object.keys(row.previousMap), ...Object.keys(row.currentMap)])) {
    const [service = '', port = ''] = key.split(':')
    const [name, protocol] = port.split('/')
    ports.set(service, [...(ports.get(service) ?? []), { name, protocol, port: 53 }])
  }
  const services = [...ports].map(([key, list], i) => {
    const [namespace, name] = key.split('/')
    return { metadata: { namespace, name }, spec: { clusterIP: `172.30.0.${i + 1}`, ports: list } } as KubeService
  })
  const cluster = (endpointSlices: readonly KubeEndpointSlice[]) => ({ ...clusterOf([]), services, endpointSlices })
  const tracker = new ProxyTracker(cluster(row.previous), { family: 'ipv4', nodeName: 'test-node' })
  tracker.sync(0)
  tracker.replace(cluster(row.current))
  return tracker.sync(60_000).stale !== null
}

interface ServiceRow {
  readonly goTest: string
  readonly steps: readonly {
    readonly objects: Objects
    readonly servicePorts: number
    readonly healthCheckNodePorts: Readonly<Record<string, number>>
  }[]
}

function serviceMap(data: { cases: readonly ServiceRow[] }, file: string, result: Result): void {
  for (const row of data.cases) {
    for (const [i, step] of row.steps.entries()) {
      count(result, 'table rows')
      const ports = servicePorts(clusterOf(step.objects), 'ipv4')
      check(result, file, `${row.goTest} step ${i}: ports`, String(step.servicePorts), String(ports.length))
      const health = Object.fromEntries(
        ports.filter((p) => p.healthCheckNodePort !== 0).map((p) => [p.service, p.healthCheckNodePort]),
      )
      const want = JSON.stringify(step.healthCheckNodePorts)
      check(result, file, `${row.goTest} step ${i}: health checks`, want, JSON.stringify(health))
    }
  }
}

interface GaugeRow {
  readonly name: string
  readonly objects: Objects
  readonly noLocalEndpointsInternal: number
  readonly noLocalEndpointsExternal: number
}

function gauges(data: { config: Config; cases: readonly GaugeRow[] }, file: string, result: Result): void {
  for (const row of data.cases) {
    count(result, 'table rows')
    const counts = proxyCounts(clusterOf(row.objects), optionsOf(data.config))
    const { name } = row
    check(result, file, `${name}: int`, String(row.noLocalEndpointsInternal), String(counts.noLocalEndpointsInternal))
    check(result, file, `${name}: ext`, String(row.noLocalEndpointsExternal), String(counts.noLocalEndpointsExternal))
  }
}
