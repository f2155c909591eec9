// Reading the targets that are no verdict: REJECT, marks, logging, CT, NOTRACK, TCPMSS, CHECKSUM; read-target-nat.ts has
// the translating ones.
// Spec: iptables-extensions(8); the kernel's net/netfilter/xt_CT.c, xt_TCPMSS.c, xt_LOG.c for what they check.
import { type Draft, type Extension, must, type Option, type OptionWords, options, refuse } from './extension.js'
import type { Target } from './model.js'
import { CT_EVENTS, LOG_LEVELS, REJECT_NAMES } from './names.js'
import { setTarget } from './read-set.js'
import { DIVERTING_TARGETS } from './read-target-divert.js'
import { HEADER_TARGETS } from './read-target-header.js'
import { HMARK_TARGETS } from './read-target-hmark.js'
import { IDLE_TARGETS } from './read-target-idle.js'
import { MAP_TARGETS } from './read-target-map.js'
import { NAT_TARGETS } from './read-target-nat.js'
import { cutBytes, isBareName, markMask, shown, uint } from './words.js'

type TargetOf<K extends Target['target']> = Draft<Extract<Target, { readonly target: K }>>

type RejectDraft = TargetOf<'REJECT'>
const reject: Extension<RejectDraft> = {
  name: 'REJECT',
  start: (rule) => ({
    target: 'REJECT',
    with: rule.family === 'ipv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable',
  }),
  options: options<RejectDraft>({
    'reject-with': {
      words: 1,
      read: (d, w) => {
        const names = REJECT_NAMES[w.rule.family]
        const wanted = w.word.toLowerCase()
        const found = names.find((n) => n.some((x) => x.startsWith(wanted)))
        if (found === undefined) {
          throw w.bad(`${shown(w.word)} is no reject type: expected ${names.map((n) => n[0]).join(', ')}`)
        }
        d.with = found[0]
      },
    },
  }),
  end(d, rule) {
    if (d.with === 'tcp-reset' && (rule.proto !== 6 || rule.protoNot)) {
      refuse('REJECT --reject-with tcp-reset needs -p tcp')
    }
  },
}

const inverted = (value: number): number => ~value >>> 0
const MARK_WORDS = 'VALUE or VALUE/MASK, each 0..0xffffffff'

interface MarkForms<D> {
  readonly [option: string]: Option<D>
}

// The forms of setting a mark, for MARK (value, mask) and CONNMARK (value, ctmask).
function markForms<D>(set: (draft: D, value: number, mask: number) => void): MarkForms<D> {
  const bits = (w: OptionWords): number => must(w, uint(w.word, 0, 0xffffffff), 'a number 0..0xffffffff')
  const form = (read: (d: D, w: OptionWords) => void): Option<D> => ({ words: 1, id: 'mark', read })
  return {
    'set-xmark': form((d, w) => {
      const { value, mask } = must(w, markMask(w.word), MARK_WORDS)
      set(d, value, mask)
    }),
    'set-mark': form((d, w) => {
      const { value, mask } = must(w, markMask(w.word), MARK_WORDS)
      set(d, value, (value | mask) >>> 0)
    }),
    'and-mark': form((d, w) => set(d, 0, inverted(bits(w)))),
    'or-mark': form((d, w) => {
      const value = bits(w)
      set(d, value, value)
    }),
    'xor-mark': form((d, w) => set(d, bits(w), 0)),
  }
}

type MarkDraft = TargetOf<'MARK'>
const mark: Extension<MarkDraft> = {
  name: 'MARK',
  start: () => ({ target: 'MARK' }),
  options: options<MarkDraft>(
    markForms<MarkDraft>((d, value, mask) => {
      d.value = value
      d.mask = mask
    }),
  ),
  end(d) {
    if (d.mask === undefined) refuse('MARK needs --set-xmark, --set-mark, --and-mark, --or-mark or --xor-mark')
  },
}

type ConnmarkDraft = TargetOf<'CONNMARK'>
function connmarkCopy(op: 'save' | 'restore'): Option<ConnmarkDraft> {
  return {
    words: 0,
    id: 'mark',
    read: (d) => {
      d.op = op
    },
  }
}
// The kernel keeps one shift: the last one counts.
function connmarkShift(sign: 1 | -1): Option<ConnmarkDraft> {
  return {
    words: 1,
    read: (d, w) => {
      const bits = must(w, uint(w.word, 0, 31), 'a number of bits, 0..31')
      if (bits === 0) delete d.shift
      else d.shift = sign * bits
    },
  }
}
function connmarkMask(keys: readonly ('ctmask' | 'nfmask')[], excludes: readonly string[]): Option<ConnmarkDraft> {
  return {
    words: 1,
    excludes,
    read: (d, w) => {
      const mask = must(w, uint(w.word, 0, 0xffffffff), 'a number 0..0xffffffff')
      for (const key of keys) d[key] = mask
    },
  }
}

