// Bump allocation in linear memory, and where the image's sections lie. Nothing is ever freed: all of it is allocated
// when an image is loaded or a batch is made, never while packets run.
import { IMAGE_HEADER_BYTES, IMAGE_SECTIONS_OFF, SECTION_ALIGN_BYTES, SECTION_ENTRY_BYTES } from './layout'

/** Up to a multiple of 64. */
export function round64(bytes: usize): usize {
  return (bytes + 63) & ~63
}

export class Memory {
  /** End of what is in use; 0 before the first allocation. */
  static top: usize = 0
  static image: usize = 0

  /** `bytes` zeroed bytes, 64-aligned; 0 when memory cannot grow so far. */
  static allocate(bytes: usize): usize {
    if (Memory.top === 0) Memory.top = (__heap_base + 63) & ~(<usize>63)
    const at = Memory.top
    const end: u64 = ((<u64>at + <u64>bytes + 63) >> 6) << 6
    const pages = <i32>((end + 65535) >> 16)
    if (end > <u64>0xffff0000) return 0
    const missing = pages - memory.size()
    if (missing > 0 && memory.grow(missing) < 0) return 0
    Memory.top = <usize>end
    return at
  }

  /** Address of a section of the image in use; 0 when it is absent. */
  static section(id: u32): usize {
    return Memory.sectionOf(Memory.image, id)
  }

  /** Its length in bytes; 0 when it is absent. */
  static sectionBytes(id: u32): u32 {
    return Memory.sectionBytesOf(Memory.image, id)
  }

  /** Likewise of any image. */
  static sectionOf(image: usize, id: u32): usize {
    const entry = Memory.entry(image, id)
    return entry === 0 ? 0 : image + load<u32>(entry + 4)
  }

  static sectionBytesOf(image: usize, id: u32): u32 {
    const entry = Memory.entry(image, id)
    return entry === 0 ? 0 : load<u32>(entry + 8)
  }

  private static entry(image: usize, id: u32): usize {
    const count = load<u32>(image + IMAGE_SECTIONS_OFF)
    for (let i: u32 = 0; i < count; i++) {
      const at = image + IMAGE_HEADER_BYTES + i * SECTION_ENTRY_BYTES
      if (load<u32>(at) === id) return at
    }
    return 0
  }

  /** Zeroes a small record; `bytes` is a multiple of 16. An engine calls out for memory.fill, which costs more. */
  static clear(at: usize, bytes: usize): void {
    const end = at + bytes
    const zero = v128.splat<i32>(0)
    for (; at < end; at += 16) v128.store(at, zero)
  }

  /** Is the address aligned as sections are? */
  static aligned(at: usize): bool {
    return (at & (SECTION_ALIGN_BYTES - 1)) === 0
  }
}
