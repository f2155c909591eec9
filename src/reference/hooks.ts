// The way of a packet: which hook comes when, which tables run there, where routing happens.
// Kernel: net/ipv4/ip_input.c, ip_forward.c, ip_output.c, netfilter.c (ip_route_me_harder), and their IPv6 twins;
// include/uapi/linux/netfilter_ipv4.h for the priorities.

import type { DropReason, Packet } from '../net/packet.js'
import type { HookName, TableName } from '../netfilter/model.js'
import { inPrefix, isMulticast } from './address.js'
import { type IpStack, receiveFrame, transmit } from './bridge.js'
import { type Blame, runChain } from './chain.js'
import { confirm, conntrackIn, NO_ZONE } from './conntrack.js'
import { arrival, portArrival } from './ether.js'
import { sendError } from './icmp.js'
import { isTooBigToForward, isTooBigToLeave } from './mtu.js'
import { hasJoined, multicastScope } from './multicast.js'
import { isRedirected, natHook } from './nat.js'
import { chosenSource, type Dropped, isForHost, linkOf, outDev, outputFault, outRoute } from './out-route.js'
import { lookupRoute } from './route.js'
import { copyPacket } from './tuple.js'
import type { AnswerKind, RouteResult, Skb, World } from './types.js'
import { badOnArrival, type InputRoute, inputRoute, keyOf, rerouteKeyOf } from './validate.js'

/** Where a packet ended. `reject`: dropped, and an answer was sent (see World.sent). */
export type End =
  | { readonly end: 'forward' | 'out' | 'local'; readonly skb: Skb }
  | { readonly end: 'drop'; readonly by: Blame; readonly errno?: string }

const BY_HOOK: Readonly<Record<HookName, readonly (TableName | 'conntrack' | 'confirm')[]>> = {
  PREROUTING: ['raw', 'conntrack', 'mangle', 'nat'],
  INPUT: ['mangle', 'filter', 'security', 'nat', 'confirm'],
  FORWARD: ['mangle', 'filter', 'security'],
  OUTPUT: ['raw', 'conntrack', 'mangle', 'nat', 'filter', 'security'],
  POSTROUTING: ['mangle', 'nat', 'confirm'],
}

/** iptables-nft gives its security chains priority 150; nat's is 100. */
const INPUT_NFT: (typeof BY_HOOK)[HookName] = ['mangle', 'filter', 'nat', 'security', 'confirm']

function partsOf(world: World, skb: Skb, hook: HookName): (typeof BY_HOOK)[HookName] {
  const nft = world.rulesets.get(skb.family)?.ruleset.backend === 'nft'
  return nft && hook === 'INPUT' ? INPUT_NFT : BY_HOOK[hook]
}

function reason(text: DropReason): Dropped {
  return { by: { reason: text } }
}

function noteRoute(world: World, why: 'input' | 'output' | 'reroute', route: RouteResult): void {
  const { type, table, dst, hop } = route
  world.recorder.steps.push({
    step: 'route',
    why,
    type,
    ...(table === undefined ? {} : { table }),
    ...(dst === undefined ? {} : { dst }),
    ...(hop?.dev === undefined ? {} : { dev: hop.dev }),
    ...(hop?.via === undefined ? {} : { via: hop.via }),
  })
}

/** What makes a packet of this host be routed anew when mangle OUTPUT changes it. */
function routedBy({ family, mark, packet }: Skb): string {
  const hops = family === 'ipv6' ? packet.ttl : undefined
  return JSON.stringify([mark, packet.tos ?? 0, packet.src, packet.dst, hops])
}

/** Puts fragments together; undefined: the packet is whole. What is kept is no fault that a sender hears of. */
function gather(world: World, skb: Skb, user: string): Dropped | undefined {
  const outcome = world.fragments.gather(world, skb, user)
  if (outcome === 'whole') return undefined
  return reason(outcome === 'kept' ? 'fragment kept for reassembly' : 'fragments do not fit together')
}

const isFragmentReason = ({ by }: Dropped): boolean => by.reason?.startsWith('fragment') === true

