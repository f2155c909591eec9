// Bridges, their ports, forwarding databases and neighbours: the readers of `bridge -d -j link`, `bridge -j fdb` and
// `ip -j neigh`, what `ip -d -j link` says of bridges and ports, and what holds where nothing was said.
// Owns those formats (iproute2 5.x and 6.x). Kernel: net/bridge/br_if.c, br_netlink.c, br_fdb.c, net/core/neighbour.c.
import { canonicalAddress } from '../net/ip.js'
import { type Fields, quoted, readObjects, Source } from './fields.js'
import type { Bridge, BridgePort, FdbEntry, Link, Neighbour, NetworkNamespace } from './model.js'

/** A new bridge. */
const NEW_BRIDGE: Bridge = { nfCallIptables: false, nfCallIp6tables: false, vlanFiltering: false, ageingMs: 300_000 }

const STATES: readonly BridgePort['state'][] = ['disabled', 'listening', 'learning', 'forwarding', 'blocking']
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

/** true and false as iproute2 prints them: JSON's own, 0 and 1, or a flag that is only there when it is set. */
function flag(f: Fields, name: string, fallback: boolean): boolean {
  const node = f.node(name)
  if (node === undefined) return f.has(name) ? true : fallback
  if (node.kind === 'boolean') return node.value
  if (node.kind === 'number') return node.value !== 0
  if (node.kind === 'string' && (node.value === 'on' || node.value === 'off')) return node.value === 'on'
  f.fault(name, 'true or false was expected')
  return fallback
}

/** What one object says of a port; the keys of `ip -d link` and of `bridge -d link` are the same but for `no`. */
function portOf(f: Fields, known: BridgePort | undefined): BridgePort | undefined {
  const text = f.string('state')
  const state = text === null ? known?.state : STATES.find((s) => s === text)
  if (text !== null && state === undefined) f.fault('state', `unknown port state ${quoted(text)}`)
  if (state === undefined) return known
  return {
    state,
    hairpin: flag(f, 'hairpin', known?.hairpin ?? false),
    isolated: flag(f, 'isolated', known?.isolated ?? false),
    learning: flag(f, 'learning', known?.learning ?? true),
    flood: flag(f, 'flood', known?.flood ?? true),
    mcastFlood: flag(f, 'mcast_flood', known?.mcastFlood ?? true),
    bcastFlood: flag(f, 'bcast_flood', known?.bcastFlood ?? true),
    number: f.int('no', 0, 0xffff) ?? known?.number ?? 0,
  }
}

/** The bridge settings and port settings that an object of `ip -d -j link` holds. */
export function readBridgeDetail(link: Fields): Pick<Link, 'bridge' | 'port'> {
  const info = link.child('linkinfo')
  const data = info?.string('info_kind') === 'bridge' ? info.child('info_data') : null
  const slave = info?.string('info_slave_kind') === 'bridge' ? info.child('info_slave_data') : null
  const port = slave === null ? undefined : portOf(slave, undefined)
  return {
    ...(port === undefined ? {} : { port }),
    ...(data === null || data === undefined
      ? {}
      : {
          bridge: {
            nfCallIptables: flag(data, 'nf_call_iptables', false),
            nfCallIp6tables: flag(data, 'nf_call_ip6tables', false),
            vlanFiltering: flag(data, 'vlan_filtering', false),
            // In hundredths of a second (USER_HZ).
            ageingMs: (data.int('ageing_time', 0, 0xffffffff) ?? 30_000) * 10,
          },
        }),
  }
}

function objectsOf(text: string, file: string, what: string, depth: number): { source: Source; objects: Fields[] } {
  const source = new Source(file, text)
  // Nothing to list is printed as nothing.
  return { source, objects: text.trim() === '' ? [] : readObjects(source, what, depth) }
}

function macOf(f: Fields, name: string): string | null {
  const text = f.requiredString(name)
  if (text === null) return null
  return MAC.test(text) ? text.toLowerCase() : f.fault(name, `${quoted(text)} is not an Ethernet address`)
}

