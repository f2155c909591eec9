// The objects of one cluster, sorted by kind.
// Owns the collection and which kinds are read at all.
import type { KubeEndpointSlice, KubeEndpoints, KubeNode, KubePod, KubeService } from './objects.js'

/** The objects of one cluster. Treat it as immutable: look-ups over it are remembered by identity. */
export interface Cluster {
  readonly services: readonly KubeService[]
  readonly endpointSlices: readonly KubeEndpointSlice[]
  readonly endpoints: readonly KubeEndpoints[]
  readonly nodes: readonly KubeNode[]
  readonly pods: readonly KubePod[]
}

/** The kinds that are read, and the API group each belongs to. */
export const KINDS: Readonly<Record<string, { readonly group: string; readonly list: keyof Cluster }>> = {
  Service: { group: '', list: 'services' },
  EndpointSlice: { group: 'discovery.k8s.io', list: 'endpointSlices' },
  Endpoints: { group: '', list: 'endpoints' },
  Node: { group: '', list: 'nodes' },
  Pod: { group: '', list: 'pods' },
}

/**
 * The list that objects of this kind belong to; undefined when such objects are not read.
 *
 * @example listOf('v1', 'Service') // 'services'
 * @example listOf('serving.knative.dev/v1', 'Service') // undefined
 */
export function listOf(apiVersion: string, kind: string): keyof Cluster | undefined {
  if (!Object.hasOwn(KINDS, kind)) return undefined
  const known = KINDS[kind] as (typeof KINDS)[string]
  const slash = apiVersion.indexOf('/')
  return (slash < 0 ? '' : apiVersion.slice(0, slash)) === known.group ? known.list : undefined
}

/**
 * A cluster from objects that are already known to be sound (a client library's, a test's): they are sorted by kind, and
 * kinds that are not read are left out. Text from outside goes through `nodeplane/kube-reader` instead.
 *
 * @example clusterOf([{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }]).nodes.length // 1
 */
export function clusterOf(objects: readonly { readonly apiVersion?: string; readonly kind?: string }[]): Cluster {
  const cluster: Record<keyof Cluster, unknown[]> = {
    services: [],
    endpointSlices: [],
    endpoints: [],
    nodes: [],
    pods: [],
  }
  for (const object of objects) {
    const list = listOf(object.apiVersion ?? '', object.kind ?? '')
    if (list !== undefined) cluster[list].push(object)
  }
  return cluster as unknown as Cluster
}
