// bpf: a program of the classic Berkeley packet filter over the bytes of the packet. Kernel: net/netfilter/xt_bpf.c,
// net/core/filter.c. What its accumulator does not know of a byte is asked for when it is used; masks and shifts keep it.
import { Asked } from './asked'
import { Bytes, Loaded } from './bytes'
import {
  BPF_MEMORY_AT,
  BPF_MEMORY_BYTES,
  CTX_FAMILY_AT,
  CTX_LENGTH_AT,
  CTX_MARK_AT,
  FIELD_BPF,
  FIELD_BYTES,
} from './layout'

const NETWORK: u32 = 0xfff00000 // SKF_NET_OFF
const LINK: u32 = 0xffe00000 // SKF_LL_OFF
const ANCILLARY: u32 = 0xfffff000 // SKF_AD_OFF

export class Bpf {
  private static x: u32 = 0

  /** Address of a word of the program's memory. */
  private static word(k: u32): usize {
    return (BPF_MEMORY_AT as usize) + (((k & 15) as usize) << 2)
  }

  /** The accumulator, all of which must be known; false: it was asked for. */
  private static known(): bool {
    const field = Loaded.missing()
    if (field === 0) return true
    Asked.need(field)
    return false
  }

  /** Loads bytes; false: the program is over, there are none (or something was asked for). */
  private static load(from: u32, bytes: u32): bool {
    let at = from
    if (at >= ANCILLARY && (at === ANCILLARY || at === ANCILLARY + 20)) {
      const six = load<u32>(CTX_FAMILY_AT) === 6
      Loaded.clear(at === ANCILLARY ? (six ? 0x86dd : 0x0800) : load<u32>(CTX_MARK_AT))
      return true
    }
    if (at >= ANCILLARY) return Asked.need(FIELD_BPF)
    if (at >= NETWORK) at -= NETWORK
    else if (at >= LINK) return Asked.need(FIELD_BYTES)
    const length = load<u32>(CTX_LENGTH_AT)
    if (at >= 0x80000000 || length < bytes || at > length - bytes) return false
    Loaded.read(at, bytes)
    return true
  }

  private static arithmetic(code: u32, operand: u32): bool {
    switch (code & 0xf0) {
      case 0x50: // and
        Loaded.and(operand)
        return true
      case 0x60: // left
        Loaded.left(operand & 31)
        return true
      case 0x70: // right
        Loaded.right(operand & 31)
        return true
    }
    if (!Bpf.known()) return false
    const a = Loaded.value
    let out: u32 = 0
    switch (code & 0xf0) {
      case 0x00:
        out = a + operand
        break
      case 0x10:
        out = a - operand
        break
      case 0x20:
        out = a * operand
        break
      case 0x30:
        if (operand === 0) return false
        out = a / operand
        break
      case 0x40:
        out = a | operand
        break
      case 0x80:
        out = -a
        break
      case 0x90:
        if (operand === 0) return false
        out = a % operand
        break
      default:
        out = a ^ operand
    }
    Loaded.clear(out)
    return true
  }

  /** Runs the instructions at an address, two words each; what the program returns. 0 also when something was asked for. */
  private static run(program: usize, words: u32): u32 {
    Loaded.clear(0)
    Bpf.x = 0
    memory.fill(BPF_MEMORY_AT, 0, BPF_MEMORY_BYTES)
    for (let at: u32 = 0; at + 1 < words; at += 2) {
      const head = load<u32>(program + ((at as usize) << 2))
      const k = load<u32>(program + ((at as usize) << 2), 4)
      const code = head & 0xffff
      switch (code & 7) {
        case 0: // to A
          if (code === 0x00) Loaded.clear(k)
          else if (code === 0x60) Loaded.clear(load<u32>(Bpf.word(k)))
          else if (code === 0x80) Loaded.clear(load<u32>(CTX_LENGTH_AT))
          else {
            const bytes: u32 = (code & 0x18) === 0 ? 4 : (code & 0x18) === 8 ? 2 : 1
            const indirect = (code & 0xe0) === 0x40
            if (!Bpf.load(indirect ? Bpf.x + k : k, bytes)) return 0
          }
          break
        case 1: // to X
          if (code === 0x01) Bpf.x = k
          else if (code === 0x61) Bpf.x = load<u32>(Bpf.word(k))
          else if (code === 0x81) Bpf.x = load<u32>(CTX_LENGTH_AT)
          else {
            const length = load<u32>(CTX_LENGTH_AT)
            if (k >= length) return 0
            const byte = Bytes.at(k)
            if ((Bytes.unknown & 15) !== 0) {
              Asked.need(Bytes.field)
              return 0
            }
            Bpf.x = (byte & 15) << 2
          }
          break
        case 2: // A to memory
          if (!Bpf.known()) return 0
          store<u32>(Bpf.word(k), Loaded.value)
          break
        case 3:
          store<u32>(Bpf.word(k), Bpf.x)
          break
        case 4:
          if (!Bpf.arithmetic(code, (code & 8) !== 0 ? Bpf.x : k)) return 0
          break
        case 5: {
          if (code === 0x05) {
            if (k >= words) return 0
            at += k << 1
            break
          }
          if (!Bpf.known()) return 0
          const operand = (code & 8) !== 0 ? Bpf.x : k
          const a = Loaded.value
          const kind = code & 0xf0
          const holds =
            kind === 0x10
              ? a === operand
              : kind === 0x20
                ? a > operand
                : kind === 0x30
                  ? a >= operand
                  : (a & operand) !== 0
          at += (holds ? (head >>> 16) & 255 : head >>> 24) << 1
          break
        }
        case 6:
          if ((code & 0x18) === 0) return k
          return Bpf.known() ? Loaded.value : 0
        default:
          if (code === 0x87) Loaded.clear(Bpf.x)
          else {
            if (!Bpf.known()) return 0
            Bpf.x = Loaded.value
          }
      }
    }
    return 0
  }

  static match(program: usize, words: u32): bool {
    return Bpf.run(program, words) !== 0 && !Asked.stopped()
  }
}
