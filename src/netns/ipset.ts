// IP sets from `ipset save`, and whatever else `ipset restore` takes: the commands are carried out in order and the sets
// that are there at the end are the result. Owns the commands. Spec: ipset(8) 7.17; kernel
// net/netfilter/ipset/ip_set_core.c (ip_set_create, ip_set_swap, ip_set_rename, ip_set_destroy).
import { type Fault, FaultError } from '../net/fault.js'
import { byteLength } from '../netfilter/words.js'
import { quoted } from './fields.js'
import { OpenSet } from './ipset-add.js'
import { SetFault, type Word } from './ipset-element.js'
import { createOptions } from './ipset-options.js'
import { SET_TYPES } from './ipset-types.js'
import type { ReadOptions } from './links.js'
import type { IpSet } from './model.js'

const NAME_BYTES = 31

/** Words of a line; a word may be in double quotes, with a backslash before a quote. */
function words(line: string): Word[] {
  const found: Word[] = []
  for (const m of line.matchAll(/"((?:[^"\\]|\\.)*)"|[^\s"]+|"/g)) {
    if (m[0] === '"') throw new SetFault(m.index + 1, 'a quote without its end')
    found.push({ text: m[1] === undefined ? m[0] : m[1].replace(/\\(")/g, '$1'), column: m.index + 1 })
  }
  return found
}

/** Every spelling of a command that is carried out. */
const COMMANDS: Readonly<Record<string, 'create' | 'add' | 'del' | 'flush' | 'destroy' | 'rename' | 'swap'>> = {
  ...{ create: 'create', n: 'create', '-N': 'create', '--create': 'create' },
  ...{ add: 'add', '-A': 'add', '--add': 'add', del: 'del', '-D': 'del', '--del': 'del' },
  ...{ flush: 'flush', '-F': 'flush', '--flush': 'flush', destroy: 'destroy', x: 'destroy', '-X': 'destroy' },
  ...{ '--destroy': 'destroy', rename: 'rename', e: 'rename', '-E': 'rename', '--rename': 'rename' },
  ...{ swap: 'swap', w: 'swap', '-W': 'swap', '--swap': 'swap' },
}
const EXIST: ReadonlySet<string> = new Set(['-exist', '--exist', '-!'])

/** What a set is for the kernel when two are swapped: its type's parts and its family. */
function nature(set: OpenSet): string {
  const parts = new Set(set.kind.parts.map((p) => (p === 'one' || p === 'net' || p === 'net0' ? 'ip' : p)))
  const second = set.kind.parts.filter((p) => /^(ip|one|net|net0)$/.test(p)).length > 1
  const family = set.kind.family === 'none' ? '' : set.family
  return `${[...parts].sort().join()} ${second} ${set.kind.nomatch} ${family}`
}

/** The sets as they stand while the text is read. */
class Session {
  readonly sets = new Map<string, OpenSet>()

  find(name: Word | undefined): OpenSet {
    const set = name === undefined ? undefined : this.sets.get(name.text)
    if (set !== undefined) return set
    const shown = quoted(name?.text ?? '')
    throw new SetFault(name?.column ?? 1, `there is no set ${shown}; \`create\` must come before it is used`)
  }

  /** Does a list hold it? */
  #isListed(name: string): boolean {
    return [...this.sets.values()].some((set) => set.members.includes(name))
  }

  #newName(word: Word | undefined): string {
    if (word === undefined) throw new SetFault(1, 'the name of a set was expected')
    if (byteLength(word.text) > NAME_BYTES)
      throw new SetFault(word.column, `a set name has at most ${NAME_BYTES} characters`)
    if (this.sets.has(word.text)) throw new SetFault(word.column, `the set ${quoted(word.text)} appears twice`)
    return word.text
  }

  create(line: readonly Word[], exist: boolean): void {
    const [, name, type, ...rest] = line
    if (name === undefined || type === undefined) throw new SetFault(1, '`create NAME TYPE [OPTIONS]` was expected')
    const kind = SET_TYPES.get(type.text)
    if (kind === undefined) throw new SetFault(type.column, `unknown set type ${quoted(type.text)}`)
    const { options, family } = createOptions(rest, type.text, kind)
    const old = this.sets.get(name.text)
    if (exist && old !== undefined && sameSet(old, type.text, options)) return
    const made = this.#newName(name)
    this.sets.set(made, new OpenSet(made, type.text, kind, family, options))
  }

  #unused(word: Word, what: string): void {
    if (this.#isListed(word.text)) throw new SetFault(word.column, `${quoted(word.text)} is in a list: ${what}`)
  }

  destroy(name: Word | undefined): void {
    if (name === undefined) {
      this.sets.clear()
      return
    }
    this.find(name)
    this.#unused(name, 'it cannot be destroyed')
    this.sets.delete(name.text)
  }

  rename(from: Word | undefined, to: Word | undefined): void {
    const set = this.find(from)
    this.#unused(from!, 'it cannot be renamed')
    const name = this.#newName(to)
    set.name = name
    this.#replace(new Map([...this.sets].map(([key, value]) => [key === from!.text ? name : key, value])))
  }

  /** Two sets change places: their contents under the other's name. */
  swap(from: Word | undefined, to: Word | undefined): void {
    const [a, b] = [this.find(from), this.find(to)]
    if (nature(a) !== nature(b)) throw new SetFault(from!.column, 'sets of different types cannot be swapped')
    a.name = to!.text
    b.name = from!.text
    this.#replace(new Map([...this.sets].map(([key, value]) => [key, value === a ? b : value === b ? a : value])))
  }

  #replace(sets: ReadonlyMap<string, OpenSet>): void {
    this.sets.clear()
    for (const [name, set] of sets) this.sets.set(name, set)
  }

  /** Carries out one line; true when the text ends here. */
  run(text: string): boolean {
    const all = words(text)
    const exist = all.some((w) => EXIST.has(w.text))
    const line = all.filter((w) => !EXIST.has(w.text))
    const command = line[0]
    if (command === undefined || command.text.startsWith('#') || command.text === 'COMMIT') return false
    if (command.text === 'quit') return true
    switch (Object.hasOwn(COMMANDS, command.text) ? COMMANDS[command.text] : undefined) {
      case 'create':
        this.create(line, exist)
        break
      case 'add':
        this.find(line[1]).add(line, exist, (name) => this.find(name))
        break
      case 'del':
        this.find(line[1]).delete(line, exist)
        break
      case 'flush':
        if (line[1] !== undefined) this.find(line[1]).flush()
        else for (const set of this.sets.values()) set.flush()
        break
      case 'destroy':
        this.destroy(line[1])
        break
      case 'rename':
        this.rename(line[1], line[2])
        break
      case 'swap':
        this.swap(line[1], line[2])
        break
      default:
        throw new SetFault(
          command.column,
          `unknown command ${quoted(command.text)}; \`create\` or \`add\` was expected (or del, flush, destroy, rename, swap)`,
        )
    }
    return false
  }
}

