// The kernel's jhash of few words (include/linux/jhash.h, by Bob Jenkins).

export class Jhash {
  /** jhash_3words; with 0 for what is missing jhash_1word and jhash_2words, but for `words`. */
  static words(a: u32, b: u32, c: u32, words: u32, start: u32): u32 {
    const first: u32 = 0xdeadbeef + (words << 2) + start
    a += first
    b += first
    c += first
    c = (c ^ b) - rotl<u32>(b, 14)
    a = (a ^ c) - rotl<u32>(c, 11)
    b = (b ^ a) - rotl<u32>(a, 25)
    c = (c ^ b) - rotl<u32>(b, 16)
    a = (a ^ c) - rotl<u32>(c, 4)
    b = (b ^ a) - rotl<u32>(a, 14)
    return (c ^ b) - rotl<u32>(b, 24)
  }
}
