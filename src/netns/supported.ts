// What no engine evaluates yet: found when an engine is made, each with its place. One list for all engines.
// Owns the list only; what cannot be read at all is refused by the readers.
import { escapeText, type Fault, FaultError } from '../net/fault.js'
import type { Match, Rule, Ruleset, Table } from '../netfilter/model.js'
import { BUILTIN_CHAINS } from '../netfilter/model.js'
import { listed } from '../netfilter/model-listed.js'
import type { IpSet, NetworkNamespace } from './model.js'

/** Set types whose membership is evaluated. */
const SET_TYPES: ReadonlySet<string> = new Set([
  'hash:ip',
  'hash:net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:net,net',
  'hash:net,port,net',
  'hash:net,iface',
  'hash:ip,mark',
  'bitmap:ip',
  'bitmap:port',
  'list:set',
])

const REJECTS: Readonly<Record<'ipv4' | 'ipv6', ReadonlySet<string>>> = {
  ipv4: new Set([
    'icmp-net-unreachable',
    'icmp-host-unreachable',
    'icmp-proto-unreachable',
    'icmp-port-unreachable',
    'icmp-net-prohibited',
    'icmp-host-prohibited',
    'icmp-admin-prohibited',
    'tcp-reset',
  ]),
  ipv6: new Set([
    'icmp6-no-route',
    'icmp6-adm-prohibited',
    'icmp6-addr-unreachable',
    'icmp6-port-unreachable',
    'icmp6-policy-fail',
    'icmp6-reject-route',
    'tcp-reset',
  ]),
}

interface Scene {
  readonly ruleset: Ruleset
  /** Sets by their names. */
  readonly sets: ReadonlyMap<string, IpSet>
  /** What the tables of hashlimit count, by name. */
  readonly hashlimits: ReadonlyMap<string, string>
}

function setFault(name: string, scene: Scene): string | null {
  const set = scene.sets.get(name)
  if (set === undefined) return `the set ${escapeText(name)} does not exist in this namespace`
  const { type } = set
  if (!SET_TYPES.has(type)) return `sets of type ${escapeText(type)} (${escapeText(name)}) cannot be evaluated`
  const kinds = type.split(':')[1]!.split(',')
  const host = set.family === 'ipv4' ? '/32' : '/128'
  const wide = set.entries.some((e) =>
    e.parts.some((p, i) => p.part === 'net' && kinds[i] === 'ip' && !p.prefix.endsWith(host)),
  )
  return wide ? `the set ${escapeText(name)} of type ${type} has a network where one address is expected` : null
}

/** Rules of one table must count alike: the kernel would mix up what they keep. */
function hashlimitKind(m: Extract<Match, { match: 'hashlimit' }>): string {
  return `${m.bytes} ${m.rateInterval !== undefined}`
}

/** What the first rule of each table of hashlimit counts. */
function hashlimitKinds({ tables }: Ruleset): ReadonlyMap<string, string> {
  const kinds = new Map<string, string>()
  for (const rule of tables.flatMap((t) => t.chains).flatMap((c) => c.rules))
    for (const m of rule.matches) if (m.match === 'hashlimit' && !kinds.has(m.name)) kinds.set(m.name, hashlimitKind(m))
  return kinds
}

function matchFault(m: Match, scene: Scene): string | null {
  switch (m.match) {
    case 'socket':
      return listed(m, 'restore-skmark')
        ? 'socket --restore-skmark cannot be evaluated: marks of sockets are unknown'
        : null
    case 'set':
      return setFault(m.name, scene)
    case 'hashlimit':
      return scene.hashlimits.get(m.name) === hashlimitKind(m)
        ? null
        : `the table ${escapeText(m.name)} of hashlimit is shared by rules of packets, of bytes and of --hashlimit-rate-match; only one kind can be evaluated`
    case 'recent': {
      const inPast = m.hitcount !== undefined && m.hitcount > 65535
      return inPast ? '--hitcount beyond 65535 cannot be evaluated' : null
    }
    case 'limit':
      return limitFits(m) ? null : `limit ${m.rate}/${m.unit} burst ${m.burst} is out of the kernel's range`
    default:
      return null
  }
}

