// The AssemblyScript compiler, with the command line of asc, reading import names as TypeScript and Node do: './x.js' is
// x.ts beside it. assembly/layout.ts is compiled by all three, and asc alone would look for x.js.ts.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { main } from 'assemblyscript/asc'

const { error } = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  readFile: (name, base) => readFile(resolve(base, name.replace(/\.js\.ts$/, '.ts')), 'utf8').catch(() => null),
})
if (error) process.exitCode = 1
