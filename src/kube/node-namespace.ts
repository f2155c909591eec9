// A cluster's node as a network namespace: what can be said of it from Kubernetes objects alone.
// Owns the wiring that is assumed (one uplink, one bridge for pods, the other nodes' pod networks routed to them) and
// says each assumption. A namespace read from the node itself is better wherever there is one.
import { escapeText, fail } from '../net/fault.js'
import { addressFromBytes, addressToBytes, formatAddress, parsePrefix } from '../net/ip.js'
import type { Backend, Family } from '../netfilter/model.js'
import { deriveRoutes } from '../netns/derive.js'
import type { Address, Link, NetworkNamespace, Route } from '../netns/model.js'
import { defaultPolicyRules } from '../netns/policy-rules.js'
import { TABLE_MAIN } from '../netns/routes.js'
import { contains, hostPrefix, readAddress } from './address.js'
import type { Cluster } from './cluster.js'
import type { KubeNode, KubePod } from './objects.js'
import { proxyRules } from './proxy.js'
import { internalIPs, type ProxyConfig, podCIDRs, proxyOptions } from './proxy-options.js'
import { proxySysctls } from './proxy-sysctls.js'
import { nearNames } from './suggest.js'

/** How `nodeNamespace` builds. */
export interface NodeNamespaceOptions {
  /** Of the rule sets. Default `legacy`. */
  readonly backend?: Backend
  /** kube-proxy's configuration; absent: its defaults. */
  readonly proxyConfig?: ProxyConfig
}

/** Objects do not say how long the prefix of a node's own network is. */
const NODE_PREFIX: Readonly<Record<Family, number>> = { ipv4: 24, ipv6: 64 }
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

/**
 * The network namespace of a node: `eth0` with its InternalIPs and a default route, its pod CIDRs on `cni0`, the other
 * nodes' pod CIDRs through their InternalIPs, and kube-proxy's rules for the families that the node has.
 *
 * @throws FaultError when the cluster has no such node, or the node has no InternalIP
 */
export function nodeNamespace(
  cluster: Cluster,
  nodeName: string,
  options: NodeNamespaceOptions = {},
): NetworkNamespace {
  const node = requireNode(cluster, nodeName)
  const own = internalIPs(node)
  if (own.length === 0) {
    fail(escapeText(nodeName), 0, 0, 'the Node has no InternalIP in status.addresses: expected at least one')
  }
  const families = FAMILIES.filter((f) => internalIPs(node, f).length > 0 || podCIDRs(node, f).length > 0)
  const pods = podsOutside(cluster, node)
  const links = linksOf(node, own, pods.local.length > 0)
  const localhost = proxyOptions(cluster, nodeName, 'ipv4', options.proxyConfig).localhostNodePorts ?? true
  const assumed = [
    `eth0 has the InternalIPs of node ${nodeName} (prefix lengths /24 and /64) and a default route without a gateway`,
    'cni0 is the bridge of the pod network, with the first address of each podCIDR; pods have no devices of their own',
    "the other nodes' podCIDRs are routed through their first InternalIP",
    'net.ipv4.ip_forward = 1 and net.ipv6.conf.all.forwarding = 1',
    ...(localhost ? ['net.ipv4.conf.all.route_localnet = 1, as kube-proxy sets it'] : []),
    "conntrack's timeouts are those that kube-proxy sets; its maximum, which kube-proxy makes of the number of cores, is the kernel's",
    'net.bridge.bridge-nf-call-iptables = 1 and bridge-nf-call-ip6tables = 1, as kubeadm sets them',
    "the node has no iptables rules but kube-proxy's",
  ]
  if (options.proxyConfig === undefined) {
    assumed.push(
      'kube-proxy runs with its defaults: iptables mode, no cluster CIDR (so pods are not told from other sources), masquerade bit 14',
    )
  }
  if (pods.local.length + pods.remote.length > 0) {
    assumed.push('pods outside of the podCIDR of their node have routes of their own')
  }
  return {
    name: nodeName,
    links,
    routes: [...deriveRoutes(links), ...routesOf(cluster, node, families, pods)],
    policyRules: FAMILIES.flatMap((family) => defaultPolicyRules(family)).sort((a, b) => a.priority - b.priority),
    rulesets: families.map((family) =>
      proxyRules(cluster, {
        ...proxyOptions(cluster, nodeName, family, options.proxyConfig),
        backend: options.backend ?? 'legacy',
      }),
    ),
    sets: [],
    sysctls: {
      'net.ipv4.ip_forward': '1',
      'net.ipv6.conf.all.forwarding': '1',
      ...proxySysctls(options.proxyConfig ?? {}, localhost),
      'net.bridge.bridge-nf-call-iptables': '1',
      'net.bridge.bridge-nf-call-ip6tables': '1',
    },
    connections: [],
    forceConntrack: false,
    assumed,
  }
}

/** The Node of that name; throws a FaultError that lists names near it when there is none. */
export function requireNode(cluster: Cluster, name: string): KubeNode {
  const node = cluster.nodes.find((n) => n.metadata?.name === name)
  if (node !== undefined) return node
  const names = cluster.nodes.map((n) => n.metadata?.name ?? '')
  return fail(escapeText(name), 0, 0, `the cluster has no Node of that name; ${nearNames(name, names)}`)
}

