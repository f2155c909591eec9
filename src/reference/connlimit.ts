// `connlimit`: how many connections are there of one address, or of one network? Each rule keeps its own lists of the
// connections that it has met, by address and zone; what is gone or closed is taken out when a list is looked at.
// Kernel: net/netfilter/xt_connlimit.c, nf_conncount.c (as of Linux 6.18.44).
import type { ConnectionMatch } from '../netfilter/model-connection.js'
import { applyMask, prefixMask } from './address.js'
import type { MatchContext } from './asked.js'
import { NO_ZONE } from './conntrack.js'
import { sameTuple, tupleOf } from './tuple.js'
import type { Connection, FlowTuple, Skb, World, Zone } from './types.js'

type Connlimit = Extract<ConnectionMatch, { match: 'connlimit' }>

interface Counted {
  readonly tuple: FlowTuple
  readonly zone: Zone
}

interface List {
  entries: Counted[]
  /** Clock of the last cleaning, and how many were left. */
  cleaned: number
  left: number
}

/** Entries that a cleaning takes out before it stops. */
const ENOUGH = 64

/** The lists of all rules, by their match. */
export type CountedLists = Map<object, Map<string, List>>

function isClosed(flow: Connection): boolean {
  return flow.proto === 6 && (flow.state === 'TIME_WAIT' || flow.state === 'CLOSE')
}

/** Takes out what is gone or closed; beside it looks at what is alive only when much was taken out. */
function clean(world: World, list: List): void {
  if (list.cleaned === world.now) return
  let taken = 0
  for (const entry of [...list.entries]) {
    const found = world.table.find(entry.tuple, entry.zone)?.flow
    if (found === undefined || isClosed(found)) {
      list.entries.splice(list.entries.indexOf(entry), 1)
      taken++
    } else if (taken > ENOUGH) break
  }
  list.cleaned = world.now
  list.left = list.entries.length
}

/** Puts the connection into the list unless it is there. `isConfirmed`: others know it already. */
function add(world: World, list: List, counted: Counted, isConfirmed: boolean): void {
  const fresh = list.cleaned === world.now && list.entries.length - list.left < ENOUGH
  if (isConfirmed || !fresh) {
    let taken = 0
    for (const entry of [...list.entries]) {
      if (taken > ENOUGH) break
      const found = world.table.find(entry.tuple, entry.zone)?.flow
      if (found !== undefined && sameTuple(entry.tuple, counted.tuple)) return
      if (found !== undefined && !isClosed(found)) continue
      list.entries.splice(list.entries.indexOf(entry), 1)
      taken++
    }
    list.cleaned = world.now
    list.left = list.entries.length
  }
  list.entries.push(counted)
}

/** How many connections the list of that address has; the packet's is one of them. */
function countedWith(lists: Map<string, List>, key: string, skb: Skb, world: World): number {
  const own = skb.connection
  const tuple = own === null ? tupleOf(skb.packet) : own.tuples[0]
  const zone = own === null ? NO_ZONE : own.zone
  const flow = own ?? world.table.find(tuple, zone)?.flow
  const list = lists.get(key)
  if (list === undefined) {
    lists.set(key, { entries: [{ tuple, zone }], cleaned: world.now, left: 0 })
    return 1
  }
  // An assured connection is thought to be there, or to be none of those that are counted.
  if (flow?.assured) clean(world, list)
  else add(world, list, { tuple, zone }, flow?.confirmed === true)
  return list.entries.length
}

export function matchesConnlimit(m: Connlimit, skb: Skb, context: MatchContext): boolean {
  const { world } = context
  let lists = world.counted.get(m)
  if (lists === undefined) {
    lists = new Map()
    world.counted.set(m, lists)
  }
  const address = m.side === 'dest' ? skb.packet.dst : skb.packet.src
  const key = `${applyMask(address, prefixMask(skb.family, m.mask))} ${skb.connection?.zone.id ?? 0}`
  const count = countedWith(lists, key, skb, world)
  // Nothing is left to count: the kernel takes that for a lack of memory and drops the packet.
  if (count === 0) context.hotdrop = true
  return count > 0 && count > m.limit === m.above
}
