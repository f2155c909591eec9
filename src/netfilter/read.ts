// Rule files as a model: what iptables-save prints and what iptables-restore takes, of either family and backend.
// Owns the lines (tables, chains, counters, comments, commands) and the faults; read-rule.ts reads one rule's words,
// check.ts a finished table. What the model does not hold is refused by name, never skipped.
// Spec: iptables-restore(8) 1.8.9 without --noflush: a table that comes again starts anew but keeps its policies.
import { type Fault, FaultError } from '../net/fault.js'
import { checkTable } from './check.js'
import { chainNameProblem, counter } from './command.js'
import { Words } from './lex.js'
import { LineFault } from './line-fault.js'
import {
  type Backend,
  BUILTIN_CHAINS,
  type Counters,
  type Family,
  type Ruleset,
  type Table,
  type TableName,
} from './model.js'
import { RuleReader } from './read-rule.js'
import { runCommand } from './run-command.js'
import { type Room, TableDraft, ZERO } from './table-draft.js'
import { shown } from './words.js'

/** Passing one of these is one fault, and the end of reading. */
export interface ReadLimits {
  /** Characters of a line; default 10238, what iptables-restore itself takes. */
  readonly lineLength?: number
  /** Rules of all tables; default 2,000,000. */
  readonly rules?: number
  /** User chains of all tables; default 500,000. */
  readonly chains?: number
  /** Faults that are collected before reading ends; default 100. */
  readonly faults?: number
}

export interface ReadOptions {
  /** Name of the file, for faults and for `Ruleset.file`. */
  readonly file: string
  readonly family: Family
  /** Left out: nft when the header says `(nf_tables)`, else legacy. */
  readonly backend?: Backend
  readonly limits?: ReadLimits
  /** Take a text without any table as an empty rule set, as the tool prints for a namespace without rules. */
  readonly allowEmpty?: boolean
}

/** What `readRestore` needs beside: the rules that are there. */
export interface RestoreReadOptions extends ReadOptions {
  /** Tables as they are; what is not named stays the same object. */
  readonly onto: readonly Table[]
  /** As `--noflush`: a table that is named keeps its rules, only its user chains that are declared again begin empty. */
  readonly noflush: boolean
}

/** What a restore made of the tables, and what it named. */
export interface RestoreRead {
  readonly ruleset: Ruleset
  /** Tables that were named, and whether anything was said of each beside its name. */
  readonly named: ReadonlyMap<TableName, boolean>
}

const TABLES = Object.keys(BUILTIN_CHAINS) as TableName[]

class Reader implements Room {
  private readonly options: ReadOptions
  private readonly words = new Words()
  private readonly rules: RuleReader
  private readonly faults: Fault[] = []
  private readonly tables = new Map<TableName, Table>()
  private readonly lineLength: number
  private readonly ruleLimit: number
  private readonly chainLimit: number
  private readonly faultLimit: number
  private backend: Backend | undefined
  private table: TableDraft | undefined
  /** Lines up to the next COMMIT are passed over: the table they belong to is at fault. */
  private skipping = false
  private sawTable = false
  private text = ''
  private line = 0
  private readonly restore: RestoreReadOptions | undefined
  readonly named: Map<TableName, boolean> = new Map()
  private ruleCount = 0
  private chainCount = 0

  constructor(options: ReadOptions, restore?: RestoreReadOptions) {
    const { limits = {} } = options
    this.options = options
    this.restore = restore
    for (const table of restore?.onto ?? []) this.tables.set(table.name, table)
    this.rules = new RuleReader(this.words, options.family)
    if (options.backend !== undefined) this.rules.backend = options.backend
    this.lineLength = limits.lineLength ?? 10_238
    this.ruleLimit = limits.rules ?? 2_000_000
    this.chainLimit = limits.chains ?? 500_000
    this.faultLimit = limits.faults ?? 100
  }

  private fault(line: number, column: number, message: string): void {
    this.faults.push({ file: this.options.file, line, column, message })
    if (this.faults.length >= this.faultLimit) {
      this.faults.push({ file: this.options.file, line, column: 0, message: 'too many faults: the rest is not read' })
      throw new FaultError(this.faults)
    }
  }

