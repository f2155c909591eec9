// Answers of this host: TCP resets and ICMP errors, for REJECT and for what routing refuses. Whether one may be sent,
// what it looks like, and its way through OUTPUT and POSTROUTING.
// Kernel: net/ipv4/netfilter/nf_reject_ipv4.c, net/ipv4/icmp.c (__icmp_send), net/ipv6/icmp.c (icmp6_send) and their twins.
import { Address } from './address'
import { Conntrack } from './conntrack'
import { Fib } from './fib'
import { Fragment } from './fragment'
import { Hooks } from './hooks'
import {
  CTINFO_RELATED,
  CTINFO_RELATED_REPLY,
  CTX_ACK_AT,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_FRAG_AT,
  CTX_ICMP_CODE_AT,
  CTX_ICMP_ID_AT,
  CTX_ICMP_TYPE_AT,
  CTX_IN_LINK_AT,
  CTX_INNER_AT,
  CTX_IS_REPLY_AT,
  CTX_LENGTH_AT,
  CTX_MARK_AT,
  CTX_OUT_LINK_AT,
  CTX_OUT_PORT_AT,
  CTX_PAYLOAD_AT,
  CTX_PHYS_IN_AT,
  CTX_PKTTYPE_AT,
  CTX_PROTO_AT,
  CTX_SCTP_CHUNK_AT,
  CTX_SEQ_AT,
  CTX_SOCKET_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  CTX_TCP_FLAGS_AT,
  CTX_TOS_AT,
  CTX_TTL_AT,
  CTX_WIN_AT,
  HDR_BYTES,
  PKTTYPE_HOST,
  REJECT_TCP_RESET,
  RESULT_FLAGS_OFF,
  RESULT_FRAGMENT,
  RESULT_OUT_LINK_OFF,
  RESULT_QUOTES,
  RESULT_REJECT_OFF,
  RTN_ANYCAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  SOCKET_KERNEL,
  SOCKET_NONE,
  SYSCTL_DEFAULT_TTL,
  SYSCTL_INBOUND_IFADDR,
  TRACE_ROUTE_OUTPUT,
  VERDICT_LOCAL,
  VERDICT_OUT,
  ZERO_ADDRESS_AT,
} from './layout'
import { Memory } from './memory'
import { OutRoute } from './out-route'
import { Packet } from './packet'
import { FLOW_OUT, Policy } from './policy'
import { Queue } from './queue'
import { Route } from './route'
import { Links, Source } from './source'
import { Sysctl } from './sysctl'
import { Tcp } from './tcp'
import { Segment } from './tcp-states'
import { Way } from './way'

const RST: u32 = 4
const ACK: u32 = 16
const QUOTE_LIMIT4: u32 = 548
const QUOTE_LIMIT6: u32 = 1232
/** A packet, the reset that answers it, the error about that reset: deeper it cannot go. */
const DEPTH: u32 = 4

/** ICMP type << 8 | code of each REJECT_* code and of the two kinds of time exceeded. */
const MESSAGES = memory.data<u16>([
  0x300, 0x301, 0x302, 0x303, 0x309, 0x30a, 0x30d, 0, 0x100, 0x101, 0x103, 0x104, 0x105, 0x106, 0xb00, 0x300, 0x102,
  0x400, 0x304, 0x200,
])

/** 192.0.0.8 (RFC 7600): the source of ICMP errors of a host that has no IPv4 address. */
const NOBODY4: u32 = 0xc0000008

export class Answer {
  private static saved: usize = 0

  /** False when memory does not suffice. */
  static init(): bool {
    Answer.saved = Memory.allocate(DEPTH * Hooks.SAVE_BYTES)
    return Answer.saved !== 0
  }

