// Where a packet would come in when nobody says: the interface that the route back to its source uses.
// A guess for people who explain one packet, by longest prefix over the main and local tables; no policy rules.
import { parseAddress, parsePrefix, prefixContains } from '../net/ip.js'
import type { NetworkNamespace, Route } from './model.js'

const LOCAL_TABLE = 255
const MAIN_TABLE = 254

/**
 * `local` for an address of this namespace, else the device of the best route to `source`; undefined when no route
 * leads there.
 */
export function ingressInterface(namespace: NetworkNamespace, source: string): string | undefined {
  const address = parseAddress(source)
  if (!address) return undefined
  let best: { route: Route; length: number } | undefined
  for (const route of namespace.routes) {
    if (route.family !== address.family || (route.table !== LOCAL_TABLE && route.table !== MAIN_TABLE)) continue
    const prefix = parsePrefix(route.dst)
    if (!prefix || !prefixContains(prefix, address)) continue
    if (route.table === LOCAL_TABLE && route.type === 'local') return 'local'
    const better =
      !best || prefix.length > best.length || (prefix.length === best.length && route.metric < best.route.metric)
    if (route.type === 'unicast' && better) best = { route, length: prefix.length }
  }
  return best?.route.nextHops.find((hop) => hop.dev !== undefined)?.dev
}
