// The naive engine: a data plane evaluated straight from the namespace's data, plain and slow, the judge of the
// compiled one. It shares no code with compile/, engine/ and assembly/. See docs/semantics.md.

import { completePacket } from '../net/complete.js'
import { isLaterFragment } from '../net/fragment.js'
import type { Answer, ConntrackEntry, Packet } from '../net/packet.js'
import type { Chain, Family, Rule, Ruleset, TableName } from '../netfilter/model.js'
import { asksLabels, needsConntrack, needsReassembly } from '../netfilter/needs.js'
import { withAccounting } from '../netns/accounting.js'
import type { RecordedChoices } from '../netns/choices.js'
import type { DataPlane, DataPlaneOptions, ProcessOptions } from '../netns/dataplane.js'
import type { IpSet, NetworkNamespace } from '../netns/model.js'
import { checkSupported } from '../netns/supported.js'
import { parseWallClock } from '../netns/wall-clock.js'
import { load, NO_ZONE, shown } from './conntrack.js'
import { ConntrackTable } from './conntrack-table.js'
import { Fragments } from './defrag.js'
import { Bridges } from './fdb.js'
import { type End, printedQuote, receive, sendAnswer, sendCopy, sendLocal } from './hooks.js'
import { LimitStates } from './match-limits.js'
import { Draws } from './prf.js'
import { RecentLists } from './recent.js'
import { type Draw, RecordedDraws } from './recorded.js'
import { IpSets } from './set.js'
import { sysctl } from './sysctl.js'
import { invert, isError, tupleOf } from './tuple.js'
import type { LiveRuleset, Skb, World } from './types.js'

/** Does some rule of the set want that? */
function someRule({ tables }: Ruleset, wants: (rule: Rule) => boolean): boolean {
  return tables.some((t) => t.chains.some((c) => c.rules.some(wants)))
}

/** `before`: what ran until now; its objects keep their counters. */
function liveRuleset(ruleset: Ruleset, before?: LiveRuleset): LiveRuleset {
  const chains = new Map<TableName, Map<string, Chain>>()
  const hits: LiveRuleset['hits'] = new Map()
  for (const table of ruleset.tables) {
    chains.set(table.name, new Map(table.chains.map((c) => [c.name, c])))
    for (const chain of table.chains) {
      hits.set(chain, before?.hits.get(chain) ?? { ...chain.counters })
      const counted = isRefilled(table.name, chain, before) ? undefined : before?.hits
      for (const rule of chain.rules) hits.set(rule, counted?.get(rule) ?? { packets: 0n, bytes: 0n, ...rule.counters })
    }
  }
  return { ruleset, hits, chains }
}

/** Was the chain emptied and filled with what it held? Then it is another object with the very same list. */
function isRefilled(table: TableName, chain: Chain, before: LiveRuleset | undefined): boolean {
  const old = before?.chains.get(table)?.get(chain.name)
  return old !== undefined && old !== chain && old.rules === chain.rules
}

/** The families in which some rule wants that. */
function familiesThat(ns: NetworkNamespace, want: (rule: Rule) => boolean): Set<Family> {
  const families: readonly Family[] = ['ipv4', 'ipv6']
  return new Set(
    families.filter((f) => ns.forceConntrack || ns.rulesets.some((r) => r.family === f && someRule(r, want))),
  )
}

export type { Draw } from './recorded.js'

export interface ReferenceOptions extends DataPlaneOptions {
  /**
   * Answers whose random choices are followed, by the packet's `id`; a choice that is impossible, or that no answer
   * shows a trace for, is a FaultError. What an answer does not show is drawn from the seed.
   */
  readonly choices?: RecordedChoices
}

/** The naive data plane. Throws a FaultError when the namespace holds what cannot be evaluated. */
export class ReferenceEngine implements DataPlane {
  readonly #world: World
  readonly #seed: bigint
  #ordinal = 0n
  readonly #choices: RecordedChoices | undefined
  #drawn: readonly Draw[] = []

