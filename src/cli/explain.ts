// One packet's way, told to a person: the final word first, then hook by hook what matched, with the place of each rule.
// Pure text from an Answer and the namespace; everything that came from outside is escaped.

import type { ServiceEndpoint } from '../kube/names.js'
import { escapeText } from '../net/fault.js'
import type { Answer, Header, Step } from '../net/packet.js'
import { BUILTIN_CHAINS, type Chain, type Family, type Ruleset } from '../netfilter/model.js'
import { printRule } from '../netfilter/print.js'
import type { NetworkNamespace } from '../netns/model.js'
import { paint } from './terminal.js'

/** `A:PORT`, `[A]:PORT` for IPv6, or the address alone. */
export function endPointText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '?'
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** `tcp 10.0.0.1:40000 > 10.96.0.10:53 [S]` */
export function headerText(h: Partial<Header>): string {
  const type = h.icmp_type === undefined ? '' : ` type ${h.icmp_type} code ${h.icmp_code ?? 0}`
  const flags = h.flags ? ` [${h.flags}]` : ''
  return `${h.proto} ${endPointText(h.src, h.sport)} > ${endPointText(h.dst, h.dport)}${type}${flags}`
}

const at = (file: string | undefined, line: number | undefined): string => (file && line ? `${file}:${line}` : '')

/** The final word, one line. */
export function finalWord(answer: Answer): string {
  const to = endPointText(answer.dst, answer.dport)
  const by = answer.dropped_by
  const where = by?.chain
    ? ` by ${by.table} ${escapeText(by.chain)} ${by.rule === 'policy' ? "chain's policy" : `rule ${by.rule}`}`
    : by?.reason
      ? `: ${by.reason}`
      : ''
  const place = at(by?.file, by?.line)
  const tail = place ? ` (${escapeText(place)})` : ''
  switch (answer.verdict) {
    case 'forward':
      return `${paint('green', 'FORWARDED')} out ${escapeText(answer.out_iface ?? '?')} to ${to}`
    case 'out':
      return `${paint('green', 'SENT')} out ${escapeText(answer.out_iface ?? '?')} to ${to}`
    case 'local':
      return `${paint('green', 'DELIVERED')} to this host at ${to} (in ${escapeText(answer.in_iface ?? '?')})`
    case 'reject':
      return `${paint('red', 'REJECTED')} with ${answer.reject_with}${where}${tail}`
    case 'drop':
      return `${paint('red', 'DROPPED')}${where}${tail}${answer.errno ? `; the sender sees ${answer.errno}` : ''}`
    case 'queue':
      return `${paint('red', 'QUEUED')} in queue ${answer.queue}${where}${tail}; dropped where no program listens`
    case 'skipped':
      return 'SKIPPED: the packet that it refers to went nowhere'
  }
}

const DOORS: Readonly<Record<ServiceEndpoint['via'], string>> = {
  clusterIP: 'cluster IP',
  externalIP: 'external IP',
  loadBalancerIP: 'load balancer IP',
  nodePort: 'node port',
}

/** `shop/api port 80 (http), by its cluster IP: endpoint 10.244.2.17:8080, pod shop/api-1 on worker-2` */
function serviceText(e: ServiceEndpoint): string {
  const name = e.portName ? ` (${e.portName})` : ''
  const pod = e.pod ? `, pod ${e.pod}` : ''
  const node = e.node ? ` on ${e.node}` : ''
  const chosen = e.endpoint ? `endpoint ${e.endpoint}${pod}${node}` : 'no endpoint was chosen'
  return `${e.service} port ${e.port}${name}, by its ${DOORS[e.via]}: ${chosen}`
}

/** What a rule's text says, without its comment, and the comment. */
interface RuleText {
  readonly text: string
  readonly comment: string
  readonly place: string
}

/** Tells the steps one by one; remembers the chains it is in (for the indent) and whether an answer is on its way. */
class Teller {
  readonly #ruleset: Ruleset | undefined
  readonly #local: boolean
  #chains: string[] = []
  #outputs = 0

  constructor(ruleset: Ruleset | undefined, local: boolean) {
    this.#ruleset = ruleset
    this.#local = local
  }

  lines(step: Step): string[] {
    switch (step.step) {
      case 'hook':
        this.#chains = []
        return [paint('cyan', step.hook)]
      case 'conntrack':
        return [`  conntrack ${step.state}${step.dir ? ` (${step.dir.toLowerCase()} direction)` : ''}`]
      case 'route':
        return this.#route(step)
      case 'bridge':
        return [step.to === 'local' ? '  bridge: for this host' : `  bridge: to port ${escapeText(step.to)}`]
      case 'copy':
        return [`  ${paint('yellow', 'copied')} to ${step.to}`]
      case 'nat':
        return [`  ${paint('yellow', step.manip)} ${step.from} -> ${step.to}`]
      case 'rule':
        return [this.#rule(step)]
    }
  }

  #route(step: Step & { step: 'route' }): string[] {
    const via = step.via ? ` via ${step.via}` : ''
    const dev = step.dev ? ` dev ${escapeText(step.dev)}` : ''
    const found = step.dst
      ? `${step.type} ${step.dst}${via}${dev} (table ${tableName(step.table)})`
      : `${step.type}${dev}`
    const line = `  route ${found}${step.why === 'reroute' ? ', looked up again since the packet changed' : ''}`
    if (step.why !== 'output') return [line]
    this.#outputs++
    // What this host sends in answer (a REJECT, time exceeded) has a look-up of its own.
    return this.#outputs > (this.#local ? 1 : 0) ? [paint('bold', 'the answer on its way'), line] : [line]
  }

