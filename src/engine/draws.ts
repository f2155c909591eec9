// Draws that are given instead of drawn: the table in the core's memory that assembly/random.ts asks first.
// Owns its allocation and filling. Until the first draw is given there is no table.
import {
  FORCED_BYTES,
  FORCED_COUNT_OFF,
  FORCED_DRAWS_AT,
  FORCED_FIRST_OFF,
  FORCED_N_OFF,
  FORCED_PURPOSE_OFF,
  FORCED_VALUE_OFF,
} from '../../assembly/layout.js'
import type { CoreExports } from './core.js'

/** The n-th draw of a purpose within a packet, as 64 bits. */
export interface ForcedDraw {
  readonly purpose: number
  readonly n: number
  readonly value: bigint
}

/** Room of the first table; a longer one takes the place of one that is too short. */
const FIRST_CAPACITY = 64

export class ForcedDraws {
  readonly #core: CoreExports
  #table = 0
  #capacity = 0

  constructor(core: CoreExports) {
    this.#core = core
  }

  set(draws: readonly ForcedDraw[]): void {
    if (draws.length > this.#capacity) this.#grow(draws.length)
    const view = new DataView(this.#core.memory.buffer)
    view.setUint32(FORCED_DRAWS_AT, draws.length === 0 ? 0 : this.#table, true)
    if (draws.length === 0) return
    view.setUint32(this.#table + FORCED_COUNT_OFF, draws.length, true)
    for (const [i, { purpose, n, value }] of draws.entries()) {
      const at = this.#table + FORCED_FIRST_OFF + i * FORCED_BYTES
      view.setUint32(at + FORCED_PURPOSE_OFF, purpose, true)
      view.setUint32(at + FORCED_N_OFF, n, true)
      view.setBigUint64(at + FORCED_VALUE_OFF, value, true)
    }
  }

  #grow(count: number): void {
    const capacity = Math.max(FIRST_CAPACITY, this.#capacity * 2, count)
    const table = this.#core.allocate(FORCED_FIRST_OFF + capacity * FORCED_BYTES) >>> 0
    if (table === 0) throw new RangeError(`no memory for ${count} draws`)
    this.#table = table
    this.#capacity = capacity
  }
}
