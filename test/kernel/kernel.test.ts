// The running kernel is the judge: random namespaces and packets through it and both engines, packet by packet, counter by
// counter, entry by entry. KERNEL_CASES and KERNEL_SEED lengthen and change the run (the nightly script runs 2,000); `npm run test:kernel` has more options.
// The table says what the cases have shown of the rule model; what they never show has to stand in the README.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { haveKernel } from '../support/needs.js'
import { runCases, summary } from './runner.js'

const CASES = Number(process.env['KERNEL_CASES'] ?? 150)
const SEED = Number(process.env['KERNEL_SEED'] ?? 1)
const JOBS = 5
/** The kinds that are without a difference; `npm run test:kernel` has all. */
const KINDS = [
  'conversations',
  'few ends, translated',
  'plain links, many rules',
  "kube-proxy's rules",
  'one condition each',
]

/** What the README's section "Where it differs" names in backticks. */
function excused(): string[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const section = /^## Where it differs\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? ''
  return [...section.matchAll(/`([^`]+)`/g)].map((m) => m[1] as string)
}

const kernel = suite('the kernel and both engines')

if (haveKernel('random cases through the kernel')) {
  kernel(`${CASES} random cases from seed ${SEED}`, async () => {
    const say = (text: string): void => void process.stdout.write(text)
    const totals = await runCases({
      cases: CASES,
      seed: SEED,
      kinds: KINDS,
      backend: 'both',
      jobs: JOBS,
      budget: 60,
      say,
    })
    const { lines, zeros } = totals.table.print()
    say(`\n${lines.join('\n')}\n${summary(totals)}\n`)
    assert.is(totals.different, 0, `${totals.different} cases differ from the kernel: see above`)
    assert.ok(totals.refused * 50 <= CASES, `${totals.refused} of ${CASES} cases were not loaded`)
    assert.ok(totals.fleeting * 50 <= CASES, `${totals.fleeting} of ${CASES} cases differed once`)
    // A short run does not meet everything.
    if (CASES < 300) return
    const known = excused()
    assert.equal(
      zeros.filter((zero) => !known.some((name) => zero === name || zero.startsWith(`${name} `))),
      [],
      'never seen in the kernel, and not named in the README under "Where it differs"',
    )
  })
}
kernel('each difference that is known stands in the README', () => {
  assert.ok(excused().length > 0)
})

kernel.run()
