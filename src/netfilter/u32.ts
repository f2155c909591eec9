// The language of u32: `LOCATION = RANGES && …`. Owns its text: read as iptables reads it, printed as iptables prints it.
// Spec: iptables-extensions(8) 1.8.9, u32; include/uapi/linux/netfilter/xt_u32.h. Numbers are C's strtoul, at most 32 bits.

export type U32Operator = '&' | '<<' | '>>' | '@'

export interface U32Test {
  /** Where the first number is read. */
  readonly at: number
  readonly steps: readonly { readonly op: U32Operator; readonly number: number }[]
  /** One of them must hold; a first end above the second holds nothing. */
  readonly ranges: readonly { readonly from: number; readonly to: number }[]
}

/** Tests, numbers of a location and ranges, each at most. */
const MOST = 10
const NUMBER = /^[ \t-\r]*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/
const BLANKS = /^[ \t-\r]*/

/** What is wrong, at a character (from 1). */
export class U32Problem extends Error {}

class Scanner {
  #at = 0
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }

  get rest(): string {
    return this.#text.slice(this.#at)
  }

  bad(expected: string): U32Problem {
    return new U32Problem(`expected ${expected} at character ${this.#at + 1}`)
  }

  /** Passes over blanks; true at the end. */
  ended(): boolean {
    this.#at += BLANKS.exec(this.rest)![0].length
    return this.rest === ''
  }

  takes(sign: string): boolean {
    if (!this.rest.startsWith(sign)) return false
    this.#at += sign.length
    return true
  }

  number(): number {
    const found = NUMBER.exec(this.rest)
    if (found === null) throw this.bad('a number')
    const [all, digits] = found as unknown as [string, string]
    const octal = /^0[0-7]+$/.test(digits)
    const value = BigInt(octal ? `0o${digits.slice(1)}` : digits)
    if (value > 0xffff_ffffn) throw this.bad('a number of at most 32 bits')
    this.#at += all.length
    return Number(value)
  }
}

function readLocation(scan: Scanner): Pick<U32Test, 'at' | 'steps'> {
  if (scan.ended() || scan.rest.startsWith('=')) throw scan.bad('a location')
  const at = scan.number()
  const steps: { op: U32Operator; number: number }[] = []
  for (;;) {
    if (scan.ended()) throw scan.bad('an operator or =')
    if (scan.takes('=')) return { at, steps }
    const op = (['&', '<<', '>>', '@'] as const).find((sign) => scan.takes(sign))
    if (op === undefined) throw scan.bad('an operator (&, <<, >>, @) or =')
    const number = scan.number()
    // The kernel refuses others (Linux 6.18).
    if (op !== '&' && op !== '@' && number > 31) throw scan.bad('a shift by at most 31 bits')
    steps.push({ op, number })
    if (steps.length === MOST) throw scan.bad(`at most ${MOST} numbers in a location`)
  }
}

/** The ranges, and whether another test follows. */
function readRanges(scan: Scanner): { ranges: U32Test['ranges']; more: boolean } {
  const ranges: { from: number; to: number }[] = []
  for (;;) {
    if (scan.ended()) {
      if (ranges.length === 0) throw scan.bad('a value')
      return { ranges, more: false }
    }
    if (scan.rest.startsWith('&')) {
      if (!scan.takes('&&') || ranges.length === 0) throw scan.bad(ranges.length === 0 ? 'a value' : '&&')
      return { ranges, more: true }
    }
    if (ranges.length > 0 && !scan.takes(',')) throw scan.bad('a comma or &&')
    const from = scan.number()
    scan.ended()
    ranges.push({ from, to: scan.takes(':') ? scan.number() : from })
    if (ranges.length > MOST) throw scan.bad(`at most ${MOST} values in a test`)
  }
}

/**
 * Reads it; throws a U32Problem that says what was expected where.
 *
 * @example readU32('6&0xFF=0x6').map((t) => t.ranges[0]) // [{ from: 6, to: 6 }]
 */
export function readU32(text: string): U32Test[] {
  const scan = new Scanner(text)
  const tests: U32Test[] = []
  for (;;) {
    const location = readLocation(scan)
    const { ranges, more } = readRanges(scan)
    tests.push({ ...location, ranges })
    if (tests.length > MOST) throw scan.bad(`at most ${MOST} tests`)
    if (!more) return tests
  }
}

const hex = (n: number): string => `0x${n.toString(16)}`

/** As iptables prints it, without the quotes. */
export function printU32(tests: readonly U32Test[]): string {
  return tests
    .map(({ at, steps, ranges }) => {
      const location = hex(at) + steps.map((s) => s.op + hex(s.number)).join('')
      return `${location}=${ranges.map((r) => (r.from === r.to ? hex(r.from) : `${hex(r.from)}:${hex(r.to)}`)).join(',')}`
    })
    .join('&&')
}
