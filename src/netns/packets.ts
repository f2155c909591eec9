// Packet lines: JSON lines, each a concrete packet or one that refers to an earlier one, with every fault's place.
// Owns the line format: ids, references, time. What a reference means is script.ts's business; fields are net/complete.ts's.

import { completePacket, PacketError } from '../net/complete.js'
import { type Fault, FaultError, fail } from '../net/fault.js'
import { familyOf } from '../net/ip.js'
import type { Packet } from '../net/packet.js'
import { quoted } from './fields.js'
import { type JsonNode, placeOf, readJson } from './json.js'
import { Line, objectOf } from './packet-line.js'

export type PacketId = number | string
export type ReferenceKind = 'reply_to' | 'error_to' | 'again'

/** One line, checked. Only its text is kept: fields are read from it again when they are asked for. */
export interface PacketItem {
  /** The line's own id, else its number. */
  readonly id: PacketId
  /** From 1. */
  readonly line: number
  readonly text: string
  /** The fields as written; of a line with a reference, those of the packet only. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly reference?: { readonly kind: ReferenceKind; readonly id: PacketId; readonly to: PacketItem }
  /** When it is sent: milliseconds on the clock of the file, which starts at 0. */
  readonly at_ms: number
  /** The line gave `at_ms` itself. */
  readonly timed: boolean
  /** A later line refers to this one, or may. */
  readonly referenced: boolean
  /** The whole packet of a line without a reference, where it is kept; without id and time. */
  readonly packet?: Packet
}

export interface PacketReadOptions {
  /** Name of the file, for messages. */
  readonly file: string
  /** The interfaces of the namespace; another one (and not `local`) is a fault. Left out: not checked here. */
  readonly interfaces?: ReadonlySet<string>
  /** Longest line, in characters. Default 65,536. */
  readonly maxLineLength?: number
}

/** After so many faults a file is not read further. */
const MOST_FAULTS = 100
const REFERENCES: readonly ReferenceKind[] = ['reply_to', 'error_to', 'again']

/** The place of a field in a line: of its value, else of the line's first character. `inner.src` goes inside. */
export function fieldPlace(text: string, line: number, file: string, field: string): { line: number; column: number } {
  let node: JsonNode = readJson(text, { file, line })
  let at = node.at
  for (const name of field === '' ? [] : field.split('.')) {
    const member = node.kind === 'object' ? node.members.get(name) : undefined
    if (member === undefined) break
    node = member.node
    at = node.at
  }
  return placeOf(text, at, line)
}

/** The FaultError that says what a PacketError found, at the places of a line. */
export function packetFault(error: PacketError, item: { text: string; line: number }, file: string): FaultError {
  return new FaultError(
    error.problems.map(({ field, message }) => ({
      file,
      ...fieldPlace(item.text, item.line, file, field),
      message: field === '' ? message : `\`${field}\`: ${message}`,
    })),
  )
}

/** The fields of the packet itself: no id, reference or time, and nothing that is null. */
export function packetFields(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = Object.create(null) as Record<string, unknown>
  for (const [key, value] of Object.entries(values)) {
    const own = key === 'id' || key === 'gap_ms' || key === 'at_ms' || REFERENCES.includes(key as ReferenceKind)
    if (!own && value !== null) fields[key] = value
  }
  return fields
}

/** The whole packet of fields that an item gives, or that were made for it: with its id and time. Throws a PacketError. */
export function packetOf(item: PacketItem, fields: Readonly<Record<string, unknown>>): Packet {
  const packet = item.packet !== undefined && fields === item.fields ? item.packet : completePacket(fields)
  packet.id = item.id
  packet.at_ms = item.at_ms
  return packet
}

/** Longest line, in characters, when no other limit is given. */
export const MAX_PACKET_LINE = 65_536

/**
 * Reads packet lines one after the other, for files of any length: only the last lines are remembered, and those that
 * were referred to last. Any of them may be referred to by a line that is still to come.
 */
export class PacketLineReader {
  private readonly options: PacketReadOptions
  private readonly byId = new Map<PacketId, Line>()
  private readonly remember: number
  /** Lines in the order of their uses, from `queueStart` on; `uses` counts them. */
  private queue: (Line | null)[] = []
  private queueStart = 0
  private uses = 0
  private clock = 0

  /** `remember`: so many readings and references ago a line may have been used last, or it is forgotten. Default: all stay. */
  constructor(options: PacketReadOptions, remember: number = Number.POSITIVE_INFINITY) {
    this.options = options
    this.remember = remember
  }

  /** The line as an item; null when it is blank or a comment. Throws a FaultError with what is wrong with it. */
  read(text: string, line: number): PacketItem | null {
    const trimmed = text.trimStart()
    if (trimmed === '' || trimmed.startsWith('//')) return null
    const { file } = this.options
    const limit = this.options.maxLineLength ?? MAX_PACKET_LINE
    if (text.length > limit) fail(file, line, 0, `a line of ${text.length} characters; the limit is ${limit}`)
    const item = this.item(objectOf(text, line, file), text, line)
    this.byId.set(item.id, item)
    if (this.remember !== Number.POSITIVE_INFINITY) {
      item.referenced = true // by a line still to come, for all we know
      this.use(item)
      this.forget()
    }
    return item
  }

  private use(item: Line): void {
    item.used = ++this.uses
    this.queue.push(item)
  }

