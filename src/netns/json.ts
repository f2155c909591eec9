// JSON with places: a strict reader that knows where every value stands, so that faults name line and column.
// Owns RFC 8259 text -> nodes. Stricter than JSON.parse in one point: a key that appears twice is a fault.
// Objects are Maps, so `__proto__` is a key like any other.
import { escapeText, fail } from '../net/fault.js'

export type JsonNode =
  | { readonly kind: 'null'; readonly at: number }
  | { readonly kind: 'boolean'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'array'; readonly at: number; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly at: number; readonly members: ReadonlyMap<string, JsonMember> }

export type JsonObject = Extract<JsonNode, { kind: 'object' }>

export interface JsonMember {
  /** Offset of the key. */
  readonly keyAt: number
  readonly node: JsonNode
}

export interface JsonOptions {
  readonly file: string
  /** Line of the text's first character, from 1. Default 1. */
  readonly line?: number
  /** How deep arrays and objects may nest. Default 64. */
  readonly maxDepth?: number
}

/** Line and column, from 1, of an offset. Columns count UTF-16 units. */
export function placeOf(text: string, offset: number, firstLine = 1): { line: number; column: number } {
  let line = firstLine
  let start = 0
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) {
    line++
    start = i + 1
  }
  return { line, column: offset - start + 1 }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

class Reader {
  private pos = 0
  private readonly text: string
  private readonly options: JsonOptions

  constructor(text: string, options: JsonOptions) {
    this.text = text
    this.options = options
  }

  bad(at: number, message: string): never {
    const { line, column } = placeOf(this.text, at, this.options.line)
    return fail(this.options.file, line, column, message)
  }

  private here(): string {
    if (this.pos >= this.text.length) return 'the end of the text'
    return `\`${escapeText(String.fromCodePoint(this.text.codePointAt(this.pos)!))}\``
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.pos)
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return
      this.pos++
    }
  }

  document(): JsonNode {
    if (this.text.charCodeAt(0) === 0xfeff) this.pos = 1
    this.space()
    const node = this.value(0)
    this.space()
    if (this.pos < this.text.length) this.bad(this.pos, `unexpected ${this.here()} after the JSON value`)
    return node
  }

  private value(depth: number): JsonNode {
    const at = this.pos
    const c = this.text[this.pos]
    if (c === '{' || c === '[') {
      const max = this.options.maxDepth ?? 64
      if (depth >= max) this.bad(at, `JSON nests deeper than ${max} levels`)
      return c === '{' ? this.object(at, depth + 1) : this.array(at, depth + 1)
    }
    if (c === '"') return { kind: 'string', at, value: this.string() }
    for (const [word, node] of [
      ['true', { kind: 'boolean', at, value: true }],
      ['false', { kind: 'boolean', at, value: false }],
      ['null', { kind: 'null', at }],
    ] as const) {
      if (this.text.startsWith(word, at)) {
        this.pos += word.length
        return node
      }
    }
    NUMBER.lastIndex = at
    const digits = NUMBER.exec(this.text)
    if (digits === null) this.bad(at, `unexpected ${this.here()}; a JSON value was expected`)
    this.pos += digits[0].length
    return { kind: 'number', at, value: Number(digits[0]) }
  }

  private string(): string {
    const begin = this.pos++
    let value = ''
    for (;;) {
      PLAIN.lastIndex = this.pos
      const plain = PLAIN.exec(this.text)![0]
      value += plain
      this.pos += plain.length
      const c = this.text[this.pos]
      if (c === '"') {
        this.pos++
        return value
      }
      if (c !== '\\') this.bad(c === undefined ? begin : this.pos, 'a text without its closing quote')
      const letter = this.text[this.pos + 1] ?? ''
      const hex = letter === 'u' ? /^[0-9a-fA-F]{4}/.exec(this.text.slice(this.pos + 2, this.pos + 6)) : null
      const meaning = hex ? String.fromCharCode(Number.parseInt(hex[0], 16)) : ESCAPES.get(letter)
      if (meaning === undefined) this.bad(this.pos, 'an unknown escape in a text')
      value += meaning
      this.pos += hex ? 6 : 2
    }
  }

  private array(at: number, depth: number): JsonNode {
    const items: JsonNode[] = []
    this.pos++
    this.space()
    if (this.text[this.pos] === ']') {
      this.pos++
      return { kind: 'array', at, items }
    }
    for (;;) {
      this.space()
      items.push(this.value(depth))
      this.space()
      if (this.text[this.pos] === ']') break
      if (this.text[this.pos] !== ',') this.bad(this.pos, `unexpected ${this.here()}; \`,\` or \`]\` was expected`)
      this.pos++
    }
    this.pos++
    return { kind: 'array', at, items }
  }

  private object(at: number, depth: number): JsonNode {
    const members = new Map<string, JsonMember>()
    this.pos++
    this.space()
    if (this.text[this.pos] === '}') {
      this.pos++
      return { kind: 'object', at, members }
    }
    for (;;) {
      this.space()
      const keyAt = this.pos
      if (this.text[this.pos] !== '"') this.bad(this.pos, `unexpected ${this.here()}; a key in quotes was expected`)
      const key = this.string()
      if (members.has(key)) this.bad(keyAt, `the key \`${escapeText(key)}\` appears twice`)
      this.space()
      if (this.text[this.pos] !== ':') this.bad(this.pos, `unexpected ${this.here()}; \`:\` was expected`)
      this.pos++
      this.space()
      members.set(key, { keyAt, node: this.value(depth) })
      this.space()
      if (this.text[this.pos] === '}') break
      if (this.text[this.pos] !== ',') this.bad(this.pos, `unexpected ${this.here()}; \`,\` or \`}\` was expected`)
      this.pos++
    }
    this.pos++
    return { kind: 'object', at, members }
  }
}

/**
 * Reads one JSON value. Throws a FaultError with the place of the first fault.
 *
 * @example readJson('[1, true]', { file: 'x' }).kind // 'array'
 */
export function readJson(text: string, options: JsonOptions): JsonNode {
  return new Reader(text, options).document()
}

/** The plain value of a node. Objects have no prototype, so every key is only a key. */
export function plainValue(node: JsonNode): unknown {
  switch (node.kind) {
    case 'null':
      return null
    case 'array':
      return node.items.map(plainValue)
    case 'object': {
      const value = Object.create(null) as Record<string, unknown>
      for (const [key, member] of node.members) value[key] = plainValue(member.node)
      return value
    }
    default:
      return node.value
  }
}
