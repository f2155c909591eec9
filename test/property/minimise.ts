// From a failing case to a small one: parts of the namespace and packets are left out, one after the other, as long as it
// still fails. Works on concrete cases, so that it is quicker and goes further than shrinking the generators.
import type { Packet } from '../../src/net/packet.js'
import type { NetworkNamespace } from '../../src/netns/model.js'

/** What can be made smaller. */
export interface Shrinkable {
  readonly namespace: NetworkNamespace
  readonly packets: readonly object[]
}

/** A concrete failing case, as the files of test/pinned/ hold it. */
export interface Case extends Shrinkable {
  readonly seed: number
  readonly packets: readonly Packet[]
}

type Path = readonly (string | number)[]

/** The smallest case found that still `fails`; at most `budget` tries. */
export function minimise(start: Case, fails: (it: Case) => boolean, budget = 3000): Case {
  const search = candidates(start, budget)
  for (let at = search.next(); ; ) {
    if (at.done === true) return at.value
    let still = false
    try {
      still = fails(at.value)
    } catch {
      // Not a case any more.
    }
    at = search.next(still)
  }
}

/** Smaller and smaller cases; told of each whether it still fails, the smallest is returned. */
export function* candidates<T extends Shrinkable>(start: T, budget: number): Generator<T, T, boolean> {
  let best = start
  let left = budget
  for (let before = -1; before !== left && left > 0; ) {
    before = left
    let smaller = false
    for (const path of listsOf(best)) {
      for (let size = Math.max(1, listAt(best, path).length >> 1); size >= 1; size >>= 1)
        for (let at = 0; at < listAt(best, path).length; ) {
          const list = listAt(best, path)
          const next = put(best, path, [...list.slice(0, at), ...list.slice(at + size)]) as T
          if (left-- > 0 && (yield next)) {
            best = next
            smaller = true
          } else at += size
        }
    }
    for (const path of fieldsOf(best)) {
      const next = put(best, path, undefined) as T
      if (left-- > 0 && (yield next)) {
        best = next
        smaller = true
      }
    }
    if (!smaller) break
  }
  return best
}

/** Every list whose elements can be left out, outermost first. */
function listsOf(it: Shrinkable): Path[] {
  const paths: Path[] = [['packets']]
  for (const key of ['rulesets', 'policyRules', 'routes', 'sets', 'connections']) paths.push(['namespace', key])
  for (const [r, ruleset] of it.namespace.rulesets.entries()) {
    paths.push(['namespace', 'rulesets', r, 'tables'])
    for (const [t, table] of ruleset.tables.entries())
      for (const [c, chain] of table.chains.entries()) {
        const rules: Path = ['namespace', 'rulesets', r, 'tables', t, 'chains', c, 'rules']
        paths.push(rules)
        for (const i of chain.rules.keys()) paths.push([...rules, i, 'matches'])
      }
  }
  for (const i of it.namespace.sets.keys()) paths.push(['namespace', 'sets', i, 'entries'])
  for (const i of it.namespace.links.keys()) paths.push(['namespace', 'links', i, 'addresses'])
  return paths
}

/** Settings, and conditions and targets of rules. */
function fieldsOf(it: Shrinkable): Path[] {
  const paths: Path[] = Object.keys(it.namespace.sysctls).map((key) => ['namespace', 'sysctls', key])
  for (const [r, ruleset] of it.namespace.rulesets.entries())
    for (const [t, table] of ruleset.tables.entries())
      for (const [c, chain] of table.chains.entries())
        for (const i of chain.rules.keys())
          for (const key of ['src', 'dst', 'inIface', 'outIface', 'proto', 'target'])
            if (key in (chain.rules[i] as object))
              paths.push(['namespace', 'rulesets', r, 'tables', t, 'chains', c, 'rules', i, key])
  return paths
}

function listAt(value: unknown, path: Path): readonly unknown[] {
  let at = value
  for (const key of path) at = (at as Record<string | number, unknown> | undefined)?.[key]
  return Array.isArray(at) ? at : []
}

/** A copy with one value replaced, or left out when it is undefined. */
function put(value: unknown, path: Path, leaf: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return leaf
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>
  const inner = put(copy[key], rest, leaf)
  if (inner === undefined) delete copy[key]
  else copy[key] = inner
  return copy
}
