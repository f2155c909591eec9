// Reading the matches on connections and marks: conntrack, state, mark, connmark, recent, limit, statistic.
// Spec: iptables-extensions(8); limits as the kernel's net/netfilter/xt_recent.c and xt_limit.c check them.
import {
  type Draft,
  type Extension,
  must,
  negatable,
  type Option,
  type OptionWords,
  options,
  refuse,
} from './extension.js'
import type { CtStateName, Match, Range } from './model.js'
import { CT_STATES, CT_STATUSES, protocolNumber } from './names.js'
import { address, anyPortRange, cutBytes, isBareName, markMask, shown, uint, unmasked } from './words.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>

/**
 * A comma-separated list of names, abbreviated at will and in any case, as the listed names in their order.
 * `search`: the order in which an abbreviation is looked up, when it is another.
 */
export function nameList<T extends string>(
  words: OptionWords,
  names: readonly T[],
  search: readonly string[] = names,
): T[] {
  const found = new Set<string>()
  for (const part of words.word.split(',')) {
    const upper = part.toUpperCase()
    const name = part === '' ? undefined : search.find((n) => n.startsWith(upper))
    if (name === undefined)
      throw words.bad(`${shown(part)} is no value for --${words.name}: expected ${names.join(', ')}`)
    found.add(name)
  }
  return names.filter((n) => found.has(n))
}

const STATE_SEARCH = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT']
const PLAIN_STATES: readonly CtStateName[] = CT_STATES.filter((s) => s !== 'SNAT' && s !== 'DNAT')

type ConntrackDraft = MatchOf<'conntrack'>
type AddressKey = 'ctorigsrc' | 'ctorigdst' | 'ctreplsrc' | 'ctrepldst'
type PortKey = 'ctorigsrcport' | 'ctorigdstport' | 'ctreplsrcport' | 'ctrepldstport'

function ctAddress(key: AddressKey): Option<ConntrackDraft> {
  return {
    words: 1,
    not: true,
    read: (d, w) => {
      const value = unmasked(w.word, w.rule.family)
      const mask = value?.slice(value.lastIndexOf('/') + 1)
      if (value === undefined || mask === undefined || !/^[0-9]+$/.test(mask)) {
        throw w.bad(`${shown(w.word)} is no value for --${key}: expected an ${familyName(w)} address or prefix`)
      }
      d[key] = negatable(w, value)
    },
  }
}

function familyName(words: OptionWords): string {
  return words.rule.family === 'ipv4' ? 'IPv4' : 'IPv6'
}

function ctPort(key: PortKey): Option<ConntrackDraft> {
  return {
    words: 1,
    not: true,
    read: (d, w) => {
      d[key] = negatable(w, must(w, anyPortRange(w.word), 'a port 0..65535 or FROM:TO'))
    },
  }
}

function seconds(words: OptionWords): Range {
  const [low = '', high, more] = words.word.split(':')
  const from = low === '' ? 0 : uint(low, 0, 0xffffffff)
  const to = high === undefined ? from : high === '' ? 0xffffffff : uint(high, 0, 0xffffffff)
  if (more !== undefined || from === undefined || to === undefined) {
    throw words.bad(`${shown(words.word)} is no value for --ctexpire: expected SECONDS or FROM:TO`)
  }
  return { from, to }
}

const conntrack: Extension<ConntrackDraft> = {
  name: 'conntrack',
  start: () => ({ match: 'conntrack' }),
  options: options<ConntrackDraft>({
    ctstate: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.ctstate = negatable(w, nameList(w, CT_STATES, STATE_SEARCH))
      },
    },
    ctproto: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.ctproto = negatable(w, must(w, uint(w.word, 0, 255) ?? protocolNumber(w.word), 'a protocol'))
      },
    },
    ctorigsrc: ctAddress('ctorigsrc'),
    ctorigdst: ctAddress('ctorigdst'),
    ctreplsrc: ctAddress('ctreplsrc'),
    ctrepldst: ctAddress('ctrepldst'),
    ctorigsrcport: ctPort('ctorigsrcport'),
    ctorigdstport: ctPort('ctorigdstport'),
    ctreplsrcport: ctPort('ctreplsrcport'),
    ctrepldstport: ctPort('ctrepldstport'),
    ctstatus: {
      words: 1,
      not: true,
      read: (d, w) => {
        const found = nameList(w, ['NONE', ...CT_STATUSES] as const)
        const set = found.filter((s) => s !== 'NONE')
        d.ctstatus = negatable(w, set.length === 0 ? found : set)
      },
    },
    ctexpire: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.ctexpire = negatable(w, seconds(w))
      },
    },
    ctdir: {
      words: 1,
      read: (d, w) => {
        const dir = w.word.toUpperCase()
        if (dir !== 'ORIGINAL' && dir !== 'REPLY') {
          throw w.bad(`${shown(w.word)} is no value for --ctdir: expected ORIGINAL or REPLY`)
        }
        d.ctdir = dir
      },
    },
  }),
  end(d) {
    if (Object.keys(d).length === 1) refuse('conntrack needs at least one option, for example --ctstate')
  },
}

