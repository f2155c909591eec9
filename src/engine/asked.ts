// Which rule stopped a packet, and for what: the core's ASKED words as the error that says so.
import {
  ASKED_BY_CONNTRACK,
  ASKED_BY_POLICY,
  ASKED_COUNTER_AT,
  ASKED_FIELD_AT,
  FIELD_CODES,
  POLICY_BYTES,
  POLICY_FAMILY6,
  POLICY_FLAGS_OFF,
  POLICY_PRIORITY_OFF,
  SECTION_LINES,
  SECTION_POLICIES,
} from '../../assembly/layout.js'
import { fileOfRule, type Image, sectionWords } from '../compile/image.js'
import { type AskedField, MissingFieldError } from '../net/missing.js'

/** By FIELD_* - 1. */
const FIELDS: readonly AskedField[] = [
  'uid',
  'gid',
  'cpu',
  'wall clock',
  'payload',
  'mac',
  'mac_dst',
  'pkttype',
  'tcp_options',
  'frag',
  'extensions',
  'out port',
  'spi',
  'socket',
  'ip_id',
  'df',
  'flow_label',
  'icmp_seq',
  'icmp_rest',
  'checksum',
  'header bytes',
  'rate estimate',
  'os',
  'cgroup',
  'cgroup_path',
  'groups',
  'dccp_type',
  'dccp_options',
  'SYNPROXY',
  'TEE --oif',
  'bpf',
  'helper',
]
if (FIELDS.length !== FIELD_CODES - 1) throw new Error('fields without a name')

/** The error for the packet that the core stopped last. */
export function missingField(
  view: DataView,
  image: Image,
  packet: number | string | undefined,
  index?: number,
): MissingFieldError {
  const counter = view.getUint32(ASKED_COUNTER_AT, true)
  const field = FIELDS[view.getUint32(ASKED_FIELD_AT, true) - 1]!
  if (counter < ASKED_BY_POLICY && counter >= ASKED_BY_CONNTRACK) {
    const name = image.symbols.attached?.[counter - ASKED_BY_CONNTRACK] ?? ''
    const kind = name.startsWith('helper ') ? 'helper' : 'timeout policy'
    return new MissingFieldError(
      packet,
      kind,
      { table: 'conntrack', chain: name.slice(kind.length + 1), rule: 0 },
      index,
    )
  }
  if (counter >= ASKED_BY_POLICY) {
    const at = ((counter - ASKED_BY_POLICY) * POLICY_BYTES) >>> 2
    const words = sectionWords(image.bytes, SECTION_POLICIES)
    const six = (words[at + (POLICY_FLAGS_OFF >>> 2)]! & POLICY_FAMILY6) !== 0
    const rule = words[at + (POLICY_PRIORITY_OFF >>> 2)]!
    return new MissingFieldError(packet, field, { table: 'policy rules', chain: six ? 'ipv6' : 'ipv4', rule }, index)
  }
  const { chains } = image.symbols
  const chain = chains.find((c) => counter > c.counter && counter <= c.counter + c.rules)!
  const line = sectionWords(image.bytes, SECTION_LINES)[counter] ?? 0
  const file = fileOfRule(image.symbols, chain, counter)
  return new MissingFieldError(
    packet,
    field,
    {
      table: chain.table,
      chain: chain.name,
      rule: counter - chain.counter,
      ...(file !== '' && line > 0 ? { file } : {}),
      ...(line > 0 ? { line } : {}),
    },
    index,
  )
}
