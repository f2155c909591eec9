// Connection tracking: the look-up of a packet's connection and state, confirmation, and what a connection begins with.
// The table is conntrack-table.ts's; what a protocol makes of a packet is in trackers.ts, translation in nat.ts.
// Kernel: net/netfilter/nf_conntrack_core.c (nf_conntrack_in, resolve_normal_ct, __nf_conntrack_confirm).

import { MissingFieldError } from '../net/missing.js'
import type { ConntrackEntry, CtStatus, Tuple } from '../net/packet.js'
import { PROTOCOL_UDPLITE, protoName } from '../net/proto.js'
import type { Family } from '../netfilter/model.js'
import { attachesHelpers, PORT_HELPERS } from '../netns/helpers.js'
import type { ExistingConnection } from '../netns/model.js'
import { loadedCounts, newCounts, shownCounts } from './accounting.js'
import { familyOfText } from './address.js'
import { makeRoom } from './early-drop.js'
import { sysctl } from './sysctl.js'
import { newTcp } from './tcp-window.js'
import { track } from './trackers.js'
import { invert, isError, mustInvert, protoOf, shownTuple, tupleOf } from './tuple.js'
import type { Connection, FlowTuple, Skb, World, Zone } from './types.js'

export const NO_ZONE: Zone = { id: 0, directions: 'both' }
function newConnection(world: World, family: Family, tuple: FlowTuple, zone: Zone): Connection {
  return {
    family,
    proto: tuple.proto,
    zone,
    tuples: [tuple, mustInvert(tuple)],
    confirmed: false,
    killed: false,
    seenReply: false,
    assured: false,
    srcNat: false,
    dstNat: false,
    srcNatDone: false,
    dstNatDone: false,
    otherStatus: [],
    fixedTimeout: false,
    counted: newCounts(world),
    helper: undefined,
    labels: world.labelled ? new Set() : null,
    mark: 0,
    endMs: Number.POSITIVE_INFINITY,
    timeoutMs: 0,
    createdMs: world.now,
    state: 'NONE',
    tcp: newTcp(),
    sctp: { tags: [0, 0], init: [false, false], heartbeatFailed: null },
    masqueradedBy: null,
  }
}

/** An ICMP error belongs to the connection of the packet it quotes. */
function attachError(world: World, skb: Skb): void {
  const { inner } = skb.packet
  skb.state = 'INVALID'
  if (inner === undefined) return
  const quoted = invert(tupleOf(inner))
  const found = quoted === null ? undefined : world.table.find(quoted, skb.zone)
  if (found === undefined || found.flow.tuples[found.dir].dst !== skb.packet.dst) return
  skb.connection = found.flow
  skb.dir = found.dir
  skb.state = 'RELATED'
}

/** Protocols whose trackers look at the checksum. */
const SUMMED: readonly number[] = [1, 6, 17, 58, 132, 136]

/** A wrong checksum is seen in PREROUTING, where it is looked at. No checksum of UDP-Lite is good enough there (Linux 6.18). */
function hasBadChecksum(world: World, skb: Skb): boolean {
  const wrong = skb.packet.bad_csum === true || protoOf(skb.packet) === PROTOCOL_UDPLITE
  if (!wrong || skb.fromHere || !SUMMED.includes(protoOf(skb.packet))) return false
  return sysctl(world.ns, 'net.netfilter.nf_conntrack_checksum', 1) !== 0
}

/** ICMP messages that need no tracking of their own; true: done. */
function trackIcmpMessage(world: World, skb: Skb): boolean {
  const type = skb.packet.icmp_type ?? 0
  const proto = protoOf(skb.packet)
  if ((proto === 1 || proto === 58) && hasBadChecksum(world, skb)) {
    skb.state = 'INVALID'
    return true
  }
  if (proto === 1 && skb.family === 'ipv4') {
    if (type > 18) skb.state = 'INVALID'
    else if (isError(skb.packet)) attachError(world, skb)
    else return false
    return true
  }
  if (proto === 58 && skb.family === 'ipv6') {
    if ((type >= 130 && type <= 136) || type === 143) skb.state = 'UNTRACKED'
    else if (type < 128) attachError(world, skb)
    else return false
    return true
  }
  return false
}

