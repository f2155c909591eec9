// Connections that already exist, from `conntrack -L -o extended` (and /proc/net/nf_conntrack, which is the same).
// Owns that line format, both ways. Spec: conntrack(8), libnetfilter_conntrack src/conntrack/snprintf_default.c.
// A line does not say which translations were set up; that follows from its two tuples and is completed here.
import { type Fault, FaultError } from '../net/fault.js'
import { canonicalAddress, familyOf } from '../net/ip.js'
import type { ConntrackEntry, CtStatus, FlowCount, Tuple } from '../net/packet.js'
import { hasPorts, isIcmp, PROTOCOL_GRE, PROTOCOL_TCP, protoName } from '../net/proto.js'
import { quoted } from './fields.js'
import type { ReadOptions } from './links.js'

export interface ConntrackReadOptions extends ReadOptions {
  /** The namespace translates addresses in this family: then every connection went through that once. */
  readonly nat?: (family: 'ipv4' | 'ipv6') => boolean
}

const NUMBER_FIELDS: ReadonlyMap<string, readonly [keyof Tuple, number]> = new Map([
  ['sport', ['sport', 65535]],
  ['dport', ['dport', 65535]],
  ['type', ['icmp_type', 255]],
  ['code', ['icmp_code', 255]],
  ['id', ['icmp_id', 65535]],
  ['srckey', ['sport', 65535]],
  ['dstkey', ['dport', 65535]],
])
/** Fields that decide nothing here. */
const IDLE = new Set(['use', 'secctx', 'secmark', 'delta-time', 'labels'])
/** Remaining words of a time stamp such as `[start=Mon Nov 23 …]`. */
const BRACKETS = /\[(start|stop)=[^\]]*\]/g

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

interface Half {
  src?: string
  dst?: string
  numbers: Map<keyof Tuple, number>
  packets?: number
  bytes?: number
}

function wholeNumber(word: Word, text: string, max: number): number {
  if (/^[0-9]{1,10}$/.test(text) && Number(text) <= max) return Number(text)
  throw new LineFault(word.column, `${quoted(word.text)}: a whole number from 0 to ${max} was expected`)
}

function tuple(half: Half | undefined, family: string, proto: number): Tuple {
  if (half?.src === undefined || half.dst === undefined)
    throw new LineFault(1, 'two tuples with `src=` and `dst=` were expected')
  if (familyOf(half.src) !== family || familyOf(half.dst) !== family) {
    throw new LineFault(1, `the addresses are not of the family ${family} that the line names`)
  }
  const result: Tuple = { src: half.src, dst: half.dst }
  if (proto === PROTOCOL_GRE) {
    return { ...result, sport: half.numbers.get('sport') ?? 0, dport: half.numbers.get('dport') ?? 0 }
  }
  const needed: (keyof Tuple)[] = hasPorts(proto)
    ? ['sport', 'dport']
    : isIcmp(proto)
      ? ['icmp_type', 'icmp_code', 'icmp_id']
      : []
  for (const key of needed) {
    const value = half.numbers.get(key)
    if (value === undefined) throw new LineFault(1, `a tuple without its ${key.replace('icmp_', '')}`)
    ;(result as unknown as Record<string, unknown>)[key] = value
  }
  return result
}

const COUNT = /^[0-9]{1,20}$/

/** What was counted; undefined when it was not. */
function countOf({ packets, bytes }: Half): FlowCount | undefined {
  return packets === undefined || bytes === undefined ? undefined : { packets, bytes }
}

/** Was this side of the connection translated? */
function translated(orig: Tuple, reply: Tuple, side: 'src' | 'dst'): boolean {
  const other = side === 'src' ? 'dst' : 'src'
  if (orig[side] !== reply[other]) return true
  if (side === 'src' && orig.icmp_id !== undefined) return orig.icmp_id !== reply.icmp_id
  return orig[side === 'src' ? 'sport' : 'dport'] !== reply[side === 'src' ? 'dport' : 'sport']
}

