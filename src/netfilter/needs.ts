// What a rule makes the kernel switch on by being there, whether or not it is ever reached: connection tracking, and
// reassembly of fragments. Owns the two lists; a new match or target that tracks is added here.
// Kernel: the users of nf_ct_netns_get and of nf_defrag_ipv4_enable, nf_defrag_ipv6_enable in net/netfilter/xt_*.c.
import type { Rule } from './model.js'

/** Matches whose rules make conntrack run for their family. */
const TRACKING_MATCHES: ReadonlySet<string> = new Set([
  'cluster',
  'connbytes',
  'connlabel',
  'connlimit',
  'connmark',
  'conntrack',
  'helper',
  'state',
])

/** Targets likewise; CT but for `--notrack`. */
const TRACKING_TARGETS: ReadonlySet<string> = new Set([
  'CONNMARK',
  'CONNSECMARK',
  'CT',
  'DNAT',
  'MASQUERADE',
  'NETMAP',
  'REDIRECT',
  'SNAT',
  'SYNPROXY',
])

/** What wants whole packets without tracking them. */
const REASSEMBLING_MATCHES: ReadonlySet<string> = new Set(['socket'])
const REASSEMBLING_TARGETS: ReadonlySet<string> = new Set(['TPROXY'])

/** Does this rule make conntrack run for its family? */
export function needsConntrack(rule: Rule): boolean {
  const { target } = rule
  if (rule.matches.some((m) => TRACKING_MATCHES.has(m.match))) return true
  if (target === undefined || !TRACKING_TARGETS.has(target.target)) return false
  return target.target !== 'CT' || target.notrack !== true
}

/** Does this rule make its family's fragments be put together before the rules? Conntrack always does. */
export function needsReassembly(rule: Rule): boolean {
  if (needsConntrack(rule)) return true
  if (rule.target !== undefined && REASSEMBLING_TARGETS.has(rule.target.target)) return true
  return rule.matches.some((m) => REASSEMBLING_MATCHES.has(m.match))
}

/** Does this rule make new connections have labels? */
export function asksLabels(rule: Rule): boolean {
  return rule.matches.some((m) => m.match === 'connlabel')
}
