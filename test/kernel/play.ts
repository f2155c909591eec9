// One case in the kernel: the namespace is loaded, its packets are sent one after the other with real time between them,
// and what became of each is kept, with the namespace as the kernel itself shows it.
import { completePacket } from '../../src/net/complete.js'
import { encodePacket } from '../../src/net/encode.js'
import { FaultError } from '../../src/net/fault.js'
import type { Answer, ConntrackEntry, Packet } from '../../src/net/packet.js'
import type { Backend, Ruleset } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { readRules } from '../../src/netfilter/read.js'
import { withAccounting } from '../../src/netns/accounting.js'
import { readBundle } from '../../src/netns/bundle.js'
import { formatConntrack } from '../../src/netns/conntrack.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { PacketScript } from '../../src/netns/refer.js'
import { avoidedIn } from './avoid.js'
import { countersOf, setLines, setupOf } from './load.js'
import type { Machine } from './machine.js'
import { connectionOf, type KernelAnswer, type KernelConnection, lookUp, observe, ruleCounts } from './observe.js'
import { MOST_MARKS, MOST_PACKETS, tagFor, writeTag } from './probes.js'

export interface KernelCase {
  readonly namespace: NetworkNamespace
  /** Packet lines; `at_ms` is the time of sending, from the moment when everything is loaded. */
  readonly lines: readonly object[]
  readonly backend: Backend
}

/** What the kernel did. */
export interface KernelRun {
  readonly backend: Backend
  /** The namespace as the kernel showed it after loading. */
  readonly namespace: NetworkNamespace
  /** The files that it was read from. */
  readonly files: Readonly<Record<string, string>>
  readonly refused: readonly string[]
  /** The packets sent, at the times of sending, and their answers. */
  readonly packets: readonly Packet[]
  readonly answers: readonly KernelAnswer[]
  readonly counters: readonly Ruleset[]
  readonly conntrack: readonly KernelConnection[]
  /** Clock before and after connections were listed, in ms. */
  readonly begin: number
  readonly end: number
}

const MAC_OF: Readonly<Record<string, string>> = {
  broadcast: 'ff:ff:ff:ff:ff:ff',
  multicast: '01:00:5e:00:00:01',
  otherhost: '02:00:00:00:99:99',
}
const SENDER = '02:00:00:00:ff:fe'
const macBytes = (text: string): Uint8Array => Uint8Array.from(text.split(':'), (x) => Number.parseInt(x, 16))

/** The Ethernet frame around an IP packet, from a neighbour to the interface unless the packet says otherwise. */
function frameOf(ip: Uint8Array, packet: Packet): Uint8Array {
  const frame = new Uint8Array(14 + ip.length)
  frame.set(macBytes(packet.mac_dst ?? SENDER), 0)
  frame.set(macBytes(packet.mac ?? SENDER), 6)
  frame.set(ip[0]! >> 4 === 6 ? [0x86, 0xdd] : [8, 0], 12)
  frame.set(ip, 14)
  return frame
}

/** Zones in which a packet's connection may be. */
function zonesOf(ns: NetworkNamespace, marks: readonly number[]): number[] {
  const zones = new Set<number>([0])
  for (const { tables } of ns.rulesets)
    for (const { chains } of tables)
      for (const { rules } of chains)
        for (const { target } of rules)
          if (target?.target === 'CT')
            for (const zone of [target.zone, target.zoneOrig, target.zoneReply])
              if (zone === 'mark') for (const mark of marks) zones.add(mark & 0xffff)
              else if (zone !== undefined) zones.add(zone)
  for (const { zone } of ns.connections) if (zone !== undefined) zones.add(zone)
  return [...zones]
}

