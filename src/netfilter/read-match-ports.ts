// Reading the matches on transport headers: tcp, udp, sctp, multiport, icmp, icmp6.
// Spec: iptables-extensions(8); protocol and range checks as include/uapi/linux/netfilter/xt_tcpudp.h and the kernel's
// net/netfilter/xt_multiport.c have them.
import {
  type Draft,
  type Extension,
  must,
  negatable,
  type Option,
  type OptionWords,
  options,
  refuse,
} from './extension.js'
import type { Match, Negatable, Range } from './model.js'
import { ICMP_NAMES, ICMPV6_NAMES, type IcmpName, SCTP_CHUNKS, TCP_FLAG_NAMES } from './names.js'
import { servicePort } from './services.js'
import { anyPortRange, port, portRange, shown, uint } from './words.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>
interface PortsDraft {
  sport?: Negatable<Range> | undefined
  dport?: Negatable<Range> | undefined
}

/** A port of udp: decimal digits, or a name of any protocol. */
export function plainPort(word: string): number | undefined {
  return /^[0-9]+$/.test(word) ? uint(word.replace(/^0+(?=.)/, ''), 0, 65535) : servicePort(word)
}

function ports(words: OptionWords, proto: string): Negatable<Range> {
  if (proto === 'udp') {
    return negatable(
      words,
      must(words, anyPortRange(words.word, plainPort), 'a port 0..65535, a service name, or FROM:TO'),
    )
  }
  const range = portRange(words.word, proto)
  if (range === 'reversed') throw words.bad(`the port range ${shown(words.word)} is reversed: expected FROM:TO`)
  return negatable(words, must(words, range, `a port 0..65535, a service name of ${proto}, or FROM:TO`))
}

function portOptions(proto: string): Record<string, Option<PortsDraft>> {
  const sport: Option<PortsDraft> = {
    words: 1,
    not: true,
    id: 'sport',
    read: (d, w) => {
      d.sport = ports(w, proto)
    },
  }
  const dport: Option<PortsDraft> = {
    words: 1,
    not: true,
    id: 'dport',
    read: (d, w) => {
      d.dport = ports(w, proto)
    },
  }
  return { sport, 'source-port': sport, dport, 'destination-port': dport }
}

function saysAll(ports: Negatable<Range> | undefined): boolean {
  return ports !== undefined && !ports.not && ports.value.from === 0 && ports.value.to === 65535
}

// iptables does not write a range of all ports: it says nothing. (With `!` it says "never", which is kept.)
function dropFullRanges(d: PortsDraft): void {
  if (saysAll(d.sport)) delete d.sport
  if (saysAll(d.dport)) delete d.dport
}

function flagBits(words: OptionWords, list: string, which?: 'second'): number {
  let bits = 0
  for (const name of list.split(',')) {
    const upper = name.toUpperCase()
    if (upper === 'ALL') bits |= 0x3f
    else if (upper !== 'NONE' && name !== '') {
      const flag = TCP_FLAG_NAMES.find((f) => f[0] === upper)
      if (flag === undefined) {
        throw words.bad(`${shown(name)} is no TCP flag: expected FIN, SYN, RST, PSH, ACK, URG, ALL or NONE`, which)
      }
      bits |= flag[1]
    }
  }
  return bits
}

type TcpDraft = MatchOf<'tcp'>
const tcp: Extension<TcpDraft> = {
  name: 'tcp',
  proto: 6,
  start: () => ({ match: 'tcp' }),
  options: options<TcpDraft>({
    ...(portOptions('tcp') as Record<string, Option<TcpDraft>>),
    syn: {
      words: 0,
      not: true,
      id: 'flags',
      read: (d, w) => {
        d.flags = negatable(w, { mask: 0x17, comp: 2 })
      },
    },
    'tcp-flags': {
      words: 2,
      not: true,
      id: 'flags',
      read: (d, w) => {
        const mask = flagBits(w, w.word)
        const comp = flagBits(w, w.second, 'second')
        if (w.not || mask !== 0 || comp !== 0) d.flags = negatable(w, { mask, comp })
      },
    },
    'tcp-option': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.option = negatable(w, must(w, uint(w.word, 1, 255), 'a number 1..255'))
      },
    },
  }),
  end: dropFullRanges,
}

