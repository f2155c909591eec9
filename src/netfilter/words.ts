// The words of a rule as values: numbers, marks, addresses, ports, names; each as iptables 1.8.9 takes it.
// Owns text to value for single words; knows no options. Every function gives undefined for what iptables refuses.
// Spec: iptables(8); numbers are C's strtoul with base 0, so `0x50` and `0120` are 80.
import { escapeText } from '../net/fault.js'
import { formatIpv4, formatIpv6, maskAddress, maskLength, maskWords, parseIpv4, parseIpv6 } from '../net/ip.js'
import type { Family, Masked, Prefix, Range } from './model.js'
import { servicePort } from './services.js'

/** A word of the input in a message: escaped, in quotes, at most 60 characters. */
export function shown(word: string): string {
  return `"${escapeText(word.length > 60 ? `${word.slice(0, 60)}…` : word)}"`
}

const NUMBER = /^[ \t]*\+?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/
const DECIMAL = /^(?:0|[1-9][0-9]{0,9})$/

/**
 * An unsigned number between `min` and `max` (at most 2^53), in C's notations.
 *
 * @example uint('0x50', 0, 65535) // 80
 * @example uint('70000', 0, 65535) // undefined
 */
export function uint(word: string, min: number, max: number): number | undefined {
  let value: number
  if (DECIMAL.test(word)) value = Number(word)
  else {
    if (!NUMBER.test(word)) return undefined
    const digits = word.trim().replace('+', '')
    value = /^0[0-7]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  }
  return value >= min && value <= max ? value : undefined
}

/** `value` or `value/mask`, each 0..2^32-1; the mask is all ones when none is written. */
export function markMask(word: string): Masked | undefined {
  const slash = word.indexOf('/')
  const value = uint(slash < 0 ? word : word.slice(0, slash), 0, 0xffffffff)
  const mask = slash < 0 ? 0xffffffff : uint(word.slice(slash + 1), 0, 0xffffffff)
  return value === undefined || mask === undefined ? undefined : { value, mask }
}

/** A port: a number or a service name of `proto` (of any protocol when none is given). */
export function port(word: string, proto?: string): number | undefined {
  return uint(word, 0, 65535) ?? servicePort(word, proto)
}

/**
 * `port`, `from:to`, `from:` or `:to`. 'reversed' when from is above to.
 *
 * @example portRange(':1023', 'tcp') // { from: 0, to: 1023 }
 */
export function portRange(word: string, proto?: string): Range | undefined | 'reversed' {
  const colon = word.indexOf(':')
  if (colon < 0) {
    const single = port(word, proto)
    return single === undefined ? undefined : { from: single, to: single }
  }
  const low = word.slice(0, colon)
  const high = word.slice(colon + 1)
  const from = low === '' ? 0 : port(low, proto)
  const to = high === '' ? 65535 : port(high, proto)
  if (from === undefined || to === undefined) return undefined
  return from > to ? 'reversed' : { from, to }
}

/** As some matches take a range of ports: '' is 0, and the first may be above the second, which holds nothing. */
export function anyPortRange(word: string, find: (text: string) => number | undefined = port): Range | undefined {
  const parts = word.split(':')
  const [low = '', high] = parts
  const from = low === '' ? 0 : find(low)
  const to = high === undefined ? from : high === '' ? 65535 : find(high)
  return parts.length > 2 || from === undefined || to === undefined ? undefined : { from, to }
}

/**
 * An address with the length of a prefix, as matches keep it that do not mask it: `ADDRESS/LENGTH`. IPv4 as C's inet_aton
 * reads a whole number.
 *
 * @example unmasked('10.0.0.1/8', 'ipv4') // '10.0.0.1/8'
 */
export function unmasked(word: string, family: Family): Prefix | undefined {
  const masked = prefix(word, family)
  const slash = word.lastIndexOf('/')
  const host = slash < 0 ? word : word.slice(0, slash)
  const number = family === 'ipv4' && !host.includes('.') ? uint(host, 0, 0xffffffff) : undefined
  const plain = number === undefined ? address(host, family, true) : formatIpv4(number)
  if (plain === undefined) return undefined
  if (masked === undefined) return slash < 0 && number !== undefined ? `${plain}/32` : undefined
  return `${plain}${masked.slice(masked.lastIndexOf('/'))}`
}

