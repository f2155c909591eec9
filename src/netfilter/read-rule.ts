// One rule line (`-A INPUT -p tcp --dport 80 -j ACCEPT`) as a command with its rules.
// Owns the order in which words are taken: base options, the options of the matches loaded so far (the last loaded first),
// of the target, and of the match that the protocol implies. A line with several addresses is several rules.
// Spec: iptables(8) and what iptables-restore 1.8.9 does with such a line.
import type { Option, OptionWords, RuleContext } from './extension.js'
import { type AnyExtension, KNOWN_MATCHES, KNOWN_TARGETS } from './known.js'
import type { Words } from './lex.js'
import { LineFault } from './line-fault.js'
import type { Counters, Family, Match, Negatable, Prefix, Rule, TableName, Target } from './model.js'
import { OTHER_MATCHES, OTHER_TARGETS, protocolName, protocolNumber } from './names.js'
import { ifaceName } from './read-match-other.js'
import { byteLength, isBareName, prefix, shown, uint } from './words.js'

/** What a line asks for. Columns are of the word that names the chain. */
export type Command =
  | { readonly kind: 'append' | 'delete'; readonly chain: string; readonly column: number; readonly rules: Rule[] }
  | {
      readonly kind: 'insert' | 'replace'
      readonly chain: string
      readonly column: number
      readonly number: number
      readonly rules: Rule[]
    }
  | { readonly kind: 'delete-number'; readonly chain: string; readonly column: number; readonly number: number }
  | { readonly kind: 'new'; readonly chain: string; readonly column: number }
  | { readonly kind: 'remove'; readonly chain: string | undefined; readonly column: number }
  | {
      readonly kind: 'flush' | 'zero'
      readonly chain: string | undefined
      readonly column: number
      readonly number: number
    }
  | { readonly kind: 'policy'; readonly chain: string; readonly column: number; readonly policy: string }
  /** A line for the other family (`-4`, `-6`). */
  | { readonly kind: 'none' }

/** What the reader of a rule must know of its table. */
export interface TableView {
  readonly name: TableName
  readonly family: Family
  /** The name as the table keeps it when there is such a chain, built-in ones included. */
  chainNamed(name: string): { readonly name: string; readonly policy: unknown } | undefined
}

/** Longest chain name in bytes. */
export const CHAIN_NAME_BYTES = 28

const LONG: ReadonlyMap<string, string> = new Map(
  Object.entries({
    append: 'A',
    delete: 'D',
    check: 'C',
    insert: 'I',
    replace: 'R',
    list: 'L',
    'list-rules': 'S',
    flush: 'F',
    zero: 'Z',
    'new-chain': 'N',
    'delete-chain': 'X',
    'rename-chain': 'E',
    policy: 'P',
    source: 's',
    destination: 'd',
    src: 's',
    dst: 'd',
    protocol: 'p',
    'in-interface': 'i',
    jump: 'j',
    table: 't',
    match: 'm',
    numeric: 'n',
    'out-interface': 'o',
    verbose: 'v',
    wait: 'w',
    'wait-interval': 'W',
    exact: 'x',
    fragments: 'f',
    version: 'V',
    help: 'h',
    'line-numbers': '0',
    modprobe: 'M',
    'set-counters': 'c',
    goto: 'g',
    ipv4: '4',
    ipv6: '6',
  }),
)
const SHORT = 'ADCIRLSFZNXEPsdpijtmnovwWxfVhMcg46'
const MATCH_ALIASES: ReadonlyMap<string, string> = new Map([
  ['icmpv6', 'icmp6'],
  ['ipv6-icmp', 'icmp6'],
])
const IMPLIED: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp6'],
  [132, 'sctp'],
])
const VERDICTS: ReadonlyMap<string, Target> = new Map(
  (['ACCEPT', 'DROP', 'RETURN'] as const).map((target) => [target, { target }]),
)
const COUNTER_MAX = 2n ** 64n - 1n

interface Instance {
  readonly extension: AnyExtension
  readonly draft: Record<string, unknown>
  readonly used: string[]
  readonly column: number
}

