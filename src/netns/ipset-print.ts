// IP sets as `ipset save` prints them. Owns the order and spelling of options and parts; the order of a hash's elements
// is the kernel's secret there, and the order in which they were added here. Spec: ipset(8) 7.17.
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/proto.js'
import { protocolName } from '../netfilter/names.js'
import { DEFAULT_HASHSIZE, DEFAULT_LIST_SIZE, DEFAULT_MAXELEM, SET_ICMP, SET_ICMPV6, SET_TYPES } from './ipset-types.js'
import type { IpSet, SetEntry, SetPart } from './model.js'

const DEFAULTS: Readonly<Record<string, string>> = {
  hashsize: String(DEFAULT_HASHSIZE),
  maxelem: String(DEFAULT_MAXELEM),
  size: String(DEFAULT_LIST_SIZE),
  markmask: '0xffffffff',
}

const hex = (n: number): string => `0x${n.toString(16)}`

function portText(part: Extract<SetPart, { part: 'port' }>): string {
  if (part.proto === 0) return String(part.port)
  const proto = protocolName(part.proto)
  const table = part.proto === PROTOCOL_ICMP ? SET_ICMP : part.proto === PROTOCOL_ICMPV6 ? SET_ICMPV6 : null
  if (table === null) return `${proto}:${part.port}`
  const [type, code] = [part.port >> 8, part.port & 255]
  const name = table.find(([, t, c]) => t === type && c === code)?.[0]
  return `${proto}:${name ?? `${type}/${code}`}`
}

function partText(part: SetPart): string {
  switch (part.part) {
    case 'net':
      return part.prefix.replace(part.prefix.includes(':') ? /\/128$/ : /\/32$/, '')
    case 'port':
      return portText(part)
    case 'iface':
      return part.physdev ? `physdev:${part.name}` : part.name
    case 'mac':
      return part.mac.toUpperCase()
    case 'mark':
      return `0x${part.mark.toString(16).padStart(8, '0')}`
    case 'set':
      return part.name
  }
}

function createLine(set: IpSet): string {
  const type = SET_TYPES.get(set.type)
  const { options } = set
  // A kernel that tells the start of its hash tells the size of its buckets too.
  const known = options['initval'] === undefined ? DEFAULTS : { ...DEFAULTS, bucketsize: '12' }
  let text = `create ${set.name} ${set.type}`
  for (const key of type?.options ?? Object.keys(options)) {
    const value = key === 'family' ? (set.family === 'ipv6' ? 'inet6' : 'inet') : (options[key] ?? known[key])
    if (value !== undefined) text += value === '' ? ` ${key}` : ` ${key} ${value}`
  }
  return text
}

function addLine(set: IpSet, entry: SetEntry): string {
  const { options } = set
  let text = `add ${set.name} ${entry.parts.map(partText).join(',')}`
  if (options['timeout'] !== undefined) text += ` timeout ${entry.timeout ?? 0}`
  if (entry.nomatch) text += ' nomatch'
  if (entry.parts.some((p) => p.part === 'iface' && p.wildcard)) text += ' wildcard'
  if (options['counters'] !== undefined) text += ` packets ${entry.packets ?? 0n} bytes ${entry.bytes ?? 0n}`
  if (entry.comment !== undefined) text += ` comment "${entry.comment}"`
  const { value, mask } = entry.skbmark ?? { value: 0, mask: 0 }
  if (value !== 0 || mask !== 0) text += ` skbmark ${hex(value)}${mask === 0xffffffff ? '' : `/${hex(mask)}`}`
  const prio = entry.skbprio ?? 0
  if (prio !== 0) text += ` skbprio ${(prio >>> 16).toString(16)}:${(prio & 0xffff).toString(16)}`
  if (entry.skbqueue) text += ` skbqueue ${entry.skbqueue}`
  return text
}

/**
 * The sets as `ipset save` would print them, one line each, lists last. A line ends with a newline.
 *
 * @example printIpsets([{ name: 'S', type: 'hash:ip', family: 'ipv4', options: {}, entries: [] }]) // 'create S hash:ip family inet hashsize 1024 maxelem 65536\n'
 */
export function printIpsets(sets: readonly IpSet[]): string {
  const isList = (set: IpSet): boolean => set.type === 'list:set'
  const ordered = [...sets.filter((s) => !isList(s)), ...sets.filter(isList)]
  const lines = ordered.flatMap((set) => [createLine(set), ...set.entries.map((entry) => addLine(set, entry))])
  return lines.map((line) => `${line}\n`).join('')
}
