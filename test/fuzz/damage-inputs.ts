// Damages inputs for some time: `node --import tsx test/fuzz/damage-inputs.ts SECONDS [SEED [KIND]]`. FUZZ_SEEDS: a folder
// of more rule files. Prints what became of them; ends with 1 and the seeds of the cases that did harm. The case at work
// stands in the file that FUZZ_CASE names.
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Dice } from './damaged-images.js'
import { kinds, tryOnce } from './damaged-inputs.js'

const seconds = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? 1)
const only = process.argv[4]
const note = process.env['FUZZ_CASE'] === undefined ? null : openSync(process.env['FUZZ_CASE'], 'w')
const folder = process.env['FUZZ_SEEDS']
const more =
  folder === undefined
    ? []
    : readdirSync(folder)
        .filter((f) => /\.(rules|saved)$/.test(f))
        .map((f) => new Uint8Array(readFileSync(join(folder, f))))
const all = kinds(more).filter((kind) => only === undefined || kind.name.includes(only))
const FAILURES = 20

const failures = new Map<string, string>()
let cases = 0
let refused = 0
let slowest = 0
let slowestCase = ''
const started = performance.now()
for (let i = 0; performance.now() - started < seconds * 1000 && failures.size < FAILURES; i++) {
  const kind = all[i % all.length]!
  const name = `seed ${seed} case ${i} (${kind.name})`
  if (note !== null) writeSync(note, `${name.padEnd(100)}\n`, 0)
  const begin = performance.now()
  try {
    if (tryOnce(kind, new Dice(i + seed * 7919)) === 'refused') refused++
  } catch (error) {
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const place = shown.match(/\n\s+at .*/)?.[0] ?? shown
    if (!failures.has(place))
      failures.set(
        place,
        `${name}: ${error instanceof Error ? error.message : ''} ${shown
          .split('\n')
          .filter((l) => /^\s+at /.test(l))
          .slice(0, 4)
          .join('\n')}`,
      )
  }
  cases++
  const took = performance.now() - begin
  if (took > slowest) {
    slowest = took
    slowestCase = name
  }
}
const took = Math.round(performance.now() - started) / 1000
process.stdout.write(
  `${JSON.stringify({ cases, seed, refused, taken: cases - refused - failures.size, seconds: took, slowest_ms: Math.round(slowest), slowest: slowestCase })}\n`,
)
for (const text of failures.values()) process.stdout.write(`FAILED ${text}\n`)
process.exitCode = failures.size > 0 ? 1 : 0
