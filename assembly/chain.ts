// Rule evaluation: a table's chains from a hook to a verdict. Owns the jump stack and the order in which a rule counts, is
// traced and acts. Kernel: net/ipv4/netfilter/ip_tables.c (ipt_do_table), net/ipv6/netfilter/ip6_tables.c.
//
// A frame of the jump stack, 64 bytes: Visit (32) | chain index | next rule (from 0) | chain record
import { Asked } from './asked'
import { Counters } from './counters'
import { Fragment } from './fragment'
import {
  CHAIN_BYTES,
  CHAIN_COUNTER_OFF,
  CHAIN_FIRST_OFF,
  CHAIN_POLICY_ACCEPT,
  CHAIN_POLICY_MASK,
  CHAIN_POLICY_OFF,
  CHAIN_RULES_OFF,
  CTX_CHAIN_AT,
  CTX_FAMILY_AT,
  CTX_HOOK_AT,
  CTX_LENGTH_AT,
  CTX_RULE_AT,
  CTX_TRACING_AT,
  CTX_VISIT_AT,
  NF_ACCEPT,
  NF_DROP,
  RULE_A_OFF,
  RULE_CODE_COUNT_OFF,
  RULE_CODE_OFF,
  RULE_COUNTER_OFF,
  RULE_FLAGS_OFF,
  RULE_NATIVE,
  RULE_TARGET_OFF,
  RULE4_BYTES,
  RULE6_BYTES,
  TARGET_ACCEPT,
  TARGET_DROP,
  TARGET_GOTO,
  TARGET_JUMP,
  TARGET_NONE,
  TARGET_RETURN,
  TARGET_TEE,
  TRACE_KIND_RULE,
  TRACE_POLICY,
  TRACE_RETURN,
  TRACE_RULE,
} from './layout'
import { evalMatches } from './match'
import { headFits } from './rule-head'
import { FRAME_BYTES, Rules } from './rules'
import { runTarget, TARGET_CONTINUE } from './target'
import { Tee } from './tee'
import { traceEvent } from './trace'
import { MatchScene, Visit } from './visit'

const FRAME_CHAIN: usize = 32
const FRAME_NEXT: usize = 36
const FRAME_RECORD: usize = 40

/** Enters a chain in this frame: the next visit. */
function enter(frame: usize, chain: u32): usize {
  const record = Rules.chains + (chain as usize) * CHAIN_BYTES
  const number = load<u32>(CTX_VISIT_AT)
  store<u32>(CTX_VISIT_AT, number + 1)
  Visit.begin(frame, number)
  store<u32>(frame, chain, FRAME_CHAIN)
  store<u32>(frame, 0, FRAME_NEXT)
  store<usize>(frame, record, FRAME_RECORD)
  return record
}

function decide(chain: u32, rule: u32): void {
  store<u32>(CTX_CHAIN_AT, chain)
  store<u32>(CTX_RULE_AT, rule)
}

/**
 * Runs the built-in chain of a table at a hook for the packet in the context: NF_ACCEPT or NF_DROP. Without such a
 * chain NF_ACCEPT. Leaves the deciding rule in CTX_RULE and CTX_CHAIN; a REJECT leaves its code in CTX_REJECT.
 */
export function runTable(table: i32, hook: i32): i32 {
  store<u32>(CTX_HOOK_AT, hook)
  if (Asked.stopped()) return NF_DROP
  const root = Rules.root(table, hook)
  if (root === 0) return NF_ACCEPT
  return Fragment.later() ? run<u64>(table, root) : run<u32>(table, root)
}