function entryOf(line: string, options: ConntrackReadOptions): ConntrackEntry {
  const words: Word[] = [...line.matchAll(/\S+/g)].map((m) => ({ text: m[0], column: m.index + 1 }))
  const [familyWord, l3, , l4] = words
  const family = familyWord?.text
  if (family !== 'ipv4' && family !== 'ipv6') {
    throw new LineFault(
      1,
      `${quoted(family ?? '')}: a line that begins with ipv4 or ipv6 was expected, as \`conntrack -L -o extended\` prints it`,
    )
  }
  if (l3 === undefined || l4 === undefined) throw new LineFault(1, 'the line ends early')
  wholeNumber(l3, l3.text, 10)
  const proto = wholeNumber(l4, l4.text, 255)
  let at = 4
  let timeout = 0
  let state: string | undefined
  const time = words[at]
  if (time !== undefined && !time.text.includes('=')) {
    timeout = wholeNumber(time, time.text, 0xffffffff)
    at++
    const name = words[at]
    if (name !== undefined && /^[A-Z][A-Z_0-9]*$/.test(name.text)) {
      state = name.text
      at++
    }
  }
  const halves: Half[] = []
  const flags = new Set<string>()
  let mark = 0
  let zone = 0
  let helper = ''
  for (const word of words.slice(at)) {
    const flag = /^\[([A-Z_]+)\]$/.exec(word.text)
    const equals = word.text.indexOf('=')
    if (flag) {
      flags.add(flag[1]!)
      continue
    }
    if (equals < 0) throw new LineFault(word.column, `unexpected ${quoted(word.text)}`)
    const key = word.text.slice(0, equals)
    const value = word.text.slice(equals + 1)
    const half = halves.at(-1)
    const number = NUMBER_FIELDS.get(key)
    if (key === 'src' || key === 'dst') {
      const address = canonicalAddress(value)
      if (address === null) throw new LineFault(word.column, `${quoted(value)} is not an IP address`)
      if (key === 'src') halves.push({ src: address, numbers: new Map() })
      else if (half !== undefined) half.dst = address
    } else if (number !== undefined && half !== undefined && !half.numbers.has(number[0])) {
      const hex = key.endsWith('key') && /^0x[0-9a-f]{1,4}$/i.test(value)
      half.numbers.set(number[0], hex ? Number(value) : wholeNumber(word, value, number[1]))
    } else if ((key === 'packets' || key === 'bytes') && half !== undefined) {
      if (!COUNT.test(value)) throw new LineFault(word.column, `${quoted(word.text)}: a whole number was expected`)
      half[key] = Number(value)
    } else if (key === 'helper') helper = value
    else if (key === 'mark') mark = wholeNumber(word, value, 0xffffffff)
    else if (key === 'zone') zone = wholeNumber(word, value, 65535)
    else if (!IDLE.has(key) && number === undefined) throw new LineFault(word.column, `unknown field ${quoted(key)}`)
  }
  if (halves.length !== 2) throw new LineFault(1, 'two tuples with `src=` and `dst=` were expected')
  const [sent, answered] = [countOf(halves[0]!), countOf(halves[1]!)]
  const orig = tuple(halves[0], family, proto)
  const reply = tuple(halves[1], family, proto)
  const source = translated(orig, reply, 'src')
  const destination = translated(orig, reply, 'dst')
  const done = source || destination || (options.nat?.(family) ?? false)
  const status: CtStatus[] = []
  if (!flags.has('UNREPLIED')) status.push('SEEN_REPLY')
  if (flags.has('ASSURED')) status.push('ASSURED')
  status.push('CONFIRMED')
  if (source) status.push('SRC_NAT')
  if (destination) status.push('DST_NAT')
  if (done) status.push('SRC_NAT_DONE', 'DST_NAT_DONE')
  // The listing shows neither state nor time of what a flow table took over: a day, and TCP is established.
  if (flags.has('OFFLOAD') || flags.has('HW_OFFLOAD')) {
    timeout = OFFLOADED_SECONDS
    if (proto === PROTOCOL_TCP) state = 'ESTABLISHED'
  }
  return {
    family,
    proto: protoName(proto),
    protonum: proto,
    timeout,
    ...(state === undefined ? {} : { state }),
    orig,
    reply,
    status,
    mark,
    ...(zone === 0 ? {} : { zone }),
    ...(sent === undefined || answered === undefined ? {} : { counted: { orig: sent, reply: answered } }),
    ...(helper === '' ? {} : { helper }),
  }
}

