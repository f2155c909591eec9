// IP sets, from `ipset save` (and what `ipset restore` takes of it: create, add, flush-less text).
// Owns the syntax of set types and their elements. Spec: ipset(8) 7.x; kernel net/netfilter/ipset/.
// An element is split into the parts that its type names; addresses become prefixes, ranges become several elements.
import { type Fault, FaultError } from '../net/fault.js'
import { canonicalAddress, canonicalPrefix, familyOf, rangeToPrefixes } from '../net/ip.js'
import { isIcmp, protoNumber } from '../net/proto.js'
import type { Family } from '../netfilter/model.js'
import { quoted } from './fields.js'
import { isInterfaceName, type ReadOptions } from './links.js'
import type { IpSet, SetEntry, SetPart } from './model.js'

type PartKind = 'ip' | 'net' | 'port' | 'mark' | 'mac' | 'iface' | 'set'

const TYPES: ReadonlyMap<string, readonly PartKind[]> = new Map<string, readonly PartKind[]>([
  ['bitmap:ip', ['ip']],
  ['bitmap:ip,mac', ['ip', 'mac']],
  ['bitmap:port', ['port']],
  ['hash:ip', ['ip']],
  ['hash:mac', ['mac']],
  ['hash:ip,mac', ['ip', 'mac']],
  ['hash:ip,mark', ['ip', 'mark']],
  ['hash:ip,port', ['ip', 'port']],
  ['hash:ip,port,ip', ['ip', 'port', 'ip']],
  ['hash:ip,port,net', ['ip', 'port', 'net']],
  ['hash:net', ['net']],
  ['hash:net,net', ['net', 'net']],
  ['hash:net,port', ['net', 'port']],
  ['hash:net,port,net', ['net', 'port', 'net']],
  ['hash:net,iface', ['net', 'iface']],
  ['list:set', ['set']],
])
/** Options of `create` with a value, and those without. */
const VALUE_OPTIONS = new Set([
  'family',
  'hashsize',
  'maxelem',
  'bucketsize',
  'initval',
  'netmask',
  'bitmask',
  'markmask',
])
for (const name of ['timeout', 'range', 'size', 'probes', 'resize', 'gc']) VALUE_OPTIONS.add(name)
const FLAG_OPTIONS = new Set(['counters', 'comment', 'skbinfo', 'forceadd', 'wildcard'])
/** Options of `add` with a value that decides nothing here. */
const IDLE_ADD_OPTIONS = new Set(['packets', 'bytes', 'comment', 'skbmark', 'skbprio', 'skbqueue', 'before', 'after'])
/** A range may stand for at most this many elements. */
const MAX_ELEMENTS_OF_ONE = 65536

/** What is wrong with one line; `column` from 1. */
class LineFault extends Error {
  readonly column: number
  constructor(column: number, message: string) {
    super(message)
    this.column = column
  }
}

interface Word {
  readonly text: string
  readonly column: number
}

/** Words of a line; a word may be in double quotes, with backslash before a quote. */
function words(line: string): Word[] {
  const found: Word[] = []
  for (const m of line.matchAll(/"((?:[^"\\]|\\.)*)"|[^\s"]+|"/g)) {
    if (m[0] === '"') throw new LineFault(m.index + 1, 'a quote without its end')
    found.push({ text: m[1] === undefined ? m[0] : m[1].replace(/\\(.)/g, '$1'), column: m.index + 1 })
  }
  return found
}

interface OpenSet {
  readonly name: string
  readonly type: string
  readonly kinds: readonly PartKind[]
  readonly family: Family
  readonly entries: SetEntry[]
  readonly options: Record<string, string>
}

function create(line: readonly Word[]): OpenSet {
  const [, name, type] = line
  if (name === undefined || type === undefined) throw new LineFault(1, '`create NAME TYPE [OPTIONS]` was expected')
  if (name.text.length > 31) throw new LineFault(name.column, 'a set name has at most 31 characters')
  const kinds = TYPES.get(type.text)
  if (kinds === undefined) throw new LineFault(type.column, `unknown set type ${quoted(type.text)}`)
  const options = Object.create(null) as Record<string, string>
  let family: Family = 'ipv4'
  for (let i = 3; i < line.length; i++) {
    const option = line[i]!
    if (FLAG_OPTIONS.has(option.text)) options[option.text] = ''
    else if (VALUE_OPTIONS.has(option.text)) {
      const value = line[++i]
      if (value === undefined) throw new LineFault(option.column, `${quoted(option.text)} needs a value`)
      options[option.text] = value.text
      if (option.text !== 'family') continue
      if (value.text !== 'inet' && value.text !== 'inet6') {
        throw new LineFault(value.column, `unknown family ${quoted(value.text)}; inet or inet6 was expected`)
      }
      family = value.text === 'inet6' ? 'ipv6' : 'ipv4'
    } else throw new LineFault(option.column, `unknown option ${quoted(option.text)} of a set`)
  }
  return { name: name.text, type: type.text, kinds, family, entries: [], options }
}

