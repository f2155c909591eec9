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

type List = 'trace' | 'traceReply'

/** The lines that say where a packet went: not every backend lists where a user chain ended. */
function decisive(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.endsWith(':return'))
}

interface NumberedVisit extends Visit {
  readonly n: number
  /** Drawn from the seed within what the record left. */
  drawn?: bigint
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
    return { ...this.#seeded.visit(), n: this.#next(0) }
  }

  /** Is our trace so far the beginning of the recorded one? */
  #onTrack(list: List, ours: readonly string[], theirs: readonly string[]): boolean {
    let at = this.#verified[list]
    while (at < ours.length && ours[at] === theirs[at]) at++
    this.#verified[list] = at
    return at === ours.length
  }

  #ours(list: List): readonly string[] {
    return decisive(this.#recorder[list])
  }

  #theirs(list: List): readonly string[] | undefined {
    const lines = this.#record?.[list]
    return lines && decisive(lines)
  }

  /** Where the record went another way before it came here, it shows nothing of this choice. */
  #seededStatistic({ visit, probability, not }: StatisticCase): boolean {
    const numbered = visit as NumberedVisit
    // What the record decided before may have left less than the whole interval.
    numbered.drawn ??= visit.lo + ((visit.u * (visit.hi - visit.lo)) >> 62n)
    const middle = splitAt(visit, probability)
    const hit = numbered.drawn < middle
    if (hit) visit.hi = middle
    else visit.lo = middle
    this.#visits.add(numbered)
    return hit !== not
  }

  statistic(met: StatisticCase): boolean {
    const { visit, probability, not, rule, isAnswer } = met
    const list = isAnswer ? 'traceReply' : 'trace'
    this.#recorded()
    const [ours, theirs] = [this.#ours(list), this.#theirs(list)]
    if (theirs === undefined) return this.#impossible(`rule ${rule} is met, but no trace was recorded to choose by`)
    if (!this.#onTrack(list, ours, theirs)) return this.#seededStatistic(met)
    const listed = theirs[ours.length] === rule
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
    this.#decided[list].set(ours.length, rule)
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

  queue(flow: number, total: number): number {
    return this.#seeded.queue(flow, total)
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
        const [ours, theirs] = [this.#ours(list)[at], this.#theirs(list)?.[at]]
        if (ours === theirs) continue
        const [a, b] = [theirs, ours].map((line) => (line === undefined ? 'nothing more' : escapeText(line)))
        this.#impossible(`the trace recorded has ${a} after the choice of ${rule}, where the rules lead to ${b}`)
      }
    }
    this.#checkTranslation(answer)
    const outIface = this.#record?.outIface
    if (this.#hopTaken && outIface !== undefined && answer.out_iface !== undefined && outIface !== answer.out_iface)
      this.#impossible(`it left by ${escapeText(outIface)}, but the routes lead to ${answer.out_iface}`)
  }

  /** The same rules, and a connection begun: then addresses and ports have to be those of the record, too. */
  #checkTranslation(answer: Answer): void {
    const { steps } = this.#recorder
    const record = this.#record
    const [passed, recorded] = [this.#ours('trace'), this.#theirs('trace')]
    if (recorded?.length !== passed.length || !this.#onTrack('trace', passed, recorded)) return
    if (record?.verdict !== answer.verdict) return
    if (!steps.some((s) => s.step === 'conntrack' && s.state === 'NEW')) return
    for (const key of ['src', 'dst', 'sport', 'dport', 'icmp_id'] as const) {
      const [ours, theirs] = [answer[key], record.header?.[key]]
      if (theirs !== undefined && ours !== undefined && ours !== theirs)
        this.#impossible(`the answer shows ${key} ${theirs}, where the rules and what is taken lead to ${ours}`)
    }
    const { ct } = record
    if (ct === undefined || !answer.ct || !same(ct.orig, answer.ct.orig) || same(ct.reply, answer.ct.reply)) return
    const [theirs, ours] = [ct.reply, answer.ct.reply].map((t) => Object.values(t).join(' '))
    this.#impossible(`its connection is answered by ${theirs} in the answer, where the rules lead to ${ours}`)
  }

  /** Every draw that was made, as another data plane has to draw it. */
  get drawn(): Draw[] {
    const visits = [...this.#visits].map(({ n, lo, drawn }) => ({ purpose: 0, n, value: (drawn ?? lo) << 2n }))
    return [...visits, ...this.#others]
  }
}

/** Is it the same direction of the same flow? */
function same(a: Tuple, b: Tuple): boolean {
  return a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.dport === b.dport && a.icmp_id === b.icmp_id
}
