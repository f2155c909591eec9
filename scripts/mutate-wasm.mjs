// Plants faults in assembly/, one at a time, and reports which of them the tests notice.
//   node scripts/mutate-wasm.mjs [--count 60] [--seed 1] [--only FILE] [--limit SECONDS (at least)] [--cases 360]
// Works in a temporary copy. A fault: an operator exchanged, a comparison moved or turned round, a constant changed, a
// condition negated, a statement left out. Each faulty core first meets a fixed sample of property-test cases, compared
// with what the reference says; what survives meets the tests of test/engine and test/pinned. Longer than the limit
// means caught: a faulty core may loop for ever. A fault that gives the same code, or none, is not counted.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    limit: { type: 'string', default: '60' },
    cases: { type: 'string', default: '360' },
  },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'mutate-wasm-'))
for (const name of ['assembly', 'src', 'test', 'scripts', 'package.json', 'asconfig.json', 'tsconfig.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true })
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))

/** Exchanges of operators: from, to. Spaces around them keep types and generics out. */
const EXCHANGES = [
  [' === ', ' !== '],
  [' !== ', ' === '],
  [' < ', ' <= '],
  [' <= ', ' < '],
  [' > ', ' >= '],
  [' >= ', ' > '],
  [' && ', ' || '],
  [' || ', ' && '],
  [' + ', ' - '],
  [' - ', ' + '],
  [' * ', ' + '],
  [' & ', ' | '],
  [' | ', ' & '],
  [' ^ ', ' | '],
  [' << ', ' >> '],
  [' >> ', ' << '],
  [' += ', ' -= '],
  ['return true', 'return false'],
  ['return false', 'return true'],
]

