// kube-proxy's rules as the text that it hands to `iptables-restore --noflush --counters`.
// Owns the wording, byte for byte. Source: kubernetes pkg/proxy/iptables/proxier.go syncProxyRules.
import type { TableName } from '../netfilter/model.js'
import { type ProxyOptions, snatAddress } from './proxy-options.js'
import { type Action, type Part, probabilityText, type RuleSink } from './proxy-rule.js'

/** Collects the text; `text()` gives it whole. */
export class TextSink implements RuleSink {
  readonly #tables = new Map<TableName, { chains: string[]; rules: string[] }>()
  readonly #mark: string
  readonly #randomFully: string
  readonly #snat: string | null
  #random: string[] = []

  constructor(options: ProxyOptions) {
    this.#mark = options.masqueradeMark ?? `0x${(2 ** (options.masqueradeBit ?? 14)).toString(16).padStart(8, '0')}`
    this.#randomFully = (options.randomFully ?? true) ? ' --random-fully' : ''
    this.#snat = snatAddress(options)
    this.#tables.set('filter', { chains: [], rules: [] })
    this.#tables.set('nat', { chains: [], rules: [] })
  }

  chain(table: TableName, name: string): void {
    this.#tables.get(table)!.chains.push(`:${name} - [0:0]`)
  }

  rule(table: TableName, chain: string, parts: readonly Part[], action: Action): void {
    let line = `-A ${chain}`
    for (const part of parts) line += this.#words(part)
    this.#tables.get(table)!.rules.push(line + this.#action(action))
  }

  /** Empties a chain and takes it away, once nothing leads to it any more. */
  remove(table: TableName, name: string): void {
    this.chain(table, name)
    this.#tables.get(table)!.rules.push(`-X ${name}`)
  }

  text(): string {
    const lines: string[] = []
    for (const [name, { chains, rules }] of this.#tables) {
      lines.push(`*${name}`)
      for (const line of chains) lines.push(line)
      for (const line of rules) lines.push(line)
      lines.push('COMMIT')
    }
    return `${lines.join('\n')}\n`
  }

  #words(part: Part): string {
    switch (part.part) {
      case 'comment':
        return ` -m comment --comment ${quoteComment(part.text)}`
      case 'proto':
        return ` -m ${part.proto} -p ${part.proto}`
      case 'src':
        return `${not(part.not)} -s ${part.value}`
      case 'dst':
        return `${not(part.not)} -d ${part.value}`
      case 'in':
        return `${not(part.not)} -i ${part.name}`
      case 'dport':
        return ` --dport ${part.port}`
      case 'srcLocal':
        return ' -m addrtype --src-type LOCAL'
      case 'dstLocal':
        return ' -m addrtype --dst-type LOCAL'
      case 'nfacct':
        return ` -m nfacct --nfacct-name ${part.name}`
      case 'random': {
        this.#random[part.of] ??= ` -m statistic --mode random --probability ${probabilityText(part.of)}`
        return this.#random[part.of]!
      }
      case 'recentSet':
        return ` -m recent --name ${part.name} --set`
      case 'recentCheck':
        return ` -m recent --name ${part.name} --rcheck --seconds ${part.seconds} --reap`
      case 'mark':
        return ` -m mark${not(part.not)} --mark ${this.#mark}/${this.#mark}`
      case 'ctstate':
        return ` -m conntrack${not(part.not)} --ctstate ${part.states.join(',')}`
    }
  }

  #action(action: Action): string {
    switch (action.to) {
      case 'chain':
        return ` -j ${action.chain}`
      case 'DNAT':
        return ` -j DNAT --to-destination ${action.text}`
      case 'MASQUERADE':
        return (this.#snat === null ? ' -j MASQUERADE' : ` -j SNAT --to-source ${this.#snat}`) + this.#randomFully
      case 'setMark':
        return ` -j MARK --or-mark ${this.#mark}`
      case 'flipMark':
        return ` -j MARK --xor-mark ${this.#mark}`
      case 'nothing':
        return ''
      default:
        return ` -j ${action.to}`
    }
  }
}

function not(negated: boolean | undefined): string {
  return negated ? ' !' : ''
}

/** A comment as one word of a restore line: bare when it holds only harmless characters, else in double quotes. */
function quoteComment(text: string): string {
  if (/^[\w.:/-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, ' ')}"`
}
