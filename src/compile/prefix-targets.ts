// The targets that map a prefix: NETMAP's prefix as a range of addresses, SNPT's and DNPT's records in CODE.
import * as L from '../../assembly/layout.js'
import { formatAddress, maskWords, parseAddress, parsePrefix, type Words } from '../net/ip.js'
import type { NatRange, Target } from '../netfilter/model.js'
import type { MatchSink } from './matches.js'

/** First and last address under `ADDRESS/LENGTH` or `ADDRESS/MASK`: with a mask of its own, the bits it leaves are all set in the last. */
export function prefixRange(text: string): NatRange {
  const [host = '', rest = ''] = text.split('/')
  const address = parseAddress(host)
  if (address === null) throw new RangeError(`not a prefix: ${JSON.stringify(text)}`)
  const { family } = address
  const mask = /^\d+$/.test(rest) ? maskWords(family, Number(rest)) : parseAddress(rest)?.words
  if (mask === undefined) throw new RangeError(`not a prefix: ${JSON.stringify(text)}`)
  const last = address.words.map((word, i) => (family === 'ipv4' && i > 0 ? 0 : (word | ~mask[i]!) >>> 0))
  return { from: formatAddress(address), to: formatAddress({ family, words: last as unknown as Words }) }
}

/** Sum of the 16-bit words of an address, carry brought round. */
function checksum(words: Words): number {
  let sum = words.reduce((a, word) => a + (word >>> 16) + (word & 0xffff), 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

/** Writes an NPT record and returns its word index in CODE. */
export function writeNpt(sink: MatchSink, target: Extract<Target, { readonly target: 'SNPT' | 'DNPT' }>): number {
  const from = parsePrefix(target.srcPrefix)
  const to = parsePrefix(target.dstPrefix)
  if (from === null || to === null) throw new RangeError(`${target.target}: not a prefix`)
  const word = sink.code.reserve(L.NPT_BYTES >>> 2)
  const set = (offset: number, value: number): void => sink.code.set(word + (offset >>> 2), value)
  const sum = checksum(from.words) + (~checksum(to.words) & 0xffff)
  set(L.NPT_LENGTH_OFF, Math.max(from.length, to.length))
  set(L.NPT_FROM_LENGTH_OFF, from.length)
  set(L.NPT_ADJUSTMENT_OFF, (sum & 0xffff) + (sum >>> 16))
  sink.code.setAll(word + (L.NPT_FROM_OFF >>> 2), [...from.words])
  sink.code.setAll(word + (L.NPT_TO_OFF >>> 2), [...to.words])
  return word
}
