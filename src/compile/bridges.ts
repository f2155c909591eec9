// Bridges as the core has them: words of LINKS, FDB, NEIGHBOURS (a hash table).
import {
  BRIDGE_CALLS4,
  BRIDGE_CALLS6,
  BRIDGE_FDB_KNOWN,
  FDB_AGES,
  FDB_BRIDGE_OFF,
  FDB_BYTES,
  FDB_FLAGS_OFF,
  FDB_LOCAL,
  FDB_MAC_OFF,
  FDB_PORT_OFF,
  FDB_STICKY,
  LINK_BEHIND_OFF,
  LINK_BRIDGE_OFF,
  LINK_BYTES,
  LINK_MAC_OFF,
  LINK_PORT_NEXT_OFF,
  LINK_PORTS_OFF,
  NEIGHBOUR_BYTES,
  NEIGHBOUR_FAMILY_OFF,
  NEIGHBOUR_LINK_OFF,
  NEIGHBOUR_MAC_OFF,
  PORT_FLOODS,
  PORT_FLOODS_BROADCAST,
  PORT_FLOODS_MULTICAST,
  PORT_FORWARDS,
  PORT_HAIRPIN,
  PORT_ISOLATED,
  PORT_LEARNING_STATE,
  PORT_LEARNS,
  SECTION_FDB,
  SECTION_NEIGHBOURS,
} from '../../assembly/layout.js'
import { addressWords } from '../net/ip.js'
import { type CompleteBridge, type CompletePort, completeBridges, hostBehind } from '../netns/bridges.js'
import type { NetworkNamespace } from '../netns/model.js'
import { hostSysctls } from '../netns/sysctl.js'
import { localHash } from './hash.js'
import type { ImageWriter } from './image.js'
import { macWords } from './mac.js'

const STRIDE = LINK_BYTES >>> 2

function portFlags(p: CompletePort): number {
  return (
    (p.state === 'forwarding' ? PORT_FORWARDS : 0) |
    (p.state === 'learning' ? PORT_LEARNING_STATE : 0) |
    (p.hairpin ? PORT_HAIRPIN : 0) |
    (p.isolated ? PORT_ISOLATED : 0) |
    (p.learning ? PORT_LEARNS : 0) |
    (p.flood ? PORT_FLOODS : 0) |
    (p.mcastFlood ? PORT_FLOODS_MULTICAST : 0) |
    (p.bcastFlood ? PORT_FLOODS_BROADCAST : 0)
  )
}

/** The bridges that take part: those with ports. */
function bridgesOf(ns: NetworkNamespace): CompleteBridge[] {
  return completeBridges(ns).filter((b) => b.ports.length > 0)
}

/** Fills what LINKS say of bridges and ports, and of Ethernet addresses. */
export function fillBridging(ns: NetworkNamespace, links: Uint32Array): void {
  const ids = new Map(ns.links.map((l, i) => [l.name, i + 1]))
  const floats = new DataView(links.buffer, links.byteOffset)
  ns.links.forEach((link, i) => {
    if (link.mac !== undefined) links.set(macWords(link.mac), (i + 1) * STRIDE + (LINK_MAC_OFF >>> 2))
  })
  const calls = hostSysctls(ns.sysctls)
  for (const bridge of bridgesOf(ns)) {
    const at = ids.get(bridge.name)! * STRIDE
    links[at + (LINK_BRIDGE_OFF >>> 2)] =
      (bridge.nfCallIptables || calls.bridgeCallIptables ? BRIDGE_CALLS4 : 0) |
      (bridge.nfCallIp6tables || calls.bridgeCallIp6tables ? BRIDGE_CALLS6 : 0) |
      (ns.fdb === undefined ? 0 : BRIDGE_FDB_KNOWN)
    floats.setFloat64(at * 4 + LINK_BEHIND_OFF, bridge.ageingMs, true)
    let before = at + (LINK_PORTS_OFF >>> 2)
    for (const port of bridge.ports) {
      const id = ids.get(port.name)!
      links[before] = id
      links[id * STRIDE + (LINK_BRIDGE_OFF >>> 2)] = portFlags(port)
      const host = hostBehind(ns, port.name)
      if (host !== undefined) links.set(macWords(host), id * STRIDE + (LINK_BEHIND_OFF >>> 2))
      before = id * STRIDE + (LINK_PORT_NEXT_OFF >>> 2)
    }
  }
}

