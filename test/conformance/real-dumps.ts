// Dumps of real nodes: every NAME.rules is read and printed back and must be NAME.saved, what iptables-legacy-save printed
// after loading it. A dump without .saved is one that iptables refuses: it must be refused here. A dump with matches or
// targets that the model does not hold must be refused at their places, and is counted as not covered, by name.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FaultError, formatFault } from '../../src/net/fault.js'
import { formatRules } from '../../src/netfilter/fmt.js'

/** What became of the dumps of a folder. */
export interface RealDumps {
  readonly passed: number
  readonly failed: { name: string; expected: string; got: string }[]
  readonly notCovered: { name: string; reason: string }[]
}

const UNSUPPORTED = /^the (match|target) "[^"]*" is not supported$/

/** Tables by name: the tool prints them in the order in which the kernel happened to load them. */
function sortedTables(text: string): string[] {
  const rules = text.split('\n').filter((l) => l !== '' && !l.startsWith('#'))
  const tables = rules.map((l) => `${l}\n`).join('')
  return tables
    .split(/(?<=^COMMIT\n)/m)
    .sort()
    .join('')
    .split('\n')
}

function difference(name: string, expected: string[], got: string[]): RealDumps['failed'] {
  const at = expected.findIndex((line, i) => line !== got[i])
  if (at < 0 && expected.length === got.length) return []
  const line = at < 0 ? expected.length : at
  return [{ name, expected: expected[line] ?? '(nothing more)', got: got[line] ?? '(nothing more)' }]
}

/** Runs all dumps of a folder. A file whose name has `ip6` in it is one of ip6tables. */
export function runRealDumps(dir: string): RealDumps {
  const files = readdirSync(dir)
  let passed = 0
  const failed: { name: string; expected: string; got: string }[] = []
  const notCovered: { name: string; reason: string }[] = []
  for (const file of files.filter((f) => f.endsWith('.rules')).sort()) {
    const name = file.slice(0, -'.rules'.length)
    const saved = files.includes(`${name}.saved`) ? readFileSync(join(dir, `${name}.saved`), 'utf8') : undefined
    let printed: string
    try {
      printed = formatRules(readFileSync(join(dir, file), 'utf8'), {
        file,
        family: name.includes('ip6') ? 'ipv6' : 'ipv4',
      })
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      const placed = error.faults.every((f) => f.line > 0 && UNSUPPORTED.test(f.message) && f.column > 0)
      if (saved === undefined) passed++
      else if (placed) notCovered.push({ name, reason: error.faults.map(formatFault).join('; ') })
      else failed.push({ name, expected: 'a rule set that can be read', got: error.message })
      continue
    }
    const wrong =
      saved === undefined
        ? [{ name, expected: 'to be refused', got: 'was read' }]
        : difference(name, sortedTables(saved), sortedTables(printed))
    failed.push(...wrong)
    if (wrong.length === 0) passed++
  }
  return { passed, failed, notCovered }
}
