// What kube-proxy's rules depend on beside Services and endpoints: the node, and kube-proxy's own configuration.
// Owns the options, their defaults and how they follow from a Node object and a KubeProxyConfiguration.
// Source: kubernetes pkg/proxy/apis/config, cmd/kube-proxy/app/server_linux.go, pkg/proxy/util/localdetector.go.
import type { Backend, Family } from '../netfilter/model.js'
import { contains, familyOfText, hostPrefix, readAddress, readPrefix } from './address.js'
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
  /** Masqueraded packets leave with `nodeIP` (SNAT) instead of the address of the interface. Default false. */
  readonly snatNodeInternalIP?: boolean
  /** Hints for nodes (`hints.forNodes`) count, as they do by default since Kubernetes 1.34. Default true. */
  readonly nodeHints?: boolean
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

/**
 * The parts of a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) that decide about rules and packets. Durations
 * are texts as Kubernetes writes them (`1h30m`).
 */
export interface ProxyConfig {
  /** The node that kube-proxy takes for its own. Here the node is asked for, which is as if its flag were given. */
  readonly hostnameOverride?: string
  /** The node's primary address; unspecified (0.0.0.0, ::): the Node's first. */
  readonly bindAddress?: string
  /** `PreferSameTrafficDistribution` decides whether hints for nodes count. */
  readonly featureGates?: Readonly<Record<string, boolean>>
  /** One prefix, or one of each family with a comma between. */
  readonly clusterCIDR?: string
  readonly detectLocalMode?: string
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string }
  readonly iptables?: {
    readonly masqueradeAll?: boolean
    readonly masqueradeBit?: number
    readonly localhostNodePorts?: boolean
    readonly snatNodeInternalIP?: boolean
  }
  /** Prefixes, and the words `primary`, `localhost` and `all`. */
  readonly nodePortAddresses?: readonly string[]
  readonly conntrack?: {
    readonly tcpBeLiberal?: boolean
    readonly tcpEstablishedTimeout?: string
    readonly tcpCloseWaitTimeout?: string
    readonly udpTimeout?: string
    readonly udpStreamTimeout?: string
  }
}

/** The Node of that name; undefined when the cluster has none. */
export function findNode(cluster: Cluster, name: string): KubeNode | undefined {
  return cluster.nodes.find((node) => node.metadata?.name === name)
}

/** The InternalIP addresses of a node in one family, canonical, in the order of its status. */
export function internalIPs(node: KubeNode, family?: Family): string[] {
  return addressesOf(node, 'InternalIP', family)
}

function addressesOf(node: KubeNode, wanted: string, family?: Family): string[] {
  const out: string[] = []
  for (const { type, address } of node.status?.addresses ?? []) {
    const read = type === wanted ? readAddress(address) : null
    if (read && (family === undefined || read.family === family) && !out.includes(read.text)) out.push(read.text)
  }
  return out
}

/**
 * The primary addresses of a node, one of each family: the address to bind to, where one is given; the first InternalIP or
 * (without any) ExternalIP, of the other family likewise; loopback where there is none.
 */
export function primaryIPs(node: KubeNode | undefined, bindAddress = ''): Readonly<Record<Family, string>> {
  const all = node ? [...addressesOf(node, 'InternalIP'), ...addressesOf(node, 'ExternalIP')] : []
  const found: Record<Family, string> = {
    ipv4: all.find((a) => familyOfText(a) === 'ipv4') ?? '127.0.0.1',
    ipv6: all.find((a) => familyOfText(a) === 'ipv6') ?? '::1',
  }
  const bound = bindAddress === '' ? null : readAddress(bindAddress)
  if (bound !== null && bound.text !== '0.0.0.0' && bound.text !== '::') found[bound.family] = bound.text
  return found
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
  const primary = primaryIPs(node, config.bindAddress)
  const nodePortAddresses = (config.nodePortAddresses ?? []).flatMap((text) => nodePortPrefixes(text, primary))
  const ofV4 = nodePortAddresses.filter((p) => familyOfText(p) === 'ipv4')
  const noLoopback = ofV4.length > 0 && !ofV4.some(holdsLoopback)
  return {
    family,
    nodeName,
    nodeIP: primary[family],
    zone,
    nodeAddresses: [...own, loopback],
    detectLocal: detector(config, node, family),
    masqueradeAll: config.iptables?.masqueradeAll ?? false,
    masqueradeBit: config.iptables?.masqueradeBit ?? 14,
    localhostNodePorts: family === 'ipv4' && (config.iptables?.localhostNodePorts ?? true) && !noLoopback,
    nodePortAddresses,
    snatNodeInternalIP: config.iptables?.snatNodeInternalIP ?? false,
    nodeHints: config.featureGates?.['PreferSameTrafficDistribution'] ?? true,
    conntrackTcpBeLiberal: config.conntrack?.tcpBeLiberal ?? false,
  }
}

/** What one entry of `nodePortAddresses` stands for: prefixes, canonical. Without any entry all addresses count. */
function nodePortPrefixes(text: string, primary: Readonly<Record<Family, string>>): string[] {
  if (text === 'all') return ['0.0.0.0/0', '::/0']
  if (text === 'localhost') return ['127.0.0.0/8', '::1/128']
  if (text === 'primary') return [primary.ipv4, primary.ipv6].filter((ip) => !isLoopback(ip)).map(hostPrefix)
  const prefix = readPrefix(text)
  return prefix === null ? [] : [prefix.text]
}

/** The address that masqueraded packets leave with; null: that of the interface. */
export function snatAddress(options: ProxyOptions): string | null {
  const { snatNodeInternalIP, nodeIP } = options
  return snatNodeInternalIP && nodeIP !== undefined && !isLoopback(nodeIP) ? nodeIP : null
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

function holdsLoopback(prefix: string): boolean {
  return prefix.startsWith('127.') || contains(prefix, '127.0.0.0')
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
