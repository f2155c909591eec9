// A batch: records of packets in linear memory, and their results. Four arrays with one index (assembly/layout.ts).
// Owns filling and reading; engine.ts runs it.
import {
  HDR_BYTES,
  RECORD_AT_MS_OFF,
  RECORD_BAD_CHECKSUM,
  RECORD_BYTES,
  RECORD_CUTTABLE,
  RECORD_FLAGS_OFF,
  RECORD_IN_LINK_OFF,
  RECORD_LENGTH_OFF,
  RECORD_MARK_OFF,
  RECORD_QUOTES,
  RECORD_TCP_OPTIONS,
  RECORD_TRACE,
  RECORD_ZONE_OFF,
  RESULT_BYTES,
  RESULT_VERDICT_OFF,
} from '../../assembly/layout.js'
import { completePacket } from '../net/complete.js'
import { mayBeCut } from '../net/fragment.js'
import { packetLength } from '../net/length.js'
import type { Answer, Packet, Verdict } from '../net/packet.js'
import { type AnswerReader, VERDICTS } from './answer.js'
import type { CoreExports } from './core.js'
import { readFacts, writeFacts } from './facts.js'
import { readPacket, writeHeader } from './header.js'
import { MoreFacts } from './more-facts.js'
import { writePlain } from './plain.js'
import { writeTcpOptions } from './tcp-options.js'

/** The checksum that a real fragment shows is about the whole packet. */
function isPiece(packet: Packet): boolean {
  return packet.frag !== undefined && packet.ip_id !== undefined
}

/** What a batch needs of its engine. */
export interface BatchHost {
  readonly core: CoreExports
  /** Link id by name. */
  readonly links: ReadonlyMap<string, number>
  readonly linkNames: readonly string[]
  /** Of the image in force. */
  answers: AnswerReader
}

/**
 * Room for `capacity` packets and their results, for one engine; it lives as long as the engine. Fill it with `set`, or
 * write records yourself through `records` (the layout is RECORD_* and HDR_* of assembly/layout.ts), set `length`, and
 * give it to `Engine.processBatch`. Views die when memory grows, so take them anew for each filling.
 * For example: `batch.set(0, packet); engine.processBatch(batch); batch.verdict(0)`.
 */
export class PacketBatch {
  readonly capacity: number
  /** How many of its records are packets; 0..capacity. */
  length = 0
  /** Decodes its results; set when they are made, since other rules may be in force by the time they are read. */
  reader: AnswerReader
  /** Addresses of the four arrays. */
  readonly at: { readonly records: number; readonly quotes: number; readonly results: number; readonly answers: number }
  readonly #host: BatchHost
  /** Packets that hold more than their records say. */
  readonly #kept = new Map<number, Packet>()
  /** What the packets are called by, of those that are called anything. */
  readonly #ids: (number | string | undefined)[] = []
  readonly #facts: MoreFacts
  #view: DataView
  /** Empty once the view is dead. */
  #bytes: Uint8Array