type UdpDraft = MatchOf<'udp'>
const udp: Extension<UdpDraft> = {
  name: 'udp',
  proto: 17,
  start: () => ({ match: 'udp' }),
  options: options<UdpDraft>(portOptions('udp') as Record<string, Option<UdpDraft>>),
  end: dropFullRanges,
}

type Chunks = { type: number; flags?: string }[]

function chunkFlags(words: OptionWords, name: string, valid: string, letters: string): string | undefined {
  let care = 0
  let set = 0
  for (const letter of letters) {
    const bit = letter === '-' ? -1 : valid.indexOf(letter.toUpperCase())
    if (bit < 0) throw words.bad(`${shown(letter)} is no flag of the SCTP chunk ${name}`, 'second')
    care |= 1 << bit
    if (letter === letter.toUpperCase()) set |= 1 << bit
  }
  let text = ''
  for (let bit = 0; bit < 8; bit++) {
    if (care & (1 << bit)) text += set & (1 << bit) ? valid[bit] : valid[bit]!.toLowerCase()
  }
  return text === '' ? undefined : text
}

function chunks(words: OptionWords): Chunks {
  const upper = words.second.toUpperCase()
  if (upper === 'ALL') return Array.from({ length: 256 }, (_, type) => ({ type }))
  if (upper === 'NONE') return []
  const found = new Map<number, string | undefined>()
  for (const part of words.second.split(',')) {
    const colon = part.indexOf(':')
    const name = (colon < 0 ? part : part.slice(0, colon)).toUpperCase()
    const chunk = SCTP_CHUNKS.find((c) => c[0] === name)
    if (chunk === undefined)
      throw words.bad(`${shown(part)} is no SCTP chunk type: expected DATA, INIT, … , ALL or NONE`, 'second')
    const [, type, valid] = chunk
    if (found.has(type)) throw words.bad(`the SCTP chunk ${name} is listed twice`, 'second')
    const flags = colon < 0 ? undefined : chunkFlags(words, name, valid, part.slice(colon + 1))
    // iptables stores the flags of I_DATA under another chunk's number: such a rule does not mean what it says.
    if (flags !== undefined && type > 15) throw words.bad(`flags of the SCTP chunk ${name} are not supported`, 'second')
    found.set(type, flags)
  }
  return [...found].sort(([a], [b]) => a - b).map(([type, flags]) => (flags === undefined ? { type } : { type, flags }))
}

type SctpDraft = MatchOf<'sctp'>
const sctp: Extension<SctpDraft> = {
  name: 'sctp',
  proto: 132,
  start: () => ({ match: 'sctp' }),
  options: options<SctpDraft>({
    ...(portOptions('sctp') as Record<string, Option<SctpDraft>>),
    'chunk-types': {
      words: 2,
      not: true,
      read: (d, w) => {
        const how = w.word.toLowerCase()
        if (how !== 'all' && how !== 'any' && how !== 'only') {
          throw w.bad(`${shown(w.word)} is no way to match chunks: expected all, any or only`)
        }
        d.chunks = negatable(w, { how, types: chunks(w) })
      },
    },
  }),
}

const MULTIPORT_PROTOCOLS = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [136, 'udplite'],
  [132, 'sctp'],
  [33, 'dccp'],
])
const MULTIPORT_SLOTS = 15

function multiports(words: OptionWords): Range[] {
  const { rule } = words
  const proto = rule.protoNot ? undefined : MULTIPORT_PROTOCOLS.get(rule.proto)
  if (proto === undefined) {
    throw words.bad('multiport needs -p tcp, udp, udplite, sctp or dccp before it, not negated', 'option')
  }
  const list: Range[] = []
  let slots = 0
  for (const part of words.word.split(',')) {
    const colon = part.indexOf(':')
    const from = port(colon < 0 ? part : part.slice(0, colon), proto)
    const to = colon < 0 ? from : port(part.slice(colon + 1), proto)
    if (from === undefined || to === undefined) {
      throw words.bad(`${shown(part)} is no port of ${proto}: expected 0..65535, a service name, or FROM:TO`)
    }
    if (colon >= 0 && from >= to)
      throw words.bad(`the port range ${shown(part)} is reversed or empty: expected FROM:TO`)
    slots += colon < 0 ? 1 : 2
    list.push({ from, to })
  }
  if (slots > MULTIPORT_SLOTS)
    throw words.bad(`too many ports: expected at most ${MULTIPORT_SLOTS}, a range counts as two`)
  return list
}