  /** Answers the packet in the context: `code` is a REJECT_* code. It stays as it is. */
  static send(code: u32): void {
    if (Way.depth >= DEPTH) return
    if (Fragment.later()) return
    if (code === REJECT_TCP_RESET ? !Answer.mayReset() : !Answer.mayError()) return
    const ct = load<u32>(CTX_CT_AT)
    const ctinfo = load<u32>(CTX_CTINFO_AT)
    const type = Way.type
    const hop = Way.hop
    const link = Way.link
    const local = Way.local
    const reason = Way.reason
    const errno = Way.errno
    const end = Way.end
    const bound = Way.bound
    const zones = Conntrack.zones
    const queue = Queue.number
    Queue.number = 0
    const bad = Conntrack.badChecksum
    const isReply = load<u32>(CTX_IS_REPLY_AT)
    const save = Answer.saved + Way.depth * Hooks.SAVE_BYTES
    const port = code === REJECT_TCP_RESET ? load<u32>(CTX_PHYS_IN_AT) : 0
    Hooks.save(save)
    const frag = load<u32>(CTX_FRAG_AT)
    Way.depth++
    const socket = load<u32>(CTX_SOCKET_AT)
    store<u32>(CTX_SOCKET_AT, code === REJECT_TCP_RESET ? SOCKET_NONE : SOCKET_KERNEL)
    Way.bound = 0
    store<u32>(CTX_IS_REPLY_AT, 1)
    Conntrack.badChecksum = false
    if (code === REJECT_TCP_RESET) {
      if (ct !== 0 && load<u32>(CTX_PROTO_AT) === 6) Tcp.closeByReset(ct)
      Answer.reset()
      Answer.go(code, ct, ctinfo, port)
    } else if (Answer.error(code)) Answer.go(code, ct, ctinfo, 0)
    if (frag !== 0 && Way.sent) Answer.ofFragment()
    Way.depth--
    Hooks.restore(save)
    store<u32>(CTX_IS_REPLY_AT, isReply)
    store<u32>(CTX_SOCKET_AT, socket)
    store<u32>(CTX_FRAG_AT, frag)
    Way.type = type
    Way.hop = hop
    Way.link = link
    Way.bound = bound
    Way.local = local
    Way.reason = reason
    Way.errno = errno
    Way.end = end
    Conntrack.zones = zones
    Queue.number = queue
    Conntrack.badChecksum = bad
  }

  /** The packet that was answered, and perhaps quoted, was a fragment. */
  private static ofFragment(): void {
    const at = Way.result + RESULT_FLAGS_OFF
    store<u32>(at, load<u32>(at) | RESULT_FRAGMENT)
  }

  /** Routes the answer in the context and sends it through OUTPUT and POSTROUTING; `port`: out by this link, past all hooks. */
  private static go(code: u32, ct: u32, ctinfo: u32, port: u32): void {
    if (ct !== 0) {
      store<u32>(CTX_CT_AT, ct)
      store<u32>(CTX_CTINFO_AT, Conntrack.direction(ctinfo) === 0 ? CTINFO_RELATED_REPLY : CTINFO_RELATED)
    }
    Way.local = true
    Way.reason = 0
    Way.errno = 0
    OutRoute.findOutRoute(TRACE_ROUTE_OUTPUT)
    if (!OutRoute.mayLeave()) return
    OutRoute.takeRoute()
    if (port !== 0) {
      // A reset about what met iptables at a bridge goes out by the port that it came by.
      store<u32>(CTX_OUT_LINK_AT, port)
      Way.end = VERDICT_OUT
    } else if (!Hooks.goOut()) return
    if (Way.sent) return
    Way.sent = true
    const result = Way.result
    Packet.pack(result)
    store<u32>(result + RESULT_REJECT_OFF, code + 1)
    store<u32>(result + RESULT_OUT_LINK_OFF, Way.end === VERDICT_LOCAL ? 0 : Answer.leftBy())
    if (Packet.quotes()) {
      memory.copy(Way.answer, CTX_INNER_AT, HDR_BYTES)
      store<u32>(result + RESULT_FLAGS_OFF, RESULT_QUOTES)
    } else store<u32>(result + RESULT_FLAGS_OFF, 0)
  }

