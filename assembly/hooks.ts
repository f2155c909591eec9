// The way of a packet: which hook comes when, which tables run there, where routing happens.
// Kernel: net/ipv4/ip_input.c, ip_forward.c, ip_output.c, netfilter.c (ip_route_me_harder) and their IPv6 twins;
// include/uapi/linux/netfilter_ipv4.h for the order within a hook. Functions return false when the packet is dropped.
import { Address } from './address'
import { Answer } from './answer'

import { Bridge } from './bridge'
import { runTable } from './chain'
import { Conntrack } from './conntrack'
import { Ether } from './ether'
import { HELD_COPY, HELD_HOST, HELD_NONE, Held } from './held'
import { INPUT_DROP, INPUT_ERROR, INPUT_FORWARD, INPUT_LOCAL, Input } from './input'
import {
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_FRAG_AT,
  CTX_FRAME_AT,
  CTX_FRAME_BYTES,
  CTX_HOP_ATTEMPT_AT,
  CTX_IN_LINK_AT,
  CTX_MARK_AT,
  CTX_OUT_LINK_AT,
  CTX_PKTTYPE_AT,
  CTX_REJECT_AT,
  CTX_SOCKET_AT,
  CTX_SRC_AT,
  CTX_TOS_AT,
  CTX_TTL_AT,
  CTX_VISIT_AT,
  ERRNO_EINVAL,
  ERRNO_EPERM,
  FRAGMENT_IN,
  FRAGMENT_LOCAL,
  FRAGMENT_LOOPED,
  FRAGMENT_OUT,
  HOOK_FORWARD,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  LINK_LOOPBACK,
  LOOPBACK6_AT,
  NF_ACCEPT,
  PKTTYPE_BROADCAST,
  PKTTYPE_HOST,
  PKTTYPE_MULTICAST,
  PKTTYPE_OTHERHOST,
  REASON_CLASH,
  REASON_FRAGMENT,
  REASON_INVALID_SOURCE,
  REASON_MARTIAN_SOURCE,
  REASON_MULTICAST,
  REASON_NO_ROUTE,
  REASON_NOT_FOR_US,
  REASON_PROHIBIT,
  REASON_TABLE_FULL,
  REASON_TAKEN,
  REASON_TOO_BIG,
  REASON_TTL_EXCEEDED,
  REASON_UNREACHABLE,
  REJECT_CODES,
  REJECT_ICMP_ADMIN_PROHIBITED,
  REJECT_ICMP_FRAG_NEEDED,
  REJECT_ICMP_HOST_UNREACHABLE,
  REJECT_ICMP_NET_UNREACHABLE,
  REJECT_ICMP_TTL_EXCEEDED,
  REJECT_ICMP6_ADM_PROHIBITED,
  REJECT_ICMP6_BEYOND_SCOPE,
  REJECT_ICMP6_HOP_LIMIT,
  REJECT_ICMP6_NO_ROUTE,
  REJECT_ICMP6_TOO_BIG,
  RTN_BROADCAST,
  RTN_MULTICAST,
  RTN_UNICAST,
  SOCKET_NONE,
  SOCKET_PROCESS,
  SYSCTL_LO_LINK,
  TABLE_FILTER,
  TABLE_MANGLE,
  TABLE_NAT,
  TABLE_RAW,
  TABLE_SECURITY,
  TRACE_ROUTE_OUTPUT,
  TRACE_ROUTE_REROUTE,
  VERDICT_FORWARD,
  VERDICT_LOCAL,
  VERDICT_OUT,
} from './layout'
import { Memory } from './memory'
import { Mtu } from './mtu'
import { Multicast } from './multicast'
import { Nat } from './nat'
import { OutRoute } from './out-route'
import { Queue } from './queue'
import { conntrackOn, hasTable, isNft, wholeOnly } from './rules'
import { Links, Source } from './source'
import { Steps } from './steps'
import { Sysctl } from './sysctl'
import { Way } from './way'

const CTX_BYTES: u32 = 256
const LOOPBACK4: u32 = 0x7f000001

export class Hooks {
  /** Two contexts for each depth of answers: a packet whose copy is on its way, and the copy at its end. */
  private static saved: usize = 0
  /** What `save` writes. */
  static readonly SAVE_BYTES: u32 = CTX_BYTES + CTX_FRAME_BYTES

  static loopback(): u32 {
    return Sysctl.get(SYSCTL_LO_LINK)
  }

  private static drop(reason: u32): bool {
    Way.reason = reason
    return false
  }

  /** A fragment waits for the rest of its packet. `user`: where it is wanted. */
  static keep(user: u32): bool {
    Way.user = user
    return Hooks.drop(REASON_FRAGMENT)
  }

