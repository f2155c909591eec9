// The table of what kernel cases have shown: each condition and target that the rule model knows, by family, with the
// number of cases in which the kernel's own trace shows that it matched, and that it did not. The rows come from the model
// (the reader's list of matches and targets) and from the rules of the cases, so a new feature has its rows by itself.
import { KNOWN_MATCHES, KNOWN_TARGETS } from '../../src/netfilter/known.js'
import type { Family } from '../../src/netfilter/model.js'
import { Coverage, conditionNames, targetNames } from '../property/coverage.js'
import type { KernelRun } from './play.js'

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
/** Matches and targets of one family only. */
const ONLY: Readonly<Record<string, Family>> = {
  icmp: 'ipv4',
  ttl: 'ipv4',
  TTL: 'ipv4',
  realm: 'ipv4',
  icmp6: 'ipv6',
  hl: 'ipv6',
  HL: 'ipv6',
  SNPT: 'ipv6',
  DNPT: 'ipv6',
  ah: 'ipv4',
  frag: 'ipv6',
  hbh: 'ipv6',
  dst: 'ipv6',
  rt: 'ipv6',
  mh: 'ipv6',
  ipv6header: 'ipv6',
}

interface Row {
  matched: number
  not: number
}

/** Conditions that cannot fail, and what a rule asks beside others. */
const isAlways = (name: string): boolean => name.includes('+') || name === 'comment' || name === 'nfacct'

export class Table {
  readonly #rows = new Map<string, Row>()
  /** Matches and targets by kind, as the model names them: those that no rule of a case had. */
  readonly #kinds = new Set<string>()
  cases = 0

  constructor() {
    for (const family of FAMILIES) {
      for (const name of KNOWN_MATCHES.keys()) this.#kind('match', name, family)
      for (const name of KNOWN_TARGETS.keys()) this.#kind('target', name, family)
    }
  }

  #kind(what: string, name: string, family: Family): void {
    if ((ONLY[name] ?? family) === family) this.#kinds.add(`${what} ${name} ${family}`)
  }

  #row(name: string): Row {
    let row = this.#rows.get(name)
    if (row === undefined) {
      row = { matched: 0, not: 0 }
      this.#rows.set(name, row)
    }
    return row
  }

  add(run: KernelRun): void {
    this.cases++
    const { namespace, answers } = run
    for (const { family, tables } of namespace.rulesets)
      for (const { chains } of tables)
        for (const { rules } of chains)
          for (const rule of rules) {
            for (const name of conditionNames(rule, namespace)) this.#row(`match ${name} ${family}`)
            for (const name of targetNames(rule)) this.#row(`target ${name} ${family}`)
            for (const { match } of rule.matches) this.#kinds.delete(`match ${match} ${family}`)
            if (rule.target) this.#kinds.delete(`target ${rule.target.target} ${family}`)
          }
    const coverage = new Coverage()
    coverage.add(namespace, { packets: [], answers: answers as never, conntrack: [], counters: [], sets: [] })
    for (const name of coverage.seen.keys()) {
      const [what, ...rest] = name.split(' ')
      if (what === 'fail') this.#row(`match ${rest.join(' ')}`).not++
      else if (what === 'match' || what === 'target') this.#row(name).matched++
    }
  }

  /** Lines of the table, and the rows that hold a zero. */
  print(): { lines: string[]; zeros: string[] } {
    const names = [...new Set([...this.#rows.keys()].map((n) => n.replace(/ ipv[46]$/, '')))].sort()
    const lines = [`${'kernel cases: matched / not'.padEnd(44)}${'ipv4'.padStart(12)}${'ipv6'.padStart(12)}`]
    const zeros: string[] = []
    for (const name of names) {
      const cells = FAMILIES.map((family) => {
        const row = this.#rows.get(`${name} ${family}`)
        if (row === undefined) return ''
        const isTarget = name.startsWith('target ')
        if (row.matched === 0) zeros.push(`${name} ${family} matched`)
        if (row.not === 0 && !isTarget && !isAlways(name.slice(6))) zeros.push(`${name} ${family} not`)
        return isTarget || isAlways(name.slice(6)) ? String(row.matched) : `${row.matched} / ${row.not}`
      })
      lines.push(name.padEnd(44) + cells.map((c) => c.padStart(12)).join(''))
    }
    for (const name of this.#kinds) zeros.push(`${name} in no case`)
    return { lines, zeros }
  }
}
