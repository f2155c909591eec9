// Fragments that wait for the rest of their packet: the core hands over every one that it keeps, and is given the whole
// packet when it is complete. Owns the queues. Kernel: net/ipv4/ip_fragment.c, inet_fragment.c, nf_conntrack_reasm.c.
import {
  CTX_ETHER_AT,
  CTX_MAC_SRC_AT,
  ETHER_SRC_KNOWN,
  FRAGMENT_LOCAL,
  FRAGMENT_LOOPED,
  HDR_BYTES,
  REASON_FRAGMENT_WRONG,
  RECORD_FLAGS_OFF,
  RECORD_LONGEST_OFF,
  RECORD_RESUME,
  RECORD_TRACE,
  RESULT_BYTES,
  RESULT_MARK_OFF,
  RESULT_REASON_OFF,
  RESULT_RULE_OFF,
  RESULT_TRACE_EVENTS_OFF,
} from '../../assembly/layout.js'
import { fragmentKey, isLaterFragment, mayBeCut, pieceOf, REASSEMBLY_SECONDS, wholeOf } from '../net/fragment.js'
import { packetLength } from '../net/length.js'
import type { Packet } from '../net/packet.js'
import type { PacketBatch } from './batch.js'
import type { CoreExports } from './core.js'
import { readHeader } from './header.js'

/** Bytes that are there. Pieces make a run of their own, but for one that follows the furthest run. */
interface Run {
  readonly from: number
  to: number
}

interface Queue {
  readonly endMs: number
  readonly runs: Run[]
  /** Index of the run that ends furthest. */
  furthest: number
  /** Of all runs. */
  bytes: number
  /** Bytes up to the end of the last piece; -1: it is still to come. */
  length: number
  first: Packet | null
  /** Bytes of the longest piece as it came, and of the longest that may not be cut. */
  longest: number
  uncut: number
}

/** A packet put together. */
interface Whole {
  readonly packet: Packet
  /** Bytes of the longest piece. */
  readonly longest: number
}

const MOST_BYTES = 65535

/** Puts a piece among the others. False: it overlaps. Null: it lies in one run and was there already. */
function insert(queue: Queue, from: number, to: number): boolean | null {
  const { runs } = queue
  const tail = runs[queue.furthest]
  if (tail === undefined || from >= tail.to) {
    if (tail?.to === from) tail.to = to
    else queue.furthest = runs.push({ from, to }) - 1
    queue.bytes += to - from
    return true
  }
  for (const run of runs) {
    if (to <= run.from || from >= run.to) continue
    return from >= run.from && to <= run.to ? null : false
  }
  runs.push({ from, to })
  queue.bytes += to - from
  return true
}

export class FragmentQueues {
  readonly #queues = new Map<string, Queue>()

  /** Takes a piece as it stood where it is wanted: the whole packet, `kept`, or `wrong` when the pieces were given up. */
  take(packet: Packet, user: number, now: number): Whole | 'kept' | 'wrong' {
    const name = fragmentKey(packet)
    if (name === null) return 'kept'
    const key = `${user} ${name}`
    let queue = this.#queues.get(key)
    if (queue === undefined || queue.endMs <= now) {
      const seconds = REASSEMBLY_SECONDS[packet.src.includes(':') ? 'ipv6' : 'ipv4']
      queue = {
        endMs: now + seconds * 1000,
        runs: [],
        furthest: 0,
        bytes: 0,
        length: -1,
        first: null,
        longest: 0,
        uncut: 0,
      }
      this.#queues.set(key, queue)
    }
    const { from, to, last } = pieceOf(packet)
    const end = queue.runs[queue.furthest]?.to ?? 0
    const known = queue.length >= 0
    const fits = to > from && !(last && to < end) && !(known && (to > queue.length || (last && to !== queue.length)))
    if (fits && last) queue.length = to
    const inserted = fits ? insert(queue, from, to) : false
    if (inserted === null) return 'kept'
    if (!inserted) {
      this.#queues.delete(key)
      return 'wrong'
    }
    if (!isLaterFragment(packet)) queue.first = packet
    const wire = packetLength(packet)
    if (wire > queue.longest) queue.longest = wire
    if (wire > queue.uncut && !mayBeCut(packet)) queue.uncut = wire
    if (queue.first === null || queue.bytes !== queue.length) return 'kept'
    this.#queues.delete(key)
    const header = packet.src.includes(':') ? 40 : 20
    if (queue.length + header > MOST_BYTES) return 'wrong'
    const whole = wholeOf(queue.first, packet, queue.length, queue.uncut < queue.longest)
    return { packet: whole, longest: queue.longest }
  }
}