  /** Does the packet wait before INPUT for the rest of it? */
  static isKept(): bool {
    return Way.reason === REASON_FRAGMENT && Way.user === FRAGMENT_LOCAL
  }

  private static tracked(): bool {
    return conntrackOn(load<u32>(CTX_FAMILY_AT))
  }

  private static table(table: i32, hook: i32): bool {
    if (runTable(table, hook) === NF_ACCEPT) return true
    return Hooks.refused()
  }

  /** A chain dropped the packet: notes why, and sends what REJECT asks for. */
  private static refused(): bool {
    Way.reason = Nat.reason
    Nat.reason = 0
    const code = load<u32>(CTX_REJECT_AT)
    if (code !== 0) {
      store<u32>(CTX_REJECT_AT, 0)
      if (code > <u32>REJECT_CODES || Answer.isSound()) Answer.send(code - 1)
    }
    return false
  }

  private static nat(hook: i32): bool {
    if (!Hooks.tracked() || !hasTable(TABLE_NAT)) return true
    return Nat.hook(hook) ? true : Hooks.refused()
  }

  static confirm(): bool {
    if (!Hooks.tracked() || Conntrack.confirm()) return true
    return Hooks.drop(REASON_CLASH)
  }

  private static look(): bool {
    if (!Hooks.tracked() || Conntrack.look(Way.local)) return true
    return Hooks.drop(REASON_TABLE_FULL)
  }

  static prerouting(): bool {
    Steps.hook(HOOK_PREROUTING)
    if (load<u32>(CTX_FRAG_AT) !== 0 && wholeOnly(load<u32>(CTX_FAMILY_AT))) return Hooks.keep(FRAGMENT_IN)
    if (!Hooks.table(TABLE_RAW, HOOK_PREROUTING) || !Hooks.look()) return false
    return Hooks.table(TABLE_MANGLE, HOOK_PREROUTING) && Hooks.nat(HOOK_PREROUTING)
  }

  /** INPUT, to the end of the way. */
  private static deliver(): bool {
    // IPv4 is whole before INPUT; IPv6's pieces pass it one by one.
    if (load<u32>(CTX_FRAG_AT) !== 0 && load<u32>(CTX_FAMILY_AT) === 4) return Hooks.keep(FRAGMENT_LOCAL)
    Steps.hook(HOOK_INPUT)
    if (!Hooks.table(TABLE_MANGLE, HOOK_INPUT) || !Hooks.table(TABLE_FILTER, HOOK_INPUT)) return false
    // iptables-nft gives its security chains a later priority than nat has here.
    if (isNft(load<u32>(CTX_FAMILY_AT))) {
      if (!Hooks.nat(HOOK_INPUT) || !Hooks.table(TABLE_SECURITY, HOOK_INPUT)) return false
    } else if (!Hooks.table(TABLE_SECURITY, HOOK_INPUT) || !Hooks.nat(HOOK_INPUT)) return false
    if (!Hooks.confirm()) return false
    Way.end = VERDICT_LOCAL
    return true
  }

  static postrouting(): bool {
    Steps.hook(HOOK_POSTROUTING)
    return Hooks.table(TABLE_MANGLE, HOOK_POSTROUTING) && Hooks.nat(HOOK_POSTROUTING) && Hooks.confirm()
  }

  private static output(): bool {
    Steps.hook(HOOK_OUTPUT)
    if (load<u32>(CTX_FRAG_AT) !== 0 && wholeOnly(load<u32>(CTX_FAMILY_AT))) return Hooks.keep(FRAGMENT_OUT)
    if (!Hooks.table(TABLE_RAW, HOOK_OUTPUT) || !Hooks.look()) return false
    const mark = load<u32>(CTX_MARK_AT)
    const tos = load<u32>(CTX_TOS_AT)
    const from = v128.load(CTX_SRC_AT)
    const to = v128.load(CTX_DST_AT)
    // IPv6 is routed anew for its hop limit as well.
    const hops: u32 = load<u32>(CTX_FAMILY_AT) === 6 ? load<u32>(CTX_TTL_AT) : 0
    if (!Hooks.table(TABLE_MANGLE, HOOK_OUTPUT)) return false
    const moved = v128.or(v128.xor(from, v128.load(CTX_SRC_AT)), v128.xor(to, v128.load(CTX_DST_AT)))
    const limited = hops !== (load<u32>(CTX_FAMILY_AT) === 6 ? load<u32>(CTX_TTL_AT) : 0)
    if (mark !== load<u32>(CTX_MARK_AT) || tos !== load<u32>(CTX_TOS_AT) || limited || v128.any_true(moved)) {
      if (!Hooks.reroute()) return false
    }
    if (!Hooks.nat(HOOK_OUTPUT)) return false
    if (Hooks.tracked() && hasTable(TABLE_NAT) && Nat.isRedirected() && !Hooks.reroute()) return false
    return Hooks.table(TABLE_FILTER, HOOK_OUTPUT) && Hooks.table(TABLE_SECURITY, HOOK_OUTPUT)
  }

