// Text → the documents in it: JSON (one value or several) or YAML, whichever it is.
// Owns telling them apart, the limits, and finding the place of a value. YAML follows the 1.1 rules that kubectl's decoder
// follows where it matters (bare yes/no/on/off are booleans, 0777 is octal), without the 1.1 types that it does not know
// (sexagesimal numbers, dates).
import { Composer, type CST, isScalar, LineCounter, Parser, visit, type Document as YamlDocument } from 'yaml'
import { escapeText, type Fault, FaultError } from '../../net/fault.js'
import { JsonError, jsonOffset, jsonValues, lineAndColumn } from './json.js'

/** A file to read. Bytes must be UTF-8; compressed files are for the caller to open. */
export interface InputFile {
  /** For messages. */
  readonly name: string
  readonly text: string | Uint8Array
}

export type Path = readonly (string | number)[]

/** One document of a file, as plain data. */
export interface SourceDocument {
  readonly file: string
  readonly value: unknown
  /** Where the value at `path` stands, or the deepest part of the path that is there. */
  place(path: Path): { line: number; column: number }
}

/** Aliases resolved in one YAML document, counted with those inside of what they stand for. */
const MAX_ALIASES = 1000
/** Collections inside of collections in a YAML document. */
const MAX_DEPTH = 200
/** JSON that does not parse is tried as YAML (flow style) up to this length. */
const YAML_ATTEMPT = 1 << 20
const FAULTS_SHOWN = 100
const NOTES_SHOWN = 20

/**
 * The documents of a file; `note` hears of what YAML 1.1 reads differently from what a reader may think.
 *
 * @throws FaultError when the file is empty, binary or no sound JSON or YAML
 */
export function readDocuments(file: InputFile, note: (text: string) => void): SourceDocument[] {
  const text = decode(file)
  const start = text.search(/\S/)
  if (start < 0) throw fault(file.name, 0, 0, 'the file is empty: expected Kubernetes objects')
  const first = text[start]
  if (first !== '{' && first !== '[') return yamlDocuments(file.name, text, note)
  try {
    return [jsonDocument(file.name, text, start, JSON.parse(text))]
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  try {
    return jsonValues(text).map(({ start, end }) =>
      jsonDocument(file.name, text, start, JSON.parse(text.slice(start, end))),
    )
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    if (text.length <= YAML_ATTEMPT) {
      try {
        return yamlDocuments(file.name, text, note)
      } catch (second) {
        if (!(second instanceof FaultError)) throw second
      }
    }
    const { line, column } = lineAndColumn(text, error.offset)
    throw fault(file.name, line, column, `not JSON: ${escapeText(error.message)}`)
  }
}

function fault(file: string, line: number, column: number, message: string): FaultError {
  return new FaultError([{ file, line, column, message }])
}

function decode(file: InputFile): string {
  let text: string
  if (typeof file.text === 'string') text = file.text
  else {
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(file.text)
    } catch {
      throw fault(file.name, 0, 0, 'not UTF-8 text: expected YAML or JSON')
    }
  }
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
  const binary = text.search(/[\u0000-\u0008\u000e-\u001f]/)
  if (binary >= 0) {
    const { line, column } = lineAndColumn(text, binary)
    const code = text.charCodeAt(binary).toString(16)
    throw fault(file.name, line, column, `binary data (character \\u{${code}}): expected YAML or JSON`)
  }
  return text
}

function jsonDocument(file: string, text: string, start: number, value: unknown): SourceDocument {
  return { file, value, place: (path) => lineAndColumn(text, jsonOffset(text, start, path)) }
}

