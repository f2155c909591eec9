// Places in JSON text: where a value stands, and where the text stops being JSON.
// Owns a scanner that is run only when something is wrong, or when several values stand one after the other; sound text
// is read by JSON.parse alone. Spec: RFC 8259.

/** Objects and arrays inside each other beyond this are an error. */
const MAX_DEPTH = 500

/** The text is no JSON from `offset` on. */
export class JsonError extends Error {
  readonly offset: number
  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

function blanks(text: string, at: number): number {
  let i = at
  for (;;) {
    const c = text.charCodeAt(i)
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return i
    i++
  }
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

/** What is wrong at `at`: the text ends there, or an unexpected character stands there. */
function wrong(text: string, at: number, expected: string): never {
  const found = at >= text.length ? 'the text ends' : `found ${JSON.stringify(text.slice(at, at + 1))}`
  throw new JsonError(Math.min(at, text.length), `${found}, expected ${expected}`)
}

function stringEnd(text: string, at: number, expected: string): number {
  if (text[at] !== '"') wrong(text, at, expected)
  for (let i = at + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) return i + 1
    if (c < 0x20) break
    if (c !== 0x5c) continue
    const end = match(ESCAPE, text, i)
    if (end < 0) break
    i = end - 1
  }
  throw new JsonError(at, 'a text that is not closed, or holds a control character or an unknown escape')
}

type Member = (key: string | number, start: number) => void

/** Walks one value from `start` (not a blank); returns its end. `member` hears of its direct members. */
function walk(text: string, start: number, depth: number, member?: Member): number {
  if (depth > MAX_DEPTH) throw new JsonError(start, `nested deeper than ${MAX_DEPTH}`)
  const first = text[start]
  if (first === '{' || first === '[') return container(text, start, first === '{', depth, member)
  if (first === '"') return stringEnd(text, start, 'a value')
  const end = match(NUMBER, text, start)
  if (end >= 0) return end
  const word = match(WORD, text, start)
  return word >= 0 ? word : wrong(text, start, 'a value')
}

function container(text: string, start: number, object: boolean, depth: number, member?: Member): number {
  const close = object ? '}' : ']'
  let at = blanks(text, start + 1)
  if (text[at] === close) return at + 1
  for (let i = 0; ; i++) {
    let key: string | number = i
    if (object) {
      const end = stringEnd(text, at, `a key in double quotes${i === 0 ? ' or }' : ''}`)
      if (member) key = JSON.parse(text.slice(at, end)) as string
      at = blanks(text, end)
      if (text[at] !== ':') wrong(text, at, "':' behind the key")
      at = blanks(text, at + 1)
    }
    member?.(key, at)
    at = blanks(text, walk(text, at, depth + 1))
    if (text[at] === close) return at + 1
    if (text[at] !== ',') wrong(text, at, `',' or '${close}'`)
    at = blanks(text, at + 1)
  }
}

/**
 * Where each of the JSON values in the text begins and ends (there may be several, with blanks between).
 *
 * @throws JsonError at the first place that is no JSON
 */
export function jsonValues(text: string): { start: number; end: number }[] {
  const out: { start: number; end: number }[] = []
  let at = blanks(text, 0)
  while (at < text.length) {
    const end = walk(text, at, 0)
    out.push({ start: at, end })
    at = blanks(text, end)
  }
  return out
}

/** Where the value that begins at `start` ends. */
export function jsonEnd(text: string, start: number): number {
  return walk(text, start, 0)
}

/** The offset of the value at `path` below the value at `start`, or of the deepest part of the path that exists. */
export function jsonOffset(text: string, start: number, path: readonly (string | number)[]): number {
  let at = start
  for (const step of path) {
    // Of keys that stand twice the last counts, as JSON.parse has it.
    let found = -1
    walk(text, at, 0, (key, offset) => {
      if (key === step) found = offset
    })
    if (found < 0) return at
    at = found
  }
  return at
}

/** Line and column (in UTF-16 units), both from 1, of an offset. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  let line = 1
  let last = -1
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) {
    line++
    last = i
  }
  return { line, column: offset - last }
}