  /** A packet of this host is routed anew; the chains that follow in OUTPUT do not see it. */
  private static reroute(): bool {
    OutRoute.findOutRoute(TRACE_ROUTE_REROUTE)
    if (!OutRoute.mayLeave()) return false
    OutRoute.takeRoute()
    return true
  }

  /** A copy of a packet leaves, and is not seen again. */
  static sendCopy(): void {
    store<u32>(CTX_OUT_LINK_AT, Way.link)
    if (!Hooks.output()) return
    store<u32>(CTX_OUT_LINK_AT, Way.link)
    Hooks.postrouting()
  }

  /** OUTPUT, POSTROUTING, and by the loopback device in again. */
  static goOut(): bool {
    store<u32>(CTX_OUT_LINK_AT, Way.link)
    if (!Hooks.output()) return Hooks.denied()
    store<u32>(CTX_OUT_LINK_AT, Way.link)
    const byLoopback = (Links.flags(Way.link) & LINK_LOOPBACK) !== 0
    if (load<u32>(CTX_FAMILY_AT) === 6) {
      if (byLoopback && Way.type === RTN_UNICAST) {
        Answer.send(REJECT_ICMP6_NO_ROUTE)
        return Hooks.drop(REASON_NO_ROUTE)
      }
      return !byLoopback && Address.isMulticast(CTX_DST_AT, 6) ? Hooks.toGroup() : Hooks.leave(byLoopback)
    }
    const heard = !byLoopback && Hooks.isHeardHere() && Hooks.loopCopy()
    if (Held.what !== HELD_NONE) return Hooks.keep(FRAGMENT_LOOPED)
    const left = Hooks.leave(byLoopback)
    return heard ? Hooks.takeCopy() : left
  }

  /** POSTROUTING, and what leaves by the loopback device comes in again. */
  private static leave(byLoopback: bool): bool {
    if (!Hooks.postrouting()) return Hooks.denied()
    if (byLoopback || OutRoute.forHost(Way.type)) return Hooks.comeBack(Hooks.loopback())
    Way.end = VERDICT_OUT
    return Bridge.transmit()
  }

  /** IPv6 multicast: after it has passed POSTROUTING a copy comes back when the link has joined the group; node-local scopes do not leave. */
  private static toGroup(): bool {
    if (!Hooks.postrouting()) return Hooks.denied()
    if (OutRoute.forHost(Way.type)) return Hooks.comeBack(Hooks.loopback())
    const heard = Multicast.joined(Way.link, CTX_DST_AT) && Hooks.loopCopy()
    if (Multicast.scope(CTX_DST_AT) <= 1) return heard ? Hooks.takeCopy() : Hooks.drop(REASON_MULTICAST)
    Way.end = VERDICT_OUT
    const sent = Bridge.transmit()
    return heard ? Hooks.takeCopy() : sent
  }

  /** The copy that arrived is what the packet came to. */
  private static takeCopy(): bool {
    Hooks.restore(Hooks.saved + (Way.depth * 2 + 1) * Hooks.SAVE_BYTES)
    Way.reason = 0
    Way.end = VERDICT_LOCAL
    return true
  }

  /** A packet that left by a link comes in again by it, its mark, entry and state with it. */
  private static comeBack(link: u32): bool {
    store<u32>(CTX_IN_LINK_AT, link)
    store<u32>(CTX_OUT_LINK_AT, 0)
    return Hooks.prerouting() && Hooks.deliver()
  }

  /** IPv4: does the host itself hear what it sends to a broadcast address or to all hosts? */
  private static isHeardHere(): bool {
    return Way.type === RTN_BROADCAST || (Way.type === RTN_MULTICAST && load<u32>(CTX_DST_AT) === 0xe0000001)
  }

  /** Keeps the context. */
  static save(to: usize): void {
    memory.copy(to, CTX_FAMILY_AT, CTX_BYTES)
    memory.copy(to + CTX_BYTES, CTX_FRAME_AT, CTX_FRAME_BYTES)
  }

