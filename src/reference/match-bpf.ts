// bpf: a program of the classic Berkeley packet filter, instruction by instruction. Kernel: net/netfilter/xt_bpf.c,
// net/core/filter.c; McCanne, Jacobson, "The BSD Packet Filter" (1993). What the accumulator does not know of a byte is asked
// for when it is used; masks and shifts keep it.
import { packetLength } from '../net/length.js'
import { type BpfInstruction, readBytecode } from '../netfilter/bpf.js'
import { type ListedMatch, listed, unquoted } from '../netfilter/model-listed.js'
import { ask, type MatchContext } from './asked.js'
import { bytesOf } from './bytes.js'
import { andBits, type Bit, bitsOf, numberOfBits, shiftBits } from './match-bytes.js'
import type { Skb } from './types.js'

const U32 = 2 ** 32
/** Where loads stand for something else: of the network header, the link layer, the kernel's own facts. */
const [NETWORK, LINK, ANCILLARY] = [0xfff00000, 0xffe00000, 0xfffff000] as const

const bitsOfNumber = (n: number): Bit[] => Array.from({ length: 32 }, (_, i): Bit => ((n >>> (31 - i)) & 1) as 0 | 1)

class Machine {
  a: Bit[] = bitsOfNumber(0)
  x = 0
  readonly memory = new Array<number>(16).fill(0)
  readonly #skb: Skb
  readonly #context: MatchContext
  constructor(skb: Skb, context: MatchContext) {
    this.#skb = skb
    this.#context = context
  }

  get length(): number {
    return packetLength(this.#skb.packet)
  }

  known(): number {
    return numberOfBits(this.a, this.#context)
  }

  /** Bytes as 32 bits; null: they are not there. */
  load(at: number, size: number): Bit[] | null {
    if (at === ANCILLARY) return bitsOfNumber(this.#skb.family === 'ipv4' ? 0x0800 : 0x86dd)
    if (at === ANCILLARY + 20) return bitsOfNumber(this.#skb.mark)
    if (at >= ANCILLARY) return ask('bpf', this.#context)
    const offset = at >= NETWORK ? at - NETWORK : at
    if (at >= LINK && at < NETWORK) return ask('header bytes', this.#context)
    if (offset >= 2 ** 31 || offset + size > this.length) return null
    const bits = bitsOf(bytesOf(this.#skb).slice(offset, offset + size))
    return [...new Array<Bit>(32 - bits.length).fill(0), ...bits]
  }

  /** The new accumulator; null: a division by 0. */
  calculate(operation: number, by: number): Bit[] | null {
    if (operation === 0x60 || operation === 0x70) return shiftBits(this.a, by & 31, operation === 0x60)
    if (operation === 0x50) return andBits(this.a, by)
    const a = this.known()
    if ((operation === 0x30 || operation === 0x90) && by === 0) return null
    const results: Readonly<Record<number, () => number>> = {
      0: () => a + by,
      16: () => a - by + U32,
      32: () => Math.imul(a, by) >>> 0,
      48: () => Math.floor(a / by),
      64: () => (a | by) >>> 0,
      128: () => U32 - a,
      144: () => a % by,
      160: () => (a ^ by) >>> 0,
    }
    return bitsOfNumber(results[operation]!() % U32)
  }
}

/** What the program returns; 0 when it reads what is not there. */
function run(program: readonly BpfInstruction[], machine: Machine, context: MatchContext): number {
  for (let at = 0; at < program.length; at++) {
    const [code, yes, no, k] = program[at]!
    const operand = (code & 8) !== 0 ? machine.x : k
    const size = [4, 2, 1][(code & 0x18) >> 3]!
    switch (code & 7) {
      case 0: {
        let bits: Bit[] | null
        if (code === 0x00) bits = bitsOfNumber(k)
        else if (code === 0x60) bits = bitsOfNumber(machine.memory[k]!)
        else if (code === 0x80) bits = bitsOfNumber(machine.length)
        else bits = machine.load((code & 0xe0) === 0x40 ? (machine.x + k) % U32 : k, size)
        if (bits === null) return 0
        machine.a = bits
        break
      }
      case 1:
        if (code === 0x01) machine.x = k
        else if (code === 0x61) machine.x = machine.memory[k]!
        else if (code === 0x81) machine.x = machine.length
        else {
          const bits = k < machine.length ? machine.load(k, 1) : null
          if (bits === null) return 0
          machine.x = numberOfBits(andBits(bits, 15), context) * 4
        }
        break
      case 2:
        machine.memory[k] = machine.known()
        break
      case 3:
        machine.memory[k] = machine.x
        break
      case 4: {
        const by = (code & 0xf0) === 0x80 ? 0 : operand
        const bits = machine.calculate(code & 0xf0, by)
        if (bits === null) return 0
        machine.a = bits
        break
      }
      case 5: {
        if (code === 0x05) {
          at += k
          break
        }
        const a = machine.known()
        const kind = code & 0xf0
        const holds =
          kind === 0x10
            ? a === operand
            : kind === 0x20
              ? a > operand
              : kind === 0x30
                ? a >= operand
                : (a & operand) !== 0
        at += holds ? yes : no
        break
      }
      case 6:
        return code === 0x06 ? k : machine.known()
      default:
        if (code === 0x87) machine.a = bitsOfNumber(machine.x)
        else machine.x = machine.known()
    }
  }
  return 0
}

export function matchesBpf(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  const program = readBytecode(unquoted(listed(m, 'bytecode')!.text))
  return run(program, new Machine(skb, context), context) !== 0
}
