// Plants faults in assembly/, one at a time, and reports which of them the tests notice.
//   node scripts/mutate-wasm.mjs [--count 60] [--seed 1] [--only FILE] [--limit SECONDS (at least)] [--cases 360]
// Works in a temporary copy. Each faulty core (scripts/faults.mjs) first meets a fixed sample of property-test cases,
// compared with what the reference says; what survives meets the tests of test/engine, test/conntrack and test/pinned.
// Longer than the limit means caught: a faulty core may loop for ever. A fault that gives the same code, or none, is not
// counted.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { main as asc } from 'assemblyscript/asc'
import { Checker } from './checker.mjs'
import { faultsIn, isPlanted } from './faults.mjs'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    limit: { type: 'string', default: '20' },
    cases: { type: 'string', default: '360' },
  },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'mutate-wasm-'))
for (const name of ['assembly', 'src', 'test', 'scripts', 'package.json', 'asconfig.json', 'tsconfig.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true })
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))

// Little optimised: quicker to build, and what it means is the same.
const config = JSON.parse(readFileSync(join(copy, 'asconfig.json'), 'utf8'))
config.targets.mutant = { ...config.targets.release, outFile: 'mutant.wasm', optimizeLevel: 1, converge: false }

/** Sources by path: read once, but for the one that has a fault. */
const sources = new Map([[join(copy, 'asconfig.json'), JSON.stringify(config)]])

function source(path) {
  let text = sources.get(path)
  if (text === undefined) {
    try {
      text = readFileSync(path, 'utf8')
    } catch {
      text = null
    }
    sources.set(path, text)
  }
  return text
}

/** Builds the core of the sources; null when it does not compile. */
async function build() {
  let core = null
  const { error } = await asc(['--target', 'mutant', '--baseDir', copy], {
    stdout: { write() {} },
    stderr: { write() {} },
    readFile: (name, base) => source(resolve(base, name.replace(/\.js\.ts$/, '.ts'))),
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) core = Buffer.from(contents)
    },
    listFiles: () => [],
  })
  return error ? null : core
}

/** A generator of numbers below n (mulberry32), so that a seed names its faults. */
function random(seed) {
  let a = seed >>> 0
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const NODE = ['--single-threaded-gc', '--import', 'tsx']
const CORPUS = [...NODE, 'test/property/corpus.ts']
const run = (args, seconds) =>
  spawnSync(process.execPath, args, {
    cwd: copy,
    timeout: Math.round(seconds * 1000),
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  })
const say = (text) => process.stderr.write(`${text} (${(performance.now() / 1000).toFixed(0)} s)\n`)

/** Does a test of the engine notice? `where` as a checker says it. */
function tests(core, limit) {
  const build = join(copy, 'build', 'nodeplane.wasm')
  cpSync(core, build, { recursive: true })
  run(['scripts/wasm.mjs'], 60)
  const done = run([...NODE, 'test/run.ts', 'engine/', 'conntrack/', 'pinned'], limit)
  if (done.error) return 'time'
  return done.status === 0 ? null : (/ {3}FAIL {2}.*/.exec(done.stdout)?.[0].trim() ?? 'tests')
}

const sound = await build()
if (sound === null) throw new Error('assembly/ does not compile')
writeFileSync(join(copy, 'core.wasm'), sound)
say('writing the corpus')
const written = run([...CORPUS, 'write', 'corpus.bin', values.cases, values.seed], 3600)
if (written.status !== 0) throw new Error(`the corpus cannot be written: ${written.stderr}`)
const checker = new Checker([...CORPUS, 'serve', 'corpus.bin'], copy)
const clean = await checker.check('core.wasm', 3600)
if (clean.where !== null) throw new Error(`the core as it is fails the corpus: ${clean.where}`)
const limit = Math.max(Number(values.limit), 4 * clean.seconds)
let began = performance.now()
const cleanTests = tests(join(copy, 'core.wasm'), 3600)
if (cleanTests !== null) throw new Error(`the core as it is fails the tests: ${cleanTests}`)
let testLimit = 20 * ((performance.now() - began) / 1000)
say('the core as it is passes')

const pool = readdirSync(join(copy, 'assembly'), { recursive: true, encoding: 'utf8' })
  .filter((file) => isPlanted(file) && file.includes(values.only))
  .sort()
  .flatMap((file) => faultsIn(file, source(join(copy, 'assembly', file))).map((fault) => ({ file, ...fault })))
const pick = random(Number(values.seed))
const survivors = []
let counted = 0
let late = 0
while (counted < Number(values.count) && pool.length > 0) {
  const [fault] = pool.splice(pick(pool.length), 1)
  const path = join(copy, 'assembly', fault.file)
  const before = source(path)
  const lines = before.split('\n')
  lines[fault.line - 1] = fault.text
  sources.set(path, lines.join('\n'))
  const core = await build()
  sources.set(path, before)
  if (core === null || core.equals(sound)) continue
  writeFileSync(join(copy, 'core.wasm'), core)
  counted++
  let { where, case: number } = await checker.check('core.wasm', limit)
  let how = where === null ? '' : where === 'time' ? 'time' : `case ${number}`
  if (where === null) {
    began = performance.now()
    where = tests(join(copy, 'core.wasm'), testLimit)
    if (where !== null) {
      how = where === 'time' ? 'time' : 'tests'
      late++
    }
    // A slow machine is no loop.
    else testLimit = Math.max(testLimit, 8 * ((performance.now() - began) / 1000))
  }
  const place = `assembly/${fault.file}:${fault.line}`
  process.stderr.write(
    `${String(counted).padStart(3)} ${(how || 'SURVIVED').padEnd(8)} ${place}  ${fault.was}  ->  ${fault.text.trim()}\n`,
  )
  if (how === '') survivors.push({ place, ...fault })
}
checker.stop()
const caught = counted - survivors.length
process.stdout.write(
  `${caught} of ${counted} faults caught (${((100 * caught) / counted).toFixed(1)} %), ${late} of them only by tests; seed ${values.seed}, ${pool.length} faults not tried\n`,
)
for (const s of survivors) process.stdout.write(`survived ${s.place}\n  - ${s.was}\n  + ${s.text.trim()}\n`)
process.exit(caught / counted < 0.8 ? 1 : 0)
