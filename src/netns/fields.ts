// Typed access to JSON nodes for the readers of `ip -j …`: what is there, of the right kind, or a fault with its place.
// Owns the messages for a field of the wrong kind; collects faults, so that one run names them all.
import { escapeText, type Fault, FaultError } from '../net/fault.js'
import { type JsonNode, type JsonObject, placeOf, readJson } from './json.js'

/** One file's text and the faults found in it. */
export class Source {
  readonly file: string
  readonly text: string
  readonly faults: Fault[] = []

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** Notes a fault at an offset. */
  fault(at: number, message: string): void {
    this.faults.push({ file: this.file, ...placeOf(this.text, at), message })
  }

  /** Throws when faults were noted. */
  done(): void {
    if (this.faults.length > 0) throw new FaultError(this.faults)
  }
}

/** The objects of a file that holds a JSON array of objects; empty objects (which iproute2 prints for what it left out) are passed over. */
export function readObjects(source: Source, what: string, maxDepth: number): Fields[] {
  if (source.text.trim() === '') {
    source.fault(0, `the file is empty; the JSON array that \`${what}\` prints was expected`)
    source.done()
  }
  const root = readJson(source.text, { file: source.file, maxDepth })
  if (root.kind !== 'array') {
    source.fault(root.at, `the JSON array that \`${what}\` prints was expected`)
    source.done()
    return []
  }
  const objects: Fields[] = []
  for (const item of root.items) {
    if (item.kind !== 'object') source.fault(item.at, 'an object was expected')
    else if (item.members.size > 0) objects.push(new Fields(source, item))
  }
  return objects
}

/** One JSON object of a file. Every getter notes a fault and gives null when the field is of another kind. */
export class Fields {
  readonly source: Source
  readonly object: JsonObject

  constructor(source: Source, object: JsonObject) {
    this.source = source
    this.object = object
  }

  node(name: string): JsonNode | undefined {
    const node = this.object.members.get(name)?.node
    return node?.kind === 'null' ? undefined : node
  }

  /** Is the key there, also with null as its value (iproute2 prints flags so)? */
  has(name: string): boolean {
    return this.object.members.has(name)
  }

  /** Offset of a field's value, or of the object. */
  at(name: string): number {
    return this.object.members.get(name)?.node.at ?? this.object.at
  }

  fault(name: string, message: string): null {
    this.source.fault(this.at(name), `\`${name}\`: ${message}`)
    return null
  }

  string(name: string): string | null {
    const node = this.node(name)
    if (node === undefined) return null
    return node.kind === 'string' ? node.value : this.fault(name, 'a text was expected')
  }

  requiredString(name: string): string | null {
    if (this.node(name) === undefined) {
      this.source.fault(this.object.at, `\`${name}\` is missing`)
      return null
    }
    return this.string(name)
  }

  /** A whole number in a range; also as decimal or hex text, as iproute2 prints some. */
  int(name: string, min: number, max: number): number | null {
    const node = this.node(name)
    if (node === undefined) return null
    const text = node.kind === 'string' && /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(node.value)
    const value = node.kind === 'number' ? node.value : text ? Number((node as { value: string }).value) : Number.NaN
    if (Number.isInteger(value) && value >= min && value <= max) return value
    return this.fault(name, `a whole number from ${min} to ${max} was expected`)
  }

  strings(name: string): string[] {
    const node = this.node(name)
    if (node === undefined) return []
    if (node.kind !== 'array') {
      this.fault(name, 'an array of texts was expected')
      return []
    }
    return node.items.flatMap((item) => (item.kind === 'string' ? [item.value] : []))
  }

  objects(name: string): Fields[] {
    const node = this.node(name)
    if (node === undefined) return []
    if (node.kind !== 'array') {
      this.fault(name, 'an array was expected')
      return []
    }
    return node.items.flatMap((item) => {
      if (item.kind === 'object') return item.members.size > 0 ? [new Fields(this.source, item)] : []
      this.source.fault(item.at, 'an object was expected')
      return []
    })
  }

  child(name: string): Fields | null {
    const node = this.node(name)
    if (node === undefined) return null
    if (node.kind === 'object') return new Fields(this.source, node)
    return this.fault(name, 'an object was expected')
  }
}

/** Text from a file in back quotes, escaped and shortened for a message. */
export function quoted(text: string): string {
  return `\`${escapeText(text.length > 60 ? `${text.slice(0, 57)}...` : text)}\``
}
