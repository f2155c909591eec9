// The matches that the rule model keeps by their options, drawn: in every form that is printed, and such as the packets of
// the small world meet.
import fc from 'fast-check'
import type { Family, HookName, Match } from '../netfilter/model.js'
import type { ListedMatch, ListedName, ListedOption } from '../netfilter/model-listed.js'
import { pick, rarely } from './pool.js'

type Arb<T> = fc.Arbitrary<T>

/** Name, text, and whether it may be negated. */
type OptionForm = readonly [string, Arb<string>, boolean?]

const none = fc.constant('')
const number = (max: number): Arb<string> => fc.oneof(pick([0, 1, max]), fc.nat({ max })).map(String)
const range = (max: number, ordered = false): Arb<string> =>
  fc
    .tuple(fc.nat({ max }), fc.nat({ max }))
    .map(([a, b]) => (ordered && a > b ? [b, a] : [a, b]))
    .map(([a, b]) => (a === b ? String(a) : `${a}:${b}`))
    .filter((text) => text !== `0:${max}`)
const hex = (value: number): string => `0x${value.toString(16)}`
const group = fc.oneof(
  fc.integer({ min: 1, max: 0xffffffff }).map(hex),
  fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 })).map(([v, m]) => `${hex(v)}/${hex(m)}`),
)

/** Some of the options, in this order; `least` of them. */
function form(match: ListedName, options: readonly OptionForm[], least = 0, seldom = false): Arb<ListedMatch> {
  const each = options.map(([option, text, negated]): Arb<ListedOption | null> => {
    const not = negated ? (seldom ? rarely(4) : fc.boolean()) : fc.constant(false)
    return fc.option(fc.record({ option: fc.constant(option), not, text }, { noNullPrototype: true }))
  })
  return fc
    .tuple(...each)
    .map((all): ListedMatch => ({ match, options: all.filter((o) => o !== null) }))
    .filter((m) => m.options.length >= least)
}
const fixed = (match: ListedName, ...options: readonly ListedOption[]): ListedMatch => ({ match, options })
const said = (option: string, text: string): ListedOption => ({ option, not: false, text })

const U32 = 0xffffffff
const inward = (hook: HookName | null): boolean => hook === 'PREROUTING' || hook === 'INPUT' || hook === 'FORWARD'
const outward = (hook: HookName | null): boolean => hook === 'OUTPUT' || hook === 'POSTROUTING' || hook === 'FORWARD'

function policies(hook: HookName | null): Arb<ListedMatch>[] {
  const dirs = [...(inward(hook) ? ['in'] : []), ...(outward(hook) ? ['out'] : [])]
  return dirs.map((dir) =>
    fc.oneof(
      pick(['none', 'ipsec']).map((pol) => fixed('policy', said('dir', dir), said('pol', pol))),
      fc
        .nat({ max: U32 })
        .map((id) => fixed('policy', said('dir', dir), said('pol', 'ipsec'), said('reqid', String(id)))),
    ),
  )
}

/** Every form at this place; `straight` is the rule's protocol, 0 without or when negated. */
export function listedForms(family: Family, hook: HookName | null, straight: number): Arb<Match>[] {
  const list: Arb<Match>[] = [
    form('connlabel', [['label', fc.nat({ max: 127 }).map((n) => `"${n}"`), true]], 1),
    form('helper', [['helper', pick(['ftp', 'sip', 'ftp-2121']), true]], 1),
    fc
      .tuple(fc.integer({ min: 1, max: 32 }), fc.nat({ max: 31 }), fc.nat({ max: U32 }), fc.boolean())
      .map(([total, node, seed, not]) =>
        fixed(
          'cluster',
          {
            option: 'cluster-local-nodemask',
            not,
            text: `0x${(2 ** (node % Math.min(total, 5))).toString(16).padStart(8, '0')}`,
          },
          said('cluster-total-nodes', String(total)),
          said('cluster-hash-seed', `0x${seed.toString(16).padStart(8, '0')}`),
        ),
      ),
    fc
      .tuple(fc.stringMatching(/^[ -~]{0,20}[ -[\]-~]$/), pick(['bm', 'kmp']), fc.boolean(), fc.boolean())
      .map(([text, algo, not, icase]) =>
        fixed(
          'string',
          { option: 'string', not, text: `"${text.replace(/["\\]/g, '\\$&')}"` },
          said('algo', algo),
          ...(icase ? [said('icase', '')] : []),
        ),
      ),
    ...policies(hook),
  ]
  if (inward(hook)) list.push(form('devgroup', [['src-group', group, true]], 1))
  if (outward(hook)) list.push(form('devgroup', [['dst-group', group, true]], 1))
  if (hook === 'PREROUTING' || hook === 'INPUT') {
    list.push(
      form('socket', [
        ['transparent', none],
        ['nowildcard', none],
        ['restore-skmark', none],
      ]),
    )
  }
  if (family === 'ipv4' && hook !== null && hook !== 'PREROUTING') list.push(form('realm', [['realm', group, true]], 1))
  if (straight === 6) list.push(form('tcpmss', [['mss', range(65535, true), true]], 1))
  if (straight === 33) {
    list.push(
      form('dccp', [
        ['sport', range(65535, true), true],
        ['dport', range(65535, true), true],
        ['dccp-types', pick(['REQUEST', 'REQUEST,ACK', 'RESET,INVALID']), true],
        ['dccp-option', fc.integer({ min: 1, max: 255 }).map(String), true],
      ]),
    )
  }
  if (straight === 50) list.push(form('esp', [['espspi', range(U32), true]]))
  if (straight === 108)
    list.push(
      form('ipcomp', [
        ['ipcompspi', range(U32), true],
        ['compres', none],
      ]).filter((m) => m.options[0]?.option === 'ipcompspi'),
    )
  if (straight === 51 && family === 'ipv4') list.push(form('ah', [['ahspi', range(U32), true]]))
  if (family === 'ipv6') list.push(...extensionForms(straight))
  if (family === 'ipv6' && (hook === 'PREROUTING' || hook === 'INPUT' || hook === 'FORWARD'))
    list.push(fc.constant(fixed('eui64')))
  return list
}

