// Every `@example expression // value` above an exported function of src/ is run: the value on the right is what the
// expression on the left gives. So a docstring cannot lie for long.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../', import.meta.url))
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.ts') && !f.endsWith('wasm-bytes.ts'))
  .map((f) => join('src', f))

interface Example {
  file: string
  line: number
  expression: string
  value: string
}

function examplesOf(file: string): Example[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  return lines.flatMap((text, i) => {
    const m = /^\s*(?:\/\*)?\*+\s*@example\s+(.+?)\s+\/\/\s+(.+?)(?:\s*\*\/)?\s*$/.exec(text)
    return m ? [{ file, line: i + 1, expression: m[1] as string, value: m[2] as string }] : []
  })
}

const all = files.flatMap(examplesOf)
const examples = suite('examples in docstrings')

examples('there are some, and each is in the form that is run', () => {
  assert.ok(all.length >= 10, `only ${all.length} examples`)
  for (const file of files) {
    const written = readFileSync(join(root, file), 'utf8').match(/@example/g)?.length ?? 0
    assert.is(examplesOf(file).length, written, `${file}: an @example is not of the form \`expression // value\``)
  }
})

for (const example of all)
  examples(`${example.file}:${example.line}`, async () => {
    const module = (await import(pathToFileURL(join(root, example.file)).href)) as Record<string, unknown>
    const names = Object.keys(module)
    const evaluate = (code: string): unknown =>
      new Function(...names, `'use strict'; return (${code})`)(...names.map((n) => module[n]))
    if (example.value.startsWith('throws ')) {
      assert.throws(
        () => evaluate(example.expression),
        (error: unknown) => String(error).includes(example.value.slice(7).replace(/^['"]|['"]$/g, '')),
      )
      return
    }
    assert.equal(evaluate(example.expression), evaluate(example.value), example.expression)
  })

examples.run()
