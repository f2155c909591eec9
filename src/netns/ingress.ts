// Where a packet would come in when nobody says: the interface that the route back to its source uses.
// A guess for people who explain one packet, by longest prefix over the main and local tables; no policy rules.
import { canonicalAddress, parseAddress, parsePrefix, prefixContains } from '../net/ip.js'
import type { NetworkNamespace, Route } from './model.js'

const LOCAL_TABLE = 255
const MAIN_TABLE = 254

/**
 * `local` for an address of this namespace, else the device of the best route to `source` (of a bridge the port behind
 * which it is, when that is known); undefined when no route leads there.
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
  const dev = best?.route.nextHops.find((hop) => hop.dev !== undefined)?.dev
  return dev === undefined ? undefined : (portOf(namespace, dev, source) ?? dev)
}

/** The port of a bridge behind which an address is, when neighbours and forwarding database say so. */
function portOf(namespace: NetworkNamespace, dev: string, address: string): string | undefined {
  const canonical = canonicalAddress(address)
  const mac = namespace.neighbours?.find((n) => n.dev === dev && n.address === canonical)?.mac
  return namespace.fdb?.find((e) => e.bridge === dev && e.mac === mac && !e.local)?.port
}
