// Bridging: which port a frame leaves by, what is for the host, and how bridged packets meet the hooks of iptables.
// Kernel: net/bridge/br_input.c (br_handle_frame_finish), br_forward.c, br_device.c (br_dev_xmit), and
// br_netfilter_hooks.c, br_netfilter_ipv6.c for the hooks.

import type { DropReason } from '../net/packet.js'
import type { HookName } from '../netfilter/model.js'
import type { CompleteBridge, CompletePort } from '../netns/bridges.js'
import { isMulticast } from './address.js'
import { confirm } from './conntrack.js'
import { BROADCAST, groupAddress, isGroup, neighbour, UNKNOWN } from './ether.js'
import { NO_MAC } from './fdb.js'
import type { End } from './hooks.js'
import { copyPacket } from './tuple.js'
import type { Skb, World } from './types.js'
import { badOnArrival, type InputRoute } from './validate.js'

/** What the IP stack does for the bridge. */
export interface IpStack {
  /** Runs a hook; an end: it was dropped there. */
  hook(world: World, skb: Skb, hook: HookName): End | undefined
  /** The input route, noted and set. */
  route(world: World, skb: Skb): InputRoute
  /** Follows an input route. */
  follow(world: World, skb: Skb, input: InputRoute): End
  /** Receives a packet that met no hook yet. */
  arrive(world: World, skb: Skb): End
}

/** A frame at a bridge: where it came by (null: sent by the host through the bridge). */
interface Frame {
  readonly world: World
  readonly bridge: CompleteBridge
  readonly port: CompletePort | null
}

function drop(reason: DropReason): End {
  return { end: 'drop', by: { reason } }
}

/** May a frame leave by this port? */
function mayLeave({ port }: Frame, to: CompletePort): boolean {
  if (to.state !== 'forwarding') return false
  if (port === null) return true
  return (to.name !== port.name || to.hairpin) && !(to.isolated && port.isolated)
}

/** The ports by which a frame to all, to a group or to an unknown address leaves, in order. */
function floodPorts(frame: Frame, dst: string): CompletePort[] {
  const takes = (p: CompletePort): boolean => {
    if (!isGroup(dst)) return p.flood
    return frame.port === null || (dst === BROADCAST ? p.bcastFlood : p.mcastFlood)
  }
  return frame.bridge.ports.filter((p) => takes(p) && mayLeave(frame, p))
}

/** Is an address one of many hosts', or nobody's that is known? */
function floods({ world, bridge }: Frame, dst: string): boolean {
  return isGroup(dst) || world.bridges.find(bridge, dst, world.now) === undefined
}

/** Where a frame to this address goes. Undefined: to one port, but by what is known to any. */
function targets(frame: Frame, dst: string): 'local' | CompletePort[] | undefined {
  const { world, bridge } = frame
  if (dst === UNKNOWN) return undefined
  if (isGroup(dst)) return floodPorts(frame, dst)
  const entry = world.bridges.find(bridge, dst, world.now)
  if (entry?.local && (frame.port !== null || entry.port === bridge.name)) return 'local'
  if (entry !== undefined) return bridge.ports.filter((p) => p.name === entry.port && mayLeave(frame, p))
  return world.ns.fdb === undefined ? undefined : floodPorts(frame, dst)
}

function note(world: World, to: string): void {
  world.recorder.steps.push({ step: 'bridge', to })
}

/** A packet that came by a port of a bridge; its Ethernet header is set. */
export function receiveFrame(world: World, skb: Skb, frame: Omit<Frame, 'world'>, ip: IpStack): End {
  const { bridge } = frame
  const port = frame.port!
  const src = skb.ether!.src
  if (src !== undefined && (isGroup(src) || src === NO_MAC)) return drop('bridge: source address')
  if (port.state !== 'forwarding' && port.state !== 'learning') return drop('bridge: port state')
  const called = skb.family === 'ipv4' ? world.bridgeCalls.ipv4 : world.bridgeCalls.ipv6
  if (!called && !(skb.family === 'ipv4' ? bridge.nfCallIptables : bridge.nfCallIp6tables)) {
    return finish({ world, ...frame }, skb, undefined, ip)
  }
  skb.inIface = bridge.name
  skb.bridged = { physIn: port.name, physOut: null }
  const before = skb.packet.dst
  const dropped = asHost(skb, () => ip.hook(world, skb, 'PREROUTING'))
  if (dropped !== undefined) return dropped
  if (skb.packet.dst === before) return finish({ world, ...frame }, skb, undefined, ip)
  if (skb.family === 'ipv6' && isMulticast(skb.packet.dst)) {
    // The way to a group is the interface that it came by.
    skb.ether = { ...skb.ether!, dst: groupAddress(skb.packet.dst) }
    return finish({ world, ...frame }, skb, undefined, ip)
  }
  // Translated: bridged on when the way to the new destination is by this bridge, else routed.
  const input = ip.route(world, skb)
  const { route } = input
  if (skb.family === 'ipv6' && (route === undefined || route.outcome !== 'route')) {
    return drop(route === undefined ? (input.to as DropReason) : NOWHERE[route.outcome]!)
  }
  const martian = !['local', 'forward', 'error', 'forwarding is off'].includes(input.to)
  if (martian) return drop(input.to as DropReason)
  const onThis = route?.type === 'unicast' && route.hop?.dev === bridge.name
  if (onThis && (input.to === 'forward' || skb.family === 'ipv6')) {
    const dst = neighbour(world.ns, bridge.name, route.hop?.via ?? skb.packet.dst)
    skb.ether = { ...skb.ether!, dst: dst ?? UNKNOWN }
    return finish({ world, ...frame }, skb, undefined, ip)
  }
  skb.ether = { ...skb.ether!, dst: bridge.mac || NO_MAC }
  skb.pktType = 'host'
  return finish({ world, ...frame }, skb, input, ip)
}