function extensionForms(straight: number): Arb<Match>[] {
  const list: Arb<Match>[] = [
    form('ah', [
      ['ahspi', range(U32), true],
      ['ahlen', fc.integer({ min: 1, max: U32 }).map(String), true],
      ['ahres', none],
    ]),
    form('frag', [
      ['fragid', range(U32), true],
      ['fraglen', number(U32), true],
      ['fragres', none],
      ['fragfirst', none],
    ]),
    form('hbh', [
      ['hbh-len', number(U32), true],
      ['hbh-opts', pick(['1', '1:2,3', '0,5:0'])],
    ]),
    form('dst', [
      ['dst-len', number(U32), true],
      ['dst-opts', pick(['1', '1:2,3', '0,5:0'])],
    ]),
    form('rt', [
      ['rt-type', number(U32), true],
      ['rt-segsleft', range(U32), true],
      ['rt-len', number(U32), true],
    ]),
    form(
      'ipv6header',
      [
        ['header', pick(['hop-by-hop', 'ah,esp', 'protocol', 'ipv6-opts,ipv6-route']), true],
        ['soft', none],
      ],
      1,
    ).filter((m) => m.options[0]?.option === 'header'),
    form('srh', [
      ['srh-next-hdr', number(255), true],
      ['srh-segs-left-eq', number(255), true],
      ['srh-tag', number(65535), true],
    ]),
  ]
  if (straight === 135) list.push(form('mh', [['mh-type', range(255, true), true]]))
  return list
}

/** What packets meet: name, weight, match. */
export function listedTraffic(family: Family, hook: HookName | null): [Match['match'], number, Arb<Match>][] {
  const few = pick(['0x0/0x1', '0x1/0x1', '0x5'])
  const list: [Match['match'], number, Arb<Match>][] = [
    ['helper', 1, form('helper', [['helper', pick(['ftp']), true]], 1)],
  ]
  list.push(
    [
      'connlabel',
      2,
      fc
        .tuple(pick(['0', '5', '127']), rarely(4), fc.boolean())
        .map(([n, not, set]) =>
          fixed('connlabel', { option: 'label', not, text: `"${n}"` }, ...(set ? [said('set', '')] : [])),
        ),
    ],
    [
      'cluster',
      1,
      fc
        .tuple(pick([2, 3]), pick([1, 2, 3]), pick(['0x00000000', '0xdeadbeef']), rarely(4))
        .map(([total, nodes, seed, not]) =>
          fixed(
            'cluster',
            { option: 'cluster-local-nodemask', not, text: `0x0000000${nodes}` },
            said('cluster-total-nodes', String(total)),
            said('cluster-hash-seed', seed),
          ),
        ),
    ],
  )
  const [policy] = policies(hook)
  if (policy !== undefined) list.push(['policy', 1, policy])
  if (inward(hook)) list.push(['devgroup', 1, form('devgroup', [['src-group', few, true]], 1, true)])
  if (outward(hook)) list.push(['devgroup', 1, form('devgroup', [['dst-group', few, true]], 1, true)])
  if (hook === 'PREROUTING' || hook === 'INPUT') {
    list.push([
      'socket',
      1,
      form('socket', [
        ['transparent', none],
        ['nowildcard', none],
      ]),
    ])
  }
  if (family === 'ipv6') {
    const header = form('ipv6header', [
      ['header', pick(['protocol', 'hop-by-hop,protocol', 'esp']), true],
      ['soft', none],
    ])
    list.push(['ipv6header', 1, header.filter((m) => m.options[0]?.option === 'header')])
    list.push(['frag', 1, pick(['frag', 'hbh', 'dst', 'rt'] as const).map((name) => fixed(name))])
  }
  return list
}
