// Addresses of the core as text. The last few thousand are kept: one slot for each value of a hash, so the memory is
// bounded and nothing is searched.
import { formatIpv4, formatIpv6 } from '../net/ip.js'

const SLOTS = 4096
const keys = new Uint32Array(SLOTS * 4)
const families = new Uint8Array(SLOTS)
const texts: string[] = new Array<string>(SLOTS).fill('')

/** Canonical text of the address at `at` (four words, most significant first); family 4 or 6. */
export function addressText(view: DataView, at: number, family: number): string {
  const a = view.getUint32(at, true)
  const b = view.getUint32(at + 4, true)
  const c = view.getUint32(at + 8, true)
  const d = view.getUint32(at + 12, true)
  const hash = Math.imul(a ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c ^ Math.imul(d, 0xc2b2ae35), 0x27d4eb2f), 0x9e3779b1)
  const slot = hash >>> 20
  const key = slot * 4
  if (
    families[slot] === family &&
    keys[key] === a &&
    keys[key + 1] === b &&
    keys[key + 2] === c &&
    keys[key + 3] === d
  ) {
    return texts[slot]!
  }
  const text = family === 4 ? formatIpv4(a) : formatIpv6([a, b, c, d])
  families[slot] = family
  keys[key] = a
  keys[key + 1] = b
  keys[key + 2] = c
  keys[key + 3] = d
  texts[slot] = text
  return text
}
