// string: does a pattern stand in the bytes of the packet? A place where it may stand, because bytes there are not known, is
// asked for, unless it surely stands elsewhere. Kernel: net/netfilter/xt_string.c, net/core/skbuff.c (skb_find_text).
import { Asked } from './asked'
import { Bytes } from './bytes'
import { CTX_LENGTH_AT, FIELD_BYTES, FIELD_CHECKSUM, STRING_ANY_CASE } from './layout'

const NO: u32 = 0
const YES: u32 = 0xffffffff

export class StringMatch {
  /** As the kernel's toupper: Latin-1. */
  private static upper(byte: u32): u32 {
    const letter = (byte >= 97 && byte <= 122) || (byte >= 223 && byte !== 247)
    return letter ? (byte - 32) & 255 : byte
  }

  /** What is asked for of two fields: the first that a packet can give. */
  private static better(field: u32, other: u32): u32 {
    if (field === 0) return other
    const never = field === FIELD_CHECKSUM || field === FIELD_BYTES
    return never && other !== FIELD_CHECKSUM && other !== FIELD_BYTES ? other : field
  }

  /** Does the pattern stand at this place? YES, NO, or the FIELD_* that would say it. */
  private static standsAt(place: u32, pattern: usize, bytes: u32, anyCase: bool): u32 {
    let missing: u32 = 0
    for (let i: u32 = 0; i < bytes; i++) {
      const wanted: u32 = load<u8>(pattern + (i as usize))
      const byte = Bytes.at(place + i)
      if (Bytes.unknown !== 0) {
        if (!anyCase && ((byte ^ wanted) & ~Bytes.unknown & 255) !== 0) return NO
        missing = StringMatch.better(missing, Bytes.field)
      } else if (anyCase ? StringMatch.upper(byte) !== StringMatch.upper(wanted) : byte !== wanted) return NO
    }
    return missing === 0 ? YES : missing
  }

  static match(at: usize, flags: u32, inverted: bool): bool {
    const length = load<u32>(CTX_LENGTH_AT)
    const to = load<u32>(at, 8)
    const end: u32 = length < to ? length : to
    const bytes = load<u32>(at, 12)
    let missing: u32 = 0
    for (let place = load<u32>(at, 4); place + bytes <= end; place++) {
      const found = StringMatch.standsAt(place, at + 16, bytes, (flags & STRING_ANY_CASE) !== 0)
      if (found === YES) return !inverted
      if (found !== NO) missing = StringMatch.better(missing, found)
    }
    return missing === 0 ? inverted : Asked.need(missing)
  }
}
