// Does a rule match a packet? Every match of netfilter/model.ts that conntrack, sets and lists have no file for.
// Kernel: net/netfilter/xt_*.c, net/ipv4/netfilter/ip_tables.c (ip_packet_match).

import { FRAGMENT_OFFSET, isLaterFragment } from '../net/fragment.js'
import { hasPorts, sctpChunkNumber } from '../net/proto.js'
import type { Match, Negatable, Range, Rule } from '../netfilter/model.js'
import { inPrefix, isMulticast, numberOf } from './address.js'
import type { MatchContext } from './asked.js'
import { sctpFlagsOf } from './bytes.js'
import { matchesConnection } from './match-connection.js'
import { matchesConntrack } from './match-conntrack.js'
import { matchesContext } from './match-context.js'
import { matchesHeader } from './match-header.js'
import { matchesLimits } from './match-limits.js'
import { matchesMac, matchesPhysdev, matchesPkttype } from './match-link.js'
import { hasTcpOption, matchesListed } from './match-listed.js'
import { lookupRoute, lookupTable } from './route.js'
import { noEther } from './set-element.js'
import { flagsOf } from './tcp.js'
import { protoOf } from './tuple.js'
import type { Skb, World } from './types.js'

function negate<T>(n: Negatable<T> | undefined, test: (value: T) => boolean): boolean {
  return n === undefined || test(n.value) !== n.not
}

function inRange(value: number, range: Range): boolean {
  return value >= range.from && value <= range.to
}

function isName(iface: string | null, pattern: string): boolean {
  if (iface === null) return pattern === '+'
  return pattern.endsWith('+') ? iface.startsWith(pattern.slice(0, -1)) : iface === pattern
}

/** Does the whole rule match? Tests stop at the first that fails. */
export function matchesRule(rule: Rule, skb: Skb, context: MatchContext): boolean {
  const { packet } = skb
  return (
    negate(rule.src, (p) => inPrefix(packet.src, p)) &&
    negate(rule.dst, (p) => inPrefix(packet.dst, p)) &&
    negate(rule.inIface, (name) => isName(skb.inIface, name)) &&
    negate(rule.outIface, (name) => isName(skb.outIface, name)) &&
    negate(rule.proto, (n) => protoOf(packet) === n) &&
    negate(rule.fragment, () => isLaterFragment(packet)) &&
    rule.matches.every((m) => matches(m, skb, context))
  )
}

interface PortMatch {
  readonly sport?: Negatable<Range>
  readonly dport?: Negatable<Range>
}

function matchesPorts(m: PortMatch, skb: Skb, backend: 'legacy' | 'nft'): boolean {
  const [sport, dport] = [skb.packet.sport ?? 0, skb.packet.dport ?? 0]
  // iptables-nft asks nothing of a range of all ports, negated or not.
  const asked = (n: Negatable<Range> | undefined): typeof n =>
    backend === 'nft' && n?.value.from === 0 && n.value.to === 65535 ? undefined : n
  const single = (n: Negatable<Range> | undefined): n is Negatable<Range> =>
    n?.not === true && n.value.from === n.value.to
  // iptables-nft joins two single negated ports into one comparison: not (both equal).
  if (backend === 'nft' && single(m.sport) && single(m.dport)) {
    return sport !== m.sport.value.from || dport !== m.dport.value.from
  }
  return negate(asked(m.sport), (r) => inRange(sport, r)) && negate(asked(m.dport), (r) => inRange(dport, r))
}

function matchesIcmp(m: Extract<Match, { match: 'icmp' | 'icmp6' }>, skb: Skb): boolean {
  return negate(m.type, (t) => {
    if (m.match === 'icmp' && t.type === 255) return true
    return skb.packet.icmp_type === t.type && inRange(skb.packet.icmp_code ?? 0, t.codes)
  })
}

/** Bits of the flags that chunks of these types may carry. */
const SCTP_FLAGS: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  0: { I: 8, U: 4, B: 2, E: 1 },
  6: { T: 1 },
  14: { T: 1 },
}

function matchesSctp(m: Extract<Match, { match: 'sctp' }>, skb: Skb): boolean {
  if (!matchesPorts(m, skb, 'legacy')) return false
  return negate(m.chunks, ({ how, types }) => {
    const chunk = sctpChunkNumber(skb.packet.sctp_chunk ?? 'INIT')
    const carried = sctpFlagsOf(skb.packet)
    // Of a type that is named more than once, the first flags count.
    const asked = types.find((t) => t.type === chunk && (t.flags ?? '') !== '')?.flags ?? ''
    const flagsFit = [...asked].every((letter) => {
      const bit = SCTP_FLAGS[chunk ?? 0]?.[letter.toUpperCase()] ?? 0
      return ((carried & bit) !== 0) === (letter === letter.toUpperCase())
    })
    const present = types.some((t) => t.type === chunk) && flagsFit
    return how === 'all' ? present && types.every((t) => t.type === chunk) : present
  })
}

