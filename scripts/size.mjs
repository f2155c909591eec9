// Prints what the core costs a page, raw and gzipped: the bundled core entry (wasm inside) and the .wasm file alone.
// Fails when one passes its budget. Needs `npm run build` before.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Gzipped bytes, about a quarter above what was measured when they were last set. */
const BUDGETS = { 'core entry, minified': 152_000, 'nodeplane.wasm': 19_000 }

const { outputFiles } = await build({
  entryPoints: [at('dist/src/index.js')],
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  write: false,
})
const sizes = {
  'core entry, minified': outputFiles[0].contents,
  'nodeplane.wasm': readFileSync(at('dist/nodeplane.wasm')),
}
for (const [name, bytes] of Object.entries(sizes)) {
  const packed = gzipSync(bytes, { level: 9 }).length
  const over = packed > BUDGETS[name]
  if (over) process.exitCode = 1
  const number = (n) => n.toLocaleString('en').padStart(9)
  console.log(
    `${name.padEnd(22)}${number(bytes.length)} bytes${number(packed)} gzipped, budget${number(BUDGETS[name])}${over ? '  OVER' : ''}`,
  )
}
