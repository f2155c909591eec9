// References of the rule sections: chains, rules, matches, targets, counters, interface patterns, recent lists, state.
// Every match is walked once: the words of all rules' matches together may not be more than CODE has.
import * as L from '../../assembly/layout.js'
import { chainDepth } from './chain-depth.js'
import type { ImageView } from './check.js'
import { checkSetWork, setCount } from './check-sets.js'

/** Least words of each match (the head counted), by kind; 0 = no such kind. MULTIPORT has as many as it has ranges. */
const MATCH_WORDS: readonly number[] = Object.assign(
  [0, 1, 3, 2, 10, 2, 2, L.MATCH_CT_WORDS, 3, 3, 2, 2, 4, 8, 1, 17, 3, 4],
  {
    [L.MATCH_SET]: 3,
    [L.MATCH_LENGTH]: 2,
    [L.MATCH_HOPS]: 3,
    [L.MATCH_TOS]: 3,
    [L.MATCH_ECN]: 4,
    [L.MATCH_CPU]: 2,
    [L.MATCH_OWNER]: 7,
    [L.MATCH_QUOTA]: 2,
    [L.MATCH_MAC]: 3,
    [L.MATCH_PKTTYPE]: 2,
    [L.MATCH_PHYSDEV]: 5,
    [L.MATCH_HASHLIMIT]: 2,
    [L.MATCH_TIME]: 7,
    [L.MATCH_RPFILTER]: 1,
    [L.MATCH_FRAGMENT]: 1,
    [L.MATCH_LAYER4]: 1,
    [L.MATCH_SPI]: 3,
    [L.MATCH_TCP_OPTION]: 2,
    [L.MATCH_TCPMSS]: 2,
    [L.MATCH_DEVGROUP]: 5,
    [L.MATCH_SOCKET]: 2,
    [L.MATCH_EXTENSIONS]: 3,
    [L.MATCH_U32]: 3,
    [L.MATCH_CONNBYTES]: 6,
    [L.MATCH_CONNLIMIT]: 7,
    [L.MATCH_CONNLABEL]: 2,
    [L.MATCH_CLUSTER]: 4,
    [L.MATCH_ESTIMATE]: 1,
    [L.MATCH_STRING]: 4,
    [L.MATCH_OSF]: 2,
    [L.MATCH_CGROUP]: 2,
    [L.MATCH_CGROUP_PATH]: 2,
    [L.MATCH_EUI64]: 1,
    [L.MATCH_DCCP_TYPES]: 2,
    [L.MATCH_DCCP_OPTION]: 2,
    [L.MATCH_MH]: 2,
    [L.MATCH_BPF]: 3,
  },
)

interface Bounds {
  readonly chains: number
  readonly counters: number
  readonly patterns: number
  readonly sets: number
  readonly lists: number
  readonly hashlimits: number
  readonly stateWords: number
}

const at = (offset: number): number => offset >>> 2
const isPowerOfTwo = (n: number): boolean => n > 0 && (n & (n - 1)) === 0

function checkMatch(view: ImageView, code: Uint32Array, word: number, bounds: Bounds): number {
  const head = code[word] ?? 0
  const kind = head & 255
  const words = (head >>> 8) & 255
  view.require((MATCH_WORDS[kind] ?? 0) > 0, `match kind ${kind}`)
  view.require(words >= MATCH_WORDS[kind]! && word + words <= code.length, 'a match that is cut off')
  const state = (index: number, size: number): void =>
    view.require(index % 2 === 0 && index + size <= bounds.stateWords, 'a match whose state lies outside')
  if (kind === L.MATCH_SET) {
    const tested = ((head >>> 16) & L.SET_TESTS_COUNTERS) !== 0
    view.require(words >= (tested ? L.SET_TEST_WORDS : 3), 'a match that is cut off')
    view.require(code[word + 1]! < bounds.sets, 'a match of an unknown set')
  }
  if (kind === L.MATCH_RECENT) view.require(code[word + 1]! < bounds.lists, 'a match of an unknown recent list')
  if (kind === L.MATCH_NTH) state(code[word + 3]!, L.NTH_STATE_WORDS)
  if (kind === L.MATCH_LIMIT) state(code[word + 3]!, L.LIMIT_STATE_WORDS)
  if (kind === L.MATCH_HASHLIMIT) view.require(code[word + 1]! < bounds.hashlimits, 'a match of an unknown table')
  if (kind === L.MATCH_QUOTA) state(code[word + 1]!, L.QUOTA_STATE_WORDS)
  if (kind === L.MATCH_CONNLIMIT) state(code[word + 2]!, L.CONNLIMIT_STATE_WORDS)
  if (kind === L.MATCH_PHYSDEV) {
    checkIface(view, code[word + 3]!, (code[word + 1]! & L.PHYSDEV_IN_PATTERN) !== 0, bounds)
    checkIface(view, code[word + 4]!, (code[word + 1]! & L.PHYSDEV_OUT_PATTERN) !== 0, bounds)
  }
  const text = kind === L.MATCH_STRING ? 3 : kind === L.MATCH_OSF || kind === L.MATCH_CGROUP_PATH ? 1 : 0
  if (text > 0) view.require(code[word + text]! <= (words - text - 1) * 4, 'a match whose text is cut off')
  if (kind === L.MATCH_U32 || kind === L.MATCH_BPF) {
    view.require(code[word + 1]! + code[word + 2]! <= code.length, 'a match whose program lies outside')
  }
  if (kind === L.MATCH_RANDOM) view.require(code[word + 1]! <= 0x80000000, 'a probability above 1')
  return words
}

