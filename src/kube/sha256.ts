// SHA-256, synchronous, for short texts: kube-proxy's chain names are made of it.
// Owns the hash alone; the platform's own hashes are either asynchronous (browsers) or Node's. Spec: FIPS 180-4.
// Names end in letters of the first 80 bits only, but the whole digest is computed, so that it can be tested.

const K = new Int32Array(64)
const INITIAL = new Int32Array(8)

// FIPS 180-4 4.2.2, 5.3.3: the first 32 bits of the fractional parts of the cube and square roots of the first primes.
// A double's root has 52 bits; the integer part takes at most 5 of them, so 32 bits of fraction are exact.
function fillConstants(): void {
  let count = 0
  for (let n = 2; count < 64; n++) {
    let prime = true
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false
    if (!prime) continue
    if (count < 8) INITIAL[count] = fraction(Math.sqrt(n))
    K[count++] = fraction(Math.cbrt(n))
  }
}

function fraction(x: number): number {
  return ((x - Math.floor(x)) * 0x100000000) | 0
}

fillConstants()

const encoder = new TextEncoder()
const W = new Int32Array(64)
const H = new Int32Array(8)
let buffer = new Uint8Array(256)

/**
 * The SHA-256 digest of the text's UTF-8 bytes: 32 bytes.
 *
 * @example sha256('abc')[0] // 0xba
 */
export function sha256(text: string): Uint8Array {
  digest(text)
  const out = new Uint8Array(32)
  for (let i = 0; i < 32; i++) out[i] = (H[i >> 2]! >>> (24 - 8 * (i & 3))) & 0xff
  return out
}

const BASE32 = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')
const codes: number[] = new Array<number>(16).fill(0)

/**
 * The first 16 characters of base32 (RFC 4648, upper case) of the text's SHA-256: what follows the prefix in
 * kube-proxy's chain names.
 *
 * @example chainHash('ns1/svc1:p80tcp') // 'XPGD46QRK7WJZT7O'
 */
export function chainHash(text: string): string {
  digest(text)
  // 16 characters = 80 bits = H[0], H[1] and the upper half of H[2]; five bits at a time.
  let bits = 0
  let held = 0
  let n = 0
  for (let i = 0; i < 10; i++) {
    held = (held << 8) | ((H[i >> 2]! >>> (24 - 8 * (i & 3))) & 0xff)
    bits += 8
    while (bits >= 5) {
      bits -= 5
      codes[n++] = BASE32[(held >>> bits) & 31]!
    }
    held &= (1 << bits) - 1
  }
  // In one call, so that the text is one piece: half a million of these are compared and kept.
  return String.fromCharCode(...codes)
}

/** Leaves the digest in H. */
function digest(text: string): void {
  const need = text.length * 3 + 72
  if (buffer.length < need) buffer = new Uint8Array(need * 2)
  const length = encoder.encodeInto(text, buffer).written
  const total = (length + 9 + 63) & ~63
  buffer[length] = 0x80
  buffer.fill(0, length + 1, total)
  // Length in bits, 64 bits big endian; texts here are far below 2^29 bytes, yet the upper word is right up to 2^53 bits.
  const high = Math.floor(length / 0x20000000)
  const low = (length << 3) >>> 0
  for (let i = 0; i < 4; i++) {
    buffer[total - 8 + i] = (high >>> (24 - 8 * i)) & 0xff
    buffer[total - 4 + i] = (low >>> (24 - 8 * i)) & 0xff
  }
  H.set(INITIAL)
  for (let at = 0; at < total; at += 64) block(at)
}

function block(at: number): void {
  const w = W
  for (let i = 0, p = at; i < 16; i++, p += 4) {
    w[i] = (buffer[p]! << 24) | (buffer[p + 1]! << 16) | (buffer[p + 2]! << 8) | buffer[p + 3]!
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!
    const y = w[i - 2]!
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
  }
  let a = H[0]!
  let b = H[1]!
  let c = H[2]!
  let d = H[3]!
  let e = H[4]!
  let f = H[5]!
  let g = H[6]!
  let h = H[7]!
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  H[0] = H[0]! + a
  H[1] = H[1]! + b
  H[2] = H[2]! + c
  H[3] = H[3]! + d
  H[4] = H[4]! + e
  H[5] = H[5]! + f
  H[6] = H[6]! + g
  H[7] = H[7]! + h
}
