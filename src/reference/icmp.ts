// ICMP errors that this host sends: whether, from which address, about what.
// Kernel: net/ipv4/icmp.c (__icmp_send, icmp_route_lookup), net/ipv6/icmp.c (icmp6_send).
import { isLaterFragment } from '../net/fragment.js'
import type { Packet, Quoted } from '../net/packet.js'
import { inPrefix, isMulticast } from './address.js'
import { lookupRoute } from './route.js'
import { isOwnAddress, selectIpv4, selectIpv6, sourceOfRoute4 } from './source.js'
import { sysctl } from './sysctl.js'
import { protoOf } from './tuple.js'
import type { Skb, World } from './types.js'

/** Types and codes by iptables' names, IPv4 and IPv6. */
export const ERRORS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['icmp-net-unreachable', [3, 0]],
  ['icmp-host-unreachable', [3, 1]],
  ['icmp-proto-unreachable', [3, 2]],
  ['icmp-port-unreachable', [3, 3]],
  ['icmp-net-prohibited', [3, 9]],
  ['icmp-host-prohibited', [3, 10]],
  ['icmp-admin-prohibited', [3, 13]],
  ['icmp-ttl-exceeded', [11, 0]],
  ['icmp6-no-route', [1, 0]],
  ['icmp6-adm-prohibited', [1, 1]],
  ['icmp6-beyond-scope', [1, 2]],
  ['icmp6-addr-unreachable', [1, 3]],
  ['icmp6-port-unreachable', [1, 4]],
  ['icmp6-policy-fail', [1, 5]],
  ['icmp6-reject-route', [1, 6]],
  ['icmp6-hop-limit-exceeded', [3, 0]],
  // A parameter problem that points into the header; nobody has a name for it.
  ['icmp-4/0', [4, 0]],
  ['icmp-frag-needed', [3, 4]],
  ['icmp6-packet-too-big', [2, 0]],
])

/** IPv4 types about which errors may be sent. */
const QUERIES: readonly number[] = [0, 8, 13, 14, 15, 16, 17, 18]

function mayAnswer(skb: Skb): boolean {
  const { packet } = skb
  const proto = protoOf(packet)
  const route = skb.route?.type
  if (isLaterFragment(packet)) return false
  if (route === 'broadcast' || route === 'multicast' || skb.pktType !== 'host') return false
  if (skb.family === 'ipv4') {
    if (packet.dst === '255.255.255.255' || isMulticast(packet.dst)) return false
    return proto !== 1 || QUERIES.includes(packet.icmp_type ?? 0)
  }
  if (packet.src === '::' || isMulticast(packet.src) || isMulticast(packet.dst)) return false
  return proto !== 58 || (packet.icmp_type ?? 0) >= 128
}

/** What an error quotes of a packet: its header, and what decides its length. */
const QUOTED = [
  ...(['proto', 'src', 'dst', 'sport', 'dport', 'flags', 'ttl', 'tos', 'icmp_type', 'icmp_code', 'icmp_id'] as const),
  ...(['seq', 'ack', 'frag', 'payload_len', 'sctp_chunk', 'tcp_options', 'extra_len'] as const),
]

/** The header as an error quotes it: without what only the walk knows. */
function quote(packet: Packet): Quoted {
  const entries = QUOTED.map((key) => [key, packet[key]] as const).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as unknown as Quoted
}

/** RFC 7600: the source of ICMP errors of a host that has no IPv4 address. */
const NOBODY4 = '192.0.0.8'

/** Is the destination an IPv6 address of this host? One that is known on its link only counts where the packet came in. */
function isOwnThere({ ns }: World, skb: Skb): boolean {
  const { dst } = skb.packet
  if (!inPrefix(dst, 'fe80::/10') && dst !== '::1') return isOwnAddress(ns, dst)
  const dev = skb.fromHere ? 'lo' : skb.inIface
  return ns.links.some((l) => l.name === dev && l.addresses.some((a) => a.address === dst))
}

function sourceFor(world: World, skb: Skb, error: readonly [number, number]): string | undefined {
  const { packet } = skb
  const { ns } = world
  const anycast = skb.family === 'ipv6' && skb.route?.type === 'anycast'
  // IPv6 asks for an address of an interface: what a local route brings here is none.
  const own = skb.family === 'ipv6' ? anycast || isOwnThere(world, skb) : skb.route?.type === 'local'
  if (own) return packet.dst
  if (skb.family === 'ipv4' && !skb.fromHere && sysctl(ns, 'net.ipv4.icmp_errors_use_inbound_ifaddr', 0) !== 0) {
    const own = selectIpv4(ns, skb.inIface ?? '', packet.src, 'link')
    if (own !== undefined) return own
  }
  const back = lookupRoute(ns, {
    family: skb.family,
    src: skb.family === 'ipv4' ? '0.0.0.0' : '::',
    dst: packet.src,
    iif: 'lo',
    mark: 0,
    tos: tosOf(skb),
    proto: skb.family === 'ipv4' ? 1 : 58,
    sport: 0,
    dport: (error[0] << 8) | error[1],
    uid: 0,
    bound: boundOf(skb),
  })
  if (back.outcome !== 'route') return undefined
  if (back.prefsrc !== undefined) return back.prefsrc
  if (back.type === 'local') return packet.src
  const dev = back.hop?.dev ?? ''
  if (skb.family === 'ipv4') return sourceOfRoute4(ns, dev, back.hop?.via) ?? NOBODY4
  // IPv6 prefers the addresses of the interface by which the packet came in.
  return selectIpv6(ns, skb.inIface ?? dev, packet.src)
}

/** IPv6 errors to a link-local address go out where their cause came in. */
function boundOf(skb: Skb): string | undefined {
  return inPrefix(skb.packet.src, 'fe80::/10') ? (skb.inIface ?? undefined) : undefined
}

/** Errors keep the tos bits of their cause, with the precedence of network control. */
function tosOf(skb: Skb): number {
  return skb.family === 'ipv4' ? ((skb.packet.tos ?? 0) & 0x1e) | 0xc0 : 0
}

/** The TTL of what this host itself sends. */
export function ownTtl(world: World, skb: Skb): number {
  return skb.family === 'ipv4' ? sysctl(world.ns, 'net.ipv4.ip_default_ttl', 64) : 64
}

/** Sends an ICMP error about a packet, when one may be sent. */
export function sendError(world: World, skb: Skb, name: string): void {
  const [type, code] = ERRORS.get(name)!
  if (!mayAnswer(skb)) return
  const src = sourceFor(world, skb, [type, code])
  if (src === undefined) return
  const answer: Packet = {
    iface: 'local',
    proto: skb.family === 'ipv4' ? 'icmp' : 'icmpv6',
    src,
    dst: skb.packet.src,
    ttl: ownTtl(world, skb),
    tos: tosOf(skb),
    icmp_type: type,
    icmp_code: code,
    inner: quote(skb.packet),
  }
  const bound = boundOf(skb)
  world.send(answer, skb, { name, ...(bound === undefined ? {} : { bound }) })
}
