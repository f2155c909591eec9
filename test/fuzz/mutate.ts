// Real input, damaged: bytes flipped, cut, repeated, spliced with other input, and words replaced by such as are at the
// edge of what is allowed. Owns the mutations; what is done with the result is damaged-inputs.ts's.
import type { Dice } from './damaged-images.js'

const EDGE_WORDS: readonly string[] = [
  ...[
    '0',
    '1',
    '-1',
    '255',
    '256',
    '65535',
    '65536',
    '4294967295',
    '4294967296',
    '18446744073709551616',
    '1e308',
    '1.5',
  ],
  ...['', ' ', '!', '-', '--', '/', '0x', '0xffffffff', '::', '0.0.0.0/0', '255.255.255.255', '::1/129', '10.0.0.1/33'],
  ...[
    'null',
    'true',
    '[]',
    '{}',
    '"',
    '\\',
    '\\u0000',
    '\u0000',
    '\u202e',
    '\ud83d',
    '__proto__',
    'constructor',
    'toString',
  ],
  ...['*filter', '*nat', 'COMMIT', '-A', '-j', '-m', '-p', 'all', 'tcp', 'udp', 'any', 'default', 'local', 'blackhole'],
  ...[
    '- ',
    ': ',
    '&a',
    '*a',
    '---',
    '\t',
    '\r\n',
    '#',
    '%',
    '|',
    '>',
    'y',
    '~',
    '!!binary',
    'x'.repeat(300),
    '9'.repeat(40),
  ],
]

const encoder = new TextEncoder()

/** A copy of `bytes` with a few things wrong; `other` is input of the same kind. */
export function mutated(bytes: Uint8Array, other: Uint8Array, dice: Dice): Uint8Array {
  let now: Uint8Array = bytes.slice()
  for (let times = 1 + dice.below(4); times > 0; times--) now = once(now, other, dice)
  return now
}

function once(bytes: Uint8Array, other: Uint8Array, dice: Dice): Uint8Array {
  if (bytes.length === 0) return other.slice(0, 64)
  const at = dice.below(bytes.length)
  const short = at + 1 + dice.below(Math.min(64, bytes.length - at))
  switch (dice.below(9)) {
    case 0:
      bytes[at] = bytes[at]! ^ (1 << dice.below(8))
      return bytes
    case 1:
      bytes[at] = dice.below(256)
      return bytes
    case 2: // cut off
      return bytes.subarray(0, at)
    case 3: // a piece is missing
      return joined(bytes.subarray(0, at), bytes.subarray(short))
    case 4: // a piece comes twice
      return joined(bytes.subarray(0, short), bytes.subarray(at))
    case 5: {
      // A piece of the other stands in between.
      const from = dice.below(Math.max(1, other.length))
      return joined(bytes.subarray(0, at), other.subarray(from, from + 1 + dice.below(400)), bytes.subarray(at))
    }
    case 6: {
      // A line comes elsewhere.
      const [start, end] = lineAt(bytes, at)
      const to = lineAt(bytes, dice.below(bytes.length))[0]
      return joined(bytes.subarray(0, to), bytes.subarray(start, end), bytes.subarray(to))
    }
    default: {
      const [start, end] = wordAt(bytes, at)
      const word = encoder.encode(EDGE_WORDS[dice.below(EDGE_WORDS.length)])
      return joined(bytes.subarray(0, start), word, bytes.subarray(end))
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

const isWord = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 46 || byte === 45

function wordAt(bytes: Uint8Array, at: number): [number, number] {
  let [start, end] = [at, at + 1]
  while (start > 0 && isWord(bytes[start - 1]!)) start--
  while (end < bytes.length && isWord(bytes[end]!)) end++
  return [start, end]
}

function lineAt(bytes: Uint8Array, at: number): [number, number] {
  const end = bytes.indexOf(10, at)
  return [bytes.lastIndexOf(10, Math.max(0, at - 1)) + 1, end < 0 ? bytes.length : end + 1]
}
