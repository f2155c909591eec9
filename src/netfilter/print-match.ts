// Matches as iptables-save (legacy, 1.8.9) prints them: ` -m NAME` and the options in the order of the extension's save
// function, negation as ` !` before the option. Owns nothing but this text.

import { printListed } from './listed.js'
import type { Match, Negatable, Range } from './model.js'
import { SCTP_CHUNKS, TCP_FLAG_NAMES } from './names.js'
import { printConnectionMatch } from './print-match-connection.js'
import { printContextMatch } from './print-match-context.js'
import { printHeaderMatch } from './print-match-header.js'
import { printLimitMatch } from './print-match-limits.js'
import { printLinkMatch } from './print-match-link.js'
import { printSetMatch } from './print-set.js'
import { quote } from './quote.js'

type MatchOf<K extends Match['match']> = Extract<Match, { readonly match: K }>

const not = (negatable: { readonly not: boolean }): string => (negatable.not ? ' !' : '')

/** `value` or `from:to`. */
export function rangeText(range: Range): string {
  return range.from === range.to ? String(range.from) : `${range.from}:${range.to}`
}

/** `0xVALUE`, with `/0xMASK` unless the mask is all ones. */
export function maskedText(value: number, mask: number): string {
  return mask === 0xffffffff ? `0x${value.toString(16)}` : `0x${value.toString(16)}/0x${mask.toString(16)}`
}

function option(name: string, value: Negatable<string> | undefined): string {
  return value === undefined ? '' : `${not(value)} --${name} ${value.value}`
}

function rangeOption(name: string, value: Negatable<Range> | undefined): string {
  return value === undefined ? '' : `${not(value)} --${name} ${rangeText(value.value)}`
}

function flagNames(bits: number): string {
  const names = TCP_FLAG_NAMES.filter(([, bit]) => bits & bit).map(([name]) => name)
  return names.length === 0 ? 'NONE' : names.join(',')
}

function tcp(m: MatchOf<'tcp'>): string {
  const { flags, option: tcpOption } = m
  let text = ` -m tcp${rangeOption('sport', m.sport)}${rangeOption('dport', m.dport)}`
  if (tcpOption !== undefined) text += `${not(tcpOption)} --tcp-option ${tcpOption.value}`
  if (flags !== undefined) {
    text += `${not(flags)} --tcp-flags ${flagNames(flags.value.mask)} ${flagNames(flags.value.comp)}`
  }
  return text
}

function sctp(m: MatchOf<'sctp'>): string {
  const { chunks } = m
  const ports = ` -m sctp${rangeOption('sport', m.sport)}${rangeOption('dport', m.dport)}`
  if (chunks === undefined) return ports
  const { types } = chunks.value
  const list =
    types.length === 0
      ? 'NONE'
      : types.length === 256
        ? 'ALL'
        : types
            .map(({ type, flags }) => {
              const name = SCTP_CHUNKS.find((c) => c[1] === type)?.[0] ?? String(type)
              return flags === undefined ? name : `${name}:${flags}`
            })
            .join(',')
  return `${ports}${not(chunks)} --chunk-types ${chunks.value.how} ${list}`
}

function icmp(m: MatchOf<'icmp' | 'icmp6'>): string {
  const { type, codes } = m.type.value
  const head = m.match === 'icmp' ? ` -m icmp${not(m.type)} --icmp-type` : ` -m icmp6${not(m.type)} --icmpv6-type`
  if (m.match === 'icmp' && type === 255) return `${head} any`
  if (codes.from === 0 && codes.to === 255) return `${head} ${type}`
  return `${head} ${type}/${rangeText(codes)}`
}

const hostText = (prefix: Negatable<string> | undefined): Negatable<string> | undefined => {
  if (prefix === undefined) return undefined
  const whole = prefix.value.includes(':') ? '/128' : '/32'
  return prefix.value.endsWith(whole) ? { not: prefix.not, value: prefix.value.slice(0, -whole.length) } : prefix
}

function conntrack(m: MatchOf<'conntrack'>): string {
  const { ctstate, ctproto, ctstatus } = m
  let text = ' -m conntrack'
  if (ctstate !== undefined) text += `${not(ctstate)} --ctstate ${ctstate.value.join(',')}`
  if (ctproto !== undefined) text += `${not(ctproto)} --ctproto ${ctproto.value}`
  text += option('ctorigsrc', hostText(m.ctorigsrc))
  text += option('ctorigdst', hostText(m.ctorigdst))
  text += option('ctreplsrc', hostText(m.ctreplsrc))
  text += option('ctrepldst', hostText(m.ctrepldst))
  text += rangeOption('ctorigsrcport', m.ctorigsrcport)
  text += rangeOption('ctorigdstport', m.ctorigdstport)
  text += rangeOption('ctreplsrcport', m.ctreplsrcport)
  text += rangeOption('ctrepldstport', m.ctrepldstport)
  if (ctstatus !== undefined) text += `${not(ctstatus)} --ctstatus ${ctstatus.value.join(',')}`
  text += rangeOption('ctexpire', m.ctexpire)
  if (m.ctdir !== undefined) text += ` --ctdir ${m.ctdir}`
  return text
}

