// Restore texts as a test compares them: the normal form of a dump, and what applying one does to a state.
// Owns both; knows only as much of the text as the dumps of kube-proxy need.

/** Chains of one table, in the order they were met: rule lines as they were written. */
export type TableState = Map<string, string[]>
export type State = Map<string, TableState>

interface Parsed {
  readonly table: string
  readonly chains: string[]
  readonly rules: Map<string, string[]>
  readonly deleted: string[]
}

/** The tables of a restore text. */
export function parseRestore(text: string): Parsed[] {
  const out: Parsed[] = []
  let table: Parsed | undefined
  for (const line of text.split('\n')) {
    if (line === '' || line === 'COMMIT') continue
    if (line.startsWith('*')) {
      table = { table: line.slice(1), chains: [], rules: new Map(), deleted: [] }
      out.push(table)
    } else if (table === undefined) throw new Error(`a line before any table: ${line}`)
    else if (line.startsWith(':')) {
      const name = line.slice(1, line.indexOf(' '))
      if (table.chains.includes(name)) throw new Error(`the chain ${name} is declared twice`)
      table.chains.push(name)
    } else if (line.startsWith('-A ')) {
      const name = line.split(' ', 2)[1] as string
      const rules = table.rules.get(name) ?? []
      rules.push(line)
      table.rules.set(name, rules)
    } else if (line.startsWith('-X ')) table.deleted.push(line.slice(3))
    else throw new Error(`not understood: ${line}`)
  }
  return out
}

const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function chainOrder(a: string, b: string): number {
  const rank = (name: string) =>
    name === 'KUBE-NODEPORTS' ? 0 : name === 'KUBE-SERVICES' ? 1 : name.startsWith('KUBE-') ? 2 : 3
  return rank(a) - rank(b) || byBytes(a, b)
}

/** The text that a dump is compared as: tables and chains by name, services in a fixed order. */
export function normalise(text: string): string {
  const lines: string[] = []
  for (const table of parseRestore(text).sort((a, b) => byBytes(a.table, b.table))) {
    lines.push(`*${table.table}`)
    const chains = [...table.chains].sort(chainOrder)
    for (const chain of chains) lines.push(`:${chain} - [0:0]`)
    for (const chain of chains) lines.push(...sorted(table.table, chain, table.rules.get(chain) ?? []))
    for (const chain of chains) if (table.deleted.includes(chain)) lines.push(`-X ${chain}`)
    lines.push('COMMIT')
  }
  return lines.join('\n')
}

function sorted(table: string, chain: string, rules: readonly string[]): string[] {
  if (chain !== 'KUBE-NODEPORTS' && chain !== 'KUBE-SERVICES') return [...rules]
  const keyed = rules.map((rule) => {
    const comment = /--comment (?:"([^"]*)"|(\S+))/.exec(rule)
    const text = comment?.[1] ?? comment?.[2] ?? ''
    const last = table === 'nat' && chain === 'KUBE-SERVICES' && text.includes('must be the last rule')
    return { rule, last, key: /^[^ :]*/.exec(text)?.[0] ?? '' }
  })
  keyed.sort((a, b) => Number(a.last) - Number(b.last) || byBytes(a.key, b.key))
  return keyed.map((k) => k.rule)
}

const BUILTIN = new Set(['ACCEPT', 'DROP', 'RETURN', 'REJECT', 'DNAT', 'SNAT', 'MASQUERADE', 'MARK'])

/** What `iptables-restore --noflush` leaves behind; null when it fails (then `state` is as it was). */
export function applyRestore(state: State, text: string): State | null {
  const after: State = new Map([...state].map(([name, chains]) => [name, new Map(chains)]))
  for (const table of parseRestore(text)) {
    const chains: TableState = after.get(table.table) ?? new Map()
    after.set(table.table, chains)
    for (const chain of table.chains) chains.set(chain, [...(table.rules.get(chain) ?? [])])
    for (const chain of table.deleted) chains.delete(chain)
    for (const rules of chains.values()) {
      for (const rule of rules) {
        const target = / -j (\S+)/.exec(rule)?.[1]
        if (target !== undefined && !BUILTIN.has(target) && !chains.has(target)) return null
      }
    }
  }
  return after
}