type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** A counter of the text, 0..2^64-1; undefined when it is none. */
export function counter(word: string): bigint | undefined {
  if (!/^[0-9]{1,20}$/.test(word)) return undefined
  const value = BigInt(word)
  return value <= COUNTER_MAX ? value : undefined
}

/** What is wrong with a chain's name, or undefined. */
export function chainNameProblem(name: string): string | undefined {
  if (byteLength(name) > CHAIN_NAME_BYTES) {
    return `the chain name ${shown(name)} is too long: expected at most ${CHAIN_NAME_BYTES} bytes`
  }
  return isBareName(name) ? undefined : `${shown(name)} is no chain name: expected one without blanks and quotes`
}

/** Reads rule lines of one table after the other; keeps what lines have in common. */
export class RuleReader implements OptionWords, RuleContext {
  readonly family: Family
  table: TableName = 'filter'
  chain = ''
  proto = 0
  protoNot = false

  // The words of the option that is being read.
  not = false
  name = ''
  word = ''
  second = ''
  readonly rule: RuleContext = this

  private readonly words: Words
  private view!: TableView
  private at = 0
  private optionAt = 0
  private wordAt = 0
  private readonly kinds: AnyExtension[] = []
  private readonly instances: Instance[] = []
  private target: Target | Instance | undefined
  private implied = false
  private seen = ''
  private command = ''
  private chainAt = 0
  private number: number | undefined
  private policy = ''
  private ignored = false
  private src: Negatable<Prefix>[] | undefined
  private dst: Negatable<Prefix>[] | undefined
  private inIface: Negatable<string> | undefined
  private outIface: Negatable<string> | undefined
  private fragment: Negatable<true> | undefined
  private counters: Counters | undefined
  private readonly prefixes = new Map<string, Prefix>()
  private readonly names = new Map<string, string>()

  constructor(words: Words, family: Family) {
    this.words = words
    this.family = family
  }

  bad(message: string, which?: 'second' | 'option'): LineFault {
    const at = which === 'option' ? this.optionAt : which === 'second' ? this.wordAt + 1 : this.wordAt
    return new LineFault(this.columnOf(at), message)
  }

  private columnOf(at: number): number {
    return at < this.words.count ? this.words.column[at]! : this.words.end
  }

  private reset(view: TableView): void {
    this.view = view
    this.table = view.name
    this.chain = ''
    this.proto = 0
    this.protoNot = false
    this.at = 0
    this.kinds.length = 0
    this.instances.length = 0
    this.target = undefined
    this.implied = false
    this.seen = ''
    this.command = ''
    this.number = undefined
    this.ignored = false
    this.src = undefined
    this.dst = undefined
    this.inIface = undefined
    this.outIface = undefined
    this.fragment = undefined
    this.counters = undefined
  }

  /** Reads the words as one line of `view`'s table. `line` counts from 1. Throws a LineFault. */
  read(view: TableView, line: number, counters: Counters | undefined): Command {
    this.reset(view)
    const { words } = this
    let not = false
    let notAt = 0
    while (this.at < words.count) {
      const word = words.text[this.at]!
      this.optionAt = this.at++
      if (word.charCodeAt(0) !== 0x2d || word === '-') {
        if (word !== '!') throw this.bad(`${shown(word)} is not expected here: expected an option`, 'option')
        if (not) throw this.bad('a second ! in a row', 'option')
        not = true
        notAt = this.optionAt
        continue
      }
      this.not = not
      not = false
      this.option(word)
      if (this.ignored) return { kind: 'none' }
    }
    if (not) throw new LineFault(this.columnOf(notAt), 'nothing follows this !')
    return this.finish(line, this.counters ?? counters)
  }

  private option(word: string): void {
    if (word.charCodeAt(1) !== 0x2d) {
      const letter = word[1]!
      if (!SHORT.includes(letter)) throw this.unknown(word)
      if (word.length > 2) {
        throw this.bad(`${shown(word)}: expected a blank between the option -${letter} and what follows`, 'option')
      }
      this.base(letter)
      return
    }
    const equals = word.indexOf('=')
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
    const letter = LONG.get(name)
    if (letter !== undefined) {
      if (equals >= 0) throw this.bad(`${shown(word)}: expected a blank instead of the =`, 'option')
      this.base(letter)
    } else if (!this.extended(name, equals < 0 ? undefined : word.slice(equals + 1))) throw this.unknown(word)
  }

