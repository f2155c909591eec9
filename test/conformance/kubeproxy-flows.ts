// A recorded flow, replayed on a data plane: every outcome that chance allows, and whether it was marked to masquerade.
import type { Cluster } from '../../src/kube/cluster.js'
import { proxyRules } from '../../src/kube/proxy.js'
import type { ProxyOptions } from '../../src/kube/proxy-options.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import type { Ruleset } from '../../src/netfilter/model.js'
import { readRules } from '../../src/netfilter/read.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { Address, Link, NetworkNamespace, Route } from '../../src/netns/model.js'
import type { Config, MakeDataPlane } from './kubeproxy.js'

export interface Flow {
  readonly name: string
  readonly sourceIP: string
  readonly sourceIsNode: boolean
  readonly protocol: string
  readonly destIP: string
  readonly destPort: number
  readonly output: string
  readonly masq: boolean
}

/** Draws beyond the number of expected outcomes that must bring nothing new. */
const EXTRA_DRAWS = 24
const MOST_DRAWS = 600

/** The rules that a step's flows meet: those of its objects, or a text of its own. */
export function rulesForFlows(cluster: Cluster, options: ProxyOptions, inputRules: string | undefined): Ruleset {
  if (inputRules === undefined) return proxyRules(cluster, options)
  // Its comments of several words have no quotes, and its built-in chains no policy.
  const text = inputRules
    .replace(/--comment (?!")(.*?)(?= -[a-z] )/g, '--comment "$1"')
    .replace(/^:(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) - /gm, ':$1 ACCEPT ')
  return readRules(`${text}\n`, { file: 'inputRules', family: options.family })
}

/** The namespace that the cases assume. */
export function namespaceOf(config: Config, rules: Ruleset): NetworkNamespace {
  const links: Link[] = config.interfaces.map((device, i) => ({
    name: device.name,
    index: i + 1,
    up: true,
    loopback: device.name === 'lo',
    kind: '',
    mtu: device.name === 'lo' ? 65536 : 1500,
    addresses: device.addresses.map((text): Address => {
      const [address, length] = text.split('/') as [string, string]
      return {
        address,
        prefixLength: Number(length),
        family: address.includes(':') ? 'ipv6' : 'ipv4',
        scope: device.name === 'lo' ? 'host' : 'global',
      }
    }),
  }))
  const defaults = (['ipv4', 'ipv6'] as const).map(
    (family): Route => ({
      family,
      table: 254,
      type: 'unicast',
      dst: family === 'ipv4' ? '0.0.0.0/0' : '::/0',
      nextHops: [{ dev: 'eth0', weight: 1 }],
      metric: family === 'ipv4' ? 0 : 1024,
      scope: family === 'ipv4' ? 'link' : 'global',
      tos: 0,
    }),
  )
  return {
    name: config.nodeName,
    links,
    routes: [...deriveRoutes(links), ...defaults],
    policyRules: [
      { family: 'ipv4', priority: 0, not: false, action: { type: 'table', table: 255 } },
      { family: 'ipv6', priority: 0, not: false, action: { type: 'table', table: 255 } },
      { family: 'ipv4', priority: 32766, not: false, action: { type: 'table', table: 254 } },
      { family: 'ipv6', priority: 32766, not: false, action: { type: 'table', table: 254 } },
      { family: 'ipv4', priority: 32767, not: false, action: { type: 'table', table: 253 } },
    ],
    rulesets: [rules],
    sets: [],
    sysctls: {
      'net.ipv4.ip_forward': '1',
      'net.ipv6.conf.all.forwarding': '1',
      'net.ipv4.conf.all.route_localnet': '1',
    },
    connections: [],
    forceConntrack: false,
    assumed: [],
  }
}

/** The packets of a step, sent through one data plane; every attempt is a connection of its own. */
export class FlowRunner {
  readonly #config: Config
  readonly #make: () => DataPlane
  readonly #sticky: boolean
  #plane: DataPlane
  #sport = 1024

  constructor(config: Config, rules: Ruleset, make: MakeDataPlane) {
    const ns = namespaceOf(config, rules)
    this.#config = config
    this.#make = () => make(ns)
    this.#plane = this.#make()
    this.#sticky = rules.tables.some((t) =>
      t.chains.some((c) => c.rules.some((r) => r.matches.some((m) => m.match === 'recent'))),
    )
  }

  /** What was expected and what came out, in the case file's words (outcomes by text, then the mark). */
  run(flow: Flow): { expected: string; got: string } {
    const wanted = new Set(flow.output === '' ? [''] : flow.output.split(', '))
    const seen = new Set<string>()
    const marks = new Set<boolean>()
    const strange = new Set<string>()
    let surplus = 0
    for (let attempt = 0; attempt < MOST_DRAWS && surplus < EXTRA_DRAWS; attempt++) {
      if (this.#sticky) this.#startAnew(attempt)
      const answer = this.#plane.process(this.#packet(flow), { trace: true })
      seen.add(outcome(answer, flow))
      const marked = answer.trace?.includes('nat:KUBE-MARK-MASQ:rule:1') ?? false
      marks.add(marked)
      const odd = sourceFault(answer, flow, this.#config, marked)
      if (odd !== null) strange.add(odd)
      if ([...wanted].every((w) => seen.has(w))) surplus++
    }
    const say = (set: ReadonlySet<string>, masq: string) => `${[...set].sort().join(', ')}; masq ${masq}`
    const got = say(seen, [...marks].join(' and '))
    return { expected: say(wanted, String(flow.masq)), got: strange.size ? `${got}; ${[...strange].join('; ')}` : got }
  }

  #packet(flow: Flow): Packet {
    return {
      iface: flow.sourceIsNode ? 'local' : 'eth0',
      proto: flow.protocol as 'tcp',
      src: flow.sourceIP,
      dst: flow.destIP,
      sport: this.#sport++,
      dport: flow.destPort,
      ...(flow.protocol === 'tcp' ? { flags: 'S' } : {}),
    }
  }

  /** Affinity remembers the source: each attempt has empty lists. Packets that meet no Service move the draws on. */
  #startAnew(attempt: number): void {
    this.#plane = this.#make()
    for (let i = 0; i < attempt; i++) {
      this.#plane.process({ iface: 'eth0', proto: 'udp', src: '203.0.113.99', dst: '192.168.0.2', sport: 9, dport: 9 })
    }
  }
}

function outcome(answer: Answer, flow: Flow): string {
  if (answer.verdict === 'reject') return 'REJECT'
  if (answer.verdict === 'drop') return answer.dropped_by?.reason ? `dropped: ${answer.dropped_by.reason}` : 'DROP'
  if (answer.dst !== flow.destIP || answer.dport !== flow.destPort) {
    return String(answer.dst).includes(':') ? `[${answer.dst}]:${answer.dport}` : `${answer.dst}:${answer.dport}`
  }
  // The health check's rule lets a packet in that is for the node itself; nothing else of kube-proxy's accepts one.
  return answer.trace?.some((t) => t.startsWith('filter:KUBE-NODEPORTS:rule:')) ? 'ACCEPT' : ''
}

/** A packet that leaves has a new source exactly when it was marked; null: as it should be. */
function sourceFault(answer: Answer, flow: Flow, config: Config, marked: boolean): string | null {
  if (answer.verdict !== 'forward' && answer.verdict !== 'out') return null
  const own = config.nodeIPs.includes(String(answer.src))
  if (marked ? own : answer.src === flow.sourceIP) return null
  return `marked ${marked}, but it left with source ${answer.src}`
}
