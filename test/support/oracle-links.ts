// The interfaces of a recorded case as links, forwarding databases and neighbours: numbered after `lo`, addresses in the
// order given, no link-local addresses. For tests only.
import { canonicalAddress, canonicalPrefix, parsePrefix } from '../../src/net/ip.js'
import type { Address, BridgePort, Link, NetworkNamespace } from '../../src/netns/model.js'

export interface HostInterface {
  name: string
  addrs?: string[]
  type?: string
  master?: string
  hosts?: string[]
  hairpin?: boolean
  /** Nobody knows who is behind this port. */
  nofdb?: boolean
  /** Flags of a port beyond what recorded cases have. */
  port?: Partial<BridgePort>
  mac?: string
  mtu?: number
  up?: boolean
}
function addressesOf(spec: HostInterface): Address[] {
  const v4: Address[] = []
  const v6: Address[] = []
  for (const text of spec.addrs ?? []) {
    const prefix = parsePrefix(text)!
    const address = canonicalAddress(text.replace(/\/.*/, ''))!
    const base = { address, prefixLength: prefix.length, family: prefix.family }
    if (prefix.family === 'ipv6') {
      v6.unshift({ ...base, scope: address === '::1' ? 'host' : 'global' }) // the kernel lists the newest first
      continue
    }
    const subnet = canonicalPrefix(text)!
    const secondary = v4.some((a) => canonicalPrefix(`${a.address}/${a.prefixLength}`) === subnet)
    const last = v4.length > 0 && secondary
    const broadcast = prefix.length < 31 ? deriveBroadcast(address, prefix.length) : undefined
    const loopback = spec.name === 'lo'
    v4.push({
      ...base,
      scope: loopback && address === '127.0.0.1' ? 'host' : 'global',
      ...(last ? { secondary: true } : {}),
      ...(broadcast === undefined || loopback ? {} : { broadcast }),
    })
  }
  // Primary addresses stand before secondary ones.
  return [...v4.filter((a) => !a.secondary), ...v4.filter((a) => a.secondary), ...v6]
}

function deriveBroadcast(address: string, length: number): string {
  const value = address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
  const broadcast = (value | (length === 0 ? 0xffffffff : 2 ** (32 - length) - 1)) >>> 0
  return [24, 16, 8, 0].map((shift) => (broadcast >>> shift) & 255).join('.')
}

/** Ports are numbered in the order in which they joined. */
function portOf(spec: HostInterface, number: number): BridgePort {
  return {
    state: (spec.up ?? true) ? 'forwarding' : 'disabled',
    hairpin: spec.hairpin ?? false,
    isolated: false,
    learning: true,
    flood: true,
    mcastFlood: true,
    bcastFlood: true,
    number,
    ...spec.port,
  }
}

/** Each port has one host behind it, with all the addresses listed. */
export function behindPorts(interfaces: readonly HostInterface[]): Pick<NetworkNamespace, 'fdb' | 'neighbours'> {
  // Numbered as interfaces were made: bridges come last.
  const made = interfaces.filter((spec) => spec.type !== 'bridge')
  const ports = made.flatMap((spec, i) => (spec.master ? [{ spec, bridge: spec.master, i }] : []))
  const macOf = (i: number): string => `02:00:00:01:${(i + 2).toString(16).padStart(2, '0')}:02`
  return {
    fdb: ports
      .filter(({ spec }) => !spec.nofdb)
      .map(({ spec, bridge, i }) => ({
        bridge,
        mac: macOf(i),
        port: spec.name,
        local: false,
        ages: false,
        sticky: false,
      })),
    neighbours: ports.flatMap(({ spec, bridge, i }) =>
      (spec.hosts ?? []).map((a) => ({ dev: bridge, address: canonicalAddress(a)!, mac: macOf(i) })),
    ),
  }
}

export function linksOf(interfaces: readonly HostInterface[], v6: boolean): Link[] {
  const given = interfaces.filter((i) => i.name !== 'lo')
  const lo = interfaces.find((i) => i.name === 'lo')
  const loAddrs = ['127.0.0.1/8', ...(lo?.addrs ?? []).filter((a) => a !== '127.0.0.1/8' && a !== '::1/128')]
  if (v6) loAddrs.unshift('::1/128')
  const link = (spec: HostInterface, index: number): Link => {
    const kind = spec.type ?? (spec.master ? 'tap' : 'tun')
    return {
      name: spec.name,
      index,
      up: spec.up ?? true,
      loopback: spec.name === 'lo',
      kind: spec.name === 'lo' ? '' : kind === 'tap' ? 'tun' : kind,
      ...(spec.master ? { master: spec.master, port: portOf(spec, index) } : {}),
      ...(kind === 'tun' ? {} : { mac: spec.mac ?? `02:00:00:00:${(index - 2).toString(16).padStart(2, '0')}:01` }),
      // TUN devices, and TAP devices without an address resolution of their own.
      ...(spec.name === 'lo' ? {} : { multicast: false }),
      ...(spec.name === 'lo' || kind === 'bridge' || spec.master ? {} : { noarp: true }),
      mtu: spec.mtu ?? (spec.name === 'lo' ? 65536 : 1500),
      addresses: addressesOf(spec),
    }
  }
  return [{ ...link({ name: 'lo', addrs: loAddrs, type: 'tun' }, 1) }, ...given.map((spec, i) => link(spec, i + 2))]
}
