// What an element of a set has beside its parts: counters, comment, skbinfo. Spec: ipset(8) 7.17;
// kernel net/netfilter/ipset/ip_set_core.c (ip_set_get_extensions).
import { cutBytes, uint } from '../netfilter/words.js'
import { quoted } from './fields.js'
import { SetFault, type Word } from './ipset-element.js'
import type { SetEntry } from './model.js'

const COMMENT_BYTES = 255

/** An element that is being read. */
export type Draft = { -readonly [K in keyof SetEntry]: SetEntry[K] }

/** A number from 0 to `max`. */
export function whole(value: Word, max: number): number {
  const n = uint(value.text, 0, max)
  if (n === undefined) throw new SetFault(value.column, `${quoted(value.text)} is no number from 0 to ${max}`)
  return n
}

const MOST = 2n ** 64n - 2n

/** Reads one option of an element into its draft. */
export function readExtension(draft: Omit<Draft, 'parts'>, name: string, value: Word): void {
  const bad = (expected: string): SetFault =>
    new SetFault(value.column, `${quoted(value.text)} is no value of ${name}: expected ${expected}`)
  switch (name) {
    case 'packets':
    case 'bytes': {
      const n = /^[0-9]{1,20}$/.test(value.text) ? BigInt(value.text) : MOST + 1n
      if (n > MOST) throw bad(`0 to ${MOST}`)
      draft[name] = n
      return
    }
    case 'comment':
      if (value.text.includes('"')) throw bad('no quotes inside')
      if (cutBytes(value.text, COMMENT_BYTES) !== value.text) throw bad(`at most ${COMMENT_BYTES} bytes`)
      if (value.text === '') delete draft.comment
      else draft.comment = value.text
      return
    case 'skbmark': {
      const m = /^0x([0-9a-f]{1,8})(?:\/0x([0-9a-f]{1,8}))?$/i.exec(value.text)
      if (m === null) throw bad('0xMARK or 0xMARK/0xMASK')
      draft.skbmark = { value: Number.parseInt(m[1]!, 16), mask: Number.parseInt(m[2] ?? 'ffffffff', 16) }
      return
    }
    case 'skbprio': {
      const m = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(value.text)
      if (m === null) throw bad('MAJOR:MINOR in hexadecimal')
      draft.skbprio = Number.parseInt(m[1]!, 16) * 65536 + Number.parseInt(m[2]!, 16)
      return
    }
    default:
      draft.skbqueue = whole(value, 65535)
  }
}