type StateDraft = MatchOf<'state'>
const state: Extension<StateDraft> = {
  name: 'state',
  start: () => ({ match: 'state' }),
  options: options<StateDraft>({
    state: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.state = negatable(w, nameList(w, PLAIN_STATES, STATE_SEARCH.slice(0, 5)))
      },
    },
  }),
  end(d) {
    if (d.state === undefined) refuse('state needs --state')
  },
}

type MarkDraft = MatchOf<'mark' | 'connmark'>
function markMatch(name: 'mark' | 'connmark'): Extension<MarkDraft> {
  return {
    name,
    start: () => ({ match: name }),
    options: options<MarkDraft>({
      mark: {
        words: 1,
        not: true,
        read: (d, w) => {
          d.mark = negatable(w, must(w, markMask(w.word), 'VALUE or VALUE/MASK, each 0..0xffffffff'))
        },
      },
    }),
    end(d) {
      if (d.mark === undefined) refuse(`${name} needs --mark`)
    },
  }
}

const RECENT_NAME_BYTES = 199
const RECENT_HITS = 65535
type RecentDraft = MatchOf<'recent'>

function recentOp(op: 'set' | 'rcheck' | 'update' | 'remove'): Option<RecentDraft> {
  return {
    words: 0,
    not: true,
    id: 'op',
    read: (d, w) => {
      d.op = op
      d.not = w.not
    },
  }
}

const recent: Extension<RecentDraft> = {
  name: 'recent',
  start: (rule) => ({
    match: 'recent',
    op: undefined,
    not: false,
    name: 'DEFAULT',
    side: 'source',
    mask: rule.family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  }),
  options: options<RecentDraft>({
    set: recentOp('set'),
    rcheck: recentOp('rcheck'),
    update: recentOp('update'),
    remove: recentOp('remove'),
    seconds: {
      words: 1,
      read: (d, w) => {
        d.seconds = must(w, uint(w.word, 1, 0xffffffff), 'a number of seconds from 1')
      },
    },
    reap: {
      words: 0,
      read: (d) => {
        d.reap = true
      },
    },
    hitcount: {
      words: 1,
      read: (d, w) => {
        const hits = must(w, uint(w.word, 0, RECENT_HITS), `a number 0..${RECENT_HITS}`)
        if (hits > 0) d.hitcount = hits
      },
    },
    rttl: {
      words: 0,
      read: (d) => {
        d.rttl = true
      },
    },
    name: {
      words: 1,
      read: (d, w) => {
        const name = cutBytes(w.word, RECENT_NAME_BYTES)
        if (!isBareName(name) || name.includes('/') || name === '.' || name === '..') {
          throw w.bad(`${shown(w.word)} is no name of a list: expected a file name without blanks and slashes`)
        }
        d.name = name
      },
    },
    rsource: {
      words: 0,
      read: (d) => {
        d.side = 'source'
      },
    },
    rdest: {
      words: 0,
      read: (d) => {
        d.side = 'dest'
      },
    },
    mask: {
      words: 1,
      read: (d, w) => {
        d.mask = must(w, address(w.word, w.rule.family), `a mask written as an ${familyName(w)} address`)
      },
    },
  }),
  end(d) {
    if (d.op === undefined) refuse('recent needs --set, --rcheck, --update or --remove')
    if (d.reap && d.seconds === undefined) refuse('recent: --reap needs --seconds')
    const looks = d.op === 'rcheck' || d.op === 'update'
    if (!looks && (d.seconds !== undefined || d.hitcount !== undefined || d.rttl || d.reap)) {
      refuse(`recent: --seconds, --hitcount, --rttl and --reap go with --rcheck or --update, not with --${d.op}`)
    }
  },
}

const LIMIT_SCALE = 10_000
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['min', 60],
  ['sec', 1],
] as const
// Credits of the kernel's limiter for a second, at a timer of 250 or 1000 Hz.
const CREDITS_PER_SECOND = 32_000

function credits(user: number): number {
  return user > Math.floor(0xffffffff / CREDITS_PER_SECOND)
    ? (Math.floor(user / LIMIT_SCALE) * CREDITS_PER_SECOND) % 2 ** 32
    : Math.floor((user * CREDITS_PER_SECOND) / LIMIT_SCALE)
}

/**
 * A rate as the kernel keeps it (a period in units of 1/10,000 s) and as iptables prints it back.
 * Undefined when it is too fast to be kept.
 *
 * @example limitRate(150, 'sec') // { rate: 151, unit: 'sec', period: 66 }
 */