function checkIface(view: ImageView, value: number, pattern: boolean, bounds: Bounds): void {
  if (pattern) view.require(value < bounds.patterns, 'an unknown interface pattern')
}

interface Family {
  readonly six: boolean
  readonly rules: Uint32Array
  readonly count: number
  readonly words: number
}

function familyOf(view: ImageView, six: boolean): Family {
  const bytes = six ? L.RULE6_BYTES : L.RULE4_BYTES
  const { words, count } = view.records(six ? L.SECTION_RULES6 : L.SECTION_RULES4, bytes)
  return { six, rules: words, count, words: bytes >>> 2 }
}

/** Checks one rule; returns the words of its matches and the chain it leads to (-1: none). */
function checkRule(view: ImageView, family: Family, rule: number, code: Uint32Array, bounds: Bounds): [number, number] {
  const { rules } = family
  const base = rule * family.words
  const flags = rules[base + at(L.RULE_FLAGS_OFF)]!
  view.require(flags <= L.RULE_FLAGS_MASK, 'a rule with unknown flags')
  checkIface(view, rules[base + at(L.RULE_IN_OFF)]!, (flags & L.RULE_IN_PATTERN) !== 0, bounds)
  checkIface(view, rules[base + at(L.RULE_OUT_OFF)]!, (flags & L.RULE_OUT_PATTERN) !== 0, bounds)
  view.require(rules[base + at(L.RULE_COUNTER_OFF)]! < bounds.counters, 'a rule without a counter')
  let word = rules[base + at(L.RULE_CODE_OFF)]!
  const start = word
  const count = rules[base + at(L.RULE_CODE_COUNT_OFF)]!
  view.require(count <= code.length, 'a rule with too many matches')
  for (let i = 0; i < count; i++) word += checkMatch(view, code, word, bounds)
  const target = rules[base + at(L.RULE_TARGET_OFF)]!
  const a = rules[base + at(L.RULE_A_OFF)]!
  const b = rules[base + at(L.RULE_B_OFF)]!
  view.require(target < L.TARGET_CODES, `target ${target}`)
  if (target === L.TARGET_REJECT) view.require(a < L.REJECT_CODES, 'an unknown answer of REJECT')
  if (target === L.TARGET_NAT) {
    view.require(a <= L.NAT_NETMAP && b + (L.NATRANGE_BYTES >>> 2) <= code.length, 'a translation outside')
    for (const offset of [L.NATRANGE_MIN_PORT_OFF, L.NATRANGE_MAX_PORT_OFF, L.NATRANGE_BASE_PORT_OFF]) {
      view.require(code[b + at(offset)]! <= 65535, 'a translation to a port above 65535')
    }
  }
  if (target === L.TARGET_ASK) view.require(a > 0 && a < L.FIELD_CODES, 'a target that asks for an unknown field')
  if (target === L.TARGET_TEE) view.require(a + 4 <= code.length, 'a gateway that is cut off')
  if (target === L.TARGET_CONNMARK_SHIFT) {
    view.require(a + L.CONNMARK_SHIFT_WORDS <= code.length, 'a shift of marks that is cut off')
  }
  if (target === L.TARGET_SNPT || target === L.TARGET_DNPT) {
    view.require(family.six && a + (L.NPT_BYTES >>> 2) <= code.length, 'a prefix translation outside')
    view.require(code[a + at(L.NPT_LENGTH_OFF)]! <= L.NPT_MAX_LENGTH, 'a prefix translation of more than 64 bits')
    view.require(code[a + at(L.NPT_FROM_LENGTH_OFF)]! <= L.NPT_MAX_LENGTH, 'a prefix translation of more than 64 bits')
    view.require(code[a + at(L.NPT_ADJUSTMENT_OFF)]! <= 0xffff, 'a prefix translation that adds more than 16 bits')
  }
  if (target === L.TARGET_HMARK)
    view.require(a + (L.HMARK_BYTES >>> 2) <= code.length, 'a mark by hash that is cut off')
  if (target === L.TARGET_SET) checkSetWork(view, code, a, bounds.sets)
  const leads = target === L.TARGET_JUMP || target === L.TARGET_GOTO
  if (leads) view.require(a < bounds.chains, 'a jump to an unknown chain')
  return [word - start, leads ? a : -1]
}

