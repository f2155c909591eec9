// Reading the targets that change nothing which is modelled here: TRACE, AUDIT, CLASSIFY, SECMARK, CONNSECMARK, IDLETIMER,
// LED, RATEEST, TCPOPTSTRIP.
// Spec: iptables-extensions(8) 1.8.9 and the kernel's net/netfilter/xt_*.c of the same names.
import { type Draft, type Extension, must, type Option, type OptionWords, options, refuse } from './extension.js'
import type { Target } from './model.js'
import { byteLength, cutBytes, isBareName, shown, uint } from './words.js'

type TargetOf<K extends Target['target']> = Draft<Extract<Target, { readonly target: K }>>

const trace: Extension<TargetOf<'TRACE'>> = {
  name: 'TRACE',
  start: () => ({ target: 'TRACE' }),
  options: options<TargetOf<'TRACE'>>({}),
}

type AuditDraft = TargetOf<'AUDIT'>
const AUDIT_TYPES = ['accept', 'drop', 'reject'] as const
const audit: Extension<AuditDraft> = {
  name: 'AUDIT',
  start: () => ({ target: 'AUDIT' }),
  options: options<AuditDraft>({
    type: {
      words: 1,
      read: (d, w) => {
        const type = AUDIT_TYPES.find((t) => t === w.word.toLowerCase())
        d.type = must(w, type, AUDIT_TYPES.join(', '))
      },
    },
  }),
  end(d) {
    if (d.type === undefined) refuse('AUDIT needs --type')
  },
}

type ClassifyDraft = TargetOf<'CLASSIFY'>
const classify: Extension<ClassifyDraft> = {
  name: 'CLASSIFY',
  start: () => ({ target: 'CLASSIFY' }),
  options: options<ClassifyDraft>({
    'set-class': {
      words: 1,
      read: (d, w) => {
        // What stands behind the second number does not count.
        const parts = /^\s*([-+]?)(?:0x)?([0-9a-f]+):\s*([-+]?)(?:0x)?([0-9a-f]+)/i.exec(w.word)
        if (parts === null) throw w.bad(`${shown(w.word)} is no class: expected MAJOR:MINOR in hexadecimal`)
        d.major = Number.parseInt(parts[1]! + parts[2]!, 16) & 0xffff
        d.minor = Number.parseInt(parts[3]! + parts[4]!, 16) & 0xffff
      },
    },
  }),
  end(d) {
    if (d.major === undefined) refuse('CLASSIFY needs --set-class')
  },
}

type ConnsecmarkDraft = TargetOf<'CONNSECMARK'>
function connsecmarkOp(op: 'save' | 'restore'): Option<ConnsecmarkDraft> {
  return {
    words: 0,
    id: 'op',
    read: (d) => {
      d.op = op
    },
  }
}
const connsecmark: Extension<ConnsecmarkDraft> = {
  name: 'CONNSECMARK',
  start: () => ({ target: 'CONNSECMARK' }),
  options: options<ConnsecmarkDraft>({ save: connsecmarkOp('save'), restore: connsecmarkOp('restore') }),
  end(d) {
    if (d.op === undefined) refuse('CONNSECMARK needs --save or --restore')
  },
}

/** A name of which iptables keeps the first `most` bytes. */
function name(most: number, what: string): (words: OptionWords) => string {
  return (w) => {
    if (!isBareName(w.word)) throw w.bad(`${shown(w.word)} is no ${what}: expected a word without blanks and quotes`)
    return cutBytes(w.word, most)
  }
}

const CONTEXT_BYTES = 255
type SecmarkDraft = TargetOf<'SECMARK'>
const context = name(CONTEXT_BYTES, 'security context')
const secmark: Extension<SecmarkDraft> = {
  name: 'SECMARK',
  start: () => ({ target: 'SECMARK' }),
  options: options<SecmarkDraft>({
    selctx: {
      words: 1,
      read: (d, w) => {
        d.context = context(w)
      },
    },
  }),
  end(d) {
    if (d.context === undefined) refuse('SECMARK needs --selctx')
  },
}

const LABEL_BYTES = 27
const MAX_IDLE_SECONDS = 2147482
type IdletimerDraft = TargetOf<'IDLETIMER'>
const label = name(LABEL_BYTES, 'label')
const idletimer: Extension<IdletimerDraft> = {
  name: 'IDLETIMER',
  start: () => ({ target: 'IDLETIMER' }),
  options: options<IdletimerDraft>({
    timeout: {
      words: 1,
      read: (d, w) => {
        d.timeout = must(w, uint(w.word, 1, MAX_IDLE_SECONDS), `a number of seconds, 1..${MAX_IDLE_SECONDS}`)
      },
    },
    label: {
      words: 1,
      read: (d, w) => {
        d.label = label(w)
        if (d.label.includes('/')) throw w.bad(`${shown(w.word)} is no label: it names a file, expected no /`)
      },
    },
    alarm: {
      words: 0,
      read: (d) => {
        d.alarm = true
      },
    },
  }),
  end(d) {
    if (d.timeout === undefined || d.label === undefined) refuse('IDLETIMER needs --timeout and --label')
  },
}