/** With -exist, a set may be created again as it is; its present size and its hash do not count. */
function sameSet(set: OpenSet, type: string, options: Readonly<Record<string, string>>): boolean {
  const keys = set.kind.options.filter((key) => !['hashsize', 'bucketsize', 'initval', 'forceadd'].includes(key))
  return set.type === type && keys.every((key) => set.options[key] === options[key])
}

/**
 * Reads `ipset save` or a script for `ipset restore`: the sets at its end, lists last. What the kernel or ipset would
 * refuse (an element twice, a full set, a list in a list, …) is a fault with its line, as are unknown set types, options
 * and commands. Throws a FaultError.
 */
export function readIpsets(text: string, options: ReadOptions): IpSet[] {
  const session = new Session()
  const faults: Fault[] = []
  for (const [i, raw] of text.split('\n').entries()) {
    try {
      if (session.run(raw)) break
    } catch (error) {
      if (!(error instanceof SetFault)) throw error
      faults.push({ file: options.file, line: i + 1, column: error.column, message: error.message })
    }
  }
  if (faults.length > 0) throw new FaultError(faults)
  const sets = [...session.sets.values()]
  const isList = (set: OpenSet): boolean => set.type === 'list:set'
  return [...sets.filter((s) => !isList(s)), ...sets.filter(isList)].map((set) => ({
    name: set.name,
    type: set.type,
    family: set.family,
    entries: set.entries,
    options: set.options,
  }))
}
