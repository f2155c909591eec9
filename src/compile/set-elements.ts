// Elements of ipsets as keys, and what the key of each type is made of. Kernel: net/netfilter/ipset/ip_set_hash_*.c,
// ip_set_bitmap_*.c. A key is nine words: first address, second address (or Ethernet address), port | protocol << 16 (or
// mark).
import * as L from '../../assembly/layout.js'
import { type Words as AddressWords, maskAddress, maskWords, parseAddress } from '../net/ip.js'
import type { IpSet, SetEntry } from '../netns/model.js'
import type { CompileContext } from './context.js'
import type { IfacePatterns } from './ifaces.js'

const PROTO_PORT = L.SET_HAS_PORT | L.SET_HAS_PROTO
const ADDR2_AT = (dim: number): number => L.SET_HAS_ADDR2 | (dim << L.SET_ADDR2_DIM_SHIFT)
const NET = L.SET_NOMATCH | L.SET_NET1
const U32 = 0xffffffff
const ZERO: AddressWords = [0, 0, 0, 0]

/** What the core knows of a type. */
export interface TypeShape {
  readonly dims: number
  readonly flags: number
  /** More of the key is used than the first words of addresses and the port. */
  readonly wide: boolean
  readonly anyFamily: boolean
  /** Families whose address of nobody cannot be asked. */
  readonly noZero: 'both' | 'ipv6' | 'none'
  /** The mask under which addresses are looked at. */
  mask(set: IpSet): AddressWords
  /** First and last of a bitmap. */
  readonly range: ((set: IpSet) => readonly [number, number]) | undefined
  /** How many elements a bitmap can have. */
  bitmapSize(set: IpSet): number
}

/** The mask of the set's options; all ones without. */
function optionMask(set: IpSet): AddressWords {
  const { bitmask, netmask } = set.options
  if (bitmask !== undefined) return parseAddress(bitmask)?.words ?? ZERO
  return maskWords(set.family, Math.min(set.family === 'ipv4' ? 32 : 128, Number(netmask ?? 128)))
}

function rangeOf(set: IpSet): readonly [number, number] {
  const [from = '0', to = String(U32)] = (set.options['range'] ?? '').split('-').filter((t) => t !== '')
  const value = (text: string): number => (text.includes('.') ? (parseAddress(text)?.words[0] ?? 0) : Number(text))
  return [value(from), value(to)]
}

function bitmapSize(set: IpSet): number {
  const [from, to] = rangeOf(set)
  const netmask = Number(set.options['netmask'] ?? 32)
  return Math.min(65536, Math.floor((to - from) / 2 ** (32 - netmask)) + 1)
}

function shape(dims: number, flags: number, rest: Partial<TypeShape> = {}): TypeShape {
  const ranged = (flags & L.SET_HAS_RANGE) !== 0 || (flags & PROTO_PORT) === L.SET_HAS_PORT
  return {
    dims,
    flags,
    wide: false,
    anyFamily: false,
    noZero: 'none',
    mask: optionMask,
    range: ranged ? rangeOf : undefined,
    bitmapSize,
    ...rest,
  }
}

/** What the key of each type is made of; a list has none. */
export const SET_SHAPES: ReadonlyMap<string, TypeShape> = new Map([
  ['hash:ip', shape(1, L.SET_HAS_ADDR1, { noZero: 'both' })],
  ['hash:net', shape(1, L.SET_HAS_ADDR1 | NET)],
  ['hash:ip,port', shape(2, L.SET_HAS_ADDR1 | PROTO_PORT, { noZero: 'both' })],
  ['hash:net,port', shape(2, L.SET_HAS_ADDR1 | PROTO_PORT | NET)],
  ['hash:ip,port,ip', shape(3, L.SET_HAS_ADDR1 | PROTO_PORT | ADDR2_AT(2))],
  ['hash:ip,port,net', shape(3, L.SET_HAS_ADDR1 | PROTO_PORT | ADDR2_AT(2) | L.SET_NOMATCH | L.SET_NET2)],
  ['hash:net,port,net', shape(3, L.SET_HAS_ADDR1 | PROTO_PORT | ADDR2_AT(2) | NET | L.SET_NET2)],
  ['hash:net,net', shape(2, L.SET_HAS_ADDR1 | ADDR2_AT(1) | NET | L.SET_NET2, { noZero: 'ipv6' })],
  ['hash:net,iface', shape(2, L.SET_HAS_ADDR1 | L.SET_HAS_IFACE | NET)],
  ['hash:ip,mark', shape(2, L.SET_HAS_ADDR1 | L.SET_HAS_MARK)],
  ['bitmap:ip', shape(1, L.SET_HAS_ADDR1 | L.SET_HAS_RANGE)],
  ['bitmap:port', shape(1, L.SET_HAS_PORT, { anyFamily: true })],
])

