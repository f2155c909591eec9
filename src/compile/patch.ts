// Rules exchanged in an image that has room to spare: only the chains that changed are compiled, into places that are free.
// Owns what a change is allowed to be. Everything that reaches beyond its own chain (sets, lists, limits and other state, a
// new table, deeper jumps, a chain that others still lead to) is refused here and takes a new image.
//
// A patch is worked out whole before anything of the image is touched: a rule at fault leaves all as it was.
import * as L from '../../assembly/layout.js'
import { FaultError } from '../net/fault.js'
import type { Chain, Counters, Family, Rule, Ruleset, Table } from '../netfilter/model.js'
import { needsConntrack, needsReassembly } from '../netfilter/needs.js'
import { type Block, Blocks, type Ends } from './blocks.js'
import { diffChains, placesOf } from './chain-diff.js'
import { ChainGraph } from './chain-graph.js'
import { type Image, type Symbols, sectionTable } from './image.js'
import type { FreshCounter, RulesPatch, SectionWrite } from './patch-model.js'
import { nameChain } from './patch-symbols.js'
import { arePlain } from './plain-rule.js'
import type { RulesBuilder } from './rules.js'
import { Words } from './words.js'

interface Slot {
  readonly index: number
  readonly block: Block
}

/** A chain that is written: where, and what it was before. */
interface Writing {
  readonly ruleset: Ruleset
  readonly table: Table
  readonly chain: Chain
  readonly slot: Slot
  readonly before: { readonly chain: Chain; readonly slot: Slot } | null
}

/** A chain's records as they will be. */
interface Staged {
  readonly words: Words
  readonly edges: readonly number[]
  /** By rule: the place in the chain before that the rule had; -1: it is new. */
  readonly from: Int32Array
}

const RULE_WORDS = { ipv4: L.RULE4_BYTES >>> 2, ipv6: L.RULE6_BYTES >>> 2 } as const
const CHAIN_WORDS = L.CHAIN_BYTES >>> 2
const NEEDS = [
  { need: needsConntrack, flags: { ipv4: L.IMAGE_FLAG_CONNTRACK4, ipv6: L.IMAGE_FLAG_CONNTRACK6 } },
  { need: needsReassembly, flags: { ipv4: L.IMAGE_FLAG_WHOLE4, ipv6: L.IMAGE_FLAG_WHOLE6 } },
] as const
const POLICIES = { ACCEPT: L.CHAIN_POLICY_ACCEPT, DROP: L.CHAIN_POLICY_DROP } as const

/** Works out patches of one image, one after the other. Once it said no, or threw, it is of no use any more. */
export class RulesPatcher {
  readonly #builder: RulesBuilder
  readonly #symbols: Symbols
  readonly #rooms: ReadonlyMap<number, number>
  readonly #slots = new Map<Chain, Slot>()
  readonly #blocks: Blocks
  readonly #ends: Ends
  readonly #freeIndexes: number[] = []
  readonly #graph: ChainGraph
  /** Index in `Symbols.files`, by family. */
  readonly #files: Partial<Record<Family, number>> = {}
  /** Rules that have each of the needs, by family. */
  readonly #needing: Record<Family, number>[] = NEEDS.map(() => ({ ipv4: 0, ipv6: 0 }))
  #rules = 0

