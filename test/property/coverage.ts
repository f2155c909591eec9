// What a run of generated packets has exercised: each condition of the model matched and not matched, each target hit,
// each verdict, reason, connection state and kind of route seen, by family. Read from the trace, rule by rule.

import type { Answer } from '../../src/net/packet.js'
import { protoNumber } from '../../src/net/proto.js'
import type { Chain, Family, Rule, Ruleset } from '../../src/netfilter/model.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import type { Outcome } from './support.js'

type Loose = Record<string, unknown>

/** The names of a rule's conditions, e.g. `src`, `!tcp.dport`, `set.hash:ip`. */
export function conditionNames(rule: Rule, ns: NetworkNamespace): string[] {
  const names: string[] = []
  for (const key of ['src', 'dst', 'inIface', 'outIface', 'proto', 'fragment'] as const) {
    const value = rule[key]
    if (value) names.push(`${value.not ? '!' : ''}${key}`)
  }
  for (const match of rule.matches) {
    const m = match as unknown as Loose
    const not = m['not'] === true ? '!' : ''
    switch (match.match) {
      case 'statistic':
        names.push(`${not}statistic.${match.mode}`)
        break
      case 'recent': {
        names.push(`${not}recent.${match.op}`)
        for (const key of ['seconds', 'hitcount', 'rttl', 'reap'] as const)
          if (match[key] !== undefined) names.push(`recent+${key}`)
        break
      }
      case 'multiport':
        names.push(`${not}multiport.${match.on}`)
        break
      case 'set':
        names.push(`${not}set.${ns.sets.find((s) => s.name === match.name)?.type}`)
        break
      case 'connbytes':
        names.push(`${match.from > match.to ? '!' : ''}connbytes.${match.mode}`)
        break
      case 'connlimit':
        names.push(`connlimit.${match.above ? 'above' : 'upto'}`)
        break
      case 'quota':
      case 'hashlimit':
        names.push(`${not}${match.match}`)
        break
      case 'rpfilter':
        names.push(`${match.invert ? '!' : ''}rpfilter`)
        break
      case 'ttl':
      case 'hl':
        names.push(match.op === 'ne' ? '!hops.eq' : `hops.${match.op}`)
        break
      case 'limit':
      case 'comment':
      case 'nfacct':
        names.push(match.match)
        break
      case 'policy':
      case 'frag':
      case 'hbh':
      case 'dst':
      case 'rt':
      case 'socket':
        names.push(match.match)
        break
      case 'string':
        names.push(`${match.options[0]!.not ? '!' : ''}string`)
        break
      case 'bpf':
        names.push('bpf')
        break
      case 'u32':
        names.push(`${match.options[0]!.not ? '!' : ''}u32`)
        break
      case 'helper':
      case 'devgroup':
      case 'ipv6header':
        for (const o of match.options) if (o.text !== '') names.push(`${o.not ? '!' : ''}${match.match}.${o.option}`)
        break
      case 'addrtype':
        if (match.limitIface) names.push(`addrtype+limit-${match.limitIface}`)
        fieldNames(m, names)
        break
      default:
        fieldNames(m, names)
    }
  }
  return names
}

function fieldNames(match: Loose, names: string[]): void {
  for (const [key, value] of Object.entries(match)) {
    if (key === 'match' || key === 'limitIface') continue
    const not = typeof value === 'object' && (value as Loose)['not'] === true ? '!' : ''
    names.push(`${not}${match['match']}.${key}`)
  }
}

/** The names of a rule's target: its kind, and what is said beside it. */
export function targetNames(rule: Rule): string[] {
  const t = rule.target
  if (t === undefined) return ['none']
  if (t.target === 'REJECT') return [`REJECT ${t.with}`]
  if (t.target === 'TTL' || t.target === 'HL') return [`hops ${t.op}`]
  if (t.target === 'NFQUEUE') {
    const how = t.bypass ? 'bypass' : t.to === undefined ? 'one' : t.cpuFanout ? 'fanout' : 'balance'
    return [`NFQUEUE ${how}`]
  }
  if (t.target === 'ECN')
    return (['ece', 'cwr', 'ect'] as const).filter((k) => t[k] !== undefined).map((k) => `ECN ${k}`)
  if (t.target === 'CONNMARK' && t.shift) return [`CONNMARK ${t.shift > 0 ? 'left' : 'right'}`]
  if (t.target === 'CONNMARK') return [`CONNMARK ${t.op}`]
  if (t.target === 'SET') return (['add', 'del', 'map'] as const).filter((k) => t[k]).map((k) => `SET ${k}`)
  if (t.target === 'CT')
    return Object.keys(t)
      .filter((k) => k !== 'target')
      .map((k) => `CT ${k}`)
  if ('range' in t && typeof t.range === 'object') {
    const { from, to } = t.range
    const extra = Object.keys(t.range)
      .filter((k) => k !== 'from' && k !== 'to')
      .map((k) => `${t.target} ${k}`)
    return [t.target, ...(from !== to ? [`${t.target} from-to`] : []), ...extra]
  }
  return [t.target]
}

