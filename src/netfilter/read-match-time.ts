// Reading `time`. Spec: iptables-extensions(8) 1.8.9. Days that are none are refused: iptables prints them so that it
// cannot read them back.
import { type Draft, type Extension, must, type Option, options, refuse } from './extension.js'
import type { Match } from './model.js'

type TimeDraft = Draft<Extract<Match, { readonly match: 'time' }>>

/** Bits 1..31. */
export const ALL_MONTHDAYS = 0xfffffffe
/** Bits 1..7. */
export const ALL_WEEKDAYS = 0xfe
export const WEEKDAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
export const LAST_DATE = 0x7fffffff

function date(word: string): number | undefined {
  const parts = /^(\d+)(?:-(\d+)(?:-(\d+)(?:T(\d+)(?::(\d+)(?::(\d+))?)?)?)?)?$/.exec(word)
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts
    .slice(1)
    .map((p, i) => (p === undefined ? ([0, 1, 1][i] ?? 0) : Number(p)))
  if (year! < 1970 || year! > 2038 || month! > 12 || day! > 31 || hour! > 23 || minute! > 59 || second! > 59)
    return undefined
  const seconds = Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000
  return seconds >= 0 ? seconds : undefined
}

function clock(word: string): number | undefined {
  const parts = /^(\d+):(\d+)(?::(\d+))?$/.exec(word)
  if (parts === null) return undefined
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)]
  return hour > 23 || minute > 59 || second > 59 ? undefined : hour * 3600 + minute * 60 + second
}

function days(word: string, not: boolean, all: number, read: (part: string) => number | undefined): number | undefined {
  let mask = 0
  for (const part of word.split(',')) {
    const day = read(part)
    if (day === undefined) return undefined
    mask |= 1 << day
  }
  mask = ((not ? mask ^ all : mask) & all) >>> 0
  return mask === 0 ? undefined : mask
}

const monthday = (part: string): number | undefined => {
  const n = /^\d{1,2}$/.test(part) ? Number(part) : 32
  return n >= 1 && n <= 31 ? n : undefined
}

const weekday = (part: string): number | undefined => {
  if (/^[1-7]$/.test(part)) return Number(part)
  const at = part.length < 2 ? -1 : WEEKDAYS.findIndex((d) => d.slice(0, 2) === part.slice(0, 2))
  return at < 0 ? undefined : at + 1
}

const DATE = 'YYYY[-MM[-DD[Thh[:mm[:ss]]]]], 1970 to 2038'
function zone(kerneltz: boolean): Option<TimeDraft> {
  return {
    words: 0,
    id: kerneltz ? 'kerneltz' : 'utc',
    read: (d) => {
      if (kerneltz) d.kerneltz = true
    },
  }
}

/** The match `time`. */
export const time: Extension<TimeDraft & { utc?: true | undefined }> = {
  name: 'time',
  start: () => ({
    match: 'time',
    dateStart: 0,
    dateStop: LAST_DATE,
    timeStart: 0,
    timeStop: 86_399,
    monthdays: ALL_MONTHDAYS,
    weekdays: ALL_WEEKDAYS,
  }),
  options: options<TimeDraft & { utc?: true | undefined }>({
    datestart: {
      words: 1,
      read: (d, w) => {
        d.dateStart = must(w, date(w.word), DATE)
      },
    },
    datestop: {
      words: 1,
      read: (d, w) => {
        d.dateStop = must(w, date(w.word), DATE)
      },
    },
    timestart: {
      words: 1,
      read: (d, w) => {
        d.timeStart = must(w, clock(w.word), 'hh:mm[:ss]')
      },
    },
    timestop: {
      words: 1,
      read: (d, w) => {
        d.timeStop = must(w, clock(w.word), 'hh:mm[:ss]')
      },
    },
    contiguous: {
      words: 0,
      read: (d) => {
        d.contiguous = true
      },
    },
    weekdays: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.weekdays = must(
          w,
          days(w.word, w.not, ALL_WEEKDAYS, weekday),
          'days, Mon to Sun or 1 to 7, and some that are left',
        )
      },
    },
    monthdays: {
      words: 1,
      not: true,
      read: (d, w) => {
        d.monthdays = must(w, days(w.word, w.not, ALL_MONTHDAYS, monthday), 'days 1 to 31, and some that are left')
      },
    },
    localtz: zone(true),
    utc: {
      words: 0,
      read: (d) => {
        d.utc = true
      },
    },
    kerneltz: zone(true),
  }),
  end(d) {
    if (d.utc && d.kerneltz) refuse('time: --utc and --kerneltz exclude each other')
    delete d.utc
    if (d.contiguous && d.timeStart! < d.timeStop!) {
      refuse('time: --contiguous only makes sense when the stop time is before the start time')
    }
  },
}
