// A packet as words on the command line: `[in IFACE | local] tcp A:PORT > B:PORT [syn] [mark 0x1]`.
// Owns the grammar; what a name means is asked of `Names` (a cluster), so the words work with a bundle too.

import { escapeText, type Fault, FaultError } from '../net/fault.js'
import { canonicalAddress, familyOf } from '../net/ip.js'
import type { Packet } from '../net/packet.js'

/** What a name stands for. `port` and `proto` when the name fixes them (a Service port). */
export interface Named {
  address: string
  port?: number
  proto?: 'tcp' | 'udp' | 'sctp'
}

/** Resolves `pod/NS/NAME`, `svc/NS/NAME:PORT`, `node/NAME`. Throws an Error with a message for people. */
export type Names = (name: string, family: 4 | 6 | undefined) => Named

/** A packet as far as the words say it: no defaults yet. */
export type PacketWords = Partial<Packet> & Pick<Packet, 'proto' | 'src' | 'dst'>

const PROTOCOLS = new Set(['tcp', 'udp', 'sctp', 'icmp', 'icmpv6'])
const FLAG_WORDS: Readonly<Record<string, string>> = {
  syn: 'S',
  'syn-ack': 'SA',
  ack: 'A',
  fin: 'FA',
  rst: 'R',
  'rst-ack': 'RA',
}
const NUMBERS: Readonly<
  Record<string, { key: 'mark' | 'ttl' | 'tos' | 'icmp_type' | 'icmp_code' | 'icmp_id'; max: number }>
> = {
  mark: { key: 'mark', max: 0xffffffff },
  ttl: { key: 'ttl', max: 255 },
  tos: { key: 'tos', max: 255 },
  type: { key: 'icmp_type', max: 255 },
  code: { key: 'icmp_code', max: 255 },
  id: { key: 'icmp_id', max: 65535 },
}

/**
 * Reads a packet from words. Without names (`names` absent) only addresses are understood.
 *
 * @throws FaultError naming the word.
 * @example parsePacketWords(['tcp', '10.0.0.1:40000', '>', '10.96.0.10:53']).dport // 53
 */
export function parsePacketWords(words: readonly string[], names?: Names): PacketWords {
  const list = words.flatMap((w) => w.split(/\s+/)).filter((w) => w !== '')
  let at = 0
  const wrong = (message: string): never => {
    const fault: Fault = { file: 'PACKET', line: 1, column: column(list, at), message }
    throw new FaultError([fault])
  }
  const take = (what: string): string => {
    const word = list[at]
    if (word === undefined) return wrong(`the packet ends here, expected ${what}`)
    at++
    return word
  }

  const packet: { -readonly [K in keyof Packet]?: Packet[K] } = {}
  if (list[at] === 'in') {
    at++
    packet.iface = take('the interface that it comes in on')
  } else if (list[at] === 'local') {
    at++
    packet.iface = 'local'
  }
  let proto: string | undefined
  if (PROTOCOLS.has(list[at] ?? '')) proto = take('a protocol')
  else if (list[at + 1] !== '>' && /^[a-z]\w*$/i.test(list[at] ?? ''))
    wrong(`'${escapeText(list[at] as string)}' is no protocol, expected ${[...PROTOCOLS].join(', ')}`)
  // A fault of an end point is at the word just taken.
  const wrongWord = (message: string): never => {
    at--
    return wrong(message)
  }
  const from = endPoint(take('a source: ADDRESS, ADDRESS:PORT or a name'), names, undefined, wrongWord)
  if (take("'>'") !== '>') {
    at--
    wrong(`expected '>' between source and destination, got '${escapeText(list[at] ?? '')}'`)
  }
  const to = endPoint(take('a destination'), names, from.address.includes(':') ? 6 : 4, wrongWord)
  if (familyOf(from.address) !== familyOf(to.address))
    wrongWord(`${from.address} and ${to.address} are of different families`)
  proto ??= to.proto ?? 'tcp'
  if (to.proto && proto !== to.proto) wrong(`that port of the Service is ${to.proto}, not ${proto}`)
  packet.proto = proto as NonNullable<Packet['proto']>
  packet.src = from.address
  packet.dst = to.address
  if (proto === 'icmp' || proto === 'icmpv6') {
    if (from.port !== undefined || to.port !== undefined) wrong(`${proto} has no ports`)
  } else {
    if (to.port === undefined) wrong(`${proto} needs a destination port: ADDRESS:PORT`)
    packet.dport = to.port as number
    packet.sport = from.port ?? 40000
  }
  while (at < list.length) {
    const word = list[at] as string
    const number = Object.hasOwn(NUMBERS, word) ? NUMBERS[word] : undefined
    if (Object.hasOwn(FLAG_WORDS, word)) {
      if (proto !== 'tcp') wrong(`'${word}' is a TCP flag and this is ${proto}`)
      packet.flags = FLAG_WORDS[word] as string
      at++
    } else if (number) {
      at++
      const text = take(`a number after '${word}'`)
      const value = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN
      if (!(value <= number.max)) {
        at--
        wrong(`${word} is a number from 0 to ${number.max}, got '${escapeText(text)}'`)
      }
      packet[number.key] = value
    } else {
      wrong(
        `'${escapeText(word)}' is not understood; expected one of ${[...Object.keys(FLAG_WORDS), ...Object.keys(NUMBERS)].join(', ')}`,
      )
    }
  }
  return packet as PacketWords
}

function column(list: readonly string[], at: number): number {
  return list.slice(0, at).reduce((sum, w) => sum + w.length + 1, 1)
}

function endPoint(
  word: string,
  names: Names | undefined,
  family: 4 | 6 | undefined,
  wrong: (message: string) => never,
): Named {
  if (/^(pod|svc|service|node)\//.test(word)) {
    if (!names) return wrong(`the name '${escapeText(word)}' needs a cluster (--cluster FILE)`)
    try {
      return names(word, family)
    } catch (error) {
      return wrong(error instanceof Error ? error.message : String(error))
    }
  }
  const six = /^\[([^\]]*)\](?::(.*))?$/.exec(word)
  if (six) return { address: addressText(six[1] as string, wrong), ...port(six[2], wrong) }
  const colons = word.split(':').length - 1
  if (colons > 1) return { address: addressText(word, wrong) }
  const [address, tail] = word.split(':') as [string, string | undefined]
  return { address: addressText(address, wrong), ...port(tail, wrong) }
}

function addressText(text: string, wrong: (message: string) => never): string {
  return canonicalAddress(text) ?? wrong(`'${escapeText(text)}' is no address`)
}

function port(text: string | undefined, wrong: (message: string) => never): { port?: number } {
  if (text === undefined) return {}
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) return wrong(`'${escapeText(text)}' is no port (0 to 65535)`)
  return { port: Number(text) }
}