/** Of several entries about one address the first counts: those of bridge and ports themselves. */
function writeFdb(ns: NetworkNamespace, writer: ImageWriter): void {
  const ids = new Map(ns.links.map((l, i) => [l.name, i + 1]))
  const records: number[] = []
  const put = (bridge: string, words: readonly [number, number], port: string, flags: number): void => {
    const record = new Array<number>(FDB_BYTES >>> 2).fill(0)
    record[FDB_MAC_OFF >>> 2] = words[0]
    record[(FDB_MAC_OFF >>> 2) + 1] = words[1]
    record[FDB_BRIDGE_OFF >>> 2] = ids.get(bridge)!
    record[FDB_PORT_OFF >>> 2] = ids.get(port)!
    record[FDB_FLAGS_OFF >>> 2] = flags
    records.push(...record)
  }
  const bridges = bridgesOf(ns)
  for (const { name, mac, ports } of bridges) {
    put(name, mac === '' ? [0, 0] : macWords(mac), name, FDB_LOCAL)
    for (const port of ports) {
      const own = ns.links[ids.get(port.name)! - 1]!.mac
      if (own !== undefined) put(name, macWords(own), port.name, FDB_LOCAL)
    }
  }
  for (const { bridge, mac, port, local, ages, sticky } of ns.fdb ?? []) {
    const known = bridges.find((b) => b.name === bridge)
    const behind = known?.ports.some((p) => p.name === port) || (known !== undefined && local && port === bridge)
    if (behind)
      put(bridge, macWords(mac), port, (local ? FDB_LOCAL : 0) | (ages ? FDB_AGES : 0) | (sticky ? FDB_STICKY : 0))
  }
  writer.section(SECTION_FDB, new Uint32Array(records))
}

function writeNeighbours(ns: NetworkNamespace, writer: ImageWriter): void {
  const ids = new Map(ns.links.map((l, i) => [l.name, i + 1]))
  const known = new Map<string, { words: ReturnType<typeof addressWords>; family: number; id: number; mac: string }>()
  for (const { dev, address, mac } of ns.neighbours ?? []) {
    const id = ids.get(dev)
    const key = `${dev} ${address}`
    if (id === undefined || known.has(key)) continue
    known.set(key, { words: addressWords(address), family: address.includes(':') ? 6 : 4, id, mac })
  }
  if (known.size === 0) return
  let buckets = 4
  while (buckets < known.size * 2) buckets *= 2
  const stride = NEIGHBOUR_BYTES >>> 2
  const table = new Uint32Array(buckets * stride)
  for (const { words, family, id, mac } of known.values()) {
    let i = ((localHash(words) ^ id) >>> 0) & (buckets - 1)
    while (table[i * stride + (NEIGHBOUR_LINK_OFF >>> 2)] !== 0) i = (i + 1) & (buckets - 1)
    table.set(words, i * stride)
    table[i * stride + (NEIGHBOUR_LINK_OFF >>> 2)] = id
    table[i * stride + (NEIGHBOUR_FAMILY_OFF >>> 2)] = family
    table.set(macWords(mac), i * stride + (NEIGHBOUR_MAC_OFF >>> 2))
  }
  writer.section(SECTION_NEIGHBOURS, table)
}

/** Writes FDB and NEIGHBOURS. */
export function writeBridges(ns: NetworkNamespace, writer: ImageWriter): void {
  writeFdb(ns, writer)
  writeNeighbours(ns, writer)
}
