// Every incident of examples/incidents: the commands of its README print what it shows, the failure first, then what ends it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkConsole, codeBlocks } from './console.js'

const dir = fileURLToPath(new URL('../../examples/incidents/', import.meta.url))
const folders = readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []))
const incidents = suite('incidents')

incidents('the list names each, and there are six', () => {
  const list = readFileSync(join(dir, 'README.md'), 'utf8')
  assert.is(folders.length, 6)
  for (const folder of folders) assert.match(list, `(${folder}/README.md)`)
})

for (const folder of folders)
  incidents(folder, () => {
    const blocks = codeBlocks(readFileSync(join(dir, folder, 'README.md'), 'utf8')).filter(
      (b) => b.language === 'console',
    )
    assert.ok(blocks.length >= 2, 'a failure and what ends it')
    for (const block of blocks) assert.ok(checkConsole(block.text) > 0)
  })

incidents.run()
