// Targets of the rule model as the three target words of a rule record. Owns the NATRANGE records in CODE.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import { addressWords, parseAddress } from '../net/ip.js'
import type { NatRange, Target } from '../netfilter/model.js'
import { writeHmark } from './hmark-target.js'
import type { MatchRule, MatchSink } from './matches.js'
import { prefixRange, writeNpt } from './prefix-targets.js'
import { setWork } from './set-rules.js'
import { otherTarget } from './targets-other.js'

/** RULE_TARGET, RULE_A, RULE_B */
export type TargetWords = readonly [number, number, number]

const REJECTS: Readonly<Record<'ipv4' | 'ipv6', ReadonlyMap<string, number>>> = {
  ipv4: new Map([
    ['icmp-net-unreachable', L.REJECT_ICMP_NET_UNREACHABLE],
    ['icmp-host-unreachable', L.REJECT_ICMP_HOST_UNREACHABLE],
    ['icmp-proto-unreachable', L.REJECT_ICMP_PROTO_UNREACHABLE],
    ['icmp-port-unreachable', L.REJECT_ICMP_PORT_UNREACHABLE],
    ['icmp-net-prohibited', L.REJECT_ICMP_NET_PROHIBITED],
    ['icmp-host-prohibited', L.REJECT_ICMP_HOST_PROHIBITED],
    ['icmp-admin-prohibited', L.REJECT_ICMP_ADMIN_PROHIBITED],
    ['tcp-reset', L.REJECT_TCP_RESET],
  ]),
  ipv6: new Map([
    ['icmp6-no-route', L.REJECT_ICMP6_NO_ROUTE],
    ['icmp6-adm-prohibited', L.REJECT_ICMP6_ADM_PROHIBITED],
    ['icmp6-addr-unreachable', L.REJECT_ICMP6_ADDR_UNREACHABLE],
    ['icmp6-port-unreachable', L.REJECT_ICMP6_PORT_UNREACHABLE],
    ['icmp6-policy-fail', L.REJECT_ICMP6_POLICY_FAIL],
    ['icmp6-reject-route', L.REJECT_ICMP6_REJECT_ROUTE],
    ['tcp-reset', L.REJECT_TCP_RESET],
  ]),
}
const NAT_KINDS = { DNAT: L.NAT_DNAT, SNAT: L.NAT_SNAT, MASQUERADE: L.NAT_MASQUERADE, REDIRECT: L.NAT_REDIRECT }
const CONNMARK_OPS = {
  set: L.TARGET_CONNMARK_SET,
  save: L.TARGET_CONNMARK_SAVE,
  restore: L.TARGET_CONNMARK_RESTORE,
}

/** Writes a NATRANGE record and returns its word index in CODE. */
function natRange(sink: MatchSink, at: MatchRule, range: NatRange): number {
  const word = sink.code.reserve(L.NATRANGE_BYTES >>> 2)
  const set = (offset: number, value: number): void => sink.code.set(word + (offset >>> 2), value)
  let flags =
    (range.random ? L.NATRANGE_RANDOM : 0) |
    (range.randomFully ? L.NATRANGE_RANDOM_FULLY : 0) |
    (range.persistent ? L.NATRANGE_PERSISTENT : 0)
  if (range.ports) {
    flags |= L.NATRANGE_HAS_PORT
    set(L.NATRANGE_MIN_PORT_OFF, range.ports.from)
    set(L.NATRANGE_MAX_PORT_OFF, range.ports.to)
  }
  if (range.basePort !== undefined) {
    flags |= L.NATRANGE_OFFSET
    set(L.NATRANGE_BASE_PORT_OFF, range.basePort)
  }
  const from = range.from ?? range.to
  if (from !== undefined) {
    flags |= L.NATRANGE_HAS_ADDR
    for (const [text, offset] of [
      [from, L.NATRANGE_MIN_ADDR_OFF],
      [range.to ?? from, L.NATRANGE_MAX_ADDR_OFF],
    ] as const) {
      const address = parseAddress(text)
      if (address === null || address.family !== at.family) {
        sink.context.fault(at.place, `\`${escapeText(text)}\` is not an ${at.family} address`)
      } else sink.code.setAll(word + (offset >>> 2), address.words)
    }
  }
  set(L.NATRANGE_FLAGS_OFF, flags)
  return word
}

function shiftedConnmark(sink: MatchSink, t: Extract<Target, { target: 'CONNMARK' }>): TargetWords {
  const { shift = 0 } = t
  const bits = shift > 0 ? shift : -shift << 8
  const word = sink.code.reserve(L.CONNMARK_SHIFT_WORDS)
  sink.code.setAll(word, [CONNMARK_OPS[t.op], (t.op === 'set' ? t.value : t.nfmask) >>> 0, t.ctmask >>> 0, bits])
  return [L.TARGET_CONNMARK_SHIFT, word, 0]
}

