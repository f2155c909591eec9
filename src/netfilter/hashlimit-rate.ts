// Rates of `hashlimit` between text and the numbers that the kernel keeps. Spec: what iptables 1.8.9 reads and prints.
import type { LimitMatch } from './model-limits.js'

type Hashlimit = Extract<LimitMatch, { readonly match: 'hashlimit' }>

const U32 = 0xffffffff
const U64 = 2n ** 64n
const SCALE = 1_000_000
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['min', 60],
  ['sec', 1],
] as const
const LONG = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const

/** A rate as read: `unit` in seconds (packets), and `avg` as the kernel keeps it. */
export interface HashlimitRate {
  readonly bytes: boolean
  readonly avg: number
  readonly unit: number
}

function leading(word: string): bigint {
  const digits = /^\s*\+?([0-9]{1,30})/.exec(word)
  return digits ? BigInt(digits[1]!) : 0n
}

/** Bytes a second that a cost stands for. */
export function costToBytes(cost: number): number {
  return (Math.floor(U32 / cost) - 1) * 16
}

function bytesToCost(bytes: bigint): number {
  return Math.floor(U32 / (Number((bytes >> 4n) & 0xffffffffn) + 1))
}

/**
 * `N`, `N/second` … `N/day`, or `Nb/s`, `Nkb/s`, `Nmb/s`; undefined for what is none, 'fast' for more than can be kept.
 *
 * @example hashlimitRate('3/min') // { bytes: false, avg: 20000000, unit: 60 }
 */
export function hashlimitRate(word: string): HashlimitRate | 'fast' | undefined {
  const number = leading(word)
  const at = word.indexOf('b/s')
  if (at > 0 && number > 0n) {
    const factor = word[at - 1] === 'm' ? 1048576n : word[at - 1] === 'k' ? 1024n : 1n
    const avg = bytesToCost((number * factor) % U64)
    return { bytes: true, avg, unit: 15 }
  }
  const slash = word.indexOf('/')
  let unit = 1
  if (slash >= 0) {
    const name = word.slice(slash + 1).toLowerCase()
    const long = (Object.keys(LONG) as (keyof typeof LONG)[]).find((u) => u.startsWith(name))
    if (name === '' || long === undefined) return undefined
    unit = LONG[long]
  }
  if (number === 0n) return undefined
  const avg = Number((BigInt(SCALE) * BigInt(unit)) / number)
  return avg === 0 ? 'fast' : { bytes: false, avg, unit }
}

/** The rate's text, and the milliseconds for which an entry is kept when nothing is said. */
export function hashlimitText(m: Hashlimit): { readonly text: string; readonly expire: number } {
  if (!m.bytes) {
    let i = 1
    for (; i < UNITS.length; i++) {
      const scaled = UNITS[i]![1] * SCALE
      if (m.avg > scaled || Math.floor(scaled / m.avg) < scaled % m.avg) break
    }
    const [name, seconds] = UNITS[i - 1]!
    const text = `${Math.floor((seconds * SCALE) / m.avg)}/${name} --hashlimit-burst ${m.burst}`
    return { text, expire: seconds * 1000 }
  }
  const rate = costToBytes(m.avg)
  const low = rate % 2 ** 32 // iptables compares only so many bits
  const units = [
    ['m', 1048576],
    ['k', 1024],
    ['', 1],
  ] as const
  const [name, size] = units.find(([, s]) => s === 1 || (rate >= s && bytesToCost(BigInt(low - (low % s))) === m.avg))!
  const text = `${Math.floor(rate / size)}${name}b/s`
  if (m.burst === 0) return { text, expire: 15_000 }
  const burst = rate * m.burst
  const [suffix, by] = units.find(([, s]) => s === 1 || burst >= s)!
  return { text: `${text} --hashlimit-burst ${Math.floor(burst / by)}${suffix}b`, expire: 60_000 }
}

/** Credits of a packet that costs `avg`, as the kernel counts them: 64 bits that wrap. */
export function hashlimitCredits(avg: bigint): bigint {
  return BigInt.asUintN(64, avg * 137_438_953n)
}

/** Cost of 16 bytes, as the kernel counts it. */
export function hashlimitByteCost(avg: number): number {
  return Number((BigInt(avg) * 4_194_304_000n) >> 32n)
}
