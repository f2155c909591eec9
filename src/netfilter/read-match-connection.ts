// Reading the matches on what connections carry and how many there are: connbytes, connlimit.
// Spec: iptables-extensions(8) 1.8.9.
import { type Draft, type Extension, must, type OptionWords, options, refuse } from './extension.js'
import type { Match } from './model.js'
import { prefixLength } from './prefix-length.js'
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

const connlimit: Extension<ConnlimitDraft> = {
  name: 'connlimit',
  start: ({ family }) => ({ match: 'connlimit', mask: family === 'ipv4' ? 32 : 128, side: 'source' }),
  options: options<ConnlimitDraft>({
    'connlimit-upto': limit(false),
    'connlimit-above': limit(true),
    'connlimit-mask': {
      words: 1,
      read: (d, w) => {
        d.mask = prefixLength(w)
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
