// Recorded answers: what a kernel (or another run) did with each packet, read for the random choices that they show.
// Owns the answer lines' reading, with the place of every fault. What is made of them is the data plane's business.
import { escapeText, type Fault, FaultError, fail } from '../net/fault.js'
import { canonicalAddress } from '../net/ip.js'
import type { Tuple } from '../net/packet.js'
import { readJson } from './json.js'
import { fieldPlace, type PacketId } from './packets.js'

/** Addresses, ports or ICMP id of a header; absent what was not recorded, or what the protocol has not. */
export interface RecordedHeader {
  readonly src?: string
  readonly dst?: string
  readonly sport?: number
  readonly dport?: number
  readonly icmp_id?: number
}

/** What one answer line shows of the choices made for its packet. */
export interface RecordedAnswer {
  readonly id: PacketId
  /** Where it stands, from 1. */
  readonly line: number
  readonly verdict: string
  /** The rules that matched (`table:CHAIN:rule:N` …), without marks; undefined: not recorded. */
  readonly trace?: readonly string[]
  /** Likewise of the answer that the packet provoked; none recorded: empty. */
  readonly traceReply: readonly string[]
  /** Where it left. */
  readonly outIface?: string
  /** Where the answer it provoked left. */
  readonly replyOutIface?: string
  /** The final header of a packet that passed. */
  readonly header?: RecordedHeader
  /** Both directions of its connection. */
  readonly ct?: { readonly orig: Tuple; readonly reply: Tuple }
}

/** Recorded answers by the id of their packet, and the file they stand in. */
export interface RecordedChoices {
  readonly file: string
  readonly answers: ReadonlyMap<PacketId, RecordedAnswer>
}

/** After so many faults a file is not read further. */
const MOST_FAULTS = 100
const LONGEST_LINE = 1 << 22
const PASSED: ReadonlySet<unknown> = new Set(['forward', 'out', 'local'])

type Fields = Readonly<Record<string, unknown>>

/** One line with the means to say what is wrong in it. */
class AnswerLine {
  private readonly text: string
  private readonly line: number
  private readonly file: string

  constructor(text: string, line: number, file: string) {
    this.text = text
    this.line = line
    this.file = file
  }

  private bad(field: string, message: string): never {
    const { line, column } = fieldPlace(this.text, this.line, this.file, field)
    return fail(this.file, line, column, `\`${field}\`: ${message}`)
  }

  private object(value: unknown, field: string): Fields | undefined {
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) return this.bad(field, 'an object was expected')
    return value as Fields
  }

  private port16(fields: Fields, name: string, field: string): number | undefined {
    const value = own(fields, name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff) return value
    return this.bad(field, 'a number from 0 to 65535 was expected')
  }

  private name(fields: Fields, name: string, field = name): string | undefined {
    const value = own(fields, name)
    if (value === undefined || typeof value === 'string') return value
    return this.bad(field, 'a text was expected')
  }

  private ports(fields: Fields, before = ''): Omit<RecordedHeader, 'src' | 'dst'> {
    const ports: Record<string, number> = {}
    for (const name of ['sport', 'dport', 'icmp_id']) {
      const value = this.port16(fields, name, before + name)
      if (value !== undefined) ports[name] = value
    }
    return ports
  }

  private tuple(entry: Fields, name: 'orig' | 'reply'): Tuple {
    const at = `ct.${name}`
    const fields = this.object(own(entry, name), at)
    if (fields === undefined) return this.bad(at, 'the addresses of this direction were expected')
    const { src, dst } = this.addresses(fields, `${at}.`)
    if (src === undefined || dst === undefined) return this.bad(at, 'the addresses of this direction were expected')
    return { src, dst, ...this.ports(fields, `${at}.`) }
  }

  private addresses(fields: Fields, before = ''): { src?: string; dst?: string } {
    const found: { src?: string; dst?: string } = {}
    for (const side of ['src', 'dst'] as const) {
      const text = this.name(fields, side, before + side)
      if (text !== undefined) found[side] = canonicalAddress(text) ?? this.bad(before + side, 'an address was expected')
    }
    return found
  }

  private lines(fields: Fields, name: string): string[] | undefined {
    const value = own(fields, name)
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every((v) => typeof v === 'string'))
      return this.bad(name, 'a list of texts was expected')
    // Some write the mark behind the rule.
    return value.map((v: string) => v.replace(/ .*$/su, ''))
  }

  read(): RecordedAnswer {
    const fields = this.fields()
    const id = own(fields, 'id')
    if (typeof id !== 'string' && typeof id !== 'number')
      return this.bad('id', "the packet's id was expected, a number or a text")
    if (own(fields, 'outcomes') !== undefined)
      return this.bad('outcomes', 'several runs in one line; one answer a packet was expected')
    const verdict = this.name(fields, 'verdict')
    if (verdict === undefined) return this.bad('verdict', 'missing: an answer says what became of the packet')
    const entry = this.object(own(fields, 'ct'), 'ct')
    const reply = this.object(own(fields, 'reply'), 'reply')
    const trace = this.lines(fields, 'trace')
    const outIface = this.name(fields, 'out_iface')
    const replyOutIface = reply && this.name(reply, 'out_iface', 'reply.out_iface')
    return {
      id,
      line: this.line,
      verdict,
      ...(trace === undefined ? {} : { trace }),
      traceReply: this.lines(fields, 'trace_reply') ?? [],
      ...(outIface === undefined ? {} : { outIface }),
      ...(replyOutIface === undefined ? {} : { replyOutIface }),
      ...(PASSED.has(verdict) ? { header: { ...this.addresses(fields), ...this.ports(fields) } } : {}),
      ...(entry === undefined ? {} : { ct: { orig: this.tuple(entry, 'orig'), reply: this.tuple(entry, 'reply') } }),
    }
  }

  private fields(): Fields {
    const { text, line, file } = this
    if (text.length > LONGEST_LINE)
      return fail(file, line, 0, `a line of ${text.length} characters; the limit is ${LONGEST_LINE}`)
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      readJson(text, { file, line }) // says what is wrong, and where
      return fail(file, line, 1, 'JSON was expected')
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
    return fail(file, line, 1, 'an object, the answer to a packet, was expected')
  }
}

/** A field of the line itself; null counts as absent. */
function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined
}

/**
 * Reads answer lines: JSON lines with `id`, `verdict`, and what was recorded of `trace`, `trace_reply`, `out_iface`, `ct`
 * and the final header. Other keys are passed over. Throws a FaultError with every fault of the file.
 *
 * @example readChoices('{"id":7,"verdict":"drop","trace":["filter:INPUT:policy"]}', { file: 'answers' }).answers.get(7).trace // ['filter:INPUT:policy']
 */
export function readChoices(text: string, options: { readonly file: string }): RecordedChoices {
  const { file } = options
  const answers = new Map<PacketId, RecordedAnswer>()
  const faults: Fault[] = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length && faults.length < MOST_FAULTS; i++) {
    const raw = lines[i]!
    if (raw.trim() === '') continue
    try {
      const answer = new AnswerLine(raw, i + 1, file).read()
      const earlier = answers.get(answer.id)
      if (earlier !== undefined)
        fail(file, i + 1, 1, `packet ${escapeText(String(answer.id))} was answered in line ${earlier.line} already`)
      answers.set(answer.id, answer)
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      faults.push(...error.faults)
    }
  }
  if (faults.length > 0) throw new FaultError(faults)
  if (answers.size === 0) fail(file, 0, 0, 'no answer in the file; one JSON object a line was expected')
  return { file, answers }
}
