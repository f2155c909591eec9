// IPv4 and IPv6 addresses and prefixes: text, bytes and numbers, turned into each other here and nowhere else.
// Owns parsing (strict, and the older lenient IPv4 form), canonical printing, masks and containment; knows no rules.
// Spec: RFC 4291 section 2.2 (text forms), RFC 5952 (canonical form), RFC 4632 (prefixes). Printing follows what
// inet_ntop of glibc prints, because iptables, iproute2 and conntrack print with it: RFC 5952, and the dotted form for
// IPv4-mapped (`::ffff:1.2.3.4`) and IPv4-compatible (`::1.2.3.4`) addresses.
//
// Words: an address is four unsigned 32-bit numbers, most significant first. IPv4 stands in word 0, the others are 0.

export type IpFamily = 'ipv4' | 'ipv6'

/** Four unsigned 32-bit words, most significant first; IPv4 in word 0, the others 0. */
export type Words = readonly [number, number, number, number]

export interface IpAddress {
  readonly family: IpFamily
  readonly words: Words
}

export interface IpPrefix extends IpAddress {
  /** 0..32 for IPv4, 0..128 for IPv6. */
  readonly length: number
}

/** 32 or 128. */
export function familyBits(family: IpFamily): number {
  return family === 'ipv4' ? 32 : 128
}

/** The family that an address or prefix text has by its look: a colon means IPv6. Checks nothing else. */
export function familyOf(text: string): IpFamily {
  return text.includes(':') ? 'ipv6' : 'ipv4'
}

function dottedQuad(text: string, leadingZeros: boolean): number | null {
  let value = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 46) {
      if (digits === 0 || ++dots > 3) return null
      value = value * 256 + part
      part = 0
      digits = 0
    } else if (c >= 48 && c <= 57) {
      if (digits > 0 && part === 0 && !leadingZeros) return null
      part = part * 10 + c - 48
      if (part > 255) return null
      digits++
    } else return null
  }
  return dots === 3 && digits > 0 ? value * 256 + part : null
}

/**
 * A strict dotted quad as an unsigned 32-bit number; null when it is none. No leading zeros, four parts.
 *
 * @example parseIpv4('10.96.0.10') // 174063626
 */
export function parseIpv4(text: string): number | null {
  return dottedQuad(text, false)
}

/**
 * As `parseIpv4`, but leading zeros are allowed and mean nothing: `010.0.0.1` is `10.0.0.1`. This is how old
 * Kubernetes objects are read; nothing else should use it.
 *
 * @example parseIpv4Sloppy('010.096.000.010') // 174063626
 */
export function parseIpv4Sloppy(text: string): number | null {
  return dottedQuad(text, true)
}

/** The value of a hexadecimal digit's character code, or -1. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** The groups of the text between `from` and `to`; null when it is no list of groups. */
function groupsOf(text: string, from: number, to: number): number[] | null {
  const groups: number[] = []
  let start = from
  while (start < to) {
    let value = 0
    let at = start
    for (; at < to; at++) {
      const digit = hexDigit(text.charCodeAt(at))
      if (digit < 0) break
      value = value * 16 + digit
    }
    if (at < to && text.charCodeAt(at) === 46) {
      const v4 = parseIpv4(text.slice(start, to))
      if (v4 === null) return null
      groups.push(v4 >>> 16, v4 & 0xffff)
      return groups.length > 8 ? null : groups
    }
    const digits = at - start
    if (digits === 0 || digits > 4 || groups.length === 8) return null
    groups.push(value)
    if (at === to) return groups
    // Only a colon leads to another group, and one must follow.
    if (text.charCodeAt(at) !== 58 || at + 1 === to) return null
    start = at + 1
  }
  return groups
}

/**
 * An IPv6 address as words; null when it is none. `::` at most once and for at least one group, an IPv4 tail is
 * allowed, a zone (`%eth0`) is not.
 *
 * @example parseIpv6('fd00::1') // [4244635648, 0, 0, 1]
 */