/**
 * An IPv4 address as `-s` takes it: bytes in any of C's notations, missing ones at the end are 0.
 *
 * @example looseIpv4('10.1') // 167837696
 */
export function looseIpv4(word: string): number | undefined {
  const strict = parseIpv4(word)
  if (strict !== null) return strict
  if (word.length > 19) return undefined
  const parts = word.split('.')
  if (parts.length > 4) return undefined
  let value = 0
  for (let i = 0; i < 4; i++) {
    const part = parts[i]
    const byte = part === undefined ? 0 : uint(part, 0, 255)
    if (byte === undefined) return undefined
    value = value * 256 + byte
  }
  return value
}

/** One address in canonical text; IPv4 strictly dotted (`loose`: as `-s` takes it). */
export function address(word: string, family: Family, loose = false): string | undefined {
  if (family === 'ipv4') {
    const value = loose ? looseIpv4(word) : (parseIpv4(word) ?? undefined)
    return value === undefined ? undefined : formatIpv4(value)
  }
  const words = parseIpv6(word)
  return words === null ? undefined : formatIpv6(words)
}

function prefix4(host: string, mask: string | undefined): Prefix | undefined {
  let length: number | null | undefined = mask === undefined ? 32 : uint(mask, 0, 32)
  let bits = 0
  if (length === undefined) {
    const dotted = mask!.split('.').length === 4 ? looseIpv4(mask!) : undefined
    if (dotted === undefined) return undefined
    bits = dotted
    length = maskLength('ipv4', [bits, 0, 0, 0])
  } else bits = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
  if (bits === 0) return '0.0.0.0/0' // any/0: iptables does not look at the address
  const value = looseIpv4(host)
  if (value === undefined) return undefined
  return `${formatIpv4((value & bits) >>> 0)}/${length ?? formatIpv4(bits)}`
}

function prefix6(host: string, mask: string | undefined): Prefix | undefined {
  const length = mask === undefined ? 128 : uint(mask, 0, 128)
  const bits = length === undefined ? parseIpv6(mask as string) : maskWords('ipv6', length)
  if (bits === null) return undefined
  if (bits.every((w) => w === 0)) return '::/0'
  const words = parseIpv6(host)
  if (words === null) return undefined
  return `${formatIpv6(maskAddress(words, bits))}/${maskLength('ipv6', bits) ?? formatIpv6(bits)}`
}

/**
 * `ADDRESS`, `ADDRESS/LENGTH` or `ADDRESS/MASK` as the canonical, masked prefix of the model. Host names are not
 * looked up.
 *
 * @example prefix('10.1.2.3/255.255.255.0', 'ipv4') // '10.1.2.0/24'
 * @example prefix('fd00::1', 'ipv6') // 'fd00::1/128'
 */
export function prefix(word: string, family: Family): Prefix | undefined {
  const slash = word.lastIndexOf('/')
  const host = slash < 0 ? word : word.slice(0, slash)
  const mask = slash < 0 ? undefined : word.slice(slash + 1)
  return family === 'ipv4' ? prefix4(host, mask) : prefix6(host, mask)
}

const ASCII = /^[\x20-\x7e]*$/

/** Length of a text in bytes of UTF-8. */
export function byteLength(text: string): number {
  if (ASCII.test(text)) return text.length
  let bytes = 0
  for (const c of text) {
    const code = c.codePointAt(0) as number
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

/** The longest beginning of a text that has at most `bytes` bytes in UTF-8: iptables cuts free text so, silently. */
export function cutBytes(text: string, bytes: number): string {
  if (byteLength(text) <= bytes) return text
  let used = 0
  let end = 0
  for (const c of text) {
    used += byteLength(c)
    if (used > bytes) break
    end += c.length
  }
  return text.slice(0, end)
}

/** A name that stands bare in a rule: not empty, no blank, quote or control character. */
export function isBareName(name: string): boolean {
  return name !== '' && !/[\s"\u0000-\u001f\u007f]/.test(name)
}
