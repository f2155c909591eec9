// Bridging: which port a frame leaves by, what is for the host, and how bridged packets meet the hooks of iptables.
// Kernel: net/bridge/br_input.c (br_handle_frame_finish), br_forward.c, br_device.c (br_dev_xmit), and
// br_netfilter_hooks.c, br_netfilter_ipv6.c for the hooks. Functions return false when the packet is dropped.

import { Address } from './address'
import { Asked } from './asked'
import { Ether, MAC_BROADCAST } from './ether'
import { Fdb } from './fdb'
import { HELD_HOST, Held } from './held'
import { Hooks } from './hooks'
import { INPUT_DROP, INPUT_ERROR, INPUT_FORWARD, Input } from './input'
import {
  BRIDGE_CALLS4,
  BRIDGE_CALLS6,
  BRIDGE_FDB_KNOWN,
  CTX_DST_AT,
  CTX_ETHER_AT,
  CTX_FAMILY_AT,
  CTX_IN_LINK_AT,
  CTX_IS_REPLY_AT,
  CTX_MAC_DST_AT,
  CTX_MAC_SRC_AT,
  CTX_OUT_LINK_AT,
  CTX_OUT_PORT_AT,
  CTX_PHYS_IN_AT,
  CTX_PHYS_OUT_AT,
  CTX_PKTTYPE_AT,
  ETHER_DST_UNKNOWN,
  ETHER_SRC_KNOWN,
  FDB_FLAGS_OFF,
  FDB_LOCAL,
  FDB_PORT_OFF,
  FRAGMENT_LOOPED,
  HOP_HAS_VIA_OFF,
  HOP_VIA_OFF,
  PHYS_UNKNOWN,
  PKTTYPE_HOST,
  PKTTYPE_OTHERHOST,
  PORT_FLOODS,
  PORT_FLOODS_BROADCAST,
  PORT_FLOODS_MULTICAST,
  PORT_FORWARDS,
  PORT_HAIRPIN,
  PORT_ISOLATED,
  PORT_LEARNING_STATE,
  PORT_LEARNS,
  REASON_BLACKHOLE,
  REASON_CLASH,
  REASON_FORWARDING_OFF,
  REASON_NO_PORT,
  REASON_NOT_FOR_US,
  REASON_PORT_STATE,
  REASON_SOURCE_ADDRESS,
  RTN_BROADCAST,
  RTN_UNICAST,
  TRACE_KIND_BRIDGE,
  TRACE_KIND_COPY,
  VERDICT_FORWARD,
  VERDICT_LOCAL,
} from './layout'
import { Memory } from './memory'
import { OutRoute } from './out-route'
import { Queue } from './queue'
import { Route } from './route'
import { Links } from './source'
import { traceEvent } from './trace'
import { Way } from './way'

/** Nothing was looked up yet: no INPUT_*. */
const NO_INPUT: u32 = 0xffffffff

export class Bridge {
  // The frame that came by a port. Answers never come by one, so there is one at a time.
  private static bridge: u32 = 0
  private static port: u32 = 0
  /** What INPUT_* says of it, when that was asked before it was passed up. */
  private static input: u32 = NO_INPUT
  /** Two contexts: the frame before it was copied, and the first copy that left. */
  private static saved: usize = 0

  /** False when memory does not suffice. */
  static init(): bool {
    Bridge.saved = Memory.allocate(2 * Hooks.SAVE_BYTES)
    return Bridge.saved !== 0
  }

  /** May a frame leave by port `to`? `from`: the port it came by, 0 = sent by the host. */
  private static mayLeave(from: u32, to: u32): bool {
    const flags = Links.bridging(to)
    if (!(flags & PORT_FORWARDS)) return false
    if (from === 0) return true
    if (from === to && !(flags & PORT_HAIRPIN)) return false
    return !(flags & PORT_ISOLATED) || !(Links.bridging(from) & PORT_ISOLATED)
  }

