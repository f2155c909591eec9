// Rules that reach no further than their own chain: what they are decided by lies in their record and in CODE, and nothing
// is remembered from one packet to the next but their counters.
import type { Rule } from '../netfilter/model.js'

const MATCHES: ReadonlySet<string> = new Set([
  'addrtype',
  'comment',
  'connmark',
  'conntrack',
  'dscp',
  'ecn',
  'icmp',
  'icmp6',
  'iprange',
  'length',
  'mark',
  'multiport',
  'nfacct',
  'pkttype',
  'sctp',
  'state',
  'tcp',
  'tos',
  'ttl',
  'hl',
  'udp',
])

const TARGETS: ReadonlySet<string> = new Set([
  'jump',
  'goto',
  'ACCEPT',
  'DROP',
  'RETURN',
  'REJECT',
  'DNAT',
  'SNAT',
  'MASQUERADE',
  'REDIRECT',
  'MARK',
  'CONNMARK',
  'LOG',
  'NFLOG',
])

const known = new WeakMap<readonly Rule[], boolean>()

/** Are all rules of a list plain? Remembered with the list. */
export function arePlain(rules: readonly Rule[]): boolean {
  let plain = known.get(rules)
  if (plain === undefined) {
    plain = rules.every(isPlain)
    known.set(rules, plain)
  }
  return plain
}

function isPlain(rule: Rule): boolean {
  if (rule.target !== undefined && !TARGETS.has(rule.target.target)) return false
  return rule.matches.every((m) => MATCHES.has(m.match) || (m.match === 'statistic' && m.mode === 'random'))
}
