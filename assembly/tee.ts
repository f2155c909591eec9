// TEE: a copy of the packet in the context goes to a gateway, untracked, through OUTPUT and POSTROUTING and no further;
// then the packet goes on as if nothing had been. A copy is not copied again.
// Kernel: net/netfilter/xt_TEE.c, net/ipv4/netfilter/nf_dup_ipv4.c, net/ipv6/netfilter/nf_dup_ipv6.c.
import { Address } from './address'
import { Conntrack } from './conntrack'
import { Hooks } from './hooks'
import {
  CTINFO_UNTRACKED,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_FAMILY_AT,
  CTX_HOOK_AT,
  CTX_IN_LINK_AT,
  CTX_NOTRACK_AT,
  CTX_OUT_LINK_AT,
  CTX_REJECT_AT,
  CTX_SOCKET_AT,
  CTX_TOS_AT,
  CTX_TTL_AT,
  CTX_ZONE_AT,
  CTX_ZONE_REPLY_AT,
  HOOK_INPUT,
  SOCKET_NONE,
  TRACE_ADDR1_OFF,
  TRACE_F_OFF,
  TRACE_KIND_TEE,
  TRACE_ROUTE_OUTPUT,
  ZERO_ADDRESS_AT,
} from './layout'
import { Memory } from './memory'
import { Nat } from './nat'
import { OutRoute } from './out-route'
import { FLOW_NONE, Policy } from './policy'
import { Queue } from './queue'
import { Route } from './route'
import { Steps } from './steps'
import { traceEvent } from './trace'
import { Way } from './way'

export class Tee {
  /** A copy is on its way. */
  static busy: bool = false
  private static saved: usize = 0

  /** False when memory does not suffice. */
  static init(): bool {
    Tee.saved = Memory.allocate(Hooks.SAVE_BYTES)
    return Tee.saved !== 0
  }

  static send(gateway: usize): void {
    if (Tee.busy) return
    const event = traceEvent(TRACE_KIND_TEE, 0, 0, 0)
    if (event !== 0) {
      Address.copy(event + TRACE_ADDR1_OFF, gateway)
      store<u32>(event + TRACE_F_OFF, load<u32>(CTX_FAMILY_AT))
    }
    Tee.busy = true
    Hooks.save(Tee.saved)
    const type = Way.type
    const hop = Way.hop
    const link = Way.link
    const reason = Way.reason
    const errno = Way.errno
    const end = Way.end
    const zones = Conntrack.zones
    const unconfirmed = Conntrack.unconfirmed
    const natReason = Nat.reason
    const queue = Queue.number
    const socket = load<u32>(CTX_SOCKET_AT)
    const passed = Queue.passed
    Conntrack.unconfirmed = 0
    Tee.go(gateway)
    Conntrack.forget()
    Hooks.restore(Tee.saved)
    store<u32>(CTX_SOCKET_AT, socket)
    Way.type = type
    Way.hop = hop
    Way.link = link
    Way.reason = reason
    Way.errno = errno
    Way.end = end
    Conntrack.zones = zones
    Conntrack.unconfirmed = unconfirmed
    Nat.reason = natReason
    Queue.number = queue
    Queue.passed = passed
    Tee.busy = false
  }

  /** Turns the packet in the context into the copy and sends it. */
  private static go(gateway: usize): void {
    if (load<u32>(CTX_HOOK_AT) <= <u32>HOOK_INPUT) store<u32>(CTX_TTL_AT, (load<u32>(CTX_TTL_AT) - 1) & 255)
    store<u32>(CTX_IN_LINK_AT, 0)
    store<u32>(CTX_OUT_LINK_AT, 0)
    store<u32>(CTX_SOCKET_AT, SOCKET_NONE)
    store<u32>(CTX_CT_AT, 0)
    store<u32>(CTX_CTINFO_AT, CTINFO_UNTRACKED)
    store<u32>(CTX_NOTRACK_AT, 0)
    store<u32>(CTX_ZONE_AT, 0)
    store<u32>(CTX_ZONE_REPLY_AT, 0)
    store<u32>(CTX_REJECT_AT, 0)
    // The way to the gateway has no protocol, no ports and no user.
    const flow = Policy.flow
    Policy.flow = FLOW_NONE
    Route.find(gateway, ZERO_ADDRESS_AT, load<u32>(CTX_TOS_AT), 0, Hooks.loopback(), true)
    Policy.flow = flow
    Steps.route(TRACE_ROUTE_OUTPUT)
    if (Route.leadsNowhere()) return
    OutRoute.takeRoute()
    Hooks.sendCopy()
  }
}
