// IPv6-to-IPv6 prefix translation: SNPT changes the source, DNPT the destination, without conntrack; an ICMP error's
// quoted packet is changed on the other side. Kernel: net/ipv6/netfilter/ip6t_NPT.c; RFC 6296.

import { addressWords, formatIpv6, type Words } from '../net/ip.js'
import type { Target } from '../netfilter/model.js'
import { inPrefix } from './address.js'
import { sendError } from './icmp.js'
import type { Outcome } from './target.js'
import type { Skb, World } from './types.js'

type Npt = Extract<Target, { target: 'SNPT' | 'DNPT' }>

const ICMPV6_ERRORS: ReadonlySet<number> = new Set([1, 2, 3, 4])

/** The eight 16-bit words of an address, most significant first. */
function halves(address: string): number[] {
  return [...addressWords(address)].flatMap((word) => [word >>> 16, word & 0xffff])
}

function textOfHalves(words: readonly number[]): string {
  const full = [0, 2, 4, 6].map((i) => ((words[i]! << 16) | words[i + 1]!) >>> 0)
  return formatIpv6(full as unknown as Words)
}

/** Sum of 16-bit words with the carry brought round. */
function sum(words: readonly number[]): number {
  let total = words.reduce((a, b) => a + b, 0)
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000)
  return total
}

/** The address with the other prefix, and whether a word behind it could keep the checksum. */
function mapped(address: string, npt: Npt): { readonly address: string; readonly fits: boolean } {
  const [from, fromLength] = npt.srcPrefix.split('/') as [string, string]
  const [to, toLength] = npt.dstPrefix.split('/') as [string, string]
  const length = Math.max(Number(fromLength), Number(toLength))
  const target = halves(to)
  const words = halves(address).map((word, i) => {
    const kept = Math.min(16, Math.max(0, 16 * (i + 1) - length))
    const mask = 2 ** kept - 1
    return (word & mask) | (target[i]! & ~mask & 0xffff)
  })
  // Up to 48 bits the subnet takes the difference, else the first word of the interface part that is not ffff.
  const at = length <= 48 ? 3 : words.findIndex((word, i) => i >= 4 && word !== 0xffff)
  if (at < 0) return { address: textOfHalves(words), fits: false }
  const difference = sum([sum(halves(from)), ~sum(target) & 0xffff])
  const adjusted = sum([words[at]!, difference])
  words[at] = adjusted === 0xffff ? 0 : adjusted
  return { address: textOfHalves(words), fits: true }
}

/** Carries out SNPT or DNPT. */
export function translatePrefix(world: World, skb: Skb, npt: Npt): Outcome {
  const { packet } = skb
  const side = npt.target === 'SNPT' ? 'src' : 'dst'
  const { address, fits } = mapped(packet[side], npt)
  packet[side] = address
  if (!fits) {
    sendError(world, skb, 'icmp-4/0')
    return 'drop'
  }
  const quoted = packet.inner
  if (packet.proto === 'icmpv6' && ICMPV6_ERRORS.has(packet.icmp_type ?? -1) && quoted !== undefined) {
    const other = side === 'src' ? 'dst' : 'src'
    if (inPrefix(quoted[other], npt.srcPrefix)) quoted[other] = mapped(quoted[other], npt).address
  }
  return 'continue'
}