type MultiportDraft = MatchOf<'multiport'>
function multiportOption(on: 'sports' | 'dports' | 'ports'): Option<MultiportDraft> {
  return {
    words: 1,
    not: true,
    id: 'ports',
    read: (d, w) => {
      d.on = on
      d.not = w.not
      d.ports = multiports(w)
    },
  }
}

const multiport: Extension<MultiportDraft> = {
  name: 'multiport',
  start: () => ({ match: 'multiport' }),
  options: options<MultiportDraft>({
    sports: multiportOption('sports'),
    'source-ports': multiportOption('sports'),
    dports: multiportOption('dports'),
    'destination-ports': multiportOption('dports'),
    ports: multiportOption('ports'),
  }),
  end(d, rule) {
    if (d.ports === undefined) refuse('multiport needs --sports, --dports or --ports')
    if (rule.protoNot || !MULTIPORT_PROTOCOLS.has(rule.proto))
      refuse('multiport needs -p tcp, udp, udplite, sctp or dccp')
  },
}

const NUMBERED = /^([0-9a-fA-Fx]+)(?:\/([0-9a-fA-Fx]+)(?::([0-9a-fA-Fx]+))?)?$/

function icmpType(words: OptionWords, names: readonly IcmpName[]): { type: number; codes: Range } {
  const wanted = words.word.toLowerCase()
  const found = wanted === '' ? [] : names.filter((n) => n[0].toLowerCase().startsWith(wanted))
  if (found.length > 1) {
    throw words.bad(`${shown(words.word)} is ambiguous: ${found[0]![0]} or ${found[1]![0]}?`)
  }
  const name = found[0]
  if (name !== undefined) return { type: name[1], codes: { from: name[2], to: name[3] } }
  const parts = NUMBERED.exec(words.word)
  const type = parts === null ? undefined : uint(parts[1]!, 0, 255)
  const from = parts?.[2] === undefined ? 0 : uint(parts[2], 0, 255)
  const to = parts?.[2] === undefined ? 255 : from // a second one behind a colon says nothing
  if (type === undefined || from === undefined || to === undefined) {
    throw words.bad(
      `${shown(words.word)} is no ${names === ICMP_NAMES ? 'ICMP' : 'ICMPv6'} type: expected a name, TYPE or TYPE/CODE`,
    )
  }
  return { type, codes: { from, to } }
}

type IcmpDraft = MatchOf<'icmp' | 'icmp6'>
const icmp: Extension<IcmpDraft> = {
  name: 'icmp',
  family: 'ipv4',
  proto: 1,
  start: () => ({ match: 'icmp' }),
  options: options<IcmpDraft>({
    'icmp-type': {
      words: 1,
      not: true,
      read: (d, w) => {
        const type = icmpType(w, ICMP_NAMES)
        d.type = negatable(w, type.type === 255 ? { type: 255, codes: { from: 0, to: 255 } } : type)
      },
    },
  }),
  end(d) {
    if (d.type === undefined) refuse('icmp needs --icmp-type')
  },
}

const icmp6: Extension<IcmpDraft> = {
  name: 'icmp6',
  family: 'ipv6',
  proto: 58,
  start: () => ({ match: 'icmp6' }),
  options: options<IcmpDraft>({
    'icmpv6-type': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.type = negatable(w, icmpType(w, ICMPV6_NAMES))
      },
    },
  }),
  end(d) {
    if (d.type === undefined) refuse('icmp6 needs --icmpv6-type')
  },
}

/** The matches on transport headers. */
export const PORT_MATCHES: readonly Extension<never>[] = [tcp, udp, sctp, multiport, icmp, icmp6] as never
