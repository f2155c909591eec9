// The targets of model-target.ts as iptables-save prints them.
import type { HeaderTarget, OtherTarget } from './model-target.js'

type Hmark = Extract<HeaderTarget, { readonly target: 'HMARK' }>
type Of<K extends OtherTarget['target']> = Extract<OtherTarget, { readonly target: K }>

const hex = (value: number, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`

function hmark(t: Hmark): string {
  const part = (name: string, value: string | number | undefined): string =>
    value === undefined ? '' : ` --hmark-${name} ${value}`
  const number = (value: number | undefined, digits: number): string | undefined =>
    value === undefined ? undefined : hex(value, digits)
  return [
    part('src-prefix', t.srcPrefix),
    part('dst-prefix', t.dstPrefix),
    part('sport-mask', number(t.sportMask, 4)),
    part('dport-mask', number(t.dportMask, 4)),
    part('spi-mask', number(t.spiMask, 8)),
    part('sport', number(t.sport, 4)),
    part('dport', number(t.dport, 4)),
    part('spi', number(t.spi, 8)),
    part('proto-mask', number(t.protoMask, 2)),
    part('rnd', hex(t.rnd, 8)),
    part('mod', t.mod),
    part('offset', t.offset),
    t.ct ? ' --hmark-tuple ct' : '',
  ].join('')
}

function queue(t: Of<'NFQUEUE'>): string {
  const which = t.to === undefined ? `--queue-num ${t.queue}` : `--queue-balance ${t.queue}:${t.to}`
  return ` ${which}${t.bypass ? ' --queue-bypass' : ''}${t.cpuFanout ? ' --queue-cpu-fanout' : ''}`
}

function synproxy(t: Of<'SYNPROXY'>): string {
  return `${t.sackPerm ? ' --sack-perm' : ''}${t.timestamp ? ' --timestamp' : ''}${
    t.wscale === undefined ? '' : ` --wscale ${t.wscale}`
  }${t.mss === undefined ? '' : ` --mss ${t.mss}`}${t.ecn ? ' --ecn' : ''}`
}

function ecn(t: Of<'ECN'>): string {
  if (t.ece === 0 && t.cwr === 0 && t.ect === undefined) return ' --ecn-tcp-remove'
  return `${t.ece === undefined ? '' : ` --ecn-tcp-ece ${t.ece}`}${t.cwr === undefined ? '' : ` --ecn-tcp-cwr ${t.cwr}`}${
    t.ect === undefined ? '' : ` --ecn-ip-ect ${t.ect}`
  }`
}

function led(t: Of<'LED'>): string {
  // iptables prints the delay as if it had a sign.
  const delay = t.delay ? ` --led-delay ${t.delay | 0}` : ''
  return ` --led-trigger-id "${t.trigger.replace(/["\\]/g, '\\$&')}"${delay}${t.alwaysBlink ? ' --led-always-blink' : ''}`
}

function rateTime(microseconds: number): string {
  return microseconds >= 1_000_000
    ? `${(microseconds / 1_000_000).toFixed(1)}s`
    : `${(microseconds / 1000).toFixed(1)}ms`
}

function rateest(t: Of<'RATEEST'>): string {
  const interval = 250_000 * 2 ** t.interval
  const window = (interval * 2 ** t.log) % 2 ** 32
  return ` --rateest-name ${t.name} --rateest-interval ${rateTime(interval)} --rateest-ewmalog ${rateTime(window)}`
}

function optionsOf(t: OtherTarget): string {
  switch (t.target) {
    case 'TTL':
    case 'HL':
      return ` --${t.target.toLowerCase()}-${t.op} ${t.value}`
    case 'DSCP':
      return ` --set-dscp ${hex(t.dscp, 2)}`
    case 'TOS':
      return ` --set-tos ${hex(t.value, 2)}/${hex(t.mask, 2)}`
    case 'ECN':
      return ecn(t)
    case 'HMARK':
      return hmark(t)
    case 'NFQUEUE':
      return queue(t)
    case 'TEE':
      return ` --gateway ${t.gateway}${t.oif === undefined ? '' : ` --oif ${t.oif}`}`
    case 'TPROXY':
      return ` --on-port ${t.port} --on-ip ${t.ip} --tproxy-mark ${hex(t.value)}/${hex(t.mask)}`
    case 'SYNPROXY':
      return synproxy(t)
    case 'TRACE':
      return ''
    case 'AUDIT':
      return ` --type ${t.type}`
    case 'CLASSIFY':
      return ` --set-class ${t.major.toString(16).padStart(4, '0')}:${t.minor.toString(16).padStart(4, '0')}`
    case 'CONNSECMARK':
      return ` --${t.op}`
    case 'SECMARK':
      return ` --selctx ${t.context}`
    case 'IDLETIMER':
      return ` --timeout ${t.timeout} --label ${t.label}${t.alarm ? ' --alarm' : ''}`
    case 'LED':
      return led(t)
    case 'RATEEST':
      return rateest(t)
    case 'TCPOPTSTRIP':
      return t.options.length === 0 ? '' : ` --strip-options ${t.options.join(',')}`
  }
}

/** With a leading blank. */
export function printOtherTarget(t: OtherTarget): string {
  return ` -j ${t.target}${optionsOf(t)}`
}
