// The rules of one service port.
// Owns its chains, their order and their conditions. First what every sync writes (who is let in where), then the
// service's own chains; all chain lines of a service come before the rules that need them only within a table, which is
// all that iptables-restore asks.
// Source: kubernetes pkg/proxy/iptables/proxier.go, the loop over svcPortMap and writeServiceToEndpointRules.
import { contains } from './address.js'
import { type ChoosingNode, chooseEndpoints, type Endpoint } from './endpoints.js'
import type { ProxyOptions } from './proxy-options.js'
import type { Action, Part, RuleSink } from './proxy-rule.js'
import { externallyAccessible, type ServicePort, usesClusterEndpoints, usesLocalEndpoints } from './service-ports.js'
import { chainHash } from './sha256.js'

/** The four chains that a service port can have; they share one hash. */
export interface ServiceChains {
  readonly cluster: string
  readonly local: string
  readonly external: string
  readonly firewall: string
}

/**
 * @param name `namespace/name`, with `:portname` where the port has a name
 * @example serviceChains('ns1/svc1:p80', 'tcp').cluster // 'KUBE-SVC-XPGD46QRK7WJZT7O'
 */
export function serviceChains(name: string, protocol: string): ServiceChains {
  const hash = chainHash(name + protocol)
  return {
    cluster: `KUBE-SVC-${hash}`,
    local: `KUBE-SVL-${hash}`,
    external: `KUBE-EXT-${hash}`,
    firewall: `KUBE-FW-${hash}`,
  }
}

/**
 * @param endpoint `ip:port` or `[ip6]:port`
 * @example endpointChain('ns1/svc1:p80', 'tcp', '10.180.0.1:80') // 'KUBE-SEP-SXIVWICOYRO3J4NJ'
 */
export function endpointChain(name: string, protocol: string, endpoint: string): string {
  return `KUBE-SEP-${chainHash(name + protocol + endpoint)}`
}

const MASQ: Action = { to: 'chain', chain: 'KUBE-MARK-MASQ' }
const SRC_LOCAL: Part = { part: 'srcLocal' }

function comment(text: string): Part {
  return { part: 'comment', text }
}

function jump(chain: string): Action {
  return { to: 'chain', chain }
}

/** Writes service ports, one after the other, into a sink. */
export class ServiceWriter {
  /** Service ports seen so far that have endpoints, but none for their cluster IP from this node. */
  noLocalInternal = 0
  /** The same for traffic from outside. */
  noLocalExternal = 0
  readonly #sink: RuleSink
  readonly #options: ProxyOptions
  readonly #large: boolean
  readonly #node: ChoosingNode
  /** The local detector's condition; null: there is none. */
  readonly #isPod: Part | null
  readonly #isNoPod: Part | null
  readonly #localhost: boolean
  /** Chains of the service port at hand: each name is needed up to four times, and a hash is the dearest part of a rule. */
  readonly #sepChains = new Map<Endpoint, string>()

  /** @param large comments are left out of the rules about single endpoints */
  constructor(sink: RuleSink, options: ProxyOptions, large: boolean) {
    this.#sink = sink
    this.#options = options
    this.#large = large
    this.#node = { name: options.nodeName, zone: options.zone ?? '', nodeHints: options.nodeHints ?? true }
    this.#isPod = detectorPart(options, false)
    this.#isNoPod = detectorPart(options, true)
    this.#localhost =
      options.family === 'ipv4' &&
      (options.localhostNodePorts ?? true) &&
      (options.nfacct?.localhost_nps_accepted_pkts ?? false)
  }

