// Targets as iptables-save (legacy, 1.8.9) prints them: ` -j NAME` and the options in the order of the extension's save
// function, defaults left out. Owns nothing but this text.

import type { NatRange, Target } from './model.js'
import { printSetTarget } from './print-set.js'
import { printOtherTarget } from './print-target-other.js'
import { quote } from './quote.js'

type TargetOf<K extends Target['target']> = Extract<Target, { readonly target: K }>

const hex = (value: number): string => `0x${value.toString(16)}`

function portsText(range: NatRange): string {
  const { ports } = range
  if (ports === undefined) return ''
  const span = ports.from === ports.to ? String(ports.from) : `${ports.from}-${ports.to}`
  return range.basePort === undefined ? span : `${span}/${range.basePort}`
}

function natFlags(range: NatRange): string {
  return `${range.random ? ' --random' : ''}${range.randomFully ? ' --random-fully' : ''}${range.persistent ? ' --persistent' : ''}`
}

function addressesAndPorts(range: NatRange): string {
  const { from, to = from } = range
  let text = from === undefined ? '' : from === to ? from : `${from}-${to}`
  if (range.ports !== undefined) {
    if (text.includes(':')) text = `[${text}]`
    text += `:${portsText(range)}`
  }
  return text
}

function nat(t: TargetOf<'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'>): string {
  const { range } = t
  if (t.target === 'DNAT' || t.target === 'SNAT') {
    const to = addressesAndPorts(range)
    const name = t.target === 'DNAT' ? '--to-destination' : '--to-source'
    return ` -j ${t.target}${to === '' ? '' : ` ${name} ${to}`}${natFlags(range)}`
  }
  return ` -j ${t.target}${range.ports === undefined ? '' : ` --to-ports ${portsText(range)}`}${natFlags(range)}`
}

/** A prefix of SNPT and DNPT; iptables leaves that of no address out. */
function npt(side: 'src' | 'dst', prefix: string): string {
  return prefix.startsWith('::/') ? '' : ` --${side}-pfx ${prefix}`
}

function connmark(t: TargetOf<'CONNMARK'>): string {
  const { shift = 0 } = t
  const shifted = shift === 0 ? '' : ` --${shift > 0 ? 'left' : 'right'}-shift-mark ${Math.abs(shift)}`
  return t.op === 'set'
    ? ` -j CONNMARK --set-xmark ${hex(t.value)}/${hex(t.ctmask)}${shifted}`
    : ` -j CONNMARK --${t.op}-mark --nfmask ${hex(t.nfmask)} --ctmask ${hex(t.ctmask)}${shifted}`
}

function log(t: TargetOf<'LOG'>): string {
  let text = ' -j LOG'
  if (t.prefix) text += ` --log-prefix ${quote(t.prefix)}`
  if (t.level !== 4) text += ` --log-level ${t.level}`
  if (t.tcpSequence) text += ' --log-tcp-sequence'
  if (t.tcpOptions) text += ' --log-tcp-options'
  if (t.ipOptions) text += ' --log-ip-options'
  if (t.uid) text += ' --log-uid'
  if (t.macdecode) text += ' --log-macdecode'
  return text
}

function nflog(t: TargetOf<'NFLOG'>): string {
  let text = ' -j NFLOG'
  if (t.prefix) text += ` --nflog-prefix ${quote(t.prefix)}`
  if (t.group) text += ` --nflog-group ${t.group}`
  if (t.size !== undefined) text += ` --nflog-size ${t.size}`
  else if (t.range) text += ` --nflog-range ${t.range}`
  if (t.threshold) text += ` --nflog-threshold ${t.threshold}`
  return text
}

function ct(t: TargetOf<'CT'>): string {
  let text = ' -j CT'
  if (t.notrack) text += ' --notrack'
  if (t.helper) text += ` --helper ${t.helper}`
  if (t.timeout) text += ` --timeout ${t.timeout}`
  if (t.ctevents !== undefined) text += ` --ctevents ${t.ctevents.join(',')}`
  if (t.expevents !== undefined) text += ` --expevents ${t.expevents.join(',')}`
  if (t.zone !== undefined) text += ` --zone ${t.zone}`
  if (t.zoneOrig !== undefined) text += ` --zone-orig ${t.zoneOrig}`
  if (t.zoneReply !== undefined) text += ` --zone-reply ${t.zoneReply}`
  return text
}

/**
 * A target as iptables-save prints it, with a leading blank.
 *
 * @example printTarget({ target: 'goto', chain: 'LOGDROP' }) // ' -g LOGDROP'
 */
export function printTarget(t: Target): string {
  switch (t.target) {
    case 'jump':
      return ` -j ${t.chain}`
    case 'goto':
      return ` -g ${t.chain}`
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
    case 'NOTRACK':
      return ` -j ${t.target}`
    case 'REJECT':
      return ` -j REJECT --reject-with ${t.with}`
    case 'DNAT':
    case 'SNAT':
    case 'MASQUERADE':
    case 'REDIRECT':
      return nat(t)
    case 'NETMAP':
      return ` -j NETMAP --to ${t.to}`
    case 'SNPT':
    case 'DNPT':
      return ` -j ${t.target}${npt('src', t.srcPrefix)}${npt('dst', t.dstPrefix)}`
    case 'MARK':
      return ` -j MARK --set-xmark ${hex(t.value)}/${hex(t.mask)}`
    case 'CONNMARK':
      return connmark(t)
    case 'LOG':
      return log(t)
    case 'NFLOG':
      return nflog(t)
    case 'CT':
      return ct(t)
    case 'TCPMSS':
      return t.mss === 'clamp-to-pmtu' ? ' -j TCPMSS --clamp-mss-to-pmtu' : ` -j TCPMSS --set-mss ${t.mss}`
    case 'CHECKSUM':
      return ' -j CHECKSUM --checksum-fill'
    case 'SET':
      return printSetTarget(t)
    default:
      return printOtherTarget(t)
  }
}