  private stop(line: number, column: number, message: string): never {
    this.faults.push({ file: this.options.file, line, column, message })
    throw new FaultError(this.faults)
  }

  read(text: string): Ruleset {
    this.text = text
    this.checkText()
    for (let start = 0; start < text.length; ) {
      let end = text.indexOf('\n', start)
      if (end < 0) end = text.length
      this.line++
      this.checkLine(start, end)
      this.readLine(text.slice(start, end))
      start = end + 1
    }
    if (this.table !== undefined) this.fault(this.line, 0, `COMMIT is missing at the end of table ${this.table.name}`)
    if (!this.sawTable && this.faults.length === 0 && this.options.allowEmpty !== true) {
      this.stop(0, 0, 'no table in this file: expected rules as iptables-save prints them')
    }
    if (this.faults.length > 0) throw new FaultError(this.faults)
    const { file, family } = this.options
    return {
      family,
      backend: this.options.backend ?? this.backend ?? 'legacy',
      file,
      tables: [...this.tables.values()],
    }
  }

  private checkText(): void {
    const { text } = this
    const nul = text.indexOf('\0')
    if (nul >= 0) {
      const before = text.slice(0, nul)
      this.stop(before.split('\n').length, nul - before.lastIndexOf('\n'), 'a binary file: expected rules as text')
    }
    if (text.charCodeAt(0) === 0x1f) this.stop(1, 1, 'a binary file: expected rules as text')
  }

  private checkLine(start: number, end: number): void {
    if (end - start > this.lineLength) {
      this.stop(this.line, this.lineLength + 1, `the line is too long: expected at most ${this.lineLength} characters`)
    }
    if (end > start && this.text.charCodeAt(end - 1) === 0x0d) {
      this.stop(this.line, end - start, 'the line ends with a carriage return: expected Unix line ends')
    }
  }

  private readLine(line: string): void {
    if (line === '') return
    const first = line.charCodeAt(0)
    try {
      if (first === 0x23) this.comment(line)
      else if (first === 0x2a) this.openTable(line)
      else if (line === 'COMMIT') this.commit()
      else if (this.skipping) return
      else if (this.table === undefined) {
        this.skipping = true
        throw new LineFault(
          1,
          `${shown(line.split(/[ \t]/, 1)[0]!)} outside of a table: expected a line like *filter first`,
        )
      } else {
        this.named.set(this.table.name, true)
        if (first === 0x3a) this.declare(this.table, line)
        else this.command(this.table, line)
      }
    } catch (error) {
      if (!(error instanceof LineFault)) throw error
      this.fault(this.line, error.column, error.message)
    }
  }

  private comment(line: string): void {
    if (this.backend === undefined && line.startsWith('# Generated by ')) {
      this.backend = line.includes('(nf_tables)') ? 'nft' : 'legacy'
      this.rules.backend = this.options.backend ?? this.backend
    }
  }

  private openTable(line: string): void {
    const name = line.slice(1).trimStart().split(/[ \t]/, 1)[0]!
    if (this.table !== undefined) {
      this.fault(this.line, 1, `COMMIT is missing: table ${this.table.name} has not ended before this one begins`)
      this.table = undefined
    }
    this.sawTable = true
    this.skipping = true
    const table = TABLES.find((t) => t === name)
    if (table === undefined) throw new LineFault(2, `there is no table ${shown(name)}: expected ${TABLES.join(', ')}`)
    this.skipping = false
    this.table = new TableDraft(table, this.options.family, this.tables.get(table), this.restore?.noflush === true)
    if (!this.named.has(table)) this.named.set(table, false)
  }

  private commit(): void {
    const { table } = this
    this.table = undefined
    if (table === undefined) {
      if (!this.skipping) throw new LineFault(1, 'COMMIT outside of a table')
      this.skipping = false
      return
    }
    for (const fault of checkTable(table, this.rules.backend))
      this.fault(fault.line, this.columnIn(fault.line, fault.word), fault.message)
    this.tables.set(table.name, table.finish())
  }

