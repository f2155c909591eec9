// The matches and targets of a rule line: which of them an option belongs to, and their completion at the line's end.
// Owns the order in which they are asked: the matches loaded so far (the last loaded first), the target, and the match
// that the protocol implies.
import { IMPLIED, LONG, MATCH_ALIASES, VERDICTS } from './base-options.js'
import { chainNameProblem, type TableView } from './command.js'
import type { Option } from './extension.js'
import { type AnyExtension, KNOWN_MATCHES, KNOWN_TARGETS } from './known.js'
import { LineFault } from './line-fault.js'
import type { Target } from './model.js'
import { OTHER_MATCHES, OTHER_TARGETS, protocolName } from './names.js'
import { RuleWords } from './rule-words.js'
import { shown } from './words.js'

/** A match or the target of the rule that is being read. */
export interface Instance {
  readonly extension: AnyExtension
  readonly draft: Record<string, unknown>
  readonly used: string[]
  readonly column: number
}

interface Found {
  readonly extension: AnyExtension
  readonly option: Option<Record<string, unknown>>
  readonly full: string
}

/** What the reader of a rule line knows of its extensions. */
export abstract class RuleExtensions extends RuleWords {
  protected view!: TableView
  protected readonly kinds: AnyExtension[] = []
  protected readonly instances: Instance[] = []
  protected target: Target | Instance | undefined
  protected implied = false

  /** Takes a base option, given by its letter. */
  protected abstract base(letter: string): void

  /** Takes the option of an extension; false when none has it. */
  protected extended(name: string, value: string | undefined): boolean {
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
    if (instance.used.includes(id) && !option.repeat) {
      throw this.bad(
        option.id === undefined || option.words === 0
          ? `${extension.name}: --${full} is given twice, or with an option that excludes it`
          : `${extension.name}: only one option of this kind is allowed: --${full}`,
        'option',
      )
    }
    const excluded = option.excludes?.find((other) => instance.used.includes(other))
    if (excluded !== undefined) {
      throw this.bad(`${extension.name}: --${full} cannot be used together with --${excluded}`, 'option')
    }
    instance.used.push(id)
    if (this.not && !option.not) throw this.bad(`${extension.name}: --${full} takes no ! before it`, 'option')
    this.name = full
    this.arguments(option.words, full, value)
    option.read(instance.draft, this)
    return true
  }
  private find(name: string): Found | undefined {
    for (let k = this.kinds.length - 1; k >= 0; k--) {
      const extension = this.kinds[k]!
      const option = extension.options.get(name)
      if (option !== undefined) return { extension, option, full: name }
    }
    return undefined
  }

  private findImplied(name: string): Found | undefined {
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
  private abbreviated(name: string): Found | undefined | string {
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

  protected load(extension: AnyExtension): Instance {
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
  protected takeMatch(): void {
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

  protected takeTarget(letter: 'j' | 'g'): void {
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
    if (extension !== undefined && (extension.family ?? this.family) !== this.family) {
      throw this.bad(`the target ${shown(word)} is not for ${this.family === 'ipv4' ? 'IPv4' : 'IPv6'}`)
    }
    if (word === 'DROP' && this.table === 'nat')
      throw this.bad('DROP has no place in table nat: nat is not for filtering')
    if (extension !== undefined && (extension.family ?? this.family) !== this.family) {
      throw this.bad(`the target ${shown(word)} is not for ${this.family === 'ipv4' ? 'IPv4' : 'IPv6'}`)
    }
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
  protected complete(instance: Instance): Record<string, unknown> {
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
}

function unique(names: readonly string[], start: string): string | undefined {
  const found = names.filter((n) => n.startsWith(start))
  return found.length === 1 ? found[0] : undefined
}
