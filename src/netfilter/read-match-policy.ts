// Reading the match policy: IPsec policies, element by element.
// Spec: iptables-extensions(8) 1.8.9; the kernel's net/netfilter/xt_policy.c.
import { type Extension, type Option, type OptionWords, options, refuse } from './extension.js'
import type { ListedOption } from './model-listed.js'
import { protocolName, protocolNumber } from './names.js'
import { prefix, shown, uint } from './words.js'

interface PolicyDraft {
  match: 'policy'
  options: ListedOption[]
  dir?: string
  pol?: string
  strict?: boolean
  elements: ListedOption[][]
}

const ELEMENTS = 4
/** The options of an element in the order in which they are printed. */
const ORDER = ['reqid', 'spi', 'proto', 'mode', 'tunnel-dst', 'tunnel-src']

function number(w: OptionWords): number {
  const value = uint(w.word, 0, 0xffffffff)
  if (value === undefined) throw w.bad(`${shown(w.word)} is no value for --${w.name}: expected 0..0xffffffff`)
  return value
}

function element(option: string, text: (w: OptionWords) => string): [string, Option<PolicyDraft>] {
  return [
    option,
    {
      words: 1,
      not: true,
      repeat: true,
      read: (d, w) => {
        const last = d.elements.at(-1)!
        if (last.some((o) => o.option === option)) throw w.bad(`policy: --${option} is given twice`, 'option')
        last.push({ option, not: w.not, text: text(w) })
      },
    },
  ]
}

const one = (key: 'dir' | 'pol', values: readonly string[]): Option<PolicyDraft> => ({
  words: 1,
  read: (d, w) => {
    if (!values.includes(w.word)) throw w.bad(`${shown(w.word)} is no --${key}: expected ${values.join(' or ')}`)
    d[key] = w.word
  },
})

function tunnel(w: OptionWords): string {
  const value = prefix(w.word, w.rule.family)
  if (value === undefined) throw w.bad(`${shown(w.word)} is no address or prefix of this family`)
  return value.replace(w.rule.family === 'ipv4' ? /\/32$/ : /\/128$/, '').replace(/^(.*)\/0$/, '$1/0')
}

const policy: Extension<PolicyDraft> = {
  name: 'policy',
  start: () => ({ match: 'policy', options: [], elements: [[]] }),
  options: options<PolicyDraft>({
    dir: one('dir', ['in', 'out']),
    pol: one('pol', ['none', 'ipsec']),
    strict: {
      words: 0,
      read: (d) => {
        d.strict = true
      },
    },
    ...Object.fromEntries([
      element('reqid', (w) => String(number(w))),
      element('spi', (w) => `0x${number(w).toString(16)}`),
      element('tunnel-src', tunnel),
      element('tunnel-dst', tunnel),
      element('proto', (w) => {
        const proto = uint(w.word, 0, 255) ?? protocolNumber(w.word)
        if (proto !== 50 && proto !== 51 && proto !== 108) throw w.bad(`${shown(w.word)} is not ah, esp or ipcomp`)
        return protocolName(proto)
      }),
      element('mode', (w) => {
        if (w.word !== 'transport' && w.word !== 'tunnel') throw w.bad(`${shown(w.word)} is not transport or tunnel`)
        return w.word
      }),
    ]),
    next: {
      words: 0,
      repeat: true,
      read: (d, w) => {
        if (!d.strict) throw w.bad('policy: --next needs --strict', 'option')
        if (d.elements.length === ELEMENTS) throw w.bad(`policy: at most ${ELEMENTS} elements`, 'option')
        d.elements.push([])
      },
    },
  }),
  end(d) {
    const { elements, strict } = d
    if (d.dir === undefined) refuse('policy needs --dir')
    if (d.pol === 'none') {
      if (strict || elements.length > 1) refuse('policy: --pol none goes with no element')
    } else {
      for (const e of elements) {
        const mode = e.find((o) => o.option === 'mode')
        const tunnels = e.some((o) => o.option.startsWith('tunnel'))
        if (strict && e.length === 0) refuse('policy: an empty element, while --strict is in effect')
        if (tunnels && (mode === undefined || (mode.text === 'tunnel') === mode.not)) {
          refuse('policy: --tunnel-src and --tunnel-dst are for tunnel mode')
        }
      }
    }
    const list: ListedOption[] = [
      { option: 'dir', not: false, text: d.dir },
      { option: 'pol', not: false, text: d.pol ?? 'ipsec' },
    ]
    if (strict) list.push({ option: 'strict', not: false, text: '' })
    if (d.pol !== 'none') {
      for (const [i, e] of elements.entries()) {
        if (i > 0) list.push({ option: 'next', not: false, text: '' })
        list.push(...e.sort((a, b) => ORDER.indexOf(a.option) - ORDER.indexOf(b.option)))
      }
    }
    d.options = list
    for (const key of ['dir', 'pol', 'strict', 'elements'] as const) delete (d as Partial<PolicyDraft>)[key]
  },
}

/** IPsec. */
export const POLICY_MATCHES: readonly Extension<never>[] = [policy] as never
