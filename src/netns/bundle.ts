// The node bundle: one network namespace as an operator gathers it, file by file, made into complete plain data.
// Owns the names of the bundle's files, what may be missing and what is assumed then. Reads no disk: files come as a map.
// Each assumption becomes one sentence in `NetworkNamespace.assumed`.
import { type Fault, FaultError, fail } from '../net/fault.js'
import type { Backend, Family, Ruleset } from '../netfilter/model.js'
import { readRules } from '../netfilter/read.js'
import { readBridgeLinks, readFdb, readNeighbours } from './bridges.js'
import { readConntrack } from './conntrack.js'
import { deriveRoutes } from './derive.js'
import { quoted } from './fields.js'
import { readIpsets } from './ipset.js'
import { readAddresses, readLinkDetails } from './links.js'
import type { ExistingConnection, Link, NetworkNamespace, PolicyRule, Route } from './model.js'
import { defaultPolicyRules, readPolicyRules } from './policy-rules.js'
import { readRoutes, TableNames } from './routes.js'
import { readSysctls } from './sysctl.js'

/** The files of a bundle. Everything else in its folder is passed over. */
export const BUNDLE_FILES: readonly string[] = [
  'iptables-save',
  'ip6tables-save',
  'ip-addr.json',
  'ip-link.json',
  'ip-route.json',
  'ip-route6.json',
  'ip-rule.json',
  'ip-rule6.json',
  'ip-neigh.json',
  'bridge-link.json',
  'bridge-fdb.json',
  'ipset-save',
  'sysctls',
  'conntrack',
  'conntrack6',
]

export interface BundleOptions {
  /** Where the bundle lies, put before file names in faults: `bundle/ip-addr.json`. Default: nothing. */
  readonly path?: string
  /** Name of the namespace. Default `node`. */
  readonly name?: string
  /** Overrides the iptables backend that the dump's header names. */
  readonly backend?: Backend
  /** A cluster is given as well: kube-proxy and kubeadm have set route_localnet and bridge-nf-call-iptables. */
  readonly cluster?: boolean
  /** Conntrack runs although no rule needs it. Default: when the bundle lists connections. */
  readonly forceConntrack?: boolean
  /** How deep JSON may nest. Default 64. */
  readonly maxDepth?: number
  /** Longest line of a text file, in characters. Default 1,048,576. JSON files have no limit of this kind. */
  readonly maxLineLength?: number
}

/** Sysctls that are assumed when the bundle does not say them: `key`, `value`, why. */
const FORWARDING: readonly (readonly [string, string])[] = [
  ['net.ipv4.ip_forward', '1'],
  ['net.ipv6.conf.all.forwarding', '1'],
]
const CLUSTER: readonly (readonly [string, string])[] = [
  ['net.ipv4.conf.all.route_localnet', '1'],
  ['net.bridge.bridge-nf-call-iptables', '1'],
]

class Bundle {
  readonly faults: Fault[] = []
  readonly assumed: string[] = []
  private readonly files: ReadonlyMap<string, string | Uint8Array>
  private readonly options: BundleOptions

  constructor(files: ReadonlyMap<string, string | Uint8Array>, options: BundleOptions) {
    this.files = files
    this.options = options
  }

  label(name: string): string {
    const path = this.options.path ?? ''
    return path === '' || path.endsWith('/') ? path + name : `${path}/${name}`
  }

  has(name: string): boolean {
    return this.files.has(name)
  }

  /** A file's text; null when it is not there. Binary content and overlong lines are faults. */
  text(name: string): string | null {
    const content = this.files.get(name)
    if (content === undefined) return null
    const text = typeof content === 'string' ? content : decodeText(content, this.label(name))
    const nul = text.indexOf('\u0000')
    if (nul >= 0) fail(this.label(name), text.slice(0, nul).split('\n').length, 0, 'a binary file; text was expected')
    if (!name.endsWith('.json')) checkLines(text, this.label(name), this.options.maxLineLength ?? 1_048_576)
    return text
  }

  /** Runs a reader on a file; its faults are kept, so that one run names those of all files. */
  read<T>(name: string, fallback: T, reader: (text: string, file: string) => T): T {
    try {
      const text = this.text(name)
      return text === null ? fallback : reader(text, this.label(name))
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      this.faults.push(...error.faults)
      return fallback
    }
  }

  done(): void {
    if (this.faults.length > 0) throw new FaultError(this.faults)
  }
}

/** UTF-8 text of bytes; anything else is a fault. */
export function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail(file, 0, 0, 'not UTF-8 text (a binary file?)')
  }
}

