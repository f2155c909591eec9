// `npm run test:conformance -- DIR …`: runs every case below the given folders, with both engines where packets are
// sent, prints a line per folder and each failure; fails on a check kind that it does not know and on finding nothing.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Engine } from '../../src/engine/index.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { runKubeproxy } from './kubeproxy.js'
import { findOracleCases, runOracleCases } from './oracle-cases.js'
import { runRealDumps } from './real-dumps.js'
import { type ConformanceResult, printResult } from './report.js'

const ENGINES = [
  ['engine', (ns: ConstructorParameters<typeof Engine>[0]) => new Engine(ns)],
  ['reference', (ns: ConstructorParameters<typeof ReferenceEngine>[0]) => new ReferenceEngine(ns)],
] as const

/** Folders that hold cases of parts that do not exist yet, counted by name. */
const NOT_YET: Readonly<Record<string, string>> = {
  dns: 'name resolution is not built yet',
  cni: 'CNI plugins are not built yet',
  walk: 'the walk through a cluster is not built yet',
  netpol: 'NetworkPolicy is not built yet',
}

/** Folders named `name` in `dir` or one level below it. */
function folders(dir: string, name: string): string[] {
  if (basename(dir) === name) return [dir]
  return [dir, ...children(dir)].map((d) => join(d, name)).filter((d) => existsSync(d))
}

const children = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => join(dir, e.name))

/** All results for one folder. */
export function runFolder(dir: string): ConformanceResult[] {
  const results: ConformanceResult[] = []
  for (const path of folders(dir, 'kubeproxy'))
    for (const [name, make] of ENGINES) {
      const result = runKubeproxy(path, make)
      results.push({ ...result, name: `kubeproxy (${name})` })
    }
  for (const [folder, reason] of Object.entries(NOT_YET))
    for (const path of folders(dir, folder)) {
      const names = readdirSync(path).filter((f) => f.endsWith('.json'))
      const cases = names.flatMap((f) => {
        const parsed: unknown = JSON.parse(readFileSync(join(path, f), 'utf8'))
        const list = Array.isArray(parsed) ? parsed : ((parsed as { cases?: unknown[] }).cases ?? [parsed])
        return list.map((_, i) => `${folder}/${f}#${i + 1}`)
      })
      results.push({
        name: folder,
        passed: 0,
        failed: [],
        notCovered: cases.map((name) => ({ name, reason })),
        counts: { files: names.length, cases: cases.length },
      })
    }
  if (findOracleCases(dir).length > 0) for (const [name, make] of ENGINES) results.push(runOracleCases(dir, name, make))
  for (const path of folders(dir, 'real')) {
    const { passed, failed, notCovered } = runRealDumps(path)
    results.push({
      name: 'real dumps',
      passed,
      failed: failed.map((f) => ({ file: path, ...f })),
      notCovered,
      counts: { dumps: passed + failed.length + notCovered.length },
    })
  }
  return results
}

/** The folders to run when none is given: those that are there. */
export function defaultFolders(): string[] {
  return ['../shared/facts', '../shared/oracle/cases', '../shared/data'].filter((d) => existsSync(d))
}

if (process.argv[1]?.endsWith('run.ts') && process.argv[1].includes('conformance')) {
  const given = process.argv.slice(2)
  const dirs = given.length > 0 ? given : defaultFolders()
  const missing = dirs.filter((d) => !existsSync(d))
  for (const d of missing) process.stderr.write(`${d}: no such folder\n`)
  const results = dirs.filter((d) => existsSync(d)).flatMap(runFolder)
  for (const result of results) printResult(result, (line) => process.stdout.write(`${line}\n`))
  const passed = results.reduce((n, r) => n + r.passed, 0)
  const failed = results.reduce((n, r) => n + r.failed.length, 0)
  if (results.length === 0) process.stderr.write('no case was found\n')
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  process.exitCode = missing.length > 0 ? 2 : failed > 0 || results.length === 0 ? 1 : 0
}
