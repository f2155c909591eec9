// Reading the matches on what only this host's kernel keeps: rateest, ipvs.
// Spec: iptables-extensions(8) 1.8.9; the kernel's net/netfilter/xt_rateest.c, xt_ipvs.c.
import { type Extension, must, type Option, type OptionWords, options, refuse } from './extension.js'
import { listedMatch, needs } from './listed.js'
import type { ListedOption } from './model-listed.js'
import { protocolNumber } from './names.js'
import { cutBytes, port, prefix, shown, uint } from './words.js'

const U32 = 0xffffffff
const NAME_BYTES = 15
/** Bits a second. */
const SCALES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ...(['', 'k', 'm', 'g', 't'] as const).flatMap((letter, power): [string, number][] => [
    [`${letter}bit`, 1000 ** power],
    [`${letter}bps`, 8 * 1000 ** power],
    ...(power === 0
      ? []
      : ([
          [`${letter}ibit`, 1024 ** power],
          [`${letter}ibps`, 8 * 1024 ** power],
        ] as [string, number][])),
  ]),
])

/** Bytes a second, as the kernel keeps them. */
function rate(w: OptionWords): number {
  const parts = /^[ \t]*(\+?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(.*)$/.exec(w.word)
  const scale = SCALES.get(parts?.[2]?.toLowerCase() ?? 'none')
  const value = scale === undefined ? undefined : (Number(parts![1]) * scale) / 8
  return Math.floor(must(w, value, 'a rate such as 100kbit or 10kBps')) % 2 ** 32
}

/** Bits a second as iptables prints them. */
function rateText(bytes: number): string {
  const bits = bytes * 8
  if (bits >= 1e9) return `${(bits / 1e6).toFixed(0)}Mbit`
  return bits >= 1e6 ? `${(bits / 1e3).toFixed(0)}Kbit` : `${bits}bit`
}

interface RateestDraft {
  match: 'rateest'
  options: ListedOption[]
  name1?: string
  name2?: string
  delta?: true
  mode?: ListedOption
  /** By `bps1`, `pps2` and the like. */
  rates: Map<string, number>
}

const estimator = (key: 'name1' | 'name2'): Option<RateestDraft> => ({
  words: 1,
  id: key,
  read: (d, w) => {
    d[key] = cutBytes(w.word, NAME_BYTES)
  },
})
const compared = (kind: 'bps' | 'pps', which: 1 | 2): Option<RateestDraft> => ({
  words: 'optional',
  id: `${kind}${which}`,
  read: (d, w) => {
    const value = w.word === '' ? 0 : kind === 'bps' ? rate(w) : must(w, uint(w.word, 0, U32), `a number 0..${U32}`)
    d.rates.set(`${kind}${which}`, value)
  },
})
const mode = (name: string): Option<RateestDraft> => ({
  words: 0,
  not: true,
  read: (d, w) => {
    d.mode = { option: `rateest-${name}`, not: w.not || d.mode?.not === true, text: '' }
  },
})

const rateest: Extension<RateestDraft> = {
  name: 'rateest',
  start: () => ({ match: 'rateest', options: [], rates: new Map() }),
  options: options<RateestDraft>({
    rateest1: estimator('name1'),
    rateest: estimator('name1'),
    rateest2: estimator('name2'),
    'rateest-bps1': compared('bps', 1),
    'rateest-pps1': compared('pps', 1),
    'rateest-bps2': compared('bps', 2),
    'rateest-pps2': compared('pps', 2),
    'rateest-bps': compared('bps', 2),
    'rateest-pps': compared('pps', 2),
    'rateest-delta': {
      words: 0,
      read: (d) => {
        d.delta = true
      },
    },
    'rateest-lt': mode('lt'),
    'rateest-gt': mode('gt'),
    'rateest-eq': mode('eq'),
  }),
  end(d) {
    const { name1, name2, delta, rates } = d
    if (name1 === undefined) refuse('rateest needs --rateest or --rateest1')
    if (d.mode === undefined) refuse('rateest needs --rateest-lt, --rateest-gt or --rateest-eq')
    const kinds = (['bps', 'pps'] as const).filter((k) => rates.has(`${k}1`) || rates.has(`${k}2`))
    const [kind] = kinds
    if (kind === undefined) refuse('rateest needs --rateest-bps or --rateest-pps')
    // iptables-save prints both such that nothing reads them.
    if (kinds.length > 1) refuse('rateest: bytes and packets in one match cannot be printed: expected one of them')
    const say = (option: string, text = ''): ListedOption => ({ option, not: false, text })
    const value = (which: 1 | 2): string => {
      const n = rates.get(`${kind}${which}`) ?? 0
      return kind === 'bps' ? rateText(n) : String(n)
    }
    d.options = [
      ...(delta ? [say('rateest-delta')] : []),
      say(name2 === undefined ? 'rateest' : 'rateest1', name1),
      ...(delta ? [say(`rateest-${kind}1`, value(1))] : []),
      d.mode,
      ...(delta ? [say(`rateest-${kind}2`, value(2))] : [say(`rateest-${kind}`, name2 === undefined ? value(2) : '')]),
      ...(name2 === undefined ? [] : [say('rateest2', name2)]),
    ]
    for (const key of ['name1', 'name2', 'delta', 'mode', 'rates'] as const) delete (d as Partial<RateestDraft>)[key]
  },
}

const METHODS = ['GATE', 'IPIP', 'MASQ']
const portText = (w: OptionWords): string => String(must(w, port(w.word), 'a port 0..65535'))
const word = (all: readonly string[]) => (w: OptionWords) =>
  must(
    w,
    all.find((one) => one === w.word.toUpperCase()),
    all.join(', '),
  )

const ipvs = listedMatch(
  'ipvs',
  [
    { name: 'ipvs', not: true },
    { name: 'vproto', not: true, text: (w) => String(must(w, protocolNumber(w.word), 'a protocol')) },
    {
      name: 'vaddr',
      not: true,
      text(w) {
        const value = prefix(w.word, w.rule.family)
        if (value === undefined) throw w.bad(`${shown(w.word)} is no address or prefix`)
        return value.replace(w.rule.family === 'ipv4' ? /\/32$/ : /\/128$/, '')
      },
    },
    { name: 'vport', not: true, text: portText },
    { name: 'vdir', text: word(['ORIGINAL', 'REPLY']) },
    { name: 'vmethod', not: true, text: word(METHODS) },
    { name: 'vportctl', not: true, text: portText },
  ],
  {
    end(given) {
      needs('ipvs', given, 'ipvs', 'vproto', 'vaddr', 'vport', 'vdir', 'vmethod', 'vportctl')
    },
  },
)

/** `--ipvs` goes without saying when something else is asked. */
const ipvsAlone: typeof ipvs = {
  ...ipvs,
  end(draft, rule) {
    ipvs.end?.(draft, rule)
    const d = draft as { options: ListedOption[] }
    const own = d.options.find((o) => o.option === 'ipvs')
    if (d.options.length < 2 || own === undefined) return
    if (own.not) refuse('! --ipvs cannot stand together with other options')
    d.options = d.options.filter((o) => o !== own)
  },
}

/** The matches on what this host's kernel keeps. */
export const ESTIMATE_MATCHES: readonly Extension<never>[] = [rateest, ipvsAlone] as never
