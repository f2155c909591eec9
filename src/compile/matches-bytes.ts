// Matches that read bytes of the packet, and on what is known of its sender, as words of CODE.
// Kernel: net/netfilter/xt_u32.c, xt_string.c, xt_bpf.c, xt_osf.c, xt_cgroup.c.
import * as L from '../../assembly/layout.js'
import { readBytecode } from '../netfilter/bpf.js'
import { type ListedMatch, listed, unquoted } from '../netfilter/model-listed.js'
import { cgroupPath, stringOf } from '../netfilter/pattern.js'
import { readU32, type U32Operator } from '../netfilter/u32.js'
import { type MatchCount, type MatchSink, put } from './matches.js'

const OPERATORS: Readonly<Record<U32Operator, number>> = {
  '@': L.U32_AT,
  '&': L.U32_AND,
  '<<': L.U32_LEFT,
  '>>': L.U32_RIGHT,
}

/** Bytes as words, the first one lowest. */
function byteWords(bytes: Uint8Array): number[] {
  const words = new Array<number>(Math.ceil(bytes.length / 4)).fill(0)
  for (const [i, byte] of bytes.entries()) words[i >>> 2] = (words[i >>> 2]! | (byte << ((i & 3) * 8))) >>> 0
  return words
}

const textWords = (text: string): number[] => {
  const bytes = new TextEncoder().encode(text)
  return [bytes.length, ...byteWords(bytes)]
}

export function stringMatch(sink: MatchSink, m: ListedMatch): MatchCount {
  const { bytes, not, from, to, anyCase } = stringOf(m)
  const flags = (not ? L.MATCH_NOT : 0) | (anyCase ? L.STRING_ANY_CASE : 0)
  return put(sink.code, L.MATCH_STRING, flags, [from, to, bytes.length, ...byteWords(bytes)])
}

export function osfMatch(sink: MatchSink, m: ListedMatch): MatchCount {
  const flags = listed(m, 'log') ? L.OSF_ANY : 0
  return put(sink.code, L.MATCH_OSF, flags, textWords(listed(m, 'genre')!.text))
}

export function cgroupMatch(sink: MatchSink, m: ListedMatch): MatchCount {
  const id = listed(m, 'cgroup')
  if (id) return put(sink.code, L.MATCH_CGROUP, id.not ? L.MATCH_NOT : 0, [Number(id.text)])
  const path = listed(m, 'path')!
  return put(sink.code, L.MATCH_CGROUP_PATH, path.not ? L.MATCH_NOT : 0, textWords(cgroupPath(unquoted(path.text))))
}

export function bpfMatch(sink: MatchSink, m: ListedMatch): MatchCount {
  const words = readBytecode(unquoted(listed(m, 'bytecode')!.text)).flatMap(([code, yes, no, k]) => [
    (code | (yes << 16) | (no << 24)) >>> 0,
    k,
  ])
  return putBehind(sink, L.MATCH_BPF, 0, words)
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
