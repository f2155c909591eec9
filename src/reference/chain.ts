// Walking a table's chains: jump, goto, RETURN, policies; the trace and the counters of what matched.
// Kernel: net/ipv4/netfilter/ip_tables.c (ipt_do_table, trace_packet).

import { packetLength } from '../net/length.js'
import type { DroppedBy } from '../net/packet.js'
import type { Chain, HookName, Rule, TableName } from '../netfilter/model.js'
import { matchesRule } from './match.js'
import type { Visit } from './prf.js'
import { act } from './target.js'
import type { LiveRuleset, Skb, World } from './types.js'

/** What dropped a packet, or the queue in which it was lost. */
export type Blame = DroppedBy & { readonly queue?: number }
export type ChainVerdict =
  | { readonly verdict: 'accept'; readonly bypass?: true }
  | { readonly verdict: 'drop'; readonly by: Blame }

interface Place {
  readonly chain: Chain
  readonly index: number
  readonly visit: Visit
}

function count(rules: LiveRuleset, what: object, skb: Skb): void {
  const hits = rules.hits.get(what) ?? { packets: 0n, bytes: 0n }
  hits.packets = BigInt.asUintN(64, hits.packets + 1n)
  hits.bytes = BigInt.asUintN(64, hits.bytes + BigInt(packetLength(skb.packet)))
  rules.hits.set(what, hits)
}

function note(world: World, skb: Skb, table: TableName, chain: string, rule: number | 'policy' | 'return'): void {
  const { recorder } = world
  const line = typeof rule === 'number' ? `${table}:${chain}:rule:${rule}` : `${table}:${chain}:${rule}`
  ;(skb.isAnswer ? recorder.traceReply : recorder.trace).push(line)
  recorder.steps.push({ step: 'rule', table, chain, rule })
}

/** What the rule's place is called in `dropped_by`. */
function placeOf(rules: LiveRuleset, table: TableName, chain: Chain, rule: Rule, number: number): DroppedBy {
  const file = rule.file ?? rules.ruleset.file
  const where = rule.line > 0 ? { ...(file === '' ? {} : { file }), line: rule.line } : {}
  return { table, chain: chain.name, rule: number, ...where }
}

/** Runs a built-in chain over a packet; a table or chain that is not there accepts. */
export function runChain(world: World, skb: Skb, table: TableName, hook: HookName): ChainVerdict {
  const rules = world.rulesets.get(skb.family)
  const chains = rules?.chains.get(table)
  const base = chains?.get(hook)
  if (rules === undefined || chains === undefined || base === undefined) return { verdict: 'accept' }
  const callers: Place[] = []
  let here: { chain: Chain; index: number; visit: Visit } = { chain: base, index: 0, visit: world.draws.visit() }

  const policy = (): ChainVerdict => {
    note(world, skb, table, base.name, 'policy')
    count(rules, base, skb)
    if (base.policy !== 'DROP') return { verdict: 'accept' }
    const { file } = rules.ruleset
    return { verdict: 'drop', by: { table, chain: base.name, rule: 'policy', ...(file === '' ? {} : { file }) } }
  }

  for (;;) {
    const rule = here.chain.rules[here.index]
    if (rule === undefined) {
      if (here.chain === base) return policy()
      note(world, skb, table, here.chain.name, 'return')
      const caller = callers.pop()
      if (caller === undefined) return policy()
      here = { ...caller }
      continue
    }
    here.index++
    const at = {
      table,
      chain: here.chain.name,
      number: here.index,
      file: rule.file ?? rules.ruleset.file,
      line: rule.line,
    }
    const place = { visit: here.visit, ...at }
    const context = { world, backend: rules.ruleset.backend, hotdrop: false, hook, ...place }
    if (!matchesRule(rule, skb, context)) {
      if (!context.hotdrop) continue
      return { verdict: 'drop', by: placeOf(rules, table, here.chain, rule, here.index) }
    }
    count(rules, rule, skb)
    note(world, skb, table, here.chain.name, here.index)
    const { target } = rule
    if (target === undefined) continue
    switch (target.target) {
      case 'ACCEPT':
        return { verdict: 'accept' }
      case 'DROP':
        return { verdict: 'drop', by: placeOf(rules, table, here.chain, rule, here.index) }
      case 'RETURN': {
        const caller = callers.pop()
        if (caller === undefined) return policy()
        here = { ...caller }
        break
      }
      case 'jump':
      case 'goto':
        if (target.target === 'jump') callers.push({ ...here })
        here = { chain: chains.get(target.chain)!, index: 0, visit: world.draws.visit() }
        break
      default: {
        const outcome = act(skb, target, hook, context)
        if (outcome === 'continue') break
        if (outcome === 'accept') return { verdict: 'accept' }
        if (outcome === 'bypass') return { verdict: 'accept', bypass: true }
        const by = placeOf(rules, table, here.chain, rule, here.index)
        return { verdict: 'drop', by: outcome === 'drop' ? by : { ...by, ...outcome } }
      }
    }
  }
}
