// A rule that needs what a packet does not give: the error with which a packet is stopped there.
// Owns the names of such fields and the words of the message; both engines throw it.
import { escapeText } from './fault.js'

/** What rules may ask for: fields of a packet (net/packet.ts); `wall clock`, an option of the data plane; `out port`, of the namespace; what nothing gives. */
export type AskedField =
  | 'uid'
  | 'gid'
  | 'cpu'
  | 'wall clock'
  | 'payload'
  | 'mac'
  | 'mac_dst'
  | 'pkttype'
  | 'tcp_options'
  | 'frag'
  | 'extensions'
  | 'spi'
  | 'socket'
  | 'rate estimate'
  | 'helper'
  | 'timeout policy'
  | 'out port'
  | 'ip_id'
  | 'df'
  | 'flow_label'
  | 'icmp_seq'
  | 'icmp_rest'
  | 'checksum'
  | 'header bytes'
  | 'os'
  | 'cgroup'
  | 'cgroup_path'
  | 'groups'
  | 'dccp_type'
  | 'dccp_options'
  | 'SYNPROXY'
  | 'TEE --oif'
  | 'bpf'

/** What is no field of a packet: what is needed, and how it is given. */
const OTHERWISE: Partial<Record<AskedField, readonly [string, string]>> = {
  'wall clock': ['the wall clock', 'give it as the option --wall-clock (wallClock)'],
  'rate estimate': ['what an estimator has measured', 'that is no field of a packet and cannot be given'],
  'out port': [
    'the bridge port by which the packet leaves',
    'give the neighbours and the forwarding database of the bridge',
  ],
  checksum: ["the checksum of the packet's transport header", 'nothing gives it, such a rule cannot be evaluated'],
  extensions: [
    "the packet's IPv6 extension headers",
    'nothing gives them, such a rule cannot be evaluated for a packet that may have some',
  ],
  SYNPROXY: ['what SYNPROXY would answer in the place of a server', 'such a rule cannot be evaluated'],
  'TEE --oif': ['the route by a given interface', 'such a rule cannot be evaluated'],
  bpf: ['what its program asks of the kernel', 'such a program cannot be evaluated'],
  'header bytes': [
    'bytes of the packet that no field stands for',
    'nothing gives them, such a rule cannot be evaluated for this packet',
  ],
}

/**
 * The rule that asks: table and chain, its number from 1, and file and line (from 1) when it was read from a text. A
 * helper or timeout policy of conntrack has `conntrack` for a table and its name for a chain, a policy rule `policy rules` for a table, the family for a chain, and its priority for a number.
 */
export interface AskingRule {
  readonly table: string
  readonly chain: string
  readonly rule: number
  readonly file?: string
  readonly line?: number
}

/**
 * Thrown when a packet reaches a rule that needs a field which the packet does not give. The packet is stopped there: what
 * rules before did (counters, lists) stays done; it is in no way decided. The message names packet, rule and field.
 */
export class MissingFieldError extends RangeError {
  readonly field: AskedField
  readonly rule: AskingRule
  /** The packet's `id`; undefined when it has none. */
  readonly packet: number | string | undefined

  /** Its place in the batch, when it was in one: those before it are done. */
  readonly index: number | undefined

  constructor(packet: number | string | undefined, field: AskedField, rule: AskingRule, index?: number) {
    const { file, line } = rule
    const place = line === undefined ? '' : ` (${file === undefined ? 'line ' : `${escapeText(file)}:`}${line})`
    const name = packet === undefined ? 'the packet' : `packet ${escapeText(String(packet))}`
    if (field === 'helper' || field === 'timeout policy') {
      super(`${name} comes to the ${field} ${escapeText(rule.chain)} of its connection: what that does is not modelled`)
    } else {
      const [needed, rest] = OTHERWISE[field] ?? [`the packet's ${field}`, `give the field \`${field}\``]
      super(
        `${name} reaches rule ${rule.rule} of ${rule.table} ${escapeText(rule.chain)}${place}, which needs ${needed}: ${rest}`,
      )
    }
    this.name = 'MissingFieldError'
    this.field = field
    this.rule = rule
    this.packet = packet
    this.index = index
  }
}
