// Which chains of a table were exchanged for others, and which rules of a chain: by identity, in one walk over both lists.
import type { Chain, Rule } from '../netfilter/model.js'

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

/** By rule: where it stands in the list before; -1: nowhere. Two lists that are much alike take one walk. */
export function placesOf(rules: readonly Rule[], before: readonly Rule[]): Int32Array {
  const places = new Int32Array(rules.length).fill(-1)
  let all: Map<Rule, number> | null = null
  let next = 0
  for (const [i, rule] of rules.entries()) {
    if (rule === before[next]) places[i] = next++
    else if (rule === before[next + 1]) {
      places[i] = next + 1
      next += 2
    } else {
      all ??= new Map(before.map((r, at) => [r, at]))
      places[i] = all.get(rule) ?? -1
      if (places[i]! >= 0) next = places[i]! + 1
    }
  }
  return places
}
