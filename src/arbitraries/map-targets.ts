// Targets that map a prefix to another: NETMAP, SNPT, DNPT; over all prefixes that iptables prints, and over those that
// generated packets meet.
import fc from 'fast-check'
import { formatIpv4, formatIpv6, maskAddress, maskWords, parseIpv6 } from '../net/ip.js'
import type { Family, Prefix, Target } from '../netfilter/model.js'
import { linkNumber, pick, weighted, worldOf } from './pool.js'

const u32 = fc.nat({ max: 0xffffffff })
const words6 = fc.tuple(u32, u32, u32, u32)

function prefix6(words: readonly [number, number, number, number], length: number): Prefix {
  return `${formatIpv6(maskAddress(words, maskWords('ipv6', length)))}/${length}`
}

/** Any masked prefix of the family. */
export function netmapTarget(family: Family): fc.Arbitrary<Target> {
  const to =
    family === 'ipv4'
      ? fc.tuple(u32, fc.integer({ min: 0, max: 32 })).map(([value, length]) => {
          const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
          return `${formatIpv4((value & mask) >>> 0)}/${length}`
        })
      : fc.tuple(words6, fc.integer({ min: 0, max: 128 })).map(([words, length]) => prefix6(words, length))
  return to.map((prefix) => ({ target: 'NETMAP' as const, to: prefix }))
}

/** Any two prefixes of at most 64 bits. */
export function nptTarget(target: 'SNPT' | 'DNPT'): fc.Arbitrary<Target> {
  const any = fc.tuple(words6, fc.integer({ min: 0, max: 64 })).map(([words, length]) => prefix6(words, length))
  // iptables prints nothing of a prefix without an address.
  const printed = any.filter((prefix) => !prefix.startsWith('::/'))
  return fc.tuple(printed, printed).map(([srcPrefix, dstPrefix]) => ({ target, srcPrefix, dstPrefix }))
}

/** NETMAP onto the networks that the generated packets know. */
export function netmapNearby(family: Family): fc.Arbitrary<Target> {
  const world = worldOf(family)
  const lengths = family === 'ipv4' ? [32, 31, 30, 24, 16, 8] : [128, 126, 64, 48]
  return fc.tuple(linkNumber, pick(lengths), fc.nat({ max: 1 })).map(([k, length, i]) => {
    const address = i === 0 ? world.own(k) : world.neighbour(k, 1)
    if (family === 'ipv6') return { target: 'NETMAP' as const, to: prefix6(parseIpv6(address)!, length) }
    const value = address.split('.').reduce((n, part) => n * 256 + Number(part), 0)
    const mask = (0xffffffff << (32 - length)) >>> 0
    return { target: 'NETMAP' as const, to: `${formatIpv4((value & mask) >>> 0)}/${length}` }
  })
}

/** SNPT and DNPT between the networks that the generated packets know. */
export function nptNearby(target: 'SNPT' | 'DNPT'): fc.Arbitrary<Target> {
  const world = worldOf('ipv6')
  const near = fc
    .tuple(linkNumber, weighted([4, fc.constant(64)], [2, fc.constant(48)], [1, pick([16, 40, 52, 60, 63])]))
    .map(([k, length]) => prefix6(parseIpv6(world.neighbour(k, 0))!, length))
  const any = fc.tuple(words6, pick([48, 56, 64])).map(([words, length]) => prefix6(words, length))
  const pair = weighted([3, near], [1, any])
  return fc.tuple(pair, pair).map(([srcPrefix, dstPrefix]) => ({ target, srcPrefix, dstPrefix }))
}