  constructor(given: NetworkNamespace, options: ReferenceOptions = {}) {
    checkSupported(given)
    const ns = withAccounting(given)
    this.#choices = options.choices
    this.#seed = BigInt(options.seed ?? 0)
    const rulesets = new Map<Family, LiveRuleset>(ns.rulesets.map((r) => [r.family, liveRuleset(r)]))
    const world: World = {
      ns,
      seed: this.#seed,
      rulesets,
      conntrackOn: familiesThat(ns, needsConntrack),
      reassembled: familiesThat(ns, needsReassembly),
      fragments: new Fragments(),
      table: new ConntrackTable(() => world.now),
      bridges: new Bridges(ns),
      bridgeCalls: {
        ipv4: sysctl(ns, 'net.bridge.bridge-nf-call-iptables', 0) !== 0,
        ipv6: sysctl(ns, 'net.bridge.bridge-nf-call-ip6tables', 0) !== 0,
      },
      recent: new RecentLists(ns.rulesets),
      sets: new IpSets(ns.sets, () => world.now),
      limits: new LimitStates(ns.rulesets),
      counters: new Map(),
      counted: new Map(),
      labelled: ns.rulesets.some((r) => someRule(r, asksLabels)),
      now: 0,
      draws: new Draws(this.#seed, 0n),
      recorder: { steps: [], trace: [], traceReply: [], flooded: [] },
      given: null,
      wallClock: options.wallClock === undefined ? undefined : parseWallClock(options.wallClock),
      whole: null,
      sent: null,
      send: (answer, cause, kind) => sendAnswer(world, answer, cause, kind),
      copy: (cause, gateway, hook) => sendCopy(world, cause, gateway, hook),
      copying: false,
    }
    this.#world = world
    for (const entry of ns.connections) load(world, entry)
  }

  get now(): number {
    return this.#world.now
  }

  get rulesets(): readonly Ruleset[] {
    return this.#world.ns.rulesets
  }

  swapRules(rulesets: readonly Ruleset[]): void {
    const world = this.#world
    const ns = withAccounting({ ...world.ns, rulesets })
    checkSupported(ns)
    const before = world.rulesets
    world.rulesets = new Map(rulesets.map((r) => [r.family, liveRuleset(r, before.get(r.family))]))
    world.ns = ns
    world.conntrackOn = familiesThat(ns, needsConntrack)
    world.reassembled = familiesThat(ns, needsReassembly)
    world.labelled = rulesets.some((r) => someRule(r, asksLabels))
    world.recent.use(rulesets)
    world.limits.hashes.use(rulesets)
    // What a match knows is kept by the match itself, so that of matches that went is forgotten.
    const matches = new Set<object>(
      rulesets.flatMap((r) =>
        r.tables.flatMap((t) =>
          t.chains
            .filter((c) => !isRefilled(t.name, c, before.get(r.family)))
            .flatMap((c) => c.rules.flatMap((rule) => rule.matches)),
        ),
      ),
    )
    for (const match of world.counters.keys()) if (!matches.has(match)) world.counters.delete(match)
    for (const match of world.counted.keys()) if (!matches.has(match)) world.counted.delete(match)
    for (const match of world.limits.quotas.keys()) if (!matches.has(match)) world.limits.quotas.delete(match)
  }

  process(given: Packet, options: ProcessOptions = {}): Answer {
    const world = this.#world
    const packet = completePacket(given)
    if (packet.iface !== 'local' && !world.ns.links.some((l) => l.name === packet.iface)) {
      throw new RangeError(`unknown interface ${JSON.stringify(packet.iface)}`)
    }
    if (packet.at_ms !== undefined) {
      if (packet.at_ms < world.now) throw new RangeError(`the clock runs backwards: ${packet.at_ms} after ${world.now}`)
      world.now = packet.at_ms
    }
    const seeded = new Draws(this.#seed, this.#ordinal++)
    world.recorder = { steps: [], trace: [], traceReply: [], flooded: [] }
    const recorded = this.#choices && new RecordedDraws(this.#choices, world.ns, packet, world.recorder, seeded)
    world.draws = recorded ?? seeded
    world.sent = null
    world.whole = null
    world.copying = false
    world.given = packet
    const { end, skb } = packet.iface === 'local' ? sendLocal(world, packet) : receive(world, packet)
    const answer = this.#answer(packet, end, skb, options)
    recorded?.finish(answer)
    if (!options.ct) delete answer.ct
    this.#drawn = recorded?.drawn ?? []
    return answer
  }

  /** With `choices`: what was drawn for the last packet, for `Engine.forceDraws` to go the same way. */
  get drawn(): readonly Draw[] {
    return this.#drawn
  }

  #answer(packet: Packet, end: End, skb: Skb, options: ProcessOptions): Answer {
    const { recorder, sent } = this.#world
    const answer: Answer = { verdict: 'drop', in: packet }
    if (packet.id !== undefined) answer.id = packet.id
    if (end.end === 'drop') {
      const { queue, ...by } = end.by
      answer.dropped_by = by
      if (queue !== undefined) Object.assign(answer, { verdict: 'queue', queue })
      if (packet.iface === 'local' && end.errno !== undefined) answer.errno = end.errno
      // What was said of a copy on the way is not the word on a packet that a queue took.
      if (sent?.answer !== undefined && queue === undefined) {
        answer.verdict = 'reject'
        answer.reject_with = sent.with
        answer.reply = sent.answer
      }
    } else {
      answer.verdict = end.end
      if (end.end === 'local') answer.in_iface = end.skb.inIface ?? ''
      else answer.out_iface = end.skb.outIface ?? ''
      if (end.end !== 'local' && end.skb.outPort !== null) answer.out_port = end.skb.outPort
      Object.assign(answer, finalHeader(end.skb.packet), { mark: end.skb.mark })
    }
    if (options.ct || this.#choices) answer.ct = this.#entryOf(this.#world.whole ?? packet, skb)
    if (options.trace) {
      answer.trace = recorder.trace
      if (recorder.traceReply.length > 0) answer.trace_reply = recorder.traceReply
      answer.steps = recorder.steps
      if (recorder.flooded.length > 0) answer.flooded = recorder.flooded
    }
    return answer
  }

  /** The entry that has the tuple of the packet as it was given. */
  #entryOf(packet: Packet, skb: Skb): ConntrackEntry | null {
    const { table, now } = this.#world
    if (isLaterFragment(packet)) return null
    const tuple = isError(packet) && packet.inner !== undefined ? invert(tupleOf(packet.inner)) : tupleOf(packet)
    const found = tuple === null ? undefined : table.find(tuple, skb.zone ?? NO_ZONE)
    if (found === undefined) return null
    const { counted: _, helper: _h, ...entry } = shown(found.flow, now)
    return entry
  }

  conntrack(): ConntrackEntry[] {
    return this.#world.table.list().map((flow) => shown(flow, this.#world.now))
  }

  deleteConnections(chosen: (entry: ConntrackEntry) => boolean): number {
    const { table, now } = this.#world
    const gone = table.list().filter((flow) => chosen(shown(flow, now)))
    for (const flow of gone) table.kill(flow)
    return gone.length
  }

  sets(): IpSet[] {
    return this.#world.sets.list()
  }

  counters(): Ruleset[] {
    return [...this.#world.rulesets.values()].map(({ ruleset, hits }) => ({
      ...ruleset,
      tables: ruleset.tables.map((table) => ({
        ...table,
        chains: table.chains.map((chain) => ({
          ...chain,
          counters: { ...hits.get(chain)! },
          rules: chain.rules.map((rule) => ({ ...rule, counters: { ...hits.get(rule)! } })),
        })),
      })),
    }))
  }
}

/** The header keys of an answer. */
function finalHeader(packet: Packet): Partial<Answer> {
  const { proto, src, dst, sport, dport, flags, ttl, tos, icmp_type, icmp_code, icmp_id, inner } = packet
  const header: Partial<Answer> = { proto, src, dst, ttl: ttl ?? 64 }
  if (tos) header.tos = tos
  if (isLaterFragment(packet)) return { ...header, frag: packet.frag! }
  if (sport !== undefined) Object.assign(header, { sport, dport })
  if (flags !== undefined) header.flags = flags
  if (icmp_type !== undefined) Object.assign(header, { icmp_type, icmp_code })
  if (icmp_id !== undefined) header.icmp_id = icmp_id
  if (inner !== undefined) header.inner = printedQuote(inner)
  if (packet.frag !== undefined) header.frag = packet.frag
  return header
}
