// What one Service may hold alone, and two may not: a cluster IP and a node port are given out once.
// Owns finding them, in the words of the API server's allocators. Source: kubernetes pkg/registry/core/service
// (ipallocator, portallocator: a node port is one number, whatever the protocol, but one Service may use it for several).
import { readAddress } from '../address.js'
import { type KubeService, keyOf } from '../objects.js'
import type { Path } from './documents.js'

/** A field of a Service that holds what another Service has. */
export interface Conflict {
  readonly service: KubeService
  readonly path: Path
  readonly value: string | number
  readonly words: string
}

/** Those of every Service that comes later than the one that has it. Linear. */
export function serviceConflicts(services: Iterable<KubeService>): Conflict[] {
  const conflicts: Conflict[] = []
  const addresses = new Map<string, KubeService>()
  const ports = new Map<number, KubeService>()
  for (const service of services) {
    const take = <K extends string | number>(
      owners: Map<K, KubeService>,
      key: K,
      path: Path,
      value: K,
      what: string,
    ) => {
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, service)
      else if (owner !== service) {
        const words = `provided ${what} is already allocated (to Service ${keyOf(owner.metadata)})`
        conflicts.push({ service, path, value, words })
      }
    }
    for (const { text, path } of clusterIPs(service)) {
      const address = readAddress(text)
      if (address !== null) take(addresses, address.text, path, text, 'IP')
    }
    for (const [i, { nodePort }] of (service.spec?.ports ?? []).entries()) {
      if (nodePort) take(ports, nodePort, ['spec', 'ports', i, 'nodePort'], nodePort, 'port')
    }
    const health = service.spec?.healthCheckNodePort
    if (health) take(ports, health, ['spec', 'healthCheckNodePort'], health, 'port')
  }
  return conflicts
}

function clusterIPs({ spec }: KubeService): { text: string; path: Path }[] {
  if (spec?.type === 'ExternalName') return []
  if (spec?.clusterIPs?.length) return spec.clusterIPs.map((text, i) => ({ text, path: ['spec', 'clusterIPs', i] }))
  return spec?.clusterIP ? [{ text: spec.clusterIP, path: ['spec', 'clusterIP'] }] : []
}
