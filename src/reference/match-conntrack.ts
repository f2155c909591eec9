// Matches that ask a packet's connection: conntrack, state, connmark. Kernel: net/netfilter/xt_conntrack.c, xt_connmark.c.
import type { Match, Negatable, Prefix, Range } from '../netfilter/model.js'
import { inPrefix } from './address.js'
import type { Connection, FlowTuple, Skb } from './types.js'

type ConntrackMatch = Extract<Match, { match: 'conntrack' | 'state' | 'connmark' }>

/** The state as rules see it: what conntrack has not looked at is INVALID; with a zone set aside it is NEW. */
function stateOf(skb: Skb): string {
  if (skb.template !== null) return 'NEW'
  return skb.state ?? 'INVALID'
}

function stateMatches(skb: Skb, names: readonly string[]): boolean {
  const flow = skb.connection
  return (
    names.includes(stateOf(skb)) ||
    (names.includes('SNAT') && flow?.srcNat === true) ||
    (names.includes('DNAT') && flow?.dstNat === true)
  )
}

function hasStatus(flow: Connection, names: readonly string[]): boolean {
  const bits: Record<string, boolean> = {
    EXPECTED: flow.otherStatus.includes('EXPECTED'),
    SEEN_REPLY: flow.seenReply,
    ASSURED: flow.assured,
    CONFIRMED: flow.confirmed,
  }
  return names.some((n) => bits[n] === true)
}

function negate<T>(n: Negatable<T> | undefined, test: (value: T) => boolean): boolean {
  return n === undefined || test(n.value) !== n.not
}

/** A port as rules compare it: for ICMP the source's is the id, the destination's type and code. */
function ports(t: FlowTuple): [number, number] {
  if (t.type !== undefined) return [t.id ?? 0, ((t.type << 8) | (t.code ?? 0)) >>> 0]
  return [t.sport ?? 0, t.dport ?? 0]
}

export function matchesConntrack(m: ConntrackMatch, skb: Skb, now: number): boolean {
  const flow = skb.connection
  if (m.match === 'state') return stateMatches(skb, m.state.value) !== m.state.not
  if (m.match === 'connmark') {
    if (flow === null) return false
    return ((flow.mark & m.mark.value.mask) >>> 0 === m.mark.value.value) !== m.mark.not
  }
  if (!negate(m.ctstate, (names) => stateMatches(skb, names))) return false
  // Without a connection only the state can be asked.
  if (flow === null) return m.ctstate !== undefined
  const [orig, reply] = flow.tuples
  const within = (p: Negatable<Prefix> | undefined, address: string): boolean => negate(p, (x) => inPrefix(address, x))
  const port = (p: Negatable<Range> | undefined, n: number): boolean => negate(p, (r) => n >= r.from && n <= r.to)
  // The timeout of a new connection runs from confirmation; before, the kernel takes it for a time long past.
  const left = flow.confirmed ? Math.floor((flow.endMs - now) / 1000) : 0
  return (
    (m.ctdir === undefined || (m.ctdir === 'ORIGINAL') === (skb.dir === 0)) &&
    within(m.ctorigsrc, orig.src) &&
    within(m.ctorigdst, orig.dst) &&
    within(m.ctreplsrc, reply.src) &&
    within(m.ctrepldst, reply.dst) &&
    negate(m.ctproto, (n) => flow.proto === n) &&
    port(m.ctorigsrcport, ports(orig)[0]) &&
    port(m.ctorigdstport, ports(orig)[1]) &&
    port(m.ctreplsrcport, ports(reply)[0]) &&
    port(m.ctrepldstport, ports(reply)[1]) &&
    negate(m.ctstatus, (names) => hasStatus(flow, names)) &&
    negate(m.ctexpire, (r) => left >= r.from && left <= r.to)
  )
}
