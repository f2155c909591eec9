// What is checked of a table as a whole, at its COMMIT, as the kernel checks it: loops, and which hooks a rule can be
// reached from.
// Spec: the kernel's net/ipv4/netfilter/ip_tables.c (marking of source chains) and the hooks and tables that targets and
// matches are registered for. Two consequences of its walk are kept: a chain that no built-in chain leads to is not
// looked at, and neither is what stands after an unconditional ACCEPT, DROP or RETURN.
import { escapeText } from '../net/fault.js'
import { type Backend, BUILTIN_CHAINS, type HookName, type Rule, type TableName } from './model.js'
import { type ListedMatch, listed } from './model-listed.js'

/** What is wrong with a rule of the table; `word` is the one of its line that is to blame. */
export interface TableFault {
  readonly line: number
  readonly word: string
  readonly message: string
}

/** A table while it is read. */
export interface CheckedTable {
  readonly name: TableName
  readonly chains: ReadonlyMap<string, { readonly name: string; readonly rules: readonly Rule[] }>
}

interface Node {
  readonly name: string
  /** Rules from here on are never looked at. */
  readonly cut: number
  readonly rules: readonly Rule[]
  /** Bit n: reached from the n-th built-in chain of the table. */
  hooks: number
  open: boolean
}

function isUnconditional(rule: Rule): boolean {
  return (
    rule.matches.length === 0 &&
    rule.src === undefined &&
    rule.dst === undefined &&
    rule.inIface === undefined &&
    rule.outIface === undefined &&
    rule.proto === undefined &&
    rule.fragment === undefined
  )
}

function isVerdict(rule: Rule): boolean {
  const target = rule.target?.target
  return target === 'ACCEPT' || target === 'DROP' || target === 'RETURN'
}

function nodeOf(name: string, rules: readonly Rule[]): Node {
  const end = rules.findIndex((r) => isVerdict(r) && isUnconditional(r))
  return { name, cut: end < 0 ? rules.length : end + 1, rules, hooks: 0, open: false }
}

/** Walks from one hook; returns the first loop as a fault. */
function walk(nodes: ReadonlyMap<string, Node>, hook: HookName, bit: number): TableFault | undefined {
  const start = nodes.get(hook)
  if (start === undefined) return undefined
  const path: { readonly node: Node; next: number }[] = [{ node: start, next: 0 }]
  start.open = true
  start.hooks |= bit
  while (path.length > 0) {
    const top = path[path.length - 1]!
    if (top.next >= top.node.cut) {
      top.node.open = false
      path.pop()
      continue
    }
    const rule = top.node.rules[top.next++]!
    const { target } = rule
    if (target?.target !== 'jump' && target?.target !== 'goto') continue
    const to = nodes.get(target.chain)
    if (to === undefined) continue
    if (to.open) {
      const names = path.slice(path.findIndex((p) => p.node === to)).map((p) => p.node.name)
      const message = `a loop of chains, reached from ${hook}: ${[...names, to.name].map((n) => escapeText(n)).join(' -> ')}`
      return { line: rule.line, word: target.chain, message }
    }
    if (to.hooks & bit) continue
    to.hooks |= bit
    to.open = true
    path.push({ node: to, next: 0 })
  }
  return undefined
}

const TABLE_OF: Readonly<Record<string, TableName>> = {
  TTL: 'mangle',
  HL: 'mangle',
  DSCP: 'mangle',
  TOS: 'mangle',
  ECN: 'mangle',
  TPROXY: 'mangle',
  TCPOPTSTRIP: 'mangle',
  TRACE: 'raw',
  REJECT: 'filter',
  DNAT: 'nat',
  SNAT: 'nat',
  MASQUERADE: 'nat',
  REDIRECT: 'nat',
  NETMAP: 'nat',
  SNPT: 'mangle',
  DNPT: 'mangle',
  CT: 'raw',
  NOTRACK: 'raw',
  CHECKSUM: 'mangle',
}

const HOOKS_OF: Readonly<Record<string, readonly HookName[]>> = {
  DNAT: ['PREROUTING', 'OUTPUT'],
  REDIRECT: ['PREROUTING', 'OUTPUT'],
  SNAT: ['POSTROUTING', 'INPUT'],
  MASQUERADE: ['POSTROUTING'],
  SNPT: ['INPUT', 'POSTROUTING'],
  DNPT: ['PREROUTING', 'OUTPUT'],
  TPROXY: ['PREROUTING'],
  CLASSIFY: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
  SYNPROXY: ['INPUT', 'FORWARD'],
}

function targetFault(rule: Rule, table: TableName, hooks: readonly HookName[], backend: Backend): string | undefined {
  const { target } = rule
  if (target === undefined) return undefined
  const name = target.target
  const only = TABLE_OF[name]
  // iptables-nft has a TRACE of its own, for every table.
  const everywhere = name === 'TRACE' && backend === 'nft'
  if (only !== undefined && only !== table && !everywhere)
    return `${name} has its place in table ${only} only, not in ${table}`
  const secure = name === 'SECMARK' || name === 'CONNSECMARK'
  if (secure && table !== 'mangle' && table !== 'security') return `${name} has its place in mangle and security only`
  const clamp = name === 'TCPMSS' && target.mss === 'clamp-to-pmtu'
  const allowed: readonly HookName[] | undefined = clamp ? ['FORWARD', 'OUTPUT', 'POSTROUTING'] : HOOKS_OF[name]
  const wrong = allowed === undefined ? undefined : hooks.find((h) => !allowed.includes(h))
  if (allowed === undefined || wrong === undefined) return undefined
  return `${name} cannot be reached from ${wrong}: expected ${allowed.join(' or ')} only`
}

