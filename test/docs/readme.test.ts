// The README is a promise: every command in a ```console block prints just what is shown below it, and every ```js
// block runs. `$ nodeplane …` is run from the checkout; `…` on a line of its own stands for lines that are left out.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkConsole, codeBlocks } from './console.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = codeBlocks(readme)

const ENTRIES: Readonly<Record<string, string>> = {
  nodeplane: 'src/index.ts',
  'nodeplane/node': 'src/netns/node/index.ts',
  'nodeplane/kube-reader': 'src/kube/reader/index.ts',
  'nodeplane/arbitraries': 'src/arbitraries/index.ts',
}

const docs = suite('README')

docs('shows commands and code', () => {
  assert.ok(blocks.filter((b) => b.language === 'console').length >= 2)
  assert.ok(blocks.filter((b) => b.language === 'js').length >= 1)
})

for (const block of blocks.filter((b) => b.language === 'console'))
  docs(`line ${block.line}: the command prints what is shown`, () => void checkConsole(block.text))

for (const block of blocks.filter((b) => b.language === 'js'))
  docs(`line ${block.line}: the code runs`, () => {
    const dir = mkdtempSync(join(root, 'build', 'readme-'))
    try {
      const code = block.text.replace(/from '(nodeplane[^']*)'/g, (whole, name: string) =>
        ENTRIES[name] ? `from '${pathToFileURL(join(root, ENTRIES[name])).href}'` : whole,
      )
      const file = join(dir, 'snippet.mts')
      writeFileSync(file, code)
      const ran = spawnSync(process.execPath, ['--import', 'tsx', file], { cwd: root, encoding: 'utf8' })
      assert.is(ran.status, 0, ran.stderr)
      // What a line says it logs, it logs.
      const promised = [...block.text.matchAll(/console\.log\(.*\)\s*\/\/ (.*)$/gm)].map((m) => m[1])
      assert.equal(ran.stdout.trimEnd().split('\n').slice(0, promised.length), promised)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

docs.run()