  /**
   * @param endpoints all of the service port, sorted (see `endpointsByPort`)
   * @param own whether its own chains are written, too; false: a partial sync to which it is nothing new
   */
  write(port: ServicePort, endpoints: readonly Endpoint[], own = true): void {
    this.#sepChains.clear()
    const choice = chooseEndpoints(port, endpoints, this.#node)
    const chains = serviceChains(port.name, port.protocol)
    const hasLocal = choice.local.length > 0
    const hasInternal = choice.has && !(port.internalPolicyLocal && !hasLocal)
    const hasExternal = choice.has && !(port.externalPolicyLocal && !hasLocal)
    if (choice.has && !hasInternal) this.noLocalInternal++
    if (choice.has && !hasExternal) this.noLocalExternal++
    const firewall = choice.has && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0
    const internal = port.internalPolicyLocal ? chains.local : chains.cluster
    const unusable = choice.has
      ? { text: `${port.name} has no local endpoints`, action: { to: 'DROP' } as Action }
      : { text: `${port.name} has no endpoints`, action: { to: 'REJECT' } as Action }

    this.#clusterIP(port, hasInternal ? internal : null, unusable)
    this.#externalIPs(port, chains.external, choice.has, hasExternal, unusable)
    this.#loadBalancer(port, chains, choice.has, firewall, hasExternal, unusable)
    this.#nodePort(port, chains.external, choice.has, hasExternal, unusable)
    this.#healthCheck(port)
    if (!own) return

    if (hasInternal) this.#masqueradeInternal(port, internal)
    if (choice.has && externallyAccessible(port)) this.#externalChain(port, chains, hasExternal)
    if (firewall) this.#firewallChain(port, chains)
    if (choice.cluster.length > 0 && usesClusterEndpoints(port)) this.#dispatch(port, chains.cluster, choice.cluster)
    if (hasLocal && usesLocalEndpoints(port)) this.#dispatch(port, chains.local, choice.local)
    for (const endpoint of choice.all) this.#endpoint(port, endpoint)
  }

  /** `-m P -p P [-d ADDRESS] --dport PORT` */
  #to(port: ServicePort, text: string, dst: string, dport: number): Part[] {
    const parts: Part[] = [comment(text), { part: 'proto', proto: port.protocol }]
    if (dst !== '') parts.push({ part: 'dst', value: dst })
    parts.push({ part: 'dport', port: dport })
    return parts
  }