/** Looks at a packet: gives it its connection and state. False: the table is full, the packet is to be dropped. */
export function conntrackIn(world: World, skb: Skb): boolean {
  if (skb.connection !== null || skb.state === 'UNTRACKED') return true
  skb.zone = skb.template ?? NO_ZONE
  skb.template = null
  const { attached } = skb
  skb.attached = undefined
  skb.state = null
  if (!trackIcmpMessage(world, skb) && !trackNormal(world, skb)) return false
  attach(world, skb, attached)
  const dir = skb.dir === 0 ? 'ORIGINAL' : 'REPLY'
  const state = skb.state ?? 'INVALID'
  const withDir = state !== 'INVALID' && state !== 'UNTRACKED'
  world.recorder.steps.push(withDir ? { step: 'conntrack', state, dir } : { step: 'conntrack', state })
  return true
}

function trackNormal(world: World, skb: Skb): boolean {
  const tuple = tupleOf(skb.packet)
  for (;;) {
    let found = world.table.find(tuple, skb.zone)
    if (found === undefined) {
      if (invert(tuple) === null) {
        skb.state = 'INVALID'
        return true
      }
      if (!world.table.hasRoom(world.ns) && !makeRoom(world, skb.family, tuple, skb.zone)) return false
      found = { flow: newConnection(world, skb.family, tuple, skb.zone), dir: 0 }
    }
    const { flow, dir } = found
    const verdict = hasBadChecksum(world, skb) ? 'invalid' : track(world, flow, dir, skb.packet)
    if (verdict === 'reopen') continue
    if (verdict === 'invalid') {
      skb.state = 'INVALID'
      return true
    }
    skb.connection = flow
    skb.dir = dir
    skb.state = dir === 1 || flow.seenReply ? 'ESTABLISHED' : 'NEW'
    if (dir === 1) flow.seenReply = true
    return true
  }
}

/** Gives a new connection what a rule asked for, or what the kernel attaches by itself. */
function attach(world: World, { connection: flow, state }: Skb, attached: Skb['attached']): void {
  if (flow === null || state !== 'NEW' || flow.confirmed) return
  if (attached?.timeout !== undefined) notModelled(world, 'timeout policy', attached.timeout)
  const { proto, dport } = { dport: 0, ...flow.tuples[0] }
  const usual = (h: (typeof PORT_HELPERS)[number]): boolean =>
    h.proto === proto && h.port === dport && !(h.only4 && flow.family === 'ipv6')
  const own = attachesHelpers(world.ns) ? PORT_HELPERS.find(usual)?.name : undefined
  flow.helper = attached?.helper ?? own
}

function notModelled(world: World, field: 'helper' | 'timeout policy', name: string): never {
  throw new MissingFieldError(world.given?.id, field, { table: 'conntrack', chain: name, rule: 0 })
}

/** A helper reads what passes: data is more than is known here. */
function meetHelper(world: World, { connection, state, packet }: Skb): void {
  const helper = connection?.helper
  if (helper !== undefined && state !== 'RELATED' && (packet.payload_len ?? 0) > 0) notModelled(world, 'helper', helper)
}

/** End of the way: a new connection enters the table. False: another one has its tuple, the packet is dropped. */
export function confirm(world: World, skb: Skb): boolean {
  const flow = skb.connection
  meetHelper(world, skb)
  if (flow === null || flow.confirmed || flow.killed) return true
  // Only packets of the original direction confirm; an answer that carries the entry does not.
  if (skb.dir === 1) return true
  const taken = ([0, 1] as const).some((d) => world.table.find(flow.tuples[d], flow.zone) !== undefined)
  if (taken) return false
  world.table.add(flow)
  return true
}

