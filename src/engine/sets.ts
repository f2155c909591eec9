// The ipsets as they stand in the core: its elements back into the words of netns/model.ts.
// Owns the decoding of elements (layout.ts, SET_*); what an element was at the start is taken from the namespace.
import * as L from '../../assembly/layout.js'
import type { Image } from '../compile/image.js'
import { formatAddress, type Words } from '../net/ip.js'
import type { IpSet, SetEntry, SetPart } from '../netns/model.js'
import type { CoreExports } from './core.js'

interface Scene {
  readonly view: DataView
  readonly elements: number
  readonly now: number | null
  readonly links: readonly string[]
}

/** What is left of a timeout, seconds; undefined: for ever. `now` null: when it ends, exactly, as a namespace has it. */
function left(end: number, now: number | null): number | undefined {
  if (!Number.isFinite(end)) return undefined
  return now === null ? end / 1000 : Math.max(1, Math.floor((end - now) / 1000))
}

function address(view: DataView, at: number, set: IpSet, length: number): SetPart {
  const words = [0, 4, 8, 12].map((o) => view.getUint32(at + o, true)) as unknown as Words
  return { part: 'net', prefix: `${formatAddress({ family: set.family, words })}/${length}` }
}

/** The parts of an element that a rule added. */
function addedParts({ view, links }: Scene, at: number, set: IpSet, lengths: readonly [number, number]): SetPart[] {
  const port = view.getUint32(at + L.SET_ENTRY_PORT_OFF, true)
  let addresses = 0
  return set.type
    .split(':')[1]!
    .split(',')
    .map((kind): SetPart => {
      switch (kind) {
        case 'ip':
        case 'net': {
          const n = addresses++
          return address(view, at + (n === 0 ? L.SET_ENTRY_ADDR1_OFF : L.SET_ENTRY_ADDR2_OFF), set, lengths[n]!)
        }
        case 'port':
          return { part: 'port', proto: set.type === 'bitmap:port' ? 0 : port >>> 16, port: port & 0xffff }
        case 'mark':
          return { part: 'mark', mark: port }
        default:
          return { part: 'iface', name: links[view.getUint32(at + L.SET_ENTRY_IFACE_OFF, true)] ?? '' }
      }
    })
}

function extensions({ view, now }: Scene, at: number, set: IpSet, origin: SetEntry | undefined): Partial<SetEntry> {
  const timeout = left(view.getFloat64(at + L.SET_ENTRY_END_OFF, true), now)
  const counted = set.options['counters'] !== undefined
  const renewed = (view.getUint32(at + L.SET_ENTRY_FLAGS_OFF, true) & L.ENTRY_RENEWED) !== 0
  const {
    packets: _p,
    bytes: _b,
    timeout: _t,
    parts: _parts,
    nomatch: _n,
    ...rest
  } = origin ?? { parts: [], nomatch: false }
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(counted
      ? {
          packets: view.getBigUint64(at + L.SET_ENTRY_PACKETS_OFF, true),
          bytes: view.getBigUint64(at + L.SET_ENTRY_PBYTES_OFF, true),
        }
      : {}),
    ...(renewed ? {} : rest),
  }
}

function element(
  scene: Scene,
  at: number,
  set: IpSet,
  lengths: (shape: number) => readonly [number, number],
): SetEntry {
  const { view } = scene
  const number = view.getUint32(at + L.SET_ENTRY_ORIGIN_OFF, true)
  const origin = number === 0 ? undefined : set.entries[number - 1]
  const shape = view.getUint32(at + L.SET_ENTRY_SHAPE_OFF, true) & 0xffff
  return {
    parts: origin?.parts ?? addedParts(scene, at, set, lengths(shape)),
    nomatch: (view.getUint32(at + L.SET_ENTRY_FLAGS_OFF, true) & L.ENTRY_NOMATCH) !== 0,
    ...extensions(scene, at, set, origin),
  }
}

/** A set that rules change or count. */
function liveSet(scene: Scene, record: number, set: IpSet, shapes: number): SetEntry[] {
  const { view } = scene
  const word = (offset: number): number => view.getUint32(record + offset, true)
  const found: SetEntry[] = []
  const lengths = (shape: number): readonly [number, number] => {
    const at = shapes + (word(L.SET_SHAPES_OFF) + shape) * L.SET_SHAPE_BYTES
    return [view.getUint32(at + L.SET_SHAPE_LENGTH1_OFF, true), view.getUint32(at + L.SET_SHAPE_LENGTH2_OFF, true)]
  }
  const take = (at: number): void => {
    if (scene.now === null || scene.now <= view.getFloat64(at + L.SET_ENTRY_END_OFF, true))
      found.push(element(scene, at, set, lengths))
  }
  if (word(L.SET_KIND_OFF) === L.SET_KIND_LIST) {
    const first = word(L.SET_AT_ENTRIES_OFF)
    for (let i = 1; i <= word(L.SET_COUNT_OFF); i++) take(first + i * L.SET_WIDE_BYTES)
    return found
  }
  const chain = (first: number): void => {
    for (let n = first; n !== 0; ) {
      const at = scene.elements + n * L.SET_WIDE_BYTES
      take(at)
      n = view.getUint32(at + L.SET_ENTRY_NEWER_OFF, true)
    }
  }
  if (scene.now === null) chain(word(L.SET_GONE_HEAD_OFF))
  chain(word(L.SET_HEAD_OFF))
  return found
}

/** A set that nothing but the clock changes. */
function stillSet(set: IpSet, now: number | null): SetEntry[] {
  if (now === null) return [...set.entries]
  const counted = set.options['counters'] !== undefined
  // The same element twice: the one that was added last, in the place of the first.
  const entries = new Map(set.entries.map((e) => [JSON.stringify(e.parts), e]))
  return [...entries.values()]
    .filter((e) => e.timeout === undefined || now <= e.timeout * 1000)
    .map(({ timeout, packets = 0n, bytes = 0n, ...rest }) => ({
      ...rest,
      ...(timeout === undefined ? {} : { timeout: left(timeout * 1000, now)! }),
      ...(counted ? { packets, bytes } : {}),
    }))
}

/**
 * All sets of the namespace that the image was compiled from. `exact`: timeouts as a namespace has them, from clock 0 on,
 * and what timed out and left its place comes first.
 */
export function readSets(core: CoreExports, image: Image, sets: readonly IpSet[], exact = false): IpSet[] {
  const view = new DataView(core.memory.buffer)
  const indexes = new Map(image.symbols.sets.map((name, i) => [name, i]))
  const scene = { view, elements: core.setElements() >>> 0, now: exact ? null : core.now(), links: image.symbols.links }
  const first = new Map<string, IpSet>()
  for (const set of sets) if (!first.has(set.name)) first.set(set.name, set)
  return [...first.values()].map((set) => {
    const index = indexes.get(set.name)
    const record = (core.setRecords() >>> 0) + (index ?? 0) * L.SET_BYTES
    const live = index !== undefined && (view.getUint32(record + L.SET_FLAGS_OFF, true) & L.SET_LIVE) !== 0
    return { ...set, entries: live ? liveSet(scene, record, set, core.setShapes() >>> 0) : stillSet(set, scene.now) }
  })
}
