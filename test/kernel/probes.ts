// What watches packets at both ends of the hooks, as text for nft, and the number that each packet carries so that it
// is known again: in the IPv4 identification or the IPv6 flow label, with the mark it shall arrive with beside it.
// Base chains of the same priority run newest first, so conntrack, which is registered later, confirms before the last ones.
import type { Family } from '../../src/netfilter/model.js'

/** The group of the probes' log. */
export const GROUP = 65432
/** Bits of the number; the rest says the mark. */
const NUMBER_BITS: Readonly<Record<Family, number>> = { ipv4: 12, ipv6: 16 }
/** As many packets as can be told apart in a case, and as many marks beside 0. */
export const MOST_PACKETS = 4094
export const MOST_MARKS = 14
/** In the place of the mark: a copy, which the kernel sent (TEE). */
const COPY = 15

/** The number that packet `n` (from 0) carries, with mark `mark` of the list. */
export function tagFor(family: Family, n: number, mark: number): number {
  return (mark << NUMBER_BITS[family]) | (n + 1)
}

/** Writes the number into an IP packet, and the checksum of IPv4's header anew. */
export function writeTag(bytes: Uint8Array, tag: number): void {
  if (bytes[0]! >> 4 === 6) {
    bytes[1] = (bytes[1]! & 0xf0) | (tag >> 16)
    bytes[2] = tag >> 8
    bytes[3] = tag
    return
  }
  const header = (bytes[0]! & 15) * 4
  bytes[4] = tag >> 8
  bytes[5] = tag
  bytes[10] = 0
  bytes[11] = 0
  let sum = 0
  for (let i = 0; i < header; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  bytes[10] = ~sum >> 8
  bytes[11] = ~sum
}

/** The number in an IP packet. */
export function tagOf(bytes: Uint8Array): number {
  return bytes[0]! >> 4 === 6 ? ((bytes[1]! & 15) << 16) | (bytes[2]! << 8) | bytes[3]! : (bytes[4]! << 8) | bytes[5]!
}

/** Is it the packet with this number, or a copy that TEE made of it? */
export function whose(bytes: Uint8Array, tag: number): 'packet' | 'copy' | null {
  const its = tagOf(bytes)
  const bits = NUMBER_BITS[bytes[0]! >> 4 === 6 ? 'ipv6' : 'ipv4']
  if (its === tag) return 'packet'
  return its === ((tag & (2 ** bits - 1)) | (COPY << bits)) ? 'copy' : null
}

/**
 * The table of the probes. `marks` are those that packets arrive with. What the kernel says by itself (redirects,
 * neighbours, groups) goes no further than the beginning of OUTPUT: nobody asked for it.
 */
export function probes(forceConntrack: boolean, marks: readonly number[]): string {
  const given = marks.flatMap((mark, i) => [
    `iif != lo ip id and 0xf000 == 0x${((i + 1) << 12).toString(16)} meta mark set ${mark}`,
    `iif != lo ip6 flowlabel and 0xf0000 == 0x${((i + 1) << 16).toString(16)} meta mark set ${mark}`,
  ])
  const log = (prefix: string): string => `log prefix "${prefix}" group ${GROUP} queue-threshold 1`
  const chain = (name: string, hook: string, priority: number, policy: string, rules: readonly string[]): string =>
    `chain ${name} {\ntype filter hook ${hook} priority ${priority}; policy ${policy};\n${rules.join('\n')}\n}\n`
  const [FIRST, LAST] = [-2147483648, 2147483647]
  const own = [
    'meta skuid >= 0 accept',
    'meta nfproto ipv6 ip6 flowlabel != 0 @nh,12,4 set 0xf accept',
    'icmp type { redirect, router-solicitation } drop',
    'ip protocol igmp drop',
    'ip id != 0 ip id set ip id | 0xf000 accept',
    'icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 137, 143 } drop',
  ]
  return `table inet nodeplane_probes {\n${chain('first_in', 'prerouting', FIRST, 'accept', [...given, 'meta nftrace set 1'])}${chain(
    'first_out',
    'output',
    FIRST,
    'accept',
    ['meta nftrace set 1', ...own],
  )}${chain('last_in', 'input', LAST, 'drop', [log('I')])}${chain('last_out', 'postrouting', LAST, 'accept', [
    log('P'),
    ...(forceConntrack ? ['ct state invalid counter'] : []),
  ])}}\n`
}
