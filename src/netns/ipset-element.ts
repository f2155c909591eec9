// Elements of IP sets: their text as parts, ranges and prefixes expanded as ipset and the kernel do it.
// Owns the syntax of the parts. Spec: ipset(8) 7.17; kernel net/netfilter/ipset/ip_set_hash_*.c (*_uadt).
import {
  familyBits,
  formatAddress,
  formatIpv4,
  type IpAddress,
  maskAddress,
  maskWords,
  parseAddress,
  rangeToPrefixes,
} from '../net/ip.js'
import { hasPorts, PROTOCOL_DCCP, PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/proto.js'
import type { Family } from '../netfilter/model.js'
import { protocolNumber } from '../netfilter/names.js'
import { port as portOf, uint } from '../netfilter/words.js'
import { quoted } from './fields.js'
import { type PartKind, SET_ICMP, SET_ICMPV6 } from './ipset-types.js'
import { isInterfaceName } from './links.js'
import type { SetPart } from './model.js'

/** What is wrong with one line; `column` from 1. */
export class SetFault extends Error {
  readonly column: number
  constructor(column: number, message: string) {
    super(message)
    this.column = column
  }
}

export interface Word {
  readonly text: string
  readonly column: number
}

/** What an element's parts depend on: the set's type, family and masks. */
export interface ElementScene {
  readonly type: string
  readonly family: Family
  /** Addresses are stored under this mask, text of an address. */
  readonly mask: string | undefined
  /** IPv4: how many addresses a `netmask` makes one; 1 without. */
  readonly step: number
}

/** One line may stand for at most this many elements. */
const MAX_ELEMENTS_OF_ONE = 1 << 20

function masked(address: IpAddress, scene: ElementScene): IpAddress {
  if (scene.mask === undefined) return address
  const mask = parseAddress(scene.mask)
  return mask === null ? address : { ...address, words: maskAddress(address.words, mask.words) }
}

const host = (address: IpAddress): SetPart => ({
  part: 'net',
  prefix: `${formatAddress(address)}/${familyBits(address.family)}`,
})

function bad(word: Word, scene: ElementScene, what: string): never {
  throw new SetFault(word.column, `${quoted(word.text)} is not an ${scene.family} ${what}`)
}

function addressOf(word: Word, text: string, scene: ElementScene, what: string): IpAddress {
  const address = parseAddress(text)
  if (address === null || address.family !== scene.family) return bad(word, scene, what)
  return address
}

/** Ends of a range, the lower first; null when it is none. */
function range(word: Word, scene: ElementScene): readonly [IpAddress, IpAddress] | null {
  const parts = word.text.split('-')
  if (parts.length !== 2) return null
  const what = 'range of addresses'
  if (scene.family === 'ipv6')
    throw new SetFault(word.column, `${quoted(word.text)}: ranges are for IPv4 only; one address was expected`)
  const [a, b] = parts.map((text) => addressOf(word, text, scene, what)) as [IpAddress, IpAddress]
  return a.words[0] <= b.words[0] ? [a, b] : [b, a]
}

function lengthOf(word: Word, text: string, scene: ElementScene, least: number): number {
  const bits = familyBits(scene.family)
  const length = /^[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (!(length >= least && length <= bits))
    throw new SetFault(word.column, `${quoted(text)} is no prefix length: expected ${least} to ${bits}`)
  return length
}

/** How the addresses of a range follow each other under the set's masks. */
function walkOf(scene: ElementScene): { readonly first: number; readonly each: number; readonly step: number } {
  const mask = scene.mask === undefined ? 0xffffffff : parseAddress(scene.mask)!.words[0]
  switch (scene.type) {
    case 'hash:ip': // every address under the mask, from subnet to subnet
      return { first: scene.step === 1 ? 0xffffffff : mask, each: mask, step: scene.step }
    case 'bitmap:ip': // likewise, but from where the range begins
      return { first: 0xffffffff, each: mask, step: scene.step }
    default: // only where the range begins lies under the mask
      return { first: mask, each: 0xffffffff, step: 1 }
  }
}

/** Addresses one by one: `A`, `A-B`, `A/n` (IPv6: A, A/128). */
function addresses(word: Word, scene: ElementScene): SetPart[] {
  const [text = '', slash, more] = word.text.split('/')
  const ends = slash === undefined ? range(word, scene) : null
  if (more !== undefined) return bad(word, scene, 'address')
  if (ends === null && slash === undefined) return [host(masked(addressOf(word, text, scene, 'address'), scene))]
  const walk = walkOf(scene)
  let [first, last] = [0, 0]
  if (ends !== null) {
    last = ends[1].words[0]
    first = (ends[0].words[0] & walk.first) >>> 0
  } else {
    const address = addressOf(word, text, scene, 'prefix')
    const length = lengthOf(word, slash!, scene, scene.family === 'ipv6' ? 128 : 1)
    if (scene.family === 'ipv6') return [host(masked(address, scene))]
    const mask = maskWords('ipv4', length)[0]
    first = (address.words[0] & walk.first & mask) >>> 0
    last = (first | ~mask) >>> 0
  }
  if ((last - first) / walk.step >= MAX_ELEMENTS_OF_ONE) {
    throw new SetFault(word.column, `${quoted(word.text)} stands for more than ${MAX_ELEMENTS_OF_ONE} elements`)
  }
  const found: SetPart[] = []
  for (let at = first; at <= last; at += walk.step) {
    found.push({ part: 'net', prefix: `${formatIpv4((at & walk.each) >>> 0)}/32` })
  }
  return found
}

/** Networks: `A`, `A/n`, IPv4 also `A-B` as the fewest prefixes. */
function networks(word: Word, scene: ElementScene, least: 0 | 1): SetPart[] {
  const [text = '', slash, more] = word.text.split('/')
  if (more !== undefined) return bad(word, scene, 'prefix')
  const ends = slash === undefined ? range(word, scene) : null
  if (ends !== null) {
    const [from, to] = ends
    if (from.words[0] === 0 && to.words[0] === 0xffffffff)
      throw new SetFault(word.column, `${quoted(word.text)} covers the whole address space`)
    return rangeToPrefixes(formatAddress(from), formatAddress(to)).map((prefix) => ({ part: 'net', prefix }))
  }
  const address = addressOf(word, text, scene, 'address, prefix or range')
  const length = slash === undefined ? familyBits(scene.family) : lengthOf(word, slash, scene, least)
  const network = { ...address, words: maskAddress(address.words, maskWords(scene.family, length)) }
  return [{ part: 'net', prefix: `${formatAddress(masked(network, scene))}/${length}` }]
}

/** The name that begins so (any case), first in the table. */
function icmp(word: Word, proto: number, text: string): SetPart {
  const typeCode = /^([0-9]{1,3})\/([0-9]{1,3})$/.exec(text)
  if (typeCode) {
    const [type, code] = [Number(typeCode[1]), Number(typeCode[2])]
    if (type <= 255 && code <= 255) return { part: 'port', proto, port: type * 256 + code }
  }
  const table = proto === PROTOCOL_ICMP ? SET_ICMP : SET_ICMPV6
  const named = text === '' ? undefined : table.find(([name]) => name.toLowerCase().startsWith(text.toLowerCase()))
  if (named === undefined)
    throw new SetFault(word.column, `unknown ICMP message ${quoted(text)}; TYPE/CODE or a name was expected`)
  return { part: 'port', proto, port: named[1] * 256 + named[2] }
}

function protocolOf(word: Word, text: string, family: Family | null): number {
  const proto = uint(text, 0, 255) ?? (text === 'all' ? undefined : protocolNumber(text))
  if (proto === undefined || proto === 0)
    throw new SetFault(word.column, `unknown protocol ${quoted(text)} in a set element`)
  const other = family === 'ipv4' ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP
  if (family !== null && proto === other)
    throw new SetFault(word.column, `${quoted(text)} cannot stand in a set of ${family}`)
  return proto
}

function ports(word: Word, scene: ElementScene): SetPart[] {
  const bare = scene.type === 'bitmap:port'
  const colon = word.text.indexOf(':')
  const name = colon < 0 ? 'tcp' : word.text.slice(0, colon)
  const text = word.text.slice(colon + 1)
  const proto = protocolOf(word, name, bare ? null : scene.family)
  if (proto === PROTOCOL_ICMP || proto === PROTOCOL_ICMPV6) return [icmp(word, proto, text)]
  if (!hasPorts(proto) || proto === PROTOCOL_DCCP) {
    if (text !== '0') throw new SetFault(word.column, `protocol ${quoted(name)} has no ports: 0 was expected`)
    return [{ part: 'port', proto, port: 0 }]
  }
  const ends = (portOf(text, name) === undefined ? text.split('-') : [text]).map((t) => portOf(t, name))
  const [a, b = a] = ends
  if (a === undefined || b === undefined || ends.length > 2 || text === '')
    throw new SetFault(word.column, `${quoted(text)} is not a port from 0 to 65535 or a range`)
  const from = Math.min(a, b)
  // A bitmap of ports knows no protocol: 0 stands for any.
  return Array.from({ length: Math.max(a, b) - from + 1 }, (_, i) => ({
    part: 'port',
    proto: bare ? 0 : proto,
    port: from + i,
  }))
}

function iface(word: Word): SetPart {
  const physdev = word.text.startsWith('physdev:')
  const name = physdev ? word.text.slice(8) : word.text
  if (!isInterfaceName(name)) throw new SetFault(word.column, `${quoted(word.text)} is not an interface name`)
  return { part: 'iface', name, ...(physdev ? { physdev } : {}) }
}

function mac(word: Word): SetPart {
  if (!/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(word.text))
    throw new SetFault(word.column, `${quoted(word.text)} is not an Ethernet address`)
  const octets = word.text.toLowerCase().split(':')
  return { part: 'mac', mac: octets.map((o) => o.padStart(2, '0')).join(':') }
}

function mark(word: Word): SetPart {
  const value = uint(word.text, 0, 0xffffffff)
  if (value === undefined) throw new SetFault(word.column, `${quoted(word.text)} is not a 32-bit mark`)
  return { part: 'mark', mark: value }
}

/** Everything that one part's text stands for, in order. */
export function partChoices(word: Word, kind: PartKind, scene: ElementScene): SetPart[] {
  switch (kind) {
    case 'ip':
      return addresses(word, scene)
    case 'one': {
      const text = word.text.replace(scene.family === 'ipv4' ? /\/32$/ : /\/128$/, '')
      return [host(addressOf(word, text, scene, 'address'))]
    }
    case 'net':
      return networks(word, scene, 1)
    case 'net0':
      return networks(word, scene, 0)
    case 'port':
      return ports(word, scene)
    case 'mark':
      return [mark(word)]
    case 'mac':
      return [mac(word)]
    case 'iface':
      return [iface(word)]
    case 'set':
      return [{ part: 'set', name: word.text }]
  }
}

/** The parts of an element's text, each with its column. */
export function splitElement(word: Word, kinds: readonly PartKind[], type: string): Word[] {
  if (kinds[0] === 'set') return [word]
  let { column } = word
  const parts = word.text.split(',').map((text) => {
    const part = { text, column }
    column += text.length + 1
    return part
  })
  const optionalMac = type === 'bitmap:ip,mac' && parts.length === 1
  if (parts.length !== kinds.length && !optionalMac) {
    throw new SetFault(word.column, `${quoted(word.text)} does not have the ${kinds.length} parts of ${type}`)
  }
  return parts
}

/** Every combination of the choices, one element each, the first part outermost. */
export function combine(choices: readonly SetPart[][], column: number): SetPart[][] {
  const count = choices.reduce((n, choice) => n * choice.length, 1)
  if (count > MAX_ELEMENTS_OF_ONE)
    throw new SetFault(column, `the ranges stand for more than ${MAX_ELEMENTS_OF_ONE} elements`)
  let elements: SetPart[][] = [[]]
  for (const choice of choices) elements = elements.flatMap((element) => choice.map((part) => [...element, part]))
  return elements
}
