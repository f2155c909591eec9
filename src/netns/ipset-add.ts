// One set while its text is read: elements by key, as the kernel keeps them (no two alike, no more than maxelem).
// Owns what `add`, `del` and `flush` do to it. Spec: ipset(8) 7.17; kernel net/netfilter/ipset/ip_set_hash_gen.h
// (mtype_add, mtype_del), ip_set_bitmap_gen.h, ip_set_list_set.c (list_set_uadd, list_set_udel).
import { parseAddress } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import { quoted } from './fields.js'
import { combine, type ElementScene, partChoices, SetFault, splitElement, type Word } from './ipset-element.js'
import { type Draft, readExtension, whole } from './ipset-extension.js'
import { addressMask } from './ipset-options.js'
import { DEFAULT_MAXELEM, MAX_TIMEOUT, type SetType } from './ipset-types.js'
import type { SetEntry, SetPart } from './model.js'

/** Where a member of a list goes. */
interface Position {
  readonly where: 'before' | 'after'
  readonly other: Word
}

/** Options of an element that need an option of their set. */
const NEEDS: Readonly<Record<string, string>> = {
  timeout: 'timeout',
  packets: 'counters',
  bytes: 'counters',
  comment: 'comment',
  skbmark: 'skbinfo',
  skbprio: 'skbinfo',
  skbqueue: 'skbinfo',
}

function partKey(p: SetPart): string {
  switch (p.part) {
    case 'net':
      return p.prefix
    case 'port':
      return `${p.proto}:${p.port}`
    case 'mark':
      return String(p.mark)
    case 'iface':
      return p.physdev ? 'physdev' : ''
    case 'mac':
      return p.mac
    case 'set':
      return p.name
  }
}

function keyOf(parts: readonly SetPart[]): string {
  return parts.map(partKey).join()
}

/** A set that is being read. */
export class OpenSet {
  name: string
  readonly type: string
  readonly kind: SetType
  readonly family: Family
  readonly options: Record<string, string>
  readonly #scene: ElementScene
  /** By key; several only for interfaces of one network. */
  readonly #elements = new Map<string, SetEntry[]>()
  #count = 0
  /** Members of a list, in order. */
  #members: SetEntry[] = []

  constructor(name: string, type: string, kind: SetType, family: Family, options: Record<string, string>) {
    this.name = name
    this.type = type
    this.kind = kind
    this.family = family
    this.options = options
    const netmask = family === 'ipv4' ? Number(options['netmask'] ?? 32) : 32
    this.#scene = { type, family, mask: addressMask(options, family), step: 2 ** (32 - netmask) }
  }

  get entries(): SetEntry[] {
    return this.type === 'list:set' ? this.#members : [...this.#elements.values()].flat()
  }

  /** Names of the sets that it lists. */
  get members(): string[] {
    return this.#members.flatMap((e) => e.parts.flatMap((p) => (p.part === 'set' ? [p.name] : [])))
  }

