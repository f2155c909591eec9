// Rule sets as flat tables: chains, rule records, their matches, counters and lines.
// Owns the sections ROOTS, CHAINS, RULES4, RULES6, CODE, COUNTERS, LINES and STATE. Linear in the number of rules.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import type { Chain, HookName, Ruleset, Table, TableName } from '../netfilter/model.js'
import { needsConntrack, needsReassembly } from '../netfilter/needs.js'
import { chainDepth } from './chain-depth.js'
import type { CompileContext } from './context.js'
import { HashLimits } from './hashlimits.js'
import { IfacePatterns } from './ifaces.js'
import type { ChainSymbol, ImageWriter, Symbols } from './image.js'
import type { MatchSink } from './matches.js'
import { RecentLists } from './recents.js'
import { RuleWriter } from './rule-record.js'
import { SetTable } from './sets.js'
import { Words } from './words.js'

const TABLES: Readonly<Record<TableName, number>> = { raw: 0, mangle: 1, nat: 2, filter: 3, security: 4 }
const HOOKS: Readonly<Record<HookName, number>> = { PREROUTING: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, POSTROUTING: 4 }

/** What the header says of the rules. */
export interface RulesSummary {
  readonly flags: number
  readonly counters: number
  readonly depth: number
  readonly stateBytes: number
  /** See `Image.states`. */
  readonly states: Uint32Array
  readonly builder: RulesBuilder
}

/** Collects the rules of both families. */
export class RulesBuilder {
  readonly context: CompileContext
  readonly roots: Uint32Array = new Uint32Array(2 * L.ROOTS_TABLES * L.ROOTS_HOOKS)
  readonly chains: Words = new Words()
  readonly rules4: Words = new Words()
  readonly rules6: Words = new Words()
  readonly counters: Words = new Words()
  readonly lines: Words = new Words()
  /** First word of the state of each counter's rule. */
  readonly states: Words = new Words()
  /** Files of rules that came from another one than their rule set. */
  readonly files: Map<number, string> = new Map()
  readonly ifaces: IfacePatterns
  readonly sink: MatchSink
  readonly records: RuleWriter
  readonly symbols: ChainSymbol[] = []
  /** Chains by name, of each `family table`. */
  readonly indexes: Map<string, Map<string, number>> = new Map()
  flags = 0
  /** Jumps and gotos out of each chain, for the depth. */
  readonly edges: number[][] = []

  constructor(context: CompileContext) {
    this.context = context
    this.ifaces = new IfacePatterns(context)
    this.sink = {
      ifaces: this.ifaces,
      context,
      code: new Words(),
      state: new Words(),
      sets: new SetTable(context, this.ifaces),
      recents: new RecentLists(context.options),
      hashlimits: new HashLimits(context.options.hashlimits ?? []),
      behind: [],
    }
    this.records = new RuleWriter(context, this.sink)
    // Word 0 stays unused, so that no reference is 0.
    this.sink.code.push(0)
  }

  ruleset(ruleset: Ruleset, file: number): void {
    for (const table of ruleset.tables) this.table(ruleset, table, file)
  }

  table(ruleset: Ruleset, table: Table, file: number): void {
    const first = this.symbols.length
    const indexes = new Map<string, number>()
    this.indexes.set(`${ruleset.family} ${table.name}`, indexes)
    let counter = this.counters.length / 4
    for (const [i, chain] of table.chains.entries()) {
      if (indexes.has(chain.name)) {
        this.context.fault(
          { file: ruleset.file, line: 0 },
          `table ${table.name} has the chain \`${escapeText(chain.name)}\` twice`,
        )
      }
      indexes.set(chain.name, first + i)
      this.symbols.push({
        family: ruleset.family,
        table: table.name,
        name: chain.name,
        counter,
        rules: chain.rules.length,
        file,
      })
      counter += 1 + chain.rules.length
    }
    if (this.symbols.length > this.context.limits.maxChains) {
      this.context.fault(
        { file: ruleset.file, line: 0 },
        `more than ${this.context.limits.maxChains} chains: raise the limit maxChains`,
      )
      this.context.throwFaults()
    }
    for (const chain of table.chains) this.chain(ruleset, table, chain, indexes)
  }

