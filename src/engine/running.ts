// The image in force and what is done to it: put into the core's memory, exchanged, or changed where it lies.
// Owns which of the two a swap of rules takes, and where the counters of chains lie.
import { compile, compilePatchable } from '../compile/compile.js'
import type { CompileOptions } from '../compile/context.js'
import type { Image } from '../compile/image.js'
import type { RulesPatcher } from '../compile/patch.js'
import type { Chain, Ruleset } from '../netfilter/model.js'
import type { NetworkNamespace } from '../netns/model.js'
import type { CoreExports } from './core.js'
import { countersInOrder } from './counters.js'
import { applyPatch } from './patch.js'
import { readSets } from './sets.js'
import { exchange, type Place, Rooms } from './swap.js'

/** Room that rules get from the first swap on, when none was asked for. */
const USUAL_ROOM = 0.25

function isImage(source: Image | NetworkNamespace): source is Image {
  return 'bytes' in source
}

/** An image that runs. */
export class RunningImage {
  readonly #core: CoreExports
  readonly #compiling: CompileOptions
  readonly #room: number
  readonly #rooms: Rooms
  #image: Image
  #place: Place
  /** Knows where chains lie; null: they lie in order, and none can be exchanged where it is. */
  #patcher: RulesPatcher | null = null
  #canPatch = false
  #patches = 0
  /** What `fresh` gave last. */
  #shown: { readonly of: Image; readonly as: Image } | null = null

  /** Compiles (or takes) the image and puts it into memory; the core does not know of it yet. */
  constructor(core: CoreExports, source: Image | NetworkNamespace, compiling: CompileOptions, room?: number) {
    this.#core = core
    this.#compiling = compiling
    this.#room = room ?? USUAL_ROOM
    this.#rooms = new Rooms(core)
    if (room !== undefined && !isImage(source)) {
      const { image, patcher } = compilePatchable(source, { ...compiling, room })
      this.#image = image
      this.#patcher = patcher
      this.#canPatch = true
    } else this.#image = isImage(source) ? source : compile(source, compiling)
    const { bytes } = this.#image
    const at = core.allocate(bytes.byteLength) >>> 0
    if (at === 0) throw new RangeError(`no memory for an image of ${bytes.byteLength} bytes`)
    new Uint8Array(core.memory.buffer).set(bytes, at)
    this.#place = { image: { at, bytes: bytes.byteLength }, state: { at: 0, bytes: 0 } }
  }

  /** Where it lies, for the core to load it. */
  get at(): number {
    return this.#place.image.at
  }

  /** The core has loaded it and made its state. */
  loaded(): void {
    const { image } = this.#place
    const core = this.#core
    this.#place = { image, state: { at: core.counters() >>> 0, bytes: core.stateBytes(image.at) >>> 0 } }
  }

  /** What runs: its bytes and symbols are those in force, also after changes. */
  get image(): Image {
    return this.#image
  }

  /** Times that rules were exchanged where they lie since it was compiled. */
  get patches(): number {
    return this.#patches
  }

  get namespace(): NetworkNamespace {
    const { namespace } = this.#image
    if (namespace === null) throw new Error('this needs the namespace that the image was compiled from')
    return namespace
  }

  /** The index of a chain's counter; those of its rules follow. */
  counterOf(): (chain: Chain) => number {
    const patcher = this.#patcher
    return patcher === null ? countersInOrder(this.namespace.rulesets) : (chain) => patcher.counterOf(chain)
  }

  /** Puts other rules in force. Returns the indexes of the chains that were changed; null: all is another image. */
  swap(rulesets: readonly Ruleset[]): readonly number[] | null {
    const before = this.#image
    const old = this.namespace
    const patch = this.#canPatch ? this.#patcher!.patch(old.rulesets, rulesets) : null
    if (patch !== null) {
      applyPatch(this.#core, this.at, before, patch)
      this.#image = { ...before, namespace: { ...old, rulesets } }
      this.#patches++
      return patch.chains
    }
    // It is of no use any more, but still knows where the chains lie, should the rules be refused.
    this.#canPatch = false
    const states = this.#patcher?.states ?? before.states
    const sets = readSets(this.#core, before, old.sets, true)
    const { image, patcher } = compilePatchable(
      { ...old, rulesets, sets },
      {
        ...this.#compiling,
        room: this.#room,
        recents: before.symbols.recents ?? [],
        hashlimits: before.symbols.hashlimits ?? [],
        attached: before.symbols.attached ?? [],
      },
    )
    this.#place = exchange(this.#core, this.#rooms, this.#place, { ...before, states }, image, this.counterOf())
    this.#image = image
    this.#patcher = patcher
    this.#canPatch = true
    this.#patches = 0
    return null
  }

  /**
   * An image that says what is in force, and goes on to say it whatever comes into force later. One that has room for
   * changes is not given away: it changes, and the room in it is nobody else's to read.
   */
  fresh(): Image {
    const image = this.#image
    if (this.#patcher === null) return image
    if (this.#shown?.of !== image) {
      const { recents = [], hashlimits = [] } = image.symbols
      this.#shown = { of: image, as: compile(this.namespace, { ...this.#compiling, recents, hashlimits }) }
    }
    return this.#shown.as
  }
}
