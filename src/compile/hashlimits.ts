// The tables of the `hashlimit` match: one for each name and family, shared by all rules that name it.
// Owns the HASHLIMITS section. Kernel: net/netfilter/xt_hashlimit.c; the first rule that names a table says how it is kept.
import * as L from '../../assembly/layout.js'
import { costToBytes, hashlimitByteCost, hashlimitCredits } from '../netfilter/hashlimit-rate.js'
import type { Family } from '../netfilter/model.js'
import type { LimitMatch } from '../netfilter/model-limits.js'
import type { CompileContext } from './context.js'
import type { HashlimitSymbol } from './image.js'
import { Words } from './words.js'

type Hashlimit = Extract<LimitMatch, { match: 'hashlimit' }>

/** Buckets of a table when no number is given: those of a machine with more than 1 GiB. */
const DEFAULT_BUCKETS = 8192
const BYTES_FULL = 4_194_304_000n
const PARTS = {
  srcip: L.HASHLIMIT_SRC,
  srcport: L.HASHLIMIT_SPORT,
  dstip: L.HASHLIMIT_DST,
  dstport: L.HASHLIMIT_DPORT,
} as const

interface Table {
  readonly family: Family
  readonly m: Hashlimit
}

function most(m: Hashlimit): number {
  const buckets = m.size === 0 ? DEFAULT_BUCKETS : m.size
  return m.max === 0 ? 8 * buckets : Math.max(m.max, buckets)
}

/** Cost and cap (packets), cost and refills (bytes), or rate and burst. */
function numbers(m: Hashlimit): readonly [bigint, bigint] {
  const [avg, burst] = [BigInt(m.avg), BigInt(m.burst)]
  if (m.rateInterval !== undefined) {
    const rate = m.bytes ? BigInt(costToBytes(m.avg)) : 1_000_000n / avg
    return [rate, m.bytes ? rate * (burst || 1n) : rate + burst]
  }
  return m.bytes ? [BigInt(hashlimitByteCost(m.avg)), burst] : [hashlimitCredits(avg), hashlimitCredits(avg * burst)]
}

/** Collects the tables of all rules. */
export class HashLimits {
  readonly #tables: Table[] = []
  readonly #byKey = new Map<string, number>()
  readonly #before: ReadonlyMap<string, Hashlimit>

  /** `before`: tables that are there already. */
  constructor(before: readonly HashlimitSymbol[]) {
    this.#before = new Map(before.map((t) => [`${t.family} ${t.name}`, t.options]))
  }

  /** Index of the table that a rule of this family names. */
  use(m: Hashlimit, family: Family): number {
    const key = `${family} ${m.name}`
    let index = this.#byKey.get(key)
    if (index === undefined) {
      index = this.#tables.push({ family, m: this.#before.get(key) ?? m }) - 1
      this.#byKey.set(key, index)
    }
    return index
  }

  symbols(): HashlimitSymbol[] {
    return this.#tables.map(({ family, m }) => ({ family, name: m.name, options: m }))
  }

  words(context: CompileContext): Uint32Array {
    const tables = this.#tables
    if (tables.length === 0) return new Uint32Array(0)
    const words = new Words()
    words.reserve(L.HASHLIMITS_HEADER_BYTES >>> 2)
    let entries = 0
    for (const { family, m } of tables) {
      const at = words.reserve(L.HASHLIMIT_TABLE_BYTES >>> 2)
      const set = (offset: number, value: number): void => words.set(at + (offset >>> 2), value)
      const long = (offset: number, value: bigint): void => {
        set(offset, Number(value & 0xffffffffn))
        set(offset + 4, Number(value >> 32n))
      }
      const whole = family === 'ipv4' ? 32 : 128
      const [first, second] = numbers(m)
      set(L.HASHLIMIT_FAMILY_OFF, family === 'ipv4' ? 4 : 6)
      set(
        L.HASHLIMIT_MODE_OFF,
        m.mode.reduce((bits, p) => bits | PARTS[p], 0) |
          (m.bytes ? L.HASHLIMIT_BYTES : 0) |
          (m.rateInterval === undefined ? 0 : L.HASHLIMIT_RATE),
      )
      set(L.HASHLIMIT_SRC_MASK_OFF, m.srcMask ?? whole)
      set(L.HASHLIMIT_DST_MASK_OFF, m.dstMask ?? whole)
      set(L.HASHLIMIT_MAX_OFF, most(m))
      set(L.HASHLIMIT_GC_OFF, m.gcInterval)
      set(L.HASHLIMIT_EXPIRE_OFF, m.expire)
      set(L.HASHLIMIT_INTERVAL_OFF, ((m.rateInterval ?? 0) * 1000) % 2 ** 32)
      long(L.HASHLIMIT_COST_OFF, first)
      long(L.HASHLIMIT_CAP_OFF, second)
      long(L.HASHLIMIT_START_OFF, m.bytes ? BYTES_FULL : second)
      entries += most(m)
    }
    entries = Math.min(entries, context.limits.maxHashlimitEntries)
    words.set(L.HASHLIMITS_TABLES_OFF >>> 2, tables.length)
    words.set(L.HASHLIMITS_ENTRIES_OFF >>> 2, entries)
    words.set(L.HASHLIMITS_BUCKETS_OFF >>> 2, 2 ** Math.ceil(Math.log2(entries)))
    return words.words()
  }
}