/** Runs all that is registered at a hook. Undefined: the packet goes on. */
function runHook(world: World, skb: Skb, hook: HookName): Dropped | undefined {
  world.recorder.steps.push({ step: 'hook', hook })
  if ((hook === 'PREROUTING' || hook === 'OUTPUT') && world.reassembled.has(skb.family)) {
    const failed = gather(world, skb, hook)
    if (failed !== undefined) return failed
  }
  const tracked = world.conntrackOn.has(skb.family)
  for (const part of partsOf(world, skb, hook)) {
    if (part === 'conntrack') {
      if (tracked && !conntrackIn(world, skb)) return reason('conntrack table full')
    } else if (part === 'confirm') {
      if (tracked && !confirm(world, skb)) return reason('nat: clash at confirmation')
    } else if (part === 'nat') {
      const by = tracked ? natHook(world, skb, hook) : undefined
      if (by !== undefined) return { by }
      if (tracked && hook === 'OUTPUT' && isRedirected(skb) && natTable(world, skb)) {
        const failed = reroute(world, skb)
        if (failed !== undefined) return failed
      }
    } else {
      const before = routedBy(skb)
      const result = runChain(world, skb, part, hook)
      if (result.verdict === 'drop') return { by: result.by }
      if (part === 'mangle' && hook === 'OUTPUT' && routedBy(skb) !== before) {
        const failed = reroute(world, skb)
        if (failed !== undefined) return failed
      }
    }
  }
  return undefined
}

function natTable(world: World, skb: Skb): boolean {
  return world.rulesets.get(skb.family)?.chains.has('nat') === true
}

function setRoute(skb: Skb, route: RouteResult): void {
  skb.route = route
}

/** ip_route_me_harder: a packet of this host is routed anew; the chains that follow in OUTPUT do not see it. */
function reroute(world: World, skb: Skb): Dropped | undefined {
  const { dst } = skb.packet
  const narrow = skb.family === 'ipv6' && (isMulticast(dst) || inPrefix(dst, 'fe80::/10'))
  const bound = narrow ? (outDev(skb.route) ?? undefined) : undefined
  const route = outRoute(world, skb, { ...rerouteKeyOf(skb), bound })
  noteRoute(world, 'reroute', route)
  const fault = outputFault(world, skb, route)
  if (fault !== undefined) return fault
  setRoute(skb, route)
  return undefined
}

function newSkb(packet: Packet, inIface: string | null, isAnswer: boolean, bound: string | null = null): Skb {
  return {
    family: packet.src.includes(':') ? 'ipv6' : 'ipv4',
    packet: copyPacket(packet),
    mark: packet.mark ?? 0,
    inIface,
    outIface: null,
    route: null,
    connection: null,
    state: null,
    dir: 0,
    template: null,
    isAnswer,
    bound,
    fromHere: inIface === null,
    socket: inIface !== null || (isAnswer && packet.proto === 'tcp') ? 'none' : isAnswer ? 'kernel' : 'process',
    zone: NO_ZONE,
    ether: null,
    pktType: 'host',
    bridged: null,
    outPort: null,
  }
}

function dropped(d: Dropped): End {
  // The sender is not told of a packet that was queued.
  return { end: 'drop', by: d.by, ...(d.errno === undefined || d.by.queue !== undefined ? {} : { errno: d.errno }) }
}

/** OUTPUT, POSTROUTING, and by the loopback device in again. */
function goOut(world: World, skb: Skb): End {
  const errno = { errno: 'EPERM' }
  skb.outIface = outDev(skb.route)
  const atOutput = runHook(world, skb, 'OUTPUT')
  if (atOutput !== undefined) return dropped(isFragmentReason(atOutput) ? atOutput : { ...errno, ...atOutput })
  skb.outIface = outDev(skb.route)
  const byLoopback = linkOf(world, skb.outIface)?.loopback === true
  if (skb.family === 'ipv6') {
    if (byLoopback && skb.route?.type === 'unicast') {
      sendError(world, skb, 'icmp6-no-route')
      return dropped(reason('no route'))
    }
    return isMulticast(skb.packet.dst) && !byLoopback ? toGroup(world, skb) : leave(world, skb, byLoopback)
  }
  const copy = isHeardHere(skb) && !byLoopback ? loopCopy(world, skb) : undefined
  const end = leave(world, skb, byLoopback)
  return copy?.end === 'local' ? copy : end
}

