// Links and their addresses as sections: LINKS (record 0 stands for "no link"), ADDRESSES, LOCALS (the host's own
// addresses in a hash table).
import {
  ADDRESS_BYTES,
  ADDRESS_DEPRECATED,
  ADDRESS_FLAGS_OFF,
  ADDRESS_LINK_OFF,
  ADDRESS_PREFIX_OFF,
  ADDRESS_SCOPE_OFF,
  ADDRESS_SECONDARY,
  ADDRESS_SUBNET_OFF,
  ADDRESS_TENTATIVE,
  ADDRESS_UNWANTED,
  ADDRESS_WORDS_OFF,
  LINK_ACCEPT_LOCAL,
  LINK_ADDR4_COUNT_OFF,
  LINK_ADDR4_OFF,
  LINK_ADDR6_COUNT_OFF,
  LINK_ADDR6_OFF,
  LINK_BYTES,
  LINK_ETHER,
  LINK_FLAGS_OFF,
  LINK_FORWARDS4,
  LINK_FORWARDS6,
  LINK_GROUP_OFF,
  LINK_LOOPBACK,
  LINK_MASTER_OFF,
  LINK_MULTICAST,
  LINK_NOARP,
  LINK_ROUTE_LOCALNET,
  LINK_RP_FILTER_OFF,
  LINK_SEND_REDIRECTS,
  LINK_SRC_VALID_MARK,
  LINK_UP,
  SCOPE_GLOBAL,
  SCOPE_HOST,
  SCOPE_LINK,
  SCOPE_SITE,
  SECTION_ADDRESSES,
  SECTION_LINKS,
  SECTION_LOCALS,
} from '../../assembly/layout.js'
import { type Words as AddressWords, addressWords } from '../net/ip.js'
import type { Address, Link, NetworkNamespace } from '../netns/model.js'
import { linkSysctls, prefersTemporary, sysctlNumber } from '../netns/sysctl.js'
import { fillBridging } from './bridges.js'
import { localHash } from './hash.js'
import type { ImageWriter } from './image.js'
import { Words } from './words.js'

const SCOPES: Readonly<Record<Address['scope'], number>> = {
  global: SCOPE_GLOBAL,
  site: SCOPE_SITE,
  link: SCOPE_LINK,
  host: SCOPE_HOST,
}

/** Where addresses were written: what a route's prefsrc may refer to. */
export class AddressPool {
  readonly #words = new Words()
  readonly #extra = new Map<string, number>()

  /** Adds an address of a link; returns its index. */
  add(address: Address, link: number, prefersTemporary: boolean): number {
    const flags =
      (address.secondary ? ADDRESS_SECONDARY : 0) |
      (address.deprecated ? ADDRESS_DEPRECATED : 0) |
      ((address.temporary ?? false) === prefersTemporary ? 0 : ADDRESS_UNWANTED) |
      (address.tentative ? ADDRESS_TENTATIVE : 0)
    const words = addressWords(address.address)
    const index = this.#put(words, link)
    const at = index * (ADDRESS_BYTES >>> 2)
    this.#words.set(at + (ADDRESS_PREFIX_OFF >>> 2), address.prefixLength)
    this.#words.set(at + (ADDRESS_FLAGS_OFF >>> 2), flags)
    this.#words.set(at + (ADDRESS_SCOPE_OFF >>> 2), SCOPES[address.scope])
    if (address.peer !== undefined) {
      this.#words.setAll(at + (ADDRESS_SUBNET_OFF >>> 2), [...addressWords(address.peer)])
    }
    return index
  }

  /** Index of a bare address, for a prefsrc. */
  bare(address: string): number {
    const known = this.#extra.get(address)
    if (known !== undefined) return known
    const index = this.#put(addressWords(address), 0)
    this.#extra.set(address, index)
    return index
  }

