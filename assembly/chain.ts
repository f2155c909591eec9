// Rule evaluation: a table's chains from a hook to a verdict. Owns the image's rule sections, the jump stack, and the
// order in which a rule counts, is traced and acts. Kernel: net/ipv4/netfilter/ip_tables.c (ipt_do_table), ip6_tables.c.
//
// State of the rules, each part aligned to 64 bytes: counters | small state | jump stack | recent lists | hashlimit's
// tables | sets
// A frame of the jump stack, 64 bytes: Visit (32) | chain index | next rule (from 0) | chain record
import { Asked } from './asked'
import { Counters } from './counters'
import { Fragment } from './fragment'
import { HashLimits } from './hashlimit'
import {
  CHAIN_BYTES,
  CHAIN_COUNTER_OFF,
  CHAIN_FIRST_OFF,
  CHAIN_POLICY_ACCEPT,
  CHAIN_POLICY_MASK,
  CHAIN_POLICY_OFF,
  CHAIN_RULES_OFF,
  CTX_CHAIN_AT,
  CTX_DPORT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_HOOK_AT,
  CTX_IN_LINK_AT,
  CTX_LENGTH_AT,
  CTX_OUT_LINK_AT,
  CTX_PROTO_AT,
  CTX_RULE_AT,
  CTX_SPORT_AT,
  CTX_SRC_AT,
  CTX_TRACING_AT,
  CTX_VISIT_AT,
  IMAGE_COUNTERS_OFF,
  IMAGE_DEPTH_OFF,
  IMAGE_FLAG_CONNTRACK4,
  IMAGE_FLAG_CONNTRACK6,
  IMAGE_FLAG_NFT4,
  IMAGE_FLAG_NFT6,
  IMAGE_FLAG_WHOLE4,
  IMAGE_FLAG_WHOLE6,
  IMAGE_FLAGS_OFF,
  IMAGE_HEADER_BYTES,
  IMAGE_SECTIONS_OFF,
  IMAGE_STATE_OFF,
  NF_ACCEPT,
  NF_DROP,
  ROOTS_HOOKS,
  ROOTS_TABLES,
  RULE_A_OFF,
  RULE_CODE_COUNT_OFF,
  RULE_CODE_OFF,
  RULE_COUNTER_OFF,
  RULE_DPORTS_OFF,
  RULE_FLAGS_OFF,
  RULE_HAS_DPORTS,
  RULE_HAS_DST,
  RULE_HAS_IN,
  RULE_HAS_OUT,
  RULE_HAS_PROTO,
  RULE_HAS_SPORTS,
  RULE_HAS_SRC,
  RULE_IN_OFF,
  RULE_IN_PATTERN,
  RULE_NATIVE,
  RULE_NEVER,
  RULE_NOT_DPORTS,
  RULE_NOT_DST,
  RULE_NOT_IN,
  RULE_NOT_OUT,
  RULE_NOT_PROTO,
  RULE_NOT_SPORTS,
  RULE_NOT_SRC,
  RULE_OUT_OFF,
  RULE_OUT_PATTERN,
  RULE_PROTO_OFF,
  RULE_SPORTS_OFF,
  RULE_TARGET_OFF,
  RULE4_BYTES,
  RULE4_DST_OFF,
  RULE4_SRC_OFF,
  RULE6_BYTES,
  RULE6_DST_OFF,
  RULE6_SRC_OFF,
  SECTION_CHAINS,
  SECTION_CODE,
  SECTION_COUNTERS,
  SECTION_ENTRY_BYTES,
  SECTION_HASHLIMITS,
  SECTION_IFACES,
  SECTION_RECENTS,
  SECTION_ROOTS,
  SECTION_RULES4,
  SECTION_RULES6,
  SECTION_SET_ENTRIES,
  SECTION_SET_INDEX,
  SECTION_SET_SHAPES,
  SECTION_SETS,
  SECTION_STATE,
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
import { Limits } from './limit'
import { evalMatches, MatchScene, Visit } from './match'
import { Recents } from './recent'
import { Sets } from './set'
import { SetPool } from './set-live'
import { runTarget, TARGET_CONTINUE } from './target'
import { Tee } from './tee'
import { traceEvent } from './trace'

const FRAME_BYTES: usize = 64
const FRAME_CHAIN: usize = 32
const FRAME_NEXT: usize = 36
const FRAME_RECORD: usize = 40

let image: usize = 0
let roots: usize = 0
let present: u32 = 0
let chains: usize = 0
let rules4: usize = 0
let rules6: usize = 0
let code: usize = 0
let ifaces: usize = 0
let stack: usize = 0
/** The jump stack of copies (TEE): they are sent while a chain of their cause runs. */
let copies: usize = 0

/** Address of a section of an image, 0 when it has none of that id. */
export function sectionAt(at: usize, id: u32): usize {
  let entry = at + IMAGE_HEADER_BYTES
  for (let left = load<u32>(at, IMAGE_SECTIONS_OFF); left > 0; left--, entry += SECTION_ENTRY_BYTES) {
    if (load<u32>(entry) === id) return at + (load<u32>(entry, 4) as usize)
  }
  return 0
}

/** Bytes of a section of an image, 0 when it has none of that id. */
export function sectionBytes(at: usize, id: u32): u32 {
  let entry = at + IMAGE_HEADER_BYTES
  for (let left = load<u32>(at, IMAGE_SECTIONS_OFF); left > 0; left--, entry += SECTION_ENTRY_BYTES) {
    if (load<u32>(entry) === id) return load<u32>(entry, 8)
  }
  return 0
}

/** Makes an image (checked, aligned to 64 bytes) the one whose rules run. */
export function loadRules(at: usize): void {
  image = at
  roots = sectionAt(at, SECTION_ROOTS)
  findTables()
  chains = sectionAt(at, SECTION_CHAINS)
  rules4 = sectionAt(at, SECTION_RULES4)
  rules6 = sectionAt(at, SECTION_RULES6)
  code = sectionAt(at, SECTION_CODE)
  ifaces = sectionAt(at, SECTION_IFACES)
  Sets.shapes = sectionAt(at, SECTION_SET_SHAPES)
  Sets.ifaces = ifaces
}

function round64(bytes: usize): usize {
  return (bytes + 63) & ~63
}

/** Bytes of mutable state that an image's rules need. */
export function rulesStateBytes(at: usize): usize {
  return (
    round64((load<u32>(at, IMAGE_COUNTERS_OFF) as usize) << 4) +
    round64(load<u32>(at, IMAGE_STATE_OFF) as usize) +
    (load<u32>(at, IMAGE_DEPTH_OFF) as usize) * FRAME_BYTES * 2 +
    round64(Recents.stateBytes(sectionAt(at, SECTION_RECENTS))) +
    round64(HashLimits.stateBytes(sectionAt(at, SECTION_HASHLIMITS))) +
    SetPool.stateBytes(sectionAt(at, SECTION_SETS), sectionBytes(at, SECTION_SETS))
  )
}

/** Makes this memory (64-byte aligned) the state of the image that was loaded last, as it stands. */
export function useRulesState(state: usize): void {
  Counters.base = state
  Limits.base = state + round64((load<u32>(image, IMAGE_COUNTERS_OFF) as usize) << 4)
  stack = Limits.base + round64(load<u32>(image, IMAGE_STATE_OFF) as usize)
  copies = stack + (load<u32>(image, IMAGE_DEPTH_OFF) as usize) * FRAME_BYTES
  const recents = copies + (load<u32>(image, IMAGE_DEPTH_OFF) as usize) * FRAME_BYTES
  Recents.use(sectionAt(image, SECTION_RECENTS), recents)
  const after = recents + round64(Recents.stateBytes(sectionAt(image, SECTION_RECENTS)))
  HashLimits.use(sectionAt(image, SECTION_HASHLIMITS), after)
}

/** Likewise, and sets the state to what it is at the start: counters as in the text, limits full, lists empty. */
export function initRulesState(state: usize): void {
  useRulesState(state)
  memory.copy(Counters.base, sectionAt(image, SECTION_COUNTERS), sectionBytes(image, SECTION_COUNTERS))
  memory.copy(Limits.base, sectionAt(image, SECTION_STATE), sectionBytes(image, SECTION_STATE))
  Recents.init()
  const sets = sectionAt(image, SECTION_SETS)
  const setsAt =
    copies +
    (load<u32>(image, IMAGE_DEPTH_OFF) as usize) * FRAME_BYTES +
    round64(Recents.stateBytes(sectionAt(image, SECTION_RECENTS))) +
    round64(HashLimits.stateBytes(sectionAt(image, SECTION_HASHLIMITS)))
  const index = sectionAt(image, SECTION_SET_INDEX)
  const entries = sectionAt(image, SECTION_SET_ENTRIES)
  SetPool.init(sets, sectionBytes(image, SECTION_SETS), setsAt, index, entries)
  HashLimits.init()
}

/** Where the counters lie: 16 bytes each, u64 packets, u64 bytes. */
export function countersAt(): usize {
  return Counters.base
}

/** Does conntrack run for this family (4 or 6)? */
export function conntrackOn(family: u32): bool {
  return (load<u32>(image, IMAGE_FLAGS_OFF) & (family === 6 ? IMAGE_FLAG_CONNTRACK6 : IMAGE_FLAG_CONNTRACK4)) !== 0
}

/** Are the rules of this family (4 or 6) those of the nft backend? */
export function isNft(family: u32): bool {
  return (load<u32>(image, IMAGE_FLAGS_OFF) & (family === 6 ? IMAGE_FLAG_NFT6 : IMAGE_FLAG_NFT4)) !== 0
}

/** Are fragments of this family (4 or 6) put together before the rules? */
export function wholeOnly(family: u32): bool {
  return (load<u32>(image, IMAGE_FLAGS_OFF) & (family === 6 ? IMAGE_FLAG_WHOLE6 : IMAGE_FLAG_WHOLE4)) !== 0
}

/** Does the packet's family have this table? */
export function hasTable(table: i32): bool {
  return ((present >> (table + (load<u32>(CTX_FAMILY_AT) === 6 ? ROOTS_TABLES : 0))) & 1) !== 0
}

/** Bit a table: has it a built-in chain? IPv6's tables after IPv4's. */
function findTables(): void {
  present = 0
  for (let table: i32 = 0; table < 2 * ROOTS_TABLES; table++) {
    for (let hook: i32 = 0; hook < ROOTS_HOOKS; hook++) {
      if (load<u32>(roots + (((table * ROOTS_HOOKS + hook) as usize) << 2)) !== 0) present |= 1 << table
    }
  }
}

function rootAt(table: i32, hook: i32): usize {
  const family: i32 = load<u32>(CTX_FAMILY_AT) === 6 ? ROOTS_TABLES : 0
  return roots + ((((family + table) * ROOTS_HOOKS + hook) as usize) << 2)
}

/** Is the link of the context at `ctx` what the rule's interface says? */
function ifaceFits(ctx: usize, value: u32, pattern: bool): bool {
  return linkFits(load<u32>(ctx), value, pattern)
}

/** Is the link the one with this id, or in this pattern? */
export function linkFits(link: u32, value: u32, pattern: bool): bool {
  if (!pattern) return link === value
  const words = load<u32>(ifaces)
  const word = ifaces + 4 + (((value * words + (link >> 5)) as usize) << 2)
  return ((load<u32>(word) >> (link & 31)) & 1) !== 0
}

function addressFits(ctx: usize, rule: usize, six: bool, addr4: usize, addr6: usize): bool {
  if (!six) return (load<u32>(ctx) & load<u32>(rule + addr4 + 4)) === load<u32>(rule + addr4)
  const at = rule + addr6
  return !v128.any_true(v128.xor(v128.and(v128.load(ctx), v128.load(at, 16)), v128.load(at)))
}

function spanFits(value: u32, span: u32): bool {
  return value >= (span & 0xffff) && value <= span >> 16
}

/** Does the rule's record fit the packet? Its further matches are not looked at. T: see run. */
function headFits<T>(rule: usize, flags: u32, six: bool): bool {
  if ((flags & RULE_HAS_PROTO) !== 0) {
    if ((load<u32>(CTX_PROTO_AT) === load<u32>(rule, RULE_PROTO_OFF)) === ((flags & RULE_NOT_PROTO) !== 0)) return false
  }
  if ((flags & RULE_HAS_DST) !== 0) {
    if (addressFits(CTX_DST_AT, rule, six, RULE4_DST_OFF, RULE6_DST_OFF) === ((flags & RULE_NOT_DST) !== 0))
      return false
  }
  if (sizeof<T>() === 4 && (flags & RULE_HAS_DPORTS) !== 0) {
    const fits = spanFits(load<u32>(CTX_DPORT_AT), load<u32>(rule, RULE_DPORTS_OFF))
    if (fits === ((flags & RULE_NOT_DPORTS) !== 0)) return false
  }
  if ((flags & RULE_HAS_SRC) !== 0) {
    if (addressFits(CTX_SRC_AT, rule, six, RULE4_SRC_OFF, RULE6_SRC_OFF) === ((flags & RULE_NOT_SRC) !== 0))
      return false
  }
  if ((flags & RULE_HAS_IN) !== 0) {
    const fits = ifaceFits(CTX_IN_LINK_AT, load<u32>(rule, RULE_IN_OFF), (flags & RULE_IN_PATTERN) !== 0)
    if (fits === ((flags & RULE_NOT_IN) !== 0)) return false
  }
  if ((flags & RULE_HAS_OUT) !== 0) {
    const fits = ifaceFits(CTX_OUT_LINK_AT, load<u32>(rule, RULE_OUT_OFF), (flags & RULE_OUT_PATTERN) !== 0)
    if (fits === ((flags & RULE_NOT_OUT) !== 0)) return false
  }
  if (sizeof<T>() === 4 && (flags & RULE_HAS_SPORTS) !== 0) {
    const fits = spanFits(load<u32>(CTX_SPORT_AT), load<u32>(rule, RULE_SPORTS_OFF))
    if (fits === ((flags & RULE_NOT_SPORTS) !== 0)) return false
  }
  return (flags & RULE_NEVER) === 0
}

/** Enters a chain in this frame: the next visit. */
function enter(frame: usize, chain: u32): usize {
  const record = chains + (chain as usize) * CHAIN_BYTES
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
  const root = load<u32>(rootAt(table, hook))
  if (root === 0) return NF_ACCEPT
  return Fragment.later() ? run<u64>(table, root) : run<u32>(table, root)
}

/** The same from a chain; compiled twice: u64 for later fragments, which have no layer-4 header, u32 for all others. */
function run<T>(table: i32, root: u32): i32 {
  const six = load<u32>(CTX_FAMILY_AT) === 6
  const rules = six ? rules6 : rules4
  const ruleBytes: usize = six ? RULE6_BYTES : RULE4_BYTES
  const bottom = Tee.busy ? copies : stack
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
      const matches = code + ((load<u32>(rule, RULE_CODE_OFF) as usize) << 2)
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
        verdict = runTarget(target, rule, code)
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
  record = chains + (chain as usize) * CHAIN_BYTES
  const counter = load<u32>(record, CHAIN_COUNTER_OFF)
  Counters.add(counter, load<u32>(CTX_LENGTH_AT))
  if (load<u32>(CTX_TRACING_AT) !== 0) traceEvent(TRACE_KIND_RULE, counter, TRACE_POLICY, 0)
  decide(chain, 0)
  return (load<u32>(record, CHAIN_POLICY_OFF) & CHAIN_POLICY_MASK) === CHAIN_POLICY_ACCEPT ? NF_ACCEPT : NF_DROP
}
