// ipsets while packets run: tests, additions, deletions, counters and timeouts of elements.
// Kernel: net/netfilter/ipset/ip_set_core.c, ip_set_hash_gen.h, ip_set_bitmap_gen.h, ip_set_list_set.c.
// A set is a list of its elements in the order in which they were added; those that timed out are not there.

import { packetLength } from '../net/length.js'
import type { SetCounterTest, SetDirection } from '../netfilter/model.js'
import type { IpSet, SetPart } from '../netns/model.js'
import { bitsOf, maskedOf, textOf } from './address.js'
import { type EtherOf, elementOf, hasFamily, partsOf } from './set-element.js'
import {
  bucketOf,
  type Element,
  entryOf,
  type LiveSet,
  leavePlace,
  liveSet,
  placeOf,
  type SetInfo,
} from './set-live.js'
import { holds, lengthsOf, moreSpecific, samePart } from './set-part.js'
import type { Skb } from './types.js'

/** How a rule asks a set. */
export interface SetQuestion {
  readonly dirs: readonly SetDirection[]
  readonly returnNomatch?: boolean | undefined
  readonly keepCounters?: boolean | undefined
  readonly keepSubcounters?: boolean | undefined
  readonly packets?: SetCounterTest | undefined
  readonly bytes?: SetCounterTest | undefined
}

/** How the target SET adds. */
export interface SetAddition {
  readonly dirs: readonly SetDirection[]
  readonly exist?: boolean | undefined
  readonly timeout?: number | undefined
}

const MAX_TIMEOUT = 2147483
const DEFAULT_MAXELEM = 65536
const U64 = (n: bigint): bigint => BigInt.asUintN(64, n)

function counterFits(counter: bigint, test: SetCounterTest | undefined): boolean {
  switch (test?.op) {
    case 'eq':
      return counter === test.value
    case 'ne':
      return counter !== test.value
    case 'lt':
      return counter < test.value
    case 'gt':
      return counter > test.value
    default:
      return true
  }
}

/** All sets of a namespace. */
export class IpSets {
  readonly #sets: ReadonlyMap<string, LiveSet>
  readonly #now: () => number

  constructor(sets: readonly IpSet[], now: () => number) {
    this.#now = now
    const byName = new Map<string, LiveSet>()
    for (const set of sets) {
      if (!byName.has(set.name)) byName.set(set.name, liveSet(set))
    }
    this.#sets = byName
  }

