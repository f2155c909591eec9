// One rule of kube-proxy as a rule of the model.
// Owns the translation of a rule's words into what they mean. Source: kube-proxy's words (proxy-text.ts) and
// iptables 1.8 (which match a word belongs to, and its defaults).
import { canonicalPrefix } from '../net/ip.js'
import { PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP } from '../net/proto.js'
import type { Match, Rule, Target } from '../netfilter/model.js'
import { hostPrefix } from './address.js'
import { type ProxyOptions, snatAddress } from './proxy-options.js'
import { type Action, type Part, probabilityBits, probabilityText } from './proxy-rule.js'
import type { ServiceProtocol } from './service-ports.js'

const NUMBER: Readonly<Record<ServiceProtocol, number>> = {
  tcp: PROTOCOL_TCP,
  udp: PROTOCOL_UDP,
  sctp: PROTOCOL_SCTP,
}
// Said half a million times in a large cluster, so said with one object.
const MASQ: Target & { chain: string } = { target: 'jump', chain: 'KUBE-MARK-MASQ' }
const NONE: readonly Match[] = []
const PROTO: Readonly<Record<ServiceProtocol, { readonly not: false; readonly value: number }>> = {
  tcp: { not: false, value: NUMBER.tcp },
  udp: { not: false, value: NUMBER.udp },
  sctp: { not: false, value: NUMBER.sctp },
}
const BARE: Readonly<Record<ServiceProtocol, Match>> = {
  tcp: { match: 'tcp' },
  udp: { match: 'udp' },
  sctp: { match: 'sctp' },
}

type Draft = { -readonly [K in keyof Rule]: Rule[K] } & { matches: Match[] }

/** Makes the rules of one rule set. Matches that many rules have are one object, so half a million stay affordable. */
export class RuleMaker {
  readonly #options: ProxyOptions
  readonly #mark: number
  readonly #random: Match[] = []

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#mark = 2 ** (options.masqueradeBit ?? 14)
  }

  rule(parts: readonly Part[], action: Action): Rule {
    const rule: Draft = { matches: [], line: 0 }
    for (const part of parts) this.#part(rule, part)
    const target = this.#target(action)
    if (target !== undefined) rule.target = target
    return rule.matches.length > 0 ? rule : { ...rule, matches: NONE }
  }

  #part(rule: Draft, part: Part): void {
    switch (part.part) {
      case 'comment':
        rule.matches.push({ match: 'comment', comment: part.text })
        return
      case 'proto':
        rule.proto = PROTO[part.proto]
        rule.matches.push(BARE[part.proto])
        return
      case 'src':
      case 'dst':
        rule[part.part] = { not: part.not ?? false, value: prefixOf(part.value) }
        return
      case 'in':
        rule.inIface = { not: part.not ?? false, value: part.name }
        return
      case 'dport': {
        // `--dport` belongs to the protocol's match, which stands where `-m P` stood.
        const at = rule.matches.findIndex((m) => m === BARE.tcp || m === BARE.udp || m === BARE.sctp)
        const dport = { not: false, value: { from: part.port, to: part.port } }
        rule.matches[at] = { ...(rule.matches[at] as typeof BARE.tcp), dport } as Match
        return
      }
      case 'srcLocal':
        rule.matches.push({ match: 'addrtype', srcType: { not: false, value: ['LOCAL'] } })
        return
      case 'dstLocal':
        rule.matches.push({ match: 'addrtype', dstType: { not: false, value: ['LOCAL'] } })
        return
      case 'nfacct':
        rule.matches.push({ match: 'nfacct', name: part.name })
        return
      case 'random':
        this.#random[part.of] ??= {
          match: 'statistic',
          mode: 'random',
          not: false,
          probability: probabilityBits(probabilityText(part.of)),
        }
        rule.matches.push(this.#random[part.of]!)
        return
      case 'recentSet':
      case 'recentCheck':
        rule.matches.push({
          match: 'recent',
          op: part.part === 'recentSet' ? 'set' : 'rcheck',
          not: false,
          name: part.name,
          side: 'source',
          mask: this.#options.family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
          ...(part.part === 'recentCheck' ? { seconds: part.seconds, reap: true } : {}),
        })
        return
      case 'mark':
        rule.matches.push({
          match: 'mark',
          mark: { not: part.not ?? false, value: { value: this.#mark, mask: this.#mark } },
        })
        return
      case 'ctstate':
        rule.matches.push({ match: 'conntrack', ctstate: { not: part.not ?? false, value: part.states } })
    }
  }

  #masquerade(): Target {
    const randomFully = (this.#options.randomFully ?? true) ? { randomFully: true as const } : {}
    const ip = snatAddress(this.#options)
    if (ip === null) return { target: 'MASQUERADE', range: randomFully }
    return { target: 'SNAT', range: { from: ip, to: ip, ...randomFully } }
  }

  #target(action: Action): Target | undefined {
    switch (action.to) {
      case 'chain':
        return action.chain === MASQ.chain ? MASQ : { target: 'jump', chain: action.chain }
      case 'DNAT':
        return {
          target: 'DNAT',
          range: { from: action.ip, to: action.ip, ports: { from: action.port, to: action.port } },
        }
      case 'MASQUERADE':
        return this.#masquerade()
      case 'setMark':
        return { target: 'MARK', value: this.#mark, mask: this.#mark }
      case 'flipMark':
        return { target: 'MARK', value: this.#mark, mask: 0 }
      case 'REJECT':
        return {
          target: 'REJECT',
          with: this.#options.family === 'ipv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable',
        }
      case 'nothing':
        return undefined
      default:
        return { target: action.to }
    }
  }
}

function prefixOf(text: string): string {
  if (!text.includes('/')) return hostPrefix(text)
  return canonicalPrefix(text) ?? text
}
