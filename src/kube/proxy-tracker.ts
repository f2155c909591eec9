// kube-proxy as the cluster changes: events in, after each sync the rules that stand and what the sync wrote.
// Owns which Services a sync writes anew, full and partial syncs, and when chains that nobody uses any more go.
// Source: kubernetes pkg/proxy/iptables/proxier.go syncProxyRules, servicechangetracker.go, endpointslicecache.go.
//
// Chains that a sync leaves alone are the same objects before and after; a chain that it fills again with what it held is
// another object with the same list of rules. `DataPlane.swapRules` needs no more to keep what the kernel keeps.
import type { ConntrackEntry } from '../net/packet.js'
import type { Ruleset } from '../netfilter/model.js'
import type { Cluster } from './cluster.js'
import { ClusterStore, type ObjectEvent, type Touched } from './cluster-store.js'
import { endpointsOfService, serviceOfSlice } from './endpoints.js'
import type { KubeEndpointSlice } from './objects.js'
import { completeOptions, LARGE_CLUSTER_ENDPOINTS } from './proxy.js'
import { firstRules, fixedChains, lastRules } from './proxy-fixed.js'
import type { ProxyOptions } from './proxy-options.js'
import { type PartChange, type ServicePart, sameValue, servicePart } from './proxy-parts.js'
import type { RuleSink } from './proxy-rule.js'
import { RuleMaker } from './proxy-rule-model.js'
import { ServiceWriter } from './proxy-service.js'
import { StandingRules } from './proxy-standing.js'
import { TextSink } from './proxy-text.js'
import { portKey, portsOfService } from './service-ports.js'
import { placeIn } from './sorted.js'
import { staleUdp } from './stale-udp.js'

/** What one sync did. */
export interface ProxySync {
  /** Everything was written, not only what changed. */
  readonly full: boolean
  /** Services whose own chains were written, `namespace/name`, sorted. */
  readonly written: readonly string[]
  /** Chains of table nat that were taken away. */
  readonly removed: readonly string[]
  /** The rule set that stands after it. */
  readonly ruleset: Ruleset
  /**
   * The UDP connections that kube-proxy deletes after it, because they lead to where no endpoint serves any more; null
   * when nothing changed that could leave any.
   */
  readonly stale: ((entry: ConntrackEntry) => boolean) | null
  /** The text that is handed to `iptables-restore --noflush --counters`. */
  restoreText(): string
}

/** How a tracker works, beside the options of the rules. */
export interface ProxyTrackerOptions extends ProxyOptions {
  /** In a large cluster unused chains go only when this many milliseconds have passed since they last did. Default 30,000. */
  readonly syncPeriodMs?: number
  /** After this many milliseconds a sync is full again. Default 3,600,000. */
  readonly fullSyncPeriodMs?: number
}

/**
 * Follows a cluster on one node, for one family. Pure but for its own state: time is an argument.
 *
 * @example new ProxyTracker({ services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] }, { family: 'ipv4', nodeName: 'n1' }).sync(0).full // true
 */
export class ProxyTracker {
  readonly #given: ProxyTrackerOptions
  readonly #store: ClusterStore
  #options: ProxyOptions
  #maker: RuleMaker
  readonly #rules = new StandingRules()
  readonly #parts = new Map<string, ServicePart>()
  /** The same in the order of their rules, which is that of their keys; exchanged, never changed. */
  #list: readonly ServicePart[] = []
  #endpoints = 0
  /** Services that something happened to since the last sync, and what their slices held before. */
  readonly #touched = new Map<string, Map<string, KubeEndpointSlice | undefined>>()
  #fullNext = true
  #fullAt = 0
  #cleanedAt = Number.NEGATIVE_INFINITY

  constructor(cluster: Cluster, options: ProxyTrackerOptions) {
    this.#given = options
    this.#store = new ClusterStore(cluster)
    this.#options = completeOptions(cluster, options)
    this.#maker = new RuleMaker(this.#options)
  }

  /** The objects as they are now. */
  get cluster(): Cluster {
    return this.#store.cluster
  }

