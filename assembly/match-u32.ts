// u32: numbers read from the packet, moved and masked, and compared with ranges. Kernel: net/netfilter/xt_u32.c.
import { Asked } from './asked'
import { Loaded } from './bytes'
import { CTX_LENGTH_AT, U32_AND, U32_END, U32_LEFT, U32_RIGHT } from './layout'

export class U32 {
  /** Runs the program at an address, so many bytes long. */
  static match(program: usize, bytes: u32, inverted: bool): bool {
    const length = load<u32>(CTX_LENGTH_AT)
    const end = program + bytes
    let at = program
    while (at + 8 <= end && load<u32>(at) !== U32_END) {
      let from: u32 = 0
      let first = true
      for (; at + 8 <= end && load<u32>(at) !== U32_END; at += 8) {
        const number = load<u32>(at, 4)
        switch (load<u32>(at)) {
          case U32_AND:
            Loaded.and(number)
            break
          case U32_LEFT:
            Loaded.left(number)
            break
          case U32_RIGHT:
            Loaded.right(number)
            break
          default: {
            if (!first) {
              if (Loaded.missing() !== 0) return Asked.need(Loaded.missing())
              if (from + Loaded.value < from) return inverted
              from += Loaded.value
            }
            first = false
            if (from + 4 < from || length < from + 4 || number > length - from - 4) return inverted
            Loaded.read(from + number, 4)
          }
        }
      }
      if (at + 8 > end) return inverted
      if (Loaded.missing() !== 0) return Asked.need(Loaded.missing())
      const ranges = load<u32>(at, 4)
      at += 8
      let found = false
      for (let i: u32 = 0; i < ranges && at + 8 <= end; i++, at += 8)
        if (Loaded.value >= load<u32>(at) && Loaded.value <= load<u32>(at, 4)) found = true
      if (!found) return inverted
    }
    return !inverted
  }
}