function checkLines(text: string, file: string, limit: number): void {
  let line = 1
  for (let start = 0; start <= text.length; line++) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    if (end - start > limit) fail(file, line, 0, `a line of ${end - start} characters; the limit is ${limit}`)
    start = end + 1
  }
}

function withDetails(bundle: Bundle, links: readonly Link[], depth: number): Link[] {
  if (!bundle.has('ip-link.json')) {
    bundle.assumed.push('no ip-link.json: the kinds of the interfaces are not known')
    return [...links]
  }
  const details = bundle.read('ip-link.json', new Map(), (text, file) =>
    readLinkDetails(text, { file, maxDepth: depth }),
  )
  return links.map((link) => {
    const detail = details.get(link.name)
    if (detail === undefined) return link
    const master = link.master ?? detail.master
    return { ...link, ...detail, ...(master === undefined ? {} : { master }) }
  })
}

/** What frames of bridges meet: the ports' settings, who is behind which port, who has which Ethernet address. */
function bridging(bundle: Bundle, links: readonly Link[], depth: number): Pick<NetworkNamespace, 'fdb' | 'neighbours'> {
  const bridged = links.some((link) => link.master !== undefined && links.some((l) => l.name === link.master))
  for (const name of bridged ? ['bridge-link.json', 'bridge-fdb.json', 'ip-neigh.json'] : []) {
    if (bundle.has(name)) continue
    if (name === 'bridge-link.json' && bundle.has('ip-link.json')) continue // says the same
    bundle.assumed.push(`no ${name}: ${MISSING_BRIDGING[name]!}`)
  }
  for (const link of links.filter((l) => l.kind === '' && links.some((port) => port.master === l.name))) {
    bundle.assumed.push(`${quoted(link.name)} has ports and its kind is not known: it is a bridge`)
  }
  const fdb = bundle.read('bridge-fdb.json', undefined, (text, file) => readFdb(text, file, depth))
  const neighbours = bundle.read('ip-neigh.json', undefined, (text, file) => readNeighbours(text, file, depth))
  return { ...(fdb === undefined ? {} : { fdb }), ...(neighbours === undefined ? {} : { neighbours }) }
}

const MISSING_BRIDGING: Readonly<Record<string, string>> = {
  'bridge-link.json': 'the ports of bridges are as new ones',
  'bridge-fdb.json': 'who is behind which port of a bridge is not known',
  'ip-neigh.json': 'no neighbour is known; what comes by a port of a bridge for another host of its subnets is bridged',
}

function rulesets(bundle: Bundle, backend: Backend | undefined): Ruleset[] {
  const read = (name: string, family: Family): Ruleset[] =>
    bundle.read<Ruleset[]>(name, [], (text, file) =>
      // A namespace without any table prints nothing at all.
      text.trim() === '' ? [] : [readRules(text, { file, family, ...(backend === undefined ? {} : { backend }) })],
    )
  for (const name of ['iptables-save', 'ip6tables-save']) {
    if (!bundle.has(name)) bundle.assumed.push(`no ${name}: no rules of that family`)
  }
  return [...read('iptables-save', 'ipv4'), ...read('ip6tables-save', 'ipv6')]
}

function routes(
  bundle: Bundle,
  links: readonly Link[],
  tables: TableNames,
  forwarding6: boolean,
  depth: number,
): Route[] {
  const interfaces = new Set(links.map((link) => link.name))
  const read = (name: string): Route[] =>
    bundle.read<Route[]>(name, [], (text, file) =>
      // `ip` prints nothing where IPv6 is switched off.
      name === 'ip-route6.json' && text.trim() === ''
        ? []
        : readRoutes(text, { file, maxDepth: depth, tables, interfaces }),
    )
  const listed = read('ip-route.json')
  const listed6 = read('ip-route6.json')
  const derived = deriveRoutes(links, { forwarding6 })
  const has4 = bundle.has('ip-route.json')
  // Without -4 the first file lists both families; where the second is there, IPv6 is taken from that one.
  const has6 = bundle.has('ip-route6.json') || listed.some((route) => route.family === 'ipv6')
  if (!has4) bundle.assumed.push('no ip-route.json: only the IPv4 routes that follow from the addresses')
  if (!has6) bundle.assumed.push('no ip-route6.json: only the IPv6 routes that follow from the addresses')
  return [
    ...(has4 ? listed : derived).filter((route) => route.family === 'ipv4'),
    ...(bundle.has('ip-route6.json') ? listed6 : has6 ? listed : derived).filter((route) => route.family === 'ipv6'),
  ]
}

