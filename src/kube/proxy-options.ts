// What kube-proxy's rules depend on beside Services and endpoints: the node, and kube-proxy's own configuration.
// Owns the options, their defaults and how they follow from a Node object and a KubeProxyConfiguration.
// Source: kubernetes pkg/proxy/apis/config, cmd/kube-proxy/app/server_linux.go, pkg/proxy/util/localdetector.go.
import type { Backend, Family } from '../netfilter/model.js'
import { familyOfText, readAddress, readPrefix } from './address.js'
import type { Cluster } from './cluster.js'
import { ZONE_LABEL } from './endpoints.js'
import type { KubeNode } from './objects.js'

/** How kube-proxy knows traffic of pods: by source prefix, by incoming interface, or not at all. */
export type LocalDetector =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR'; readonly cidr: string }
  | { readonly mode: 'BridgeInterface' | 'InterfaceNamePrefix'; readonly name: string }
  | { readonly mode: 'none' }

/** The inputs of one kube-proxy instance (one family, one node). All but the first two have defaults. */
export interface ProxyOptions {
  readonly family: Family
  readonly nodeName: string
  /** The node's primary address, canonical; load balancer source ranges are compared with it. Default: the Node's. */
  readonly nodeIP?: string
  /** Value of the label `topology.kubernetes.io/zone`. Default: the Node's, '' when it has none. */
  readonly zone?: string
  /** Addresses of the node's interfaces, loopback included; used with `nodePortAddresses`. Default: the Node's. */
  readonly nodeAddresses?: readonly string[]
  /** Default: none. */
  readonly detectLocal?: LocalDetector
  /** Default false. */
  readonly masqueradeAll?: boolean
  /** 0..31; default 14. */
  readonly masqueradeBit?: number
  /** The mark as the restore text writes it. Default: `0x` and eight hex digits, e.g. `0x00004000`. */
  readonly masqueradeMark?: string
  /** Node ports are reachable on 127.0.0.1 (IPv4 only). Default true. */
  readonly localhostNodePorts?: boolean
  /** Prefixes of both families; empty: every address of the node. Default empty. */
  readonly nodePortAddresses?: readonly string[]
  /** MASQUERADE picks its port with `--random-fully`, as kube-proxy does with any iptables since 1.6.2. Default true. */
  readonly randomFully?: boolean
  /** nf_conntrack_tcp_be_liberal is set: invalid packets are not dropped. Default false. */
  readonly conntrackTcpBeLiberal?: boolean
  /** nfacct counters that exist on the node. Default: none. */
  readonly nfacct?: {
    readonly ct_state_invalid_dropped_pkts?: boolean
    readonly localhost_nps_accepted_pkts?: boolean
  }
  /** More endpoints than this, over all service ports, and endpoint rules lose their comments. Default 1000. */
  readonly largeClusterEndpoints?: number
  /** Of the rule sets that `proxyRules` returns. Default `legacy`. */
  readonly backend?: Backend
}

/** The parts of a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) that decide about rules. */
export interface ProxyConfig {
  readonly hostnameOverride?: string
  /** One prefix, or one of each family with a comma between. */
  readonly clusterCIDR?: string
  readonly detectLocalMode?: string
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string }
  readonly iptables?: {
    readonly masqueradeAll?: boolean
    readonly masqueradeBit?: number
    readonly localhostNodePorts?: boolean
  }
  /** Prefixes, or the one word `primary`. */
  readonly nodePortAddresses?: readonly string[]
  readonly conntrack?: { readonly tcpBeLiberal?: boolean }
}

/** The Node of that name; undefined when the cluster has none. */
export function findNode(cluster: Cluster, name: string): KubeNode | undefined {
  return cluster.nodes.find((node) => node.metadata?.name === name)
}

