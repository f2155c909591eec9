// From a packet back to Kubernetes: which Service port it was sent to, and which endpoint got it.
// Owns the index by address, protocol and port, built once for a cluster and remembered with it.
import type { Answer } from '../net/packet.js'
import type { Family } from '../netfilter/model.js'
import type { Cluster } from './cluster.js'
import { type Endpoint, endpointsByPort } from './endpoints.js'
import { internalIPs } from './proxy-options.js'
import { portKey, type ServicePort, servicePorts } from './service-ports.js'

/** The Service port that a packet was sent to, and the endpoint that was chosen. */
export interface ServiceEndpoint {
  /** `namespace/name`. */
  readonly service: string
  readonly port: number
  /** Left out when the port has no name. */
  readonly portName?: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** The door it came in by. */
  readonly via: 'clusterIP' | 'externalIP' | 'loadBalancerIP' | 'nodePort'
  /** `ip:port` or `[ip6]:port`; left out when none was chosen (rejected, dropped, or not let in). */
  readonly endpoint?: string
  /** `namespace/name` of the Pod behind the endpoint. */
  readonly pod?: string
  /** The node that the endpoint is on. */
  readonly node?: string
}

interface Door {
  readonly port: ServicePort
  readonly via: ServiceEndpoint['via']
  readonly endpoints: readonly Endpoint[]
}

interface Index {
  /** By `ADDRESS PORT PROTO`. */
  readonly doors: ReadonlyMap<string, Door>
  /** By `FAMILY PORT PROTO`, for packets to `nodeAddresses` or loopback. */
  readonly nodePorts: ReadonlyMap<string, Door>
  readonly nodeAddresses: ReadonlySet<string>
}

const indexes = new WeakMap<Cluster, Index>()

/**
 * The Service port that a packet's connection was opened to and the endpoint that it was sent on to; undefined when it
 * met no Service. The connection's entry decides where the answer has one (`ct`), so replies are named as well; without
 * it the packet's own destination before and after.
 */
export function describeEndpoint(cluster: Cluster, answer: Answer): ServiceEndpoint | undefined {
  const { proto } = answer.in
  if (proto !== 'tcp' && proto !== 'udp' && proto !== 'sctp') return undefined
  const ct = answer.ct
  const original = ct ? { dst: ct.orig.dst, dport: ct.orig.dport } : answer.in
  const final = ct ? { dst: ct.reply.src, dport: ct.reply.sport } : answer
  const door = findDoor(indexOf(cluster), original.dst, original.dport, proto)
  if (door === undefined) return undefined
  const { port, via } = door
  const text = String(final.dst).includes(':') ? `[${final.dst}]:${final.dport}` : `${final.dst}:${final.dport}`
  const endpoint = door.endpoints.find((e) => e.text === text)
  return {
    service: port.service,
    port: port.port,
    ...(port.portName === '' ? {} : { portName: port.portName }),
    protocol: port.protocol,
    via,
    ...(endpoint === undefined ? {} : { endpoint: endpoint.text }),
    ...(endpoint?.pod ? { pod: endpoint.pod } : {}),
    ...(endpoint?.nodeName ? { node: endpoint.nodeName } : {}),
  }
}

const DOOR_WORDS: Readonly<Record<ServiceEndpoint['via'], string>> = {
  clusterIP: 'cluster IP',
  externalIP: 'external IP',
  loadBalancerIP: 'load balancer IP',
  nodePort: 'node port',
}

/**
 * The same as one line for people. Names are as the objects have them; escape them before printing.
 *
 * @example formatEndpoint({ service: 'default/db', port: 5432, protocol: 'tcp', via: 'clusterIP' }) // 'Service default/db port 5432/tcp (cluster IP): no endpoint'
 */
export function formatEndpoint(it: ServiceEndpoint): string {
  const name = it.portName === undefined ? '' : ` (${it.portName})`
  const head = `Service ${it.service} port ${it.port}/${it.protocol}${name} (${DOOR_WORDS[it.via]})`
  if (it.endpoint === undefined) return `${head}: no endpoint`
  const pod = it.pod === undefined ? '' : `, Pod ${it.pod}`
  const node = it.node === undefined ? '' : ` on node ${it.node}`
  return `${head}: endpoint ${it.endpoint}${pod}${node}`
}

function findDoor(index: Index, dst: string, dport: number | undefined, proto: string): Door | undefined {
  const door = index.doors.get(`${dst} ${dport} ${proto}`)
  if (door !== undefined) return door
  if (!index.nodeAddresses.has(dst) && !dst.startsWith('127.')) return undefined
  return index.nodePorts.get(`${dst.includes(':') ? 'ipv6' : 'ipv4'} ${dport} ${proto}`)
}

function indexOf(cluster: Cluster): Index {
  const known = indexes.get(cluster)
  if (known !== undefined) return known
  const doors = new Map<string, Door>()
  const nodePorts = new Map<string, Door>()
  for (const family of ['ipv4', 'ipv6'] as const satisfies readonly Family[]) {
    const endpoints = endpointsByPort(cluster, family, '')
    for (const port of servicePorts(cluster, family)) {
      const list = endpoints.get(portKey(port.service, port.portName, port.protocol)) ?? []
      const put = (map: Map<string, Door>, key: string, via: ServiceEndpoint['via']) => {
        if (!map.has(key)) map.set(key, { port, via, endpoints: list })
      }
      const tail = `${port.port} ${port.protocol}`
      put(doors, `${port.clusterIP} ${tail}`, 'clusterIP')
      for (const ip of port.externalIPs) put(doors, `${ip} ${tail}`, 'externalIP')
      for (const ip of port.loadBalancerIPs) put(doors, `${ip} ${tail}`, 'loadBalancerIP')
      if (port.nodePort !== 0) put(nodePorts, `${family} ${port.nodePort} ${port.protocol}`, 'nodePort')
    }
  }
  const index = { doors, nodePorts, nodeAddresses: new Set(cluster.nodes.flatMap((n) => internalIPs(n))) }
  indexes.set(cluster, index)
  return index
}
