// What HMARK hashes, as a record of CODE.
import * as L from '../../assembly/layout.js'
import { maskWords } from '../net/ip.js'
import type { OtherTarget } from '../netfilter/model-target.js'
import type { MatchRule, MatchSink } from './matches.js'

/** Returns the record's word index. */
export function writeHmark(
  { code }: MatchSink,
  { family }: MatchRule,
  t: Extract<OtherTarget, { target: 'HMARK' }>,
): number {
  const word = code.reserve(L.HMARK_BYTES >>> 2)
  const set = (offset: number, ...words: readonly number[]): void => code.setAll(word + (offset >>> 2), words)
  set(L.HMARK_CT_OFF, t.ct ? 1 : 0)
  set(L.HMARK_SRC_MASK_OFF, ...maskWords(family, t.srcPrefix ?? 0))
  set(L.HMARK_DST_MASK_OFF, ...maskWords(family, t.dstPrefix ?? 0))
  set(L.HMARK_PORT_MASK_OFF, t.spiMask ?? (((t.sportMask ?? 0) << 16) | (t.dportMask ?? 0)) >>> 0)
  set(L.HMARK_PORT_SET_OFF, t.spi ?? (((t.sport ?? 0) << 16) | (t.dport ?? 0)) >>> 0)
  set(L.HMARK_PROTO_MASK_OFF, t.protoMask ?? 0)
  set(L.HMARK_RND_OFF, t.rnd)
  set(L.HMARK_MOD_OFF, t.mod)
  set(L.HMARK_OFFSET_OFF, t.offset ?? 0)
  return word
}