  /** The first port from `to` on by which a frame to a group or to an unknown address leaves; 0 = none. */
  private static flooded(from: u32, to: u32, mac: u64): u32 {
    let wanted: u32 = PORT_FLOODS
    if (Ether.isGroup(mac)) {
      wanted = mac === MAC_BROADCAST ? PORT_FLOODS_BROADCAST : PORT_FLOODS_MULTICAST
      if (from === 0) wanted = 0
    }
    // A list is no longer than there are links, also in a damaged image.
    for (let n: u32 = 0; to !== 0 && n < Links.count; n++) {
      if ((Links.bridging(to) & wanted) === wanted && Bridge.mayLeave(from, to)) return to
      to = Links.nextPort(to)
    }
    return 0
  }

  private static drop(reason: u32): bool {
    Way.reason = reason
    return false
  }

  /** A packet that came by a port of a bridge. */
  static receive(port: u32, bridge: u32): bool {
    Bridge.bridge = bridge
    Bridge.port = port
    Bridge.input = NO_INPUT
    Ether.portArrival(port, bridge)
    if (load<u32>(CTX_ETHER_AT) & ETHER_SRC_KNOWN) {
      const src = load<u64>(CTX_MAC_SRC_AT)
      if (src === 0 || Ether.isGroup(src)) return Bridge.drop(REASON_SOURCE_ADDRESS)
    }
    if (!(Links.bridging(port) & (PORT_FORWARDS | PORT_LEARNING_STATE))) return Bridge.drop(REASON_PORT_STATE)
    const four = load<u32>(CTX_FAMILY_AT) === 4
    if (!(Links.bridging(bridge) & (four ? BRIDGE_CALLS4 : BRIDGE_CALLS6))) return Bridge.finish()
    store<u32>(CTX_IN_LINK_AT, bridge)
    store<u32>(CTX_PHYS_IN_AT, port)
    const before = v128.load(CTX_DST_AT)
    const other = Bridge.asHost()
    if (!Hooks.prerouting()) return false
    if (other) store<u32>(CTX_PKTTYPE_AT, PKTTYPE_OTHERHOST)
    if (!v128.any_true(v128.xor(before, v128.load(CTX_DST_AT)))) return Bridge.finish()
    return four ? Bridge.translated4() : Bridge.translated6()
  }

  /** The hooks see what goes to another host as if it came to this one; true: it did not. */
  private static asHost(): bool {
    if (load<u32>(CTX_PKTTYPE_AT) !== PKTTYPE_OTHERHOST) return false
    store<u32>(CTX_PKTTYPE_AT, PKTTYPE_HOST)
    return true
  }

  private static translated4(): bool {
    const to = Input.route()
    OutRoute.takeRoute()
    if (to === INPUT_FORWARD && Route.link === Bridge.bridge) return Bridge.bridgedOn()
    // Of what is no martian the IP stack decides, also that it goes nowhere.
    const known = Input.reason === REASON_FORWARDING_OFF || Input.reason === REASON_BLACKHOLE
    if (to === INPUT_DROP && !known) return Bridge.drop(Input.reason)
    return Bridge.routed(to)
  }

  private static translated6(): bool {
    if (Address.isMulticast(CTX_DST_AT, 6)) {
      // The way to a group is the interface that it came by.
      Ether.sendTo(Ether.group(CTX_DST_AT, 6))
      return Bridge.finish()
    }
    const to = Input.route()
    OutRoute.takeRoute()
    // Also where forwarding is off; and nobody is told that there is no way.
    const found = to === INPUT_FORWARD || (to === INPUT_DROP && Input.reason === REASON_FORWARDING_OFF)
    if (found && Route.type === RTN_UNICAST && Route.link === Bridge.bridge) return Bridge.bridgedOn()
    if (to === INPUT_ERROR) return Bridge.drop(Input.reason)
    if (to === INPUT_DROP && Input.reason !== REASON_FORWARDING_OFF) return Bridge.drop(Input.reason)
    return Bridge.routed(to)
  }