  #rule(step: Step & { step: 'rule' }): string {
    const key = `${step.table} ${step.chain}`
    const known = this.#chains.indexOf(key)
    if (known >= 0) this.#chains.length = known + 1
    else if (isBuiltin(step.table, step.chain)) this.#chains = [key]
    else this.#chains.push(key)
    const indent = ' '.repeat(2 * this.#chains.length)
    const chain = `${step.table} ${escapeText(step.chain)}`
    if (step.rule === 'return') return paint('dim', `${indent}${chain}: no more rules, back`)
    if (step.rule === 'policy') {
      const policy = this.#chain(step.table, step.chain)?.policy ?? 'ACCEPT'
      return paint(policy === 'DROP' ? 'red' : 'dim', `${indent}${chain}: policy ${policy}`)
    }
    const rule = this.#text(step.table, step.chain, step.rule)
    const comment = rule.comment ? paint('dim', `  # ${rule.comment}`) : ''
    const place = rule.place ? paint('dim', `  (${rule.place})`) : ''
    return `${indent}${chain} ${step.rule}: ${rule.text}${comment}${place}`
  }

  #chain(table: string, chain: string): Chain | undefined {
    return this.#ruleset?.tables.find((t) => t.name === table)?.chains.find((c) => c.name === chain)
  }

  #text(table: string, chain: string, number: number): RuleText {
    const rule = this.#chain(table, chain)?.rules[number - 1]
    if (!rule || !this.#ruleset) return { text: '', comment: '', place: '' }
    const comments = rule.matches.flatMap((m) => (m.match === 'comment' ? [m.comment] : []))
    const bare = { ...rule, matches: rule.matches.filter((m) => m.match !== 'comment') }
    const text = printRule(chain, bare, this.#ruleset.family).replace(/^-A \S+ ?/, '')
    return {
      text: escapeText(text) || '(counts only)',
      comment: escapeText(comments.join('; ')),
      place: escapeText(at(this.#ruleset.file, rule.line)),
    }
  }
}

const isBuiltin = (table: string, chain: string): boolean =>
  (BUILTIN_CHAINS as Readonly<Record<string, readonly string[]>>)[table]?.includes(chain) ?? false

/** The comment of the rule that dropped or rejected the packet. */
function deciding(answer: Answer, ruleset: Ruleset | undefined): string | undefined {
  const by = answer.dropped_by
  if (!by?.chain || typeof by.rule !== 'number') return undefined
  const chain = ruleset?.tables.find((t) => t.name === by.table)?.chains.find((c) => c.name === by.chain)
  const comments = chain?.rules[by.rule - 1]?.matches.flatMap((m) => (m.match === 'comment' ? [m.comment] : []))
  return comments?.join('; ')
}

/**
 * The walk, a line per step, without a newline at the end.
 *
 * @param answer processed with `trace` and `ct`
 * @param endpoints lines about the Service's endpoints, painted and escaped
 */
export function explain(
  answer: Answer,
  namespace: NetworkNamespace,
  endpoint?: ServiceEndpoint,
  endpoints: readonly string[] = [],
): string {
  const family: Family = answer.in.src.includes(':') ? 'ipv6' : 'ipv4'
  const lines: string[] = [paint('bold', finalWord(answer))]
  const comment = deciding(
    answer,
    namespace.rulesets.find((r) => r.family === family),
  )
  if (comment) lines.push(`because   ${escapeText(comment)}`)
  if (endpoint) lines.push(`service   ${escapeText(serviceText(endpoint))}`)
  lines.push(...endpoints)
  const from = answer.in.iface === 'local' ? 'sent by this host' : `in ${escapeText(answer.in.iface)}`
  lines.push(
    `packet    ${headerText(answer.in)}  ${from}${answer.in.mark ? `  mark 0x${answer.in.mark.toString(16)}` : ''}`,
    '',
  )
  const ruleset = namespace.rulesets.find((r) => r.family === family)
  const teller = new Teller(ruleset, answer.in.iface === 'local')
  for (const step of answer.steps ?? []) lines.push(...teller.lines(step))
  lines.push('')
  if (answer.verdict === 'forward' || answer.verdict === 'out' || answer.verdict === 'local') {
    const mark = answer.mark ? `  mark 0x${answer.mark.toString(16)}` : ''
    lines.push(`result    ${headerText(answer)}  ttl ${answer.ttl}${mark}`)
  }
  if (answer.reply) {
    const to = answer.reply.out_iface === 'local' ? 'to this host' : `out ${escapeText(answer.reply.out_iface)}`
    lines.push(`answer    ${headerText(answer.reply)}  ${to}`)
  }
  if (answer.ct) {
    const ct = answer.ct
    const state = ct.state ? `${ct.state}, ` : ''
    const status = ct.status.includes('ASSURED') ? 'assured, ' : ct.status.includes('SEEN_REPLY') ? '' : 'unreplied, '
    lines.push(
      `conntrack ${endPointText(ct.orig.src, ct.orig.sport)} > ${endPointText(ct.orig.dst, ct.orig.dport)}, replies from ` +
        `${endPointText(ct.reply.src, ct.reply.sport)} to ${endPointText(ct.reply.dst, ct.reply.dport)} (${state}${status}${ct.timeout} s left)`,
    )
  } else if (answer.ct === null) lines.push('conntrack no entry')
  return lines.join('\n')
}

function tableName(table: number | undefined): string {
  return table === 255 ? 'local' : table === 254 ? 'main' : table === 253 ? 'default' : String(table)
}