/** Counts how often each name occurred. */
export class Coverage {
  readonly seen: Map<string, number> = new Map()

  count(name: string): number {
    return this.seen.get(name) ?? 0
  }

  add(ns: NetworkNamespace, outcome: Outcome): void {
    const rules = new Map<Family, Map<string, Chain>>(ns.rulesets.map((r) => [r.family, chainsOf(r)]))
    for (const answer of outcome.answers) {
      const family: Family = answer.in.src.includes(':') ? 'ipv6' : 'ipv4'
      this.answer(family, answer)
      this.trace(family, ns, rules.get(family) ?? new Map(), answer)
    }
    for (const entry of outcome.conntrack) this.see(`entry ${entry.proto} ${entry.state ?? ''} ${entry.family}`)
  }

  private see(name: string): void {
    this.seen.set(name, this.count(name) + 1)
  }

  private answer(family: Family, answer: Answer): void {
    this.see(`verdict ${answer.verdict} ${family}`)
    if (answer.dropped_by?.reason) this.see(`reason ${answer.dropped_by.reason} ${family}`)
    if (answer.errno) this.see(`errno ${answer.errno}`)
    if (answer.in.df === false && answer.verdict === 'forward') this.see(`packet that may be cut ${family}`)
    if (answer.in.frag !== undefined && answer.verdict !== 'drop' && answer.verdict !== 'reject') {
      const later = (answer.in.frag & 0x1fff) !== 0
      if (answer.frag === undefined) this.see(`whole packet of fragments ${family}`)
      else this.see(`${later ? 'later fragment' : 'fragment of a packet'} ${family}`)
    }
    if (answer.reply) this.see(`reply ${answer.reply.out_iface === 'local' ? 'local' : 'sent'} ${family}`)
    if (answer.trace_reply?.length) this.see(`trace_reply ${family}`)
    if (answer.ct?.state) this.see(`state ${answer.ct.proto} ${answer.ct.state} ${family}`)
    if (answer.ct?.zone) this.see(`zone ${family}`)
    for (const status of answer.ct?.status ?? []) this.see(`status ${status} ${family}`)
    for (const step of answer.steps ?? []) {
      if (step.step === 'conntrack') this.see(`conntrack ${step.state} ${step.dir ?? ''} ${family}`)
      if (step.step === 'route') this.see(`route ${step.why} ${step.type} ${family}`)
      if (step.step === 'nat') this.see(`nat ${step.manip} ${answer.in.proto} ${family}`)
      if (step.step === 'hook') this.see(`hook ${step.hook} ${family}`)
    }
  }

  private trace(family: Family, ns: NetworkNamespace, chains: Map<string, Chain>, answer: Answer): void {
    let stack: { name: string; chain: Chain; at: number }[] = []
    let table = ''
    const proto = protoNumber(answer.in.proto)
    for (const line of answer.trace ?? []) {
      const parts = line.split(':')
      const name = `${parts[0]}:${parts[1]}`
      const chain = chains.get(name)
      if (chain === undefined) throw new Error(`the trace names ${name}, which does not exist`)
      if (parts[0] !== table) stack = []
      table = parts[0] as string
      const to = parts[2] === 'rule' ? Number(parts[3]) : chain.rules.length + 1
      while (stack.length > 0 && !(stack.at(-1)?.name === name && (stack.at(-1)?.at ?? 0) < to)) stack.pop()
      let frame = stack.at(-1)
      if (frame === undefined) {
        frame = { name, chain, at: 0 }
        stack.push(frame)
      }
      for (const rule of chain.rules.slice(frame.at, to - 1)) this.failed(family, ns, rule, proto)
      frame.at = to
      const rule = parts[2] === 'rule' ? chain.rules[to - 1] : undefined
      if (rule === undefined) {
        this.see(`${parts[2]} ${family}`)
        continue
      }
      for (const condition of conditionNames(rule, ns)) this.see(`match ${condition} ${family}`)
      for (const target of targetNames(rule)) this.see(`target ${target} ${family}`)
      if (rule.target?.target === 'RETURN') stack.pop()
    }
  }

  /** A rule that did not match, and has one condition that can be the reason. */
  private failed(family: Family, ns: NetworkNamespace, rule: Rule, proto: number | null): void {
    let names = conditionNames(rule, ns).filter((n) => !n.includes('+') && n !== 'comment' && n !== 'nfacct')
    if (names.length > 1 && rule.proto && !rule.proto.not) {
      if (rule.proto.value !== proto) return
      names = names.filter((n) => n !== 'proto')
    }
    if (names.length === 1) this.see(`fail ${names[0]} ${family}`)
  }
}

function chainsOf(ruleset: Ruleset): Map<string, Chain> {
  return new Map(ruleset.tables.flatMap((t) => t.chains.map((c): [string, Chain] => [`${t.name}:${c.name}`, c])))
}