  /** @internal Use `Engine.newBatch`. */
  constructor(host: BatchHost, capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity ${capacity} is not a whole number from 1`)
    this.#host = host
    this.reader = host.answers
    this.capacity = capacity
    const room = (bytes: number): number => this.#room(bytes)
    this.#facts = new MoreFacts(room)
    this.at = {
      records: room(capacity * RECORD_BYTES),
      quotes: room(capacity * HDR_BYTES),
      results: room(capacity * RESULT_BYTES),
      answers: room(capacity * HDR_BYTES),
    }
    this.#view = new DataView(host.core.memory.buffer)
    this.#bytes = new Uint8Array(host.core.memory.buffer)
  }

  /** A view of linear memory that holds until memory grows. */
  get view(): DataView {
    if (this.#bytes.length === 0) {
      const { buffer } = this.#host.core.memory
      this.#view = new DataView(buffer)
      this.#bytes = new Uint8Array(buffer)
    }
    return this.#view
  }

  /** The bytes of the records, RECORD_BYTES each. */
  get records(): Uint8Array {
    return new Uint8Array(this.#host.core.memory.buffer, this.at.records, this.capacity * RECORD_BYTES)
  }

  /** The bytes of the quoted packets, HDR_BYTES each. */
  get quotes(): Uint8Array {
    return new Uint8Array(this.#host.core.memory.buffer, this.at.quotes, this.capacity * HDR_BYTES)
  }

  /** The bytes of the results, RESULT_BYTES each. */
  get results(): Uint8Array {
    return new Uint8Array(this.#host.core.memory.buffer, this.at.results, this.capacity * RESULT_BYTES)
  }

  #index(i: number): number {
    if (!Number.isInteger(i) || i < 0 || i >= this.capacity) {
      throw new RangeError(`packet ${i} of a batch with room for ${this.capacity}`)
    }
    return i
  }

  /** Link id of an interface name; 0 for `local`. Throws a RangeError when it is not there. */
  linkId(iface: string): number {
    if (iface === 'local') return 0
    const id = this.#host.links.get(iface)
    if (id === undefined) throw new RangeError(`unknown interface ${JSON.stringify(iface)}`)
    return id
  }

  /**
   * Writes a packet (missing fields get `completePacket`'s defaults); `length` grows to hold it. Throws a RangeError on
   * an unknown interface or a bad field.
   */
  set(i: number, packet: Packet, trace = false): void {
    this.#index(i)
    const { view } = this
    const at = this.at.records + i * RECORD_BYTES
    if (writePlain(view, at, packet, this.#host.links, trace)) {
      if (this.#kept.size > 0) this.#kept.delete(i)
      if (packet.id !== undefined || i < this.#ids.length) this.#ids[i] = packet.id
    } else this.#setWhole(i, at, view, completePacket(packet), trace)
    if (this.length <= i) this.length = i + 1
  }

  #setWhole(i: number, at: number, view: DataView, whole: Packet, trace: boolean): void {
    const link = this.linkId(whole.iface)
    writeHeader(view, at, whole)
    view.setFloat64(at + RECORD_AT_MS_OFF, whole.at_ms ?? -1, true)
    view.setUint32(at + RECORD_MARK_OFF, whole.mark ?? 0, true)
    view.setUint32(at + RECORD_LENGTH_OFF, packetLength(whole), true)
    view.setUint32(at + RECORD_IN_LINK_OFF, link, true)
    view.setUint16(at + RECORD_ZONE_OFF, 0, true)
    const flags =
      (trace ? RECORD_TRACE : 0) |
      (whole.inner ? RECORD_QUOTES : 0) |
      (whole.bad_csum || isPiece(whole) ? RECORD_BAD_CHECKSUM : 0) |
      (mayBeCut(whole) ? RECORD_CUTTABLE : 0)
    view.setUint16(at + RECORD_FLAGS_OFF, writeTcpOptions(view, at, whole) ? flags | RECORD_TCP_OPTIONS : flags, true)
    writeFacts(view, at, whole)
    this.#facts.write(i, at, whole, () => this.view)
    if (whole.inner !== undefined) writeHeader(this.view, this.at.quotes + i * HDR_BYTES, whole.inner)
    this.#kept.set(i, whole)
  }

  /** @internal Where the record of packet `i` lies, and what its answer quotes. */
  recordAt(i: number): number {
    return this.at.records + i * RECORD_BYTES
  }

  /** @internal */
  answerAt(i: number): number {
    return this.at.answers + i * HDR_BYTES
  }

  #room(bytes: number): number {
    const at = bytes > 0xffff0000 ? 0 : this.#host.core.allocate(bytes) >>> 0
    if (at === 0) throw new RangeError(`no memory for a batch of ${this.capacity} packets; ask for a smaller capacity`)
    return at
  }

  /** What became of packet `i`; `skipped` when it was not processed. */
  verdict(i: number): Verdict {
    return VERDICTS[this.view.getUint32(this.at.results + this.#index(i) * RESULT_BYTES + RESULT_VERDICT_OFF, true)]!
  }

  /** The whole answer about packet `i`. */
  answer(i: number): Answer {
    const { view, at } = this
    return this.reader.read(
      view,
      at.results + this.#index(i) * RESULT_BYTES,
      at.answers + i * HDR_BYTES,
      this.packet(i),
    )
  }

  /** The `id` of packet `i`; without, in a batch of several, its place. */
  name(i: number): number | string | undefined {
    return this.packet(i).id ?? (this.capacity > 1 ? `[${i}] of the batch` : undefined)
  }

  /** Packet `i` as it was given by `set`, with what was left out; or as its record says. */
  packet(i: number): Packet {
    const known = this.#kept.size > 0 ? this.#kept.get(this.#index(i)) : undefined
    if (known !== undefined) return known
    const { view } = this
    const at = this.at.records + this.#index(i) * RECORD_BYTES
    const iface = this.#host.linkNames[view.getUint32(at + RECORD_IN_LINK_OFF, true)] || 'local'
    const packet = readPacket(view, at, iface) as Packet
    packet.mark = view.getUint32(at + RECORD_MARK_OFF, true)
    readFacts(view, at, packet)
    const flags = view.getUint16(at + RECORD_FLAGS_OFF, true)
    const cuttable = (flags & RECORD_CUTTABLE) !== 0
    if (cuttable !== mayBeCut(packet) && !packet.src.includes(':')) packet.df = !cuttable
    const quotes = (flags & RECORD_QUOTES) !== 0
    if (quotes) packet.inner = readPacket(view, this.at.quotes + i * HDR_BYTES)
    else {
      const extra = view.getUint32(at + RECORD_LENGTH_OFF, true) - packetLength(packet)
      if (extra > 0) packet.extra_len = extra
    }
    const atMs = view.getFloat64(at + RECORD_AT_MS_OFF, true)
    if (atMs >= 0) packet.at_ms = atMs
    const id = i < this.#ids.length ? this.#ids[i] : undefined
    if (id !== undefined) packet.id = id
    return packet
  }
}
