// Which of its own addresses the host uses: for ICMP errors, MASQUERADE and REDIRECT; and which addresses are its own.
// Kernel: net/ipv4/devinet.c (inet_select_addr), net/ipv6/addrconf.c (ipv6_dev_get_saddr; RFC 6724).
import type { Family } from '../netfilter/model.js'
import type { Address, Link, NetworkNamespace } from '../netns/model.js'
import { commonLength, inPrefix, isMulticast } from './address.js'
import { sysctl } from './sysctl.js'

function addressesOf(link: Link, family: Family): readonly Address[] {
  return link.addresses.filter((a) => a.family === family)
}

/** Is this an address of one of the host's links (127/8 as a whole)? */
export function isOwnAddress(ns: NetworkNamespace, address: string): boolean {
  return ns.links.some((l) =>
    l.addresses.some((a) => a.address === address || (a.address === '127.0.0.1' && inPrefix(address, '127.0.0.0/8'))),
  )
}

/**
 * IPv4 (`scope` link: addresses that only their link knows will do as well): the address of a link to talk to a next hop with: the first primary one whose subnet holds it, else the first
 * primary; with none, the first non-host address of any link that is up. Undefined: none at all.
 */
export function selectIpv4(
  ns: NetworkNamespace,
  dev: string,
  nextHop: string,
  scope: 'global' | 'link' = 'global',
): string | undefined {
  const link = ns.links.find((l) => l.name === dev)
  const ownPrimary = link === undefined ? [] : addressesOf(link, 'ipv4').filter((a) => !a.secondary)
  const wide = ownPrimary.filter((a) => (scope === 'link' ? a.scope !== 'host' : a.scope === 'global'))
  const inSubnet = wide.find((a) => inPrefix(nextHop, `${a.peer ?? a.address}/${a.prefixLength}`))
  const chosen = inSubnet ?? wide[0]
  if (chosen !== undefined) return chosen.address
  for (const other of ns.links) {
    if (!other.up) continue
    const found = addressesOf(other, 'ipv4').find((a) => !a.secondary && a.scope === 'global')
    if (found !== undefined) return found.address
  }
  return undefined
}

/**
 * IPv4: the address that a route without a preferred source sends from: by the next hop's subnet, and of a route that needs
 * none the first of its interface. Kernel: net/ipv4/fib_semantics.c (fib_info_update_nhc_saddr).
 */
export function sourceOfRoute4(ns: NetworkNamespace, dev: string, via: string | undefined): string | undefined {
  return via === undefined ? selectIpv4(ns, dev, '0.0.0.0', 'link') : selectIpv4(ns, dev, via)
}

/** RFC 6724 scope numbers of IPv6 addresses. */
function scopeOf(address: string): number {
  if (address === '::') return 0
  if (isMulticast(address)) return Number.parseInt(address[3] ?? 'e', 16)
  if (address === '::1' || inPrefix(address, 'fe80::/10')) return 2
  if (inPrefix(address, 'fec0::/10')) return 5
  return 14
}

/** RFC 6724 default policy table: the label of an address, by the longest prefix. */
const LABELS: readonly (readonly [string, number])[] = [
  ['::1/128', 0],
  ['::ffff:0.0.0.0/96', 4],
  ['::/96', 3],
  ['2001::/32', 6],
  ['2001:10::/28', 7],
  ['3ffe::/16', 12],
  ['2002::/16', 2],
  ['fec0::/10', 11],
  ['fc00::/7', 5],
  ['::/0', 1],
]

function labelOf(address: string): number {
  return LABELS.find(([prefix]) => inPrefix(address, prefix))![1]
}