  #put(words: AddressWords, link: number): number {
    const at = this.#words.reserve(ADDRESS_BYTES >>> 2)
    this.#words.setAll(at + (ADDRESS_WORDS_OFF >>> 2), [...words])
    this.#words.setAll(at + (ADDRESS_SUBNET_OFF >>> 2), [...words])
    this.#words.set(at + (ADDRESS_LINK_OFF >>> 2), link)
    return at / (ADDRESS_BYTES >>> 2)
  }

  /** Writes the section; nothing may be added after it. */
  write(writer: ImageWriter): void {
    writer.section(SECTION_ADDRESSES, this.#words.words())
  }
}

function linkFlags(ns: NetworkNamespace, link: Link): number {
  const own = linkSysctls(ns.sysctls, link.name)
  const name = link.name.replaceAll('.', '/')
  const redirects =
    sysctlNumber(ns.sysctls, 'net.ipv4.conf.all.send_redirects', 1) !== 0 ||
    sysctlNumber(
      ns.sysctls,
      `net.ipv4.conf.${name}.send_redirects`,
      sysctlNumber(ns.sysctls, 'net.ipv4.conf.default.send_redirects', 1),
    ) !== 0
  return (
    (link.up ? LINK_UP : 0) |
    (link.loopback ? LINK_LOOPBACK : 0) |
    (link.mac === undefined ? 0 : LINK_ETHER) |
    (own.acceptLocal ? LINK_ACCEPT_LOCAL : 0) |
    (own.routeLocalnet ? LINK_ROUTE_LOCALNET : 0) |
    (own.forwarding4 ? LINK_FORWARDS4 : 0) |
    (own.forwarding6 ? LINK_FORWARDS6 : 0) |
    (redirects ? LINK_SEND_REDIRECTS : 0) |
    (own.srcValidMark ? LINK_SRC_VALID_MARK : 0) |
    (link.multicast === false ? 0 : LINK_MULTICAST) |
    (link.noarp === true ? LINK_NOARP : 0)
  )
}

function writeLocals(ns: NetworkNamespace, writer: ImageWriter): void {
  const all = ns.links.flatMap((link) => link.addresses)
  let buckets = 4
  while (buckets < all.length * 2) buckets *= 2
  const words = new Uint32Array(buckets * 8)
  for (const { address, family } of all) {
    const parts = addressWords(address)
    let at = localHash(parts) & (buckets - 1)
    while (words[at * 8] !== 0) at = (at + 1) & (buckets - 1)
    words[at * 8] = family === 'ipv4' ? 4 : 6
    words.set(parts, at * 8 + 4)
  }
  writer.section(SECTION_LOCALS, words)
}

/** Writes links and own addresses; returns the pool of addresses, which routes add theirs to. */
export function writeLinks(ns: NetworkNamespace, writer: ImageWriter): AddressPool {
  const pool = new AddressPool()
  const stride = LINK_BYTES >>> 2
  const words = new Uint32Array((ns.links.length + 1) * stride)
  ns.links.forEach((link, i) => {
    const at = (i + 1) * stride
    words[at + (LINK_FLAGS_OFF >>> 2)] = linkFlags(ns, link)
    const master = ns.links.findIndex((l) => l.name === link.master) + 1
    words[at + (LINK_MASTER_OFF >>> 2)] = link.master === undefined ? i + 1 : master || i + 1
    words[at + (LINK_GROUP_OFF >>> 2)] = link.group ?? 0
    words[at + (LINK_RP_FILTER_OFF >>> 2)] = linkSysctls(ns.sysctls, link.name).rpFilter
    for (const [family, first, count] of [
      ['ipv4', LINK_ADDR4_OFF, LINK_ADDR4_COUNT_OFF],
      ['ipv6', LINK_ADDR6_OFF, LINK_ADDR6_COUNT_OFF],
    ] as const) {
      const own = link.addresses.filter((a) => a.family === family)
      const indexes = own.map((a) => pool.add(a, i + 1, prefersTemporary(ns.sysctls, link.name)))
      words[at + (first >>> 2)] = indexes[0] ?? 0
      words[at + (count >>> 2)] = own.length
    }
  })
  fillBridging(ns, words)
  writer.section(SECTION_LINKS, words)
  writeLocals(ns, writer)
  return pool
}
