// Matches that read bytes of the packet, as words of CODE. Kernel: net/netfilter/xt_u32.c.
import * as L from '../../assembly/layout.js'
import { type ListedMatch, listed, unquoted } from '../netfilter/model-listed.js'
import { readU32, type U32Operator } from '../netfilter/u32.js'
import { type MatchCount, type MatchSink, put } from './matches.js'

const OPERATORS: Readonly<Record<U32Operator, number>> = {
  '@': L.U32_AT,
  '&': L.U32_AND,
  '<<': L.U32_LEFT,
  '>>': L.U32_RIGHT,
}

/** Puts words behind the rule's matches and the match's reference to them: where, how many. */
export function putBehind(sink: MatchSink, kind: number, flags: number, words: readonly number[]): MatchCount {
  const count = put(sink.code, kind, flags, [0, words.length])
  sink.behind.push({ slot: sink.code.length - 2, words })
  return count
}

export function u32Match(sink: MatchSink, m: ListedMatch): MatchCount {
  const option = listed(m, 'u32')!
  const words = readU32(unquoted(option.text)).flatMap(({ at, steps, ranges }) => [
    ...[L.U32_AT, at],
    ...steps.flatMap(({ op, number }) => [OPERATORS[op], number]),
    ...[L.U32_END, ranges.length],
    ...ranges.flatMap(({ from, to }) => [from, to]),
  ])
  return putBehind(sink, L.MATCH_U32, option.not ? L.MATCH_NOT : 0, words)
}
