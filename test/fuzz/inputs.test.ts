// Damaged inputs are refused with a place or taken and work: a child process damages them for some seconds, so that a
// crash or a hang is that child's. scripts/nightly.sh does it for long, also on images.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SEED } from '../property/support.js'

const test = suite('fuzz: damaged inputs')
const script = fileURLToPath(new URL('./damage-inputs.ts', import.meta.url))
const SECONDS = 8

test(`${SECONDS} seconds of damaged inputs: a fault or a result`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
  const note = join(dir, 'case')
  try {
    const run = spawnSync(
      process.execPath,
      ['--import', 'tsx', script, String(SECONDS), String(Math.abs(SEED) % 1_000_000)],
      { encoding: 'utf8', timeout: 300_000, killSignal: 'SIGKILL', env: { ...process.env, FUZZ_CASE: note } },
    )
    if (run.error) assert.unreachable(`stopped at ${readFileSync(note, 'utf8').trim()}`)
    const lines = run.stdout.trim().split('\n')
    const summary = lines.find((line) => line.startsWith('{')) ?? '{}'
    process.stdout.write(`\n${summary}\n`)
    const failures = lines.filter((line) => !line.startsWith('{') && !line.startsWith('property seed'))
    assert.is(run.status, 0, `${failures.join('\n')}\n${run.stderr}`)
    const { cases, taken } = JSON.parse(summary) as { cases: number; taken: number }
    assert.ok(cases > 100 && taken > 10, summary)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test.run()