function policyRules(bundle: Bundle, tables: TableNames, depth: number): PolicyRule[] {
  const read = (name: string, family: Family): PolicyRule[] => {
    if (!bundle.has(name)) {
      bundle.assumed.push(`no ${name}: the ${family === 'ipv4' ? 'IPv4' : 'IPv6'} policy rules of a new namespace`)
      return defaultPolicyRules(family)
    }
    return bundle.read<PolicyRule[]>(name, [], (text, file) =>
      family === 'ipv6' && text.trim() === '' ? [] : readPolicyRules(text, family, { file, maxDepth: depth, tables }),
    )
  }
  return [...read('ip-rule.json', 'ipv4'), ...read('ip-rule6.json', 'ipv6')].sort((a, b) => a.priority - b.priority)
}

/** The settings given, completed by those that are assumed with another value than a new namespace has. */
function sysctls(bundle: Bundle, options: BundleOptions): Record<string, string> {
  const given = bundle.read<Record<string, string>>('sysctls', {}, (text, file) => readSysctls(text, { file }))
  const values = Object.assign(Object.create(null) as Record<string, string>, given)
  if (!bundle.has('sysctls')) bundle.assumed.push('no sysctls: every setting has the value of a new namespace')
  const assume = ([key, value]: readonly [string, string], why: string): void => {
    if (Object.hasOwn(values, key)) return
    values[key] = value
    bundle.assumed.push(`${key} = ${value} ${why}`)
  }
  for (const setting of FORWARDING) assume(setting, 'because the bundle does not say it')
  if (options.cluster) for (const setting of CLUSTER) assume(setting, 'as kube-proxy and kubeadm set it')
  else if (bundle.has('sysctls') && !Object.keys(values).some((key) => key.startsWith('net.bridge.'))) {
    bundle.assumed.push('no net.bridge settings: br_netfilter is not loaded')
  }
  return values
}

function connections(bundle: Bundle, rules: readonly Ruleset[]): ExistingConnection[] {
  const nat = (family: Family): boolean =>
    rules.some((r) => r.family === family && r.tables.some((t) => t.name === 'nat'))
  const read = (name: string): ExistingConnection[] =>
    bundle.read<ExistingConnection[]>(name, [], (text, file) => readConntrack(text, { file, nat }))
  // Without -f the first file may list both families; the second then says the IPv6 ones once more.
  const all = read('conntrack')
  const six = read('conntrack6').filter((entry) => entry.family === 'ipv6')
  return bundle.has('conntrack6') ? [...all.filter((entry) => entry.family === 'ipv4'), ...six] : all
}

/**
 * Makes a complete namespace of a bundle's files. Only `ip-addr.json` and one of the rule files must be there; what else
 * is missing is assumed, one sentence each in `assumed`. Throws a FaultError with the faults of all files.
 */
export function readBundle(
  files: ReadonlyMap<string, string | Uint8Array>,
  options: BundleOptions = {},
): NetworkNamespace {
  const bundle = new Bundle(files, options)
  const depth = options.maxDepth ?? 64
  if (!bundle.has('ip-addr.json')) fail(bundle.label('ip-addr.json'), 0, 0, 'the bundle lacks this file (`ip -j addr`)')
  if (!bundle.has('iptables-save') && !bundle.has('ip6tables-save')) {
    fail(bundle.label('iptables-save'), 0, 0, 'the bundle has neither this file nor ip6tables-save')
  }
  const bare = bundle.read<Link[]>('ip-addr.json', [], (text, file) => readAddresses(text, { file, maxDepth: depth }))
  bundle.done() // without interfaces, everything else would be at fault
  const detailed = withDetails(bundle, bare, depth)
  const links = bundle.read('bridge-link.json', detailed, (text, file) => readBridgeLinks(text, detailed, file, depth))
  const tables = new TableNames()
  const settings = sysctls(bundle, options)
  const forwarding6 = settings['net.ipv6.conf.all.forwarding'] !== '0'
  const allRoutes = routes(bundle, links, tables, forwarding6, depth)
  const rules = policyRules(bundle, tables, depth)
  const sets = bundle.read('ipset-save', [], (text, file) => readIpsets(text, { file }))
  const iptables = rulesets(bundle, options.backend)
  const existing = connections(bundle, iptables)
  const seen = bridging(bundle, links, depth)
  for (const link of links) {
    if (link.master !== undefined && !links.some((other) => other.name === link.master)) {
      bundle.assumed.push(`${quoted(link.master)}, the master of ${quoted(link.name)}, is in another namespace`)
    }
  }
  bundle.done()
  return {
    name: options.name ?? 'node',
    links,
    routes: allRoutes,
    policyRules: rules,
    rulesets: iptables,
    sets,
    sysctls: settings,
    connections: existing,
    ...seen,
    forceConntrack: options.forceConntrack ?? existing.length > 0,
    assumed: [...bundle.assumed, ...tables.assumed],
  }
}
