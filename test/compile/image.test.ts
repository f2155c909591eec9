// The image container: layout, checksum, reading back, and refusal of everything that is not a whole image.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as L from '../../assembly/layout.js'
import { checkImage, ImageError, readImage } from '../../src/compile/check.js'
import { compile } from '../../src/compile/compile.js'
import { ImageWriter, imageChecksum, type Symbols, sectionTable, sectionWords } from '../../src/compile/image.js'
import { namespaceOf, namespaces } from '../engine/rules-arbitrary.js'

const test = suite('compile/image')

const symbols: Symbols = { name: 'n', links: [''], files: [], chains: [], sets: [] }
const header = { flags: 3, counters: 0, depth: 0, stateBytes: 0, links: 0 }
/** The same bytes with one word changed and the checksum set right again. */
function withWord(bytes: Uint8Array, word: number, value: number): Uint8Array {
  const copy = bytes.slice()
  const words = new Uint32Array(copy.buffer)
  words[word] = value
  words[L.IMAGE_CHECKSUM_OFF >>> 2] = imageChecksum(copy)
  return copy
}

test('sections lie in order of their ids, aligned to 64 bytes', () => {
  const writer = new ImageWriter()
  writer.section(40, new Uint32Array([7, 8]))
  writer.section(3, new Uint8Array([1, 2, 3]))
  writer.section(9, new Uint8Array(0))
  const bytes = writer.finish(header, symbols)
  const table = sectionTable(bytes)
  assert.equal([...table.keys()], [L.SECTION_SYMBOLS, 3, 40])
  // header 64, table 3 * 16 -> 112 -> 128; the symbols' JSON is between 1 and 64 bytes -> 192; then 256
  assert.equal(table.get(L.SECTION_SYMBOLS)?.offset, 128)
  assert.equal(table.get(3), { offset: 192, bytes: 3 })
  assert.equal(table.get(40), { offset: 256, bytes: 8 })
  assert.is(bytes.length, 320)
  assert.equal([...sectionWords(bytes, 40)], [7, 8])
  assert.equal([...bytes.subarray(0, 4)], [0x2e, 0x4e, 0x50, 0x31])
})

test('an id is taken once and has bounds', () => {
  const writer = new ImageWriter()
  writer.section(2, new Uint8Array(1))
  assert.throws(() => writer.section(2, new Uint8Array(1)), /section 2 was already written/)
  assert.throws(() => writer.section(0, new Uint8Array(1)), RangeError)
  assert.throws(() => writer.section(64, new Uint8Array(1)), RangeError)
})

test('what is no whole image is refused', () => {
  const { bytes } = compile(namespaceOf([], []))
  checkImage(bytes)
  const refused = (b: Uint8Array, message: RegExp): void => {
    try {
      checkImage(b)
    } catch (error) {
      assert.instance(error, ImageError)
      assert.match((error as Error).message, message)
      return
    }
    assert.unreachable('it was not refused')
  }
  refused(new Uint8Array(0), /too short/)
  refused(new Uint8Array(640), /begins otherwise/)
  refused(bytes.slice(0, bytes.length - 64), /cut off/)
  refused(withWord(bytes, L.IMAGE_ABI_OFF >>> 2, 999), /version 999/)
  const flipped = bytes.slice()
  flipped[bytes.length - 1] = 1
  refused(flipped, /checksum/)
})

test('equal namespaces give equal bytes, and bytes alone are the whole image', () => {
  fc.assert(
    fc.property(namespaces, (ns) => {
      const image = compile(ns)
      assert.equal(compile(ns).bytes, image.bytes)
      const read = readImage(image.bytes.slice())
      assert.equal(read.symbols, JSON.parse(JSON.stringify(image.symbols)))
    }),
    { numRuns: 30 },
  )
})

test('an image with one word changed is refused or stays inside: never another error', () => {
  let refusals = 0
  fc.assert(
    fc.property(
      namespaces,
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(70), fc.integer({ min: 0, max: 0xffffffff }))), {
        minLength: 20,
        maxLength: 20,
      }),
      (ns, changes) => {
        const { bytes } = compile(ns)
        for (const [where, value] of changes) {
          try {
            checkImage(withWord(bytes, where % (bytes.length >>> 2), value))
          } catch (error) {
            refusals++
            assert.instance(error, ImageError)
          }
        }
      },
    ),
    { numRuns: 40 },
  )
  assert.ok(refusals > 20, `only ${refusals} of 800 changes were noticed`)
})

test.run()