function boundsOf(view: ImageView): Bounds {
  const ifaces = view.words(L.SECTION_IFACES)
  const links = view.header(L.IMAGE_LINKS_OFF)
  const setWords = ifaces[0] ?? 0
  view.require(setWords === (links + 1 + 31) >>> 5, 'interface patterns of another number of links')
  view.require((ifaces.length - 1) % setWords === 0, 'interface patterns that are cut off')
  const stateWords = view.size(L.SECTION_STATE) >>> 2
  view.require(view.header(L.IMAGE_STATE_OFF) === stateWords * 4, 'state of another size')
  const counters = view.header(L.IMAGE_COUNTERS_OFF)
  view.require(view.size(L.SECTION_COUNTERS) === counters * 16, 'counters of another number')
  view.require(view.size(L.SECTION_LINES) === counters * 4, 'lines of another number')
  return {
    chains: view.records(L.SECTION_CHAINS, L.CHAIN_BYTES).count,
    counters,
    patterns: (ifaces.length - 1) / setWords,
    sets: setCount(view),
    lists: checkRecents(view),
    hashlimits: checkHashlimits(view),
    stateWords,
  }
}

/** Checks the recent lists; returns their number. */
function checkRecents(view: ImageView): number {
  const words = view.words(L.SECTION_RECENTS)
  if (words.length === 0) return 0
  const lists = words[at(L.RECENTS_LISTS_OFF)]!
  const header = L.RECENTS_HEADER_BYTES >>> 2
  view.require(words.length === header + lists * (L.RECENT_LIST_BYTES >>> 2), 'recent lists that are cut off')
  const entries = words[at(L.RECENTS_ENTRIES_OFF)]!
  view.require(entries >= 1 && entries <= 1 << 24, 'recent lists of a senseless size')
  const buckets = words[at(L.RECENTS_BUCKETS_OFF)]!
  view.require(isPowerOfTwo(buckets) && buckets <= 1 << 24, 'recent lists of a senseless size')
  let end = 0
  for (let i = 0; i < lists; i++) {
    const base = header + i * (L.RECENT_LIST_BYTES >>> 2)
    const ring = words[base + at(L.RECENT_LIST_RING_OFF)]!
    const max = words[base + at(L.RECENT_LIST_MAX_OFF)]!
    view.require(max >= 1 && max <= L.RECENT_RING_FREE_BYTES, 'a recent list of a senseless size')
    if (ring === 0) continue
    view.require(isPowerOfTwo(ring) && ring <= 65536, 'a recent list with a senseless ring')
    view.require(words[base + at(L.RECENT_LIST_RING_AT_OFF)] === end, 'a recent list whose ring lies outside')
    end += L.RECENT_RING_FREE_BYTES + max * ring * 8
  }
  view.require(words[at(L.RECENTS_RING_OFF)] === end && end <= 1 << 30, 'recent lists whose rings lie outside')
  return lists
}