/** Every fault that can be planted in one line: what the line becomes. */
function faultsOf(line) {
  const end = line.search(/\s*\/\//)
  const [code, rest] = end < 0 ? [line, ''] : [line.slice(0, end), line.slice(end)]
  const faults = []
  const put = (at, length, text) => faults.push(code.slice(0, at) + text + code.slice(at + length) + rest)
  for (const [from, to] of EXCHANGES)
    for (let at = code.indexOf(from); at >= 0; at = code.indexOf(from, at + 1)) put(at, from.length, to)
  for (const m of code.matchAll(/(?<![\w.$])(\d+|0x[0-9a-f]+)(?![\w.])/gi)) {
    // "Is there one?" is asked of addresses and flags that are never 1: the exchanges above turn the question round.
    if (/[!=]== $/.test(code.slice(0, m.index)) && m[0] === '0') continue
    put(m.index, m[0].length, `${Number(m[0]) + 1}`)
  }
  const condition = /^(\s*(?:\} else )?if )\((.*)\)( \{| .+)?$/.exec(code)
  if (condition && balanced(condition[2]))
    faults.push(`${condition[1]}(!(${condition[2]}))${condition[3] ?? ''}${rest}`)
  if (/^\s+(store<\w+>|memory\.\w+|[A-Z]\w*\.\w+|[a-z]\w*)\(.*\)$/.test(code))
    faults.push(`${/^\s*/.exec(code)[0]}{}${rest}`)
  return faults
}

function balanced(text) {
  let depth = 0
  for (const c of text) {
    if (c === '(') depth++
    else if (c === ')' && --depth < 0) return false
  }
  return depth === 0
}

/** Constants (tests of their own), and reading ahead, of which nothing but speed can be seen. */
const UNSEEN = ['layout.ts', 'ahead.ts']

function allFaults() {
  const found = []
  const files = readdirSync(join(copy, 'assembly')).filter((f) => f.endsWith('.ts') && !UNSEEN.includes(f))
  for (const file of files.filter((f) => f.includes(values.only))) {
    let skipping = false
    for (const [i, line] of readFileSync(join(copy, 'assembly', file), 'utf8')
      .split('\n')
      .entries()) {
      if (/^import\b/.test(line)) skipping = true
      if (!skipping && !/^\s*(\/\/|\/?\*|export (class|function)|static|private static|function|class)/.test(line))
        for (const text of faultsOf(line)) found.push({ file, line: i + 1, was: line.trim(), text })
      if (skipping && /from ['"]/.test(line)) skipping = false
    }
  }
  return found
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

const run = (args, seconds, env = {}) =>
  spawnSync(process.execPath, args, {
    cwd: copy,
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })

// Little optimised: quicker to build, and what it means is the same.
const config = JSON.parse(readFileSync(join(copy, 'asconfig.json'), 'utf8'))
config.targets.mutant = { ...config.targets.release, optimizeLevel: 1, converge: false }
writeFileSync(join(copy, 'asconfig.json'), JSON.stringify(config))

/** Builds the core of the copy; null when it does not compile. */
function build(out) {
  const done = run(['scripts/asc.mjs', '--target', 'mutant', '--outFile', out], 120)
  return done.status === 0 ? readFileSync(join(copy, out)) : null
}

let limit = 600
const seconds = () => (performance.now() / 1000).toFixed(0)
const sound = build('sound.wasm')
if (sound === null) throw new Error('assembly/ does not compile')
process.stderr.write(`writing the corpus (${seconds()} s)\n`)
const corpus = run(
  ['--import', 'tsx', 'test/property/corpus.ts', 'write', 'corpus.bin', values.cases, values.seed],
  900,
)
if (corpus.status !== 0) throw new Error(`the corpus cannot be written: ${corpus.stderr}`)
const check = (core) => run(['--import', 'tsx', 'test/property/corpus.ts', 'check', 'corpus.bin', core], limit)
const began = performance.now()
const clean = check('sound.wasm')
// A slow machine is no loop.
limit = Math.max(Number(values.limit), Math.ceil((4 * (performance.now() - began)) / 1000))
if (clean.status !== 0) throw new Error(`the core as it is fails the corpus: ${clean.stdout}${clean.stderr}`)
process.stderr.write(`the core as it is passes (${seconds()} s)\n`)

const pool = allFaults()
const pick = random(Number(values.seed))
const survivors = []
let counted = 0
let late = 0
while (counted < Number(values.count) && pool.length > 0) {
  const [fault] = pool.splice(pick(pool.length), 1)
  const path = join(copy, 'assembly', fault.file)
  const before = readFileSync(path, 'utf8')
  const lines = before.split('\n')
  lines[fault.line - 1] = fault.text
  writeFileSync(path, lines.join('\n'))
  const core = build('mutant.wasm')
  if (core !== null && !core.equals(sound)) {
    counted++
    let how = ''
    const first = check('mutant.wasm')
    if (first.status !== 0) how = first.error ? 'time' : 'cases'
    else {
      cpSync(join(copy, 'mutant.wasm'), join(copy, 'build', 'nodeplane.wasm'), { recursive: true })
      run(['scripts/wasm.mjs'], 30)
      const second = run(['--import', 'tsx', 'test/run.ts', 'test/engine', 'engine/', 'pinned'], limit)
      if (second.status !== 0) {
        how = second.error ? 'time' : 'tests'
        late++
      }
    }
    const place = `assembly/${fault.file}:${fault.line}`
    process.stderr.write(
      `${String(counted).padStart(3)} ${(how || 'SURVIVED').padEnd(8)} ${place}  ${fault.was}  ->  ${fault.text.trim()}\n`,
    )
    if (how === '') survivors.push({ place, ...fault })
  }
  writeFileSync(path, before)
}
rmSync(copy, { recursive: true, force: true })
const caught = counted - survivors.length
process.stdout.write(
  `${caught} of ${counted} faults caught (${((100 * caught) / counted).toFixed(1)} %), ${late} of them only by test/engine; seed ${values.seed}, ${pool.length} faults not tried\n`,
)
for (const s of survivors) process.stdout.write(`survived ${s.place}\n  - ${s.was}\n  + ${s.text.trim()}\n`)
process.exit(caught / counted < 0.8 ? 1 : 0)