interface StrayPods {
  /** Addresses of pods on this node that no podCIDR of it holds. */
  readonly local: readonly string[]
  /** The same for other nodes, with the node's name. */
  readonly remote: readonly { readonly ip: string; readonly node: string }[]
}

/** The addresses of a pod, canonical; none when it uses its node's network or has ended. */
export function podIPs(pod: KubePod): string[] {
  const status = pod.status
  if (pod.spec?.hostNetwork || status?.phase === 'Succeeded' || status?.phase === 'Failed') return []
  const texts = status?.podIPs?.length ? status.podIPs.map((p) => p.ip ?? '') : [status?.podIP ?? '']
  return texts.flatMap((text) => {
    const read = text ? readAddress(text) : null
    return read ? [read.text] : []
  })
}

function podsOutside(cluster: Cluster, node: KubeNode): StrayPods {
  const cidrs = new Map(cluster.nodes.map((n) => [n.metadata?.name ?? '', podCIDRs(n)]))
  const local: string[] = []
  const remote: { ip: string; node: string }[] = []
  for (const pod of cluster.pods) {
    const on = pod.spec?.nodeName ?? ''
    const known = cidrs.get(on)
    if (known === undefined) continue
    for (const ip of podIPs(pod)) {
      if (known.some((cidr) => contains(cidr, ip))) continue
      if (on === node.metadata?.name) local.push(ip)
      else remote.push({ ip, node: on })
    }
  }
  return { local, remote }
}

function address(text: string, prefixLength: number, scope: Address['scope']): Address {
  return { address: text, prefixLength, family: text.includes(':') ? 'ipv6' : 'ipv4', scope }
}

function linksOf(node: KubeNode, own: readonly string[], strays: boolean): Link[] {
  const lo = [address('127.0.0.1', 8, 'host'), address('::1', 128, 'host')]
  const uplink: Address[] = []
  for (const ip of own) {
    const it = address(ip, NODE_PREFIX[ip.includes(':') ? 'ipv6' : 'ipv4'], 'global')
    // The kernel makes an address secondary when its subnet has one already.
    const again = it.family === 'ipv4' && uplink.some((a) => contains(`${a.address}/${a.prefixLength}`, ip))
    uplink.push(again ? { ...it, secondary: true } : it)
  }
  const base = { up: true, loopback: false, mtu: 1500 }
  const links: Link[] = [
    { ...base, name: 'lo', index: 1, loopback: true, kind: '', mtu: 65536, addresses: lo },
    { ...base, name: 'eth0', index: 2, kind: '', addresses: uplink },
  ]
  const cidrs = podCIDRs(node)
  if (cidrs.length > 0 || strays) {
    links.push({ ...base, name: 'cni0', index: 3, kind: 'bridge', addresses: cidrs.map(gatewayOf) })
  }
  return links
}

/** The first address of a pod CIDR, which the bridge has. */
function gatewayOf(cidr: string): Address {
  const prefix = parsePrefix(cidr)!
  const bytes = addressToBytes(prefix)
  const last = bytes.length - 1
  // A prefix of the whole length is its own first address; others have room for one more.
  if (prefix.length < bytes.length * 8) bytes[last] = bytes[last]! | 1
  return address(formatAddress(addressFromBytes(bytes)), prefix.length, 'global')
}

function routesOf(cluster: Cluster, node: KubeNode, families: readonly Family[], pods: StrayPods): Route[] {
  const routes: Route[] = []
  const add = (dst: string, dev: string, via?: string) => {
    const family: Family = dst.includes(':') ? 'ipv6' : 'ipv4'
    routes.push({
      family,
      table: TABLE_MAIN,
      type: 'unicast',
      dst,
      nextHops: [{ dev, ...(via === undefined ? {} : { via }), weight: 1 }],
      metric: family === 'ipv4' ? 0 : 1024,
      scope: via === undefined && family === 'ipv4' ? 'link' : 'global',
      tos: 0,
    })
  }
  for (const family of families) add(family === 'ipv4' ? '0.0.0.0/0' : '::/0', 'eth0')
  const through = new Map<string, Partial<Record<Family, string>>>()
  for (const other of cluster.nodes) {
    if (other === node) continue
    const via: Partial<Record<Family, string>> = {}
    for (const family of FAMILIES) {
      const ip = internalIPs(other, family)[0]
      if (ip === undefined) continue
      via[family] = ip
      for (const cidr of podCIDRs(other, family)) add(cidr, 'eth0', ip)
    }
    through.set(other.metadata?.name ?? '', via)
  }
  for (const ip of new Set(pods.local)) add(hostPrefix(ip), 'cni0')
  const seen = new Set<string>()
  for (const { ip, node: on } of pods.remote) {
    const via = through.get(on)?.[ip.includes(':') ? 'ipv6' : 'ipv4']
    if (via === undefined || seen.has(ip)) continue
    seen.add(ip)
    add(hostPrefix(ip), 'eth0', via)
  }
  return routes
}
