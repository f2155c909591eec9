// A patch put into force: words of the image, here and in linear memory, and the counters that stay or start anew.
import { IMAGE_FLAGS_OFF } from '../../assembly/layout.js'
import { type Image, sectionTable } from '../compile/image.js'
import type { RulesPatch } from '../compile/patch-model.js'
import type { CoreExports } from './core.js'

/** `at`: where the image lies in the core's memory. */
export function applyPatch(core: CoreExports, at: number, image: Image, patch: RulesPatch): void {
  const { buffer } = core.memory
  const sections = sectionTable(image.bytes)
  const here = new Uint32Array(image.bytes.buffer, image.bytes.byteOffset, image.bytes.byteLength >>> 2)
  const there = new Uint32Array(buffer, at, image.bytes.byteLength >>> 2)
  for (const { section, at: word, words } of patch.writes) {
    const to = (sections.get(section)!.offset >>> 2) + word
    here.set(words, to)
    there.set(words, to)
  }
  here[IMAGE_FLAGS_OFF >>> 2] = patch.flags
  there[IMAGE_FLAGS_OFF >>> 2] = patch.flags
  const counters = new BigUint64Array(buffer, core.counters() >>> 0)
  const { kept, zeroed, fresh } = patch
  const values = new BigUint64Array(kept.length * 2)
  for (const [i, { from }] of kept.entries()) {
    values[2 * i] = counters[2 * from]!
    values[2 * i + 1] = counters[2 * from + 1]!
  }
  for (const [i, { to }] of kept.entries()) {
    counters[2 * to] = values[2 * i]!
    counters[2 * to + 1] = values[2 * i + 1]!
  }
  for (const [from, count] of zeroed) counters.fill(0n, 2 * from, 2 * (from + count))
  for (const { at: to, counters: start } of fresh) {
    counters[2 * to] = start.packets
    counters[2 * to + 1] = start.bytes
  }
}
