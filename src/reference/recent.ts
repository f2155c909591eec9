// `recent`: named lists of addresses seen lately. Kernel: net/netfilter/xt_recent.c.
// Owns the lists; times are milliseconds of the clock.
import type { Match, Ruleset } from '../netfilter/model.js'
import { applyMask, numberOf, textOf } from './address.js'
import type { Family } from './types.js'

type RecentMatch = Extract<Match, { match: 'recent' }>

/** Addresses a list remembers (the kernel module's ip_list_tot). */
const LIST_SIZE = 100
/** Stamps of an address when no rule asks for a hit count. */
const DEFAULT_STAMPS = 32

interface Entry {
  readonly family: Family
  readonly address: string
  ttl: number
  /** A ring: `next` is where the next stamp goes (and then wraps). */
  stamps: number[]
  next: number
}

interface List {
  readonly ring: number
  readonly mask: string
  /** Least recently used first. */
  entries: Entry[]
}

/** The kernel masks word by word, whichever family the mask is of; what an IPv4 mask lacks is 0. */
function masked(address: string, mask: string): string {
  const v6 = [address, mask].map((text) => text.includes(':'))
  if (v6[0] === v6[1]) return applyMask(address, mask)
  const word = (text: string): bigint => (text.includes(':') ? numberOf(text) >> 96n : numberOf(text))
  const kept = word(address) & word(mask)
  return v6[0] ? textOf('ipv6', kept << 96n) : textOf('ipv4', kept)
}

/** All lists by name: both families share one, with the mask of its first rule. */
export class RecentLists {
  #lists = new Map<string, List>()

  constructor(rulesets: readonly Ruleset[]) {
    this.use(rulesets)
  }

  /** Other rules come: lists that they name stay, but are emptied when more stamps are asked for than they keep. */
  use(rulesets: readonly Ruleset[]): void {
    const before = this.#lists
    this.#lists = new Map()
    for (const { tables } of rulesets) {
      const rules = tables.flatMap((t) => t.chains).flatMap((c) => c.rules)
      const matches = rules.flatMap((r) => r.matches).filter((m) => m.match === 'recent')
      for (const m of matches) {
        const key = m.name
        const old = this.#lists.get(key) ?? before.get(key)
        const hits = m.hitcount ?? 0
        const wanted = hits > 0 ? 2 ** Math.ceil(Math.log2(hits)) : DEFAULT_STAMPS
        const ring = Math.max(wanted, old?.ring ?? 0)
        this.#lists.set(key, { ring, mask: old?.mask ?? m.mask, entries: ring === old?.ring ? old.entries : [] })
      }
    }
  }

  /** Evaluates one match. `ttl`: as seen before forwarding. */
  evaluate(family: Family, m: RecentMatch, side: string, ttl: number, now: number): boolean {
    const list = this.#lists.get(m.name)!
    const address = masked(side, list.mask)
    const entry = list.entries.find(
      (e) => e.family === family && e.address === address && (!m.rttl || ttl === 0 || e.ttl === 0 || e.ttl === ttl),
    )
    let result = m.not
    if (entry === undefined) {
      if (m.op !== 'set') return result
      if (list.entries.length >= LIST_SIZE) list.entries.shift()
      list.entries.push({ family, address, ttl, stamps: [now], next: 1 })
      return !result
    }
    const oldest = now - 1000 * (m.seconds ?? 0)
    if (m.op === 'set') result = !result
    else if (m.op === 'remove') {
      list.entries = list.entries.filter((e) => e !== entry)
      result = !result
    } else {
      const counted = entry.stamps.filter((stamp) => m.seconds === undefined || stamp >= oldest).length
      if (counted >= Math.max(1, m.hitcount ?? 0)) result = !result
      // Only the list's oldest entry is reaped, and not when this match is about to renew it.
      const first = list.entries[0]
      const renewed = first === entry && m.op === 'update' && result
      if (m.reap && first !== undefined && !renewed && (first.stamps[first.next - 1] ?? now) < oldest)
        list.entries.shift()
    }
    if (m.op === 'set' || (m.op === 'update' && result)) {
      entry.next %= list.ring
      entry.stamps[entry.next++] = now
      entry.ttl = ttl
      if (list.entries.includes(entry)) list.entries = [...list.entries.filter((e) => e !== entry), entry]
    }
    return result
  }
}
