// The checksums of layer 3 and 4: the internet checksum with its pseudo-headers, and SCTP's CRC32c.
// Spec: RFC 1071 (internet checksum), RFC 768 / 9293 / 8200 section 8.1 (pseudo-headers), RFC 3828 (UDP-Lite
// coverage), RFC 4340 section 9 (DCCP coverage), RFC 9260 appendix A (CRC32c).
import {
  PROTOCOL_DCCP,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
} from './proto.js'

/** Sum of big-endian 16-bit words, an odd last byte padded with 0; not folded. Right up to 16 MiB. */
function wordSum(bytes: Uint8Array): number {
  let sum = 0
  const even = bytes.length & ~1
  for (let i = 0; i < even; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!
  return even === bytes.length ? sum : sum + (bytes[even]! << 8)
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return folded
}

/**
 * The internet checksum of bytes whose checksum field is 0; over bytes that hold a good checksum it is 0.
 *
 * @example internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)) // 0x220d
 */
export function internetChecksum(bytes: Uint8Array): number {
  return ~fold(wordSum(bytes)) & 0xffff
}

const CRC32C_TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** CRC32c (Castagnoli) of bytes, as an unsigned number. SCTP sends it with its lowest byte first. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC32C_TABLE[(crc ^ byte) & 255]!
  return ~crc >>> 0
}

/** The addresses that go into a pseudo-header, 4 or 16 bytes each. */
export interface Ends {
  readonly src: Uint8Array
  readonly dst: Uint8Array
}

/** Byte offset of a protocol's 16-bit checksum; null when it has none (or, as SCTP, another kind). */
function checksumOffset(proto: number): number | null {
  switch (proto) {
    case PROTOCOL_TCP:
      return 16
    case PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
    case PROTOCOL_DCCP:
      return 6
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
      return 2
    default:
      return null
  }
}

/** The pseudo-header's share; ICMP (IPv4) has none. */
function pseudoSum(proto: number, ends: Ends, length: number): number {
  if (proto === PROTOCOL_ICMP) return 0
  return wordSum(ends.src) + wordSum(ends.dst) + proto + (length >>> 16) + (length & 0xffff)
}

/** The part of a segment that its checksum covers; null when the coverage field is senseless. */
function covered(proto: number, segment: Uint8Array): Uint8Array | null {
  if (proto === PROTOCOL_UDPLITE) {
    const coverage = (segment[4]! << 8) | segment[5]!
    if (coverage === 0) return segment
    return coverage < 8 || coverage > segment.length ? null : segment.subarray(0, coverage)
  }
  if (proto === PROTOCOL_DCCP) {
    const coverage = segment[5]! & 15
    if (coverage === 0) return segment
    const end = segment[4]! * 4 + (coverage - 1) * 4
    return end > segment.length ? null : segment.subarray(0, end)
  }
  return segment
}

/** How many bytes the pseudo-header says: UDP's own length, else the segment's. */
function pseudoLength(proto: number, segment: Uint8Array): number {
  return proto === PROTOCOL_UDP ? (segment[4]! << 8) | segment[5]! : segment.length
}

/**
 * Writes the right checksum into a layer-4 segment (a wrong one with `spoil`). Protocols without one are left alone.
 * `segment` is whole, from the layer-4 header to the last byte, with its other fields filled in.
 */
export function writeChecksum(proto: number, ends: Ends, segment: Uint8Array, spoil: boolean): void {
  if (proto === PROTOCOL_SCTP) {
    segment.fill(0, 8, 12)
    const crc = (crc32c(segment) ^ (spoil ? 1 : 0)) >>> 0 || 2 // 0 would say "left to the card"; only a spoilt one can be 0
    for (let i = 0; i < 4; i++) segment[8 + i] = crc >>> (8 * i)
    return
  }
  const at = checksumOffset(proto)
  if (at === null) return
  segment.fill(0, at, at + 2)
  const part = covered(proto, segment) ?? segment
  let checksum = ~fold(wordSum(part) + pseudoSum(proto, ends, pseudoLength(proto, segment))) & 0xffff
  if (checksum === 0 && (proto === PROTOCOL_UDP || proto === PROTOCOL_UDPLITE)) checksum = 0xffff
  for (;;) {
    if (spoil) checksum = (checksum + 1) & 0xffff
    segment[at] = checksum >>> 8
    segment[at + 1] = checksum
    if (!spoil || checkChecksum(proto, ends, segment) === 'bad') return
  }
}

/**
 * What a whole segment's checksum says: `none` (the protocol or the sender has none), `partial` (left to the network
 * card: what a capture on the sending host shows; the kernel takes these as good), `good`, or `bad`.
 */
export function checkChecksum(proto: number, ends: Ends, segment: Uint8Array): 'none' | 'partial' | 'good' | 'bad' {
  if (proto === PROTOCOL_SCTP) {
    const found = (segment[8]! | (segment[9]! << 8) | (segment[10]! << 16) | (segment[11]! << 24)) >>> 0
    if (found === 0) return 'partial'
    const copy = segment.slice()
    copy.fill(0, 8, 12)
    return crc32c(copy) === found ? 'good' : 'bad'
  }
  const at = checksumOffset(proto)
  if (at === null) return 'none'
  const found = (segment[at]! << 8) | segment[at + 1]!
  if (found === 0 && proto === PROTOCOL_UDP) return 'none'
  const part = covered(proto, segment)
  if (part === null) return 'bad'
  const pseudo = pseudoSum(proto, ends, pseudoLength(proto, segment))
  if (fold(wordSum(part) + pseudo) === 0xffff) return 'good'
  return pseudo > 0 && fold(pseudo) === found ? 'partial' : 'bad'
}