  /** Those that have not timed out; the others are forgotten. */
  #live(live: LiveSet): Element[] {
    const now = this.#now()
    const gone = live.elements.filter((e) => now > e.endMs)
    if (gone.length === 0) return live.elements
    live.elements = live.elements.filter((e) => now <= e.endMs)
    for (const element of gone) leavePlace(live, element, false)
    return live.elements
  }

  /** Sets that the rule's sides and the packet's family fit. */
  #fitting(skb: Skb, name: string, dirs: readonly SetDirection[]): LiveSet | null {
    const live = this.#sets.get(name)
    if (live === undefined) return null
    const { type, family } = live.set
    if (dirs.length < partsOf(type).length) return null
    return hasFamily(type) && family !== skb.family ? null : live
  }

  /** Is the packet in the set? `info`, when it is, becomes what the element gives. */
  test(skb: Skb, name: string, question: SetQuestion, ether: EtherOf, info?: SetInfo): boolean {
    const live = this.#fitting(skb, name, question.dirs)
    if (live === null) return false
    if (live.set.type === 'list:set') return this.#testList(skb, live, question, ether, info)
    const asked = elementOf(skb, live.set, question.dirs, ether)
    if (asked === null) return false
    if (live.set.type === 'bitmap:ip,mac') return this.#testEther(skb, live, asked, question, info)
    const found = this.#find(skb, live, asked, question, info)
    if (found === undefined) return false
    const networks = partsOf(live.set.type).includes('net')
    return found.nomatch === (networks && question.returnNomatch === true)
  }

  /** Timeouts, counters and what the element gives: the last thing that decides. */
  #fits(skb: Skb, live: LiveSet, element: Element, question: SetQuestion, info: SetInfo | undefined): boolean {
    if (live.set.options['counters'] !== undefined) {
      if (!question.keepCounters) {
        element.packets = U64(element.packets + 1n)
        element.bytes = U64(element.bytes + BigInt(packetLength(skb.packet)))
      }
      if (!counterFits(element.packets, question.packets) || !counterFits(element.bytes, question.bytes)) return false
    }
    if (live.set.options['skbinfo'] !== undefined && info !== undefined) Object.assign(info, element.info)
    return true
  }

  /** The element that decides: the longest networks first, the first that fits. */
  #find(
    skb: Skb,
    live: LiveSet,
    asked: readonly SetPart[],
    question: SetQuestion,
    info: SetInfo | undefined,
  ): Element | undefined {
    const { type } = live.set
    const kinds = partsOf(type)
    const all = this.#live(live).map((element) => ({ element, lengths: lengthsOf(element, type) }))
    const inside = all.filter(({ element }) =>
      element.parts.every((p, i) => p.part === 'iface' || holds(p, asked[i]!, kinds[i] === 'net')),
    )
    inside.sort((a, b) => moreSpecific(a.lengths, b.lengths))
    if (!kinds.includes('iface')) {
      return inside.find(({ element }) => this.#fits(skb, live, element, question, info))?.element
    }
    // Of one network's elements the order is that of their places.
    const order = (e: Element): number => bucketOf(live, e.parts).indexOf(e)
    inside.sort((a, b) => moreSpecific(a.lengths, b.lengths) || order(a.element) - order(b.element))
    // The longest network with an element there is the last one that is looked at, whichever interface it names.
    const iface = asked.find((p) => p.part === 'iface')!
    let looked: { length: number; many: boolean } | null = null
    for (const { element, lengths } of inside) {
      const own = element.parts.find((p) => p.part === 'iface')!
      if (own.part === 'iface' && own.physdev) continue
      if (looked?.many && looked.length !== lengths[0]) return undefined
      looked = { length: lengths[0]!, many: true }
      if (!samePart(own, iface)) continue
      if (this.#fits(skb, live, element, question, info)) return element
      looked.many = false
    }
    return undefined
  }

  /** An element without an Ethernet address takes the packet's; so does one that is asked of a packet that has it. */
  #testEther(
    skb: Skb,
    live: LiveSet,
    asked: readonly SetPart[],
    question: SetQuestion,
    info: SetInfo | undefined,
  ): boolean {
    const element = this.#live(live).find((e) => samePart(e.parts[0]!, asked[0]!))
    if (element === undefined) return false
    if (element.parts.length === 1) {
      this.#addTo(skb, live, asked, { dirs: question.dirs })
      return true
    }
    return samePart(element.parts[1]!, asked[1]!) && this.#fits(skb, live, element, question, info)
  }

  #testList(skb: Skb, live: LiveSet, question: SetQuestion, ether: EtherOf, info: SetInfo | undefined): boolean {
    const { dirs, returnNomatch, keepCounters, keepSubcounters } = question
    const inner = { dirs, returnNomatch, keepCounters: keepCounters || keepSubcounters, keepSubcounters }
    for (const member of this.#live(live)) {
      const [part] = member.parts
      if (part?.part !== 'set' || !this.test(skb, part.name, inner, ether, info)) continue
      if (this.#fits(skb, live, member, question, info)) return true
    }
    return false
  }

  /** SET --add-set. True when the set (of a list: one of its members) took it. */
  add(skb: Skb, name: string, addition: SetAddition, ether: EtherOf): boolean {
    const live = this.#fitting(skb, name, addition.dirs)
    if (live === null) return false
    if (live.set.type === 'list:set') {
      this.#live(live).some((e) => e.parts[0]?.part === 'set' && this.add(skb, e.parts[0].name, addition, ether))
      return true
    }
    const asked = elementOf(skb, live.set, addition.dirs, ether)
    return asked !== null && this.#addTo(skb, live, asked, addition)
  }

  /** Networks are added at the longest length that the set holds (hosts when it is empty). */
  #widened(live: LiveSet, asked: readonly SetPart[]): SetPart[] {
    const { type, family } = live.set
    const lengths = this.#live(live).map((e) => lengthsOf(e, type))
    let network = 0
    return asked.map((part, i) => {
      if (part.part !== 'net' || partsOf(type)[i] !== 'net') return part
      const at = network++
      const length = lengths.length === 0 ? bitsOf(family) : Math.max(...lengths.map((l) => l[at]!))
      return { part: 'net', prefix: networkOf(part.prefix, length) }
    })
  }

  /** The element with these parts, but for the Ethernet address of bitmap:ip,mac. */
  #at(live: LiveSet, parts: readonly SetPart[]): Element | undefined {
    const ether = live.set.type === 'bitmap:ip,mac'
    const placed = ether ? this.#live(live) : (live.buckets.get(placeOf(parts)) ?? []).filter((e) => e !== null)
    return placed.find((e) => e.parts.every((p, i) => (ether && i === 1) || samePart(p, parts[i]!)))
  }

  #addTo(skb: Skb, live: LiveSet, asked: readonly SetPart[], addition: SetAddition): boolean {
    const { options, type } = live.set
    const parts = this.#widened(live, asked)
    const all = this.#live(live)
    const old = this.#at(live, parts)
    const waiting = old?.waiting
    if (old !== undefined && waiting === undefined && !addition.exist) return false
    const hasPlace = old !== undefined || live.places.includes(placeOf(parts))
    if (!hasPlace && type.startsWith('hash:') && all.length >= Number(options['maxelem'] ?? DEFAULT_MAXELEM)) {
      const oldest = options['forceadd'] === undefined ? undefined : all.shift()
      if (oldest === undefined) return false
      leavePlace(live, oldest, true)
    }
    const own = Number(options['timeout'] ?? 0)
    let seconds = Math.min(addition.timeout ?? own, MAX_TIMEOUT)
    if (waiting !== undefined && seconds === own) seconds = waiting
    const counted = options['counters'] !== undefined
    const made: Element = {
      parts: old !== undefined && type !== 'bitmap:ip,mac' ? old.parts : parts,
      nomatch: false,
      endMs:
        options['timeout'] === undefined || seconds === 0 ? Number.POSITIVE_INFINITY : this.#now() + seconds * 1000,
      packets: counted ? 1n : 0n,
      bytes: counted ? BigInt(packetLength(skb.packet)) : 0n,
      comment: undefined,
      info: { mark: 0, markMask: 0 },
      prio: 0,
      queue: 0,
      waiting: undefined,
    }
    if (old !== undefined) Object.assign(old, made)
    else {
      all.push(made)
      const bucket = bucketOf(live, parts)
      const place = bucket.indexOf(null)
      if (place < 0) bucket.push(made)
      else {
        bucket[place] = made
        live.places = live.places.filter((p) => p !== placeOf(parts))
      }
    }
    return true
  }

  /** SET --del-set. True when something was deleted. */
  delete(skb: Skb, name: string, dirs: readonly SetDirection[], ether: EtherOf): boolean {
    const live = this.#fitting(skb, name, dirs)
    if (live === null) return false
    if (live.set.type === 'list:set') {
      this.#live(live).some((e) => e.parts[0]?.part === 'set' && this.delete(skb, e.parts[0].name, dirs, ether))
      return true
    }
    const asked = elementOf(skb, live.set, dirs, ether)
    if (asked === null) return false
    const parts = this.#widened(live, asked)
    const all = this.#live(live)
    const found = this.#at(live, parts)
    if (found === undefined) return false
    leavePlace(live, found, true)
    live.elements = all.filter((e) => e !== found)
    return true
  }

  /** The sets as they stand; what is left of a timeout in whole seconds, at least 1. */
  list(): IpSet[] {
    const now = this.#now()
    return [...this.#sets.values()].map((live) => ({
      ...live.set,
      entries: this.#live(live).map((element) => entryOf(live.set, element, now)),
    }))
  }
}

function networkOf(host: string, length: number): string {
  const { family, value } = maskedOf(host)
  const bits = bitsOf(family)
  const mask = ((1n << BigInt(length)) - 1n) << BigInt(bits - length)
  return `${textOf(family, value & mask)}/${length}`
}