/** POSTROUTING, and what leaves by the loopback device comes in again. */
function leave(world: World, skb: Skb, byLoopback: boolean): End {
  const atPost = runHook(world, skb, 'POSTROUTING')
  if (atPost !== undefined) return dropped({ errno: 'EPERM', ...atPost })
  return byLoopback || (skb.route !== null && isForHost(skb.route))
    ? comeBack(world, skb, 'lo')
    : transmit(world, skb, 'out')
}

/** IPv6 multicast: after it has passed POSTROUTING, a copy of what the interface has joined comes back; node-local scopes do not leave. */
function toGroup(world: World, skb: Skb): End {
  const atPost = runHook(world, skb, 'POSTROUTING')
  if (atPost !== undefined) return dropped({ errno: 'EPERM', ...atPost })
  if (skb.route !== null && isForHost(skb.route)) return comeBack(world, skb, 'lo')
  const { dst } = skb.packet
  const copy = hasJoined(world.ns, skb.outIface ?? '', dst) ? loopCopy(world, skb) : undefined
  const stays = multicastScope(dst) <= 1
  const end = stays ? dropped(reason('multicast not for this host')) : transmit(world, skb, 'out')
  return copy?.end === 'local' ? copy : end
}

/** A packet that left by a link comes in again by it, its mark, entry and state with it. */
function comeBack(world: World, skb: Skb, dev: string): End {
  skb.inIface = dev
  skb.outIface = null
  const atPre = runHook(world, skb, 'PREROUTING')
  return atPre === undefined ? deliver(world, skb) : dropped(atPre)
}

/** IPv4: does the host itself hear what it sends to a broadcast address or to all hosts? */
function isHeardHere(skb: Skb): boolean {
  return skb.route?.type === 'broadcast' || (skb.route?.type === 'multicast' && skb.packet.dst === '224.0.0.1')
}

/** The copy that the host hears passes POSTROUTING by itself: before the one that leaves in IPv4, after it in IPv6. */
function loopCopy(world: World, skb: Skb): End {
  const copy: Skb = { ...skb, packet: copyPacket(skb.packet), socket: 'none' }
  const atPost = runHook(world, copy, 'POSTROUTING')
  if (atPost !== undefined) return dropped(atPost)
  const dev = skb.outIface ?? ''
  copy.pktType = skb.route?.type === 'multicast' || skb.family === 'ipv6' ? 'multicast' : 'broadcast'
  const bad = badOnArrival({ ...copy, inIface: dev }, true)
  return bad === null ? comeBack(world, copy, dev) : dropped(reason(bad))
}

function deliver(world: World, skb: Skb): End {
  // IPv4 is whole before INPUT; IPv6's pieces pass it one by one.
  const incomplete = skb.family === 'ipv4' ? gather(world, skb, 'local') : undefined
  if (incomplete !== undefined) return dropped(incomplete)
  const atInput = runHook(world, skb, 'INPUT')
  return atInput === undefined ? { end: 'local', skb } : dropped(atInput)
}

/** A packet that a process of this host sends. */
export function sendLocal(world: World, packet: Packet): { end: End; skb: Skb } {
  const skb = newSkb(packet, null, false)
  // An IPv6 link-local source needs an interface, which a packet does not name.
  const unfit = isMulticast(packet.src) || packet.src === '255.255.255.255' || inPrefix(packet.src, 'fe80::/10')
  if (unfit) {
    return { end: dropped({ by: { reason: 'invalid source for sending' }, errno: 'EINVAL' }), skb }
  }
  const route = outRoute(world, skb)
  noteRoute(world, 'output', route)
  const fault = outputFault(world, skb, route)
  if (fault !== undefined) return { end: dropped(fault), skb }
  setRoute(skb, route)
  if (packet.src === '0.0.0.0') skb.packet.src = chosenSource(world, skb, route) ?? packet.src
  return { end: goOut(world, skb), skb }
}

