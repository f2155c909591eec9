// A namespace as what is said to a kernel to have one like it: sysctls, lines for `ip`, `ipset`, `iptables-restore`.
// Owns the words of these programs. What the kernel then has is read back by the bundle's readers, so a route that it
// refuses or an order that it changes is no difference of the engines.
import type { ConntrackEntry } from '../../src/net/packet.js'
import type { Backend, Family, Ruleset } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { deriveRoutes } from '../../src/netns/derive.js'
import { printIpsets } from '../../src/netns/ipset-print.js'
import type { IpSet, Link, NetworkNamespace, PolicyRule, Route } from '../../src/netns/model.js'
import type { Dumps, SetupRequest } from './machine.js'
import { GROUP, probes } from './probes.js'

/** What a new namespace has for an engine that is told nothing, and silence: no duplicate detection, no rate limits. */
const BEFORE: readonly (readonly [string, string])[] = [
  ...['all', 'default'].flatMap((link): [string, string][] => [
    ...['rp_filter', 'route_localnet', 'accept_local', 'log_martians', 'src_valid_mark'].map(
      (key): [string, string] => [`net.ipv4.conf.${link}.${key}`, '0'],
    ),
    [`net.ipv4.conf.${link}.send_redirects`, '1'],
    [`net.ipv6.conf.${link}.disable_ipv6`, '0'],
    ...['accept_dad', 'accept_ra', 'router_solicitations', 'autoconf'].map((key): [string, string] => [
      `net.ipv6.conf.${link}.${key}`,
      '0',
    ]),
  ]),
  ['net.ipv4.ip_forward', '1'],
  ['net.ipv6.conf.all.forwarding', '1'],
  ['net.ipv6.conf.lo.disable_ipv6', '0'],
  ['net.ipv4.icmp_ratelimit', '0'],
  ['net.ipv4.icmp_ratemask', '0'],
  ['net.ipv4.icmp_msgs_per_sec', '1000000'],
  ['net.ipv4.icmp_msgs_burst', '1000000'],
  ['net.ipv6.icmp.ratelimit', '0'],
  ['net.ipv6.icmp.ratemask', '\n'],
  ['net.netfilter.nf_conntrack_checksum', '1'],
]

const bare = (prefix: string): string => prefix.replace(/\/(32|128)$/, '')

function linkLines(link: Link, bridge: boolean): string[] {
  const { name, loopback } = link
  const lines: string[] = []
  if (!loopback) {
    lines.push(`link set ${name} addrgenmode none`)
    if (link.mac !== undefined) lines.push(`link set ${name} address ${link.mac}`)
    if (!bridge && link.master === undefined) lines.push(`link set ${name} arp off`)
    lines.push(`link set ${name} mtu ${link.mtu}`)
    if (link.master !== undefined) lines.push(`link set ${name} master ${link.master}`)
  }
  lines.push(`link set ${name} ${link.up ? 'up' : 'down'}`)
  return lines
}

function addressLines({ name, addresses }: Link, family: Family): string[] {
  const own = addresses.filter((a) => a.family === family && a.address !== '127.0.0.1' && a.address !== '::1')
  // The kernel puts a new IPv6 address in front of the others of its scope.
  if (family === 'ipv6')
    return own
      .reverse()
      .map((a) => `addr add ${a.address}/${a.prefixLength}${a.deprecated ? ' preferred_lft 0' : ''} dev ${name} nodad`)
  return own.map((a) => {
    const broadcast = a.broadcast === undefined ? '' : ` broadcast ${a.broadcast}`
    const address = a.peer === undefined ? `${a.address}/${a.prefixLength}` : a.address
    const peer = a.peer === undefined ? '' : ` peer ${a.peer}/${a.prefixLength}`
    return `addr add ${address}${peer}${broadcast} scope ${a.scope} dev ${name}`
  })
}

const routeKey = (r: Route): string =>
  [r.family, r.table, r.type, bare(r.dst), r.nextHops.map((h) => h.dev).join(), r.metric].join(' ')

function routeLine(r: Route): string {
  const hop = (h: Route['nextHops'][number]): string =>
    `${h.via === undefined ? '' : ` via ${h.via}`}${h.dev === undefined ? '' : ` dev ${h.dev}`}`
  const onlink = r.nextHops.some((h) => h.via !== undefined) ? ' onlink' : ''
  const hops =
    r.nextHops.length > 1
      ? r.nextHops.map((h) => ` nexthop${hop(h)} weight ${h.weight}${h.via === undefined ? '' : ' onlink'}`).join('')
      : r.nextHops.map((h) => hop(h) + onlink).join('')
  const tos = r.tos === 0 ? '' : ` tos 0x${r.tos.toString(16)}`
  const metric = r.metric === 0 ? '' : ` metric ${r.metric}`
  const source = r.prefsrc === undefined ? '' : ` src ${r.prefsrc}`
  const mtu = r.mtu === undefined ? '' : ` mtu ${r.mtu}`
  const after = r.nextHops.length > 1 ? `${mtu}${hops}` : `${hops}${mtu}`
  return `route add ${r.type} ${r.dst}${tos} table ${r.table}${metric}${source}${after}`
}

