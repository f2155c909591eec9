// Damaged images are refused by name or harmless: a child process damages thousands of them and runs packets through
// what passes, so that a trap or a hang is that child's. scripts/nightly.sh does a million.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as L from '../../assembly/layout.js'
import { sectionTable } from '../../src/compile/image.js'
import { SEED } from '../property/support.js'
import { bases } from './damaged-images.js'

const test = suite('fuzz: damaged images')
const script = fileURLToPath(new URL('./damage-images.ts', import.meta.url))
const COUNT = process.env['FC_RUNS'] === undefined ? 5000 : Math.min(5000, 80 * Number(process.env['FC_RUNS']))

test('every section stands in some of the images that are damaged', () => {
  const sections = Object.entries(L as unknown as Record<string, number>).filter(
    ([name]) => /^SECTION_/.test(name) && !/_(ID_MAX|BYTES)$/.test(name),
  )
  assert.ok(sections.length > 20)
  const missing = new Map(sections.map(([name, id]) => [id, name]))
  for (let seed = 0; seed < 40 && missing.size > 0; seed++)
    for (const { image } of bases(2, seed)) for (const id of sectionTable(image.bytes).keys()) missing.delete(id)
  assert.equal([...missing.values()], [])
})

test(`${COUNT} damaged images: refused or harmless`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
  const note = join(dir, 'case')
  try {
    const run = spawnSync(
      process.execPath,
      ['--import', 'tsx', script, String(COUNT), String(Math.abs(SEED) % 1_000_000)],
      { encoding: 'utf8', timeout: 600_000, killSignal: 'SIGKILL', env: { ...process.env, FUZZ_CASE: note } },
    )
    if (run.error) assert.unreachable(`stopped while ${readFileSync(note, 'utf8').trim()} ran`)
    const lines = run.stdout.trim().split('\n')
    process.stdout.write(`\n${lines.find((line) => line.startsWith('{')) ?? ''}\n`)
    const failures = lines.filter((line) => !line.startsWith('{') && !line.startsWith('property seed'))
    assert.is(run.status, 0, `${failures.join('\n')}\n${run.stderr}`)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test.run()