  /** The rule set as the last sync left it; before the first sync it is empty. */
  get ruleset(): Ruleset {
    const { family, backend = 'legacy' } = this.#options
    return { family, backend, file: '', tables: this.#rules.tables }
  }

  /** Takes a change of one object. Nothing is written before the next sync. */
  apply(event: ObjectEvent): void {
    const touched = this.#store.apply(event)
    if (touched !== null) this.#touch(touched)
  }

  /** Takes a new list of everything, as after a lost watch: what is not in it was deleted meanwhile. */
  replace(cluster: Cluster): void {
    for (const touched of this.#store.replace(cluster)) this.#touch(touched)
  }

  #touch({ list, key, before, after }: Touched): void {
    if (list === 'services' || list === 'endpoints') this.#servicesTouched(key)
    else if (list === 'endpointSlices') {
      for (const slice of [before, after] as (KubeEndpointSlice | undefined)[]) {
        const service = slice && serviceOfSlice(slice)
        if (!service) continue
        const slices = this.#servicesTouched(service)
        if (!slices.has(key)) slices.set(key, slice === before ? slice : undefined)
      }
    } else if (list === 'nodes' && key === this.#given.nodeName) {
      const options = completeOptions(this.#store.cluster, this.#given)
      if (JSON.stringify(options) === JSON.stringify(this.#options)) return
      this.#options = options
      this.#maker = new RuleMaker(options)
      this.#fullNext = true
    }
  }

  #servicesTouched(service: string): Map<string, KubeEndpointSlice | undefined> {
    let slices = this.#touched.get(service)
    if (slices === undefined) {
      slices = new Map()
      this.#touched.set(service, slices)
    }
    return slices
  }

  /**
   * Writes what changed since the last sync; the first one, one after a failure, after a change of the own Node, or an
   * hour after the last full one writes everything. `atMs`: the time, milliseconds of the caller's clock.
   */
  sync(atMs: number): ProxySync {
    const full = this.#fullNext || atMs - this.#fullAt >= (this.#given.fullSyncPeriodMs ?? 3_600_000)
    const touched = [...this.#touched.keys()]
    const gone = touched.filter((key) => this.#parts.has(key) && this.#store.service(key) === undefined)
    const inputs = new Map<string, Inputs>()
    for (const key of full ? this.#store.serviceKeys() : touched) {
      const now = this.#inputs(key)
      if (now !== null && (full || this.#changed(key, now))) inputs.set(key, now)
    }
    const before = this.#parts
    let cleanup = full
    for (const key of gone) {
      cleanup ||= movesUdp(before.get(key), undefined)
      this.#endpoints -= count(before.get(key)!)
    }
    for (const [key, now] of inputs) {
      const was = before.get(key)
      cleanup ||= movesUdp(was, now)
      this.#endpoints += count(now) - (was === undefined ? 0 : count(was))
    }
    const large = this.#endpoints > (this.#options.largeClusterEndpoints ?? LARGE_CLUSTER_ENDPOINTS)
    const changes: PartChange[] = gone.map((key) => ({ key, before: before.get(key), after: undefined }))
    for (const [key, now] of inputs) {
      const writer = (sink: RuleSink) => new ServiceWriter(sink, this.#options, large)
      changes.push({
        key,
        before: before.get(key),
        after: servicePart(key, now.ports, now.endpoints, this.#maker, writer),
      })
    }
    this.#exchange(changes)
    const clean = !large || atMs - this.#cleanedAt > (this.#given.syncPeriodMs ?? 30_000)
    if (clean) this.#cleanedAt = atMs
    const removed = this.#rules.write(this.#options, this.#maker, this.#list, changes, { full, clean })
    this.#touched.clear()
    this.#fullNext = false
    if (full) this.#fullAt = atMs
    const [options, list] = [this.#options, this.#list]
    return {
      full,
      written: [...inputs.keys()].sort(),
      removed,
      ruleset: this.ruleset,
      stale: cleanup ? staleUdp(list, options.family) : null,
      restoreText: () => restoreText(options, list, inputs, large, removed),
    }
  }

  /**
   * Says that `iptables-restore` refused what the last sync wrote: table nat is as it was before it, the changes are used
   * up, and the next sync writes everything.
   */
  failed(): void {
    this.#rules.failed()
    this.#fullNext = true
  }

  #exchange(changes: readonly PartChange[]): void {
    if (changes.length === 0) return
    const list = [...this.#list]
    let moved = false
    for (const { key, before, after } of changes) {
      if (after === undefined) this.#parts.delete(key)
      else this.#parts.set(key, after)
      if (before === undefined || after === undefined) moved = true
      else list[placeIn(list, key, (part) => part.key)] = after
    }
    this.#list = moved ? [...this.#parts.values()].sort((a, b) => (a.key < b.key ? -1 : 1)) : list
  }

  /** What the rules of a Service are made of; null when it is not there. */
  #inputs(key: string): Inputs | null {
    const service = this.#store.service(key)
    if (service === undefined) return null
    const { family, nodeName } = this.#options
    const ports = portsOfService(service, family)
    if (ports.length === 0) return { ports, endpoints: [] }
    const byPort = endpointsOfService(key, this.#store.slices(key), this.#store.legacyEndpoints(key), family, nodeName)
    return { ports, endpoints: ports.map((p) => byPort.get(portKey(p.service, p.portName, p.protocol)) ?? []) }
  }

  #changed(key: string, now: Inputs): boolean {
    const was = this.#parts.get(key)
    if (was === undefined || !sameValue(was.ports, now.ports)) return true
    for (const [slice, before] of this.#touched.get(key) ?? []) {
      if (!sameValue(content(before), content(this.#store.slice(key, slice)))) return true
    }
    return !sameValue(was.endpoints, now.endpoints)
  }
}

type Inputs = Pick<ServicePart, 'ports' | 'endpoints'>

function count(part: Inputs): number {
  return part.endpoints.reduce((sum, list) => sum + list.length, 0)
}

/** What kube-proxy reads of a slice. */
function content(slice: KubeEndpointSlice | undefined): unknown {
  return slice && [slice.addressType, slice.ports, slice.endpoints]
}

/** Do UDP endpoints come, go or change? */
function movesUdp(before: Inputs | undefined, after: Inputs | undefined): boolean {
  const udp = (part: Inputs | undefined): unknown[] =>
    part?.ports.flatMap((port, i) => (port.protocol === 'udp' ? [[port, part.endpoints[i]]] : [])) ?? []
  return !sameValue(udp(before), udp(after))
}

function restoreText(
  options: ProxyOptions,
  parts: readonly ServicePart[],
  written: ReadonlyMap<string, unknown>,
  large: boolean,
  removed: readonly string[],
): string {
  const sink = new TextSink(options)
  fixedChains(sink, options)
  firstRules(sink, options)
  const writer = new ServiceWriter(sink, options, large)
  for (const { key, ports, endpoints } of parts) {
    for (const [i, port] of ports.entries()) writer.write(port, endpoints[i]!, written.has(key))
  }
  for (const name of removed) sink.remove('nat', name)
  lastRules(sink, options)
  return sink.text()
}
