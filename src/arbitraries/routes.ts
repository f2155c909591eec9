// Routes of generated namespaces: several tables, all types, multipath with weights, metrics, types of service.
import fc from 'fast-check'
import { canonicalPrefix } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import { deriveRoutes } from '../netns/derive.js'
import type { Link, NextHop, Route, RouteType } from '../netns/model.js'
import { linkNumber, listOf, pick, poolPrefix, weighted, worldOf } from './pool.js'

export interface RouteDraft {
  readonly family: Family
  readonly table: number
  readonly type: RouteType
  readonly dst: string
  readonly hops: readonly { readonly link: number; readonly via: number; readonly weight: number }[]
  readonly metric: number
  readonly tos: number
  /** Longest packet that leaves by it, bytes; 0: as the interface has it. */
  readonly mtu: number
}

const TABLES = [254, 254, 100, 101, 253]
const NO_HOP: ReadonlySet<RouteType> = new Set(['unreachable', 'prohibit', 'blackhole', 'throw'])

/** Any route of one family. */
export const routeDraft = (family: Family): fc.Arbitrary<RouteDraft> =>
  fc.record({
    family: fc.constant(family),
    table: pick(TABLES),
    type: weighted<RouteType>(
      [12, fc.constant('unicast')],
      [2, pick<RouteType>(['unreachable', 'prohibit', 'blackhole', 'throw'])],
      [1, fc.constant('local')],
    ),
    dst: weighted([3, pick([family === 'ipv4' ? '0.0.0.0/0' : '::/0'])], [5, poolPrefix(family)]).map(
      (p) => canonicalPrefix(p) as string,
    ),
    hops: weighted([3, listOf(hopDraft, 1, 1)], [1, listOf(hopDraft, 2, 3)]),
    metric: pick([0, 0, 10, 256, 1024]),
    tos: weighted([9, fc.constant(0)], [1, pick([4, 8, 16])]),
    mtu: weighted([6, fc.constant(0)], [1, pick([1300, 2000])]),
  })

const hopDraft = fc.record({
  link: linkNumber,
  via: fc.nat({ max: 3 }),
  weight: weighted([2, fc.constant(1)], [1, fc.integer({ min: 1, max: 256 })]),
})

/** Most namespaces have a default route by their first interface. */
export const GATEWAYS: readonly RouteDraft[] = (['ipv4', 'ipv6'] as const).map((family) => ({
  family,
  table: 254,
  type: 'unicast',
  dst: family === 'ipv4' ? '0.0.0.0/0' : '::/0',
  hops: [{ link: 0, via: 2, weight: 1 }],
  metric: family === 'ipv4' ? 0 : 1024,
  tos: 0,
  mtu: 0,
}))

/** A route over the links that there are; IPv6 knows no type of service and no metric 0. */
function routeOf(draft: RouteDraft, links: readonly Link[]): Route {
  const { family, type } = draft
  const world = worldOf(family)
  const real = links.filter((l) => !l.loopback)
  const nextHops: NextHop[] = []
  for (const hop of NO_HOP.has(type) ? [] : type === 'local' ? draft.hops.slice(0, 1) : draft.hops) {
    const k = hop.link % real.length
    const dev = (real[k] as Link).name
    const { weight } = hop
    const next =
      type === 'local' || hop.via < 1 ? { dev, weight } : { dev, via: world.neighbour(k, hop.via & 1), weight }
    if (!nextHops.some((h) => h.dev === next.dev && h.via === ('via' in next ? next.via : undefined)))
      nextHops.push(next)
  }
  return {
    family,
    table: draft.table,
    type,
    dst: draft.dst,
    nextHops: nextHops.length === 1 ? nextHops.map((h) => ({ ...h, weight: 1 })) : nextHops,
    metric: family === 'ipv6' ? draft.metric || 1024 : draft.metric,
    scope: type === 'local' ? 'host' : nextHops.every((h) => h.via !== undefined) ? 'global' : 'link',
    tos: family === 'ipv4' ? draft.tos : 0,
    ...(draft.mtu === 0 || nextHops.length === 0 || type === 'local' ? {} : { mtu: draft.mtu }),
  }
}

/** Derived routes, then the drafts; of two with the same table, destination, tos and metric the first stays. */
export function routesOf(links: readonly Link[], drafts: readonly RouteDraft[]): Route[] {
  const routes = deriveRoutes(links)
  const taken = new Set(routes.map(routeKey))
  for (const draft of drafts) {
    const route = routeOf(draft, links)
    if (taken.has(routeKey(route))) continue
    taken.add(routeKey(route))
    routes.push(route)
  }
  return routes
}

const routeKey = (r: Route): string => [r.family, r.table, r.dst, r.tos, r.metric].join(' ')
