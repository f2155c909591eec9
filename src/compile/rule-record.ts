// One rule as a record: what is decided from one cache line, and where its further matches lie.
// Owns the fields of the records in RULES4 and RULES6. A `tcp` or `udp` match that is the first one of its rule goes into
// the record itself, so that an exact (destination, protocol, port) rule needs nothing else.
import * as L from '../../assembly/layout.js'
import { escapeText } from '../net/fault.js'
import type { Match, Rule } from '../netfilter/model.js'
import type { CompileContext, PrefixWords } from './context.js'
import { fragmentFlags, looksAtLayer4 } from './layer4.js'
import { type MatchRule, type MatchSink, put, writeMatch } from './matches.js'
import { portsNotBoth, withoutAllPorts } from './matches-layer4.js'
import { writeTarget } from './targets.js'
import type { Words } from './words.js'

/** Writes records; their further matches go to the sink. */
export class RuleWriter {
  readonly #context: CompileContext
  readonly #sink: MatchSink

  constructor(context: CompileContext, sink: MatchSink) {
    this.#context = context
    this.#sink = sink
  }

  /** Writes one record at `word`, which is zero; returns the chain it leads to, or -1. `indexes`: chains by name. */
  write(at: MatchRule, rules: Words, word: number, counter: number, indexes: ReadonlyMap<string, number>): number {
    const { rule } = at
    let flags = 0
    const six = at.family === 'ipv6'
    if (rule.src) {
      flags |= L.RULE_HAS_SRC | (rule.src.not ? L.RULE_NOT_SRC : 0)
      const to = word + ((six ? L.RULE6_SRC_OFF : L.RULE4_SRC_OFF) >>> 2)
      this.#net(at, rule.src.value, rules, to, word + ((six ? L.RULE6_SRC_MASK_OFF : L.RULE4_SRC_MASK_OFF) >>> 2))
    }
    if (rule.dst) {
      flags |= L.RULE_HAS_DST | (rule.dst.not ? L.RULE_NOT_DST : 0)
      const to = word + ((six ? L.RULE6_DST_OFF : L.RULE4_DST_OFF) >>> 2)
      this.#net(at, rule.dst.value, rules, to, word + ((six ? L.RULE6_DST_MASK_OFF : L.RULE4_DST_MASK_OFF) >>> 2))
    }
    if (rule.inIface) {
      const ref = this.#sink.ifaces.ref(rule.inIface.value)
      flags |= L.RULE_HAS_IN | (rule.inIface.not ? L.RULE_NOT_IN : 0) | (ref.pattern ? L.RULE_IN_PATTERN : 0)
      rules.set(word + (L.RULE_IN_OFF >>> 2), ref.value)
    }
    if (rule.outIface) {
      const ref = this.#sink.ifaces.ref(rule.outIface.value)
      flags |= L.RULE_HAS_OUT | (rule.outIface.not ? L.RULE_NOT_OUT : 0) | (ref.pattern ? L.RULE_OUT_PATTERN : 0)
      rules.set(word + (L.RULE_OUT_OFF >>> 2), ref.value)
    }
    if (rule.proto) {
      flags |= L.RULE_HAS_PROTO | (rule.proto.not ? L.RULE_NOT_PROTO : 0)
      rules.set(word + (L.RULE_PROTO_OFF >>> 2), rule.proto.value)
    }
    const code = this.#sink.code
    const start = code.length
    let count = 0
    let inline = true
    if (rule.fragment) count += put(code, L.MATCH_FRAGMENT, rule.fragment.not ? L.MATCH_NOT : 0, [])
    flags |= fragmentFlags(at)
    for (const given of rule.matches) {
      if (given.match === 'comment') continue
      const match = at.backend === 'nft' ? withoutAllPorts(given) : given
      if (looksAtLayer4(at.backend, given)) {
        // The first of a rule is known from the record; a later one may come after matches that count.
        if (inline && !rule.fragment) flags |= L.RULE_LAYER4
        else count += put(code, L.MATCH_LAYER4, 0, [])
      }
      if (inline && (match.match === 'tcp' || match.match === 'udp') && !portsNotBoth(at.backend, match)) {
        flags |= this.#inlinePorts(match, rules, word)
        count += writeMatch(this.#sink, at, withoutPorts(match))
      } else count += writeMatch(this.#sink, at, match)
      inline = false
    }
    if (this.#sink.behind.length > 0)
      for (const { slot, words } of this.#sink.behind.splice(0)) code.set(slot, code.pushAll(words))
    const target = writeTarget(this.#sink, at, rule.target, (name) => indexes.get(name))
    rules.set(word + (L.RULE_FLAGS_OFF >>> 2), flags)
    rules.set(word + (L.RULE_CODE_OFF >>> 2), count > 0 ? start : 0)
    rules.set(word + (L.RULE_CODE_COUNT_OFF >>> 2), count)
    rules.set(word + (L.RULE_TARGET_OFF >>> 2), target[0])
    rules.set(word + (L.RULE_A_OFF >>> 2), target[1])
    rules.set(word + (L.RULE_B_OFF >>> 2), target[2])
    rules.set(word + (L.RULE_COUNTER_OFF >>> 2), counter)
    return target[0] === L.TARGET_JUMP || target[0] === L.TARGET_GOTO ? target[1] : -1
  }

  #inlinePorts(match: Rule['matches'][number], rules: Words, word: number): number {
    if (match.match !== 'tcp' && match.match !== 'udp') return 0
    let flags = 0
    if (match.sport) {
      flags |= L.RULE_HAS_SPORTS | (match.sport.not ? L.RULE_NOT_SPORTS : 0)
      rules.set(word + (L.RULE_SPORTS_OFF >>> 2), (match.sport.value.from | (match.sport.value.to << 16)) >>> 0)
    }
    if (match.dport) {
      flags |= L.RULE_HAS_DPORTS | (match.dport.not ? L.RULE_NOT_DPORTS : 0)
      rules.set(word + (L.RULE_DPORTS_OFF >>> 2), (match.dport.value.from | (match.dport.value.to << 16)) >>> 0)
    }
    return flags
  }

  /** A prefix of a record: its address and its mask. */
  #net(at: MatchRule, text: string, rules: Words, address: number, mask: number): void {
    const words = this.#prefix(text, at)
    for (let i = 0; i < (at.family === 'ipv6' ? 4 : 1); i++) {
      rules.set(address + i, words.address[i]!)
      rules.set(mask + i, words.mask[i]!)
    }
  }

  #prefix(text: string, at: MatchRule): PrefixWords {
    const words = this.#context.prefix(text, at.family)
    if (words !== null) return words
    this.#context.fault(at.place, `\`${escapeText(text)}\` is not an ${at.family} prefix`)
    return { address: [0, 0, 0, 0], mask: [0, 0, 0, 0] }
  }
}

const TCP: Match = { match: 'tcp' }
const UDP: Match = { match: 'udp' }

/** What is left of a match when its ports stand in the record. */
function withoutPorts(match: Extract<Match, { readonly match: 'tcp' | 'udp' }>): Match {
  if (match.match === 'udp') return UDP
  if (match.flags === undefined && match.option === undefined) return TCP
  const { sport: _s, dport: _d, ...rest } = match
  return rest
}
