// Addresses and prefixes as the naive engine compares them: canonical text, and one big number to calculate with.
// Owns the small helpers on top of net/ip.ts; nothing here knows rules or routes.
import { addressFromBigInt, addressToBigInt, familyBits, formatAddress, parseAddress } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'

/** A function of a text that remembers what it said of the texts it was asked last. */
function remembered<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const old = known.get(text)
    if (old !== undefined) return old
    if (known.size === 4096) known.clear()
    const value = of(text)
    known.set(text, value)
    return value
  }
}

/** The number of an address text; a RangeError when it is none. */
export const numberOf: (text: string) => bigint = remembered((text) => {
  const address = parseAddress(text)
  if (address === null) throw new RangeError(`not an address: ${text}`)
  return addressToBigInt(address)
})

export function textOf(family: Family, value: bigint): string {
  return formatAddress(addressFromBigInt(family, value))
}

export function bitsOf(family: Family): number {
  return familyBits(family)
}

export function familyOfText(text: string): Family {
  return text.includes(':') ? 'ipv6' : 'ipv4'
}

interface Masked {
  readonly family: Family
  readonly value: bigint
  readonly mask: bigint
  readonly length: number
}

function maskOfLength(bits: number, length: number): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(bits - length)
}

/** The mask of a prefix of that length, as an address. */
export function prefixMask(family: Family, length: number): string {
  return textOf(family, maskOfLength(bitsOf(family), length))
}

/** `ADDRESS/LENGTH` or `ADDRESS/MASK` (or a bare address) as a number and a mask. */
export const maskedOf: (prefix: string) => Masked = remembered((prefix) => {
  const [address = '', rest] = prefix.split('/')
  const family = familyOfText(address)
  const bits = bitsOf(family)
  if (rest === undefined) return { family, value: numberOf(address), mask: maskOfLength(bits, bits), length: bits }
  if (/^\d+$/.test(rest)) {
    const length = Number(rest)
    return { family, value: numberOf(address), mask: maskOfLength(bits, length), length }
  }
  const mask = numberOf(rest)
  return { family, value: numberOf(address), mask, length: mask.toString(2).replaceAll('0', '').length }
})

/** Is the address inside the prefix (or masked address)? False across families. */
export function inPrefix(address: string, prefix: string): boolean {
  const { family, value, mask } = maskedOf(prefix)
  return familyOfText(address) === family && ((numberOf(address) ^ value) & mask) === 0n
}

/** The bits that the mask leaves, as text. */
export function applyMask(address: string, mask: string): string {
  return textOf(familyOfText(address), numberOf(address) & numberOf(mask))
}

/** How many leading bits two addresses of one family share. */
export function commonLength(a: string, b: string): number {
  const bits = bitsOf(familyOfText(a))
  const differing = numberOf(a) ^ numberOf(b)
  return bits - (differing === 0n ? 0 : differing.toString(2).length)
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(address: string): boolean {
  return inPrefix(address, address.includes(':') ? 'ff00::/8' : '224.0.0.0/4')
}

/** The words of an address, as many as its family has. */
export function addressWordsOf(address: string): number[] {
  return wordsOf(familyOfText(address), numberOf(address))
}

/** Those of a prefix's mask. */
export function maskWordsOf(family: Family, length: number): number[] {
  return wordsOf(family, maskOfLength(bitsOf(family), length))
}

function wordsOf(family: Family, value: bigint): number[] {
  const words: number[] = []
  for (let shift = bitsOf(family) - 32; shift >= 0; shift -= 32)
    words.push(Number((value >> BigInt(shift)) & 0xffffffffn))
  return words
}
