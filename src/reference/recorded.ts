// Draws that lead where a recorded answer went: statistic rules take the branch that its trace lists, port searches and
// next hops end at what its connection and header show. What a record leaves open is drawn from the seed.
// Owns the way from a record to draws, and the list of them, by which another data plane can go the same way.

import { escapeText, fail } from '../net/fault.js'
import type { Answer, Packet, Tuple } from '../net/packet.js'
import type { RecordedAnswer, RecordedChoices } from '../netns/choices.js'
import type { NetworkNamespace } from '../netns/model.js'
import {
  type Draws,
  type HopChoice,
  type PacketDraws,
  type PortSearch,
  type StatisticCase,
  splitAt,
  type Visit,
} from './prf.js'
import { selectIpv4 } from './source.js'
import { shownTuple, tupleOf } from './tuple.js'
import type { Recorder } from './types.js'

/** One draw: the n-th of a purpose, as 64 bits. See docs/semantics.md, "Draws". */
export interface Draw {
  readonly purpose: number
  readonly n: number
  readonly value: bigint
}

interface NumberedVisit extends Visit {
  readonly n: number
}

const START = { SRC: 1, DST: 2 } as const
const HOP = 3

/** The draws of one packet, after its record. Where that cannot be followed, a FaultError names the packet. */
export class RecordedDraws implements PacketDraws {
  readonly #choices: RecordedChoices
  readonly #record: RecordedAnswer | undefined
  readonly #ns: NetworkNamespace
  readonly #packet: Packet
  readonly #recorder: Recorder
  readonly #seeded: Draws
  /** Visits in which something was decided. */
  readonly #visits = new Set<NumberedVisit>()
  readonly #others: Draw[] = []
  readonly #count = [0, 0, 0, 0]
  /** Lines of the trace that were found to be those of the record, by list. */
  readonly #verified = { trace: 0, traceReply: 0 }
  /** The line that comes next after a decision, and the rule that it was about. */
  readonly #decided = { trace: new Map<number, string>(), traceReply: new Map<number, string>() }
  #hopTaken = false

  constructor(choices: RecordedChoices, ns: NetworkNamespace, packet: Packet, recorder: Recorder, seeded: Draws) {
    this.#choices = choices
    this.#record = packet.id === undefined ? undefined : choices.answers.get(packet.id)
    this.#ns = ns
    this.#packet = packet
    this.#recorder = recorder
    this.#seeded = seeded
  }

  #impossible(why: string): never {
    const { file } = this.#choices
    return fail(file, this.#record?.line ?? 0, 1, `packet ${escapeText(String(this.#packet.id ?? '?'))}: ${why}`)
  }

