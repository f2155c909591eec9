// Reading `hashlimit`. Spec: iptables-extensions(8) 1.8.9; ranges as the kernel's net/netfilter/xt_hashlimit.c checks them.
import { type Draft, type Extension, must, type Option, options, refuse } from './extension.js'
import {
  costToBytes,
  type HashlimitRate,
  hashlimitByteCost,
  hashlimitCredits,
  hashlimitRate,
} from './hashlimit-rate.js'
import type { Match } from './model.js'
import type { HashlimitPart } from './model-limits.js'
import { cutBytes, isBareName, prefix, shown, uint } from './words.js'

type HashlimitDraft = Draft<Extract<Match, { readonly match: 'hashlimit' }>> & {
  rate?: HashlimitRate | undefined
  given?: number | undefined
  rateMatch?: true | undefined
}

const NAME_BYTES = 254
const SIZE_MAX = 1_048_576
const BURST_MAX = 1_000_000
const PARTS: readonly HashlimitPart[] = ['srcip', 'srcport', 'dstip', 'dstport']
const U32 = 0xffffffff

function rate(above: boolean): Option<HashlimitDraft> {
  return {
    words: 1,
    not: true,
    id: 'hashlimit',
    read: (d, w) => {
      const read = hashlimitRate(w.word)
      if (read === undefined) {
        throw w.bad(
          `${shown(w.word)} is no rate: expected NUMBER/second, /minute, /hour, /day, NUMBERb/s, kb/s or mb/s`,
        )
      }
      if (read === 'fast') throw w.bad(`the rate ${shown(w.word)} is too fast: expected at most 1000000/second`)
      d.rate = read
      d.not = above !== w.not
    },
  }
}

function burst(word: string): number | undefined {
  const parts = /^\s*\+?(0[xX][0-9a-fA-F]+|[0-9]+)(.*)$/.exec(word)
  const value = parts ? uint(parts[1]!, 1, Number.MAX_SAFE_INTEGER) : undefined
  if (parts === null || value === undefined || (parts[2] === '' && value > BURST_MAX)) return undefined
  return value * (parts[2]![0] === 'm' ? 1048576 : parts[2]![0] === 'k' ? 1024 : 1)
}

function mask(key: 'srcMask' | 'dstMask'): Option<HashlimitDraft> {
  return {
    words: 1,
    read: (d, w) => {
      const { family } = w.rule
      const length = uint(w.word, 0, family === 'ipv4' ? 32 : 128) ?? maskLength(w.word, family === 'ipv4')
      d[key] = must(w, length, `a prefix length 0..${family === 'ipv4' ? 32 : 128}`)
    },
  }
}

/** Length of a dotted mask. */
function maskLength(word: string, four: boolean): number | undefined {
  if (!four || word.split('.').length !== 4) return undefined
  const length = /\/([0-9]+)$/.exec(prefix(`255.255.255.255/${word}`, 'ipv4') ?? '')
  return length ? Number(length[1]) : undefined
}

function number(key: 'size' | 'max' | 'gcInterval' | 'expire', least: number, most = U32): Option<HashlimitDraft> {
  return {
    words: 1,
    read: (d, w) => {
      d[key] = Math.min(must(w, uint(w.word, least, U32), `a number ${least}..4294967295`), most)
    },
  }
}

/** The burst as the kernel keeps it; throws what does not fit the rate. */
function burstOf(given: number | undefined, { bytes, avg }: HashlimitRate): number {
  if (!bytes) {
    if ((given ?? 0) > BURST_MAX) refuse(`hashlimit: a burst of ${given} is too large: expected 1..${BURST_MAX}`)
    return given ?? 5
  }
  if (given === undefined) return 0
  const refill = costToBytes(avg)
  if (refill === 0) refuse('hashlimit: a rate below 16 bytes a second takes no burst')
  if (given < refill) refuse(`hashlimit: the burst cannot be smaller than ${refill}b`)
  return Math.floor((given % 2 ** 32) / refill) + (given % refill > 0 ? 1 : 0)
}

