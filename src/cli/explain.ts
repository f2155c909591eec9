// One packet's way, told to a person: the final word first, then hook by hook what matched, with the place of each rule.
// Pure text from an Answer and the namespace; everything that came from outside is escaped.

import type { ServiceEndpoint } from '../kube/names.js'
import { escapeText } from '../net/fault.js'
import type { Answer, Header, Step } from '../net/packet.js'
import type { Family, Ruleset } from '../netfilter/model.js'
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

interface RuleIndex {
  readonly file: string
  text(table: string, chain: string, rule: number): { text: string; line: number } | undefined
}

function indexRules(ruleset: Ruleset | undefined): RuleIndex {
  return {
    file: ruleset?.file ?? '',
    text(table, chain, rule) {
      const found = ruleset?.tables.find((t) => t.name === table)?.chains.find((c) => c.name === chain)?.rules[rule - 1]
      return found ? { text: printRule(chain, found, ruleset?.family ?? 'ipv4'), line: found.line } : undefined
    },
  }
}

/** The walk, a line per step, without a newline at the end. `answer` must have been processed with `trace` and `ct`. */
export function explain(answer: Answer, namespace: NetworkNamespace, endpoint?: ServiceEndpoint): string {
  const family: Family = answer.in.src.includes(':') ? 'ipv6' : 'ipv4'
  const rules = indexRules(namespace.rulesets.find((r) => r.family === family))
  const lines: string[] = [paint('bold', finalWord(answer))]
  if (endpoint) lines.push(`service   ${escapeText(serviceText(endpoint))}`)
  const from = answer.in.iface === 'local' ? 'sent by this host' : `in ${escapeText(answer.in.iface)}`
  lines.push(
    `packet    ${headerText(answer.in)}  ${from}${answer.in.mark ? `  mark 0x${answer.in.mark.toString(16)}` : ''}`,
    '',
  )
  for (const step of answer.steps ?? []) lines.push(stepText(step, rules))
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

function stepText(step: Step, rules: RuleIndex): string {
  switch (step.step) {
    case 'hook':
      return paint('cyan', step.hook)
    case 'conntrack':
      return `  conntrack  ${step.state}${step.dir ? ` (${step.dir.toLowerCase()} direction)` : ''}`
    case 'route': {
      const found = step.dst
        ? `${step.type} ${step.dst}${step.via ? ` via ${step.via}` : ''}${step.dev ? ` dev ${escapeText(step.dev)}` : ''} (table ${tableName(step.table)})`
        : step.type
      return `  route      ${found}${step.why === 'reroute' ? '  [again, since the packet changed]' : ''}`
    }
    case 'nat':
      return `  nat        ${paint('yellow', step.manip)} ${step.from} -> ${step.to}`
    case 'rule': {
      const chain = `${step.table} ${escapeText(step.chain)}`
      if (step.rule === 'policy') return paint('dim', `  ${chain}: end of chain, policy`)
      if (step.rule === 'return') return paint('dim', `  ${chain}: return`)
      const rule = rules.text(step.table, step.chain, step.rule)
      const place = at(rules.file, rule?.line)
      const text = rule ? escapeText(rule.text.replace(/^-A \S+ ?/, '')) : ''
      return `  ${chain} ${step.rule}: ${text}${place ? paint('dim', `  ${escapeText(place)}`) : ''}`
    }
  }
}

function tableName(table: number | undefined): string {
  return table === 255 ? 'local' : table === 254 ? 'main' : table === 253 ? 'default' : String(table)
}
