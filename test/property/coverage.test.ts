// The generators exercise the whole model: over a fixed sample, every condition matches and fails to match, negated and
// not, every target is hit, every verdict, reason, connection state and kind of route occurs, in both families. So a
// change that silently stops generating something is noticed.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { Coverage } from './coverage.js'
import { play } from './support.js'

const FAMILIES = ['ipv4', 'ipv6'] as const
const names = (text: string): string[] => text.trim().split(/\s+/)

/** Conditions that match and fail, and whose negation matches, in both families, and fails in one at least. */
const BOTH = [
  ...names('src dst inIface outIface proto tcp.sport tcp.dport tcp.flags udp.sport udp.dport'),
  ...names('multiport.sports multiport.dports multiport.ports'),
  ...names('state.state mark.mark connmark.mark'),
  ...names('addrtype.srcType addrtype.dstType statistic.random statistic.nth iprange.src iprange.dst'),
  ...names('set.hash:ip set.hash:net set.hash:net,port set.bitmap:port'),
  ...names('length.length tos.tos dscp.dscp ecn.ect quota hashlimit u32'),
]
/** Conditions that seldom hold: they fail, and their negation holds; that they hold is asked of one family only. */
const RARE = [
  ...names('conntrack.ctstate conntrack.ctproto conntrack.ctorigsrc conntrack.ctorigdst conntrack.ctreplsrc'),
  ...names('conntrack.ctrepldst conntrack.ctorigsrcport conntrack.ctorigdstport conntrack.ctreplsrcport'),
  ...names('conntrack.ctrepldstport conntrack.ctstatus conntrack.ctexpire'),
  ...names('sctp.sport sctp.dport sctp.chunks recent.rcheck recent.update recent.remove set.hash:ip,port'),
  ...names('set.hash:ip,port,net set.hash:ip,port,ip set.hash:net,port,net set.hash:net,iface set.hash:net,net'),
  ...names('set.hash:ip,mark set.list:set ecn.ece ecn.cwr cpu.cpu owner.uid owner.gid owner.socket'),
  ...names('mac.source pkttype.type physdev.in physdev.isBridged'),
]
/** Conditions without a negated form, and those that can only do one thing. */
const SINGLE = [
  ...names('match:hops.eq fail:hops.eq match:!hops.eq match:hops.lt fail:hops.lt match:hops.gt fail:hops.gt'),
  ...names('match:limit fail:limit match:conntrack.ctdir fail:conntrack.ctdir match:comment match:nfacct'),
  ...names('match:connbytes.packets fail:connbytes.packets match:connbytes.bytes fail:connbytes.bytes'),
  ...names('match:connbytes.avgpkt fail:connbytes.avgpkt match:connlimit.above fail:connlimit.above'),
  ...names('match:connlimit.upto fail:connlimit.upto'),
  ...names('match:recent.set fail:!recent.set fail:physdev.isIn match:physdev.out match:physdev.isOut'),
  ...names('match:!physdev.isIn match:recent+seconds'),
  ...names(
    'match:bpf fail:bpf fail:string match:!string match:policy fail:policy fail:helper.helper match:!helper.helper match:devgroup.src-group',
  ),
  ...names('fail:devgroup.src-group match:devgroup.dst-group fail:devgroup.dst-group match:socket fail:socket'),
  ...names(
    'match:recent+hitcount match:recent+rttl match:recent+reap match:addrtype+limit-in match:addrtype+limit-out',
  ),
]
const TARGETS = [
  ...names('none jump goto ACCEPT DROP RETURN MARK LOG NFLOG NOTRACK TCPMSS CHECKSUM NETMAP'),
  ...['set', 'save', 'restore'].map((op) => `CONNMARK ${op}`),
  ...['zone', 'zoneOrig', 'zoneReply', 'notrack', 'helper'].map((key) => `CT ${key}`),
  ...['', ' from-to', ' ports', ' basePort', ' random', ' persistent'].map((key) => `DNAT${key}`),
  ...['', ' from-to', ' ports', ' random', ' randomFully', ' persistent'].map((key) => `SNAT${key}`),
  ...['', ' ports', ' random', ' randomFully'].map((key) => `MASQUERADE${key}`),
  ...['', ' ports', ' random'].map((key) => `REDIRECT${key}`),
  'REJECT tcp-reset',
  ...names('TOS DSCP AUDIT TRACE TEE TPROXY'),
  ...['set', 'inc', 'dec'].map((op) => `hops ${op}`),
  ...['one', 'balance', 'fanout', 'bypass'].map((how) => `NFQUEUE ${how}`),
  ...['left', 'right'].map((way) => `CONNMARK ${way}`),
]
const REJECTS = {
  ipv4: names('port-unreachable net-unreachable host-unreachable proto-unreachable net-prohibited').concat([
    'host-prohibited',
    'admin-prohibited',
  ]),
  ipv6: names('port-unreachable no-route adm-prohibited addr-unreachable policy-fail reject-route'),
}
const TCP = names('SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE')
const SCTP = names('CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED')

