// Reading the matches on what is around a packet: owner, rpfilter; time has its own file.
// Spec: iptables-extensions(8) 1.8.9. Names of users and groups are the machine's own; only `root` is known here.
import { type Draft, type Extension, must, negatable, type Option, options, refuse } from './extension.js'
import type { Match, Range } from './model.js'
import { time } from './read-match-time.js'
import { uint } from './words.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>

const ID_MAX = 0xfffffffe

/** `root`, a number, `FROM-TO` or `FROM:TO`. */
function ids(word: string): Range | undefined {
  if (word === 'root') return { from: 0, to: 0 }
  const parts = /^([^-:]+)[-:](.*)$/.exec(word)
  const from = uint(parts ? parts[1]! : word, 0, ID_MAX)
  const to = parts ? uint(parts[2]!, 0, ID_MAX) : from
  return from === undefined || to === undefined ? undefined : { from, to }
}

type OwnerDraft = MatchOf<'owner'>
function owner(key: 'uid' | 'gid'): Option<OwnerDraft> {
  return {
    words: 1,
    not: true,
    read: (d, w) => {
      const range = must(w, ids(w.word), 'a number 0..4294967294, FROM-TO or root (other names are not known here)')
      if (range.from > range.to) throw w.bad(`--${key}-owner ${range.from}-${range.to} is reversed`)
      d[key] = negatable(w, range)
    },
  }
}

const ownerMatch: Extension<OwnerDraft> = {
  name: 'owner',
  start: () => ({ match: 'owner' }),
  options: options<OwnerDraft>({
    'uid-owner': owner('uid'),
    'gid-owner': owner('gid'),
    'socket-exists': {
      words: 0,
      not: true,
      read: (d, w) => {
        d.socket = negatable(w, true as const)
      },
    },
    'suppl-groups': {
      words: 0,
      read: (d, w) => {
        if (d.gid === undefined) throw w.bad('--suppl-groups needs --gid-owner before it', 'option')
        d.supplGroups = true
      },
    },
  }),
  end(d) {
    if (Object.keys(d).length === 1) refuse('owner needs --uid-owner, --gid-owner or --socket-exists')
  },
}

type RpfilterDraft = MatchOf<'rpfilter'>
function rpfilterFlag(key: 'loose' | 'validmark' | 'acceptLocal' | 'invert'): Option<RpfilterDraft> {
  return {
    words: 0,
    read: (d) => {
      d[key] = true
    },
  }
}

const rpfilter: Extension<RpfilterDraft> = {
  name: 'rpfilter',
  start: () => ({ match: 'rpfilter' }),
  options: options<RpfilterDraft>({
    loose: rpfilterFlag('loose'),
    validmark: rpfilterFlag('validmark'),
    'accept-local': rpfilterFlag('acceptLocal'),
    invert: rpfilterFlag('invert'),
  }),
  end(_, rule) {
    if (rule.table !== 'raw' && rule.table !== 'mangle') refuse('rpfilter has its place in tables raw and mangle only')
  },
}

/** The matches on what is around a packet. */
export const CONTEXT_MATCHES: readonly Extension<never>[] = [ownerMatch, rpfilter, time] as never