const MATCH_HOOKS: Readonly<Record<string, readonly HookName[]>> = {
  owner: ['OUTPUT', 'POSTROUTING'],
  rpfilter: ['PREROUTING'],
  eui64: ['PREROUTING', 'INPUT', 'FORWARD'],
}
/** Where matches that are kept by their options have no place, and the word that is to blame. */
function listedPlaces(m: ListedMatch): { readonly word: string; readonly hooks: readonly HookName[] }[] {
  const dir = listed(m, 'dir')?.text
  switch (m.match) {
    case 'devgroup':
      return [
        ...(listed(m, 'src-group') ? [{ word: '--src-group', hooks: OUTWARD }] : []),
        ...(listed(m, 'dst-group') ? [{ word: '--dst-group', hooks: INWARD }] : []),
      ]
    case 'policy':
      return [{ word: 'policy', hooks: dir === 'in' ? OUTWARD : INWARD }]
    case 'cgroup':
      return [{ word: 'cgroup', hooks: ['PREROUTING', 'FORWARD'] }]
    case 'realm':
      return [{ word: 'realm', hooks: ['PREROUTING'] }]
    case 'socket':
      return [{ word: 'socket', hooks: ['FORWARD', ...OUTWARD] }]
    case 'osf':
      return [{ word: 'osf', hooks: OUTWARD }]
    default:
      return []
  }
}
const INWARD: readonly HookName[] = ['PREROUTING', 'INPUT']
const OUTWARD: readonly HookName[] = ['OUTPUT', 'POSTROUTING']

function matchFault(rule: Rule, hooks: readonly HookName[]): { word: string; message: string } | undefined {
  for (const m of rule.matches) {
    const allowed = MATCH_HOOKS[m.match]
    const strange = allowed && hooks.find((h) => !allowed.includes(h))
    if (allowed && strange !== undefined) {
      const message = `${m.match} cannot be reached from ${strange}: expected ${allowed.join(' or ')} only`
      return { word: m.match, message }
    }
    if (m.match === 'addrtype' && m.limitIface !== undefined) {
      const banned: readonly HookName[] = m.limitIface === 'out' ? ['PREROUTING', 'INPUT'] : ['POSTROUTING', 'OUTPUT']
      const wrong = banned.find((h) => hooks.includes(h))
      const word = `--limit-iface-${m.limitIface}`
      if (wrong !== undefined)
        return { word, message: `${word} has no place in ${wrong}, from where this rule is reached` }
    }
    if (m.match === 'mac') {
      const wrong = hooks.find((h) => h === 'OUTPUT' || h === 'POSTROUTING')
      if (wrong !== undefined)
        return { word: '--mac-source', message: `mac has no place in ${wrong}, from where this rule is reached` }
    }
    if ('options' in m) {
      const wrong = listedPlaces(m).find((p) => p.hooks.some((h) => hooks.includes(h)))
      if (wrong !== undefined) {
        const hook = wrong.hooks.find((h) => hooks.includes(h))!
        return { word: wrong.word, message: `${wrong.word} has no place in ${hook}, from where this rule is reached` }
      }
    }
    if (m.match === 'physdev' && hooks.includes('OUTPUT') && (m.out !== undefined || m.isOut !== undefined)) {
      if (m.isBridged === undefined || m.isBridged.not) {
        const word = m.out !== undefined ? '--physdev-out' : '--physdev-is-out'
        return { word, message: `${word} has no place in OUTPUT, from where this rule is reached` }
      }
    }
  }
  return undefined
}

/** A table of hashlimit is of rules with `--hashlimit-rate-match` or of rules without: the first one decides. */
function hashlimitFaults(rules: Iterable<Rule>): TableFault[] {
  const rated = new Map<string, boolean>()
  const faults: TableFault[] = []
  for (const rule of rules)
    for (const m of rule.matches) {
      if (m.match !== 'hashlimit') continue
      const rate = m.rateInterval !== undefined
      if ((rated.get(m.name) ?? rate) !== rate) {
        const message = `the table ${escapeText(m.name)} of hashlimit is used with and without --hashlimit-rate-match`
        faults.push({ line: rule.line, word: 'hashlimit', message })
      } else rated.set(m.name, rate)
    }
  return faults
}

/** All that is wrong with the table as a whole; empty when the kernel would take it. */
export function checkTable(table: CheckedTable, backend: Backend): TableFault[] {
  const builtins = BUILTIN_CHAINS[table.name]
  const nodes = new Map<string, Node>()
  for (const [name, chain] of table.chains) nodes.set(name, nodeOf(name, chain.rules))
  for (const [n, hook] of builtins.entries()) {
    const loop = walk(nodes, hook, 1 << n)
    if (loop !== undefined) return [loop]
  }
  const hookSets = Array.from({ length: 1 << builtins.length }, (_, bits) => builtins.filter((_, n) => bits & (1 << n)))
  const faults: TableFault[] = []
  for (const node of nodes.values()) {
    for (let i = 0; i < node.rules.length; i++) {
      const rule = node.rules[i]!
      const hooks = hookSets[i < node.cut ? node.hooks : 0]!
      const target = targetFault(rule, table.name, hooks, backend)
      if (target !== undefined) faults.push({ line: rule.line, word: rule.target!.target, message: target })
      const match = matchFault(rule, hooks)
      if (match !== undefined) faults.push({ line: rule.line, ...match })
    }
  }
  faults.push(...hashlimitFaults([...nodes.values()].flatMap((n) => n.rules)))
  return faults
}
