// `hashlimit`: a limit for each source, destination or port, in tables that live by name. Kernel: net/netfilter/xt_hashlimit.c.
// Credits are the kernel's: 64 bits that wrap, in milliseconds of the clock. A table is cleaned at every multiple of its
// interval; what expired is gone from then on, and lives on when it is seen before.
import { hasPorts, protoNumber } from '../net/proto.js'
import type { Ruleset } from '../netfilter/model.js'
import type { LimitMatch } from '../netfilter/model-limits.js'
import { applyMask } from './address.js'
import type { Family, Skb } from './types.js'

type Hashlimit = Extract<LimitMatch, { match: 'hashlimit' }>

interface Entry {
  expires: number
  /** Clock of the last reckoning. */
  prev: number
  credit: bigint
  /** Packets: the most credit. Bytes: refills left. */
  cap: bigint
  /** With rate-match: what was counted in this interval, and whether the one before was above the rate. */
  current: bigint
  above: boolean
}

interface Table {
  readonly options: Hashlimit
  readonly most: number
  entries: Map<string, Entry>
}

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n)
/** Credits of a millisecond, and what a microsecond of the rate costs. */
const PER_MS = 137438953472n
const PER_MICROSECOND = 137438953n
const BYTES_PER_MS = 4194304n
const BYTES_FULL = 4194304000n
const U32 = 0xffffffffn
const DEFAULT_BUCKETS = 8192

const costOf = (m: Hashlimit): bigint =>
  m.bytes ? (BigInt(m.avg) * BYTES_FULL) >> 32n : u64(BigInt(m.avg) * PER_MICROSECOND)

/** What an interval may hold: a second's rate, and the burst on top. */
function rateOf(m: Hashlimit): { rate: bigint; burst: bigint } {
  if (!m.bytes) {
    const rate = 1000000n / BigInt(m.avg)
    return { rate, burst: rate + BigInt(m.burst) }
  }
  const rate = (U32 / BigInt(m.avg) - 1n) << 4n
  return { rate, burst: m.burst > 0 ? rate * BigInt(m.burst) : rate }
}

/** All tables, by family and name; the first rule that names one says how it is kept. */
export class HashTables {
  #tables = new Map<string, Table>()

  constructor(rulesets: readonly Ruleset[]) {
    this.use(rulesets)
  }

  /** Other rules: tables that they name go on as they are, others are gone. */
  use(rulesets: readonly Ruleset[]): void {
    const before = this.#tables
    this.#tables = new Map()
    for (const { family, tables } of rulesets) {
      const rules = tables.flatMap((t) => t.chains).flatMap((c) => c.rules)
      for (const m of rules.flatMap((r) => r.matches)) {
        if (m.match !== 'hashlimit') continue
        const key = `${family} ${m.name}`
        const buckets = m.size === 0 ? DEFAULT_BUCKETS : m.size
        const most = m.max === 0 ? 8 * buckets : Math.max(m.max, buckets)
        if (this.#tables.has(key)) continue
        this.#tables.set(key, before.get(key) ?? { options: m, most, entries: new Map() })
      }
    }
  }

  of(family: Family, name: string): Table {
    return this.#tables.get(`${family} ${name}`)!
  }
}

function keyOf(m: Hashlimit, { packet, family }: Skb): string {
  const whole = family === 'ipv4' ? 32 : 128
  const cut = (address: string, length: number | undefined): string =>
    applyMask(address, maskText(family, length ?? whole))
  const ports = hasPorts(protoNumber(packet.proto) ?? 0) ? [packet.sport ?? 0, packet.dport ?? 0] : [0, 0]
  return [
    m.mode.includes('srcip') ? cut(packet.src, m.srcMask) : '',
    m.mode.includes('dstip') ? cut(packet.dst, m.dstMask) : '',
    m.mode.includes('srcport') ? ports[0] : 0,
    m.mode.includes('dstport') ? ports[1] : 0,
  ].join(' ')
}

function maskText(family: Family, length: number): string {
  const bits = '1'.repeat(length).padEnd(family === 'ipv4' ? 32 : 128, '0')
  const width = family === 'ipv4' ? 8 : 16
  const parts = bits.match(new RegExp(`.{${width}}`, 'g'))!.map((b) => Number.parseInt(b, 2))
  return family === 'ipv4' ? parts.join('.') : parts.map((p) => p.toString(16)).join(':')
}

/** Lets time pass for an entry that is there already. */
function reckon(entry: Entry, m: Hashlimit, now: number): void {
  const delta = BigInt(now - entry.prev)
  if (delta === 0n) return
  if (m.rateInterval !== undefined) {
    const interval = BigInt.asUintN(32, BigInt(m.rateInterval) * 1000n)
    if (delta < interval) return
    entry.above = u64(entry.current * interval) > u64(delta * rateOf(m).rate)
    entry.current = 0n
  } else if (m.bytes) {
    const sum = entry.credit + BYTES_PER_MS * delta
    entry.credit = sum > BYTES_FULL ? BYTES_FULL : sum
  } else {
    const sum = u64(entry.credit + PER_MS * delta)
    entry.credit = sum > entry.cap ? entry.cap : sum
  }
  entry.prev = now
}

function fresh(m: Hashlimit, now: number): Entry {
  const start = m.bytes ? BYTES_FULL : u64(BigInt(m.avg) * BigInt(m.burst) * PER_MICROSECOND)
  return { expires: 0, prev: now, credit: start, cap: m.bytes ? BigInt(m.burst) : start, current: 0n, above: false }
}

/** Is the packet within the limit? null: the table is full, and the packet is dropped. */
export function withinHashlimit(table: Table, skb: Skb, length: number, now: number): boolean | null {
  const { options: m, entries } = table
  const cleaned = Math.floor(now / m.gcInterval) * m.gcInterval
  for (const [key, e] of entries) if (e.expires <= cleaned) entries.delete(key)
  const key = keyOf(m, skb)
  let entry = entries.get(key)
  if (entry === undefined) {
    if (entries.size >= table.most) return null
    entry = fresh(m, now)
    entries.set(key, entry)
  } else reckon(entry, m, now)
  entry.expires = now + m.expire
  if (m.rateInterval !== undefined) {
    entry.current += m.bytes ? BigInt(length) : 1n
    return !entry.above && entry.current <= rateOf(m).burst
  }
  let cost = costOf(m)
  if (m.bytes) {
    cost *= BigInt((length >> 4) + 1)
    if (cost > BYTES_FULL) cost = BYTES_FULL
    if (entry.credit < cost && entry.cap > 0n) {
      entry.cap--
      entry.credit = BYTES_FULL
    }
  }
  if (entry.credit < cost) return false
  entry.credit -= cost
  return true
}