/** One element, ready to be filed. */
export interface Element {
  readonly key: readonly number[]
  /** Link id or index of a pattern. */
  readonly iface: number
  /** ENTRY_* */
  readonly flags: number
  /** Prefix lengths of the two addresses; 0 where there is none. */
  readonly lengths: readonly [number, number]
  /** The interface as it is written, which makes elements different. */
  readonly name: string
  /** Which of the set's entries it is. */
  readonly origin: number
}

/** Words of a shape: masks of both addresses, their lengths, two zeros. */
export function shapeWords(set: IpSet, type: TypeShape, lengths: readonly [number, number]): number[] {
  const mask = type.mask(set)
  const one = maskAddress(maskWords(set.family, lengths[0]), mask)
  // Only where both are networks the set's mask is for the second one too.
  const both = (type.flags & (L.SET_NET1 | L.SET_NET2 | L.SET_HAS_PORT)) === (L.SET_NET1 | L.SET_NET2)
  const two = both ? maskAddress(maskWords(set.family, lengths[1]), mask) : maskWords(set.family, lengths[1])
  return [...one, ...two, ...lengths, 0, 0]
}

/** An element's key; null when it is not one of this type and family. */
export function elementOf(
  context: CompileContext,
  ifaces: IfacePatterns,
  set: IpSet,
  type: TypeShape,
  entry: SetEntry,
  origin: number,
): Element | null {
  const addresses: AddressWords[] = []
  const lengths: [number, number] = [0, 0]
  let port = 0
  let iface = 0
  let name = ''
  let flags = entry.nomatch ? L.ENTRY_NOMATCH : 0
  for (const part of entry.parts) {
    switch (part.part) {
      case 'net': {
        const words = context.prefix(part.prefix, set.family)
        if (words === null || addresses.length > 1) return null
        const length = part.prefix.includes('/') ? Number(part.prefix.split('/')[1]) : 128
        if (Number.isNaN(length)) return null
        lengths[addresses.length as 0 | 1] = Math.min(length, set.family === 'ipv4' ? 32 : 128)
        addresses.push(words.address)
        break
      }
      case 'port':
        port = (part.port + (type.flags & L.SET_HAS_PROTO ? part.proto * 65536 : 0)) >>> 0
        break
      case 'mark':
        port = part.mark >>> 0
        break
      case 'iface': {
        const ref = part.wildcard ? ifaces.ref(`${part.name}+`) : null
        iface = ref?.value ?? context.linkIds.get(part.name) ?? 0
        name = `${part.physdev ? 'physdev:' : ''}${part.name}${part.wildcard ? '*' : ''}`
        if (ref === null && iface === 0) flags |= L.ENTRY_NO_LINK
        // No packet asks for bridge ports: a port that none has keeps them apart.
        if (part.physdev) port = 1
        if (ref !== null) flags |= L.ENTRY_PATTERN
        break
      }
      default:
        return null
    }
  }
  const wanted = (type.flags & L.SET_HAS_ADDR1 ? 1 : 0) + (type.flags & L.SET_HAS_ADDR2 ? 1 : 0)
  if (addresses.length !== wanted) return null
  const key = [...(addresses[0] ?? ZERO), ...(addresses[1] ?? ZERO), port]
  return { key, iface, flags, lengths, name, origin }
}

/** Word hash of a key; the same as `Sets.hash` of the core. */
export function setHash(key: readonly number[], shapeWord: number, wide: boolean): number {
  let h = Math.imul(shapeWord + 1, 0x9e3779b1)
  const mix = (word: number): void => {
    h = Math.imul(h ^ word, 0x85ebca6b)
    h = (h << 13) | (h >>> 19)
  }
  if (wide) for (let i = 0; i < 9; i++) mix(key[i]!)
  else for (const i of [0, 4, 8]) mix(key[i]!)
  h ^= h >>> 16
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 15)) >>> 0
}