  /** Another name for a set that it lists. */
  renameMember(from: string, to: string): void {
    this.#members = this.#members.map((e) =>
      e.parts.some((p) => p.part === 'set' && p.name === from) ? { ...e, parts: [{ part: 'set', name: to }] } : e,
    )
  }

  flush(): void {
    this.#elements.clear()
    this.#members = []
    this.#count = 0
  }

  /** `add SET ELEMENT [OPTIONS]`; `exist`: what is there already is overwritten. `find` looks up other sets. */
  add(line: readonly Word[], exist: boolean, find: (name: Word) => OpenSet): void {
    const element = line[2]
    if (element === undefined) throw new SetFault(1, '`add NAME ELEMENT [OPTIONS]` was expected')
    const { draft, position, wildcard } = this.#optionsOf(line.slice(3))
    if (this.type === 'list:set') {
      this.#addMember(element, draft, position, exist, find)
      return
    }
    for (const parts of this.#elementsOf(element)) {
      const last = parts.at(-1)
      if (wildcard && last?.part === 'iface') parts[parts.length - 1] = { ...last, wildcard }
      this.#put(element, { ...draft, parts }, exist)
    }
  }

  /** `del SET ELEMENT`; `exist`: what is not there is no fault. */
  delete(line: readonly Word[], exist: boolean): void {
    const element = line[2]
    if (element === undefined) throw new SetFault(1, '`del NAME ELEMENT` was expected')
    if (this.type === 'list:set') {
      const kept = this.#members.filter((e) => keyOf(e.parts) !== element.text)
      if (kept.length === this.#members.length && !exist)
        throw new SetFault(element.column, `${quoted(element.text)} is not in the set`)
      this.#members = kept
      return
    }
    for (const parts of this.#elementsOf(element)) {
      const key = this.#key(parts)
      const found = this.#find(key, parts)
      if (found === undefined) {
        if (exist) continue
        throw new SetFault(element.column, `${quoted(element.text)} is not in the set`)
      }
      const left = this.#elements.get(key)!.filter((e) => e !== found)
      if (left.length > 0) this.#elements.set(key, left)
      else this.#elements.delete(key)
      this.#count--
    }
  }

  #key(parts: readonly SetPart[]): string {
    return keyOf(this.type === 'bitmap:ip,mac' ? parts.slice(0, 1) : parts)
  }

  /** What the kernel finds equal: a wildcard that is there stands for every name that begins so. */
  #find(key: string, parts: readonly SetPart[]): SetEntry | undefined {
    const list = this.#elements.get(key)
    const iface = parts.find((p) => p.part === 'iface')
    if (iface === undefined) return list?.[0]
    return list?.find((e) => {
      const own = e.parts.find((p) => p.part === 'iface')
      if (own === undefined) return false
      return own.wildcard ? iface.name.startsWith(own.name) : iface.name === own.name
    })
  }

  #put(word: Word, entry: SetEntry, exist: boolean): void {
    const key = this.#key(entry.parts)
    const old = this.#find(key, entry.parts)
    if (old !== undefined) {
      if (!exist) throw new SetFault(word.column, `${quoted(word.text)} is in the set already`)
      const { packets, bytes } = old
      const counters = { ...(packets === undefined ? {} : { packets }), ...(bytes === undefined ? {} : { bytes }) }
      // A bitmap's element takes the Ethernet address that is given, and keeps its own when none is.
      const bare = this.type === 'bitmap:ip,mac' && entry.parts.length === 1
      const parts = this.type === 'bitmap:ip,mac' && !bare ? entry.parts : old.parts
      const list = this.#elements.get(key)!
      list[list.indexOf(old)] = { ...counters, ...entry, parts }
      return
    }
    if (this.type.startsWith('hash:') && this.#count >= Number(this.options['maxelem'] ?? DEFAULT_MAXELEM))
      throw new SetFault(word.column, `the set is full: it has maxelem elements already`)
    this.#count++
    const list = this.#elements.get(key)
    if (list === undefined) this.#elements.set(key, [entry])
    else list.push(entry)
  }

  #addMember(
    word: Word,
    draft: Omit<SetEntry, 'parts'>,
    position: Position | undefined,
    exist: boolean,
    find: (name: Word) => OpenSet,
  ): void {
    if (find(word).type === 'list:set') throw new SetFault(word.column, 'a list:set cannot be in a list:set')
    if (position !== undefined) find(position.other)
    const entry: SetEntry = { ...draft, parts: [{ part: 'set', name: word.text }] }
    const names = this.members
    const at = position === undefined ? names.length : names.indexOf(position.other.text)
    if (at < 0) throw new SetFault(position!.other.column, `${quoted(position!.other.text)} is not in the list`)
    const old = names.indexOf(word.text)
    if (old >= 0) {
      if (!exist) throw new SetFault(word.column, `${quoted(word.text)} is in the list already`)
      this.#members[old] = entry
      return
    }
    this.#members.splice(position?.where === 'after' ? at + 1 : at, 0, entry)
  }

  /** Everything that an element's text stands for. */
  #elementsOf(word: Word): SetPart[][] {
    const texts = splitElement(word, this.kind.parts, this.type)
    const elements = combine(
      texts.map((part, i) => partChoices(part, this.kind.parts[i]!, this.#scene)),
      word.column,
    )
    for (const parts of elements) this.#refuse(word, parts)
    return elements
  }

  #refuse(word: Word, parts: readonly SetPart[]): void {
    const [first] = parts
    if (first?.part === 'net' && this.kind.noZero && /^(0\.0\.0\.0|::)\//.test(first.prefix))
      throw new SetFault(word.column, `${quoted(word.text)}: the address of nobody cannot be in a ${this.type}`)
    const mac = parts.find((p) => p.part === 'mac')
    if (mac !== undefined && this.type.startsWith('hash:') && mac.mac === '00:00:00:00:00:00')
      throw new SetFault(word.column, `${quoted(word.text)}: an Ethernet address of zeros cannot be in a ${this.type}`)
    const range = this.options['range']
    if (range === undefined || first === undefined) return
    const [from, to] = range.split('-') as [string, string]
    const at = first.part === 'port' ? first.port : first.part === 'net' ? addressNumber(first.prefix) : 0
    const low = first.part === 'port' ? Number(from) : addressNumber(from)
    const high = first.part === 'port' ? Number(to) : addressNumber(to)
    if (at < low || at > high)
      throw new SetFault(word.column, `${quoted(word.text)} is outside the range ${range} of the set`)
  }

  #optionsOf(words: readonly Word[]): {
    readonly draft: Omit<SetEntry, 'parts'>
    readonly position: Position | undefined
    readonly wildcard: boolean
  } {
    const draft: Omit<Draft, 'parts'> = { nomatch: false }
    let position: Position | undefined
    let wildcard = false
    let timeout = Number(this.options['timeout'] ?? 0)
    for (let i = 0; i < words.length; i++) {
      const option = words[i]!
      const name = option.text
      const unknown = (): never => {
        throw new SetFault(option.column, `unknown option ${quoted(name)} of an element of ${this.type}`)
      }
      if (name === 'nomatch' && this.kind.nomatch) {
        draft.nomatch = true
        continue
      }
      if (name === 'wildcard' && this.type === 'hash:net,iface') {
        wildcard = true
        continue
      }
      const value = words[++i]
      const ordered = name === 'before' || name === 'after'
      if (NEEDS[name] === undefined && !ordered) return unknown()
      if (value === undefined) throw new SetFault(option.column, `${quoted(name)} needs a value`)
      if (ordered) {
        if (this.type !== 'list:set') return unknown()
        position = { where: name, other: value }
        continue
      }
      if (this.options[NEEDS[name]!] === undefined)
        throw new SetFault(option.column, `${quoted(name)} needs a set with the option ${NEEDS[name]}`)
      if (name === 'timeout') timeout = whole(value, MAX_TIMEOUT)
      else readExtension(draft, name, value)
    }
    // A timeout of 0 is "for ever" in a set with timeouts.
    if (timeout > 0) draft.timeout = timeout
    return { draft, position, wildcard }
  }
}

function addressNumber(text: string): number {
  return parseAddress(text.split('/')[0]!)!.words[0]
}
