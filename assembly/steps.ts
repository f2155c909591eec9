// The steps of the way that are no rules, as trace events: hooks, conntrack, routes, bindings. Nothing when not tracing.

import { Address } from './address'
import {
  CTX_FAMILY_AT,
  CTX_TRACING_AT,
  HOP_BYTES,
  ROUTE_BYTES,
  ROUTE_HOP_OFF,
  TRACE_ADDR1_OFF,
  TRACE_ADDR2_OFF,
  TRACE_D_OFF,
  TRACE_E_OFF,
  TRACE_F_OFF,
  TRACE_KIND_CONNTRACK,
  TRACE_KIND_HOOK,
  TRACE_KIND_NAT,
  TRACE_KIND_ROUTE,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from './layout'
import { Route } from './route'
import { traceEvent } from './trace'

export class Steps {
  static on(): bool {
    return load<u32>(CTX_TRACING_AT) !== 0
  }

  static hook(hook: u32): void {
    if (Steps.on()) traceEvent(TRACE_KIND_HOOK, hook, 0, 0)
  }

  /** `state`: TRACE_CT_*. */
  static conntrack(state: u32, direction: u32): void {
    if (Steps.on()) traceEvent(TRACE_KIND_CONNTRACK, state, direction, 0)
  }

  /** The route just found. `why`: TRACE_ROUTE_*. */
  static route(why: u32): void {
    if (!Steps.on()) return
    const record = Route.record
    const index = record === 0 ? <u32>0 : <u32>(record - Route.routes) / ROUTE_BYTES + 1
    const event = traceEvent(TRACE_KIND_ROUTE, why, index, Route.type)
    if (event === 0) return
    const hop = Route.hop
    const first = record === 0 ? <usize>0 : Route.hops + load<u32>(record + ROUTE_HOP_OFF) * HOP_BYTES
    store<u32>(event + TRACE_D_OFF, hop === 0 ? 0 : <u32>(hop - first) / HOP_BYTES + 1)
    store<u32>(event + TRACE_E_OFF, 0)
  }

  /** A result that needed no look-up. */
  static plainRoute(why: u32, type: u32, link: u32): void {
    if (!Steps.on()) return
    const event = traceEvent(TRACE_KIND_ROUTE, why, 0, type)
    if (event === 0) return
    store<u32>(event + TRACE_D_OFF, 0)
    store<u32>(event + TRACE_E_OFF, link)
  }

  /** A binding: the tuples are in the direction of the packet, before and after. `source`: SNAT. `ports`: 0 none, 1 ports, 2 ICMP ids. */
  static nat(source: bool, before: usize, after: usize, ports: u32): void {
    if (!Steps.on()) return
    const event = traceEvent(TRACE_KIND_NAT, source ? 1 : 0, ports, 0)
    if (event === 0) return
    const addr: usize = source ? TUPLE_SRC_OFF : TUPLE_DST_OFF
    const port: usize = source || ports === 2 ? TUPLE_SPORT_OFF : TUPLE_DPORT_OFF
    Address.copy(event + TRACE_ADDR1_OFF, before + addr)
    Address.copy(event + TRACE_ADDR2_OFF, after + addr)
    store<u32>(event + TRACE_D_OFF, load<u32>(before + port))
    store<u32>(event + TRACE_E_OFF, load<u32>(after + port))
    store<u32>(event + TRACE_F_OFF, load<u32>(CTX_FAMILY_AT))
  }
}
