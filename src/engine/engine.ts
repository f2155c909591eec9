// The compiled data plane: an image in a WebAssembly instance, packets in, answers out.
// Owns the instance's life and the driver of batches; decoding is in answer.ts, trace.ts, connection.ts.
import {
  IMAGE_COUNTERS_OFF,
  RECORD_BYTES,
  RECORD_FLAGS_OFF,
  RECORD_TRACE,
  RESULT_BYTES,
  RESULT_TRACE_EVENTS_OFF,
  RESULT_ZONE_OFF,
  STOP_FRAGMENT,
  STOP_TRACE,
  TRACE_EVENT_BYTES,
  TRACE_RESERVE_BYTES,
  WALL_CLOCK_AT,
  WALL_GIVEN_AT,
  WALL_ZONE_AT,
} from '../../assembly/layout.js'
import type { CompileLimits } from '../compile/context.js'
import type { Image } from '../compile/image.js'
import { isLaterFragment } from '../net/fragment.js'
import type { Answer, ConntrackEntry, Packet } from '../net/packet.js'
import type { Ruleset } from '../netfilter/model.js'
import type { DataPlane, DataPlaneOptions, ProcessOptions } from '../netns/dataplane.js'
import type { IpSet, NetworkNamespace } from '../netns/model.js'
import { parseWallClock } from '../netns/wall-clock.js'
import { AnswerReader } from './answer.js'
import { type BatchHost, PacketBatch } from './batch.js'
import { readConnection, shownConnection } from './connection.js'
import { type Core, type CoreExports, inlinedCore, instantiate } from './core.js'
import { readCounters } from './counters.js'
import { Defragmenter } from './defrag.js'
import { type ForcedDraw, ForcedDraws } from './draws.js'
import { connectionsFor } from './room.js'
import { RunningImage } from './running.js'
import { readSets } from './sets.js'
import { throwStop } from './stop.js'
import { type Trace, TraceReader } from './trace.js'

export interface EngineOptions extends DataPlaneOptions {
  /**
   * Most connections that the engine has room for, 224 bytes and an index entry each, of which only what is used costs
   * memory. Default: the namespace's `nf_conntrack_max` (2^20 when that is no limit), at most 2^20, and at least what
   * exists at the start. Reaching it while `nf_conntrack_max` would allow more is an error.
   */
  readonly maxConnections?: number
  /** Bytes for the events of traced packets between two stops of a batch, at least 2 MiB. Default 4 MiB. */
  readonly traceBytes?: number
  /** The core to use; default: the one inside this package. */
  readonly core?: Core
  /**
   * Keep every time stamp of the `recent` lists, so that rules that count hits may be swapped in later (`swapRules`).
   * Default false: only the newest where no rule counts them, 26 KB a list less.
   */
  readonly recentStamps?: boolean
  /**
   * What compiling may take and make room for, of the namespace that is given and of rules that are swapped in: less room
   * for what rules add to sets, lists and tables of hashlimit makes an engine smaller. Default: that of `compile`.
   */
  readonly limits?: Partial<CompileLimits>
  /**
   * Room for rules that `swapRules` brings, as a part of what the rules take: with 0.25 there is a quarter more, and
   * changes that fit are put into the image where it lies. Default: none at first, 0.25 from the first swap on.
   */
  readonly room?: number
}

/** Given the traces of a batch as they come. */
export interface BatchOptions {
  /** Called after packets `from` .. `to - 1` that were traced; each one's trace is read from the batch then. */
  readonly onTrace?: (index: number, trace: Trace) => void
}

const DEFAULT_TRACE_BYTES = 4 << 20
/** Packets a call of the core: V8 compiles between calls, never within one. */
const CHUNK = 4096

/**
 * A data plane on WebAssembly. Takes a namespace (and compiles it) or an image. Throws a FaultError when the namespace
 * holds what cannot be evaluated.
 * For example: `new Engine(namespace, { seed: 1 }).process({ iface: 'eth0', proto: 'tcp', src: '10.0.0.9', dst: '10.96.0.10' })`.
 */
export class Engine implements DataPlane {
  readonly #running: RunningImage
  readonly #core: CoreExports
  readonly #host: BatchHost
  #traces: TraceReader
  readonly #single: PacketBatch
  readonly #fragments: Defragmenter
  readonly #maxConnections: number
  readonly #forced: ForcedDraws