const SECONDS = { sec: 1, min: 60, hour: 3600, day: 86400 } as const

const U32 = 2 ** 32

/** user2credits of xt_limit: 32 credits a millisecond, from tenths of one; both wrap at 32 bits. */
function credits(tenths: number): number {
  const x = tenths % U32
  return (x > 134217 ? Math.floor(x / 10000) * 32000 : Math.floor((x * 32000) / 10000)) % U32
}

/** Does the burst of a `limit` match, as the kernel computes it, pay for one packet? (ERANGE otherwise.) */
function limitFits(m: Extract<Match, { match: 'limit' }>): boolean {
  const average = Math.floor((10000 * SECONDS[m.unit]) / m.rate)
  return m.burst >= 1 && average >= 1 && average < U32 && credits(average * m.burst) >= credits(average)
}

function targetFault(rule: Rule, scene: Scene, table: Table, chains: ReadonlySet<string>): string | null {
  const { target } = rule
  if (target === undefined) return null
  switch (target.target) {
    case 'SET':
      for (const set of [target.add, target.del, target.map]) {
        const fault = set === undefined ? null : setFault(set.name, scene)
        if (fault !== null) return fault
      }
      return null
    case 'REJECT':
      return REJECTS[scene.ruleset.family].has(target.with)
        ? null
        : `--reject-with ${escapeText(target.with)} cannot be evaluated for ${scene.ruleset.family}`
    case 'jump':
    case 'goto': {
      return chains.has(target.chain)
        ? null
        : `the chain ${escapeText(target.chain)} does not exist in table ${table.name}`
    }
    default:
      return null
  }
}

function faultOf(ruleset: Ruleset, rule: Rule, message: string): Fault {
  return { file: rule.file ?? ruleset.file, line: rule.line, column: 1, message }
}

function rulesetFaults(scene: Scene): Fault[] {
  const { ruleset } = scene
  const faults: Fault[] = []
  for (const table of ruleset.tables) {
    const chains = new Set(table.chains.map((c) => c.name))
    for (const chain of table.chains) {
      const builtIn = (BUILTIN_CHAINS[table.name] as readonly string[]).includes(chain.name)
      for (const rule of chain.rules) {
        for (const match of rule.matches) {
          const message = matchFault(match, scene)
          if (message !== null) faults.push(faultOf(ruleset, rule, message))
        }
        const message = targetFault(rule, scene, table, chains)
        if (message !== null) faults.push(faultOf(ruleset, rule, message))
      }
      if (builtIn !== (chain.policy !== null)) {
        const message = `chain ${escapeText(chain.name)} of table ${table.name}: built-in chains have a policy, others have none`
        faults.push({ file: ruleset.file, line: 0, column: 0, message })
      }
    }
  }
  return faults
}

/** Throws a FaultError with everything in the namespace that cannot be evaluated, with file and line of each rule. */
export function checkSupported(ns: NetworkNamespace): void {
  // The first of a name is the one that is there.
  const sets = new Map([...ns.sets].reverse().map((s) => [s.name, s] as const))
  const faults = ns.rulesets.flatMap((ruleset) => rulesetFaults({ ruleset, sets, hashlimits: hashlimitKinds(ruleset) }))
  for (const link of ns.links) {
    if (link.bridge?.vlanFiltering && ns.links.some((l) => l.master === link.name)) {
      const message = `the bridge ${escapeText(link.name)} filters VLANs (vlan_filtering 1); that cannot be evaluated`
      faults.push({ file: 'ip-link.json', line: 0, column: 0, message })
    }
  }
  if (faults.length > 0) throw new FaultError(faults)
}
