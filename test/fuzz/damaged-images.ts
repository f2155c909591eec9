// Damaged images: bits of compiled images flipped, words replaced by others, sections cut or moved, and the checksum
// set right again. What compile/check.ts lets through is loaded and packets are run through it: no trap, no hang, and
// the image itself stays as it was (a write outside a record would be seen there first).
// Owns the damage and the run of one survivor; who counts and how long is up to the caller.
import fc from 'fast-check'
import * as L from '../../assembly/layout.js'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import { ImageError, readImage } from '../../src/compile/check.js'
import { compile } from '../../src/compile/compile.js'
import { type Image, imageChecksum, sectionTable } from '../../src/compile/image.js'
import { AnswerReader } from '../../src/engine/answer.js'
import { PacketBatch } from '../../src/engine/batch.js'
import { inlinedCore, instantiate } from '../../src/engine/core.js'
import { TraceReader } from '../../src/engine/trace.js'
import type { Packet } from '../../src/net/packet.js'
import type { Route } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { CASES } from '../property/cases.js'
import { play } from '../property/support.js'

/** An image with packets that mean something to it. */
export interface Base {
  readonly name: string
  readonly image: Image
  readonly packets: readonly Packet[]
}

const PACKETS = 40
/** Small tables: what lies in them, not their size, is damaged. */
const LIMITS = { maxAddedElements: 64, maxRecentEntries: 256, maxHashlimitEntries: 64 } as const

/** So many routes that their table gets an index. */
function manyRoutes({ namespace, lines }: Scenario): Scenario {
  const dev = namespace.links[0]!.name
  const routes = Array.from({ length: 400 }, (_, i): Route => {
    const dst = `10.${i >> 4}.${(i & 15) << 4}.0/24`
    return {
      family: 'ipv4',
      dst,
      type: 'unicast',
      table: 254,
      metric: 0,
      tos: 0,
      scope: 'link',
      nextHops: [{ dev, weight: 1 }],
    } as Route
  })
  return { lines, namespace: { ...namespace, routes: [...namespace.routes, ...routes] } }
}

const KINDS: typeof CASES = [
  ...CASES,
  ['many routes', scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 2 }) })).map(manyRoutes), 1],
]

/** Images of generated namespaces, `count` of each kind that the property tests use. */
export function bases(count: number, seed: number): Base[] {
  return KINDS.flatMap(([name, arbitrary], kind) =>
    fc.sample(arbitrary, { numRuns: count, seed: seed + kind }).map(({ namespace, lines }): Base => {
      const { packets } = play(new ReferenceEngine(namespace, { seed: 1 }), lines.slice(0, 3 * PACKETS), {})
      return { name, image: compile(namespace, { limits: LIMITS }), packets: packets.slice(0, PACKETS) }
    }),
  )
}

/** A small generator of numbers (xorshift32), so that a case is its seed. */
export class Dice {
  #x: number
  constructor(seed: number) {
    this.#x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
    for (let i = 0; i < 4; i++) this.below(2)
  }

  /** 0 .. n - 1. */
  below(n: number): number {
    this.#x ^= this.#x << 13
    this.#x ^= this.#x >>> 17
    this.#x ^= this.#x << 5
    return (this.#x >>> 0) % n
  }
}

const EDGES: readonly number[] = [
  0, 1, 2, 3, 31, 32, 255, 256, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
]

/** A copy with one to four words damaged, mostly in one section; the symbols are hit like any other section. */
export function damaged(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = bytes.slice()
  const words = new Uint32Array(copy.buffer)
  const table = [...sectionTable(bytes).values()]
  for (let times = 1 + (dice.below(3) === 0 ? dice.below(3) : 0); times > 0; times--) {
    const where = dice.below(table.length + 1)
    const range = table[where]
    // The header and the section table now and then, else a section whatever its size.
    const [from, length] =
      range === undefined
        ? [0, (L.IMAGE_HEADER_BYTES + table.length * L.SECTION_ENTRY_BYTES) >>> 2]
        : [range.offset >>> 2, Math.max(1, range.bytes >>> 2)]
    const at = from + dice.below(length)
    const old = words[at]!
    switch (dice.below(5)) {
      case 0:
      case 1:
        words[at] = old ^ (1 << dice.below(32))
        break
      case 2:
        words[at] = old + dice.below(9) - 4
        break
      case 3:
        words[at] = EDGES[dice.below(EDGES.length)]!
        break
      default:
        words[at] = words[from + dice.below(length)]!
    }
  }
  words[L.IMAGE_CHECKSUM_OFF >>> 2] = imageChecksum(copy)
  return copy
}

export type Fate = 'refused' | 'harmless' | 'unchanged'

/** Connections a survivor has room for; those of the bases fit. */
const CONNECTIONS = 256

/**
 * What becomes of damaged bytes. Throws when anything but a refusal by name or ordinary answers comes of them.
 * `surviving` is called before the core sees them.
 */
export function fate(base: Base, bytes: Uint8Array, surviving: () => void = () => {}): Fate {
  if (Buffer.compare(bytes, base.image.bytes) === 0) return 'unchanged'
  let image: Image
  try {
    image = readImage(bytes)
  } catch (error) {
    if (error instanceof ImageError) return 'refused'
    throw error
  }
  surviving()
  const core = instantiate(inlinedCore())
  const at = core.allocate(bytes.byteLength) >>> 0
  new Uint8Array(core.memory.buffer).set(bytes, at)
  if (!core.loadImage(at, 7, 0, CONNECTIONS, 2 * L.TRACE_RESERVE_BYTES)) return 'refused'
  const linkNames = image.symbols.links
  const answers = new AnswerReader(image)
  const links = new Map(linkNames.map((name, id) => [name, id] as const).filter(([, id]) => id > 0))
  const batch = new PacketBatch({ core, linkNames, links, answers }, base.packets.length)
  let count = 0
  for (const packet of base.packets) {
    try {
      batch.set(count, packet, count % 2 === 0)
      count++
    } catch (error) {
      if (!(error instanceof RangeError)) throw error // a link that the damaged symbols do not name
    }
  }
  const traces = new TraceReader(image)
  for (let i = 0; i < count; i++) {
    core.clearTrace()
    const done = core.run(batch.at.records, batch.at.quotes, batch.at.results, batch.at.answers, i, 1)
    if (done !== 1 && core.stopReason() === L.STOP_DONE) throw new Error('the core stopped without a reason')
    if (done !== 1) continue
    batch.answer(i)
    const events = batch.view.getUint32(batch.at.results + i * L.RESULT_BYTES + L.RESULT_TRACE_EVENTS_OFF, true)
    traces.read(batch.view, core.traceBuffer() >>> 0, events)
  }
  const now = new Uint8Array(core.memory.buffer, at, bytes.byteLength)
  if (Buffer.compare(now, bytes) !== 0) throw new Error('the image was written to')
  return 'harmless'
}