const OFFLOADED_SECONDS = 86400

/**
 * Reads what `conntrack -L -o extended` prints, a connection a line; blank lines are passed over. The status words that
 * a line does not print are completed: CONFIRMED always, SRC_NAT and DST_NAT from the tuples. Throws a FaultError.
 */
export function readConntrack(text: string, options: ConntrackReadOptions): ConntrackEntry[] {
  const entries: ConntrackEntry[] = []
  const faults: Fault[] = []
  for (const [i, raw] of text.split('\n').entries()) {
    if (raw.trim() === '' || raw.startsWith('conntrack v')) continue
    try {
      entries.push(entryOf(raw.replace(BRACKETS, ''), options))
    } catch (error) {
      if (!(error instanceof LineFault)) throw error
      faults.push({ file: options.file, line: i + 1, column: error.column, message: error.message })
    }
  }
  if (faults.length > 0) throw new FaultError(faults)
  return entries
}

const LISTED = new Set(['tcp', 'udp', 'icmp', 'icmpv6', 'sctp', 'dccp', 'udplite', 'gre'])

/**
 * The line that `conntrack -L -o extended` prints for a connection, without its end of line.
 *
 * @example formatConntrack({ family: 'ipv4', proto: 'udp', protonum: 17, timeout: 30, orig: { src: '10.0.0.1', dst: '10.0.0.2', sport: 1, dport: 2 }, reply: { src: '10.0.0.2', dst: '10.0.0.1', sport: 2, dport: 1 }, status: ['CONFIRMED'], mark: 0 }) // 'ipv4     2 udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 mark=0 use=1'
 */
export function formatConntrack(entry: ConntrackEntry): string {
  const half = (t: Tuple): string => {
    const addresses = `src=${t.src} dst=${t.dst} `
    if (isIcmp(entry.protonum)) return `${addresses}type=${t.icmp_type} code=${t.icmp_code} id=${t.icmp_id} `
    if (hasPorts(entry.protonum)) return `${addresses}sport=${t.sport} dport=${t.dport} `
    const key = (n: number | undefined): string => `0x${(n ?? 0).toString(16)}`
    return entry.protonum === PROTOCOL_GRE ? `${addresses}srckey=${key(t.sport)} dstkey=${key(t.dport)} ` : addresses
  }
  const { counted } = entry
  const carried = (c: FlowCount | undefined): string =>
    c === undefined ? '' : `packets=${c.packets} bytes=${c.bytes} `
  const name = typeof entry.proto === 'string' && LISTED.has(entry.proto) ? entry.proto : 'unknown'
  const head = `${entry.family.padEnd(8)} ${entry.family === 'ipv6' ? 10 : 2} ${name.padEnd(8)} ${entry.protonum} ${entry.timeout} `
  const state = entry.state === undefined ? '' : `${entry.state} `
  const unreplied = entry.status.includes('SEEN_REPLY') ? '' : '[UNREPLIED] '
  const assured = entry.status.includes('ASSURED') ? '[ASSURED] ' : ''
  const zone = entry.zone ? `zone=${entry.zone} ` : ''
  const helper = entry.helper === undefined ? '' : `helper=${entry.helper} `
  return `${head}${state}${half(entry.orig)}${carried(counted?.orig)}${unreplied}${half(entry.reply)}${carried(counted?.reply)}${assured}mark=${entry.mark} ${zone}${helper}use=1`
}