  /** The link by which it left: of a bridge the port, when it is known. */
  private static leftBy(): u32 {
    const port = load<u32>(CTX_OUT_PORT_AT)
    return port !== 0 ? port : load<u32>(CTX_OUT_LINK_AT)
  }

  /**
   * REJECT answers only what has the right checksum: TCP, UDP, ICMP. GRE, ESP, AH, SCTP and UDP-Lite are not asked; what
   * other protocols carry is taken for one and hardly ever is.
   */
  static isSound(): bool {
    const proto = load<u32>(CTX_PROTO_AT)
    const six = load<u32>(CTX_FAMILY_AT) === 6 // DCCP's is like those of TCP and UDP over IPv6 only
    if (proto === 6 || proto === 17 || proto === 1 || proto === 58 || (six && proto === 33)) {
      return !Conntrack.badChecksum
    }
    return proto === 47 || proto === 50 || proto === 51 || proto === 132 || proto === 136
  }

  private static mayReset(): bool {
    if (load<u32>(CTX_PROTO_AT) !== 6 || load<u32>(CTX_TCP_FLAGS_AT) & RST) return false
    const family = load<u32>(CTX_FAMILY_AT)
    if (Way.type === RTN_BROADCAST || Way.type === RTN_MULTICAST) return false
    return !Address.isMulticast(CTX_SRC_AT, family) && !Address.isMulticast(CTX_DST_AT, family)
  }

  private static mayError(): bool {
    if (load<u32>(CTX_PKTTYPE_AT) !== PKTTYPE_HOST) return false
    if (Way.type === RTN_BROADCAST || Way.type === RTN_MULTICAST) return false
    const proto = load<u32>(CTX_PROTO_AT)
    const type = load<u32>(CTX_ICMP_TYPE_AT)
    if (load<u32>(CTX_FAMILY_AT) === 4) {
      const to = load<u32>(CTX_DST_AT)
      if (to === 0xffffffff || to >>> 28 === 14) return false
      return proto !== 1 || type === 0 || type === 8 || (type >= 13 && type <= 18)
    }
    if (Address.isZero(CTX_SRC_AT) || Address.isMulticast(CTX_SRC_AT, 6) || Address.isMulticast(CTX_DST_AT, 6))
      return false
    return proto !== 58 || type >= 128
  }

  /** Turns the packet in the context into the reset that answers it. */
  private static reset(): void {
    const acked = (load<u32>(CTX_TCP_FLAGS_AT) & ACK) !== 0
    const seq = acked ? load<u32>(CTX_ACK_AT) : 0
    const ack = acked ? 0 : Segment.end()
    const from = v128.load(CTX_SRC_AT)
    Address.copy(CTX_SRC_AT, CTX_DST_AT)
    v128.store(CTX_DST_AT, from)
    const port = load<u32>(CTX_SPORT_AT)
    store<u32>(CTX_SPORT_AT, load<u32>(CTX_DPORT_AT))
    store<u32>(CTX_DPORT_AT, port)
    store<u32>(CTX_TCP_FLAGS_AT, acked ? RST : RST | ACK)
    store<u32>(CTX_SEQ_AT, seq)
    store<u32>(CTX_ACK_AT, ack)
    store<u32>(CTX_WIN_AT, 0)
    store<u32>(CTX_PAYLOAD_AT, 0)
    store<u32>(CTX_TTL_AT, load<u32>(CTX_FAMILY_AT) === 4 ? Sysctl.get(SYSCTL_DEFAULT_TTL) : 64)
    store<u32>(CTX_TOS_AT, 0)
    store<u32>(CTX_LENGTH_AT, load<u32>(CTX_FAMILY_AT) === 4 ? 40 : 60)
    Answer.begin()
  }

