// Matches on what is around a packet: its sender, the wall clock, the way back to its source.
// Kernel: net/netfilter/xt_owner.c, xt_time.c, net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c.
import { protoNumber } from '../net/proto.js'
import type { Negatable, Range } from '../netfilter/model.js'
import type { ContextMatch } from '../netfilter/model-context.js'
import type { NetworkNamespace } from '../netns/model.js'
import { inPrefix, isMulticast } from './address.js'
import { ask, type MatchContext } from './asked.js'
import { lookupRoute } from './route.js'
import type { Skb } from './types.js'

function inRange(id: number, asked: Negatable<Range>): boolean {
  return (id >= asked.value.from && id <= asked.value.to) !== asked.not
}

type Of<K extends ContextMatch['match']> = Extract<ContextMatch, { readonly match: K }>

function matchesOwner(m: Of<'owner'>, skb: Skb, context: MatchContext): boolean {
  const given = [m.uid, m.gid, m.socket].filter((n) => n !== undefined)
  // Without a socket everything must be inverted; the other groups cannot be.
  if (skb.socket === 'none') return given.every((n) => n.not) && m.supplGroups !== true
  if (m.socket?.not) return false
  // A socket of the kernel belongs to nobody.
  if (skb.socket === 'kernel') return (m.uid?.not ?? true) && (m.gid?.not ?? true)
  const { uid = null, gid = null } = context.world.given ?? {}
  if (m.uid !== undefined && !inRange(uid ?? ask('uid', context), m.uid)) return false
  if (m.gid === undefined) return true
  const own = gid ?? ask('gid', context)
  const { from, to } = m.gid.value
  const inside = (group: number): boolean => group >= from && group <= to
  const others = m.supplGroups && !inside(own) ? (context.world.given?.groups ?? ask('groups', context)) : []
  return [own, ...others].some(inside) !== m.gid.not
}

/** The wall clock's seconds since 1970 now, those of its zone on top where the rule says so. */
function matchesTime(m: Of<'time'>, context: MatchContext): boolean {
  const { wallClock, now } = context.world
  if (wallClock === undefined) return ask('wall clock', context)
  const zone = m.kerneltz ? wallClock.zoneSeconds : 0
  const stamp = Math.floor((wallClock.ms + now) / 1000) + zone
  if (stamp < m.dateStart || stamp > m.dateStop) return false
  const time = stamp % 86400
  const acrossMidnight = m.timeStart >= m.timeStop
  if (acrossMidnight ? time < m.timeStart && time > m.timeStop : time < m.timeStart || time > m.timeStop) return false
  const before = m.contiguous && acrossMidnight && time <= m.timeStop
  const day = new Date((stamp - (before ? 86400 : 0)) * 1000)
  const weekday = day.getUTCDay() || 7
  return ((m.weekdays >>> weekday) & 1) === 1 && ((m.monthdays >>> day.getUTCDate()) & 1) === 1
}

function matchesRpfilter(m: Of<'rpfilter'>, skb: Skb, ns: NetworkNamespace): boolean {
  const { packet, family } = skb
  const { src, dst } = packet
  const dev = skb.inIface ?? 'lo'
  if (skb.fromHere || ns.links.find((l) => l.name === dev)?.loopback) return true
  const zero = family === 'ipv4' ? '0.0.0.0' : '::'
  if (family === 'ipv6' && src === zero) return true
  const unsent = family === 'ipv4' && inPrefix(src, '0.0.0.0/8')
  if (unsent && (dst === '255.255.255.255' || inPrefix(dst, '224.0.0.0/24'))) return true
  const odd = isMulticast(dst) || (family === 'ipv4' && (dst === '255.255.255.255' || inPrefix(dst, '0.0.0.0/8')))
  const found = lookupRoute(ns, {
    family,
    src: odd ? zero : dst,
    dst: src,
    iif: 'lo',
    mark: m.validmark ? skb.mark : 0,
    tos: family === 'ipv4' ? (packet.tos ?? 0) : 0,
    proto: protoNumber(packet.proto) ?? 0,
    sport: packet.dport ?? 0,
    dport: packet.sport ?? 0,
    uid: 0,
  })
  if (found.outcome !== 'route') return false
  const local = found.type === 'local'
  if (local && !m.acceptLocal) return false
  if (family === 'ipv6' ? found.type === 'anycast' : !local && found.type !== 'unicast') return false
  if (family === 'ipv6' && local) return true
  return m.loose === true || (found.hops ?? []).some((h) => h.dev === dev)
}

export function matchesContext(m: ContextMatch, skb: Skb, context: MatchContext): boolean {
  switch (m.match) {
    case 'owner':
      return matchesOwner(m, skb, context)
    case 'time':
      return matchesTime(m, context)
    case 'rpfilter':
      return matchesRpfilter(m, skb, context.world.ns) !== (m.invert === true)
  }
}
