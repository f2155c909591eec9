// The length of a prefix, as options take it that also take its mask: connlimit's and HMARK's.
// Spec: iptables 1.8.9, libxtables (XTTYPE_PLEN, XTTYPE_PLENMASK).
import { maskLength, parseIpv6, type Words } from '../net/ip.js'
import type { OptionWords } from './extension.js'
import { shown, uint } from './words.js'

/** An IPv4 address in one to four parts, the last of which fills what is left, as inet_aton takes it. */
function partsAddress(word: string): number | undefined {
  const parts = word.split('.')
  if (parts.length > 4) return undefined
  let value = 0
  for (const [i, part] of parts.entries()) {
    const bytes = i === parts.length - 1 ? 5 - parts.length : 1
    const number = uint(part, 0, 256 ** bytes - 1)
    if (number === undefined) return undefined
    value = value * 256 ** bytes + number
  }
  return value
}

/** What is no prefix counts as the whole address. Throws a fault at the option's word. */
export function prefixLength(w: OptionWords): number {
  const { family } = w.rule
  const bits = family === 'ipv4' ? 32 : 128
  const length = uint(w.word, 0, bits)
  if (length !== undefined) return length
  const four = family === 'ipv4' ? partsAddress(w.word) : undefined
  const words: Words | null = family === 'ipv6' ? parseIpv6(w.word) : four === undefined ? null : [four, 0, 0, 0]
  if (words === null) throw w.bad(`${shown(w.word)} is no mask: expected a length 0..${bits} or a mask`)
  return maskLength(family, words) ?? bits
}
