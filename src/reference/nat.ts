// Translation: when a chain is asked, what a target binds, and how packets are rewritten by what was bound.
// Kernel: net/netfilter/nf_nat_core.c (nf_nat_inet_fn, nf_nat_setup_info), nf_nat_proto.c, nf_nat_masquerade.c,
// nf_nat_redirect.c.

import type { DropReason, Header, Packet } from '../net/packet.js'
import type { HookName, NatRange, Target } from '../netfilter/model.js'
import { maskedOf, numberOf, textOf } from './address.js'
import { type Blame, runChain } from './chain.js'
import { portOf, uniqueTuple } from './nat-choice.js'
import { firstAddress, selectIpv4, selectIpv6 } from './source.js'
import type { Outcome } from './target.js'
import { isError, mustInvert, sameTuple } from './tuple.js'
import type { Connection, FlowTuple, Manip, Skb, World } from './types.js'

function manipOf(hook: HookName): Manip {
  return hook === 'POSTROUTING' || hook === 'INPUT' ? 'SRC' : 'DST'
}

function isDone(flow: Connection, manip: Manip): boolean {
  return manip === 'SRC' ? flow.srcNatDone : flow.dstNatDone
}

/** `A`, `A:N` or `[A]:N`: the side of a tuple that a manip changes. */
function sideText(t: FlowTuple, manip: Manip): string {
  const address = manip === 'SRC' ? t.src : t.dst
  const port = portOf(t, manip)
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Sets up a binding. `range` without addresses keeps the address. */
function setUp(world: World, flow: Connection, range: NatRange, manip: Manip): void {
  if (flow.confirmed || isDone(flow, manip)) return
  const current = mustInvert(flow.tuples[1])
  const chosen = uniqueTuple(world, current, range, manip, flow)
  if (!sameTuple(chosen, current)) {
    flow.tuples = [flow.tuples[0], mustInvert(chosen)]
    if (manip === 'SRC') flow.srcNat = true
    else flow.dstNat = true
    const [from, to] = [sideText(current, manip), sideText(chosen, manip)]
    world.recorder.steps.push({ step: 'nat', manip: manip === 'SRC' ? 'SNAT' : 'DNAT', from, to })
  }
  if (manip === 'SRC') flow.srcNatDone = true
  else flow.dstNatDone = true
}

/** A flow that no rule binds keeps its address, but gets another port when its own is taken. */
function setUpNull(world: World, flow: Connection, manip: Manip): void {
  const current = mustInvert(flow.tuples[1])
  const address = manip === 'SRC' ? current.src : current.dst
  setUp(world, flow, { from: address, to: address }, manip)
}

function masqueradeAddress(world: World, skb: Skb): string | undefined {
  const dev = skb.outIface ?? ''
  if (skb.family === 'ipv6') return selectIpv6(world.ns, dev, skb.packet.dst)
  return selectIpv4(world.ns, dev, skb.route?.hop?.via ?? skb.packet.dst)
}

function redirectAddress(world: World, skb: Skb, hook: HookName): string | undefined {
  if (hook === 'OUTPUT') return skb.family === 'ipv6' ? '::1' : '127.0.0.1'
  return firstAddress(world.ns, skb.inIface ?? '', { family: skb.family, to: skb.packet.dst })
}

/** DNAT, SNAT, MASQUERADE and REDIRECT. */
export function bindByTarget(
  world: World,
  skb: Skb,
  target: Extract<Target, { target: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT' }>,
  hook: HookName,
): Outcome {
  const flow = skb.connection
  if (flow === null) return 'accept'
  const manip = manipOf(hook)
  let { range } = target
  if (target.target === 'MASQUERADE' || target.target === 'REDIRECT') {
    if (target.target === 'MASQUERADE' && skb.family === 'ipv4' && flow.tuples[0].src === '0.0.0.0') return 'accept'
    const address = target.target === 'MASQUERADE' ? masqueradeAddress(world, skb) : redirectAddress(world, skb, hook)
    if (address === undefined) return { reason: 'nat: no address' }
    if (target.target === 'MASQUERADE') flow.masqueradedBy = skb.outIface
    range = { ...range, from: address, to: address }
  }
  setUp(world, flow, range, manip)
  return 'accept'
}

/** NETMAP: the address of the packet as it stands, its bits under the prefix's mask replaced by the prefix's. */
export function bindByNetmap(world: World, skb: Skb, to: string, hook: HookName): Outcome {
  const flow = skb.connection
  if (flow === null) return 'accept'
  const manip = manipOf(hook)
  const { value, mask } = maskedOf(to)
  const old = numberOf(manip === 'SRC' ? skb.packet.src : skb.packet.dst)
  const address = textOf(skb.family, (old & ~mask) | (value & mask))
  setUp(world, flow, { from: address, to: address }, manip)
  return 'accept'
}

/** Rewrites one side of a header to what the tuple says. */
function rewrite(header: Header, t: FlowTuple, manip: Manip): void {
  if (manip === 'SRC') header.src = t.src
  else header.dst = t.dst
  if (t.type !== undefined) {
    // icmpv6_manip_pkt: of other queries (node information) only the entry has another id.
    const shown = !header.src.includes(':') || header.icmp_type === 128 || header.icmp_type === 129
    if (shown && !isError(header) && header.icmp_id !== undefined) header.icmp_id = t.id ?? 0
  } else if (t.sport !== undefined && header.sport !== undefined) {
    if (manip === 'SRC') header.sport = t.sport
    else header.dport = t.dport ?? 0
  }
}

function isBound(flow: Connection, skb: Skb, manip: Manip): boolean {
  return (manip === 'SRC') === (skb.dir === 0) ? flow.srcNat : flow.dstNat
}

function other(manip: Manip): Manip {
  return manip === 'SRC' ? 'DST' : 'SRC'
}

/** An ICMP error about a translated flow: the quoted packet, and the outer address that goes with it. */
function translateError(flow: Connection, skb: Skb, manip: Manip): void {
  const { packet } = skb
  if (!isBound(flow, skb, manip) || packet.inner === undefined) return
  const there = flow.tuples[skb.dir === 0 ? 1 : 0]
  rewrite(packet.inner, there, other(manip))
  const outer = mustInvert(there)
  if (manip === 'SRC') packet.src = outer.src
  else packet.dst = outer.dst
}

function translate(flow: Connection, skb: Skb, manip: Manip): void {
  if (!isBound(flow, skb, manip)) return
  rewrite(skb.packet, mustInvert(flow.tuples[skb.dir === 0 ? 1 : 0]), manip)
}

/** The nat table at a hook. Undefined: go on; else what dropped the packet. */
export function natHook(world: World, skb: Skb, hook: HookName): Blame | undefined {
  const flow = skb.connection
  if (flow === null || !world.rulesets.get(skb.family)?.chains.has('nat')) return undefined
  const manip = manipOf(hook)
  const quotes = skb.state === 'RELATED' && isIcmpPacket(skb.packet)
  if (quotes) {
    translateError(flow, skb, manip)
    return undefined
  }
  if ((skb.state === 'NEW' || skb.state === 'RELATED') && !isDone(flow, manip)) {
    const result = runChain(world, skb, 'nat', hook)
    if (result.verdict === 'drop') return result.by
    if (result.bypass) return undefined
    if (!isDone(flow, manip)) setUpNull(world, flow, manip)
  } else if (hook === 'POSTROUTING' && skb.dir === 0 && flow.masqueradedBy !== null) {
    if (flow.masqueradedBy !== skb.outIface) {
      world.table.kill(flow)
      return { reason: CHANGED }
    }
  }
  translate(flow, skb, manip)
  return undefined
}

const CHANGED: DropReason = 'nat: interface changed'

function isIcmpPacket(packet: Packet): boolean {
  return packet.proto === 'icmp' || packet.proto === 'icmpv6'
}

/** After nat OUTPUT: is the packet's destination not the one that it had? Then it is routed anew. */
export function isRedirected(skb: Skb): boolean {
  const flow = skb.connection
  if (flow === null) return false
  return flow.tuples[skb.dir].dst !== flow.tuples[skb.dir === 0 ? 1 : 0].src
}
