// How deep jumps and gotos lead: what the jump stack must hold.

/**
 * The longest way through jumps and gotos, in chains, from any chain; -1 when there is a loop. Linear, no recursion.
 *
 * @example chainDepth([[1], [2], []]) // 3
 */
export function chainDepth(edges: readonly (readonly number[])[]): number {
  const depths = chainDepths(edges)
  if (depths === null) return -1
  let longest = 0
  for (const depth of depths) longest = Math.max(longest, depth)
  return longest
}

/** The same for each chain; null when there is a loop. */
export function chainDepths(edges: readonly (readonly number[])[]): Uint32Array | null {
  const state = new Uint8Array(edges.length) // 0 new, 1 on the way, 2 done
  const next = new Uint32Array(edges.length)
  const depth = new Uint32Array(edges.length)
  const stack: number[] = []
  for (let start = 0; start < edges.length; start++) {
    if (state[start] !== 0) continue
    stack.push(start)
    state[start] = 1
    while (stack.length > 0) {
      const chain = stack[stack.length - 1]!
      const to = edges[chain]![next[chain]!]
      if (to === undefined) {
        state[chain] = 2
        let deepest = 0
        for (const child of edges[chain]!) deepest = Math.max(deepest, depth[child]!)
        depth[chain] = deepest + 1
        stack.pop()
        continue
      }
      next[chain] = next[chain]! + 1
      if (state[to] === 1) return null
      if (state[to] === 0) {
        state[to] = 1
        stack.push(to)
      }
    }
  }
  return depth
}