  chain(ruleset: Ruleset, table: Table, chain: Chain, indexes: ReadonlyMap<string, number>): void {
    const family6 = ruleset.family === 'ipv6'
    const rules = family6 ? this.rules6 : this.rules4
    const ruleWords = (family6 ? L.RULE6_BYTES : L.RULE4_BYTES) >>> 2
    const index = this.edges.length
    const policy =
      chain.policy === null
        ? L.CHAIN_POLICY_USER
        : chain.policy === 'ACCEPT'
          ? L.CHAIN_POLICY_ACCEPT
          : L.CHAIN_POLICY_DROP
    const at = this.chains.reserve(L.CHAIN_BYTES >>> 2)
    this.chains.set(at + (L.CHAIN_FIRST_OFF >>> 2), rules.length / ruleWords)
    this.chains.set(at + (L.CHAIN_RULES_OFF >>> 2), chain.rules.length)
    this.chains.set(at + (L.CHAIN_COUNTER_OFF >>> 2), this.counters.length / 4)
    this.chains.set(at + (L.CHAIN_POLICY_OFF >>> 2), policy | (family6 ? L.CHAIN_FAMILY6 : 0))
    if (chain.policy !== null) {
      const hook = HOOKS[chain.name as HookName]
      if (hook === undefined) {
        this.context.fault(
          { file: ruleset.file, line: 0 },
          `\`${escapeText(chain.name)}\` has a policy but is no built-in chain`,
        )
      } else {
        this.roots[((family6 ? 1 : 0) * L.ROOTS_TABLES + TABLES[table.name]) * L.ROOTS_HOOKS + hook] = index + 1
      }
    }
    this.count(chain.counters.packets, chain.counters.bytes, 0)
    const edges: number[] = []
    this.edges.push(edges)
    for (const rule of chain.rules) {
      const place = { file: rule.file ?? ruleset.file, line: rule.line }
      const counter = this.counters.length / 4
      if (counter - this.edges.length >= this.context.limits.maxRules) {
        this.context.fault(
          place,
          `rule ${counter - this.edges.length + 1} is one too many for the configured capacity: raise the limit maxRules (${this.context.limits.maxRules})`,
        )
        this.context.throwFaults()
      }
      this.count(rule.counters?.packets ?? 0n, rule.counters?.bytes ?? 0n, rule.line)
      if (rule.file !== undefined) this.files.set(counter, rule.file)
      if (needsConntrack(rule)) this.flags |= family6 ? L.IMAGE_FLAG_CONNTRACK6 : L.IMAGE_FLAG_CONNTRACK4
      if (needsReassembly(rule)) this.flags |= family6 ? L.IMAGE_FLAG_WHOLE6 : L.IMAGE_FLAG_WHOLE4
      const to = this.records.write(
        { family: ruleset.family, backend: ruleset.backend, place, rule },
        rules,
        rules.reserve(ruleWords),
        counter,
        indexes,
      )
      if (to >= 0) edges.push(to)
    }
  }

  count(packets: bigint, bytes: bigint, line: number): void {
    const at = this.counters.reserve(4)
    this.lines.push(line)
    this.states.push(this.sink.state.length)
    if (packets === 0n && bytes === 0n) return
    this.counters.set(at, Number(packets & 0xffffffffn))
    this.counters.set(at + 1, Number((packets >> 32n) & 0xffffffffn))
    this.counters.set(at + 2, Number(bytes & 0xffffffffn))
    this.counters.set(at + 3, Number((bytes >> 32n) & 0xffffffffn))
  }
}

