// ipsets while packets run: tests, additions, deletions, counters and timeouts of elements.
// Kernel: net/netfilter/ipset/ip_set_core.c, ip_set_hash_gen.h, ip_set_bitmap_gen.h, ip_set_list_set.c.
// A set is a list of its elements in the order in which they were added; those that timed out are not there.

import { packetLength } from '../net/length.js'
import type { SetCounterTest, SetDirection } from '../netfilter/model.js'
import type { IpSet, SetEntry, SetPart } from '../netns/model.js'
import { bitsOf, inPrefix, maskedOf, textOf } from './address.js'
import { type EtherOf, elementOf, hasFamily, partsOf } from './set-element.js'
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

/** What an element gives to a packet. */
export interface SetInfo {
  mark: number
  markMask: number
}

interface Element {
  parts: readonly SetPart[]
  nomatch: boolean
  endMs: number
  packets: bigint
  bytes: bigint
  comment: string | undefined
  info: SetInfo
  prio: number
  queue: number
  /** bitmap:ip,mac without an Ethernet address yet: the timeout that begins when it gets one, seconds. */
  waiting: number | undefined
}

interface LiveSet {
  readonly set: IpSet
  /** In the order in which they were added. */
  elements: Element[]
  /**
   * Hashes: the elements of each bucket of the kernel's table, null where one went and its place was left: by all parts
   * but interfaces, so only interfaces of one network share a bucket.
   */
  readonly buckets: Map<string, (Element | null)[]>
  /** Buckets with a free place, the one that was left first at the front. */
  places: string[]
}

/** Free places that are known at most: the buckets of the kernel's table, as it usually is. */
const PLACES = 1024

const MAX_TIMEOUT = 2147483
const DEFAULT_MAXELEM = 65536
const U64 = (n: bigint): bigint => BigInt.asUintN(64, n)

function elementFrom(set: IpSet, entry: SetEntry): Element {
  const waits = set.type === 'bitmap:ip,mac' && entry.parts.length === 1
  return {
    parts: entry.parts,
    nomatch: entry.nomatch,
    endMs: entry.timeout === undefined || waits ? Number.POSITIVE_INFINITY : entry.timeout * 1000,
    packets: entry.packets ?? 0n,
    bytes: entry.bytes ?? 0n,
    comment: entry.comment,
    info: { mark: entry.skbmark?.value ?? 0, markMask: entry.skbmark?.mask ?? 0 },
    prio: entry.skbprio ?? 0,
    queue: entry.skbqueue ?? 0,
    waiting: waits ? (entry.timeout ?? 0) : undefined,
  }
}

function samePart(own: SetPart, asked: SetPart): boolean {
  switch (own.part) {
    case 'net':
      return asked.part === 'net' && own.prefix === asked.prefix
    case 'port':
      return asked.part === 'port' && own.proto === asked.proto && own.port === asked.port
    case 'mark':
      return asked.part === 'mark' && own.mark === asked.mark
    case 'mac':
      return asked.part === 'mac' && own.mac === asked.mac
    case 'iface':
      if (asked.part !== 'iface' || own.physdev) return false
      return own.wildcard ? asked.name.startsWith(own.name) : own.name === asked.name
    case 'set':
      return false
  }
}

/** Is the packet's element inside this one, whose networks may be wide? */
function holds(own: SetPart, asked: SetPart, wide: boolean): boolean {
  if (wide && own.part === 'net' && asked.part === 'net') return inPrefix(asked.prefix.split('/')[0]!, own.prefix)
  return samePart(own, asked)
}

function lengthsOf(element: Element, type: string): number[] {
  const kinds = partsOf(type)
  return element.parts.flatMap((p, i) => (p.part === 'net' && kinds[i] === 'net' ? [maskedOf(p.prefix).length] : []))
}

