// The fields of an object from outside, one by one: each of the right kind and in range, or a problem that names it.
// Owns the words for a wrong value; which fields there are is complete.ts's and complete-bytes.ts's business.
import { escapeText } from './fault.js'
import { canonicalAddress } from './ip.js'

/** One thing wrong with a packet. `field` is a path: `dport`, `inner.src`; '' is the packet as a whole. */
export interface FieldProblem {
  readonly field: string
  readonly message: string
}

/** A value from outside, short and safe to print. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value ?? null)
  return escapeText(text.length > 60 ? `${text.slice(0, 57)}...` : text)
}

export class Fields {
  readonly problems: FieldProblem[]
  private readonly path: string
  private readonly value: Readonly<Record<string, unknown>>

  constructor(value: object, path: string, problems: FieldProblem[]) {
    this.value = value as Record<string, unknown>
    this.path = path
    this.problems = problems
  }

  names(): Iterable<string> {
    return Object.keys(this.value)
  }

  get(name: string): unknown {
    return Object.hasOwn(this.value, name) ? (this.value[name] ?? undefined) : undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  problem(name: string, message: string): void {
    this.problems.push({ field: this.path + name, message })
  }

  /** A whole number in a range; the default when it is absent. */
  int(name: string, min: number, max: number, fallback: number): number {
    const value = this.get(name)
    if (value === undefined) return fallback
    const n = typeof value === 'string' && /^0[xX][0-9a-fA-F]{1,8}$/.test(value) ? Number(value) : value
    if (typeof n === 'number' && Number.isInteger(n) && n >= min && n <= max) return n
    this.problem(name, `${show(value)} is not a whole number from ${min} to ${max}`)
    return fallback
  }

  text(name: string): string | null {
    const value = this.get(name)
    if (typeof value === 'string' && value !== '') return value
    this.problem(name, value === undefined ? 'is missing' : `${show(value)} is not a text`)
    return null
  }

  address(name: string): string | null {
    const value = this.get(name)
    const canonical = typeof value === 'string' ? canonicalAddress(value) : null
    if (canonical === null) {
      this.problem(name, value === undefined ? 'is missing' : `${show(value)} is not an IPv4 or IPv6 address`)
    }
    return canonical
  }
}