/** The packet in the core with the Ethernet address that it came from, when that is known. */
function withSender(packet: Packet, view: DataView): Packet {
  if (packet.mac !== undefined || packet.iface === 'local') return packet
  if ((view.getUint32(CTX_ETHER_AT, true) & ETHER_SRC_KNOWN) === 0) return packet
  const digits = view.getBigUint64(CTX_MAC_SRC_AT, true).toString(16).padStart(12, '0')
  return { ...packet, mac: digits.replace(/..(?=.)/g, '$&:') }
}

/** What becomes of the fragments that the core keeps. */
export class Defragmenter {
  readonly #queues = new FragmentQueues()
  readonly #core: CoreExports
  readonly #newBatch: () => PacketBatch
  #whole: PacketBatch | null = null

  constructor(core: CoreExports, newBatch: () => PacketBatch) {
    this.#core = core
    this.#newBatch = newBatch
  }

  /** The packet that the last fragment looked after completed, as its record; null: it completed none. */
  completed: PacketBatch | null = null

  /**
   * Looks after packet `i` of the batch, which the core has just kept. When its packet is complete, that goes through in
   * its place; true then or when it was just kept, false when the core stopped for something else.
   */
  lookAfter(batch: PacketBatch, i: number): boolean {
    this.completed = null
    const core = this.#core
    const { view } = batch
    const result = batch.at.results + i * RESULT_BYTES
    const user = view.getUint32(result + RESULT_RULE_OFF, true)
    const looped = user === FRAGMENT_LOOPED
    // As it stands there: rules may have changed it, and its source may have been chosen on the way. The Ethernet header that
    // the whole will have is that of its first piece.
    const { src, dst, ttl = 64, tos = 0, flags: tcp } = readHeader(view, result)
    const given = withSender(batch.packet(i), view)
    const mark = view.getUint32(result + RESULT_MARK_OFF, true)
    const outcome = this.#queues.take(
      { ...given, src, dst, ttl, tos, mark, ...(tcp === undefined ? {} : { flags: tcp }) },
      looped ? FRAGMENT_LOCAL : user,
      core.now(),
    )
    const events = view.getUint32(result + RESULT_TRACE_EVENTS_OFF, true)
    if (looped && (outcome === 'kept' || outcome === 'wrong')) return this.#resume(batch, i, batch, i, events)
    if (outcome === 'kept') return true
    if (outcome === 'wrong') {
      view.setUint32(result + RESULT_REASON_OFF, REASON_FRAGMENT_WRONG, true)
      return true
    }
    this.#whole ??= this.#newBatch()
    const whole = this.#whole
    this.completed = whole
    const flags = batch.view.getUint16(batch.recordAt(i) + RECORD_FLAGS_OFF, true)
    whole.set(0, outcome.packet, (flags & RECORD_TRACE) !== 0)
    whole.view.setUint16(whole.recordAt(0) + RECORD_LONGEST_OFF, outcome.longest, true)
    if (looped || user === FRAGMENT_LOCAL) return this.#resume(whole, 0, batch, i, events)
    core.again(events)
    return core.run(whole.at.records, whole.at.quotes, result, batch.answerAt(i), 0, 1) === 1
  }

  /** Goes on with packet `n` of `from` in place of packet `i` of the batch, which has had so many events. */
  #resume(from: PacketBatch, n: number, batch: PacketBatch, i: number, events: number): boolean {
    const core = this.#core
    const { at } = from
    const flagsAt = from.recordAt(n) + RECORD_FLAGS_OFF
    const flags = from.view.getUint16(flagsAt, true)
    from.view.setUint16(flagsAt, flags | RECORD_RESUME, true)
    core.again(0)
    const [quote, record] = [at.quotes + n * HDR_BYTES, from.recordAt(n)]
    const result = batch.at.results + i * RESULT_BYTES
    const done = core.run(record, quote, result, batch.answerAt(i), 0, 1) === 1
    from.view.setUint16(flagsAt, flags, true)
    if (!done) return false
    const more = batch.view.getUint32(result + RESULT_TRACE_EVENTS_OFF, true)
    batch.view.setUint32(result + RESULT_TRACE_EVENTS_OFF, events + more, true)
    return true
  }
}