  /** Gives the context back, but keeps what a packet has drawn so far (of ports it draws for one copy at most). */
  static restore(from: usize): void {
    const visit = load<u32>(CTX_VISIT_AT)
    const hops = load<u32>(CTX_HOP_ATTEMPT_AT)
    memory.copy(CTX_FAMILY_AT, from, CTX_BYTES)
    memory.copy(CTX_FRAME_AT, from + CTX_BYTES, CTX_FRAME_BYTES)
    store<u32>(CTX_VISIT_AT, visit)
    store<u32>(CTX_HOP_ATTEMPT_AT, hops)
  }

  /** The copy that the host hears passes POSTROUTING by itself: before the one that leaves in IPv4, after it in IPv6. True when it arrives. */
  private static loopCopy(): bool {
    const save = Hooks.saved + Way.depth * 2 * Hooks.SAVE_BYTES
    const type = Way.type
    const hop = Way.hop
    const link = Way.link
    const zones = Conntrack.zones
    Hooks.save(save)
    const socket = load<u32>(CTX_SOCKET_AT)
    store<u32>(CTX_SOCKET_AT, SOCKET_NONE)
    let arrived = Hooks.postrouting()
    if (arrived) {
      const grouped = type === RTN_MULTICAST || load<u32>(CTX_FAMILY_AT) === 6
      store<u32>(CTX_PKTTYPE_AT, grouped ? PKTTYPE_MULTICAST : PKTTYPE_BROADCAST)
      arrived = Hooks.mayComeBack(link) && Hooks.comeBack(link)
    }
    Held.socket = socket
    Held.type = type
    Held.hop = hop
    Held.link = link
    Held.zones = zones
    if (!arrived && Hooks.isKept()) {
      Held.what = HELD_COPY
      return false
    }
    return Hooks.afterCopy(arrived)
  }

  /** The copy has come to its end: the packet itself goes on. */
  private static afterCopy(arrived: bool): bool {
    const save = Hooks.saved + Way.depth * 2 * Hooks.SAVE_BYTES
    store<u32>(CTX_SOCKET_AT, Held.socket)
    Hooks.save(save + Hooks.SAVE_BYTES)
    Hooks.restore(save)
    Conntrack.zones = Held.zones
    Way.type = Held.type
    Way.hop = Held.hop
    Way.link = Held.link
    Way.reason = 0
    Way.errno = 0
    Queue.number = 0
    return arrived
  }

  private static mayComeBack(link: u32): bool {
    store<u32>(CTX_IN_LINK_AT, link)
    return load<u32>(CTX_FAMILY_AT) === 4 || Input.early6(true) === 0
  }

  /** False when memory does not suffice. */
  static init(): bool {
    Address.clear(LOOPBACK6_AT)
    store<u32>(LOOPBACK6_AT + 12, 1)
    Hooks.saved = Memory.allocate(10 * Hooks.SAVE_BYTES)
    return Hooks.saved !== 0
  }

  private static denied(): bool {
    // The sender is not told of a packet that was queued, or of a fragment that waits.
    if (Way.errno === 0 && Queue.number === 0 && Way.reason !== REASON_FRAGMENT) Way.errno = ERRNO_EPERM
    return false
  }

  /** A packet that a process of this host sends. */
  static sendLocal(): bool {
    Way.local = true
    store<u32>(CTX_SOCKET_AT, SOCKET_PROCESS)
    const four = load<u32>(CTX_FAMILY_AT) === 4
    const from = load<u32>(CTX_SRC_AT)
    Way.bound = 0
    // An IPv6 link-local source needs an interface, which a packet does not name.
    const unfit = four
      ? from >>> 28 === 14 || from === 0xffffffff
      : Address.isMulticast(CTX_SRC_AT, 6) || Address.isLinkLocal(CTX_SRC_AT)
    if (unfit) return OutRoute.refuse(REASON_INVALID_SOURCE, ERRNO_EINVAL)
    OutRoute.findOutRoute(TRACE_ROUTE_OUTPUT)
    if (!OutRoute.mayLeave()) return false
    OutRoute.takeRoute()
    if (four && from === 0) {
      const source = Source.byRoute(CTX_DST_AT, 4, 0)
      if (load<u32>(CTX_DST_AT) === 0) store<u32>(CTX_SRC_AT, LOOPBACK4)
      else if (source !== 0) Address.copy(CTX_SRC_AT, source)
    }
    return Hooks.goOut()
  }

  /**
   * The whole packet, from where its last fragment was kept before INPUT. When that was the copy of a packet, this goes on
   * then; also when its copy, a fragment, just waits.
   */
  static resume(): bool {
    const what = Held.what
    Held.what = HELD_NONE
    if (what === HELD_NONE) return Hooks.deliver()
    store<u32>(CTX_SOCKET_AT, SOCKET_NONE)
    const arrived = load<u32>(CTX_FRAG_AT) === 0 && Hooks.deliver()
    if (what === HELD_HOST) return arrived || Bridge.toPorts()
    const heard = Hooks.afterCopy(arrived)
    const left = Hooks.leave(false)
    return heard ? Hooks.takeCopy() : left
  }