function addrtype(m: MatchOf<'addrtype'>): string {
  let text = ' -m addrtype'
  if (m.srcType !== undefined) text += `${not(m.srcType)} --src-type ${m.srcType.value.join(',')}`
  if (m.dstType !== undefined) text += `${not(m.dstType)} --dst-type ${m.dstType.value.join(',')}`
  if (m.limitIface !== undefined) text += ` --limit-iface-${m.limitIface}`
  return text
}

/**
 * A 31-bit probability as iptables prints it: value / 2^31 with 11 decimals, a tie rounded to the even digit as C does.
 * `value` is 0..2^31.
 *
 * @example probabilityText(715827883) // '0.33333333349'
 */
export function probabilityText(value: number): string {
  const scaled = BigInt(value) * 100_000_000_000n
  let digits = scaled >> 31n
  const rest = scaled & 0x7fff_ffffn
  if (rest > 0x4000_0000n || (rest === 0x4000_0000n && digits & 1n)) digits += 1n
  const text = digits.toString().padStart(12, '0')
  return `${text.slice(0, -11)}.${text.slice(-11)}`
}

function statistic(m: MatchOf<'statistic'>): string {
  return m.mode === 'random'
    ? ` -m statistic --mode random${not(m)} --probability ${probabilityText(m.probability)}`
    : ` -m statistic --mode nth${not(m)} --every ${m.every} --packet ${m.packet}`
}

function recent(m: MatchOf<'recent'>): string {
  let text = ` -m recent${not(m)} --${m.op}`
  if (m.seconds !== undefined) text += ` --seconds ${m.seconds}`
  if (m.reap) text += ' --reap'
  if (m.hitcount !== undefined) text += ` --hitcount ${m.hitcount}`
  if (m.rttl) text += ' --rttl'
  return `${text} --name ${m.name} --mask ${m.mask} --r${m.side}`
}

function physdev(m: MatchOf<'physdev'>): string {
  let text = ' -m physdev'
  if (m.isIn !== undefined) text += `${not(m.isIn)} --physdev-is-in`
  text += option('physdev-in', m.in)
  if (m.isOut !== undefined) text += `${not(m.isOut)} --physdev-is-out`
  text += option('physdev-out', m.out)
  if (m.isBridged !== undefined) text += `${not(m.isBridged)} --physdev-is-bridged`
  return text
}

function iprange(m: MatchOf<'iprange'>): string {
  let text = ' -m iprange'
  if (m.src !== undefined) text += `${not(m.src)} --src-range ${m.src.value.from}-${m.src.value.to}`
  if (m.dst !== undefined) text += `${not(m.dst)} --dst-range ${m.dst.value.from}-${m.dst.value.to}`
  return text
}

/**
 * One match as iptables-save prints it, with a leading blank.
 *
 * @example printMatch({ match: 'udp', dport: { not: true, value: { from: 53, to: 53 } } }) // ' -m udp ! --dport 53'
 */
export function printMatch(m: Match): string {
  if ('options' in m) return printListed(m)
  switch (m.match) {
    case 'comment':
      return ` -m comment --comment ${quote(m.comment)}`
    case 'tcp':
      return tcp(m)
    case 'udp':
      return ` -m udp${rangeOption('sport', m.sport)}${rangeOption('dport', m.dport)}`
    case 'sctp':
      return sctp(m)
    case 'icmp':
    case 'icmp6':
      return icmp(m)
    case 'conntrack':
      return conntrack(m)
    case 'state':
      return ` -m state${not(m.state)} --state ${m.state.value.join(',')}`
    case 'mark':
    case 'connmark':
      return ` -m ${m.match}${not(m.mark)} --mark ${maskedText(m.mark.value.value, m.mark.value.mask)}`
    case 'addrtype':
      return addrtype(m)
    case 'statistic':
      return statistic(m)
    case 'recent':
      return recent(m)
    case 'multiport':
      return ` -m multiport${not(m)} --${m.on} ${m.ports.map(rangeText).join(',')}`
    case 'iprange':
      return iprange(m)
    case 'set':
      return printSetMatch(m)
    case 'limit':
      return ` -m limit --limit ${m.rate}/${m.unit}${m.burst === 5 ? '' : ` --limit-burst ${m.burst}`}`
    case 'physdev':
      return physdev(m)
    case 'owner':
    case 'time':
    case 'rpfilter':
      return printContextMatch(m)
    case 'connbytes':
    case 'connlimit':
      return printConnectionMatch(m)
    case 'quota':
    case 'hashlimit':
      return printLimitMatch(m)
    case 'length':
    case 'ttl':
    case 'hl':
    case 'tos':
    case 'dscp':
    case 'ecn':
    case 'cpu':
      return printHeaderMatch(m)
    case 'mac':
    case 'pkttype':
      return printLinkMatch(m)
    case 'nfacct':
      return ` -m nfacct --nfacct-name  ${quote(m.name)}` // iptables writes two blanks
  }
}