  constructor(source: Image | NetworkNamespace, options: EngineOptions = {}) {
    const core = instantiate(options.core ?? inlinedCore())
    this.#core = core
    const compiling = { recentStamps: options.recentStamps === true, limits: options.limits ?? {} }
    this.#running = new RunningImage(core, source, compiling, options.room)
    const { image } = this.#running
    this.#maxConnections = connectionsFor(image, options.maxConnections)
    const traceBytes = Math.max(options.traceBytes ?? DEFAULT_TRACE_BYTES, 2 * TRACE_RESERVE_BYTES)
    const seed = BigInt.asUintN(64, BigInt(options.seed ?? 0))
    const low = Number(seed & 0xffffffffn)
    const high = Number(seed >> 32n)
    if (!core.loadImage(this.#running.at, low, high, this.#maxConnections, traceBytes)) {
      throw new RangeError(`no memory for ${this.#maxConnections} connections: lower the option maxConnections`)
    }
    this.#running.loaded()
    const linkNames = image.symbols.links
    this.#host = {
      core,
      linkNames,
      links: new Map(linkNames.map((name, id) => [name, id] as const).filter(([, id]) => id > 0)),
      answers: new AnswerReader(image),
    }
    this.#traces = new TraceReader(image)
    this.#forced = new ForcedDraws(core)
    if (options.wallClock !== undefined) {
      const { ms, zoneSeconds } = parseWallClock(options.wallClock)
      const view = new DataView(core.memory.buffer)
      view.setFloat64(WALL_CLOCK_AT, ms, true)
      view.setInt32(WALL_ZONE_AT, zoneSeconds, true)
      view.setUint32(WALL_GIVEN_AT, 1, true)
    }
    this.#single = new PacketBatch(this.#host, 1)
    this.#fragments = new Defragmenter(core, () => this.newBatch(1))
  }

  get now(): number {
    return this.#core.now()
  }

  /** The image in force; with room for changes (option `room`, or after `swapRules`) one without it that says the same. */
  get image(): Image {
    return this.#running.fresh()
  }

  get rulesets(): readonly Ruleset[] {
    return this.#running.namespace.rulesets
  }

  /**
   * See `DataPlane.swapRules`. Where only some chains are others, and they hold no more than addresses, ports, protocols,
   * states and marks, just those are compiled, and put into the image's room; else all rules are. Packets of batches that
   * were filled before meet the new rules.
   */
  swapRules(rulesets: readonly Ruleset[]): void {
    const changed = this.#running.swap(rulesets)
    const { image } = this.#running
    if (changed !== null) this.#traces.moved(changed.map((index) => image.symbols.chains[index]!))
    else {
      this.#host.answers = new AnswerReader(image)
      this.#traces = new TraceReader(image)
    }
  }

  /** Times that rules were exchanged in the image since it was compiled. */
  get patches(): number {
    return this.#running.patches
  }

  /** Bytes of linear memory in use. */
  get memoryBytes(): number {
    return this.#core.memoryUsed() >>> 0
  }

