// Reading the target HMARK. Spec: iptables-extensions(8) 1.8.9; the kernel's net/netfilter/xt_HMARK.c.
import { type Draft, type Extension, must, type Option, options, refuse } from './extension.js'
import type { Target } from './model.js'
import { prefixLength } from './prefix-length.js'
import { shown, uint } from './words.js'

type Hmark = Extract<Target, { readonly target: 'HMARK' }>
type HmarkDraft = Draft<Hmark> & { fromTuple?: string[] }
type NumberKey =
  | 'sportMask'
  | 'dportMask'
  | 'spiMask'
  | 'sport'
  | 'dport'
  | 'spi'
  | 'protoMask'
  | 'rnd'
  | 'mod'
  | 'offset'

/** What counts, by the names in `--hmark-tuple`, in the order in which an abbreviation is looked up. */
const PARTS: readonly (readonly [string, string, (d: HmarkDraft, bits: number) => void])[] = [
  ['ct', '', (d) => Object.assign(d, { ct: true })],
  ['src', 'hmark-src-prefix', (d, bits) => Object.assign(d, { srcPrefix: bits })],
  ['dst', 'hmark-dst-prefix', (d, bits) => Object.assign(d, { dstPrefix: bits })],
  ['sport', 'hmark-sport-mask', (d) => Object.assign(d, { sportMask: 0xffff })],
  ['dport', 'hmark-dport-mask', (d) => Object.assign(d, { dportMask: 0xffff })],
  ['proto', 'hmark-proto-mask', (d) => Object.assign(d, { protoMask: 0xffff })],
  ['spi', 'hmark-spi-mask', (d) => Object.assign(d, { spiMask: 0xffffffff })],
]

function number(key: NumberKey, max: number, min = 0): Option<HmarkDraft> {
  return {
    words: 1,
    read: (d, w) => {
      if (d.fromTuple?.includes(w.name)) throw w.bad(`HMARK: --${w.name} was given by --hmark-tuple`, 'option')
      d[key] = must(w, uint(w.word, min, max), `a number ${min}..${max}`)
    },
  }
}

function prefix(key: 'srcPrefix' | 'dstPrefix'): Option<HmarkDraft> {
  return {
    words: 1,
    read: (d, w) => {
      if (d.fromTuple?.includes(w.name)) throw w.bad(`HMARK: --${w.name} was given by --hmark-tuple`, 'option')
      d[key] = prefixLength(w)
    },
  }
}

const U32 = 0xffffffff
const hmark: Extension<HmarkDraft> = {
  name: 'HMARK',
  start: () => ({ target: 'HMARK' }),
  options: options<HmarkDraft>({
    'hmark-tuple': {
      words: 1,
      read: (d, w) => {
        d.fromTuple = w.word.split(',').map((word) => {
          const part = word === '' ? undefined : PARTS.find(([name]) => name.startsWith(word.toLowerCase()))
          if (part === undefined) {
            throw w.bad(`${shown(word)} is no part of a packet: expected ${PARTS.map(([name]) => name).join(', ')}`)
          }
          part[2](d, w.rule.family === 'ipv4' ? 32 : 128)
          return part[1]
        })
      },
    },
    'hmark-src-prefix': prefix('srcPrefix'),
    'hmark-dst-prefix': prefix('dstPrefix'),
    'hmark-sport-mask': number('sportMask', 65535),
    'hmark-dport-mask': number('dportMask', 65535),
    'hmark-spi-mask': number('spiMask', U32),
    'hmark-sport': number('sport', 65535),
    'hmark-dport': number('dport', 65535),
    'hmark-spi': number('spi', U32),
    'hmark-proto-mask': number('protoMask', 65535),
    'hmark-rnd': number('rnd', U32),
    'hmark-mod': number('mod', U32, 1),
    'hmark-offset': number('offset', U32),
  }),
  end(d) {
    const { mod, rnd, fromTuple: _, target: _t, offset: _o, ...what } = d
    delete d.fromTuple
    if (mod === undefined) refuse('HMARK needs --hmark-mod')
    if (rnd === undefined) refuse('HMARK needs --hmark-rnd')
    if (d.spiMask !== undefined && (d.sportMask !== undefined || d.dportMask !== undefined))
      refuse('HMARK: --hmark-spi-mask and masks of ports exclude each other')
    if (d.spi !== undefined && (d.sport !== undefined || d.dport !== undefined))
      refuse('HMARK: --hmark-spi and ports exclude each other')
    if (Object.values(what).every((value) => value === undefined)) refuse('HMARK needs --hmark-tuple')
  },
}

export const HMARK_TARGETS: readonly Extension<never>[] = [hmark] as never