  /** `image`: what the builder's rules have become. */
  constructor(builder: RulesBuilder, image: Pick<Image, 'bytes' | 'symbols'>) {
    this.#builder = builder
    this.#symbols = image.symbols
    this.#rooms = new Map([...sectionTable(image.bytes)].map(([id, { bytes }]) => [id, bytes >>> 2]))
    let index = 0
    const firsts = { ipv4: 0, ipv6: 0 }
    let counter = 0
    for (const { family, tables } of builder.context.ns.rulesets)
      for (const { chains } of tables)
        for (const chain of chains) {
          const block: Block = { family, first: firsts[family], counter, rules: chain.rules.length }
          this.#slots.set(chain, { index: index++, block })
          firsts[family] += chain.rules.length
          counter += 1 + chain.rules.length
          this.#rules += chain.rules.length
          for (const rule of chain.rules) this.#count(family, rule, 1)
        }
    this.#ends = { rules4: firsts.ipv4, rules6: firsts.ipv6, counters: counter }
    const room = (id: number): number => this.#rooms.get(id) ?? 0
    this.#blocks = new Blocks(this.#ends, {
      rules4: Math.floor(room(L.SECTION_RULES4) / RULE_WORDS.ipv4),
      rules6: Math.floor(room(L.SECTION_RULES6) / RULE_WORDS.ipv6),
      counters: room(L.SECTION_LINES),
    })
    this.#graph = new ChainGraph(builder.edges)
    for (const { family, file } of image.symbols.chains) this.#files[family] = file
  }

  /** The index of a chain's own counter; those of its rules follow. */
  counterOf(chain: Chain): number {
    return this.#slots.get(chain)!.block.counter
  }

  /** First word of the state of each counter's rule. */
  get states(): Uint32Array {
    return this.#builder.states.words()
  }

  /**
   * What leads from the rule sets that are in force to others; null when it takes a new image, which is also what says
   * why a rule cannot be evaluated.
   */
  patch(before: readonly Ruleset[], after: readonly Ruleset[]): RulesPatch | null {
    const plan = this.#plan(before, after)
    if (plan === null) return null
    const { writings, removed } = plan
    const { sink, context, ifaces } = this.#builder
    const sizes = (): string => `${sink.state.length} ${ifaces.words().length}`
    const size = sizes()
    const code = sink.code.length
    const staged = new Map<Writing, Staged>()
    for (const writing of writings) {
      if (writing.before?.chain.rules !== writing.chain.rules) staged.set(writing, this.#stage(writing))
    }
    try {
      context.throwFaults()
    } catch (error) {
      if (error instanceof FaultError) return null
      throw error
    }
    if (this.#rules > context.limits.maxRules || this.#graph.size > context.limits.maxChains) return null
    if (sizes() !== size || sink.code.length > (this.#rooms.get(L.SECTION_CODE) ?? 0)) return null
    const leading = [...staged].map(([w, { edges }]) => [w.slot.index, { edges, fresh: w.before === null }] as const)
    const gone = removed.map((chain) => this.#slots.get(chain)!.index)
    if (!this.#graph.exchange(new Map(leading), gone)) return null
    return this.#commit(writings, staged, removed, code)
  }

  /** Which chains are to be written where; null when that is not possible. */
  #plan(before: readonly Ruleset[], after: readonly Ruleset[]): { writings: Writing[]; removed: Chain[] } | null {
    if (before.length !== after.length) return null
    const writings: Writing[] = []
    const removed: Chain[] = []
    for (const [i, ruleset] of after.entries()) {
      const old = before[i]!
      const { family, backend, file, tables } = ruleset
      if (family !== old.family || backend !== old.backend || file !== old.file) return null
      if (tables.length !== old.tables.length) return null
      for (const [t, table] of tables.entries()) {
        const indexes = this.#builder.indexes.get(`${family} ${table.name}`)
        if (indexes === undefined || table.name !== old.tables[t]!.name) return null
        const diff = diffChains(old.tables[t]!.chains, table.chains, indexes)
        if (diff === null || ![...diff.removed, ...diff.added].every((c) => c.policy === null)) return null
        for (const chain of diff.removed) {
          if (!arePlain(chain.rules)) return null
          removed.push(chain)
          indexes.delete(chain.name)
        }
        for (const chain of diff.added) {
          const slot = this.#newSlot(family, chain)
          if (slot === null) return null
          indexes.set(chain.name, slot.index)
          writings.push({ ruleset, table, chain, slot, before: null })
        }
        for (const [was, chain] of diff.changed) {
          const slot = this.#slots.get(was)!
          const block = this.#roomFor(family, chain, slot.block)
          if (block === null || !arePlain(was.rules)) return null
          writings.push({ ruleset, table, chain, slot: { ...slot, block }, before: { chain: was, slot } })
        }
      }
    }
    return writings.every(({ chain }) => arePlain(chain.rules)) ? { writings, removed } : null
  }

  #newSlot(family: Family, chain: Chain): Slot | null {
    const block = this.#blocks.take(family, chain.rules.length, 0)
    if (block === null) return null
    const index = this.#freeIndexes.pop() ?? this.#graph.add()
    return (index + 1) * CHAIN_WORDS > (this.#rooms.get(L.SECTION_CHAINS) ?? 0) ? null : { index, block }
  }

  /** A chain that outgrows its place moves, and takes some more room: it may grow again. */
  #roomFor(family: Family, { rules }: Chain, block: Block): Block | null {
    return rules.length <= block.rules ? block : this.#blocks.take(family, rules.length, (rules.length >>> 2) + 2)
  }

  /** Writes a chain's records; those of rules that stay are copied. */
  #stage({ ruleset, table, chain, slot, before }: Writing): Staged {
    const { family, backend, file } = ruleset
    const { records, rules4, rules6, indexes } = this.#builder
    const names = indexes.get(`${family} ${table.name}`)!
    const size = RULE_WORDS[family]
    const old = (family === 'ipv6' ? rules6 : rules4).words()
    const words = new Words(chain.rules.length * size)
    words.reserve(chain.rules.length * size)
    const edges: number[] = []
    const from = placesOf(chain.rules, before?.chain.rules ?? [])
    for (const [i, rule] of chain.rules.entries()) {
      const at = i * size
      const counter = slot.block.counter + 1 + i
      const place = from[i]!
      if (place >= 0) {
        const there = (before!.slot.block.first + place) * size
        for (let k = 0; k < size; k++) words.set(at + k, old[there + k]!)
        words.set(at + (L.RULE_COUNTER_OFF >>> 2), counter)
        const target = words.get(at + (L.RULE_TARGET_OFF >>> 2))
        if (target === L.TARGET_JUMP || target === L.TARGET_GOTO) edges.push(words.get(at + (L.RULE_A_OFF >>> 2)))
      } else {
        const rulePlace = { file: rule.file ?? file, line: rule.line }
        const to = records.write({ family, backend, place: rulePlace, rule }, words, at, counter, names)
        if (to >= 0) edges.push(to)
      }
    }
    return { words, edges, from }
  }

  #commit(
    writings: readonly Writing[],
    staged: ReadonlyMap<Writing, Staged>,
    removed: readonly Chain[],
    code: number,
  ): RulesPatch {
    const { sink, rules4, rules6, states } = this.#builder
    const writes: SectionWrite[] = []
    const kept: { from: number; to: number }[] = []
    const zeroed: [number, number][] = []
    const fresh: FreshCounter[] = []
    const start = (at: number, counters: Counters | undefined): void => {
      const last = zeroed.at(-1)
      if (last !== undefined && last[0] + last[1] === at) last[1]++
      else zeroed.push([at, 1])
      if (counters !== undefined && (counters.packets > 0n || counters.bytes > 0n)) fresh.push({ at, counters })
    }
    for (const chain of removed) this.#forget(chain)
    for (const writing of writings) {
      const { ruleset, table, chain, slot, before } = writing
      const { block, index } = slot
      const { family } = ruleset
      if (before !== null) {
        this.#slots.delete(before.chain)
        if (before.slot.block !== block) this.#blocks.give(before.slot.block)
      }
      this.#slots.set(chain, slot)
      start(block.counter, chain.counters)
      const done = staged.get(writing)
      if (done === undefined) {
        for (let i = 0; i < chain.rules.length; i++) start(block.counter + 1 + i, chain.rules[i]!.counters)
        continue
      }
      const stays = new Set<number>()
      for (const [i, rule] of chain.rules.entries()) {
        const place = done.from[i]!
        const at = block.counter + 1 + i
        if (place >= 0) {
          kept.push({ from: before!.slot.block.counter + 1 + place, to: at })
          stays.add(place)
        } else {
          start(at, rule.counters)
          this.#count(family, rule, 1)
        }
      }
      for (const [i, rule] of (before?.chain.rules ?? []).entries()) if (!stays.has(i)) this.#count(family, rule, -1)
      const rules = family === 'ipv6' ? rules6 : rules4
      const first = block.first * RULE_WORDS[family]
      const end = (block.first + block.rules) * RULE_WORDS[family]
      if (rules.length < end) rules.reserve(end - rules.length)
      const words = done.words.words()
      for (let i = 0; i < words.length; i++) rules.set(first + i, words[i]!)
      const policy = chain.policy === null ? L.CHAIN_POLICY_USER : POLICIES[chain.policy]
      const six = family === 'ipv6'
      const record = new Uint32Array(CHAIN_WORDS)
      record[L.CHAIN_FIRST_OFF >>> 2] = block.first
      record[L.CHAIN_RULES_OFF >>> 2] = chain.rules.length
      record[L.CHAIN_COUNTER_OFF >>> 2] = block.counter
      record[L.CHAIN_POLICY_OFF >>> 2] = policy | (six ? L.CHAIN_FAMILY6 : 0)
      writes.push(
        { section: six ? L.SECTION_RULES6 : L.SECTION_RULES4, at: first, words },
        { section: L.SECTION_CHAINS, at: index * CHAIN_WORDS, words: record },
        {
          section: L.SECTION_LINES,
          at: block.counter,
          words: Uint32Array.from([0, ...chain.rules.map((r) => r.line)]),
        },
      )
      nameChain(this.#symbols, index, {
        family,
        table: table.name,
        chain,
        counter: block.counter,
        file: this.#files[family] ?? 0,
      })
    }
    while (states.length <= this.#ends.counters) states.push(sink.state.length)
    if (sink.code.length > code) {
      writes.push({ section: L.SECTION_CODE, at: code, words: sink.code.words().slice(code) })
    }
    return { writes, flags: this.#flags(), kept, zeroed, fresh, chains: writings.map((w) => w.slot.index) }
  }

  #forget(chain: Chain): void {
    const { index, block } = this.#slots.get(chain)!
    this.#slots.delete(chain)
    this.#blocks.give(block)
    this.#freeIndexes.push(index)
    for (const rule of chain.rules) this.#count(block.family, rule, -1)
  }

  #flags(): number {
    const { flags, context } = this.#builder
    if (context.ns.forceConntrack) return flags
    let now = flags
    for (const [i, { flags: bits }] of NEEDS.entries())
      for (const family of ['ipv4', 'ipv6'] as const)
        now = this.#needing[i]![family] > 0 ? now | bits[family] : now & ~bits[family]
    return now >>> 0
  }

  #count(family: Family, rule: Rule, by: number): void {
    this.#rules += by
    for (const [i, { need }] of NEEDS.entries()) if (need(rule)) this.#needing[i]![family] += by
  }
}
