// Matches on what is around a packet: its sender. Kernel: net/netfilter/xt_owner.c.
import type { Negatable, Range } from '../netfilter/model.js'
import type { ContextMatch } from '../netfilter/model-context.js'
import { ask, type MatchContext } from './asked.js'
import type { Skb } from './types.js'

function inRange(id: number, asked: Negatable<Range>): boolean {
  return (id >= asked.value.from && id <= asked.value.to) !== asked.not
}

function matchesOwner(m: ContextMatch, skb: Skb, context: MatchContext): boolean {
  const given = [m.uid, m.gid, m.socket].filter((n) => n !== undefined)
  // Without a socket everything must be inverted; the other groups cannot be.
  if (skb.socket === 'none') return given.every((n) => n.not) && m.supplGroups !== true
  if (m.socket?.not) return false
  // A socket of the kernel belongs to nobody.
  if (skb.socket === 'kernel') return (m.uid?.not ?? true) && (m.gid?.not ?? true)
  const { uid = null, gid = null } = context.world.given ?? {}
  if (m.uid !== undefined && !inRange(uid ?? ask('uid', context), m.uid)) return false
  return m.gid === undefined || inRange(gid ?? ask('gid', context), m.gid)
}

export function matchesContext(m: ContextMatch, skb: Skb, context: MatchContext): boolean {
  return matchesOwner(m, skb, context)
}