  /** Column of the last word of a line that reads `word`; 0 when there is none. */
  private columnIn(line: number, word: string): number {
    let start = 0
    for (let i = 1; i < line; i++) start = this.text.indexOf('\n', start) + 1
    const end = this.text.indexOf('\n', start)
    const words = new Words()
    words.read(this.text.slice(start, end < 0 ? undefined : end))
    const at = words.text.lastIndexOf(word, words.count - 1)
    return at < 0 ? 0 : words.column[at]!
  }

  private declare(table: TableDraft, line: string): void {
    const { words } = this
    words.split(line, 1)
    if (words.count < 2) throw new LineFault(words.end, 'expected :CHAIN POLICY [PACKETS:BYTES]')
    const name = words.text[0]!
    const policy = words.text[1]!
    const counts = words.count > 2 ? words.text[2] : undefined
    const problem = chainNameProblem(name)
    if (problem !== undefined) throw new LineFault(words.column[0]!, problem)
    let chain = table.chainNamed(name)
    if (chain === undefined || chain.policy === null) {
      if (policy !== '-')
        throw new LineFault(words.column[1]!, `${shown(name)} is no built-in chain: expected - instead of a policy`)
      chain = table.declaredAgain(name) ?? table.newChain(name, words.column[0]!, this)
    } else if (policy === 'ACCEPT' || policy === 'DROP') chain.policy = policy
    else if (policy !== '-')
      throw new LineFault(words.column[1]!, `${shown(policy)} is no policy: expected ACCEPT or DROP`)
    const counted = counts === undefined ? { ...ZERO } : parseCounters(counts, words.column[2]!)
    if (chain.policy !== null && policy !== '-') chain.counters = counted
  }

  private command(table: TableDraft, line: string): void {
    let from = 0
    let counters: Counters | undefined
    if (line.charCodeAt(0) === 0x5b) {
      const close = line.indexOf(']')
      if (close < 0) throw new LineFault(1, 'expected [PACKETS:BYTES]')
      counters = parseCounters(line.slice(0, close + 1), 1)
      from = close + 1
    }
    this.words.read(line, from)
    if (this.words.count === 0)
      throw new LineFault(1, 'no command on this line: expected an empty line or -A CHAIN and a rule')
    runCommand(table, this.rules.read(table, this.line, counters), this)
  }

  countChain(column: number): void {
    if (++this.chainCount > this.chainLimit)
      this.stop(this.line, column, `too many chains: expected at most ${this.chainLimit}`)
  }

  countRules(count: number): void {
    this.ruleCount += count
    if (this.ruleCount > this.ruleLimit) this.stop(this.line, 0, `too many rules: expected at most ${this.ruleLimit}`)
  }
}

function parseCounters(word: string, column: number): Counters {
  const parts = /^\[([^:]*):(.*)\]$/.exec(word)
  const packets = counter(parts?.[1] ?? '')
  const bytes = counter(parts?.[2] ?? '')
  if (packets === undefined || bytes === undefined) {
    throw new LineFault(column, `${shown(word)} are no counters: expected [PACKETS:BYTES]`)
  }
  return { packets, bytes }
}

/**
 * Reads what iptables-save or ip6tables-save printed, or what iptables-restore takes. Values are those that the kernel
 * would keep: masked prefixes, 31-bit probabilities, `--syn` as flags, defaults filled in.
 *
 * Throws a FaultError with all faults found (up to a limit): unknown or unsupported matches and targets, what
 * iptables-restore or the kernel refuse, an empty or binary file, and limits that were passed.
 */
export function readRules(text: string, options: ReadOptions): Ruleset {
  return new Reader(options).read(text)
}

/**
 * Reads what iptables-restore is given while rules are there. Rules that stay are the same objects as in `onto`; a
 * built-in chain whose policy the text does not declare keeps its `counters` object. Throws as `readRules` does.
 */
export function readRestore(text: string, options: RestoreReadOptions): RestoreRead {
  const reader = new Reader(options, options)
  return { ruleset: reader.read(text), named: reader.named }
}