/** Every mark that a packet may carry. */
function marksOf(ns: NetworkNamespace, lines: readonly object[]): { given: number[]; all: number[] } {
  const given = [...new Set(lines.map((l) => Number((l as Packet).mark ?? 0)))].filter((m) => m !== 0)
  if (given.length > MOST_MARKS) throw new RangeError(`${given.length} marks; ${MOST_MARKS} is the most`)
  const set = ns.rulesets.flatMap(({ tables }) =>
    tables.flatMap((t) =>
      t.chains.flatMap((c) => c.rules.map(({ target }) => (target?.target === 'MARK' ? target.value : 0))),
    ),
  )
  return { given, all: [...new Set([0, ...given, ...set])] }
}

/**
 * A packet as the machine sends it: who handles it and who sent it is known there, and nobody listens. Pieces are sent as
 * whole packets: what stands in a later one is not in its line.
 */
function known(packet: Packet, cpu: number, mac: string): Packet {
  const { pkttype, frag: _f, ip_id: _i, df: _d, flow_label: _l, ...fields } = packet
  // Copies of TEE have the bit df, which tells them from packets.
  const whole = packet.src.includes(':') ? {} : { df: false }
  const rest = { ...fields, ...whole, socket: 'none' as const }
  if (packet.iface === 'local') return { ...rest, uid: packet.uid ?? 0, gid: packet.gid ?? 0, cgroup: 0, cpu }
  // On the wire the destination's address says what kind of packet it is.
  const to = packet.mac_dst ?? (pkttype === undefined || pkttype === 'host' ? mac : MAC_OF[pkttype])
  return { ...rest, mac: packet.mac ?? SENDER, mac_dst: to ?? mac, cpu }
}

/** The bytes that a packet's line leaves open, as they are sent. */
function bytesSent(packet: Packet, tag: number): Partial<Packet> {
  const named = packet.src.includes(':') ? { flow_label: tag } : { ip_id: tag }
  const rest = packet.proto === 'icmp' || packet.proto === 'icmpv6' ? { icmp_seq: 0, icmp_rest: 0 } : {}
  const bare = packet.proto === 'sctp' ? 4 : packet.sport === undefined && packet.icmp_type === undefined ? 8 : 0
  const payload = '00'.repeat(packet.payload_len || bare)
  return {
    ...rest,
    ...packet,
    ...named,
    ...(packet.inner === undefined && packet.payload === undefined ? { payload, payload_len: payload.length / 2 } : {}),
  }
}

/** Lines whose packets are there that they refer to. */
function whole(lines: readonly object[]): object[] {
  const ids = new Set<unknown>()
  return lines.filter((line) => {
    const { id, reply_to, error_to, again } = line as Record<string, unknown>
    const to = reply_to ?? error_to ?? again
    if (to !== undefined && !ids.has(to)) return false
    ids.add(id)
    return true
  })
}

/** A connection made from outside begins with nothing counted. */
function beginning({ counted: _, ...entry }: ConntrackEntry, accounted: boolean): ConntrackEntry {
  const none = { packets: 0, bytes: 0 }
  return accounted ? { ...entry, counted: { orig: none, reply: none } } : entry
}

