// Interfaces and their addresses, from `ip -j addr` and `ip -d -j link`.
// Owns those two formats (iproute2 5.x and 6.x). Kernel: net/core/rtnetlink.c, net/ipv4/devinet.c, net/ipv6/addrconf.c.
import { canonicalAddress, familyOf } from '../net/ip.js'
import { readBridgeDetail } from './bridges.js'
import { type Fields, quoted, readObjects, Source } from './fields.js'
import type { Address, Link } from './model.js'

export interface ReadOptions {
  /** Name of the file, for messages. */
  readonly file: string
  /** How deep JSON may nest. Default 64. */
  readonly maxDepth?: number
}

/** What `ip -d -j link` adds to a link. */
export interface LinkDetail extends Pick<Link, 'bridge' | 'port'> {
  readonly kind: string
  readonly master?: string
}

/** A group's number: `default` is 0, other names are known to the node's own table only. */
export function groupNumber(f: Fields, name: string): number | null {
  const text = f.string(name)
  if (text === null || text === 'default') return text === null ? null : 0
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (number <= 0xffffffff) return number
  return f.fault(name, `the interface group ${quoted(text)} is known by its name only; a number was expected`)
}

const SCOPES: ReadonlyMap<string, Address['scope']> = new Map([
  ['global', 'global'],
  ['site', 'site'],
  ['link', 'link'],
  ['host', 'host'],
])

function address(f: Fields): Address | null {
  const text = f.requiredString('local')
  const prefixLength = f.int('prefixlen', 0, 128)
  if (text === null) return null
  const local = canonicalAddress(text)
  if (local === null) return f.fault('local', `${quoted(text)} is not an IP address`)
  const family = familyOf(local)
  if (prefixLength === null || prefixLength > (family === 'ipv4' ? 32 : 128)) {
    return f.fault('prefixlen', 'a prefix length of the address was expected')
  }
  const scopeText = f.string('scope') ?? 'global'
  const scope = SCOPES.get(scopeText)
  if (scope === undefined) return f.fault('scope', `unknown scope ${quoted(scopeText)}; global, site, link or host`)
  const other = (name: string): string | null => {
    const value = f.string(name)
    if (value === null) return null
    return canonicalAddress(value) ?? f.fault(name, `${quoted(value)} is not an IP address`)
  }
  const broadcast = other('broadcast')
  const peer = other('address')
  return {
    address: local,
    prefixLength,
    family,
    scope,
    // An IPv6 address that is temporary is listed as `temporary`, or in older versions as `secondary`.
    ...(f.has('secondary') && family === 'ipv4' ? { secondary: true } : {}),
    ...(f.has('deprecated') ? { deprecated: true } : {}),
    ...(f.has('temporary') || (f.has('secondary') && family === 'ipv6') ? { temporary: true } : {}),
    ...((f.has('tentative') && !f.has('optimistic')) || f.has('dadfailed') ? { tentative: true } : {}),
    ...(broadcast === null ? {} : { broadcast }),
    ...(peer === null ? {} : { peer }),
  }
}

/** An interface name as the kernel allows it: 1..15 bytes, no slash, no white space, not `.` or `..`. */
export function isInterfaceName(name: string): boolean {
  return (
    /^[^\s/:\u0000]{1,15}$/u.test(name) && name !== '.' && name !== '..' && new TextEncoder().encode(name).length < 16
  )
}

/**
 * Reads `ip -j addr`: every interface with its addresses, in the order of the kernel. Kinds are not in it
 * (`readLinkDetails` gives them). Throws a FaultError.
 */
export function readAddresses(text: string, options: ReadOptions): Link[] {
  const source = new Source(options.file, text)
  const links: Link[] = []
  const names = new Set<string>()
  const indexes = new Set<number>()
  for (const f of readObjects(source, 'ip -j addr', options.maxDepth ?? 64)) {
    const name = f.requiredString('ifname')
    if (name === null) continue
    if (!isInterfaceName(name)) f.fault('ifname', `${quoted(name)} is not an interface name`)
    const index = f.int('ifindex', 1, 0x7fffffff)
    if (index === null) {
      if (!f.has('ifindex')) f.fault('ifindex', 'is missing')
      continue
    }
    if (names.has(name)) f.fault('ifname', `the interface ${quoted(name)} appears twice`)
    if (indexes.has(index)) f.fault('ifindex', `the index ${index} appears twice`)
    names.add(name)
    indexes.add(index)
    const flags = f.strings('flags')
    const master = f.string('master')
    const mac = f.string('link_type') === 'ether' ? f.string('address') : null
    const group = f.string('group') === null ? null : groupNumber(f, 'group')
    links.push({
      name,
      index,
      up: flags.includes('UP'),
      loopback: flags.includes('LOOPBACK'),
      kind: '',
      ...(master === null ? {} : { master }),
      ...(mac === null ? {} : { mac: mac.toLowerCase() }),
      mtu: f.int('mtu', 0, 0xffffffff) ?? 1500,
      ...(flags.includes('MULTICAST') || flags.includes('LOOPBACK') ? {} : { multicast: false }),
      ...(flags.includes('NOARP') ? { noarp: true } : {}),
      ...(group ? { group } : {}),
      addresses: f.objects('addr_info').flatMap((info) => address(info) ?? []),
    })
  }
  if (links.length === 0 && source.faults.length === 0) {
    source.fault(0, 'no interface is listed; at least `lo` was expected, as `ip -j addr` prints it')
  }
  source.done()
  return links
}

/** Reads `ip -d -j link`: kind, bridge and bridge settings of every interface, by name. Throws a FaultError. */
export function readLinkDetails(text: string, options: ReadOptions): Map<string, LinkDetail> {
  const source = new Source(options.file, text)
  const details = new Map<string, LinkDetail>()
  for (const f of readObjects(source, 'ip -d -j link', options.maxDepth ?? 64)) {
    const name = f.requiredString('ifname')
    if (name === null) continue
    const kind = f.child('linkinfo')?.string('info_kind') ?? ''
    const master = f.string('master')
    details.set(name, { kind, ...(master === null ? {} : { master }), ...readBridgeDetail(f) })
  }
  source.done()
  return details
}
