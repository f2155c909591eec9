// Matches on what a packet line says of a packet's sender: cgroup, system, Ethernet address; types and options of DCCP.
// Kernel: net/netfilter/xt_cgroup.c, xt_osf.c, xt_dccp.c, net/ipv6/netfilter/ip6t_eui64.c.
import { addressToBytes, parseAddress } from '../net/ip.js'
import { DCCP_TYPES, dccpTypeNumber } from '../net/proto.js'
import type { HookName } from '../netfilter/model.js'
import { type ListedMatch, listed, unquoted } from '../netfilter/model-listed.js'
import { cgroupPath } from '../netfilter/pattern.js'
import { ask, type MatchContext } from './asked.js'
import { flagsOf } from './tcp.js'
import { protoOf } from './tuple.js'
import type { Skb } from './types.js'

const SYN = 2

/** `!` means nothing: the kernel does not look at it. With --log any system that is known will do. */
export function matchesOsf(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  if ((flagsOf(skb.packet) & SYN) === 0) return false
  const os = given(skb)?.os ?? ask('os', context)
  return listed(m, 'log') ? os !== 'unknown' : os === listed(m, 'genre')!.text
}

/** The packet's own facts; of what this host answers, nothing is said. */
function given(skb: Skb): Skb['packet'] | null {
  return skb.isAnswer ? null : skb.packet
}

/** Whose socket the packet has: when it comes in, one may have been found early. */
function socketOf(skb: Skb, hook: HookName): 'process' | 'kernel' | 'none' {
  if (skb.socket !== 'none') return skb.socket
  const proto = protoOf(skb.packet)
  if (hook !== 'INPUT' || (proto !== 6 && proto !== 17)) return 'none'
  return given(skb)?.socket === 'none' ? 'none' : 'process'
}

export function matchesCgroup(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  const socket = socketOf(skb, context.hook)
  if (socket === 'none') return false
  const id = listed(m, 'cgroup')
  if (id !== undefined) {
    const own = socket === 'kernel' ? 0 : (given(skb)?.cgroup ?? ask('cgroup', context))
    return (own === Number(id.text)) !== id.not
  }
  const path = listed(m, 'path')!
  const wanted = cgroupPath(unquoted(path.text))
  const own = socket === 'kernel' ? '/' : (given(skb)?.cgroup_path ?? ask('cgroup_path', context))
  return `${cgroupPath(own)}/`.startsWith(`${wanted}/`) !== path.not
}

/** The source's interface identifier must be made of the sender's Ethernet address (RFC 4291, modified EUI-64). */
export function matchesEui64(skb: Skb, context: MatchContext): boolean {
  if (skb.ether === null) return false
  const mac = (skb.ether.src ?? ask('mac', context)).split(':').map((part) => Number.parseInt(part, 16))
  const wanted = [mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!]
  return addressToBytes(parseAddress(skb.packet.src)!)
    .slice(8)
    .every((byte, i) => byte === wanted[i])
}

function hasOption(options: readonly number[], kind: number): boolean {
  for (let at = 0; at < options.length; ) {
    if (options[at] === kind) return true
    at += options[at]! < 2 ? 1 : options[at + 1] || 1
  }
  return false
}

/** Types and options; ports were looked at before. */
export function matchesDccp(m: ListedMatch, skb: Skb, context: MatchContext): boolean {
  const [types, option] = [listed(m, 'dccp-types'), listed(m, 'dccp-option')]
  if (types !== undefined) {
    const type = dccpTypeNumber(given(skb)?.dccp_type) ?? ask('dccp_type', context)
    if (types.text.split(',').includes(DCCP_TYPES[type] ?? '') === types.not) return false
  }
  if (option === undefined) return true
  const hex = given(skb)?.dccp_options ?? ask('dccp_options', context)
  const bytes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
  return hasOption(bytes, Number(option.text)) !== option.not
}
