// Which chains lead to which, as rules are exchanged: nobody may lead to a chain that goes, nor deeper than the jump stack
// was made for, nor in a circle.
import { chainDepths } from './chain-depth.js'

/** Jumps and gotos between chains, by index. */
export class ChainGraph {
  readonly #edges: (readonly number[])[]
  readonly #incoming: number[] = []
  /** How deep each chain leads, at most. */
  readonly #depths: number[]

  /** `edges`: of each chain those that it leads to, without a circle. */
  constructor(edges: readonly (readonly number[])[]) {
    this.#edges = [...edges]
    for (const list of edges) for (const to of list) this.#lead(to, 1)
    this.#depths = [...(chainDepths(edges) ?? [])]
  }

  /** Chains there were at most. */
  get size(): number {
    return this.#edges.length
  }

  /** The index of a chain to come. */
  add(): number {
    return this.#edges.push([]) - 1
  }

  /**
   * Exchanges where chains lead. False when the result is not sound: then the graph is of no use any more. A chain that is
   * not `fresh` must lead no deeper than before; so no circle can close.
   */
  exchange(
    written: ReadonlyMap<number, { readonly edges: readonly number[]; readonly fresh: boolean }>,
    removed: readonly number[],
  ): boolean {
    for (const index of removed) this.#put(index, [])
    for (const [index, { edges }] of written) this.#put(index, edges)
    if (removed.some((index) => (this.#incoming[index] ?? 0) > 0)) return false
    const depths = new Map<number, number>()
    const depthOf = (index: number): number => {
      const known = depths.get(index)
      if (known !== undefined) return known
      const now = written.get(index)
      if (now === undefined) return this.#depths[index] ?? 0
      // Until it is known it is too deep: a way back to here is a circle.
      depths.set(index, Number.POSITIVE_INFINITY)
      let depth = 1
      for (const to of now.edges) depth = Math.max(depth, 1 + depthOf(to))
      depths.set(index, depth)
      return depth
    }
    for (const [index, { fresh }] of written) {
      const depth = depthOf(index)
      if (depth === Number.POSITIVE_INFINITY || (!fresh && depth > this.#depths[index]!)) return false
    }
    for (const [index, { fresh }] of written) if (fresh) this.#depths[index] = depths.get(index)!
    return true
  }

  #put(index: number, edges: readonly number[]): void {
    for (const to of this.#edges[index] ?? []) this.#lead(to, -1)
    for (const to of edges) this.#lead(to, 1)
    this.#edges[index] = edges
  }

  #lead(to: number, by: number): void {
    this.#incoming[to] = (this.#incoming[to] ?? 0) + by
  }
}
