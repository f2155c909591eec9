// Matches that read bytes of the packet. Kernel: net/netfilter/xt_u32.c, xt_string.c, net/core/skbuff.c (skb_find_text),
// net/ipv6/netfilter/ip6t_mh.c.
import { packetLength } from '../net/length.js'
import type { AskedField } from '../net/missing.js'
import { type ListedMatch, listed, listedRange, unquoted } from '../netfilter/model-listed.js'
import { stringOf } from '../netfilter/pattern.js'
import { readU32, type U32Test } from '../netfilter/u32.js'
import { ask, type MatchContext } from './asked.js'
import { bytesOf, type PacketByte } from './bytes.js'
import type { Skb } from './types.js'

/** One bit of a number that was read: 0, 1, or what to ask for it. */
export type Bit = 0 | 1 | AskedField

/** The bits of some bytes, the highest first. */
export function bitsOf(bytes: readonly PacketByte[]): Bit[] {
  return bytes.flatMap(({ value, unknown, field }) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((n): Bit => ((unknown >> n) & 1 ? field! : (((value >> n) & 1) as 0 | 1))),
  )
}

export function andBits(bits: readonly Bit[], mask: number): Bit[] {
  return bits.map((bit, i) => ((mask >>> (bits.length - 1 - i)) & 1 ? bit : 0))
}

/** Shifted to the left or right, by less than 32. */
export function shiftBits(bits: readonly Bit[], by: number, left: boolean): Bit[] {
  const zeros = new Array<Bit>(by).fill(0)
  return left ? [...bits, ...zeros].slice(-bits.length) : [...zeros, ...bits].slice(0, bits.length)
}

/** The number that bits are; the first that is not known is asked for. */
export function numberOfBits(bits: readonly Bit[], context: MatchContext): number {
  return bits.reduce<number>((all, bit) => all * 2 + (typeof bit === 'number' ? bit : ask(bit, context)), 0)
}

function holds(test: U32Test, skb: Skb, context: MatchContext): boolean {
  const bytes = bytesOf(skb)
  const length = packetLength(skb.packet)
  let from = 0
  const read = (at: number): Bit[] | null => {
    if (from + 4 > 0xffffffff || length < from + 4 || at > length - from - 4) return null
    return bitsOf(bytes.slice(from + at, from + at + 4))
  }
  let bits = read(test.at)
  for (const { op, number } of test.steps) {
    if (bits === null) return false
    if (op === '&') bits = andBits(bits, number)
    else if (op !== '@') bits = shiftBits(bits, number, op === '<<')
    else {
      from += numberOfBits(bits, context)
      if (from > 0xffffffff) return false
      bits = read(number)
    }
  }
  if (bits === null) return false
  const value = numberOfBits(bits, context)
  return test.ranges.some((r) => value >= r.from && value <= r.to)
}

export function matchesU32(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  const option = listed(m, 'u32')!
  return readU32(unquoted(option.text)).every((test) => holds(test, skb, context)) !== option.not
}

/** The kernel's toupper: Latin-1. */
function upper(byte: number): number {
  const lower = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0xdf && byte !== 0xf7)
  return lower ? byte - 32 : byte
}

export function matchesString(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  const { not, bytes: pattern, from, to, anyCase } = stringOf(m)
  const bytes = bytesOf(skb)
  const end = Math.min(to, bytes.length)
  const open: AskedField[] = []
  for (let place = from; place + pattern.length <= end; place++) {
    const window = bytes.slice(place, place + pattern.length)
    const differs = window.some(({ value, unknown }, i) => {
      const wanted = pattern[i]!
      if (unknown !== 0) return !anyCase && ((value ^ wanted) & ~unknown & 255) !== 0
      return anyCase ? upper(value) !== upper(wanted) : value !== wanted
    })
    if (differs) continue
    const holes = window.filter((byte) => byte.unknown !== 0)
    if (holes.length === 0) return !not
    open.push(...holes.map((byte) => byte.field!))
  }
  if (open.length === 0) return not
  // The first that a packet can give.
  return ask(open.find((field) => field !== 'checksum' && field !== 'header bytes') ?? open[0]!, context)
}

/** The header that follows a mobility header must be none (59): the kernel drops others. */
export function matchesMobility(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  const bytes = bytesOf(skb)
  const at = (i: number): number => (bytes[i] === undefined ? -1 : numberOfBits(bitsOf([bytes[i]]), context))
  if (at(40) !== 59) {
    context.hotdrop = true
    return false
  }
  const option = listed(m, 'mh-type')
  const { from, to } = listedRange(option?.text ?? '0:255')
  const type = at(42)
  return (type >= from && type <= to) !== (option?.not ?? false)
}