function complete(d: HashlimitDraft, four: boolean): void {
  const { rate: read, given, rateMatch } = d
  if (d.name === undefined) refuse('hashlimit needs --hashlimit-name')
  if (read === undefined) refuse('hashlimit needs --hashlimit-upto or --hashlimit-above')
  delete d.rate
  delete d.given
  delete d.rateMatch
  d.bytes = read.bytes
  d.burst = burstOf(given, read)
  d.avg = rateMatch && !read.bytes ? Math.floor(read.avg / read.unit) : read.avg
  d.expire ??= (read.bytes && given !== undefined ? 60 : read.unit) * 1000
  const whole = four ? 32 : 128
  if (d.srcMask === whole) delete d.srcMask
  if (d.dstMask === whole) delete d.dstMask
  const interval = d.rateInterval
  delete d.rateInterval
  if (rateMatch) {
    if (d.avg === 0 || d.avg > U32) refuse('hashlimit: the kernel cannot keep this rate with --hashlimit-rate-match')
    d.rateInterval = interval ?? (read.bytes ? 1 : read.unit)
  } else if (read.bytes) {
    if (hashlimitByteCost(d.avg) === 0) refuse('hashlimit: the rate is too high for the kernel')
  } else if (hashlimitCredits(BigInt(d.avg) * BigInt(d.burst)) < hashlimitCredits(BigInt(d.avg))) {
    refuse(`hashlimit: a burst of ${d.burst} is too large for this rate: the kernel cannot keep so many credits`)
  }
}

/** The match `hashlimit`. */
export const hashlimit: Extension<HashlimitDraft> = {
  name: 'hashlimit',
  start: () => ({ match: 'hashlimit', not: false, mode: [], size: 0, max: 0, gcInterval: 1000 }),
  options: options<HashlimitDraft>({
    'hashlimit-upto': rate(false),
    'hashlimit-above': rate(true),
    hashlimit: rate(false),
    'hashlimit-srcmask': mask('srcMask'),
    'hashlimit-dstmask': mask('dstMask'),
    'hashlimit-burst': {
      words: 1,
      read: (d, w) => {
        d.given = must(w, burst(w.word), `a number 1..${BURST_MAX}, or of bytes with b, kb or mb`)
      },
    },
    'hashlimit-htable-size': number('size', 0, SIZE_MAX),
    'hashlimit-htable-max': number('max', 0, SIZE_MAX),
    'hashlimit-htable-gcinterval': number('gcInterval', 1),
    'hashlimit-htable-expire': number('expire', 1),
    'hashlimit-mode': {
      words: 1,
      read: (d, w) => {
        const words = w.word.split(/[,|]/).filter((p) => p !== '')
        if (!words.every((p) => (PARTS as readonly string[]).includes(p))) {
          throw w.bad(`${shown(w.word)} is no mode: expected a list of ${PARTS.join(', ')}`)
        }
        d.mode = PARTS.filter((p) => words.includes(p))
      },
    },
    'hashlimit-name': {
      words: 1,
      read: (d, w) => {
        const name = cutBytes(w.word, NAME_BYTES)
        if (!isBareName(name) || name.includes('/') || name === '.' || name === '..') {
          throw w.bad(`${shown(w.word)} is no name of a table: expected a file name without blanks and slashes`)
        }
        d.name = name
      },
    },
    'hashlimit-rate-match': {
      words: 0,
      read: (d) => {
        d.rateMatch = true
      },
    },
    'hashlimit-rate-interval': {
      words: 1,
      read: (d, w) => {
        const digits = /^\s*\+?([0-9]+)/.exec(w.word)
        d.rateInterval = must(w, digits ? uint(String(Number(digits[1])), 1, 0x7fffffff) : undefined, 'seconds from 1')
      },
    },
  }),
  end(d, rule) {
    complete(d, rule.family === 'ipv4')
  },
}
