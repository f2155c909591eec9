// REJECT: an ICMP error or a TCP reset to the sender. Kernel: net/ipv4/netfilter/nf_reject_ipv4.c, ipt_REJECT.c, and
// their IPv6 twins.
import { isLaterFragment } from '../net/fragment.js'
import type { Packet } from '../net/packet.js'
import { formatTcpFlags, TCP_ACK, TCP_RST } from '../net/proto.js'
import { isMulticast } from './address.js'
import { ownTtl, sendError } from './icmp.js'
import { closeByReset, flagsOf, segmentEnd } from './tcp.js'
import { protoOf } from './tuple.js'
import type { Skb, World } from './types.js'

/** Older and shorter names that iptables reads, and what it prints for them. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['net-unreach', 'icmp-net-unreachable'],
  ['host-unreach', 'icmp-host-unreachable'],
  ['proto-unreach', 'icmp-proto-unreachable'],
  ['port-unreach', 'icmp-port-unreachable'],
  ['net-prohib', 'icmp-net-prohibited'],
  ['host-prohib', 'icmp-host-prohibited'],
  ['tcp-rst', 'tcp-reset'],
  ['admin-prohib', 'icmp-admin-prohibited'],
  ['no-route', 'icmp6-no-route'],
  ['adm-prohibited', 'icmp6-adm-prohibited'],
  ['addr-unreach', 'icmp6-addr-unreachable'],
  ['port-unreach6', 'icmp6-port-unreachable'],
  ['policy-fail', 'icmp6-policy-fail'],
  ['reject-route', 'icmp6-reject-route'],
])

function reset(world: World, skb: Skb): void {
  const { packet } = skb
  const flags = flagsOf(packet)
  if (protoOf(packet) !== 6 || flags & TCP_RST || isLaterFragment(packet)) return
  const route = skb.route?.type
  if (route === 'broadcast' || route === 'multicast' || isMulticast(packet.src) || isMulticast(packet.dst)) return
  const acked = (flags & TCP_ACK) !== 0
  const answer: Packet = {
    iface: 'local',
    proto: 'tcp',
    src: packet.dst,
    dst: packet.src,
    sport: packet.dport ?? 0,
    dport: packet.sport ?? 0,
    flags: formatTcpFlags(acked ? TCP_RST : TCP_RST | TCP_ACK),
    seq: acked ? (packet.ack ?? 0) : 0,
    ack: acked ? 0 : segmentEnd(packet),
    win: 0,
    ttl: ownTtl(world, skb),
    tos: 0,
  }
  if (skb.connection !== null) closeByReset(world, skb.connection)
  world.send(answer, skb, { name: 'tcp-reset' })
}

/** Protocols whose checksum REJECT knows, and those of which it knows that there is no such one. */
const SUMMED: readonly number[] = [1, 6, 17, 58]
const UNSUMMED: readonly number[] = [47, 50, 51, 132, 136]

/**
 * REJECT answers only what has the right checksum. That of a first fragment is about the whole packet; what other
 * protocols carry is taken for one and hardly ever is.
 */
function isSound({ packet, family }: Skb): boolean {
  const proto = protoOf(packet)
  if (UNSUMMED.includes(proto)) return true
  const piece = packet.frag !== undefined && packet.ip_id !== undefined
  // Over IPv6, DCCP's is like those of TCP and UDP; over IPv4 it is not taken so.
  const summed = SUMMED.includes(proto) || (proto === 33 && family === 'ipv6')
  return summed && packet.bad_csum !== true && !piece
}

/** Answers a packet as a REJECT rule says. The rule drops it in any case. */
export function reject(world: World, skb: Skb, how: string): void {
  if (!isSound(skb)) return
  if (how === 'tcp-reset') reset(world, skb)
  else sendError(world, skb, ALIASES.get(how) ?? how)
}
