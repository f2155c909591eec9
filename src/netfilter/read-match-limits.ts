// Reading the matches that count and limit: quota; hashlimit has its own file.
// Spec: iptables-extensions(8) 1.8.9.
import { type Draft, type Extension, must, options, refuse } from './extension.js'
import type { Match } from './model.js'
import { hashlimit } from './read-match-hashlimit.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>

const U64 = 2n ** 64n

/** An unsigned number of 64 bits in C's notations. */
export function uint64(word: string): bigint | undefined {
  if (!/^[ \t]*\+?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.test(word) || word.length > 40) return undefined
  const digits = word.trim().replace('+', '')
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return value < U64 ? value : undefined
}

type QuotaDraft = MatchOf<'quota'>
const quota: Extension<QuotaDraft> = {
  name: 'quota',
  start: () => ({ match: 'quota', not: false }),
  options: options<QuotaDraft>({
    quota: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.quota = must(w, uint64(w.word), 'a number of bytes, 0..18446744073709551615')
        d.not = w.not
      },
    },
  }),
  end(d) {
    if (d.quota === undefined) refuse('quota needs --quota')
  },
}

/** The matches that count and limit. */
export const LIMIT_MATCHES: readonly Extension<never>[] = [quota, hashlimit] as never
