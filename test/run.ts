// Runs every test/**/*.test.ts in this process (uvu), one after the other, and ends with `N passed, N failed`.
// Arguments filter by path: `node --import tsx test/run.ts netfilter reference`.
// A file without a test, and a run without any test, is a failure. Each file also runs alone: `node --import tsx FILE`.
import { readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'

// FC_SEED makes every property repeatable, also those that name no seed of their own.
if (process.env['FC_SEED']) fc.configureGlobal({ seed: Number(process.env['FC_SEED']) })

/** Resolves to [errors as text or true, tests passed, tests skipped, tests]. */
type UvuRun = () => Promise<[string | true, number, number, number]>

const root = fileURLToPath(new URL('.', import.meta.url))
const filters = process.argv.slice(2)
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.test.ts'))
  .sort()
  .filter((f) => filters.length === 0 || filters.some((x) => f.includes(x)))

let passed = 0
let failed = 0
let skipped = 0
const started = process.hrtime.bigint()
for (const file of files) {
  // uvu collects suites in globals when UVU_DEFER is set; this drives one file at a time.
  const globals = globalThis as unknown as { UVU_DEFER: number; UVU_QUEUE: UvuRun[][]; UVU_INDEX: number }
  globals.UVU_DEFER = 1
  globals.UVU_QUEUE = [[]]
  globals.UVU_INDEX = 0
  const begin = process.hrtime.bigint()
  let total = 0
  let done = 0
  let skips = 0
  let report = ''
  try {
    await import(pathToFileURL(root + file).href)
    for (const run of globals.UVU_QUEUE[0] ?? []) {
      const [errors, ran, skippedHere, all] = await run()
      if (typeof errors === 'string') report += errors
      done += ran
      skips += skippedHere
      total += all
    }
  } catch (error) {
    report += `  ${error instanceof Error ? error.stack : String(error)}\n`
    total += 1
  }
  const ms = Number((process.hrtime.bigint() - begin) / 1_000_000n)
  if (total === 0) {
    report += '  no test in this file\n'
    total = 1
  }
  passed += done
  skipped += skips
  const bad = total - done
  failed += bad
  process.stdout.write(
    `\n${bad ? 'FAIL' : 'ok  '} ${relative(process.cwd(), root + file)} (${done}/${total}, ${ms} ms)\n`,
  )
  if (report) process.stdout.write(`${report}\n`)
}
const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000
if (passed + failed === 0) {
  process.stdout.write('no test was run\n')
  failed = 1
}
process.stdout.write(`\n${files.length} files, ${seconds.toFixed(1)} s${skipped ? `, ${skipped} skipped` : ''}\n`)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed ? 1 : 0)
