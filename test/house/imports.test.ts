// Data flows one way: a room of src/ imports only from rooms above it; reference/ shares nothing with what it judges;
// what the core entry reaches has no Node built-in and no package.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Top to bottom. */
const ROOMS = ['net', 'netfilter', 'netns', 'kube', 'compile', 'engine', 'reference', 'arbitraries', 'cli']

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.ts') && !f.endsWith('wasm-bytes.ts'))
  .map((f) => join('src', f))

/** Every module named by an import or export line of a file, type-only ones included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map((m) => (m[1] ?? m[2] ?? m[3]) as string)
}

const target = (file: string, name: string): string =>
  relative(root, normalize(join(root, dirname(file), name))).replace(/\.js$/, '.ts')
const roomOf = (file: string): string => (file.split('/').length > 2 ? (file.split('/')[1] as string) : '')

const imports = suite('imports')

imports('every room is known', () => {
  const rooms = new Set(files.map(roomOf).filter((r) => r !== ''))
  for (const room of rooms) assert.ok(ROOMS.includes(room), `src/${room}/ has no place in the order of rooms`)
})

imports('a room imports only from rooms above it', () => {
  for (const file of files) {
    const here = ROOMS.indexOf(roomOf(file))
    if (here < 0) continue
    for (const name of importsOf(file).filter((n) => n.startsWith('.'))) {
      const other = target(file, name)
      if (other === 'assembly/layout.ts') continue
      assert.ok(other.startsWith('src/'), `${file} imports ${other}`)
      const there = ROOMS.indexOf(roomOf(other))
      assert.ok(there >= 0 && there <= here, `${file} imports ${other}, which is below it`)
    }
  }
})

imports('the reference shares nothing with the engine', () => {
  for (const file of files.filter((f) => roomOf(f) === 'reference'))
    for (const name of importsOf(file)) {
      const other = name.startsWith('.') ? target(file, name) : name
      assert.not.ok(/^src\/(compile|engine|kube)\/|^assembly\//.test(other), `${file} imports ${other}`)
    }
})

imports('the core entry reaches no Node built-in and no package', () => {
  const seen = new Set<string>()
  const queue = ['src/index.ts']
  while (queue.length) {
    const file = queue.pop() as string
    if (seen.has(file)) continue
    seen.add(file)
    if (file.endsWith('wasm-bytes.ts')) continue
    for (const name of importsOf(file)) {
      assert.ok(name.startsWith('.'), `${file}, reached from the core entry, imports ${name}`)
      queue.push(target(file, name))
    }
  }
  assert.ok(seen.size > 10, 'the core entry reaches the library')
})

imports.run()