function netParts(word: Word, family: Family): SetPart[] {
  const bad = (): never => {
    throw new LineFault(word.column, `${quoted(word.text)} is not an ${family} address, prefix or range of addresses`)
  }
  const range = /^([^-/]+)-([^-/]+)$/.exec(word.text)
  if (range) {
    const from = canonicalAddress(range[1]!)
    const to = canonicalAddress(range[2]!)
    if (from === null || to === null || familyOf(from) !== family || familyOf(to) !== family) return bad()
    try {
      return rangeToPrefixes(from, to).map((prefix) => ({ part: 'net', prefix }))
    } catch {
      return bad()
    }
  }
  const prefix = canonicalPrefix(word.text)
  if (prefix === null || familyOf(prefix) !== family) return bad()
  return [{ part: 'net', prefix }]
}

/** ICMP messages stand in a set as type and code: `icmp:8/0`, or one of these names. */
const ICMP_NAMES: ReadonlyMap<string, number> = new Map([
  ['echo-reply', 0],
  ['pong', 0],
  ['network-unreachable', 0x300],
  ['host-unreachable', 0x301],
  ['protocol-unreachable', 0x302],
  ['port-unreachable', 0x303],
  ['fragmentation-needed', 0x304],
  ['echo-request', 0x800],
  ['ping', 0x800],
  ['ttl-zero-during-transit', 0xb00],
  ['ttl-zero-during-reassembly', 0xb01],
])
const ICMPV6_NAMES: ReadonlyMap<string, number> = new Map([
  ['no-route', 0x100],
  ['communication-prohibited', 0x101],
  ['address-unreachable', 0x103],
  ['port-unreachable', 0x104],
  ['packet-too-big', 0x200],
  ['ttl-zero-during-transit', 0x300],
  ['echo-request', 0x8000],
  ['ping', 0x8000],
  ['echo-reply', 0x8100],
  ['pong', 0x8100],
])

function portParts(word: Word, bare: boolean): SetPart[] {
  const colon = word.text.indexOf(':')
  const name = colon < 0 ? 'tcp' : word.text.slice(0, colon)
  const text = word.text.slice(colon + 1)
  const proto = protoNumber(name)
  if (proto === null) throw new LineFault(word.column, `unknown protocol ${quoted(name)} in a set element`)
  if (isIcmp(proto)) {
    const typeCode = /^([0-9]{1,3})\/([0-9]{1,3})$/.exec(text)
    const named = (proto === 1 ? ICMP_NAMES : ICMPV6_NAMES).get(text)
    const port = typeCode ? Number(typeCode[1]) * 256 + Number(typeCode[2]) : named
    if (port === undefined || port > 65535 || (typeCode && Number(typeCode[2]) > 255)) {
      throw new LineFault(word.column, `unknown ICMP message ${quoted(text)}; TYPE/CODE or a name was expected`)
    }
    return [{ part: 'port', proto, port }]
  }
  const range = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text)
  const from = Number(range?.[1] ?? Number.NaN)
  const to = Number(range?.[2] ?? range?.[1] ?? Number.NaN)
  if (!(from <= to && to <= 65535))
    throw new LineFault(word.column, `${quoted(text)} is not a port from 0 to 65535 or a range`)
  // A bitmap of ports knows no protocol: 0 stands for any.
  return Array.from({ length: to - from + 1 }, (_, i) => ({ part: 'port', proto: bare ? 0 : proto, port: from + i }))
}