/** Checks the tables of hashlimit; returns their number. */
function checkHashlimits(view: ImageView): number {
  const words = view.words(L.SECTION_HASHLIMITS)
  if (words.length === 0) return 0
  const tables = words[at(L.HASHLIMITS_TABLES_OFF)]!
  const [header, size] = [L.HASHLIMITS_HEADER_BYTES >>> 2, L.HASHLIMIT_TABLE_BYTES >>> 2]
  view.require(words.length === header + tables * size, 'tables of hashlimit that are cut off')
  const entries = words[at(L.HASHLIMITS_ENTRIES_OFF)]!
  const buckets = words[at(L.HASHLIMITS_BUCKETS_OFF)]!
  view.require(entries >= 1 && entries <= 1 << 22, 'tables of hashlimit of a senseless size')
  view.require(isPowerOfTwo(buckets) && buckets <= 1 << 22, 'tables of hashlimit of a senseless size')
  for (let i = 0; i < tables; i++) {
    const word = (offset: number): number => words[header + i * size + at(offset)]!
    view.require(word(L.HASHLIMIT_MODE_OFF) < 64, 'a table of hashlimit of an unknown kind')
    view.require(word(L.HASHLIMIT_SRC_MASK_OFF) <= 128 && word(L.HASHLIMIT_DST_MASK_OFF) <= 128, 'a senseless mask')
    view.require(word(L.HASHLIMIT_GC_OFF) >= 1, 'a table of hashlimit that is never cleaned')
  }
  return tables
}

/** Checks every reference of the rules. */
export function checkRules(view: ImageView): void {
  const bounds = boundsOf(view)
  const code = view.words(L.SECTION_CODE)
  const families = [familyOf(view, false), familyOf(view, true)] as const
  const next = [0, 0]
  const chains = view.words(L.SECTION_CHAINS)
  const edges: number[][] = []
  let walked = 0
  let counter = 0
  for (let chain = 0; chain < bounds.chains; chain++) {
    const base = chain * (L.CHAIN_BYTES >>> 2)
    const policy = chains[base + at(L.CHAIN_POLICY_OFF)]!
    const six = (policy & L.CHAIN_FAMILY6) !== 0 ? 1 : 0
    const family = families[six]!
    const count = chains[base + at(L.CHAIN_RULES_OFF)]!
    const out: number[] = []
    view.require(
      policy <= (L.CHAIN_POLICY_USER | L.CHAIN_FAMILY6) && (policy & 3) !== 3,
      'a chain with a senseless policy',
    )
    view.require(chains[base + at(L.CHAIN_FIRST_OFF)] === next[six], 'chains whose rules do not follow each other')
    view.require(next[six]! + count <= family.count, 'a chain with more rules than there are')
    view.require(chains[base + at(L.CHAIN_COUNTER_OFF)] === counter, 'chains whose counters do not follow each other')
    for (let i = 0; i < count; i++) {
      const [words, to] = checkRule(view, family, next[six]! + i, code, bounds)
      walked += words
      view.require(walked <= code.length, 'rules that share their matches')
      if (to < 0) continue
      const other = chains[to * (L.CHAIN_BYTES >>> 2) + at(L.CHAIN_POLICY_OFF)]!
      view.require((other & L.CHAIN_FAMILY6) === (policy & L.CHAIN_FAMILY6), 'a jump to a chain of the other family')
      out.push(to)
    }
    edges.push(out)
    next[six] = next[six]! + count
    counter += 1 + count
  }
  view.require(next[0] === families[0].count && next[1] === families[1].count, 'rules outside all chains')
  view.require(counter === bounds.counters, 'counters of nothing')
  const depth = chainDepth(edges)
  view.require(depth >= 0, 'chains that lead into a loop')
  view.require(view.header(L.IMAGE_DEPTH_OFF) === depth, 'a jump stack of another depth')
  checkRoots(view, bounds.chains)
}

function checkRoots(view: ImageView, chainCount: number): void {
  const roots = view.words(L.SECTION_ROOTS)
  const chains = view.words(L.SECTION_CHAINS)
  view.require(roots.length === 2 * L.ROOTS_TABLES * L.ROOTS_HOOKS, 'the hooks are cut off')
  roots.forEach((root, i) => {
    if (root === 0) return
    view.require(root <= chainCount, 'a hook with an unknown chain')
    const policy = chains[(root - 1) * (L.CHAIN_BYTES >>> 2) + at(L.CHAIN_POLICY_OFF)]!
    const six = i >= L.ROOTS_TABLES * L.ROOTS_HOOKS
    view.require(((policy & L.CHAIN_FAMILY6) !== 0) === six, 'a hook with a chain of the other family')
    view.require((policy & L.CHAIN_POLICY_MASK) !== L.CHAIN_POLICY_USER, 'a hook with a chain that has no policy')
  })
}
