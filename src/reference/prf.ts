// Every random draw, as a pure function of seed, packet, purpose and count; see docs/semantics.md, "Draws".
// Owns the function and the counters that belong to one packet. Written with BigInt: plain, and slow.

import type { NextHop } from '../netns/model.js'
import type { Connection } from './types.js'

/** All bits of an unsigned 64-bit number. */
export const U64: bigint = (1n << 64n) - 1n

/** The mixing step of every draw. */
export function fmix(value: bigint): bigint {
  let x = value & U64
  x ^= x >> 33n
  x = (x * 0xff51afd7ed558ccdn) & U64
  x ^= x >> 33n
  x = (x * 0xc4ceb9fe1a85ec53n) & U64
  return x ^ (x >> 33n)
}

/** 64 bits drawn for the n-th use of a purpose by the packet with that ordinal. All unsigned, wrapping at 2^64. */
export function prf(seed: bigint, ordinal: bigint, purpose: bigint, n: bigint): bigint {
  const stream = fmix(fmix((seed & U64) + 0x9e3779b97f4a7c15n) + ordinal * 0xbf58476d1ce4e5b9n)
  return fmix(stream + purpose * 0x94d049bb133111ebn + n * 0x2545f4914f6cdd1dn)
}

/** The interval that `statistic --mode random` matches narrow down during one visit of a chain. */
export interface Visit {
  /** 62 bits. */
  readonly u: bigint
  lo: bigint
  hi: bigint
}

/** A `statistic --mode random` match that is met. */
export interface StatisticCase {
  readonly visit: Visit
  /** The kernel's number, 0..2^31. */
  readonly probability: number
  /** `!`. */
  readonly not: boolean
  /** The rule, as a trace lists it. */
  readonly rule: string
  /** The packet is one that this host sent in answer. */
  readonly isAnswer: boolean
}

/** A search for a free port or ICMP id that begins anywhere. */
export interface PortSearch {
  readonly manip: 'SRC' | 'DST'
  readonly flow: Connection
  readonly first: number
  readonly size: number
  /** How many are tried from the start on. */
  readonly attempts: number
  /** Which port a start leads to; undefined: all that are tried are taken and others will be. Changes nothing. */
  readonly leads: (start: number) => number | undefined
}

/** A live next hop among several; it is taken by draws that are not above `bound` (and above that of the hop before). */
export interface HopChoice {
  readonly hop: NextHop
  readonly bound: number
}

/** Where one packet's draws come from (its loops and answers included). */
export interface PacketDraws {
  /** A chain is entered. */
  visit(): Visit
  /** Does the match hold (`!` counted)? Narrows the visit's interval. */
  statistic(met: StatisticCase): boolean
  /** Start of a port search, 0..65535. */
  port(search: PortSearch): number
  /** For a route with several next hops, 31 bits. */
  hop(hops: readonly HopChoice[], isAnswer: boolean): number
  /** One of `total` queues, the same for all packets of this number. */
  queue(flow: number, total: number): number
}

/** The draws of one packet, from a seed. */
export class Draws implements PacketDraws {
  readonly #seed: bigint
  readonly #ordinal: bigint
  readonly #count = [0, 0, 0, 0]

  constructor(seed: bigint, ordinal: bigint) {
    this.#seed = seed
    this.#ordinal = ordinal
  }

  #next(purpose: number): bigint {
    const n = this.#count[purpose]!
    this.#count[purpose] = n + 1
    return prf(this.#seed, this.#ordinal, BigInt(purpose), BigInt(n))
  }

  visit(): Visit {
    return { u: this.#next(0) >> 2n, lo: 0n, hi: 1n << 62n }
  }

  statistic({ visit, probability, not }: StatisticCase): boolean {
    return splitVisit(visit, probability) !== not
  }

  port({ manip }: { readonly manip: 'SRC' | 'DST' }): number {
    return Number(this.#next(manip === 'SRC' ? 1 : 2) >> 48n)
  }

  hop(): number {
    return Number(this.#next(3) >> 33n)
  }

  queue(flow: number, total: number): number {
    return Number(((prf(this.#seed, 0n, 9n, BigInt(flow)) >> 32n) * BigInt(total)) >> 32n)
  }
}

/** Where a match with this 31-bit probability splits the visit's interval. */
export function splitAt(visit: Visit, probability: number): bigint {
  return visit.lo + (((visit.hi - visit.lo) * BigInt(probability)) >> 31n)
}

/** Does a `statistic --mode random` match with this 31-bit probability match in this visit? Narrows the interval. */
export function splitVisit(visit: Visit, probability: number): boolean {
  const middle = splitAt(visit, probability)
  const hit = visit.u < middle
  if (hit) visit.hi = middle
  else visit.lo = middle
  return hit
}