/** Words with as much room behind them as the rules may grow by; all zero. */
function roomy(words: Uint32Array, room: number, least: number): Uint32Array {
  if (room === 0) return words
  const out = new Uint32Array(words.length + Math.max(least, Math.ceil(words.length * room)))
  out.set(words)
  return out
}

/** Writes every section of the rules; faults go to the context, which throws them at the end. */
export function writeRules(context: CompileContext, writer: ImageWriter, symbols: Symbols): RulesSummary {
  const room = context.options.room ?? 0
  const builder = new RulesBuilder(context)
  for (const ruleset of context.ns.rulesets) {
    builder.ruleset(ruleset, symbols.files.push(ruleset.file) - 1)
  }
  const { sink } = builder
  builder.states.push(sink.state.length)
  const depth = chainDepth(builder.edges)
  if (depth < 0) context.fault({ file: symbols.files[0] ?? '', line: 0 }, 'the chains lead into a loop')
  const recents = sink.recents.words(context)
  sink.sets.finish()
  context.throwFaults()
  symbols.chains = builder.symbols
  if (builder.files.size > 0) {
    const indexes = new Map<string, number>()
    const indexOf = (file: string): number => {
      const index = indexes.get(file) ?? symbols.files.push(file) - 1
      indexes.set(file, index)
      return index
    }
    symbols.ruleFiles = Object.fromEntries([...builder.files].map(([counter, file]) => [counter, indexOf(file)]))
  }
  const lists = sink.recents.symbols()
  if (lists.length > 0) symbols.recents = lists
  const tables = sink.hashlimits.symbols()
  if (tables.length > 0) symbols.hashlimits = tables
  symbols.sets = sink.sets.names
  for (const { backend, family } of context.ns.rulesets)
    if (backend === 'nft') builder.flags |= family === 'ipv6' ? L.IMAGE_FLAG_NFT6 : L.IMAGE_FLAG_NFT4
  if (context.ns.forceConntrack) {
    builder.flags |= L.IMAGE_FLAG_CONNTRACK4 | L.IMAGE_FLAG_CONNTRACK6 | L.IMAGE_FLAG_WHOLE4 | L.IMAGE_FLAG_WHOLE6
  }
  writer.section(L.SECTION_ROOTS, builder.roots)
  const lines = roomy(builder.lines.words(), room, 1024)
  const counters = new Uint32Array(lines.length * 4)
  counters.set(builder.counters.words())
  writer.section(L.SECTION_CHAINS, roomy(builder.chains.words(), room, 64 * (L.CHAIN_BYTES >>> 2)))
  writer.section(L.SECTION_RULES4, roomy(builder.rules4.words(), room, 256 * (L.RULE4_BYTES >>> 2)))
  writer.section(L.SECTION_RULES6, roomy(builder.rules6.words(), room, 256 * (L.RULE6_BYTES >>> 2)))
  writer.section(L.SECTION_CODE, roomy(sink.code.words(), room, 4096))
  writer.section(L.SECTION_COUNTERS, counters)
  writer.section(L.SECTION_LINES, lines)
  writer.section(L.SECTION_IFACES, builder.ifaces.words())
  writer.section(L.SECTION_SETS, sink.sets.records())
  writer.section(L.SECTION_SET_SHAPES, sink.sets.shapes())
  writer.section(L.SECTION_SET_INDEX, sink.sets.index())
  writer.section(L.SECTION_SET_ENTRIES, sink.sets.entries())
  writer.section(L.SECTION_RECENTS, recents)
  writer.section(L.SECTION_HASHLIMITS, sink.hashlimits.words(context))
  writer.section(L.SECTION_STATE, sink.state.words())
  return {
    flags: builder.flags,
    counters: lines.length,
    depth,
    stateBytes: sink.state.length * 4,
    states: room > 0 ? builder.states.words() : builder.states.words().slice(),
    builder,
  }
}
