// Routes, from `ip -j route show table all`, both families.
// Owns that format (iproute2 5.x and 6.x) and the names of tables, scopes and DS fields; policy-rules.ts has the rules.
// Kernel: net/ipv4/fib_semantics.c, net/ipv6/route.c. What the model cannot say (IPv6 source routes) is refused by name,
// with its place.
import { canonicalAddress, canonicalPrefix, familyOf } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import { type Fields, quoted, readObjects, Source } from './fields.js'
import type { ReadOptions } from './links.js'
import type { NextHop, Route, RouteType } from './model.js'

export const TABLE_DEFAULT = 253
export const TABLE_MAIN = 254
export const TABLE_LOCAL = 255

/**
 * Numbers of route tables by name. A name that only the node's own rt_tables file knows gets a number of its own, the
 * same wherever it stands, and one sentence in `assumed`.
 */
export class TableNames {
  readonly assumed: string[] = []
  private readonly numbers = new Map([
    ['default', TABLE_DEFAULT],
    ['main', TABLE_MAIN],
    ['local', TABLE_LOCAL],
  ])
  private next = 0xfffffffe

  number(name: string): number {
    if (/^[0-9]{1,10}$/.test(name) && Number(name) <= 0xffffffff) return Number(name)
    let number = this.numbers.get(name)
    if (number === undefined) {
      number = this.next--
      this.numbers.set(name, number)
      this.assumed.push(`route table ${quoted(name)} is known by its name only and is numbered ${number}`)
    }
    return number
  }
}

export interface RouteReadOptions extends ReadOptions {
  readonly tables: TableNames
  /** Names of the interfaces that exist; a route through another one is a fault. Left out: not checked. */
  readonly interfaces?: ReadonlySet<string>
}

const TYPES: ReadonlySet<string> = new Set([
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'unreachable',
  'prohibit',
  'blackhole',
  'throw',
])
const WITHOUT_HOPS: ReadonlySet<string> = new Set(['unreachable', 'prohibit', 'blackhole', 'throw'])
const SCOPES: ReadonlySet<string> = new Set(['global', 'site', 'link', 'host', 'nowhere'])
/** Names that iproute2's rt_dsfield gives to DS field values. */
const DS_FIELDS: ReadonlyMap<string, number> = new Map([
  ['default', 0],
  ...[1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`AF${c}${d}`, (c * 8 + d * 2) * 4] as const)),
  ...[1, 2, 3, 4, 5, 6, 7].map((c) => [`CS${c}`, c * 32] as const),
  ['EF', 0xb8],
])

export function tosOf(f: Fields): number {
  const node = f.node('tos')
  const named = node?.kind === 'string' ? DS_FIELDS.get(node.value) : undefined
  return named ?? f.int('tos', 0, 255) ?? 0
}

function deviceOf(f: Fields, options: RouteReadOptions): string | null {
  const dev = f.string('dev')
  if (dev !== null && options.interfaces !== undefined && !options.interfaces.has(dev)) {
    return f.fault('dev', `the interface ${quoted(dev)} is not among those of ip-addr.json`)
  }
  return dev
}

function nextHop(f: Fields, options: RouteReadOptions): NextHop | null {
  if (f.strings('flags').includes('dead')) return null
  const dev = deviceOf(f, options)
  const other = f.child('via')
  const text = other ? other.requiredString('host') : f.string('gateway')
  const via = text === null ? null : canonicalAddress(text)
  if (text !== null && via === null)
    (other ?? f).fault(other ? 'host' : 'gateway', `${quoted(text)} is not an IP address`)
  return { ...(dev === null ? {} : { dev }), ...(via === null ? {} : { via }), weight: f.int('weight', 1, 256) ?? 1 }
}

/** IPv6 entries carry `pref`; the addresses decide where there are some. */
function routeFamily(f: Fields, dst: string): Family {
  const gateway = f.node('gateway')
  if (dst !== 'default') return familyOf(dst)
  return f.has('pref') || (gateway?.kind === 'string' && gateway.value.includes(':')) ? 'ipv6' : 'ipv4'
}

function route(f: Fields, options: RouteReadOptions): Route | null {
  const type = f.string('type') ?? 'unicast'
  if (!TYPES.has(type)) return f.fault('type', `unknown route type ${quoted(type)}`)
  const dstText = f.requiredString('dst')
  if (dstText === null) return null
  const family = routeFamily(f, dstText)
  const dst = canonicalPrefix(dstText === 'default' ? (family === 'ipv4' ? '0.0.0.0/0' : '::/0') : dstText)
  if (dst === null) return f.fault('dst', `${quoted(dstText)} is not a prefix`)
  if (f.has('from')) return f.fault('from', 'routes that ask for a source are not supported')
  const src = f.string('prefsrc')
  const prefsrc = src === null ? null : canonicalAddress(src)
  if (src !== null && prefsrc === null) return f.fault('prefsrc', `${quoted(src)} is not an IP address`)
  const scope = f.string('scope') ?? 'global'
  if (!SCOPES.has(scope)) return f.fault('scope', `unknown scope ${quoted(scope)}; global, site, link, host or nowhere`)
  let nextHops: NextHop[] = []
  if (!WITHOUT_HOPS.has(type)) {
    const hops = f.node('nexthops') === undefined ? [f] : f.objects('nexthops')
    nextHops = hops.flatMap((hop) => nextHop(hop, options) ?? [])
    if (nextHops.length === 0) return null // every way is dead: the kernel does not use such a route
  }
  return {
    family,
    table: options.tables.number(f.string('table') ?? 'main'),
    type: type as RouteType,
    dst,
    nextHops,
    ...(prefsrc === null ? {} : { prefsrc }),
    metric: f.int('metric', 0, 0xffffffff) ?? (family === 'ipv4' ? 0 : 1024),
    scope: scope as Route['scope'],
    tos: tosOf(f),
    ...mtuOf(f),
  }
}

/** Of the metrics; whether it is locked is not in it. */
function mtuOf(f: Fields): Pick<Route, 'mtu'> {
  for (const metrics of f.node('metrics') === undefined ? [] : f.objects('metrics')) {
    const mtu = metrics.int('mtu', 0, 0xffffffff)
    if (mtu) return { mtu }
  }
  return {}
}

/**
 * Reads `ip -j [-4|-6] route show table all`: all routes of the text, in its order. Without `-4` the text holds both
 * families. A next hop that the kernel marks `dead` is left out. Throws a FaultError.
 */
export function readRoutes(text: string, options: RouteReadOptions): Route[] {
  const source = new Source(options.file, text)
  const routes = readObjects(source, 'ip -j route show table all', options.maxDepth ?? 64).flatMap(
    (f) => route(f, options) ?? [],
  )
  source.done()
  return routes
}
