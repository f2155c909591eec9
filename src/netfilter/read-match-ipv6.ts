// Reading the matches on IPv6 extension headers: ipv6header, frag, hbh, dst, rt, mh, srh, eui64.
// Spec: iptables-extensions(8) 1.8.9 and the kernel's net/ipv6/netfilter/ip6t_*.c.
import { type Extension, type OptionWords, refuse } from './extension.js'
import { type ListedSpec, listedMatch, needs, numberText, rangeText } from './listed.js'
import { address, shown, uint, unmasked } from './words.js'

const U32 = 0xffffffff
const ALL = `0:${U32}`
const family = 'ipv6' as const

/** Header numbers, how each is printed, and other names. */
const HEADERS: readonly (readonly [number, string, ...string[]])[] = [
  [0, 'hop-by-hop', 'hop', 'hopopt', 'ip', '0'],
  [60, 'ipv6-opts', 'dst', '60'],
  [43, 'ipv6-route', 'route', '43'],
  [44, 'ipv6-frag', 'frag', '44'],
  [51, 'ah', 'auth', '51'],
  [50, 'esp', '50'],
  [59, 'ipv6-nonxt', 'none', '59'],
  [255, 'protocol', 'prot', '255'],
]

const ipv6header = listedMatch(
  'ipv6header',
  [
    {
      name: 'header',
      not: true,
      text(w) {
        const found = w.word.split(',').map((n) => HEADERS.find(([, ...names]) => names.includes(n)))
        if (found.includes(undefined)) {
          throw w.bad(`${shown(w.word)} is no list of headers: expected hop, dst, route, frag, auth, esp, none, prot`)
        }
        return HEADERS.filter((h) => found.includes(h))
          .map((h) => h[1])
          .join(',')
      },
    },
    { name: 'soft' },
  ],
  { family, end: (given) => needs('ipv6header', given, 'header') },
)

const frag = listedMatch(
  'frag',
  [
    { name: 'fragid', not: true, text: rangeText(U32), silent: ALL },
    { name: 'fraglen', not: true, text: numberText(0, U32) },
    { name: 'fragres' },
    { name: 'fragfirst' },
    { name: 'fragmore', id: 'more' },
    { name: 'fraglast', id: 'more' },
  ],
  { family },
)

const OPTIONS = 16
/** `TYPE[:LENGTH],…`; each is cut to a byte, a length of 255 is none. */
function headerOptions(w: OptionWords): string {
  const list = w.word.split(',').map((part) => {
    const [type = '', length] = part.split(':')
    const t = uint(type, 0, 2 ** 53)
    const l = length === undefined ? 255 : uint(length, 0, 2 ** 53)
    if (t === undefined || l === undefined)
      throw w.bad(`${shown(w.word)} is no list of options: expected TYPE[:LENGTH],…`)
    if (length !== undefined && t % 256 === 0) throw w.bad('the padding option 0 has no length')
    return l % 256 === 255 ? String(t % 256) : `${t % 256}:${l % 256}`
  })
  if (list.length > OPTIONS) throw w.bad(`too many options: expected at most ${OPTIONS}`)
  return list.join(',')
}
function optionHeader(name: 'hbh' | 'dst'): Extension<never> {
  return listedMatch(
    name,
    [
      { name: `${name}-len`, not: true, text: numberText(0, U32) },
      { name: `${name}-opts`, text: headerOptions },
    ],
    { family },
  )
}

const HOPS = 16
const rt = listedMatch(
  'rt',
  [
    { name: 'rt-type', not: true, text: numberText(0, U32) },
    { name: 'rt-segsleft', not: true, text: rangeText(U32), silent: ALL },
    { name: 'rt-len', not: true, text: numberText(0, U32) },
    { name: 'rt-0-res' },
    {
      name: 'rt-0-addrs',
      text(w) {
        const list = w.word.split(',').map((a) => address(a, 'ipv6'))
        if (list.includes(undefined) || list.length > HOPS) {
          throw w.bad(`${shown(w.word)} is no list of at most ${HOPS} IPv6 addresses`)
        }
        return list.join(',')
      },
    },
    { name: 'rt-0-not-strict' },
  ],
  {
    family,
    end(given) {
      const zero = given.has('rt-0-res') || given.has('rt-0-addrs')
      if (zero && given.text('rt-type') !== '0') refuse('rt: --rt-0-res and --rt-0-addrs need --rt-type 0')
      if (given.has('rt-0-not-strict') && !given.has('rt-0-addrs')) refuse('rt: --rt-0-not-strict needs --rt-0-addrs')
    },
  },
)

const MH_TYPES: readonly (readonly [string, number])[] = [
  ['binding-refresh-request', 0],
  ['brr', 0],
  ['home-test-init', 1],
  ['hoti', 1],
  ['careof-test-init', 2],
  ['coti', 2],
  ['home-test', 3],
  ['hot', 3],
  ['careof-test', 4],
  ['cot', 4],
  ['binding-update', 5],
  ['bu', 5],
  ['binding-acknowledgement', 6],
  ['ba', 6],
  ['binding-error', 7],
  ['be', 7],
]
/** A name may be cut short: the last that begins so, or the whole one. */
function mhType(name: string): number | undefined {
  const wanted = name.toLowerCase()
  const found = MH_TYPES.filter(([n]) => n.startsWith(wanted))
  const whole = found.filter(([n]) => n === wanted)
  return (whole.at(-1) ?? found[0])?.[1] ?? uint(name, 0, 255)
}
const mh = listedMatch(
  'mh',
  [
    {
      name: 'mh-type',
      not: true,
      silent: '0:255',
      text(w) {
        const [low = '', high] = w.word.split(':')
        const from = low === '' && high !== undefined ? 0 : mhType(low)
        const to = high === undefined ? from : high === '' ? 255 : mhType(high)
        if (from === undefined || to === undefined || from > to) throw w.bad(`${shown(w.word)} is no type or FROM:TO`)
        return from === to ? String(from) : `${from}:${to}`
      },
    },
  ],
  { family, proto: 135 },
)

const srhPrefix = (name: string): ListedSpec => ({
  name,
  not: true,
  text(w) {
    const value = unmasked(w.word, 'ipv6')
    if (value === undefined) throw w.bad(`${shown(w.word)} is no IPv6 address or prefix`)
    return value
  },
})
const compared = ['hdr-len', 'segs-left', 'last-entry'].flatMap((field) =>
  ['eq', 'gt', 'lt'].map((how): ListedSpec => ({ name: `srh-${field}-${how}`, not: true, text: numberText(0, 255) })),
)
const srh = listedMatch(
  'srh',
  [
    { name: 'srh-next-hdr', not: true, text: numberText(0, 255) },
    ...compared,
    { name: 'srh-tag', not: true, text: numberText(0, 65535) },
    srhPrefix('srh-psid'),
    srhPrefix('srh-nsid'),
    srhPrefix('srh-lsid'),
  ],
  { family },
)

const eui64 = listedMatch('eui64', [], { family })

/** The matches on IPv6 extension headers. */
export const IPV6_MATCHES: readonly Extension<never>[] = [
  ipv6header,
  frag,
  optionHeader('hbh'),
  optionHeader('dst'),
  rt,
  mh,
  srh,
  eui64,
]
