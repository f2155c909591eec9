// Names for packets: `svc/default/db:5432` → address and port.
// Owns the grammar of such names and what is said when one leads nowhere. The way back, from a packet to the Service port
// and endpoint it met, is in service-endpoint.ts.
import { escapeText, fail } from '../net/fault.js'
import type { Family } from '../netfilter/model.js'
import type { Cluster } from './cluster.js'
import { podIPs } from './node-namespace.js'
import { type KubeService, keyOf } from './objects.js'
import { internalIPs } from './proxy-options.js'
import { clusterIPOf, type ServiceProtocol, serviceProtocol } from './service-ports.js'
import { nearNames } from './suggest.js'

export { describeEndpoint, formatEndpoint, type ServiceEndpoint } from './service-endpoint.js'

/** What a name stands for. */
export interface ResolvedName {
  /** Canonical. */
  readonly address: string
  /** Where the name says it, or where a Service has one port only. */
  readonly port?: number
  /** Where the Service port decides it. */
  readonly proto?: ServiceProtocol
}

/**
 * The address (and port) that a name stands for: `pod/NS/NAME`, `svc/NS/NAME`, `node/NAME`, each with `:PORT`; a
 * Service's port may be its number or its name.
 *
 * @param family 4 or 6; absent: the object's first address
 * @throws FaultError that says what there is instead
 */
export function resolveName(cluster: Cluster, name: string, family?: 4 | 6): ResolvedName {
  const parsed = /^(?:(pod|svc|service)\/([^/:]+)\/([^/:]+)|(node)\/([^/:]+))(?::([^/:]+))?$/.exec(name)
  if (parsed === null) {
    return wrong(name, 'not a name; expected pod/NAMESPACE/NAME, svc/NAMESPACE/NAME:PORT or node/NAME')
  }
  const [, kind, namespace, plain, , node, port] = parsed
  if (node !== undefined) return { address: nodeAddress(cluster, name, node, family), ...number(name, port) }
  const key = `${namespace}/${plain}`
  if (kind === 'pod') return { address: podAddress(cluster, name, key, family), ...number(name, port) }
  return service(cluster, name, key, port, family)
}

function wrong(name: string, message: string): never {
  return fail(escapeText(name.slice(0, 300)), 0, 0, message)
}

function number(name: string, port: string | undefined): { port?: number } {
  if (port === undefined) return {}
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    return wrong(name, `'${escapeText(port)}' is no port: expected 1 to 65535`)
  }
  return { port: Number(port) }
}

function pick(name: string, what: string, addresses: readonly string[], family: 4 | 6 | undefined): string {
  const found = family === undefined ? addresses[0] : addresses.find((a) => a.includes(':') === (family === 6))
  if (found !== undefined) return found
  const has = addresses.length > 0 ? `it has ${addresses.join(', ')}` : 'it has none'
  return wrong(name, `${what} has no IP${family === undefined ? '' : `v${family}`} address; ${has}`)
}

function nodeAddress(cluster: Cluster, name: string, node: string, family: 4 | 6 | undefined): string {
  const found = cluster.nodes.find((n) => n.metadata?.name === node)
  if (found === undefined) {
    const names = cluster.nodes.map((n) => n.metadata?.name ?? '')
    return wrong(name, `there is no such Node; ${nearNames(node, names)}`)
  }
  return pick(name, 'the Node', internalIPs(found), family)
}

function podAddress(cluster: Cluster, name: string, key: string, family: 4 | 6 | undefined): string {
  const found = cluster.pods.find((p) => keyOf(p.metadata) === key)
  if (found === undefined) {
    const names = cluster.pods.map((p) => keyOf(p.metadata))
    return wrong(name, `there is no such Pod; ${nearNames(key, names)}`)
  }
  if (found.spec?.hostNetwork) {
    return nodeAddress(cluster, name, found.spec.nodeName ?? '', family)
  }
  return pick(name, 'the Pod', podIPs(found), family)
}

function service(
  cluster: Cluster,
  name: string,
  key: string,
  port: string | undefined,
  family: 4 | 6 | undefined,
): ResolvedName {
  const found = cluster.services.find((s) => keyOf(s.metadata) === key)
  if (found === undefined) {
    const names = cluster.services.map((s) => keyOf(s.metadata))
    return wrong(name, `there is no such Service; ${nearNames(key, names)}`)
  }
  const spec = found.spec
  if (spec?.type === 'ExternalName') return wrong(name, 'the Service is an ExternalName: it has no address')
  if (spec?.clusterIP === 'None') {
    return wrong(name, 'the Service is headless: it has no address of its own; name one of its pods')
  }
  return { address: pick(name, 'the Service', clusterIPs(found), family), ...servicePort(name, found, port) }
}

function clusterIPs(service: KubeService): string[] {
  const families: readonly Family[] = service.spec?.ipFamilies?.[0] === 'IPv6' ? ['ipv6', 'ipv4'] : ['ipv4', 'ipv6']
  return families.flatMap((family) => clusterIPOf(service, family) ?? [])
}

function servicePort(
  name: string,
  service: KubeService,
  port: string | undefined,
): { port?: number; proto?: ServiceProtocol } {
  const ports = service.spec?.ports ?? []
  if (port === undefined) {
    if (ports.length !== 1) return wrong(name, `the Service has ${ports.length} ports; add one: ${listPorts(service)}`)
  }
  const matching = ports.filter((p) => port === undefined || p.name === port || String(p.port) === port)
  const first = matching[0]
  if (first === undefined) return wrong(name, `the Service has no such port; it has ${listPorts(service)}`)
  const protocols = new Set(matching.map((p) => serviceProtocol(p.protocol)))
  const only = protocols.size === 1 ? serviceProtocol(first.protocol) : null
  return { port: first.port, ...(only === null ? {} : { proto: only }) }
}

function listPorts(service: KubeService): string {
  const texts = (service.spec?.ports ?? []).map((p) =>
    escapeText(`${p.port}/${(p.protocol ?? 'TCP').toLowerCase()}${p.name ? ` (${p.name})` : ''}`),
  )
  return texts.length > 0 ? texts.join(', ') : 'none'
}