/** A key without a value, and no end of line after it. */
const CUT_OFF = /(?:^|\n)[ \t]*(?:- +)*[^\s#'"][^\n#'"]*:[ \t]*$/

function yamlDocuments(file: string, text: string, note: (text: string) => void): SourceDocument[] {
  if (CUT_OFF.test(text.slice(-1000))) {
    const { line, column } = lineAndColumn(text, text.length)
    throw fault(file, line, column, 'the file ends behind a key, without its value: was it cut off?')
  }
  const lines = new LineCounter()
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const parser = new Parser(lines.addNewLine)
  const composer = new Composer({
    version: '1.1',
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || !UNKNOWN_TO_KUBECTL.test(`${tag.tag} ${tag.format ?? ''}`)),
  })
  const parsed: YamlDocument[] = []
  for (const token of parser.parse(text)) {
    // The composer calls itself for each level, and the engine does not survive every overflow of its stack.
    const deep = tooDeep(token)
    if (deep !== null) {
      const { line, column } = at(deep)
      throw fault(file, line, column, `not YAML that can be read: nested deeper than ${MAX_DEPTH}`)
    }
    for (const doc of composer.next(token)) parsed.push(doc as YamlDocument)
  }
  for (const doc of composer.end()) parsed.push(doc as YamlDocument)
  const faults: Fault[] = parsed.flatMap((doc) =>
    doc.errors.slice(0, FAULTS_SHOWN).map((e) => ({ file, ...at(e.pos[0]), message: `not YAML: ${says(e.message)}` })),
  )
  if (faults.length > 0) throw new FaultError(faults.slice(0, FAULTS_SHOWN))
  const out: SourceDocument[] = []
  let notes = 0
  for (const doc of parsed) {
    const start = doc.contents?.range?.[0] ?? 0
    let value: unknown
    try {
      value = doc.toJS({ maxAliasCount: MAX_ALIASES })
    } catch (error) {
      const { line, column } = at(start)
      const why = error instanceof RangeError ? 'nested too deeply' : says((error as Error).message)
      throw fault(file, line, column, `not YAML that can be read: ${why}`)
    }
    if (value === null || value === undefined) continue
    if (SURPRISES.test(text)) {
      visit(doc, {
        Scalar: (_, scalar) => {
          const said = surprise(scalar.source, scalar.type, scalar.value)
          if (said === null || ++notes > NOTES_SHOWN) return
          const { line, column } = at(scalar.range?.[0] ?? start)
          note(`${file}:${line}:${column}: ${said}`)
        },
      })
    }
    out.push({ file, value, place: (path) => at(yamlOffset(doc, path, start)) })
  }
  if (out.length === 0) throw fault(file, 0, 0, 'no document in the file: expected Kubernetes objects')
  return out
}

/** The offset of the first collection that is nested too deeply; null: none is. */
function tooDeep(root: CST.Token): number | null {
  const stack: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }]
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { token, depth } = top
    if (depth > MAX_DEPTH) return token.offset
    if (token.type === 'document') {
      if (token.value) stack.push({ token: token.value, depth })
    } else if ('items' in token) {
      for (const item of token.items) {
        if (item.key) stack.push({ token: item.key, depth: depth + 1 })
        if (item.value) stack.push({ token: item.value, depth: depth + 1 })
      }
    }
  }
  return null
}

// The 1.1 types that Go's decoder leaves as text: sexagesimal numbers and timestamps; and those with tags of their own.
const UNKNOWN_TO_KUBECTL = /TIME|:timestamp|:omap|:pairs|:set/
// A quick look before every scalar is visited.
const SURPRISES = /(?:^|[\s,[{:-])(?:y|n|yes|no|on|off|[-+]?0[0-7_]+|[-+]?\d[\d_]*_[\d_]*)(?:$|[\s,\]}#])/im

/** What YAML 1.1 makes of a bare word that YAML 1.2 reads otherwise; null: nothing of the kind. */
function surprise(source: string | undefined, type: string | null | undefined, value: unknown): string | null {
  if (type !== 'PLAIN' || source === undefined || typeof value === 'string') return null
  if (typeof value === 'boolean' ? /^(?:true|false)$/i.test(source) : !/^[-+]?(?:0\d|\d[\d]*_)/.test(source))
    return null
  if (typeof value !== 'boolean' && typeof value !== 'number') return null
  return `bare ${escapeText(source)} is read as ${value}, as kubectl does (YAML 1.1); quote it where text is meant`
}

function says(message: string): string {
  return escapeText(message.split('\n')[0] ?? '').slice(0, 300)
}

function yamlOffset(doc: YamlDocument, path: Path, start: number): number {
  for (let length = path.length; length > 0; length--) {
    const node = doc.getIn(path.slice(0, length), true)
    const range = isScalar(node) || hasRange(node) ? node.range : undefined
    if (range) return range[0]
  }
  return start
}

function hasRange(node: unknown): node is { range?: [number, number, number] | null } {
  return typeof node === 'object' && node !== null && 'range' in node
}