function matchesMultiport(m: Extract<Match, { match: 'multiport' }>, skb: Skb): boolean {
  if (!hasPorts(protoOf(skb.packet))) return false
  const { sport = 0, dport = 0 } = skb.packet
  const asked = m.on === 'sports' ? [sport] : m.on === 'dports' ? [dport] : [sport, dport]
  return m.ports.some((r) => asked.some((p) => inRange(p, r))) !== m.not
}

/** The type that addrtype sees in an IPv4 address. `dev`: only this interface's routes count. */
function addressType(world: World, address: string, dev: string | undefined): string {
  if (address === '0.0.0.0' || address === '255.255.255.255') return 'BROADCAST'
  if (isMulticast(address)) return 'MULTICAST'
  const found = lookupTable(world.ns, LOCAL_TABLE, { ...ROUTE_KEY, family: 'ipv4', dst: address, src: '0.0.0.0' })
  if (found === undefined) return 'UNICAST'
  if (dev !== undefined && found.nextHops[0]?.dev !== dev) return 'UNICAST'
  return found.type.toUpperCase()
}

/** IPv6 asks the form of the address first, and the routes only for LOCAL, ANYCAST and UNREACHABLE. */
function isType6(world: World, address: string, types: readonly string[], dev: string | undefined): boolean {
  const multicast = isMulticast(address)
  if (types.includes('MULTICAST') && !multicast) return false
  const mapped = inPrefix(address, '::ffff:0.0.0.0/96') // neither unicast nor anything else (__ipv6_addr_type)
  if (types.includes('UNICAST') && (multicast || mapped || address === '::')) return false
  if (types.includes('UNSPEC') && address !== '::') return false
  if (!types.some((t) => t === 'LOCAL' || t === 'ANYCAST' || t === 'UNREACHABLE')) return true
  const route = lookupRoute(world.ns, { ...ROUTE_KEY, family: 'ipv6', dst: address, src: '::' })
  if (route.outcome !== 'route') return types.includes('UNREACHABLE')
  const local = dev === undefined ? route.type === 'local' : ownOf(world, dev, address)
  return (local && types.includes('LOCAL')) || (route.type === 'anycast' && types.includes('ANYCAST'))
}

const LOCAL_TABLE = 255
const ROUTE_KEY = { iif: 'lo', mark: 0, tos: 0, proto: 0, sport: 0, dport: 0, uid: 0 }

function ownOf(world: World, dev: string, address: string): boolean {
  return world.ns.links.some((l) => l.name === dev && l.addresses.some((a) => a.address === address))
}

function matchesAddrtype(m: Extract<Match, { match: 'addrtype' }>, skb: Skb, world: World): boolean {
  const iface = m.limitIface === 'in' ? skb.inIface : m.limitIface === 'out' ? skb.outIface : null
  const dev = iface ?? undefined
  const is = (address: string, types: readonly string[]): boolean =>
    skb.family === 'ipv6' ? isType6(world, address, types, dev) : types.includes(addressType(world, address, dev))
  return (
    negate(m.srcType, (types) => is(skb.packet.src, types)) && negate(m.dstType, (types) => is(skb.packet.dst, types))
  )
}

function inAddresses(address: string, range: { from: string; to: string }): boolean {
  const n = numberOf(address)
  return n >= numberOf(range.from) && n <= numberOf(range.to)
}

const SECONDS = { sec: 1, min: 60, hour: 3600, day: 86400 } as const
/** Credits that pile up in a millisecond, and their number in a second. */
const CREDITS_PER_MS = 32
const CREDITS_PER_SECOND = 32000
const SCALE = 10000

function credits(user: number): number {
  // Numbers of 32 bits, which wrap.
  const x = user % 2 ** 32
  const large = x > Math.floor(0xffffffff / CREDITS_PER_SECOND)
  return (large ? Math.floor(x / SCALE) * CREDITS_PER_SECOND : Math.floor((x * CREDITS_PER_SECOND) / SCALE)) % 2 ** 32
}

function matchesLimit(m: Extract<Match, { match: 'limit' }>, world: World): boolean {
  const average = Math.floor((SCALE * SECONDS[m.unit]) / m.rate)
  const [cost, cap] = [credits(average), credits(average * m.burst)]
  const state = world.counters.get(m) ?? { value: cap, at: 0 }
  state.value = Math.min(cap, state.value + (world.now - state.at) * CREDITS_PER_MS)
  state.at = world.now
  const enough = state.value >= cost
  if (enough) state.value -= cost
  world.counters.set(m, state)
  return enough
}

function matchesNth(m: Extract<Match, { match: 'statistic'; mode: 'nth' }>, world: World): boolean {
  const state = world.counters.get(m) ?? { value: 0, at: 0 }
  const hit = state.value % m.every === m.packet
  world.counters.set(m, { value: state.value + 1, at: 0 })
  return hit !== m.not
}

