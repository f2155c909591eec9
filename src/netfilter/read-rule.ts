// One rule line (`-A INPUT -p tcp --dport 80 -j ACCEPT`) as a command with its rules.
// Owns the order in which words are taken: base options, the options of the matches loaded so far (the last loaded first),
// of the target, and of the match that the protocol implies. A line with several addresses is several rules.
// Spec: iptables(8) and what iptables-restore 1.8.9 does with such a line.
import { IMPLIED, LONG, SHORT } from './base-options.js'
import { type Command, counter, type TableView } from './command.js'
import { LineFault } from './line-fault.js'
import type { Counters, Match, Negatable, Prefix, Rule, Target } from './model.js'
import { protocolName, protocolNumber } from './names.js'
import { ifaceName } from './read-match-other.js'
import { type Instance, RuleExtensions } from './rule-extensions.js'
import { prefix, shown, uint } from './words.js'

type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** Reads rule lines of one table after the other; keeps what lines have in common. */
export class RuleReader extends RuleExtensions {
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

  protected base(letter: string): void {
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
        throw this.bad('-n has no place with -A: it goes with -L', 'option')
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
    if (target?.target === 'TCPMSS' && this.backend === 'legacy') this.checkSyn(matches)
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