/** The same from a chain; compiled twice: u64 for later fragments, which have no layer-4 header, u32 for all others. */
function run<T>(table: i32, root: u32): i32 {
  const six = load<u32>(CTX_FAMILY_AT) === 6
  const rules = six ? Rules.rules6 : Rules.rules4
  const ruleBytes: usize = six ? RULE6_BYTES : RULE4_BYTES
  const bottom = Tee.busy ? Rules.copies : Rules.stack
  let frame = bottom
  let chain = root - 1
  let record = enter(frame, chain)
  let rule = rules + (load<u32>(record, CHAIN_FIRST_OFF) as usize) * ruleBytes
  let end = rule + (load<u32>(record, CHAIN_RULES_OFF) as usize) * ruleBytes
  Visit.frame = frame
  MatchScene.table = table
  while (true) {
    let leave = true // this chain: at its end, or by RETURN
    let returned = false
    for (; rule < end; rule += ruleBytes) {
      const flags = load<u32>(rule, RULE_FLAGS_OFF)
      if (sizeof<T>() === 8 && flags & RULE_NATIVE) {
        if (!headFits<u32>(rule, flags, six)) continue
      } else if (!headFits<T>(rule, flags, six)) continue
      const count = load<u32>(rule, RULE_CODE_COUNT_OFF)
      const counter = load<u32>(rule, RULE_COUNTER_OFF)
      const matches = Rules.code + ((load<u32>(rule, RULE_CODE_OFF) as usize) << 2)
      if (sizeof<T>() === 8 ? !Fragment.matches(flags, matches, count) : count !== 0 && !evalMatches(matches, count)) {
        if (!Asked.stopped()) continue
        if (Asked.hasDropped()) {
          decide(chain, counter - load<u32>(record, CHAIN_COUNTER_OFF))
          return NF_DROP
        }
        Asked.by(counter)
        return NF_DROP
      }
      Counters.add(counter, load<u32>(CTX_LENGTH_AT))
      if (load<u32>(CTX_TRACING_AT) !== 0) traceEvent(TRACE_KIND_RULE, counter, TRACE_RULE, 0)
      const target = load<u32>(rule, RULE_TARGET_OFF)
      if (target === TARGET_NONE) continue
      if (target === TARGET_JUMP || target === TARGET_GOTO) {
        if (target === TARGET_JUMP) {
          const first = rules + (load<u32>(record, CHAIN_FIRST_OFF) as usize) * ruleBytes
          store<u32>(frame, ((rule - first) / ruleBytes + 1) as u32, FRAME_NEXT)
          frame += FRAME_BYTES
        }
        chain = load<u32>(rule, RULE_A_OFF)
        record = enter(frame, chain)
        rule = rules + (load<u32>(record, CHAIN_FIRST_OFF) as usize) * ruleBytes
        end = rule + (load<u32>(record, CHAIN_RULES_OFF) as usize) * ruleBytes
        Visit.frame = frame
        leave = false
        break
      }
      if (target === TARGET_RETURN) {
        returned = true
        break
      }
      let verdict: i32
      if (target === TARGET_ACCEPT) verdict = NF_ACCEPT
      else if (target === TARGET_DROP) verdict = NF_DROP
      else {
        verdict = runTarget(target, rule, Rules.code)
        if (target === TARGET_TEE) {
          // The copy's chains have run in between.
          Visit.frame = frame
          MatchScene.table = table
        }
        if (verdict === TARGET_CONTINUE) continue
        if (Asked.stopped()) Asked.by(counter)
      }
      decide(chain, counter - load<u32>(record, CHAIN_COUNTER_OFF))
      return verdict
    }
    if (!leave) continue
    const policy = load<u32>(record, CHAIN_POLICY_OFF) & CHAIN_POLICY_MASK
    const user = policy > (CHAIN_POLICY_ACCEPT as u32)
    if (user && !returned && load<u32>(CTX_TRACING_AT) !== 0) {
      traceEvent(TRACE_KIND_RULE, load<u32>(record, CHAIN_COUNTER_OFF), TRACE_RETURN, 0)
    }
    if (frame === bottom) break
    frame -= FRAME_BYTES
    Visit.frame = frame
    chain = load<u32>(frame, FRAME_CHAIN)
    record = load<usize>(frame, FRAME_RECORD)
    const first = rules + (load<u32>(record, CHAIN_FIRST_OFF) as usize) * ruleBytes
    rule = first + (load<u32>(frame, FRAME_NEXT) as usize) * ruleBytes
    end = first + (load<u32>(record, CHAIN_RULES_OFF) as usize) * ruleBytes
  }
  chain = root - 1
  record = Rules.chains + (chain as usize) * CHAIN_BYTES
  const counter = load<u32>(record, CHAIN_COUNTER_OFF)
  Counters.add(counter, load<u32>(CTX_LENGTH_AT))
  if (load<u32>(CTX_TRACING_AT) !== 0) traceEvent(TRACE_KIND_RULE, counter, TRACE_POLICY, 0)
  decide(chain, 0)
  return (load<u32>(record, CHAIN_POLICY_OFF) & CHAIN_POLICY_MASK) === CHAIN_POLICY_ACCEPT ? NF_ACCEPT : NF_DROP
}
