// Reading the targets that change header fields: TTL, HL, DSCP, TOS, ECN.
// Spec: iptables-extensions(8) 1.8.9; the kernel's net/netfilter/xt_HL.c, xt_DSCP.c, net/ipv4/netfilter/ipt_ECN.c.
import { type Draft, type Extension, must, type Option, options, refuse } from './extension.js'
import type { Target } from './model.js'
import { dscpClass, tosMask } from './read-match-header.js'
import { uint } from './words.js'

type TargetOf<K extends Target['target']> = Draft<Extract<Target, { readonly target: K }>>

type HopsDraft = TargetOf<'TTL' | 'HL'>
function hops(target: 'TTL' | 'HL'): Extension<HopsDraft> {
  const prefix = target.toLowerCase()
  const option = (op: 'set' | 'inc' | 'dec'): Option<HopsDraft> => ({
    words: 1,
    id: prefix,
    read: (d, w) => {
      const least = op === 'set' ? 0 : 1
      d.op = op
      d.value = must(w, uint(w.word, least, 255), `a number ${least}..255`)
    },
  })
  return {
    name: target,
    family: target === 'TTL' ? 'ipv4' : 'ipv6',
    start: () => ({ target }),
    options: options<HopsDraft>({
      [`${prefix}-set`]: option('set'),
      [`${prefix}-dec`]: option('dec'),
      [`${prefix}-inc`]: option('inc'),
    }),
    end(d) {
      if (d.op === undefined) refuse(`${target} needs --${prefix}-set, --${prefix}-dec or --${prefix}-inc`)
    },
  }
}

type DscpDraft = TargetOf<'DSCP'>
const dscp: Extension<DscpDraft> = {
  name: 'DSCP',
  start: () => ({ target: 'DSCP' }),
  options: options<DscpDraft>({
    'set-dscp': {
      words: 1,
      id: 'dscp',
      read: (d, w) => {
        d.dscp = must(w, uint(w.word, 0, 63), 'a number 0..63')
      },
    },
    'set-dscp-class': {
      words: 1,
      id: 'dscp',
      read: (d, w) => {
        d.dscp = must(w, dscpClass(w.word), 'a class: BE, EF, AFxx or CSx')
      },
    },
  }),
  end(d) {
    if (d.dscp === undefined) refuse('DSCP needs --set-dscp or --set-dscp-class')
  },
}

type TosDraft = TargetOf<'TOS'>
function tosForm(form: (bits: number) => { value: number; mask: number }): Option<TosDraft> {
  return {
    words: 1,
    id: 'tos',
    read: (d, w) => {
      Object.assign(d, form(must(w, uint(w.word, 0, 255), 'a number 0..255')))
    },
  }
}
const tos: Extension<TosDraft> = {
  name: 'TOS',
  start: () => ({ target: 'TOS' }),
  options: options<TosDraft>({
    'set-tos': {
      words: 1,
      id: 'tos',
      read: (d, w) => {
        Object.assign(d, must(w, tosMask(w.word), 'VALUE, VALUE/MASK (0..255) or a name such as Minimize-Delay'))
      },
    },
    'and-tos': tosForm((bits) => ({ value: 0, mask: 255 - bits })),
    'or-tos': tosForm((bits) => ({ value: bits, mask: bits })),
    'xor-tos': tosForm((bits) => ({ value: bits, mask: 0 })),
  }),
  end(d) {
    if (d.mask === undefined) refuse('TOS needs --set-tos, --and-tos, --or-tos or --xor-tos')
  },
}

type EcnDraft = TargetOf<'ECN'> & { seen?: string }
function ecnBit(key: 'ece' | 'cwr'): Option<EcnDraft> {
  return {
    words: 1,
    read: (d, w) => {
      if (d.seen === 'remove') throw w.bad(`ECN: --${w.name} excludes --ecn-tcp-remove`, 'option')
      d.seen = 'bits'
      d[key] = must(w, uint(w.word, 0, 1), '0 or 1') as 0 | 1
    },
  }
}
const ecn: Extension<EcnDraft> = {
  name: 'ECN',
  family: 'ipv4',
  start: () => ({ target: 'ECN' }),
  options: options<EcnDraft>({
    'ecn-tcp-remove': {
      words: 0,
      read: (d, w) => {
        if (d.seen === 'bits') throw w.bad('ECN: --ecn-tcp-remove excludes --ecn-tcp-ece and --ecn-tcp-cwr', 'option')
        d.seen = 'remove'
        d.ece = 0
        d.cwr = 0
        delete d.ect // what was asked for before is forgotten
      },
    },
    'ecn-tcp-cwr': ecnBit('cwr'),
    'ecn-tcp-ece': ecnBit('ece'),
    'ecn-ip-ect': {
      words: 1,
      read: (d, w) => {
        d.ect = must(w, uint(w.word, 0, 3), 'a codepoint 0..3')
      },
    },
  }),
  end(d, rule) {
    const tcp = d.ece !== undefined || d.cwr !== undefined
    if (!tcp && d.ect === undefined) refuse('ECN needs an operation, such as --ecn-tcp-remove')
    if (tcp && (rule.proto !== 6 || rule.protoNot)) refuse('ECN on TCP bits needs -p tcp')
    delete d.seen
  },
}

/** The targets that change single header fields. */
export const HEADER_TARGETS: readonly Extension<never>[] = [hops('TTL'), hops('HL'), dscp, tos, ecn] as never
