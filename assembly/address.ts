// Addresses as they lie in memory: four u32 words, most significant first. IPv4 in word 0, the others 0.

export class Address {
  static same(a: usize, b: usize): bool {
    return !v128.any_true(v128.xor(v128.load(a), v128.load(b)))
  }

  static copy(to: usize, from: usize): void {
    v128.store(to, v128.load(from))
  }

  static clear(at: usize): void {
    v128.store(at, v128.splat<i32>(0))
  }

  static isZero(at: usize): bool {
    return !v128.any_true(v128.load(at))
  }

  /** Upper 64 bits as a number that compares like the address. */
  static high(at: usize): u64 {
    return ((<u64>load<u32>(at)) << 32) | load<u32>(at + 4)
  }

  static low(at: usize): u64 {
    return ((<u64>load<u32>(at + 8)) << 32) | load<u32>(at + 12)
  }

  /** a <= b, as unsigned numbers of 128 bits. */
  static notAfter(a: usize, b: usize): bool {
    const ah = Address.high(a)
    const bh = Address.high(b)
    return ah === bh ? Address.low(a) <= Address.low(b) : ah < bh
  }

  /** Are the first `length` bits the same? */
  static samePrefix(a: usize, b: usize, length: u32): bool {
    for (let i: u32 = 0; i < 4; i++) {
      const left = <i32>length - 32 * <i32>i
      if (left <= 0) return true
      const differ = load<u32>(a + i * 4) ^ load<u32>(b + i * 4)
      if (left >= 32 ? differ !== 0 : differ >>> (32 - <u32>left) !== 0) return false
    }
    return true
  }

  /** How many leading bits are the same, 0..128. */
  static commonBits(a: usize, b: usize): u32 {
    for (let i: u32 = 0; i < 4; i++) {
      const differ = load<u32>(a + i * 4) ^ load<u32>(b + i * 4)
      if (differ !== 0) return i * 32 + clz<u32>(differ)
    }
    return 128
  }

  static isMulticast(at: usize, family: u32): bool {
    const first = load<u32>(at)
    return family === 4 ? first >>> 28 === 14 : first >>> 24 === 0xff
  }

  static isLoopback4(at: usize): bool {
    return load<u32>(at) >>> 24 === 127
  }

  /** fe80::/10. */
  static isLinkLocal(at: usize): bool {
    return load<u32>(at) >>> 22 === 0x3fa
  }

  static isLoopback6(at: usize): bool {
    return Address.high(at) === 0 && Address.low(at) === 1
  }

  /** The hash by which compile/ placed own addresses and neighbours. */
  static hash(address: usize): u32 {
    let h: u32 = load<u32>(address) * 0x9e3779b1
    h = (h ^ load<u32>(address + 4)) * 0x85ebca6b
    h = (h ^ load<u32>(address + 8)) * 0xc2b2ae35
    h = (h ^ load<u32>(address + 12)) * 0x27d4eb2f
    return h ^ (h >>> 15)
  }
}