  private unknown(word: string): LineFault {
    const { proto } = this
    const hint =
      proto !== 0 && !IMPLIED.has(proto)
        ? `; a match for the protocol ${protocolName(proto)} is not supported`
        : proto === 0 && /^--(s|d|source-|destination-)port$/.test(word)
          ? '; ports need -p tcp, udp or sctp before them'
          : ''
    return this.bad(`unknown option ${shown(word)}: no match or target before it has it${hint}`, 'option')
  }

  /** Takes the option of an extension; false when none has it. */
  private extended(name: string, value: string | undefined): boolean {
    let exact = this.find(name)
    if (exact === undefined) {
      const short = this.abbreviated(name)
      if (typeof short === 'string') {
        this.base(short)
        return true
      }
      exact = short ?? this.findImplied(name)
    }
    if (exact === undefined) return false
    const { extension, option, full } = exact
    const instance = this.latest(extension)
    const id = option.id ?? full
    if (instance.used.includes(id)) {
      throw this.bad(
        option.id === undefined || option.words === 0
          ? `${extension.name}: --${full} is given twice, or with an option that excludes it`
          : `${extension.name}: only one option of this kind is allowed: --${full}`,
        'option',
      )
    }
    instance.used.push(id)
    if (this.not && !option.not) throw this.bad(`${extension.name}: --${full} takes no ! before it`, 'option')
    this.name = full
    this.arguments(option.words, full, value)
    option.read(instance.draft, this)
    return true
  }

  private arguments(count: 0 | 1 | 2, name: string, value: string | undefined): void {
    const { words } = this
    if (value !== undefined) {
      if (count !== 1) throw this.bad(`--${name}: expected no =`, 'option')
      this.word = value
      this.wordAt = this.optionAt
      return
    }
    if (count === 0) return
    if (this.at + count > words.count) {
      throw this.bad(`--${name} needs ${count === 1 ? 'a value' : 'two values'} after it`, 'option')
    }
    this.wordAt = this.at
    this.word = words.text[this.at++]!
    if (count === 1) return
    this.second = words.text[this.at]!
    if (/^[-!]/.test(this.second)) throw this.bad(`--${name} needs two values after it`, 'option')
    this.at++
  }

  private find(
    name: string,
  ): { extension: AnyExtension; option: Option<Record<string, unknown>>; full: string } | undefined {
    for (let k = this.kinds.length - 1; k >= 0; k--) {
      const extension = this.kinds[k]!
      const option = extension.options.get(name)
      if (option !== undefined) return { extension, option, full: name }
    }
    return undefined
  }

  private findImplied(name: string): ReturnType<RuleReader['find']> {
    const match = this.implied ? undefined : IMPLIED.get(this.proto)
    const extension = match === undefined ? undefined : KNOWN_MATCHES.get(match)
    if (extension === undefined || (extension.family ?? this.family) !== this.family) return undefined
    const full = extension.options.has(name) ? name : unique([...extension.options.keys()], name)
    if (full === undefined) return undefined
    this.implied = true
    this.load(extension)
    return { extension, option: extension.options.get(full)!, full }
  }

  // getopt takes any unambiguous beginning of a long option.
  private abbreviated(name: string): ReturnType<RuleReader['find']> | string {
    if (name === '') return undefined
    const base = new Set([...LONG].filter(([long]) => long.startsWith(name)).map(([, letter]) => letter))
    const loaded = this.kinds.flatMap((extension) =>
      [...extension.options]
        .filter(([full]) => full.startsWith(name))
        .map(([full, option]) => ({ extension, option, full })),
    )
    if (base.size + loaded.length > 1) throw this.bad(`the option ${shown(`--${name}`)} is ambiguous`, 'option')
    return loaded[0] ?? [...base][0]
  }

