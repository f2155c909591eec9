// Rules about ipsets: the words of the match `set` and of the target SET. Kernel: net/netfilter/xt_set.c.
import * as L from '../../assembly/layout.js'
import type { Match, SetCounterTest, SetDirection, SetReference, Target } from '../netfilter/model.js'
import type { MatchRule, MatchSink } from './matches.js'

/** Number of sides, and which of them are the packet's source. */
function setSides(dirs: readonly SetDirection[]): number {
  return dirs.length | (dirs.reduce((bits, dir, i) => bits | (dir === 'src' ? 1 << i : 0), 0) << 8)
}

const SET_OPS = { eq: L.SETOP_EQ, ne: L.SETOP_NE, lt: L.SETOP_LT, gt: L.SETOP_GT } as const

/** Kind, flags and words of the match `set`. */
export function setMatch(
  sink: MatchSink,
  at: MatchRule,
  m: Extract<Match, { match: 'set' }>,
): [kind: number, flags: number, words: number[]] {
  const tested = m.packets !== undefined || m.bytes !== undefined
  const flags =
    (m.not ? L.MATCH_NOT : 0) |
    (m.returnNomatch ? L.SET_RETURN_NOMATCH : 0) |
    (m.keepCounters ? L.SET_KEEP_COUNTERS : 0) |
    (m.keepSubcounters ? L.SET_KEEP_SUBCOUNTERS : 0) |
    (tested ? L.SET_TESTS_COUNTERS : 0)
  const words = [sink.sets.use(m.name, at.place), setSides(m.dirs)]
  if (tested) {
    const op = (test: SetCounterTest | undefined): number => (test === undefined ? L.SETOP_NONE : SET_OPS[test.op])
    const value = (n = 0n): number[] => [Number(n & 0xffffffffn), Number(n >> 32n)]
    words.push(op(m.packets) | (op(m.bytes) << 8), ...value(m.packets?.value), ...value(m.bytes?.value))
  }
  return [L.MATCH_SET, flags, words]
}

/** Writes a SETWORK record; returns its word index. */
export function setWork(sink: MatchSink, at: MatchRule, t: Extract<Target, { target: 'SET' }>): number {
  const { add, del, map } = t
  const flags =
    (add ? L.SETWORK_ADDS : 0) |
    (del ? L.SETWORK_DELS : 0) |
    (map ? L.SETWORK_MAPS : 0) |
    (add?.exist ? L.SETWORK_EXIST : 0) |
    (add?.timeout === undefined ? 0 : L.SETWORK_HAS_TIMEOUT) |
    (map?.mark ? L.SETWORK_MARK : 0)
  const reference = (r: SetReference | undefined, changes: boolean): number[] =>
    r === undefined ? [0, 0] : [sink.sets.use(r.name, at.place, changes), setSides(r.dirs)]
  const words = [flags, ...reference(add, true), ...reference(del, true), ...reference(map, false), add?.timeout ?? 0]
  const start = sink.code.reserve(L.SETWORK_BYTES >>> 2)
  sink.code.setAll(start, words)
  return start
}