  #clusterIP(port: ServicePort, chain: string | null, unusable: { text: string; action: Action }): void {
    if (chain !== null) {
      const parts = this.#to(port, `${port.name} cluster IP`, port.clusterIP, port.port)
      this.#sink.rule('nat', 'KUBE-SERVICES', parts, jump(chain))
    } else {
      const parts = this.#to(port, unusable.text, port.clusterIP, port.port)
      this.#sink.rule('filter', 'KUBE-SERVICES', parts, unusable.action)
    }
  }

  #externalIPs(port: ServicePort, chain: string, has: boolean, usable: boolean, un: { text: string; action: Action }) {
    for (const ip of port.externalIPs) {
      if (has) {
        this.#sink.rule('nat', 'KUBE-SERVICES', this.#to(port, `${port.name} external IP`, ip, port.port), jump(chain))
      }
      if (!usable) {
        this.#sink.rule('filter', 'KUBE-EXTERNAL-SERVICES', this.#to(port, un.text, ip, port.port), un.action)
      }
    }
  }

  #loadBalancer(
    port: ServicePort,
    chains: ServiceChains,
    has: boolean,
    firewall: boolean,
    usable: boolean,
    unusable: { text: string; action: Action },
  ): void {
    for (const ip of port.loadBalancerIPs) {
      if (has) {
        const parts = this.#to(port, `${port.name} loadbalancer IP`, ip, port.port)
        this.#sink.rule('nat', 'KUBE-SERVICES', parts, jump(firewall ? chains.firewall : chains.external))
      }
      if (firewall) {
        const parts = this.#to(port, `${port.name} traffic not accepted by ${chains.firewall}`, ip, port.port)
        this.#sink.rule('filter', 'KUBE-PROXY-FIREWALL', parts, { to: 'DROP' })
      }
    }
    if (usable) return
    for (const ip of port.loadBalancerIPs) {
      const parts = this.#to(port, unusable.text, ip, port.port)
      this.#sink.rule('filter', 'KUBE-EXTERNAL-SERVICES', parts, unusable.action)
    }
  }

  #nodePort(port: ServicePort, chain: string, has: boolean, usable: boolean, un: { text: string; action: Action }) {
    if (port.nodePort === 0) return
    if (has) {
      if (this.#localhost) {
        const parts = this.#to(port, port.name, '127.0.0.0/8', port.nodePort)
        parts.push({ part: 'nfacct', name: 'localhost_nps_accepted_pkts' })
        this.#sink.rule('nat', 'KUBE-NODEPORTS', parts, jump(chain))
      }
      this.#sink.rule('nat', 'KUBE-NODEPORTS', this.#to(port, port.name, '', port.nodePort), jump(chain))
    }
    if (usable) return
    const parts: Part[] = [
      comment(un.text),
      { part: 'dstLocal' },
      { part: 'proto', proto: port.protocol },
      { part: 'dport', port: port.nodePort },
    ]
    this.#sink.rule('filter', 'KUBE-EXTERNAL-SERVICES', parts, un.action)
  }

  #healthCheck(port: ServicePort): void {
    if (port.healthCheckNodePort === 0) return
    const parts: Part[] = [
      comment(`${port.name} health check node port`),
      { part: 'proto', proto: 'tcp' },
      { part: 'dport', port: port.healthCheckNodePort },
    ]
    this.#sink.rule('filter', 'KUBE-NODEPORTS', parts, { to: 'ACCEPT' })
  }

  #masqueradeInternal(port: ServicePort, chain: string): void {
    const condition = this.#options.masqueradeAll ? [] : this.#isNoPod === null ? null : [this.#isNoPod]
    // The chain's own line comes below, with its endpoints; it has some, or this traffic would not be let in.
    if (condition === null) return
    const parts = this.#to(port, `${port.name} cluster IP`, port.clusterIP, port.port)
    this.#sink.rule('nat', chain, [...parts, ...condition], MASQ)
  }

  #externalChain(port: ServicePort, chains: ServiceChains, usable: boolean): void {
    const { external, cluster, local } = chains
    this.#sink.chain('nat', external)
    if (port.externalPolicyLocal) {
      if (this.#isPod !== null) {
        const parts = [comment(`pod traffic for ${port.name} external destinations`), this.#isPod]
        this.#sink.rule('nat', external, parts, jump(cluster))
      }
      const marks = [comment(`masquerade LOCAL traffic for ${port.name} external destinations`), SRC_LOCAL]
      this.#sink.rule('nat', external, marks, MASQ)
      const routes = [comment(`route LOCAL traffic for ${port.name} external destinations`), SRC_LOCAL]
      this.#sink.rule('nat', external, routes, jump(cluster))
    } else {
      const parts = [comment(`masquerade traffic for ${port.name} external destinations`)]
      this.#sink.rule('nat', external, parts, MASQ)
    }
    if (usable) this.#sink.rule('nat', external, [], jump(port.externalPolicyLocal ? local : cluster))
  }

  #firewallChain(port: ServicePort, chains: ServiceChains): void {
    const { firewall, external } = chains
    this.#sink.chain('nat', firewall)
    const text = comment(`${port.name} loadbalancer IP`)
    for (const value of port.sourceRanges) {
      this.#sink.rule('nat', firewall, [text, { part: 'src', value }], jump(external))
    }
    const node = this.#options.nodeIP
    // A node that may come as itself may also come with the load balancer's address as its source.
    if (node !== undefined && port.sourceRanges.some((range) => contains(range, node))) {
      for (const value of port.loadBalancerIPs) {
        this.#sink.rule('nat', firewall, [text, { part: 'src', value }], jump(external))
      }
    }
    const rest = comment(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`)
    this.#sink.rule('nat', firewall, [rest], { to: 'nothing' })
  }

  #dispatch(port: ServicePort, chain: string, endpoints: readonly Endpoint[]): void {
    this.#sink.chain('nat', chain)
    const says = (e: Endpoint): Part[] => (this.#large ? [] : [comment(`${port.name} -> ${e.text}`)])
    if (port.affinitySeconds > 0) {
      for (const e of endpoints) {
        const name = this.#chainOf(port, e)
        const parts = [...says(e), { part: 'recentCheck', name, seconds: port.affinitySeconds } as Part]
        this.#sink.rule('nat', chain, parts, jump(name))
      }
    }
    const n = endpoints.length
    for (let i = 0; i < n; i++) {
      const e = endpoints[i]!
      const parts = says(e)
      if (i < n - 1) parts.push({ part: 'random', of: n - i })
      this.#sink.rule('nat', chain, parts, jump(this.#chainOf(port, e)))
    }
  }

  #chainOf(port: ServicePort, endpoint: Endpoint): string {
    let chain = this.#sepChains.get(endpoint)
    if (chain === undefined) {
      chain = endpointChain(port.name, port.protocol, endpoint.text)
      this.#sepChains.set(endpoint, chain)
    }
    return chain
  }

  #endpoint(port: ServicePort, endpoint: Endpoint): void {
    const chain = this.#chainOf(port, endpoint)
    this.#sink.chain('nat', chain)
    const says = this.#large ? [] : [comment(port.name)]
    this.#sink.rule('nat', chain, [...says, { part: 'src', value: endpoint.ip }], MASQ)
    const parts: Part[] = [...says]
    if (port.affinitySeconds > 0) parts.push({ part: 'recentSet', name: chain })
    parts.push({ part: 'proto', proto: port.protocol })
    this.#sink.rule('nat', chain, parts, { to: 'DNAT', ip: endpoint.ip, port: endpoint.port, text: endpoint.text })
  }
}

/** The condition "comes from a pod of this node (or cluster)", or its opposite. */
function detectorPart(options: ProxyOptions, not: boolean): Part | null {
  const detector = options.detectLocal
  if (detector === undefined || detector.mode === 'none') return null
  if (detector.mode === 'BridgeInterface') return { part: 'in', name: detector.name, not }
  if (detector.mode === 'InterfaceNamePrefix') return { part: 'in', name: `${detector.name}+`, not }
  return { part: 'src', value: (detector as { cidr: string }).cidr, not }
}