const NO_WAY: Readonly<Record<string, readonly [DropReason, string | null, string | null]>> = {
  none: ['no route', 'icmp-net-unreachable', 'icmp6-no-route'],
  unreachable: ['unreachable', 'icmp-host-unreachable', 'icmp6-no-route'],
  prohibit: ['prohibit', 'icmp-admin-prohibited', 'icmp6-adm-prohibited'],
  blackhole: ['blackhole', null, null],
}

/** A packet that comes in by an interface. */
export function receive(world: World, packet: Packet): { end: End; skb: Skb } {
  const link = world.ns.links.find((l) => l.name === packet.iface)
  const master = link?.master
  // What comes in by a port of a bond or a VRF comes from that.
  const skb = newSkb(packet, master ?? packet.iface, false)
  const bridge = world.bridges.get(master ?? null)
  if (bridge !== undefined) {
    Object.assign(skb, portArrival(world, bridge, packet.iface, packet))
    const port = bridge.ports.find((p) => p.name === packet.iface)!
    return { end: receiveFrame(world, skb, { bridge, port }, IP_STACK), skb }
  }
  Object.assign(skb, arrival(link, packet))
  if (skb.pktType === 'otherhost') return { end: dropped(reason('not for this host')), skb }
  return { end: arrive(world, skb), skb }
}

function arrive(world: World, skb: Skb): End {
  const bad = badOnArrival(skb)
  if (bad !== null) return dropped(reason(bad))
  const atPre = runHook(world, skb, 'PREROUTING')
  return atPre === undefined ? follow(world, skb, routeIn(world, skb)) : dropped(atPre)
}

function routeIn(world: World, skb: Skb): InputRoute {
  const input = inputRoute(world.ns, skb, (hops) => world.draws.hop(hops, skb.isAnswer))
  if (input.route !== undefined) {
    noteRoute(world, 'input', input.route)
    setRoute(skb, input.route)
  }
  return input
}

function follow(world: World, skb: Skb, input: InputRoute): End {
  if (input.to === 'local') return deliver(world, skb)
  if (input.to === 'forward') return forward(world, skb)
  if (input.to !== 'error') return dropped(reason(input.to))
  const [text, v4, v6] = NO_WAY[input.route?.outcome ?? 'none'] ?? NO_WAY['none']!
  const answer = skb.family === 'ipv4' ? v4 : v6
  if (answer !== null) sendError(world, skb, answer)
  return dropped(reason(text))
}

const IP_STACK: IpStack = {
  hook: (world, skb, hook) => {
    const result = runHook(world, skb, hook)
    return result === undefined ? undefined : dropped(result)
  },
  route: routeIn,
  follow,
  arrive,
}

function forward(world: World, skb: Skb): End {
  if (skb.pktType !== 'host') return dropped(reason('not for this host'))
  if (skb.taken) return dropped(reason('taken by a socket'))
  const ttl = skb.packet.ttl ?? 64
  if (ttl <= 1) {
    sendError(world, skb, skb.family === 'ipv4' ? 'icmp-ttl-exceeded' : 'icmp6-hop-limit-exceeded')
    return dropped(reason('ttl exceeded'))
  }
  // What leaves by the interface it came from is sent a redirect, and its source is not looked at.
  if (skb.family === 'ipv6' && outDev(skb.route) !== skb.inIface) {
    const { src } = skb.packet
    if (src === '::') return dropped(reason('martian source'))
    if (inPrefix(src, 'fe80::/10')) {
      sendError(world, skb, 'icmp6-beyond-scope')
      return dropped(reason('martian source'))
    }
  }
  if (isTooBigToForward(world, skb)) return tooBig(world, skb)
  skb.packet.ttl = ttl - 1
  skb.outIface = outDev(skb.route)
  const atForward = runHook(world, skb, 'FORWARD')
  if (atForward !== undefined) return dropped(atForward)
  const atPost = runHook(world, skb, 'POSTROUTING')
  if (atPost !== undefined) return dropped(atPost)
  return isTooBigToLeave(world, skb) ? tooBig(world, skb) : transmit(world, skb, 'forward')
}