export function parseIpv6(text: string): Words | null {
  if (text.length > 45) return null
  const gap = text.indexOf('::')
  let g: number[]
  if (gap < 0) {
    const all = groupsOf(text, 0, text.length)
    if (all === null || all.length !== 8) return null
    g = all
  } else {
    const dot = text.indexOf('.')
    if (dot >= 0 && dot < gap) return null
    const before = groupsOf(text, 0, gap)
    const after = groupsOf(text, gap + 2, text.length)
    if (before === null || after === null || before.length + after.length > 7) return null
    g = before
    while (g.length + after.length < 8) g.push(0)
    for (const group of after) g.push(group)
  }
  return [
    ((g[0]! << 16) | g[1]!) >>> 0,
    ((g[2]! << 16) | g[3]!) >>> 0,
    ((g[4]! << 16) | g[5]!) >>> 0,
    ((g[6]! << 16) | g[7]!) >>> 0,
  ]
}

/** An address of either family, strictly; null when it is none. */
export function parseAddress(text: string): IpAddress | null {
  if (text.includes(':')) {
    const words = parseIpv6(text)
    return words === null ? null : { family: 'ipv6', words }
  }
  const value = parseIpv4(text)
  return value === null ? null : { family: 'ipv4', words: [value, 0, 0, 0] }
}

/**
 * Dotted quad of an unsigned 32-bit number.
 *
 * @example formatIpv4(174063626) // '10.96.0.10'
 */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/**
 * Canonical text of an IPv6 address.
 *
 * @example formatIpv6([0x20010db8, 0, 0, 1]) // '2001:db8::1'
 */
export function formatIpv6(words: Words): string {
  const groups = words.flatMap((w) => [w >>> 16, w & 0xffff])
  let best = -1
  let bestLength = 1 // a single zero group is never shortened (RFC 5952, 4.2.2)
  for (let i = 0; i < 8; ) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > bestLength) {
      best = i
      bestLength = end - i
    }
    i = end + 1
  }
  const dotted = best === 0 && (bestLength === 6 || (bestLength === 5 && groups[5] === 0xffff))
  const last = dotted ? 6 : 8
  let text = ''
  for (let i = 0; i < last; ) {
    if (i === best) {
      text += '::'
      i += bestLength
      continue
    }
    if (i > 0 && i !== best + bestLength) text += ':'
    text += groups[i]!.toString(16)
    i++
  }
  if (!dotted) return text
  return `${text}${bestLength === 6 ? '' : ':'}${formatIpv4(words[3])}`
}

/** Canonical text of an address. */
export function formatAddress(address: IpAddress): string {
  return address.family === 'ipv4' ? formatIpv4(address.words[0]) : formatIpv6(address.words)
}

/**
 * The canonical text of an address text; null when it is none.
 *
 * @example canonicalAddress('FD00:0:0::01') // 'fd00::1'
 */
export function canonicalAddress(text: string): string | null {
  if (!text.includes(':')) return parseIpv4(text) === null ? null : text // a strict dotted quad has one form only
  const address = parseAddress(text)
  return address === null ? null : formatAddress(address)
}

/** The words of an address text; throws a RangeError when it is none. For text that was checked before. */
export function addressWords(text: string): Words {
  const address = parseAddress(text)
  if (address === null) throw new RangeError(`not an IP address: ${JSON.stringify(text.slice(0, 64))}`)
  return address.words
}

/** The mask of a prefix length as words. `length` 0..32 or 0..128. */
export function maskWords(family: IpFamily, length: number): Words {
  const word = (i: number): number => {
    const bits = Math.min(32, Math.max(0, length - 32 * i))
    return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
  }
  return family === 'ipv4' ? [word(0), 0, 0, 0] : [word(0), word(1), word(2), word(3)]
}

/** Bit by bit `words & mask`. */
export function maskAddress(words: Words, mask: Words): Words {
  return [
    (words[0] & mask[0]) >>> 0,
    (words[1] & mask[1]) >>> 0,
    (words[2] & mask[2]) >>> 0,
    (words[3] & mask[3]) >>> 0,
  ]
}

/** The prefix length that a mask is, or null when its ones are not all in front. */
export function maskLength(family: IpFamily, mask: Words): number | null {
  for (let length = 0; length <= familyBits(family); length++) {
    if (maskWords(family, length).every((w, i) => w === mask[i])) return length
  }
  return null
}