/** Reads `bridge -d -j link`: the links with what it says of the ports. Throws a FaultError. */
export function readBridgeLinks(text: string, links: readonly Link[], file: string, depth: number): Link[] {
  const { source, objects } = objectsOf(text, file, 'bridge -d -j link', depth)
  const said = new Map<string, Fields>()
  for (const f of objects) {
    const name = f.requiredString('ifname')
    if (name !== null) said.set(name, f)
  }
  const result = links.map((link) => {
    const f = said.get(link.name)
    if (f === undefined) return link
    const port = portOf(f, link.port)
    const master = link.master ?? f.string('master') ?? undefined
    return { ...link, ...(master === undefined ? {} : { master }), ...(port === undefined ? {} : { port }) }
  })
  source.done()
  return result
}

/** Reads `bridge -j fdb`: the entries of bridges; entries of VLANs and of interfaces themselves are left out. Throws a FaultError. */
export function readFdb(text: string, file: string, depth: number): FdbEntry[] {
  const { source, objects } = objectsOf(text, file, 'bridge -j fdb', depth)
  const entries: FdbEntry[] = []
  for (const f of objects) {
    const mac = macOf(f, 'mac')
    const bridge = f.string('master')
    const port = f.requiredString('ifname')
    const flags = f.strings('flags')
    if (mac === null || bridge === null || port === null || flags.includes('self') || f.has('vlan')) continue
    const state = f.string('state') ?? ''
    const local = state === 'permanent'
    entries.push({ bridge, mac, port, local, ages: state !== 'static' && !local, sticky: flags.includes('sticky') })
  }
  source.done()
  return entries
}

/** Reads `ip -j neigh`: the neighbours whose Ethernet address is known and not known to be wrong. Throws a FaultError. */
export function readNeighbours(text: string, file: string, depth: number): Neighbour[] {
  const { source, objects } = objectsOf(text, file, 'ip -j neigh', depth)
  const neighbours: Neighbour[] = []
  for (const f of objects) {
    const dst = f.requiredString('dst')
    const dev = f.requiredString('dev')
    const lladdr = f.string('lladdr')
    const states = f.strings('state')
    if (dst === null || dev === null) continue
    const address = canonicalAddress(dst) ?? f.fault('dst', `${quoted(dst)} is not an IP address`)
    const gone = states.includes('FAILED') || states.includes('INCOMPLETE') || states.includes('NOARP')
    // An interface of another kind has link addresses of another kind.
    if (address === null || lladdr === null || !MAC.test(lladdr) || gone) continue
    neighbours.push({ dev, address, mac: lladdr.toLowerCase() })
  }
  source.done()
  return neighbours
}

/** A port with all its settings. */
export interface CompletePort extends BridgePort {
  readonly name: string
}

/** A bridge with all its settings; ports in the order in which frames are flooded. */
export interface CompleteBridge extends Bridge {
  readonly name: string
  readonly mac: string
  readonly ports: readonly CompletePort[]
}

/** Is this link, by what is known, a bridge? An interface of unknown kind with ports is taken for one. */
export function isBridge(link: Link): boolean {
  return link.kind === 'bridge' || link.bridge !== undefined || link.kind === ''
}

/**
 * The bridges of a namespace and their ports. What was not said of a port: it forwards when it and the bridge are up,
 * learns and floods; numbers follow the order of the links. What was not said of a bridge is as in a new one.
 */
export function completeBridges(ns: NetworkNamespace): CompleteBridge[] {
  return ns.links.flatMap((bridge) => {
    const members = ns.links.filter((l) => l.master === bridge.name)
    if (members.length === 0 ? bridge.kind !== 'bridge' : !isBridge(bridge)) return []
    const ports = members.map((link, i): CompletePort => {
      const state = link.up && bridge.up ? 'forwarding' : 'disabled'
      const flags = { hairpin: false, isolated: false, learning: true, flood: true, mcastFlood: true, bcastFlood: true }
      const number = link.port?.number || i + 1
      return { state, ...flags, ...link.port, number, name: link.name }
    })
    ports.sort((a, b) => b.number - a.number)
    return [{ ...NEW_BRIDGE, ...bridge.bridge, name: bridge.name, mac: bridge.mac ?? '', ports }]
  })
}

/**
 * The Ethernet address that hosts behind a port have by themselves: the only one that the forwarding database has there;
 * undefined when there is none or several.
 */
export function hostBehind(ns: NetworkNamespace, port: string): string | undefined {
  const behind = (ns.fdb ?? []).filter((e) => e.port === port && !e.local)
  return behind.length === 1 ? behind[0]!.mac : undefined
}