  /** Drops what was used longest ago. A line used again stands in the queue again; its older places count no more. */
  private forget(): void {
    const oldest = this.uses - this.remember
    while (this.queueStart < this.queue.length) {
      const item = this.queue[this.queueStart] as Line
      const first = this.uses - (this.queue.length - 1 - this.queueStart)
      if (first > oldest) break
      this.queue[this.queueStart++] = null
      if (item.used <= oldest && this.byId.get(item.id) === item) this.byId.delete(item.id)
    }
    if (this.queueStart < 4096 || this.queueStart * 2 < this.queue.length) return
    this.queue = this.queue.slice(this.queueStart)
    this.queueStart = 0
  }

  private item(values: Record<string, unknown>, text: string, line: number): Line {
    const bad = (field: string, message: string): never => {
      const place = fieldPlace(text, line, this.options.file, field)
      return fail(this.options.file, place.line, place.column, `\`${field}\`: ${message}`)
    }
    const id = this.idOf(values['id'] ?? line, 'id', bad)
    const earlier = this.byId.get(id)
    if (earlier !== undefined) bad('id', `${quoted(String(id))} is the id of line ${earlier.line} already`)
    this.tick(values, bad)
    const reference = this.reference(values, bad)
    const fields = reference === undefined ? values : packetFields(values)
    const { iface } = fields
    if (typeof iface === 'string' && iface !== 'local' && this.options.interfaces?.has(iface) === false) {
      bad('iface', `there is no interface ${quoted(iface)} in this namespace`)
    }
    const timed = values['at_ms'] !== undefined && values['at_ms'] !== null
    const item = new Line(id, line, text, this.options.file, this.clock, timed, reference)
    const packet = this.check(item, fields)
    if (this.remember !== Number.POSITIVE_INFINITY) {
      item.kept = fields
      if (packet !== null) item.packet = packet
    }
    return item
  }

  private idOf(value: unknown, field: string, bad: (field: string, message: string) => never): PacketId {
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value
    return bad(field, 'a number or a text was expected')
  }

  /** Moves the clock on. */
  private tick(values: Record<string, unknown>, bad: (field: string, message: string) => never): void {
    const time = (field: 'at_ms' | 'gap_ms'): number | undefined => {
      const value = values[field] ?? undefined
      if (value === undefined) return undefined
      if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER)
        return value
      return bad(field, 'a whole number of milliseconds, 0 or more, was expected')
    }
    const at = time('at_ms')
    const gap = time('gap_ms')
    if (at !== undefined && gap !== undefined) bad('gap_ms', 'a line has `at_ms` or `gap_ms`, not both')
    if (at !== undefined && at < this.clock) bad('at_ms', `time runs backwards: it is ${this.clock} ms already`)
    const now = at ?? this.clock + (gap ?? 0)
    if (now > Number.MAX_SAFE_INTEGER) bad('gap_ms', 'the clock runs over')
    this.clock = now
  }

  private reference(
    values: Record<string, unknown>,
    bad: (field: string, message: string) => never,
  ): PacketItem['reference'] {
    const kinds = REFERENCES.filter((kind) => values[kind] !== undefined && values[kind] !== null)
    const [kind, second] = kinds
    if (kind === undefined) return undefined
    if (second !== undefined) bad(second, `a line refers to one packet; this one has \`${kind}\` too`)
    const id = this.idOf(values[kind], kind, bad)
    const target = this.byId.get(id)
    if (target === undefined) {
      const all = this.remember === Number.POSITIVE_INFINITY
      const which = all ? 'no earlier line has' : `of the lines used last (${this.remember} are remembered) none has`
      return bad(kind, `${which} the id ${quoted(JSON.stringify(id))}`)
    }
    target.referenced = true
    if (this.remember !== Number.POSITIVE_INFINITY) this.use(target)
    if (kind === 'error_to' && values['inner'] !== undefined)
      bad('inner', 'an `error_to` quotes the packet that it is about')
    return { kind, id, to: target }
  }

  /** Checks the fields; a line that refers to another is checked as far as its own fields go. */
  private check(item: PacketItem, fields: Readonly<Record<string, unknown>>): Packet | null {
    try {
      if (item.reference === undefined) return completePacket(fields)
      const address = [fields['src'], fields['dst']].find((a) => typeof a === 'string') as string | undefined
      const any = familyOf(address ?? '') === 'ipv6' ? '::1' : '127.0.0.1'
      completePacket({ proto: 'tcp', src: any, dst: any, ...fields })
      return null
    } catch (error) {
      if (!(error instanceof PacketError)) throw error
      throw packetFault(error, item, this.options.file)
    }
  }
}

/**
 * Reads packet lines. Blank lines and lines that begin with `//` are passed over. Throws a FaultError with every fault
 * of the file: unknown fields, protocols and interfaces, references to later or unknown ids, time that runs backwards.
 */
export function readPacketLines(text: string, options: PacketReadOptions): PacketItem[] {
  const nul = text.indexOf('\u0000')
  if (nul >= 0) fail(options.file, text.slice(0, nul).split('\n').length, 0, 'a binary file; JSON lines were expected')
  const reader = new PacketLineReader(options)
  const items: PacketItem[] = []
  const faults: Fault[] = []
  for (let line = 1, start = 0; start < text.length && faults.length < MOST_FAULTS; line++) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    try {
      const item = reader.read(text.slice(start, end), line)
      if (item !== null) items.push(item)
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      faults.push(...error.faults)
    }
    start = end + 1
  }
  if (faults.length > 0) throw new FaultError(faults)
  if (items.length === 0) fail(options.file, 0, 0, 'no packet in the file; one JSON object a line was expected')
  return items
}