function tooBig(world: World, skb: Skb): End {
  sendError(world, skb, skb.family === 'ipv4' ? 'icmp-frag-needed' : 'icmp6-packet-too-big')
  return dropped(reason('too big'))
}

/**
 * A copy of a packet goes to a gateway: untracked, through OUTPUT and POSTROUTING, and no further. Kernel:
 * net/ipv4/netfilter/nf_dup_ipv4.c, net/ipv6/netfilter/nf_dup_ipv6.c.
 */
export function sendCopy(world: World, cause: Skb, gateway: string, hook: HookName): void {
  if (world.copying) return
  world.recorder.steps.push({ step: 'copy', to: gateway })
  const incoming = hook === 'PREROUTING' || hook === 'INPUT'
  const packet = copyPacket(cause.packet)
  packet.ttl = ((packet.ttl ?? 64) - (incoming ? 1 : 0)) & 255
  const skb: Skb = {
    ...cause,
    packet,
    inIface: null,
    outIface: null,
    connection: null,
    state: 'UNTRACKED',
    dir: 0,
    template: null,
    attached: undefined,
    socket: 'none',
    isCopy: true,
  }
  const src = skb.family === 'ipv4' ? '0.0.0.0' : '::'
  const key = { ...keyOf(skb), src, dst: gateway, iif: 'lo', mark: 0, proto: 0, sport: 0, dport: 0 }
  const route = lookupRoute(world.ns, key, (hops) => world.draws.hop(hops, skb.isAnswer))
  noteRoute(world, 'output', route)
  if (route.outcome !== 'route') return
  setRoute(skb, route)
  skb.outIface = outDev(route)
  world.copying = true
  if (runHook(world, skb, 'OUTPUT') === undefined) {
    skb.outIface = outDev(skb.route)
    runHook(world, skb, 'POSTROUTING')
  }
  world.copying = false
}

/** Sends an answer of this host: with its cause's connection, in the other direction. */
export function sendAnswer(world: World, answer: Packet, cause: Skb, kind: AnswerKind): void {
  // Whatever sockets the packet met, its answer meets.
  const { socket } = cause.packet
  const skb = newSkb(socket === undefined ? answer : { ...answer, socket }, null, true, kind.bound ?? null)
  if (cause.connection !== null) {
    skb.connection = cause.connection
    skb.state = 'RELATED'
    skb.dir = cause.dir === 0 ? 1 : 0
    skb.zone = cause.zone
  }
  const route = outRoute(world, skb)
  noteRoute(world, 'output', route)
  if (outputFault(world, skb, route) !== undefined) return
  setRoute(skb, route)
  const end =
    kind.name === 'tcp-reset' && cause.bridged !== null ? sendBack(skb, cause.bridged.physIn) : goOut(world, skb)
  if (end.end === 'drop') return
  const { seq, ack, payload_len: _p, iface: _i, win: _w, tos, inner, mark: _m, socket: _s, ...header } = end.skb.packet
  const sent = world.sent === null
  if (!sent) return
  world.sent = {
    with: kind.name,
    answer: {
      ...header,
      ...(tos ? { tos } : {}),
      ...(inner === undefined ? {} : { inner: printedQuote(inner) }),
      ...(header.proto === 'tcp' ? { seq: seq ?? 0, ack: ack ?? 0 } : {}),
      out_iface: end.end === 'local' ? 'local' : (end.skb.outPort ?? end.skb.outIface ?? ''),
    },
  }
}

/** A reset about what met iptables at a bridge goes out by the port that it came by, past all hooks. */
function sendBack(skb: Skb, port: string): End {
  skb.outIface = port
  return { end: 'out', skb }
}

/** A quoted packet as answers print it: the header without sequence numbers and lengths. */
export function printedQuote(inner: NonNullable<Packet['inner']>): NonNullable<Packet['inner']> {
  const { seq: _s, ack: _a, payload_len: _p, sctp_chunk: _c, tos, inner: _i, ...counted } = inner
  const { tcp_options: _o, extra_len: _e, ...header } = counted as typeof counted & Partial<Packet>
  return tos ? { ...header, tos } : header
}