export async function playKernel(machine: Machine, it: KernelCase): Promise<KernelRun> {
  const { namespace, backend } = it
  const lines = whole(it.lines)
  if (lines.length > MOST_PACKETS) throw new RangeError(`${lines.length} packets; ${MOST_PACKETS} is the most`)
  const marks = marksOf(namespace, lines)
  const zones = zonesOf(namespace, marks.all)
  const setup = await machine.setup(setupOf(namespace, backend, marks.given))
  const refusedSysctls = new Set(setup.refused.filter((r) => r.startsWith('sysctl ')).map((r) => r.slice(7)))
  const { create, add } = setLines(namespace.sets)
  const files: Record<string, string> = {
    ...setup.files,
    // As they were given: iptables-save does not print every condition that it loads (`! --dport 0:65535`).
    ...Object.fromEntries(
      namespace.rulesets.map((r) => [
        r.family === 'ipv4' ? 'iptables-save' : 'ip6tables-save',
        printRules(r, { counters: true }),
      ]),
    ),
    'ipset-save': [...create, ...add].map((l) => `${l}\n`).join(''),
    sysctls: Object.entries(namespace.sysctls)
      .filter(([key]) => !refusedSysctls.has(key))
      .map(([key, value]) => `${key} = ${value}\n`)
      .join(''),
    conntrack: '',
  }
  const bundle = readBundle(new Map(Object.entries(files)), { forceConntrack: namespace.forceConntrack, backend })
  // Which of them were translated, a listing does not say of all.
  const accounted = withAccounting(bundle).sysctls['net.netfilter.nf_conntrack_acct'] === '1'
  const loaded = { ...bundle, connections: namespace.connections.map((c) => beginning(c, accounted)) }
  const up = new Set(['local', ...loaded.links.filter((l) => l.up && !l.loopback).map((l) => l.name)])
  const macs = new Map(loaded.links.map((l) => [l.name, l.mac ?? '00:00:00:00:00:00']))
  const masters = new Map(loaded.links.flatMap((l) => (l.master === undefined ? [] : [[l.name, l.master] as const])))
  const counts = ruleCounts(loaded.rulesets)
  const packets: Packet[] = []
  const answers: KernelAnswer[] = []
  const avoided = avoidedIn(loaded)
  const script = new PacketScript({ file: 'packets' })
  const items =
    lines.length === 0 ? [] : readPacketLines(lines.map((l) => JSON.stringify(l)).join('\n'), { file: 'packets' })
  let clock = 0
  for (const item of items) {
    let resolved: ReturnType<PacketScript['resolve']>
    try {
      resolved = script.resolve(item)
    } catch (error) {
      if (error instanceof FaultError) continue
      throw error
    }
    if (resolved === null || !up.has(resolved.packet.iface) || avoided(resolved.packet)) continue
    const packet = known(resolved.packet, setup.cpu, macs.get(resolved.packet.iface) ?? SENDER)
    let bytes: Uint8Array
    try {
      bytes = encodePacket(packet)
    } catch (error) {
      if (error instanceof RangeError) continue // no bytes for it: an extension header's number as a protocol
      throw error
    }
    const family = packet.src.includes(':') ? 'ipv6' : 'ipv4'
    const tag = tagFor(family, packets.length, packet.iface === 'local' ? 0 : marks.given.indexOf(packet.mark ?? 0) + 1)
    writeTag(bytes, tag)
    const raw = await machine.send({
      at: item.at_ms,
      iface: packet.iface,
      hex: Buffer.from(packet.iface === 'local' ? bytes : frameOf(bytes, packet)).toString('hex'),
      mark: packet.mark ?? 0,
      uid: packet.uid ?? 0,
      gid: packet.gid ?? 0,
      tuple: lookUp(packet),
      zones,
    })
    clock = Math.max(clock, raw.at)
    packet.at_ms = clock
    const sent = { ...bytesSent(packet, tag), at_ms: clock }
    const answer = observe(raw, { packet, tag, counts, masters, zoned: zones.length > 1 })
    packets.push(completePacket(sent))
    answers.push(answer)
    script.settle(item, { packet, fields: resolved.fields }, answer as unknown as Answer)
  }
  const end = await machine.end(countersOf(backend))
  const counters = loaded.rulesets.map((r) =>
    readRules(end.files[r.family === 'ipv4' ? 'iptables-save' : 'ip6tables-save'] ?? '', {
      file: r.file,
      family: r.family,
      backend,
    }),
  )
  files['conntrack'] = loaded.connections.map((c) => `${formatConntrack(c)}\n`).join('')
  return {
    backend,
    namespace: loaded,
    files,
    refused: setup.refused,
    packets,
    answers,
    counters,
    conntrack: end.conntrack.map((c) => connectionOf(c, true)),
    begin: end.at,
    end: end.until,
  }
}
