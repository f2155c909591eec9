// Policy rules, from `ip -j rule`, both families. Owns that format (iproute2 5.x and 6.x).
// Kernel: net/core/fib_rules.c, net/ipv4/fib_rules.c, net/ipv6/fib6_rules.c. What the model cannot say (VRF rules, tunnel
// ids, realms, flow labels) is refused by name, with its place.
import { canonicalPrefix, familyBits, familyOf } from '../net/ip.js'
import { protoNumber } from '../net/proto.js'
import type { Family, Range } from '../netfilter/model.js'
import { type Fields, quoted, readObjects, Source } from './fields.js'
import { groupNumber } from './links.js'
import type { PolicyRule } from './model.js'
import { type RouteReadOptions, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN, tosOf } from './routes.js'

const REFUSED_SELECTORS = ['tun_id', 'l3mdev', 'realms', 'flow_from', 'flow_to', 'flowlabel', 'dscp']

function selectorPrefix(f: Fields, name: 'src' | 'dst', family: Family): string | null {
  const text = f.string(name)
  if (text === null || text === 'all') return null
  const length = f.int(`${name}len`, 0, familyBits(family)) ?? familyBits(family)
  const prefix = canonicalPrefix(`${text}/${length}`)
  if (prefix === null || familyOf(prefix) !== family)
    return f.fault(name, `${quoted(text)} is not an ${family} address`)
  return prefix
}

/** A range as `NAME` (one value) or `NAME_start` and `NAME_end`. */
function range(f: Fields, name: string, max: number): Range | null {
  const single = f.int(name, 0, max)
  if (single !== null) return { from: single, to: single }
  const from = f.int(`${name}_start`, 0, max)
  const to = f.int(`${name}_end`, 0, max)
  if (from === null && to === null) return null
  if (from !== null && to !== null && from <= to) return { from, to }
  const which = from === null ? `${name}_start` : `${name}_end`
  return f.fault(which, from === null || to === null ? 'is missing' : 'the range is reversed')
}

function action(f: Fields, options: RouteReadOptions): PolicyRule['action'] | null {
  if (f.has('goto')) {
    const priority = f.int('goto', 0, 0xffffffff)
    return priority === null ? null : { type: 'goto', priority }
  }
  if (f.has('nop')) return { type: 'nop' }
  const name = f.string('action')
  if (name === 'unreachable' || name === 'prohibit' || name === 'blackhole') return { type: name }
  if (name !== null) return f.fault('action', `unknown action ${quoted(name)}`)
  const table = f.node('table')
  if (table === undefined) {
    f.source.fault(f.object.at, 'the rule has no `table`, `goto`, `nop` or `action`')
    return null
  }
  const number = table.kind === 'number' ? table.value : options.tables.number(f.string('table') ?? '')
  const suppress = f.int('suppress_prefixlen', 0, 128)
  const group = f.has('suppress_ifgroup') ? groupNumber(f, 'suppress_ifgroup') : null
  return {
    type: 'table',
    table: number,
    ...(suppress === null ? {} : { suppressPrefixLength: suppress }),
    ...(group === null ? {} : { suppressIfgroup: group }),
  }
}

function policyRule(f: Fields, family: Family, options: RouteReadOptions): PolicyRule | null {
  for (const name of REFUSED_SELECTORS) if (f.has(name)) return f.fault(name, 'rules with this part are not supported')
  const priority = f.int('priority', 0, 0xffffffff)
  const from = selectorPrefix(f, 'src', family)
  const to = selectorPrefix(f, 'dst', family)
  const iif = f.string('iif')
  const oif = f.string('oif')
  const value = f.int('fwmark', 0, 0xffffffff)
  const mask = f.int('fwmask', 0, 0xffffffff) ?? 0xffffffff
  const protoText = f.string('ipproto')
  const ipproto = protoText === null ? null : protoNumber(protoText.replace(/^ipproto-/, ''))
  if (protoText !== null && ipproto === null) return f.fault('ipproto', `unknown protocol ${quoted(protoText)}`)
  const sport = range(f, 'sport', 65535)
  const dport = range(f, 'dport', 65535)
  const uidRange = range(f, 'uid', 0xffffffff)
  const what = action(f, options)
  if (what === null) return null
  const tos = tosOf(f)
  return {
    family,
    priority: priority ?? 0,
    not: f.has('not'),
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
    ...(iif === null ? {} : { iif }),
    ...(oif === null ? {} : { oif }),
    ...(value === null ? {} : { fwmark: { value, mask } }),
    ...(tos === 0 ? {} : { tos }),
    ...(ipproto === null ? {} : { ipproto }),
    ...(sport === null ? {} : { sport }),
    ...(dport === null ? {} : { dport }),
    ...(uidRange === null ? {} : { uidRange }),
    action: what,
  }
}

/** Reads `ip -j rule` or `ip -j -6 rule`, in the order of the text. Throws a FaultError. */
export function readPolicyRules(text: string, family: Family, options: RouteReadOptions): PolicyRule[] {
  const source = new Source(options.file, text)
  const rules = readObjects(source, family === 'ipv4' ? 'ip -j rule' : 'ip -j -6 rule', options.maxDepth ?? 64).flatMap(
    (f) => policyRule(f, family, options) ?? [],
  )
  source.done()
  return rules
}

/** The policy rules of a new namespace: local, main and, for IPv4, default. */
export function defaultPolicyRules(family: Family): PolicyRule[] {
  const rule = (priority: number, table: number): PolicyRule => ({
    family,
    priority,
    not: false,
    action: { type: 'table', table },
  })
  const rules = [rule(0, TABLE_LOCAL), rule(32766, TABLE_MAIN)]
  return family === 'ipv4' ? [...rules, rule(32767, TABLE_DEFAULT)] : rules
}