function matchesRandom(m: Extract<Match, { mode: 'random' }>, skb: Skb, context: MatchContext): boolean {
  const { visit, table, chain, number } = context
  const rule = `${table}:${chain}:rule:${number}`
  return context.world.draws.statistic({ visit, probability: m.probability, not: m.not, rule, isAnswer: skb.isAnswer })
}

function matchesRecent(m: Extract<Match, { match: 'recent' }>, skb: Skb, world: World): boolean {
  const { packet } = skb
  // The ttl as it was before forwarding took one off. A copy of TEE has no sender here, wherever it is from.
  const sentHere = skb.fromHere && !world.copying
  const ttl = ((packet.ttl ?? 64) + (skb.outIface !== null && !sentHere ? 1 : 0)) & 255
  return world.recent.evaluate(skb.family, m, m.side === 'source' ? packet.src : packet.dst, ttl, world.now)
}

/** Matches that look at the layer-4 header, which only the first fragment has. */
const LAYER4: readonly Match['match'][] = [
  ...(['tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'multiport', 'esp', 'ah', 'ipcomp', 'dccp', 'tcpmss', 'mh'] as const),
]

/** What such a match says of a later fragment; undefined: nothing special. */
function ofLaterFragment(m: Match, skb: Skb, context: MatchContext): boolean | undefined {
  const { backend } = context
  if (!isLaterFragment(skb.packet) || !LAYER4.includes(m.match)) return undefined
  // iptables-nft compares ports and flags itself, with what stands in their place; but for a TCP option, and when nothing
  // is asked (all ports, not negated), the kernel's match is what it uses.
  const native = backend === 'nft' && (m.match === 'tcp' || m.match === 'udp')
  if (native && (m.match === 'udp' || m.option === undefined)) {
    const allPorts = (p: typeof m.sport): boolean =>
      p === undefined || (!p.not && p.value.from === 0 && p.value.to === 65535)
    const flags = m.match === 'tcp' ? m.flags : undefined
    const noFlags = flags === undefined || (!flags.not && flags.value.mask === 0)
    if (!allPorts(m.sport) || !allPorts(m.dport) || !noFlags) return undefined
  }
  // A TCP header that is cut off after 8 bytes is no accident.
  const tiny = skb.family === 'ipv4' && ((skb.packet.frag ?? 0) & FRAGMENT_OFFSET) === 1
  if (m.match === 'tcp' && protoOf(skb.packet) === 6 && tiny) context.hotdrop = true
  return false
}

function matches(m: Match, skb: Skb, context: MatchContext): boolean {
  const { world } = context
  const later = ofLaterFragment(m, skb, context)
  if (later !== undefined) return later
  if ('options' in m) return matchesListed(m, skb, context)
  switch (m.match) {
    case 'comment':
    case 'nfacct':
      return true
    case 'tcp': {
      if (protoOf(skb.packet) !== 6) return false
      const flags = negate(m.flags, ({ mask, comp }) => (flagsOf(skb.packet) & mask) === comp)
      return (
        matchesPorts(m, skb, context.backend) && flags && negate(m.option, (kind) => hasTcpOption(kind, skb, context))
      )
    }
    case 'udp':
      return matchesPorts(m, skb, context.backend)
    case 'sctp':
      return matchesSctp(m, skb)
    case 'icmp':
    case 'icmp6':
      return matchesIcmp(m, skb)
    case 'conntrack':
    case 'state':
    case 'connmark':
      return matchesConntrack(m, skb, world.now)
    case 'mark':
      return ((skb.mark & m.mark.value.mask) >>> 0 === m.mark.value.value) !== m.mark.not
    case 'addrtype':
      return matchesAddrtype(m, skb, world)
    case 'statistic':
      if (m.mode === 'nth') return matchesNth(m, world)
      return matchesRandom(m, skb, context)
    case 'recent':
      return matchesRecent(m, skb, world)
    case 'multiport':
      return matchesMultiport(m, skb)
    case 'iprange':
      return (
        negate(m.src, (r) => inAddresses(skb.packet.src, r)) && negate(m.dst, (r) => inAddresses(skb.packet.dst, r))
      )
    case 'set':
      return world.sets.test(skb, m.name, m, noEther) !== m.not
    case 'limit':
      return matchesLimit(m, world)
    case 'physdev':
      return matchesPhysdev(m, skb, context)
    case 'owner':
    case 'time':
    case 'rpfilter':
      return matchesContext(m, skb, context)
    case 'connbytes':
    case 'connlimit':
      return matchesConnection(m, skb, context)
    case 'quota':
    case 'hashlimit':
      return matchesLimits(m, skb, context)
    case 'mac':
      return matchesMac(m, skb, context)
    case 'pkttype':
      return matchesPkttype(m, skb)
    case 'length':
    case 'ttl':
    case 'hl':
    case 'tos':
    case 'dscp':
    case 'ecn':
    case 'cpu':
      return matchesHeader(m, skb, context)
  }
}
