// Runs case directories (host.json, rules.v4, rules.v6, packets.jsonl, expect.jsonl) through a data plane and
// compares each packet's answer with what the case expects of the kernel.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { FaultError } from '../../src/net/fault.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { runScript } from '../../src/netns/script.js'
import { readOracleCase } from '../support/oracle-case.js'
import { mismatches } from './expect.js'
import type { ConformanceResult } from './report.js'

/** Directories below `dir` that hold an expect.jsonl. */
export function findOracleCases(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((f) => basename(f) === 'expect.jsonl')
    .map((f) => join(dir, f, '..'))
    .sort()
}

export function runOracleCases(
  dir: string,
  engineName: string,
  makeDataPlane: (ns: NetworkNamespace) => DataPlane,
): ConformanceResult {
  const result: ConformanceResult = {
    name: `oracle (${engineName})`,
    passed: 0,
    failed: [],
    notCovered: [],
    counts: { cases: 0, packets: 0 },
  }
  for (const path of findOracleCases(dir)) {
    const name = basename(path)
    const notYet = notEvaluated(path)
    if (notYet) {
      result.notCovered.push({ name, reason: notYet })
      continue
    }
    result.counts['cases'] = (result.counts['cases'] ?? 0) + 1
    try {
      runCase(path, name, makeDataPlane, result)
    } catch (error) {
      if (error instanceof FaultError)
        result.notCovered.push({ name, reason: `refused: ${error.message.slice(0, 160)}` })
      else throw error
    }
  }
  return result
}

function runCase(
  path: string,
  name: string,
  make: (ns: NetworkNamespace) => DataPlane,
  result: ConformanceResult,
): void {
  const { namespace, packets } = readOracleCase(path)
  const file = join(path, 'packets.jsonl')
  const dataPlane = make(namespace)
  const byId = new Map<unknown, Record<string, unknown>>()
  for (const answer of runScript(readPacketLines(packets, { file }), dataPlane, { file, ct: true, trace: true }))
    byId.set(answer.id, answer as unknown as Record<string, unknown>)
  for (const line of readFileSync(join(path, 'expect.jsonl'), 'utf8').split('\n')) {
    if (line.trim() === '') continue
    const expected = JSON.parse(line) as Record<string, unknown>
    // The kernel limits how many answers it sends, over the whole machine; skipped packets were never sent.
    if (expected['limited'] === true || expected['verdict'] === undefined) continue
    result.counts['packets'] = (result.counts['packets'] ?? 0) + 1
    const got = byId.get(expected['id'])
    const bad = mismatches(expected, got, byId)
    if (bad.length === 0) result.passed++
    else
      result.failed.push({
        file: path,
        name: `${name} packet ${String(expected['id'])}`,
        expected,
        got: { problems: bad, answer: got },
      })
  }
}

/** Why a case's kind of traffic is not evaluated yet; undefined when it is. */
function notEvaluated(path: string): string | undefined {
  const meta = join(path, 'meta.json')
  if (existsSync(meta) && /real_stack/.test(readFileSync(meta, 'utf8'))) return "the host's own sockets answer"
  return undefined
}