/**
 * A prefix: `ADDRESS/LENGTH`, or a bare address (then the whole address counts). Bits behind the length are kept as
 * written; `canonicalPrefix` clears them. Null when it is none. Masks (`/255.0.0.0`) are not read here.
 */
export function parsePrefix(text: string): IpPrefix | null {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === null) return null
  const bits = familyBits(address.family)
  if (slash < 0) return { ...address, length: bits }
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > bits) return null
  return { ...address, length: Number(digits) }
}

/** `ADDRESS/LENGTH`, with the bits behind the length cleared. */
export function formatPrefix(prefix: IpPrefix): string {
  const words = maskAddress(prefix.words, maskWords(prefix.family, prefix.length))
  return `${formatAddress({ family: prefix.family, words })}/${prefix.length}`
}

/**
 * Canonical, masked text of a prefix text, always with its length; null when it is none.
 *
 * @example canonicalPrefix('10.1.2.3/8') // '10.0.0.0/8'
 * @example canonicalPrefix('fd00::1') // 'fd00::1/128'
 */
export function canonicalPrefix(text: string): string | null {
  const prefix = parsePrefix(text)
  return prefix === null ? null : formatPrefix(prefix)
}

/** Is the address inside the prefix? False across families. */
export function prefixContains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.family !== address.family) return false
  const mask = maskWords(prefix.family, prefix.length)
  return prefix.words.every((w, i) => ((w ^ address.words[i]!) & mask[i]!) === 0)
}

/** The address as 4 or 16 bytes in network order. */
export function addressToBytes(address: IpAddress): Uint8Array {
  const bytes = new Uint8Array(address.family === 'ipv4' ? 4 : 16)
  for (let i = 0; i < bytes.length; i++) bytes[i] = address.words[i >> 2]! >>> (24 - 8 * (i & 3))
  return bytes
}

/** The address of 4 or 16 bytes in network order; any other length is a RangeError. */
export function addressFromBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`)
  const words: [number, number, number, number] = [0, 0, 0, 0]
  for (let i = 0; i < bytes.length; i++) words[i >> 2] = ((words[i >> 2]! << 8) | bytes[i]!) >>> 0
  return { family: bytes.length === 4 ? 'ipv4' : 'ipv6', words }
}

/** The address as one unsigned number of 32 or 128 bits. */
export function addressToBigInt(address: IpAddress): bigint {
  if (address.family === 'ipv4') return BigInt(address.words[0])
  return address.words.reduce((sum, w) => (sum << 32n) | BigInt(w), 0n)
}

/** The address of an unsigned number; a RangeError when it does not fit the family. */
export function addressFromBigInt(family: IpFamily, value: bigint): IpAddress {
  if (value < 0n || value >> BigInt(familyBits(family)) !== 0n) throw new RangeError(`${value} is no ${family} address`)
  if (family === 'ipv4') return { family, words: [Number(value), 0, 0, 0] }
  const word = (i: number): number => Number((value >> BigInt(96 - 32 * i)) & 0xffffffffn)
  return { family, words: [word(0), word(1), word(2), word(3)] }
}

/**
 * The fewest prefixes that cover exactly the addresses `from`..`to` (both included), in order. Both of one family and
 * `from` not above `to`, else a RangeError.
 *
 * @example rangeToPrefixes('10.0.0.1', '10.0.0.4') // ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/32']
 */
export function rangeToPrefixes(from: string, to: string): string[] {
  const first = parseAddress(from)
  const last = parseAddress(to)
  if (first === null || last === null || first.family !== last.family) throw new RangeError('not a range of addresses')
  const bits = familyBits(first.family)
  const end = addressToBigInt(last)
  let at = addressToBigInt(first)
  if (at > end) throw new RangeError('the range ends before it begins')
  const prefixes: string[] = []
  while (at <= end) {
    let free = 0
    while (free < bits && (at & (1n << BigInt(free))) === 0n && at + (1n << BigInt(free + 1)) - 1n <= end) free++
    prefixes.push(formatPrefix({ ...addressFromBigInt(first.family, at), length: bits - free }))
    at += 1n << BigInt(free)
  }
  return prefixes
}
