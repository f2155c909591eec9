// A watch as it comes: what `kubectl get … --watch --output-watch-events -o json` prints → events, piece by piece.
// Owns cutting the stream into its values; what an object may hold is the reader's knowledge.
// Spec: k8s.io/apimachinery meta/v1 WatchEvent.
import { escapeText, FaultError } from '../../net/fault.js'
import { listOf } from '../cluster.js'
import type { ObjectEvent } from '../cluster-store.js'
import { readCluster } from './index.js'
import { JsonError, jsonEnd, jsonOffset, jsonValues, lineAndColumn } from './json.js'

/** One event may be as long as this, characters. The API server's objects are at most 3 MiB. */
const MOST_CHARACTERS = 16 << 20

/**
 * Takes the text of a watch in pieces of any size and gives the events that are whole. Objects are cut down and checked
 * as `readCluster` does it; kinds that are not read, and BOOKMARKs, are left out. An ERROR event (the watch is over, e.g.
 * 410 Gone) is given as it is: list everything anew then, and hand it to `ProxyTracker.replace`.
 *
 * @example new WatchReader('watch').push('{"type":"ADDED","object":{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}}')[0]?.type // 'ADDED'
 */
export class WatchReader {
  readonly #name: string
  #text = ''
  /** Where the scan goes on, and the value it is in. */
  #at = 0
  #depth = 0
  #quoted = false
  #line = 1

  /** @param name of the stream, for faults */
  constructor(name: string) {
    this.#name = name
  }

  /** @throws FaultError with line, column and field of what no event can be; the events before it are lost with it */
  push(piece: string): ObjectEvent[] {
    this.#text += piece
    const events: ObjectEvent[] = []
    let start = 0
    for (let at = this.#at; at < this.#text.length; at++) {
      const c = this.#text.charCodeAt(at)
      if (this.#quoted) {
        if (c === 0x5c) at++
        else if (c === 0x22) this.#quoted = false
      } else if (c === 0x22) this.#quoted = true
      else if (c === 0x7b || c === 0x5b) this.#depth++
      else if ((c === 0x7d || c === 0x5d) && --this.#depth <= 0) {
        events.push(...this.#event(this.#text.slice(start, at + 1)))
        start = at + 1
        this.#depth = 0
      }
      this.#at = at + 1
    }
    this.#text = this.#text.slice(start)
    this.#at -= start
    if (this.#text.length > MOST_CHARACTERS) this.#fail(0, `an event of more than ${MOST_CHARACTERS} characters`)
    return events
  }

  /** Says that the stream is over. @throws FaultError when it ends in the middle of an event */
  end(): void {
    if (this.#text.trim() !== '') this.#fail(this.#text.length, 'the stream ends in the middle of an event')
  }

  #event(text: string): ObjectEvent[] {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      try {
        jsonValues(text)
      } catch (error) {
        if (error instanceof JsonError) this.#fail(error.offset, `not JSON: ${escapeText(error.message)}`, text)
      }
      this.#fail(text.search(/\S/), 'not JSON', text)
    }
    const { type, object } = value as { type?: unknown; object?: unknown }
    const start = text.search(/\S/)
    if (typeof type !== 'string' || typeof object !== 'object' || object === null) {
      this.#fail(
        start,
        'expected a watch event: {"type": …, "object": …}, as kubectl prints with --output-watch-events',
        text,
      )
    }
    const { apiVersion, kind } = object as { apiVersion?: unknown; kind?: unknown }
    const read =
      type === 'ERROR' ? [{ type, object }] : this.#object(type, text, start, String(apiVersion), String(kind))
    this.#line += text.split('\n').length - 1
    return read
  }

  #object(type: string, text: string, start: number, apiVersion: string, kind: string): ObjectEvent[] {
    const list = listOf(apiVersion, kind)
    if (type === 'BOOKMARK' || list === undefined) return []
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') {
      this.#fail(
        jsonOffset(text, start, ['type']),
        `type: Unsupported value: ${escapeText(JSON.stringify(type))}: supported values: "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"`,
        text,
      )
    }
    const at = jsonOffset(text, start, ['object'])
    try {
      // The object stands where it stood, with nothing around it.
      const alone = text.slice(0, at).replace(/[^\n]/g, ' ') + text.slice(at, jsonEnd(text, at))
      const object = readCluster([{ name: this.#name, text: alone }]).cluster[list][0]
      return [{ type, object: { apiVersion, kind, ...object } }]
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      throw new FaultError(error.faults.map((f) => (f.line > 0 ? { ...f, line: f.line + this.#line - 1 } : f)))
    }
  }

  #fail(offset: number, message: string, text: string = this.#text): never {
    const { line, column } = lineAndColumn(text, Math.max(0, offset))
    throw new FaultError([{ file: this.#name, line: line + this.#line - 1, column, message }])
  }
}