const NOWHERE: Readonly<Record<string, DropReason>> = {
  none: 'no route',
  unreachable: 'unreachable',
  prohibit: 'prohibit',
  blackhole: 'blackhole',
}

/** The hooks see what goes to another host as if it came to this one. */
function asHost<T>(skb: Skb, run: () => T): T {
  if (skb.pktType === 'otherhost') Object.assign(skb, { pktType: 'host', forOther: true })
  const result = run()
  if (skb.forOther) Object.assign(skb, { pktType: 'otherhost', forOther: false })
  return result
}

/** After PREROUTING, or without it. */
function finish(frame: Frame, skb: Skb, input: InputRoute | undefined, ip: IpStack): End {
  const { world, bridge } = frame
  const port = frame.port!
  const { src, dst } = skb.ether!
  if (port.learning && src !== undefined) world.bridges.learn(bridge, src, port.name, world.now)
  if (port.state === 'learning') return drop('bridge: port state')
  const to = targets(frame, dst)
  if (to === undefined) return forwardTo(frame, skb, undefined, ip)
  if (to === 'local') return passUp(frame, skb, input, ip)
  const forHost = isGroup(dst)
  if (!forHost && to.length === 0) return drop('bridge: no port')
  let first: End | undefined
  let last: End = drop('bridge: no port')
  for (const [i, p] of to.entries()) {
    const copy = i === to.length - 1 && !forHost ? skb : copyOf(skb)
    last = forwardTo(frame, copy, p.name, ip)
    if (last.end === 'drop') continue
    first ??= last
    if (floods(frame, dst)) world.recorder.flooded.push(p.name)
  }
  if (!forHost) return first ?? last
  const arrived = passUp(frame, skb, input, ip)
  return arrived.end === 'local' ? arrived : (first ?? arrived)
}

function copyOf(skb: Skb): Skb {
  return { ...skb, packet: copyPacket(skb.packet) }
}

/** FORWARD and POSTROUTING, when iptables is called, and out by a port; undefined: it is not known which. */
function forwardTo({ world, bridge }: Frame, skb: Skb, to: string | undefined, ip: IpStack): End {
  if (to !== undefined) note(world, to)
  if (skb.bridged !== null) {
    skb.bridged = { ...skb.bridged, physOut: to ?? 'unknown' }
    skb.outIface = bridge.name
    const atForward = asHost(skb, () => ip.hook(world, skb, 'FORWARD'))
    if (atForward !== undefined) return atForward
    skb.inIface = null
    const atPost = asHost(skb, () => ip.hook(world, skb, 'POSTROUTING'))
    if (atPost !== undefined) return atPost
  }
  skb.outIface = bridge.name
  skb.outPort = to ?? null
  return { end: 'forward', skb }
}

/** For the host: the packet comes in by the bridge. `input`: its route, when it was looked up already. */
function passUp({ world, bridge }: Frame, skb: Skb, input: InputRoute | undefined, ip: IpStack): End {
  note(world, 'local')
  skb.inIface = bridge.name
  if (skb.bridged !== null && skb.pktType !== 'host' && world.conntrackOn.has(skb.family)) {
    if (!confirm(world, skb)) return drop('nat: clash at confirmation')
  }
  if (skb.pktType === 'otherhost') return drop('not for this host')
  if (skb.bridged === null) return ip.arrive(world, skb)
  const bad = badOnArrival(skb)
  if (bad !== null) return drop(bad)
  return ip.follow(world, skb, input ?? ip.route(world, skb))
}

/** A packet of the IP stack that leaves by `skb.outIface`: when that is a bridge, by its ports. */
export function transmit(world: World, skb: Skb, end: 'forward' | 'out'): End {
  const bridge = world.bridges.get(skb.outIface)
  if (bridge === undefined) return { end, skb }
  const dst = skb.route?.type === 'broadcast' ? BROADCAST : nextAddress(world, skb, bridge)
  if (dst === undefined) return { end, skb }
  const frame = { world, bridge, port: null }
  const to = targets(frame, dst)
  if (to === undefined) return { end, skb }
  const [first] = to === 'local' ? [] : to
  if (first === undefined) return drop('bridge: no port')
  for (const p of to as CompletePort[]) {
    note(world, p.name)
    if (!skb.isAnswer && floods(frame, dst)) world.recorder.flooded.push(p.name)
  }
  skb.outPort = first.name
  return { end, skb }
}

/** The Ethernet address of the next hop. */
function nextAddress(world: World, skb: Skb, bridge: CompleteBridge): string | undefined {
  const next = skb.route?.hop?.via ?? skb.packet.dst
  return isMulticast(next) ? groupAddress(next) : neighbour(world.ns, bridge.name, next)
}
