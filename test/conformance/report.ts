// What every conformance module hands back, and how it is printed.

export interface ConformanceFailure {
  file: string
  name: string
  expected: unknown
  got: unknown
}

export interface ConformanceResult {
  /** The folder's name in the report. */
  name: string
  passed: number
  failed: ConformanceFailure[]
  /** Cases that nothing here evaluates yet, by name. */
  notCovered: { name: string; reason: string }[]
  /** What was run, e.g. `{ files: 28, flows: 159 }`. */
  counts: Record<string, number>
}

const short = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
  return text.length > 600 ? `${text.slice(0, 600)} …` : text
}

/** A line per folder, then each failure with file, name, expected and got, then what is not covered, by name. */
export function printResult(result: ConformanceResult, print: (line: string) => void): void {
  const counts = Object.entries(result.counts).map(([what, n]) => `${n} ${what}`)
  print(
    `${result.name}: ${counts.join(', ')}: ${result.passed} passed, ${result.failed.length} failed, ${result.notCovered.length} not covered`,
  )
  for (const f of result.failed)
    print(`  FAILED ${f.file}: ${f.name}\n    expected ${short(f.expected)}\n    got      ${short(f.got)}`)
  const byReason = new Map<string, string[]>()
  for (const n of result.notCovered) byReason.set(n.reason, [...(byReason.get(n.reason) ?? []), n.name])
  for (const [reason, names] of byReason) {
    const shown =
      names.length > 12 ? `${names.slice(0, 12).join(', ')} … and ${names.length - 12} more` : names.join(', ')
    print(`  not covered (${reason}): ${shown}`)
  }
}