const connmark: Extension<ConnmarkDraft> = {
  name: 'CONNMARK',
  start: () => ({ target: 'CONNMARK', op: undefined, value: 0, ctmask: 0xffffffff, nfmask: 0xffffffff }),
  options: options<ConnmarkDraft>({
    ...markForms<ConnmarkDraft>((d, value, ctmask) => {
      d.op = 'set'
      d.value = value
      d.ctmask = ctmask
    }),
    'save-mark': connmarkCopy('save'),
    'restore-mark': connmarkCopy('restore'),
    'left-shift-mark': connmarkShift(1),
    'right-shift-mark': connmarkShift(-1),
    ctmask: connmarkMask(['ctmask'], ['mask']),
    nfmask: connmarkMask(['nfmask'], ['mask']),
    mask: connmarkMask(['ctmask', 'nfmask'], ['ctmask', 'nfmask']),
  }),
  end(d) {
    if (d.op === undefined) refuse('CONNMARK needs --set-xmark (or another form of it), --save-mark or --restore-mark')
    if (d.op === 'set') d.nfmask = 0xffffffff // not used, not printed
  },
}

const LOG_PREFIX_BYTES = 29
type LogDraft = TargetOf<'LOG'>
function logFlag(key: 'tcpSequence' | 'tcpOptions' | 'ipOptions' | 'uid' | 'macdecode'): Option<LogDraft> {
  return {
    words: 0,
    read: (d) => {
      d[key] = true
    },
  }
}

function logPrefix(w: OptionWords, bytes: number): string {
  if (w.word === '') throw w.bad(`--${w.name} is empty: expected at least one character`)
  return cutBytes(w.word, bytes)
}

const log: Extension<LogDraft> = {
  name: 'LOG',
  start: () => ({ target: 'LOG', level: 4 }),
  options: options<LogDraft>({
    'log-level': {
      words: 1,
      read: (d, w) => {
        const level = uint(w.word, 0, 7) ?? LOG_LEVELS.get(w.word)
        d.level = must(w, level, `0..7 or one of ${[...LOG_LEVELS.keys()].join(', ')}`)
      },
    },
    'log-prefix': {
      words: 1,
      read: (d, w) => {
        d.prefix = logPrefix(w, LOG_PREFIX_BYTES)
      },
    },
    'log-tcp-sequence': logFlag('tcpSequence'),
    'log-tcp-options': logFlag('tcpOptions'),
    'log-ip-options': logFlag('ipOptions'),
    'log-uid': logFlag('uid'),
    'log-macdecode': logFlag('macdecode'),
  }),
}

const NFLOG_PREFIX_BYTES = 63
const NFLOG_PREFIX_BYTES_NFT = 127
type NflogDraft = TargetOf<'NFLOG'>
const nflog: Extension<NflogDraft> = {
  name: 'NFLOG',
  start: () => ({ target: 'NFLOG', group: 0 }),
  options: options<NflogDraft>({
    'nflog-group': {
      words: 1,
      read: (d, w) => {
        d.group = must(w, uint(w.word, 0, 65535), 'a number 0..65535')
      },
    },
    'nflog-prefix': {
      words: 1,
      read: (d, w) => {
        d.prefix = logPrefix(w, w.rule.backend === 'nft' ? NFLOG_PREFIX_BYTES_NFT : NFLOG_PREFIX_BYTES)
      },
    },
    'nflog-size': {
      words: 1,
      id: 'size',
      read: (d, w) => {
        d.size = must(w, uint(w.word, 0, 0xffffffff), 'a number of bytes')
      },
    },
    'nflog-range': {
      words: 1,
      id: 'size',
      read: (d, w) => {
        const range = must(w, uint(w.word, 0, 0xffffffff), 'a number of bytes')
        if (w.rule.backend === 'nft') return // it does not keep it
        if (range > 0) d.range = range
      },
    },
    'nflog-threshold': {
      words: 1,
      read: (d, w) => {
        const threshold = must(w, uint(w.word, 0, 65535), 'a number 0..65535')
        if (threshold > 0) d.threshold = threshold
      },
    },
  }),
}

const HELPER_BYTES = 15
const TIMEOUT_BYTES = 31
type CtDraft = TargetOf<'CT'>
interface CtZone {
  id: number
  mark: boolean
  orig: boolean
  reply: boolean
}
// The kernel keeps one zone and two direction bits, however many options wrote them.
const zones = new WeakMap<CtDraft, CtZone>()

