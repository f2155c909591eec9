// Addresses and prefixes as Kubernetes reads them: leading zeros are decimal and mean nothing, an IPv4-mapped IPv6
// address is its IPv4 address. What comes out is canonical text, as everywhere else.
// Source: k8s.io/utils/net ParseIPSloppy, ParseCIDRSloppy, IsIPv6.
import {
  familyBits,
  formatAddress,
  formatIpv4,
  formatPrefix,
  type IpAddress,
  parseAddress,
  parseIpv4Sloppy,
  parsePrefix,
  prefixContains,
} from '../net/ip.js'
import type { Family } from '../netfilter/model.js'

/** Canonical text and its family. */
export interface FamilyText {
  readonly family: Family
  readonly text: string
}

const CANONICAL_V4 =
  /^(?:25[0-5]|2[0-4]\d|1?\d?\d)\.(?:25[0-5]|2[0-4]\d|1?\d?\d)\.(?:25[0-5]|2[0-4]\d|1?\d?\d)\.(?:25[0-5]|2[0-4]\d|1?\d?\d)$/

/**
 * An address as Kubernetes reads it; null when it is none.
 *
 * @example readAddress('172.30.0.041')?.text // '172.30.0.41'
 * @example readAddress('FD00::1')?.text // 'fd00::1'
 */
export function readAddress(text: string): FamilyText | null {
  // The ordinary case, which needs no reading: there are hundreds of thousands of them. `01.2.3.4` does not get here.
  if (CANONICAL_V4.test(text) && !/(?:^|\.)0\d/.test(text)) return { family: 'ipv4', text }
  if (!text.includes(':')) {
    const value = parseIpv4Sloppy(text)
    return value === null ? null : { family: 'ipv4', text: formatIpv4(value) }
  }
  const address = parseAddress(text)
  return address === null ? null : named(address)
}

function named(address: IpAddress): FamilyText {
  const [a, b, c, d] = address.words
  if (address.family === 'ipv6' && a === 0 && b === 0 && c === 0xffff) return { family: 'ipv4', text: formatIpv4(d) }
  return { family: address.family, text: formatAddress(address) }
}

/**
 * A prefix `ADDRESS/LENGTH` as Kubernetes reads it, masked; null when it is none. A bare address is none.
 *
 * @example readPrefix('203.0.113.5/025')?.text // '203.0.113.0/25'
 */
export function readPrefix(text: string): FamilyText | null {
  const slash = text.indexOf('/')
  if (slash < 0 || slash > 64) return null
  const plain = text.slice(0, slash).includes(':') ? parseAddress(text.slice(0, slash)) : v4(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (plain === null || !/^\d{1,10}$/.test(digits)) return null
  const length = Number(digits)
  if (length > familyBits(plain.family)) return null
  return { family: plain.family, text: formatPrefix({ ...plain, length }) }
}

function v4(text: string): IpAddress | null {
  const value = parseIpv4Sloppy(text)
  return value === null ? null : { family: 'ipv4', words: [value, 0, 0, 0] }
}

/**
 * Whether the prefix (canonical text) holds the address (canonical text); false across families.
 *
 * @example contains('10.0.0.0/8', '10.1.2.3') // true
 */
export function contains(prefix: string, address: string): boolean {
  const p = parsePrefix(prefix)
  const a = parseAddress(address)
  return p !== null && a !== null && prefixContains(p, a)
}

/** The address as a prefix of its whole length, e.g. `10.0.0.1/32`. `address` is canonical text. */
export function hostPrefix(address: string): string {
  return address.includes(':') ? `${address}/128` : `${address}/32`
}

/** A pod CIDR for display and detection: the family it is of, by its look. */
export function familyOfText(text: string): Family {
  return text.includes(':') ? 'ipv6' : 'ipv4'
}