  /** Translated to a host behind the same bridge. */
  private static bridgedOn(): bool {
    const mac = Bridge.nextMac(Bridge.bridge)
    if (mac === 0) Ether.lost()
    else Ether.sendTo(load<u64>(mac))
    return Bridge.finish()
  }

  private static routed(to: u32): bool {
    Bridge.input = to
    Ether.sendTo(Links.mac(Bridge.bridge))
    store<u32>(CTX_PKTTYPE_AT, PKTTYPE_HOST)
    return Bridge.finish()
  }

  /** Address of the Ethernet address of the next hop that Way follows; 0 = not known. */
  private static nextMac(bridge: u32): usize {
    return Fdb.neighbour(bridge, Bridge.next(), load<u32>(CTX_FAMILY_AT))
  }

  private static next(): usize {
    const hop = Way.hop
    return hop !== 0 && load<u32>(hop + HOP_HAS_VIA_OFF) !== 0 ? hop + HOP_VIA_OFF : CTX_DST_AT
  }

  /** After PREROUTING, or without it: where does the frame go? */
  private static finish(): bool {
    const bridge = Bridge.bridge
    const port = Bridge.port
    const flags = Links.bridging(port)
    const ether = load<u32>(CTX_ETHER_AT)
    if (flags & PORT_LEARNS && ether & ETHER_SRC_KNOWN) Fdb.learn(bridge, load<u64>(CTX_MAC_SRC_AT), port)
    if (!(flags & PORT_FORWARDS)) return Bridge.drop(REASON_PORT_STATE)
    if (ether & ETHER_DST_UNKNOWN) return Bridge.forwardTo(0)
    const mac = load<u64>(CTX_MAC_DST_AT)
    if (Ether.isGroup(mac)) return Bridge.flood(mac)
    const entry = Fdb.find(bridge, mac)
    if (entry === 0) return Links.bridging(bridge) & BRIDGE_FDB_KNOWN ? Bridge.flood(mac) : Bridge.forwardTo(0)
    if (load<u32>(entry + FDB_FLAGS_OFF) & FDB_LOCAL) return Bridge.passUp()
    const to = load<u32>(entry + FDB_PORT_OFF)
    return Bridge.mayLeave(port, to) ? Bridge.forwardTo(to) : Bridge.drop(REASON_NO_PORT)
  }

  /** To all ports that take it, and to the host when it is to a group. What became of it is what became of the first. */
  private static flood(mac: u64): bool {
    const port = Bridge.port
    const forHost = Ether.isGroup(mac)
    const first = Bridge.saved + Hooks.SAVE_BYTES
    let to = Bridge.flooded(port, Links.ports(Bridge.bridge), mac)
    let left = false
    if (to !== 0) Hooks.save(Bridge.saved)
    else if (!forHost) return Bridge.drop(REASON_NO_PORT)
    for (let n: u32 = 0; to !== 0 && n < Links.count; n++) {
      const next = Bridge.flooded(port, Links.nextPort(to), mac)
      Bridge.again()
      if (Bridge.forwardTo(to)) {
        traceEvent(TRACE_KIND_COPY, to, 0, 0)
        if (!left) Hooks.save(first)
        left = true
      }
      if (Asked.stopped()) return false
      if (next !== 0 || forHost) Hooks.restore(Bridge.saved)
      to = next
    }
    if (forHost) {
      Bridge.again()
      const up = Bridge.passUp()
      if (up && Way.end === VERDICT_LOCAL) return true
      if (!up && left && Hooks.isKept()) {
        Held.what = HELD_HOST
        return Hooks.keep(FRAGMENT_LOOPED)
      }
    }
    return left && Bridge.toPorts()
  }

  /** What left by ports is what became of the frame. */
  static toPorts(): bool {
    Hooks.restore(Bridge.saved + Hooks.SAVE_BYTES)
    Bridge.again()
    Way.end = VERDICT_FORWARD
    return true
  }

  /** Forgets how the copy before ended. */
  private static again(): void {
    Way.reason = 0
    Queue.number = 0
  }

