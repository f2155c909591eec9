// The trackers of protocols without much state: UDP, ICMP, GRE and everything else; and which tracker a packet gets.
// Kernel: net/netfilter/nf_conntrack_proto_{udp,icmp,icmpv6,gre,generic}.c.
import type { Packet } from '../net/packet.js'
import {
  PROTOCOL_GRE,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
} from '../net/proto.js'
import { keep } from './accounting.js'
import { trackSctp } from './sctp.js'
import { trackTcp } from './tcp.js'
import { plainTimeout } from './timeouts.js'
import type { Connection, Direction, World } from './types.js'

/** A flow of replies is a stream after this long. */
const UDP_STREAM_MS = 2000
/** ICMP queries that may begin a connection. */
const QUERIES: readonly number[] = [8, 13, 15, 17]
const QUERIES6: readonly number[] = [128, 139]

function trackUdp(world: World, flow: Connection, dir: Direction, packet: Packet): void {
  if (!flow.seenReply) {
    keep(world, flow, dir, packet, plainTimeout(world.ns, 'udp'))
    return
  }
  const stream = world.now > flow.createdMs + UDP_STREAM_MS
  keep(world, flow, dir, packet, plainTimeout(world.ns, stream ? 'udp_stream' : 'udp'))
  if (stream) flow.assured = true
}

function trackGre(world: World, flow: Connection, dir: Direction, packet: Packet): void {
  keep(world, flow, dir, packet, plainTimeout(world.ns, flow.seenReply ? 'gre_stream' : 'gre'))
  if (flow.seenReply) flow.assured = true
}

/** Lets the protocol judge the packet and refresh its connection. */
export function track(world: World, flow: Connection, dir: Direction, packet: Packet): 'ok' | 'invalid' | 'reopen' {
  switch (flow.proto) {
    case PROTOCOL_TCP:
      return trackTcp(world, flow, dir, packet)
    case PROTOCOL_SCTP:
      return trackSctp(world, flow, dir, packet) ? 'ok' : 'invalid'
    case PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
      trackUdp(world, flow, dir, packet)
      return 'ok'
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6: {
      const v6 = flow.proto === PROTOCOL_ICMPV6
      if (!flow.confirmed && !(v6 ? QUERIES6 : QUERIES).includes(flow.tuples[0].type ?? -1)) return 'invalid'
      keep(world, flow, dir, packet, plainTimeout(world.ns, v6 ? 'icmpv6' : 'icmp'))
      return 'ok'
    }
    case PROTOCOL_GRE:
      trackGre(world, flow, dir, packet)
      return 'ok'
    default:
      keep(world, flow, dir, packet, plainTimeout(world.ns, 'generic'))
      return 'ok'
  }
}