  /** A packet that comes in by an interface. */
  static receive(): bool {
    Way.local = false
    store<u32>(CTX_SOCKET_AT, SOCKET_NONE)
    const link = load<u32>(CTX_IN_LINK_AT)
    const master = Links.master(link)
    if (master !== link && Links.ports(master) !== 0) return Bridge.receive(link, master)
    store<u32>(CTX_IN_LINK_AT, master)
    Ether.arrival(link)
    if (load<u32>(CTX_PKTTYPE_AT) === PKTTYPE_OTHERHOST) return Hooks.drop(REASON_NOT_FOR_US)
    return Hooks.arrive()
  }

  /** A packet for the IP stack that met no hook yet. */
  static arrive(): bool {
    if (load<u32>(CTX_FAMILY_AT) === 6) {
      const reason = Input.early6(false)
      if (reason !== 0) return Hooks.drop(reason)
    }
    if (!Hooks.prerouting()) return false
    const to = Input.route()
    OutRoute.takeRoute()
    return Hooks.follow(to)
  }

  /** Follows the input route in Way: `to` is INPUT_*. */
  static follow(to: u32): bool {
    if (to === INPUT_LOCAL) return Hooks.deliver()
    if (to === INPUT_FORWARD) return Hooks.forward()
    if (to === INPUT_ERROR) Answer.send(Hooks.noWay())
    else if (to !== INPUT_DROP) unreachable()
    return Hooks.drop(Input.reason)
  }

  /** REJECT_* code of what routing refused. */
  private static noWay(): u32 {
    const four = load<u32>(CTX_FAMILY_AT) === 4
    if (Input.reason === REASON_PROHIBIT) return four ? REJECT_ICMP_ADMIN_PROHIBITED : REJECT_ICMP6_ADM_PROHIBITED
    if (!four) return REJECT_ICMP6_NO_ROUTE
    return Input.reason === REASON_UNREACHABLE ? REJECT_ICMP_HOST_UNREACHABLE : REJECT_ICMP_NET_UNREACHABLE
  }

  private static forward(): bool {
    if (load<u32>(CTX_PKTTYPE_AT) !== PKTTYPE_HOST) return Hooks.drop(REASON_NOT_FOR_US)
    if (Way.taken) return Hooks.drop(REASON_TAKEN)
    const ttl = load<u32>(CTX_TTL_AT)
    if (ttl <= 1) {
      Answer.send(load<u32>(CTX_FAMILY_AT) === 4 ? REJECT_ICMP_TTL_EXCEEDED : REJECT_ICMP6_HOP_LIMIT)
      return Hooks.drop(REASON_TTL_EXCEEDED)
    }
    // What leaves by the interface it came from is sent a redirect, and its source is not looked at.
    if (load<u32>(CTX_FAMILY_AT) === 6 && Way.link !== load<u32>(CTX_IN_LINK_AT)) {
      if (Address.isZero(CTX_SRC_AT)) return Hooks.drop(REASON_MARTIAN_SOURCE)
      if (Address.isLinkLocal(CTX_SRC_AT)) {
        Answer.send(REJECT_ICMP6_BEYOND_SCOPE)
        return Hooks.drop(REASON_MARTIAN_SOURCE)
      }
    }
    if (!Mtu.mayForward()) return Hooks.tooBig()
    store<u32>(CTX_TTL_AT, ttl - 1)
    store<u32>(CTX_OUT_LINK_AT, Way.link)
    if (!Hooks.forwardHook() || !Hooks.postrouting()) return false
    if (!Mtu.mayLeave()) return Hooks.tooBig()
    Way.end = VERDICT_FORWARD
    return Bridge.transmit()
  }

  private static tooBig(): bool {
    Answer.send(load<u32>(CTX_FAMILY_AT) === 4 ? REJECT_ICMP_FRAG_NEEDED : REJECT_ICMP6_TOO_BIG)
    return Hooks.drop(REASON_TOO_BIG)
  }

  static forwardHook(): bool {
    Steps.hook(HOOK_FORWARD)
    if (!Hooks.table(TABLE_MANGLE, HOOK_FORWARD) || !Hooks.table(TABLE_FILTER, HOOK_FORWARD)) return false
    return Hooks.table(TABLE_SECURITY, HOOK_FORWARD)
  }
}