  /** FORWARD and POSTROUTING, when iptables is called, and out by a port; 0: it is not known which. */
  private static forwardTo(to: u32): bool {
    const bridge = Bridge.bridge
    if (to !== 0) traceEvent(TRACE_KIND_BRIDGE, to, 0, 0)
    if (load<u32>(CTX_PHYS_IN_AT) !== 0) {
      store<u32>(CTX_PHYS_OUT_AT, to === 0 ? PHYS_UNKNOWN : to)
      store<u32>(CTX_OUT_LINK_AT, bridge)
      const other = Bridge.asHost()
      if (!Hooks.forwardHook()) return false
      store<u32>(CTX_IN_LINK_AT, 0)
      if (!Hooks.postrouting()) return false
      if (other) store<u32>(CTX_PKTTYPE_AT, PKTTYPE_OTHERHOST)
    }
    store<u32>(CTX_OUT_LINK_AT, bridge)
    store<u32>(CTX_OUT_PORT_AT, to)
    Way.end = VERDICT_FORWARD
    return true
  }

  /** For the host: the packet comes in by the bridge. */
  private static passUp(): bool {
    traceEvent(TRACE_KIND_BRIDGE, 0, 0, 0)
    store<u32>(CTX_IN_LINK_AT, Bridge.bridge)
    const met = load<u32>(CTX_PHYS_IN_AT) !== 0
    const type = load<u32>(CTX_PKTTYPE_AT)
    if (met && type !== PKTTYPE_HOST && !Hooks.confirm()) return Bridge.drop(REASON_CLASH)
    if (type === PKTTYPE_OTHERHOST) return Bridge.drop(REASON_NOT_FOR_US)
    if (!met) return Hooks.arrive()
    if (load<u32>(CTX_FAMILY_AT) === 6) {
      const reason = Input.early6(false)
      if (reason !== 0) return Bridge.drop(reason)
    }
    if (Bridge.input !== NO_INPUT) return Hooks.follow(Bridge.input)
    const to = Input.route()
    OutRoute.takeRoute()
    return Hooks.follow(to)
  }

  /** A packet of the IP stack that leaves by CTX_OUT_LINK: when that is a bridge, by its ports. */
  static transmit(): bool {
    const bridge = load<u32>(CTX_OUT_LINK_AT)
    const ports = Links.ports(bridge)
    if (ports === 0) return true
    const family = load<u32>(CTX_FAMILY_AT)
    let mac: u64 = MAC_BROADCAST
    if (Way.type !== RTN_BROADCAST) {
      const next = Bridge.next()
      if (Address.isMulticast(next, family)) mac = Ether.group(next, family)
      else {
        const known = Bridge.nextMac(bridge)
        if (known === 0) return true
        mac = load<u64>(known)
      }
    }
    const entry: usize = Ether.isGroup(mac) ? 0 : Fdb.find(bridge, mac)
    if (entry !== 0) {
      const to = load<u32>(entry + FDB_PORT_OFF)
      if (to === bridge || !Bridge.mayLeave(0, to)) return Bridge.drop(REASON_NO_PORT)
      traceEvent(TRACE_KIND_BRIDGE, to, 0, 0)
      store<u32>(CTX_OUT_PORT_AT, to)
      return true
    }
    if (!Ether.isGroup(mac) && !(Links.bridging(bridge) & BRIDGE_FDB_KNOWN)) return true
    return Bridge.sendToAll(ports, mac)
  }

  private static sendToAll(ports: u32, mac: u64): bool {
    let to = Bridge.flooded(0, ports, mac)
    if (to === 0) return Bridge.drop(REASON_NO_PORT)
    store<u32>(CTX_OUT_PORT_AT, to)
    for (let n: u32 = 0; to !== 0 && n < Links.count; n++) {
      traceEvent(TRACE_KIND_BRIDGE, to, 0, 0)
      if (load<u32>(CTX_IS_REPLY_AT) === 0) traceEvent(TRACE_KIND_COPY, to, 0, 0)
      to = Bridge.flooded(0, Links.nextPort(to), mac)
    }
    return true
  }
}