  private load(extension: AnyExtension): Instance {
    const instance = { extension, draft: extension.start(this), used: [], column: this.columnOf(this.optionAt) }
    if (!this.kinds.includes(extension)) this.kinds.push(extension)
    this.instances.push(instance)
    return instance
  }

  private latest(extension: AnyExtension): Instance {
    if (this.target !== undefined && 'extension' in this.target && this.target.extension === extension)
      return this.target
    return this.instances.findLast((i) => i.extension === extension)!
  }

  private value(letter: string): string {
    if (this.at >= this.words.count) throw this.bad(`-${letter} needs a value after it`, 'option')
    this.wordAt = this.at
    this.word = this.words.text[this.at++]!
    if (this.word === '!') throw this.bad(`expected the ! before the option: ! -${letter} …`)
    return this.word
  }

  private hasValue(): boolean {
    return this.at < this.words.count && !/^[-!]/.test(this.words.text[this.at]!)
  }

  private once(letter: string, negated = false): void {
    if (this.seen.includes(letter)) throw this.bad(`-${letter} is given twice`, 'option')
    this.seen += letter
    if (this.not && !negated) throw this.bad(`-${letter} takes no ! before it`, 'option')
  }

  private base(letter: string): void {
    switch (letter) {
      case 'A':
      case 'I':
      case 'D':
      case 'R':
      case 'N':
      case 'X':
      case 'F':
      case 'Z':
      case 'P':
        this.takeCommand(letter)
        break
      case 'p':
        this.takeProtocol()
        break
      case 's':
        this.once('s', true)
        this.src = this.addresses('s')
        break
      case 'd':
        this.once('d', true)
        this.dst = this.addresses('d')
        break
      case 'i':
        this.once('i', true)
        this.inIface = this.iface('i')
        break
      case 'o':
        this.once('o', true)
        this.outIface = this.iface('o')
        break
      case 'f':
        if (this.family === 'ipv6') throw this.bad('-f is not for IPv6', 'option')
        this.once('f', true)
        this.fragment = { not: this.not, value: true }
        break
      case 'j':
      case 'g':
        this.once('j')
        this.takeTarget(letter)
        break
      case 'm':
        this.takeMatch()
        break
      case 'c':
        this.takeCounters()
        break
      case 'n':
      case 'v':
      case 'x':
      case '0':
        break
      case '4':
      case '6':
        this.ignored = (letter === '4') !== (this.family === 'ipv4')
        break
      default:
        throw this.bad(`the option ${shown(this.words.text[this.optionAt]!)} has no place in a rule file`, 'option')
    }
  }

  private takeCommand(letter: string): void {
    if (this.command !== '')
      throw this.bad(`-${letter} after -${this.command}: expected one command on a line`, 'option')
    if (this.not) throw this.bad(`-${letter} takes no ! before it`, 'option')
    this.command = letter
    this.chainAt = this.at
    if ('XFZ'.includes(letter)) {
      if (this.hasValue()) this.chain = this.value(letter)
    } else this.chain = this.value(letter)
    if (letter === 'P') {
      this.policy = this.hasValue() ? this.value(letter) : ''
    } else if ('IDRZ'.includes(letter) && this.hasValue()) {
      const number = uint(this.value(letter), 1, 0xffffffff)
      if (number === undefined) throw this.bad(`${shown(this.word)} is no rule number: expected a number from 1`)
      this.number = number
    } else if (letter === 'R') throw this.bad('-R needs a chain and a rule number after it', 'option')
  }

  private takeProtocol(): void {
    this.once('p', true)
    const word = this.value('p')
    const number = uint(word, 0, 255) ?? protocolNumber(word)
    if (number === undefined) throw this.bad(`unknown protocol ${shown(word)}: expected a name or 0..255`)
    if (number === 0 && this.not) throw this.bad('no packet is of no protocol: expected no ! before -p all')
    this.proto = number
    this.protoNot = this.not
  }

  private addresses(letter: string): Negatable<Prefix>[] {
    const word = this.value(letter)
    const parts = word.includes(',') ? word.split(',') : [word]
    if (parts.length > 1 && this.not) throw this.bad('several addresses after a !: expected one', 'option')
    return parts.map((part) => ({ not: this.not, value: this.onePrefix(part.trimStart(), letter) }))
  }