  /** Room for `capacity` packets (384 bytes each, reserved for good; only what is used costs memory). */
  newBatch(capacity: number): PacketBatch {
    return new PacketBatch(this.#host, capacity)
  }

  /**
   * Gives draws in place of those of the seed, for every packet from now on; none: all are drawn again. Which draws there
   * are, docs/semantics.md says ("Draws"). Throws a RangeError when there are more than fit in memory.
   */
  forceDraws(draws: readonly ForcedDraw[]): void {
    this.#forced.set(draws)
  }

  process(packet: Packet, options: ProcessOptions = {}): Answer {
    const batch = this.#single
    const core = this.#core
    batch.reader = this.#host.answers
    batch.set(0, packet, options.trace === true)
    const { at } = batch
    core.clearTrace()
    const done = core.run(at.records, at.quotes, at.results, at.answers, 0, 1)
    const whole = done === 1 ? null : this.#pass(batch, 0)
    const answer = batch.answer(0)
    const { view } = batch
    if (options.ct) {
      const zones = view.getUint32(at.results + RESULT_ZONE_OFF, true)
      const asked = (whole ?? batch).at
      const later = whole === null && isLaterFragment(answer.in)
      const n = later ? 0 : core.findConnection(asked.records, asked.quotes, zones)
      answer.ct = n === 0 ? null : shownConnection(core, view, n, this.#running.image)
    }
    if (options.trace) {
      const events = view.getUint32(at.results + RESULT_TRACE_EVENTS_OFF, true)
      const { trace, traceReply, steps, flooded } = this.#traces.read(view, core.traceBuffer() >>> 0, events)
      answer.trace = trace
      if (traceReply.length > 0) answer.trace_reply = traceReply
      answer.steps = steps
      if (flooded.length > 0) answer.flooded = flooded
    }
    return answer
  }

  /**
   * Sends the batch's packets through, one after the other, in order; returns how many: `batch.length`. Nothing is
   * allocated on the way, but by `onTrace` when packets are traced. Throws a RangeError as `process` does; the packets
   * before the one that is at fault are done then.
   */
  processBatch(batch: PacketBatch, options: BatchOptions = {}): number {
    const core = this.#core
    const { records, quotes, results, answers } = batch.at
    const { length } = batch
    batch.reader = this.#host.answers
    core.clearTrace()
    let traced = 0
    let from = 0
    while (from < length) {
      const count = Math.min(CHUNK, length - from)
      const done = core.run(records, quotes, results, answers, from, count)
      from += done
      if (done === count) continue
      if (core.stopReason() === STOP_FRAGMENT) {
        if (!this.#fragments.lookAfter(batch, from)) {
          this.#giveTraces(batch, traced, from, options)
          this.#throwStop(batch, from)
        }
        from++
        continue
      }
      const stop = core.stopReason()
      this.#giveTraces(batch, traced, from, options)
      if (stop !== STOP_TRACE) this.#throwStop(batch, from)
      traced = from
      core.clearTrace()
    }
    this.#giveTraces(batch, traced, from, options)
    return from
  }

  #giveTraces(batch: PacketBatch, from: number, to: number, options: BatchOptions): void {
    const { onTrace } = options
    if (onTrace === undefined) return
    let at = this.#core.traceBuffer() >>> 0
    for (let i = from; i < to; i++) {
      const events = batch.view.getUint32(batch.at.results + i * RESULT_BYTES + RESULT_TRACE_EVENTS_OFF, true)
      const flags = batch.view.getUint16(batch.at.records + i * RECORD_BYTES + RECORD_FLAGS_OFF, true)
      if ((flags & RECORD_TRACE) !== 0) onTrace(i, this.#traces.read(batch.view, at, events))
      at += events * TRACE_EVENT_BYTES
    }
  }

  /** Goes on where the core stopped: at a fragment; throws what else it stopped for. What the fragment completed, or null. */
  #pass(batch: PacketBatch, index: number): PacketBatch | null {
    const fragment = this.#core.stopReason() === STOP_FRAGMENT
    if (!fragment || !this.#fragments.lookAfter(batch, index)) this.#throwStop(batch, index)
    return this.#fragments.completed
  }

  #throwStop(batch: PacketBatch, index: number): never {
    throwStop(this.#core, this.#running.image, this.#maxConnections, batch, index)
  }

  conntrack(): ConntrackEntry[] {
    const core = this.#core
    const view = new DataView(core.memory.buffer)
    const entries: ConntrackEntry[] = []
    for (let n = core.firstConnection(); n !== 0; n = core.nextConnection(n))
      entries.push(readConnection(core, view, n, this.#running.image))
    return entries
  }

  deleteConnections(chosen: (entry: ConntrackEntry) => boolean): number {
    const core = this.#core
    const view = new DataView(core.memory.buffer)
    const gone: number[] = []
    for (let n = core.firstConnection(); n !== 0; n = core.nextConnection(n))
      if (chosen(readConnection(core, view, n, this.#running.image))) gone.push(n)
    for (const n of gone) core.deleteConnection(n)
    return gone.length
  }

  /** Number of live connections. */
  get connections(): number {
    return this.#core.connectionCount()
  }

  sets(): IpSet[] {
    return readSets(this.#core, this.#running.image, this.#running.namespace.sets)
  }

  counters(): Ruleset[] {
    const namespace = this.#running.namespace
    const count = new DataView(this.#running.image.bytes.buffer, this.#running.image.bytes.byteOffset).getUint32(
      IMAGE_COUNTERS_OFF,
      true,
    )
    return readCounters(
      namespace.rulesets,
      new BigUint64Array(this.#core.memory.buffer, this.#core.counters() >>> 0, count * 2),
      this.#running.counterOf(),
    )
  }
}