function moreSpecific(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (b[i] ?? 0) - (a[i] ?? 0)
  return 0
}

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
      // The same element twice: the one added last, in the place of the first.
      const elements = new Map(set.entries.map((e) => [keyOf(set, e), elementFrom(set, e)] as const))
      if (byName.has(set.name)) continue
      const live: LiveSet = { set, elements: [...elements.values()], buckets: new Map(), places: [] }
      for (const element of live.elements) bucketOf(live, element.parts).push(element)
      byName.set(set.name, live)
    }
    this.#sets = byName
  }

  /** Those that have not timed out; the others are forgotten. */
  #live(live: LiveSet): Element[] {
    const now = this.#now()
    const gone = live.elements.filter((e) => now > e.endMs)
    if (gone.length === 0) return live.elements
    live.elements = live.elements.filter((e) => now <= e.endMs)
    for (const element of gone) this.#leavePlace(live, element, false)
    return live.elements
  }

  /** An element went: its place in the bucket stays, unless it was the last one's; two free ones are given back. */
  #leavePlace(live: LiveSet, element: Element, deleted: boolean): void {
    const key = placeOf(element.parts)
    const bucket = bucketOf(live, element.parts)
    const at = bucket.indexOf(element)
    bucket[at] = null
    if (deleted && at === bucket.length - 1) bucket.pop()
    const free = bucket.filter((e) => e === null).length
    const unused = deleted && free === bucket.length
    if (unused || free > 1) this.#tidy(live, key)
    else if (free === 1 && !live.places.includes(key)) live.places.push(key)
    if (live.places.length > PLACES) this.#tidy(live, live.places[0]!)
  }

  /** A bucket without free places. */
  #tidy(live: LiveSet, key: string): void {
    const kept = live.buckets.get(key)?.filter((e) => e !== null) ?? []
    if (kept.length === 0) live.buckets.delete(key)
    else live.buckets.set(key, kept)
    live.places = live.places.filter((p) => p !== key)
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

  /** The elements of the bucket in which such an element is, in their order there. */
  #placed(live: LiveSet, parts: readonly SetPart[]): Element[] {
    const ether = live.set.type === 'bitmap:ip,mac'
    return ether ? this.#live(live) : (live.buckets.get(placeOf(parts)) ?? []).filter((e) => e !== null)
  }

  #addTo(skb: Skb, live: LiveSet, asked: readonly SetPart[], addition: SetAddition): boolean {
    const { options, type } = live.set
    const parts = this.#widened(live, asked)
    const all = this.#live(live)
    const old = this.#placed(live, parts).find((e) =>
      e.parts.every((p, i) => (type === 'bitmap:ip,mac' && i === 1 ? true : samePart(p, parts[i]!))),
    )
    const waiting = old?.waiting
    if (old !== undefined && waiting === undefined && !addition.exist) return false
    const hasPlace = old !== undefined || live.places.includes(placeOf(parts))
    if (!hasPlace && type.startsWith('hash:') && all.length >= Number(options['maxelem'] ?? DEFAULT_MAXELEM)) {
      const oldest = options['forceadd'] === undefined ? undefined : all.shift()
      if (oldest === undefined) return false
      this.#leavePlace(live, oldest, true)
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
    const found = this.#placed(live, parts).find((e) =>
      e.parts.every((p, i) => (live.set.type === 'bitmap:ip,mac' && i === 1 ? true : samePart(p, parts[i]!))),
    )
    if (found === undefined) return false
    this.#leavePlace(live, found, true)
    live.elements = all.filter((e) => e !== found)
    return true
  }

  /** The sets as they stand; what is left of a timeout in whole seconds, at least 1. */
  list(): IpSet[] {
    const now = this.#now()
    return [...this.#sets.values()].map((live) => ({
      ...live.set,
      entries: this.#live(live).map((e): SetEntry => {
        const left = Math.max(1, Math.floor((e.endMs - now) / 1000))
        const timeout = e.waiting !== undefined ? e.waiting : Number.isFinite(e.endMs) ? left : 0
        return {
          parts: e.parts,
          nomatch: e.nomatch,
          ...(timeout > 0 ? { timeout } : {}),
          ...(live.set.options['counters'] === undefined ? {} : { packets: e.packets, bytes: e.bytes }),
          ...(e.comment === undefined ? {} : { comment: e.comment }),
          ...(e.info.mark === 0 && e.info.markMask === 0
            ? {}
            : { skbmark: { value: e.info.mark, mask: e.info.markMask } }),
          ...(e.prio === 0 ? {} : { skbprio: e.prio }),
          ...(e.queue === 0 ? {} : { skbqueue: e.queue }),
        }
      }),
    }))
  }
}

function bucketOf(live: LiveSet, parts: readonly SetPart[]): (Element | null)[] {
  const key = placeOf(parts)
  const bucket = live.buckets.get(key) ?? []
  live.buckets.set(key, bucket)
  return bucket
}

/** What decides about the bucket: all parts but interfaces. */
function placeOf(parts: readonly SetPart[]): string {
  return JSON.stringify(parts.map((p) => (p.part === 'iface' ? (p.physdev ?? false) : p)))
}

function networkOf(host: string, length: number): string {
  const { family, value } = maskedOf(host)
  const bits = bitsOf(family)
  const mask = ((1n << BigInt(length)) - 1n) << BigInt(bits - length)
  return `${textOf(family, value & mask)}/${length}`
}

function keyOf(set: IpSet, entry: SetEntry): string {
  return JSON.stringify(set.type === 'bitmap:ip,mac' ? entry.parts.slice(0, 1) : entry.parts)
}
