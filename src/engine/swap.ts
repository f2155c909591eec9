// Rules exchanged under way: another image takes the place of the one in force, and what stays keeps what it counted.
// Owns the room for images and their state, and which counters and states go along: those of rules and chains that are
// the same objects as before, and the `recent` lists by name. Connections, clock and draws are none of the image's.
import { RECENTS_ENTRIES_OFF, SECTION_RECENTS } from '../../assembly/layout.js'
import { type Image, type RecentSymbol, sectionWords } from '../compile/image.js'
import { fail } from '../net/fault.js'
import type { Chain, Rule, Ruleset } from '../netfilter/model.js'
import type { CoreExports } from './core.js'

interface Room {
  readonly at: number
  readonly bytes: number
}

/** Where an image lies that is in force, and its state. */
export interface Place {
  readonly image: Room
  readonly state: Room
}

/** Room in linear memory that is used again: images and their states come and go, nothing is ever given back. */
export class Rooms {
  readonly #core: CoreExports
  readonly #free: Room[] = []

  constructor(core: CoreExports) {
    this.#core = core
  }

  /** Zeroed room; throws a RangeError when there is none. */
  take(bytes: number): Room {
    let best = -1
    for (const [i, room] of this.#free.entries()) {
      if (room.bytes >= bytes && (best < 0 || room.bytes < this.#free[best]!.bytes)) best = i
    }
    if (best >= 0) {
      const room = this.#free.splice(best, 1)[0]!
      new Uint8Array(this.#core.memory.buffer, room.at, bytes).fill(0)
      return room
    }
    // Rules grow; the next ones shall fit into what these leave behind.
    const size = Math.ceil((bytes * 1.25) / 64) * 64
    const at = size > 0xffff0000 ? 0 : this.#core.allocate(size) >>> 0
    if (at === 0) throw new RangeError(`no memory for rules of ${bytes} bytes beside those in force`)
    return { at, bytes: size }
  }

  give(room: Room): void {
    this.#free.push(room)
  }
}

/** Counters of the new image whose values are those of old ones: `count` from `from` on. */
interface Span {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Where objects that run in both have their counters; the chain's counter, then its rules'. */
function spansKept(before: readonly Ruleset[], after: readonly Ruleset[], counterOf: (chain: Chain) => number): Span[] {
  const chains = new Map<Chain, number>()
  const byName = new Map<string, readonly [Chain, number]>()
  for (const { family, tables } of before)
    for (const table of tables)
      for (const chain of table.chains) {
        const counter = counterOf(chain)
        chains.set(chain, counter)
        byName.set(`${family} ${table.name} ${chain.name}`, [chain, counter])
      }
  const spans: Span[] = []
  let to = 0
  for (const { family, tables } of after)
    for (const table of tables)
      for (const chain of table.chains) {
        const from = chains.get(chain)
        if (from !== undefined) spans.push({ from, to, count: 1 + chain.rules.length })
        else {
          const [old, first] = byName.get(`${family} ${table.name} ${chain.name}`) ?? [undefined, 0]
          // Emptied and filled with what it held: it counts from the start.
          if (old?.rules === chain.rules) {
            to += 1 + chain.rules.length
            continue
          }
          const places = new Map<Rule, number>(old?.rules.map((rule, i) => [rule, first + 1 + i]))
          for (const [i, rule] of chain.rules.entries()) {
            const place = places.get(rule)
            if (place !== undefined) spans.push({ from: place, to: to + 1 + i, count: 1 })
          }
        }
        to += 1 + chain.rules.length
      }
  return spans
}

/** Lists that go along: index before, index after. */
function listsKept(core: CoreExports, before: Image, after: Image): [number, number][] {
  const old = before.symbols.recents ?? []
  const indexes = new Map(old.map((list, i) => [list.name, i]))
  const kept: [number, number][] = []
  let addresses = 0
  for (const [to, list] of (after.symbols.recents ?? []).entries()) {
    const from = indexes.get(list.name)
    if (from === undefined) continue
    const was = old[from] as RecentSymbol
    // A rule that asks for more stamps than are kept empties the list.
    if (list.stamps > was.stamps) continue
    const count = core.recentCount(core.recentSection(), core.recentState(), from)
    if (count === 0) continue
    if (list.counts !== was.counts)
      return fail(
        '',
        0,
        0,
        `a rule counts the hits of the recent list ${JSON.stringify(list.name)}, of which only the newest were kept: make the engine with the option recentStamps`,
      )
    addresses += count
    kept.push([from, to])
  }
  const room = sectionWords(after.bytes, SECTION_RECENTS)[RECENTS_ENTRIES_OFF >>> 2] ?? 0
  if (addresses > room) throw new RangeError('the recent lists are full: raise the compile limit maxRecentEntries')
  return kept
}

/** Tables of hashlimit that go along: index before, index after. */
function tablesKept(before: Image, after: Image): [number, number][] {
  const indexes = new Map((before.symbols.hashlimits ?? []).map((t, i) => [`${t.family} ${t.name}`, i]))
  return (after.symbols.hashlimits ?? []).flatMap((t, to): [number, number][] => {
    const from = indexes.get(`${t.family} ${t.name}`)
    return from === undefined ? [] : [[from, to]]
  })
}

/**
 * Puts `after` in force in place of `before`, which lies at `place` and whose chains have the counters `counterOf`. Throws before anything is changed. Returns where it
 * lies.
 */
export function exchange(
  core: CoreExports,
  rooms: Rooms,
  place: Place,
  before: Image,
  after: Image,
  counterOf: (chain: Chain) => number,
): Place {
  const lists = listsKept(core, before, after)
  const spans = spansKept(before.namespace!.rulesets, after.namespace!.rulesets, counterOf)
  const image = rooms.take(after.bytes.byteLength)
  new Uint8Array(core.memory.buffer).set(after.bytes, image.at)
  const state = rooms.take(core.stateBytes(image.at))
  const old = {
    counters: core.counters() >>> 0,
    states: core.ruleStates() >>> 0,
    hashlimits: core.hashlimitSection() >>> 0,
    tables: core.hashlimitState() >>> 0,
    section: core.recentSection() >>> 0,
    lists: core.recentState() >>> 0,
  }
  core.useImage(image.at, state.at)
  const bytes = new Uint8Array(core.memory.buffer)
  const counters = core.counters() >>> 0
  const states = core.ruleStates() >>> 0
  for (const { from, to, count } of spans) {
    bytes.copyWithin(counters + to * 16, old.counters + from * 16, old.counters + (from + count) * 16)
    const [first, end] = [before.states![from]!, before.states![from + count]!]
    bytes.copyWithin(states + after.states![to]! * 4, old.states + first * 4, old.states + end * 4)
  }
  for (const [from, to] of tablesKept(before, after))
    if (!core.carryHashlimit(old.hashlimits, old.tables, from, to))
      throw new RangeError('the tables of hashlimit are full: raise the compile limit maxHashlimitEntries')
  for (const [from, to] of lists) core.carryRecent(old.section, old.lists, from, to)
  rooms.give(place.image)
  rooms.give(place.state)
  return { image, state }
}
