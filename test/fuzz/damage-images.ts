// Damages images for some time: `node --import tsx test/fuzz/damage-images.ts COUNT [SEED]`. Prints what became of
// them; ends with 1 and the seeds of the cases that did harm. Before a survivor runs, its case stands in the file that
// FUZZ_CASE names, so that whoever stops a hang knows which one it was.
import { openSync, writeSync } from 'node:fs'
import { bases, Dice, damaged, type Fate, fate } from './damaged-images.js'

const count = Number(process.argv[2] ?? 20_000)
const seed = Number(process.argv[3] ?? 1)
const note = process.env['FUZZ_CASE'] === undefined ? null : openSync(process.env['FUZZ_CASE'], 'w')

/** New images as often; sampling is slow beside damaging. */
const EACH = 5000
const FAILURES = 20

const fates: Record<Fate, number> = { refused: 0, harmless: 0, unchanged: 0 }
const failures = new Map<string, string>()
let slowest = 0
let slowestCase = ''
const started = performance.now()
let all: ReturnType<typeof bases> = []
for (let i = 0; i < count && failures.size < FAILURES; i++) {
  const round = seed + Math.floor(i / EACH)
  if (i % EACH === 0) all = bases(3, round)
  const base = all[i % all.length]!
  const bytes = damaged(base.image.bytes, new Dice(i + seed * 7919))
  const name = `seed ${seed} case ${i} (${base.name})`
  const begin = performance.now()
  try {
    fates[fate(base, bytes, () => note !== null && writeSync(note, `${name.padEnd(100)}\n`, 0))]++
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const place = text
      .split('\n')
      .slice(0, 4)
      .join('\n')
      .replace(/wasm:\/\/[^ )]*/g, 'wasm')
    if (!failures.has(place)) failures.set(place, name)
  }
  const took = performance.now() - begin
  if (took > slowest) {
    slowest = took
    slowestCase = name
  }
}
const seconds = (performance.now() - started) / 1000
process.stdout.write(
  `${JSON.stringify({ count, seed, ...fates, seconds: Math.round(seconds * 10) / 10, slowest_ms: Math.round(slowest), slowest: slowestCase })}\n`,
)
for (const [text, name] of failures) process.stdout.write(`FAILED ${name}: ${text}\n`)
process.exitCode = failures.size > 0 ? 1 : 0
