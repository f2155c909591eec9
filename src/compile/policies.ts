// Policy rules as records of the POLICIES section, in order, both families.
import {
  ACTION_BLACKHOLE,
  ACTION_GOTO,
  ACTION_NOP,
  ACTION_PROHIBIT,
  ACTION_TABLE,
  ACTION_UNREACHABLE,
  IFACE_ABSENT,
  POLICY_ACTION_OFF,
  POLICY_BYTES,
  POLICY_DPORTS_OFF,
  POLICY_FAMILY6,
  POLICY_FLAGS_OFF,
  POLICY_FROM_LENGTH_OFF,
  POLICY_FROM_OFF,
  POLICY_HAS_DPORTS,
  POLICY_HAS_FROM,
  POLICY_HAS_IIF,
  POLICY_HAS_MARK,
  POLICY_HAS_OIF,
  POLICY_HAS_PROTO,
  POLICY_HAS_SPORTS,
  POLICY_HAS_TO,
  POLICY_HAS_TOS,
  POLICY_HAS_UIDS,
  POLICY_IIF_OFF,
  POLICY_MARK_MASK_OFF,
  POLICY_MARK_OFF,
  POLICY_NOT,
  POLICY_PRIORITY_OFF,
  POLICY_PROTO_OFF,
  POLICY_SPORTS_OFF,
  POLICY_SUPPRESS_GROUP_OFF,
  POLICY_SUPPRESS_OFF,
  POLICY_TABLE_OFF,
  POLICY_TO_LENGTH_OFF,
  POLICY_TO_OFF,
  POLICY_TOS_OFF,
  POLICY_UID_FROM_OFF,
  POLICY_UID_TO_OFF,
  SECTION_POLICIES,
} from '../../assembly/layout.js'
import { parsePrefix } from '../net/ip.js'
import type { Range } from '../netfilter/model.js'
import type { NetworkNamespace, PolicyRule } from '../netns/model.js'
import type { ImageWriter } from './image.js'

const ACTIONS: Readonly<Record<PolicyRule['action']['type'], number>> = {
  table: ACTION_TABLE,
  unreachable: ACTION_UNREACHABLE,
  prohibit: ACTION_PROHIBIT,
  blackhole: ACTION_BLACKHOLE,
  goto: ACTION_GOTO,
  nop: ACTION_NOP,
}

/** What follows the action: the table's index + 1, or the index of the rule to go to (0: none, the rule does nothing). */
function argument(rules: readonly PolicyRule[], at: number, tables: ReadonlyMap<string, number>): number {
  const { family, action } = rules[at]!
  if (action.type === 'table') return (tables.get(`${family} ${action.table}`) ?? -1) + 1
  if (action.type !== 'goto') return 0
  const target = rules.findIndex((r, i) => i > at && r.family === family && r.priority >= action.priority)
  return target < 0 || rules[target]!.priority !== action.priority ? 0 : target
}

/** Writes the POLICIES section. `tables`: index of a table by `FAMILY NUMBER`. */
export function writePolicies(ns: NetworkNamespace, writer: ImageWriter, tables: ReadonlyMap<string, number>): void {
  const stride = POLICY_BYTES >>> 2
  const words = new Uint32Array(ns.policyRules.length * stride)
  const links = new Map(ns.links.map((l, i) => [l.name, i + 1]))
  ns.policyRules.forEach((rule, i) => {
    const set = (offset: number, value: number): void => {
      words[i * stride + (offset >>> 2)] = value
    }
    let flags = (rule.family === 'ipv6' ? POLICY_FAMILY6 : 0) | (rule.not ? POLICY_NOT : 0)
    const prefix = (text: string | undefined, bit: number, lengthOffset: number, offset: number): void => {
      const parsed = text === undefined ? null : parsePrefix(text)
      if (parsed === null) return
      flags |= bit
      set(lengthOffset, parsed.length)
      words.set(parsed.words, i * stride + (offset >>> 2))
    }
    prefix(rule.from, POLICY_HAS_FROM, POLICY_FROM_LENGTH_OFF, POLICY_FROM_OFF)
    prefix(rule.to, POLICY_HAS_TO, POLICY_TO_LENGTH_OFF, POLICY_TO_OFF)
    if (rule.iif !== undefined) {
      flags |= POLICY_HAS_IIF
      set(POLICY_IIF_OFF, links.get(rule.iif) ?? IFACE_ABSENT)
    }
    if (rule.oif !== undefined) flags |= POLICY_HAS_OIF
    if (rule.fwmark !== undefined) {
      flags |= POLICY_HAS_MARK
      set(POLICY_MARK_OFF, rule.fwmark.value)
      set(POLICY_MARK_MASK_OFF, rule.fwmark.mask)
    }
    if (rule.tos !== undefined && rule.tos !== 0) {
      flags |= POLICY_HAS_TOS
      set(POLICY_TOS_OFF, rule.tos)
    }
    if (rule.ipproto !== undefined) {
      flags |= POLICY_HAS_PROTO
      set(POLICY_PROTO_OFF, rule.ipproto)
    }
    const ports = (range: Range | undefined, bit: number, offset: number): void => {
      if (range === undefined) return
      flags |= bit
      set(offset, (range.from | (range.to << 16)) >>> 0)
    }
    ports(rule.sport, POLICY_HAS_SPORTS, POLICY_SPORTS_OFF)
    ports(rule.dport, POLICY_HAS_DPORTS, POLICY_DPORTS_OFF)
    if (rule.uidRange !== undefined) {
      flags |= POLICY_HAS_UIDS
      set(POLICY_UID_FROM_OFF, rule.uidRange.from)
      set(POLICY_UID_TO_OFF, rule.uidRange.to)
    }
    set(POLICY_PRIORITY_OFF, rule.priority)
    const target = argument(ns.policyRules, i, tables)
    const idle = rule.action.type === 'goto' && target === 0
    set(POLICY_FLAGS_OFF, flags)
    set(POLICY_ACTION_OFF, idle ? ACTION_NOP : ACTIONS[rule.action.type])
    set(POLICY_TABLE_OFF, target)
    if (rule.action.type === 'table' && rule.action.suppressPrefixLength !== undefined) {
      set(POLICY_SUPPRESS_OFF, rule.action.suppressPrefixLength + 1)
    }
    if (rule.action.type === 'table' && rule.action.suppressIfgroup !== undefined) {
      set(POLICY_SUPPRESS_GROUP_OFF, rule.action.suppressIfgroup + 1)
    }
  })
  writer.section(SECTION_POLICIES, words)
}