function partChoices(word: Word, kind: PartKind, set: OpenSet): SetPart[] {
  switch (kind) {
    case 'ip':
    case 'net':
      return netParts(word, set.family)
    case 'port':
      return portParts(word, set.type === 'bitmap:port')
    case 'mark': {
      const mark = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(word.text) ? Number(word.text) : Number.NaN
      if (!(mark <= 0xffffffff)) throw new LineFault(word.column, `${quoted(word.text)} is not a 32-bit mark`)
      return [{ part: 'mark', mark }]
    }
    case 'mac':
      if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(word.text)) {
        throw new LineFault(word.column, `${quoted(word.text)} is not an Ethernet address`)
      }
      return [{ part: 'mac', mac: word.text.toLowerCase() }]
    case 'iface':
      if (word.text.startsWith('physdev:'))
        throw new LineFault(word.column, '`physdev:` in a set element is not supported')
      if (!isInterfaceName(word.text)) throw new LineFault(word.column, `${quoted(word.text)} is not an interface name`)
      return [{ part: 'iface', name: word.text }]
    case 'set':
      return [{ part: 'set', name: word.text }]
  }
}

/** Every combination of the choices, one element each. */
function combine(choices: readonly SetPart[][], column: number): SetPart[][] {
  let elements: SetPart[][] = [[]]
  for (const choice of choices) {
    if (elements.length * choice.length > MAX_ELEMENTS_OF_ONE) {
      throw new LineFault(column, `the ranges stand for more than ${MAX_ELEMENTS_OF_ONE} elements`)
    }
    elements = elements.flatMap((element) => choice.map((part) => [...element, part]))
  }
  return elements
}

function add(line: readonly Word[], set: OpenSet): void {
  const element = line[2]
  if (element === undefined) throw new LineFault(1, '`add NAME ELEMENT [OPTIONS]` was expected')
  let timeout: number | undefined
  let nomatch = false
  for (let i = 3; i < line.length; i++) {
    const option = line[i]!
    if (option.text === 'nomatch') nomatch = true
    else if (option.text === 'timeout') {
      const value = line[++i]
      timeout = value !== undefined && /^[0-9]{1,10}$/.test(value.text) ? Number(value.text) : undefined
      if (timeout === undefined) throw new LineFault(option.column, '`timeout` needs a number of seconds')
    } else if (IDLE_ADD_OPTIONS.has(option.text)) i++
    else throw new LineFault(option.column, `unknown option ${quoted(option.text)} of an element`)
  }
  const texts = set.kinds.length === 1 ? [element.text] : element.text.split(',')
  const optionalMac = set.type === 'bitmap:ip,mac' && texts.length === 1
  if (texts.length !== set.kinds.length && !optionalMac) {
    throw new LineFault(
      element.column,
      `${quoted(element.text)} does not have the ${set.kinds.length} parts of ${set.type}`,
    )
  }
  let column = element.column
  const choices = texts.map((text, i) => {
    const parts = partChoices({ text, column }, set.kinds[i]!, set)
    column += text.length + 1
    return parts
  })
  for (const parts of combine(choices, element.column)) {
    // A timeout of 0 is "for ever" in a set with timeouts.
    set.entries.push({ parts, nomatch, ...(timeout === undefined || timeout === 0 ? {} : { timeout }) })
  }
}

/** Reads `ipset save`. Unknown set types, options and commands are refused by name. Throws a FaultError. */
export function readIpsets(text: string, options: ReadOptions): IpSet[] {
  const sets = new Map<string, OpenSet>()
  const faults: Fault[] = []
  const find = (name: Word | undefined): OpenSet => {
    const set = name === undefined ? undefined : sets.get(name.text)
    if (set !== undefined) return set
    throw new LineFault(
      name?.column ?? 1,
      `there is no set ${quoted(name?.text ?? '')}; \`create\` must come before \`add\``,
    )
  }
  for (const [i, raw] of text.split('\n').entries()) {
    try {
      const line = words(raw)
      const command = line[0]
      if (command === undefined || command.text.startsWith('#') || command.text === 'COMMIT') continue
      if (command.text === 'create' || command.text === '-N') {
        const set = create(line)
        if (sets.has(set.name)) throw new LineFault(line[1]!.column, `the set ${quoted(set.name)} appears twice`)
        sets.set(set.name, set)
      } else if (command.text === 'add' || command.text === '-A') add(line, find(line[1]))
      else
        throw new LineFault(
          command.column,
          `unknown command ${quoted(command.text)}; \`create\` or \`add\` was expected`,
        )
    } catch (error) {
      if (!(error instanceof LineFault)) throw error
      faults.push({ file: options.file, line: i + 1, column: error.column, message: error.message })
    }
  }
  if (faults.length > 0) throw new FaultError(faults)
  return [...sets.values()].map(({ name, type, family, entries, options: o }) => ({
    name,
    type,
    family,
    entries,
    options: o,
  }))
}
