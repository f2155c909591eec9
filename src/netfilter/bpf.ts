// Is a classic BPF program one that the kernel takes? Owns the codes that there are and where jumps and memory may lead.
// Spec: the kernel's net/core/filter.c (bpf_check_classic).

/** One instruction: code, where to jump when true and when false, operand. */
export type BpfInstruction = readonly [number, number, number, number]

/** The instructions of a program as iptables prints it: `COUNT,CODE JT JF K,…`. */
export function readBytecode(text: string): BpfInstruction[] {
  const [, ...lines] = text.split(',')
  return lines.map((line) => line.split(' ').map(Number) as unknown as BpfInstruction)
}

const CODES: ReadonlySet<number> = new Set(
  (
    '04 0c 14 1c 24 2c 34 3c 44 4c 54 5c 64 6c 74 7c 84 94 9c a4 ac 00 20 28 30 40 48 50 60 80 01 61 81 b1 06 16 07 87 02 03 ' +
    '05 15 1d 25 2d 35 3d 45 4d'
  )
    .split(' ')
    .map((code) => Number.parseInt(code, 16)),
)
const MEMORY: ReadonlySet<number> = new Set([0x60, 0x61, 0x02, 0x03])
const WORDS = 16

/** Where loads stand for what the kernel knows of a packet, and how far apart they are that there are (SKF_AD_*). */
const ANCILLARY = 0xfffff000
const MOST_ANCILLARY = 60

/** Is a word of memory read that no way there has written? Kernel: check_load_and_stores. */
function readsUnset(program: readonly BpfInstruction[]): boolean {
  const all = 0xffff
  const masks = new Array<number>(program.length).fill(all)
  let known = 0
  for (const [at, [code, yes, no, k]] of program.entries()) {
    known &= masks[at]!
    const to = (target: number): void => {
      masks[target] = masks[target]! & known
    }
    if (code === 0x02 || code === 0x03) known |= 1 << k
    else if (code === 0x60 || code === 0x61) {
      if (((known >>> k) & 1) === 0) return true
    } else if (code === 0x05) {
      to(at + 1 + k)
      known = all
    } else if ((code & 7) === 5) {
      to(at + 1 + yes)
      to(at + 1 + no)
      known = all
    }
  }
  return false
}

/** What is wrong with a program; undefined: nothing. */
export function bpfProblem(program: readonly BpfInstruction[]): string | undefined {
  for (const [at, [code, yes, no, k]] of program.entries()) {
    const left = program.length - at - 1
    if (!CODES.has(code)) return `instruction ${at + 1} has an unknown code`
    if ((code === 0x34 || code === 0x94) && k === 0) return `instruction ${at + 1} divides by 0`
    if ((code === 0x64 || code === 0x74) && k >= 32) return `instruction ${at + 1} shifts too far`
    if (MEMORY.has(code) && k >= WORDS) return `instruction ${at + 1} leads outside of the memory`
    const loads = code === 0x20 || code === 0x28 || code === 0x30
    if (loads && k >= ANCILLARY && (k % 4 !== 0 || k - ANCILLARY > MOST_ANCILLARY)) {
      return `instruction ${at + 1} loads what the kernel does not know`
    }
    if (code === 0x05 && k >= left) return `instruction ${at + 1} jumps outside`
    if ((code & 7) === 5 && code !== 0x05 && (yes >= left || no >= left)) return `instruction ${at + 1} jumps outside`
  }
  const last = program.at(-1)?.[0]
  if (last !== 0x06 && last !== 0x16) return 'the last instruction does not return'
  return readsUnset(program) ? 'memory is read before it is written' : undefined
}