/** The InternalIP addresses of a node in one family, canonical, in the order of its status. */
export function internalIPs(node: KubeNode, family?: Family): string[] {
  const out: string[] = []
  for (const { type, address } of node.status?.addresses ?? []) {
    const read = type === 'InternalIP' ? readAddress(address) : null
    if (read && (family === undefined || read.family === family) && !out.includes(read.text)) out.push(read.text)
  }
  return out
}

/** The pod CIDRs of a node in one family, canonical. */
export function podCIDRs(node: KubeNode, family?: Family): string[] {
  const texts = node.spec?.podCIDRs?.length ? node.spec.podCIDRs : node.spec?.podCIDR ? [node.spec.podCIDR] : []
  const out: string[] = []
  for (const text of texts) {
    const read = readPrefix(text)
    if (read && (family === undefined || read.family === family) && !out.includes(read.text)) out.push(read.text)
  }
  return out
}

/**
 * The options of the kube-proxy that runs on a node: addresses, zone and pod CIDR from its Node object (where there is
 * one), the rest from kube-proxy's configuration or its defaults.
 */
export function proxyOptions(
  cluster: Cluster,
  nodeName: string,
  family: Family,
  config: ProxyConfig = {},
): ProxyOptions {
  const node = findNode(cluster, nodeName)
  const own = node ? internalIPs(node, family) : []
  const labels = node?.metadata?.labels
  const zone = labels && Object.hasOwn(labels, ZONE_LABEL) ? (labels[ZONE_LABEL] as string) : ''
  const loopback = family === 'ipv4' ? '127.0.0.1' : '::1'
  let nodePortAddresses = config.nodePortAddresses ?? []
  if (nodePortAddresses.includes('primary')) {
    // The first address of each family stands for "primary"; without any, nothing can be said and all addresses count.
    const primary = node ? [internalIPs(node, 'ipv4')[0], internalIPs(node, 'ipv6')[0]] : []
    nodePortAddresses = primary.flatMap((ip) => (ip === undefined ? [] : [ip.includes(':') ? `${ip}/128` : `${ip}/32`]))
  }
  const ofV4 = nodePortAddresses.filter((p) => familyOfText(p) === 'ipv4')
  const noLoopback = ofV4.length > 0 && !ofV4.some(holdsLoopback)
  return {
    family,
    nodeName,
    ...(own[0] === undefined ? {} : { nodeIP: own[0] }),
    zone,
    nodeAddresses: [...own, loopback],
    detectLocal: detector(config, node, family),
    masqueradeAll: config.iptables?.masqueradeAll ?? false,
    masqueradeBit: config.iptables?.masqueradeBit ?? 14,
    localhostNodePorts: family === 'ipv4' && (config.iptables?.localhostNodePorts ?? true) && !noLoopback,
    nodePortAddresses,
    conntrackTcpBeLiberal: config.conntrack?.tcpBeLiberal ?? false,
  }
}

function holdsLoopback(text: string): boolean {
  const prefix = readPrefix(text)
  if (prefix === null) return false
  const [address, length] = prefix.text.split('/') as [string, string]
  return address.startsWith('127.') || (length === '0' && address === '0.0.0.0')
}

function detector(config: ProxyConfig, node: KubeNode | undefined, family: Family): LocalDetector {
  const mode = config.detectLocalMode || 'ClusterCIDR'
  if (mode === 'BridgeInterface' || mode === 'InterfaceNamePrefix') {
    const name =
      mode === 'BridgeInterface' ? config.detectLocal?.bridgeInterface : config.detectLocal?.interfaceNamePrefix
    return name ? { mode, name } : { mode: 'none' }
  }
  if (mode === 'NodeCIDR') {
    const cidr = node ? podCIDRs(node, family)[0] : undefined
    return cidr ? { mode, cidr } : { mode: 'none' }
  }
  const cidr = (config.clusterCIDR ?? '').split(',').find((c) => c.trim() !== '' && familyOfText(c) === family)
  return cidr ? { mode: 'ClusterCIDR', cidr: cidr.trim() } : { mode: 'none' }
}
