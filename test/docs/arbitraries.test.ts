// The example of docs/arbitraries.md runs.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(join(root, 'docs/arbitraries.md'), 'utf8')
const ENTRIES: Readonly<Record<string, string>> = {
  nodeplane: 'src/index.ts',
  'nodeplane/arbitraries': 'src/arbitraries/index.ts',
}

const docs = suite('docs/arbitraries.md')

docs('the example runs', async () => {
  const code = /^```js\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? ''
  assert.ok(code.includes('packetLines'))
  mkdirSync(join(root, 'build'), { recursive: true })
  const dir = mkdtempSync(join(root, 'build', 'docs-'))
  try {
    const text = code.replace(/from '(nodeplane[^']*)'/g, (_, name: string) => {
      return `from ${JSON.stringify(pathToFileURL(join(root, ENTRIES[name] as string)).href)}`
    })
    writeFileSync(join(dir, 'example.mjs'), text)
    await import(pathToFileURL(join(dir, 'example.mjs')).href)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

docs('every generator named exists', async () => {
  const names = [...page.matchAll(/^\| (.*?) \|/gm)].flatMap((row) => [...(row[1] as string).matchAll(/`(\w+)\(/g)])
  const module = (await import('../../src/arbitraries/index.js')) as Record<string, unknown>
  assert.ok(names.length >= 7)
  for (const [, name] of names) assert.type(module[name as string], 'function', name)
})

docs.run()
