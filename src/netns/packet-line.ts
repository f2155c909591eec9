// One packet line: its text as an object of fields, and what is kept of it. Owns the quick way through JSON.parse.
import { fail } from '../net/fault.js'
import type { Packet } from '../net/packet.js'
import { plainValue, readJson } from './json.js'
import { type PacketId, type PacketItem, packetFields } from './packets.js'

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countKeys(item), 0)
  const keys = Object.keys(value)
  let count = keys.length
  for (const key of keys) count += countKeys((value as Record<string, unknown>)[key])
  return count
}

function countQuoteColons(text: string): number {
  let count = 0
  for (let i = text.indexOf('":'); i >= 0; i = text.indexOf('":', i + 2)) count++
  return count
}

/**
 * The object of a line. Most lines go through JSON.parse, far faster as the reader that knows places; it would
 * let a key stand twice, so lines where its keys do not add up, and wrong ones, go through the other.
 */
export function objectOf(text: string, line: number, file: string): Record<string, unknown> {
  if (text.length < 4096 && !text.includes('[')) {
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null && countKeys(value) === countQuoteColons(text)) {
        return value as Record<string, unknown>
      }
    } catch {
      // The other reader says what is wrong, and where.
    }
  }
  const node = readJson(text, { file, line, maxDepth: 16 })
  if (node.kind !== 'object') return fail(file, line, node.at + 1, 'an object with the fields of a packet was expected')
  return plainValue(node) as Record<string, unknown>
}

/** A million lines are a million of these, so they hold no more than they must. */
export class Line implements PacketItem {
  readonly id: PacketId
  readonly line: number
  readonly text: string
  readonly at_ms: number
  readonly timed: boolean
  readonly reference?: NonNullable<PacketItem['reference']>
  referenced = false
  /** When it was read or referred to last, in uses. */
  used = 0
  packet?: Packet
  /** Fields that need not be read again. */
  kept?: Record<string, unknown>
  private readonly file: string

  constructor(
    id: PacketId,
    line: number,
    text: string,
    file: string,
    time: number,
    timed: boolean,
    ref: PacketItem['reference'],
  ) {
    this.id = id
    this.line = line
    this.text = text
    this.file = file
    this.at_ms = time
    this.timed = timed
    if (ref !== undefined) this.reference = ref
  }

  get fields(): Record<string, unknown> {
    if (this.kept !== undefined) return this.kept
    const values = objectOf(this.text, this.line, this.file)
    return this.reference === undefined ? values : packetFields(values)
  }
}