function zone(side: 'orig' | 'reply' | undefined): Option<CtDraft> {
  return {
    words: 1,
    read: (d, w) => {
      const z = zones.get(d) ?? { id: 0, mark: false, orig: false, reply: false }
      zones.set(d, z)
      if (side !== undefined) z[side] = true
      if (w.word.toLowerCase() === 'mark') {
        z.mark = true
        z.id = 0
      } else z.id = must(w, uint(w.word, 0, 65535), '0..65535 or mark')
    },
  }
}

function events(words: OptionWords, known: readonly string[]): string[] {
  const listed = words.word.split(',')
  const wrong = listed.find((e) => !known.includes(e))
  if (wrong !== undefined) throw words.bad(`${shown(wrong)} is no event: expected ${known.join(', ')}`)
  return known.filter((e) => listed.includes(e))
}

function ctName(words: OptionWords, bytes: number): string {
  const name = cutBytes(words.word, bytes)
  if (!isBareName(name)) throw words.bad(`${shown(words.word)} is no name: expected one without blanks and quotes`)
  return name
}

const ct: Extension<CtDraft> = {
  name: 'CT',
  start: () => ({ target: 'CT' }),
  options: options<CtDraft>({
    notrack: {
      words: 0,
      read: (d) => {
        d.notrack = true
      },
    },
    helper: {
      words: 1,
      read: (d, w) => {
        d.helper = ctName(w, HELPER_BYTES)
      },
    },
    timeout: {
      words: 1,
      read: (d, w) => {
        d.timeout = ctName(w, TIMEOUT_BYTES)
      },
    },
    ctevents: {
      words: 1,
      read: (d, w) => {
        d.ctevents = events(w, CT_EVENTS)
      },
    },
    expevents: {
      words: 1,
      read: (d, w) => {
        d.expevents = events(w, ['new'])
      },
    },
    zone: zone(undefined),
    'zone-orig': zone('orig'),
    'zone-reply': zone('reply'),
  }),
  end(d, rule) {
    const z = zones.get(d)
    const id = z?.mark ? 'mark' : z?.id
    if (z !== undefined && id !== undefined && id !== 0) {
      if (z.orig === z.reply) d.zone = id
      else if (z.orig) d.zoneOrig = id
      else d.zoneReply = id
    }
    if (!d.notrack && (d.helper !== undefined || d.timeout !== undefined) && (rule.proto === 0 || rule.protoNot)) {
      refuse('CT --helper and --timeout need a protocol (-p), not negated')
    }
  },
}

type NotrackDraft = TargetOf<'NOTRACK'>
const notrack: Extension<NotrackDraft> = {
  name: 'NOTRACK',
  start: () => ({ target: 'NOTRACK' }),
  options: options<NotrackDraft>({}),
}

const IPV4_HEADER_BYTES = 20
const IPV6_HEADER_BYTES = 40
const CLAMP = 65535
type TcpmssDraft = TargetOf<'TCPMSS'>
const tcpmss: Extension<TcpmssDraft> = {
  name: 'TCPMSS',
  proto: 6,
  start: () => ({ target: 'TCPMSS' }),
  options: options<TcpmssDraft>({
    'set-mss': {
      words: 1,
      read: (d, w) => {
        const most = CLAMP - (w.rule.family === 'ipv4' ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES)
        d.mss ??= must(w, uint(w.word, 0, most), `a number 0..${most}`)
      },
    },
    'clamp-mss-to-pmtu': {
      words: 0,
      read: (d) => {
        d.mss = 'clamp-to-pmtu'
      },
    },
  }),
  end(d) {
    if (d.mss === undefined) refuse('TCPMSS needs --set-mss or --clamp-mss-to-pmtu')
  },
}

type ChecksumDraft = TargetOf<'CHECKSUM'> & { fill?: boolean }
const checksum: Extension<ChecksumDraft> = {
  name: 'CHECKSUM',
  start: () => ({ target: 'CHECKSUM' }),
  options: options<ChecksumDraft>({
    'checksum-fill': {
      words: 0,
      read: (d) => {
        d.fill = true
      },
    },
  }),
  end(d) {
    if (!d.fill) refuse('CHECKSUM needs --checksum-fill')
    delete d.fill
  },
}

const ALL = [
  setTarget,
  reject,
  mark,
  connmark,
  log,
  nflog,
  ct,
  notrack,
  tcpmss,
  checksum,
] as unknown as Extension<never>[]

/** Targets with options, by name. */
export const TARGETS: ReadonlyMap<string, Extension<never>> = new Map(
  [
    ...ALL,
    ...NAT_TARGETS,
    ...MAP_TARGETS,
    ...HEADER_TARGETS,
    ...DIVERTING_TARGETS,
    ...IDLE_TARGETS,
    ...HMARK_TARGETS,
  ].map((t) => [t.name, t]),
)
