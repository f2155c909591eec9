// The matches that the rule model keeps by their options. Kernel: net/netfilter/xt_esp.c, xt_tcpudp.c (tcp_find_option),
// xt_tcpmss.c, xt_devgroup.c, xt_policy.c, xt_helper.c, xt_realm.c, xt_socket.c, net/ipv6/netfilter/ip6t_*.c.
import { tcpOptionBytes } from '../net/tcp-options.js'
import { type ListedMatch, type ListedOption, listed, listedMasked, listedRange } from '../netfilter/model-listed.js'
import { ask, type MatchContext } from './asked.js'
import { matchesBpf } from './match-bpf.js'
import { matchesMobility, matchesString, matchesU32 } from './match-bytes.js'
import { matchesCgroup, matchesDccp, matchesEui64, matchesOsf } from './match-facts.js'
import { matchesCluster, matchesConnlabel } from './match-label.js'
import { isError, protoOf } from './tuple.js'
import type { Skb } from './types.js'

const [TCP, UDP, ESP, NO_NEXT_HEADER] = [6, 17, 50, 59] as const

function inText(value: number, option: ListedOption): boolean {
  const { from, to } = listedRange(option.text)
  return (value >= from && value <= to) !== option.not
}

function hasSpi(option: ListedOption | undefined, skb: Skb, context: MatchContext): boolean {
  return option === undefined || inText(skb.packet.spi ?? ask('spi', context), option)
}

/** The bytes of the packet's TCP options; unknown when some bytes of the packet are unknown. */
function optionBytes({ packet }: Skb, context: MatchContext): number[] {
  if (packet.tcp_options === undefined && packet.extra_len) return ask('tcp_options', context)
  return tcpOptionBytes(packet.tcp_options)
}

/** Where the first option of a kind begins, as the kernel walks: a length of 0 counts as 1. */
function findOption(bytes: readonly number[], fits: (at: number) => boolean): number {
  for (let at = 0; at < bytes.length; ) {
    if (fits(at)) return at
    at += bytes[at]! < 2 ? 1 : bytes[at + 1] || 1
  }
  return -1
}

/** Does the segment carry this TCP option? */
export function hasTcpOption(kind: number, skb: Skb, context: MatchContext): boolean {
  const bytes = optionBytes(skb, context)
  return findOption(bytes, (at) => bytes[at] === kind) >= 0
}

function matchesMss(option: ListedOption, skb: Skb, context: MatchContext): boolean {
  const bytes = optionBytes(skb, context)
  const at = findOption(bytes, (i) => bytes[i] === 2 && bytes[i + 1] === 4 && i + 4 <= bytes.length)
  return at < 0 ? option.not : inText(bytes[at + 2]! * 256 + bytes[at + 3]!, option)
}

function inGroup(option: ListedOption | undefined, iface: string | null, { world }: MatchContext): boolean {
  if (option === undefined) return true
  const { value, mask } = listedMasked(option.text === 'default' ? '0' : option.text)
  const group = world.ns.links.find((l) => l.name === iface)?.group ?? 0
  return (((group ^ value) & mask) === 0) !== option.not
}

/** Are sockets looked up for the packet? For TCP, UDP, and ICMP errors about them. */
export function meetsSockets({ packet }: Skb): boolean {
  const proto = protoOf(packet)
  if (proto === TCP || proto === UDP) return true
  const inner = isError(packet) && packet.inner !== undefined ? protoOf(packet.inner) : 0
  return inner === TCP || inner === UDP
}

function matchesSocket(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  if (!meetsSockets(skb)) return false
  const socket = skb.packet.socket ?? ask('socket', context)
  if (socket === 'none') return false
  if (socket.endsWith('wildcard') && !listed(m, 'nowildcard')) return false
  return !listed(m, 'transparent') || socket.startsWith('transparent')
}

/** Next headers behind which more may stand that a packet line does not tell. */
const EXTENDING: readonly number[] = [0, 43, 44, 51, 60, 135]

const HEADER_NAMES = ['protocol', 'ipv6-nonxt', 'esp', 'ah', 'ipv6-opts', 'ipv6-frag', 'ipv6-route', 'hop-by-hop']

/** Without extension headers a packet has only its protocol, ESP, or nothing. */
function matchesHeaders(m: ListedMatch, proto: number): boolean {
  const header = listed(m, 'header')!
  const wanted = header.text.split(',')
  const has = proto === ESP ? 'esp' : proto === NO_NEXT_HEADER ? 'ipv6-nonxt' : 'protocol'
  if (!listed(m, 'soft')) return (wanted.length === 1 && wanted[0] === has) !== header.not
  return HEADER_NAMES.filter((name) => wanted.includes(name)).every((name) => (name === has) !== header.not)
}

function withoutExtensions(skb: Skb, context: MatchContext): number {
  const proto = protoOf(skb.packet)
  return skb.packet.extra_len || EXTENDING.includes(proto) ? ask('extensions', context) : proto
}

export function matchesListed(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  switch (m.match) {
    case 'esp':
      return hasSpi(listed(m, 'espspi'), skb, context)
    case 'ipcomp':
      return hasSpi(listed(m, 'ipcompspi'), skb, context)
    case 'dccp': {
      const { sport = 0, dport = 0 } = skb.packet
      const [from, to] = [listed(m, 'sport'), listed(m, 'dport')]
      const ports = (from === undefined || inText(sport, from)) && (to === undefined || inText(dport, to))
      return ports && matchesDccp(m, skb, context)
    }
    case 'tcpmss':
      return matchesMss(listed(m, 'mss')!, skb, context)
    case 'devgroup':
      return (
        inGroup(listed(m, 'src-group'), skb.inIface, context) && inGroup(listed(m, 'dst-group'), skb.outIface, context)
      )
    case 'policy':
      return listed(m, 'pol')?.text === 'none' // nothing here comes or goes by IPsec
    case 'connlabel':
      return matchesConnlabel(m, skb)
    case 'cluster':
      return matchesCluster(m, skb)
    case 'rateest':
      return ask('rate estimate', context)
    case 'ipvs':
      return listed(m, 'ipvs')?.not === true // no service of IPVS is modelled
    case 'helper':
      return listed(m, 'helper')!.not // no connection was expected by a helper
    case 'realm': {
      // Routes have no realms.
      const realm = listed(m, 'realm')!
      return (listedMasked(realm.text === 'cosmos' ? '0' : realm.text).value === 0) !== realm.not
    }
    case 'string':
      return matchesString(m, skb, context)
    case 'bpf':
      return matchesBpf(m, skb, context)
    case 'osf':
      return matchesOsf(m, skb, context)
    case 'cgroup':
      return matchesCgroup(m, skb, context)
    case 'eui64':
      return matchesEui64(skb, context)
    case 'mh':
      return matchesMobility(m, skb, context)
    case 'u32':
      return matchesU32(m, skb, context)
    case 'socket':
      return matchesSocket(m, skb, context)
    case 'ipv6header':
      return matchesHeaders(m, withoutExtensions(skb, context))
    case 'ah':
      if (skb.family === 'ipv4') return hasSpi(listed(m, 'ahspi'), skb, context)
      withoutExtensions(skb, context)
      return false
    default:
      withoutExtensions(skb, context)
      return false
  }
}
