// One size of cluster, in a process of its own: from parsed objects to an engine that takes packets, and one EndpointSlice
// changed in it. `node --import tsx bench/build.ts SERVICES ENDPOINTS` prints one JSON value. bench/run.ts calls it.
import { Engine } from '../src/engine/index.js'
import { clusterOf } from '../src/kube/cluster.js'
import { nodeNamespace } from '../src/kube/node-namespace.js'
import { ProxyTracker } from '../src/kube/proxy-tracker.js'
import { clusterObjects, endpointSlice } from './fixtures.js'

/** What `bench/build.ts` prints. */
export interface Build {
  readonly services: number
  readonly endpoints: number
  readonly rules: number
  /** Objects → rules → image → loaded. */
  readonly build_ms: number
  readonly rules_ms: number
  readonly load_ms: number
  readonly rules_per_second: number
  readonly peak_mb: number
  /** One slice changed: rules and image; the median and the 99th of 100. */
  readonly change_ms: number
  readonly change_p99_ms: number
}

const [services, endpoints] = process.argv.slice(2).map(Number) as [number, number]
const CHANGES = 1000
const cluster = clusterOf(clusterObjects(services, endpoints) as never[])
const round = (x: number): number => Math.round(x * 100) / 100

const start = performance.now()
const namespace = nodeNamespace(cluster, 'worker-1')
const made = performance.now()
const engine = new Engine(namespace, { room: 0.25, maxConnections: 1024 })
const loaded = performance.now()
const peak = process.resourceUsage().maxRSS / 1024

const rules = namespace.rulesets.reduce(
  (sum, { tables }) => sum + tables.reduce((n, { chains }) => n + chains.reduce((m, c) => m + c.rules.length, 0), 0),
  0,
)
const ipv4 = engine.rulesets.findIndex((r) => r.family === 'ipv4')
const tracker = new ProxyTracker(cluster, { family: 'ipv4', nodeName: 'worker-1' })
const put = (atMs: number): void => {
  const rulesets = [...engine.rulesets]
  rulesets[ipv4] = tracker.sync(atMs).ruleset
  engine.swapRules(rulesets)
}
put(0)
const times: number[] = []
let patched = 0
for (let i = 0; i < CHANGES; i++) {
  const object = endpointSlice((i * 37) % services, endpoints, i + 1)
  const before = engine.patches
  const from = performance.now()
  tracker.apply({ type: 'MODIFIED', object })
  put(1 + i)
  times.push(performance.now() - from)
  if (engine.patches > before) patched++
}
// Now and then the room is used up, and all is compiled anew.
if (patched < CHANGES * 0.9) throw new Error(`only ${patched} of ${CHANGES} changes went into the image`)
times.sort((a, b) => a - b)
const build: Build = {
  services,
  endpoints,
  rules,
  build_ms: round(loaded - start),
  rules_ms: round(made - start),
  load_ms: round(loaded - made),
  rules_per_second: Math.round(rules / ((loaded - start) / 1000)),
  peak_mb: Math.round(peak),
  change_ms: round(times[CHANGES / 2]!),
  change_p99_ms: round(times[Math.floor(CHANGES * 0.99)]!),
}
process.stdout.write(`${JSON.stringify(build)}\n`)