function ruleLine(r: PolicyRule): string {
  const words = [`rule add pref ${r.priority}`]
  if (r.not) words.push('not')
  if (r.from !== undefined) words.push(`from ${r.from}`)
  if (r.to !== undefined) words.push(`to ${r.to}`)
  if (r.iif !== undefined) words.push(`iif ${r.iif}`)
  if (r.oif !== undefined) words.push(`oif ${r.oif}`)
  if (r.fwmark !== undefined) words.push(`fwmark ${r.fwmark.value}/${r.fwmark.mask}`)
  if (r.tos !== undefined) words.push(`tos 0x${r.tos.toString(16)}`)
  if (r.ipproto !== undefined) words.push(`ipproto ${r.ipproto}`)
  const { action } = r
  if (action.type === 'table') {
    words.push(`lookup ${action.table}`)
    if (action.suppressPrefixLength !== undefined) words.push(`suppress_prefixlength ${action.suppressPrefixLength}`)
  } else if (action.type === 'goto') words.push(`goto ${action.priority}`)
  else words.push(action.type)
  return words.join(' ')
}

/** The policy rules that every namespace has. */
const isDefault = (r: PolicyRule): boolean => r.priority === 0 || r.priority >= 32766

/** The sets as `ipset restore` takes them: first those that others list. */
export function setLines(sets: readonly IpSet[]): { create: string[]; add: string[] } {
  const ordered = [...sets.filter((s) => s.type !== 'list:set'), ...sets.filter((s) => s.type === 'list:set')]
  const lines = printIpsets(ordered)
    .split('\n')
    .filter((line) => line !== '')
  return { create: lines.filter((l) => l.startsWith('create ')), add: lines.filter((l) => l.startsWith('add ')) }
}

/** The bits of what can be said of an entry that is made from outside. */
const STATUS: Readonly<Record<string, number>> = { SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8, FIXED_TIMEOUT: 1024 }

function connectionOf(entry: ConntrackEntry): SetupRequest['connections'][number] {
  const { orig, reply, protonum, timeout, mark } = entry
  const status = entry.status.reduce((bits, name) => bits | (STATUS[name] ?? 0), 0)
  return {
    ...{ orig: { ...orig, protonum }, reply: { ...reply, protonum }, status, timeout, mark },
    ...(entry.state === undefined ? {} : { state: entry.state }),
    ...(entry.zone === undefined ? {} : { zone: entry.zone }),
  }
}

/** The command that loads a rule set, and its input. */
export function restoreOf(ruleset: Ruleset, backend: Backend): readonly [readonly string[], string] {
  const command = `${ruleset.family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-restore`
  return [[command, '-c', ...(backend === 'legacy' ? ['-w', '20'] : [])], printRules(ruleset, { counters: true })]
}

const save = (family: Family, backend: Backend): string[] => [
  `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-save`,
  '-c',
]

/** The dumps that a bundle is made of. */
export function dumpsOf(backend: Backend): Dumps {
  return [
    ['iptables-save', save('ipv4', backend)],
    ['ip6tables-save', save('ipv6', backend)],
    ['ip-addr.json', ['ip', '-j', 'addr']],
    ['ip-link.json', ['ip', '-d', '-j', 'link']],
    ['ip-route.json', ['ip', '-4', '-j', 'route', 'show', 'table', 'all']],
    ['ip-route6.json', ['ip', '-j', '-6', 'route', 'show', 'table', 'all']],
    ['ip-rule.json', ['ip', '-j', 'rule']],
    ['ip-rule6.json', ['ip', '-j', '-6', 'rule']],
  ]
}

/** The dumps after a run: the counters. */
export function countersOf(backend: Backend): Dumps {
  return dumpsOf(backend).slice(0, 2)
}

/** Everything that a fresh namespace of the kernel is told to become this one. */
export function setupOf(ns: NetworkNamespace, backend: Backend, marks: readonly number[]): SetupRequest {
  const derived = new Set(deriveRoutes(ns.links).map(routeKey))
  const own = ns.routes.filter((r) => !derived.has(routeKey(r)))
  const rules = ns.policyRules.filter((r) => !isDefault(r))
  const { create, add } = setLines(ns.sets)
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
  return {
    before: BEFORE,
    after: Object.entries(ns.sysctls),
    probes: probes(ns.forceConntrack, marks),
    group: GROUP,
    links: ns.links
      .filter((l) => !l.loopback)
      .map((l) => ({ name: l.name, kind: ns.links.some((port) => port.master === l.name) ? 'bridge' : 'tap' })),
    ip: [
      [
        '-4',
        ns.links.flatMap((l) =>
          linkLines(
            l,
            ns.links.some((port) => port.master === l.name),
          ),
        ),
      ],
      ...(['ipv4', 'ipv6'] as const).map((family): [string, string[]] => [
        family === 'ipv4' ? '-4' : '-6',
        [
          ...ns.links.flatMap((l) => addressLines(l, family)),
          ...own.filter((r) => r.family === family).map(routeLine),
          ...rules.filter((r) => r.family === family).map(ruleLine),
        ],
      ]),
    ],
    sets: text(create),
    members: text(add),
    rules: ns.rulesets.map((r) => restoreOf(r, backend)),
    traced: backend,
    connections: ns.connections.map(connectionOf),
    dumps: dumpsOf(backend),
  }
}
