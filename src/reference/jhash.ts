// The kernel's jhash2 (include/linux/jhash.h, by Bob Jenkins), by which NAT picks an address out of a range.

const GOLDEN = 0xdeadbeef

function rotate(x: number, k: number): number {
  return ((x << k) | (x >>> (32 - k))) >>> 0
}

/** The hash of 32-bit words with a 32-bit start value. */
export function jhash2(words: readonly number[], start: number): number {
  let a = (GOLDEN + words.length * 4 + start) >>> 0
  let b = a
  let c = a
  let i = 0
  let left = words.length
  while (left > 3) {
    a = (a + words[i]!) >>> 0
    b = (b + words[i + 1]!) >>> 0
    c = (c + words[i + 2]!) >>> 0
    a = (((a - c) >>> 0) ^ rotate(c, 4)) >>> 0
    c = (c + b) >>> 0
    b = (((b - a) >>> 0) ^ rotate(a, 6)) >>> 0
    a = (a + c) >>> 0
    c = (((c - b) >>> 0) ^ rotate(b, 8)) >>> 0
    b = (b + a) >>> 0
    a = (((a - c) >>> 0) ^ rotate(c, 16)) >>> 0
    c = (c + b) >>> 0
    b = (((b - a) >>> 0) ^ rotate(a, 19)) >>> 0
    a = (a + c) >>> 0
    c = (((c - b) >>> 0) ^ rotate(b, 4)) >>> 0
    b = (b + a) >>> 0
    i += 3
    left -= 3
  }
  if (left === 0) return c
  if (left >= 3) c = (c + words[i + 2]!) >>> 0
  if (left >= 2) b = (b + words[i + 1]!) >>> 0
  a = (a + words[i]!) >>> 0
  c = ((c ^ b) - rotate(b, 14)) >>> 0
  a = ((a ^ c) - rotate(c, 11)) >>> 0
  b = ((b ^ a) - rotate(a, 25)) >>> 0
  c = ((c ^ b) - rotate(b, 16)) >>> 0
  a = ((a ^ c) - rotate(c, 4)) >>> 0
  b = ((b ^ a) - rotate(a, 14)) >>> 0
  return ((c ^ b) - rotate(b, 24)) >>> 0
}
