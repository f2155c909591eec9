// What a `recent` list remembers, carried into another image's list when rules are swapped: addresses in their order, with
// their times. The kernel keeps a list by its name as long as some rule names it (net/netfilter/xt_recent.c, recent_mt_check).
import { RECENT_LIST_RING_OFF } from './layout'
import { ADDR, COUNT, FAMILY, HEAD, INDEX, LAST, NEXT, Recents, STAMPS, TTL } from './recent'

/** How many addresses list `index` of the lists of `section`, with their state at `state`, remembers. */
export function recentCount(section: usize, state: usize, index: u32): u32 {
  const now = Recents.section
  const nowState = Recents.state
  Recents.use(section, state)
  const count = load<u32>(Recents.listState(index), COUNT)
  Recents.use(now, nowState)
  return count
}

/**
 * Copies list `from` of those lists into the empty list `to` of the image in use; both keep as many stamps. False when
 * there is no room.
 */
export function carryRecent(section: usize, state: usize, from: u32, to: u32): bool {
  const now = Recents.section
  const nowState = Recents.state
  const stamps = load<u32>(Recents.list(to), RECENT_LIST_RING_OFF)
  Recents.use(section, state)
  let reference = load<u32>(Recents.listState(from), HEAD)
  while (reference !== 0) {
    Recents.use(section, state)
    const old = Recents.entry(reference)
    const oldRing = stamps !== 0 ? Recents.stampAt(from, old, 0) : 0
    Recents.use(now, nowState)
    const added = Recents.add(
      to,
      load<u32>(old, FAMILY),
      load<u32>(old, ADDR),
      load<u32>(old, ADDR + 4),
      load<u32>(old, ADDR + 8),
      load<u32>(old, ADDR + 12),
      load<u32>(old, TTL),
    )
    if (!added) return false
    const entry = Recents.entry(Recents.newest(to))
    store<u32>(entry, load<u32>(old, INDEX), INDEX)
    store<u32>(entry, load<u32>(old, STAMPS), STAMPS)
    store<f64>(entry, load<f64>(old, LAST), LAST)
    if (stamps !== 0) memory.copy(Recents.stampAt(to, entry, 0), oldRing, (stamps as usize) << 3)
    reference = load<u32>(old, NEXT)
  }
  Recents.use(now, nowState)
  return true
}
