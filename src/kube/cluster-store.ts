// The objects of a cluster as they change: events in, the present state out.
// Owns identity (kind, namespace, name), what a repeated or lost event means, and which objects belong to which Service.
// Source: k8s.io/client-go tools/cache (a store: the last state of each object counts, whatever was missed before).
import { type Cluster, listOf } from './cluster.js'
import { serviceOfSlice } from './endpoints.js'
import { type KubeEndpointSlice, type KubeEndpoints, type KubeMeta, type KubeService, keyOf } from './objects.js'

/** A change as the API server's watch says it; other types (BOOKMARK) change nothing. */
export interface ObjectEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | (string & {})
  /** The object after the change; before it when it was deleted. Kinds that are not read are passed over. */
  readonly object: { readonly apiVersion?: string | null; readonly kind?: string | null }
}

type Stored = { readonly metadata?: KubeMeta | null | undefined }
type List = keyof Cluster
const LISTS: readonly List[] = ['services', 'endpointSlices', 'endpoints', 'nodes', 'pods']

/** What an event touched. */
export interface Touched {
  readonly list: List
  /** `namespace/name`, of a Node its name. */
  readonly key: string
  readonly before: Stored | undefined
  readonly after: Stored | undefined
}

/** The present objects of a cluster. An ADDED of what is there is a MODIFIED, a DELETED of what is not there is nothing. */
export class ClusterStore {
  readonly #objects: Readonly<Record<List, Map<string, Stored>>> = {
    services: new Map(),
    endpointSlices: new Map(),
    endpoints: new Map(),
    nodes: new Map(),
    pods: new Map(),
  }
  /** EndpointSlices by the Service they belong to, then by their own key. */
  readonly #slices = new Map<string, Map<string, KubeEndpointSlice>>()
  #snapshot: Cluster | null = null

  constructor(cluster: Cluster) {
    for (const list of LISTS) for (const object of cluster[list]) this.#put(list, keyIn(list, object), object)
  }

  /** Takes a change; null when it changes nothing that is kept. */
  apply(event: ObjectEvent): Touched | null {
    const list = listOf(event.object.apiVersion ?? '', event.object.kind ?? '')
    if (list === undefined) return null
    const object = event.object as Stored
    const key = keyIn(list, object)
    const before = this.#objects[list].get(key)
    if (event.type === 'DELETED') {
      if (before === undefined) return null
      this.#put(list, key, undefined)
      return { list, key, before, after: undefined }
    }
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') return null
    this.#put(list, key, object)
    return { list, key, before, after: object }
  }

  /** Makes the store hold exactly these objects, as after a list: what is not among them was deleted meanwhile. */
  replace(cluster: Cluster): Touched[] {
    const touched: Touched[] = []
    for (const list of LISTS) {
      const kept = new Map(cluster[list].map((object) => [keyIn(list, object), object as Stored]))
      for (const [key, before] of [...this.#objects[list]]) {
        if (kept.has(key)) continue
        this.#put(list, key, undefined)
        touched.push({ list, key, before, after: undefined })
      }
      for (const [key, after] of kept) {
        const before = this.#objects[list].get(key)
        this.#put(list, key, after)
        touched.push({ list, key, before, after })
      }
    }
    return touched
  }

  service(key: string): KubeService | undefined {
    return this.#objects.services.get(key) as KubeService | undefined
  }

  /** The EndpointSlices of a Service. */
  slices(service: string): KubeEndpointSlice[] {
    return [...(this.#slices.get(service)?.values() ?? [])]
  }

  /** One of them, by its own key. */
  slice(service: string, key: string): KubeEndpointSlice | undefined {
    return this.#slices.get(service)?.get(key)
  }

  legacyEndpoints(service: string): KubeEndpoints | undefined {
    return this.#objects.endpoints.get(service) as KubeEndpoints | undefined
  }

  serviceKeys(): string[] {
    return [...this.#objects.services.keys()].sort()
  }

  /** All objects as they are now; the same object until something changes. */
  get cluster(): Cluster {
    this.#snapshot ??= Object.fromEntries(
      LISTS.map((list) => [list, [...this.#objects[list].values()]]),
    ) as unknown as Cluster
    return this.#snapshot
  }

  #put(list: List, key: string, object: Stored | undefined): void {
    this.#snapshot = null
    const objects = this.#objects[list]
    if (list === 'endpointSlices') {
      const before = objects.get(key) as KubeEndpointSlice | undefined
      const was = before && serviceOfSlice(before)
      if (was) {
        const slices = this.#slices.get(was)
        slices?.delete(key)
        if (slices?.size === 0) this.#slices.delete(was)
      }
      const is = object && serviceOfSlice(object as KubeEndpointSlice)
      if (is) {
        const slices = this.#slices.get(is)
        if (slices === undefined) this.#slices.set(is, new Map([[key, object as KubeEndpointSlice]]))
        else slices.set(key, object as KubeEndpointSlice)
      }
    }
    if (object === undefined) objects.delete(key)
    else objects.set(key, object)
  }
}

function keyIn(list: List, object: Stored): string {
  return list === 'nodes' ? (object.metadata?.name ?? '') : keyOf(object.metadata)
}