  private onePrefix(part: string, letter: string): Prefix {
    let value = this.prefixes.get(part)
    if (value === undefined) {
      value = prefix(part, this.family)
      if (value === undefined) {
        const family = this.family === 'ipv4' ? 'IPv4' : 'IPv6'
        throw this.bad(
          `${shown(part)} is no ${family} address for -${letter}: expected ADDRESS, ADDRESS/LENGTH or ADDRESS/MASK (host names are not looked up)`,
        )
      }
      if (this.prefixes.size >= 100_000) this.prefixes.clear()
      this.prefixes.set(part, value)
    }
    return value
  }

  private iface(letter: string): Negatable<string> | undefined {
    this.value(letter)
    const name = ifaceName(this)
    if (name === '+' && !this.not) return undefined // any interface: iptables keeps nothing of it
    return { not: this.not, value: this.intern(name) }
  }

  private intern(name: string): string {
    const known = this.names.get(name)
    if (known !== undefined) return known
    if (this.names.size >= 100_000) this.names.clear()
    this.names.set(name, name)
    return name
  }

  private takeMatch(): void {
    if (this.not) throw this.bad('-m takes no ! before it', 'option')
    const word = this.value('m')
    const name = MATCH_ALIASES.get(word) ?? word
    const extension = KNOWN_MATCHES.get(name)
    if (extension === undefined) {
      throw this.bad(
        OTHER_MATCHES.has(name)
          ? `the match ${shown(word)} is not supported`
          : `there is no match named ${shown(word)}`,
      )
    }
    if ((extension.family ?? this.family) !== this.family) {
      throw this.bad(`the match ${shown(word)} is not for ${this.family === 'ipv4' ? 'IPv4' : 'IPv6'}`)
    }
    this.optionAt = this.wordAt
    this.load(extension)
  }

  private takeTarget(letter: 'j' | 'g'): void {
    const word = this.value(letter)
    const chain = this.view.chainNamed(word)
    if (chain !== undefined) {
      if (chain.policy !== null) throw this.bad(`${shown(word)} is a built-in chain: expected a chain of your own`)
      this.target = { target: letter === 'j' ? 'jump' : 'goto', chain: chain.name }
      return
    }
    const problem = word === '' ? 'the name of the target is empty' : chainNameProblem(word)
    if (problem !== undefined) throw this.bad(problem)
    const verdict = VERDICTS.get(word)
    const extension = KNOWN_TARGETS.get(word)
    if (letter === 'g' || (verdict === undefined && extension === undefined)) {
      throw this.bad(
        letter === 'j' && OTHER_TARGETS.has(word)
          ? `the target ${shown(word)} is not supported`
          : `the chain ${shown(word)} is not defined in table ${this.table} before this line`,
      )
    }
    if (word === 'DROP' && this.table === 'nat')
      throw this.bad('DROP has no place in table nat: nat is not for filtering')
    if (verdict !== undefined) this.target = verdict
    else {
      this.kinds.push(extension!)
      this.target = {
        extension: extension!,
        draft: extension!.start(this),
        used: [],
        column: this.columnOf(this.wordAt),
      }
    }
  }

  private takeCounters(): void {
    this.once('c')
    const [first, second] = this.value('c').split(',', 2)
    const packets = counter(first!)
    const bytes = counter(second ?? this.value('c'))
    if (packets === undefined || bytes === undefined) throw this.bad('-c needs two numbers after it: packets and bytes')
    this.counters = { packets, bytes }
  }

