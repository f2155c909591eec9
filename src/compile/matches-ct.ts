// Matches on a packet's connection as words of CODE. Kernel: net/netfilter/xt_conntrack.c, xt_state.c.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import type { CtStateName, Match } from '../netfilter/model.js'
import { type MatchCount, type MatchRule, type MatchSink, put, span } from './matches.js'

const CT_STATES: Readonly<Record<CtStateName, number>> = {
  ESTABLISHED: L.CTSTATE_ESTABLISHED,
  RELATED: L.CTSTATE_RELATED,
  NEW: L.CTSTATE_NEW,
  INVALID: L.CTSTATE_INVALID,
  UNTRACKED: L.CTSTATE_UNTRACKED,
  SNAT: L.CTSTATE_SNAT,
  DNAT: L.CTSTATE_DNAT,
}
/** IPS_* bits; NONE names no bit. */
const CT_STATUS = { NONE: 0, EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8 } as const
export function ctStates(names: readonly CtStateName[]): number {
  return names.reduce((bits, name) => bits | CT_STATES[name], 0)
}

export function conntrackMatch(sink: MatchSink, at: MatchRule, m: Extract<Match, { match: 'conntrack' }>): MatchCount {
  const words = new Array<number>(L.MATCH_CT_WORDS - 1).fill(0)
  const word = (offset: number): number => offset / 4 - 1
  let has = 0
  let inverted = 0
  const note = (bit: number, x: { readonly not: boolean }): void => {
    has |= bit
    if (x.not) inverted |= bit
  }
  if (m.ctstate) {
    note(L.CT_HAS_STATE, m.ctstate)
    words[word(L.MATCH_CT_STATE_OFF)] = ctStates(m.ctstate.value)
  }
  if (m.ctstatus) {
    note(L.CT_HAS_STATUS, m.ctstatus)
    words[word(L.MATCH_CT_STATUS_OFF)] = m.ctstatus.value.reduce((bits, name) => bits | CT_STATUS[name], 0)
  }
  if (m.ctproto) {
    note(L.CT_HAS_PROTO, m.ctproto)
    words[word(L.MATCH_CT_PROTO_OFF)] = m.ctproto.value
  }
  if (m.ctexpire) {
    note(L.CT_HAS_EXPIRE, m.ctexpire)
    words[word(L.MATCH_CT_EXPIRE_OFF)] = m.ctexpire.value.from
    words[word(L.MATCH_CT_EXPIRE_OFF) + 1] = m.ctexpire.value.to
  }
  if (m.ctdir) note(L.CT_HAS_DIR, { not: m.ctdir === 'REPLY' })
  const ports = [m.ctorigsrcport, m.ctorigdstport, m.ctreplsrcport, m.ctrepldstport]
  ports.forEach((range, i) => {
    if (range === undefined) return
    note(L.CT_HAS_PORT << i, range)
    words[word(L.MATCH_CT_PORTS_OFF) + i] = span(range.value)
  })
  const addresses = [m.ctorigsrc, m.ctorigdst, m.ctreplsrc, m.ctrepldst]
  addresses.forEach((prefix, i) => {
    if (prefix === undefined) return
    note(L.CT_HAS_ADDR << i, prefix)
    const net = sink.context.prefix(prefix.value, at.family)
    if (net === null) {
      sink.context.fault(at.place, `\`${escapeText(prefix.value)}\` is not an ${at.family} prefix`)
      return
    }
    const base = word(L.MATCH_CT_ADDRS_OFF) + i * 8
    words.splice(base, 8, ...net.address, ...net.mask)
  })
  if (has === L.CT_HAS_STATE) {
    return put(sink.code, L.MATCH_CT_STATE, inverted ? L.MATCH_NOT : 0, [words[word(L.MATCH_CT_STATE_OFF)]!])
  }
  words[word(L.MATCH_CT_HAS_OFF)] = has
  words[word(L.MATCH_CT_NOT_OFF)] = inverted
  return put(sink.code, L.MATCH_CT, 0, words)
}
