// Reading the translating targets: DNAT, SNAT, MASQUERADE, REDIRECT.
// Spec: iptables-extensions(8): `--to-destination [ADDRESS[-ADDRESS]][:PORT[-PORT[/BASE]]]`, IPv6 addresses in brackets
// when a port follows. Ports need a protocol that has them, written before the target.
import { addressWords } from '../net/ip.js'
import { type Draft, type Extension, type Option, type OptionWords, options, refuse } from './extension.js'
import type { NatRange } from './model.js'
import { address, port, shown, uint } from './words.js'

interface NatDraft {
  target: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'
  range: Draft<NatRange>
}

const PORT_PROTOCOLS = [6, 17, 132, 33, 1]

function readPorts(words: OptionWords, text: string, range: Draft<NatRange>, base: boolean): void {
  const { rule } = words
  if (!PORT_PROTOCOLS.includes(rule.proto)) {
    throw words.bad('a port needs -p tcp, udp, sctp, dccp or icmp before the target')
  }
  if (text.includes(':')) throw words.bad(`${shown(text)} is no port range: expected FROM-TO with a dash`)
  const parts = /^([^-/]*)(?:-([^-/]*)(?:\/([^-/]*))?)?$/.exec(text)
  const whole = port(text)
  const ranged = parts?.[2] !== undefined && whole === undefined
  const from = ranged ? uint(parts[1]!, 0, 65535) : whole
  const to = ranged ? uint(parts[2]!, 0, 65535) : from
  if (from === undefined || to === undefined) {
    throw words.bad(`${shown(text)} is no port: expected 0..65535, a service name, or FROM-TO`)
  }
  if (from > to) throw words.bad(`the port range ${shown(text)} is reversed: expected FROM-TO`)
  range.ports = { from, to }
  if (parts?.[3] !== undefined) {
    const basePort = port(parts[3])
    if (!base) throw words.bad('a base port (FROM-TO/BASE) goes with DNAT only')
    if (basePort === undefined || basePort === 0)
      throw words.bad(`${shown(parts[3])} is no base port: expected 1..65535`)
    range.basePort = basePort
  }
}

function isAbove(a: string, b: string): boolean {
  const x = addressWords(a)
  const y = addressWords(b)
  const at = x.findIndex((word, i) => word !== y[i])
  return at >= 0 && x[at]! > y[at]!
}

function readTo(words: OptionWords, range: Draft<NatRange>, base: boolean): void {
  const { word, rule } = words
  const open = word.indexOf('[')
  let addresses = word
  let ports: string | undefined
  if (open >= 0) {
    const close = word.indexOf(']', open)
    if (close < 0 || open !== 0 || rule.family === 'ipv4') {
      throw words.bad(
        `${shown(word)} has brackets that do not fit: expected ${rule.family === 'ipv4' ? 'ADDRESS:PORT' : '[ADDRESS]:PORT'}`,
      )
    }
    addresses = word.slice(1, close)
    const rest = word.slice(close + 1)
    if (rest !== '' && !rest.startsWith(':')) throw words.bad(`${shown(rest)} after the bracket: expected :PORT`)
    if (rest !== '') ports = rest.slice(1)
  } else {
    const colon = word.indexOf(':')
    if (colon >= 0 && word.indexOf(':', colon + 1) < 0) {
      addresses = word.slice(0, colon)
      ports = word.slice(colon + 1)
    }
  }
  if (ports !== undefined) readPorts(words, ports, range, base)
  if (addresses === '' && ports !== undefined) return
  const dash = addresses.indexOf('-')
  const from = address(dash < 0 ? addresses : addresses.slice(0, dash), rule.family)
  const to = dash < 0 ? from : address(addresses.slice(dash + 1), rule.family)
  if (from === undefined || to === undefined) {
    throw words.bad(
      `${shown(word)} is no target: expected [ADDRESS[-ADDRESS]][:PORT[-PORT]] with ${rule.family === 'ipv4' ? 'IPv4' : 'IPv6'} addresses`,
    )
  }
  if (from !== to && isAbove(from, to))
    throw words.bad(`the address range ${shown(addresses)} is reversed: expected FROM-TO`)
  range.from = from
  range.to = to
}

function flag(key: 'random' | 'randomFully' | 'persistent'): Option<NatDraft> {
  return {
    words: 0,
    read: (d) => {
      d.range[key] = true
    },
  }
}

function nat(
  name: NatDraft['target'],
  to: string | undefined,
  flags: Record<string, Option<NatDraft>>,
): Extension<NatDraft> {
  const base = name === 'DNAT'
  return {
    name,
    start: () => ({ target: name, range: {} }),
    options: options<NatDraft>({
      [to ?? 'to-ports']: {
        words: 1,
        read: (d, w) => (to === undefined ? readPorts(w, w.word, d.range, base) : readTo(w, d.range, base)),
      },
      ...flags,
    }),
    end(d) {
      if (to !== undefined && d.range.from === undefined && d.range.ports === undefined) refuse(`${name} needs --${to}`)
    },
  }
}

const random = { random: flag('random') }
const fully = { ...random, 'random-fully': flag('randomFully') }
const persistent = { persistent: flag('persistent') }

/** The translating targets. */
export const NAT_TARGETS: readonly Extension<never>[] = [
  nat('DNAT', 'to-destination', { ...random, ...persistent }),
  nat('SNAT', 'to-source', { ...fully, ...persistent }),
  nat('MASQUERADE', undefined, fully),
  nat('REDIRECT', undefined, random),
] as never