/** The target words of a rule; `chainOf` gives the index of a chain of the same table. */
export function writeTarget(
  sink: MatchSink,
  at: MatchRule,
  target: Target | undefined,
  chainOf: (name: string) => number | undefined,
): TargetWords {
  if (target === undefined) return [L.TARGET_NONE, 0, 0]
  switch (target.target) {
    case 'ACCEPT':
      return [L.TARGET_ACCEPT, 0, 0]
    case 'DROP':
      return [L.TARGET_DROP, 0, 0]
    case 'RETURN':
      return [L.TARGET_RETURN, 0, 0]
    case 'jump':
    case 'goto': {
      const chain = chainOf(target.chain)
      if (chain === undefined) {
        sink.context.fault(at.place, `there is no chain \`${escapeText(target.chain)}\` in this table`)
        return [L.TARGET_NONE, 0, 0]
      }
      return [target.target === 'jump' ? L.TARGET_JUMP : L.TARGET_GOTO, chain, 0]
    }
    case 'REJECT': {
      const code = REJECTS[at.family].get(target.with)
      if (code === undefined) {
        sink.context.fault(at.place, `REJECT cannot answer with \`${escapeText(target.with)}\` in ${at.family}`)
        return [L.TARGET_NONE, 0, 0]
      }
      return [L.TARGET_REJECT, code, 0]
    }
    case 'DNAT':
    case 'SNAT':
    case 'MASQUERADE':
    case 'REDIRECT':
      return [L.TARGET_NAT, NAT_KINDS[target.target], natRange(sink, at, target.range)]
    case 'NETMAP':
      return [L.TARGET_NAT, L.NAT_NETMAP, natRange(sink, at, prefixRange(target.to))]
    case 'SNPT':
    case 'DNPT':
      return [target.target === 'SNPT' ? L.TARGET_SNPT : L.TARGET_DNPT, writeNpt(sink, target), 0]
    case 'MARK':
      return [L.TARGET_MARK, target.value >>> 0, target.mask >>> 0]
    case 'CONNMARK':
      if (target.shift) return shiftedConnmark(sink, target)
      return [CONNMARK_OPS[target.op], (target.op === 'set' ? target.value : target.nfmask) >>> 0, target.ctmask >>> 0]
    case 'CT': {
      if (target.notrack) return [L.TARGET_NOTRACK, 0, 0]
      const zones = [target.zoneOrig ?? target.zone ?? 0, target.zoneReply ?? target.zone ?? 0] as const
      const [orig, reply] = zones.map((z) => (z === 'mark' ? 0 : z)) as [number, number]
      const fromMark = (zones[0] === 'mark' ? 1 : 0) | (zones[1] === 'mark' ? 2 : 0)
      const { attached } = sink.context
      const helper = target.helper === undefined ? 0 : attached.indexOf(`helper ${target.helper}`) + 1
      const policy = target.timeout === undefined ? 0 : attached.indexOf(`timeout policy ${target.timeout}`) + 1
      return [L.TARGET_CT, (orig | (reply << 16)) >>> 0, fromMark | (helper << 8) | (policy << 16)]
    }
    case 'NOTRACK':
      return [L.TARGET_NOTRACK, 0, 0]
    case 'SET':
      return [L.TARGET_SET, setWork(sink, at, target), 0]
    case 'LOG':
    case 'NFLOG':
    case 'TCPMSS':
    case 'CHECKSUM':
      return [L.TARGET_NONE, 0, 0]
    case 'SYNPROXY':
      return [L.TARGET_ASK, L.FIELD_SYNPROXY, 0]
    case 'TEE': {
      if (target.oif !== undefined) return [L.TARGET_ASK, L.FIELD_TEE_OIF, 0]
      const word = sink.code.reserve(4)
      sink.code.setAll(word, addressWords(target.gateway))
      return [L.TARGET_TEE, word, 0]
    }
    case 'HMARK':
      return [L.TARGET_HMARK, writeHmark(sink, at, target), 0]
    case 'TPROXY':
      return [L.TARGET_TPROXY, target.value, target.mask]
    case 'TTL':
    case 'HL':
    case 'DSCP':
    case 'TOS':
    case 'ECN':
    case 'NFQUEUE':
    case 'TRACE':
    case 'AUDIT':
    case 'CLASSIFY':
    case 'CONNSECMARK':
    case 'SECMARK':
    case 'IDLETIMER':
    case 'LED':
    case 'RATEEST':
    case 'TCPOPTSTRIP':
      return otherTarget(target)
    default:
      sink.context.fault(
        at.place,
        `the target ${escapeText(String((target as { target: unknown }).target))} is not supported`,
      )
      return [L.TARGET_NONE, 0, 0]
  }
}
