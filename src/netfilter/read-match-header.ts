// Reading the matches on single header fields: length, ttl, hl, tos, dscp, ecn, and cpu.
// Spec: iptables-extensions(8) 1.8.9; names of TOS values and DiffServ classes as iptables knows them.
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
import type { Masked, Match, Range } from './model.js'
import { shown, uint } from './words.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>

/** `N`, `N:M`, `N:`, `:M` of 16 bits; the second may be below the first. */
function lengths(words: OptionWords): Range {
  const parts = words.word.split(':')
  const [low = '', high] = parts
  const from = low === '' ? 0 : uint(low, 0, 65535)
  const to = high === undefined ? from : high === '' ? 65535 : uint(high, 0, 65535)
  if (parts.length > 2 || from === undefined || to === undefined) {
    throw words.bad(`${shown(words.word)} is no length: expected 0..65535 or FROM:TO`)
  }
  return { from, to }
}

type LengthDraft = MatchOf<'length'>
const length: Extension<LengthDraft> = {
  name: 'length',
  start: () => ({ match: 'length' }),
  options: options<LengthDraft>({
    length: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.length = negatable(w, lengths(w))
      },
    },
  }),
  end(d) {
    if (d.length === undefined) refuse('length needs --length')
  },
}

type HopsDraft = MatchOf<'ttl' | 'hl'>
function hops(match: 'ttl' | 'hl'): Extension<HopsDraft> {
  const option = (op: 'eq' | 'lt' | 'gt'): Option<HopsDraft> => ({
    words: 1,
    not: op === 'eq',
    id: match,
    read: (d, w) => {
      d.op = w.not ? 'ne' : op
      d.value = must(w, uint(w.word, 0, 255), 'a number 0..255')
    },
  })
  return {
    name: match,
    family: match === 'ttl' ? 'ipv4' : 'ipv6',
    start: () => ({ match }),
    options: options<HopsDraft>({
      [`${match}-lt`]: option('lt'),
      [`${match}-gt`]: option('gt'),
      [`${match}-eq`]: option('eq'),
      [match]: option('eq'),
    }),
    end(d) {
      if (d.op === undefined) refuse(`${match} needs --${match}-eq, --${match}-lt or --${match}-gt`)
    },
  }
}

const TOS_NAMES: ReadonlyMap<string, number> = new Map([
  ['minimize-delay', 0x10],
  ['maximize-throughput', 0x08],
  ['maximize-reliability', 0x04],
  ['minimize-cost', 0x02],
  ['normal-service', 0],
])

/**
 * A TOS value as `--tos` takes it: a number, `VALUE/MASK` or a name (whose mask is 0x3f).
 *
 * @example tosMask('Minimize-Delay') // { value: 0x10, mask: 0x3f }
 */
export function tosMask(word: string): Masked | undefined {
  const named = TOS_NAMES.get(word.toLowerCase())
  if (named !== undefined) return { value: named, mask: 0x3f }
  const slash = word.indexOf('/')
  const value = uint(slash < 0 ? word : word.slice(0, slash), 0, 255)
  const mask = slash < 0 ? 255 : uint(word.slice(slash + 1), 0, 255)
  return value === undefined || mask === undefined ? undefined : { value, mask }
}

type TosDraft = MatchOf<'tos'>
const tos: Extension<TosDraft> = {
  name: 'tos',
  start: () => ({ match: 'tos' }),
  options: options<TosDraft>({
    tos: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.tos = negatable(w, must(w, tosMask(w.word), 'VALUE, VALUE/MASK (0..255) or a name such as Minimize-Delay'))
      },
    },
  }),
  end(d) {
    if (d.tos === undefined) refuse('tos needs --tos')
  },
}

const CLASSES: readonly (readonly [string, number])[] = [
  ...Array.from({ length: 8 }, (_, n) => [`CS${n}`, n << 3] as const),
  ['BE', 0],
  ...[1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((p) => [`AF${c}${p}`, (c << 3) | (p << 1)] as const)),
  ['EF', 0x2e],
]

/**
 * The codepoint of a DiffServ class; in any case, and what follows the name does not count.
 *
 * @example dscpClass('af41') // 0x22
 */
export function dscpClass(word: string): number | undefined {
  const upper = word.toUpperCase()
  return CLASSES.find(([name]) => upper.startsWith(name))?.[1]
}

type DscpDraft = MatchOf<'dscp'>
const dscp: Extension<DscpDraft> = {
  name: 'dscp',
  start: () => ({ match: 'dscp' }),
  options: options<DscpDraft>({
    dscp: {
      words: 1,
      not: true,
      id: 'dscp',
      read: (d, w) => {
        d.dscp = negatable(w, must(w, uint(w.word, 0, 63), 'a number 0..63'))
      },
    },
    'dscp-class': {
      words: 1,
      not: true,
      id: 'dscp',
      read: (d, w) => {
        d.dscp = negatable(w, must(w, dscpClass(w.word), 'a class: BE, EF, AFxx or CSx'))
      },
    },
  }),
  end(d) {
    if (d.dscp === undefined) refuse('dscp needs --dscp or --dscp-class')
  },
}

type EcnDraft = MatchOf<'ecn'>
function ecnBit(key: 'ece' | 'cwr'): Option<EcnDraft> {
  return {
    words: 0,
    not: true,
    read: (d, w) => {
      d[key] = negatable(w, true as const)
    },
  }
}
const ecn: Extension<EcnDraft> = {
  name: 'ecn',
  start: () => ({ match: 'ecn' }),
  options: options<EcnDraft>({
    'ecn-tcp-cwr': ecnBit('cwr'),
    'ecn-tcp-ece': ecnBit('ece'),
    'ecn-ip-ect': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.ect = negatable(w, must(w, uint(w.word, 0, 3), 'a codepoint 0..3'))
      },
    },
  }),
  end(d, rule) {
    if (d.ece === undefined && d.cwr === undefined && d.ect === undefined) {
      refuse('ecn needs --ecn-tcp-cwr, --ecn-tcp-ece or --ecn-ip-ect')
    }
    if ((d.ece !== undefined || d.cwr !== undefined) && (rule.proto !== 6 || rule.protoNot)) {
      refuse('ecn: --ecn-tcp-cwr and --ecn-tcp-ece need -p tcp')
    }
  },
}

type CpuDraft = MatchOf<'cpu'>
const cpu: Extension<CpuDraft> = {
  name: 'cpu',
  start: () => ({ match: 'cpu' }),
  options: options<CpuDraft>({
    cpu: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.cpu = negatable(w, must(w, uint(w.word, 0, 0xffffffff), 'a number 0..4294967295'))
      },
    },
  }),
  end(d) {
    if (d.cpu === undefined) refuse('cpu needs --cpu')
  },
}

/** The matches on single fields. */
export const HEADER_MATCHES: readonly Extension<never>[] = [
  length,
  hops('ttl'),
  hops('hl'),
  tos,
  dscp,
  ecn,
  cpu,
] as never
