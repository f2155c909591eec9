// Why one endpoint of a service port is used on a node, or is not, in Kubernetes words.
// Owns the words. Who is used is decided by `chooseEndpoints` alone; what is said here only names the first of its
// conditions that did not hold. Source: kubernetes pkg/proxy/topology.go.
import { type ChoosingNode, type Endpoint, lastResort, type TopologyMode } from './endpoints.js'

/** Whether an endpoint gets packets of one kind of traffic, and why (not). */
export interface EndpointUse {
  readonly used: boolean
  readonly why: string
}

/** What the words depend on beside the endpoint. */
export interface UseContext {
  readonly node: ChoosingNode
  /** Hints that are followed. */
  readonly mode: TopologyMode
  /** All of the service port. */
  readonly endpoints: readonly Endpoint[]
}

/** Under policy Cluster. */
export function clusterUse(e: Endpoint, used: boolean, context: UseContext): EndpointUse {
  if (used)
    return { used, why: e.ready ? `ready${followed(context)}` : 'terminating, used since no ready endpoint is left' }
  if (!e.ready) return { used, why: unready(e, '') }
  return { used, why: otherHint(e, context) }
}

/**
 * Under policy Local.
 *
 * @param policy `externalTrafficPolicy` or `internalTrafficPolicy`
 */
export function localUse(e: Endpoint, used: boolean, policy: string): EndpointUse {
  if (used) return { used, why: e.ready ? 'ready' : 'terminating, used since no ready endpoint is left on this node' }
  if (!e.local) {
    const where = e.nodeName === '' ? ' (its node is not known)' : ''
    return { used, why: `${policy} Local and not on this node${where}` }
  }
  return { used, why: unready(e, ' on this node') }
}

function unready(e: Endpoint, where: string): string {
  if (lastResort(e)) return `terminating (only used when no ready endpoint is left${where})`
  if (e.terminating) return 'terminating and no longer serving'
  return e.serving ? 'not ready (although serving)' : 'not ready'
}

function followed({ mode, node }: UseContext): string {
  if (mode === 'node') return ', hinted for this node'
  return mode === 'zone' ? `, hinted for this zone (${node.zone})` : ''
}

function otherHint(e: Endpoint, { mode }: UseContext): string {
  const [kind, hints] = mode === 'node' ? ['node', e.nodeHints] : ['zone', e.zoneHints]
  return `other ${kind} by hint (hinted for ${hints.join(', ')})`
}

/** Whether hints are followed, where there are any; undefined where there are none. */
export function topologyWords({ mode, node, endpoints }: UseContext): string | undefined {
  const ready = endpoints.filter((e) => e.ready)
  if (mode === 'node') return 'only endpoints that are hinted for this node'
  if (mode === 'zone') return `only endpoints that are hinted for this zone (${node.zone})`
  if (!ready.some((e) => e.zoneHints.length > 0 || e.nodeHints.length > 0)) return undefined
  const without = ready.filter((e) => e.zoneHints.length === 0).length
  if (without > 0) {
    return `hints are not followed: ${without} of ${ready.length} ready endpoints ${without === 1 ? 'has' : 'have'} none for a zone`
  }
  if (node.zone === '') return 'hints are not followed: this node has no zone (label topology.kubernetes.io/zone)'
  return `hints are not followed: no ready endpoint is hinted for this zone (${node.zone})`
}