/** Is `a` the better source towards `dst` than `b`? Only on a real difference: equals keep their order. */
function better(
  a: Address,
  b: Address,
  dst: string,
  dev: string,
  devOf: (x: Address) => string,
  isWanted: (x: Address) => boolean,
): boolean {
  if ((a.address === dst) !== (b.address === dst)) return a.address === dst
  const [scopeA, scopeB, scopeD] = [scopeOf(a.address), scopeOf(b.address), scopeOf(dst)]
  if (scopeA !== scopeB) return scopeA < scopeB ? scopeA >= scopeD : scopeB < scopeD
  if ((a.deprecated ?? false) !== (b.deprecated ?? false)) return b.deprecated ?? false
  if ((devOf(a) === dev) !== (devOf(b) === dev)) return devOf(a) === dev
  const label = labelOf(dst)
  if ((labelOf(a.address) === label) !== (labelOf(b.address) === label)) return labelOf(a.address) === label
  if (isWanted(a) !== isWanted(b)) return isWanted(a)
  const isOrchid = (address: string): boolean => inPrefix(address, '2001:10::/28')
  const orchid = isOrchid(dst)
  if (isOrchid(a.address) !== isOrchid(b.address)) return isOrchid(a.address) === orchid
  const shared = (x: Address): number => Math.min(commonLength(x.address, dst), x.prefixLength)
  return shared(a) > shared(b)
}

/**
 * IPv6: the source address by RFC 6724 (same address, scope, not deprecated, out interface, label, temporary or not, ORCHIDs among themselves, longest match; equals by the order
 * in which they are listed) among all links' addresses, or only those of `dev` when it has any that will do.
 */
export function selectIpv6(ns: NetworkNamespace, dev: string | undefined, dst: string): string | undefined {
  const links = ns.links.filter((l) => l.up)
  const devOf = (x: Address): string => links.find((l) => l.addresses.includes(x))?.name ?? ''
  // Each interface prefers public addresses or temporary ones.
  const isWanted = (x: Address): boolean => {
    const preset = sysctl(ns, 'net.ipv6.conf.default.use_tempaddr', 0)
    const mode = sysctl(ns, `net.ipv6.conf.${devOf(x).replaceAll('.', '/')}.use_tempaddr`, preset)
    return (x.temporary ?? false) === mode >= 2
  }
  let candidates = links.flatMap((l) => addressesOf(l, 'ipv6').filter((a) => !a.tentative))
  if (isMulticast(dst) || inPrefix(dst, 'fe80::/10')) candidates = candidates.filter((a) => devOf(a) === dev)
  let best: Address | undefined
  for (const a of candidates) {
    if (best === undefined || better(a, best, dst, dev ?? '', devOf, isWanted)) best = a
  }
  return best?.address
}

/** What REDIRECT compares of two IPv6 addresses: nothing of global ones. The kernel's IPV6_ADDR_SCOPE_MASK of a type. */
function kindOf(address: string): 'none' | 'host' | 'link' | 'site' | 'mapped' | 'compatible' {
  if (isMulticast(address)) return ({ 1: 'host', 2: 'link', 5: 'site' } as const)[scopeOf(address)] ?? 'none'
  if (address === '::1') return 'host'
  if (inPrefix(address, 'fe80::/10')) return 'link'
  if (inPrefix(address, 'fec0::/10')) return 'site'
  if (inPrefix(address, '::ffff:0:0/96')) return 'mapped'
  return inPrefix(address, '::/96') && address !== '::' ? 'compatible' : 'none'
}

/**
 * REDIRECT on input: the first address of the in interface; of IPv6 the first that fits what the packet was for, and is
 * not IPv4-mapped. Kernel: net/netfilter/nf_nat_redirect.c.
 */
export function firstAddress(
  ns: NetworkNamespace,
  dev: string,
  { family, to }: { family: Family; to: string },
): string | undefined {
  const link = ns.links.find((l) => l.name === dev)
  const wanted = family === 'ipv6' ? kindOf(to) : 'none'
  const fits = (a: Address): boolean => {
    if (family === 'ipv4') return true
    const kind = kindOf(a.address)
    return kind !== 'mapped' && (wanted === 'none' || wanted === 'mapped' || kind === wanted)
  }
  return link?.addresses.find((a) => a.family === family && fits(a))?.address
}