const TRIGGER_BYTES = 16
type LedDraft = TargetOf<'LED'>
const led: Extension<LedDraft> = {
  name: 'LED',
  start: () => ({ target: 'LED' }),
  options: options<LedDraft>({
    'led-trigger-id': {
      words: 1,
      read: (d, w) => {
        if (byteLength(w.word) > TRIGGER_BYTES) {
          throw w.bad(`${shown(w.word)} is no name of a trigger: expected at most ${TRIGGER_BYTES} bytes`)
        }
        d.trigger = w.word
      },
    },
    'led-delay': {
      words: 1,
      read: (d, w) => {
        const inf = w.word.toLowerCase().startsWith('inf')
        d.delay = inf ? 0xffffffff : must(w, uint(w.word, 0, 0xffffffff), 'milliseconds or inf')
      },
    },
    'led-always-blink': {
      words: 0,
      read: (d) => {
        d.alwaysBlink = true
      },
    },
  }),
  end(d) {
    if (d.trigger === undefined) refuse('LED needs --led-trigger-id')
  },
}

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:s|secs?)$/i, 1_000_000],
  [/^(?:ms|msecs?)$/i, 1000],
  [/^(?:us|usecs?|)$/i, 1],
]
const MICROSECONDS = 'a time such as 250ms, 1s or a number of microseconds'

/** A time with its unit, in whole microseconds. */
export function rateTime(word: string): number | undefined {
  const parts = /^\s*([+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)(.*)$/i.exec(word)
  const unit = UNITS.find(([form]) => form.test(parts?.[2] ?? '-'))
  const time = unit === undefined ? undefined : Math.trunc(Number(parts![1]) * unit[1])
  return time === undefined || time > 0xffffffff ? undefined : time
}

const RATE_NAME_BYTES = 15
const LONGEST_INTERVAL = 5
type RateestDraft = TargetOf<'RATEEST'> & { time?: number; window?: number }
const rateName = name(RATE_NAME_BYTES, 'name')
const rateest: Extension<RateestDraft> = {
  name: 'RATEEST',
  start: () => ({ target: 'RATEEST' }),
  options: options<RateestDraft>({
    'rateest-name': {
      words: 1,
      read: (d, w) => {
        d.name = rateName(w)
      },
    },
    'rateest-interval': {
      words: 1,
      read: (d, w) => {
        d.time = must(w, rateTime(w.word), MICROSECONDS)
      },
    },
    'rateest-ewmalog': {
      words: 1,
      read: (d, w) => {
        d.window = must(w, rateTime(w.word), MICROSECONDS)
      },
    },
  }),
  end(d) {
    const { time, window } = d
    if (d.name === undefined || time === undefined || window === undefined) {
      refuse('RATEEST needs --rateest-name, --rateest-interval and --rateest-ewmalog')
    }
    let interval = 0
    while (interval <= LONGEST_INTERVAL && time > 250_000 * 2 ** interval) interval++
    if (interval > LONGEST_INTERVAL) refuse('RATEEST: the interval is too large: expected at most 8s')
    let log = 1
    while (log < 31 && time / -Math.log(1 - 2 ** -log) <= window) log++
    if (log === 1 || log === 31) refuse('RATEEST: --rateest-ewmalog is out of range for this interval')
    d.interval = interval
    d.log = log - 1
    delete d.time
    delete d.window
  },
}

const TCP_OPTIONS: ReadonlyMap<string, number> = new Map([
  ['wscale', 3],
  ['mss', 2],
  ['sack-permitted', 4],
  ['sack', 5],
  ['timestamp', 8],
  ['md5', 19],
])
type StripDraft = TargetOf<'TCPOPTSTRIP'>
const tcpoptstrip: Extension<StripDraft> = {
  name: 'TCPOPTSTRIP',
  proto: 6,
  start: () => ({ target: 'TCPOPTSTRIP', options: [] }),
  options: options<StripDraft>({
    'strip-options': {
      words: 1,
      read: (d, w) => {
        const found = w.word.split(',').map((part) => TCP_OPTIONS.get(part) ?? uint(part, 2, 255))
        if (found.includes(undefined)) {
          throw w.bad(`${shown(w.word)} is no list of TCP options: expected names or numbers 2..255`)
        }
        if (new Set(found).size !== found.length) throw w.bad(`${shown(w.word)} has an option twice`)
        d.options = (found as number[]).sort((a, b) => a - b)
      },
    },
  }),
}

/** The targets that change nothing. */
export const IDLE_TARGETS: readonly Extension<never>[] = [
  trace,
  audit,
  classify,
  connsecmark,
  secmark,
  idletimer,
  led,
  rateest,
  tcpoptstrip,
] as never
