// Parts of a set's elements compared with those of a packet. Kernel: net/netfilter/ipset/ip_set_hash_*.c (_data_equal).
import type { SetPart } from '../netns/model.js'
import { inPrefix, maskedOf } from './address.js'
import { partsOf } from './set-element.js'
import type { Element } from './set-live.js'

export function samePart(own: SetPart, asked: SetPart): boolean {
  switch (own.part) {
    case 'net':
      return asked.part === 'net' && own.prefix === asked.prefix
    case 'port':
      return asked.part === 'port' && own.proto === asked.proto && own.port === asked.port
    case 'mark':
      return asked.part === 'mark' && own.mark === asked.mark
    case 'mac':
      return asked.part === 'mac' && own.mac === asked.mac
    case 'iface':
      if (asked.part !== 'iface' || own.physdev) return false
      return own.wildcard ? asked.name.startsWith(own.name) : own.name === asked.name
    case 'set':
      return false
  }
}

/** Is the packet's element inside this one, whose networks may be wide? */
export function holds(own: SetPart, asked: SetPart, wide: boolean): boolean {
  if (wide && own.part === 'net' && asked.part === 'net') return inPrefix(asked.prefix.split('/')[0]!, own.prefix)
  return samePart(own, asked)
}

export function lengthsOf(element: Element, type: string): number[] {
  const kinds = partsOf(type)
  return element.parts.flatMap((p, i) => (p.part === 'net' && kinds[i] === 'net' ? [maskedOf(p.prefix).length] : []))
}

export function moreSpecific(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (b[i] ?? 0) - (a[i] ?? 0)
  return 0
}
