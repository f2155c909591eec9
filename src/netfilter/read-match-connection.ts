// Reading the matches on what connections carry and how many there are: connbytes, connlimit.
// Spec: iptables-extensions(8) 1.8.9.
import { maskLength, parseIpv6, type Words } from '../net/ip.js'
import { type Draft, type Extension, must, type OptionWords, options, refuse } from './extension.js'
import type { Match } from './model.js'
import { uint64 } from './read-match-limits.js'
import { shown, uint } from './words.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>

const MOST = 2n ** 64n - 1n
const NUMBERS = 'FROM, FROM:TO, FROM: or :TO, each 0..18446744073709551615'

/** One of the words, as it is written. */
function oneOf<T extends string>(words: OptionWords, all: readonly T[]): T {
  const found = all.find((one) => one === words.word)
  if (found === undefined)
    throw words.bad(`${shown(words.word)} is no value for --${words.name}: expected ${all.join(', ')}`)
  return found
}

type ConnbytesDraft = MatchOf<'connbytes'>
const connbytes: Extension<ConnbytesDraft> = {
  name: 'connbytes',
  start: () => ({ match: 'connbytes' }),
  options: options<ConnbytesDraft>({
    connbytes: {
      words: 1,
      not: true,
      read: (d, w) => {
        const [low = '', high, more] = w.word.split(':')
        const from = low === '' && high !== undefined ? 0n : must(w, uint64(low), NUMBERS)
        // One number alone is where the range begins.
        const to = high === undefined || high === '' ? MOST : must(w, uint64(high), NUMBERS)
        if (more !== undefined) throw w.bad(`${shown(w.word)} is no range: expected ${NUMBERS}`)
        if (to < from) throw w.bad(`the range ${shown(w.word)} is reversed: expected FROM:TO`)
        d.from = w.not ? to : from
        d.to = w.not ? from : to
      },
    },
    'connbytes-dir': {
      words: 1,
      read: (d, w) => {
        d.dir = oneOf(w, ['original', 'reply', 'both'] as const)
      },
    },
    'connbytes-mode': {
      words: 1,
      read: (d, w) => {
        d.mode = oneOf(w, ['packets', 'bytes', 'avgpkt'] as const)
      },
    },
  }),
  end(d) {
    if (d.from === undefined) refuse('connbytes needs --connbytes')
    if (d.dir === undefined) refuse('connbytes needs --connbytes-dir')
    if (d.mode === undefined) refuse('connbytes needs --connbytes-mode')
  },
}

type ConnlimitDraft = MatchOf<'connlimit'>
function limit(above: boolean) {
  return {
    words: 1 as const,
    not: true,
    id: 'limit',
    read: (d: ConnlimitDraft, w: OptionWords): void => {
      d.limit = must(w, uint(w.word, 0, 0xffffffff), 'a number of connections, 0..4294967295')
      d.above = above !== w.not
    },
  }
}
function side(which: 'source' | 'dest') {
  return {
    words: 0 as const,
    id: 'side',
    read: (d: ConnlimitDraft): void => {
      d.side = which
    },
  }
}

/** An IPv4 address in one to four parts, the last of which fills what is left, as inet_aton takes it. */
function partsAddress(word: string): number | undefined {
  const parts = word.split('.')
  if (parts.length > 4) return undefined
  let value = 0
  for (const [i, part] of parts.entries()) {
    const bytes = i === parts.length - 1 ? 5 - parts.length : 1
    const number = uint(part, 0, 256 ** bytes - 1)
    if (number === undefined) return undefined
    value = value * 256 ** bytes + number
  }
  return value
}

/** Length of a prefix, given so or as its mask; what is no prefix counts as the whole address. */
function maskOf(w: OptionWords): number {
  const { family } = w.rule
  const bits = family === 'ipv4' ? 32 : 128
  const length = uint(w.word, 0, bits)
  if (length !== undefined) return length
  const four = family === 'ipv4' ? partsAddress(w.word) : undefined
  const words: Words | null = family === 'ipv6' ? parseIpv6(w.word) : four === undefined ? null : [four, 0, 0, 0]
  if (words === null) throw w.bad(`${shown(w.word)} is no mask: expected a length 0..${bits} or a mask`)
  return maskLength(family, words) ?? bits
}

const connlimit: Extension<ConnlimitDraft> = {
  name: 'connlimit',
  start: ({ family }) => ({ match: 'connlimit', mask: family === 'ipv4' ? 32 : 128, side: 'source' }),
  options: options<ConnlimitDraft>({
    'connlimit-upto': limit(false),
    'connlimit-above': limit(true),
    'connlimit-mask': {
      words: 1,
      read: (d, w) => {
        d.mask = maskOf(w)
      },
    },
    'connlimit-saddr': side('source'),
    'connlimit-daddr': side('dest'),
  }),
  end(d) {
    if (d.limit === undefined) refuse('connlimit needs --connlimit-upto or --connlimit-above')
  },
}

/** The matches on connections' traffic and number. */
export const CONNECTION_MATCHES: readonly Extension<never>[] = [connbytes, connlimit] as never
