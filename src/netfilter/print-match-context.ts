// Matches on what is around a packet as iptables-save prints them.
import type { Negatable, Range } from './model.js'
import type { ContextMatch } from './model-context.js'

const not = (negatable: Negatable<unknown>): string => (negatable.not ? ' !' : '')

function ids(option: string, ids: Negatable<Range> | undefined): string {
  if (ids === undefined) return ''
  const { from, to } = ids.value
  return `${not(ids)} --${option} ${from === to ? from : `${from}-${to}`}`
}

/** With a leading blank. */
export function printContextMatch(m: ContextMatch): string {
  return ` -m owner${m.socket ? `${not(m.socket)} --socket-exists` : ''}${ids('uid-owner', m.uid)}${ids('gid-owner', m.gid)}${
    m.supplGroups ? ' --suppl-groups' : ''
  }`
}