  /** What all answers begin with. */
  private static begin(): void {
    Packet.start()
    store<u32>(CTX_MARK_AT, 0)
    store<u32>(CTX_IN_LINK_AT, 0)
  }

  /** Is the destination an IPv6 address of this host? One that is known on its link only counts where the packet came in. */
  private static isOwnThere(): bool {
    if (!Address.isLinkLocal(CTX_DST_AT) && !Address.isLoopback6(CTX_DST_AT)) return Fib.isOwn(CTX_DST_AT, 6)
    return Links.has(Way.local ? Hooks.loopback() : load<u32>(CTX_IN_LINK_AT), CTX_DST_AT, 6)
  }

  /** Turns the packet in the context into the ICMP error about it; false: no source address for it. */
  private static error(code: u32): bool {
    const family = load<u32>(CTX_FAMILY_AT)
    const four = family === 4
    // IPv6 asks for an address of an interface: what a local route brings here is none.
    const toHost = four ? Way.type === RTN_LOCAL : Way.type === RTN_ANYCAST || Answer.isOwnThere()
    const length = load<u32>(CTX_LENGTH_AT)
    const tos = load<u32>(CTX_TOS_AT)
    const from = v128.load(CTX_DST_AT)
    // IPv6 prefers the addresses of the interface by which the packet came in.
    const link = four ? 0 : load<u32>(CTX_IN_LINK_AT)
    const inbound: u32 = four && !Way.local && Sysctl.get(SYSCTL_INBOUND_IFADDR) !== 0 ? load<u32>(CTX_IN_LINK_AT) : 0
    Answer.begin()
    Packet.pack(CTX_INNER_AT)
    Address.copy(CTX_DST_AT, CTX_SRC_AT)
    if (!four && Address.isLinkLocal(CTX_DST_AT)) Way.bound = link
    const message: u32 = load<u16>(MESSAGES + code * 2)
    store<u32>(CTX_PROTO_AT, four ? 1 : 58)
    store<u32>(CTX_ICMP_TYPE_AT, message >>> 8)
    store<u32>(CTX_ICMP_CODE_AT, message & 255)
    store<u32>(CTX_ICMP_ID_AT, 0)
    store<u32>(CTX_SPORT_AT, 0)
    store<u32>(CTX_DPORT_AT, 0)
    store<u32>(CTX_TCP_FLAGS_AT, 0)
    store<u32>(CTX_SCTP_CHUNK_AT, 256)
    store<u32>(CTX_PAYLOAD_AT, 0)
    store<u32>(CTX_TTL_AT, four ? Sysctl.get(SYSCTL_DEFAULT_TTL) : 64)
    store<u32>(CTX_TOS_AT, four ? (tos & 0x1e) | 0xc0 : 0)
    store<u32>(CTX_LENGTH_AT, four ? 28 + min<u32>(length, QUOTE_LIMIT4) : 48 + min<u32>(length, QUOTE_LIMIT6))
    if (toHost) {
      v128.store(CTX_SRC_AT, from)
      return true
    }
    if (inbound !== 0) {
      const own = Source.byLink4(inbound, CTX_DST_AT)
      if (own !== 0) {
        Address.copy(CTX_SRC_AT, own)
        return true
      }
    }
    Policy.flow = FLOW_OUT
    Route.bound = Way.bound
    Route.find(CTX_DST_AT, ZERO_ADDRESS_AT, load<u32>(CTX_TOS_AT), 0, Hooks.loopback(), false)
    Route.bound = 0
    if (Route.leadsNowhere()) return false
    const source = Source.byRoute(CTX_DST_AT, family, link)
    if (source !== 0) Address.copy(CTX_SRC_AT, source)
    else if (four) {
      Address.clear(CTX_SRC_AT)
      store<u32>(CTX_SRC_AT, NOBODY4)
    } else return false
    return true
  }
}
