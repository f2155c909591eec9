// Which chains of a table were exchanged for others: by identity, in one walk over both lists.
import type { Chain } from '../netfilter/model.js'

/** What became of a table's chains; those that are the same objects are in none of the lists. */
export interface ChainDiff {
  readonly removed: readonly Chain[]
  readonly added: readonly Chain[]
  /** Same name, another object: before, after. */
  readonly changed: readonly (readonly [Chain, Chain])[]
}

/** `known`: the names there were before. Null when two chains after have one name. */
export function diffChains(
  before: readonly Chain[],
  after: readonly Chain[],
  known: ReadonlyMap<string, unknown>,
): ChainDiff | null {
  const passed = new Map<string, Chain>()
  const added = new Map<string, Chain>()
  const changed: [Chain, Chain][] = []
  let i = 0
  for (const chain of after) {
    if (chain === before[i]) {
      i++
      continue
    }
    const { name } = chain
    if (!known.has(name)) {
      if (added.has(name)) return null
      added.set(name, chain)
      continue
    }
    while (i < before.length && before[i]!.name !== name && !passed.has(name)) {
      passed.set(before[i]!.name, before[i]!)
      i++
    }
    const old = passed.get(name) ?? before[i]
    if (old === undefined || old.name !== name) return null
    if (!passed.delete(name)) i++
    if (old !== chain) changed.push([old, chain])
  }
  for (; i < before.length; i++) passed.set(before[i]!.name, before[i]!)
  return { removed: [...passed.values()], added: [...added.values()], changed }
}
