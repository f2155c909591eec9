// Which UDP connections kube-proxy deletes after a sync: those that lead to where no endpoint serves any more. They would
// else live as long as the client sends, since only the first packet of a connection meets the rules.
// Source: kubernetes pkg/proxy/conntrack/cleanup.go (since 1.32: by address and port, and only of service ports that have
// a serving endpoint).
import type { ConntrackEntry } from '../net/packet.js'
import type { Family } from '../netfilter/model.js'
import type { ServicePart } from './proxy-parts.js'

/** Tells the stale ones among the connections of one family. */
export function staleUdp(parts: Iterable<ServicePart>, family: Family): (entry: ConntrackEntry) => boolean {
  const byAddress = new Map<string, ReadonlySet<string>>()
  const byNodePort = new Map<number, ReadonlySet<string>>()
  for (const { ports, endpoints } of parts) {
    for (const [i, port] of ports.entries()) {
      if (port.protocol !== 'udp') continue
      const serving = new Set(endpoints[i]!.filter((e) => e.serving).map((e) => e.ip))
      if (serving.size === 0) continue
      for (const ip of [port.clusterIP, ...port.loadBalancerIPs, ...port.externalIPs])
        byAddress.set(`${ip} ${port.port}`, serving)
      if (port.nodePort !== 0) byNodePort.set(port.nodePort, serving)
    }
  }
  return ({ proto, orig, reply }) => {
    if (proto !== 'udp' || orig.dport === undefined || orig.dst.includes(':') !== (family === 'ipv6')) return false
    const lists = [byAddress.get(`${orig.dst} ${orig.dport}`), byNodePort.get(orig.dport)]
    return lists.some((serving) => serving !== undefined && !serving.has(reply.src))
  }
}
