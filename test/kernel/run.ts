// Random cases through the kernel and both engines: `npm run test:kernel -- --cases N --seed S`.
//   --family 4|6   --backend legacy|nft|both (each in turn)   --jobs N   --keep FOLDER   --first N   --verbose
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Capabilities } from './capable.js'
import { type NamedCase, randomCases } from './cases.js'
import { compareRun } from './compare.js'
import { Machine, MachineError } from './machine.js'
import { type KernelRun, playKernel } from './play.js'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    family: { type: 'string' },
    backend: { type: 'string', default: 'both' },
    jobs: { type: 'string', default: '4' },
    first: { type: 'string', default: '0' },
    keep: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})

let [done, packets, different, refusedCases] = [0, 0, 0, 0]
const refused = new Map<string, number>()
const cases = randomCases(Number(values.cases), {
  seed: Number(values.seed),
  backend: values.backend as 'legacy' | 'nft' | 'both',
  family: values.family === undefined ? undefined : values.family === '6' ? 'ipv6' : 'ipv4',
})
const capable = new Capabilities()
const started = performance.now()

async function one(machine: Machine, it: NamedCase): Promise<void> {
  let run: KernelRun
  try {
    run = await playKernel(machine, { ...it, namespace: await capable.fit(machine, it.namespace, it.backend) })
  } catch (error) {
    if (!(error instanceof MachineError)) throw new Error(`${it.name}: ${(error as Error).stack}`)
    refusedCases++
    process.stdout.write(`REFUSED ${it.name}: ${error.message}\n`)
    return
  }
  for (const line of run.refused)
    refused.set(line.replace(/\d+/g, 'N'), (refused.get(line.replace(/\d+/g, 'N')) ?? 0) + 1)
  done++
  packets += run.packets.length
  const faults = compareRun(run)
  if (faults.length === 0) return
  different++
  process.stdout.write(`DIFFERS ${it.name} (${it.backend})\n  ${faults.slice(0, 12).join('\n  ')}\n`)
  if (values.keep !== undefined) {
    mkdirSync(values.keep, { recursive: true })
    const text = JSON.stringify(it, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v))
    writeFileSync(join(values.keep, `${it.name.replace(/\W+/g, '-')}.json`), text)
  }
}

let at = -1
async function worker(): Promise<void> {
  const machine = new Machine()
  for (let next = cases.next(); !next.done; next = cases.next()) {
    at++
    if (at < Number(values.first)) continue
    await one(machine, next.value)
  }
  machine.close()
}
await Promise.all(Array.from({ length: Number(values.jobs) }, worker))
if (values.verbose)
  for (const [line, n] of [...refused].sort((a, b) => b[1] - a[1])) process.stdout.write(`refused ${n}x: ${line}\n`)
const seconds = (performance.now() - started) / 1000
process.stdout.write(
  `kernel: ${done} cases, ${packets} packets, ${different} differ, ${refusedCases} refused, ${seconds.toFixed(1)} s\n`,
)
process.exit(different > 0 ? 1 : 0)
