// Matches on what is around a packet as iptables-save prints them.
import type { Negatable, Range } from './model.js'
import type { ContextMatch } from './model-context.js'
import { ALL_MONTHDAYS, ALL_WEEKDAYS, WEEKDAYS } from './read-match-time.js'

type Of<K extends ContextMatch['match']> = Extract<ContextMatch, { readonly match: K }>

const not = (negatable: Negatable<unknown>): string => (negatable.not ? ' !' : '')

function ids(option: string, ids: Negatable<Range> | undefined): string {
  if (ids === undefined) return ''
  const { from, to } = ids.value
  return `${not(ids)} --${option} ${from === to ? from : `${from}-${to}`}`
}

function owner(m: Of<'owner'>): string {
  return ` -m owner${m.socket ? `${not(m.socket)} --socket-exists` : ''}${ids('uid-owner', m.uid)}${ids('gid-owner', m.gid)}${
    m.supplGroups ? ' --suppl-groups' : ''
  }`
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19)
const clock = (seconds: number): string => iso(seconds).slice(11)

function bits(mask: number, most: number, name: (bit: number) => string | number): string {
  const names: (string | number)[] = []
  for (let bit = 1; bit <= most; bit++) if ((mask >>> bit) & 1) names.push(name(bit))
  return names.join(',')
}

function time(m: Of<'time'>): string {
  let text = ' -m time'
  if (m.timeStart !== 0 || m.timeStop !== 86_399) {
    text += ` --timestart ${clock(m.timeStart)} --timestop ${clock(m.timeStop)}`
  }
  if (m.monthdays !== ALL_MONTHDAYS) text += ` --monthdays ${bits(m.monthdays, 31, (b) => b)}`
  if (m.weekdays !== ALL_WEEKDAYS) text += ` --weekdays ${bits(m.weekdays, 7, (b) => WEEKDAYS[b - 1]!)}`
  // The stop is printed even when none was given.
  if (m.dateStart !== 0) text += ` --datestart ${iso(m.dateStart)}`
  if (m.dateStop !== 0) text += ` --datestop ${iso(m.dateStop)}`
  return `${text}${m.kerneltz ? ' --kerneltz' : ''}${m.contiguous ? ' --contiguous' : ''}`
}

function rpfilter(m: Of<'rpfilter'>): string {
  return ` -m rpfilter${m.loose ? ' --loose' : ''}${m.validmark ? ' --validmark' : ''}${
    m.acceptLocal ? ' --accept-local' : ''
  }${m.invert ? ' --invert' : ''}`
}

/** With a leading blank. */
export function printContextMatch(m: ContextMatch): string {
  switch (m.match) {
    case 'owner':
      return owner(m)
    case 'time':
      return time(m)
    case 'rpfilter':
      return rpfilter(m)
  }
}
