// Packet and byte counters, 16 bytes each: of every chain (its policy), then of its rules, in the order of the image.

/** Where the counters lie, and how one goes up. */
export class Counters {
  static base: usize = 0

  /** One packet more, `bytes` long. */
  static add(index: u32, bytes: u32): void {
    const at = Counters.base + ((index as usize) << 4)
    store<u64>(at, load<u64>(at) + 1)
    store<u64>(at, load<u64>(at, 8) + (bytes as u64), 8)
  }
}
