// The hash by which assembly/address.ts looks for addresses in tables that compile/ filled.
import type { Words as AddressWords } from '../net/ip.js'

export function localHash(words: AddressWords): number {
  let h = Math.imul(words[0], 0x9e3779b1)
  h = Math.imul(h ^ words[1], 0x85ebca6b)
  h = Math.imul(h ^ words[2], 0xc2b2ae35)
  h = Math.imul(h ^ words[3], 0x27d4eb2f)
  return (h ^ (h >>> 15)) >>> 0
}