function expected(): string[] {
  const out: string[] = []
  for (const family of FAMILIES) {
    const add = (...all: string[]): void => {
      for (const name of all) out.push(`${name} ${family}`)
    }
    for (const name of BOTH) add(`match ${name}`, `fail ${name}`, `match !${name}`)
    for (const name of RARE) add(`fail ${name}`, `match !${name}`)
    for (const name of SINGLE) add(name.replace(':', ' '))
    const icmp = family === 'ipv4' ? 'icmp.type' : 'icmp6.type'
    add(`match ${icmp}`, `fail ${icmp}`, `match !${icmp}`, `fail !${icmp}`)
    add(...TARGETS.map((t) => `target ${t}`))
    if (family === 'ipv4') add(...['ece', 'cwr', 'ect'].map((key) => `target ECN ${key}`))
    add(...REJECTS[family].map((r) => `target REJECT ${family === 'ipv4' ? 'icmp' : 'icmp6'}-${r}`))
    add('policy', 'return', 'trace_reply', 'reply local', 'reply sent', 'zone')
    add(...['forward', 'out', 'local', 'reject', 'drop', 'queue'].map((v) => `verdict ${v}`))
    add(...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((h) => `hook ${h}`))
    add(...TCP.map((s) => `state tcp ${s}`), ...SCTP.map((s) => `state sctp ${s}`))
    for (const state of ['NEW', 'ESTABLISHED', 'RELATED']) add(`conntrack ${state} ORIGINAL`)
    for (const state of ['ESTABLISHED', 'RELATED']) add(`conntrack ${state} REPLY`)
    add('conntrack INVALID ', 'match conntrack.ctstate')
    for (const status of names('SEEN_REPLY ASSURED CONFIRMED SRC_NAT DST_NAT')) add(`status ${status}`)
    for (const type of names('unicast local unreachable prohibit blackhole')) add(`route input ${type}`)
    for (const type of names('unicast local unreachable prohibit blackhole')) add(`route output ${type}`)
    for (const type of names('unicast local')) add(`route reroute ${type}`)
    for (const proto of names('tcp udp sctp')) add(`nat DNAT ${proto}`, `nat SNAT ${proto}`)
    for (const reason of ['no route', 'unreachable', 'prohibit', 'blackhole', 'forwarding is off', 'ttl exceeded'])
      add(`reason ${reason}`)
    for (const reason of ['martian source', 'conntrack table full', 'nat: no address']) add(`reason ${reason}`)
    add('reason too big')
    for (const reason of ['fragment kept for reassembly', 'fragments do not fit together']) add(`reason ${reason}`)
    add('fragment of a packet', 'later fragment', 'whole packet of fragments')
  }
  out.push('target SNPT ipv6', 'target DNPT ipv6', 'packet that may be cut ipv4')
  for (const reason of [
    'martian destination',
    'rp_filter',
    'multicast not for this host',
    'invalid source for sending',
  ])
    out.push(`reason ${reason} ipv4`)
  out.push(
    'conntrack UNTRACKED  ipv6',
    'reason multicast not for this host ipv6',
    'reason invalid source for sending ipv6',
    'reason martian destination ipv6',
    'route input multicast ipv6',
    'match fragment ipv4',
    'match !fragment ipv4',
    'fail fragment ipv4',
    'fail !fragment ipv4',
    'reason nat: clash at confirmation ipv4',
    'route reroute unreachable ipv4',
  )
  out.push(...names('EPERM EHOSTUNREACH EACCES ENETUNREACH EINVAL').map((e) => `errno ${e}`))
  return out
}

/** Everything; few ends, which meet each other's translations; what is asked of bridges' ports. */
const KINDS: readonly (readonly [fc.Arbitrary<Scenario>, number])[] = [
  [scenarios(namespaces(), { maxPackets: 80 }), 40],
  [
    scenarios(namespaces({ plain: true, rulesets: trafficRulesets({ tables: ['raw', 'nat'], maxRules: 4 }) }), {
      maxPackets: 200,
      narrow: true,
    }),
    6,
  ],
  [
    scenarios(
      namespaces({
        rulesets: trafficRulesets({ tables: ['mangle', 'filter'], matches: ['connbytes', 'connlimit'], maxRules: 4 }),
      }),
      { maxPackets: 100, narrow: true },
    ),
    10,
  ],
  [
    scenarios(namespaces({ rulesets: trafficRulesets({ tables: ['mangle', 'filter'], matches: ['physdev'] }) }), {
      maxPackets: 60,
    }),
    16,
  ],
]

const coverage = suite('what the generators exercise')

coverage('everything in the model, in both families', () => {
  const seen = new Coverage()
  const wanted = expected()
  const holds = (name: string): number =>
    FAMILIES.reduce((n, f) => n + seen.count(`match ${name} ${f}`) + seen.count(`fail !${name} ${f}`), 0)
  const missing = (): string[] => [
    ...wanted.filter((name) => seen.count(name) === 0),
    ...RARE.filter((name) => holds(name) === 0),
    ...BOTH.filter((name) => seen.count(`fail !${name} ipv4`) + seen.count(`fail !${name} ipv6`) === 0),
  ]
  // From fixed seeds, until everything was seen: quick as long as nothing is rare.
  for (let seed = 1; seed <= 60 && missing().length > 0; seed++)
    for (const [cases, numRuns] of KINDS)
      for (const { namespace, lines } of fc.sample(cases, { numRuns, seed }))
        seen.add(namespace, play(new ReferenceEngine(namespace, { seed }), lines))
  assert.equal(missing(), [])
})

coverage.run()
