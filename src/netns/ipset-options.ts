// The options of `create`: read, checked and brought into the form in which ipset prints them.
// Owns the ranges and the refusals. Spec: ipset(8) 7.17; kernel net/netfilter/ipset/ip_set_*.c (*_create).
import { formatAddress, formatIpv4, maskWords, parseAddress } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import { port as portOf, uint } from '../netfilter/words.js'
import { quoted } from './fields.js'
import { SetFault, type Word } from './ipset-element.js'
import { FLAG_OPTIONS, FORGOTTEN_OPTIONS, MAX_BITMAP, MAX_TIMEOUT, type SetType } from './ipset-types.js'

const U32 = 0xffffffff

function number(option: string, value: Word, min: number, max: number): number {
  const n = uint(value.text, min, max)
  if (n === undefined)
    throw new SetFault(value.column, `${quoted(value.text)} is no value for ${option}: expected ${min} to ${max}`)
  return n
}

function ipRange(value: Word, netmask: number): string {
  const bad = (): never => {
    throw new SetFault(value.column, `${quoted(value.text)} is not a range of IPv4 addresses`)
  }
  const [text = '', slash] = value.text.split('/')
  let [first, last] = [0, 0]
  if (slash === undefined) {
    const ends = text.split('-').map((t) => parseAddress(t))
    const [a, b] = ends
    if (ends.length !== 2 || a?.family !== 'ipv4' || b?.family !== 'ipv4') return bad()
    first = Math.min(a.words[0], b.words[0])
    last = Math.max(a.words[0], b.words[0])
  } else {
    const address = parseAddress(text)
    const length = uint(slash, 1, 31)
    if (address?.family !== 'ipv4' || length === undefined) return bad()
    const mask = maskWords('ipv4', length)[0]
    first = (address.words[0] & mask) >>> 0
    last = (first | ~mask) >>> 0
  }
  const mask = maskWords('ipv4', netmask)[0]
  first = (first & mask) >>> 0
  last = (last | ~mask) >>> 0
  if ((last - first + 1) / 2 ** (32 - netmask) > MAX_BITMAP)
    throw new SetFault(value.column, `the range ${quoted(value.text)} has more than ${MAX_BITMAP} elements`)
  return `${formatIpv4(first)}-${formatIpv4(last)}`
}

function portRange(value: Word): string {
  const ends = value.text.split('-').map((text) => portOf(text))
  const [a, b] = ends
  if (ends.length !== 2 || a === undefined || b === undefined)
    throw new SetFault(value.column, `${quoted(value.text)} is not a range of ports`)
  return `${Math.min(a, b)}-${Math.max(a, b)}`
}

/** The value as ipset prints it. */
function printed(option: string, value: Word, type: string, family: Family): string {
  switch (option) {
    case 'family':
      if (value.text === 'inet' || value.text === 'inet6') return value.text
      throw new SetFault(value.column, `unknown family ${quoted(value.text)}; inet or inet6 was expected`)
    case 'hashsize': {
      const size = Math.max(64, number(option, value, 0, U32))
      return String(2 ** Math.ceil(Math.log2(size)))
    }
    case 'maxelem':
      return String(number(option, value, 0, U32))
    case 'timeout':
      return String(number(option, value, 0, MAX_TIMEOUT))
    case 'size':
      return String(Math.max(4, number(option, value, 0, U32)))
    case 'netmask':
      return String(number(option, value, 1, type === 'bitmap:ip' || family === 'ipv4' ? 32 : 128))
    case 'bitmask': {
      // ipset prints a length that means nothing behind some masks.
      const mask = parseAddress(value.text.replace(/\/[0-9]+$/, ''))
      if (mask === null || mask.family !== family || mask.words.every((w) => w === 0))
        throw new SetFault(value.column, `${quoted(value.text)} is no mask of ${family}`)
      return formatAddress(mask)
    }
    case 'markmask':
      return `0x${number(option, value, 1, U32).toString(16).padStart(8, '0')}`
    case 'initval':
      return `0x${number(option, value, 0, U32).toString(16).padStart(8, '0')}`
    case 'bucketsize': {
      // Kept even, at least 2 and at most 12 (AHASH_MAX_SIZE).
      const size = number(option, value, 1, 255)
      return String(Math.min(12, size + (size % 2)))
    }
    default:
      return value.text
  }
}

/** The options of `create` from its words; an option of another type is refused by name. */
export function createOptions(
  words: readonly Word[],
  name: string,
  type: SetType,
): { readonly options: Record<string, string>; readonly family: Family } {
  const given = new Map<string, Word>()
  for (let i = 0; i < words.length; i++) {
    const option = words[i]!
    const key = option.text.replace(/^--?(?=[a-z])/, '')
    const known = FORGOTTEN_OPTIONS.has(key) ? name.startsWith('hash:') : type.options.includes(key)
    if (!known) throw new SetFault(option.column, `unknown option ${quoted(option.text)} of a ${name}`)
    if (FLAG_OPTIONS.has(key)) {
      given.set(key, { text: '', column: option.column })
      continue
    }
    const value = words[++i]
    if (value === undefined) throw new SetFault(option.column, `${quoted(option.text)} needs a value`)
    if (!FORGOTTEN_OPTIONS.has(key)) given.set(key, value)
  }
  const family: Family = given.get('family')?.text === 'inet6' ? 'ipv6' : 'ipv4'
  if (given.has('netmask') && given.has('bitmask'))
    throw new SetFault(given.get('bitmask')!.column, 'bitmask and netmask exclude each other')
  const options = Object.create(null) as Record<string, string>
  const range = given.get('range')
  if (type.options.includes('range') && range === undefined) throw new SetFault(1, `${name} needs a range`)
  for (const key of type.options) {
    const value = given.get(key)
    if (value === undefined) continue
    const netmask = uint(given.get('netmask')?.text ?? '32', 1, 32) ?? 32
    if (key === 'range') options[key] = name === 'bitmap:port' ? portRange(value) : ipRange(value, netmask)
    else options[key] = FLAG_OPTIONS.has(key) ? '' : printed(key, value, name, family)
    const bits = family === 'ipv4' ? 32 : 128
    if (key === 'netmask' && options[key] === String(bits)) delete options[key]
  }
  return { options, family }
}

/** The address mask under which a set looks at addresses, as text; undefined: none. */
export function addressMask(options: Readonly<Record<string, string>>, family: Family): string | undefined {
  const bitmask = options['bitmask']
  const netmask = options['netmask']
  if (bitmask !== undefined) return bitmask
  if (netmask === undefined) return undefined
  return formatAddress({ family, words: maskWords(family, Number(netmask)) })
}