const STATUS: readonly [keyof Connection, CtStatus][] = [
  ['seenReply', 'SEEN_REPLY'],
  ['assured', 'ASSURED'],
  ['confirmed', 'CONFIRMED'],
  ['srcNat', 'SRC_NAT'],
  ['dstNat', 'DST_NAT'],
  ['srcNatDone', 'SRC_NAT_DONE'],
  ['dstNatDone', 'DST_NAT_DONE'],
]
const ORDER: readonly CtStatus[] = [
  'EXPECTED',
  'SEEN_REPLY',
  'ASSURED',
  'CONFIRMED',
  'SRC_NAT',
  'DST_NAT',
  'SEQ_ADJUST',
  'SRC_NAT_DONE',
  'DST_NAT_DONE',
  'FIXED_TIMEOUT',
]

/** A connection as listings show it. */
export function shown(flow: Connection, now: number): ConntrackEntry {
  const bits = new Set<string>(flow.otherStatus)
  for (const [key, name] of STATUS) if (flow[key]) bits.add(name)
  const withState = flow.proto === 6 || flow.proto === 132
  return {
    family: flow.family,
    proto: protoName(flow.proto),
    protonum: flow.proto,
    timeout: Math.floor((flow.endMs - now) / 1000),
    ...(withState ? { state: flow.state } : {}),
    orig: shownTuple(flow.tuples[0]),
    reply: shownTuple(flow.tuples[1]),
    status: ORDER.filter((s) => bits.has(s)),
    mark: flow.mark,
    ...(flow.zone.id === 0 ? {} : { zone: flow.zone.id }),
    ...(flow.helper === undefined ? {} : { helper: flow.helper }),
    ...shownCounts(flow),
  }
}

/** GRE whose keys are 0 in both directions is what every packet of it belongs to; others are calls of PPTP. */
function isPlainGre({ protonum, orig, reply }: ExistingConnection): boolean {
  return protonum === 47 && !orig.sport && !orig.dport && !reply.sport && !reply.dport
}

/** Puts a connection that exists at the start into the table. */
export function load(world: World, entry: ExistingConnection): void {
  const tuple = (t: Tuple): FlowTuple => ({
    src: t.src,
    dst: t.dst,
    proto: entry.protonum,
    ...(t.sport === undefined || isPlainGre(entry) ? {} : { sport: t.sport, dport: t.dport ?? 0 }),
    ...(t.icmp_type === undefined ? {} : { type: t.icmp_type, code: t.icmp_code ?? 0, id: t.icmp_id ?? 0 }),
  })
  const zone: Zone = entry.zone === undefined ? NO_ZONE : { id: entry.zone, directions: 'both' }
  const flow = newConnection(world, familyOfText(entry.orig.src), tuple(entry.orig), zone)
  flow.tuples[1] = tuple(entry.reply)
  for (const [key, name] of STATUS) if (entry.status.includes(name)) Object.assign(flow, { [key]: true })
  Object.assign(flow, {
    otherStatus: entry.status.filter((s) => s === 'EXPECTED' || s === 'SEQ_ADJUST' || s === 'FIXED_TIMEOUT'),
    fixedTimeout: entry.status.includes('FIXED_TIMEOUT'),
    counted: loadedCounts(entry),
    helper: entry.helper,
    mark: entry.mark,
    state: entry.state ?? 'NONE',
    timeoutMs: entry.timeout * 1000,
    endMs: entry.timeout * 1000,
    createdMs: -UNKNOWN_AGE_MS,
    sctp: { tags: [null, null], init: [false, false], heartbeatFailed: null },
  })
  // Its windows are not known: nothing is outside. A flow that is closing was closed by one of its sides.
  for (const side of flow.tcp.sides) side.liberal = true
  flow.tcp.sides[0].closeInit = CLOSING.includes(flow.state)
  // What has no time left is gone; of entries that clash the first stays.
  const clashes = ([0, 1] as const).some((d) => world.table.find(flow.tuples[d], flow.zone) !== undefined)
  if (entry.timeout > 0 && !clashes) world.table.add(flow)
}

const CLOSING: readonly string[] = ['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT']

/** A loaded connection is older than any stream rule asks for. */
const UNKNOWN_AGE_MS = 10000
