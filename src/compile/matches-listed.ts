// Matches that the rule model keeps by their options, as words of CODE. What does not depend on the packet is folded.
// Kernel: net/netfilter/xt_esp.c, xt_devgroup.c, xt_socket.c, xt_policy.c, xt_helper.c, xt_realm.c, net/ipv6/netfilter/ip6t_*.c.
import * as L from '../../assembly/layout.js'
import { DCCP_TYPES } from '../net/proto.js'
import type { Negatable, Range } from '../netfilter/model.js'
import {
  type ListedMatch,
  type ListedOption,
  listed,
  listedMasked,
  listedRange,
  unquoted,
} from '../netfilter/model-listed.js'
import { type MatchCount, type MatchRule, type MatchSink, put } from './matches.js'
import { bpfMatch, cgroupMatch, osfMatch, stringMatch, u32Match } from './matches-bytes.js'
import { portsMatch } from './matches-layer4.js'

const not = (o: { readonly not: boolean } | undefined): number => (o?.not ? L.MATCH_NOT : 0)

/** By name, as IPv6 headers are listed: MASK_* of ip6t_ipv6header.h. */
const HEADER_BITS: Readonly<Record<string, number>> = {
  'hop-by-hop': 128,
  'ipv6-route': 64,
  'ipv6-frag': 32,
  'ipv6-opts': 16,
  ah: 8,
  esp: 4,
  'ipv6-nonxt': 2,
  protocol: 1,
}

function constant(sink: MatchSink, holds: boolean): MatchCount {
  return holds ? 0 : put(sink.code, L.MATCH_NEVER, 0, [])
}

function spi(sink: MatchSink, option: ListedOption | undefined): MatchCount {
  if (option === undefined) return 0
  const { from, to } = listedRange(option.text)
  return put(sink.code, L.MATCH_SPI, not(option), [from, to])
}

function devgroup(sink: MatchSink, m: ListedMatch): MatchCount {
  const [src, dst] = [listed(m, 'src-group'), listed(m, 'dst-group')]
  const words = [src, dst].flatMap((o) => {
    const { value, mask } = listedMasked(o?.text.replace('default', '0') ?? '0')
    return [value, mask]
  })
  const flags =
    (src ? L.DEVGROUP_HAS_SRC : 0) |
    (src?.not ? L.DEVGROUP_NOT_SRC : 0) |
    (dst ? L.DEVGROUP_HAS_DST : 0) |
    (dst?.not ? L.DEVGROUP_NOT_DST : 0)
  return put(sink.code, L.MATCH_DEVGROUP, flags, words)
}

function ports(option: ListedOption | undefined): Negatable<Range> | undefined {
  return option && { not: option.not, value: listedRange(option.text) }
}

function dccpMatch(sink: MatchSink, at: MatchRule, m: ListedMatch): number {
  const [sport, dport] = [ports(listed(m, 'sport')), ports(listed(m, 'dport'))]
  let count: number = portsMatch(
    sink,
    { ...at, backend: 'legacy' },
    { ...(sport ? { sport } : {}), ...(dport ? { dport } : {}) },
  )
  const [types, option] = [listed(m, 'dccp-types'), listed(m, 'dccp-option')]
  if (types) {
    const mask = types.text.split(',').reduce((all, name) => all | (1 << DCCP_TYPES.indexOf(name)), 0)
    count += put(sink.code, L.MATCH_DCCP_TYPES, not(types), [mask])
  }
  if (option) count += put(sink.code, L.MATCH_DCCP_OPTION, not(option), [Number(option.text)])
  return count
}

/** Writes one match; returns how many matches of the core it became. */
export function listedMatch(sink: MatchSink, at: MatchRule, m: ListedMatch): number {
  const { code } = sink
  switch (m.match) {
    case 'esp':
      return spi(sink, listed(m, 'espspi'))
    case 'ipcomp':
      return spi(sink, listed(m, 'ipcompspi'))
    case 'ah':
      return at.family === 'ipv4'
        ? spi(sink, listed(m, 'ahspi'))
        : put(code, L.MATCH_EXTENSIONS, 0, [L.EXTENSIONS_NONE, 0])
    case 'dccp':
      return dccpMatch(sink, at, m)
    case 'tcpmss': {
      const mss = listed(m, 'mss')!
      const { from, to } = listedRange(mss.text)
      return put(code, L.MATCH_TCPMSS, not(mss), [(from | (to << 16)) >>> 0])
    }
    case 'devgroup':
      return devgroup(sink, m)
    case 'policy':
      return constant(sink, listed(m, 'pol')?.text === 'none')
    case 'connlabel': {
      const label = listed(m, 'label')!
      const flags = not(label) | (listed(m, 'set') ? L.CONNLABEL_SET : 0)
      return put(code, L.MATCH_CONNLABEL, flags, [Number(unquoted(label.text))])
    }
    case 'cluster': {
      const nodes = listed(m, 'cluster-local-nodemask')!
      const number = (option: string): number => Number(listed(m, option)!.text)
      const words = [number('cluster-total-nodes'), Number(nodes.text), number('cluster-hash-seed')]
      return put(code, L.MATCH_CLUSTER, not(nodes), words)
    }
    case 'rateest':
      return put(code, L.MATCH_ESTIMATE, 0, [])
    case 'ipvs':
      return constant(sink, listed(m, 'ipvs')?.not === true)
    case 'helper':
      return constant(sink, listed(m, 'helper')?.not === true)
    case 'realm': {
      const realm = listed(m, 'realm')!
      const { value } = listedMasked(realm.text.replace('cosmos', '0'))
      return constant(sink, (value === 0) !== realm.not)
    }
    case 'string':
      return stringMatch(sink, m)
    case 'bpf':
      return bpfMatch(sink, m)
    case 'osf':
      return osfMatch(sink, m)
    case 'cgroup':
      return cgroupMatch(sink, m)
    case 'eui64':
      return put(code, L.MATCH_EUI64, 0, [])
    case 'mh': {
      const type = listed(m, 'mh-type')
      const { from, to } = listedRange(type?.text ?? '0:255')
      return put(code, L.MATCH_MH, not(type), [from | (to << 8)])
    }
    case 'u32':
      return u32Match(sink, m)
    case 'socket': {
      const flags =
        (listed(m, 'transparent') ? L.SOCKET_TRANSPARENT : 0) | (listed(m, 'nowildcard') ? L.SOCKET_NOWILDCARD : 0)
      return put(code, L.MATCH_SOCKET, flags, [0])
    }
    case 'ipv6header': {
      const header = listed(m, 'header')!
      const bits = header.text.split(',').reduce((all, name) => all | HEADER_BITS[name]!, 0)
      const flags = not(header) | (listed(m, 'soft') ? L.EXTENSIONS_SOFT : 0)
      return put(code, L.MATCH_EXTENSIONS, flags, [L.EXTENSIONS_LIST, bits])
    }
    default:
      return put(code, L.MATCH_EXTENSIONS, 0, [L.EXTENSIONS_NONE, 0])
  }
}
