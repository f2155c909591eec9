// A table while its lines are read: its chains in the order of the text, built-in ones brought in when they are spoken of.
// Owns what chains there are and what a new one may be called.
import type { CheckedTable } from './check.js'
import type { TableView } from './command.js'
import { LineFault } from './line-fault.js'
import { BUILTIN_CHAINS, type Counters, type Family, type Rule, type Table, type TableName } from './model.js'
import { shown } from './words.js'

/** What bounds the number of rules and chains; each call counts what comes new, and ends the reading when it is too much. */
export interface Room {
  countRules(count: number): void
  countChain(column: number): void
}

/** A chain while its table is read. */
export interface ChainDraft {
  readonly name: string
  policy: 'ACCEPT' | 'DROP' | null
  counters: Counters
  rules: Rule[]
}

/** Counters that have counted nothing. */
export const ZERO: Counters = { packets: 0n, bytes: 0n }

/** A table while it is read. */
export class TableDraft implements TableView, CheckedTable {
  readonly name: TableName
  readonly family: Family
  readonly chains: Map<string, ChainDraft> = new Map()

  /** Rules were there before and stay (`--noflush`). */
  readonly noflush: boolean

  constructor(name: TableName, family: Family, before: Table | undefined, noflush = false) {
    this.name = name
    this.family = family
    this.noflush = noflush
    for (const chain of before?.chains ?? []) {
      this.kept.set(chain.name, chain.policy ?? 'ACCEPT')
      if (!noflush) continue
      this.chains.set(chain.name, { ...chain, rules: [...chain.rules] })
      if (chain.policy === null) this.undeclared.add(chain.name)
    }
  }

  private readonly kept = new Map<string, 'ACCEPT' | 'DROP'>()
  /** User chains from before that the text has not declared again. */
  private readonly undeclared = new Set<string>()

  /** A user chain from before that the text declares for the first time: it begins empty. */
  declaredAgain(name: string): ChainDraft | undefined {
    const chain = this.undeclared.delete(name) ? this.chains.get(name) : undefined
    if (chain !== undefined) chain.rules = []
    return chain
  }

  /** The built-in chain of this name, brought in when the text first speaks of it. */
  private builtin(name: string): ChainDraft | undefined {
    if (!(BUILTIN_CHAINS[this.name] as readonly string[]).includes(name)) return undefined
    const chain: ChainDraft = { name, policy: this.kept.get(name) ?? 'ACCEPT', counters: ZERO, rules: [] }
    this.chains.set(name, chain)
    return chain
  }

  chainNamed(name: string): ChainDraft | undefined {
    return this.chains.get(name) ?? this.builtin(name)
  }

  /** The chain of this name, or a fault. */
  existing(name: string, column: number): ChainDraft {
    const chain = this.chainNamed(name)
    if (chain !== undefined) return chain
    throw new LineFault(column, `the chain ${shown(name)} is not defined in table ${this.name} before this line`)
  }

  /** Adds a user chain. */
  newChain(name: string, column: number, room: Room): ChainDraft {
    if (this.chains.has(name)) throw new LineFault(column, `the chain ${shown(name)} is defined twice`)
    if (['ACCEPT', 'DROP', 'QUEUE', 'RETURN'].includes(name)) {
      throw new LineFault(column, `${shown(name)} is a verdict: expected another name for a chain`)
    }
    room.countChain(column)
    const chain: ChainDraft = { name, policy: null, counters: ZERO, rules: [] }
    this.chains.set(name, chain)
    return chain
  }

  finish(): Table {
    for (const name of BUILTIN_CHAINS[this.name]) this.chainNamed(name)
    return { name: this.name, chains: [...this.chains.values()] }
  }
}
