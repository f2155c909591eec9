// Reading the matches on other transport headers and on TCP's options: esp, ah, ipcomp, dccp, tcpmss.
// Spec: iptables-extensions(8) 1.8.9; the kernel's net/netfilter/xt_esp.c, xt_dccp.c, xt_tcpmss.c, net/ipv4/netfilter/ipt_ah.c,
// net/ipv6/netfilter/ip6t_ah.c.
import { DCCP_TYPES } from '../net/proto.js'
import { type Extension, refuse } from './extension.js'
import { type ListedSpec, listedMatch, needs, numberText, rangeText } from './listed.js'
import { plainPort } from './read-match-ports.js'
import { anyPortRange, shown } from './words.js'

const U32 = 0xffffffff
const ALL_SPIS = `0:${U32}`
const spis = (name: string): ListedSpec => ({ name, not: true, text: rangeText(U32), silent: ALL_SPIS })

const esp = listedMatch('esp', [spis('espspi')], { proto: 50 })

const ah = listedMatch(
  'ah',
  [spis('ahspi'), { name: 'ahlen', not: true, text: numberText(0, U32), nothing: '0' }, { name: 'ahres' }],
  {
    end(given) {
      const { family, proto, protoNot } = given.rule
      if (family === 'ipv6') return
      if (given.has('ahlen') || given.has('ahres')) refuse('ah: --ahlen and --ahres are for IPv6 only')
      if (proto !== 51 || protoNot) refuse('ah needs -p ah, not negated')
    },
  },
)

// iptables leaves a range that was not given at 0.
const ipcomp = listedMatch('ipcomp', [{ ...spis('ipcompspi'), usual: '0' }, { name: 'compres' }], { proto: 108 })

const dccpPorts = (name: string, also: string): ListedSpec => ({
  name,
  also: [also],
  not: true,
  text(w) {
    const range = anyPortRange(w.word, plainPort)
    if (range === undefined) throw w.bad(`${shown(w.word)} is no port or range FROM:TO`)
    return range.from === range.to ? String(range.from) : `${range.from}:${range.to}`
  },
})
const dccp = listedMatch(
  'dccp',
  [
    dccpPorts('sport', 'source-port'),
    dccpPorts('dport', 'destination-port'),
    {
      name: 'dccp-types',
      not: true,
      text(w) {
        const found = w.word
          .split(',')
          .filter((t) => t !== '')
          .map((t) => t.toUpperCase())
        const wrong = found.find((t) => !DCCP_TYPES.includes(t))
        if (wrong !== undefined || found.length === 0) {
          throw w.bad(`${shown(w.word)} is no list of DCCP types: expected some of ${DCCP_TYPES.join(', ')}`)
        }
        return DCCP_TYPES.filter((t) => found.includes(t)).join(',')
      },
    },
    { name: 'dccp-option', not: true, text: numberText(1, 255) },
  ],
  { proto: 33 },
)

const tcpmss = listedMatch('tcpmss', [{ name: 'mss', not: true, text: rangeText(65535, true) }], {
  proto: 6,
  end: (given) => needs('tcpmss', given, 'mss'),
})

/** The matches on other transport headers. */
export const TRANSPORT_MATCHES: readonly Extension<never>[] = [esp, ah, ipcomp, dccp, tcpmss]