export function limitRate(
  rate: number,
  unit: 'sec' | 'min' | 'hour' | 'day',
): { rate: number; unit: 'sec' | 'min' | 'hour' | 'day'; period: number } | undefined {
  const length = UNITS.find((u) => u[0] === unit)?.[1] ?? 1
  const period = Math.floor((LIMIT_SCALE * length) / rate)
  if (period < 1) return undefined
  let i = 1
  for (; i < UNITS.length; i++) {
    const scaled = UNITS[i]![1] * LIMIT_SCALE
    if (period > scaled || Math.floor(scaled / period) < scaled % period) break
  }
  const [name, seconds] = UNITS[i - 1]!
  return { rate: Math.floor((seconds * LIMIT_SCALE) / period), unit: name, period }
}

type LimitDraft = MatchOf<'limit'> & { period?: number }
const limit: Extension<LimitDraft> = {
  name: 'limit',
  start: () => ({ match: 'limit', rate: 3, unit: 'hour', burst: 5 }),
  options: options<LimitDraft>({
    limit: {
      words: 1,
      read: (d, w) => {
        const slash = w.word.indexOf('/')
        const number = slash < 0 ? w.word : w.word.slice(0, slash)
        const name = slash < 0 ? 'second' : w.word.slice(slash + 1).toLowerCase()
        const unit = (['second', 'minute', 'hour', 'day'] as const).find((u) => u.startsWith(name))
        const rate = /^[0-9]{1,9}$/.test(number) ? Number(number) : 0
        if (name === '' || unit === undefined || rate === 0) {
          throw w.bad(`${shown(w.word)} is no rate: expected NUMBER/second, /minute, /hour or /day`)
        }
        const kept = limitRate(rate, unit === 'second' ? 'sec' : unit === 'minute' ? 'min' : unit)
        if (kept === undefined) throw w.bad(`the rate ${shown(w.word)} is too fast: expected at most 10000/second`)
        d.rate = kept.rate
        d.unit = kept.unit
      },
    },
    'limit-burst': {
      words: 1,
      read: (d, w) => {
        // iptables-nft takes 0 for the usual burst.
        const least = w.rule.backend === 'nft' ? 0 : 1
        d.burst = must(w, uint(w.word, least, 10_000), 'a number 1..10000') || 5
      },
    },
  }),
  end(d, rule) {
    if (rule.backend === 'nft') return // it has a limit of its own
    const period = limitRate(d.rate!, d.unit!)!.period
    if (credits((period * d.burst!) % 2 ** 32) < credits(period)) {
      refuse(`a burst of ${d.burst} is too large for ${d.rate}/${d.unit}: the kernel cannot keep so many credits`)
    }
  },
}

interface StatisticDraft {
  match?: 'statistic'
  mode?: 'random' | 'nth' | undefined
  not?: boolean
  probability?: number | undefined
  every?: number | undefined
  packet?: number | undefined
}
const FRACTION = /^\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?$/

const statistic: Extension<StatisticDraft> = {
  name: 'statistic',
  start: () => ({ match: 'statistic', mode: undefined, not: false }),
  options: options<StatisticDraft>({
    mode: {
      words: 1,
      read: (d, w) => {
        if (w.word !== 'random' && w.word !== 'nth') throw w.bad(`${shown(w.word)} is no mode: expected random or nth`)
        d.mode = w.word
      },
    },
    probability: {
      words: 1,
      not: true,
      read: (d, w) => {
        const p = w.word.length <= 64 && FRACTION.test(w.word) ? Number(w.word) : Number.NaN
        if (!(p >= 0 && p <= 1)) throw w.bad(`${shown(w.word)} is no probability: expected a number from 0 to 1`)
        d.probability = Math.round(p * 2 ** 31)
        d.not ||= w.not
      },
    },
    every: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.every = must(w, uint(w.word, 1, 0xffffffff), 'a number from 1')
        d.not ||= w.not
      },
    },
    packet: {
      words: 1,
      read: (d, w) => {
        d.packet = must(w, uint(w.word, 0, 0xffffffff), 'a number from 0')
      },
    },
  }),
  end(d) {
    const nth = d.every !== undefined || d.packet !== undefined
    if (d.mode === undefined) refuse('statistic needs --mode random or --mode nth')
    if (d.mode === 'random' ? d.probability === undefined || nth : d.probability !== undefined) {
      refuse('statistic: --mode random takes --probability, --mode nth takes --every and --packet')
    }
    if (d.mode === 'random') return
    if (d.every === undefined || d.packet === undefined) refuse('statistic: --mode nth needs both --every and --packet')
    if (d.packet >= d.every) refuse(`statistic: --packet ${d.packet} is out of range: expected 0..${d.every - 1}`)
  },
}

/** The matches on connections, marks and rates. */
export const STATE_MATCHES: readonly Extension<never>[] = [
  conntrack,
  state,
  markMatch('mark'),
  markMatch('connmark'),
  recent,
  limit,
  statistic,
] as never
