// Reading the matches on bytes of the packet: u32.
// Spec: iptables-extensions(8) 1.8.9.
import type { Extension } from './extension.js'
import { listedMatch, needs } from './listed.js'
import { printU32, readU32, U32Problem } from './u32.js'
import { shown } from './words.js'

const u32 = listedMatch(
  'u32',
  [
    {
      name: 'u32',
      not: true,
      text(w) {
        try {
          return `"${printU32(readU32(w.word))}"`
        } catch (error) {
          if (!(error instanceof U32Problem)) throw error
          throw w.bad(`${shown(w.word)} is no test of u32: ${error.message}`)
        }
      },
    },
  ],
  { end: (given) => needs('u32', given, 'u32') },
)

/** The matches on bytes of the packet. */
export const BYTE_MATCHES: readonly Extension<never>[] = [u32]