  /** The packet's record; a choice cannot be made without. */
  #recorded(): RecordedAnswer {
    return this.#record ?? this.#impossible('a random choice is met, but there is no answer with this id')
  }

  #next(purpose: number): number {
    const n = this.#count[purpose]!
    this.#count[purpose] = n + 1
    return n
  }

  visit(): NumberedVisit {
    return { n: this.#next(0), u: 0n, lo: 0n, hi: 1n << 62n }
  }

  /** The line that the record has next, once what came before is seen to be the same. */
  #nextLine(list: 'trace' | 'traceReply', rule: string): string | undefined {
    const record = this.#recorded()
    const theirs = record[list]
    if (theirs === undefined) return this.#impossible(`rule ${rule} is met, but no trace was recorded to choose by`)
    const ours = this.#recorder[list]
    for (let i = this.#verified[list]; i < ours.length; i++) {
      if (ours[i] === theirs[i]) continue
      const other = theirs[i] === undefined ? 'ends' : `has ${escapeText(theirs[i]!)}`
      this.#impossible(`the trace recorded ${other} where the rules lead to ${ours[i]}, before the choice of ${rule}`)
    }
    this.#verified[list] = ours.length
    return theirs[ours.length]
  }

  statistic({ visit, probability, not, rule, isAnswer }: StatisticCase): boolean {
    const list = isAnswer ? 'traceReply' : 'trace'
    const listed = this.#nextLine(list, rule) === rule
    const numbered = visit as NumberedVisit
    const middle = splitAt(visit, probability)
    const [canHit, canMiss] = [middle > visit.lo, middle < visit.hi]
    let hit = listed !== not
    if (hit ? !canHit : !canMiss) {
      if (listed) this.#impossible(`the trace recorded lists ${rule}, but its probability rules that out`)
      // It is not listed: then something that stands behind it in the rule has to fail.
      hit = !hit
    }
    if (hit) visit.hi = middle
    else visit.lo = middle
    this.#visits.add(numbered)
    this.#decided[list].set(this.#recorder[list].length, rule)
    return hit !== not
  }

  /** Which port or id the record shows for this side of the flow. */
  #portOf({ manip, flow }: PortSearch): number | undefined {
    const { ct, header } = this.#recorded()
    if (ct !== undefined && same(ct.orig, shownTuple(flow.tuples[0])))
      return ct.reply.icmp_id ?? (manip === 'SRC' ? ct.reply.dport : ct.reply.sport)
    if (header === undefined || !same(shownTuple(tupleOf(this.#packet)), shownTuple(flow.tuples[0]))) return undefined
    return header.icmp_id ?? (manip === 'SRC' ? header.sport : header.dport)
  }

  port(search: PortSearch): number {
    const { manip, first, size } = search
    const wanted = this.#portOf(search)
    const start = wanted === undefined ? this.#seeded.port({ manip }) : this.#startFor(wanted, search)
    if (start === undefined)
      return this.#impossible(
        `the answer shows port or id ${wanted}, but of ${first}-${first + size - 1} that one cannot be drawn: it is taken`,
      )
    this.#others.push({ purpose: START[manip], n: this.#next(START[manip]), value: BigInt(start) << 48n })
    return start
  }

  #startFor(wanted: number, { first, size, attempts, leads }: PortSearch): number | undefined {
    const offset = wanted - first
    if (offset < 0 || offset >= size)
      return this.#impossible(
        `the answer shows port or id ${wanted}, but the rules draw from ${first}-${first + size - 1}`,
      )
    // The port itself; and where that one gives way only to the last attempts, starts further and further below.
    for (let back = 0; back < attempts; back++) {
      const start = (offset - back + size) % size
      if (leads(start) === wanted) return start
    }
    return undefined
  }

  hop(hops: readonly HopChoice[], isAnswer: boolean): number {
    const { outIface, replyOutIface, ct } = this.#recorded()
    const dev = isAnswer ? replyOutIface : outIface
    const there = hops.filter((h) => h.hop.dev === dev)
    // Hops by one interface differ in the address that MASQUERADE takes for them.
    const masked = ct && there.find((h) => this.#sourceBy(h) === ct.reply.dst)
    const taken = masked ?? there[0]
    const drawn = taken?.bound ?? this.#seeded.hop()
    if (!isAnswer) this.#hopTaken = true
    this.#others.push({ purpose: HOP, n: this.#next(HOP), value: BigInt(drawn) << 33n })
    return drawn
  }

  #sourceBy({ hop }: HopChoice): string | undefined {
    const { src, dst } = this.#packet
    if (src.includes(':') || hop.dev === undefined) return undefined
    return selectIpv4(this.#ns, hop.dev, hop.via ?? dst)
  }

  /** Was the record followed? Throws a FaultError when a choice led elsewhere. */
  finish(answer: Answer): void {
    for (const list of ['trace', 'traceReply'] as const) {
      for (const [at, rule] of this.#decided[list]) {
        const [ours, theirs] = [this.#recorder[list][at], this.#record?.[list]?.[at]]
        if (ours === theirs) continue
        const [a, b] = [theirs, ours].map((line) => (line === undefined ? 'nothing more' : escapeText(line)))
        this.#impossible(`the trace recorded has ${a} after the choice of ${rule}, where the rules lead to ${b}`)
      }
    }
    const outIface = this.#record?.outIface
    if (this.#hopTaken && outIface !== undefined && answer.out_iface !== undefined && outIface !== answer.out_iface)
      this.#impossible(`it left by ${escapeText(outIface)}, but the routes lead to ${answer.out_iface}`)
  }

  /** Every draw that was made, as another data plane has to draw it. */
  get drawn(): Draw[] {
    const visits = [...this.#visits].map(({ n, lo }) => ({ purpose: 0, n, value: lo << 2n }))
    return [...visits, ...this.#others]
  }
}

/** Is it the same direction of the same flow? */
function same(a: Tuple, b: Tuple): boolean {
  return a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.dport === b.dport && a.icmp_id === b.icmp_id
}
