// Matches on connections' traffic and number as words of CODE.
import * as L from '../../assembly/layout.js'
import { maskWords } from '../net/ip.js'
import type { ConnectionMatch } from '../netfilter/model-connection.js'
import { type MatchCount, type MatchRule, type MatchSink, put } from './matches.js'

const MODES = { packets: L.CONNBYTES_PACKETS, bytes: L.CONNBYTES_BYTES, avgpkt: L.CONNBYTES_AVERAGE } as const
const DIRS = {
  original: L.CONNBYTES_ORIGINAL,
  reply: L.CONNBYTES_REPLY,
  both: L.CONNBYTES_ORIGINAL | L.CONNBYTES_REPLY,
} as const

const halves = (n: bigint): [number, number] => [Number(n & 0xffffffffn), Number(n >> 32n)]

export function connectionMatch({ code, state }: MatchSink, { family }: MatchRule, m: ConnectionMatch): MatchCount {
  switch (m.match) {
    case 'connbytes':
      return put(code, L.MATCH_CONNBYTES, 0, [MODES[m.mode] | DIRS[m.dir], ...halves(m.from), ...halves(m.to)])
    case 'connlimit': {
      const flags = (m.above ? L.CONNLIMIT_ABOVE : 0) | (m.side === 'dest' ? L.CONNLIMIT_DEST : 0)
      const mask = maskWords(family, m.mask)
      return put(code, L.MATCH_CONNLIMIT, flags, [m.limit, state.reserve(L.CONNLIMIT_STATE_WORDS), ...mask])
    }
  }
}