  private finish(line: number, counters: Counters | undefined): Command {
    const { command, chain, number } = this
    if (command === '') throw new LineFault(this.columnOf(0), 'no command on this line: expected -A CHAIN and a rule')
    const column = this.columnOf(this.chainAt)
    if (!'AIDR'.includes(command) || (command === 'D' && number !== undefined)) {
      if (this.seen !== '' || this.instances.length > 0) {
        throw new LineFault(this.columnOf(0), `-${command} takes no rule on its line`)
      }
      const name = chain === '' ? undefined : chain
      if (command === 'D') return { kind: 'delete-number', chain, column, number: number! }
      if (command === 'N') return { kind: 'new', chain, column }
      if (command === 'P') return { kind: 'policy', chain, column, policy: this.policy }
      if (command === 'X') return { kind: 'remove', chain: name, column }
      return { kind: command === 'Z' ? 'zero' : 'flush', chain: name, column, number: number ?? 0 }
    }
    const rules = this.rules(line, counters)
    if (command === 'A') return { kind: 'append', chain, column, rules }
    if (command === 'D') return { kind: 'delete', chain, column, rules }
    if (command === 'R' && rules.length !== 1)
      throw new LineFault(column, '-R takes one source and one destination only')
    return { kind: command === 'I' ? 'insert' : 'replace', chain, column, number: number ?? 1, rules }
  }

  private rules(line: number, counters: Counters | undefined): Rule[] {
    this.checkInterfaces()
    const matches: Match[] = []
    for (const instance of this.instances) matches.push(this.complete(instance) as unknown as Match)
    let target: Target | undefined
    if (this.target !== undefined) {
      target = 'extension' in this.target ? (this.complete(this.target) as unknown as Target) : this.target
    }
    if (target?.target === 'TCPMSS') this.checkSyn(matches)
    const rules: Rule[] = []
    for (const src of this.src ?? [undefined]) {
      for (const dst of this.dst ?? [undefined]) rules.push(this.one(src, dst, matches, target, counters, line))
    }
    return rules
  }

  private one(
    src: Negatable<Prefix> | undefined,
    dst: Negatable<Prefix> | undefined,
    matches: readonly Match[],
    target: Target | undefined,
    counters: Counters | undefined,
    line: number,
  ): Rule {
    const any = this.family === 'ipv4' ? '0.0.0.0/0' : '::/0'
    const rule = {} as Draft<Rule>
    if (src !== undefined && (src.not || src.value !== any)) rule.src = src
    if (dst !== undefined && (dst.not || dst.value !== any)) rule.dst = dst
    if (this.inIface !== undefined) rule.inIface = this.inIface
    if (this.outIface !== undefined) rule.outIface = this.outIface
    if (this.proto !== 0) rule.proto = { not: this.protoNot, value: this.proto }
    if (this.fragment !== undefined) rule.fragment = this.fragment
    rule.matches = matches
    if (target !== undefined) rule.target = target
    if (counters !== undefined) rule.counters = counters
    rule.line = line
    return rule
  }

  private complete(instance: Instance): Record<string, unknown> {
    const { extension, draft, column } = instance
    if (extension.proto !== undefined && (this.proto !== extension.proto || this.protoNot)) {
      throw new LineFault(column, `${extension.name} needs -p ${protocolName(extension.proto)}, not negated`)
    }
    if (extension.end === undefined) return draft
    try {
      extension.end(draft, this)
    } catch (error) {
      if (error instanceof LineFault && error.column === 0) throw new LineFault(column, error.message)
      throw error
    }
    return draft
  }

  private checkInterfaces(): void {
    const { chain } = this
    if (this.seen.includes('o') && (chain === 'PREROUTING' || chain === 'INPUT')) {
      throw new LineFault(
        this.columnOf(this.chainAt),
        `-o has no place in ${chain}: packets there have no outgoing interface`,
      )
    }
    if (this.seen.includes('i') && (chain === 'POSTROUTING' || chain === 'OUTPUT')) {
      throw new LineFault(
        this.columnOf(this.chainAt),
        `-i has no place in ${chain}: packets there have no incoming interface`,
      )
    }
  }

  private checkSyn(matches: readonly Match[]): void {
    const syn = matches.some(
      (m) => m.match === 'tcp' && m.flags !== undefined && !m.flags.not && (m.flags.value.comp & 2) !== 0,
    )
    if (!syn) {
      const { column } = this.target as Instance
      throw new LineFault(column, 'TCPMSS needs a match on SYN packets: --tcp-flags SYN,RST SYN or --syn')
    }
  }
}

function unique(names: readonly string[], start: string): string | undefined {
  const found = names.filter((n) => n.startsWith(start))
  return found.length === 1 ? found[0] : undefined
}
